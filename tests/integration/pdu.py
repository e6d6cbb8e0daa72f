"""Bytes of the upper layer protocol (PS3.8): requests made by hand, and what real programs send,
captured between them and a receiver. `pdu.py FOLDER` writes seeds for tests/fuzz: FOLDER/association,
captured between dcmtk's own programs, and FOLDER/dimse; exit status 77 without those programs."""
import pathlib
import shutil
import socket
import struct
import subprocess
import sys
import tempfile
import threading
import zlib

from stack import free_port, wait_for

VERIFICATION, ULTRASOUND = "1.2.840.10008.1.1", "1.2.840.10008.5.1.4.1.1.6.1"
CLIPS, STRUCTURED = "1.2.840.10008.5.1.4.1.1.3.1", "1.2.840.10008.5.1.4.1.1.88.33"
COMMITMENT = "1.2.840.10008.1.20.1"
EXPLICIT, IMPLICIT = "1.2.840.10008.1.2.1", "1.2.840.10008.1.2"
RELEASE = bytes([5, 0, 0, 0, 0, 4, 0, 0, 0, 0])
ACCEPTED, REJECTED, DATA, RELEASED, ABORTED = 2, 3, 4, 6, 7


def item(kind, content):
    return struct.pack(">BBH", kind, 0, len(content)) + content


def request(calling, called="AXNODE", classes=(VERIFICATION,), syntaxes=(IMPLICIT,), more=b""):
    """A-ASSOCIATE-RQ; context ids 1, 3, …; `more` user information."""
    contexts = b"".join(
        item(0x20, bytes([2 * number + 1, 0, 0, 0]) + item(0x30, uid.encode())
             + b"".join(item(0x40, syntax.encode()) for syntax in syntaxes))
        for number, uid in enumerate(classes))
    user = item(0x50, item(0x51, struct.pack(">I", 16384)) + item(0x52, b"1.2.3") + more)
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


def small_image():
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
    return data


def negotiations():
    """User information (PS3.7 annex D.3.3) that our peers seldom have: the version's name, operations at
    once, roles, extended and common extended negotiation, identity by name and by name and password."""
    counted = lambda content: struct.pack(">H", len(content)) + content
    service = counted(COMMITMENT.encode())
    return [item(0x55, b"SEED_1"), item(0x53, struct.pack(">HH", 2, 2)),
            item(0x54, service + bytes([0, 1])), item(0x56, service + bytes([1, 1, 1])),
            item(0x57, service + counted(b"1.2.840.10008.4.2") + counted(counted(b"1.2.3"))),
            item(0x58, bytes([1, 1]) + counted(b"user") + counted(b"")),
            item(0x58, bytes([2, 0]) + counted(b"user") + counted(b"word"))]


def association_seeds():
    """Captured streams, and some that programs do not send."""
    port = free_port()
    with tempfile.TemporaryDirectory() as scratch:
        image = pathlib.Path(scratch) / "image.dcm"
        small_image().save_as(image, write_like_original=False)
        with subprocess.Popen(["storescp", "--ignore", str(port)]) as receiver:
            try:
                wait_for("storescp", lambda: subprocess.run(
                    ["echoscu", "127.0.0.1", str(port)], check=False,
                    capture_output=True).returncode == 0, 30)
                streams = capture(port, [image, image])
            finally:
                receiver.terminate()
    every = negotiations()
    return streams + [
        request("A") + echo() + RELEASE,
        request("A", classes=(COMMITMENT, ULTRASOUND), more=b"".join(every[:-1])) + RELEASE,
        *[request("A", classes=(COMMITMENT,), more=one) + RELEASE for one in every],
        request("A", classes=(VERIFICATION, ULTRASOUND), syntaxes=(EXPLICIT, IMPLICIT)) + RELEASE,
        request("A" * 16, classes=(ULTRASOUND,) * 128) + data(3, b"", False) + RELEASE,
        request("A") + bytes([7, 0, 0, 0, 0, 4, 0, 0, 0, 0])]


