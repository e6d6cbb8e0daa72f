"""Backup and restore with the operator guide's commands: after the loss of database and store
everything is there again, what waited goes out, and nothing is reported twice."""
import hashlib
import shutil
import signal

import checks
from checks import outgoing, run, settled, wait_for


class Backup(checks.StackTest):
    settings = {"sender": {"backoff_first_s": 0.2, "backoff_max_s": 1, "attempts_max": 1000}}
    STUDIES = 3

    def back_up(self):
        """The database first: a row whose file is missing is a loss, a file without a row is
        not. incoming/ before stored/: files move in that direction alone."""
        stack = self.stack
        self.dump, self.tar = stack.folder / "axnode.dump", stack.folder / "store.tar"
        run([stack.postgres_tool("pg_dump"), "-Fc", "-d", stack.database, "-f", self.dump])
        run(["tar", "-C", stack.folder / "store", "--exclude=.tmp", "-cf", self.tar,
             "incoming", "stored", "outgoing"])

    def destroy(self):
        stack = self.stack
        stack.stop("axnoded", signal.SIGTERM)
        run([stack.postgres_tool("dropdb"), "-h", stack.folder / "socket", "-U", "axnode", "axnode"])
        shutil.rmtree(stack.folder / "store")

    def restore(self):
        stack = self.stack
        (stack.folder / "store").mkdir(mode=0o700)
        run(["tar", "-C", stack.folder / "store", "-xpf", self.tar])
        run([stack.postgres_tool("createdb"), "-h", stack.folder / "socket", "-U", "axnode",
             "axnode"])
        run([stack.postgres_tool("pg_restore"), "--exit-on-error", "-d", stack.database, self.dump])
        stack.axnode("db", "migrate")

    def test_restore(self):
        stack = self.stack
        phantom = stack.folder / "phantom"
        stack.axnode("phantom", "--out", phantom, "--studies", self.STUDIES, "--seed", 31)
        folders = sorted(phantom.glob("study-*"))
        for folder in folders[:-1]:
            self.assertEqual(stack.send(sorted(folder.glob("*.dcm"))), [])
        settled(stack, self.STUDIES - 1)
        stack.stop("orthanc")
        self.assertEqual(stack.send(sorted(folders[-1].glob("*.dcm"))), [])
        wait_for("a result waits for the PACS", lambda: any(
            row["state"] == "delivering" for row in stack.studies().values()), 120)
        results = stack.sql("SELECT job, content FROM result ORDER BY 1")
        made = outgoing(stack)

        self.back_up()
        self.destroy()
        self.restore()
        stack.orthanc()
        stack.axnoded()

        studies = settled(stack, self.STUDIES)
        self.assertEqual({row["state"] for row in studies.values()}, {"done"})
        self.assertEqual(stack.sql("SELECT job, content FROM result ORDER BY 1"), results)
        self.assertEqual(outgoing(stack), made)
        for _, _, sha256, path in made.values():
            self.assertEqual(hashlib.sha256(path.read_bytes()).hexdigest(), sha256)
        for (key,) in stack.sql("SELECT key FROM instance WHERE role = 'input'"):
            self.assertTrue((stack.folder / "store" / "stored" / key[:2] / f"{key}.dcm").exists())
        # The senders repeat what they are not sure of: known, not reported again.
        for folder in folders:
            self.assertEqual(stack.send(sorted(folder.glob("*.dcm"))), [])
        wait_for("incoming is empty", lambda: not list(
            (stack.folder / "store" / "incoming").glob("??/*.dcm")))
        for uid in settled(stack, self.STUDIES):
            self.assertEqual(len(stack.pacs_instances(uid, "SR")), 1)
        self.assertEqual(stack.sql("SELECT count(*) FROM job"), [[str(self.STUDIES)]])


if __name__ == "__main__":
    checks.main()
