"""Outlines made by axnode against masks drawn by people.

DATA holds images/NAME.png and masks/NAME.png; index.csv, if there, names pictures by its column
'id' and may have 'fold', 'device' and 'pathology'. With --roi node, hilum/NAME.png are the hila.
DATA may also be a folder that `axnode phantom` wrote: its breasts or, with --roi node, its axillae.

Per picture: Dice, IoU, 95 % Hausdorff distance (pixels; where something was found), relative error
of the longest diameter, seconds (reading, outlining, measuring). A failure is a Dice below 0.5.
Sizes are terciles of the mask's part of the picture. 'unsure' is what the package calls so."""
import argparse
import csv
import json
import pathlib
import shutil
import subprocess
import sys
import tempfile

import numpy
from PIL import Image, ImageDraw
from scipy import ndimage
from scipy.spatial import ConvexHull, QhullError
from scipy.spatial.distance import pdist

TREE = pathlib.Path(__file__).resolve().parent.parent
FAILURE = 0.5
TILES, TILE, COLUMNS = 20, 200, 5
GREEN, YELLOW, GREYS = (0, 230, 90), (255, 220, 0), 32 # of a montage: some 350 KB


def arguments():
    parser = argparse.ArgumentParser(prog="bench-outlines", description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=pathlib.Path)
    parser.add_argument("--package", type=pathlib.Path, help="model package (default: shipped)")
    parser.add_argument("--roi", choices=("tumor", "node"), default="tumor")
    parser.add_argument("--fold", action="append", help="only this fold of index.csv; repeatable")
    parser.add_argument("--device", help="only this scanner of index.csv")
    parser.add_argument("--limit", type=int, help="every n-th picture, so that about this many stay")
    parser.add_argument("--axnode", type=pathlib.Path, help="the program (default: the newest build)")
    parser.add_argument("--outlines", type=pathlib.Path,
                        help="masks made by something else, instead of running axnode")
    parser.add_argument("--keep", type=pathlib.Path, help="keep masks and overlays in this folder")
    parser.add_argument("--montage", type=pathlib.Path,
                        help="folder for best.png, median.png, worst.png: 20 pictures each")
    parser.add_argument("--json", action="store_true", help="everything, with one row per picture")
    return parser.parse_args()


def find_axnode():
    built = [p for p in TREE.glob("build/*/cli/axnode") if p.is_file()]
    if built:
        return max(built, key=lambda p: p.stat().st_mtime)
    installed = shutil.which("axnode")
    if not installed:
        sys.exit("failed: no axnode: build it (scripts/test) or name it with --axnode")
    return pathlib.Path(installed)


class Picture:
    """Where a picture and what people drew in it lie; row: of index.csv, or {}."""

    def __init__(self, image, mask, hilum, row):
        self.image, self.mask, self.hilum, self.row = image, mask, hilum, row

    def pixels(self):
        if self.image.suffix != ".dcm":
            return Image.open(self.image).convert("RGB")
        import pydicom
        return Image.fromarray(pydicom.dcmread(self.image).pixel_array).convert("RGB")


def synthetic(options):
    """{name: Picture} of a folder of `axnode phantom`."""
    roi = "node" if options.roi == "node" else "tumour"
    with open(options.data / "truth.json", encoding="utf-8") as file:
        stills = [s for study in json.load(file)["studies"] for s in study["images"] if roi in s]
    return {s["file"].removesuffix(".dcm").replace("/", "-"): Picture(
        options.data / s["file"], options.data / s[roi]["mask"],
        options.data / s[roi].get("hilum_mask", "-"), {}) for s in stills}


def drawn_by_people(options):
    """{name: Picture} of images/ and masks/."""
    index = {}
    if (options.data / "index.csv").is_file():
        with open(options.data / "index.csv", encoding="utf-8", newline="") as file:
            index = {row["id"]: row for row in csv.DictReader(file)}
    elif options.fold or options.device:
        sys.exit(f"failed: {options.data} has no index.csv to tell folds and scanners by")
    found = {}
    for image in sorted((options.data / "images").glob("*.png")):
        mask, row = options.data / "masks" / image.name, index.get(image.stem, {})
        if mask.is_file() and not (options.fold and row.get("fold") not in options.fold) \
                and not (options.device and row.get("device") != options.device):
            found[image.stem] = Picture(image, mask, options.data / "hilum" / image.name, row)
    return found


def pictures(options):
    """{name: Picture} of what is to be measured."""
    is_synthetic = (options.data / "truth.json").is_file()
    chosen = synthetic(options) if is_synthetic else drawn_by_people(options)
    if not chosen:
        sys.exit(f"failed: {options.data} has no pictures with masks to measure on")
    if options.limit and len(chosen) > options.limit:
        step = len(chosen) / options.limit
        kept = list(chosen)
        chosen = {name: chosen[name]
                  for name in (kept[int(i * step)] for i in range(options.limit))}
    return chosen


