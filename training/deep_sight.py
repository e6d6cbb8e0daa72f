"""What the shipped networks of deep features see: one channel of SIDE x SIDE."""

SIDE = 96
# How each shipped network sees a region: keys of package.yaml (docs/package-format.md).
SIGHT = {
    "resnet-average": dict(crop="box", margin=0.1, resize="shorter_side", resize_to=110),
    "resnet-max": dict(crop="box", margin=0.1, resize="stretch"),
    "vgg": dict(crop="box", margin=0.1, resize="stretch"),
}
MEAN, STD = 0.25, 0.2  # of grey / 255
COUNT = {"resnet-average": 256, "resnet-max": 256, "vgg": 128}  # features
