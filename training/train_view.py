#!/usr/bin/python3
"""Train the view network: tumour view, node view, or neither.

    train_view.py --busbra BUS-BRA --data TRAIN --validation HELD_OUT --out DIR

TRAIN and HELD_OUT are folders written by `axnode phantom`; folds 1-3 of BUS-BRA are learned from,
fold 4 is held out. There are no real axillae among them: a node view is a synthetic one, or a
synthetic node blended into real breast tissue. So that neither synthetic grain nor the seam tells a
node, synthetic tumours and mere synthetic tissue are blended in, too, and 'neither' is drawn from
real tissue, synthetic breasts and synthetic axillae alike. Writes DIR/checkpoint.pt every 50 steps
(--resume goes on from it), DIR/view.onnx and prints what was measured.
"""

import argparse
import os

import numpy
import torch
from PIL import Image
from torch import nn
from torch.nn import functional

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
        self.answer = nn.Linear(2 * widths[-1], 3)

    def forward(self, x):
        """Logits. A lesion may be small: the greatest of each channel counts beside the mean."""
        x = self.blocks(self.stem(x))
        return self.answer(torch.cat([x.mean((2, 3)), x.amax((2, 3))], 1))


class Exported(nn.Module):
    def __init__(self, network):
        super().__init__()
        self.network = network

    def forward(self, image):
        return torch.softmax(self.network(image), 1)


def part_of(still, random, lesion=True):
    """What is to be blended into other tissue: the still's lesion with a margin and its mask; or
    tissue beside the lesion in an oval."""
    x0, y0, x1, y1 = still.box
    if lesion:
        edge = max(x1 - x0, y1 - y0) // 4
        cut = (slice(max(0, y0 - edge), y1 + edge), slice(max(0, x0 - edge), x1 + edge))
        return still.grey[cut], still.mask[cut]
    left = x0 > still.grey.shape[1] - x1
    beside = still.grey[:, :x0] if left else still.grey[:, x1:]
    if min(beside.shape) < 24:
        beside = still.grey
    rows = random.integers(16, beside.shape[0] + 1)
    columns = min(beside.shape[1], round(rows * random.uniform(1, 2.5)))
    y = random.integers(0, beside.shape[0] - rows + 1)
    x = random.integers(0, beside.shape[1] - columns + 1)
    down, across = numpy.mgrid[-1 : 1 : rows * 1j, -1 : 1 : columns * 1j]
    oval = numpy.where(down**2 + across**2 < 0.6, 255, 0).astype(numpy.uint8)
    return beside[y : y + rows, x : x + columns], oval


