#!/usr/bin/python3
"""Train the tumour's outline network and export it.

    train_tumour.py --busbra BUS-BRA --marks MARKS.csv --out DIR [--folds 1,2,3] [--resume]

BUS-BRA: folder with index.csv, images/ and masks/. MARKS.csv: what callipers.py wrote.
Stops at any moment: --resume goes on from the last finished epoch in DIR/checkpoint.pt. The rate
of learning stays until the last fifth of --epochs, so that a run may be lengthened. Writes
DIR/log.csv and DIR/tumour.onnx (the running mean of the weights).
"""

import argparse
import copy
import csv
import math
import os
import time

import numpy
import torch
from torch.nn import functional

import tumour_data as data
from half_weights import halve_weights
from train_outline import keep_memory
from tumour_network import TumourNetwork

MEAN_OF = 0.998  # running mean of the weights: each step's share is 1 - this


def vary(grey, random):
    """Other machines and settings: gamma, gain over depth, shadows, grain, blur, masked borders.
    N x 1 x SIDE x SIDE of 0 … 1."""
    n = grey.shape[0]

    def uniform(low, high):
        values = random.uniform(low, high, n).astype(numpy.float32)
        return torch.from_numpy(values).view(n, 1, 1, 1)

    depth = torch.linspace(-1, 1, data.SIDE).view(1, 1, -1, 1)
    across = torch.linspace(-1, 1, data.SIDE).view(1, 1, 1, -1)
    grey = grey ** uniform(0.6, 1.6)
    grey = grey * uniform(0.7, 1.35) * (1 + uniform(-0.35, 0.35) * depth)
    if random.random() < 0.3:
        shadow = torch.exp(-(((across - uniform(-1, 1)) / uniform(0.05, 0.2)) ** 2))
        start = torch.sigmoid((depth - uniform(-0.6, 0.6)) * 10)
        grey = grey * (1 - uniform(0, 0.7) * shadow * start)
    if random.random() < 0.3:
        grey = torch.lerp(grey, functional.avg_pool2d(grey, 3, 1, 1), uniform(0, 1))
    grain = torch.from_numpy(random.standard_normal(grey.shape).astype(numpy.float32))
    grey = grey * (1 + grain * uniform(0, 0.15)) + uniform(-0.08, 0.08) * (grey > 0)
    return grey.clamp(0, 1)


def batch_of(stills, picked, random):
    views = [data.view(stills[i], stills, random) for i in picked]
    grey, mask, marks = (numpy.stack(part) for part in zip(*views))
    grey = vary(torch.from_numpy(grey).float().unsqueeze(1) / 255, random)
    x = torch.cat([grey, torch.from_numpy(marks).unsqueeze(1)], 1)
    return (x.contiguous(memory_format=torch.channels_last),
            torch.from_numpy(mask).float().unsqueeze(1) / 255)


def loss_of(logits, masks):
    """Binary cross-entropy + soft Dice of each picture."""
    entropy = functional.binary_cross_entropy_with_logits(logits, masks)
    p = torch.sigmoid(logits)
    overlap, size = (p * masks).sum((1, 2, 3)), (p + masks).sum((1, 2, 3))
    return entropy + (1 - (2 * overlap + 20) / (size + 20)).mean()


def pace(part):
    """Part of the learning rate after `part` of the training: warm-up, plateau, cosine at the end."""
    if part < 0.01:
        return part / 0.01
    return 1.0 if part < 0.8 else 0.5 + 0.5 * math.cos(math.pi * (part - 0.8) / 0.2)


def probabilities(network, grey, marks):
    """Mean of the plain and the mirrored pass: N x SIDE x SIDE."""
    x = numpy.stack([numpy.stack(grey) / 255.0, numpy.stack(marks)], 1).astype(numpy.float32)
    x = torch.from_numpy(x).contiguous(memory_format=torch.channels_last)
    with torch.no_grad():
        both = torch.sigmoid(network(x)) + torch.sigmoid(network(x.flip(3))).flip(3)
    return both[:, 0].numpy() / 2


def dice(found, truth):
    return 2 * (found & truth).sum() / max(1, found.sum() + truth.sum())


def evaluate(network, squares):
    """(mean Dice, share below 0.5) of squares (grey, mask, marks), at the network's size."""
    network.eval()
    scores = []
    for start in range(0, len(squares), 16):
        grey, mask, marks = zip(*squares[start : start + 16])
        for p, truth in zip(probabilities(network, grey, marks), mask):
            scores.append(dice(p > 0.5, truth > 127))
    return float(numpy.mean(scores)), float(numpy.mean(numpy.array(scores) < 0.5))


