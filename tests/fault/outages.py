"""Outages of what axnode stands on: each passes, and the work goes on without a person."""
import errno
import socket
import struct
import threading
import time

import checks
import faults
import raw_dicom
from stack import wait_for


class BadPacs(threading.Thread):
    """In the PACS's place: rejects associations, answers 0xA700, or dies in mid-transfer."""

    def __init__(self, stack, manner):
        super().__init__(daemon=True)
        self.manner, self.calls, self.over = manner, 0, False
        self.tls, port = stack.authority.context("pacs", True), stack.orthanc_port
        self.listener = socket.create_server(("127.0.0.1", port))
        self.listener.settimeout(0.2)

    def run(self):
        while not self.over:
            try:
                peer, _ = self.listener.accept()
            except TimeoutError:
                continue
            with peer:
                peer.settimeout(10)
                try:
                    with self.tls.wrap_socket(peer, server_side=True) as secured:
                        self.serve(secured)
                except OSError:
                    pass
        self.listener.close()

    def stop(self):
        self.over = True
        if self.is_alive():
            self.join()

    @staticmethod
    def read(peer, n):
        data = b""
        while len(data) < n:
            more = peer.recv(n - len(data))
            if not more:
                raise ConnectionError
            data += more
        return data

    def pdu(self, peer):
        kind, _, length = struct.unpack(">BBI", self.read(peer, 6))
        return kind, self.read(peer, length)

    @staticmethod
    def put(peer, kind, body):
        peer.sendall(struct.pack(">BBI", kind, 0, len(body)) + body)

    def serve(self, peer):
        _, request = self.pdu(peer)
        if self.manner == "rejects": # transient, local limit exceeded
            self.calls += 1
            self.put(peer, 3, bytes([0, 2, 3, 2]))
            return
        self.put(peer, 2, request[:68] + self.accepted(request[68:]))
        command = None
        while True:
            kind, body = self.pdu(peer)
            if kind != 4:
                if kind == 5:
                    self.put(peer, 6, bytes(4))
                return
            if body[5] & 1:
                command, context = body[6:], body[4]
                continue
            if self.manner == "dies" and command:
                self.calls += 1
                return # after the first part of the data set
            if body[5] & 2:
                self.calls += 1
                self.refuse(peer, context, command)

    @staticmethod
    def accepted(items):
        """Every presentation context with its first transfer syntax."""
        out = raw_dicom._item(0x10, raw_dicom.APPLICATION_CONTEXT)
        at = 0
        while at + 4 <= len(items):
            kind, _, length = struct.unpack(">BBH", items[at:at + 4])
            body = items[at + 4:at + 4 + length]
            if kind == 0x20:
                syntax = body.index(b"\x40\x00")
                n = struct.unpack(">H", body[syntax + 2:syntax + 4])[0]
                out += raw_dicom._item(0x21, bytes([body[0], 0, 0, 0]) + raw_dicom._item(
                    0x40, body[syntax + 4:syntax + 4 + n]))
            at += 4 + length
        return out + raw_dicom._item(0x50, raw_dicom._item(0x51, struct.pack(">I", 16384))
                                     + raw_dicom._item(0x52, b"1.2.3.4"))

    def refuse(self, peer, context, command):
        values, at = {}, 0
        while at < len(command):
            _, number, n = struct.unpack("<HHI", command[at:at + 8])
            values[number] = command[at + 8:at + 8 + n]
            at += 8 + n
        element = raw_dicom._element
        answer = (element(0, 0x0002, values[0x0002]) + element(0, 0x0100, b"\x01\x80")
                  + element(0, 0x0120, values[0x0110]) + element(0, 0x0800, b"\x01\x01")
                  + element(0, 0x0900, struct.pack("<H", 0xA700))
                  + element(0, 0x1000, values[0x1000]))
        answer = element(0, 0, struct.pack("<I", len(answer))) + answer
        self.put(peer, 4, struct.pack(">IBB", len(answer) + 2, context, 3) + answer)


