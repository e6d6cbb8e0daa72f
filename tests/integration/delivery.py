"""Delivery to peers of every kind: routes, warnings, refusals, pauses, rates, resending, storage
commitment on the same and on another association and for others, echo."""
import json
import os
import subprocess
import unittest

import pydicom

import checks
import peer
import raw_dicom
from certificates import Authority
from stack import Failed, Stack, free_port, wait_for

SLOW = {"backoff_first_s": 0.2, "backoff_max_s": 0.5, "timeout_s": 3, "attempts_max": 1000}


class DeliveryTest(unittest.TestCase):
    """One stack without a PACS, and one study that was analysed while there was no destination; each
    test has peers of its own, and what was made is sent there by `axnode resend --to`."""
    stack = None

    @classmethod
    def setUpClass(cls):
        if DeliveryTest.stack:
            return
        DeliveryTest.stack = stack = Stack(checks.BUILD)
        unittest.addModuleCleanup(stack.close)
        stack.postgres()
        stack.configure(quiet_period_s=0.3, destinations=[])
        stack.axnode("db", "migrate")
        stack.axnoded()
        DeliveryTest.ready = cls.study()
        wait_for("a study is analysed", lambda: stack.studies()[cls.ready]["state"] == "done", 120)
        stack.stop("axnoded")

    def setUp(self):
        self.peers = []

    def tearDown(self):
        for one in self.peers:
            one.close()
        self.stack.alive("axnoded")
        checks.assert_sane(self, self.stack)
        self.stack.stop("axnoded")

    def peer(self, aet):
        made = peer.Peer(aet, self.stack.axnoded_port)
        self.peers.append(made)
        return made

    def secured(self, *aets):
        """Peers that speak TLS both ways, and the section `tls` of our settings."""
        authority, port = Authority(self.stack.folder / "tls"), free_port()
        authority.leaf("axnode")
        made = [peer.Peer(aet, port, tls=(*authority.leaf(aet), authority.certificate))
                for aet in aets]
        self.peers += made
        return made, authority.settings("axnode", port)

    def run_with(self, *destinations, sender=None, **more):
        self.destinations = [destination["name"] for destination in destinations]
        self.stack.sql("DELETE FROM outbox")
        self.stack.sql("DELETE FROM destination")
        self.stack.sql("UPDATE study SET state = 'done', reason = ''")
        self.stack.configure(quiet_period_s=0.3, destinations=list(destinations),
                             sender={**SLOW, **(sender or {})}, **more)
        self.stack.axnoded()

    def deliver(self):
        """The study that is there goes to every destination."""
        for name in self.destinations:
            code, said = self.command("resend", self.ready, "--to", name)
            self.assertEqual(code, 0, said)
        return self.ready

    @classmethod
    def study(cls, calling="MODALITY", seed=71):
        """Send one new study; its UID."""
        folder = cls.stack.folder / f"phantom-{seed}"
        cls.stack.axnode("phantom", "--out", folder, "--studies", 1, "--seed", seed)
        before = set(cls.stack.studies())
        if cls.stack.send(sorted(folder.glob("*/*.dcm")), calling=calling):
            raise AssertionError("the study was not taken")
        return wait_for("the study is known", lambda: set(cls.stack.studies()) - before).pop()

    def state(self, study, *states, timeout_s=60):
        try:
            wait_for(f"{states}", lambda: self.stack.studies()[study]["state"] in states, timeout_s)
        except Failed as reason:
            raise AssertionError(f"{reason} {self.stack.studies()[study]}\n"
                                 + self.stack.log("axnoded")[-4000:]) from None

    def rows(self, study, columns="g.kind, b.destination, b.state"):
        return self.stack.sql(f"SELECT {columns} FROM outbox b JOIN outgoing g ON g.id = b.outgoing"
                              " JOIN job j ON j.id = g.job JOIN study s ON s.id = j.study"
                              f" WHERE s.study_uid = '{study}' ORDER BY b.id")

    def command(self, *arguments):
        """(exit status, what it said)."""
        done = subprocess.run([self.stack.tool("axnode"), *arguments], capture_output=True,
                              text=True, check=False,
                              env={**os.environ, "AXNODE_CONFIG": str(self.stack.config)})
        return done.returncode, done.stdout + done.stderr


