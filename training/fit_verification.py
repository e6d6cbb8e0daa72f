#!/usr/bin/python3
"""Make packages/verification: fit its score on synthetic studies, from the pixels.

    fit_verification.py --axnode BUILD/cli/axnode --tumour T.onnx --node N.onnx
                        [--view V.onnx] --work SCRATCH --out packages/verification

Writes the networks, a package.yaml without a score, runs `axnode analyze` with it over
synthetic studies of a training seed, fits a logistic regression to the features that the program
reports, and writes the finished package.yaml, the self-test and MANIFEST.
"""

import argparse
import hashlib
import os
import shutil
import subprocess

import numpy

import outline_data
import verification_package as vp

SEED = 201
SELFTEST_SEED = 9

HEAD = """\
format: 1
name: verification
version: "{version}"
intended_use: >-
  VERIFICATION OF INSTALLATION ONLY - NOT FOR CLINICAL USE. This model was fitted on SYNTHETIC
  studies alone. It shows that images, networks, measurements and reports work together. Its
  numbers say nothing about any patient: not for diagnosis, not for treatment, not for research
  on patients.
outcome:
  text: Estimated risk of axillary lymph node metastasis
  short: Node metastasis (synthetic)
population:
  - evidence: synthetic_data
    text: Synthetic studies only (Synthetic Data (0008,001C) is YES)
inputs:
  regions: [tumour, node]
  sizes_require_calibration: region
networks:
  tumour:
    file: tumour.onnx
    sha256: {tumour}
    input_size: 192
    normalisation: {{scale: 0.00392156862745098, mean: 0, std: 1}}
    channels_in: [grey, callipers]
    channels: [tumour]
    threshold: 0.5
    min_area_fraction: 0.001
    zoom: [2.2, 2.8]
  node:
    file: node.onnx
    sha256: {node}
    input_size: 256
    normalisation: {{scale: 0.00392156862745098, mean: 0, std: 1}}
    channels: [node, hilum]
    threshold: 0.5
    min_area_fraction: 0.001
    zoom: [2.8, 4]
  view:
    file: view.onnx
    sha256: {view}
    input_size: 128
    normalisation: {{scale: 0.00392156862745098, mean: 0, std: 1}}
    confidence_min: 0.9
radiomics:
  imageType:
    Original: {{}}
  featureClass:
    shape2D:
    firstorder:
  setting:
    binWidth: 25
    force2D: true
agreement_min: 0.6
"""

PROVENANCE = """\
provenance:
  data: >-
    Score: {n} of {studies} synthetic studies, `axnode phantom` seed {seed}. Node network: synthetic
    studies, seed 101. Tumour network: BUS-BRA folds 1-4 (Gomez-Flores et al., Medical Physics
    2023). View network: both.
  method: >-
    Logistic regression, ridge 1 on standardised terms, of features measured by `axnode analyze`
    (training/fit_verification.py). Networks: residual U-Nets (docs/models).
  licence: Apache-2.0
"""


def sha256(path):
    with open(path, "rb") as file:
        return hashlib.sha256(file.read()).hexdigest()


def write_package(axnode, folder, text):
    with open(os.path.join(folder, "package.yaml"), "w") as file:
        file.write(text)
    subprocess.run([axnode, "model", "selftest", "--write", folder], check=True)


def write_selftest_pictures(axnode, work, folder):
    """One tumour and one node that keeps its hilum, cut to their tissue, with true masks."""
    import pydicom
    from PIL import Image

    studies = os.path.join(work, f"studies-{SELFTEST_SEED}")
    truth = vp.make_studies(axnode, studies, 4, SELFTEST_SEED)
    study = next(s for s in truth.values() if s["latents"]["hilum_fraction"] > 0.2)
    os.makedirs(os.path.join(folder, "selftest"), exist_ok=True)
    for picture in study["images"]:
        roi = "tumour" if "tumour" in picture else "node"
        if not picture["principal"]:
            continue
        box = picture["region"]
        cut = (slice(box["y0"], box["y1"] + 1), slice(box["x0"], box["x1"] + 1))
        pixels = pydicom.dcmread(os.path.join(studies, picture["file"])).pixel_array
        planes = {"": outline_data.to_grey(pixels)[cut]}
        parts = {"-mask": "mask", "-hilum": "hilum_mask"} if roi == "node" else {"-mask": "mask"}
        for suffix, key in parts.items():
            mask = outline_data.read_mask(os.path.join(studies, picture[roi][key]))
            planes[suffix] = 255 * mask[cut]
        for suffix, plane in planes.items():
            Image.fromarray(numpy.ascontiguousarray(plane)).save(
                os.path.join(folder, "selftest", roi + suffix + ".png")
            )
    shutil.copyfile(os.path.join(folder, "selftest", "node.png"),
                    os.path.join(folder, "selftest", "view.png"))


