#!/usr/bin/python3
"""screens.py AXNODE FOLDER: regions and kinds of real screens are found as they were when looked at.

FOLDER holds the DICOM files that screens.csv names. Corners may lie 12 pixels off. Says
'skipped' (77) without the folder.
"""

import csv
import json
import os
import subprocess
import sys

TOLERANCE = 12


def expected(text):
    regions = []
    for part in text.split("; "):
        x0, y0, x1, y1, kind = part.split(" ", 4)
        regions.append(([int(x0), int(y0), int(x1), int(y1)], kind))
    return regions


def differs(row, seen):
    if row["regions"] == "refused" or not seen:
        return None if row["regions"] == "refused" and not seen else "read, or not, unlike expected"
    regions = expected(row["regions"])
    if seen["dual"] != (row["dual"] == "1") or len(seen["regions"]) != len(regions):
        return f"{len(seen['regions'])} regions, dual: {seen['dual']}"
    for found, (box, kind) in zip(seen["regions"], regions):
        if found["kind"] != kind:
            return f"{found['kind']} instead of {kind}"
        if max(abs(a - b) for a, b in zip(found["box"], box)) > TOLERANCE:
            return f"box {found['box']} instead of {box}"
    return None


def main():
    axnode, folder = sys.argv[1:]
    if not os.path.isdir(folder):
        sys.exit(77)
    table = os.path.join(os.path.dirname(os.path.abspath(__file__)), "screens.csv")
    with open(table, newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    run = subprocess.run([axnode, "screen", folder, "--json"], capture_output=True, text=True)
    seen = {os.path.basename(one["file"]): one for one in json.loads(run.stdout)}
    wrong = 0
    for row in rows:
        reason = differs(row, seen.get(row["file"]))
        if reason:
            wrong += 1
            print(f"{row['file']}: {reason}")
    print(f"{len(rows) - wrong} of {len(rows)} as expected")
    sys.exit(1 if wrong else 0)


if __name__ == "__main__":
    main()