class Routes(DeliveryTest):
    def test_results_go_where_their_source_says(self):
        a, b, c = self.peer("A"), self.peer("B"), self.peer("C")
        self.run_with(a.destination(), b.destination(), c.destination(), routes=[
            {"name": "one", "from": ["US1"], "to": ["a"]},
            {"name": "two", "from": ["US2"], "to": ["a", "b"]},
            {"name": "rest", "to": ["c"]}])
        studies = {calling: self.study(calling, seed) for seed, calling in
                   enumerate(("US2", "US3"), 72)}
        for study in studies.values():
            self.state(study, "done", timeout_s=120)
        went = {calling: {row[1] for row in self.rows(study)} for calling, study in studies.items()}
        self.assertEqual(went, {"US2": {"a", "b"}, "US3": {"c"}})
        # A fault in the settings says what is missing.
        self.stack.configure(quiet_period_s=0.3, sender=SLOW, destinations=[a.destination()],
                             routes=[{"name": "one", "from": ["US1"], "to": ["a"]}])
        code, said = self.command("config", "check", str(self.stack.config))
        self.assertNotEqual(code, 0)
        self.assertIn("needs a fallback", said)


class Answers(DeliveryTest):
    def test_status_codes(self):
        good, full, never = self.peer("GOOD"), self.peer("FULL"), self.peer("NEVER")
        good.store_status = lambda number, uid: 0xB000
        full.store_status = lambda number, uid: 0xA700 if number < 2 else 0
        never.store_status = lambda number, uid: 0xA900
        self.run_with(good.destination(), full.destination(), never.destination())
        study = self.deliver()
        self.state(study, "failed")
        wait_for("all of it is settled", lambda: all(
            row[2] == ("failed" if row[1] == "never" else "delivered") for row in self.rows(study)))
        rows = self.rows(study, "b.destination, b.state, b.attempts, b.warning, b.last_error")
        for destination, state, attempts, warning, error in rows:
            if destination == "good":
                self.assertEqual((state, attempts), ("delivered", "1"))
                self.assertIn("0xB000", warning)
            elif destination == "never":
                self.assertEqual((state, attempts), ("failed", "1"))
                self.assertIn("0xA900", error)
        self.assertEqual(len(full.stored), len(set(full.stored)) + 2)
        self.assertIn("0xA900", self.stack.studies()[study]["reason"])
        self.assertIn("warning    0xB000", self.command("show", study)[1])
        # The cause is gone: once more what failed, and that alone.
        never.store_status, sent = 0, len(good.stored)
        self.command("retry", study)
        self.state(study, "done")
        self.assertEqual(len(good.stored), sent)

    def test_bad_peers_hold_up_nobody(self):
        """A peer that hangs up in the middle, talks rubbish, refuses, or says nothing at all."""
        bad = {name: self.peer(name.upper()) for name in
               ("close", "rubbish", "silent", "reject", "no-service")}
        for name, one in bad.items():
            one.behaviour = name
        good = self.peer("WELL")
        self.run_with(*[one.destination() for one in bad.values()], good.destination(),
                      sender={"timeout_s": 1})
        study = self.deliver()
        wait_for("the good one has everything", lambda: [
            row for row in self.rows(study) if row[1] == "well"] and all(
            row[2] == "delivered" for row in self.rows(study) if row[1] == "well"), 60)
        def tried_twice():
            return all(int(attempts) >= 2 or state == "failed" for destination, state, attempts in
                       self.rows(study, "b.destination, b.state, b.attempts")
                       if destination != "well")
        try:
            wait_for("each bad one was tried twice", tried_twice, 60)
        except Failed:
            self.fail(f"{self.rows(study, 'b.destination, b.state, b.attempts, b.last_error')}\n"
                      + self.stack.log("axnoded")[-5000:])
        errors = dict(row for row in self.rows(study, "b.destination, b.last_error"))
        self.assertIn("rejected the association", errors["reject"])
        self.assertIn("does not accept class", errors["no-service"])
        for name in ("close", "rubbish", "silent"):
            self.assertTrue(errors[name], errors)
            bad[name].behaviour = ""
        bad["reject"].behaviour = bad["no-service"].behaviour = ""
        self.command("retry", study)
        self.state(study, "done")


