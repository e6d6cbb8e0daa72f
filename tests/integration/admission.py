"""Who is let in, by TLS and without; what each refusal says and counts; reload while associations
run; malformed PDUs (AXNODE_LONG=1: 10,000). Needs no database: receiving does without."""
import os
import pathlib
import random
import signal
import socket
import subprocess
import time
import unittest

import pydicom

import checks
import metrics
import pdu
from certificates import Authority
from stack import Failed, Stack, free_port, run, wait_for

MALFORMED = 10_000 if os.environ.get("AXNODE_LONG") == "1" else 500
SEED = int(os.environ.get("AXNODE_SEED", "20261124"))
PEERS = [
    {"name": "us1", "ae_title": "US1", "address": "127.0.0.1"},
    {"name": "us2", "ae_title": "US2", "address": "127.0.0.1", "tls": True},
    {"name": "monitor", "ae_title": "MON", "address": "localhost", "may": ["echo"]},
    {"name": "far", "ae_title": "FAR", "address": "192.0.2.7"},
]


class Receiver(unittest.TestCase):
    more = {}

    @classmethod
    def setUpClass(cls):
        cls.stack = Stack(checks.BUILD)
        cls.tls_port = free_port()
        cls.authority = Authority(cls.stack.folder / "tls")
        cls.stranger = Authority(cls.stack.folder / "tls", "stranger")
        cls.authority.leaf("axnode")
        cls.authority.leaf("us2")
        cls.stack.database = "host=/nonexistent dbname=axnode connect_timeout=1"
        cls.configure()
        cls.stack.axnoded()
        wait_for("metrics", cls.metrics_answer, 60)
        cls.stack.axnode("phantom", "--out", cls.stack.folder / "phantom", "--studies", 1, "--seed",
                         7)
        cls.files = sorted((cls.stack.folder / "phantom").glob("*/*.dcm"))

    @classmethod
    def metrics_answer(cls):
        try:
            return metrics.value("axnode_database_up") is not None
        except OSError:
            return False

    @classmethod
    def tearDownClass(cls):
        cls.stack.close()

    @classmethod
    def configure(cls, **more):
        settings = {"peers": PEERS, "metrics": {"port": metrics.PORT}, "destinations": [],
                    "tls": cls.authority.settings("axnode", cls.tls_port), **cls.more, **more}
        cls.stack.configure(**settings)

    def reload(self, expected):
        """SIGHUP, then the log line that says what became of it."""
        before = self.stack.log("axnoded").count(expected)
        self.stack.processes["axnoded"].send_signal(signal.SIGHUP)
        wait_for(expected, lambda: self.stack.log("axnoded").count(expected) > before, 30)

    def echo(self, calling, *options, port=None, called="AXNODE"):
        """None, or what echoscu says."""
        try:
            run(["echoscu", "-to", "10", "-aet", calling, "-aec", called, *options, "127.0.0.1",
                 port or self.stack.axnoded_port])
        except Failed as said:
            return str(said)
        return None

    def counts(self, family, reason, attempt):
        """`attempt` makes this counter, and no other of its family, one larger."""
        def values():
            return {dict(labels)["reason"]: value for (name, labels), value
                    in metrics.scrape()[0].items() if name == family}
        before = values()
        said = attempt()
        wait_for(f"{family} {reason}", lambda: values()[reason] == before[reason] + 1, 10)
        self.assertEqual({k: v for k, v in values().items() if k != reason},
                         {k: v for k, v in before.items() if k != reason})
        return said

    def test_1_refusals(self):
        self.assertIsNone(self.echo("US1"))
        self.assertIsNone(self.echo("MON"))
        self.assertIsNone(self.echo("AXNODE"))
        family = "axnode_rejected_associations_total"
        for reason, calling, called in (("calling_ae", "NOBODY", "AXNODE"),
                                        ("address", "FAR", "AXNODE"),
                                        ("called_ae", "US1", "OTHER"),
                                        ("without_tls", "US2", "AXNODE")):
            said = self.counts(family, reason, lambda: self.echo(calling, called=called))
            self.assertIn("Called AE Title Not Recognized" if reason == "called_ae"
                          else "Calling AE Title Not Recognized", said)
        with self.assertRaises(Failed): # may only echo
            run(["storescu", "-aet", "MON", "-aec", "AXNODE", "127.0.0.1", self.stack.axnoded_port,
                 self.files[0]])
        self.assertIn("the peer must come by TLS", self.stack.log("axnoded"))

    def test_2_tls(self):
        family = "axnode_tls_handshakes_failed_total"
        self.assertIsNone(self.echo("US2", *self.authority.options("us2"), port=self.tls_port))
        self.stranger.leaf("other")
        self.authority.leaf("expired", days=-1)
        self.authority.leaf("elsewhere", "DNS:elsewhere.example")
        options = self.authority.options
        for reason, more in (
                ("untrusted", [*self.stranger.options("other", self.authority.certificate)]),
                ("expired", options("expired")),
                ("no_certificate", ["+tla", "+cf", self.authority.certificate]),
                ("ours_refused", options("us2", self.stranger.certificate)),
                ("not_tls", [])):
            self.assertIsNotNone(self.counts(
                family, reason, lambda: self.echo("US2", *more, port=self.tls_port)), reason)
        said = self.counts("axnode_rejected_associations_total", "certificate",
                           lambda: self.echo("US2", *options("elsewhere"), port=self.tls_port))
        self.assertIn("Rejected", said)
        self.assertGreater(metrics.value("axnode_tls_certificate_expiry_seconds"),
                           time.time() + 20 * 86400)

    def test_3_objects_by_tls_are_kept_as_they_came(self):
        run(["storescu", "-xf", self.stack.storescu_profile(), "Ultrasound", "-aet", "US2", "-aec",
             "AXNODE", *self.authority.options("us2"), "127.0.0.1", self.tls_port, *self.files])
        kept = {d.SOPInstanceUID: d for d in map(
            pydicom.dcmread, (self.stack.folder / "store" / "incoming").glob("??/*.dcm"))}
        for path in self.files:
            sent = pydicom.dcmread(path)
            self.assertEqual(kept[sent.SOPInstanceUID], sent)
            self.assertEqual(kept[sent.SOPInstanceUID].file_meta.SourceApplicationEntityTitle, "US2")

    def open(self, calling="US1"):
        connection = socket.create_connection(("127.0.0.1", self.stack.axnoded_port), 10)
        connection.sendall(pdu.request(calling))
        return connection, pdu.answer(connection)

    def test_4_reload_keeps_associations(self):
        held, (kind, _) = self.open()
        self.assertEqual(kind, pdu.ACCEPTED)
        self.configure(peers=[*PEERS[1:], {"name": "new", "ae_title": "NEW", "address": "::1",
                                           "from": ["127.0.0.0/8"]}])
        self.reload('role=receiver pid=')
        wait_for("the new peer", lambda: self.echo("NEW") is None, 20)
        self.assertIsNotNone(self.echo("US1"))
        held.sendall(pdu.echo()) # the association that runs is not asked again
        self.assertEqual(pdu.answer(held)[0], pdu.DATA)
        # Renewed certificates count at once for who comes.
        before = self.shown()
        self.authority.leaf("axnode")
        self.reload('role=receiver pid=')
        wait_for("the new certificate", lambda: self.shown() != before, 20)
        # What cannot be used changes nothing.
        broken = self.stack.config.read_text()
        self.stack.config.write_text(broken.replace('"ae_title": "NEW"', '"ae_title": "TOO LONG FOR AN AE"'))
        self.reload("settings not reloaded, the old ones stay")
        self.stack.config.write_text(broken.replace("axnode.key", "us2.key"))
        self.reload("is not that of certificate")
        self.assertIsNone(self.echo("NEW"))
        held.sendall(pdu.echo() + pdu.RELEASE)
        self.assertEqual([pdu.answer(held)[0], pdu.answer(held)[0]], [pdu.DATA, pdu.RELEASED])
        held.close()
        self.configure()
        self.reload('role=receiver pid=')
        wait_for("the old peers", lambda: self.echo("US1") is None, 20)

    def shown(self):
        """SHA-256 of the certificate that the receiver shows."""
        return subprocess.run(
            ["openssl", "s_client", "-connect", f"127.0.0.1:{self.tls_port}"], input="",
            capture_output=True, text=True, check=False).stdout.split("END CERTIFICATE")[0]

    def test_5_no_room(self):
        self.configure(receiver={"port": self.stack.axnoded_port, "ae_title": "AXNODE",
                                 "associations_per_peer": 3})
        self.reload('role=receiver pid=')
        wait_for("room for three", lambda: self.open_many(8) == [pdu.ACCEPTED] * 3 + [pdu.REJECTED] * 5,
                 20)
        wait_for("metrics", self.metrics_answer, 30) # a reload starts them afresh
        self.assertGreaterEqual(metrics.value("axnode_connections_turned_away_total"), 5)
        self.configure()
        self.reload('role=receiver pid=')
        wait_for("room", lambda: self.echo("US1") is None, 20)

    def open_many(self, count):
        opened = [self.open() for _ in range(count)]
        kinds = [kind for _, (kind, _) in opened]
        for _, (kind, content) in opened:
            if kind == pdu.REJECTED: # for the time being, by the provider, limit reached
                self.assertEqual(content, bytes([0, 2, 3, 2]))
        for connection, _ in opened:
            connection.close()
        wait_for("they end", lambda: self.live() == 0, 20)
        return kinds

    def receiver_pid(self):
        """The acceptor: the newest that the supervisor has started."""
        lines = [line for line in self.stack.log("axnoded").splitlines()
                 if 'msg="role started" child=receiver ' in line]
        return int(lines[-1].rsplit("child_pid=", 1)[1].split()[0])

    def live(self):
        children = pathlib.Path(f"/proc/{self.receiver_pid()}/task/{self.receiver_pid()}/children")
        return len(children.read_text().split())

    def resident_kib(self):
        status = pathlib.Path(f"/proc/{self.receiver_pid()}/status").read_text()
        return int(status.split("VmRSS:")[1].split()[0])

    def malformed(self, seeds, chance):
        stream = bytearray(chance.choice(seeds))
        for _ in range(chance.randrange(1, 8)):
            within = 300 if chance.random() < 0.7 else len(stream)
            stream[chance.randrange(min(within, len(stream)))] = chance.choice(
                (0, 1, 0x7f, 0x80, 0xff, chance.randrange(256)))
        return bytes(stream[:chance.randrange(1, len(stream))] if chance.random() < 0.3 else stream)

    def throw(self, stream):
        with socket.create_connection(("127.0.0.1", self.stack.axnoded_port), 10) as connection:
            try:
                connection.sendall(stream)
                connection.shutdown(socket.SHUT_WR)
                while connection.recv(65536):
                    pass
            except OSError: # it is free to cut us off
                pass

    def test_6_preferred_transfer_syntax(self):
        def chosen():
            with socket.create_connection(("127.0.0.1", self.stack.axnoded_port), 10) as connection:
                connection.sendall(pdu.request("US1", classes=(pdu.ULTRASOUND,),
                                               syntaxes=(pdu.IMPLICIT, pdu.EXPLICIT)))
                content = pdu.answer(connection)[1]
                connection.sendall(pdu.RELEASE)
            return content[content.index(b"\x40\0\0") + 4:].split(b"\x50\0")[0].rstrip(b"\0").decode()
        self.assertEqual(chosen(), pdu.IMPLICIT) # the sender's first
        self.configure(receiver={"port": self.stack.axnoded_port, "ae_title": "AXNODE",
                                 "transfer_syntaxes": ["1.2.3", pdu.EXPLICIT]})
        self.reload('role=receiver pid=')
        wait_for("ours", lambda: chosen() == pdu.EXPLICIT, 20)

    def test_7_silence_and_trickling(self):
        """Neither holds a place: before the request, in it, and after it."""
        self.configure(receiver={"port": self.stack.axnoded_port, "ae_title": "AXNODE",
                                 "idle_timeout_s": 1})
        self.reload('role=receiver pid=')
        def ended(connection):
            connection.settimeout(0.3)
            try:
                return connection.recv(100)[:1] in (b"", bytes([pdu.ABORTED]))
            except TimeoutError:
                return False
            except OSError:
                return True
        silent = socket.create_connection(("127.0.0.1", self.stack.axnoded_port), 10)
        idle, (kind, _) = self.open()
        self.assertEqual(kind, pdu.ACCEPTED)
        wait_for("silence ends", lambda: ended(silent) and ended(idle), 30)
        trickling = socket.create_connection(("127.0.0.1", self.stack.axnoded_port), 10)
        stream = iter(pdu.request("US1"))
        def trickle():
            try:
                trickling.sendall(bytes([next(stream)]))
            except OSError:
                return True
            return ended(trickling)
        wait_for("trickling ends", trickle, 30)
        for connection in (silent, idle, trickling):
            connection.close()
        self.configure()
        self.reload('role=receiver pid=')
        wait_for("patience", lambda: self.echo("US1") is None, 20)

    def test_8_malformed_pdus(self):
        chance = random.Random(SEED)
        print(f"{MALFORMED} malformed, AXNODE_SEED={SEED}")
        small = min(self.files, key=lambda path: path.stat().st_size)
        seeds = pdu.capture(self.stack.axnoded_port, [small], "US1")
        pid, resident = self.receiver_pid(), self.resident_kib()
        for number in range(MALFORMED):
            self.throw(self.malformed(seeds, chance))
            if number == MALFORMED // 10: # allocators and page tables have settled
                resident = self.resident_kib()
        wait_for("they end", lambda: self.live() == 0, 120)
        self.assertEqual(self.receiver_pid(), pid)
        self.assertNotIn("association's process died", self.stack.log("axnoded"))
        print(f"resident {resident} KiB after a tenth, {self.resident_kib()} KiB at the end")
        self.assertLess(self.resident_kib(), resident * 1.05 + 256)
        self.assertIsNone(self.echo("US1"))
        self.assertEqual(self.stack.send(self.files, calling="US1"), [])


if __name__ == "__main__":
    checks.main()