def fragments(context, fields, content=None, parts=1):
    """A message as tests/fuzz/dimse.c reads it: its command, then its data set in so many parts."""
    fields = {0x110: struct.pack("<H", 1), 0x800: struct.pack("<H", 1 if content else 0x101),
              **fields}
    found = [(3, command(fields))]
    step = 2 * -(-len(content or b"") // (2 * parts)) or 2 # even: DCMTK insists
    found += [(2 if at + step >= len(content) else 0, content[at:at + step])
              for at in range(0, len(content or b""), step)]
    return b"".join(b"\xf7PDV" + bytes([context, control]) + part for control, part in found)


def encoded(dataset, implicit=True, little=True):
    from pydicom.filebase import DicomBytesIO # pylint: disable=import-outside-toplevel
    from pydicom.filewriter import write_dataset # pylint: disable=import-outside-toplevel
    out = DicomBytesIO()
    out.is_little_endian, out.is_implicit_VR = little, implicit
    write_dataset(out, dataset)
    return out.getvalue()


def dimse_seeds():
    """Messages of every service, on the contexts that tests/fuzz/dimse.c has accepted."""
    import pydicom # pylint: disable=import-outside-toplevel
    kind = lambda number: {0x100: struct.pack("<H", number)}
    image, report, asked = small_image(), pydicom.Dataset(), pydicom.Dataset()
    store = {0x2: uid(ULTRASOUND), 0x700: bytes(2), 0x1000: uid("2.25.1"), **kind(1)}
    content = encoded(image, False)
    squeeze = zlib.compressobj(wbits=-15)
    deflated = squeeze.compress(content) + squeeze.flush()

    multi = small_image()
    multi.SOPClassUID = CLIPS
    multi.PixelData = pydicom.encaps.encapsulate([b"\xff\xd8\xff\xd9" * 4, b"\xff\xd8\xff\xd9"])
    multi["PixelData"].is_undefined_length = True
    multi["PixelData"].VR = "OB"

    report.SOPClassUID, report.SOPInstanceUID = STRUCTURED, "2.25.1"
    report.StudyInstanceUID, report.SeriesInstanceUID = "2.25.2", "2.25.3"
    text = pydicom.Dataset()
    text.ValueType, text.TextValue = "TEXT", "x"
    text.ContentSequence = [pydicom.Dataset()]
    report.ContentSequence = pydicom.Sequence([text, text])
    report["ContentSequence"].is_undefined_length = True

    one = pydicom.Dataset()
    one.ReferencedSOPClassUID, one.ReferencedSOPInstanceUID = ULTRASOUND, "2.25.1"
    asked.TransactionUID, asked.ReferencedSOPSequence = "2.25.9", [one, one]
    failed = pydicom.Dataset()
    failed.update(asked)
    failed.FailedSOPSequence = [pydicom.Dataset()]
    failed.FailedSOPSequence[0].update(one)
    failed.FailedSOPSequence[0].FailureReason = 0x112
    ask = {0x3: uid(COMMITMENT), 0x1001: uid(COMMITMENT + ".1"),
           0x1008: struct.pack("<H", 1), **kind(0x130)}
    tell = {0x2: uid(COMMITMENT), 0x1000: uid(COMMITMENT + ".1"), **kind(0x100)}
    event = lambda number: {**tell, 0x1002: struct.pack("<H", number)}
    return [
        fragments(1, {0x2: uid(VERIFICATION), **kind(0x30)}) * 2,
        fragments(3, store, content),
        fragments(3, store, content, 3) + fragments(3, store, content),
        fragments(3, {**store, 0x1030: b"MOVER ", 0x1031: struct.pack("<H", 1)}, content),
        fragments(3, {**store, 0x1000: uid("2.25.7")}, content),
        fragments(3, store),
        fragments(5, {**store, 0x2: uid(CLIPS)}, encoded(multi, False), 2),
        fragments(7, {**store, 0x2: uid(STRUCTURED)}, encoded(report)),
        fragments(11, store, deflated),
        fragments(13, store, encoded(image, False, False)),
        fragments(9, ask, encoded(asked)),
        fragments(15, ask, encoded(asked, False), 2),
        fragments(9, ask) + fragments(9, {**ask, 0x1008: struct.pack("<H", 2)}, encoded(asked)),
        fragments(9, event(1), encoded(asked)),
        fragments(9, event(2), encoded(failed)),
        fragments(15, event(2), encoded(failed, False)) + fragments(9, event(3), encoded(asked)),
        fragments(1, {0x120: struct.pack("<H", 1), **kind(0xFFF)}), # C-CANCEL
        fragments(1, {0x2: uid(VERIFICATION), 0x700: bytes(2), **kind(0x20)}, encoded(asked)), # C-FIND
        fragments(1, {0x2: uid(VERIFICATION), 0x600: b"ELSE", 0x700: bytes(2), **kind(0x21)}, encoded(asked)), # C-MOVE
        fragments(9, {**ask, **kind(0x140)}, encoded(asked)), # N-CREATE
        fragments(9, {0x120: struct.pack("<H", 1), 0x900: struct.pack("<H", 0), **kind(0x8130)})]


def seeds(folder):
    for name, streams in (("association", association_seeds()), ("dimse", dimse_seeds())):
        (folder / name).mkdir(parents=True, exist_ok=True)
        for number, stream in enumerate(streams):
            (folder / name / f"{number:02d}.pdu").write_bytes(stream[:65536])


if __name__ == "__main__":
    if not shutil.which("storescp"):
        sys.exit(77)
    seeds(pathlib.Path(sys.argv[1]))
