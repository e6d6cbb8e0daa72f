"""The first day two: files end, studies are purged, an older database is reconciled with the store,
and the doctor says what is wrong."""
import json
import os
import pathlib
import subprocess
import time

import checks
from checks import run, settled, wait_for

DAY_S = 86400


def files(stack, area):
    return sorted((stack.folder / "store" / area).glob("??/*.dcm"))


class DayTwo(checks.StackTest):
    settings = {"workers": {"count": 1, "attempts_max": 2, "backoff_first_s": 0.1},
                "retention": {"delivered_days": 0, "not_applicable_days": 0,
                              "unreadable_days": 0},
                "limits": {"store_min_free_mib": 1}}

    def phantom(self, studies, seed):
        folder = self.stack.folder / f"phantom-{seed}"
        self.stack.axnode("phantom", "--out", folder, "--studies", studies, "--seed", seed)
        return sorted(folder.glob("study-*"))

    def send(self, folders):
        for folder in folders:
            self.assertEqual(self.stack.send(sorted(folder.glob("*.dcm"))), [])

    def doctor(self, *options):
        """(exit status, {check: [line]})"""
        done = subprocess.run(
            [self.stack.tool("axnode"), "doctor", "--json", "--config", self.stack.config, *options],
            capture_output=True, text=True, check=False, timeout=120)
        found = {}
        for line in json.loads(done.stdout):
            found.setdefault(line["check"], []).append(line)
        return done.returncode, found

    def restart(self, **settings):
        self.stack.stop("axnoded")
        self.stack.configure(**{**self.settings, **settings})
        self.stack.axnoded()

    def reports(self, studies):
        """{study: [SOP Instance UID of its reports in the PACS]}"""
        return {uid: [sop for _, sop in self.stack.pacs_instances(uid, "SR")] for uid in studies}

    def test_1_the_doctor_finds_nothing_wrong(self):
        self.send(self.phantom(1, 61))
        settled(self.stack, 1)
        status, found = self.doctor()
        self.assertEqual(status, 0, found)
        for check in ("settings", "database", "clock", "store", "space", "package", "receiver",
                      "destination pacs", "work", "received files", "own files", "rows",
                      "leftovers", "incoming"):
            self.assertEqual(found[check][0]["verdict"], "ok", found)
        self.assertIn("well?\n  yes", self.stack.axnode("status"))

    def test_2_an_older_database_is_reconciled(self):
        stack = self.stack
        backup = stack.folder / "backup.dump"
        tool = stack.postgres_tool
        stack.stop("axnoded")
        run([tool("pg_dump"), "-d", stack.database, "-Fc", "-f", backup])
        stack.axnoded()
        self.send(self.phantom(2, 62))
        before = self.reports(settled(stack, 3))
        self.assertEqual([len(uids) for uids in before.values()], [1, 1, 1])
        own = {path.name: path.read_bytes() for path in files(stack, "outgoing")}
        stack.stop("axnoded")
        run([tool("pg_restore"), "--clean", "--if-exists", "-d", stack.database, backup])
        self.assertEqual(len(stack.studies()), 1)
        status, found = self.doctor()
        self.assertEqual(status, 1)
        self.assertEqual(found["received files"][0]["verdict"], "fail")
        self.assertIn("--repair", found["received files"][0]["advice"])
        self.assertEqual(found["receiver"][0]["verdict"], "fail")
        self.doctor("--repair")
        stack.axnoded()
        after = self.reports(settled(stack, 3))
        self.assertEqual(after, before)
        self.assertEqual({path.name: path.read_bytes() for path in files(stack, "outgoing")}, own)
        status, found = self.doctor()
        self.assertEqual(status, 0, found)
        self.assertEqual(found["own files"][0]["verdict"], "ok", found)

    def test_3_orphans_are_found_and_mended(self):
        stack = self.stack
        lost = files(stack, "stored")[0]
        lost.unlink()
        own = files(stack, "outgoing")[0]
        planted = own.with_name(own.name[:2] + "f" * 62 + ".dcm")
        planted.write_bytes(own.read_bytes())
        leftover = stack.folder / "store" / "incoming" / ".tmp" / "left"
        leftover.write_bytes(b"")
        hour_ago = time.time() - 7200
        os.utime(leftover, (hour_ago, hour_ago))
        status, found = self.doctor()
        self.assertEqual(status, 1)
        self.assertEqual(found["rows"][0]["verdict"], "fail")
        self.assertEqual(found["own files"][0]["verdict"], "warn")
        self.assertEqual(found["leftovers"][0]["verdict"], "warn")
        self.doctor("--repair")
        status, found = self.doctor()
        self.assertEqual(status, 0, found)
        self.assertFalse(planted.exists())
        self.assertFalse(leftover.exists())
        self.assertEqual(stack.sql("SELECT count(*) FROM event WHERE kind = 'missing'"), [["1"]])

    def test_4_a_failed_study_stays_until_it_is_purged(self):
        stack = self.stack
        self.restart(package=str(stack.folder / "no-such-package"),
                     retention={"delivered_days": 0, "not_applicable_days": 0})
        folder = self.phantom(1, 63)[0]
        self.send([folder])
        wait_for("it is queued", lambda: "queued" in
                 {row["state"] for row in stack.studies().values()}, 30)
        uid = next(u for u, row in stack.studies().items() if row["state"] == "queued")
        with self.assertRaises(checks.Failed) as refused:
            stack.axnode("purge", uid, "--yes")
        self.assertIn("under way", str(refused.exception))
        stack.sql(f"UPDATE job SET state = 'failed' WHERE state = 'pending'; "
                  f"UPDATE study SET state = 'failed', reason = 'test' WHERE study_uid = '{uid}'")
        self.assertIn(uid, stack.axnode("status"))
        before = len(files(stack, "stored"))
        stack.axnode("purge", "--failed", "--yes")
        self.assertEqual(len(files(stack, "stored")), before - len(list(folder.glob("*.dcm"))))
        self.assertNotIn(uid, stack.axnode("status"))
        self.assertIn("axnode purge by user id", stack.axnode("show", uid))
        with self.assertRaises(checks.Failed) as refused:
            stack.axnode("retry", uid)
        self.assertIn("send the whole study again", str(refused.exception))
        # Sent again, it is whole again.
        self.restart()
        self.send([folder])
        wait_for("its files are back", lambda: len(files(stack, "stored")) == before, 30)
        stack.axnode("retry", uid)
        settled(stack, 4)
        self.assertEqual(stack.studies()[uid]["state"], "done")

    def test_5_delivered_files_end_by_themselves(self):
        stack = self.stack
        self.restart(retention={"delivered_days": 1 / DAY_S, "not_applicable_days": 1 / DAY_S})
        wait_for("the store is empty", lambda: not files(stack, "stored")
                 and not files(stack, "outgoing"), 60)
        wait_for("the rows say so", lambda: stack.sql(
            "SELECT count(*) FROM instance WHERE removed_at IS NULL") == [["0"]])
        self.assertEqual(len(stack.sql("SELECT 1 FROM result")), 4)
        self.assertEqual({row["state"] for row in stack.studies().values()}, {"done"})
        status, found = self.doctor()
        self.assertEqual(status, 0, found)
        # A late object alone is no base for a report.
        import pydicom
        source = sorted(self.phantom(1, 61)[0].glob("*.dcm"))[0]
        dataset = pydicom.dcmread(source)
        dataset.SOPInstanceUID = dataset.file_meta.MediaStorageSOPInstanceUID = \
            dataset.SOPInstanceUID + ".9"
        late = stack.folder / "late.dcm"
        dataset.save_as(late)
        self.assertEqual(stack.send([late]), [])
        uid = dataset.StudyInstanceUID
        wait_for("the study fails in words", lambda: stack.studies()[uid]["state"] == "failed", 30)
        self.assertIn("send the whole study again", stack.studies()[uid]["reason"])
        # The whole study is: the next generation replaces the first.
        self.restart()
        self.send([pathlib.Path(source).parent])
        wait_for("generation 2 is done", lambda: stack.studies()[uid]["generation"] == 2
                 and stack.studies()[uid]["state"] == "done", 60)
        self.assertEqual(len(stack.pacs_instances(uid, "SR")), 2)


if __name__ == "__main__":
    checks.main()