def outline(options, chosen, folder):
    """Run axnode once over all pictures; returns what it says of each."""
    inputs = folder / "images"
    inputs.mkdir()
    for name, picture in chosen.items():
        (inputs / f"{name}{picture.image.suffix}").symlink_to(picture.image.resolve())
    command = [options.axnode or find_axnode(), "segment", inputs, "--roi", options.roi,
               "--out", folder / "masks", "--overlay", folder / "overlays", "--json"]
    if options.roi == "node":
        command += ["--hilum", folder / "hilum"]
    if options.package:
        command += ["--package", options.package]
    done = subprocess.run([str(a) for a in command], stdout=subprocess.PIPE, text=True, check=False,
                          stderr=None if sys.stderr.isatty() else subprocess.PIPE)
    if done.returncode:
        sys.exit(f"failed: axnode segment ended with {done.returncode}\n{done.stderr or ''}")
    said = {}
    for line in done.stdout.splitlines():
        row = json.loads(line)
        said[pathlib.Path(row["file"]).stem] = row
    return said


def read_mask(path, shape=None):
    if not path.is_file():
        return None
    mask = numpy.asarray(Image.open(path).convert("L")) > 0
    if shape is not None and mask.shape != shape:
        sys.exit(f"failed: {path} is {mask.shape[1]}x{mask.shape[0]}, "
                 f"its mask {shape[1]}x{shape[0]}")
    return mask


def dice(a, b):
    total = a.sum() + b.sum()
    return 2 * (a & b).sum() / total if total else 1.0


def border(mask):
    return mask & ~ndimage.binary_erosion(mask)


def hausdorff95(a, b):
    """The larger of both directions' 95th percentiles of distances between borders."""
    if not a.any() or not b.any():
        return None
    a, b = border(a), border(b)
    there = ndimage.distance_transform_edt(~b)[a]
    back = ndimage.distance_transform_edt(~a)[b]
    return float(max(numpy.percentile(there, 95), numpy.percentile(back, 95)))


def diameter(mask):
    """Longest distance of two corners of pixels."""
    y, x = numpy.nonzero(border(mask))
    corners = numpy.concatenate([numpy.stack([x + dx, y + dy], 1)
                                 for dx in (-0.5, 0.5) for dy in (-0.5, 0.5)])
    try:
        corners = corners[ConvexHull(corners).vertices]
    except QhullError:
        pass
    return float(pdist(corners).max())


def measure(truth, found, said):
    overlap = (truth & found).sum() / max((truth | found).sum(), 1)
    row = {"dice": float(dice(truth, found)), "iou": float(overlap),
           "hd95_px": hausdorff95(truth, found), "diameter_error": None,
           "share": float(truth.mean()), "seconds": said.get("seconds"),
           "agreement": said.get("agreement"), "unsure": said.get("unsure"),
           "callipers": said.get("callipers")}
    if truth.any() and found.any():
        true_px = diameter(truth)
        row["diameter_error"] = abs(diameter(found) - true_px) / true_px
    return row


def median(values):
    values = [v for v in values if v is not None]
    return float(numpy.median(values)) if values else None


def mean(values):
    values = [v for v in values if v is not None]
    return float(numpy.mean(values)) if values else None


def summary(rows):
    scores = [r["dice"] for r in rows]
    return {"n": len(rows), "dice": mean(scores), "dice_median": median(scores),
            "iou": mean(r["iou"] for r in rows), "hd95_px": mean(r["hd95_px"] for r in rows),
            "failures": sum(s < FAILURE for s in scores),
            "failure_rate": sum(s < FAILURE for s in scores) / len(rows),
            "diameter_error": median(r["diameter_error"] for r in rows),
            "hilum_dice": mean(r.get("hilum_dice") for r in rows), # of nodes that have one
            "seconds": mean(r["seconds"] for r in rows)}


def groups(rows):
    """{title: {group: rows}}"""
    result = {"": {"all": rows}}
    for column in ("device", "pathology"):
        known = sorted({r[column] for r in rows if r.get(column)})
        if known:
            result[column] = {k: [r for r in rows if r.get(column) == k] for k in known}
    if len(rows) >= 9:
        low, high = numpy.quantile([r["share"] for r in rows], (1 / 3, 2 / 3))
        result["size"] = {
            f"small (below {low:.1%} of the picture)": [r for r in rows if r["share"] < low],
            "middle": [r for r in rows if low <= r["share"] < high],
            f"large (from {high:.1%})": [r for r in rows if r["share"] >= high]}
    if any(r["unsure"] is not None for r in rows):
        result["outline"] = {"sure": [r for r in rows if r["unsure"] is False],
                             "unsure": [r for r in rows if r["unsure"]],
                             "nothing found": [r for r in rows if r["unsure"] is None]}
    return {title: {k: v for k, v in parts.items() if v} for title, parts in result.items()}


def shown(value, form):
    return "-" if value is None else format(value, form)


