"""Regions of synthetic studies as deep networks see them: cut out and resized as model/deep.c
does, which is Pillow's arithmetic for pictures of 8 bits."""

import json
import os

import numpy
from PIL import Image

from outline_data import read_mask, to_grey


def box_of(mask, margin):
    """Rows and columns (first, past the last) around the mask, cut to the picture."""
    rows, columns = numpy.nonzero(mask)
    y0, y1, x0, x1 = rows.min(), rows.max() + 1, columns.min(), columns.max() + 1
    add = int(margin * max(y1 - y0, x1 - x0) + 0.5)
    return (max(0, y0 - add), min(mask.shape[0], y1 + add),
            max(0, x0 - add), min(mask.shape[1], x1 + add))


def look(grey, box, side, sight):
    """side x side uint8 of a box, by the keys of package.yaml in `sight`."""
    y0, y1, x0, x1 = box
    picture = Image.fromarray(numpy.ascontiguousarray(grey[y0:y1, x0:x1]))
    if sight["resize"] == "stretch":
        return numpy.asarray(picture.resize((side, side), Image.BILINEAR))
    shorter = min(picture.size)
    size = [sight["resize_to"] * length // shorter for length in picture.size]
    left, top = (int(round((length - side) / 2)) for length in size)
    small = picture.resize(size, Image.BILINEAR)
    return numpy.asarray(small.crop((left, top, left + side, top + side)))


class Region:
    """One region of one picture, with as much around it as any look at it needs."""

    AROUND = 0.3

    def __init__(self, grey, mask, outcome, principal, shape):
        y0, y1, x0, x1 = box_of(mask, self.AROUND)
        self.grey = grey[y0:y1, x0:x1].copy()
        self.mask = mask[y0:y1, x0:x1].copy()
        self.outcome, self.principal, self.shape = outcome, principal, shape


def shape_of(roi, study, picture):
    """What the picture shows of the patient's latents, each about 0 … 1."""
    if roi == "tumour":
        return [study["latents"]["tumour_irregularity"]]
    node = picture["node"]
    return [2 * node["cortex_mm"] / node["short_axis_mm"], 2 * node["hilum_fraction"],
            node["short_axis_mm"] / node["long_axis_mm"]]


def read_regions(folder, roi, principal_only=False):
    """The studies that `axnode phantom` wrote to `folder`, in their order."""
    import pydicom

    with open(os.path.join(folder, "truth.json")) as file:
        truth = json.load(file)
    regions = []
    for study in truth["studies"]:
        for picture in study["images"]:
            if roi not in picture or (principal_only and not picture["principal"]):
                continue
            pixels = pydicom.dcmread(os.path.join(folder, picture["file"])).pixel_array
            mask = read_mask(os.path.join(folder, picture[roi]["mask"]))
            regions.append(Region(to_grey(pixels), mask, study["outcome"], picture["principal"],
                                  shape_of(roi, study, picture)))
    return regions


def plain_look(region, side, sight):
    return look(region.grey, box_of(region.mask, sight["margin"]), side, sight)


def varied_look(region, side, sight, random):
    """With an outline that is a little off, mirrored half of the times."""
    y0, y1, x0, x1 = box_of(region.mask, sight["margin"])
    reach = 0.06 * numpy.array([y1 - y0, y1 - y0, x1 - x0, x1 - x0])
    moved = numpy.rint([y0, y1, x0, x1] + random.uniform(-reach, reach)).astype(int)
    rows, columns = region.grey.shape
    box = (max(0, moved[0]), min(rows, moved[1]), max(0, moved[2]), min(columns, moved[3]))
    picture = look(region.grey, box, side, sight)
    return picture[:, ::-1] if random.random() < 0.5 else picture
