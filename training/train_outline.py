#!/usr/bin/python3
"""Train the node's outline network on synthetic studies and export it.

    train_outline.py --data TRAIN --validation HELD_OUT --out DIR [--resume]

TRAIN and HELD_OUT are folders written by `axnode phantom`. Writes DIR/checkpoint.pt after each
epoch (--resume goes on from it), DIR/log.csv and DIR/node.onnx. See README.md for the commands
that made the shipped networks.
"""

import argparse
import csv
import ctypes
import hashlib
import math
import os
import time

import numpy
import torch
from torch.nn import functional

import outline_data
from outline_network import Exported, OutlineNetwork

CHANNELS = ("node", "hilum")


def cached(path, make):
    """Arrays of `make()`, kept in an .npz file."""
    if not os.path.exists(path):
        images, masks = make()
        numpy.savez(path, images=images, masks=masks)
    with numpy.load(path) as arrays:
        return arrays["images"], arrays["masks"]


def keep_memory():
    """Tell the allocator to keep large blocks: a third of the time goes to the kernel otherwise."""
    library = ctypes.CDLL(None)
    library.mallopt(-3, 1 << 30)  # M_MMAP_THRESHOLD
    library.mallopt(-1, (1 << 31) - 1)  # M_TRIM_THRESHOLD


def augment(image, masks, generator, scales=(0.75, 1.7), stretches=(0.9, 1.1)):
    """Shift, turn, stretch and mirror; gamma, gain and noise. Values of 0 … 1."""
    n = image.shape[0]

    def uniform(low, high):
        return torch.empty(n).uniform_(low, high, generator=generator)

    angle, scale, stretch = uniform(-0.2, 0.2), uniform(*scales), uniform(*stretches)
    mirror = torch.sign(uniform(-1, 1))
    theta = torch.zeros(n, 2, 3)
    theta[:, 0, 0] = torch.cos(angle) / scale * mirror
    theta[:, 0, 1] = -torch.sin(angle) / scale * mirror
    theta[:, 1, 0] = torch.sin(angle) / (scale * stretch)
    theta[:, 1, 1] = torch.cos(angle) / (scale * stretch)
    theta[:, 0, 2], theta[:, 1, 2] = uniform(-0.2, 0.2), uniform(-0.2, 0.2)
    grid = functional.affine_grid(theta, image.shape, align_corners=False)
    both = functional.grid_sample(torch.cat([image, masks], 1), grid, align_corners=False)
    image, masks = both[:, :1], both[:, 1:]
    shape = (n, 1, 1, 1)
    image = image.clamp(0, 1) ** uniform(0.7, 1.4).view(shape)
    image = image * uniform(0.75, 1.25).view(shape) + uniform(-0.06, 0.06).view(shape)
    noise = torch.randn(image.shape, generator=generator) * uniform(0, 0.04).view(shape)
    return (image + noise).clamp(0, 1), masks


def loss_of(logits, masks):
    """Binary cross-entropy + soft Dice for each channel over the batch."""
    entropy = functional.binary_cross_entropy_with_logits(logits, masks)
    p = torch.sigmoid(logits)
    overlap = (p * masks).sum((0, 2, 3))
    size = (p + masks).sum((0, 2, 3))
    return entropy + (1 - (2 * overlap + 1) / (size + 1)).mean()


def drawn(masks, count, generator):
    """Numbers of `count` pictures for one epoch. Nodes that are nearly all hilum, whose cortex is a
    line, are drawn three times as often: nothing else is overlooked."""
    thin = [m[1].sum(dtype=float) > 0.6 * m[0].sum(dtype=float) for m in masks]
    weights = 1.0 + 2.0 * torch.tensor(thin)
    return torch.multinomial(weights, count, generator=generator).numpy()


def pace(epoch, epochs):
    """Part of the learning rate at a moment (in epochs): warm-up, plateau, linear decay over the
    last two. Knows nothing of the past, so that --resume may lengthen the plateau."""
    return min(1.0, (epoch + 0.02) / 0.5, (epochs - epoch) / 2 + 0.01)