def tissue(still, stills, random):
    """Tissue without the lesion: a piece of the still beside it, or a wide view composed of
    several, so that seams tell nothing."""
    beside = data.background(still, still.grey.shape[0], random)
    if beside is None or beside.shape[1] < 100 or random.random() < 0.4:
        return data.compose(still, stills, random, absent=True)[0].copy()
    rows = min(beside.shape[0], round(beside.shape[1] * random.uniform(0.6, 1.2)))
    top = random.integers(0, (beside.shape[0] - rows) // 2 + 1)
    return beside[top : top + rows].copy()


def blend(part, mask, still, stills, random):
    """A part of a synthetic still in the real tissue of others."""
    grey = tissue(still, stills, random)
    wanted = min(random.uniform(0.15, 0.45) * max(grey.shape), 0.9 * min(grey.shape)) / max(part.shape)
    size = (max(8, round(part.shape[1] * wanted)), max(8, round(part.shape[0] * wanted)))
    size = (min(size[0], grey.shape[1]), min(size[1], grey.shape[0]))
    part = numpy.asarray(Image.fromarray(part).resize(size, Image.BILINEAR)).astype(float)
    soft = numpy.asarray(Image.fromarray(mask).resize(size, Image.BILINEAR)) / 255.0
    y = random.integers(0, grey.shape[0] - size[1] + 1)
    x = random.integers(0, grey.shape[1] - size[0] + 1)
    under = grey[y : y + size[1], x : x + size[0]]
    part = part * numpy.clip((under.mean() + 5) / (part.mean() + 5), 0.5, 2)
    grey[y : y + size[1], x : x + size[0]] = numpy.clip(soft * part + (1 - soft) * under, 0, 255)
    return grey


def one_of(stills, random):
    return stills[random.integers(len(stills))]


def picture(kind, real, tumours, nodes, random):
    """A picture of one kind, as drawn by one of its sources."""
    chance, host = random.random(), one_of(real, random)
    if kind == TUMOUR:
        if chance < 0.15:
            return blend(*part_of(one_of(tumours, random), random), host, real, random)
        still, pool = (one_of(tumours, random), tumours) if chance < 0.4 else (host, real)
        if random.random() < 0.3:
            return data.compose(still, pool, random)[0]
        return data.without_marks(still) if random.random() < 0.5 else still.grey
    if kind == NODE:
        still = one_of(nodes, random)
        return still.grey if chance < 0.7 else blend(*part_of(still, random), host, real, random)
    if chance < 0.2:
        still = one_of(nodes if chance < 0.1 else tumours, random)
        return blend(*part_of(still, random, lesion=False), host, real, random)
    pool = nodes if chance < 0.4 else tumours if chance < 0.55 else real
    return tissue(one_of(pool, random), pool, random)


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
    parser.add_argument("--resume", action="store_true")
    options = parser.parse_args()
    os.makedirs(options.out, exist_ok=True)
    keep_memory()
    torch.set_num_threads(options.threads)
    torch.manual_seed(options.seed)
    real = data.read_busbra(options.busbra, {}, lambda row: row["fold"] in "123")
    tumours, nodes = data.read_phantom(options.data), data.read_phantom(options.data, "node")

    network = ViewNetwork().to(memory_format=torch.channels_last)
    optimiser = torch.optim.AdamW(network.parameters(), lr=2e-3, weight_decay=1e-2)
    checkpoint, first = os.path.join(options.out, "checkpoint.pt"), 0
    if options.resume and os.path.exists(checkpoint):
        state = torch.load(checkpoint)
        network.load_state_dict(state["network"])
        optimiser.load_state_dict(state["optimiser"])
        first = state["step"]
    total = 0.0
    for step in range(first, options.steps):
        random = numpy.random.default_rng((options.seed, step))
        for group in optimiser.param_groups:
            group["lr"] = 2e-3 * min(1, (step + 1) / 50, (options.steps - step) / (0.3 * options.steps))
        kinds = random.integers(0, 3, options.batch)
        pictures = [square(picture(k, real, tumours, nodes, random), random) for k in kinds]
        grey = vary(torch.from_numpy(numpy.stack(pictures)).float().unsqueeze(1) / 255, random)
        grey = functional.interpolate(grey, (SIDE, SIDE), mode="area")
        loss = functional.cross_entropy(network(grey), torch.from_numpy(kinds))
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        total += loss.item()
        if (step + 1) % 50 == 0:
            print(step + 1, f"{total / 50:.3f}", flush=True)
            total = 0.0
            torch.save({"network": network.state_dict(), "optimiser": optimiser.state_dict(),
                        "step": step + 1}, checkpoint + ".new")
            os.replace(checkpoint + ".new", checkpoint)
    report(network, options)
    export(Exported(network), torch.zeros(1, 1, SIDE, SIDE), os.path.join(options.out, "view.onnx"))


def report(network, options):
    """Prints what the network makes of what is held out."""
    held = data.read_busbra(options.busbra, {}, lambda row: row["fold"] == "4")
    tumours = data.read_phantom(options.validation)
    nodes = data.read_phantom(options.validation, "node")
    random = numpy.random.default_rng(99)

    def blended(stills, lesion=True):
        return [blend(*part_of(stills[k % len(stills)], random, lesion), one_of(held, random), held,
                      random) for k in range(200)]

    def bare(stills):
        return [tissue(stills[k % len(stills)], stills, random) for k in range(200)]

    measure(network, "BUS-BRA fold 4, tumour", [s.grey for s in held], TUMOUR)
    measure(network, "synthetic, tumour", [s.grey for s in tumours], TUMOUR)
    measure(network, "synthetic tumours in tissue of fold 4, tumour", blended(tumours), TUMOUR)
    measure(network, "synthetic, node", [s.grey for s in nodes], NODE)
    measure(network, "synthetic nodes in tissue of fold 4, node", blended(nodes), NODE)
    measure(network, "tissue of fold 4 without lesion, neither", bare(held), OTHER)
    measure(network, "synthetic breasts without lesion, neither", bare(tumours), OTHER)
    measure(network, "synthetic axillae without node, neither", bare(nodes), OTHER)
    measure(network, "synthetic axillae's tissue in tissue of fold 4, neither", blended(nodes, False),
            OTHER)


if __name__ == "__main__":
    main()
