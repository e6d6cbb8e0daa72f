"""Loops through `axnode analyze`: which frames a network sees, computed again with Pillow and NumPy; the key
frame in report and objects; and loops that must not give a risk."""
import copy
import json
import pathlib
import shutil
import subprocess
import sys
import tempfile
import unittest

import numpy
import pydicom
from PIL import Image
from pydicom.uid import generate_uid

try:
    import loop_package
except ImportError as missing:
    print(f"skipped: {missing}")
    sys.exit(77)

TREE = pathlib.Path(__file__).resolve().parent.parent.parent
BUILD = pathlib.Path(sys.argv[1]) if len(sys.argv) > 1 else TREE / "build" / "dev"
VECTOR, FRAME_TIME = 0x00181065, 0x00181063


def axnode(*arguments, status=0):
    done = subprocess.run([str(BUILD / "cli" / "axnode"), *map(str, arguments)], capture_output=True,
                          text=True, check=False)
    assert done.returncode == status, done.stdout + done.stderr
    return done.stdout + done.stderr


def loop(plain, frames=None, times=None, change=None):
    """A study of its own: `frames` by index of the plain loop (or the pixels), milliseconds of each."""
    data = copy.deepcopy(plain)
    pixels = plain.pixel_array
    if frames is not None:
        pixels = pixels[frames] if isinstance(frames, list) else frames
    data.PixelData = pixels.astype(numpy.uint8).tobytes()
    data.NumberOfFrames = len(pixels)
    if times is not None:
        del data.FrameTime
        data.FrameTimeVector = times
        data.FrameIncrementPointer = VECTOR
    data.StudyInstanceUID, data.SeriesInstanceUID, data.SOPInstanceUID = (generate_uid() for _ in range(3))
    data.file_meta.MediaStorageSOPInstanceUID = data.SOPInstanceUID
    if change:
        change(data)
    return data


