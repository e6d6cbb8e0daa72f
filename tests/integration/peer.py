"""A DICOM node for tests (PS3.8, the accepting side): takes what it is sent and answers as it is told,
also wrongly: refuses, dawdles, hangs up, talks rubbish, commits to storage or does not."""
import hashlib
import socket
import ssl
import struct
import threading
import time

import pydicom
from pydicom.filebase import DicomBytesIO
from pydicom.filereader import read_dataset
from pydicom.filewriter import write_dataset

import raw_dicom

COMMITMENT = "1.2.840.10008.1.20.1"
COMMITMENT_INSTANCE = "1.2.840.10008.1.20.1.1"
IMPLICIT, EXPLICIT = "1.2.840.10008.1.2", "1.2.840.10008.1.2.1"
C_STORE, C_ECHO, N_EVENT_REPORT, N_ACTION = 0x0001, 0x0030, 0x0100, 0x0130


def element(tag, value):
    return struct.pack("<HHI", 0x0000, tag, len(value)) + value


def us(value):
    return struct.pack("<H", value)


def uid(text):
    data = text.encode()
    return data + b"\0" * (len(data) % 2)


def command(*elements):
    body = b"".join(element(tag, value) for tag, value in elements)
    return element(0x0000, struct.pack("<I", len(body))) + body


def command_read(data):
    """{element: bytes} of a command set."""
    found, at = {}, 0
    while at < len(data):
        _, tag, length = struct.unpack("<HHI", data[at:at + 8])
        found[tag] = data[at + 8:at + 8 + length]
        at += 8 + length
    return found


def text_of(value):
    return value.rstrip(b"\0 ").decode()


def dataset_bytes(dataset, implicit):
    out = DicomBytesIO()
    out.is_little_endian, out.is_implicit_VR = True, implicit
    write_dataset(out, dataset)
    return out.getvalue()


def dataset_read(data, implicit):
    return read_dataset(DicomBytesIO(data), implicit, True)


class Hangup(Exception):
    """The other side is gone, or this one is told to go."""


class Link:
    """One association, whoever asked for it."""

    def __init__(self, connection):
        self.socket, self.contexts, self.messages = connection, {}, 0

    def read(self, n):
        data, at = bytearray(n), 0
        while at < n:
            more = self.socket.recv_into(memoryview(data)[at:])
            if not more:
                raise Hangup()
            at += more
        return bytes(data)

    def read_pdu(self):
        kind, _, length = struct.unpack(">BBI", self.read(6))
        return kind, self.read(length)

    def send_pdu(self, kind, body):
        self.socket.sendall(struct.pack(">BBI", kind, 0, len(body)) + body)

    def send(self, context, data, is_command):
        for at in range(0, max(len(data), 1), 16000):
            part = data[at:at + 16000]
            flags = (1 if is_command else 0) | (2 if at + 16000 >= len(data) else 0)
            self.send_pdu(4, struct.pack(">IBB", len(part) + 2, context, flags) + part)

    def message(self):
        """(context, command, data set's bytes); None after a release or an abort."""
        parts, done = [bytearray(), bytearray()], [False, False]
        while True:
            kind, body = self.read_pdu()
            if kind == 5:
                self.send_pdu(6, bytes(4))
                return None
            if kind != 4:
                return None
            at = 0
            while at < len(body):
                length, context, flags = struct.unpack(">IBB", body[at:at + 6])
                which = 0 if flags & 1 else 1
                parts[which] += body[at + 6:at + 4 + length]
                done[which] = bool(flags & 2)
                at += 4 + length
            if done[0]:
                found = command_read(parts[0])
                if struct.unpack("<H", found[0x0800])[0] == 0x0101 or done[1]:
                    return context, found, bytes(parts[1])

    def implicit(self, context):
        return self.contexts[context][1] == IMPLICIT


