"""Bad input, one row each: the study ends in a named state or with a report without risk, the
reason stands in `axnode show` in plain words, no attempt is made twice, the counters of the metrics
say what happened and nothing else, and the next good study still reports."""
import copy
import hashlib
import json
import os
import re
import struct
import subprocess

import numpy
import pydicom
from PIL import Image, ImageDraw, ImageFont
from pydicom.encaps import encapsulate

import checks
import metrics
import raw_dicom
from stack import TREE

FRAMES = 8 # limits.frames of these tests
OBJECT_MIB = 4 # less than our own picture has: the limit is for what comes in
SC = "1.2.840.10008.5.1.4.1.1.7"


def without(*keywords):
    def change(datasets):
        for dataset in datasets:
            for keyword in keywords:
                if keyword in dataset:
                    delattr(dataset, keyword)
        return datasets
    return change


def wordless(datasets):
    """Black around the tissue: the words on the screen are gone."""
    for dataset in datasets:
        region = dataset.SequenceOfUltrasoundRegions[0]
        rows = slice(region.RegionLocationMinY0, region.RegionLocationMaxY1 + 1)
        columns = slice(region.RegionLocationMinX0, region.RegionLocationMaxX1 + 1)
        pixels = numpy.zeros_like(dataset.pixel_array)
        pixels[rows, columns] = dataset.pixel_array[rows, columns]
        dataset.PixelData = pixels.tobytes()
        dataset.PlanarConfiguration = 0
    return datasets


def silent_side(datasets):
    roles = ["AXILLA" if is_axilla(d) else "BREAST" for d in datasets]
    without("ImageLaterality", "Laterality", "ImageComments", "SeriesDescription",
            "StudyDescription", "ProtocolName", "ViewName")(datasets)
    for dataset, role in zip(datasets, roles):
        for region in dataset.get("AnatomicRegionSequence", []):
            if "AnatomicRegionModifierSequence" in region:
                del region.AnatomicRegionModifierSequence
        dataset.ImageComments = role # the role stays known
    return wordless(datasets)


def other_side_in_words(datasets):
    """Header and comments name the side that the words on the screen do not."""
    for dataset in datasets:
        axilla = is_axilla(dataset)
        left = "L" in (dataset.get("ImageLaterality"), dataset.get("Laterality")) or \
            "LEFT" in str(dataset).upper()
        without("Laterality", "SeriesDescription", "StudyDescription", "ProtocolName",
                "ViewName")([dataset])
        for region in dataset.get("AnatomicRegionSequence", []):
            if "AnatomicRegionModifierSequence" in region:
                del region.AnatomicRegionModifierSequence
        dataset.ImageComments = "AXILLA" if axilla else "BREAST"
        dataset.ImageLaterality = "R" if left else "L"
    return datasets


def contradictory_side(datasets):
    for dataset in datasets:
        dataset.ImageLaterality = "L"
        dataset.StudyDescription = "US RIGHT"
    return datasets


def both_named(datasets):
    """Codes say breast, comments axilla."""
    for dataset in datasets:
        if not is_axilla(dataset):
            name_place(dataset, "76752008", "Breast")
            dataset.ImageComments = "AXILLA"
    return datasets


def name_place(dataset, code, meaning):
    region = pydicom.Dataset()
    region.CodeValue, region.CodingSchemeDesignator, region.CodeMeaning = code, "SCT", meaning
    dataset.AnatomicRegionSequence = [region]


def set_side(dataset, side):
    """This side alone, and the place as it was."""
    axilla = is_axilla(dataset)
    without("Laterality", "ImageComments", "SeriesDescription", "StudyDescription",
            "ProtocolName", "ViewName")([dataset])
    name_place(dataset, *(("91470000", "Axilla") if axilla else ("76752008", "Breast")))
    dataset.ImageLaterality = side


def node_of_the_other_side(datasets):
    for dataset in wordless(datasets):
        set_side(dataset, "R" if is_axilla(dataset) else "L")
    return datasets


