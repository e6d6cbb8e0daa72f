"""Pictures and masks for the node network, as 256x256 squares.

The square is made as image/resize.h makes it: the calibrated tissue region (or the whole picture
where there is none), longest side fitted to 256 with Pillow's BILINEAR filter on floating-point
grey values, centred on black.
"""

import json
import os

import numpy
from PIL import Image

SIDE = 256


def fit_frame(grey, height, width):
    """A 2-D array of 0 … 255 as large as a frame of height x width allows, centred on black; float."""
    rows, columns = grey.shape
    scale = min(height / rows, width / columns)
    fit_rows = min(height, max(1, int(rows * scale + 0.5)))
    fit_columns = min(width, max(1, int(columns * scale + 0.5)))
    top, left = (height - fit_rows) // 2, (width - fit_columns) // 2
    picture = Image.fromarray(numpy.asarray(grey, numpy.float32), mode="F")
    small = picture.resize((fit_columns, fit_rows), Image.BILINEAR)
    frame = numpy.zeros((height, width), numpy.float32)
    frame[top : top + fit_rows, left : left + fit_columns] = numpy.asarray(small)
    return frame


def fit_square(grey):
    """A 2-D array of 0 … 255 as a SIDE x SIDE float array of 0 … 255."""
    return fit_frame(grey, SIDE, SIDE)


def to_grey(pixels):
    """BT.601 luma, as image_to_grey."""
    if pixels.ndim == 2:
        return pixels
    red, green, blue = (pixels[..., i].astype(numpy.uint32) for i in range(3))
    return ((299 * red + 587 * green + 114 * blue + 500) // 1000).astype(numpy.uint8)


def read_mask(path):
    return (numpy.asarray(Image.open(path).convert("L")) > 0).astype(numpy.uint8)


def square_sample(grey, masks):
    """(SIDE x SIDE uint8, masks x SIDE x SIDE uint8 of 0 … 255)"""
    image = numpy.rint(fit_square(grey)).astype(numpy.uint8)
    targets = [numpy.rint(fit_square(255.0 * m)).astype(numpy.uint8) for m in masks]
    return image, numpy.stack(targets)


def read_phantom(folder):
    """The nodes of the studies that `axnode phantom` wrote to `folder`, in their order."""
    import pydicom

    with open(os.path.join(folder, "truth.json")) as file:
        truth = json.load(file)
    for study in truth["studies"]:
        for picture in study["images"]:
            if "node" not in picture:
                continue
            dataset = pydicom.dcmread(os.path.join(folder, picture["file"]))
            grey = to_grey(dataset.pixel_array)
            box = picture["region"]
            cut = (slice(box["y0"], box["y1"] + 1), slice(box["x0"], box["x1"] + 1))
            names = [picture["node"]["mask"], picture["node"]["hilum_mask"]]
            masks = [read_mask(os.path.join(folder, name))[cut] for name in names]
            yield square_sample(grey[cut], masks)


def load(folder):
    """All nodes as two arrays: images N x 256 x 256, masks N x 2 x 256 x 256, both uint8."""
    samples = list(read_phantom(folder))
    return numpy.stack([s[0] for s in samples]), numpy.stack([s[1] for s in samples])
