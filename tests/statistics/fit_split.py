"""Fitted on one published hospital, tested on the other, both ways, beside glmnet's lasso. Prints
the table of docs/statistics.md. Usage: fit_split.py AXNODE"""
import json
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile

AXNODE = sys.argv[1]
HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parents[1]
PUBLISHED = ROOT.parent / "shared/data/cohort"


def run(*command):
    return subprocess.run(command, check=True, capture_output=True, text=True,
                          env={**os.environ, "AXNODE_CONFIG": ""}).stdout


def hospital(number):
    return str(PUBLISHED / f"liu2024_hospital{number}.csv")


def ours(recipe, train, test, folder):
    text = (ROOT / "docs/recipes" / recipe).read_text()
    path, out = f"{folder}/{recipe}", f"{folder}/{recipe}-{train}"
    text = "".join(line for line in text.splitlines(True) if "icc:" not in line)
    pathlib.Path(path).write_text(text.replace("validation: {folds: 5", "validation: {folds: 0"))
    fit = json.loads(run(AXNODE, "fit", "--cohort", hospital(train), "--outcome", "ALN_status",
                         "--recipe", path, "--out", out, "--json"))
    run(AXNODE, "model", "verify", out)
    result = json.loads(run(AXNODE, "evaluate", "--cohort", hospital(test), "--outcome",
                            "ALN_status", "--package", out, "--bootstrap", "0", "--json"))
    return result["auc"], fit["lambda"], len(fit["terms"])


def by_glmnet(train, test, at):
    lines = run("Rscript", "--vanilla", str(HERE / "fit_split.R"), hospital(train), hospital(test),
                repr(at)).split()
    return float(lines[0]), float(lines[1])


def main():
    if not PUBLISHED.is_dir() or not shutil.which("Rscript") or subprocess.run(
            ["Rscript", "-e", "library(glmnet)"], capture_output=True).returncode:
        print("the published cohort, Rscript or its package glmnet is not there")
        return 77
    wrong = 0
    print("| fitted on, tested on | lasso, axnode | glmnet at the same lambda | "
          "glmnet's own lambda.min, median of 5 seeds | elastic net, axnode |\n|---|---|---|---|---|")
    with tempfile.TemporaryDirectory() as folder:
        for train, test in ((2, 3), (3, 2)):
            lasso, at, terms = ours("dlrn-2024.yaml", train, test, folder)
            same, own = by_glmnet(train, test, at)
            net, _, _ = ours("elastic-net.yaml", train, test, folder)
            print(f"| {train}, {test} | {lasso:.4f} ({terms} terms) | {same:.4f} | {own:.4f} | "
                  f"{net:.4f} |")
            wrong += abs(lasso - same) > 0.0015 or net < own
    return 1 if wrong else 0


sys.exit(main())
