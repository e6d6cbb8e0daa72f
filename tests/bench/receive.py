"""Receiving beside storescp and Orthanc, in one run: objects of 1.44 MB by storescu, one sender and four,
without TLS and with; the ceiling is a bare loop of durable writes. Then healthy senders among stalled
ones, and the memory of an association.

  PYTHONPATH=scripts:tests/integration /usr/bin/python3 tests/bench/receive.py BUILD [ROUNDS]

Prints Markdown. As a user who is not root; three rounds take about five minutes on a quiet machine."""
import os
import pathlib
import shutil
import socket
import statistics
import subprocess
import sys
import threading
import time

import numpy
import pydicom
from pydicom.dataset import FileMetaDataset
from pydicom.uid import ExplicitVRLittleEndian, generate_uid

import pdu
from certificates import Authority
from stack import Stack, free_port, run, wait_for

ROUNDS = int(sys.argv[2]) if len(sys.argv) > 2 else 3
STUDIES, PER_STUDY = 30, 10
ULTRASOUND = "1.2.840.10008.5.1.4.1.1.6.1"
CINE = "1.2.840.10008.5.1.4.1.1.3.1"
ENVIRONMENT = {**os.environ, "TCP_NODELAY": "1"}


def uid(number):
    """All of one length, so that one can be written in the place of another."""
    return f"2.25.{10**24 + number}"


def image(path, study, series, number, frames=1):
    data = pydicom.Dataset()
    data.file_meta = FileMetaDataset()
    data.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    data.SOPClassUID = data.file_meta.MediaStorageSOPClassUID = ULTRASOUND if frames == 1 else CINE
    data.SOPInstanceUID = data.file_meta.MediaStorageSOPInstanceUID = uid(number)
    data.StudyInstanceUID, data.SeriesInstanceUID = study, series
    data.PatientID, data.PatientName, data.Modality = "BENCH", "BENCH", "US"
    data.Rows, data.Columns, data.SamplesPerPixel = 600, 800, 3
    data.PhotometricInterpretation, data.PlanarConfiguration = "RGB", 0
    data.BitsAllocated = data.BitsStored = 8
    data.HighBit, data.PixelRepresentation = 7, 0
    if frames > 1:
        data.NumberOfFrames = frames
    data.PixelData = numpy.random.default_rng(number).bytes(600 * 800 * 3 * frames)
    data.is_little_endian, data.is_implicit_VR = True, False
    data.save_as(path, write_like_original=False)


class Objects:
    """The files; every use of them has SOP Instance UIDs that no receiver has seen."""

    def __init__(self, folder):
        self.files, self.next = [], 1
        folder.mkdir()
        for study in range(STUDIES):
            study_uid, series_uid = generate_uid(), generate_uid()
            for _ in range(PER_STUDY):
                path = folder / f"{len(self.files):04d}.dcm"
                image(path, study_uid, series_uid, self.number())
                self.files.append(path)
        self.bytes = sum(path.stat().st_size for path in self.files)

    def number(self):
        self.next += 1
        return self.next

    def renew(self):
        for path in self.files:
            with open(path, "r+b") as file:
                head = file.read(1024)
                new, at = uid(self.number()).encode(), head.find(b"2.25.1000")
                while at >= 0:
                    file.seek(at)
                    file.write(new)
                    at = head.find(b"2.25.1000", at + 1)


def send(objects, senders, port, called, options=()):
    """MB a second, from the first storescu's start to the last one's end."""
    objects.renew()
    begin = time.monotonic()
    running = [subprocess.Popen(
        ["storescu", "-aet", "MODALITY", "-aec", called, *map(str, options), "127.0.0.1", str(port),
         *map(str, objects.files[n::senders])], env=ENVIRONMENT, stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE) for n in range(senders)]
    for process in running:
        said = process.communicate(timeout=1200)[1]
        if process.returncode != 0:
            raise SystemExit(f"storescu to {called}: {said.decode(errors='replace')[-500:]}")
    return objects.bytes / (time.monotonic() - begin) / 1e6


