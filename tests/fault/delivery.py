"""Delivery by TLS, with storage commitment, while the sender's processes are killed at any moment and the
peer hangs up: every object arrives with the same bytes each time, is committed to, and no more of them
are sent than kills and hang-ups account for. AXNODE_SEED replays the order; AXNODE_LONG=1: 200 rounds.
"""
import os
import signal
import time

import checks
import faults
import peer
from kill import processes
from stack import wait_for

STUDIES = 2
ROUNDS = 200 if faults.LONG else 4


class Delivery(faults.FaultTest):
    settings = {"destinations": [], "study": {"quiet_period_s": 0.3}}

    def test_killed_at_any_moment(self):
        stack, chance = self.stack, faults.seeded("fault.delivery")
        uids = []
        for folder in self.phantom(STUDIES, 81):
            faults.send_until_taken(stack, faults.objects(folder))
            uids.append(faults.study_uid(folder))
        faults.settled(stack, uids)
        objects = {row[0] for row in stack.sql(
            "SELECT sop_uid FROM outgoing WHERE kind IN ('sr', 'seg')")}
        self.by_tls()
        sent = interrupted = 0
        for number in range(ROUNDS):
            stack.axnode("resend", "--since", "yesterday", "--to", "archive")
            interrupted += self.interrupt(chance)
            self.archive.behaviour = ""
            try:
                wait_for("everything is committed", self.committed, 120)
            except faults.Failed as reason:
                self.fail(f"round {number}: {reason}\n{self.states()}\n"
                          + stack.log("axnoded")[-5000:])
            sent += len(objects)
        print(f"{ROUNDS} rounds, {sent} deliveries, {len(self.archive.stored)} C-STOREs, "
              f"{interrupted} interruptions", flush=True)
        self.assertEqual(set(self.archive.stored), objects)
        for uid, digests in self.archive.contents.items():
            self.assertEqual(len(digests), 1, uid)
        self.assertGreaterEqual(len(self.archive.stored), sent)
        self.assertLessEqual(len(self.archive.stored), sent + interrupted)
        self.assertFalse(any((stack.folder / "store" / "answers").glob("??/*.dcm")))
        for row in stack.studies().values():
            self.assertEqual(row["state"], "done")

    def by_tls(self):
        """From now on there is a destination, called by TLS; it answers by TLS, too."""
        stack = self.stack
        certificate, key = stack.authority.leaf("archive")
        self.archive = peer.Peer("ARCHIVE", stack.tls_port,
                                 tls=(certificate, key, stack.authority.certificate))
        self.addCleanup(self.archive.close)
        self.archive.commit = "new"
        stack.stop("axnoded")
        stack.configure(**{**self.settings, "peers": [
            {"name": "archive", "ae_title": "ARCHIVE", "address": "127.0.0.1",
             "port": self.archive.port, "tls": True}], "destinations": [
                 {"name": "archive", "peer": "archive", "commitment": "required",
                  "objects": ["sr", "seg"]}],
            "supervisor": {"restart_first_s": 0.05, "restart_max_s": 0.3},
            "sender": {"timeout_s": 2, "backoff_first_s": 0.1, "backoff_max_s": 0.2,
                       "attempts_max": 10000, "commitment_timeout_s": 5,
                       "commitment_tries": 100}})
        stack.axnoded()

    def interrupt(self, chance):
        """Kill a process of the sender, or let the peer hang up, a few times; how often."""
        count = 0
        for _ in range(chance.randint(1, 3)):
            time.sleep(chance.uniform(0, 0.8))
            kind = chance.choice(("sender", "delivery", "peer"))
            if kind == "peer":
                self.archive.behaviour = "close" # until it is told otherwise
                before = self.archive.hangups
                time.sleep(chance.uniform(0, 0.3))
                self.archive.behaviour = ""
                count += self.archive.hangups - before
                continue
            for pid in processes(self.stack).get(kind, []):
                try:
                    os.kill(pid, signal.SIGKILL)
                    count += 1
                except ProcessLookupError:
                    pass
        return count

    def states(self):
        return self.stack.sql("SELECT state, commitment, count(*) FROM outbox GROUP BY 1, 2")

    def committed(self):
        rows = self.states()
        return len(rows) == 1 and rows[0][:2] == ["delivered", "committed"]


if __name__ == "__main__":
    checks.main()
