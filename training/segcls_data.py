"""Axillary stills of synthetic studies as frames of ROWS x COLUMNS, with the node's outline and what it
tells of the outcome."""

import json
import os

import numpy

from outline_data import fit_frame, read_mask, to_grey
from segcls_networks import COLUMNS, ROWS


def log_odds_of_node(latents):
    """The node's part of the true log-odds (phantom/outcome.c)."""
    return (0.9 * (latents["cortex_mm"] - 2.8) / 1.2 + 1.2 * (latents["node_roundness"] - 0.65) / 0.156
            - 1.3 * (latents["hilum_fraction"] - 0.27) / 0.22)


def tumours(draws=4000):
    """Tumours' parts, drawn as docs/phantom.md says."""
    random = numpy.random.default_rng(1)
    size = numpy.clip(15 * numpy.exp(0.38 * random.standard_normal(draws)), 6, 35)
    return 0.8 * (size - 16) / 6 + 1.1 * (random.uniform(0, 1, draws) - 0.5) / 0.289


TUMOURS = tumours()


def risk_of_node(latents):
    """The outcome's probability given the node alone."""
    return float((1 / (1 + numpy.exp(0.55 - log_odds_of_node(latents) - TUMOURS))).mean())


class Nodes:
    """images: N x ROWS x COLUMNS uint8; masks: likewise, 0 or 255 and between; risk: of the outcome given
    the node; outcome; principal: the study's node, to whom both belong."""

    def __init__(self, arrays):
        for name in ("images", "masks", "risk", "outcome", "principal"):
            setattr(self, name, arrays[name])


def make(folder):
    import pydicom

    with open(os.path.join(folder, "truth.json")) as file:
        truth = json.load(file)
    rows = []
    for study in truth["studies"]:
        for picture in study["images"]:
            if "node" not in picture:
                continue
            grey = to_grey(pydicom.dcmread(os.path.join(folder, picture["file"])).pixel_array)
            box = picture["region"]
            cut = (slice(box["y0"], box["y1"] + 1), slice(box["x0"], box["x1"] + 1))
            mask = read_mask(os.path.join(folder, picture["node"]["mask"]))[cut]
            frames = [numpy.rint(fit_frame(part, ROWS, COLUMNS)).astype(numpy.uint8)
                      for part in (grey[cut], 255.0 * mask)]
            rows.append((*frames, risk_of_node(study["latents"]), bool(study["outcome"]),
                         bool(picture["principal"])))
    names = ("images", "masks", "risk", "outcome", "principal")
    return {name: numpy.stack(part) for name, part in zip(names, zip(*rows))}


def load(folder, kept):
    """Of a folder that `axnode phantom` wrote; kept in the file `kept`."""
    if not os.path.exists(kept):
        numpy.savez(kept + ".part.npz", **make(folder))
        os.replace(kept + ".part.npz", kept)
    with numpy.load(kept) as arrays:
        return Nodes(arrays)


def joined(parts):
    names = ("images", "masks", "risk", "outcome", "principal")
    return Nodes({name: numpy.concatenate([getattr(part, name) for part in parts]) for name in names})
