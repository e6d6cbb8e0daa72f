"""What the fault tests share: the whole with TLS on every association, four senders at once, the
failing-call shim's control, seeds, and one check of the whole: answers, states, rows and files agree."""
import collections
import concurrent.futures
import hashlib
import json
import mmap
import os
import random
import struct
import sys
import unittest

import checks
import pydicom
from certificates import Authority
from stack import Failed, Stack, free_port, wait_for

LONG = os.environ.get("AXNODE_LONG") == "1"
BUILD = checks.BUILD

# The calls and the layout of failing.c.
CALLS = {name: 1 << n for n, name in enumerate((
    "write", "fdatasync", "fsync", "rename", "create", "mkdir", "unlink", "connect", "sql-send",
    "sql-receive", "net-send", "net-receive"))}
CHANGES = ("write", "fdatasync", "fsync", "rename", "create", "mkdir", "unlink")
LAYOUT = struct.Struct("=16s1000sIiqqqq")
FOR_GOOD = 1 << 62


def seeded(name):
    """A random source whose seed is printed; AXNODE_SEED replays a run."""
    seed = int(os.environ.get("AXNODE_SEED") or random.SystemRandom().randrange(1 << 32))
    print(f"{name}: AXNODE_SEED={seed}", flush=True)
    return random.Random(seed)


def preload(name):
    """The environment that loads a shim; skips the test where none can be loaded."""
    if os.environ.get("AXNODE_NO_PRELOAD"):
        print("skipped: a shim cannot be preloaded before the sanitizers' library")
        sys.exit(77)
    return {"LD_PRELOAD": str(BUILD / "lib" / f"libaxnode-{name}.so")}


class Control:
    """The test's end of failing.c."""

    def __init__(self, stack):
        self.path = stack.folder / "failing"
        self.path.write_bytes(bytes(LAYOUT.size))
        with open(self.path, "r+b") as file:
            self.map = mmap.mmap(file.fileno(), LAYOUT.size)
        self.store = str(stack.folder / "store").encode()
        self.offset_us = 0

    def environment(self):
        return {**preload("failing"), "AXNODE_FAILING": str(self.path)}

    def _put(self, role, calls, errnum, first, last):
        # `calls` last: until it is set nothing fails.
        whole = LAYOUT.pack(role.encode(), self.store, 0, errnum, first, last, 0, self.offset_us)
        self.map[1016:1020] = bytes(4)
        self.map[:] = whole
        self.map[1016:1020] = struct.pack("=I", calls)

    def fail(self, role, calls, errnum, first=1, last=FOR_GOOD):
        self._put(role, sum(CALLS[call] for call in calls), errnum, first, last)

    def heal(self):
        self._put("", 0, 0, 0, 0)

    def count(self):
        """Calls that matched since `fail`."""
        return LAYOUT.unpack(self.map[:])[6]

    def clock(self, offset_s):
        """Move the wall clock of every role."""
        self.offset_us = offset_s * 1000000
        self.heal()


class FaultyStack(Stack):
    """A stack whose axnoded runs with an environment of its own, and whose Orthanc notes every
    object that reaches it, also those it has already."""
    axnoded_environment = None

    def start(self, name, arguments, environment=None):
        if name == "axnoded":
            environment = {**(environment or {}), **(self.axnoded_environment or {})}
        if name == "orthanc":
            config = self.folder / "orthanc.json"
            settings = json.loads(config.read_text())
            script = self.folder / "note.lua"
            script.write_text(
                "function ReceivedInstanceFilter(dicom, origin, info)\n"
                f"  local file = io.open('{self.folder}/pacs-received', 'a')\n"
                "  file:write(dicom.SOPInstanceUID, '\\n')\n  file:close()\n  return true\nend\n",
                encoding="utf-8")
            settings["LuaScripts"] = [str(script)]
            settings.update({
                "DicomTlsEnabled": True, "DicomTlsRemoteCertificateRequired": True,
                "DicomTlsCertificate": str(self.authority.file("pacs", "crt")),
                "DicomTlsPrivateKey": str(self.authority.file("pacs", "key")),
                "DicomTlsTrustedCertificates": str(self.authority.certificate)})
            config.write_text(json.dumps(settings), encoding="utf-8")
        super().start(name, arguments, environment)

    def secure(self):
        """Objects come and go by TLS alone, all three with certificates of their own."""
        self.authority = Authority(self.folder / "tls")
        for name in ("axnode", "modality", "pacs"):
            self.authority.leaf(name)
        self.tls_port, self.tls_options = free_port(), self.authority.options("modality")

    def configure(self, **more):
        listed = {"address": "127.0.0.1", "tls": True}
        super().configure(**{
            "tls": self.authority.settings("axnode", self.tls_port),
            "peers": [{"name": "modality", "ae_title": "MODALITY", **listed},
                      {"name": "pacs", "ae_title": "PACS", "port": self.orthanc_port, **listed}],
            "destinations": [{"name": "pacs", "peer": "pacs"}], **more})

    def raw(self):
        """How raw_dicom reaches axnoded."""
        return {"port": self.tls_port, "calling": "MODALITY",
                "tls": self.authority.context("modality", False)}

    def delivered(self):
        """{SOP Instance UID: how often it reached the PACS}."""
        path = self.folder / "pacs-received"
        return collections.Counter(path.read_text().split()) if path.exists() else {}


