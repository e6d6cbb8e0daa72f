#!/usr/bin/python3
"""Train the network that finds callipers, and export it.

    train_callipers.py --busbra BUS-BRA --marks MARKS.csv --out DIR [--folds 1,2,3] [--resume]

MARKS.csv is what callipers.py wrote: marks found by their drawn shape alone. Those that lie on a
lesion's outline are taken for true; what they look like is learned, so that fainter ones are found.
Nothing is learned where a mark may have been missed: near outlines. Half way through, what the
network itself finds on outlines is taken for true as well. What it finds elsewhere is shown to it again
as false. Writes DIR/callipers.onnx and DIR/log.csv; --resume goes on from DIR/checkpoint.pt.
"""

import argparse
import csv
import os
import time

import numpy
import torch
from PIL import Image, ImageFilter
from scipy import ndimage
from torch.nn import functional

import calliper_marks
import outline_data
import tumour_data
from calliper_network import CalliperNetwork
from train_outline import keep_memory
from train_tumour import Exported, export

PATCH = 96
ON_OUTLINE, NEAR_OUTLINE, NEAR_MARK = 13, 18, 15  # pixels of the picture
SIGMA = 2.2  # of the bell that is asked for, pixels of the picture
STEPS_A_ROUND = 100


class Still:
    """grey, and painted: the same without what is thin; distance to the outline; marks: found by
    shape; true: N x 2 of those on the outline; unknown: where nothing is learned but at those."""

    def __init__(self, folder, name, marks):
        self.grey = numpy.asarray(Image.open(f"{folder}/images/{name}.png").convert("L"))
        mask = outline_data.read_mask(f"{folder}/masks/{name}.png") > 0
        self.painted = numpy.asarray(
            Image.fromarray(self.grey).filter(ImageFilter.MedianFilter(9)))
        edge = mask ^ ndimage.binary_erosion(mask)
        self.distance = ndimage.distance_transform_edt(~edge).astype(numpy.float32)
        self.outline = numpy.argwhere(edge)[:, ::-1]
        self.false = numpy.zeros((0, 2))
        marks = numpy.asarray(marks, float).reshape(-1, 2)
        on_outline = self.distance_at(marks) < ON_OUTLINE
        self.true = marks[on_outline]
        self.unknown = self.distance < NEAR_OUTLINE
        rows, columns = numpy.ogrid[: self.grey.shape[0], : self.grey.shape[1]]
        for x, y in marks[~on_outline]:  # legends show true marks beside their readings
            self.unknown |= (columns - x) ** 2 + (rows - y) ** 2 < NEAR_MARK**2

    def distance_at(self, points):
        rows, columns = self.grey.shape
        x = numpy.clip(points[:, 0].astype(int), 0, columns - 1)
        y = numpy.clip(points[:, 1].astype(int), 0, rows - 1)
        return self.distance[y, x]

    def learn_from(self, found):
        """found: N x 3 (x, y, probability). Marks on the outline become true, others false."""
        points, probability = found[:, :2], found[:, 2]
        distance = self.distance_at(points)
        for point in points[(distance < 0.6 * ON_OUTLINE) & (probability > 0.6)]:
            if not len(self.true) or numpy.hypot(*(self.true - point).T).min() > 8:
                self.true = numpy.vstack([self.true, point])
        rows, columns = self.grey.shape
        known = [not self.unknown[min(int(y), rows - 1), min(int(x), columns - 1)]
                 for x, y in points]
        self.false = points[numpy.array(known, bool)]


def place(still, random):
    """Where a patch lies: at a true mark, at a false one, at the outline, or anywhere."""
    chance = random.random()
    if chance < 0.4 and len(still.true):
        return still.true[random.integers(len(still.true))] + random.uniform(-36, 36, 2)
    if chance < 0.65 and len(still.false):
        return still.false[random.integers(len(still.false))] + random.uniform(-36, 36, 2)
    if chance < 0.75:
        return still.outline[random.integers(len(still.outline))] + random.uniform(-20, 20, 2)
    return random.uniform(0, 1, 2) * still.grey.shape[::-1]


