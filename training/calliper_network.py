"""The network that finds callipers: an answer for every second pixel of a picture of any even size.
Input: grey / 255, in the picture's own pixels; output: logits of a mark's middle."""

from torch import nn


def layer(inputs, outputs, stride=1):
    return nn.Sequential(
        nn.Conv2d(inputs, outputs, 3, stride, 1, bias=False), nn.BatchNorm2d(outputs), nn.ReLU()
    )


class CalliperNetwork(nn.Module):
    def __init__(self, width=16):
        super().__init__()
        self.body = nn.Sequential(
            layer(1, 8), layer(8, width, 2), layer(width, width), layer(width, width),
            layer(width, width), layer(width, width), layer(width, 2 * width),
            nn.Conv2d(2 * width, 1, 1),
        )

    def forward(self, x):
        return self.body(x)
