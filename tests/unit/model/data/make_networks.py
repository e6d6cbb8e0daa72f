#!/usr/bin/python3
"""Writes the tiny networks of these tests: one 1x1 convolution, 32 x 32 pixels.

tumour.onnx  probability = grey / 255, one channel
node.onnx    two channels: node = 2 grey / 255, hilum = 2 grey / 255 - 1, both cut to 0 ... 1
wild.onnx    as tumour.onnx, times 3: no probability
outside.onnx as tumour.onnx, its weight in a file beside it
callipers.onnx  of two input channels the second as it is
view.onnx    1x3: mean of the input, 1 - mean, 0
"""
import os

import numpy
from onnx import TensorProto, checker, helper, numpy_helper


def move_outside(tensor):
    tensor.ClearField("raw_data")
    tensor.data_location = TensorProto.EXTERNAL
    for key, value in (("location", "weights.bin"), ("length", "4")):
        entry = tensor.external_data.add()
        entry.key, entry.value = key, value


def network(name, weights, biases, cut, outside=False, inputs=1):
    channels, side = len(biases), 32
    nodes = [helper.make_node("Conv", ["image", "w", "b"], ["c" if cut else "probability"])]
    tensors = [
        numpy_helper.from_array(numpy.array(weights, "f").reshape(channels, inputs, 1, 1), "w"),
        numpy_helper.from_array(numpy.array(biases, "f"), "b"),
    ]
    if cut:
        nodes.append(helper.make_node("Clip", ["c", "low", "high"], ["probability"]))
        tensors += [numpy_helper.from_array(numpy.array(v, "f"), n)
                    for n, v in (("low", 0), ("high", 1))]
    if outside:
        move_outside(tensors[0])
    graph = helper.make_graph(
        nodes, name,
        [helper.make_tensor_value_info("image", TensorProto.FLOAT, [1, inputs, side, side])],
        [helper.make_tensor_value_info("probability", TensorProto.FLOAT,
                                       [1, channels, side, side])], tensors)
    write(name, graph, outside)


def view():
    nodes = [helper.make_node("Conv", ["image", "w", "b"], ["c"]),
             helper.make_node("GlobalAveragePool", ["c"], ["m"]),
             helper.make_node("Flatten", ["m"], ["probability"])]
    tensors = [numpy_helper.from_array(numpy.array([1, -1, 0], "f").reshape(3, 1, 1, 1), "w"),
               numpy_helper.from_array(numpy.array([0, 1, 0], "f"), "b")]
    write("view", helper.make_graph(
        nodes, "view",
        [helper.make_tensor_value_info("image", TensorProto.FLOAT, [1, 1, 32, 32])],
        [helper.make_tensor_value_info("probability", TensorProto.FLOAT, [1, 3])], tensors))


def write(name, graph, outside=False):
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 12)], ir_version=7)
    if not outside:
        checker.check_model(model)
    with open(os.path.join(os.path.dirname(os.path.abspath(__file__)), name + ".onnx"), "wb") as f:
        f.write(model.SerializeToString())


network("tumour", [1], [0], True)
network("node", [2, 2], [0, -1], True)
network("wild", [3], [0], False)
network("outside", [1], [0], True, outside=True)
network("callipers", [0, 1], [0], False, inputs=2)
view()