def patch_of(still, random):
    """grey (0 … 1), bells asked for, weight of each cell."""
    centre, scale = place(still, random), random.uniform(0.65, 1.3)
    x0, y0 = centre - PATCH * scale / 2
    fade = random.uniform(0.35, 1) if random.random() < 0.5 else 1
    grey = still.grey if fade == 1 else \
        (still.grey * fade + still.painted * (1 - fade)).astype(numpy.uint8)
    patch = numpy.array(Image.fromarray(grey).transform(
        (PATCH, PATCH), Image.AFFINE, (scale, 0, x0, 0, scale, y0), Image.BILINEAR), numpy.float32)
    cells = (PATCH // 2, PATCH // 2)
    unknown = numpy.asarray(Image.fromarray(still.unknown).transform(
        cells, Image.AFFINE, (2 * scale, 0, x0, 0, 2 * scale, y0), Image.NEAREST))
    points = [((x - x0) / scale, (y - y0) / scale) for x, y in still.true]
    if random.random() < 0.5:
        points += [calliper_marks.draw(patch, random) for _ in range(random.integers(1, 4))]
    if random.random() < 0.2:
        calliper_marks.draw(patch, random, labels_only=True)
    bells, weight = numpy.zeros(cells, numpy.float32), (~unknown).astype(numpy.float32)
    at = numpy.arange(PATCH // 2) * 2 + 0.5
    for x, y in points:
        bell = numpy.outer(numpy.exp(-((at - y) ** 2) / (2 * SIGMA**2)),
                           numpy.exp(-((at - x) ** 2) / (2 * SIGMA**2)))
        bells = numpy.maximum(bells, bell.astype(numpy.float32))
        weight[bell > 0.02] = 1
    patch = 255 * (numpy.clip(patch, 0, 255) / 255) ** random.uniform(0.7, 1.4)
    patch = patch * random.uniform(0.6, 1.3) + random.normal(0, random.uniform(0, 4), patch.shape)
    parts = numpy.clip(patch, 0, 255).astype(numpy.float32) / 255, bells, weight
    return [part[:, ::-1] for part in parts] if random.random() < 0.5 else parts


def loss_of(logits, bells, weight):
    """Binary cross-entropy that counts most where the answer is wrong, and at marks."""
    entropy = functional.binary_cross_entropy_with_logits(logits, bells, reduction="none")
    wrong = (bells - torch.sigmoid(logits)).abs() ** 1.5
    return (entropy * wrong * (1 + 20 * bells) * weight).sum() / weight.sum() * 50


def find(network, grey, threshold):
    """N x 3 (x, y, probability), as model/callipers.c finds them."""
    rows, columns = grey.shape
    even = numpy.zeros((rows + rows % 2, columns + columns % 2), numpy.float32)
    even[:rows, :columns] = grey / 255
    with torch.no_grad():
        p = torch.sigmoid(network(torch.from_numpy(even)[None, None]))[0, 0].numpy()
    peaks = numpy.argwhere((ndimage.maximum_filter(p, 9) == p) & (p > threshold))
    found = []
    for row, column in peaks:
        y0, x0 = max(0, row - 1), max(0, column - 1)
        part = p[y0 : row + 2, x0 : column + 2]
        y, x = numpy.mgrid[y0 : y0 + part.shape[0], x0 : x0 + part.shape[1]]
        found.append((2 * (x * part).sum() / part.sum() + 0.5,
                      2 * (y * part).sum() / part.sum() + 0.5, p[row, column]))
    return numpy.array(found).reshape(-1, 3)


def evaluate(network, stills):
    """For thresholds: marks found, share on the outline, share of stills with two or more there."""
    network.eval()
    found = [find(network, still.grey, 0.3) for still in stills]
    rows = []
    for threshold in (0.4, 0.5, 0.6, 0.7):
        on = [still.distance_at(f[f[:, 2] > threshold]) < ON_OUTLINE
              for still, f in zip(stills, found)]
        marks = sum(len(o) for o in on)
        rows.append((threshold, marks, sum(o.sum() for o in on) / max(1, marks),
                     numpy.mean([o.sum() >= 2 for o in on])))
    network.train()
    return rows


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--busbra", required=True)
    parser.add_argument("--marks", required=True, help="what callipers.py wrote")
    parser.add_argument("--folds", default="1,2,3", help="to learn from (default: 1,2,3)")
    parser.add_argument("--without-device", help="leave out stills of devices so named: NAME[,NAME]")
    parser.add_argument("--out", required=True)
    parser.add_argument("--rounds", type=int, default=24, help=f"of {STEPS_A_ROUND} steps")
    parser.add_argument("--batch", type=int, default=24)
    parser.add_argument("--rate", type=float, default=4e-3)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--resume", action="store_true")
    options = parser.parse_args()

    os.makedirs(options.out, exist_ok=True)
    keep_memory()
    torch.set_num_threads(options.threads)
    torch.manual_seed(options.seed)
    marks = tumour_data.read_marks(options.marks)
    folds = options.folds.split(",")
    with open(os.path.join(options.busbra, "index.csv")) as file:
        rows = list(csv.DictReader(file))
    names = options.without_device.split(",") if options.without_device else []

    def is_held(row):
        if names:
            return any(name in row["device"] for name in names)
        return row["fold"] not in folds

    stills, held = ([Still(options.busbra, row["id"], marks.get(row["id"], [])) for row in rows
                     if is_held(row) == held] for held in (False, True))
    print(len(stills), "stills,", sum(len(s.true) for s in stills), "marks on outlines")
    network = CalliperNetwork().to(memory_format=torch.channels_last)
    optimiser = torch.optim.AdamW(network.parameters(), lr=options.rate, weight_decay=1e-3)
    checkpoint, first = os.path.join(options.out, "checkpoint.pt"), 0
    if options.resume and os.path.exists(checkpoint):
        state = torch.load(checkpoint)
        network.load_state_dict(state["network"])
        optimiser.load_state_dict(state["optimiser"])
        first = state["round"]
        for still, (true, false) in zip(stills, state["marks"]):
            still.true, still.false = true, false
    with open(os.path.join(options.out, "log.csv"), "a" if first else "w", newline="") as file:
        log = csv.writer(file)
        for turn in range(first, options.rounds):
            random, start, total = numpy.random.default_rng((options.seed, turn)), time.time(), 0.0
            network.train()
            for step in range(STEPS_A_ROUND):
                part = (turn + step / STEPS_A_ROUND) / options.rounds
                for group in optimiser.param_groups:
                    group["lr"] = options.rate * min(1, 20 * part) * (1 + numpy.cos(numpy.pi * part)) / 2
                picked = random.integers(0, len(stills), options.batch)
                parts = zip(*[patch_of(stills[i], random) for i in picked])
                x, bells, weight = (torch.from_numpy(numpy.stack(p)).unsqueeze(1) for p in parts)
                with torch.autocast("cpu", torch.bfloat16):
                    logits = network(x.contiguous(memory_format=torch.channels_last))
                loss = loss_of(logits.float(), bells, weight)
                optimiser.zero_grad()
                loss.backward()
                optimiser.step()
                total += loss.item()
            if turn >= 3 and turn % 2:  # what it finds now, in a part of the stills
                network.eval()
                for i in random.integers(0, len(stills), 120):
                    found = find(network, stills[i].grey, 0.25)
                    if turn < options.rounds // 2:
                        found[:, 2] = 0  # false ones only
                    stills[i].learn_from(found)
            log.writerow([turn + 1, f"{total / STEPS_A_ROUND:.4f}", f"{time.time() - start:.0f}",
                          sum(len(s.true) for s in stills), sum(len(s.false) for s in stills)])
            file.flush()
            torch.save({"network": network.state_dict(), "optimiser": optimiser.state_dict(),
                        "round": turn + 1, "marks": [(s.true, s.false) for s in stills]},
                       checkpoint + ".new")
            os.replace(checkpoint + ".new", checkpoint)
    for threshold, count, share, two in evaluate(network, held) if held else []:
        print(f"held out, {threshold}: {count} marks, {share:.3f} on the outline, "
              f"{two:.3f} of {len(held)} stills with two or more there")
    export(Exported(network), torch.zeros(1, 1, PATCH, PATCH),
           os.path.join(options.out, "callipers.onnx"),
           {"image": {2: "rows", 3: "columns"}, "probability": {2: "half_rows", 3: "half_columns"}})


if __name__ == "__main__":
    main()
