"""A package with a network over a loop whose numbers can be computed by hand, and loops to give it."""
import pathlib

import numpy
from onnx import TensorProto, checker, helper, numpy_helper

FRAMES, SIDE, TIMES, CELL = 16, 64, 8, 16
FACTORS, WEIGHTS, INTERCEPT = (1, -1), (30, 10), -1.5 # of blocks' means; of the features

PACKAGE = """\
format: 1
name: loop-test
version: "1"
intended_use: Tests of the program. Never for patients.
outcome: {text: Estimated risk of nothing, short: nothing}
population: [{evidence: synthetic_data, text: Synthetic studies only}]
inputs: {regions: [tumour], sizes_require_calibration: none}
networks:
  tumour:
    file: tumour.onnx
    input_size: 192
    normalisation: {scale: 0.00392156862745098, mean: 0, std: 1}
    channels_in: [grey, callipers]
    channels: [tumour]
    threshold: 0.5
    min_area_fraction: 0.001
agreement_min: 0.5
deep:
  - region: tumour
    file: loop.onnx
    frames: 16
    input_size: 64
    channels: 1
    normalisation: {scale: 0.00392156862745098, mean: 0.5, std: 1}
    crop: tissue
    resize: stretch
    count: 2
    prefix: loop_
    first: 1
    activations: activations
    pooling: average
model:
  link: logistic
  intercept: -1.5
  terms:
    - {feature: tumour_loop_1, centre: 0, scale: 1, coefficient: 30, needs_calibration: false, missing: refuse}
    - {feature: tumour_loop_2, centre: 0, scale: 1, coefficient: 10, needs_calibration: false, missing: refuse}
provenance: {data: none, method: chosen by hand, licence: Apache-2.0}
"""


def write_network(path):
    """The mean of each block of two frames and 16 x 16 pixels, and its negative, rectified."""
    weights = numpy.array(FACTORS, "f").reshape(2, 1, 1, 1, 1) / (2 * CELL * CELL)
    tensor = numpy_helper.from_array(weights * numpy.ones((2, 1, 2, CELL, CELL), "f"), "w")
    nodes = [helper.make_node("Conv", ["image", "w"], ["sums"], strides=[2, CELL, CELL]),
             helper.make_node("Relu", ["sums"], ["activations"]),
             helper.make_node("GlobalAveragePool", ["activations"], ["pooled"]),
             helper.make_node("Flatten", ["pooled"], ["features"])]
    cells = SIDE // CELL
    graph = helper.make_graph(
        nodes, "loop",
        [helper.make_tensor_value_info("image", TensorProto.FLOAT, [1, 1, FRAMES, SIDE, SIDE])],
        [helper.make_tensor_value_info("features", TensorProto.FLOAT, [1, 2]),
         helper.make_tensor_value_info("activations", TensorProto.FLOAT, [1, 2, TIMES, cells, cells])],
        [tensor])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 12)], ir_version=7)
    checker.check_model(model)
    pathlib.Path(path).write_bytes(model.SerializeToString())


def make_package(folder, axnode, verification, text=PACKAGE):
    """`axnode` runs the program; tumour network and pictures are the verification package's."""
    folder = pathlib.Path(folder)
    (folder / "selftest").mkdir(parents=True)
    (folder / "package.yaml").write_text(text, encoding="utf-8")
    (folder / "tumour.onnx").write_bytes((verification / "tumour.onnx").read_bytes())
    write_network(folder / "loop.onnx")
    for name in ("tumour.png", "tumour-mask.png"):
        (folder / "selftest" / name).write_bytes((verification / "selftest" / name).read_bytes())
    axnode("model", "selftest", "--write", folder)
    return folder


def activations(levels):
    """[16][64][64] grey levels -> [2][8][4][4], as the network does."""
    blocks = (levels / 255.0 - 0.5).reshape(TIMES, 2, SIDE // CELL, CELL, SIDE // CELL, CELL)
    means = blocks.mean(axis=(1, 3, 5))
    return numpy.maximum(numpy.stack([factor * means for factor in FACTORS]), 0)


def contributions(cells):
    """Of each sample: what lies between the two times around its middle, in its share of the time."""
    part = sum(weight * cells[k] for k, weight in enumerate(WEIGHTS)).sum(axis=(1, 2)) / cells[0].size
    at = numpy.clip((numpy.arange(FRAMES) + 0.5) * TIMES / FRAMES - 0.5, 0, TIMES - 1)
    return numpy.interp(at, numpy.arange(TIMES), part) * TIMES / FRAMES
