"""axnode's plugin inside a real Orthanc: each set of images is reported once, whatever happens."""
import copy
import json
import os
import pathlib
import random
import re
import signal
import time
import unittest
import urllib.error
import urllib.request

import pydicom

import bad_input
import checks
from checks import BUILD, wait_for
from stack import ORTHANC_POSTGRES, TREE, Failed, Stack, run

LONG = os.environ.get("AXNODE_LONG") == "1"
SEED = int(os.environ.get("AXNODE_SEED", "11"))
SETTINGS = {"package": str(TREE / "packages" / "verification"),
            "onnxruntime": str(BUILD / "lib" / "libonnxruntime.so.1"),
            "workers": {"backoff_first_s": 0.2, "backoff_max_s": 1}}

if not (BUILD / "plugin" / "libOrthancAxnode.so").exists():
    print("skipped: the plugin is not built (orthanc-dev)")
    raise SystemExit(77)
if (BUILD / "CMakeCache.txt").exists() and not re.search(
        r"^AXNODE_SANITIZE:\w+=$", (BUILD / "CMakeCache.txt").read_text(), re.M):
    print("skipped: a sanitizer's library cannot be loaded into Orthanc")
    raise SystemExit(77)


class PluginTest(unittest.TestCase):
    """An Orthanc with the plugin for all tests of a class."""
    section = {"Settings": SETTINGS}
    postgres = False
    options = {}
    studies = 6 # synthetic ones at hand

    @classmethod
    def setUpClass(cls):
        cls.stack = stack = Stack(BUILD)
        cls.addClassCleanup(stack.close)
        stack.config.write_text(json.dumps({"store": "/nonexistent", "database": "none"}))
        cls.prepare()
        stack.orthanc(plugin=cls.section, postgres=cls.postgres, **cls.options)
        folder = stack.folder / "phantom"
        stack.axnode("phantom", "--out", folder, "--studies", cls.studies, "--seed", 40)
        cls.folders = iter(sorted(folder.glob("study-*")))

    @classmethod
    def prepare(cls):
        if cls.postgres:
            cls.stack.postgres()
            run([cls.stack.postgres_tool("createdb"), "-h", cls.stack.folder / "socket", "-U",
                 "axnode", "orthanc"])

    def tearDown(self):
        self.stack.alive("orthanc")

    def make(self):
        """A study: its UID and files."""
        files = sorted(next(self.folders).glob("*.dcm"))
        return pydicom.dcmread(files[0], stop_before_pixels=True).StudyInstanceUID, files

    def send(self, files):
        """By Orthanc's REST interface, which takes what storescu would look into."""
        for path in files:
            self.stack.rest_post("/instances", pathlib.Path(path).read_bytes())

    def id(self, uid):
        return wait_for("the study is in Orthanc", lambda: self.stack.pacs_study(uid), 30)

    def state(self, uid):
        return self.stack.rest(f"/axnode/studies/{self.id(uid)}")

    def wait_state(self, uid, state, generation=None):
        def reached():
            self.stack.alive("orthanc")
            now = self.state(uid)
            return (now["state"] == state
                    and generation in (None, now.get("generation")) and now)
        try:
            return wait_for(f"the study is {state}", reached, 120)
        except Failed as reason:
            raise AssertionError(f"{reason}: {self.state(uid)}\n"
                                 f"{self.stack.log('orthanc')[-3000:]}") from None

    def reports(self, uid):
        """The structured reports of a study, oldest generation first."""
        found = []
        for instance, _ in self.stack.pacs_instances(uid, "SR"):
            path = self.stack.folder / f"{instance}.dcm"
            path.write_bytes(self.stack.rest(f"/instances/{instance}/file"))
            found.append(pydicom.dcmread(path))
        return sorted(found, key=lambda d: "PredecessorDocumentsSequence" in d)

    def settle(self):
        """Until Orthanc has called everything stable, and the plugin has nothing left to do."""
        def quiet():
            studies = [self.stack.rest(f"/studies/{s}") for s in self.stack.rest("/studies")]
            status = self.stack.rest("/axnode/status")
            return all(s["IsStable"] for s in studies) and status["waiting"] + status[
                "running"] == 0
        for _ in range(2): # what became stable last may just be on its way
            wait_for("everything is settled", quiet, 120)
            time.sleep(0.5)


