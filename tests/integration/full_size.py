"""Full-size graphs of the systems video-2023 and segcls-2024 with random weights: the program's engine
beside PyTorch, and how long one run takes. Never shipped. With AXNODE_LONG=1 all architectures."""
import os
import pathlib
import subprocess
import sys
import tempfile
import unittest

import numpy

TREE = pathlib.Path(__file__).resolve().parent.parent.parent
BUILD = pathlib.Path(sys.argv[1]) if len(sys.argv) > 1 else TREE / "build" / "dev"
sys.path.insert(0, str(TREE / "training"))
try:
    import torch
    import onnx  # noqa: F401  torch exports with it
    import loop_networks
    import segcls_networks
    from deep_networks import Bottleneck
except ImportError as missing:
    print(f"skipped: {missing}")
    sys.exit(77)

LOOP = (1, 1, loop_networks.FRAMES, 224, 224)
STILL = (1, 1, segcls_networks.ROWS, segcls_networks.COLUMNS)


def random_network(make, shape):
    """Normalisation layers have seen random pictures, so that numbers stay about 1."""
    torch.manual_seed(1)
    network = make().train()
    for module in network.modules():
        if hasattr(module, "momentum"):
            module.momentum = None  # what was seen counts, not what was assumed
        if isinstance(module, Bottleneck):
            # As in trained networks a block adds little: a hundred random layers of full strength
            # would turn the last digits of any two engines into whole numbers.
            torch.nn.init.constant_(module.body[-1].weight, 0.2)
    with torch.no_grad():
        network(torch.rand(shape))
    return network.eval()


class FullSize(unittest.TestCase):
    def compare(self, network, shape, export, names):
        image = torch.rand(shape, generator=torch.Generator().manual_seed(2))
        with torch.no_grad():
            expected = network(image)
        expected = expected if isinstance(expected, tuple) else (expected,)
        with tempfile.TemporaryDirectory() as name:
            folder = pathlib.Path(name)
            export(folder / "network.onnx")
            image.numpy().tofile(folder / "image")
            done = subprocess.run(
                [BUILD / "tests/bench/bench_net", BUILD / "lib/libonnxruntime.so.1",
                 folder / "network.onnx", folder / "image", "x".join(map(str, shape)),
                 *(f"{output}={folder / output}" for output in names)],
                check=True, capture_output=True, text=True)
            for output, truth in zip(names, expected):
                found = numpy.fromfile(folder / output, numpy.float32).reshape(truth.shape)
                apart = (numpy.abs(found - truth.numpy()) / (1 + numpy.abs(truth.numpy()))).max()
                print(f"{self.id().split('.')[-1]}: {done.stdout.strip()}, {output} "
                      f"{tuple(truth.shape)} differ by {apart:.1e}")
                self.assertGreater(truth.std(), 1e-3)
                self.assertLess(apart, 1e-4)

    def loop(self, kind):
        network = random_network(
            lambda: loop_networks.network_of(kind, loop_networks.FULL_WIDTH), LOOP)
        self.compare(network, LOOP, lambda path: loop_networks.export(network, LOOP[-1], str(path)),
                     ["features", "activations"])

    def test_tin(self):
        self.loop("tin")

    @unittest.skipUnless(os.environ.get("AXNODE_LONG"), "AXNODE_LONG=1")
    def test_r2plus1d(self):
        self.loop("r2plus1d")

    @unittest.skipUnless(os.environ.get("AXNODE_LONG"), "AXNODE_LONG=1")
    def test_resnet3d(self):
        self.loop("resnet3d")

    def test_deeplab(self):
        network = random_network(lambda: segcls_networks.DeepLab(
            segcls_networks.FULL_WIDTH, segcls_networks.RESNET101), STILL)
        whole = segcls_networks.Probability(network).eval()
        self.compare(whole, STILL,
                     lambda path: segcls_networks.export_outline(network, str(path)),
                     ["probability"])

    def test_classifier(self):
        network = random_network(segcls_networks.Classifier, STILL)
        self.compare(network, STILL,
                     lambda path: segcls_networks.export_classifier(network, str(path)),
                     ["features", "activations"])


if __name__ == "__main__":
    unittest.main(argv=[sys.argv[0], *sys.argv[2:]], verbosity=2)