class Peer:
    """Listens as soon as it is made. What is told to it counts from the next message on:

    store_status    status word of each C-STORE, or a function of (number, SOP Instance UID)
    delay_s         before each answer to a C-STORE
    behaviour       "" | "close" (in the middle of a C-STORE) | "rubbish" (instead of an answer) |
                    "silent" (never answers) | "reject" | "no-service" (nothing but echo is taken)
    commit          None (that service is not offered) | "same" | "new" (association) | "silent" |
                    "refuse" (the request itself)
    commit_failed   {SOP Instance UID: reason} or a function of the UIDs that are asked for
    report_status   status word of each answer to what it asked of us itself; `reports` has what came:
                    (Transaction UID, event type, {SOP Instance UID: 0 or reason}, Retrieve AE Title)
    """

    def __init__(self, aet="PEER", answer_port=None, answer_aet="AXNODE", tls=None):
        """`tls`: files of certificate, key and authority; both ways then."""
        self.aet, self.answer_port, self.answer_aet, self.tls = aet, answer_port, answer_aet, tls
        self.store_status, self.delay_s, self.behaviour = 0, 0, ""
        self.commit, self.commit_failed = None, {}
        self.stored, self.times, self.requests, self.answers = [], [], [], []
        self.reports, self.report_status = [], 0
        self.contents = {} # {SOP Instance UID: digests of the data sets that came}
        self.associations = self.open = self.most_open = self.hangups = 0
        self.lock = threading.Lock()
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self.accept, daemon=True).start()

    def close(self):
        try:
            self.listener.shutdown(socket.SHUT_RDWR) # else accept() keeps it
        except OSError:
            pass
        self.listener.close()

    def destination(self, **more):
        return {"name": self.aet.lower(), "ae_title": self.aet, "address": "127.0.0.1",
                "port": self.port, **more}

    def accept(self):
        while True:
            try:
                connection, _ = self.listener.accept()
            except OSError:
                return
            threading.Thread(target=self.serve, args=(connection,), daemon=True).start()

    def secure(self, connection, server):
        return self.context(server).wrap_socket(connection, server_side=server) if self.tls else connection

    def context(self, server):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER if server else ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname = False
        context.verify_mode = ssl.CERT_REQUIRED
        context.load_cert_chain(*self.tls[:2])
        context.load_verify_locations(self.tls[2])
        return context

    def serve(self, connection):
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        try:
            connection = self.secure(connection, True)
        except OSError:
            connection.close()
            return
        link = Link(connection)
        with self.lock:
            self.associations += 1
            self.open += 1
            self.most_open = max(self.most_open, self.open)
        try:
            if self.handshake(link):
                while self.turn(link):
                    pass
        except (Hangup, OSError):
            pass
        finally:
            with self.lock:
                self.open -= 1
            connection.close()

    def accepts(self, abstract):
        if abstract == COMMITMENT:
            return self.commit is not None
        return self.behaviour != "no-service" or abstract == "1.2.840.10008.1.1"

    def handshake(self, link):
        kind, body = link.read_pdu()
        if kind != 1:
            raise Hangup()
        if self.behaviour == "reject":
            link.send_pdu(3, bytes([0, 1, 1, 3]))
            return False
        answer, at = b"", 68
        while at < len(body):
            item, _, length = struct.unpack(">BBH", body[at:at + 4])
            if item == 0x20:
                number, abstract, syntaxes, k = body[at + 4], "", [], at + 8
                while k < at + 4 + length:
                    sub, _, size = struct.unpack(">BBH", body[k:k + 4])
                    value = text_of(body[k + 4:k + 4 + size])
                    if sub == 0x30:
                        abstract = value
                    else:
                        syntaxes.append(value)
                    k += 4 + size
                taken = self.accepts(abstract)
                link.contexts[number] = (abstract, syntaxes[0])
                answer += raw_dicom._item(0x21, bytes([number, 0, 0 if taken else 3, 0])
                                          + raw_dicom._item(0x40, syntaxes[0].encode()))
            at += 4 + length
        user = (raw_dicom._item(0x51, struct.pack(">I", 16384))
                + raw_dicom._item(0x52, b"1.2.3.4"))
        link.send_pdu(2, body[:68] + raw_dicom._item(0x10, raw_dicom.APPLICATION_CONTEXT)
                      + answer + raw_dicom._item(0x50, user))
        return True

    def turn(self, link):
        got = link.message()
        if got is None:
            return False
        context, found, data = got
        kind, number = struct.unpack("<H", found[0x0100])[0], found[0x0110]
        if kind == C_ECHO:
            link.send(context, command((0x0002, found[0x0002]), (0x0100, us(0x8030)),
                                       (0x0120, number), (0x0800, us(0x0101)),
                                       (0x0900, us(0))), True)
        elif kind == C_STORE:
            self.stored_one(link, context, found, number, data)
        elif kind == N_ACTION:
            self.asked(link, context, number, data)
        elif kind == N_EVENT_REPORT:
            self.reported(link, context, found, number, data)
        else:
            raise Hangup()
        return True

    def stored_one(self, link, context, found, number, data):
        instance = text_of(found[0x1000])
        if self.behaviour == "close":
            self.hangups += 1
            raise Hangup()
        if self.behaviour == "rubbish":
            link.socket.sendall(b"HTTP/1.1 200 OK\r\n\r\nnot DICOM at all" * 10)
            raise Hangup()
        if self.behaviour == "silent":
            time.sleep(3600)
        time.sleep(self.delay_s)
        with self.lock:
            status = (self.store_status(len(self.stored), instance)
                      if callable(self.store_status) else self.store_status)
            self.stored.append(instance)
            self.contents.setdefault(instance, set()).add(hashlib.sha256(data).hexdigest())
            self.times.append(time.monotonic())
        link.send(context, command((0x0002, found[0x0002]), (0x0100, us(0x8001)),
                                   (0x0120, number), (0x0800, us(0x0101)), (0x0900, us(status)),
                                   (0x1000, found[0x1000])), True)

    def asked(self, link, context, number, data):
        asked = dataset_read(data, link.implicit(context))
        uids = [str(i.ReferencedSOPInstanceUID) for i in asked.ReferencedSOPSequence]
        self.requests.append((str(asked.TransactionUID), uids))
        status = 0x0110 if self.commit == "refuse" else 0
        link.send(context, command((0x0002, uid(COMMITMENT)), (0x0100, us(0x8130)),
                                   (0x0120, number), (0x0800, us(0x0101)), (0x0900, us(status)),
                                   (0x1000, uid(COMMITMENT_INSTANCE)), (0x1008, us(1))), True)
        if self.commit == "same":
            self.report(link, context, asked)
        elif self.commit == "new":
            threading.Thread(target=self.call_back, args=(asked,), daemon=True).start()

    def reported(self, link, context, found, number, data):
        report = dataset_read(data, link.implicit(context))
        said = {str(i.ReferencedSOPInstanceUID): 0
                for i in report.get("ReferencedSOPSequence", [])}
        said.update({str(i.ReferencedSOPInstanceUID): i.FailureReason
                     for i in report.get("FailedSOPSequence", [])})
        self.reports.append((str(report.TransactionUID), struct.unpack("<H", found[0x1002])[0],
                             said, str(report.RetrieveAETitle)))
        link.send(context, command((0x0002, found[0x0002]), (0x0100, us(0x8100)),
                                   (0x0120, number), (0x0800, us(0x0101)),
                                   (0x0900, us(self.report_status)),
                                   (0x1000, found[0x1000]), (0x1002, found[0x1002])), True)

    def answer(self, asked):
        failed = self.commit_failed
        if callable(failed):
            failed = failed([str(i.ReferencedSOPInstanceUID)
                             for i in asked.ReferencedSOPSequence])
        report = pydicom.Dataset()
        report.TransactionUID = asked.TransactionUID
        good, bad = [], []
        for item in asked.ReferencedSOPSequence:
            one = pydicom.Dataset()
            one.ReferencedSOPClassUID = item.ReferencedSOPClassUID
            one.ReferencedSOPInstanceUID = item.ReferencedSOPInstanceUID
            reason = failed.get(str(item.ReferencedSOPInstanceUID))
            if reason is not None:
                one.FailureReason = reason
            (bad if reason is not None else good).append(one)
        if good:
            report.ReferencedSOPSequence = good
        if bad:
            report.FailedSOPSequence = bad
        return report, 2 if bad else 1

    def report(self, link, context, asked):
        """N-EVENT-REPORT; keeps the status that it was answered with."""
        report, event = self.answer(asked)
        link.messages += 1
        link.send(context, command((0x0002, uid(COMMITMENT)), (0x0100, us(N_EVENT_REPORT)),
                                   (0x0110, us(link.messages)), (0x0800, us(1)),
                                   (0x1000, uid(COMMITMENT_INSTANCE)), (0x1002, us(event))), True)
        link.send(context, dataset_bytes(report, link.implicit(context)), False)
        got = link.message()
        if got is None:
            raise Hangup()
        self.answers.append(struct.unpack("<H", got[1][0x0900])[0])

    def ask(self, objects, transaction="1.2.3.4.5", action=1):
        """Ask axnode for commitment to (class, instance) UIDs, on an association of our own; the status
        of its answer."""
        asked = pydicom.Dataset()
        asked.TransactionUID = transaction
        asked.ReferencedSOPSequence = []
        for one in objects:
            item = pydicom.Dataset()
            item.ReferencedSOPClassUID, item.ReferencedSOPInstanceUID = one
            asked.ReferencedSOPSequence.append(item)
        raw = raw_dicom.Association(self.answer_port, COMMITMENT, IMPLICIT, calling=self.aet,
                                    tls=self.context(False) if self.tls else None)
        link = Link(raw.socket)
        link.send(1, command((0x0003, uid(COMMITMENT)), (0x0100, us(N_ACTION)), (0x0110, us(7)),
                             (0x0800, us(1)), (0x1001, uid(COMMITMENT_INSTANCE)),
                             (0x1008, us(action))), True)
        link.send(1, dataset_bytes(asked, True), False)
        status = struct.unpack("<H", link.message()[1][0x0900])[0]
        raw.release()
        return status

    def call_back(self, asked, calling=None):
        """Answer on an association of our own, as SCP of the service (role selection)."""
        try:
            connection = self.secure(
                socket.create_connection(("127.0.0.1", self.answer_port), 30), False)
        except OSError: # not there just now: nobody hears this answer
            self.answers.append(None)
            return
        link = Link(connection)
        link.contexts[1] = (COMMITMENT, IMPLICIT)
        context = (bytes([1, 0, 0, 0]) + raw_dicom._item(0x30, COMMITMENT.encode())
                   + raw_dicom._item(0x40, IMPLICIT.encode()))
        role = struct.pack(">H", len(COMMITMENT)) + COMMITMENT.encode() + bytes([0, 1])
        user = (raw_dicom._item(0x51, struct.pack(">I", 16384))
                + raw_dicom._item(0x52, b"1.2.3.4") + raw_dicom._item(0x54, role))
        link.send_pdu(1, struct.pack(">HH", 1, 0) + self.answer_aet.encode().ljust(16)
                      + (calling or self.aet).encode().ljust(16) + bytes(32)
                      + raw_dicom._item(0x10, raw_dicom.APPLICATION_CONTEXT)
                      + raw_dicom._item(0x20, context) + raw_dicom._item(0x50, user))
        try:
            kind, body = link.read_pdu()
            at = body.find(b"\x21\x00")
            if kind != 2 or body[at + 6] != 0:
                self.answers.append(None)
                return
            self.report(link, 1, asked)
            link.send_pdu(5, bytes(4))
            link.read_pdu()
        except (Hangup, OSError):
            self.answers.append(None)
        finally:
            connection.close()
