"""The published signature (dlrn-2024) on the published cohorts: the areas and intervals of the paper,
to three digits, from the shipped package and from a column. Usage: published.py AXNODE"""
import csv
import json
import os
import pathlib
import subprocess
import sys
import tempfile

AXNODE = sys.argv[1]
ROOT = pathlib.Path(__file__).resolve().parents[2]
DATA = ROOT.parent / "shared/data/cohort"


def evaluate(*arguments):
    text = subprocess.run([AXNODE, "evaluate", *map(str, arguments), "--bootstrap", "0", "--json"],
                          check=True, capture_output=True, text=True,
                          env={**os.environ, "AXNODE_CONFIG": ""}).stdout
    return json.loads(text)


def column(source, terms, folder):
    """A table of outcome and signature alone."""
    path = pathlib.Path(folder) / source.name
    with open(source, newline="") as file, open(path, "w", newline="") as out:
        writer = csv.writer(out)
        writer.writerow(["ALN_status", "signature"])
        for row in csv.DictReader(file):
            score = sum(t["coefficient"] * float(row[t["feature"]]) for t in terms)
            writer.writerow([row["ALN_status"], repr(score)])
    return path


def main():
    if not DATA.is_dir():
        print("no ../shared/data/cohort here")
        return 77
    signature = json.loads((DATA / "liu2024_signature.json").read_text())
    terms, wrong = signature["signature"]["terms"], 0
    print("| cohort | score from | n | positive | AUC | 95 % interval | published |\n" + "|---" * 7 + "|")
    with tempfile.TemporaryDirectory() as folder:
        for name, expected in signature["published_auc"].items():
            for source, arguments in [
                ("column", ["--cohort", column(DATA / name, terms, folder), "--score", "signature"]),
                ("package", ["--cohort", DATA / name, "--package", ROOT / "packages/dlrn-2024",
                             "--package-score", "signature"])]:
                result = evaluate("--outcome", "ALN_status", *arguments)
                found = [f"{v:.3f}" for v in (result["auc"], *result["auc_ci95"])]
                wanted = [f"{v:.3f}" for v in (expected["auc"], *expected["ci95"])]
                same = found == wanted and (result["n"], result["positive"]) == (
                    expected["n"], expected["positive"])
                wrong += not same
                print(f"| {name} | {source} | {result['n']} | {result['positive']} | {found[0]} | "
                      f"{found[1]}–{found[2]} | {wanted[0]} ({wanted[1]}–{wanted[2]})"
                      f"{'' if same else ': DIFFERS'} |")
    return 1 if wrong else 0


sys.exit(main())
