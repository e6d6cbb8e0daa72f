#!/usr/bin/python3
"""Make a synthetic twin of a published package, from pixels to model card.

    fit_twin.py NAME --axnode BUILD/cli/axnode --work SCRATCH [--out packages/NAME]
                [--networks PATTERN] [--outlines packages/verification]

Makes synthetic studies of the training seeds, runs `axnode analyze` over them with a package that
holds the networks of all twins (the three share one pass and one SCRATCH), and fits the score with
`axnode fit` by docs/recipes/twins. Stops at any moment: a second call goes on where the first stopped.
PATTERN: the folders that hold REGION-KIND.onnx of train_deep.py, else those of the shipped twins.
"""

import argparse
import os
import shutil
import subprocess

import twin_packages as tp

SEEDS = {201: 500, 402: 150}  # studies that the scores are fitted on
VERSION = "1.0.0"


def fit(options, table, recipe, out, *more):
    shutil.rmtree(out, ignore_errors=True)
    subprocess.run([options.axnode, "fit", "--cohort", table, "--outcome", "outcome", "--recipe",
                    os.path.join(tp.RECIPES, recipe + ".yaml"), "--out", out, "--threads", "1",
                    *more], check=True)


def fit_package(options, table, shape, work):
    """The scores of a first step, each a package of its own, then the model of them."""
    base = os.path.join(work, "base")
    tp.write_base(options.axnode, base, options.name, VERSION, shape, options.networks,
                  options.outlines)
    more = ["--package", base]
    for score in shape["scores"]:
        folder = os.path.join(work, score)
        fit(options, table, f"{options.name}-{score}", folder)
        more += ["--score", f"{score}={folder}"]
    fit(options, table, options.name, options.out, *more)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("name", choices=sorted(tp.TWINS))
    parser.add_argument("--axnode", required=True)
    parser.add_argument("--work", required=True)
    parser.add_argument("--out")
    parser.add_argument("--networks", default=os.path.join(tp.TREE, "packages", "*-synthetic"))
    parser.add_argument("--outlines", default=tp.VERIFICATION)
    options = parser.parse_args()
    options.out = options.out or os.path.join(tp.TREE, "packages", options.name)
    shape = tp.TWINS[options.name]

    union = os.path.join(options.work, "all")
    if not os.path.exists(os.path.join(union, "MANIFEST")):
        tp.write_base(options.axnode, union, "all-synthetic", VERSION, tp.ALL, options.networks,
                      options.outlines)
    parts = [tp.measured(options.axnode, union, options.work, seed, studies)
             for seed, studies in SEEDS.items()]
    work = os.path.join(options.work, options.name)
    os.makedirs(work, exist_ok=True)
    table = os.path.join(work, "table.csv")
    rows = tp.write_table(table, parts, shape["regions"])
    print(f"{rows} of {sum(SEEDS.values())} studies measured")
    fit_package(options, table, shape, work)
    subprocess.run([options.axnode, "model", "verify", options.out], check=True)


if __name__ == "__main__":
    main()
