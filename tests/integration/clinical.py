"""A package that needs clinical values: from a file, from the table of imports, from structured reports
of others; a risk with them, and none with values that are missing, stale or of the other side."""
import csv
import json
import pathlib
import shutil
import subprocess
import tempfile

import pydicom
from pydicom.dataset import Dataset, FileDataset, FileMetaDataset
from pydicom.sequence import Sequence
from pydicom.uid import ExplicitVRLittleEndian, generate_uid

import checks
from checks import TREE, run, settled, wait_for

CLINICAL = """\
  clinical:
    - {name: age, text: Age, kind: number, unit: years, sources: [dicom, import],
       max_age_days: 365, side: any, tolerance: 1, missing: refuse}
    - {name: us_node_status, text: Node status reported at ultrasound, kind: binary,
       sources: [sr, import], max_age_days: 90, max_after_days: 2, side: same, missing: refuse}
"""
TERMS = """\
    - {feature: clinical_age, centre: 55, scale: 10, coefficient: -0.2,
       needs_calibration: false, missing: refuse}
    - {feature: clinical_us_node_status, centre: 0, scale: 1, coefficient: 0.8,
       needs_calibration: false, missing: refuse}
"""
MISSING = "a clinical value is missing ({}): Node status reported at ultrasound"


def make_package(axnode, folder):
    """The shipped package with two clinical terms more."""
    shutil.copytree(TREE / "packages" / "verification", folder)
    path = folder / "package.yaml"
    text = path.read_text()
    for at, what in (("networks:\n", CLINICAL), ("  cutoff:\n", TERMS)):
        assert text.count(at) == 1
        text = text.replace(at, what + at)
    path.write_text(text.replace("name: verification", "name: clinical-test"))
    run([axnode, "model", "selftest", "--write", folder])


def write_csv(path, *rows):
    """Rows of {column: text}, all with the columns of all."""
    columns = list(dict.fromkeys(name for row in rows for name in row))
    with open(path, "w", encoding="utf-8", newline="") as file:
        table = csv.DictWriter(file, columns)
        table.writeheader()
        table.writerows(rows)
    return path


def code(value, scheme, meaning):
    item = Dataset()
    item.CodeValue, item.CodingSchemeDesignator, item.CodeMeaning = value, scheme, meaning
    return Sequence([item])


def item(relation, kind, name, value=None, children=()):
    it = Dataset()
    it.RelationshipType, it.ValueType = relation, kind
    it.ConceptNameCodeSequence = code(*name)
    if value:
        it.ConceptCodeSequence = code(*value)
    if kind == "CONTAINER":
        it.ContinuityOfContent = "SEPARATE"
    if children:
        it.ContentSequence = Sequence(children)
    return it


def node_report(image, side, path, verified=True):
    """A Comprehensive SR of somebody else: axillary adenopathy of a side."""
    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID = "1.2.840.10008.5.1.4.1.1.88.33"
    meta.MediaStorageSOPInstanceUID = generate_uid()
    meta.TransferSyntaxUID = ExplicitVRLittleEndian
    sr = FileDataset(str(path), {}, file_meta=meta, preamble=b"\0" * 128)
    sr.SOPClassUID, sr.SOPInstanceUID = meta.MediaStorageSOPClassUID, meta.MediaStorageSOPInstanceUID
    for keyword in ("PatientID", "PatientName", "PatientBirthDate", "PatientSex",
                    "StudyInstanceUID", "StudyDate", "StudyTime", "AccessionNumber"):
        setattr(sr, keyword, image.get(keyword, ""))
    sr.SeriesInstanceUID, sr.Modality = generate_uid(), "SR"
    sr.SeriesNumber, sr.InstanceNumber = 77, 1
    sr.ContentDate, sr.ContentTime = image.StudyDate, "120000"
    sr.CompletionFlag = "COMPLETE"
    sr.VerificationFlag = "VERIFIED" if verified else "UNVERIFIED"
    sr.ValueType, sr.ContinuityOfContent = "CONTAINER", "SEPARATE"
    sr.ConceptNameCodeSequence = code("111400", "DCM", "Breast Imaging Report")
    laterality = item("HAS CONCEPT MOD", "CODE", ("272741003", "SCT", "Laterality"),
                      ("7771000", "SCT", "Left") if side == "left" else ("24028007", "SCT", "Right"))
    finding = item("CONTAINS", "CODE", ("121071", "DCM", "Finding"),
                   ("127189005", "SCT", "Axillary adenopathy"), [laterality])
    sr.ContentSequence = Sequence([item("CONTAINS", "CONTAINER",
                                        ("121070", "DCM", "Findings"), None, [finding])])
    sr.is_little_endian, sr.is_implicit_VR = True, False
    sr.save_as(path, write_like_original=False)
    return path


