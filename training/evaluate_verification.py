#!/usr/bin/python3
"""Measure packages/verification on synthetic studies it was not fitted on.

    evaluate_verification.py --axnode BUILD/cli/axnode --package packages/verification
                             [--work SCRATCH]

AUC of the reported risk on held-out studies, and the same after the pixels inside each
node's true mask are put in random order. A study without a risk takes part with the prevalence
of the fit, so that refusals cannot flatter. Ends with 1 when the AUC is below 0.80 or the
shuffled one is not lower.
"""

import argparse
import os
import shutil
import sys
import tempfile

import numpy
import pydicom

import outline_data
import verification_package as vp

SEED = 301
WITHOUT_RISK = 0.47  # docs/phantom.md: prevalence


def shuffle_nodes(folder, truth, shuffled):
    """A copy of the studies whose node pixels lie in random order."""
    shutil.copytree(folder, shuffled)
    random = numpy.random.default_rng(SEED)
    for uid in sorted(truth):
        for picture in truth[uid]["images"]:
            if "node" not in picture:
                continue
            path = os.path.join(shuffled, picture["file"])
            dataset = pydicom.dcmread(path)
            pixels = dataset.pixel_array.copy()
            inside = outline_data.read_mask(os.path.join(folder, picture["node"]["mask"])) > 0
            pixels[inside] = random.permutation(pixels[inside])
            dataset.PixelData = pixels.tobytes()
            dataset.save_as(path)


def report(name, truth, results):
    risks, outcomes, missing, reasons = [], [], 0, {}
    for uid in sorted(truth):
        risk = results.get(uid, {}).get("risk", {})
        estimated = risk.get("estimated", False)
        missing += not estimated
        for reason in risk.get("reasons", []):
            reason = reason.split(" (")[0]
            reasons[reason] = reasons.get(reason, 0) + 1
        risks.append(risk["probability"] if estimated else WITHOUT_RISK)
        outcomes.append(bool(truth[uid]["outcome"]))
    risks, outcomes = numpy.array(risks), numpy.array(outcomes)
    area, low, high = vp.auc_with_interval(risks, outcomes)
    brier = ((risks - outcomes) ** 2).mean()
    print(
        f"{name}: n {len(risks)}, positive {outcomes.sum()}, without risk {missing}, "
        f"AUC {area:.3f} (95 % {low:.3f}-{high:.3f}), Brier {brier:.3f}"
    )
    for reason, count in sorted(reasons.items(), key=lambda item: -item[1]):
        print(f"  {count} x {reason}")
    return area


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--axnode", required=True)
    parser.add_argument("--package", required=True)
    parser.add_argument("--work", help="kept and used again; without it a folder of its own")
    parser.add_argument("--studies", type=int, default=200)
    options = parser.parse_args()
    if options.work:
        os.makedirs(options.work, exist_ok=True)
        return evaluate(options, options.work)
    with tempfile.TemporaryDirectory(prefix="axnode-") as work:
        return evaluate(options, work)


def evaluate(options, work):
    def inside(name):
        return os.path.join(work, f"{name}-{SEED}")

    truth = vp.make_studies(options.axnode, inside("studies"), options.studies, SEED)
    optimum = numpy.array([truth[uid]["risk"] for uid in sorted(truth)])
    outcome = numpy.array([bool(truth[uid]["outcome"]) for uid in sorted(truth)])
    print("true risk: AUC %.3f (95 %% %.3f-%.3f)" % vp.auc_with_interval(optimum, outcome))
    shutil.rmtree(inside("results"), ignore_errors=True)
    results = vp.analyze(options.axnode, options.package, inside("studies"), inside("results"))
    plain = report("held out", truth, results)
    shutil.rmtree(inside("shuffled"), ignore_errors=True)
    shutil.rmtree(inside("shuffled-results"), ignore_errors=True)
    shuffle_nodes(inside("studies"), truth, inside("shuffled"))
    results = vp.analyze(
        options.axnode, options.package, inside("shuffled"), inside("shuffled-results")
    )
    shuffled = report("node pixels shuffled", truth, results)
    return 0 if plain >= 0.80 and shuffled < plain else 1


if __name__ == "__main__":
    sys.exit(main())
