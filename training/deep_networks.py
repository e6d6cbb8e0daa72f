"""Networks whose pooled activations are features. `image` -> features N x K, activations
N x K x rows x columns; the features are averages or maxima of the activations, so that heat maps
need no autograd (docs/deep.md).

ResNet50 and VGG19 of the published systems at their full size come from torchvision, with random
weights; the shipped ones are an eighth as wide (deep_sight.py: what they see).
"""

import copy

import torch
from torch import nn

from deep_sight import COUNT


class Bottleneck(nn.Module):
    def __init__(self, inside, width, stride):
        super().__init__()
        outside = 4 * width
        self.body = nn.Sequential(
            nn.Conv2d(inside, width, 1, bias=False), nn.BatchNorm2d(width), nn.ReLU(),
            nn.Conv2d(width, width, 3, stride, 1, bias=False), nn.BatchNorm2d(width), nn.ReLU(),
            nn.Conv2d(width, outside, 1, bias=False), nn.BatchNorm2d(outside),
        )
        self.short = nn.Sequential()
        if stride > 1 or inside != outside:
            self.short = nn.Sequential(nn.Conv2d(inside, outside, 1, stride, bias=False),
                                       nn.BatchNorm2d(outside))

    def forward(self, x):
        return torch.relu(self.body(x) + self.short(x))


def resnet50(width=8, channels=1):
    """ResNet50's layers (He et al., 2016) without its last one; width 64 is the original."""
    layers = [nn.Conv2d(channels, width, 7, 2, 3, bias=False), nn.BatchNorm2d(width), nn.ReLU(),
              nn.MaxPool2d(3, 2, 1)]
    inside = width
    for stage, depth in enumerate((3, 4, 6, 3)):
        for block in range(depth):
            layers.append(Bottleneck(inside, width << stage, 2 if stage and not block else 1))
            inside = 4 * (width << stage)
    return nn.Sequential(*layers)


def vgg19(width=8, channels=1, features=128):
    """VGG19's convolutions (Simonyan, Zisserman, 2015), normalised, and the layer of 128 as a
    convolution of 1 x 1: averaging commutes with it. Width 64 is the original."""
    layers = []
    for factor, depth in ((1, 2), (2, 2), (4, 4), (8, 4), (8, 4)):
        for _ in range(depth):
            layers += [nn.Conv2d(channels, width * factor, 3, 1, 1, bias=False),
                       nn.BatchNorm2d(width * factor), nn.ReLU()]
            channels = width * factor
        layers.append(nn.MaxPool2d(2))
    return nn.Sequential(*layers, nn.Conv2d(channels, features, 1))


class DeepFeatures(nn.Module):
    def __init__(self, body, maximum=False):
        super().__init__()
        self.body = body
        self.maximum = maximum

    def forward(self, image):
        activations = self.body(image)
        if self.maximum:
            return activations.amax((2, 3)), activations
        return activations.mean((2, 3)), activations


def reduced(kind):
    """A network to be shipped: (network, number of features)."""
    body = vgg19() if kind == "vgg" else resnet50()
    return DeepFeatures(body, maximum=kind == "resnet-max"), COUNT[kind]


def export(network, example, path):
    """ONNX, opset 12."""
    network = copy.deepcopy(network).to(memory_format=torch.contiguous_format).eval()
    torch.onnx.export(network, example, path, opset_version=12, input_names=["image"],
                      output_names=["features", "activations"])
