"""kill -9 of any process at any moment of a run: one report of each study, and no more C-STOREs
than objects and kills account for. Then a study that kills its worker every time: it is parked,
the others go on. AXNODE_SEED replays the choices (the moments only as well as the machine does).
"""
import os
import pathlib
import signal
import threading
import time

import checks
import faults
from stack import wait_for

STUDIES = 20
KINDS = ("acceptor", "association", "indexer", "worker", "sender", "supervisor", "pacs")


def processes(stack):
    """{kind: [process id]} of axnoded's processes now."""
    supervisor = stack.processes["axnoded"].pid
    found, parents = {"supervisor": [supervisor]}, {}
    for process in pathlib.Path("/proc").glob("[0-9]*"):
        try:
            parents[int(process.name)] = (
                int((process / "stat").read_text().rsplit(")", 1)[1].split()[1]),
                (process / "cmdline").read_bytes().split(b"\0"))
        except (OSError, ValueError):
            continue
    for pid, (parent, words) in parents.items():
        if b"--role" not in words:
            continue
        role = words[words.index(b"--role") + 1].decode()
        if parent == supervisor:
            found.setdefault("acceptor" if role == "receiver" else role, []).append(pid)
        elif role == "receiver" and parents.get(parent, (0,))[0] == supervisor:
            found.setdefault("association", []).append(pid)
    return found


class Killer(threading.Thread):
    """Kills until told to stop; `kills` counts by kind."""

    def __init__(self, stack, chance):
        super().__init__(daemon=True)
        self.stack, self.chance, self.failure = stack, chance, None
        self.kills = dict.fromkeys(KINDS, 0)
        self.over = threading.Event()

    def run(self):
        try:
            while not self.over.wait(self.chance.uniform(0.3, 1.5)):
                self.kill(self.chance.choice(KINDS))
        except Exception as reason: # the test's main thread tells
            self.failure = reason

    def kill(self, kind):
        stack = self.stack
        if kind == "pacs":
            stack.stop("orthanc", signal.SIGKILL)
            stack.orthanc()
        elif kind == "supervisor":
            stack.stop("axnoded", signal.SIGKILL)
            stack.axnoded()
        else:
            for pid in processes(stack).get(kind, []):
                try:
                    os.kill(pid, signal.SIGKILL)
                except ProcessLookupError:
                    continue
        self.kills[kind] += 1


class Kill(faults.FaultTest):
    settings = {"workers": {"count": 2, "attempts_max": 20, "lease_s": 3, "backoff_first_s": 0.1,
                            "backoff_max_s": 1},
                "supervisor": {"restart_first_s": 0.05, "restart_max_s": 0.5},
                "sender": {"attempts_max": 1000, "backoff_first_s": 0.2, "backoff_max_s": 1,
                           "timeout_s": 5}}

    def test_1_any_process_at_any_moment(self):
        stack, chance = self.stack, faults.seeded("fault.kill")
        folders = self.phantom(STUDIES, 61)
        uids = [faults.study_uid(folder) for folder in folders]
        killer = Killer(stack, chance)
        killer.start()
        for folder in folders:
            faults.send_until_taken(stack, faults.objects(folder), 120)
        killer.over.wait(3)
        killer.over.set()
        killer.join()
        self.assertIsNone(killer.failure)
        print("kills:", killer.kills)
        rows = faults.settled(stack, uids, 180)
        for uid in uids:
            self.assertEqual(rows[uid]["state"], "done", rows[uid])
        faults.assert_agree(self, stack)
        delivered = stack.delivered()
        current = stack.sql("SELECT g.sop_uid, g.kind, s.study_uid FROM outgoing g "
                            "JOIN job j ON j.id = g.job JOIN study s ON s.id = j.study "
                            "WHERE j.generation = s.generation")
        reports = {study: uid for uid, kind, study in current if kind == "sr"}
        self.assertEqual(set(reports), set(uids))
        self.assertEqual(len(set(reports.values())), STUDIES)
        objects = {row[0] for row in stack.sql("SELECT sop_uid FROM outgoing")}
        self.assertEqual(set(delivered), objects)
        excused = sum(killer.kills[kind] for kind in ("sender", "supervisor", "pacs"))
        self.assertLessEqual(sum(delivered.values()), len(objects) + excused, killer.kills)

    def test_2_a_poison_image(self):
        stack = self.stack
        stack.configure(**{**self.settings, "workers": {**self.settings["workers"],
                                                        "attempts_max": 3}})
        stack.processes["axnoded"].send_signal(signal.SIGHUP)
        wait_for("the settings are reloaded", lambda: "settings reloaded" in stack.log("axnoded"))
        poison, *others = self.phantom(3, 62)
        uid = faults.study_uid(poison)
        deaths = 0
        faults.send_until_taken(stack, faults.objects(poison))
        job = wait_for("the poison study has its job", lambda: stack.sql(
            f"SELECT j.id FROM job j JOIN study s ON s.id = j.study WHERE s.study_uid = '{uid}'"),
            60, 0.02)[0][0]
        for folder in others:
            faults.send_until_taken(stack, faults.objects(folder))
        work = stack.folder / "store" / "work"
        end = time.monotonic() + 60
        while time.monotonic() < end and stack.studies()[uid]["state"] != "failed":
            for _ in range(200): # whoever has opened the attempt's folder dies of it
                if list(work.glob(f"{job}-*")):
                    deaths += self.kill_workers_of(work, job)
                time.sleep(0.002)
        self.assertEqual(stack.studies()[uid]["state"], "failed", stack.log("axnoded")[-3000:])
        print("poison:", stack.studies()[uid]["reason"], f"({deaths} workers died)")
        self.assertGreaterEqual(deaths, 3)
        rows = faults.settled(stack, [faults.study_uid(f) for f in others], 60)
        for other in rows:
            self.assertEqual(rows[other]["state"], "done", rows[other])
            faults.assert_one_report(self, stack, other)

    def kill_workers_of(self, work, job):
        """Kill the processes that hold a folder of the job's attempts open; how many."""
        killed = 0
        for pid in processes(self.stack).get("worker", []):
            try:
                held = [os.readlink(p) for p in pathlib.Path(f"/proc/{pid}/fd").iterdir()]
                if any(path.startswith(f"{work}/{job}-") and "deleted" not in path
                       for path in held):
                    os.kill(pid, signal.SIGKILL)
                    killed += 1
            except OSError: # it has just ended
                continue
        return killed


if __name__ == "__main__":
    checks.main()
