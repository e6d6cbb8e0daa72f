"""Loops of synthetic studies as networks of loops see them: the tissue region of each frame, stretched
to a square with Pillow's arithmetic (docs/loops.md), and frames drawn from them by time."""

import json
import os

import numpy
from PIL import Image

FRAMES = 16  # that a network sees
SIDE = 112  # of the shipped networks' squares
TARGETS = ("firmness", "irregularity", "size")


class Loop:
    """frames: N x SIDE x SIDE uint8; first, last: of the frames that show the tumour; shape: what the
    loop shows of the patient, each about 0 … 1, in the order of TARGETS."""

    def __init__(self, frames, first, last, shape, study):
        self.frames, self.first, self.last, self.shape = frames, first, last, shape
        self.outcome = study["outcome"]
        self.risk_still, self.risk_loop = study["loop"]["risk_still"], study["loop"]["risk_loop"]


def shape_of(study):
    latents = study["latents"]
    return [study["loop"]["firmness"], latents["tumour_irregularity"],
            (latents["tumour_size_mm"] - 6) / 29]


def squares(folder, loop):
    import pydicom

    pixels = pydicom.dcmread(os.path.join(folder, loop["file"])).pixel_array
    box = loop["region"]
    cut = pixels[:, box["y0"] : box["y1"] + 1, box["x0"] : box["x1"] + 1]
    return numpy.stack([numpy.asarray(Image.fromarray(numpy.ascontiguousarray(frame)).resize(
        (SIDE, SIDE), Image.BILINEAR)) for frame in cut])


def read_loops(folder):
    """Loops of the studies that `axnode phantom --loops` wrote to `folder`, in their order. The squares
    are kept beside them (loops.npz): the DICOM files may go then."""
    with open(os.path.join(folder, "truth.json")) as file:
        studies = json.load(file)["studies"]
    kept = os.path.join(folder, "loops.npz")
    if not os.path.exists(kept):
        part = kept + ".part.npz"
        numpy.savez(part, **{study["folder"]: squares(folder, study["loop"]) for study in studies})
        os.replace(part, kept)
    loops = []
    with numpy.load(kept) as frames:
        for study in studies:
            shown = numpy.flatnonzero(study["loop"]["shows"])
            loops.append(Loop(frames[study["folder"]], shown[0], shown[-1], shape_of(study), study))
    return loops


def sample(loop, random=None):
    """FRAMES frames evenly over the part that shows the tumour, each the one on the screen in the middle
    of its share of the time; the program finds the tumour in most of that part (with `random`: in more
    or less of it)."""
    first, last = loop.first + 1, loop.last - 1
    if random is not None:
        first, last = loop.first + random.integers(-1, 5), loop.last - random.integers(-1, 5)
    count = len(loop.frames)
    first, last = max(first, 0), min(last, count - 1)
    picks = first + (numpy.arange(FRAMES) + 0.5) * (last + 1 - first) / FRAMES
    return loop.frames[picks.astype(int)]


def middle_only(frames):
    """The same without time: the middle frame over and over."""
    return numpy.repeat(frames[FRAMES // 2 : FRAMES // 2 + 1], FRAMES, 0)
