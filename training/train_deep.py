#!/usr/bin/python3
"""Train a network of deep features on synthetic studies and export it.

    train_deep.py --kind resnet-average|resnet-max|vgg --region tumour|node --data DIR [--data DIR]
                  --out DIR [--epochs N] [--resume]

DIR of --data: what `axnode phantom` wrote. The network learns, from the box of one region, what of the
patient's latents its pixels show: the outcome itself is drawn by chance and stands in no picture. One
thread. Stops at any moment: --resume goes on after the last finished epoch in
OUT/checkpoint.pt. Writes OUT/log.csv, OUT/REGION-KIND.onnx (weights in half precision, arithmetic in
single), and OUT/untrained.pt and OUT/trained.pt, which evaluate_deep.py compares.
"""

import argparse
import csv
import math
import os
import time

import numpy
import torch
from torch import nn
from torch.nn import functional

import deep_data
from deep_networks import export, reduced
from deep_sight import MEAN, SIDE, SIGHT, STD
from half_weights import halve_weights
from train_outline import keep_memory


def pace(part):
    """Part of the learning rate after `part` of the training: warm-up, then a cosine."""
    return min(part / 0.05, 0.5 + 0.5 * math.cos(math.pi * part))


def tensor_of(pictures):
    grey = torch.from_numpy(numpy.stack(pictures)).float().unsqueeze(1) / 255
    return (grey - MEAN) / STD


def batch_of(regions, picked, sight, random):
    pictures = [deep_data.varied_look(regions[i], SIDE, sight, random).copy() for i in picked]
    x = tensor_of(pictures)
    gain = torch.from_numpy(random.uniform(0.8, 1.25, (len(x), 1, 1, 1)).astype(numpy.float32))
    shift = torch.from_numpy(random.uniform(-0.3, 0.3, (len(x), 1, 1, 1)).astype(numpy.float32))
    return (x * gain + shift).contiguous(memory_format=torch.channels_last)


class Taught(nn.Module):
    """The network and what it is taught by."""

    def __init__(self, network, features, targets):
        super().__init__()
        self.network = network
        self.answer = nn.Sequential(nn.BatchNorm1d(features), nn.Linear(features, targets))
        nn.init.zeros_(self.answer[1].weight)

    def forward(self, x):
        return self.answer(self.network(x)[0])


def see(network, regions, sight, batch):
    """Normalisation layers learn what pictures are like; weights stay."""
    network.train()
    with torch.no_grad():
        for start in range(0, 10 * batch, batch):
            picked = [i % len(regions) for i in range(start, start + batch)]
            network(batch_of(regions, picked, sight, numpy.random.default_rng(start)))


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--kind", required=True, choices=sorted(SIGHT))
    parser.add_argument("--region", required=True, choices=["tumour", "node"])
    parser.add_argument("--data", required=True, action="append")
    parser.add_argument("--out", required=True)
    parser.add_argument("--epochs", type=int, default=12)
    parser.add_argument("--batch", type=int, default=16)
    parser.add_argument("--rate", type=float, default=2e-3)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--resume", action="store_true")
    options = parser.parse_args()

    os.makedirs(options.out, exist_ok=True)
    keep_memory()
    torch.set_num_threads(1)
    sight = SIGHT[options.kind]
    regions = [r for folder in options.data for r in deep_data.read_regions(folder, options.region)]
    shape = torch.tensor([r.shape for r in regions])
    shape = (shape - shape.mean(0)) / shape.std(0)
    print(len(regions), "pictures")

    torch.manual_seed(options.seed)
    network, features = reduced(options.kind)
    network = network.to(memory_format=torch.channels_last)
    taught = Taught(network, features, shape.shape[1])
    see(network, regions, sight, options.batch)
    torch.save(network.state_dict(), os.path.join(options.out, "untrained.pt"))

    optimiser = torch.optim.AdamW(taught.parameters(), lr=options.rate, weight_decay=2e-2)
    steps = len(regions) // options.batch
    checkpoint = os.path.join(options.out, "checkpoint.pt")
    first = 0
    if options.resume and os.path.exists(checkpoint):
        state = torch.load(checkpoint)
        taught.load_state_dict(state["taught"])
        optimiser.load_state_dict(state["optimiser"])
        first = state["epoch"]

    with open(os.path.join(options.out, "log.csv"), "a" if first else "w", newline="") as file:
        log = csv.writer(file)
        if not first:
            log.writerow(["epoch", "loss", "cpu_seconds"])
        for epoch in range(first, options.epochs):
            start, total = time.process_time(), 0.0
            random = numpy.random.default_rng((options.seed, epoch))
            torch.manual_seed(1000 * options.seed + epoch)
            order = random.permutation(len(regions))
            taught.train()
            for step in range(steps):
                for group in optimiser.param_groups:
                    group["lr"] = options.rate * pace((epoch + step / steps) / options.epochs)
                picked = order[step * options.batch : (step + 1) * options.batch]
                x = batch_of(regions, picked, sight, random)
                loss = functional.mse_loss(taught(x), shape[picked])
                optimiser.zero_grad()
                loss.backward()
                optimiser.step()
                total += loss.item()
            log.writerow([epoch + 1, f"{total / steps:.5f}", f"{time.process_time() - start:.0f}"])
            file.flush()
            torch.save({"taught": taught.state_dict(), "optimiser": optimiser.state_dict(),
                        "epoch": epoch + 1}, checkpoint + ".new")
            os.replace(checkpoint + ".new", checkpoint)
    torch.save(network.state_dict(), os.path.join(options.out, "trained.pt"))
    path = os.path.join(options.out, f"{options.region}-{options.kind}.onnx")
    export(network, torch.zeros(1, 1, SIDE, SIDE), path)
    halve_weights(path)


if __name__ == "__main__":
    main()
