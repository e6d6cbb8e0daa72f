#!/usr/bin/python3
"""What the features of a trained network tell of the outcome, beside those of the same network with
its first, random weights.

    evaluate_deep.py --kind KIND --region REGION --network OUT --fit DIR --held DIR

OUT: what train_deep.py wrote. A logistic regression with ridge penalty is fitted to the features of
the principal pictures of --fit (penalty by cross-validation, outlines as they truly are) and its AUC
measured on those of --held: studies that the network, too, has never seen.
"""

import argparse
import os

import numpy
import torch

import deep_data
import verification_package as vp
from deep_networks import SIDE, SIGHT, reduced
from train_deep import tensor_of

PENALTIES = (1.0, 10.0, 100.0, 1000.0)


def features_of(network, pictures):
    network.eval()
    with torch.no_grad():
        return torch.cat([network(tensor_of(pictures[i : i + 32]))[0]
                          for i in range(0, len(pictures), 32)]).double().numpy()


def predict(x, y, held, penalty):
    centre, scale = x.mean(0), x.std(0) + 1e-12
    intercept, coefficients = vp.fit_logistic((x - centre) / scale, y, penalty)
    return intercept + (held - centre) / scale @ coefficients


def cross_validated(x, y, penalty, folds=5):
    score = numpy.empty(len(y))
    fold = numpy.arange(len(y)) % folds
    for k in range(folds):
        score[fold == k] = predict(x[fold != k], y[fold != k], x[fold == k], penalty)
    return vp.auc_with_interval(score, y)[0]


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--kind", required=True, choices=sorted(SIGHT))
    parser.add_argument("--region", required=True, choices=["tumour", "node"])
    parser.add_argument("--network", required=True, help="folder that train_deep.py wrote")
    parser.add_argument("--fit", required=True)
    parser.add_argument("--held", required=True)
    options = parser.parse_args()
    torch.set_num_threads(1)
    pictures, outcomes = [], []
    for folder in (options.fit, options.held):
        regions = deep_data.read_regions(folder, options.region, principal_only=True)
        pictures.append([deep_data.plain_look(r, SIDE, SIGHT[options.kind]) for r in regions])
        outcomes.append(numpy.array([bool(r.outcome) for r in regions]))
    print(f"{len(outcomes[0])} studies fitted, {len(outcomes[1])} held out")
    for name in ("untrained", "trained"):
        network, _ = reduced(options.kind)
        network.load_state_dict(torch.load(os.path.join(options.network, name + ".pt")))
        fit, held = (features_of(network, part) for part in pictures)
        penalty = max(PENALTIES, key=lambda p: cross_validated(fit, outcomes[0], p))
        score = predict(fit, outcomes[0], held, penalty)
        area, low, high = vp.auc_with_interval(score, outcomes[1])
        print(f"{name}: AUC {area:.3f} ({low:.3f}-{high:.3f}), ridge {penalty:g}")


if __name__ == "__main__":
    main()
