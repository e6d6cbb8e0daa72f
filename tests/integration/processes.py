"""The processes: what each has loaded, what a crash of each costs, what a stop does."""
import os
import pathlib
import random
import signal
import socket
import time

import checks
from checks import settled, wait_for

ROLES = ("receiver", "indexer", "worker", "sender")


def roles(stack):
    """{role: [process id]} of the supervisor's own children."""
    supervisor = stack.processes["axnoded"].pid
    found = {role: [] for role in ROLES}
    for process in pathlib.Path("/proc").glob("[0-9]*"):
        try:
            parent = int((process / "stat").read_text().rsplit(")", 1)[1].split()[1])
            words = (process / "cmdline").read_bytes().split(b"\0")
        except (OSError, ValueError):
            continue
        if parent == supervisor and b"--role" in words:
            role = words[words.index(b"--role") + 1].decode()
            found.setdefault(role, []).append(int(process.name))
    return found


def all_up(stack):
    found = roles(stack)
    return all(found[role] for role in ROLES) and found


class Processes(checks.StackTest):
    settings = {"workers": {"count": 1, "attempts_max": 20, "lease_s": 5},
                "supervisor": {"restart_first_s": 0.1}, "sender": {"backoff_first_s": 1},
                # Longer than a killed receiver needs to be back: what is sent again is not late.
                "study": {"quiet_period_s": 5}}

    def phantom(self, studies, seed):
        folder = self.stack.folder / f"phantom-{seed}"
        self.stack.axnode("phantom", "--out", folder, "--studies", studies, "--seed", seed)
        return sorted(folder.glob("study-*"))

    def assert_one_report_each(self, studies):
        for uid, row in studies.items():
            self.assertEqual((row["state"], row["generation"]), ("done", 1), row)
            self.assertEqual(len(self.stack.pacs_instances(uid, "SR")), 1)

    def test_1_each_process_has_only_what_it_needs(self):
        found = wait_for("all roles are up", lambda: all_up(self.stack), 60)
        def libraries(pid):
            return (pathlib.Path("/proc") / str(pid) / "maps").read_text()
        supervisor = libraries(self.stack.processes["axnoded"].pid)
        decoders = ("libavcodec", "libavformat", "libswscale", "libopenjp2", "dcmjpeg", "dcmjpls")
        for name in ("dcmdata", "dcmnet", "libpq", "onnxruntime", *decoders):
            self.assertNotIn(name, supervisor)
        receiver = libraries(found["receiver"][0])
        self.assertIn("dcmnet", receiver)
        for name in ("libpq", "onnxruntime", "cairo", *decoders):
            self.assertNotIn(name, receiver)
        wait_for("the worker has opened its networks",
                 lambda: "onnxruntime" in libraries(roles(self.stack)["worker"][0]), 60)
        for role in ("indexer", "sender"):
            for name in ("onnxruntime", *decoders):
                self.assertNotIn(name, libraries(found[role][0]))

    def test_2_a_killed_role_costs_no_study(self):
        seed = 20261123
        chance = random.Random(seed)
        folders = self.phantom(8, 41)
        for folder in folders:
            refused = self.stack.send(sorted(folder.glob("*.dcm")))
            while refused: # the receiver was just killed: a sender sends again
                time.sleep(0.2)
                refused = self.stack.send(refused)
            role = chance.choice(ROLES)
            for pid in roles(self.stack)[role]:
                try:
                    os.kill(pid, signal.SIGKILL)
                except ProcessLookupError:
                    pass
            time.sleep(chance.random())
        studies = settled(self.stack, len(folders), 300)
        self.assert_one_report_each(studies)

    def test_3_the_database_away(self):
        stack = self.stack
        before = len(stack.studies())
        folders = self.phantom(2, 42)
        checks.run([stack.postgres_tool("pg_ctl"), "-D", stack.folder / "postgres", "stop", "-w",
                    "-m", "fast"])
        for folder in folders: # receiving does not need it
            self.assertEqual(stack.send(sorted(folder.glob("*.dcm"))), [])
        time.sleep(2)
        stack.alive("axnoded")
        checks.run([stack.postgres_tool("pg_ctl"), "-D", stack.folder / "postgres", "-w", "-l",
                    stack.folder / "postgres.log", "start"])
        self.assert_one_report_each(settled(stack, before + 2, 120))

    def test_4_the_pacs_away(self):
        stack = self.stack
        before = len(stack.studies())
        stack.stop("orthanc")
        folder = self.phantom(1, 43)[0]
        self.assertEqual(stack.send(sorted(folder.glob("*.dcm"))), [])
        wait_for("a delivery is deferred", lambda: stack.sql(
            "SELECT 1 FROM outbox WHERE attempts > 0 AND state = 'pending'"), 60)
        self.assertIn("delivering", {row["state"] for row in stack.studies().values()})
        stack.orthanc()
        self.assert_one_report_each(settled(stack, before + 1, 120))

    def test_5_a_stop_drains(self):
        stack = self.stack
        folder = self.phantom(1, 44)[0]
        self.assertEqual(stack.send(sorted(folder.glob("*.dcm"))), [])
        self.assertEqual(stack.stop("axnoded"), 0, stack.log("axnoded")[-3000:])
        stack.axnoded()
        self.assert_one_report_each(settled(stack, len(stack.studies()), 60))

    def test_6_a_worker_that_systemd_starts(self):
        stack = self.stack
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as systemd:
            path = stack.folder / "notify"
            systemd.bind(str(path))
            systemd.settimeout(60)
            stack.start("worker", [stack.tool("axnoded"), "--role", "worker", "--label",
                                   "worker-extra-1", "--config", stack.config],
                        {"NOTIFY_SOCKET": str(path)})
            for _ in range(3): # ready, and each time it gets on
                self.assertEqual(systemd.recv(100), b"READY=1\nWATCHDOG=1")
            # Alone at work: the supervisor and its own worker stand still meanwhile.
            still = [stack.processes["axnoded"].pid, *roles(stack)["worker"]]
            for pid in still:
                os.kill(pid, signal.SIGSTOP)
            before = len(stack.studies())
            try:
                self.assertEqual(stack.send(sorted(self.phantom(1, 45)[0].glob("*.dcm"))), [])
                self.assert_one_report_each(settled(stack, before + 1, 120))
            finally:
                for pid in still:
                    os.kill(pid, signal.SIGCONT)
            self.assertEqual(stack.stop("worker"), 0, stack.log("worker")[-3000:])


if __name__ == "__main__":
    checks.main()
