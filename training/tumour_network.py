"""The tumour's outline network: a residual U-Net whose work is done at a quarter of the
resolution and below. Input: grey / 255 and calliper marks; output: logits of the lesion."""

import torch
from torch import nn
from torch.nn import functional

from outline_network import Block, double

WIDTHS = (16, 32, 64, 128, 192)
DEPTHS = (1, 2, 2, 2)


class TumourNetwork(nn.Module):
    def __init__(self):
        super().__init__()
        self.stem = nn.Sequential(
            nn.Conv2d(2, WIDTHS[0], 5, 2, 2, bias=False), nn.BatchNorm2d(WIDTHS[0]), nn.ReLU()
        )
        self.down = nn.ModuleList(
            nn.Sequential(Block(before, after, 2), *[Block(after, after) for _ in range(depth - 1)])
            for before, after, depth in zip(WIDTHS[:-1], WIDTHS[1:], DEPTHS)
        )
        self.up = nn.ModuleList(
            Block(deep + flat, flat) for deep, flat in zip(WIDTHS[:1:-1], WIDTHS[-2:0:-1])
        )
        self.narrow = nn.Conv2d(WIDTHS[1], 16, 1)
        self.mix = nn.Conv2d(16 + WIDTHS[0], 16, 3, 1, 1)
        self.answer = nn.Conv2d(16, 1, 3, 1, 1)

    def forward(self, x):
        stem = self.stem(x)
        levels, x = [], stem
        for block in self.down:
            x = block(x)
            levels.append(x)
        for block, flat in zip(self.up, levels[-2::-1]):
            x = block(torch.cat([double(x), flat], 1))
        x = torch.cat([double(self.narrow(x)), stem], 1)
        return double(self.answer(functional.relu(self.mix(x))))
