"""What fit_twin.py and evaluate_twin.py share: the three synthetic twins, the package that takes all
their features in one pass, and tables of what `axnode analyze` reports."""

import csv
import glob
import hashlib
import json
import os
import shutil
import subprocess

import verification_package as vp
from deep_sight import COUNT, MEAN, SIDE, SIGHT, STD

HERE = os.path.dirname(os.path.abspath(__file__))
TREE = os.path.dirname(HERE)
RECIPES = os.path.join(TREE, "docs", "recipes", "twins")
VERIFICATION = os.path.join(TREE, "packages", "verification")

# Of each twin: regions; (region, kind, prefix) of its deep networks; the recipes before the last,
# whose models are its scores.
TWINS = {
    "load-dlrn-2023-synthetic": dict(
        regions=["tumour"], deep=[("tumour", "resnet-max", "DL_")], scores=["dlr_score"]),
    "dlrn-2024-synthetic": dict(
        regions=["tumour"], deep=[("tumour", "resnet-average", "f_")], scores=[]),
    "dual-roi-2025-synthetic": dict(
        regions=["tumour", "node"],
        deep=[("tumour", "vgg", "vgg_"), ("node", "vgg", "vgg_")],
        scores=["tumour_score", "node_score"]),
}
# All their networks: one pass over the pictures serves the three.
ALL = dict(regions=["tumour", "node"],
           deep=[network for twin in TWINS.values() for network in twin["deep"]])

HEAD = """\
format: 1
name: {name}
version: "{version}"
intended_use: >-
  SYNTHETIC - NEVER FOR PATIENTS. Its networks and its score learned from synthetic studies alone.
  It shows that the published way from pictures to a risk runs. Its numbers say nothing about any
  patient: not for diagnosis, not for treatment, not for research on patients.
outcome:
  text: Estimated risk of axillary lymph node metastasis of a synthetic patient
  short: Node metastasis (synthetic)
population:
  - evidence: synthetic_data
    text: Synthetic studies only (Synthetic Data (0008,001C) is YES)
inputs:
  regions: [{regions}]
  sizes_require_calibration: region
"""
RADIOMICS = """\
radiomics:
  imageType:
    Original: {}
    Wavelet: {}
  featureClass:
    shape2D:
    firstorder:
    glcm:
    gldm:
    glrlm:
    glszm:
    ngtdm:
  setting:
    binWidth: 25
    force2D: true
"""
END = """\
agreement_min: 0.6
incomplete: [the score is not fitted yet]
provenance:
  data: Synthetic studies of `axnode phantom`
  method: training/fit_twin.py
  licence: Apache-2.0
"""


def sha256(path):
    with open(path, "rb") as file:
        return hashlib.sha256(file.read()).hexdigest()


def outline_networks(source, folder, regions):
    """The part `networks` of the package `source`, of these regions, with the files copied."""
    with open(os.path.join(source, "package.yaml")) as file:
        lines = file.read().split("\nnetworks:\n")[1].split("\nradiomics:\n")[0].splitlines()
    text, region = "networks:\n", None
    for line in lines:
        if line.startswith("  ") and line[2] != " ":
            region = line.strip(' :"')
        if region in regions:
            text += line + "\n"
    for region in regions:
        shutil.copyfile(os.path.join(source, region + ".onnx"),
                        os.path.join(folder, region + ".onnx"))
    return text


def deep_entry(folder, networks, region, kind, prefix):
    """An entry of `deep`; `networks`: pattern of the folders that hold the files."""
    name = f"{region}-{kind}.onnx"
    target = os.path.join(folder, name)
    shutil.copyfile(glob.glob(os.path.join(networks, name))[0], target)
    sight = "\n".join(f"    {key}: {value}" for key, value in SIGHT[kind].items())
    return f"""\
  - region: {region}
    file: {name}
    sha256: {sha256(target)}
    input_size: {SIDE}
    channels: 1
    normalisation: {{scale: 0.00392156862745098, mean: {MEAN}, std: {STD}}}
{sight}
    count: {COUNT[kind]}
    prefix: {prefix}
    first: 1
    activations: activations
    pooling: {"max" if kind == "resnet-max" else "average"}
"""


def write_base(axnode, folder, name, version, shape, networks, outlines):
    """A package with everything but a score: regions, deep networks (`networks`: pattern of folders),
    the outlining networks and self-test pictures of the package `outlines`."""
    shutil.rmtree(folder, ignore_errors=True)
    os.makedirs(os.path.join(folder, "selftest"))
    text = HEAD.format(name=name, version=version, regions=", ".join(shape["regions"]))
    text += outline_networks(outlines, folder, shape["regions"]) + RADIOMICS + "deep:\n"
    text += "".join(deep_entry(folder, networks, *entry) for entry in shape["deep"])
    text += END
    with open(os.path.join(folder, "package.yaml"), "w") as file:
        file.write(text)
    for region in shape["regions"]:
        for path in glob.glob(os.path.join(outlines, "selftest", region + "*.png")):
            shutil.copy(path, os.path.join(folder, "selftest"))
    subprocess.run([axnode, "model", "selftest", "--write", folder], check=True)


def analyze(axnode, package, folder, results):
    """`axnode analyze` over the studies of `folder` that have no result yet, ten at a time; of each
    study only result.json is kept. Words on the screen repeat the attributes and are not read."""
    with open(os.path.join(folder, "truth.json")) as file:
        studies = json.load(file)["studies"]
    missing = [study for study in studies if not os.path.exists(
        os.path.join(results, study["study_instance_uid"], "result.json"))]
    environment = {**os.environ, "TESSDATA_PREFIX": "/nonexistent"}
    for start in range(0, len(missing), 50):
        part = missing[start : start + 50]
        subprocess.run([axnode, "analyze", "--package", package, "--out", results]
                       + [os.path.join(folder, study["folder"]) for study in part],
                       check=True, stdout=subprocess.DEVNULL, env=environment)
        for study in part:
            for path in glob.glob(os.path.join(results, study["study_instance_uid"], "*")):
                if not path.endswith("result.json"):
                    os.remove(path)
    found = {}
    for study in studies:
        path = os.path.join(results, study["study_instance_uid"], "result.json")
        with open(path) as file:
            found[study["study_instance_uid"]] = json.load(file)
    return found


def measured(axnode, package, work, seed, studies):
    """(truth, results) of a seed by study: made and analysed as far as they are not yet."""
    folder = os.path.join(work, f"studies-{seed}")
    truth = vp.make_studies(axnode, folder, studies, seed)
    return truth, analyze(axnode, package, folder, os.path.join(work, f"results-{seed}"))


def write_table(path, parts, regions):
    """A line for each study on which all `regions` were outlined surely enough for a risk."""
    rows, names = [], None
    for truth, results in parts:
        for uid, study in truth.items():
            result = results[uid]
            values = result.get("features", {})
            found = result.get("regions", {})
            if any(found.get(region) is None or found[region]["unsure"] for region in regions):
                continue
            names = names or sorted(name for name in values if name.split("_")[0] in regions)
            rows.append([uid, study["outcome"]] + [values.get(name) for name in names])
    with open(path, "w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["study_uid", "outcome"] + names)
        writer.writerows(["" if value is None else value for value in row] for row in rows)
    return len(rows)
