#!/usr/bin/python3
"""Full-size graphs with random weights, for equality with PyTorch and for timing. Never shipped.

    deep_graphs.py OUT

Writes OUT/resnet50-average.onnx and OUT/resnet50-max.onnx (2,048 features), OUT/vgg19.onnx (128),
input 1 x 3 x 224 x 224.
"""

import os
import sys

import torch
import torchvision
from torch import nn

from deep_networks import DeepFeatures, export

SIDE = 224
KINDS = {"resnet50-average": 2048, "resnet50-max": 2048, "vgg19": 128}  # features


def body_of(kind):
    if kind == "vgg19":
        layers = torchvision.models.vgg19(weights=None).features
        return nn.Sequential(layers, nn.Conv2d(512, 128, 1))
    layers = torchvision.models.resnet50(weights=None)
    return nn.Sequential(*list(layers.children())[:-2])


def full_size(kind, seed=1):
    """Random weights; normalisation layers have seen random pictures, so that numbers stay about 1."""
    torch.manual_seed(seed)
    network = DeepFeatures(body_of(kind), maximum=kind == "resnet50-max")
    network.train()
    with torch.no_grad():
        for _ in range(3):
            network(torch.randn(2, 3, SIDE, SIDE))
    return network.eval()


def write(network, path):
    export(network, torch.zeros(1, 3, SIDE, SIDE), path)


def main():
    out = sys.argv[1]
    os.makedirs(out, exist_ok=True)
    for kind in KINDS:
        write(full_size(kind), os.path.join(out, kind + ".onnx"))


if __name__ == "__main__":
    main()
