"""Networks of loops: `image` N x 1 x FRAMES x S x S (grey / 255) -> features N x F, activations
N x F x times x rows x columns, of which the features are the averages (docs/loops.md).

The three of the system video-2023 (docs/models/video-2023.md names its paper):
    tin        ResNet50 on each frame; in each block some channels are shifted in time by learned amounts
               (Shao, Qian, Liu: Temporal Interlacing Network, AAAI 2020)
    r2plus1d   18 layers, each convolution over the frame and then over time (Tran et al., CVPR 2018)
    resnet3d   18 layers, convolutions over both at once (Hara, Kataoka, Satoh, CVPR 2018)
Width 64 is the original; the shipped ones are an eighth as wide and halve their frames once more.
"""

import copy

import torch
from torch import nn

from deep_networks import Bottleneck, resnet50
from loop_data import FRAMES

WIDTH = 8  # of the shipped networks
FULL_WIDTH = 64


class Interlacing(nn.Module):
    """An eighth of the channels, in four groups, each shifted in time by o, o', -o, -o' frames and
    weighted; o and o' between -2 and 2, offsets and weights learned from those channels' averages."""

    REACH = 2

    def __init__(self, channels):
        super().__init__()
        self.shifted = max(4, channels // 8 // 4 * 4)
        self.notice = nn.Conv1d(self.shifted, 1, 3, padding=1)
        self.offset = nn.Sequential(nn.Linear(FRAMES, FRAMES), nn.ReLU(), nn.Linear(FRAMES, 2))
        self.weight = nn.Conv1d(self.shifted, 2, 3, padding=1)

    def forward(self, x):
        frames = x.reshape(-1, FRAMES, *x.shape[1:])
        moved, still = frames[:, :, : self.shifted], frames[:, :, self.shifted :]
        seen = moved.mean((3, 4)).transpose(1, 2)
        offset = 2 * self.REACH * (torch.sigmoid(self.offset(self.notice(seen)[:, 0])) - 0.5)
        offset = torch.cat([offset, -offset], 1)
        weight = 2 * torch.sigmoid(self.weight(seen)).transpose(1, 2).repeat(1, 1, 2)
        groups = moved.reshape(-1, FRAMES, 4, self.shifted // 4, *x.shape[2:])
        padded = nn.functional.pad(groups, (0, 0, 0, 0, 0, 0, 0, 0, self.REACH, self.REACH))
        # Linear interpolation between frames: a tent around the offset.
        shifted = sum(torch.relu(1 - (offset - k).abs()).view(-1, 1, 4, 1, 1, 1)
                      * padded[:, k + self.REACH : k + self.REACH + FRAMES]
                      for k in range(-self.REACH, self.REACH + 1))
        shifted = (shifted * weight.view(-1, FRAMES, 4, 1, 1, 1)).flatten(2, 3)
        return torch.cat([shifted, still], 2).flatten(0, 1)


class Tin(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.body = resnet50(width)
        for block in self.body:
            if isinstance(block, Bottleneck):
                block.body = nn.Sequential(Interlacing(block.body[0].in_channels), *block.body)

    def forward(self, image):
        planes = self.body(image.transpose(1, 2).flatten(0, 1))
        return planes.reshape(-1, FRAMES, *planes.shape[1:]).transpose(1, 2)


def together(inside, outside, stride):
    return nn.Conv3d(inside, outside, 3, stride, 1, bias=False)


def apart(inside, outside, stride):
    """As many weights as `together`."""
    between = inside * outside * 27 // (inside * 9 + 3 * outside)
    return nn.Sequential(
        nn.Conv3d(inside, between, (1, 3, 3), (1, stride, stride), (0, 1, 1), bias=False),
        nn.BatchNorm3d(between), nn.ReLU(),
        nn.Conv3d(between, outside, (3, 1, 1), (stride, 1, 1), (1, 0, 0), bias=False))


class Block(nn.Module):
    def __init__(self, convolution, inside, outside, stride):
        super().__init__()
        self.body = nn.Sequential(
            convolution(inside, outside, stride), nn.BatchNorm3d(outside), nn.ReLU(),
            convolution(outside, outside, 1), nn.BatchNorm3d(outside))
        self.short = nn.Sequential()
        if stride > 1 or inside != outside:
            self.short = nn.Sequential(nn.Conv3d(inside, outside, 1, stride, bias=False),
                                       nn.BatchNorm3d(outside))

    def forward(self, x):
        return torch.relu(self.body(x) + self.short(x))


def resnet18(convolution, width):
    if convolution is apart:
        between = width * 45 // 64
        layers = [nn.Conv3d(1, between, (1, 7, 7), (1, 2, 2), (0, 3, 3), bias=False),
                  nn.BatchNorm3d(between), nn.ReLU(),
                  nn.Conv3d(between, width, (3, 1, 1), 1, (1, 0, 0), bias=False)]
    else:
        layers = [nn.Conv3d(1, width, (3, 7, 7), (1, 2, 2), (1, 3, 3), bias=False)]
    layers += [nn.BatchNorm3d(width), nn.ReLU()]
    if width < FULL_WIDTH:
        layers.append(nn.MaxPool3d((1, 3, 3), (1, 2, 2), (0, 1, 1)))
    inside = width
    for stage in range(4):
        for block in range(2):
            layers.append(Block(convolution, inside, width << stage,
                                2 if stage and not block else 1))
            inside = width << stage
    return nn.Sequential(*layers)


class LoopFeatures(nn.Module):
    def __init__(self, body, count):
        super().__init__()
        self.body, self.count = body, count

    def forward(self, image):
        activations = self.body(image)
        return activations.mean((2, 3, 4)), activations


KINDS = ("tin", "r2plus1d", "resnet3d")


def network_of(kind, width=WIDTH):
    if kind == "tin":
        return LoopFeatures(Tin(width), 32 * width)
    return LoopFeatures(resnet18(apart if kind == "r2plus1d" else together, width), 8 * width)


def export(network, side, path):
    """ONNX, opset 12."""
    network = copy.deepcopy(network).eval()
    torch.onnx.export(network, torch.zeros(1, 1, FRAMES, side, side), path, opset_version=12,
                      input_names=["image"], output_names=["features", "activations"])