class Clinical(checks.StackTest):
    @classmethod
    def setUpClass(cls):
        folder = pathlib.Path(tempfile.mkdtemp(prefix="axnode-", dir="/tmp"))
        cls.addClassCleanup(shutil.rmtree, folder, ignore_errors=True)
        cls.folder, cls.package = folder, folder / "package"
        axnode = next(p for p in (checks.BUILD / "cli" / "axnode", checks.BUILD / "bin" / "axnode")
                      if p.exists())
        make_package(axnode, cls.package)
        cls.settings = {"package": str(cls.package), "workers": {"count": 1}}
        super().setUpClass()
        cls.stack.axnode("phantom", "--out", folder / "phantom", "--studies", 5, "--seed", 5)
        cls.pick(axnode)

    @classmethod
    def pick(cls, axnode):
        """Studies that get a risk when their node's status is known: three are needed."""
        folder, known = cls.folder / "phantom", {}
        for truth in json.loads((folder / "truth.json").read_text())["studies"]:
            files = sorted((folder / truth["folder"]).glob("*.dcm"))
            image = pydicom.dcmread(files[0], stop_before_pixels=True)
            row = {"patient_id": image.PatientID, "side": truth["side"],
                   "observed": image.StudyDate, "us_node_status": "suspicious"}
            known[image.StudyInstanceUID] = (files, image, truth["side"], row)
        table = write_csv(cls.folder / "all.csv", *(row for *_, row in known.values()))
        results = cls.analyze_all(axnode, folder, table)
        cls.studies = [known[r["study_uid"]] for r in results if r["outcome"] == "risk"]
        assert len(cls.studies) >= 3, "too few phantoms with a risk"

    @classmethod
    def analyze_all(cls, axnode, folder, table=None):
        more = ["--clinical", table] if table else []
        printed = run([axnode, "analyze", folder, "--package", cls.package, "--json", *more])
        return json.loads(printed)["studies"]

    @classmethod
    def analyze(cls, axnode, study, table=None):
        return cls.analyze_all(axnode, study, table)[0]

    def clinical(self, *arguments):
        """(exit status, JSON, standard error)"""
        done = subprocess.run([self.stack.tool("axnode"), "clinical", *map(str, arguments), "--json",
                               "--config", self.stack.config], capture_output=True, text=True,
                              check=False, timeout=60)
        return done.returncode, json.loads(done.stdout) if done.stdout else None, done.stderr

    def result(self, image, generation):
        def there():
            row = self.stack.studies().get(image.StudyInstanceUID)
            return row and row["generation"] == generation and row["state"] == "done" and row
        wait_for(f"generation {generation} is done", there, 120)
        rows = self.stack.sql(
            "SELECT r.content FROM result r JOIN job j ON j.id = r.job JOIN study s ON s.id = j.study "
            f"WHERE s.study_uid = '{image.StudyInstanceUID}' ORDER BY j.generation DESC LIMIT 1")
        return json.loads(rows[0][0])

    def send_report(self, path):
        run(["storescu", "-R", "-aet", "READER", "-aec", "AXNODE", "127.0.0.1",
             self.stack.axnoded_port, path])

    def test_1_from_a_file(self):
        axnode = self.stack.tool("axnode")
        files, image, side, row = self.studies[0]
        study, table = files[0].parent, self.folder / "table.csv"
        self.assertEqual(self.analyze(axnode, study)["reason"],
                         MISSING.format("no accepted source has it"))
        other = "left" if side == "right" else "right"
        for change, reason in (
                ({"side": other}, "it belongs to the other side"),
                ({"observed": "2025-10-01"}, "it is too old for the study"),
                ({"issuer": "ELSEWHERE"}, "no accepted source has it")):
            got = self.analyze(axnode, study, write_csv(table, {**row, **change}))
            self.assertEqual((got["outcome"], got["reason"]), ("no_risk", MISSING.format(reason)))
        got = self.analyze(axnode, study, write_csv(
            table, row, {**row, "observed": "2026-01-01", "us_node_status": "negative"}))
        self.assertEqual(got["reason"], MISSING.format("two accepted values differ"))
        low = self.analyze(axnode, study, write_csv(table, {**row, "us_node_status": "negative"}))
        high = self.analyze(axnode, study, write_csv(table, row))
        self.assertGreater(high["risk"], low["risk"])
        used = {c["name"]: c for c in high["result"]["clinical"]}
        self.assertEqual(used["us_node_status"]["value"], "suspicious")
        self.assertEqual(used["us_node_status"]["source"], "import")
        self.assertEqual(used["us_node_status"]["side"], side)
        self.assertEqual(used["age"]["source"], "dicom")
        self.assertEqual(high["result"]["eligibility"][0]["established"], True)
        # Other values, other objects.
        uids = [{o["sop_instance_uid"] for o in x["result"]["objects"]} for x in (high, low)]
        self.assertFalse(uids[0] & uids[1])

    def test_1_attributes_and_reports_that_contradict(self):
        files, image, side, row = self.studies[0]
        study = self.folder / "contradictory"
        study.mkdir()
        for path in files:
            dataset = pydicom.dcmread(path)
            dataset.PatientAge = "080Y"
            dataset.save_as(study / path.name)
        somebody = pydicom.dcmread(files[0], stop_before_pixels=True)
        somebody.PatientID = "SOMEBODY-ELSE"
        node_report(somebody, side, study / "report.dcm")
        got = self.analyze(self.stack.tool("axnode"), study, write_csv(self.folder / "table.csv", row))
        self.assertEqual(got["reason"], "a clinical value is missing (two accepted values differ): Age")
        self.assertTrue(any("another patient identifier" in note
                            for note in got["result"]["notes"]), got["result"]["notes"])
        ages = [c for c in got["result"]["clinical"] if c["name"] == "age"][0]["considered"]
        self.assertEqual(sorted(a["value"] for a in ages), [56, 80])

    def test_2_bad_rows(self):
        _, image, _, row = self.studies[0]
        table = self.folder / "bad.csv"
        rows = [row, {**row, "us_node_status": "maybe"}, {**row, "side": ""},
                {**row, "observed": "2026-02-30"}, {**row, "study_uid": image.StudyInstanceUID}]
        status, got, _ = self.clinical("import", write_csv(table, *rows))
        self.assertEqual(status, 1)
        self.assertFalse(got["kept"])
        self.assertEqual([bad["line"] for bad in got["bad"]], [3, 4, 5, 6])
        self.assertNotIn(image.PatientID, json.dumps(got))
        self.assertNotIn("maybe", json.dumps(got))
        self.assertEqual(self.stack.sql("SELECT count(*) FROM clinical"), [["0"]])
        status, got, _ = self.clinical("import", table, "--skip-bad", "--dry-run")
        self.assertEqual((status, got["kept"], got["new"]), (0, False, 1))
        for text, reason in (("", "no cases"), ("a,b\n1,2\n", "name of column 1"),
                             ("patient_id,observed,age\nX,2026-01-01,1,2\n", "more cells"),
                             ("patient_id,observed,age,age\nX,2026-01-01,1,2\n", "name of another"),
                             ("patient_id,age\nX,1\n", "observed is missing"),
                             ("patient_id,observed,age\n\"X,2026-01-01,1\n", "quotes"),
                             ("patient_id\0,observed\n", "no text")):
            table.write_text(text)
            status, _, said = self.clinical("import", table)
            self.assertEqual(status, 1)
            self.assertIn(reason, said)
            self.assertNotIn("2026-01-01", said)
        listing = self.folder / "bad.json"
        listing.write_text('[{"patient_id": "X", "observed": "2026-01-01", "age": 50, "agee": 1},'
                           ' {"patient_id": "X", "observed": "2026-01-01", "age": true}, 7,'
                           ' {"patient_id": "X", "observed": "2026-01-01", "age": 50, "age": 51}]')
        status, got, _ = self.clinical("import", listing)
        self.assertEqual((status, [bad["line"] for bad in got["bad"]]), (1, [1, 2, 3, 4]))

    def test_3_imported_after_the_report(self):
        files, image, side, row = self.studies[0]
        self.assertEqual(self.stack.send(files), [])
        first = self.result(image, 1)
        self.assertEqual(first["reason"], MISSING.format("no accepted source has it"))
        table = write_csv(self.folder / "one.csv", {**row, "study_uid": image.StudyInstanceUID,
                                                    "accession_number": image.AccessionNumber,
                                                    "source": "reading"})
        status, got, _ = self.clinical("import", table, "--rescore")
        self.assertEqual((status, got["new"], got["rescored"]), (0, 1, 1))
        second = self.result(image, 2)
        self.assertEqual(second["outcome"], "risk")
        value = next(c for c in second["clinical"] if c["name"] == "us_node_status")
        self.assertEqual((value["source"], value["source_text"], value["side"]),
                         ("import", "reading", side))
        self.assertTrue(second["replaces"])
        # The same file again changes nothing, and no study.
        status, got, _ = self.clinical("import", table, "--rescore")
        self.assertEqual((got["unchanged"], got["rescored"]), (1, 0))
        _, listed, _ = self.clinical("list", "--study", image.StudyInstanceUID)
        self.assertEqual([v["value"] for v in listed["values"]], ["suspicious"])
        self.assertEqual(len(listed["history"]), 1)
        # Retry without a change sends nothing new.
        made = checks.outgoing(self.stack)
        self.stack.axnode("retry", image.StudyInstanceUID)
        settled(self.stack, 1)
        self.assertEqual(checks.outgoing(self.stack), made)

    def test_4_imported_before_the_study(self):
        files, image, side, row = self.studies[1]
        other = "left" if side == "right" else "right"
        table = self.folder / "before.csv"
        self.clinical("import", write_csv(table, {**row, "side": other}))
        self.assertEqual(self.stack.send(files), [])
        self.assertEqual(self.result(image, 1)["reason"],
                         MISSING.format("it belongs to the other side"))
        self.clinical("import", write_csv(table, row), "--rescore")
        self.assertEqual(self.result(image, 2)["outcome"], "risk")

    def test_5_from_structured_reports(self):
        files, image, side, _ = self.studies[2]
        draft = node_report(image, side, self.folder / "draft.dcm", verified=False)
        self.send_report(draft)
        self.assertEqual(self.stack.send(files), [])
        first = self.result(image, 1)
        self.assertEqual(first["outcome"], "no_risk")
        self.assertTrue(any("not verified" in note for note in first["notes"]), first["notes"])
        # A second draft changes nothing; the verified report opens the next generation.
        self.send_report(node_report(image, side, self.folder / "draft2.dcm", verified=False))
        final = node_report(image, side, self.folder / "final.dcm")
        self.send_report(final)
        second = self.result(image, 2)
        self.assertEqual(second["outcome"], "risk")
        value = next(c for c in second["clinical"] if c["name"] == "us_node_status")
        self.assertEqual((value["source"], value["side"], value["value"]), ("sr", side, "suspicious"))
        roles = self.stack.sql("SELECT i.role, count(*) FROM instance i JOIN study s ON s.id = i.study "
                               f"WHERE s.study_uid = '{image.StudyInstanceUID}' GROUP BY 1 ORDER BY 1")
        self.assertIn(["report", "3"], roles)
        # The same of the files alone; our own reports are no source.
        study = self.folder / "with-report"
        study.mkdir()
        for path in (*files, final):
            shutil.copy(path, study)
        self.assertEqual(self.analyze(self.stack.tool("axnode"), study)["outcome"], "risk")

    def test_6_the_log_holds_no_patient_data(self):
        log = self.stack.log("axnoded")
        for _, image, _, _ in self.studies:
            self.assertNotIn(image.PatientID, log)
        self.assertNotIn("suspicious", log)


if __name__ == "__main__":
    checks.main()