class Exported(torch.nn.Module):
    def __init__(self, network):
        super().__init__()
        self.network = network

    def forward(self, image):
        return torch.sigmoid(self.network(image))


def export(network, example, path):
    """ONNX, opset 12; weights are kept in half precision, all arithmetic is single."""
    network = copy.deepcopy(network).to(memory_format=torch.contiguous_format).eval()
    torch.onnx.export(network, example, path, opset_version=12,
                      input_names=["image"], output_names=["probability"])
    halve_weights(path)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--busbra", required=True)
    parser.add_argument("--marks", required=True, help="calliper marks of the stills")
    parser.add_argument("--folds", default="1,2,3", help="to learn from (default: 1,2,3)")
    parser.add_argument("--without-device", help="leave out stills of devices so named: NAME[,NAME]")
    parser.add_argument("--phantom", help="synthetic studies to learn from too")
    parser.add_argument("--out", required=True)
    parser.add_argument("--epochs", type=int, default=150)
    parser.add_argument("--batch", type=int, default=16)
    parser.add_argument("--rate", type=float, default=2e-3)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--resume", action="store_true")
    options = parser.parse_args()

    os.makedirs(options.out, exist_ok=True)
    keep_memory()
    torch.set_num_threads(options.threads)
    torch.manual_seed(options.seed)
    folds = options.folds.split(",")
    names = options.without_device.split(",") if options.without_device else []

    def is_left_out(row):
        return any(name in row["device"] for name in names)

    marks = data.read_marks(options.marks)
    stills = data.read_busbra(options.busbra, marks, lambda row: row["fold"] in folds
                              and not is_left_out(row))
    held = data.read_busbra(options.busbra, marks, lambda row: is_left_out(row)
                            if names else row["fold"] not in folds)
    print(len(stills), "stills to learn from,", len(held), "held out")
    learning = stills + (data.read_phantom(options.phantom) if options.phantom else [])
    squares = [data.whole(s) for s in held]
    unmarked = [data.whole(s, False) for s in held]

    network = TumourNetwork().to(memory_format=torch.channels_last)
    optimiser = torch.optim.AdamW(network.parameters(), lr=options.rate, weight_decay=1e-2)
    mean = copy.deepcopy(network)
    steps = len(learning) // options.batch
    checkpoint = os.path.join(options.out, "checkpoint.pt")
    first = 0
    if options.resume and os.path.exists(checkpoint):
        state = torch.load(checkpoint)
        network.load_state_dict(state["network"])
        mean.load_state_dict(state["mean"])
        optimiser.load_state_dict(state["optimiser"])
        first = state["epoch"]

    with open(os.path.join(options.out, "log.csv"), "a" if first else "w", newline="") as file:
        log = csv.writer(file)
        if not first:
            log.writerow(["epoch", "loss", "seconds", "dice", "failures", "dice_without_marks",
                          "failures_without_marks"])
        for epoch in range(first, options.epochs):
            start, total = time.time(), 0.0
            random = numpy.random.default_rng((options.seed, epoch))
            order = random.permutation(len(learning))
            network.train()
            for step in range(steps):
                part = (epoch + step / steps) / options.epochs
                for group in optimiser.param_groups:
                    group["lr"] = options.rate * pace(part)
                picked = order[step * options.batch : (step + 1) * options.batch]
                x, y = batch_of(learning, picked, random)
                with torch.autocast("cpu", torch.bfloat16):
                    logits = network(x)
                loss = loss_of(logits.float(), y)
                optimiser.zero_grad()
                loss.backward()
                optimiser.step()
                total += loss.item()
                share = 1 - min(MEAN_OF, (1 + epoch * steps + step) / (10 + epoch * steps + step))
                with torch.no_grad():
                    for m, n in zip(mean.state_dict().values(), network.state_dict().values()):
                        if m.dtype.is_floating_point:
                            m.lerp_(n, share)
            figures = []
            if held and (epoch % 5 == 4 or epoch + 1 == options.epochs):
                figures = [f"{v:.4f}" for s in (squares, unmarked) for v in evaluate(mean, s)]
            log.writerow([epoch + 1, f"{total / steps:.4f}", f"{time.time() - start:.0f}"] + figures)
            file.flush()
            torch.save({"network": network.state_dict(), "mean": mean.state_dict(),
                        "optimiser": optimiser.state_dict(), "epoch": epoch + 1},
                       checkpoint + ".new")
            os.replace(checkpoint + ".new", checkpoint)
    export(Exported(mean), torch.zeros(1, 2, data.SIDE, data.SIDE),
           os.path.join(options.out, "tumour.onnx"))


if __name__ == "__main__":
    main()
