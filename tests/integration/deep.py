"""Deep features and heat maps of full-size networks with random weights: the program beside PyTorch,
which crops, resizes, normalises, runs and differentiates by itself."""
import pathlib
import subprocess
import sys
import tempfile
import unittest

import numpy
from PIL import Image

TREE = pathlib.Path(__file__).resolve().parent.parent.parent
BUILD = pathlib.Path(sys.argv[1]) if len(sys.argv) > 1 else TREE / "build" / "dev"
sys.path.insert(0, str(TREE / "training"))
try:
    import torch
    import deep_graphs
except ImportError as missing:
    print(f"skipped: {missing}")
    sys.exit(77)

MEAN, STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
WEIGHTS = {3: 0.8, 17: -1.5, 40: 0.3, 99: 1.1} # of features, by number from 0
PACKAGE = """\
format: 1
name: deep-test
version: "1"
intended_use: Tests of the program. Never for patients.
outcome: {text: nothing, short: nothing}
population: [{evidence: synthetic_data, text: the study is synthetic}]
inputs: {regions: [tumour], sizes_require_calibration: none}
agreement_min: 0
deep:
  - region: tumour
    file: network.onnx
    input_size: 224
    channels: 3
    normalisation: {scale: 0.00392156862745098, mean: [0.485, 0.456, 0.406], std: [0.229, 0.224, 0.225]}
    crop: box
    resize: stretch
    count: COUNT
    prefix: f_
    first: 1
    activations: activations
    pooling: POOLING
incomplete: [an outline network and an intercept]
provenance: {data: none, method: random weights, licence: Apache-2.0}
model:
  link: logistic
  terms:
"""
TERM = "    - {feature: tumour_f_%d, centre: 0, scale: 2, coefficient: %g, needs_calibration: false, missing: refuse}\n"


def make_package(folder, network, count, pooling):
    deep_graphs.write(network, str(folder / "network.onnx"))
    text = PACKAGE.replace("COUNT", str(count)).replace("POOLING", pooling)
    text += "".join(TERM % (k + 1, 2 * weight) for k, weight in WEIGHTS.items())
    (folder / "package.yaml").write_text(text, encoding="utf-8")


def make_picture(folder):
    """Speckle around a dark region. Returns the picture and the region's box."""
    random = numpy.random.default_rng(7)
    y, x = numpy.mgrid[:300, :420]
    inside = ((x - 230) / 90) ** 2 + ((y - 140) / 70) ** 2 < 1
    grey = random.rayleigh(40, inside.shape) * numpy.where(inside, 0.5, 1.2)
    grey = numpy.clip(grey, 0, 255).astype(numpy.uint8)
    Image.fromarray(grey).save(folder / "picture.png")
    Image.fromarray(255 * inside.astype(numpy.uint8)).save(folder / "mask.png")
    rows, columns = numpy.nonzero(inside)
    return grey, numpy.s_[rows.min():rows.max() + 1, columns.min():columns.max() + 1]


def by_torch(network, cut):
    """Features, and Grad-CAM (for maxima: gradient times activation) at the size of the cut."""
    square = Image.fromarray(cut).resize((224, 224), Image.BILINEAR)
    x = torch.from_numpy(numpy.asarray(square) / 255.0).expand(3, -1, -1)
    x = (x - torch.tensor(MEAN).view(3, 1, 1)) / torch.tensor(STD).view(3, 1, 1)
    features, activations = network(x.float().unsqueeze(0))
    score = sum(weight * features[0, k] for k, weight in WEIGHTS.items())
    gradient, = torch.autograd.grad(score, activations)
    if not network.maximum:
        gradient = gradient.mean((2, 3), keepdim=True)
    heat = (gradient * activations).sum(1, keepdim=True)
    heat = torch.nn.functional.interpolate(heat, cut.shape, mode="bilinear", align_corners=False)
    return features[0].detach().numpy(), heat[0, 0].detach().numpy()


class Deep(unittest.TestCase):
    def compare(self, kind, pooling):
        with tempfile.TemporaryDirectory() as name:
            folder = pathlib.Path(name)
            package = folder / "package"
            package.mkdir()
            network = deep_graphs.full_size(kind)
            make_package(package, network, deep_graphs.KINDS[kind], pooling)
            grey, box = make_picture(folder)
            done = subprocess.run(
                [BUILD / "tests/bench/bench_deep", BUILD / "lib/libonnxruntime.so.1", package,
                 folder / "picture.png", folder / "mask.png", folder / "features", folder / "heat"],
                check=True, capture_output=True, text=True)
            features = numpy.loadtxt(folder / "features")
            heat = numpy.fromfile(folder / "heat", numpy.float32).reshape(grey.shape)
        expected, cam = by_torch(network, numpy.ascontiguousarray(grey[box]))
        apart = numpy.abs(features - expected) / (1 + numpy.abs(expected))
        map_apart = numpy.abs(heat[box] - cam).max() / numpy.abs(cam).max()
        print(f"{done.stdout.strip()}; {kind}: features differ by {apart.max():.1e} at most, "
              f"the map by {map_apart:.1e} of its strongest")
        self.assertGreater(features.std(), 0.01)
        self.assertLess(apart.max(), 1e-4)
        self.assertLess(map_apart, 1e-3)
        heat[box] = 0
        self.assertEqual(numpy.abs(heat).max(), 0)

    def test_resnet50_average(self):
        self.compare("resnet50-average", "average")

    def test_resnet50_max(self):
        self.compare("resnet50-max", "max")

    def test_vgg19(self):
        self.compare("vgg19", "average")


if __name__ == "__main__":
    unittest.main(argv=[sys.argv[0], *sys.argv[2:]], verbosity=2)
