"""Many studies in a row: memory and descriptors of every process stay level, the rate too, and a
long queue does not slow receiving. 30 studies; 2,000 and asserted rates with AXNODE_LONG=1."""
import os
import pathlib
import re
import statistics
import time

import pydicom
from pydicom.uid import generate_uid

import checks
from checks import wait_for

LONG = os.environ.get("AXNODE_LONG") == "1"
STUDIES, BACKLOG = (2000, 100_000) if LONG else (30, 2_000)
BATCH = 10
ALLOWED_BYTES = 12 << 20 # what allocators keep, whatever the number of studies
PAGE = os.sysconf("SC_PAGESIZE")


class LongRun(checks.StackTest):
    settings = {"workers": {"recycle_jobs": 1_000_000}}

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.phantom = cls.stack.folder / "phantom"
        cls.stack.axnode("phantom", "--out", cls.phantom, "--studies", 4, "--seed", 41)
        cls.templates = [[pydicom.dcmread(path) for path in sorted(folder.glob("*.dcm"))]
                         for folder in sorted(cls.phantom.glob("study-*"))]

    def batch(self, count):
        """Files of so many studies that nobody has seen: the templates under new UIDs."""
        folder, files = self.stack.folder / "batch", []
        folder.mkdir(exist_ok=True)
        for number in range(count):
            study, series = generate_uid(), {}
            for dataset in self.templates[number % len(self.templates)]:
                dataset.StudyInstanceUID = study
                dataset.SeriesInstanceUID = series.setdefault(dataset.SeriesNumber, generate_uid())
                dataset.SOPInstanceUID = generate_uid()
                dataset.file_meta.MediaStorageSOPInstanceUID = dataset.SOPInstanceUID
                files.append(folder / f"{len(files):04d}.dcm")
                dataset.save_as(files[-1])
        return files

    def processes(self):
        """{label: (resident bytes, open descriptors)} of what runs now."""
        started = dict(re.findall(r"child=(\S+) child_pid=(\d+)", self.stack.log("axnoded")))
        started["supervisor"] = self.stack.processes["axnoded"].pid
        values = {}
        for name, pid in started.items():
            folder = pathlib.Path(f"/proc/{pid}")
            resident = int((folder / "statm").read_text().split()[1]) * PAGE
            values[name] = (resident, len(list((folder / "fd").iterdir())))
        return values

    def done(self):
        return int(self.stack.sql("SELECT count(*) FROM study WHERE state = 'done'")[0][0])

    def send_ms(self, files):
        begin = time.monotonic()
        self.assertEqual(self.stack.send(files), [])
        return (time.monotonic() - begin) * 1000 / len(files)

    def test_1_level(self):
        samples, seconds = [], []
        for end in range(BATCH, STUDIES + 1, BATCH):
            files, begin = self.batch(BATCH), time.monotonic()
            self.assertEqual(self.stack.send(files), [])
            wait_for(f"{end} studies", lambda end=end: self.stack.alive("axnoded")
                     and self.done() >= end, 300)
            seconds.append(time.monotonic() - begin)
            samples.append(self.processes())
        # A quarter, after the first study of each kind has made its buffers.
        part = max(1, len(samples) // 4)
        for name in samples[-1]:
            first = [sample[name] for sample in samples[:part]]
            last = [sample[name] for sample in samples[-part:]]
            before, after = (statistics.median(s[0] for s in some) for some in (first, last))
            print(f"{name}: {before / 2**20:.1f} MiB, then {after / 2**20:.1f} MiB; "
                  f"{first[-1][1]}, then {last[-1][1]} descriptors")
            self.assertLessEqual(after, before * 1.1 + ALLOWED_BYTES, name)
            self.assertLessEqual(last[-1][1], max(s[1] for s in first) + 2, name)
        hundred = max(1, min(100 // BATCH, len(seconds) // 2))
        first, last = (BATCH / statistics.median(s) for s in (seconds[:hundred], seconds[-hundred:]))
        print(f"{first:.2f} studies a second, then {last:.2f}")
        if LONG:
            self.assertGreaterEqual(last, first * 0.9)

    def receiving_ms(self):
        """Median of one object's time while nothing else is at work."""
        wait_for("all is done", lambda: self.stack.sql(
            "SELECT count(*) FROM study WHERE state <> 'done' AND study_uid NOT LIKE '2.25.9.%'"
            )[0][0] == "0", 300)
        return statistics.median(self.send_ms(self.batch(2)) for _ in range(15 if LONG else 3))

    def test_2_backlog(self):
        before, resident_before = self.receiving_ms(), self.processes()["receiver"][0]
        self.stack.sql(
            "WITH s AS (INSERT INTO study (study_uid, uid_digest, state, generation) "
            "SELECT '2.25.9.' || n, encode(sha256(('2.25.9.' || n)::bytea), 'hex'), 'queued', 1 "
            f"FROM generate_series(1, {BACKLOG}) n RETURNING id) "
            "INSERT INTO job (study, generation, not_before) "
            "SELECT id, 1, clock_timestamp() + interval '1 day' FROM s")
        self.stack.sql("VACUUM ANALYZE study")
        self.stack.sql("VACUUM ANALYZE job")
        after, resident = self.receiving_ms(), self.processes()["receiver"][0]
        print(f"{before:.1f} ms an object, with {BACKLOG} studies queued {after:.1f} ms; receiver "
              f"{resident_before / 2**20:.1f} MiB, then {resident / 2**20:.1f} MiB")
        self.assertLessEqual(resident, resident_before + (1 << 20))
        if LONG:
            self.assertLessEqual(after, before * 1.2)
        known = self.done()
        self.assertEqual(self.stack.send(self.batch(1)), [])
        wait_for("the queue moves", lambda: self.done() > known, 300)


if __name__ == "__main__":
    checks.main()