def dice_of(network, images, masks):
    """Mean Dice at threshold 0.5 of each channel over the pictures where truth has it."""
    network.eval()
    sums, counts = numpy.zeros(masks.shape[1]), numpy.zeros(masks.shape[1])
    with torch.no_grad():
        for start in range(0, len(images), 16):
            x = torch.from_numpy(images[start : start + 16]).float().unsqueeze(1) / 255
            found = (network(x) > 0).numpy()
            truth = masks[start : start + 16] >= 128
            overlap = (found & truth).sum((2, 3))
            size = found.sum((2, 3)) + truth.sum((2, 3))
            present = truth.any((2, 3))
            sums += numpy.where(present, 2 * overlap / numpy.maximum(size, 1), 0).sum(0)
            counts += present.sum(0)
    network.train()
    return sums / numpy.maximum(counts, 1)


def export(network, path):
    """ONNX, opset 12, with normalisation folded into the convolutions."""
    network = network.to(memory_format=torch.contiguous_format).eval()
    torch.onnx.export(
        Exported(network),
        torch.zeros(1, 1, outline_data.SIDE, outline_data.SIDE),
        path,
        opset_version=12,
        input_names=["image"],
        output_names=["probability"],
    )
    import onnx

    onnx.checker.check_model(onnx.load(path))
    with open(path, "rb") as file:
        print(path, os.path.getsize(path), "bytes, sha256", hashlib.sha256(file.read()).hexdigest())


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", required=True, help="synthetic studies to learn from")
    parser.add_argument("--validation", required=True, help="synthetic studies held out")
    parser.add_argument("--out", required=True)
    parser.add_argument("--epochs", type=int, default=4)
    parser.add_argument("--pictures", type=int, help="drawn for an epoch (default: each once)")
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
    sets = {
        "train": lambda: outline_data.load(options.data),
        "held_out": lambda: outline_data.load(options.validation),
    }
    arrays = {
        name: cached(os.path.join(options.out, name + ".npz"), make) for name, make in sets.items()
    }
    images = numpy.concatenate([arrays[n][0] for n in sets if n.endswith("train")])
    masks = numpy.concatenate([arrays[n][1] for n in sets if n.endswith("train")])
    held_out = {n: arrays[n] for n in sets if n.endswith("held_out")}

    network = OutlineNetwork(len(CHANNELS))
    network = network.to(memory_format=torch.channels_last)
    optimiser = torch.optim.AdamW(network.parameters(), lr=options.rate, weight_decay=1e-2)
    steps = math.ceil((options.pictures or len(images)) / options.batch)
    checkpoint = os.path.join(options.out, "checkpoint.pt")
    first = 0
    if options.resume and os.path.exists(checkpoint):
        state = torch.load(checkpoint)
        network.load_state_dict(state["network"])
        optimiser.load_state_dict(state["optimiser"])
        first = state["epoch"]

    log_path = os.path.join(options.out, "log.csv")
    with open(log_path, "a" if first else "w", newline="") as log_file:
        log = csv.writer(log_file)
        if not first:
            names = [f"dice_{c}_{s}" for s in held_out for c in CHANNELS]
            log.writerow(["epoch", "loss", "seconds"] + names)
        for epoch in range(first, options.epochs):
            start, total = time.time(), 0.0
            generator = torch.Generator().manual_seed(1000 * options.seed + epoch)
            if options.pictures:
                order = drawn(masks, options.pictures, generator)
            else:
                order = torch.randperm(len(images), generator=generator).numpy()
            for step in range(steps):
                for group in optimiser.param_groups:
                    group["lr"] = options.rate * pace(epoch + step / steps, options.epochs)
                picked = order[step * options.batch : (step + 1) * options.batch]
                x = torch.from_numpy(images[picked]).float().unsqueeze(1) / 255
                y = torch.from_numpy(masks[picked]).float() / 255
                x, y = augment(x, y, generator)
                x = x.contiguous(memory_format=torch.channels_last)
                loss = loss_of(network(x), y)
                optimiser.zero_grad()
                loss.backward()
                optimiser.step()
                total += loss.item()
            dice = [f"{d:.4f}" for s in held_out.values() for d in dice_of(network, *s)]
            log.writerow([epoch + 1, f"{total / steps:.4f}", f"{time.time() - start:.0f}"] + dice)
            log_file.flush()
            torch.save(
                {
                    "network": network.state_dict(),
                    "optimiser": optimiser.state_dict(),
                    "epoch": epoch + 1,
                },
                checkpoint + ".new",
            )
            os.replace(checkpoint + ".new", checkpoint)
    export(network, os.path.join(options.out, "node.onnx"))


if __name__ == "__main__":
    main()
