"""What the tumour network learns from: stills with outlines and calliper marks, wide views
composed of several stills, and views drawn from them as squares."""

import csv
import json
import os

import numpy
from PIL import Image, ImageFilter

import outline_data

SIDE = 192  # of the network's square
MARK_SIGMA = 3.0  # pixels of the square
LONGEST = 448  # larger stills are kept smaller


class Still:
    """grey and mask: uint8 arrays of one size; marks: N x 2 (x, y) of callipers that were found;
    ends: 4 x 2, where a sonographer would put callipers; box: x0, y0, x1, y1 of the mask."""

    def __init__(self, name, device, grey, mask, marks):
        scale = min(1.0, LONGEST / max(grey.shape))
        if scale < 1:
            size = (round(grey.shape[1] * scale), round(grey.shape[0] * scale))
            grey = numpy.asarray(Image.fromarray(grey).resize(size, Image.BILINEAR))
            mask = numpy.asarray(Image.fromarray(mask * 255).resize(size, Image.BILINEAR)) > 127
        self.name, self.device, self.grey = name, device, grey
        self.mask = mask.astype(numpy.uint8) * 255
        self.marks = numpy.asarray(marks, float).reshape(-1, 2) * scale
        rows, columns = numpy.nonzero(self.mask)
        if len(rows):
            self.box = columns.min(), rows.min(), columns.max(), rows.max()
            self.ends = axis_ends(columns, rows)


def axis_ends(columns, rows):
    """Ends of the longest diameter, then of the longest chord across it: 4 x 2."""
    points = numpy.stack([columns, rows], 1).astype(float)
    angles = numpy.arange(0, numpy.pi, numpy.pi / 36)
    along = points @ numpy.stack([numpy.cos(angles), numpy.sin(angles)])
    best = int(numpy.argmax(along.max(0) - along.min(0)))
    across = (best + 18) % 36
    picked = [along[:, k].argmin() if low else along[:, k].argmax()
              for k in (best, across) for low in (True, False)]
    return points[picked]


def read_marks(path):
    """{picture: [(x, y), ...]} of a CSV file that `callipers.py` wrote."""
    marks = {}
    with open(path) as file:
        for row in csv.DictReader(file):
            marks.setdefault(row["id"], []).append((float(row["x"]), float(row["y"])))
    return marks


def read_busbra(folder, marks, keep):
    """Stills of BUS-BRA (Gomez-Flores et al., Medical Physics 2023) whose index row `keep` takes."""
    with open(os.path.join(folder, "index.csv")) as file:
        rows = [row for row in csv.DictReader(file) if keep(row)]
    stills = []
    for row in rows:
        path = os.path.join(folder, "images", row["id"] + ".png")
        grey = numpy.asarray(Image.open(path).convert("L"))
        mask = outline_data.read_mask(os.path.join(folder, "masks", row["id"] + ".png"))
        stills.append(Still(row["id"], row["device"], grey, mask, marks.get(row["id"], [])))
    return stills


def read_phantom(folder, roi="tumour"):
    """Stills of `axnode phantom` that show a tumour (or a node), cut to their tissue region."""
    import pydicom

    with open(os.path.join(folder, "truth.json")) as file:
        truth = json.load(file)
    stills = []
    for study in truth["studies"]:
        for picture in study["images"]:
            if roi not in picture:
                continue
            dataset = pydicom.dcmread(os.path.join(folder, picture["file"]))
            box = picture["region"]
            cut = (slice(box["y0"], box["y1"] + 1), slice(box["x0"], box["x1"] + 1))
            grey = outline_data.to_grey(dataset.pixel_array)[cut]
            mask = outline_data.read_mask(os.path.join(folder, picture[roi]["mask"]))[cut]
            stills.append(Still(picture["file"], "phantom", grey, mask, []))
    return stills


