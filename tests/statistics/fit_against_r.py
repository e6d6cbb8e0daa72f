"""model/fit against R (stats, glmnet) on seeded cohorts, and on the published one where it is
there. Prints the table of docs/statistics.md. Usage: fit_against_r.py FIT_FIGURES"""
import csv
import math
import pathlib
import random
import shutil
import subprocess
import sys
import tempfile

FIGURES = sys.argv[1]
HERE = pathlib.Path(__file__).resolve().parent
PUBLISHED = HERE.parents[2] / "shared/data/cohort"

# |ours - R's| <= bound x size. Size: of penalised coefficients the largest at the same lambda; else
# the figure's own, 1 at least.
BOUNDS = {"t-test p": 1e-9, "Mann-Whitney p": 1e-9, "ICC": 1e-9, "logistic coefficient": 1e-6,
          "logistic covariance": 1e-6, "logistic deviance": 1e-6, "backward by AIC": 1e-6,
          "lasso coefficient": 1e-4, "elastic net coefficient": 1e-4, "lambda": 1e-9,
          "deviance ratio": 1e-6, "cross-validated deviance": 1e-4, "lambda chosen": 1e-9}


def cohort(seed, rows, columns, digits):
    r = random.Random(seed)
    table = []
    for _ in range(rows):
        common = r.gauss(0, 1)
        x = [r.gauss(0, 1) + 0.7 * common for _ in range(columns)]
        risk = 1 / (1 + math.exp(-(0.3 + 0.9 * x[0] - 0.8 * x[1] + 0.6 * x[3])))
        scale = [10 ** (j % 5 - 2) for j in range(columns)]
        table.append([int(r.random() < risk)] +
                     [round(v, digits) * s + 3 * s for v, s in zip(x, scale)])
    return [["outcome"] + [f"x{j}" for j in range(columns)]] + table


def published(number):
    with open(PUBLISHED / f"liu2024_hospital{number}.csv", newline="") as file:
        rows = list(csv.reader(file))
    rows = [rows[0]] + [row for row in rows[1:] if not {"NA", ""} & set(row)]
    seen, keep = set(), [1]
    for j in range(2, len(rows[0])):  # every third, none twice, none constant
        values = tuple(row[j] for row in rows[1:])
        if values not in seen and len(set(map(float, values))) > 1 and j % 3 == 0:
            keep.append(j)
        seen.add(values)
    return [["outcome"] + [rows[0][j] for j in keep[1:]]] + [[row[j] for j in keep]
                                                             for row in rows[1:]]


def figures(command):
    text = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    return {name: float(value) if value != "null" else math.nan
            for name, value in (line.split() for line in text.splitlines())}


def kind_of(name):
    for key, kind in [("t_test", "t-test p"), ("mann", "Mann-Whitney p"), ("icc", "ICC"),
                      ("logistic", "logistic coefficient"), ("step", "backward by AIC"),
                      ("lasso", "lasso coefficient"), ("elastic", "elastic net coefficient")]:
        if name.startswith(key):
            break
    for key, special in [("covariance", "logistic covariance"), ("deviance_ratio", "deviance ratio"),
                         ("lambda", "lambda"), ("cv_m", "cross-validated deviance"),
                         ("cv_sd", "cross-validated deviance")]:
        if key in name:
            kind = special
    if name.endswith(("cv_minimum", "cv_one_se")):
        kind = "lambda chosen"
    return "logistic deviance" if name == "logistic.0.deviance" else kind


def largest_by_lambda(theirs):
    largest = {}
    for name, value in theirs.items():
        if ".coefficient." in name:
            key = tuple(name.split(".")[:2])
            largest[key] = max(largest.get(key, 0), abs(value))
    return largest


def compare(title, table, worst, failures):
    with tempfile.TemporaryDirectory() as folder:
        path = f"{folder}/cohort.csv"
        with open(path, "w", newline="") as file:
            csv.writer(file).writerows(table)
        mine = figures([FIGURES, path])
        theirs = figures(["Rscript", "--vanilla", str(HERE / "fit_against_r.R"), path])
    largest = largest_by_lambda(theirs)
    ends = {n: min(max(int(k.split(".")[1]) for k in f if k.startswith(n)) for f in (mine, theirs))
            for n in ("lasso", "elastic_net")}
    for name in sorted(set(mine) | set(theirs)):
        path_name, place = name.split(".")[:2]
        if path_name in ends and int(place) > ends[path_name]:
            continue  # one of the two ended its path a step earlier
        kind = kind_of(name)
        if ".coefficient." in name:  # what is not there is 0
            size = largest.get((path_name, place), 1)
            found, expected = mine.get(name, 0.0), theirs.get(name, 0.0)
        else:
            found, expected = mine.get(name, math.nan), theirs.get(name, math.nan)
            size = max(1, abs(expected))
        off = abs(found - expected) / size
        count, most = worst.get(kind, (0, 0.0))
        worst[kind] = (count + 1, max(most, off))
        if not off <= BOUNDS[kind]:
            failures.append(f"{title}: {name}: ours {found!r}, R's {expected!r}, off {off:.2g}")
    return ends


def main():
    if not shutil.which("Rscript") or subprocess.run(
            ["Rscript", "-e", "library(glmnet)"], capture_output=True).returncode:
        print("Rscript or its package glmnet is not installed")
        return 77
    cohorts = [("300 x 20", cohort(1, 300, 20, 8)), ("90 x 150", cohort(2, 90, 150, 8)),
               ("200 x 8, many ties", cohort(3, 200, 8, 0))]
    if PUBLISHED.is_dir():
        cohorts += [("published, hospital 2", published(2))]
    worst, failures = {}, []
    for title, table in cohorts:
        ends = compare(title, table, worst, failures)
        print(f"{title}: {len(table) - 1} x {len(table[0]) - 1}, lambdas compared: "
              f"{ends['lasso'] + 1} and {ends['elastic_net'] + 1}")
    print("\n| figure | compared | largest difference | allowed |\n|---|---|---|---|")
    for kind, (count, most) in sorted(worst.items()):
        print(f"| {kind} | {count} | {most:.1e} | {BOUNDS[kind]:g} |")
    print("\n".join(["", *failures[:40]]) if failures else "\nall within their bounds")
    return 1 if failures else 0


sys.exit(main())
