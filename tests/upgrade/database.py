"""Each NNNN.sql.gz beside this file is a database as a version left it, with synthetic studies in
it (NNNN: its schema; made with `pg_dump --no-owner --no-privileges | gzip -9n`, never changed
later). Migrated to the newest schema it holds the same studies, results and deliveries, has the
schema of a fresh database, and the service works on it."""
import gzip
import pathlib
import unittest

import checks
from checks import Stack, run
from stack import wait_for

DUMPS = sorted(pathlib.Path(__file__).parent.glob("[0-9]*.sql.gz"))
KEPT = ("SELECT study_uid, state, generation, reason, held FROM study ORDER BY 1",
        "SELECT sop_uid, role, key, dataset_sha256 FROM instance ORDER BY 1, 3",
        "SELECT job, outcome, risk, reason, content FROM result ORDER BY 1",
        "SELECT sop_uid, sha256, size FROM outgoing ORDER BY 1",
        "SELECT id, state, destination, attempts FROM outbox ORDER BY 1",
        "SELECT result, region, values FROM feature ORDER BY 1, 2",
        "SELECT key, reason FROM unreadable ORDER BY 1")


class Upgrade(unittest.TestCase):
    def schema(self, stack):
        """Without what pg_dump draws anew each time."""
        text = run([stack.postgres_tool("pg_dump"), "--schema-only", "--no-owner", "-d",
                    stack.database])
        return [line for line in text.splitlines() if line and not line.startswith(("--", "\\"))]

    def columns(self, stack):
        """A column that was added later stands last: order means nothing."""
        return sorted(line.rstrip(",") for line in self.schema(stack))

    def upgrade(self, dump):
        with Stack(checks.BUILD) as stack:
            stack.postgres()
            stack.configure()
            stack.axnode("db", "migrate")
            fresh = self.columns(stack)
            for tool in ("dropdb", "createdb"):
                run([stack.postgres_tool(tool), "-h", stack.folder / "socket", "-U", "axnode",
                     "axnode"])
            plain = stack.folder / "dump.sql"
            plain.write_bytes(gzip.decompress(dump.read_bytes()))
            run([stack.postgres_tool("psql"), "-X", "-q", "-v", "ON_ERROR_STOP=1", "-d",
                 stack.database, "-f", plain])
            before = [stack.sql(query) for query in KEPT]
            self.assertTrue(all(before))
            stack.axnode("db", "migrate")
            self.assertEqual([stack.sql(query) for query in KEPT], before)
            self.assertEqual(self.columns(stack), fresh)
            stack.orthanc()
            stack.axnoded()
            phantom = stack.folder / "phantom"
            stack.axnode("phantom", "--out", phantom, "--studies", 1, "--seed", 77)
            self.assertEqual(stack.send(sorted(phantom.glob("*/*.dcm"))), [])
            known = {row[0] for row in before[0]}

            def reported():
                stack.alive("axnoded")
                new = [row for uid, row in stack.studies().items() if uid not in known]
                return new and new[0]["state"] == "done"
            wait_for("a new study is reported", reported, 120)

    def test_every_released_schema(self):
        self.assertTrue(DUMPS)
        for dump in DUMPS:
            with self.subTest(dump=dump.name):
                self.upgrade(dump)


if __name__ == "__main__":
    checks.main()
