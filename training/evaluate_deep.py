#!/usr/bin/python3
"""What the features of a trained network tell, beside those of the same network with its first, random
weights.

    evaluate_deep.py --kind KIND --region REGION --network OUT --fit DIR --held DIR

OUT: what train_deep.py wrote. Of the principal pictures, outlines as they truly are: regressions with
ridge penalty (by cross-validation) are fitted to the features on --fit and measured on --held, studies
that the network, too, has never seen. Two questions: how well do the features rank by the outcome (AUC
of a logistic regression), and how much of what the generator drew into the region do they explain
(deep_data.shape_of; share of its variance, 1 is all of it). Ends with 1 when the trained network
explains no more than the untrained one, or ranks worse by more than chance.
"""

import argparse
import os
import sys

import numpy
import torch

import deep_data
import verification_package as vp
from deep_networks import reduced
from deep_sight import SIDE, SIGHT
from train_deep import tensor_of

PENALTIES = (1.0, 10.0, 100.0, 1000.0)


def features_of(network, pictures):
    network.eval()
    with torch.no_grad():
        return torch.cat([network(tensor_of(pictures[i : i + 32]))[0]
                          for i in range(0, len(pictures), 32)]).double().numpy()


def standardised(x, held):
    centre, scale = x.mean(0), x.std(0) + 1e-12
    return (x - centre) / scale, (held - centre) / scale


def logistic(x, y, held, penalty):
    x, held = standardised(x, held)
    intercept, coefficients = vp.fit_logistic(x, y, penalty)
    return intercept + held @ coefficients


def linear(x, y, held, penalty):
    x, held = standardised(x, held)
    centre = y.mean(0)
    inner = x.T @ x + penalty * numpy.eye(x.shape[1])
    return centre + held @ numpy.linalg.solve(inner, x.T @ (y - centre))


def rank(predicted, y):
    return vp.auc_with_interval(predicted, y)[0]


def explained(predicted, y):
    return (1 - ((predicted - y) ** 2).mean(0) / y.var(0)).mean()


def best_penalty(predict, measure, x, y, folds=5):
    def cross_validated(penalty):
        predicted = numpy.empty(y.shape)
        fold = numpy.arange(len(y)) % folds
        for k in range(folds):
            predicted[fold == k] = predict(x[fold != k], y[fold != k], x[fold == k], penalty)
        return measure(predicted, y)
    return max(PENALTIES, key=cross_validated)


def figures(fit, held):
    """AUC and its interval, share explained, of (features, outcomes, shapes) twice."""
    x, outcome, shape = fit
    score = logistic(x, outcome, held[0], best_penalty(logistic, rank, x, outcome))
    drawn = linear(x, shape, held[0], best_penalty(linear, explained, x, shape))
    return (*vp.auc_with_interval(score, held[1]), explained(drawn, held[2]))


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--kind", required=True, choices=sorted(SIGHT))
    parser.add_argument("--region", required=True, choices=["tumour", "node"])
    parser.add_argument("--network", required=True, help="folder that train_deep.py wrote")
    parser.add_argument("--fit", required=True)
    parser.add_argument("--held", required=True)
    options = parser.parse_args()
    torch.set_num_threads(1)
    parts = []
    for folder in (options.fit, options.held):
        regions = deep_data.read_regions(folder, options.region, principal_only=True)
        parts.append(([deep_data.plain_look(r, SIDE, SIGHT[options.kind]) for r in regions],
                      numpy.array([bool(r.outcome) for r in regions]),
                      numpy.array([r.shape for r in regions])))
    print(f"{len(parts[0][1])} studies fitted, {len(parts[1][1])} held out")
    found = {}
    for name in ("untrained", "trained"):
        network, _ = reduced(options.kind)
        network.load_state_dict(torch.load(os.path.join(options.network, name + ".pt")))
        fit, held = ((features_of(network, pictures), *truth) for pictures, *truth in parts)
        area, low, high, share = found[name] = figures(fit, held)
        print(f"{options.region} {options.kind} {name}: AUC {area:.3f} ({low:.3f}-{high:.3f}),"
              f" explained {share:.3f}", flush=True)
    (before, low, _, share_before), (after, _, _, share) = found["untrained"], found["trained"]
    return int(share <= share_before or after < low)


if __name__ == "__main__":
    sys.exit(main())
