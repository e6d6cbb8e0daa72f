"""kill -9 of any process at any moment of a run, every kind of them at least once, while four senders
send by TLS: one report of each study, and no more C-STOREs than objects and kills account for. Then
a study that kills its worker every time: it is parked, the others go on. AXNODE_SEED replays the order of the kills and the pauses
between them (the moments only as well as the machine does); AXNODE_LONG=1: 200 studies.
"""
import os
import pathlib
import signal
import threading
import time

import checks
import faults
from stack import free_port, wait_for

STUDIES = 200 if faults.LONG else 20
KINDS = ("acceptor", "association", "indexer", "worker", "sender", "delivery", "metrics",
         "supervisor", "pacs")


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
        elif role == "sender" and parents.get(parent, (0,))[0] == supervisor:
            found.setdefault("delivery", []).append(pid)
    return found


class Killer(threading.Thread):
    """Kills until told to stop, in rounds over all kinds, each round in an order of its own."""

    def __init__(self, stack, chance):
        super().__init__(daemon=True)
        self.stack, self.chance, self.failure = stack, chance, None
        self.kills = dict.fromkeys(KINDS, 0)     # {kind: times}
        self.processes = dict.fromkeys(KINDS, 0) # {kind: processes that died of them}
        self.over = threading.Event()

    def run(self):
        try:
            while True:
                for kind in self.chance.sample(KINDS, len(KINDS)):
                    if self.over.wait(self.chance.uniform(0.3, 1.5)):
                        return
                    self.kill(kind)
        except Exception as reason: # the test's main thread tells
            self.failure = reason

    def kill(self, kind):
        if kind == "pacs":
            self.stack.stop("orthanc", signal.SIGKILL)
            self.stack.orthanc()
            died = 1
        elif kind == "supervisor":
            died = sum(map(len, processes(self.stack).values()))
            self.stack.stop("axnoded", signal.SIGKILL)
            self.stack.axnoded()
        else:
            died = self.kill_role(kind)
        self.kills[kind] += died > 0
        self.processes[kind] += died

    def kill_role(self, kind):
        """All processes of the kind, as soon as there is one: associations come and go."""
        died = 0
        while not died and not self.over.is_set():
            for pid in processes(self.stack).get(kind, []):
                try:
                    os.kill(pid, signal.SIGKILL)
                    died += 1
                except ProcessLookupError:
                    continue
            self.over.wait(0 if died else 0.005)
        return died

    def table(self):
        return "\n".join([f"{'killed':12} {'times':>5} {'processes':>9}", *(
            f"{kind:12} {self.kills[kind]:5} {self.processes[kind]:9}" for kind in KINDS)])


class Kill(faults.FaultTest):
    settings = {"metrics": {"port": free_port()},
                "workers": {"count": 2, "attempts_max": 20, "lease_s": 3, "backoff_first_s": 0.1,
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
        faults.send_studies(stack, folders, 240)
        def every_kind(): # what is sent again is identical, and changes nothing
            faults.send_until_taken(stack, faults.objects(folders[-1]), 120)
            return killer.failure or all(killer.kills.values())
        wait_for("every kind of process was killed", every_kind, 120, 0.1)
        killer.over.wait(3)
        killer.over.set()
        killer.join()
        self.assertIsNone(killer.failure)
        print(killer.table(), flush=True)
        rows = faults.settled(stack, uids, 600 if faults.LONG else 180)
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
        sent = sum(delivered.values())
        excused = sum(killer.kills[kind] for kind in ("sender", "delivery", "supervisor", "pacs"))
        print(f"{STUDIES} studies, {len(reports)} reports, {len(objects)} objects, {sent} C-STOREs, "
              f"{excused} kills that excuse one more", flush=True)
        self.assertLessEqual(sent, len(objects) + excused, killer.kills)

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
