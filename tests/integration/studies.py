"""50 synthetic studies from four senders at once: one report each, valid, the same bytes again."""
import concurrent.futures
import hashlib

import checks
from checks import dicom_valid, outgoing, readable, settled

STUDIES = 50


class Studies(checks.StackTest):
    settings = {"workers": {"count": 2}}

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.phantom = cls.stack.folder / "phantom"
        cls.stack.axnode("phantom", "--out", cls.phantom, "--studies", STUDIES, "--seed", 11)
        folders = sorted(cls.phantom.glob("study-*"))
        assert len(folders) == STUDIES
        def send(part):
            return [f for folder in folders[part::4]
                    for f in cls.stack.send(sorted(folder.glob("*.dcm")), calling=f"SENDER{part}")]
        with concurrent.futures.ThreadPoolExecutor(4) as pool:
            refused = [f for part in pool.map(send, range(4)) for f in part]
        assert not refused, refused
        cls.studies = settled(cls.stack, STUDIES, 600)

    def test_1_each_study_has_one_report_in_the_pacs(self):
        self.assertEqual(len(self.studies), STUDIES)
        for uid, row in self.studies.items():
            self.assertEqual(row["state"], "done", row)
            self.assertEqual(row["generation"], 1)
            self.assertEqual(len(self.stack.pacs_instances(uid, "SR")), 1)

    def test_2_most_have_a_risk(self):
        rows = self.stack.sql("SELECT outcome, count(*) FROM result GROUP BY 1")
        counts = {outcome: int(n) for outcome, n in rows}
        self.assertGreaterEqual(counts.get("risk", 0), 0.8 * STUDIES, counts)

    def test_3_every_object_is_valid_and_readable(self):
        kinds, pages = {}, {}
        for kind, study, sha256, path in outgoing(self.stack).values():
            self.assertEqual(hashlib.sha256(path.read_bytes()).hexdigest(), sha256)
            self.assertEqual(path.stat().st_mode & 0o777, 0o600)
            dicom_valid(path)
            dataset = readable(path)
            if kind == "sr":
                self.assertEqual(dataset.VerificationFlag, "UNVERIFIED")
            kinds[kind] = kinds.get(kind, 0) + 1
            if kind == "sc":
                pages[study] = pages.get(study, 0) + 1
        self.assertEqual(kinds["sr"], STUDIES)
        self.assertEqual(set(pages), set(self.studies)) # a second page, where there is a risk
        self.assertLessEqual(max(pages.values()), 3)
        self.assertGreaterEqual(kinds["seg"], STUDIES * 0.9)

    def test_3_orthanc_reads_what_it_got(self):
        for uid in sorted(self.studies)[:3]:
            for modality, kind in (("SR", "sr"), ("SEG", "seg"), ("OT", "sc")):
                made = [u for u, (k, s, _, _) in outgoing(self.stack).items()
                        if s == uid and k == kind]
                held = self.stack.pacs_instances(uid, modality)
                self.assertEqual(sorted(u for _, u in held), sorted(made))
                for instance, _ in held:
                    tags = self.stack.rest(f"/instances/{instance}/simplified-tags")
                    self.assertEqual(tags["StudyInstanceUID"], uid)
                    self.assertEqual(tags["Manufacturer"], "axnode")
                    if kind != "sr":
                        picture = self.stack.rest(f"/instances/{instance}/preview")
                        self.assertEqual(picture[:8], b"\x89PNG\r\n\x1a\n")

    def test_4_another_attempt_gives_the_same_bytes(self):
        before = outgoing(self.stack)
        some = sorted(self.studies)[:5]
        digests = {path: hashlib.sha256(path.read_bytes()).hexdigest()
                   for _, study, _, path in before.values() if study in some}
        for path in digests: # what a crash between result and file would leave: made again
            path.unlink()
        for uid in some:
            self.stack.axnode("retry", uid)
        settled(self.stack, STUDIES)
        self.assertEqual(outgoing(self.stack), before)
        for path, digest in digests.items():
            self.assertEqual(hashlib.sha256(path.read_bytes()).hexdigest(), digest)
        for uid in some:
            self.assertEqual(len(self.stack.pacs_instances(uid, "SR")), 1)

    def test_5_an_identical_resend_changes_nothing(self):
        folder = sorted(self.phantom.glob("study-*"))[0]
        jobs = self.stack.sql("SELECT count(*) FROM job")
        self.assertEqual(self.stack.send(sorted(folder.glob("*.dcm"))), [])
        checks.wait_for("incoming is empty", lambda: not list(
            (self.stack.folder / "store" / "incoming").glob("??/*.dcm")))
        settled(self.stack, STUDIES)
        self.assertEqual(self.stack.sql("SELECT count(*) FROM job"), jobs)

    def test_6_the_log_holds_no_patient_data(self):
        log = self.stack.log("axnoded")
        self.assertIn("msg=", log)
        for word in ("PHANTOM^", "PatientName"):
            self.assertNotIn(word, log)
        for row in self.stack.sql("SELECT DISTINCT patient_id FROM v_study LIMIT 10"):
            self.assertNotIn(row[0], log)

    def test_7_a_late_object_makes_a_new_generation(self):
        folder = sorted(self.phantom.glob("study-*"))[1]
        import pydicom
        source = sorted(folder.glob("*.dcm"))[0]
        dataset = pydicom.dcmread(source)
        dataset.SOPInstanceUID = dataset.file_meta.MediaStorageSOPInstanceUID = \
            dataset.SOPInstanceUID + ".9"
        dataset.InstanceNumber = 99
        late = self.stack.folder / "late.dcm"
        dataset.save_as(late)
        self.assertEqual(self.stack.send([late]), [])
        def again():
            row = self.stack.studies()[dataset.StudyInstanceUID]
            return row["generation"] == 2 and row["state"] == "done"
        checks.wait_for("generation 2 is done", again, 120)
        reports = self.stack.pacs_instances(dataset.StudyInstanceUID, "SR")
        self.assertEqual(len(reports), 2)
        newest = [p for u, (k, s, _, p) in outgoing(self.stack).items()
                  if k == "sr" and s == dataset.StudyInstanceUID]
        predecessors = [pydicom.dcmread(p).get("PredecessorDocumentsSequence") for p in newest]
        self.assertEqual(sum(1 for p in predecessors if p), 1)
        for path in newest:
            dicom_valid(path)


if __name__ == "__main__":
    checks.main()