def without_marks(still):
    """The picture with its calliper marks painted over by what surrounds them."""
    picture = Image.fromarray(still.grey)
    for x, y in still.marks:
        box = (max(0, int(x) - 12), max(0, int(y) - 12), int(x) + 13, int(y) + 13)
        part = picture.crop(box).filter(ImageFilter.MedianFilter(13)).crop((6, 6, 19, 19))
        picture.paste(part, (box[0] + 6, box[1] + 6))
    return numpy.asarray(picture)


def background(still, rows, random):
    """Columns of a still beside its lesion, stretched to `rows`; None when there are too few."""
    left, right = still.box[0] - 8, still.grey.shape[1] - still.box[2] - 8
    if max(left, right) < 40:
        return None
    part = still.grey[:, :left] if left > right else still.grey[:, -right:]
    columns = max(24, round(part.shape[1] * rows / part.shape[0]))
    part = numpy.asarray(Image.fromarray(part).resize((columns, rows), Image.BILINEAR))
    return part[:, ::-1] if random.random() < 0.5 else part


def join(left, right):
    """Two pictures of equal height side by side, faded into each other over 12 columns."""
    fade = min(12, left.shape[1], right.shape[1])
    share = numpy.linspace(0, 1, fade + 2)[1:-1]
    seam = left[:, -fade:] * (1 - share) + right[:, :fade] * share
    return numpy.concatenate([left[:, :-fade], seam, right[:, fade:]], 1), left.shape[1] - fade


def compose(still, stills, random, absent=False):
    """A wide view: the still (or, `absent`, no lesion) between tissue of other stills.
    Returns grey, mask, marks, ends, box as of a Still."""
    rows, columns = still.grey.shape
    wanted = columns * random.uniform(1.3, 2.8)
    grey, offset = (None, 0) if absent else (still.grey.astype(numpy.float32), 0)
    level = still.grey.mean() + 1
    for _ in range(12):
        other = stills[random.integers(len(stills))]
        part = background(other, rows, random) if other.device == still.device else None
        if part is None:
            continue
        part = part * numpy.clip(level / (part.mean() + 1), 0.5, 2.0)
        if grey is None:
            grey = part
        elif random.random() < 0.5:
            grey, _ = join(grey, part)
        else:
            grey, moved = join(part, grey)
            offset += moved
        if grey.shape[1] >= wanted:
            break
    if grey is None:
        grey = numpy.zeros((rows, columns), numpy.float32)
    below = 0
    if random.random() < 0.4:  # more depth, fading out
        below = int(rows * random.uniform(0.1, 0.6))
        deep = grey[rows - below:][::-1] * numpy.linspace(0.9, 0.2, below)[:, None]
        grey = numpy.concatenate([grey, deep])
    mask = numpy.zeros(grey.shape, numpy.uint8)
    grey = numpy.clip(grey, 0, 255).astype(numpy.uint8)
    if absent:
        return grey, mask, numpy.zeros((0, 2)), None, None
    mask[:rows, offset : offset + columns] = still.mask
    shift = numpy.array([offset, 0.0])
    box = (still.box[0] + offset, still.box[1], still.box[2] + offset, still.box[3])
    return grey, mask, still.marks + shift, still.ends + shift, box


def shown_marks(marks, ends, shape, random):
    """The marks that the network is told of in one view: those found, those that a sonographer
    could have set, false ones, or none."""
    chance = random.random()
    rows, columns = shape
    false = random.uniform(0, 1, (random.integers(1, 3), 2)) * (columns, rows)
    if chance < 0.3 or ends is None:
        return false if random.random() < 0.2 else numpy.zeros((0, 2))
    if chance < 0.65:
        return marks[random.random(len(marks)) > 0.1]
    if chance < 0.72:
        return numpy.concatenate([marks, false])
    size = numpy.linalg.norm(ends[1] - ends[0])
    picked = ends[random.permutation(4)[: random.choice((4, 4, 3, 2))]]
    if random.random() < 0.3:
        picked = ends[:2] if random.random() < 0.7 else ends[2:]
    middle = ends.mean(0)
    picked = middle + (picked - middle) * random.uniform(0.95, 1.1)
    picked = picked + random.normal(0, 0.025 * size, picked.shape)
    return numpy.concatenate([picked, false]) if random.random() < 0.2 else picked