def write_loop(objects, files, folder):
    for path in files:
        content = path.read_bytes()
        part = folder / f"{path.name}.part"
        fd = os.open(part, os.O_CREAT | os.O_WRONLY, 0o600)
        os.posix_fallocate(fd, 0, len(content))
        os.write(fd, content)
        os.fdatasync(fd)
        os.close(fd)
        os.rename(part, folder / path.name)
        here = os.open(folder, os.O_RDONLY)
        os.fsync(here)
        os.close(here)


def ceiling(objects, writers, folder):
    """MB a second of durable writes without any network."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    begin = time.monotonic()
    children = []
    for n in range(writers):
        pid = os.fork()
        if pid == 0:
            write_loop(objects, objects.files[n::writers], folder)
            os._exit(0)
        children.append(pid)
    for pid in children:
        os.waitpid(pid, 0)
    rate = objects.bytes / (time.monotonic() - begin) / 1e6
    shutil.rmtree(folder)
    return rate


def idle(stack):
    """What a receiver left to be done later does not slow the next one."""
    wait_for("all is indexed", lambda: not any((stack.folder / "store/incoming").glob("??/*.dcm")),
             300)


def rates(stack, objects, authority, tls_port, storescp_port):
    tls = authority.options("bench")
    measured = {}
    kinds = {
        "bare durable writes": lambda n: ceiling(objects, n, stack.folder / "bare"),
        "storescp --fork (never durable)": lambda n: send(objects, n, storescp_port, "STORESCP"),
        "Orthanc": lambda n: send(objects, n, stack.orthanc_port, "PACS"),
        "axnode": lambda n: send(objects, n, stack.axnoded_port, "AXNODE"),
        "axnode, TLS": lambda n: send(objects, n, tls_port, "AXNODE", tls),
        "storescp --fork, TLS": lambda n: send(objects, n, storescp_port + 1, "STORESCP", tls),
    }
    for _ in range(ROUNDS):
        for kind, measure in kinds.items():
            for senders in (1, 4):
                measured.setdefault((kind, senders), []).append(measure(senders))
                idle(stack)
                for path in (stack.folder / "storescp").glob("*"):
                    path.unlink()
    medians = {key: statistics.median(values) for key, values in measured.items()}
    print("| receiver | 1 sender, MB/s | 4 senders, MB/s |\n|---|---|---|")
    for kind in kinds:
        print(f"| {kind} | {medians[kind, 1]:.0f} | {medians[kind, 4]:.0f} |")
    one = min(medians["storescp --fork (never durable)", 1], medians["bare durable writes", 1])
    four = min(2 * medians["Orthanc", 4], 0.8 * medians["bare durable writes", 4])
    print(f"\nOne sender: {medians['axnode', 1] / one:.0%} of the smaller of storescp and the ceiling "
          f"(target 80 %). Four: {medians['axnode', 4] / four:.0%} of the smaller of twice Orthanc and "
          f"80 % of the ceiling (target 100 %). TLS: {medians['axnode, TLS', 1] / medians['axnode', 1]:.0%} "
          f"and {medians['axnode, TLS', 4] / medians['axnode', 4]:.0%} of plain (target 50 %).")


class Stalled:
    """Associations that begin an object and then send a byte a second, or nothing. They stand when each
    object has its file: what it costs to come is no part of what it costs to be there."""

    def __init__(self, stack, count):
        self.over, self.connections = threading.Event(), []
        for number in range(count):
            connection = socket.create_connection(("127.0.0.1", stack.axnoded_port), 30)
            connection.sendall(pdu.request("SLOW", classes=(ULTRASOUND,), syntaxes=(pdu.EXPLICIT,)))
            assert pdu.answer(connection)[0] == pdu.ACCEPTED
            connection.sendall(pdu.data(1, pdu.command({
                0x2: pdu.uid(ULTRASOUND), 0x100: b"\1\0", 0x110: b"\1\0", 0x700: b"\2\0",
                0x800: b"\0\0", 0x1000: pdu.uid(f"2.25.9{number}")}), True))
            connection.sendall(b"\4\0\0\1\0\0\0\0\xff\xfa\1\0") # of 64 KiB, this is the start
            self.connections.append(connection)
        self.begun = stack.folder / "store/incoming/.tmp"
        wait_for("each has begun", lambda: len(list(self.begun.iterdir())) == count)
        threading.Thread(target=self.trickle, daemon=True).start()

    def trickle(self):
        while not self.over.wait(1):
            for connection in self.connections[::2]:
                try:
                    connection.sendall(b"\0")
                except OSError:
                    pass

    def end(self):
        self.over.set()
        for connection in self.connections:
            connection.close()
        wait_for("each has ended", lambda: not list(self.begun.iterdir()))


def stalled(stack, objects):
    alone, among = [], []
    for _ in range(ROUNDS):
        alone.append(send(objects, 4, stack.axnoded_port, "AXNODE"))
        idle(stack)
        others = Stalled(stack, 60)
        among.append(send(objects, 4, stack.axnoded_port, "AXNODE"))
        others.end()
        idle(stack)
    a, b = statistics.median(alone), statistics.median(among)
    print(f"\nFour senders: {a:.0f} MB/s alone, {b:.0f} MB/s among 60 stalled or trickling associations: "
          f"{b / a:.0%} (target 80 %).")


def memory(stack, folder):
    """Largest resident memory of an association's process, by the size of the object."""
    receiver = [line for line in stack.log("axnoded").splitlines()
                if 'msg="role started" child=receiver ' in line][-1]
    pid = int(receiver.rsplit("child_pid=", 1)[1].split()[0])
    print("\n| object | largest resident memory of the association's process |\n|---|---|")
    for frames in (1, 150):
        path, most = folder / "large.dcm", 0
        image(path, generate_uid(), generate_uid(), int(time.time() * 1000), frames)
        sender = subprocess.Popen(["storescu", "-aec", "AXNODE", "127.0.0.1",
                                   str(stack.axnoded_port), str(path)], env=ENVIRONMENT)
        while sender.poll() is None:
            for child in pathlib.Path(f"/proc/{pid}/task/{pid}/children").read_text().split():
                try:
                    status = pathlib.Path(f"/proc/{child}/status").read_text()
                    most = max(most, int(status.split("VmHWM:")[1].split()[0]))
                except (OSError, IndexError):
                    pass
            time.sleep(0.002)
        assert sender.returncode == 0
        print(f"| {path.stat().st_size / 1e6:.1f} MB | {most / 1024:.1f} MiB |")