class Local(PluginTest):
    studies = 8

    def test_reported_once(self):
        """And what the plugin stores does not make it begin again."""
        uid, files = self.make()
        self.assertEqual(self.stack.send(files, to="pacs"), [])
        state = self.wait_state(uid, "done")
        kinds = [o["kind"] for o in state["objects"]]
        self.assertEqual(kinds[-1], "sr")
        self.assertLessEqual({"seg", "sc"}, set(kinds))
        self.assertEqual(state["outcome"], state["result"]["outcome"])
        self.settle()
        again = self.state(uid)
        self.assertEqual((again["generation"], again["created"]), (1, state["created"]))
        for name, modality in (("sr", "SR"), ("seg", "SEG"), ("sc", "OT")):
            stored = {u for _, u in self.stack.pacs_instances(uid, modality)}
            self.assertEqual(stored, {o["sop_instance_uid"] for o in state["objects"]
                                      if o["kind"] == name})
        (report,) = self.reports(uid)
        path = self.stack.folder / "report.dcm"
        report.save_as(path)
        checks.dicom_valid(path)
        page = self.stack.rest(f"/axnode/studies/{self.id(uid)}/report")
        self.assertTrue(page.lower().startswith(b"<!doctype html"), page[:60])

    def test_another_image_makes_the_next_generation(self):
        uid, files = self.make()
        self.send(files)
        self.wait_state(uid, "done", 1)
        other = pydicom.dcmread(files[0])
        other.SOPInstanceUID = other.file_meta.MediaStorageSOPInstanceUID = (
            other.SOPInstanceUID[:60] + ".7")
        path = self.stack.folder / "other.dcm"
        other.save_as(path)
        self.send([path])
        self.wait_state(uid, "done", 2)
        self.settle()
        first, second = self.reports(uid)
        (before,) = second.PredecessorDocumentsSequence
        (named,) = before.ReferencedSeriesSequence[0].ReferencedSOPSequence
        self.assertEqual(named.ReferencedSOPInstanceUID, first.SOPInstanceUID)

    def test_asked_for(self):
        uid, files = self.make()
        self.send(files)
        done = self.wait_state(uid, "done", 1)
        path = f"/axnode/studies/{self.id(uid)}/analyze"
        self.assertEqual(self.stack.rest_post(path)["state"], "queued")
        self.settle()
        self.assertEqual(self.state(uid)["created"], done["created"]) # nothing has changed
        self.stack.rest_post(path, {"Again": True})
        self.wait_state(uid, "done", 2)
        self.settle()
        self.assertEqual(len(self.reports(uid)), 2)

    def assert_refused(self, code, call):
        with self.assertRaises(urllib.error.HTTPError) as caught:
            call()
        self.assertEqual(caught.exception.code, code)

    def test_refusals(self):
        unknown = "0" * 8 + "-00000000" * 4
        post = self.stack.rest_post
        self.assert_refused(404, lambda: self.get(f"/axnode/studies/{unknown}"))
        self.assert_refused(404, lambda: self.get(f"/axnode/studies/{unknown}/report"))
        self.assert_refused(404, lambda: self.get("/axnode/studies/not-an-id"))
        self.assert_refused(404, lambda: post(f"/axnode/studies/{unknown}/analyze"))
        self.assert_refused(405, lambda: post("/axnode/status"))
        self.assert_refused(405, lambda: self.get(f"/axnode/studies/{unknown}/analyze"))
        for body in (b"{", b"[]", b'{"Again": 1}', b'{"Other": true}', b"\xff\x00"):
            self.assert_refused(400, lambda body=body: post(f"/axnode/studies/{unknown}/analyze",
                                                            body))
        self.assertEqual(self.get("/axnode/status")["mode"], "local")

    def get(self, path):
        url = f"http://127.0.0.1:{self.stack.orthanc_http}{path}"
        with urllib.request.urlopen(url, timeout=30) as answer:
            return json.load(answer)

    def test_restart_catches_up(self):
        """Images that came right before the end: their study was never called stable."""
        uid, files = self.make()
        self.send(files)
        self.id(uid)
        self.stack.stop("orthanc", signal.SIGKILL)
        self.stack.orthanc_start()
        self.wait_state(uid, "done", 1)
        self.settle()
        self.assertEqual(len(self.reports(uid)), 1)
        self.assertEqual(list((self.stack.folder / "orthanc" / "axnode-work").iterdir()), [])

    def test_metrics(self):
        text = self.stack.rest("/tools/metrics-prometheus").decode()
        self.assertIn("axnode_studies_waiting", text)
        self.assertIn("axnode_no_risk_total", text)