class Person(DeliveryTest):
    def test_pause_resume_and_resend(self):
        one, other = self.peer("ONE"), self.peer("OTHER")
        self.run_with(one.destination(), other.destination(objects=["sr"]))
        self.assertIn("is paused", self.command("destination", "pause", "one")[1])
        self.assertIn("already paused", self.command("destination", "pause", "one")[1])
        self.assertEqual(self.command("destination", "pause", "nobody")[0], 1)
        study = self.deliver()
        wait_for("the other has it", lambda: len(other.stored) == 1)
        self.assertEqual(one.stored, [])
        self.assertIn("one is paused", self.command("status")[1])
        listed = {row["name"]: row for row in
                  json.loads(self.command("destination", "list", "--json")[1])}
        self.assertGreater(listed["one"]["pending"], 0)
        self.assertTrue(listed["one"]["paused_at"])
        self.assertIsNone(listed["other"]["paused_at"])
        self.assertIn("PAUSED since", self.command("destination", "list")[1])
        self.command("destination", "resume", "one")
        self.state(study, "done")
        sent = sorted(one.stored)
        self.assertGreaterEqual(len(sent), 3)
        # One object; the study to one destination; everything since.
        report = next(row[0] for row in self.rows(study, "g.sop_uid, g.kind") if row[1] == "sr")
        self.assertIn("2 deliveries", self.command("resend", "--object", report)[1])
        wait_for("once more", lambda: one.stored.count(report) == 2 and
                 other.stored.count(report) == 2)
        self.state(study, "done")
        self.command("resend", study, "--to", "one")
        wait_for("all once more", lambda: all(one.stored.count(uid) == 2 + (uid == report)
                                              for uid in sent))
        self.assertEqual(other.stored.count(report), 2)
        self.state(study, "done")
        self.command("resend", "--since", "yesterday", "--to", "other")
        reports = {row[0] for row in self.stack.sql(
            "SELECT sop_uid FROM outgoing WHERE kind = 'sr'")} # of every study that is there
        wait_for("each report", lambda: set(other.stored) >= reports)
        self.state(study, "done")
        self.assertEqual(set(other.stored), reports)
        self.assertEqual(other.stored.count(report), 3)
        self.assertEqual(self.command("resend", "--since", "tomorrow")[0], 1)
        self.assertIn("is no time", self.command("resend", "--since", "when?")[1])
        self.assertEqual(self.command("resend")[0], 2)

    def test_rate_and_associations(self):
        slow, wide = self.peer("SLOW"), self.peer("WIDE")
        wide.delay_s = 0.3
        self.run_with(slow.destination(objects_per_minute=120),
                      wide.destination(associations=3), sender={"association_objects": 1})
        study = self.deliver()
        self.state(study, "done")
        self.assertGreater(slow.times[-1] - slow.times[0], 0.4 * (len(slow.times) - 1))
        self.assertGreater(wide.most_open, 1)
        self.assertLessEqual(wide.most_open, 3)

    def test_echo(self):
        one = self.peer("ONE")
        closed = self.peer("CLOSED")
        closed.close()
        strict = self.peer("STRICT")
        strict.behaviour = "reject"
        self.run_with(one.destination(), closed.destination(), strict.destination())
        code, said = self.command("echo", "one")
        self.assertEqual(code, 0, said)
        self.assertIn("answers", said)
        code, said = self.command("echo", "closed")
        self.assertEqual(code, 1)
        self.assertIn("nothing listens", said)
        code, said = self.command("echo", "strict", "--json")
        self.assertEqual(code, 1)
        self.assertFalse(json.loads(said)["answered"])
        self.assertIn("does not know our AE title", json.loads(said)["hint"])
        self.assertEqual(self.command("echo", "nobody")[0], 1)


