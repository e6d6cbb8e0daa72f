"""The units verify and stand at 2.0 or better in systemd's own count of their exposure; the user
and the folders are made by systemd's own tools in an empty root."""
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import unittest

ROOT, BUILD = pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2])
EXPOSURE_MAX = 2.0


def run(*arguments):
    return subprocess.run([str(a) for a in arguments], capture_output=True, text=True, check=False)


class Systemd(unittest.TestCase):
    def setUp(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="axnode-deploy-", dir="/tmp"))
        self.addCleanup(shutil.rmtree, self.folder, True)
        # The program that the units name is not installed here: the built one stands in.
        for name in ("axnoded.service", "axnode-worker@.service"):
            text = (BUILD / "deploy" / name).read_text()
            text = re.sub(r"(?m)^ExecStart=\S+", f"ExecStart={BUILD}/service/axnoded", text)
            (self.folder / name.replace("@", "@1")).write_text(text)
        shutil.copy(ROOT / "deploy" / "axnode.target", self.folder)
        self.units = sorted(self.folder.glob("axnode*.service"))
        self.assertEqual(len(self.units), 2)

    def test_units_verify(self):
        for unit in [*self.units, self.folder / "axnode.target"]:
            done = run("systemd-analyze", "verify", "--man=no", "--recursive-errors=no", unit)
            words = [line for line in done.stderr.splitlines() if "axnode" in line]
            self.assertEqual((done.returncode, words), (0, []), done.stderr)

    def test_exposure(self):
        for unit in self.units:
            done = run("systemd-analyze", "security", "--offline=true", "--no-pager", unit)
            found = re.search(r"Overall exposure level for \S+: ([0-9.]+)", done.stdout)
            self.assertTrue(found, done.stdout + done.stderr)
            self.assertLessEqual(float(found.group(1)), EXPOSURE_MAX, done.stdout)

    def test_no_core_dumps_and_private_files(self):
        for unit in self.units:
            text = unit.read_text()
            for line in ("LimitCORE=0", "UMask=0077", "StateDirectoryMode=0700"):
                self.assertIn(line, text.splitlines())
            self.assertRegex(text, r"(?m)^MemoryMax=\d")

    def test_user_and_folders(self):
        (self.folder / "etc").mkdir()
        done = run("systemd-sysusers", "--root", self.folder, "--dry-run",
                   ROOT / "deploy" / "sysusers.conf")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn("axnode", done.stdout + done.stderr)
        # tmpfiles has no dry run: names that the empty root knows, nothing to make.
        (self.folder / "etc" / "passwd").write_text("root:x:0:0::/:\naxnode:x:0:0::/:\n")
        (self.folder / "etc" / "group").write_text("root:x:0:\naxnode:x:0:\n")
        done = run("systemd-tmpfiles", "--root", self.folder, "--create", "--prefix=/nowhere",
                   ROOT / "deploy" / "tmpfiles.conf")
        self.assertEqual((done.returncode, done.stderr), (0, ""))


if __name__ == "__main__":
    for tool in ("systemd-analyze", "systemd-sysusers", "systemd-tmpfiles"):
        if not shutil.which(tool):
            print(f"skipped: no {tool}")
            sys.exit(77)
    unittest.main(argv=sys.argv[:1], verbosity=2)