def print_table(grouped):
    head = f"{'':44}{'n':>5} {'Dice':>6} {'median':>6} {'IoU':>6} {'HD95':>6} {'<0.5':>12} " \
           f"{'diameter':>8} {'seconds':>7}"
    print(head)
    for title, parts in grouped.items():
        if title:
            print(title)
        for name, rows in parts.items():
            s = summary(rows)
            print(f"{('  ' if title else '') + name:44}{s['n']:5} {shown(s['dice'], '6.3f')} "
                  f"{shown(s['dice_median'], '6.3f')} {shown(s['iou'], '6.3f')} "
                  f"{shown(s['hd95_px'], '6.1f')} {s['failures']:4} {s['failure_rate']:7.1%} "
                  f"{shown(s['diameter_error'], '8.1%')} {shown(s['seconds'], '7.3f')}")
            if s["hilum_dice"] is not None:
                print(f"{'    hilum: mean Dice':44}{'':5} {s['hilum_dice']:6.3f}")


def around(mask):
    """The square that holds the mask with as much again around it, and a third of the picture at
    least: left, top, right, bottom."""
    y, x = numpy.nonzero(mask)
    if len(y) == 0:
        return 0, 0, mask.shape[1], mask.shape[0]
    half = max(x.max() - x.min(), y.max() - y.min(), min(mask.shape) // 6)
    x, y = (int(v.min() + v.max()) // 2 for v in (x, y))
    return (max(0, x - half), max(0, y - half), min(mask.shape[1], x + half),
            min(mask.shape[0], y + half))


def tile(picture, folder, row):
    name, truth = row["id"], read_mask(picture.mask)
    found = read_mask(folder / "masks" / f"{name}.png", truth.shape)
    found = numpy.zeros_like(truth) if found is None else found
    box = around(truth | found)
    scale = (TILE - 16) / max(box[2] - box[0], box[3] - box[1])
    size = int((box[2] - box[0]) * scale), int((box[3] - box[1]) * scale)
    pixels = numpy.array(picture.pixels().crop(box).resize(size, Image.LANCZOS))
    for mask, colour in ((truth, GREEN), (found, YELLOW)):
        mask = numpy.array(Image.fromarray(mask).crop(box).resize(size, Image.NEAREST))
        pixels[border(mask)] = colour
    shown = Image.fromarray(pixels)
    canvas = Image.new("RGB", (TILE, TILE))
    canvas.paste(shown, ((TILE - shown.width) // 2, 16))
    ImageDraw.Draw(canvas).text((4, 2), f"{name}  {row['dice']:.3f}", fill=(255, 255, 255))
    return canvas


def montage(options, chosen, folder, rows):
    options.montage.mkdir(parents=True, exist_ok=True)
    colours = Image.new("P", (1, 1))
    greys = [(v, v, v) for v in range(0, 256, 256 // GREYS)]
    colours.putpalette(sum([GREEN, YELLOW, *greys, (255, 255, 255)], ()))
    ordered = sorted(rows, key=lambda r: r["dice"])
    middle = max(0, len(ordered) // 2 - TILES // 2)
    for name, part in (("worst", ordered[:TILES]), ("median", ordered[middle:middle + TILES]),
                       ("best", ordered[::-1][:TILES])):
        sheet = Image.new("RGB", (COLUMNS * TILE, -(-len(part) // COLUMNS) * TILE))
        for i, row in enumerate(part):
            sheet.paste(tile(chosen[row["id"]], folder, row), (i % COLUMNS * TILE, i // COLUMNS * TILE))
        sheet = sheet.quantize(palette=colours, dither=Image.Dither.NONE)
        sheet.save(options.montage / f"{name}.png", optimize=True)


def bench(options, folder):
    chosen = pictures(options)
    said = {}
    if options.outlines:
        (folder / "masks").symlink_to(options.outlines.resolve())
    else:
        said = outline(options, chosen, folder)
    rows = []
    for name, picture in chosen.items():
        truth = read_mask(picture.mask)
        found = read_mask(folder / "masks" / f"{name}.png", truth.shape)
        row = measure(truth, numpy.zeros_like(truth) if found is None else found,
                      said.get(name, {}))
        hilum = read_mask(picture.hilum, truth.shape)
        made = read_mask(folder / "hilum" / f"{name}.png", truth.shape)
        if hilum is not None and hilum.any() and made is not None:
            row["hilum_dice"] = float(dice(hilum, made))
        rows.append({"id": name, "device": picture.row.get("device"),
                     "pathology": picture.row.get("pathology"), **row})
    grouped = groups(rows)
    if options.montage:
        montage(options, chosen, folder, rows)
    if options.json:
        json.dump({"data": str(options.data), "fold": options.fold, "roi": options.roi,
                   "groups": {title or "overall": {k: summary(v) for k, v in parts.items()}
                              for title, parts in grouped.items()},
                   "pictures": rows}, sys.stdout, indent=1)
        print()
    else:
        print_table(grouped)


def main():
    options = arguments()
    if options.keep:
        options.keep.mkdir(parents=True, exist_ok=False)
        bench(options, options.keep)
        return
    with tempfile.TemporaryDirectory(prefix="bench-outlines-") as folder:
        bench(options, pathlib.Path(folder))


if __name__ == "__main__":
    main()
