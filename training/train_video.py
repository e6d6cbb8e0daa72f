#!/usr/bin/python3
"""Train a network of loops on synthetic loops and export it.

    train_video.py --kind tin|r2plus1d|resnet3d --data DIR [--data DIR] --held DIR --out DIR
                   [--middle] [--epochs N] [--resume]

DIR: what `axnode phantom --loops only` wrote. As the other deep networks it learns what of the patient
its pixels show: the tumour's firmness, irregularity and size. --middle: the same network on the middle
frame over and over, to compare with. One thread. Stops at any moment: --resume goes on after the last
finished epoch in OUT/checkpoint.pt. Writes OUT/log.csv, OUT/tumour-KIND.onnx (weights in half precision),
OUT/untrained.pt and OUT/trained.pt, and prints the AUC on --held of a logistic regression on the
features, beside the untrained network's and the optimum.
"""

import argparse
import os

import numpy
import torch
from torch.nn import functional

import evaluate_deep as ed
import loop_data
import resumable
import verification_package as vp
from half_weights import halve_weights
from loop_networks import KINDS, export, network_of
from train_deep import Taught, pace
from train_outline import keep_memory


def tensor_of(samples):
    return torch.from_numpy(numpy.stack(samples)).float().unsqueeze(1) / 255


def plain(loop, middle):
    frames = loop_data.sample(loop)
    return loop_data.middle_only(frames) if middle else frames


def batch_of(loops, picked, middle, random):
    """Mirrored and backwards half of the times each; gain and shift of grey."""
    samples = []
    for i in picked:
        frames = loop_data.sample(loops[i], random)
        frames = loop_data.middle_only(frames) if middle else frames
        frames = frames[:, :, ::-1] if random.random() < 0.5 else frames
        samples.append(frames[::-1] if random.random() < 0.5 else frames)
    x = tensor_of(samples)
    gain = torch.from_numpy(random.uniform(0.8, 1.25, (len(x), 1, 1, 1, 1)).astype(numpy.float32))
    shift = torch.from_numpy(random.uniform(-0.05, 0.05, gain.shape).astype(numpy.float32))
    return x * gain + shift


def features_of(network, loops, middle):
    network.eval()
    with torch.no_grad():
        return torch.cat([network(tensor_of([plain(loop, middle) for loop in loops[i : i + 8]]))[0]
                          for i in range(0, len(loops), 8)]).double().numpy()


def report(name, network, learned, held, middle):
    """AUC on `held` of a regression fitted on `learned`."""
    outcomes = [numpy.array([bool(loop.outcome) for loop in part]) for part in (learned, held)]
    x = [features_of(network, part, middle) for part in (learned, held)]
    penalty = ed.best_penalty(ed.logistic, ed.rank, x[0], outcomes[0])
    area, low, high = vp.auc_with_interval(ed.logistic(x[0], outcomes[0], x[1], penalty),
                                           outcomes[1])
    print(f"{name}: AUC {area:.3f} ({low:.3f}-{high:.3f}) on {len(held)} loops", flush=True)


def optimum(held):
    outcome = numpy.array([bool(loop.outcome) for loop in held])
    for name in ("risk_still", "risk_loop"):
        risk = numpy.array([getattr(loop, name) for loop in held])
        print(f"{name}: AUC {vp.auc_with_interval(risk, outcome)[0]:.3f}")


def error_of(taught, loops, truth, middle):
    """Mean square of what is not explained, of each target, in units of its variance."""
    taught.eval()
    with torch.no_grad():
        found = torch.cat([taught(tensor_of([plain(loop, middle) for loop in loops[i : i + 8]]))
                           for i in range(0, len(loops), 8)])
    return ((found - truth) ** 2).mean(0).tolist()


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--kind", required=True, choices=KINDS)
    parser.add_argument("--data", required=True, action="append")
    parser.add_argument("--held", required=True)
    parser.add_argument("--out", required=True)
    parser.add_argument("--middle", action="store_true")
    parser.add_argument("--epochs", type=int, default=40)
    parser.add_argument("--batch", type=int, default=8)
    parser.add_argument("--rate", type=float, default=2e-3)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--resume", action="store_true")
    options = parser.parse_args()

    keep_memory()
    torch.set_num_threads(1)
    loops = [loop for folder in options.data for loop in loop_data.read_loops(folder)]
    held = loop_data.read_loops(options.held)
    shape = torch.tensor([loop.shape for loop in loops], dtype=torch.float32)
    centre, spread = shape.mean(0), shape.std(0)
    shape = (shape - centre) / spread
    held_shape = (torch.tensor([loop.shape for loop in held], dtype=torch.float32) - centre) / spread

    torch.manual_seed(options.seed)
    network = network_of(options.kind)
    taught = Taught(network, network.count, shape.shape[1])
    optimiser = torch.optim.AdamW(taught.parameters(), lr=options.rate, weight_decay=2e-2)
    run = resumable.Run(options.out, options.resume,
                        ["loss", *("held_" + name for name in loop_data.TARGETS)],
                        taught=taught, optimiser=optimiser)
    untrained = os.path.join(options.out, "untrained.pt")
    if not run.first:
        torch.save(network.state_dict(), untrained)
    steps = len(loops) // options.batch
    for epoch, random in run.epochs(options.epochs, options.seed):
        order, total = random.permutation(len(loops)), 0.0
        for i in range(steps):
            taught.train()
            picked = order[i * options.batch : (i + 1) * options.batch]
            x = batch_of(loops, picked, options.middle, random)
            loss = functional.mse_loss(taught(x), shape[picked])
            total += resumable.step(optimiser, loss,
                                    options.rate * pace((epoch + i / steps) / options.epochs))
        run.finish(epoch, total / steps, *error_of(taught, held, held_shape, options.middle))
    torch.save(network.state_dict(), os.path.join(options.out, "trained.pt"))
    path = os.path.join(options.out, f"tumour-{options.kind}.onnx")
    export(network, loop_data.SIDE, path)
    halve_weights(path)

    optimum(held)
    report("trained", network, loops, held, options.middle)
    network.load_state_dict(torch.load(untrained))
    report("untrained", network, loops, held, options.middle)


if __name__ == "__main__":
    main()
