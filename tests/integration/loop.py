"""A PACS that routes everything back to us: one report per study, the generation stays 1."""
import time

import checks
from checks import settled


class Loop(checks.StackTest):
    route_everything_back = True
    STUDIES = 3

    def test_own_objects_never_feed_back(self):
        stack = self.stack
        phantom = stack.folder / "phantom"
        stack.axnode("phantom", "--out", phantom, "--studies", self.STUDIES, "--seed", 3)
        files = sorted(phantom.glob("*/*.dcm"))
        self.assertEqual(stack.send(files, to="pacs"), []) # the PACS routes them to us
        studies = settled(stack, self.STUDIES)
        def routed_back(): # every object of ours has come back and is known as our own
            own = int(stack.sql("SELECT count(*) FROM instance WHERE role = 'own'")[0][0])
            made = int(stack.sql("SELECT count(*) FROM outgoing")[0][0])
            return made and own >= made
        checks.wait_for("our objects come back", routed_back, 60)
        end = time.monotonic() + 5 # several quiet periods
        while time.monotonic() < end:
            studies = settled(stack, self.STUDIES)
            time.sleep(0.5)
        self.assertEqual(len(studies), self.STUDIES)
        for uid, row in studies.items():
            self.assertEqual((row["state"], row["generation"]), ("done", 1))
            self.assertEqual(len(stack.pacs_instances(uid, "SR")), 1)
        self.assertEqual(stack.sql("SELECT count(*) FROM job"), [[str(self.STUDIES)]])


if __name__ == "__main__":
    checks.main()
