"""Bad input, one row each: the study ends in a named state or with a report without risk, the
reason stands in `axnode show` in plain words, and the next good study still reports."""
import copy

import pydicom
from pydicom.encaps import encapsulate

import checks
import raw_dicom

SC = "1.2.840.10008.5.1.4.1.1.7"


def without(*keywords):
    def change(datasets):
        for dataset in datasets:
            for keyword in keywords:
                if keyword in dataset:
                    delattr(dataset, keyword)
        return datasets
    return change


def silent_side(datasets):
    roles = ["AXILLA" if is_axilla(d) else "BREAST" for d in datasets]
    without("ImageLaterality", "Laterality", "ImageComments", "SeriesDescription",
            "StudyDescription", "ProtocolName", "ViewName")(datasets)
    for dataset, role in zip(datasets, roles):
        for region in dataset.get("AnatomicRegionSequence", []):
            if "AnatomicRegionModifierSequence" in region:
                del region.AnatomicRegionModifierSequence
        dataset.ImageComments = role # the role stays known
    return datasets


def contradictory_side(datasets):
    for dataset in datasets:
        dataset.ImageLaterality = "L"
        dataset.StudyDescription = "US RIGHT"
    return datasets


def black(datasets):
    for dataset in datasets:
        dataset.PixelData = bytes(len(dataset.PixelData))
    return datasets


def short_pixels(datasets):
    for dataset in datasets:
        dataset.PixelData = dataset.PixelData[:1000]
    return datasets


def jpeg_2000(datasets):
    for dataset in datasets:
        dataset.file_meta.TransferSyntaxUID = pydicom.uid.JPEG2000Lossless
        dataset.PixelData = encapsulate([b"\xff\x4f\xff\x51 no code stream"])
        dataset["PixelData"].is_undefined_length = True
        dataset["PixelData"].VR = "OB"
    return datasets


def broken_jpeg(datasets):
    jpeg_2000(datasets)
    for dataset in datasets:
        dataset.file_meta.TransferSyntaxUID = pydicom.uid.JPEGBaseline8Bit
    return datasets


def not_ultrasound(datasets):
    for dataset in datasets:
        dataset.SOPClassUID = dataset.file_meta.MediaStorageSOPClassUID = SC
        dataset.Modality = "OT"
        dataset.ConversionType = "WSD"
    return datasets


def huge(datasets):
    for dataset in datasets:
        dataset.Rows = dataset.Columns = 65535
    return datasets


def two_patients(datasets):
    datasets[-1].PatientID = "SOMEBODY-ELSE"
    return datasets


def tumour_only(datasets):
    return [d for d in datasets if not is_axilla(d)]


def node_only(datasets):
    return [d for d in datasets if is_axilla(d)]


def heart(datasets):
    for dataset in datasets:
        without("AnatomicRegionSequence", "ImageComments", "SeriesDescription", "StudyDescription",
                "ProtocolName", "ViewName", "PrimaryAnatomicStructureSequence")([dataset])
        dataset.BodyPartExamined = "HEART"
    return datasets


def is_axilla(dataset):
    text = str([dataset.get(k, "") for k in ("ImageComments", "SeriesDescription", "ViewName")])
    region = dataset.get("AnatomicRegionSequence") or []
    return "AX" in text.upper() or any(r.CodeValue == "91470000" for r in region)


# name: (change, state, outcome or None, words of the reason)
ROWS = {
    "not ultrasound": (not_ultrasound, "not_applicable", None, "no ultrasound images"),
    "no pixels": (without("PixelData"), "not_applicable", None, "no pixels"),
    "too few pixels": (short_pixels, ("not_applicable", "failed"), None, "pixel"),
    "an encoding we cannot decode": (jpeg_2000, "not_applicable", None, "cannot decode JPEG 2000"),
    "a broken picture": (broken_jpeg, "not_applicable", None, "decode"),
    "sizes that cannot be": (huge, "unreadable", None, "more than 67108864"),
    "nothing to see": (black, "done", "no_risk", "found"),
    "no node image": (tumour_only, "done", "no_risk", "node"),
    "no tumour image": (node_only, "done", "no_risk", "tumour"),
    "no calibration": (without("SequenceOfUltrasoundRegions"), "done", "no_risk", "calibrat"),
    "unknown side": (silent_side, "done", "no_risk", "side"),
    "contradictory side": (contradictory_side, "done", "no_risk", "side"),
    "two patients": (two_patients, "failed", None, "two patients"),
    "neither breast nor axilla": (heart, "not_applicable", None, "breast or axilla"),
}


def real_patient(datasets):
    for dataset in datasets:
        if (0x0008, 0x001C) in dataset:
            del dataset[0x0008, 0x001C]
    return datasets


ROWS["eligibility not established"] = (real_patient, "done", "no_risk", "eligibility")


class BadInput(checks.StackTest):
    def make(self, number, change):
        """A good study of its own with one thing wrong; returns its UID and files."""
        folder = self.stack.folder / f"phantom-{number}"
        self.stack.axnode("phantom", "--out", folder, "--studies", "1", "--seed", 100 + number)
        datasets = [pydicom.dcmread(p) for p in sorted(folder.glob("*/*.dcm"))]
        datasets = change(copy.deepcopy(datasets))
        self.assertTrue(datasets)
        files = []
        for i, dataset in enumerate(datasets):
            path = folder / f"bad-{i}.dcm"
            dataset.save_as(path)
            files.append(path)
        return datasets[0].StudyInstanceUID, files

    def send_any(self, files):
        """dcmtk's own sender would look into what is wrong."""
        for path in files:
            self.assertEqual(raw_dicom.send_file(self.stack.axnoded_port, path), 0)

    def assert_unreadable(self, uid, count, words):
        """No study comes of it, but every file is kept and listed with its reason."""
        found = checks.wait_for("the files are listed as unreadable", lambda: len(
            self.stack.sql("SELECT reason FROM unreadable")) >= count and self.stack.sql(
                "SELECT reason FROM unreadable"), 60)
        for (reason,) in found:
            self.assertIn(words, reason)
        self.assertIn(words, self.stack.axnode("status"))
        self.assertNotIn(uid, self.stack.studies())

    def test_rows(self):
        stack = self.stack
        for number, (name, (change, states, outcome, words)) in enumerate(ROWS.items()):
            with self.subTest(name):
                uid, files = self.make(number, change)
                self.send_any(files)
                if states == "unreadable":
                    self.assert_unreadable(uid, len(files), words)
                    continue
                def ended(uid=uid):
                    row = stack.studies().get(uid)
                    return row and row["state"] in checks.SETTLED and row
                row = checks.wait_for(f"'{name}' reaches its end", ended, 60)
                shown = stack.axnode("show", uid)
                print(f"{name}: {row['state']}: {row['reason']}")
                self.assertIn(row["state"], states if isinstance(states, tuple) else (states,),
                              shown)
                if outcome:
                    self.assertEqual(checks.outcome(stack, uid), outcome, shown)
                self.assertIn(words.lower(), shown.lower())
                reports = len(stack.pacs_instances(uid, "SR"))
                self.assertEqual(reports, 1 if row["state"] == "done" else 0)
        uid, files = self.make(90, lambda datasets: datasets)
        self.assertEqual(stack.send(files), [])
        checks.wait_for("the next good study reports",
                        lambda: stack.studies().get(uid, {}).get("state") == "done", 60)
        self.assertEqual(len(stack.pacs_instances(uid, "SR")), 1)


if __name__ == "__main__":
    checks.main()