class Postgres(PluginTest):
    """The same with Orthanc's index in PostgreSQL."""
    postgres = True
    studies = 2

    @classmethod
    def setUpClass(cls):
        if not pathlib.Path(ORTHANC_POSTGRES).exists():
            raise unittest.SkipTest("no orthanc-postgresql")
        super().setUpClass()

    test_reported_once = Local.test_reported_once
    test_restart_catches_up = Local.test_restart_catches_up


class BadInput(PluginTest):
    """What the service's own test sends: each study reaches its end, and Orthanc stays up."""
    section = {"Settings": {**SETTINGS, "limits": {"frames": bad_input.FRAMES}}}
    studies = len(bad_input.ROWS) + 2

    def make_bad(self, change):
        uid, files = self.make()
        datasets = change(copy.deepcopy([pydicom.dcmread(p) for p in files]))
        bad = []
        for i, dataset in enumerate(datasets):
            bad.append(files[0].parent / f"bad-{i}.dcm")
            dataset.save_as(bad[-1])
        return uid, bad

    @staticmethod
    def expected(state, outcome):
        """State and outcome here, where a row of the service's has these."""
        if state == "unreadable":
            return "failed", None # Orthanc has taken it, and nobody can read it
        if outcome == "unanalysed":
            return ("failed", None) if state == "failed" else ("none", None)
        return ("done", outcome) if state == "done" else ("done", "not_applicable")

    def test_rows(self):
        pid = self.stack.processes["orthanc"].pid
        sent = {}
        for name, (change, *_) in bad_input.ROWS.items():
            sent[name], files = self.make_bad(change)
            self.send(files)
        uid, files = self.make()
        self.send(files)
        for name, (_, state, outcome, words) in bad_input.ROWS.items():
            with self.subTest(name):
                wanted, outcome = self.expected(state, outcome)
                found = self.wait_state(sent[name], wanted)
                print(f"{name}: {found['state']} {found.get('outcome', '')}: {found['reason']}")
                self.assertEqual(found.get("outcome"), outcome)
                if outcome == "no_risk": # which reason comes first depends on the phantom
                    self.assertTrue(found["reason"])
                elif wanted != "none": # nothing is ours there
                    self.assertIn(words.lower(), json.dumps(found).lower())
        self.wait_state(uid, "done", 1)
        self.assertEqual(self.stack.processes["orthanc"].pid, pid)

    def test_an_analyst_that_dies(self):
        """The study is tried again by another."""
        uid, files = self.make()
        for process in self.analysts():
            os.kill(process, signal.SIGKILL)
        self.send(files)
        self.wait_state(uid, "done", 1)

    def analysts(self):
        children = pathlib.Path(f"/proc/{self.stack.processes['orthanc'].pid}/task")
        pids = {int(c) for task in children.glob("*/children") for c in task.read_text().split()}
        return [p for p in pids
                if "axnode-analyst" in pathlib.Path(f"/proc/{p}/cmdline").read_text()]