def mark_plane(points):
    """SIDE x SIDE float32: exp(-d^2 / 2 sigma^2) of the nearest point."""
    plane = numpy.zeros((SIDE, SIDE), numpy.float32)
    at = numpy.arange(SIDE, dtype=numpy.float32)
    for x, y in points:
        if -9 < x < SIDE + 9 and -9 < y < SIDE + 9:
            across = numpy.exp(-((at - x) ** 2) / (2 * MARK_SIGMA**2))
            down = numpy.exp(-((at - y) ** 2) / (2 * MARK_SIGMA**2))
            plane = numpy.maximum(plane, (down[:, None] * across).astype(numpy.float32))
    return plane


def square(grey, mask, marks, centre, side, angle=0.0, stretch=1.0, mirror=False):
    """The square of `side` picture pixels around `centre`, turned, as SIDE x SIDE grey and mask
    (uint8) and marks' plane. Shrinks smoothly first, as image/resize.h does."""
    shrink = max(1.0, side / SIDE)
    if shrink > 1.05:
        size = (max(1, round(grey.shape[1] / shrink)), max(1, round(grey.shape[0] / shrink)))
        grey = numpy.asarray(Image.fromarray(grey).resize(size, Image.BILINEAR))
        mask = numpy.asarray(Image.fromarray(mask).resize(size, Image.BILINEAR))
    else:
        shrink = 1.0
    step = side / SIDE / shrink
    turn = numpy.array([[numpy.cos(angle), -numpy.sin(angle)],
                        [numpy.sin(angle), numpy.cos(angle)]])
    matrix = turn @ numpy.diag([-step if mirror else step, step * stretch])
    middle = numpy.asarray(centre, float) / shrink
    origin = middle - matrix @ [SIDE / 2, SIDE / 2]
    data = (*matrix[0], origin[0], *matrix[1], origin[1])
    pictures = [
        numpy.asarray(Image.fromarray(p).transform((SIDE, SIDE), Image.AFFINE, data, Image.BILINEAR))
        for p in (grey, mask)
    ]
    points = (numpy.asarray(marks).reshape(-1, 2) / shrink - origin) @ numpy.linalg.inv(matrix).T
    return pictures[0], pictures[1], mark_plane(points)


def view(still, stills, random):
    """One view to learn from: grey, mask, marks."""
    absent = random.random() < 0.04
    composed = absent or random.random() < 0.3
    if composed:
        grey, mask, marks, ends, box = compose(still, stills, random, absent)
    else:
        grey, mask, marks, ends, box = still.grey, still.mask, still.marks, still.ends, still.box
        if len(marks) and random.random() < 0.5:
            grey = without_marks(still)
    marks = shown_marks(marks, ends, grey.shape, random)
    rows, columns = grey.shape
    if absent or random.random() < 0.5:  # the whole picture
        side = max(rows, columns) * random.uniform(0.8, 1.2)
        centre = numpy.array([columns, rows]) * (0.5 + random.uniform(-0.12, 0.12, 2))
    else:  # a closer look at what was found
        longest = max(box[2] - box[0], box[3] - box[1]) + 1
        side = longest * random.uniform(1.5, 3.2)
        centre = numpy.array([box[0] + box[2], box[1] + box[3]]) / 2
        centre = centre + longest * random.uniform(-0.3, 0.3, 2)
    return square(grey, mask, marks, centre, side, random.uniform(-0.2, 0.2),
                  random.uniform(0.85, 1.18), random.random() < 0.5)


def whole(still, marks=True):
    """The still as the program first sees it."""
    rows, columns = still.grey.shape
    return square(still.grey, still.mask, still.marks if marks else [], (columns / 2, rows / 2),
                  max(rows, columns))
