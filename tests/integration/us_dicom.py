"""43 real ultrasound files of many machines: every one is accounted for, as us_dicom.csv says."""
import csv
import pathlib

import checks
from checks import SHARED
from stack import account, is_dicom

DATA = SHARED / "data" / "us-dicom"
checks.skip_without(DATA)
EXPECTED = pathlib.Path(__file__).with_suffix(".csv")


class UsDicom(checks.StackTest):
    def test_every_file_is_accounted_for(self):
        files = sorted(p for p in DATA.iterdir() if is_dicom(p))
        rows = account(self.stack, files)
        found = {row["file"]: (row["outcome"], row["reason"]) for row in rows}
        with open(EXPECTED, encoding="utf-8") as file:
            expected = {r["file"]: (r["outcome"], r["reason"]) for r in csv.DictReader(file)}
        self.maxDiff = None
        self.assertEqual(found, expected)


if __name__ == "__main__":
    checks.main()