def main():
    print(f"Load before: {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores. {ROUNDS} rounds, medians; "
          f"{STUDIES * PER_STUDY} objects of 1.44 MB, {STUDIES} studies.\n", flush=True)
    with Stack(sys.argv[1]) as stack:
        objects = Objects(stack.folder / "objects")
        authority = Authority(stack.folder / "tls")
        for name in ("axnode", "bench"):
            authority.leaf(name)
        tls_port, storescp_port = free_port(), free_port()
        (stack.folder / "storescp").mkdir()
        for name, port, more in (("storescp", storescp_port, []),
                                 ("storescp-tls", storescp_port + 1, authority.options("axnode"))):
            stack.start(name, ["storescp", "--fork", *more, "-od", stack.folder / "storescp", port],
                        ENVIRONMENT)
        try:
            stack.all(quiet_period_s=3600, destinations=[],
                      receiver={"associations_per_peer": 64, "port": stack.axnoded_port,
                                "ae_title": "AXNODE"},
                      limits={"store_min_free_mib": 1},
                      tls=authority.settings("axnode", tls_port))
            for port, called in ((stack.axnoded_port, "AXNODE"), (stack.orthanc_port, "PACS")):
                send(objects, 4, port, called) # folders of a store in use are there already
            idle(stack)
            rates(stack, objects, authority, tls_port, storescp_port)
            stalled(stack, objects)
            memory(stack, stack.folder)
        finally:
            for name in ("storescp", "storescp-tls"):
                stack.stop(name)
    print(f"\nLoad after: {os.getloadavg()[0]:.1f}.")


if __name__ == "__main__":
    main()
