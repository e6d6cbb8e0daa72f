#!/usr/bin/python3
"""Train the view network: tumour view, node view, or neither.

    train_view.py --busbra BUS-BRA --data TRAIN --validation HELD_OUT --out DIR

TRAIN and HELD_OUT are folders written by `axnode phantom`; folds 1-3 of BUS-BRA are learned from,
fold 4 is held out. There are no real axillae among them: a node view is a synthetic one, or a
synthetic node blended into real breast tissue. Writes DIR/view.onnx and prints what was measured.
"""

import argparse
import os

import numpy
import torch
from PIL import Image
from torch import nn
from torch.nn import functional

import outline_data
import tumour_data as data
from outline_network import Block
from train_outline import keep_memory
from train_tumour import export, vary

SIDE = 128
TUMOUR, NODE, OTHER = range(3)


class ViewNetwork(nn.Module):
    def __init__(self, widths=(16, 24, 48, 64)):
        super().__init__()
        self.stem = nn.Sequential(nn.Conv2d(1, widths[0], 5, 2, 2, bias=False),
                                  nn.BatchNorm2d(widths[0]), nn.ReLU())
        self.blocks = nn.Sequential(*[Block(a, b, 2) for a, b in zip(widths, widths[1:] + widths[-1:])])
        self.answer = nn.Linear(widths[-1], 3)

    def forward(self, x):
        return self.answer(self.blocks(self.stem(x)).mean((2, 3)))


class Exported(nn.Module):
    def __init__(self, network):
        super().__init__()
        self.network = network

    def forward(self, image):
        return torch.softmax(self.network(image), 1)