class Faults(unittest.TestCase):
    """A configuration with a fault is refused when Orthanc starts, with the reason."""

    def start(self, section):
        with Stack(BUILD) as stack:
            with self.assertRaises(Failed) as caught:
                stack.orthanc(plugin=section)
            return str(caught.exception) + stack.log("orthanc")

    def test_faults(self):
        for section, words in (
                ({"Mode": "remote"}, "Axnode.Mode: must be local or forward"),
                ({"Packages": []}, "Axnode: unknown key 'Packages'"),
                ({"Settings": {"workers": {"number": 2}}}, "unknown setting 'workers.number'"),
                ({"Settings": {**SETTINGS, "package": "/nonexistent"}}, "/nonexistent"),
                ({"Program": "/nonexistent/analyst"}, "Axnode.Program: cannot run"),
                ({"Settings": {**SETTINGS, "packages": {"allow_unsigned": False}}}, "sign")):
            with self.subTest(section):
                self.assertIn(words, self.start(section))

    def test_without_a_section_it_is_off(self):
        with Stack(BUILD) as stack:
            stack.orthanc(plugin={})
            stack.stop("orthanc")
            path = stack.folder / "orthanc.json"
            settings = json.loads(path.read_text())
            del settings["Axnode"]
            path.write_text(json.dumps(settings))
            stack.orthanc_start()
            self.assertIsNone(stack.rest("/axnode/status", None))


class Kill(PluginTest):
    """Orthanc is killed again and again while studies come: each is reported once."""
    studies = 500 if LONG else 12
    kills = 10 if LONG else 3

    def wait_stored(self, files):
        """As a modality does: until it was told that the object is stored."""
        for path in files:
            def sent(path=path):
                try:
                    self.send([path])
                    return True
                except (OSError, urllib.error.URLError):
                    return False
            wait_for("Orthanc takes an object", sent, 60)

    def test_each_once(self):
        dice = random.Random(SEED)
        at = sorted(dice.sample(range(1, self.studies), self.kills))
        uids = []
        for number in range(self.studies):
            uid, files = self.make()
            uids.append(uid)
            self.wait_stored(files)
            if number in at:
                time.sleep(dice.uniform(0.2, 3.0)) # so that one is under way
                self.stack.stop("orthanc", signal.SIGKILL)
                self.stack.orthanc_start()
        for uid in uids:
            self.wait_state(uid, "done", 1)
        self.settle()
        for uid in uids:
            self.assertEqual(len(self.reports(uid)), 1)
            self.assertEqual(self.state(uid)["generation"], 1)


class Forward(PluginTest):
    """The study goes to axnoded, whose report comes back."""
    section = {"Mode": "forward", "Modality": "axnode",
               "Settings": {"workers": SETTINGS["workers"]}}
    studies = 2

    @classmethod
    def prepare(cls):
        cls.stack.postgres()
        cls.stack.configure()
        cls.stack.axnode("db", "migrate")
        cls.stack.axnoded()

    def test_report_comes_back(self):
        uid, files = self.make()
        self.send(files)
        state = self.wait_state(uid, "done")
        self.assertEqual([o["kind"] for o in state["objects"]], ["sr"])
        self.settle()
        (report,) = self.reports(uid)
        self.assertEqual(state["objects"][0]["sop_instance_uid"], report.SOPInstanceUID)
        self.assertEqual(self.stack.studies()[uid]["generation"], 1)

    def test_axnoded_is_away(self):
        self.stack.stop("axnoded")
        uid, files = self.make()
        self.send(files)
        def waits():
            state = self.state(uid)
            return state["attempts_failed"] > 0 and state
        self.assertIn("not forwarded", wait_for("an attempt fails", waits, 60)["reason"])
        self.stack.axnoded()
        self.wait_state(uid, "done")


if __name__ == "__main__":
    checks.main()