class Loops(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = pathlib.Path(tempfile.mkdtemp(prefix="axnode-loops-"))
        cls.addClassCleanup(shutil.rmtree, cls.folder)
        axnode("phantom", "--out", cls.folder / "phantom", "--studies", 1, "--seed", 5, "--loops", "beside")
        study = cls.folder / "phantom" / "study-0001"
        cls.plain = pydicom.dcmread(study / "LOOP0001.dcm")
        cls.stills = [pydicom.dcmread(path) for path in sorted(study.glob("IMG*.dcm"))]
        verification = TREE / "packages" / "verification"
        cls.package = loop_package.make_package(cls.folder / "strict", axnode, verification)
        cls.assuming = loop_package.make_package(
            cls.folder / "assuming", axnode, verification,
            loop_package.PACKAGE.replace("frames: 16\n", "frames: 16\n    assumed_rate: 20\n"))
        cls.cases = cls.make_cases()
        cls.results = cls.analyze(cls.cases, cls.package)

    @classmethod
    def make_cases(cls):
        plain, n = cls.plain, int(cls.plain.NumberOfFrames)
        noise = numpy.random.default_rng(1).integers(60, 90, plain.pixel_array.shape)
        def frame_time(value):
            return lambda data: setattr(data[FRAME_TIME], "value", value)
        def no_times(data):
            del data.FrameTime
        def cut(data):
            data.PixelData = data.PixelData[:len(data.PixelData) // 2 // 2 * 2]
        def still_beside(data):
            still = copy.deepcopy(next(s for s in cls.stills if "BREAST" in s.SeriesDescription))
            still.StudyInstanceUID = data.StudyInstanceUID
            data.still = still
        # every frame stays for 20 ms, but for one pause of a second in the middle
        pause = [0] + [1000 if i == n // 2 else 20 for i in range(1, n)]
        return {
            "plain": loop(plain),
            "vector": loop(plain, times=pause),
            "doubled": loop(plain, frames=[i // 2 * 4 for i in range(24)]),
            "frozen": loop(plain, frames=[n // 2] * n),
            "one-frame": loop(plain, frames=[n // 2]),
            "few": loop(plain, frames=list(range(0, 12, 2))),
            "brief": loop(plain, frames=list(range(16)), change=frame_time("20")),
            "no-times": loop(plain, change=no_times),
            "zero": loop(plain, change=frame_time("0")),
            "negative": loop(plain, change=frame_time("-40")),
            "huge": loop(plain, change=frame_time("86400000")),
            "short-vector": loop(plain, times=pause[:-1]),
            "truncated": loop(plain, change=cut),
            "elsewhere": loop(plain, frames=noise, change=still_beside),
        }

    @classmethod
    def analyze(cls, cases, package):
        base = pathlib.Path(tempfile.mkdtemp(dir=cls.folder))
        for name, data in cases.items():
            folder = base / "in" / name
            folder.mkdir(parents=True)
            still = data.__dict__.get("still")
            if still:
                still.save_as(folder / "still.dcm")
            data.save_as(folder / "loop.dcm")
        done = subprocess.run([str(BUILD / "cli" / "axnode"), "analyze", str(base / "in"), "--package",
                               str(package), "--out", str(base / "out"), "--html"],
                              capture_output=True, text=True, check=False)
        cls.said = done.stdout + done.stderr
        cls.reports = base / "out"
        results = {}
        for name, data in cases.items():
            path = base / "out" / data.StudyInstanceUID / "result.json"
            results[name] = json.loads(path.read_text(encoding="utf-8")) if path.exists() else None
        return results

    def refused(self, name, words, results=None):
        result = (results or self.results)[name]
        self.assertIsNotNone(result, self.said)
        reasons = " / ".join(result["risk"]["reasons"])
        self.assertFalse(result["risk"]["estimated"], name)
        self.assertIn(words, reasons, name)
        self.assertNotIn("loop", result, name)

    def levels(self, data, samples):
        """What the network saw of these samples, by Pillow."""
        region = data.SequenceOfUltrasoundRegions[0]
        rows = slice(region.RegionLocationMinY0, region.RegionLocationMaxY1 + 1)
        columns = slice(region.RegionLocationMinX0, region.RegionLocationMaxX1 + 1)
        size = (loop_package.SIDE, loop_package.SIDE)
        return numpy.stack([numpy.asarray(Image.fromarray(frame[rows, columns]).resize(size, Image.BILINEAR))
                            for frame in data.pixel_array[[s["frame"] - 1 for s in samples]]])

    def check_numbers(self, name, seconds):
        """Samples evenly apart in time between from_s and to_s; features, contributions, key, risk."""
        result, data = self.results[name], self.cases[name]
        self.assertTrue(result["risk"]["estimated"], result["risk"]["reasons"])
        seen = result["loop"]
        samples = seen["samples"]
        middles = seen["from_s"] + (numpy.arange(16) + 0.5) * (seen["to_s"] - seen["from_s"]) / 16
        expected = numpy.searchsorted(seconds, middles + 1e-6, side="right") - 1
        self.assertEqual([s["frame"] - 1 for s in samples], list(expected))
        cells = loop_package.activations(self.levels(data, samples))
        for k in range(2):
            self.assertAlmostEqual(result["features"][f"tumour_loop_{k + 1}"], cells[k].mean(), places=5)
        parts = loop_package.contributions(cells)
        for sample, part in zip(samples, parts):
            self.assertAlmostEqual(sample["contribution"], part, places=5)
        predictor = sum(parts) + loop_package.INTERCEPT
        self.assertAlmostEqual(result["risk"]["probability"], 1 / (1 + numpy.exp(-predictor)), places=5)
        self.assertIn(seen["key_frame"], [samples[k]["frame"] for k in range(16)
                                          if parts[k] > parts.max() - 1e-5])
        return seen

    def test_plain(self):
        n = int(self.plain.NumberOfFrames)
        seen = self.check_numbers("plain", numpy.arange(n) * float(self.plain.FrameTime) / 1000)
        self.assertEqual(seen["sop_instance_uid"], self.cases["plain"].SOPInstanceUID)
        self.assertEqual(seen["frames"], n)

    def test_sampled_by_time_not_by_index(self):
        times = [float(ms) / 1000 for ms in self.cases["vector"].FrameTimeVector]
        seen = self.check_numbers("vector", numpy.cumsum(times))
        before_pause = int(self.plain.NumberOfFrames) // 2 # whose frame stays a second
        self.assertGreater(sum(s["frame"] == before_pause for s in seen["samples"]), 3)

    def test_repeated_frames_are_dropped(self):
        result = self.results["doubled"]
        self.assertTrue(result["risk"]["estimated"], result["risk"]["reasons"])
        self.assertTrue(any("repeat the one before and were left out" in note for note in result["notes"]),
                        result["notes"])
        self.assertTrue(all(s["frame"] % 2 == 1 for s in result["loop"]["samples"])) # the first of each two

    def test_no_loop_to_judge_by(self):
        self.refused("frozen", "frozen")
        self.refused("one-frame", "the study has no loop of the tumour")
        self.refused("few", "only 6 frames")
        self.refused("brief", "0.32 s only; 0.5 s are needed")
        self.refused("elsewhere", "no tumour was found on the 16 frames")

    def test_wrong_times(self):
        self.refused("no-times", "does not say when its frames were taken")
        self.refused("zero", "its Frame Time is 0 ms")
        self.refused("negative", "its Frame Time is -40 ms")
        self.refused("huge", "its Frame Time is 8.64e+07 ms")
        self.refused("short-vector", "its Frame Time Vector has")

    def test_truncated(self):
        result = self.results["truncated"] # no frame of it can be read: nothing to report on
        self.assertTrue(result is None or not result.get("risk", {}).get("estimated"), result)

    def test_assumed_rate(self):
        cases = {name: self.cases[name] for name in ("no-times", "zero", "plain")}
        results = self.analyze(cases, self.assuming)
        for name in ("no-times", "zero"):
            self.assertTrue(results[name]["risk"]["estimated"], results[name]["risk"]["reasons"])
            self.assertTrue(any("20 frames per second were assumed" in note
                                for note in results[name]["notes"]), results[name]["notes"])
            self.assertAlmostEqual(results[name]["loop"]["duration_s"], int(self.plain.NumberOfFrames) / 20)
        self.assertFalse(any("assumed" in note for note in results["plain"]["notes"]))

    def test_report(self):
        folder = next(self.folder.glob(f"*/out/{self.cases['plain'].StudyInstanceUID}"))
        key = self.results["plain"]["loop"]["key_frame"]
        found = []
        def walk(item):
            if "ConceptNameCodeSequence" in item and item.ConceptNameCodeSequence[0].CodeValue == "KEYFRAME":
                found.append(item.ReferencedSOPSequence[0])
            for child in item.get("ContentSequence", []):
                walk(child)
        walk(pydicom.dcmread(folder / "sr.dcm"))
        self.assertTrue(found)
        for reference in found:
            self.assertEqual(reference.ReferencedFrameNumber, key)
            self.assertEqual(reference.ReferencedSOPInstanceUID, self.cases["plain"].SOPInstanceUID)
        page = pydicom.dcmread(folder / "sc-3.dcm")
        self.assertIn(key, [source.get("ReferencedFrameNumber") for source in page.SourceImageSequence])
        html = (folder / "report.html").read_text(encoding="utf-8")
        self.assertIn("The loop behind the estimate", html)
        self.assertIn(f"Frame {key} (", html)


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])
