#!/usr/bin/python3
"""cues.py PHANTOM_WRITE: no trivial cue of a synthetic study tells its outcome.

Writes 400 studies and takes, for each study: number of files, bytes, and of its pictures of
each place the mean grey, its spread, the bytes, and of the first one every DICOM attribute
(numbers as they are, texts as text_auc says). No AUC, whichever way round, may exceed 0.60. Says
'skipped' (77) without pydicom.
"""

import collections
import json
import os
import subprocess
import sys
import tempfile

try:
    import numpy
    import pydicom
except ImportError:
    sys.exit(77)

STUDIES, SEED, LIMIT = 400, 20260105, 0.60


def auc(values, outcome, either_way=True):
    """Probability that a positive ranks above a negative, ties half."""
    order = numpy.argsort(values, kind="stable")
    ranks = numpy.empty(len(values))
    ranks[order] = numpy.arange(1, len(values) + 1)
    for value in numpy.unique(values):
        same = values == value
        ranks[same] = ranks[same].mean()
    positive = outcome.sum()
    area = (ranks[outcome].sum() - positive * (positive + 1) / 2) / (
        positive * (len(outcome) - positive)
    )
    return max(area, 1 - area) if either_way else area


def text_auc(texts, outcome):
    """AUC of 'how common was the outcome with this text', learned on one half of the studies and
    measured on the other, mean of both ways."""
    areas = []
    for half in (0, 1):
        learn = numpy.arange(len(texts)) % 2 == half
        positive, count = collections.Counter(), collections.Counter()
        for text, y in zip(texts[learn], outcome[learn]):
            positive[text] += int(y)
            count[text] += 1
        prior = outcome[learn].mean()
        values = [(positive[t] + prior) / (count[t] + 1) for t in texts[~learn]]
        areas.append(auc(numpy.array(values), outcome[~learn], either_way=False))
    area = sum(areas) / 2
    return max(area, 1 - area)


def attributes(dataset, prefix=""):
    for element in dataset:
        if element.keyword in ("PixelData",):
            continue
        if element.VR == "SQ":
            for i, item in enumerate(element.value):
                yield from attributes(item, f"{prefix}{element.keyword}[{i}].")
        else:
            yield prefix + (element.keyword or str(element.tag)), element.value


def cues_of(folder, study):
    """Name → number or text."""
    paths = [os.path.join(folder, i["file"]) for i in study["images"]]
    cues = {"pictures": len(paths), "bytes": sum(map(os.path.getsize, paths))}
    by_view = collections.defaultdict(list)
    for path, image in zip(paths, study["images"]):
        dataset = pydicom.dcmread(path)
        pixels = dataset.pixel_array.astype(numpy.float32)
        measured = {
            "mean grey": float(pixels.mean()),
            "spread": float(pixels.std()),
            "bytes": os.path.getsize(path),
        }
        by_view[image["view"]].append((measured, dict(attributes(dataset))))
    everything = [m for view in by_view.values() for m, _ in view]
    cues["mean grey of all"] = float(numpy.mean([m["mean grey"] for m in everything]))
    for view, pictures in by_view.items():
        for name in pictures[0][0]:
            cues[f"{view} {name}"] = float(numpy.mean([m[name] for m, _ in pictures]))
        for name, value in pictures[0][1].items():
            number = isinstance(value, (int, float))
            cues[f"{view} {name}"] = float(value) if number else str(value)
    return cues


def main():
    with tempfile.TemporaryDirectory(prefix="axnode-cues-") as folder:
        subprocess.run([sys.argv[1], folder, str(STUDIES), str(SEED)], check=True)
        with open(os.path.join(folder, "truth.json")) as file:
            studies = json.load(file)["studies"]
        rows = [cues_of(folder, study) for study in studies]
    outcome = numpy.array([bool(s["outcome"]) for s in studies])
    risk = numpy.array([s["risk"] for s in studies])
    print(f"prevalence {outcome.mean():.3f}, AUC of the true risk {auc(risk, outcome):.3f}")
    found = []
    for name in sorted(set().union(*rows)):
        column = [row.get(name, "absent") for row in rows]
        if len(set(column)) == 1:
            continue
        if all(isinstance(value, (int, float)) for value in column):
            found.append((auc(numpy.array(column, float), outcome), name))
        elif len(set(column)) <= STUDIES // 4:  # else an identifier, each study's own
            texts = numpy.array([str(value) for value in column])
            found.append((text_auc(texts, outcome), name))
    found.sort(reverse=True)
    for area, name in found[:12]:
        print(f"{area:.3f}  {name}")
    print(f"{len(found)} cues that vary; the limit is {LIMIT:.2f}")
    return 1 if found[0][0] > LIMIT else 0


if __name__ == "__main__":
    sys.exit(main())