def model_text(intercept, centre, scale, coefficients, cutoff):
    lines = ["model:", "  link: logistic", f"  intercept: {intercept:.6f}", "  terms:"]
    for (name, sized), c, s, b in zip(vp.TERMS, centre, scale, coefficients):
        lines += [
            f"    - feature: {name}",
            f"      centre: {c:.6g}",
            f"      scale: {s:.6g}",
            f"      coefficient: {b:.6f}",
            f"      needs_calibration: {'true' if sized else 'false'}",
            "      missing: refuse",
        ]
    lines += [
        "  cutoff:",
        f"    value: {cutoff:.3f}",
        "    rule: Youden index on the synthetic studies it was fitted on",
    ]
    return "\n".join(lines) + "\n"


def youden(score, outcome):
    candidates = numpy.unique(score)
    gain = [(score[outcome] >= c).mean() - (score[~outcome] >= c).mean() for c in candidates]
    return candidates[int(numpy.argmax(gain))]


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--axnode", required=True)
    parser.add_argument("--tumour", required=True)
    parser.add_argument("--node", required=True)
    parser.add_argument("--view", help="(default: the one in --out)")
    parser.add_argument("--work", required=True, help="scratch: studies and results are kept there")
    parser.add_argument("--out", required=True)
    parser.add_argument("--studies", type=int, default=500)
    parser.add_argument("--version", default="1.3.0")
    options = parser.parse_args()

    os.makedirs(options.work, exist_ok=True)
    os.makedirs(options.out, exist_ok=True)
    for source, name in ((options.tumour, "tumour.onnx"), (options.node, "node.onnx"),
                         (options.view, "view.onnx")):
        target = os.path.join(options.out, name)
        if source and os.path.realpath(source) != os.path.realpath(target):
            shutil.copyfile(source, target)
    head = HEAD.format(
        version=options.version,
        tumour=sha256(os.path.join(options.out, "tumour.onnx")),
        node=sha256(os.path.join(options.out, "node.onnx")),
        view=sha256(os.path.join(options.out, "view.onnx")),
    )
    write_selftest_pictures(options.axnode, options.work, options.out)

    unfitted = os.path.join(options.work, "unfitted")
    shutil.rmtree(unfitted, ignore_errors=True)
    shutil.copytree(options.out, unfitted)
    provenance = PROVENANCE.format(n=0, studies=options.studies, seed=SEED)
    missing = "incomplete: [the score is not fitted yet]\n"
    write_package(options.axnode, unfitted, head + missing + provenance)

    studies = os.path.join(options.work, f"studies-{SEED}")
    truth = vp.make_studies(options.axnode, studies, options.studies, SEED)
    results = vp.analyze(
        options.axnode, unfitted, studies, os.path.join(options.work, f"results-{SEED}")
    )
    x, y = vp.rows_of(truth, results)
    centre, scale = x.mean(0), x.std(0)
    intercept, coefficients = vp.fit_logistic((x - centre) / scale, y)
    score = 1 / (1 + numpy.exp(-intercept - (x - centre) / scale @ coefficients))
    area, low, high = vp.auc_with_interval(score, y)
    print(f"{len(x)} of {options.studies} studies measured")
    print(f"AUC where fitted {area:.3f} ({low:.3f}-{high:.3f})")
    for (name, _), b in zip(vp.TERMS, coefficients):
        print(f"  {b:+.3f}  {name}")

    text = head + model_text(intercept, centre, scale, coefficients, youden(score, y))
    provenance = PROVENANCE.format(n=len(x), studies=options.studies, seed=SEED)
    write_package(options.axnode, options.out, text + provenance)


if __name__ == "__main__":
    main()
