"""The node outlined by DeepLabV3+, then classified (docs/models/segcls-2024.md).

    outline     `image` N x 1 x 256 x 320 (grey / 255) -> `probability` of the same size
    classifier  `image` likewise, black outside the outline -> features N x F, activations
                N x F x rows x columns, of which the features are the averages

DeepLabV3+ (Chen et al., ECCV 2018): ResNet-101, its last stage dilated in place of a stride (output stride
16), pyramid of rates 6, 12 and 18, decoder with the first stage's channels. Width 64 is the original; the
shipped one is an eighth as wide and has ResNet-50's depth. The paper does not say what the classifier's
layers are.
"""

import torch
from torch import nn
from torch.nn import functional

from deep_networks import Bottleneck

ROWS, COLUMNS = 256, 320
RESNET50, RESNET101 = (3, 4, 6, 3), (3, 4, 23, 3)
WIDTH, FULL_WIDTH = 8, 64
FEATURES = 64


def convolution(inside, outside, kernel=3, stride=1, dilation=1):
    return nn.Sequential(
        nn.Conv2d(inside, outside, kernel, stride, dilation * (kernel // 2), dilation, bias=False),
        nn.BatchNorm2d(outside), nn.ReLU())


def stage(inside, width, depth, stride, dilation=1):
    blocks = []
    for i in range(depth):
        block = Bottleneck(inside, width, 1 if i else stride)
        block.body[3].dilation = block.body[3].padding = (dilation, dilation)
        blocks.append(block)
        inside = 4 * width
    return nn.Sequential(*blocks)


class Pyramid(nn.Module):
    def __init__(self, inside, outside):
        super().__init__()
        self.scales = nn.ModuleList([convolution(inside, outside, 1)] + [
            convolution(inside, outside, dilation=rate) for rate in (6, 12, 18)])
        self.whole = nn.Sequential(nn.Conv2d(inside, outside, 1), nn.ReLU())
        self.join = convolution(5 * outside, outside, 1)

    def forward(self, x):
        whole = self.whole(x.mean((2, 3), keepdim=True)).expand(-1, -1, *x.shape[2:])
        return self.join(torch.cat([scale(x) for scale in self.scales] + [whole], 1))


def enlarge(x, factor):
    return functional.interpolate(x, scale_factor=float(factor), mode="bilinear",
                                  align_corners=False)


class DeepLab(nn.Module):
    def __init__(self, width=WIDTH, depths=RESNET50):
        super().__init__()
        decoder = 4 * width
        self.stem = nn.Sequential(convolution(1, width, 7, 2), nn.MaxPool2d(3, 2, 1))
        self.first = stage(width, width, depths[0], 1)
        self.rest = nn.Sequential(stage(4 * width, 2 * width, depths[1], 2),
                                  stage(8 * width, 4 * width, depths[2], 2),
                                  stage(16 * width, 8 * width, depths[3], 1, dilation=2),
                                  Pyramid(32 * width, decoder))
        self.narrow = convolution(4 * width, max(12, 48 * width // 64), 1)
        self.answer = nn.Sequential(
            convolution(decoder + max(12, 48 * width // 64), decoder),
            convolution(decoder, decoder), nn.Conv2d(decoder, 1, 1))

    def forward(self, image):
        """Logits."""
        first = self.first(self.stem(image))
        deep = enlarge(self.rest(first), 4)
        return enlarge(self.answer(torch.cat([deep, self.narrow(first)], 1)), 4)


class Classifier(nn.Module):
    def __init__(self):
        super().__init__()
        widths = (16, 32, 48, 64, FEATURES)
        self.body = nn.Sequential(*[convolution(inside, outside, 3, 2)
                                    for inside, outside in zip((1, *widths), widths)])

    def forward(self, image):
        activations = self.body(image)
        return activations.mean((2, 3)), activations


class Joint(nn.Module):
    """Both as they are trained. The classifier sees what lies in the outline, as later; backwards the
    outline counts as the probability itself."""

    def __init__(self, width=WIDTH, depths=RESNET50):
        super().__init__()
        self.outline, self.classifier = DeepLab(width, depths), Classifier()
        self.last = nn.Linear(FEATURES, 1)

    def forward(self, image):
        """Logits of the pixels and of the outcome."""
        logits = self.outline(image)
        soft = torch.sigmoid(logits)
        hard = (soft >= 0.5).float() + soft - soft.detach()
        return logits, self.last(self.classifier(image * hard)[0])[:, 0]


class Probability(nn.Module):
    def __init__(self, outline):
        super().__init__()
        self.outline = outline

    def forward(self, image):
        return torch.sigmoid(self.outline(image))


def export_outline(outline, path):
    torch.onnx.export(Probability(outline).eval(), torch.zeros(1, 1, ROWS, COLUMNS), path,
                      opset_version=12, input_names=["image"], output_names=["probability"])


def export_classifier(classifier, path):
    torch.onnx.export(classifier.eval(), torch.zeros(1, 1, ROWS, COLUMNS), path, opset_version=12,
                      input_names=["image"], output_names=["features", "activations"])
