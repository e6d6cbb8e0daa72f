"""What fit_verification.py and evaluate_verification.py share: running the real program over
synthetic studies, and the arithmetic of a logistic score."""

import glob
import json
import math
import os
import shutil
import subprocess

import numpy

# Chosen before anything was fitted: what the outcome model of docs/phantom.md speaks of, as the
# program measures it, and the grey values' spread inside the node. True: depends on millimetres.
TERMS = (
    ("tumour_measure_LongAxis", True),
    ("tumour_original_shape2D_Sphericity", False),
    ("node_measure_AxisRatio", False),
    ("node_measure_CortexThickness", True),
    ("node_measure_HilumFraction", False),
    ("node_original_firstorder_Entropy", False),
)


def make_studies(axnode, folder, studies, seed):
    """Write synthetic studies unless they are there; returns the truth by Study Instance UID."""
    path = os.path.join(folder, "truth.json")
    if not os.path.exists(path):
        subprocess.run(
            [axnode, "phantom", "--out", folder, "--studies", str(studies), "--seed", str(seed)],
            check=True,
        )
    with open(path) as file:
        truth = json.load(file)
    if truth["seed"] != str(seed) or len(truth["studies"]) != studies:
        raise SystemExit(f"{folder} holds other studies than asked for: remove it")
    return {study["study_instance_uid"]: study for study in truth["studies"]}


def analyze(axnode, package, folder, results):
    """Run `axnode analyze` over a folder of studies; returns each result.json by study."""
    if not os.path.exists(results):
        part = results + ".part"  # what an end in the middle leaves is no result
        shutil.rmtree(part, ignore_errors=True)
        paths = sorted(glob.glob(os.path.join(folder, "study-*")))
        subprocess.run(
            [axnode, "analyze", "--package", package, "--out", part] + paths,
            check=True,
            stdout=subprocess.DEVNULL,
        )
        os.rename(part, results)
    found = {}
    for path in glob.glob(os.path.join(results, "*", "result.json")):
        with open(path) as file:
            result = json.load(file)
        found[result["study_instance_uid"]] = result
    return found


def rows_of(truth, results):
    """Values of TERMS for the studies where all of them were measured, and their outcomes."""
    values, outcomes = [], []
    for uid in sorted(truth):
        features = results.get(uid, {}).get("features", {})
        row = [features.get(name) for name, _ in TERMS]
        if all(isinstance(value, (int, float)) for value in row):
            values.append(row)
            outcomes.append(bool(truth[uid]["outcome"]))
    return numpy.array(values, float), numpy.array(outcomes)


def fit_logistic(x, y, ridge=1.0):
    """Intercept and coefficients by Newton's method, ridge penalty on the coefficients."""
    design = numpy.column_stack([numpy.ones(len(x)), x])
    penalty = numpy.diag([0.0] + [ridge] * x.shape[1])
    beta = numpy.zeros(design.shape[1])
    for _ in range(100):
        p = 1 / (1 + numpy.exp(-design @ beta))
        gradient = design.T @ (y - p) - penalty @ beta
        hessian = (design * (p * (1 - p))[:, None]).T @ design + penalty
        move = numpy.linalg.solve(hessian, gradient)
        beta += move
        if numpy.abs(move).max() < 1e-10:
            break
    return beta[0], beta[1:]


def auc_with_interval(score, outcome):
    """AUC and its 95 % interval (DeLong, DeLong and Clarke-Pearson, Biometrics 1988)."""
    positive, negative = score[outcome], score[~outcome]
    wins = (positive[:, None] > negative[None, :]) + 0.5 * (positive[:, None] == negative[None, :])
    area = wins.mean()
    variance = wins.mean(1).var(ddof=1) / len(positive) + wins.mean(0).var(ddof=1) / len(negative)
    half = 1.96 * math.sqrt(variance)
    return area, max(0.0, area - half), min(1.0, area + half)
