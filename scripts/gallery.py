"""Make the pictures of docs/report.md again, from synthetic studies.

    scripts/gallery BUILD OUT [NAME…]

BUILD holds cli/axnode; OUT gets NAME.png. Without names all but the viewers' are made; those need a
network and some minutes: `orthanc`, `ohif-sr`, `ohif-seg`, `ohif-sc` (OHIF's released viewer comes
from npm, beside playwright-core; chromium, node and Orthanc are installed)."""

import argparse
import functools
import hashlib
import http.server
import io
import json
import pathlib
import shutil
import subprocess
import sys
import tempfile
import threading
import urllib.error
import urllib.request

import pydicom
from PIL import Image

from stack import Stack, free_port

TREE = pathlib.Path(__file__).resolve().parent.parent
SEED = 5
OHIF = "@ohif/app@3.13.2"
WIDTH = 1280  # of the pictures
HEADLESS = ["chromium", "--headless=new", "--no-sandbox", "--disable-gpu", "--hide-scrollbars"]


def run(*command, **options):
    return subprocess.run([str(part) for part in command], check=True, stdout=subprocess.DEVNULL,
                          stderr=subprocess.DEVNULL, **options)


def save(picture, path):
    """A palette: screenshots of a page have few colours."""
    if picture.width > WIDTH:
        picture = picture.resize((WIDTH, round(picture.height * WIDTH / picture.width)),
                                 Image.LANCZOS)
    for colours in (256, 128, 64, 32):
        packed = io.BytesIO()
        picture.convert("RGB").quantize(colours, Image.Quantize.MAXCOVERAGE, kmeans=3).save(
            packed, "PNG", optimize=True)
        if packed.tell() <= 300_000:
            break
    path.write_bytes(packed.getvalue())
    print(f"{path}: {picture.width} × {picture.height}, {packed.tell() // 1000} kB")


# ---- studies ----

def spoil(place, kind):
    """The second phantom study as a modality may send it."""
    for truth in json.loads((place / "truth.json").read_text())["studies"][1]["images"]:
        path = place / truth["file"]
        if kind == "no-node" and truth["view"] == "axilla":
            path.unlink()
        if kind == "uncalibrated":
            image = pydicom.dcmread(path)
            del image.SequenceOfUltrasoundRegions
            image.save_as(path)


def make_incomplete(package, copy):
    """The package as it would be without one of its parts, which it names."""
    shutil.copytree(package, copy)
    with open(copy / "package.yaml", "a", encoding="utf-8") as text:
        text.write("incomplete:\n  - the weights of the network that gives 128 features of each region "
                   "(not published)\n  - the intercept of the model (not published)\n")
    files = sorted(str(path.relative_to(copy)) for path in copy.rglob("*")
                   if path.is_file() and path.name != "MANIFEST")
    (copy / "MANIFEST").write_text("".join(
        f"{hashlib.sha256((copy / file).read_bytes()).hexdigest()}  {file}\n" for file in files))


class Gallery:
    def __init__(self, build, folder):
        self.axnode = build / "cli" / "axnode"
        self.folder = folder

    @functools.cache
    def study(self, kind="plain"):
        """Study 2 of the phantoms, as it is or spoilt."""
        place = self.folder / kind
        run(self.axnode, "phantom", "--out", place, "--studies", 2, "--seed", SEED)
        if kind != "plain":
            spoil(place, kind)
        return place / "study-0002"

    @functools.cache
    def report(self, kind="plain", package=TREE / "packages" / "verification"):
        """Folder of what `axnode analyze` makes of it."""
        out = self.folder / f"report-{kind}-{package.name}"
        run(self.axnode, "analyze", self.study(kind), "--package", package, "--out", out, "--html",
            "--objects", "pdf,pr,ko,seg-ohif")
        return next(out.iterdir())

    def page(self, report, number=1):
        name = "sc.dcm" if number == 1 else f"sc-{number}.dcm"
        return Image.fromarray(pydicom.dcmread(report / name).pixel_array)

    # ---- one function for each picture ----

    def risk(self):
        return self.page(self.report())

    def estimate(self):
        return self.page(self.report(), 2)

    def heat_maps(self):
        return self.page(self.report(package=TREE / "packages" / "dual-roi-2025-synthetic"), 2)

    def uncalibrated(self):
        return self.page(self.report("uncalibrated"))

    def no_node(self):
        return self.page(self.report("no-node"))

    def incomplete(self):
        copy = self.folder / "incomplete"
        make_incomplete(TREE / "packages" / "verification", copy)
        return self.page(self.report(package=copy))

    def pdf(self):
        document = pydicom.dcmread(self.report() / "pdf.dcm")
        path = self.folder / "report.pdf"
        path.write_bytes(document.EncapsulatedDocument[:document.EncapsulatedDocumentLength])
        run("pdftoppm", "-r", 110, "-png", "-singlefile", path, self.folder / "pdf")
        return Image.open(self.folder / "pdf.png")

    def html(self):
        shot = self.folder / "html.png"
        run(*HEADLESS, "--window-size=1240,1700", f"--screenshot={shot}",
            (self.report() / "report.html").as_uri())
        return Image.open(shot)


PLAIN = ["risk", "estimate", "heat-maps", "no-node", "uncalibrated", "incomplete", "html", "pdf"]
VIEWERS = ["orthanc", "ohif-sr", "ohif-seg", "ohif-sc"]


# ---- viewers ----

