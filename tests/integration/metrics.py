"""The metrics say what the service did, name no patient, and hold what the example alerts ask."""
import os
import re
import signal
import urllib.error
import urllib.request

import checks
from checks import TREE, settled, wait_for
from stack import free_port

SAMPLE = re.compile(r'([a-z_]+)(?:\{((?:[a-z]+="[^"\\\n]*",?)*)\})? (-?[0-9.]+)$')
PORT = free_port()


def scrape():
    """{(name, frozenset of labels): value}, after a check of the format line by line."""
    with urllib.request.urlopen(f"http://127.0.0.1:{PORT}/metrics", timeout=30) as answer:
        assert answer.headers["Content-Type"].startswith("text/plain; version=0.0.4")
        text = answer.read().decode()
    values, described = {}, {}
    for line in text.splitlines():
        if line.startswith("# "):
            _, what, name, rest = line.split(" ", 3)
            assert (what, name) not in described, line
            described[what, name] = rest
            continue
        name, labels, value = SAMPLE.match(line).groups()
        assert described["TYPE", name] in ("gauge", "counter") and described["HELP", name], line
        key = (name, frozenset(re.findall(r'([a-z]+)="([^"]*)"', labels or "")))
        assert key not in values, line
        values[key] = float(value)
    return values, text


def value(name, **labels):
    return scrape()[0].get((name, frozenset(labels.items())))


class Metrics(checks.StackTest):
    settings = {"metrics": {"port": PORT}, "supervisor": {"restart_first_s": 0.1}}
    STUDIES = 2

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        phantom = cls.stack.folder / "phantom"
        cls.stack.axnode("phantom", "--out", phantom, "--studies", cls.STUDIES, "--seed", 5)
        cls.files = sorted(phantom.glob("*/*.dcm"))
        assert cls.stack.send(cls.files) == []
        settled(cls.stack, cls.STUDIES)

    def test_1_counts(self):
        self.assertEqual(value("axnode_studies", state="done"), self.STUDIES)
        self.assertEqual(value("axnode_jobs", state="done"), self.STUDIES)
        sent = int(self.stack.sql("SELECT count(*) FROM outbox")[0][0])
        self.assertEqual(value("axnode_outbox_objects", state="delivered", destination="pacs"), sent)
        self.assertEqual(value("axnode_received_objects_total", outcome="new"), len(self.files))
        self.assertGreater(value("axnode_received_bytes_total"), 10000)
        self.assertEqual(value("axnode_incoming_objects"), 0)
        self.assertEqual(value("axnode_database_up"), 1)
        self.assertGreater(value("axnode_store_free_bytes"), 0)
        self.assertGreater(value("axnode_process_resident_bytes", process="worker-0"), 1e6)

    def test_2_resent_and_refused(self):
        self.assertEqual(self.stack.send(self.files[:1]), [])
        self.assertEqual(value("axnode_received_objects_total", outcome="identical"), 1)

    def test_3_restarts(self):
        name = dict(process="indexer")
        self.assertEqual(value("axnode_process_restarts_total", **name), 0)
        pid = re.findall(r"child=indexer child_pid=(\d+)", self.stack.log("axnoded"))[-1]
        os.kill(int(pid), signal.SIGKILL)
        wait_for("the indexer is counted again", lambda:
                 value("axnode_process_restarts_total", **name) == 1
                 and value("axnode_process_up", **name) == 1, 20)
        self.assertGreater(value("axnode_received_objects_total", outcome="new"), 0)

    def test_4_alerts_ask_for_what_there_is(self):
        import yaml
        # The certificate's end is there where TLS is: integration.admission asks for it.
        samples, text = scrape()
        names = {name for name, _ in samples} | {"axnode_tls_certificate_expiry_seconds"}
        names |= set(re.findall(r"^# TYPE (\w+)", text, re.M)) # those without a row for now
        file = yaml.safe_load((TREE / "deploy" / "prometheus-alerts.yaml").read_text())
        rules = [rule for group in file["groups"] for rule in group["rules"]]
        asked = {name for rule in rules for name in re.findall(r"\baxnode_\w+", rule["expr"])}
        self.assertGreater(len(rules), 8)
        self.assertLessEqual(asked, names)
        for rule in rules:
            self.assertTrue(rule["alert"] and rule["annotations"]["summary"])

    def test_5_no_patient_data(self):
        _, text = scrape()
        for row in self.stack.sql("SELECT study_uid, patient_id, patient_name FROM v_study"):
            for word in row:
                self.assertNotIn(word, text)

    def test_6_other_requests(self):
        for path, method, code in (("/", "GET", 404), ("/metrics", "DELETE", 405)):
            request = urllib.request.Request(f"http://127.0.0.1:{PORT}{path}", method=method)
            with self.assertRaises(urllib.error.HTTPError) as refused:
                urllib.request.urlopen(request, timeout=10)
            self.assertEqual(refused.exception.code, code)

    def test_7_without_the_database(self):
        self.stack.database_stop()
        self.assertEqual(value("axnode_database_up"), 0)
        self.assertIsNone(value("axnode_studies", state="done"))
        self.assertEqual(value("axnode_received_objects_total", outcome="new"), len(self.files))
        self.stack.database_start()
        wait_for("the database is back", lambda: value("axnode_database_up") == 1, 30)


if __name__ == "__main__":
    checks.main()
