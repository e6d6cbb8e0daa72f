"""Training that may be stopped at any moment and goes on after its last finished epoch."""

import csv
import os
import time

import numpy
import torch


class Run:
    """`parts`: what has a state_dict, by name. OUT/checkpoint.pt holds them, OUT/log.csv a line for each
    epoch: number, processor seconds, and `columns`."""

    def __init__(self, out, resume, columns, **parts):
        os.makedirs(out, exist_ok=True)
        self.checkpoint = os.path.join(out, "checkpoint.pt")
        self.parts, self.first = parts, 0
        if resume and os.path.exists(self.checkpoint):
            state = torch.load(self.checkpoint)
            for name, part in parts.items():
                part.load_state_dict(state[name])
            self.first = state["epoch"]
        self.file = open(os.path.join(out, "log.csv"), "a" if self.first else "w", newline="")
        self.log = csv.writer(self.file)
        if not self.first:
            self.log.writerow(["epoch", "cpu_seconds", *columns])

    def epochs(self, count, seed):
        """Numbers of the epochs left, each with its own random numbers: what was done before the last
        stop changes nothing."""
        for epoch in range(self.first, count):
            self.start = time.process_time()
            torch.manual_seed(1000 * seed + epoch)
            yield epoch, numpy.random.default_rng((seed, epoch))

    def finish(self, epoch, *figures):
        self.log.writerow([epoch + 1, f"{time.process_time() - self.start:.0f}",
                           *(f"{figure:.4f}" for figure in figures)])
        self.file.flush()
        state = {name: part.state_dict() for name, part in self.parts.items()}
        torch.save({**state, "epoch": epoch + 1}, self.checkpoint + ".new")
        os.replace(self.checkpoint + ".new", self.checkpoint)


def step(optimiser, loss, rate):
    for group in optimiser.param_groups:
        group["lr"] = rate
    optimiser.zero_grad()
    loss.backward()
    optimiser.step()
    return loss.item()
