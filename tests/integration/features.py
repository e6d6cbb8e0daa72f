"""axnode features: PNG, NRRD and DICOM; one mask, several, a list; JSON and CSV; bad input."""
import csv
import io
import json
import pathlib
import struct
import subprocess
import sys
import tempfile
import unittest
import zlib

import numpy
import pydicom
import scipy.ndimage
import scipy.signal
from PIL import Image
from pydicom.dataset import FileDataset, FileMetaDataset
from pydicom.uid import ExplicitVRLittleEndian, UltrasoundImageStorage, generate_uid

TREE = pathlib.Path(__file__).resolve().parents[2]
BUILD = pathlib.Path(sys.argv[1]) if len(sys.argv) > 1 else TREE / "build" / "dev"
AXNODE = BUILD / "cli" / "axnode"
REFERENCE = TREE.parent / "shared" / "reference" / "radiomics" / "ultrasound"
SIDE = 64
FORCE_2D = """setting: {force2D: true, additionalInfo: false}
imageType: {Original: {}, Wavelet: {}}
featureClass: {shape: , shape2D: , firstorder: , glcm: , gldm: , glrlm: , glszm: , ngtdm: }
"""


def axnode(*arguments, status=0):
    done = subprocess.run([AXNODE, "features", *map(str, arguments)], capture_output=True,
                          text=True, check=False)
    assert done.returncode == status, (done.returncode, done.stderr)
    return done


def write_dicom(path, pixels, spacing_cm, stored=8, photometric="MONOCHROME2", rescale=None):
    meta = FileMetaDataset()
    meta.TransferSyntaxUID = ExplicitVRLittleEndian
    meta.MediaStorageSOPClassUID = UltrasoundImageStorage
    meta.MediaStorageSOPInstanceUID = generate_uid()
    d = FileDataset(str(path), {}, file_meta=meta, preamble=bytes(128))
    d.SOPClassUID, d.SOPInstanceUID = meta.MediaStorageSOPClassUID, meta.MediaStorageSOPInstanceUID
    d.StudyInstanceUID, d.SeriesInstanceUID, d.Modality = generate_uid(), generate_uid(), "US"
    d.Rows, d.Columns = pixels.shape
    d.SamplesPerPixel, d.PhotometricInterpretation = 1, photometric
    d.PixelRepresentation = int(pixels.dtype.kind == "i")
    d.BitsAllocated, d.BitsStored, d.HighBit = 8 * pixels.dtype.itemsize, stored, stored - 1
    if pixels.dtype.kind == "i": # no sign above the stored bits
        pixels = pixels.astype(numpy.uint16) & (2 ** stored - 1)
    d.PixelData = pixels.tobytes()
    if rescale:
        d.RescaleSlope, d.RescaleIntercept = rescale
    region = pydicom.Dataset()
    region.RegionSpatialFormat = region.RegionDataType = 1
    region.RegionFlags = 0
    region.RegionLocationMinX0 = region.RegionLocationMinY0 = 0
    region.RegionLocationMaxX1, region.RegionLocationMaxY1 = d.Columns - 1, d.Rows - 1
    region.PhysicalUnitsXDirection = region.PhysicalUnitsYDirection = 3
    region.PhysicalDeltaX = region.PhysicalDeltaY = spacing_cm
    d.SequenceOfUltrasoundRegions = [region]
    d.save_as(path, write_like_original=False)


def write_nrrd(path, array):
    kind = {"uint8": "uchar", "int16": "short", "uint16": "ushort", "float64": "double"}[str(array.dtype)]
    sizes = " ".join(str(n) for n in reversed(array.shape))
    path.write_bytes(f"NRRD0004\ntype: {kind}\ndimension: {array.ndim}\nsizes: {sizes}\n"
                     f"endian: little\nencoding: raw\n\n".encode() + array.tobytes())


