"""Orthanc with axnode's plugin beside Orthanc without, in one run: objects of 1.44 MB by storescu, in
turns; then the time from a stable study to its stored report beside the pipeline's own time.

  PYTHONPATH=scripts:tests/integration /usr/bin/python3 tests/bench/orthanc_plugin.py BUILD [ROUNDS]

Prints Markdown. As a user who is not root, on a quiet machine."""
import pathlib
import statistics
import sys
import time

import numpy
import pydicom
from pydicom.dataset import FileMetaDataset
from pydicom.uid import ExplicitVRLittleEndian

from stack import TREE, Stack, run, wait_for

BUILD = pathlib.Path(sys.argv[1])
ROUNDS = int(sys.argv[2]) if len(sys.argv) > 2 else 10
OBJECTS, STUDIES = 60, 10
ULTRASOUND = "1.2.840.10008.5.1.4.1.1.6.1"
SETTINGS = {"package": str(TREE / "packages" / "verification"),
            "onnxruntime": str(BUILD / "lib" / "libonnxruntime.so.1")}


def image(path, number):
    data = pydicom.Dataset()
    data.file_meta = FileMetaDataset()
    data.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    data.SOPClassUID = data.file_meta.MediaStorageSOPClassUID = ULTRASOUND
    data.SOPInstanceUID = data.file_meta.MediaStorageSOPInstanceUID = f"2.25.{10**24 + number}"
    data.StudyInstanceUID = f"2.25.{2 * 10**24 + number // 6}"
    data.SeriesInstanceUID = f"2.25.{3 * 10**24 + number // 6}"
    data.PatientID, data.PatientName, data.Modality = "BENCH", "BENCH", "US"
    data.Rows, data.Columns, data.SamplesPerPixel = 600, 800, 3
    data.PhotometricInterpretation, data.PlanarConfiguration = "RGB", 0
    data.BitsAllocated = data.BitsStored = 8
    data.HighBit, data.PixelRepresentation = 7, 0
    data.PixelData = numpy.random.default_rng(number).bytes(600 * 800 * 3)
    data.is_little_endian, data.is_implicit_VR = True, False
    data.save_as(path, write_like_original=False)


def seconds(stack, files):
    started = time.monotonic()
    run(["storescu", "-aet", "MODALITY", "-aec", "PACS", "127.0.0.1", stack.orthanc_port, *files])
    return time.monotonic() - started


def store_rates():
    """Both get the same objects; who begins changes, and the first round does not count."""
    with Stack(BUILD) as without, Stack(BUILD) as loaded:
        without.orthanc(StableAge=600)
        loaded.orthanc(plugin={"Settings": SETTINGS}, StableAge=600)
        taken = {id(without): [], id(loaded): []}
        for number in range(ROUNDS + 1):
            files = [without.folder / f"{i}.dcm" for i in range(OBJECTS)]
            for i, path in enumerate(files):
                image(path, number * OBJECTS + i)
            pair = [without, loaded] if number % 2 else [loaded, without]
            for stack in pair:
                taken[id(stack)].append(seconds(stack, files))
        alone, beside = taken[id(without)][1:], taken[id(loaded)][1:]
        ratios = [a / b for a, b in zip(alone, beside)]
        print("| | objects a second |\n|---|---|")
        print(f"| Orthanc alone | {OBJECTS / statistics.median(alone):.1f} |")
        print(f"| with the plugin | {OBJECTS / statistics.median(beside):.1f} |")
        print(f"\nRatio, median of {ROUNDS} pairs: {statistics.median(ratios):.3f} "
              f"(smallest {min(ratios):.3f}, largest {max(ratios):.3f})\n", flush=True)


def stable_at(stack, study, since):
    """When Orthanc's change log says so; looked at every 10 ms."""
    def said():
        changes = stack.rest(f"/changes?since={since}&limit=1000")["Changes"]
        return any(c["ChangeType"] == "StableStudy" and c["ID"] == study for c in changes)
    wait_for("the study is stable", said, 60, 0.01)
    return time.monotonic()


def report_times():
    with Stack(BUILD) as stack:
        stack.config.write_text('{}')
        stack.orthanc(plugin={"Settings": SETTINGS})
        folder = stack.folder / "phantom"
        stack.axnode("phantom", "--out", folder, "--studies", STUDIES, "--seed", 70)
        rows = []
        for study in sorted(folder.glob("study-*")):
            files = sorted(study.glob("*.dcm"))
            since = stack.rest("/changes?last")["Last"]
            stack.send(files, to="pacs")
            uid = pydicom.dcmread(files[0], stop_before_pixels=True).StudyInstanceUID
            found = stack.pacs_study(uid)
            started = stable_at(stack, found, since)
            done = wait_for("the report is stored", lambda found=found: (
                lambda s: s["state"] == "done" and s)(stack.rest(f"/axnode/studies/{found}")),
                120, 0.01)
            rows.append((time.monotonic() - started, done["pipeline_s"]))
        whole, own = (statistics.median(column) for column in zip(*rows))
        ratio = statistics.median(a / b for a, b in rows)
        print("| | s, median |\n|---|---|")
        print(f"| from stable to stored | {whole:.2f} |\n| the pipeline's own time | {own:.2f} |")
        print(f"\nRatio, median of {len(rows)} studies: {ratio:.3f}")


store_rates()
report_times()
