"""System calls of each role fail, once at a seeded place and for good until the cause is gone:
every object is acknowledged in the end, every study has its one report, and rows, files and the
PACS agree. AXNODE_LONG=1 tries one place after the other, up to the last that a study reaches or
PLACES has, not a sample; AXNODE_ROLE=NAME those of one role alone."""
import errno
import os
import time

import checks
import faults
from stack import wait_for

STORE, SQL = ("write", "fdatasync", "fsync", "rename", "create"), ("sql-send", "sql-receive")
NET = ("net-send", "net-receive")
# role: calls that it makes
ROLES = {"receiver": (*STORE, *NET), "indexer": ("fsync", "rename", *SQL),
         "worker": (*STORE, *SQL), "sender": (*SQL, *NET, "connect")}
# How far to count: the rest are more of the same. Places that a study does not reach fail nothing,
# and say so.
PLACES = {"write": 12, "fdatasync": 6, "fsync": 12, "rename": 6, "create": 6, "sql-send": 20,
          "sql-receive": 20, "net-send": 12, "net-receive": 12, "connect": 1}
ERRORS = {**dict.fromkeys(STORE, (errno.EIO, errno.ENOSPC)),
          **dict.fromkeys((*SQL, *NET), (errno.ECONNRESET,)), "connect": (errno.ECONNREFUSED,)}


class Calls(faults.FaultTest):
    shim = True
    settings = {"workers": {"attempts_max": 20, "lease_s": 3, "backoff_first_s": 0.1,
                            "backoff_max_s": 0.5},
                "study": {"quiet_period_s": 0.3},
                "supervisor": {"restart_first_s": 0.05, "restart_max_s": 0.3},
                "sender": {"attempts_max": 1000, "backoff_first_s": 0.1, "backoff_max_s": 0.5,
                           "timeout_s": 5}}
    studies = 0

    def study(self):
        type(self).studies += 1
        return self.phantom(1, 700 + self.studies)[0]

    def case(self, role, calls, number, place, last):
        folder = self.study()
        uid = faults.study_uid(folder)
        self.control.fail(role, calls, number, place, last)
        refused = faults.send(self.stack, faults.objects(folder))
        if last == faults.FOR_GOOD:
            wait_for("the call fails twice", lambda: self.control.count() > place, 60)
        else:
            def over():
                row = self.stack.studies().get(uid)
                return self.control.count() >= place or row and row["state"] in checks.SETTLED
            wait_for_or_pass(over, 20 if not refused else 0)
        met = self.control.count() >= place
        self.control.heal()
        faults.send_until_taken(self.stack, refused)
        row = faults.settled(self.stack, [uid], 60)[uid]
        self.assertEqual(row["state"], "done", row)
        faults.assert_agree(self, self.stack)
        faults.assert_one_report(self, self.stack, uid)
        return met

    def attempt(self, role, calls, number, place, last):
        """One case; whether a call failed in it."""
        name = (f"{role}: {'/'.join(calls)} {place} fails with {errno.errorcode[number]} "
                f"{'for good' if last == faults.FOR_GOOD else 'once'}")
        met = True
        with self.subTest(name):
            begun = time.monotonic()
            met = self.case(role, calls, number, place, last)
            print(f"{name}: {'well' if met else 'not met'} ({time.monotonic() - begun:.1f} s)",
                  flush=True)
        return met

    def test_1_once(self):
        chance = faults.seeded("fault.calls once")
        pairs = [(role, call) for role in wanted(ROLES) for call in ROLES[role]
                 if call != "connect"] # a first connect never fails here: see for good
        if not faults.LONG:
            for role, call in chance.sample(pairs, min(6, len(pairs))):
                place = chance.randint(1, PLACES[call] // 2)
                self.attempt(role, (call,), chance.choice(ERRORS[call]), place, place)
            return
        for role, call in pairs:
            for number in ERRORS[call]:
                place = 1
                while place <= PLACES[call] and self.attempt(role, (call,), number, place, place):
                    place += 1

    def test_2_for_good(self):
        chance = faults.seeded("fault.calls for good")
        cases = [(role, calls, number, 1, faults.FOR_GOOD) for role, calls, numbers in (
            ("receiver", STORE, (errno.EIO, errno.EROFS)),
            ("indexer", ("rename",), (errno.EIO,)),
            ("indexer", ("sql-receive", "connect"), (errno.ECONNREFUSED,)),
            ("worker", STORE, (errno.EIO, errno.ENOSPC)),
            ("worker", ("sql-send", "connect"), (errno.ECONNREFUSED,)),
            ("sender", ("net-send", "connect"), (errno.ECONNREFUSED,)),
            ("sender", ("sql-send", "connect"), (errno.ECONNREFUSED,)),
        ) if role in wanted(ROLES) for number in numbers]
        for case in cases if faults.LONG else chance.sample(cases, min(3, len(cases))):
            self.attempt(*case)


def wanted(roles):
    return [role for role in roles if os.environ.get("AXNODE_ROLE", role) == role]


def wait_for_or_pass(condition, timeout_s):
    end = time.monotonic() + timeout_s
    while time.monotonic() < end and not condition():
        time.sleep(0.05)


if __name__ == "__main__":
    faults.preload("failing") # skips at once where it must
    checks.main()