def blend(node, still, stills, random):
    """The node of a synthetic still in the tissue of others. Returns grey and the node's box."""
    grey, *_ = data.compose(still, stills, random, absent=True)
    x0, y0, x1, y1 = node.box
    size = max(x1 - x0, y1 - y0)
    cut = (slice(max(0, y0 - size // 4), y1 + size // 4), slice(max(0, x0 - size // 4), x1 + size // 4))
    part, mask = node.grey[cut], node.mask[cut]
    wanted = random.uniform(0.15, 0.5) * min(grey.shape) / max(part.shape)
    size = (max(8, round(part.shape[1] * wanted)), max(8, round(part.shape[0] * wanted)))
    size = (min(size[0], grey.shape[1]), min(size[1], grey.shape[0]))
    part = numpy.asarray(Image.fromarray(part).resize(size, Image.BILINEAR)).astype(float)
    soft = numpy.asarray(Image.fromarray(mask).resize(size, Image.BILINEAR)) / 255.0
    y = random.integers(0, grey.shape[0] - size[1] + 1)
    x = random.integers(0, grey.shape[1] - size[0] + 1)
    under = grey[y : y + size[1], x : x + size[0]]
    part = part * numpy.clip((under.mean() + 5) / (part.mean() + 5), 0.5, 2)
    grey = grey.copy()
    grey[y : y + size[1], x : x + size[0]] = numpy.clip(soft * part + (1 - soft) * under, 0, 255)
    return grey


def picture(kind, real, synthetic, nodes, random):
    """A picture of one kind, as drawn by one of its sources."""
    if kind == TUMOUR:
        pool = real if random.random() < 0.6 else synthetic
        still = pool[random.integers(len(pool))]
        if random.random() < 0.3:
            return data.compose(still, pool, random)[0]
        return data.without_marks(still) if random.random() < 0.5 else still.grey
    still = nodes[random.integers(len(nodes))]
    host = real[random.integers(len(real))]
    if kind == NODE:
        return still.grey if random.random() < 0.5 else blend(still, host, real, random)
    pool = real if random.random() < 0.6 else synthetic
    return data.compose(pool[random.integers(len(pool))], pool, random, absent=True)[0]


def square(grey, random=None):
    rows, columns = grey.shape
    side, centre = max(rows, columns), numpy.array([columns, rows]) / 2
    if random is None:
        return data.square(grey, grey, [], centre, side)[0]
    side *= random.uniform(0.8, 1.1)
    centre = centre + random.uniform(-0.06, 0.06, 2) * side
    return data.square(grey, grey, [], centre, side, random.uniform(-0.1, 0.1),
                       random.uniform(0.9, 1.1), random.random() < 0.5)[0]


def small(squares):
    x = torch.from_numpy(numpy.stack(squares)).float().unsqueeze(1) / 255
    return functional.interpolate(x, (SIDE, SIDE), mode="area")


def read_nodes(folder):
    """Axillary stills of `axnode phantom`, as stills whose mask is the node's."""
    return data.read_phantom(folder, "node")


def measure(network, name, pictures, kind):
    network.eval()
    with torch.no_grad():
        p = torch.softmax(network(small([square(g) for g in pictures])), 1).numpy()
    sure = p.max(1) >= 0.9
    right = p.argmax(1) == kind
    print(f"{name}: {len(p)} pictures, right {right.mean():.3f}; sure (0.9) {sure.mean():.3f}, "
          f"sure and wrong {(sure & ~right).sum()}")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--busbra", required=True)
    parser.add_argument("--data", required=True)
    parser.add_argument("--validation", required=True)
    parser.add_argument("--out", required=True)
    parser.add_argument("--steps", type=int, default=1500)
    parser.add_argument("--batch", type=int, default=32)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--threads", type=int, default=2)
    options = parser.parse_args()
    os.makedirs(options.out, exist_ok=True)
    keep_memory()
    torch.set_num_threads(options.threads)
    torch.manual_seed(options.seed)
    random = numpy.random.default_rng(options.seed)
    real = data.read_busbra(options.busbra, {}, lambda row: row["fold"] in "123")
    synthetic, nodes = data.read_phantom(options.data), read_nodes(options.data)

    network = ViewNetwork().to(memory_format=torch.channels_last)
    optimiser = torch.optim.AdamW(network.parameters(), lr=2e-3, weight_decay=1e-2)
    for step in range(options.steps):
        for group in optimiser.param_groups:
            group["lr"] = 2e-3 * min(1, (step + 1) / 50, (options.steps - step) / (0.3 * options.steps))
        kinds = random.integers(0, 3, options.batch)
        pictures = [square(picture(k, real, synthetic, nodes, random), random) for k in kinds]
        grey = vary(torch.from_numpy(numpy.stack(pictures)).float().unsqueeze(1) / 255, random)
        grey = functional.interpolate(grey, (SIDE, SIDE), mode="area")
        loss = functional.cross_entropy(network(grey), torch.from_numpy(kinds))
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        if step % 100 == 99:
            print(step + 1, f"{loss.item():.3f}", flush=True)

    held = data.read_busbra(options.busbra, {}, lambda row: row["fold"] == "4")
    held_nodes = read_nodes(options.validation)
    random = numpy.random.default_rng(99)
    measure(network, "BUS-BRA fold 4, tumour", [s.grey for s in held], TUMOUR)
    measure(network, "synthetic, tumour", [s.grey for s in data.read_phantom(options.validation)], TUMOUR)
    measure(network, "synthetic, node", [s.grey for s in held_nodes], NODE)
    blended = [blend(held_nodes[k % len(held_nodes)], held[k % len(held)], held, random)
               for k in range(200)]
    measure(network, "synthetic nodes in tissue of fold 4, node", blended, NODE)
    bare = [data.compose(held[k % len(held)], held, random, absent=True)[0] for k in range(200)]
    measure(network, "tissue of fold 4 without lesion, neither", bare, OTHER)
    export(Exported(network), torch.zeros(1, 1, SIDE, SIDE), os.path.join(options.out, "view.onnx"))


if __name__ == "__main__":
    main()
