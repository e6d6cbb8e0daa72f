#!/usr/bin/python3
"""Write wide views: each still of BUS-BRA's held-out fold with its lesion somewhere between tissue
of other stills, for scripts/bench-outlines.

    wide_views.py --busbra BUS-BRA --fold 4 --out DIR [--seed S]

DIR/images and DIR/masks get a PNG of each, DIR/index.csv the still's row. Calliper marks are part of
the pictures, as they were drawn.
"""

import argparse
import csv
import os

import numpy
from PIL import Image

import tumour_data as data


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--busbra", required=True)
    parser.add_argument("--fold", default="4")
    parser.add_argument("--out", required=True)
    parser.add_argument("--seed", type=int, default=7)
    options = parser.parse_args()
    stills = data.read_busbra(options.busbra, {}, lambda row: row["fold"] == options.fold)
    random = numpy.random.default_rng(options.seed)
    for name in ("images", "masks"):
        os.makedirs(os.path.join(options.out, name), exist_ok=True)
    with open(os.path.join(options.busbra, "index.csv")) as file:
        rows = {row["id"]: row for row in csv.DictReader(file)}
    with open(os.path.join(options.out, "index.csv"), "w", newline="") as file:
        index = csv.DictWriter(file, list(rows[stills[0].name]))
        index.writeheader()
        for still in stills:
            grey, mask, *_ = data.compose(still, stills, random)
            for folder, pixels in (("images", grey), ("masks", mask)):
                Image.fromarray(pixels).save(os.path.join(options.out, folder, still.name + ".png"))
            index.writerow({**rows[still.name], "width": grey.shape[1], "height": grey.shape[0]})


if __name__ == "__main__":
    main()
