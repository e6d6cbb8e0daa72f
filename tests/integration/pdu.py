"""Bytes of the upper layer protocol (PS3.8): requests made by hand, and what real programs send,
captured between them and a receiver. `pdu.py FOLDER` writes seeds for tests/fuzz/association.c, captured
between dcmtk's own programs; exit status 77 without them."""
import pathlib
import shutil
import socket
import struct
import subprocess
import sys
import tempfile
import threading

from stack import free_port, wait_for

VERIFICATION, ULTRASOUND = "1.2.840.10008.1.1", "1.2.840.10008.5.1.4.1.1.6.1"
EXPLICIT, IMPLICIT = "1.2.840.10008.1.2.1", "1.2.840.10008.1.2"
RELEASE = bytes([5, 0, 0, 0, 0, 4, 0, 0, 0, 0])
ACCEPTED, REJECTED, DATA, RELEASED, ABORTED = 2, 3, 4, 6, 7


def item(kind, content):
    return struct.pack(">BBH", kind, 0, len(content)) + content


def request(calling, called="AXNODE", classes=(VERIFICATION,), syntaxes=(IMPLICIT,)):
    """A-ASSOCIATE-RQ; context ids 1, 3, …"""
    contexts = b"".join(
        item(0x20, bytes([2 * number + 1, 0, 0, 0]) + item(0x30, uid.encode())
             + b"".join(item(0x40, syntax.encode()) for syntax in syntaxes))
        for number, uid in enumerate(classes))
    user = item(0x50, item(0x51, struct.pack(">I", 16384)) + item(0x52, b"1.2.3"))
    body = (struct.pack(">HH", 1, 0) + called.ljust(16).encode() + calling.ljust(16).encode()
            + bytes(32) + item(0x10, b"1.2.840.10008.3.1.1.1") + contexts + user)
    return struct.pack(">BBI", 1, 0, len(body)) + body


def data(context, content, command, last=True):
    """P-DATA-TF with one fragment."""
    fragment = bytes([context, (1 if command else 0) | (2 if last else 0)]) + content
    return struct.pack(">BBI", 4, 0, len(fragment) + 4) + struct.pack(">I", len(fragment)) + fragment


def command(elements):
    body = b"".join(struct.pack("<HHI", 0, element, len(value)) + value
                    for element, value in sorted(elements.items()))
    return struct.pack("<HHII", 0, 0, 4, len(body)) + body


def uid(text):
    return text.encode() + b"\0" * (len(text) % 2)


def echo():
    return data(1, command({0x2: uid(VERIFICATION), 0x100: struct.pack("<H", 0x30),
                            0x110: struct.pack("<H", 1), 0x800: struct.pack("<H", 0x101)}), True)


def answer(connection):
    """Kind of the next PDU and its content; (None, b"") when the connection has ended."""
    head = receive(connection, 6)
    if len(head) < 6:
        return None, b""
    return head[0], receive(connection, struct.unpack(">I", head[2:6])[0])


def receive(connection, count):
    got = b""
    while len(got) < count:
        try:
            more = connection.recv(count - len(got))
        except OSError:
            break
        if not more:
            break
        got += more
    return got


class Tap:
    """Listens, hands everything on to `port`, and keeps what callers sent."""

    def __init__(self, port):
        self.port, self.captured = port, []
        self.listener = socket.create_server(("127.0.0.1", 0))
        threading.Thread(target=self.serve, daemon=True).start()

    def serve(self):
        while True:
            try:
                caller = self.listener.accept()[0]
            except OSError: # closed
                return
            with caller, socket.create_connection(("127.0.0.1", self.port)) as receiver:
                kept = bytearray()
                self.captured.append(kept)
                back = threading.Thread(target=self.copy, args=(receiver, caller, None),
                                        daemon=True)
                back.start()
                self.copy(caller, receiver, kept)
                back.join()

    @staticmethod
    def copy(source, sink, kept):
        try:
            while more := source.recv(65536):
                if kept is not None:
                    kept += more
                sink.sendall(more)
            sink.shutdown(socket.SHUT_WR)
        except OSError:
            pass


def capture(port, files, calling="MODALITY", called="AXNODE"):
    """What echoscu and storescu send to the receiver at `port`."""
    tap = Tap(port)
    here = str(tap.listener.getsockname()[1])
    for program, more in (("echoscu", []), ("storescu", [str(f) for f in files])):
        subprocess.run([program, "-aet", calling, "-aec", called, "127.0.0.1", here, *more],
                       check=True, capture_output=True, timeout=60)
    tap.listener.shutdown(socket.SHUT_RDWR) # wakes accept()
    tap.listener.close()
    return [bytes(kept) for kept in tap.captured]


def small_image(path):
    """An ultrasound image of a few pixels."""
    import pydicom # pylint: disable=import-outside-toplevel
    data = pydicom.Dataset()
    data.file_meta = pydicom.dataset.FileMetaDataset()
    data.file_meta.TransferSyntaxUID = EXPLICIT
    data.SOPClassUID = data.file_meta.MediaStorageSOPClassUID = ULTRASOUND
    data.SOPInstanceUID = data.file_meta.MediaStorageSOPInstanceUID = "2.25.1"
    data.StudyInstanceUID, data.SeriesInstanceUID = "2.25.2", "2.25.3"
    data.PatientID, data.Modality, data.PixelData = "SEED", "US", bytes(64)
    data.Rows = data.Columns = data.BitsAllocated = data.BitsStored = 8
    data.SamplesPerPixel, data.HighBit, data.PixelRepresentation = 1, 7, 0
    data.PhotometricInterpretation = "MONOCHROME2"
    data.is_little_endian, data.is_implicit_VR = True, False
    data.save_as(path, write_like_original=False)


def seeds(folder):
    """A corpus: captured streams, and some that programs do not send."""
    folder.mkdir(parents=True, exist_ok=True)
    port = free_port()
    with tempfile.TemporaryDirectory() as scratch:
        image = pathlib.Path(scratch) / "image.dcm"
        small_image(image)
        with subprocess.Popen(["storescp", "--ignore", str(port)]) as receiver:
            try:
                wait_for("storescp", lambda: subprocess.run(
                    ["echoscu", "127.0.0.1", str(port)], check=False,
                    capture_output=True).returncode == 0, 30)
                streams = capture(port, [image, image])
            finally:
                receiver.terminate()
    streams += [
        request("A") + echo() + RELEASE,
        request("A", classes=(VERIFICATION, ULTRASOUND), syntaxes=(EXPLICIT, IMPLICIT)) + RELEASE,
        request("A" * 16, classes=(ULTRASOUND,) * 128) + data(3, b"", False) + RELEASE,
        request("A") + bytes([7, 0, 0, 0, 0, 4, 0, 0, 0, 0])]
    for number, stream in enumerate(streams):
        (folder / f"{number:02d}.pdu").write_bytes(stream[:65536])


if __name__ == "__main__":
    if not shutil.which("storescp"):
        sys.exit(77)
    seeds(pathlib.Path(sys.argv[1]))