def again(dataset):
    """The same picture as another object."""
    other = copy.deepcopy(dataset)
    other.SOPInstanceUID = other.file_meta.MediaStorageSOPInstanceUID = (
        dataset.SOPInstanceUID + ".7")
    other.InstanceNumber = 50 + int(dataset.InstanceNumber)
    return other


def both_sides(datasets):
    others = [again(d) for d in wordless(datasets)]
    for group, side in ((datasets, "L"), (others, "R")):
        for dataset in group:
            set_side(dataset, side)
    return datasets + others


def write_words(dataset, text):
    """Into the lower left corner, as machines do."""
    picture = Image.fromarray(dataset.pixel_array)
    font = ImageFont.truetype("DejaVuSans.ttf", 16)
    at = (8, picture.height - 24)
    ImageDraw.Draw(picture).text(at, text, font=font, fill="white")
    dataset.PixelData = numpy.asarray(picture).tobytes()
    dataset.PlanarConfiguration = 0


def another_patient_in_words(datasets):
    for dataset in wordless(datasets): # the phantom's own words name its patient
        write_words(dataset, "ID: 48151623  NAME: MILLER")
    return datasets


def two_places(datasets):
    """The tumour at ten o'clock and at four of the left breast."""
    tumour = next(d for d in wordless(datasets) if not is_axilla(d))
    other = again(tumour)
    for dataset in (*datasets, other):
        set_side(dataset, "L")
    write_words(tumour, "LEFT BREAST 10:00")
    write_words(other, "LEFT BREAST 4:00")
    return [tumour, other, *(d for d in datasets if is_axilla(d))]


def spectra(datasets):
    """Velocities over time in place of the breast."""
    def spectrum(tissue):
        rows, columns = tissue.shape[:2]
        noise = numpy.random.default_rng(1).integers(40, 200, (rows, columns, 1))
        beat = 0.5 + 0.4 * numpy.abs(numpy.sin(numpy.arange(columns) / 30))
        moving = numpy.arange(rows)[:, None] > rows * beat
        tissue[:] = noise * (moving & (numpy.arange(rows)[:, None] < 0.9 * rows))[:, :, None]
    for dataset in datasets:
        if not is_axilla(dataset):
            to_colour(dataset, spectrum)
            dataset.SequenceOfUltrasoundRegions[0].RegionSpatialFormat = 3
            dataset.SequenceOfUltrasoundRegions[0].RegionDataType = 3
    return datasets


def to_colour(dataset, change):
    """RGB, with `change` of the tissue's pixels (rows x columns x 3)."""
    pixels = dataset.pixel_array
    if pixels.ndim == 2:
        pixels = numpy.repeat(pixels[:, :, None], 3, 2)
    pixels = pixels.copy()
    r = dataset.SequenceOfUltrasoundRegions[0]
    change(pixels[r.RegionLocationMinY0:r.RegionLocationMaxY1 + 1,
                  r.RegionLocationMinX0:r.RegionLocationMaxX1 + 1])
    dataset.SamplesPerPixel, dataset.PlanarConfiguration = 3, 0
    dataset.PhotometricInterpretation = "RGB"
    dataset.PixelData = pixels.tobytes()


def doppler(datasets):
    """Flow in the upper corner, in red and blue."""
    def flow(tissue):
        tissue[10:40, 10:60] = (220, 30, 20)
        tissue[50:80, 30:90] = (20, 40, 220)
    for dataset in datasets:
        to_colour(dataset, flow)
        dataset.SequenceOfUltrasoundRegions[0].RegionDataType = 2
    return datasets


