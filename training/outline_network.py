"""The outline network: a small residual U-Net that works at half resolution and sharpens its
answer with the picture itself. Input 1 x 256 x 256 (grey / 255); output one probability plane
for each channel."""

import torch
from torch import nn
from torch.nn import functional

WIDTHS = (16, 32, 64, 96, 128)


class Block(nn.Module):
    def __init__(self, inputs, outputs, stride=1):
        super().__init__()
        self.first = nn.Conv2d(inputs, outputs, 3, stride, 1, bias=False)
        self.first_norm = nn.BatchNorm2d(outputs)
        self.second = nn.Conv2d(outputs, outputs, 3, 1, 1, bias=False)
        self.second_norm = nn.BatchNorm2d(outputs)
        self.skip = nn.Sequential()
        if stride != 1 or inputs != outputs:
            self.skip = nn.Sequential(
                nn.Conv2d(inputs, outputs, 1, stride, bias=False), nn.BatchNorm2d(outputs)
            )

    def forward(self, x):
        y = functional.relu(self.first_norm(self.first(x)))
        return functional.relu(self.second_norm(self.second(y)) + self.skip(x))


def double(x):
    return functional.interpolate(x, scale_factor=2.0, mode="bilinear", align_corners=False)


class OutlineNetwork(nn.Module):
    def __init__(self, channels, widths=WIDTHS):
        super().__init__()
        self.down = nn.ModuleList(
            Block(before, after, 2) for before, after in zip((1,) + widths[:-1], widths)
        )
        self.up = nn.ModuleList(
            Block(deep + flat, flat)
            for deep, flat in zip(widths[:0:-1], widths[-2::-1])
        )
        self.narrow = nn.Conv2d(widths[0], 8, 1)
        self.sharpen = nn.Conv2d(9, 8, 3, 1, 1)
        self.answer = nn.Conv2d(8, channels, 3, 1, 1)

    def forward(self, image):
        """Logits."""
        levels = []
        x = image
        for block in self.down:
            x = block(x)
            levels.append(x)
        for block, flat in zip(self.up, levels[-2::-1]):
            x = block(torch.cat([double(x), flat], 1))
        x = torch.cat([double(self.narrow(x)), image], 1)
        return self.answer(functional.relu(self.sharpen(x)))


class Exported(nn.Module):
    def __init__(self, network):
        super().__init__()
        self.network = network

    def forward(self, image):
        return torch.sigmoid(self.network(image))
