"""Callipers drawn into pictures, as machines draw them: crosses, stars, brackets and dots, thin or
faint, with or without a dark edge, a letter or a digit beside them."""

import math

import numpy
from PIL import Image, ImageDraw, ImageFilter, ImageFont

FINER = 4  # drawn so much larger, then shrunk: edges as soft as a scan converter's
FONT = ImageFont.load_default()


def strokes(arm, random):
    """Lines of one mark around (0, 0), each (x0, y0, x1, y1)."""
    gap = random.uniform(0.2, 0.5) * arm if random.random() < 0.3 else 0
    kind = random.choice(["+", "x", "*", "corners", "dots"], p=[0.5, 0.2, 0.1, 0.1, 0.1])
    if kind == "corners":
        reach = 0.5 * arm
        return [line for x in (-arm, arm) for y in (-arm, arm)
                for line in ((x, y, x - math.copysign(reach, x), y),
                             (x, y, x, y - math.copysign(reach, y)))]
    angles = {"+": (0, 90), "dots": (0, 90), "x": (45, 135), "*": (0, 60, 120)}[kind]
    turned = random.choice([0, 90])
    lines = []
    for angle in angles:
        c, s = (f(math.radians(angle + turned)) for f in (math.cos, math.sin))
        if kind == "dots":
            lines += [(c * r, s * r, c * r + 0.5, s * r + 0.5) for r in (-arm, arm)]
        elif gap:
            lines += [(c * r0, s * r0, c * r1, s * r1) for r0, r1 in ((-arm, -gap), (gap, arm))]
        else:
            lines.append((-c * arm, -s * arm, c * arm, s * arm))
    return lines


def cover_of(shape, lines, width, letter, letter_at):
    """How much of each pixel is drawn on, 0 … 1."""
    drawn = Image.new("L", (shape[1] * FINER, shape[0] * FINER))
    pen = ImageDraw.Draw(drawn)
    for line in lines:
        pen.line([v * FINER for v in line], 255, max(1, round(width * FINER)))
    cover = drawn.resize((shape[1], shape[0]), Image.BOX)
    if letter:
        ImageDraw.Draw(cover).text(letter_at, letter, 255, FONT)
    return cover


def draw(patch, random, labels_only=False):
    """Draws into `patch` (float32 grey levels) one mark and, in half of the cases, its label; with
    `labels_only` the label alone. Returns the mark's middle."""
    rows, columns = patch.shape
    x, y = random.uniform(10, columns - 10), random.uniform(10, rows - 10)
    arm, width = random.uniform(2.5, 7), random.uniform(0.7, 1.6)
    lines = [(x + a, y + b, x + c, y + d) for a, b, c, d in strokes(arm, random)]
    labelled = labels_only or random.random() < 0.5
    turn, away = random.uniform(0, 2 * math.pi), arm + random.uniform(5, 10)
    at = (round(x + away * math.cos(turn)) - 3, round(y + away * math.sin(turn)) - 5)
    letter = str(random.choice(list("ABCD1234+"[: 8 + int(labels_only)]))) if labelled else ""
    cover = cover_of(patch.shape, [] if labels_only else lines, width, letter, at)
    corner = int(max(0, x - 24)), int(max(0, y - 24))
    around = patch[corner[1] : corner[1] + 48, corner[0] : corner[0] + 48].mean()
    level = min(255, around + random.uniform(40, 180))
    opaque = random.uniform(0.6, 1.0)
    if random.random() < 0.5:  # a dark edge
        edge = numpy.asarray(cover.filter(ImageFilter.MaxFilter(3)), numpy.float32) / 255
        patch *= 1 - opaque * edge * random.uniform(0.4, 1.0)
    share = opaque * numpy.asarray(cover, numpy.float32) / 255
    patch += share * (level - patch)
    return x, y