class Commitment(DeliveryTest):
    COMMIT = {"commitment_timeout_s": 2, "commitment_tries": 2}

    def commitments(self, study):
        return {row[0] for row in self.rows(study, "b.commitment")}

    def committed(self, study):
        wait_for("everything is committed", lambda: self.commitments(study) == {"committed"}, 30)

    def test_answer_on_the_same_and_on_another_association(self):
        same, new = self.peer("SAME"), self.peer("NEW")
        same.commit, new.commit = "same", "new"
        self.run_with(same.destination(commitment="required"),
                      new.destination(commitment="required"),
                      sender={"commitment_timeout_s": 600})
        study = self.deliver()
        self.committed(study)
        self.assertEqual((same.answers, new.answers), ([0], [0]))
        self.assertEqual(sorted(same.requests[0][1]), sorted(same.stored))
        self.assertEqual(len(set(same.stored)), len(same.stored))
        self.assertIn("delivered, committed", self.command("show", study)[1])
        self.assertFalse(any((self.stack.folder / "store" / "answers").glob("??/*.dcm")))

    def test_answers_by_tls(self):
        (same, new), tls = self.secured("SAME", "NEW")
        same.commit, new.commit = "same", "new"
        self.run_with(*[{"name": one.aet.lower(), "peer": one.aet.lower(), "commitment": "required"}
                        for one in (same, new)], tls=tls,
                      peers=[one.destination(tls=True) for one in (same, new)],
                      sender={"commitment_timeout_s": 600})
        self.committed(self.deliver())
        self.assertEqual((same.answers, new.answers), ([0], [0]))
        new.tls, new.answer_port = None, self.stack.axnoded_port
        with self.assertRaises(ConnectionError): # who is listed with TLS answers by TLS alone
            new.ask([])

    def test_what_is_lost_is_sent_again(self):
        lossy = self.peer("LOSSY")
        lossy.commit = "same"
        lossy.commit_failed = lambda uids: {uids[0]: 0x0112} if len(lossy.requests) == 1 else {}
        self.run_with(lossy.destination(commitment="required"), sender=self.COMMIT)
        study = self.deliver()
        self.committed(study)
        self.state(study, "done")
        lost = lossy.requests[0][1][0]
        self.assertEqual(lossy.stored.count(lost), 2)
        self.assertEqual(len(lossy.stored), len(set(lossy.stored)) + 1)
        self.assertEqual(lossy.requests[1][1], [lost])

    def test_refusal_and_silence_end(self):
        never, silent, refuses, without = (self.peer(n) for n in
                                           ("NEVER", "SILENT", "REFUSES", "WITHOUT"))
        never.commit, silent.commit, refuses.commit = "same", "silent", "refuse"
        never.commit_failed = lambda uids: {u: 0x0110 for u in uids}
        self.run_with(*[p.destination(commitment="required", objects=["sr"])
                        for p in (never, silent, refuses, without)],
                      sender={**self.COMMIT, "commitment_timeout_s": 1})
        study = self.deliver()
        wait_for("all has ended", lambda: {(r[0], r[1], r[2]) for r in self.rows(
            study, "b.destination, b.state, b.commitment")} == {
                ("never", "failed", "none"), ("silent", "delivered", "unconfirmed"),
                ("refuses", "delivered", "unconfirmed"),
                ("without", "delivered", "unconfirmed")}, 40)
        self.assertEqual(len(never.stored), 2)
        self.assertEqual(len(silent.requests), 2)
        self.assertIn("0x0110", self.stack.studies()[study]["reason"])
        self.assertIn("never confirmed", self.command("status")[1])
        # Asked again by a person, it answers at last.
        silent.commit = "same"
        self.command("resend", study, "--to", "silent")
        wait_for("committed", lambda: ["silent", "committed"] in self.rows(
            study, "b.destination, b.commitment"))

    def test_strangers_answers_are_refused(self):
        known, stranger = self.peer("KNOWN"), self.peer("STRANGER")
        known.commit = "silent"
        self.run_with(known.destination(commitment="required"), sender={"commitment_timeout_s": 600})
        study = self.deliver()
        wait_for("it was asked", lambda: known.requests)
        asked = pydicom.Dataset()
        asked.TransactionUID = known.requests[0][0]
        asked.ReferencedSOPSequence = [pydicom.Dataset()]
        asked.ReferencedSOPSequence[0].ReferencedSOPClassUID = "1.2.3"
        asked.ReferencedSOPSequence[0].ReferencedSOPInstanceUID = known.requests[0][1][0]
        stranger.call_back(asked)
        self.assertEqual(stranger.answers, [0x0110])
        asked.TransactionUID = "1.2.3.4" # of nobody's request: taken, and thrown away
        known.call_back(asked)
        wait_for("it is thrown away", lambda: "thrown away" in self.stack.log("axnoded"))
        self.assertEqual(self.commitments(study), {"asked"})
        # We keep nothing for others, and say so.
        self.assertEqual(stranger.ask([("1.2.840.10008.1.1", "1.2.3")]), 0x0110)

    def test_orthanc(self):
        """An archive that others wrote."""
        stack = self.stack
        stack.orthanc()
        self.run_with({"name": "pacs", "ae_title": "PACS", "address": "127.0.0.1",
                       "port": stack.orthanc_port, "commitment": "required"},
                      sender={"commitment_timeout_s": 30})
        study = self.deliver()
        self.committed(study)
        self.state(study, "done")
        self.assertEqual(len(stack.pacs_instances(study, "SR")), 1)
        self.assertEqual(self.command("echo", "pacs")[0], 0)
        stack.stop("orthanc")


