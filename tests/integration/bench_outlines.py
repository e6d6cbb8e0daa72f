"""scripts/bench-outlines gives the figures that can be reckoned by hand."""
import csv
import json
import pathlib
import subprocess
import sys
import tempfile
import unittest

import numpy
from PIL import Image

TREE = pathlib.Path(__file__).resolve().parent.parent.parent
SIDE = 40 # of the squares


def square(x, y):
    mask = numpy.zeros((200, 300), numpy.uint8)
    mask[y:y + SIDE, x:x + SIDE] = 255
    return mask


class BenchOutlines(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.data = pathlib.Path(folder.name)
        for name in ("images", "masks", "made"):
            (self.data / name).mkdir()
        rows = [("same", 1, "A", square(50, 60)), ("shifted", 1, "B", square(60, 60)),
                ("elsewhere", 2, "B", square(200, 100)), ("nothing", 2, "B", square(50, 60) * 0)]
        with open(self.data / "index.csv", "w", encoding="utf-8", newline="") as file:
            out = csv.writer(file)
            out.writerow(["id", "fold", "device", "pathology"])
            out.writerows([name, fold, device, "benign"] for name, fold, device, _ in rows)
        for name, _, _, made in rows:
            Image.fromarray(square(50, 60)).save(self.data / "images" / f"{name}.png")
            Image.fromarray(square(50, 60)).save(self.data / "masks" / f"{name}.png")
            Image.fromarray(made).save(self.data / "made" / f"{name}.png")

    def bench(self, *options):
        done = subprocess.run([TREE / "scripts" / "bench-outlines", self.data, "--outlines",
                               self.data / "made", *options], capture_output=True, text=True,
                              check=False)
        self.assertEqual(done.returncode, 0, done.stderr)
        return done.stdout

    def test_figures(self):
        said = json.loads(self.bench("--json"))
        rows = {row["id"]: row for row in said["pictures"]}
        self.assertEqual((rows["same"]["dice"], rows["same"]["hd95_px"]), (1, 0))
        self.assertAlmostEqual(rows["shifted"]["dice"], 30 / 40)
        self.assertAlmostEqual(rows["shifted"]["iou"], 30 / 50)
        self.assertAlmostEqual(rows["shifted"]["hd95_px"], 10)
        self.assertAlmostEqual(rows["shifted"]["diameter_error"], 0)
        self.assertEqual((rows["elsewhere"]["dice"], rows["nothing"]["dice"]), (0, 0))
        self.assertIsNone(rows["nothing"]["hd95_px"])
        overall = said["groups"]["overall"]["all"]
        self.assertEqual((overall["n"], overall["failures"]), (4, 2))
        self.assertAlmostEqual(overall["dice"], 1.75 / 4)
        self.assertEqual(said["groups"]["device"]["B"]["n"], 3)

    def test_synthetic_studies(self):
        """A folder of `axnode phantom`: pictures of the region asked for, masks where its
        truth.json says."""
        images = [{"file": f"study-1/{name}.dcm", "node": {"mask": f"masks/{name}.png"}}
                  for name in ("same", "shifted")]
        images.append({"file": "study-1/breast.dcm", "tumour": {"mask": "masks/same.png"}})
        (self.data / "truth.json").write_text(json.dumps({"studies": [{"images": images}]}))
        for name in ("same", "shifted"):
            (self.data / "made" / f"{name}.png").rename(self.data / "made" / f"study-1-{name}.png")
        said = json.loads(self.bench("--json", "--roi", "node"))
        self.assertEqual({row["id"]: round(row["dice"], 6) for row in said["pictures"]},
                         {"study-1-same": 1, "study-1-shifted": 30 / 40})

    def test_folds_table_and_montage(self):
        said = self.bench("--fold", "1", "--montage", self.data / "montage")
        self.assertIn("0.875", said)
        self.assertEqual(sorted(p.name for p in (self.data / "montage").iterdir()),
                         ["best.png", "median.png", "worst.png"])


if __name__ == "__main__":
    unittest.main(argv=[sys.argv[0]], verbosity=2)
