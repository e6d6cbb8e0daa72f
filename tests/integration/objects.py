"""Every kind of object that a destination may ask for: made, sent, stored by Orthanc, read back by
programs that are not ours; and who is who in the next generation."""
import pathlib

import checks
import pydicom
from checks import dicom_valid, outgoing, settled
from stack import run

KINDS = ["sr", "seg", "sc", "pr", "ko", "pdf", "seg-ohif"]
STUDIES = 3


def groups(dataset):
    """{tracking identifier: tracking UID} of a report's measurement groups."""
    found = {}
    for container in dataset.ContentSequence:
        if container.ConceptNameCodeSequence[0].CodeValue != "126010":
            continue
        for group in container.ContentSequence:
            items = {c.ConceptNameCodeSequence[0].CodeValue: c for c in group.ContentSequence}
            found[items["112039"].TextValue] = items["112040"].UID
    return found


class Objects(checks.StackTest):
    @classmethod
    def setUpClass(cls):
        cls.stack = checks.Stack(checks.BUILD)
        cls.addClassCleanup(cls.stack.close)
        cls.stack.postgres()
        cls.stack.orthanc()
        pacs = {"ae_title": "PACS", "address": "127.0.0.1", "port": cls.stack.orthanc_port}
        cls.stack.configure(destinations=[
            {"name": "all", **pacs, "objects": KINDS}, {"name": "few", **pacs, "objects": ["sr"]}])
        cls.stack.axnode("db", "migrate")
        cls.stack.axnoded()
        phantom = cls.stack.folder / "phantom"
        cls.stack.axnode("phantom", "--out", phantom, "--studies", STUDIES, "--seed", 7)
        cls.folders = sorted(phantom.glob("study-*"))
        refused = cls.stack.send([f for folder in cls.folders for f in folder.glob("*.dcm")])
        assert not refused, refused
        settled(cls.stack, STUDIES)

    def fetch(self, uid):
        """The file as Orthanc stored it."""
        instances = self.stack.pacs_find("Instance", {"SOPInstanceUID": uid})
        self.assertEqual(len(instances), 1, uid)
        path = self.stack.folder / "fetched.dcm"
        path.write_bytes(self.stack.rest(f"/instances/{instances[0]['ID']}/file"))
        return path

    def test_1_orthanc_has_every_object(self):
        made = outgoing(self.stack)
        self.assertEqual({kind for kind, _, _, _ in made.values()}, set(KINDS))
        for uid, (kind, study, _, path) in made.items():
            fetched = pydicom.dcmread(self.fetch(uid))
            self.assertEqual(fetched, pydicom.dcmread(path), kind)
            self.assertEqual(fetched.StudyInstanceUID, study)

    def test_2_each_goes_where_it_was_asked_for(self):
        rows = self.stack.sql("SELECT b.destination, o.kind, count(*) FROM outbox b "
                              "JOIN outgoing o ON o.id = b.outgoing GROUP BY 1, 2")
        self.assertEqual({kind for destination, kind, _ in rows if destination == "few"}, {"sr"})
        self.assertEqual({kind for destination, kind, _ in rows if destination == "all"},
                         set(KINDS))

    def test_3_others_read_them(self):
        for uid, (kind, _, _, _) in outgoing(self.stack).items():
            path = self.fetch(uid)
            warnings = [w for w in dicom_valid(path) if "<99AXNODE>" not in w]
            self.assertEqual(warnings, [], kind)
            if kind in ("sr", "ko"):
                said = run(["dsrdump", path])
                html = pathlib.Path(f"{path}.html")
                run(["dsr2html", path, html])
                text = html.read_text(encoding="utf-8")
                self.assertIn("Intended use" if kind == "sr" else "Of Interest", said)
                self.assertIn("PHANTOM", text.upper())

    def test_4_the_next_generation_knows_its_regions(self):
        made = outgoing(self.stack)
        folder = self.folders[0]
        late = pydicom.dcmread(sorted(folder.glob("*.dcm"))[0])
        before = {u: p for u, (kind, study, _, p) in made.items()
                  if kind == "sr" and study == late.StudyInstanceUID}
        first = pydicom.dcmread(next(iter(before.values())))
        late.SOPInstanceUID = late.file_meta.MediaStorageSOPInstanceUID = late.SOPInstanceUID + ".9"
        late.InstanceNumber = 99
        late.PixelData = bytes(len(late.PixelData)) # shows nothing
        path = self.stack.folder / "late.dcm"
        late.save_as(path)
        self.assertEqual(self.stack.send([path]), [])
        checks.wait_for("generation 2 is done", lambda: self.stack.studies()[
            late.StudyInstanceUID]["generation"] == 2, 120)
        settled(self.stack, STUDIES)
        after = [u for u, (kind, study, _, _) in outgoing(self.stack).items()
                 if kind == "sr" and study == late.StudyInstanceUID and u not in before]
        self.assertEqual(len(after), 1)
        second = pydicom.dcmread(self.fetch(after[0]))
        self.assertNotEqual(groups(first), {})
        self.assertEqual(groups(second), groups(first))
        replaced = second.PredecessorDocumentsSequence[0].ReferencedSeriesSequence[0]
        self.assertEqual(replaced.ReferencedSOPSequence[0].ReferencedSOPInstanceUID,
                         first.SOPInstanceUID)


if __name__ == "__main__":
    checks.main()
