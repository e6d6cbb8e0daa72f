"""What several integration tests ask of the system."""
import pathlib
import signal
import subprocess
import sys
import unittest

import pydicom

from stack import SETTLED, TREE, Failed, Stack, run, wait_for

BUILD = pathlib.Path(sys.argv[1]) if len(sys.argv) > 1 else TREE / "build" / "dev"
SHARED = TREE.parent / "shared"


def skip_without(path):
    if not path.exists():
        print(f"skipped: no {path.name} beside the checkout")
        sys.exit(77)


def stop(*_):
    """Ends what was started, too. unittest takes any other exception for a failure, and goes on."""
    raise KeyboardInterrupt


def main():
    """Run the tests of the calling file; sys.argv[1] is the build folder."""
    signal.signal(signal.SIGTERM, stop)
    unittest.main(argv=[sys.argv[0], *sys.argv[2:]], verbosity=2)


def settled(stack, studies, timeout_s=300):
    """Wait until so many studies exist and all have reached an end; returns them."""
    def now():
        stack.alive("axnoded")
        rows = stack.studies()
        return (len(rows) >= studies and all(r["state"] in SETTLED for r in rows.values())
                and rows)
    try:
        return wait_for(f"{studies} studies reach their end", now, timeout_s, 0.2)
    except Failed as reason:
        raise AssertionError(f"{reason}\n{stack.studies()}\n{stack.log('axnoded')[-6000:]}") from None


def dicom_valid(path):
    """dciodvfy -new has no error; returns its warnings."""
    done = subprocess.run(["dciodvfy", "-new", str(path)], capture_output=True, text=True,
                          errors="replace", check=False)
    lines = (done.stdout + done.stderr).splitlines()
    errors = [line for line in lines if line.startswith("Error")]
    if errors:
        raise AssertionError(f"{path}: {errors}")
    return [line for line in lines if line.startswith("Warning")]


def readable(path):
    """Independent readers take the object."""
    dataset = pydicom.dcmread(path)
    if dataset.Modality == "SR":
        run(["dsrdump", path])
        html = pathlib.Path(f"{path}.html")
        run(["dsr2html", path, html])
        html.unlink()
    else:
        assert dataset.pixel_array.size > 0
    return dataset


def outgoing(stack):
    """{SOP Instance UID: (kind, study UID, SHA-256, path of the file)} of all we made."""
    rows = stack.sql("SELECT o.sop_uid, o.kind, s.study_uid, o.sha256, o.key FROM outgoing o "
                     "JOIN job j ON j.id = o.job JOIN study s ON s.id = j.study")
    return {uid: (kind, study, sha256,
                  stack.folder / "store" / "outgoing" / key[:2] / f"{key}.dcm")
            for uid, kind, study, sha256, key in rows}


def outcome(stack, study_uid):
    """Outcome of a study's last result, or None."""
    rows = stack.sql(f"SELECT outcome FROM v_result WHERE study_uid = '{study_uid}' "
                     "ORDER BY generation DESC LIMIT 1")
    return rows[0][0] if rows else None


def assert_sane(test, stack):
    """No sanitizer found anything in axnoded and its children."""
    said = stack.log("axnoded")
    for word in ("WARNING: ThreadSanitizer", "ERROR: AddressSanitizer", "ERROR: LeakSanitizer",
                 "runtime error:"):
        at = said.find(word)
        test.assertEqual(at, -1, said[max(at - 200, 0):at + 6000])


class StackTest(unittest.TestCase):
    """One private stack for all tests of a class."""
    settings = {}
    route_everything_back = False

    @classmethod
    def setUpClass(cls):
        cls.stack = Stack(BUILD)
        cls.addClassCleanup(cls.stack.close)
        cls.stack.postgres()
        cls.stack.orthanc(cls.route_everything_back)
        cls.stack.configure(**cls.settings)
        cls.stack.axnode("db", "migrate")
        cls.stack.axnoded()

    def tearDown(self):
        self.stack.alive("axnoded")
        assert_sane(self, self.stack)
