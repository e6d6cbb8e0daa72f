"""`axnode evaluate` against R (pROC, rms, Hmisc) on seeded cohorts, and on the published one where
it is there. Prints the table of docs/statistics.md. Usage: against_r.py AXNODE"""
import csv
import json
import math
import os
import pathlib
import random
import shutil
import subprocess
import sys
import tempfile

AXNODE = sys.argv[1]
HERE = pathlib.Path(__file__).resolve().parent
PUBLISHED = HERE.parents[2] / "shared/data/cohort"

# How near each figure must be: |ours - R's| <= bound x max(1e-6, |R's|).
BOUND = 1e-9
LOOSER = {  # calibration: both iterate
    "calibration": 1e-6,
    "calibration rms": 1e-6,
    "bootstrap": 0.02,  # other draws
}


def logistic(x):
    return 1 / (1 + math.exp(-x))


def synthetic(seed, n, digits, missing=0.05, offset=0.5):
    """Two risks of different worth, rounded so that ties come about, with missing cells."""
    r = random.Random(seed)
    rows = []
    for _ in range(n):
        x, z = r.gauss(0, 1), r.gauss(0, 1)
        y = int(r.random() < logistic(-0.5 + 1.2 * x + 0.6 * z))
        first = round(logistic(-offset + 1.4 * x + 0.3 * z), digits)
        second = round(logistic(-0.4 + 0.9 * z + 0.4 * r.gauss(0, 1)), digits)
        row = [y, min(max(first, 10 ** -digits), 1 - 10 ** -digits),
               min(max(second, 10 ** -digits), 1 - 10 ** -digits)]
        rows.append(["NA" if r.random() < missing else v for v in row])
    return rows


def points(seed, n):
    """Whole points 0 to 6 and an unbounded score: no probabilities."""
    r = random.Random(seed)
    return [[int(r.random() < logistic(-1 + 0.5 * p)), p, r.gauss(0, 1) + 0.2 * p]
            for p in (r.randint(0, 6) for _ in range(n))]


def published(number):
    signature = json.loads((PUBLISHED / "liu2024_signature.json").read_text())["signature"]["terms"]
    with open(PUBLISHED / f"liu2024_hospital{number}.csv", newline="") as file:
        return [[row["ALN_status"],
                 repr(sum(t["coefficient"] * float(row[t["feature"]]) for t in signature)),
                 row["f_311"]] for row in csv.DictReader(file)]


def flatten(value, name, out):
    if isinstance(value, dict):
        for key, item in value.items():
            flatten(item, f"{name}.{key}" if name else key, out)
    elif isinstance(value, list):
        for i, item in enumerate(value):
            flatten(item, f"{name}.{i}", out)
    else:
        out[name] = value
    return out


def ours(path, cutoff):
    """evaluate's JSON under the names that the R script uses."""
    text = subprocess.run([AXNODE, "evaluate", "--cohort", path, "--outcome", "outcome", "--score",
                           "first", "--compare", "second", "--cutoff", str(cutoff), "--json"],
                          check=True, capture_output=True, text=True,
                          env={**os.environ, "AXNODE_CONFIG": ""}).stdout
    result = json.loads(text)
    figures = flatten({"comparison": result["comparison"]}, "", {})
    for k, score in enumerate(result["scores"], 1):
        roc, curve = score.pop("roc"), score.pop("decision_curve", [])
        score["roc_sensitivity"] = [p["sensitivity"] for p in roc]
        score["roc_specificity"] = [p["specificity"] for p in roc]
        score["roc_cutoff"] = [p["cutoff"] for p in roc[1:-1]]
        score["net_benefit"] = [p["net_benefit"] for p in curve]
        score["treated"] = [p["treated"] for p in curve]
        score["youden"] = score["youden"]["cutoff"]
        if k == 1:
            score["bootstrap"] = score["auc_ci95_bootstrap"]
        if score.get("calibration"):
            score["calibration"]["rms_slope"] = score["calibration"]["slope"]
            score["calibration"]["rms_intercept"] = score["calibration"]["intercept"]
            score["calibration"]["rms_brier"] = score["brier"]
        flatten(score, f"score{k}", figures)
    return figures


