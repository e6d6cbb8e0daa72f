"""The report's pages through `axnode analyze`: Secondary Captures, PDF and HTML of synthetic studies say
the same, keep to files of their own, and are the same bytes again."""
import hashlib
import json
import pathlib
import shutil
import stat
import subprocess
import sys
import tempfile
import unittest

import pydicom

TREE = pathlib.Path(__file__).resolve().parent.parent.parent
BUILD = pathlib.Path(sys.argv[1]) if len(sys.argv) > 1 else TREE / "build" / "dev"
sys.path[:0] = [str(TREE / "tests" / "unit" / "report"), str(TREE / "scripts")]
from gallery import make_incomplete  # noqa: E402
from html_page import check_page  # noqa: E402

PACKAGE = TREE / "packages" / "verification"
PDF_CLASS = "1.2.840.10008.5.1.4.1.1.104.1"


def axnode(*arguments, status=0):
    done = subprocess.run([str(BUILD / "cli" / "axnode"), *map(str, arguments)],
                          capture_output=True, text=True, check=False)
    assert done.returncode == status, done.stderr
    return done.stdout + done.stderr


def pdf_text(report, folder):
    document = pydicom.dcmread(report / "pdf.dcm")
    assert document.SOPClassUID == PDF_CLASS and document.MIMETypeOfEncapsulatedDocument == "application/pdf"
    assert document.BurnedInAnnotation == "YES" and document.VerificationFlag == "UNVERIFIED"
    path = folder / "report.pdf"
    path.write_bytes(document.EncapsulatedDocument[:document.EncapsulatedDocumentLength])
    return " ".join(subprocess.run(["pdftotext", path, "-"], check=True, capture_output=True,
                                   text=True).stdout.split())


class Pages(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = pathlib.Path(tempfile.mkdtemp(prefix="axnode-pages-"))
        cls.addClassCleanup(shutil.rmtree, cls.folder)
        axnode("phantom", "--out", cls.folder / "phantom", "--studies", 1, "--seed", 5)
        cls.study = cls.folder / "phantom" / "study-0001"
        cls.report = cls.analyze("once")

    @classmethod
    def analyze(cls, name, package=PACKAGE):
        out = cls.folder / name
        axnode("analyze", cls.study, "--package", package, "--out", out, "--html", "--objects", "pdf")
        return next(out.iterdir())

    def test_same_words(self):
        result = json.loads((self.report / "result.json").read_text())
        words = check_page((self.report / "report.html").read_text(encoding="utf-8"))
        text = pdf_text(self.report, self.folder)
        package = result["package"]
        for said in ("NOT FOR CLINICAL USE", package["outcome"], package["intended_use"],
                     result["status"], f"{100 * result['risk']['probability']:.1f} %",
                     f"{package['name']} {package['version']}", *result["notes"]):
            self.assertIn(said, words)
            self.assertIn(said, text)
        self.assertIn("page 2 of 2", text)
        pages = [pydicom.dcmread(self.report / name) for name in ("sc.dcm", "sc-2.dcm")]
        self.assertEqual([page.InstanceNumber for page in pages], [1, 2])
        self.assertEqual(len({page.SeriesInstanceUID for page in pages}), 1)

    def test_same_bytes(self):
        once, twice = self.report, self.analyze("twice")
        digests = [{path.name: hashlib.sha256(path.read_bytes()).hexdigest()
                    for path in report.iterdir()} for report in (once, twice)]
        self.assertEqual(digests[0], digests[1])
        self.assertLessEqual({"report.html", "pdf.dcm", "sc.dcm", "overlay.png"}, digests[0].keys())
        for path in once.iterdir():
            self.assertEqual(stat.S_IMODE(path.stat().st_mode), 0o600, path.name)

    def test_valid(self):
        for name in ("pdf.dcm", "sc.dcm", "sc-2.dcm"):
            said = subprocess.run(["dciodvfy", "-new", self.report / name], capture_output=True, text=True,
                                  check=False).stderr
            self.assertNotRegex(said, "Error|Warning", name)

    def test_no_risk_says_why(self):
        package = self.folder / "incomplete"
        make_incomplete(PACKAGE, package)
        report = self.analyze("no-risk", package=package)
        text = pdf_text(report, self.folder)
        words = check_page((report / "report.html").read_text(encoding="utf-8"))
        for said in ("No risk estimated", "the intercept of the model (not published)"):
            self.assertIn(said, text)
            self.assertIn(said, words)
        self.assertNotIn("95 % interval", text + words)
        self.assertFalse((report / "sc-2.dcm").exists())

    def test_html_needs_a_folder(self):
        self.assertIn("--html needs --out", axnode("analyze", self.study, "--html", status=2))

    def test_earlier_pages_are_replaced(self):
        report = self.analyze("again")
        (report / "heatmap-node.png").write_bytes(b"of an earlier run")
        axnode("analyze", self.study, "--package", PACKAGE, "--out", report.parent)
        left = {path.name for path in report.iterdir()}
        self.assertFalse(left & {"report.html", "pdf.dcm", "heatmap-node.png"}, left)


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1], verbosity=2)