class Outages(faults.FaultTest):
    shim = True
    settings = {"workers": {"attempts_max": 20, "lease_s": 3, "backoff_first_s": 0.1,
                            "backoff_max_s": 0.5},
                "study": {"quiet_period_s": 0.3},
                "supervisor": {"restart_first_s": 0.05, "restart_max_s": 0.3},
                "sender": {"attempts_max": 1000, "backoff_first_s": 0.2, "backoff_max_s": 0.5,
                           "timeout_s": 3}}

    def tearDown(self):
        self.control.heal()
        super().tearDown()

    def assert_well(self, *folders):
        uids = [faults.study_uid(folder) for folder in folders]
        for uid, row in faults.settled(self.stack, uids, 90).items():
            self.assertEqual(row["state"], "done", row)
            faults.assert_one_report(self, self.stack, uid)
        faults.assert_agree(self, self.stack)

    def pg_ctl(self, *what):
        folder = self.stack.folder
        checks.run([self.stack.postgres_tool("pg_ctl"), "-D", folder / "postgres", "-w", "-l",
                    folder / "postgres.log", *what])

    def test_1_the_database_stops(self):
        before, after = self.phantom(2, 901)
        faults.send_until_taken(self.stack, faults.objects(before))
        self.pg_ctl("stop", "-m", "immediate") # in the midst of it, as in a crash
        self.assertEqual(faults.send(self.stack, faults.objects(after)), [])
        time.sleep(60 if faults.LONG else 3)
        self.stack.alive("axnoded")
        self.pg_ctl("start")
        self.assert_well(before, after)

    def pacs_misbehaves(self, manner, seed, words):
        stack = self.stack
        stack.stop("orthanc")
        pacs = BadPacs(stack, manner)
        pacs.start()
        self.addCleanup(lambda: "orthanc" in stack.processes or stack.orthanc())
        self.addCleanup(pacs.stop)
        folder = self.phantom(1, seed)[0]
        uid = faults.study_uid(folder)
        faults.send_until_taken(stack, faults.objects(folder))
        wait_for("the PACS was tried twice", lambda: pacs.calls >= 4, 60)
        self.assertEqual(stack.studies()[uid]["state"], "delivering")
        said = stack.sql("SELECT DISTINCT last_error FROM outbox WHERE last_error <> ''")
        print(f"{manner}: {said}")
        self.assertTrue(any(words in row[0].lower() for row in said), said)
        pacs.stop()
        stack.orthanc()
        self.assert_well(folder)

    def test_2_the_pacs_rejects(self):
        self.pacs_misbehaves("rejects", 902, "")

    def test_3_the_pacs_is_out_of_resources(self):
        self.pacs_misbehaves("A700", 903, "a700")

    def test_4_the_pacs_dies_in_mid_transfer(self):
        self.pacs_misbehaves("dies", 904, "")

    def test_5_the_disk_fills(self):
        """First down to limits.store_min_free_mib: refused before it is full. Then to the last
        byte, in every role."""
        stack = self.stack
        folder, worse = self.phantom(2, 905)
        stack.stop("axnoded")
        stack.configure(**self.settings, limits={"store_min_free_mib": 1048576})
        stack.axnoded()
        for path in faults.objects(folder):
            self.assertEqual(raw_dicom.send_file(path=path, **stack.raw()), 0xA700)
        stack.stop("axnoded")
        stack.configure(**self.settings)
        stack.axnoded()
        for path in faults.objects(folder):
            self.assertEqual(raw_dicom.send_file(path=path, **stack.raw()), 0)
        self.assert_well(folder)
        self.control.fail("receiver", ("write",), errno.ENOSPC)
        for path in faults.objects(worse):
            self.assertEqual(raw_dicom.send_file(path=path, **stack.raw()), 0xA700)
        self.not_even_the_association(worse)
        self.control.fail("worker", ("write", "create", "mkdir"), errno.ENOSPC)
        faults.send_until_taken(stack, faults.objects(worse))
        wait_for("the worker meets it", lambda: self.control.count() > 1)
        self.control.heal()
        self.assert_well(worse)

    def not_even_the_association(self, folder):
        """No room for STORE/open/ASSOCIATION: the association lives, echoes are answered, objects
        are refused; once there is room the same association goes on."""
        stack, first = self.stack, faults.objects(folder)[0]
        self.control.fail("receiver", ("create", "mkdir", "write"), errno.ENOSPC)
        checks.run(["echoscu", "-aet", "MODALITY", "-aec", "AXNODE", *stack.tls_options, "127.0.0.1",
                    stack.tls_port])
        sop_class, uid, syntax, data_set = raw_dicom.split_file(first)
        association = raw_dicom.Association(sop_class=str(sop_class), transfer_syntax=str(syntax),
                                            **stack.raw())
        self.assertEqual(association.store(str(uid), data_set), 0xA700)
        self.assertGreaterEqual(self.control.count(), 1)
        self.assertFalse(list((self.stack.folder / "store" / "open").iterdir()))
        self.control.heal()
        self.assertEqual(association.store(str(uid), data_set), 0)
        association.release()

    def test_6_the_store_turns_read_only(self):
        folder, later = self.phantom(2, 906)
        self.control.fail("receiver", faults.CHANGES, errno.EROFS)
        self.assertEqual(len(faults.send(self.stack, faults.objects(folder))),
                         len(faults.objects(folder)))
        self.control.fail("indexer", faults.CHANGES, errno.EROFS)
        faults.send_until_taken(self.stack, faults.objects(folder))
        wait_for("the indexer meets it", lambda: self.control.count() > 1)
        self.control.fail("worker", faults.CHANGES, errno.EROFS)
        faults.send_until_taken(self.stack, faults.objects(later))
        wait_for("the worker meets it", lambda: self.control.count() > 1)
        self.control.heal()
        self.assert_well(folder, later)

    def test_7_the_clock_jumps(self):
        for number, jump_s in enumerate((86400, -86400, 0)): # there, back past the start, right
            before, after = self.phantom(2, 907 + number)
            faults.send_until_taken(self.stack, faults.objects(before))
            self.control.clock(jump_s)
            faults.send_until_taken(self.stack, faults.objects(after))
            self.assert_well(before, after)


if __name__ == "__main__":
    faults.preload("failing") # skips at once where it must
    checks.main()