def by_r(files, cutoffs):
    """One dictionary per cohort."""
    arguments = [str(a) for pair in zip(files, cutoffs) for a in pair]
    text = subprocess.run(["Rscript", "--vanilla", HERE / "against_r.R", *arguments],
                          check=True, capture_output=True, text=True).stdout
    results = [{} for _ in files]
    for line in text.splitlines():
        name, value = line.split()
        if name == "cohort":
            result = results[int(value)]
        else:
            result[name] = float(value)
    return results


def kind_of(name):
    for key, kind in [("rms_", "calibration rms"), ("calibration", "calibration"),
                      ("bootstrap", "bootstrap"), ("at_cutoff.", "operating point, exact intervals"),
                      ("hosmer", "Hosmer-Lemeshow"), ("brier", "Brier"), ("idi", "IDI"),
                      ("nri", "NRI"), ("comparison", "DeLong comparison"),
                      ("benefit", "net benefit"), ("treated", "net benefit"),
                      ("roc_", "ROC points"), ("youden", "ROC points")]:
        if key in name and not (key == "at_cutoff." and "nri" in name):
            return kind
    return "AUC, DeLong variance and interval"


def compare(title, mine, theirs, worst, failures):
    if len(theirs) < 50:
        failures.append(f"{title}: R gave {len(theirs)} figures only")
    for name, expected in theirs.items():
        found, kind = mine.get(name), kind_of(name)
        if found is None or not math.isfinite(expected):
            # R's NaN and our null say the same.
            if not (found is None and name in mine and not math.isfinite(expected)):
                failures.append(f"{title}: {name}: ours {found}, R's {expected}")
            continue
        off = abs(found - expected) / max(1e-6, abs(expected))
        count, most = worst.get(kind, (0, 0.0))
        worst[kind] = (count + 1, max(most, off))
        if off > LOOSER.get(kind, BOUND):
            failures.append(f"{title}: {name}: ours {found!r}, R's {expected!r}, off {off:.2g}")


def main():
    if not shutil.which("Rscript"):
        print("Rscript is not installed")
        return 77
    cohorts = [("500 patients, risks", synthetic(1, 500, 6), 0.407),
               ("300 patients, many ties", synthetic(2, 300, 1), 0.5),
               ("40 patients", synthetic(3, 40, 3), 0.3),
               ("3000 patients, wrong calibration", synthetic(4, 3000, 4, offset=2), 0.2),
               ("200 patients, points", points(5, 200), 3)]
    if PUBLISHED.is_dir():
        cohorts += [(f"published, hospital {n}", published(n), -3.3) for n in (2, 3)]
    worst, failures = {}, []
    with tempfile.TemporaryDirectory() as folder:
        files = [f"{folder}/{i}.csv" for i in range(len(cohorts))]
        cutoffs = [cutoff for _, _, cutoff in cohorts]
        for path, (_, rows, _) in zip(files, cohorts):
            with open(path, "w", newline="") as file:
                csv.writer(file).writerows([["outcome", "first", "second"], *rows])
        for path, (title, _, cutoff), theirs in zip(files, cohorts, by_r(files, cutoffs)):
            compare(title, ours(path, cutoff), theirs, worst, failures)
    print(f"{len(cohorts)} cohorts: {', '.join(c[0] for c in cohorts)}\n")
    print("| figure | compared | largest difference | allowed |\n|---|---|---|---|")
    for kind, (count, most) in sorted(worst.items()):
        print(f"| {kind} | {count} | {most:.1e} | {LOOSER.get(kind, BOUND):g} |")
    print("\n".join(["", *failures[:40]]) if failures else "\nall within their bounds")
    return 1 if failures else 0


sys.exit(main())