class FaultTest(unittest.TestCase):
    """As checks.StackTest, with the failing-call shim when `shim` says so."""
    settings = {}
    shim = False

    @classmethod
    def setUpClass(cls):
        cls.stack = stack = FaultyStack(BUILD)
        cls.addClassCleanup(stack.close)
        if cls.shim:
            cls.control = Control(stack)
            stack.axnoded_environment = cls.control.environment()
        stack.secure()
        stack.postgres()
        stack.orthanc()
        stack.configure(**cls.settings)
        stack.axnode("db", "migrate")
        stack.axnoded()

    def tearDown(self):
        checks.assert_sane(self, self.stack)

    def phantom(self, studies, seed):
        """Folders of good studies."""
        folder = self.stack.folder / f"phantom-{seed}"
        self.stack.axnode("phantom", "--out", folder, "--studies", studies, "--seed", seed)
        return sorted(folder.glob("study-*"))


def objects(folder):
    return sorted(folder.glob("*.dcm"))


def study_uid(folder):
    return str(pydicom.dcmread(objects(folder)[0], stop_before_pixels=True).StudyInstanceUID)


def send(stack, files):
    """Four senders at once, each with a part of the files; those that were not taken."""
    stack.storescu_profile()
    with concurrent.futures.ThreadPoolExecutor(4) as senders:
        refused = senders.map(stack.send, (files[n::4] for n in range(4)))
        return sorted(file for part in refused for file in part)


def send_until_taken(stack, files, timeout_s=60, send_some=send):
    """As a modality does: what was not taken is sent again."""
    left = list(files)
    def taken():
        left[:] = send_some(stack, left)
        return not left
    wait_for("every object is taken", taken, timeout_s, 0.2)


def send_studies(stack, folders, timeout_s=60):
    """Four senders at once, a study after the other each."""
    stack.storescu_profile()
    with concurrent.futures.ThreadPoolExecutor(4) as senders:
        list(senders.map(lambda folder: send_until_taken(
            stack, objects(folder), timeout_s, FaultyStack.send), folders))


def key(uid):
    return hashlib.sha256(uid.encode()).hexdigest()


def settled(stack, uids, timeout_s=120):
    """Wait until these studies have reached an end; returns {UID: row}."""
    def now():
        stack.alive("axnoded")
        rows = stack.studies()
        return (all(uid in rows and rows[uid]["state"] in checks.SETTLED for uid in uids) and
                {uid: rows[uid] for uid in uids})
    try:
        return wait_for("the studies reach their end", now, timeout_s, 0.2)
    except Failed as reason:
        raise AssertionError(f"{reason}\n{stack.studies()}\n"
                             f"{stack.log('axnoded')[-6000:]}") from None


def disagreements(stack):
    """Lines that say where rows, files and the PACS contradict each other; [] is well."""
    store, found = stack.folder / "store", []
    files = {area: {p.stem: p for p in (store / area).glob("??/*.dcm")}
             for area in ("incoming", "stored", "outgoing")}
    rows = {row[0]: row[1] for row in stack.sql("SELECT key, dataset_sha256 FROM instance")}
    known = set(rows) | {row[0] for row in stack.sql("SELECT key FROM unreadable")}
    found += [f"left in incoming: {k}" for k in files["incoming"]]
    found += [f"row without file: {k}" for k in known - set(files["stored"])]
    found += [f"file without row: {k}" for k in set(files["stored"]) - known]
    for name in set(rows) & set(files["stored"]):
        if dataset_digest(files["stored"][name]) != rows[name]:
            found.append(f"file is not what its row says: {name}")
    for name, sha256, uid, state in stack.sql(
            "SELECT g.key, g.sha256, g.sop_uid, b.state FROM outgoing g "
            "JOIN outbox b ON b.outgoing = g.id"):
        path = files["outgoing"].get(name)
        if not path or hashlib.sha256(path.read_bytes()).hexdigest() != sha256:
            found.append(f"outgoing file is not what its row says: {name}")
            continue
        if state == "delivered" and in_pacs(stack, uid) != dataset_digest(path):
            found.append(f"delivered, but the PACS has other bytes or nothing: {name}")
    for uid, row in stack.studies().items():
        if row["state"] not in checks.SETTLED:
            found.append(f"study gets nowhere: {uid} {row}")
    return found


def dataset_digest(path_or_bytes):
    """SHA-256 of what follows the file meta information."""
    data = path_or_bytes if isinstance(path_or_bytes, bytes) else path_or_bytes.read_bytes()
    return hashlib.sha256(data[144 + struct.unpack("<I", data[140:144])[0]:]).hexdigest()


def in_pacs(stack, uid):
    """Digest of the data set that the PACS holds under a UID, or None."""
    for found in stack.pacs_find("Instance", {"SOPInstanceUID": uid}):
        return dataset_digest(stack.rest(f"/instances/{found['ID']}/file"))
    return None


def assert_agree(test, stack):
    """Poll: the last move to stored/ may still be under way when the study is done."""
    last = []
    def agree():
        last[:] = disagreements(stack)
        return not last
    try:
        wait_for("rows, files and the PACS agree", agree, 20, 0.5)
    except Failed:
        test.fail("\n".join(last) + "\n" + stack.log("axnoded")[-4000:])


def assert_one_report(test, stack, uid):
    test.assertEqual(len(stack.pacs_instances(uid, "SR")), 1, uid)
