#!/usr/bin/python3
"""Writes what the tests of deep features read.

deep.png, deep-mask.png   a picture of 120 x 90 and a region in it
deep-*.png                what Pillow makes of them, as torchvision's Resize and CenterCrop do
deep-average.onnx, deep-max.onnx   3 x 16 x 16 -> three channels of 4 x 4: c * mean of a block + b,
                          with c = 1, -2, 0.5 and b = 0, 1, 0; their averages or maxima
deep-loop.onnx            1 x 4 x 8 x 8, a loop of four frames -> three channels of 2 times 2 x 2: the same
                          of blocks of two frames; their averages
"""
import os

import numpy
from onnx import TensorProto, checker, helper, numpy_helper
from PIL import Image

HERE = os.path.dirname(os.path.abspath(__file__))


def save(name, array):
    Image.fromarray(array).save(os.path.join(HERE, name + ".png"))


def pictures():
    y, x = numpy.mgrid[:90, :120]
    grey = ((x * 7 + y * 13 + x * y % 31 * 5) % 256).astype(numpy.uint8)
    inside = ((x - 70) / 41) ** 2 + ((y - 40) / 23) ** 2 < 1
    save("deep", grey)
    save("deep-mask", 255 * inside.astype(numpy.uint8))
    rows, columns = numpy.nonzero(inside)
    y0, y1, x0, x1 = rows.min(), rows.max() + 1, columns.min(), columns.max() + 1
    margin = round(0.2 * max(y1 - y0, x1 - x0))
    wide = numpy.s_[max(0, y0 - margin) : y1 + margin, max(0, x0 - margin) : x1 + margin]
    black = numpy.where(inside, grey, 0).astype(numpy.uint8)

    def stretched(a):
        return numpy.asarray(Image.fromarray(a).resize((28, 28), Image.BILINEAR))

    save("deep-box", stretched(grey[wide]))
    save("deep-masked", stretched(black[y0:y1, x0:x1]))
    save("deep-picture", stretched(grey))
    box = Image.fromarray(grey[y0:y1, x0:x1])
    shorter = min(box.size)
    small = box.resize([int(32 * side / shorter) for side in box.size], Image.BILINEAR)
    left, top = (int(round((side - 28) / 2.0)) for side in small.size)
    save("deep-shorter", numpy.asarray(small.crop((left, top, left + 28, top + 28))))


def network(name, pooling):
    c = numpy.array([1, -2, 0.5], "f").reshape(3, 1, 1, 1)
    tensors = [numpy_helper.from_array(c * numpy.full((3, 3, 4, 4), 1 / 48, "f"), "w"),
               numpy_helper.from_array(numpy.array([0, 1, 0], "f"), "b")]
    nodes = [helper.make_node("Conv", ["image", "w", "b"], ["activations"], strides=[4, 4]),
             helper.make_node(pooling, ["activations"], ["p"]),
             helper.make_node("Flatten", ["p"], ["features"])]
    graph = helper.make_graph(
        nodes, name,
        [helper.make_tensor_value_info("image", TensorProto.FLOAT, [1, 3, 16, 16])],
        [helper.make_tensor_value_info("features", TensorProto.FLOAT, [1, 3]),
         helper.make_tensor_value_info("activations", TensorProto.FLOAT, [1, 3, 4, 4])], tensors)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 12)], ir_version=7)
    checker.check_model(model)
    with open(os.path.join(HERE, name + ".onnx"), "wb") as file:
        file.write(model.SerializeToString())


def loop():
    c = numpy.array([1, -2, 0.5], "f").reshape(3, 1, 1, 1, 1)
    tensors = [numpy_helper.from_array(c * numpy.full((3, 1, 2, 4, 4), 1 / 32, "f"), "w"),
               numpy_helper.from_array(numpy.array([0, 1, 0], "f"), "b")]
    nodes = [helper.make_node("Conv", ["image", "w", "b"], ["activations"], strides=[2, 4, 4]),
             helper.make_node("GlobalAveragePool", ["activations"], ["p"]),
             helper.make_node("Flatten", ["p"], ["features"])]
    graph = helper.make_graph(
        nodes, "deep-loop",
        [helper.make_tensor_value_info("image", TensorProto.FLOAT, [1, 1, 4, 8, 8])],
        [helper.make_tensor_value_info("features", TensorProto.FLOAT, [1, 3]),
         helper.make_tensor_value_info("activations", TensorProto.FLOAT, [1, 3, 2, 2, 2])], tensors)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 12)], ir_version=7)
    checker.check_model(model)
    with open(os.path.join(HERE, "deep-loop.onnx"), "wb") as file:
        file.write(model.SerializeToString())


pictures()
loop()
network("deep-average", "GlobalAveragePool")
network("deep-max", "GlobalMaxPool")