class Viewer(http.server.SimpleHTTPRequestHandler):
    """OHIF's files, with its settings, and Orthanc's DICOMweb under the same address."""

    orthanc = dist = None
    settings = """window.config = {routerBasename: null,
      investigationalUseDialog: {option: 'never'}, extensions: [], modes: [], showStudyList: true,
      defaultDataSourceName: 'dicomweb', dataSources: [{sourceName: 'dicomweb',
      namespace: '@ohif/extension-default.dataSourcesModule.dicomweb',
      configuration: {friendlyName: 'Orthanc', name: 'orthanc', qidoRoot: '/dicom-web',
      wadoRoot: '/dicom-web', wadoUriRoot: '/dicom-web', imageRendering: 'wadors',
      thumbnailRendering: 'wadors', qidoSupportsIncludeField: true, enableStudyLazyLoad: true,
      omitQuotationForMultipartRequest: true,
      bulkDataURI: {enabled: true, relativeResolution: 'studies'}}}]};"""

    def log_message(self, *_):
        pass

    def answer(self, body, kind):
        self.send_response(200)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Cross-Origin-Opener-Policy", "same-origin")
        self.send_header("Cross-Origin-Embedder-Policy", "require-corp")
        self.end_headers()
        self.wfile.write(body)

    def do_GET(self):
        if self.path.startswith("/dicom-web"):
            request = urllib.request.Request(self.orthanc + self.path,
                                             headers={"Accept": self.headers.get("Accept", "*/*")})
            try:
                with urllib.request.urlopen(request, timeout=60) as found:
                    return self.answer(found.read(), found.headers["Content-Type"])
            except urllib.error.HTTPError as error:
                return self.send_error(error.code)
        if self.path.startswith("/app-config.js"):
            return self.answer(self.settings.encode(), "text/javascript")
        file = self.dist / self.path.split("?")[0].lstrip("/")
        if not file.is_file():
            file = self.dist / "index.html"
        return self.answer(file.read_bytes(), self.guess_type(str(file)))


def fetch_ohif(folder):
    """The folder of OHIF's files, and node modules beside."""
    place = folder / "npm"
    place.mkdir()
    (place / "package.json").write_text("{}")
    run("npm", "install", "--no-save", "playwright-core", cwd=place)
    run("npm", "pack", OHIF, cwd=place)
    run("tar", "xf", next(place.glob("ohif-app-*.tgz")), cwd=place)
    return place


def viewers(gallery, names, out, npm):
    """An Orthanc with the study and its report, looked at in its own page and in OHIF."""
    report = gallery.report()
    # of the two segmentations the one with geometry, which OHIF needs
    objects = [path for path in sorted(report.glob("*.dcm")) if path.name != "seg.dcm"]
    scratch = gallery.folder / "stack"
    scratch.mkdir()
    with Stack(gallery.axnode.parent.parent, scratch) as stack:
        stack.orthanc()
        for path in [*sorted(gallery.study().glob("*.dcm")), *objects]:
            urllib.request.urlopen(f"http://127.0.0.1:{stack.orthanc_http}/instances",
                                   path.read_bytes(), timeout=30).close()
        study = pydicom.dcmread(report / "sr.dcm").StudyInstanceUID
        if "orthanc" in names:
            look_at_orthanc(gallery, stack, study, out)
        if any(name.startswith("ohif") for name in names):
            look_with_ohif(gallery, stack, study, names, out, npm)


def look_at_orthanc(gallery, stack, study, out):
    shot = gallery.folder / "orthanc.png"
    run(*HEADLESS, "--window-size=1280,900", "--virtual-time-budget=20000", f"--screenshot={shot}",
        f"http://127.0.0.1:{stack.orthanc_http}/app/explorer.html#study?uuid={stack.pacs_study(study)}")
    save(Image.open(shot), out / "orthanc.png")


def look_with_ohif(gallery, stack, study, names, out, npm):
    place = npm or fetch_ohif(gallery.folder)
    port = free_port()
    Viewer.orthanc = f"http://127.0.0.1:{stack.orthanc_http}"
    Viewer.dist = place / "package" / "dist"
    server = http.server.ThreadingHTTPServer(("127.0.0.1", port), Viewer)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    shutil.copy(TREE / "scripts" / "gallery-ohif.mjs", place)
    try:
        subprocess.run(["node", "gallery-ohif.mjs", f"http://127.0.0.1:{port}", study,
                        str(gallery.folder), *names], cwd=place, check=True, timeout=600)
    finally:
        server.shutdown()
    for name in names:
        shot = gallery.folder / f"{name}.png"
        if name.startswith("ohif") and shot.exists():
            save(Image.open(shot), out / f"{name}.png")


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("build", type=pathlib.Path)
    parser.add_argument("out", type=pathlib.Path)
    parser.add_argument("names", nargs="*", metavar="NAME", help=", ".join(PLAIN + VIEWERS))
    parser.add_argument("--npm", type=pathlib.Path,
                        help="folder with node_modules/playwright-core and OHIF's package")
    options = parser.parse_args()
    names = options.names or PLAIN
    if unknown := set(names) - set(PLAIN + VIEWERS):
        parser.error(f"no such picture: {', '.join(sorted(unknown))}")
    options.out.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="axnode-gallery-") as folder:
        gallery = Gallery(options.build.resolve(), pathlib.Path(folder))
        for name in names:
            if name in PLAIN:
                save(getattr(gallery, name.replace("-", "_"))(), options.out / f"{name}.png")
        if wanted := [name for name in names if name in VIEWERS]:
            viewers(gallery, wanted, options.out, options.npm and options.npm.resolve())


if __name__ == "__main__":
    sys.exit(main())
