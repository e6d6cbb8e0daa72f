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

# Studies by seed. The last step is fitted on other patients than the scores it takes: on the same ones
# it would believe them more than they are worth (docs/fit.md). A twin without scores takes all.
SCORE_SEEDS, MODEL_SEEDS = {601: 1200, 603: 1500, 604: 1250}, {602: 800, 605: 1250}
VERSION = "1.2.0"


def fit(options, table, recipe, out, *more):
    shutil.rmtree(out, ignore_errors=True)
    subprocess.run([options.axnode, "fit", "--cohort", table, "--outcome", "outcome", "--recipe",
                    os.path.join(tp.RECIPES, recipe + ".yaml"), "--out", out, "--threads", "1",
                    *more], check=True)


def fit_package(options, tables, shape, work):
    """The scores of a first step, each a package of its own, then the model of them, from two tables."""
    base = os.path.join(work, "base")
    tp.write_base(options.axnode, base, options.name, VERSION, shape, options.networks,
                  options.outlines)
    more = ["--package", base]
    for score in shape["scores"]:
        folder = os.path.join(work, score)
        fit(options, tables[0], f"{options.name}-{score}", folder)
        more += ["--score", f"{score}={folder}"]
    fit(options, tables[1], options.name, options.out, *more)


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
    parts = {seed: tp.measured(options.axnode, union, options.work, seed, studies)
             for seed, studies in (SCORE_SEEDS | MODEL_SEEDS).items()}
    work = os.path.join(options.work, options.name)
    os.makedirs(work, exist_ok=True)
    first, last = (SCORE_SEEDS, MODEL_SEEDS) if shape["scores"] else ({}, SCORE_SEEDS | MODEL_SEEDS)
    tables = []
    for name, seeds in (("scores", first), ("model", last)):
        tables.append(os.path.join(work, name + ".csv"))
        if seeds:
            rows = tp.write_table(tables[-1], [parts[seed] for seed in seeds], shape["regions"])
            print(f"{name}: {rows} of {sum(seeds.values())} studies measured", flush=True)
    fit_package(options, tables, shape, work)
    subprocess.run([options.axnode, "model", "verify", options.out], check=True)


if __name__ == "__main__":
    main()
