"""The requesting side of DICOM's upper layer (PS3.8), small enough to send what no well-behaved
tool sends: any bytes as data set, any UID in the command."""
import socket
import struct

APPLICATION_CONTEXT = b"1.2.840.10008.3.1.1.1"


def _item(kind, body):
    return struct.pack(">BBH", kind, 0, len(body)) + body


def _element(group, element, value):
    return struct.pack("<HHI", group, element, len(value)) + value


def _uid(text):
    data = text.encode()
    return data + b"\0" * (len(data) % 2)


class Association:
    def __init__(self, port, sop_class, transfer_syntax, calling="RAW", called="AXNODE",
                 host="127.0.0.1", timeout_s=60, tls=None):
        """`tls`: an ssl.SSLContext."""
        self.socket = socket.create_connection((host, port), timeout_s)
        if tls:
            self.socket = tls.wrap_socket(self.socket)
        self.sop_class, self.message = sop_class, 0
        context = (bytes([1, 0, 0, 0]) + _item(0x30, sop_class.encode())
                   + _item(0x40, transfer_syntax.encode()))
        user = _item(0x51, struct.pack(">I", 16384)) + _item(0x52, b"1.2.3.4")
        body = (struct.pack(">HH", 1, 0) + called.encode().ljust(16) + calling.encode().ljust(16)
                + bytes(32) + _item(0x10, APPLICATION_CONTEXT) + _item(0x20, context)
                + _item(0x50, user))
        self.send_pdu(1, body)
        kind, answer = self.read_pdu()
        if kind != 2:
            raise ConnectionError(f"association not accepted: PDU type {kind}")
        at = answer.find(b"\x21\x00") # the presentation context's result
        self.accepted = answer[at + 6] == 0
        self.pdu_bytes = 16384

    def send_pdu(self, kind, body):
        self.socket.sendall(struct.pack(">BBI", kind, 0, len(body)) + body)

    def _read(self, n):
        data = b""
        while len(data) < n:
            more = self.socket.recv(n - len(data))
            if not more:
                raise ConnectionError("the peer closed the connection")
            data += more
        return data

    def read_pdu(self):
        kind, _, length = struct.unpack(">BBI", self._read(6))
        return kind, self._read(length)

    def _send_fragments(self, data, command):
        room = self.pdu_bytes - 6
        for at in range(0, max(len(data), 1), room):
            part = data[at:at + room]
            flags = (1 if command else 0) | (2 if at + room >= len(data) else 0)
            self.send_pdu(4, struct.pack(">IBB", len(part) + 2, 1, flags) + part)

    def store(self, sop_instance, data_set):
        """C-STORE; returns the status word."""
        self.message += 1
        command = (_element(0x0000, 0x0002, _uid(self.sop_class))
                   + _element(0x0000, 0x0100, struct.pack("<H", 0x0001))
                   + _element(0x0000, 0x0110, struct.pack("<H", self.message))
                   + _element(0x0000, 0x0700, struct.pack("<H", 0))
                   + _element(0x0000, 0x0800, struct.pack("<H", 1))
                   + _element(0x0000, 0x1000, _uid(sop_instance)))
        command = _element(0x0000, 0x0000, struct.pack("<I", len(command))) + command
        self._send_fragments(command, True)
        self._send_fragments(data_set, False)
        answer = b""
        while True:
            kind, body = self.read_pdu()
            if kind != 4:
                raise ConnectionError(f"the peer ended the association: PDU type {kind}")
            answer += body[6:]
            if body[5] & 2:
                break
        at = answer.find(struct.pack("<HH", 0x0000, 0x0900))
        return struct.unpack("<H", answer[at + 8:at + 10])[0]

    def release(self):
        self.send_pdu(5, bytes(4))
        try:
            self.read_pdu()
        finally:
            self.socket.close()


def split_file(path):
    """(SOP class, SOP instance, transfer syntax, data set's bytes) of a DICOM file."""
    with open(path, "rb") as file:
        raw = file.read()
    assert raw[128:132] == b"DICM", path
    length = struct.unpack("<I", raw[140:144])[0]
    import pydicom
    meta = pydicom.dcmread(path, stop_before_pixels=True, specific_tags=[]).file_meta
    return (meta.MediaStorageSOPClassUID, meta.MediaStorageSOPInstanceUID,
            meta.TransferSyntaxUID, raw[144 + length:])


def send_file(port, path, **options):
    """One file on an association of its own; returns the status word."""
    sop_class, sop_instance, syntax, data_set = split_file(path)
    association = Association(port, str(sop_class), str(syntax), **options)
    if not association.accepted:
        association.release()
        raise ConnectionError("the presentation context was not accepted")
    status = association.store(str(sop_instance), data_set)
    association.release()
    return status
