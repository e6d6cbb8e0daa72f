"""Success means durable. Every C-STORE answer of a run comes after the syncs it stands on; and when
the power fails at seeded moments and takes what was not synced, every acknowledged object is there
and reported after the restart."""
import signal
import time

import checks
import faults
import power_loss
from stack import Failed

CUTS = 40 if faults.LONG else 4


class Durability(faults.FaultTest):
    settings = {"workers": {"attempts_max": 20, "lease_s": 3, "backoff_first_s": 0.1,
                            "backoff_max_s": 0.5},
                "study": {"quiet_period_s": 0.3},
                "sender": {"attempts_max": 1000, "backoff_first_s": 0.1, "backoff_max_s": 0.5}}

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.stack.stop("axnoded")

    def start(self, number, cut_at):
        """axnoded with a journal of its own; the store's durable state is that of a fresh boot."""
        stack = self.stack
        self.journal = stack.folder / f"journal-{number}"
        stack.axnoded_environment = {
            **faults.preload("durability"), "AXNODE_JOURNAL": str(self.journal),
            "AXNODE_STORE": str(stack.folder / "store"), "AXNODE_CUT_AT": str(cut_at)}
        try:
            stack.axnoded()
        except Failed: # the power failed while it started
            pass

    def model(self):
        """The journal replayed over what the disk had when the journal began."""
        model = power_loss.Model(self.stack.folder / "store")
        for folder, names in self.before.items():
            model.names[folder], model.kept[folder] = dict(names), dict(names)
        if self.journal.exists():
            model.play(self.journal)
        self.assertEqual(model.broken, [], "answered with success before it was durable")
        return model

    def disk(self):
        """{folder: {name: inode or 'folder'}} of the store now."""
        found = {}
        for folder in (p for p in [self.stack.folder / "store",
                                   *(self.stack.folder / "store").rglob("*")] if p.is_dir()):
            found[str(folder)] = {p.name: "folder" if p.is_dir() else str(p.stat().st_ino)
                                  for p in folder.iterdir()}
        return found

    def test_1_success_comes_after_the_syncs(self):
        stack = self.stack
        self.before = {}
        checks.run(["rm", "-rf", stack.folder / "store"]) # its making is in the journal too
        self.start("whole", 0)
        folder = self.phantom(1, 800)[0]
        faults.send_until_taken(stack, faults.objects(folder))
        faults.send_until_taken(stack, faults.objects(folder)) # identical: promised again
        uid = faults.study_uid(folder)
        self.assertEqual(faults.settled(stack, [uid])[uid]["state"], "done")
        self.assertEqual(stack.stop("axnoded"), 0)
        model = self.model()
        self.assertEqual(len(model.promises), 2 * len(faults.objects(folder)))
        # The check can fail: without any one kind of sync no promise would be kept.
        for kind in ("sync", "folder-sync"):
            lines = self.journal.read_text().splitlines()
            part = stack.folder / "journal-part"
            part.write_text("\n".join(line for line in lines if not line.startswith(kind + "\t")))
            careless = power_loss.Model(stack.folder / "store")
            careless.play(part)
            self.assertEqual(careless.broken, careless.promises)

    def test_2_the_power_fails(self):
        stack, chance = self.stack, faults.seeded("fault.durability")
        for number, folder in enumerate(self.phantom(CUTS, 801)):
            files, uid = faults.objects(folder), faults.study_uid(folder)
            cut_at = chance.randint(20, 600)
            self.before = self.disk()
            self.start(number, cut_at)
            self.wait_for_cut(files, uid)
            model = self.model()
            lost = model.lose(chance)
            print(f"cut {number} at operation {cut_at}: {len(model.promises)} promises, "
                  f"lost {len(lost)}: {[text.replace(str(stack.folder), '') for text in lost]}",
                  flush=True)
            stack.axnoded_environment = None
            stack.axnoded()
            left = [f for f in files if checks.pydicom.dcmread(
                f, stop_before_pixels=True).SOPInstanceUID not in model.promises]
            faults.send_until_taken(stack, left) # the peer got no answer for these
            row = faults.settled(stack, [uid])[uid]
            self.assertEqual(row["state"], "done", row)
            known = {r[0] for r in stack.sql("SELECT sop_uid FROM instance")}
            self.assertLessEqual(set(model.promises), known)
            faults.assert_agree(self, stack)
            faults.assert_one_report(self, stack, uid)
            stack.stop("axnoded")

    def wait_for_cut(self, files, uid):
        """Send, and see axnoded to its end: of power, or of its work."""
        stack = self.stack
        process = stack.processes["axnoded"]
        faults.send(stack, files)
        end = time.monotonic() + 30
        while process.poll() is None and time.monotonic() < end:
            row = stack.studies().get(uid)
            if row and row["state"] in checks.SETTLED:
                break # it was faster than the operations' count
            time.sleep(0.05)
        stack.stop("axnoded", signal.SIGKILL)


if __name__ == "__main__":
    faults.preload("durability") # skips at once where it must
    checks.main()