class CommitmentForOthers(DeliveryTest):
    """Peers ask us to commit to what they stored."""
    ON = {"retention_days": 30, "retrieve_ae_title": "ARCHIVE"}

    def start(self, *peers, commitment=None, **more):
        listed = [{"name": one.aet.lower(), "ae_title": one.aet, "address": "127.0.0.1",
                   "port": one.port, "tls": one.tls is not None,
                   "may": ["echo", "store", "commit"]} for one in peers]
        for one in peers:
            one.commit = "silent" # offers the service
        listed.append({"name": "all", "ae_title": "MODALITY", "address": "127.0.0.1",
                       "may": ["echo", "store", "commit"]})
        self.run_with(peers=listed, commitment=self.ON if commitment is None else commitment,
                      **more)

    def objects(self):
        return [tuple(row) for row in self.stack.sql(
            "SELECT i.sop_class, i.sop_uid FROM instance i JOIN study s ON s.id = i.study"
            f" WHERE s.study_uid = '{self.ready}' ORDER BY i.id")]

    def report(self, one, count=1, timeout_s=20):
        try:
            wait_for("an answer", lambda: len(one.reports) >= count, timeout_s)
        except Failed as reason:
            raise AssertionError(f"{reason}\n" + self.stack.log("axnoded")[-4000:]) from None
        return one.reports[-1]

    def waiting(self):
        return list((self.stack.folder / "store" / "requests").glob("??/*.dcm"))

    def test_off_without_both_settings(self):
        one = self.peer("ONE")
        for given in ({}, {"retention_days": 30}, {"retrieve_ae_title": "ARCHIVE"}):
            self.start(one, commitment=given)
            self.assertEqual(one.ask(self.objects()), 0x0110)
            self.stack.stop("axnoded")
        self.assertEqual(self.waiting(), [])
        self.start(one)

    def test_committed_and_refused(self):
        one = self.peer("ONE")
        self.start(one)
        objects = self.objects()
        self.assertEqual(one.ask(objects, "1.2.3.4.1"), 0)
        self.assertEqual(self.report(one), ("1.2.3.4.1", 1, {uid: 0 for _, uid in objects},
                                            "ARCHIVE"))
        # A lost file, another class, an object that never came.
        key = self.stack.sql(f"SELECT key FROM instance WHERE sop_uid = '{objects[1][1]}'")[0][0]
        file, = (self.stack.folder / "store" / "stored").glob(f"??/{key}.dcm")
        away = file.rename(file.with_suffix(".away"))
        self.assertEqual(one.ask([objects[0], objects[1], ("1.2.3", objects[2][1]),
                                  (objects[0][0], "1.2.3.4.99")], "1.2.3.4.2"), 0)
        got = self.report(one, 2)
        away.rename(file)
        self.assertEqual(got[:3], ("1.2.3.4.2", 2, {objects[0][1]: 0, objects[1][1]: 0x0110,
                                                    objects[2][1]: 0x0119, "1.2.3.4.99": 0x0112}))
        wait_for("nothing waits", lambda: not self.waiting())
        # It may have deleted its own: neither retention nor a person ends ours.
        code, said = self.command("purge", self.ready, "--yes")
        self.assertIn("we keep it until", said)
        self.assertNotEqual(code, 0)

    def test_requests_by_tls(self):
        (one,), tls = self.secured("ONE")
        self.start(one, tls=tls)
        objects = self.objects()
        self.assertEqual(one.ask(objects, "1.2.3.4.9"), 0)
        self.assertEqual(self.report(one)[:3], ("1.2.3.4.9", 1, {uid: 0 for _, uid in objects}))

    def test_a_request_for_all_ends_the_quiet_period(self):
        one, slow = self.peer("ONE"), {"quiet_period_s": 3600}
        folder = self.stack.folder / "phantom-82"
        self.stack.axnode("phantom", "--out", folder, "--studies", 2, "--seed", 82)
        first, second = ([(file, tuple(str(u) for u in raw_dicom.split_file(file)[:2]))
                          for file in sorted(study.glob("*.dcm"))]
                         for study in sorted(folder.glob("study-*")))
        whole = lambda: self.stack.sql("SELECT s.study_uid FROM event e JOIN study s"
                                       " ON s.id = e.study WHERE e.kind = 'whole'")
        def ask(objects, number):
            self.assertEqual(one.ask(objects, f"1.2.3.4.82.{number}"), 0)
            self.report(one, number)
        self.start(one, study=slow) # off, as shipped
        self.assertEqual(self.stack.send([file for file, _ in first]), [])
        ask([uids for _, uids in first], 1)
        self.assertEqual(whole(), [])
        self.stack.stop("axnoded")
        self.start(one, commitment={**self.ON, "completes_study": True}, study=slow)
        before = set(self.stack.studies())
        self.assertEqual(self.stack.send([file for file, _ in second]), [])
        objects = [uids for _, uids in second]
        ask(objects[1:], 2)
        ask([*objects, (objects[0][0], "1.2.3.4.99")], 3)
        self.assertEqual(whole(), [])
        (study,) = set(self.stack.studies()) - before
        self.assertEqual(self.stack.studies()[study]["state"], "receiving")
        ask(objects, 4)
        self.assertEqual(whole(), [[study]])
        self.state(study, "done", timeout_s=120)
        self.assertIn("listed all that was received", self.command("show", study)[1])

    def test_bad_requests(self):
        one, stranger = self.peer("ONE"), self.peer("STRANGER")
        self.start(one)
        good = self.objects()[:1]
        self.assertEqual(one.ask(good, "1.2.3.4.3", action=2), 0x0123)
        self.assertEqual(one.ask([], "1.2.3.4.3"), 0x0115)
        self.assertEqual(one.ask([("1.2.3", "1.2.x")], "1.2.3.4.3"), 0x0115)
        self.assertEqual(one.ask(good * 4097, "1.2.3.4.3"), 0x0115)
        with self.assertRaises((OSError, peer.Hangup)):
            stranger.ask(good)
        # One who cannot be answered.
        nowhere = self.peer("MODALITY")
        self.assertEqual(nowhere.ask(good, "1.2.3.4.3"), 0x0110)
        self.assertEqual((self.waiting(), one.reports), ([], []))

    def test_request_without_a_database(self):
        """The receiver keeps it; what is stored and not indexed yet is waited for."""
        one = self.peer("ONE")
        self.start(one)
        folder = self.stack.folder / "phantom-81"
        self.stack.axnode("phantom", "--out", folder, "--studies", 1, "--seed", 81)
        files = sorted(folder.glob("*/*.dcm"))
        new = [tuple(str(u) for u in raw_dicom.split_file(file)[:2]) for file in files]
        before = set(self.stack.studies())
        self.stack.database_stop()
        try:
            self.assertEqual(self.stack.send(files), [])
            self.assertEqual(one.ask(new, "1.2.3.4.6"), 0)
        finally:
            self.stack.database_start()
        self.assertEqual(self.report(one, timeout_s=60)[:3],
                         ("1.2.3.4.6", 1, {uid: 0 for _, uid in new}))
        # Or its report would come in the middle of another test.
        (study,) = set(self.stack.studies()) - before
        self.state(study, "done", timeout_s=120)

    def test_unreadable_request_holds_up_nobody(self):
        one = self.peer("ONE")
        self.start(one)
        good = self.objects()
        self.stack.database_stop() # so that both are met in one pass
        try:
            for number in range(2):
                self.assertEqual(one.ask(good, f"1.2.3.4.{7 + number}"), 0)
            first, second = sorted(self.waiting()) # the order of the pass
            first.chmod(0)
        finally:
            self.stack.database_start()
        self.report(one, timeout_s=60)
        wait_for("the other one is answered", lambda: not second.exists())
        wait_for("it is known, with the reason", lambda: self.stack.sql(
            f"SELECT 1 FROM pledge WHERE key = '{first.stem}' AND state = 'waiting' AND attempts > 0"
            " AND reason LIKE 'cannot%'"))
        self.assertTrue(first.exists())
        self.assertIn("cannot be read, and is kept", self.stack.log("axnoded"))
        first.chmod(0o600)
        self.report(one, 2, timeout_s=60)
        self.assertEqual({report[0] for report in one.reports}, {"1.2.3.4.7", "1.2.3.4.8"})
        wait_for("nothing waits", lambda: not self.waiting())

    def test_answer_waits_for_the_peer(self):
        one = self.peer("ONE")
        self.start(one)
        good = self.objects()
        one.behaviour = "reject"
        self.assertEqual(one.ask(good, "1.2.3.4.4"), 0)
        wait_for("it was tried twice", lambda: self.stack.sql(
            "SELECT 1 FROM pledge WHERE state = 'waiting' AND attempts >= 2"), 20)
        self.stack.stop("axnoded") # what it said 'yes' to outlives it
        self.assertEqual(len(self.waiting()), 1)
        one.behaviour = ""
        self.stack.axnoded()
        self.assertEqual(self.report(one)[:2], ("1.2.3.4.4", 1))
        # And ends after so many attempts.
        self.stack.stop("axnoded")
        self.start(one, sender={"attempts_max": 2})
        one.report_status = 0x0110
        self.assertEqual(one.ask(good, "1.2.3.4.5"), 0)
        wait_for("it is given up", lambda: self.stack.sql(
            "SELECT 1 FROM pledge WHERE state = 'failed' AND attempts = 1"), 20)
        wait_for("nothing waits", lambda: not self.waiting())


if __name__ == "__main__":
    checks.main()