class Features(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.TemporaryDirectory()
        cls.path = pathlib.Path(cls.folder.name)
        random = numpy.random.default_rng(4)
        cls.grey = random.integers(0, 256, (SIDE, SIDE), dtype=numpy.uint8)
        cls.labels = numpy.zeros((SIDE, SIDE), dtype=numpy.uint8)
        cls.labels[10:30, 12:40] = 1
        cls.labels[40:60, 20:50] = 7
        mask = (cls.labels == 1).astype(numpy.uint8) * 255
        Image.fromarray(cls.grey).save(cls.path / "i.png")
        Image.fromarray(numpy.stack([cls.grey] * 3, 2)).save(cls.path / "colour.png")
        Image.fromarray(mask).save(cls.path / "m.png")
        Image.fromarray((cls.labels == 7).astype(numpy.uint8)).save(cls.path / "m7.png")
        write_nrrd(cls.path / "i.nrrd", cls.grey.astype(numpy.int16))
        write_nrrd(cls.path / "m.nrrd", cls.labels)
        write_dicom(cls.path / "i.dcm", cls.grey, 0.02)
        (cls.path / "p.yaml").write_text(FORCE_2D)

    @classmethod
    def tearDownClass(cls):
        cls.folder.cleanup()

    def flat(self, image, mask, *more):
        return json.loads(axnode("--image", self.path / image, "--mask", self.path / mask,
                                 "--json", *more).stdout)

    def test_reference(self):
        if not REFERENCE.exists():
            self.skipTest("no references beside the checkout")
        expected = json.loads((REFERENCE / "us512_roi5k__force2D_true.json").read_text())["features"]
        for name in ("image", "mask_roi5k"):
            raw = numpy.fromfile(REFERENCE / f"us512_{name}_u8_512x512.raw", numpy.uint8)
            Image.fromarray(raw.reshape(512, 512)).save(self.path / f"us_{name}.png")
        own = self.flat("us_image.png", "us_mask_roi5k.png", "--settings", self.path / "p.yaml")
        self.assertEqual(list(own), list(expected))
        for name, value in expected.items():
            self.assertLessEqual(abs(own[name] - value), 1e-9 * abs(value), name)

    def test_formats_agree(self):
        png = self.flat("i.png", "m.png")
        self.assertEqual(len(png), 107)
        self.assertEqual(png, self.flat("i.nrrd", "m.nrrd"))
        self.assertEqual(png, self.flat("colour.png", "m.png"))
        self.assertEqual(png, self.flat("i.png", "m.nrrd"))
        self.assertEqual(png, self.flat("i.dcm", "m.png", "--spacing", "1,1"))

    def test_depth(self):
        """No bit is lost; the expected values are what ITK 5.2 reads from files like these."""
        random = numpy.random.default_rng(5)
        wide = random.integers(0, 4096, (SIDE, SIDE), dtype=numpy.uint16)
        signed = wide.astype(numpy.int16) - 2048
        Image.fromarray(wide).save(self.path / "wide.png")
        for name, pixels, expected, options in (
                ("u12", wide, wide, {}),
                ("s12", signed, signed, {}),
                ("inverse", wide, 4095 - wide, {"photometric": "MONOCHROME1"}),
                ("whole", wide, wide.astype(numpy.int16) * 2 - 100, {"rescale": ("2", "-100")}),
                ("half", wide, wide * 0.5 - 3, {"rescale": ("0.5", "-3")}),
                ("s16", signed * 10, signed * 10, {"stored": 16})):
            options = {"stored": 12} | options
            write_dicom(self.path / f"{name}.dcm", pixels, 0.02, **options)
            write_nrrd(self.path / f"{name}.nrrd", expected)
            own = self.flat(f"{name}.dcm", "m.png", "--spacing", "1,1")
            inside = expected[self.labels == 1].astype(float)
            self.assertEqual(own["original_firstorder_Maximum"], inside.max())
            self.assertEqual(own["original_firstorder_Minimum"], inside.min())
            self.assertAlmostEqual(own["original_firstorder_Mean"] / inside.mean(), 1)
            self.assertEqual(own, self.flat(f"{name}.nrrd", "m.png"), name)
        self.assertEqual(self.flat("wide.png", "m.png"), self.flat("u12.nrrd", "m.png"))

    def test_deep_colour(self):
        def chunk(kind, body):
            return (struct.pack(">I", len(body)) + kind + body +
                    struct.pack(">I", zlib.crc32(kind + body)))
        head = struct.pack(">IIBBBBB", SIDE, SIDE, 16, 2, 0, 0, 0)
        rows = (b"\0" + bytes(6 * SIDE)) * SIDE
        (self.path / "deep.png").write_bytes(
            b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(rows)) +
            chunk(b"IEND", b""))
        done = axnode("--image", self.path / "deep.png", "--mask", self.path / "m.png", status=1)
        self.assertIn("16 bits", done.stderr)

    def test_handcrafted(self):
        """--busat against the definitions, written with NumPy and SciPy."""
        random = numpy.random.default_rng(6)
        smooth = scipy.ndimage.gaussian_filter(random.normal(size=(90, 120)), 2)
        grey = numpy.clip(128 + 400 * smooth, 0, 255).astype(numpy.uint8)
        y, x = numpy.mgrid[:90, :120]
        wave = 1 + 0.15 * numpy.sin(5 * numpy.arctan2(y - 40, x - 55))
        mask = (x - 55) ** 2 / 30 ** 2 + (y - 40) ** 2 / 20 ** 2 < wave
        Image.fromarray(grey).save(self.path / "b.png")
        Image.fromarray(mask.astype(numpy.uint8) * 255).save(self.path / "bm.png")
        own = self.flat("b.png", "bm.png", "--busat")
        rows, columns = numpy.nonzero(mask)
        y0, y1, x0, x1 = rows.min(), rows.max(), columns.min(), columns.max()
        box = numpy.s_[y0:y1 + 1, x0:x1 + 1]
        expected = {}

        kernels = {"L": [1, 4, 6, 4, 1], "E": [-1, -2, 0, 2, 1], "S": [-1, 0, 2, 0, -1],
                   "W": [-1, 2, 0, -2, 1], "R": [1, -4, 6, -4, 1]}
        def filtered(a, b):
            return scipy.signal.convolve2d(grey + 1.0, numpy.outer(kernels[a], kernels[b]), "same")
        def energy(a, b):
            part = numpy.abs(filtered(a, b) / filtered("L", "L"))
            return scipy.signal.convolve2d(part, numpy.ones((15, 15)), "same")[box][mask[box]]
        n = mask[box].size
        for i, a in enumerate("LESWR"):
            for b in "LESWR"[i:]:
                if a + b != "LL":
                    e = (energy(a, b) + energy(b, a)) / 2
                    m = e.sum() / n
                    sd = ((e - m) ** 2).sum() / n
                    for end, v in (("mean", m), ("std", sd ** .5), ("egy", (e ** 2).sum() / n),
                                   ("skw", ((e - m) ** 3).sum() / n / sd ** 1.5),
                                   ("kur", ((e - m) ** 4).sum() / n / sd ** 2 - 3)):
                        expected[f"e{b}5{a}5_{end}"] = v

        square = (grey[box] / grey[box].max()) ** 2
        depths = [(square[k:] * square[:-k]).sum() for k in range(1, len(square))]
        expected["AutoCorr"] = sum(depths) / depths[0]
        g = grey[box].astype(int)
        g = 255 * (g - g.min()) // (g.max() - g.min())
        pairs = g.shape[1] * (g.shape[0] - 1) + g.shape[0] * (g.shape[1] - 1)
        c = numpy.array([((g[:, :-1] < t) & (g[:, 1:] >= t)).sum() +
                         ((g[:-1] < t) & (g[1:] >= t)).sum() for t in range(256)]) / pairs
        t = numpy.arange(256)
        sm = (t * c).sum() / c.sum()
        expected |= {"CC_mv": c.max(), "CC_av": c.mean(), "CC_sm": sm,
                     "CC_std": (((t - sm) ** 2 * c).sum() / c.sum()) ** .5,
                     "CC_ent": -(c[c > 0] * numpy.log2(c[c > 0])).sum()}

        gap = int((x1 - x0) / 6 + .5)
        middle = numpy.s_[x0 + gap:x1 - gap + 1]
        parts, _ = scipy.ndimage.label(~mask[y0:, middle], numpy.ones((3, 3)))
        behind = parts == parts[-1, (parts.shape[1] + 1) // 2 - 1]
        expected["PS_D"] = grey[y0:, middle][behind].mean() - grey[mask].mean()
        sides = [numpy.median(p) for p in (grey[y1:, :x0], grey[y1:, x1 + 1:])]
        expected["MSD"] = numpy.median(grey[y1:, middle]) - max(sides)

        cy, cx = rows.mean(), columns.mean()
        yy, xx, xy = ((rows - cy) ** 2).mean(), ((columns - cx) ** 2).mean(), \
            ((rows - cy) * (columns - cx)).mean()
        ellipse = (yy * (x - cx) ** 2 - 2 * xy * (x - cx) * (y - cy) + xx * (y - cy) ** 2 <
                   4 * xx * yy - xy ** 2)
        def area(m):
            p = numpy.pad(m, 1).astype(int)
            a, b, c, d = p[:-1, :-1], p[:-1, 1:], p[1:, :-1], p[1:, 1:]
            table = numpy.array([0, .25, .5, .875, 1])[a + b + c + d]
            table[(a + b + c + d == 2) & (a == d)] = .75
            return table.sum()
        def edge(m):
            return m & ~scipy.ndimage.binary_erosion(m)
        def apart(a, b):
            return scipy.ndimage.distance_transform_edt(~edge(b))[edge(a)].mean()
        expected["sOR"] = area(mask & ellipse) / area(mask | ellipse)
        expected["sPD"] = 100 * (apart(mask, ellipse) + apart(ellipse, mask)) / \
            (2 * (area(ellipse) / numpy.pi) ** .5)
        self.assertEqual(len(expected), 80)
        for name, value in expected.items():
            # Distances are of single precision.
            tolerance = 1e-6 if name == "sPD" else 1e-9
            self.assertLessEqual(abs(own[name] - value), tolerance * abs(value), name)

    def test_spiculation(self):
        """A rectangle's border is known: its spectrum by NumPy."""
        mask = numpy.zeros((SIDE, SIDE), dtype=numpy.uint8)
        mask[20:37, 10:51] = 1
        Image.fromarray(mask).save(self.path / "r.png")
        own = self.flat("i.png", "r.png", "--busat")
        border = [(20, x) for x in range(10, 50)] + [(y, 50) for y in range(20, 36)] + \
            [(36, x) for x in range(50, 10, -1)] + [(y, 10) for y in range(36, 19, -1)]
        r = numpy.hypot(*(numpy.array(border) - [28, 30]).T)
        spectrum, k = numpy.abs(numpy.fft.fft(r)), numpy.arange(len(r))
        expected = spectrum[8 * k <= len(r)].sum() / \
            spectrum[(8 * k > len(r)) & (4 * k <= len(r))].sum()
        self.assertLessEqual(abs(own["Spicul"] / expected - 1), 1e-9)

    def test_spacing(self):
        pixels = int((self.labels == 1).sum())
        dicom = self.flat("i.dcm", "m.png") # 0.2 mm
        self.assertAlmostEqual(dicom["original_shape_VoxelVolume"], pixels * 0.04)
        png = self.flat("i.png", "m.png", "--spacing", "0.5,0.1")
        self.assertAlmostEqual(png["original_shape_VoxelVolume"], pixels * 0.05)

    def test_labels_and_details(self):
        seven = self.flat("i.nrrd", "m.nrrd", "--label", "7")
        self.assertEqual(seven["original_shape_VoxelVolume"], (self.labels == 7).sum())
        told = self.flat("colour.png", "m.png", "--details")
        self.assertEqual(told["grey"], "BT.601 luma")
        self.assertEqual(told["ibsi"]["original_glcm_Contrast"], "ACUI")
        self.assertIn("original_shape_Flatness", told["meaningless"])

    def test_several_masks(self):
        both = json.loads(axnode("--image", self.path / "i.png", "--mask", self.path / "m.png",
                                 "--mask", self.path / "m7.png", "--json").stdout)
        self.assertEqual([b["Mask"] for b in both],
                         [str(self.path / "m.png"), str(self.path / "m7.png")])
        self.assertEqual(both[1]["original_shape_VoxelVolume"], (self.labels == 7).sum())

    def test_list(self):
        rows = [["Patient", "Image", "Mask", "Label"]]
        for n in range(24):
            image = ("i.png", "i.nrrd", "i.dcm", "colour.png")[n % 4]
            rows.append([f'P "{n}", x', self.path / image, self.path / "m.nrrd", (1, 7)[n % 2]])
        rows.append(["missing", self.path / "no.png", self.path / "m.png", ""])
        with open(self.path / "cases.csv", "w", newline="") as out:
            csv.writer(out).writerows(rows)
        done = axnode("--list", self.path / "cases.csv", "--jobs", "4", status=1)
        self.assertIn("no.png", done.stderr)
        table = list(csv.DictReader(io.StringIO(done.stdout)))
        self.assertEqual([r["Patient"] for r in table], [str(r[0]) for r in rows[1:]])
        single = self.flat("i.nrrd", "m.nrrd", "--label", "7")
        for r in table[1:24:2]:
            for name in ("original_glcm_MCC", "original_ngtdm_Busyness"):
                self.assertEqual(float(r[name]), single[name])
        self.assertEqual(table[-1]["original_glcm_MCC"], "")

    def test_bad_input(self):
        for arguments, status, part in (
                (["--mask", "m.png"], 2, "--image"),
                (["--image", "i.png", "--mask", "m.png", "--label", "0"], 2, "--label"),
                (["--image", "i.png", "--mask", "m.png", "--spacing", "1"], 2, "--spacing"),
                (["--image", "i.nrrd", "--mask", "m.nrrd", "--label", "3"], 1, "it has 1, 7"),
                (["--image", "p.yaml", "--mask", "m.png"], 1, "p.yaml"),
                (["--image", "i.png", "--mask", "p.yaml"], 1, "p.yaml"),
                (["--list", "p.yaml"], 1, "p.yaml"),
                (["--image", "i.nrrd", "--mask", "m.nrrd", "--busat", "--label", "1"], 1, "8 bit"),
                (["--image", "i.png", "--mask", "m.png", "--settings", "m.png"], 1, "m.png")):
            done = subprocess.run([AXNODE, "features", *arguments], capture_output=True, text=True,
                                  cwd=self.path, check=False)
            self.assertEqual(done.returncode, status, (arguments, done.stderr))
            self.assertIn(part, done.stderr)


if __name__ == "__main__":
    unittest.main(argv=[sys.argv[0], *sys.argv[2:]], verbosity=2)
