#!/usr/bin/python3
"""Train the small DeepLabV3+ and the classifier behind it on synthetic studies, both at once, and export
them.

    train_segcls.py --data DIR [--data DIR] --validation DIR --held DIR --out DIR [--epochs N] [--resume]

DIR: what `axnode phantom` wrote. Loss: Dice and cross-entropy of the outline, cross-entropy of the
outcome, weighted. The outcome's target is its probability given the node, since the coin behind it stands
in no picture; a study's smaller nodes teach the outline alone. One thread; --resume goes on after the last
finished epoch. Writes OUT/log.csv, OUT/node.onnx, OUT/classifier.onnx (weights in half precision) and
OUT/last.json: the classifier's last layer, the model of the package, and the cut-off of 100 % specificity
on --validation. Prints Dice and AUC on --held beside the optimum given the node.
"""

import argparse
import copy
import json
import os

import numpy
import torch
from torch.nn import functional

import resumable
import segcls_data
import verification_package as vp
from half_weights import halve_weights
from segcls_networks import Joint, export_classifier, export_outline
from train_deep import pace
from train_outline import augment, keep_memory, loss_of

OUTCOME_WEIGHT = 0.5  # beside 1 for the outline; the paper does not name its weights


def tensors(nodes, picked):
    x = torch.from_numpy(nodes.images[picked]).float().unsqueeze(1) / 255
    return x, torch.from_numpy(nodes.masks[picked]).float().unsqueeze(1) / 255


def loss_on(joint, nodes, picked, generator):
    # Little of it: size and roundness tell of the outcome.
    image, mask = augment(*tensors(nodes, picked), generator, (0.92, 1.08), (0.98, 1.02))
    pixels, outcome = joint(image)
    principal = torch.from_numpy(nodes.principal[picked]).float()
    risk = torch.from_numpy(nodes.risk[picked]).float()
    entropy = functional.binary_cross_entropy_with_logits(outcome, risk, principal, reduction="sum")
    return loss_of(pixels, mask) + OUTCOME_WEIGHT * entropy / principal.sum().clamp(min=1)


def measure(joint, nodes):
    """Dice of each picture, log-odds of each study's node."""
    joint.eval()
    dice, log_odds = [], []
    with torch.no_grad():
        for start in range(0, len(nodes.images), 8):
            picked = slice(start, start + 8)
            image, mask = tensors(nodes, picked)
            pixels, outcome = joint(image)
            found, truth = pixels >= 0, mask >= 0.5
            both = (found & truth).sum((1, 2, 3))
            dice += (2 * both / (found.sum((1, 2, 3)) + truth.sum((1, 2, 3)))).tolist()
            log_odds += outcome.tolist()
    return numpy.array(dice), numpy.array(log_odds)[nodes.principal]


def outcome_of(nodes):
    return nodes.outcome[nodes.principal]


def surest(log_odds, outcome):
    """Probability that no patient without the outcome reaches (100 % specificity)."""
    return float(1 / (1 + numpy.exp(-log_odds[~outcome].max())))


def write_last(joint, cutoff, path):
    """Of the model: its terms are the features as they are."""
    last = {"intercept": joint.last.bias.item(), "coefficients": joint.last.weight[0].tolist(),
            "cutoff": cutoff}
    with open(path, "w") as file:
        json.dump(last, file, indent=1)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", required=True, action="append")
    parser.add_argument("--validation", required=True)
    parser.add_argument("--held", required=True)
    parser.add_argument("--out", required=True)
    parser.add_argument("--epochs", type=int, default=12)
    parser.add_argument("--batch", type=int, default=8)
    parser.add_argument("--rate", type=float, default=2e-3)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--resume", action="store_true")
    options = parser.parse_args()

    keep_memory()
    torch.set_num_threads(1)
    os.makedirs(options.out, exist_ok=True)
    folders = [*options.data, options.validation, options.held]
    parts = [segcls_data.load(folder, os.path.join(options.out, f"nodes-{i}.npz"))
             for i, folder in enumerate(folders)]
    nodes, validation, held = segcls_data.joined(parts[:-2]), parts[-2], parts[-1]

    torch.manual_seed(options.seed)
    joint = Joint()
    optimiser = torch.optim.AdamW(joint.parameters(), lr=options.rate, weight_decay=1e-2)
    run = resumable.Run(options.out, options.resume, ["loss", "validation_dice", "validation_auc"],
                        joint=joint, optimiser=optimiser)
    steps = len(nodes.images) // options.batch
    for epoch, random in run.epochs(options.epochs, options.seed):
        order, total = random.permutation(len(nodes.images)), 0.0
        generator = torch.Generator().manual_seed(1000 * options.seed + epoch)
        joint.train()
        for i in range(steps):
            picked = order[i * options.batch : (i + 1) * options.batch]
            total += resumable.step(optimiser, loss_on(joint, nodes, picked, generator),
                                    options.rate * pace((epoch + i / steps) / options.epochs))
        dice, log_odds = measure(joint, validation)
        run.finish(epoch, total / steps, dice.mean(),
                   vp.auc_with_interval(log_odds, outcome_of(validation))[0])

    _, log_odds = measure(joint, validation)
    write_last(joint, surest(log_odds, outcome_of(validation)), os.path.join(options.out, "last.json"))
    for name, write in (("node", export_outline), ("classifier", export_classifier)):
        path = os.path.join(options.out, name + ".onnx")
        write(copy.deepcopy(joint.outline if name == "node" else joint.classifier), path)
        halve_weights(path)
    dice, log_odds = measure(joint, held)
    for name, score in (("classifier", log_odds), ("optimum", held.risk[held.principal])):
        area, low, high = vp.auc_with_interval(score, outcome_of(held))
        print(f"{name}: AUC {area:.3f} ({low:.3f}-{high:.3f}) on {len(score)} studies")
    print(f"Dice {dice[held.principal].mean():.3f} of the study's node, {dice.mean():.3f} of all")


if __name__ == "__main__":
    main()