def elastography(datasets):
    """A map of stiffness over the middle, which no attribute names."""
    def stiffness(tissue):
        rows, columns = (slice(n // 4, 3 * n // 4) for n in tissue.shape[:2])
        part = tissue[rows, columns]
        at = numpy.linspace(0, 1, part.shape[0])[:, None] + numpy.zeros(part.shape[1])
        part[:] = numpy.stack([255 * at, 255 * (1 - abs(2 * at - 1)), 255 * (1 - at)], 2)
    for dataset in datasets:
        to_colour(dataset, stiffness)
    return datasets


def video(spoil):
    """Loops of equal frames in H.264, every frame by itself, spoilt."""
    frames = 6
    def change(datasets):
        for dataset in datasets:
            to_colour(dataset, lambda tissue: None)
            done = subprocess.run(
                ["ffmpeg", "-v", "error", "-f", "rawvideo", "-pix_fmt", "rgb24",
                 "-s", f"{dataset.Columns}x{dataset.Rows}", "-i", "-", "-c:v", "libx264",
                 "-threads", "1", "-crf", "10", "-g", "1", "-pix_fmt", "yuv420p", "-f", "h264",
                 "-"], input=dataset.PixelData * frames, capture_output=True, check=True)
            dataset.SOPClassUID = dataset.file_meta.MediaStorageSOPClassUID = (
                "1.2.840.10008.5.1.4.1.1.3.1")
            dataset.file_meta.TransferSyntaxUID = pydicom.uid.MPEG4HP41
            dataset.PhotometricInterpretation = "YBR_PARTIAL_420"
            dataset.NumberOfFrames, dataset.FrameTime = frames, "100"
            dataset.FrameIncrementPointer = 0x00181063
            dataset.PixelData = encapsulate([spoil(done.stdout)])
            dataset["PixelData"].is_undefined_length = True
            dataset["PixelData"].VR = "OB"
        return datasets
    return change


def end_early(stream):
    return stream[:len(stream) * 7 // 12 // 2 * 2]


def damage(stream):
    """Zeros through the second half."""
    half = len(stream) // 2
    return stream[:half] + bytes(half) + stream[2 * half:]


def unknown_colours(datasets):
    for dataset in datasets:
        dataset.PhotometricInterpretation = "CIELAB"
    return datasets


def retired_jpeg(datasets):
    broken_jpeg(datasets)
    for dataset in datasets:
        dataset.file_meta.TransferSyntaxUID = pydicom.uid.UID("1.2.840.10008.1.2.4.52")
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
    return wordless(datasets)


def is_axilla(dataset):
    text = str([dataset.get(k, "") for k in ("ImageComments", "SeriesDescription", "ViewName")])
    region = dataset.get("AnatomicRegionSequence") or []
    return "AX" in text.upper() or any(r.CodeValue == "91470000" for r in region)


def unknown_character_set(datasets):
    for dataset in datasets:
        dataset.PatientName = "Test^Name"
        dataset["SpecificCharacterSet"] = pydicom.DataElement(0x00080005, "CS", "ISO_IR 999")
    return datasets


def many_frames(datasets):
    for dataset in datasets:
        dataset.SOPClassUID = dataset.file_meta.MediaStorageSOPClassUID = (
            "1.2.840.10008.5.1.4.1.1.3.1")
        dataset.NumberOfFrames = FRAMES + 1
    return datasets


def real_patient(datasets):
    for dataset in datasets:
        if (0x0008, 0x001C) in dataset:
            del dataset[0x0008, 0x001C]
    return datasets


# name: (change, state, outcome or None, words of the reason). Outcome 'unanalysed': no attempt.
ROWS = {
    "not ultrasound": (not_ultrasound, "not_applicable", "unanalysed", "no ultrasound images"),
    "no pixels": (without("PixelData"), "not_applicable", None, "no pixels"),
    "too few pixels": (short_pixels, "not_applicable", None, "pixel"),
    "an encoding we cannot decode": (jpeg_2000, "not_applicable", None, "decode"),
    "colours without a meaning here": (unknown_colours, "not_applicable", None, "CIELAB"),
    "a retired encoding": (retired_jpeg, "not_applicable", None, "JPEG Process 3"),
    "a video that ends early": (video(end_early), "done", "risk", "not be decoded"),
    "a damaged video": (video(damage), "done", "risk", "not be decoded"),
    "a broken picture": (broken_jpeg, "not_applicable", None, "decode"),
    "sizes that cannot be": (huge, "unreadable", None, "more than 67108864"),
    "nothing to see": (black, "done", "no_risk", "found"),
    "no node image": (tumour_only, "done", "no_risk", "node"),
    "no tumour image": (node_only, "done", "no_risk", "tumour"),
    "no calibration": (without("SequenceOfUltrasoundRegions"), "done", "no_risk", "calibrat"),
    "unknown side": (silent_side, "done", "no_risk", "side"),
    "contradictory side": (contradictory_side, "done", "no_risk", "side"),
    "words that name the other side": (other_side_in_words, "done", "no_risk", "side"),
    "breast and axilla named": (both_named, "done", "no_risk", "name breast and axilla"),
    "tumour and node on two sides": (node_of_the_other_side, "done", "no_risk", "side"),
    "words that name another patient": (another_patient_in_words, "done", "no_risk",
                                        "another patient"),
    "tumours on both sides": (both_sides, "done", "no_risk", "bilateral"),
    "tumours in two places": (two_places, "done", "no_risk", "multifocal"),
    "spectra": (spectra, "done", "no_risk", "spectral"),
    "colour Doppler alone": (doppler, "done", "no_risk", "no B-mode"),
    "elastography alone": (elastography, "done", "no_risk", "is missing"),
    "two patients": (two_patients, "failed", "unanalysed", "two patients"),
    "an unknown character set": (unknown_character_set, "done", "risk", ""),
    "more frames than the limit": (many_frames, "unreadable", None, "frames"),
    "neither breast nor axilla": (heart, "not_applicable", None, "breast or axilla"),
    "eligibility not established": (real_patient, "done", "no_risk", "eligibility"),
}


def counters_of_row(name, files):
    """What one row moves in the metrics: as counters() has it."""
    _, state, outcome, _ = ROWS[name]
    moved = {"associations": files, "received_objects:new": files}
    if name == "two patients":
        return {**moved, "indexed_objects:new": files - 1, "indexed_objects:mixed": 1}
    if state == "unreadable":
        return {**moved, "indexed_objects:unreadable": files}
    moved["indexed_objects:new"] = files
    return moved if outcome == "unanalysed" else {**moved, f"results:{outcome or state}": 1}


def cut_off(parts):
    return (*parts[:3], parts[3][:-1000])


def nothing(parts):
    return (*parts[:3], b"")


def with_uid(uid):
    def change(parts):
        old = str(parts[1])
        new = uid.encode() + b"\0" * (len(uid) % 2)
        was = struct.pack("<HH2sH", 0x0008, 0x0018, b"UI", len(old) + len(old) % 2)
        at = parts[3].index(was)
        data = (parts[3][:at] + struct.pack("<HH2sH", 0x0008, 0x0018, b"UI", len(new)) + new
                + parts[3][at + 8 + len(old) + len(old) % 2:])
        return (parts[0], uid, parts[2], data)
    return change


def other_uid(parts):
    return (parts[0], str(parts[1]) + ".1", *parts[2:])


def too_large(parts):
    return (*parts[:3], parts[3] + struct.pack("<HH2sHI", 0x7FE1, 0x0010, b"OB", 0,
                                               OBJECT_MIB << 20) + bytes(OBJECT_MIB << 20))


def deep(parts):
    """Far more levels of sequences than any object has."""
    sequence = struct.pack("<HH2sHI", 0x7FE1, 0x1001, b"SQ", 0, 0xFFFFFFFF)
    item, item_end, end = (struct.pack("<HHI", 0xFFFE, number, length) for number, length in (
        (0xE000, 0xFFFFFFFF), (0xE00D, 0), (0xE0DD, 0)))
    levels = 200
    return (*parts[:3], parts[3] + (sequence + item) * levels + (item_end + end) * levels)


# Bytes that are refused: name: (change of (SOP class, SOP instance, transfer syntax, data set),
# the answer, None: the association just ends; the counter's reason).
REFUSED = {
    "deep nesting": (deep, 0xC000, "invalid"),
    "a data set that is cut off": (cut_off, 0xC000, "invalid"),
    "an object of no bytes": (nothing, 0xC000, "invalid"),
    "an object over the limit": (too_large, 0xA700, "too_large"),
    "a UID of 65 characters": (with_uid("1." + "2" * 63), None, None),
    "a UID with slashes": (with_uid("../../../../etc/passwd"), 0xC000, "invalid"),
    "a UID that the command does not name": (other_uid, 0xA900, "mismatch"),
}


# Rows of the guide's table of bad input, by their first words: rows above, a test here, or
# another file's.
GUIDE = {
    "no ultrasound images": ["not ultrasound"],
    "no pixels; pixels that are damaged": ["no pixels", "too few pixels", "a broken picture"],
    "a transfer syntax or photometric": [
        "colours without a meaning here", "a retired encoding", "an encoding we cannot decode"],
    "a video that ends early": ["a video that ends early", "a damaged video"],
    "neither breast nor axilla": ["neither breast nor axilla"],
    "an image that the package's view": ["tests/unit/pipeline/assess.c"],
    "an image whose attributes": ["breast and axilla named"],
    "objects of two patients": ["two patients"],
    "no tumour or no node found": ["nothing to see", "no node image", "no tumour image"],
    "no calibrated tissue region": ["no calibration"],
    "unknown side, contradictory side": [
        "unknown side", "contradictory side", "words that name the other side",
        "tumour and node on two sides"],
    "words on a picture": ["words that name another patient"],
    "no language file": ["test_no_language_file"],
    "tumours outlined on both": ["tumours on both sides"],
    "tumours at clock positions": ["tumours in two places"],
    "an outline whose passes": ["tests/unit/model/score.c"],
    "spectral Doppler or M-mode": ["spectra"],
    "colour Doppler or elastography": ["colour Doppler alone", "elastography alone"],
    "an outline too narrow": ["tests/unit/model/package_deep.c"],
    "for a package with a network over a loop": ["tests/integration/loops.py"],
    "… Frame Time, rate or Frame Time Vector": [
        "tests/integration/loops.py", "tests/unit/dicom/times.c"],
    "… a loop whose frames repeat": ["tests/integration/loops.py"],
    "… a loop that is cut off": ["tests/integration/loops.py"],
    "eligibility not established": ["eligibility not established"],
    "a clinical value": ["tests/unit/pipeline/clinical.c"],
    "a structured report that is not": ["tests/unit/pipeline/clinical.c"],
    "a structured report with more": ["tests/unit/dicom/reported.c"],
    "a row of `axnode clinical import`": ["tests/unit/cli/clinical_file.c"],
    "another version of an object": ["test_same_uid_other_bytes"],
    "an object larger than": ["an object over the limit", "tests/fault/outages.py"],
    "SOP Instance UID of command": [
        "a UID that the command does not name", "a UID with slashes"],
    "an object of no bytes": [
        "an object of no bytes", "a data set that is cut off", "deep nesting"],
    "a SOP Instance UID of more": ["a UID of 65 characters"],
    "an unknown transfer syntax": ["test_an_unsupported_syntax_is_not_agreed_on"],
    "an association of who is not listed": ["tests/integration/admission.py"],
    "bytes that are no association": ["tests/integration/admission.py", "tests/unit/dicom/network.c"],
    "a study without a series that": ["tests/unit/db/queue.c"],
    "more than `limits.frames`": ["more frames than the limit", "sizes that cannot be"],
    "a study to which one of several": ["tests/integration/several.py"],
    "a further package that outlines": ["tests/unit/pipeline/assess.c"],
    "an unknown character set": ["an unknown character set"],
}


def counters():
    """{name without axnode_ and _total, and labels: value} of what the metrics count."""
    found = {}
    for (name, labels), value in metrics.scrape()[0].items():
        if name.endswith("_total") and "bytes" not in name:
            short = name.removeprefix("axnode_").removesuffix("_total")
            found[":".join([short, *(value for _, value in labels)])] = value
    return found


class BadInput(checks.StackTest):
    settings = {"limits": {"frames": FRAMES, "object_mib": OBJECT_MIB}, "quiet_period_s": 0.3,
                "metrics": {"port": metrics.PORT}}

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        studies = 2 * (len(ROWS) + len(REFUSED) + 3)
        folder = cls.stack.folder / "phantom"
        cls.stack.axnode("phantom", "--out", folder, "--studies", studies, "--seed", 100)
        cls.folders = iter(sorted(folder.glob("study-*")))
        checks.wait_for("the metrics answer", cls.counted, 30)

    @staticmethod
    def counted():
        try:
            return counters()
        except OSError:
            return None

    def make(self, change=lambda datasets: datasets):
        """A study of its own with one thing wrong; returns its UID and files."""
        folder = next(self.folders)
        datasets = [pydicom.dcmread(p) for p in sorted(folder.glob("*.dcm"))]
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

    def assert_counted(self, before, expected):
        """These counters moved since, by so much, and no others."""
        moved = {}

        def all_of_them():
            moved.clear()
            moved.update({name: value - before[name] for name, value in counters().items()
                          if value != before[name]})
            return moved == expected
        try: # a process counts just after the state changes
            checks.wait_for("the counters move", all_of_them, 10)
        except checks.Failed:
            self.assertEqual(moved, expected)

    def assert_unreadable(self, uid, files, words):
        """No study comes of it, but every file is kept and listed with its reason."""
        keys = ", ".join("'" + hashlib.sha256(str(raw_dicom.split_file(p)[1]).encode()).hexdigest()
                         + "'" for p in files)
        def listed():
            found = self.stack.sql(f"SELECT reason FROM unreadable WHERE key IN ({keys})")
            return len(found) == len(files) and found
        for (reason,) in checks.wait_for("the files are listed as unreadable", listed, 60):
            self.assertIn(words, reason)
        self.assertIn(words, self.stack.axnode("status"))
        self.assertNotIn(uid, self.stack.studies())

    def assert_ends(self, name, uid):
        stack = self.stack
        _, state, outcome, words = ROWS[name]

        def ended():
            row = stack.studies().get(uid)
            return row and row["state"] in checks.SETTLED and row
        row = checks.wait_for(f"'{name}' reaches its end", ended, 60)
        shown = stack.axnode("show", uid)
        print(f"{name}: {row['state']}: {row['reason']}")
        self.assertEqual(row["state"], state, shown)
        if state == "done":
            self.assertEqual(checks.outcome(stack, uid), outcome, shown)
        self.assertIn(words.lower(), shown.lower())
        attempts = stack.sql("SELECT attempt FROM job j JOIN study s ON s.id = j.study "
                             f"WHERE s.study_uid = '{uid}'")
        self.assertEqual(attempts, [] if outcome == "unanalysed" else [["1"]])
        self.assertEqual(len(stack.pacs_instances(uid, "SR")), 1 if state == "done" else 0)

    def test_rows(self):
        for name, (change, state, _, words) in ROWS.items():
            with self.subTest(name):
                uid, files = self.make(change)
                before = counters()
                self.send_any(files)
                if state == "unreadable":
                    self.assert_unreadable(uid, files, words)
                else:
                    self.assert_ends(name, uid)
                self.assert_counted(before, counters_of_row(name, len(files)))
                self.assert_next_reports()

    def test_every_row_of_the_guide_has_its_test(self):
        guide = (TREE / "docs/operator-guide.md").read_text(encoding="utf-8")
        table = guide.split("### What bad input gets")[1].split("\n#")[0]
        rows = re.findall(r"^\| (?!input \|)(.+?) \|", table, re.M)
        for row in rows:
            self.assertEqual(sum(row.startswith(key) for key in GUIDE), 1, row)
        self.assertEqual(len(rows), len(GUIDE))
        for test in sum(GUIDE.values(), []):
            self.assertTrue(test in ROWS or test in REFUSED or hasattr(self, test)
                            or "/" in test and (TREE / test).exists(), test)
        self.assertEqual(set(sum(GUIDE.values(), [])) & {*ROWS, *REFUSED}, {*ROWS, *REFUSED})

    def test_no_language_file(self):
        """Read without words, which the report says."""
        _, files = self.make()
        out = self.stack.folder / "wordless"
        subprocess.run([self.stack.tool("axnode"), "analyze", "--out", out, "--package",
                        TREE / "packages/verification", "--config", self.stack.config, *files],
                       check=True, capture_output=True,
                       env={**os.environ, "TESSDATA_PREFIX": "/nonexistent"})
        (result,) = out.rglob("result.json")
        notes = json.loads(result.read_text(encoding="utf-8"))["notes"]
        self.assertTrue([n for n in notes if "Tesseract's data are not installed" in n], notes)

    def assert_next_reports(self):
        stack = self.stack
        uid, files = self.make()
        self.assertEqual(stack.send(files), [])
        checks.wait_for("the next good study reports",
                        lambda: stack.studies().get(uid, {}).get("state") == "done", 60)
        self.assertEqual(len(stack.pacs_instances(uid, "SR")), 1)

    def stored_files(self):
        return sorted(p.name for p in (self.stack.folder / "store").glob("*/??/*.dcm"))

    def answer(self, parts):
        """The status word of a C-STORE of any bytes; None when the association just ends."""
        association = raw_dicom.Association(self.stack.axnoded_port, str(parts[0]), str(parts[2]),
                                            timeout_s=10)
        try:
            return association.store(str(parts[1]), parts[3])
        except (ConnectionError, TimeoutError):
            return None
        finally:
            association.socket.close()

    def test_what_is_refused(self):
        """The sender keeps it: nothing of it stays here, and the log says why."""
        _, files = self.make()
        for name, (change, answer, reason) in REFUSED.items():
            with self.subTest(name):
                stored, studies = self.stored_files(), self.stack.studies().keys()
                before, told = counters(), len(self.stack.log("axnoded"))
                status = self.answer(change(raw_dicom.split_file(files[0])))
                print(f"{name}: {'no answer' if status is None else f'0x{status:04X}'}")
                self.assertEqual(status, answer)
                words = "object refused" if reason else "association failed"
                checks.wait_for("the log says why", lambda told=told, words=words:
                                words in self.stack.log("axnoded")[told:], 20)
                refused = ({"received_objects:refused": 1, f"refused_objects:{reason}": 1}
                           if reason else {"associations_failed": 1})
                self.assert_counted(before, {"associations": 1, **refused})
                self.assertEqual(self.stored_files(), stored)
                self.assertEqual(self.stack.studies().keys(), studies)
                self.assertFalse(list((self.stack.folder / "store/incoming/.tmp").iterdir()))
                self.assert_next_reports()

    def test_an_unsupported_syntax_is_not_agreed_on(self):
        _, files = self.make()
        before = counters()
        with self.assertRaisesRegex(ConnectionError, "not accepted"):
            raw_dicom.Association(self.stack.axnoded_port,
                                  str(raw_dicom.split_file(files[0])[0]),
                                  "1.2.840.10008.1.2.4.999")
        self.assert_counted(before, {"associations": 1, "associations_rejected": 1,
                                     "rejected_associations:contexts": 1})
        self.assert_next_reports()

    def test_same_uid_other_bytes(self):
        """The first one counts; both are kept, and the report stays the one there is."""
        stack = self.stack
        uid, files = self.make()
        self.send_any(files)
        checks.wait_for("the study reports", lambda: stack.studies().get(
            uid, {}).get("state") == "done", 60)
        before = counters()
        dataset = pydicom.dcmread(files[0])
        dataset.PixelData = bytes(len(dataset.PixelData))
        dataset.save_as(files[0])
        self.send_any(files[:1])
        checks.wait_for("it is kept aside", lambda: stack.sql(
            f"SELECT 1 FROM instance WHERE sop_uid = '{dataset.SOPInstanceUID}' "
            "AND role = 'variant'"), 60)
        self.assert_counted(before, {"associations": 1, "received_objects:variant": 1,
                                     "indexed_objects:variant": 1})
        row = stack.studies()[uid]
        self.assertEqual((row["state"], row["generation"]), ("done", 1))
        self.assertEqual(len(stack.pacs_instances(uid, "SR")), 1)
        self.assertIn("variant", stack.axnode("show", uid))
        self.assert_next_reports()


if __name__ == "__main__":
    checks.main()
