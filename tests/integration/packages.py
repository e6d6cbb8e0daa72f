"""Several packages at once: activated and rolled back while the service runs, refused when they are
not right, and in the shadow of the one that reports."""
import json
import re
import shutil
import subprocess

import checks
from checks import settled
from stack import TREE

SHIPPED = TREE / "packages" / "verification"


def version_of(folder):
    return re.search(r'^version: "?([^"\n]+)', (folder / "package.yaml").read_text(), re.M)[1]


class Packages(checks.StackTest):
    settings = {"workers": {"count": 1, "attempts_max": 1}}

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        folder = cls.stack.folder / "packages"
        folder.mkdir()
        for version, intercept in (("8.0.0", 1.5), ("9.0.0", -1.5)):
            cls.variant(folder / version, version, intercept)
            cls.stack.axnode("model", "selftest", "--write", folder / version)
        cls.variant(folder / "broken", "7.0.0", 0.5) # its self test states the shipped numbers
        broken = folder / "broken"
        names = sorted(str(p.relative_to(broken)) for p in broken.rglob("*")
                       if p.is_file() and p.name != "MANIFEST")
        sums = subprocess.run(["sha256sum", *names], cwd=broken, capture_output=True, text=True,
                              check=True).stdout
        (broken / "MANIFEST").write_text(sums)
        cls.shipped = version_of(SHIPPED)
        cls.packages = {"folder": str(folder), "shadow": ["verification@8.0.0"]}
        cls.restart(packages=cls.packages)
        cls.seed = 70

    @staticmethod
    def variant(folder, version, intercept):
        """The shipped package with another version and intercept."""
        shutil.copytree(SHIPPED, folder)
        path = folder / "package.yaml"
        text = re.sub(r"^version: .*$", f'version: "{version}"', path.read_text(), flags=re.M)
        path.write_text(re.sub(r"^  intercept: .*$", f"  intercept: {intercept}", text,
                               flags=re.M))

    @classmethod
    def restart(cls, **settings):
        cls.stack.stop("axnoded")
        cls.stack.configure(**{**cls.settings, **settings})
        cls.stack.axnoded()

    def study(self):
        """Send one more study; its UID."""
        type(self).seed += 1
        folder = self.stack.folder / f"phantom-{self.seed}"
        before = set(self.stack.studies())
        self.stack.axnode("phantom", "--out", folder, "--studies", 1, "--seed", self.seed)
        self.assertEqual(self.stack.send(sorted(folder.glob("study-*/*.dcm"))), [])
        return (set(settled(self.stack, len(before) + 1)) - before).pop()

    def result(self, study):
        return self.stack.sql("SELECT package_version, outcome, risk, linear_predictor, "
                              "package_sha256, settings_sha256, content_sha256 FROM v_result "
                              f"WHERE study_uid = '{study}' ORDER BY generation DESC LIMIT 1")[0]

    def model(self, *arguments):
        """(exit status, what it said)"""
        done = subprocess.run([self.stack.tool("axnode"), "model", *arguments, "--config",
                               self.stack.config], capture_output=True, text=True, check=False)
        return done.returncode, done.stdout + done.stderr

    def uses(self):
        return {(p["name"], p["version"]): p["use"]
                for p in json.loads(self.stack.axnode("model", "list", "--json"))
                if "use" in p}

    def workers(self):
        return re.findall(r"worker[^\n]*started[^\n]*", self.stack.log("axnoded"))

    def test_1_activate_and_roll_back_without_a_restart(self):
        self.assertEqual(self.uses(), {("verification", self.shipped): "active",
                                       ("verification", "8.0.0"): "shadow"})
        first = self.study()
        self.assertEqual(self.result(first)[0], self.shipped)
        workers = self.workers()
        status, said = self.model("activate", "verification@9.0.0")
        self.assertEqual(status, 0, said)
        self.assertEqual(self.uses(), {("verification", "9.0.0"): "active",
                                       ("verification", self.shipped): "previous",
                                       ("verification", "8.0.0"): "shadow"})
        second = self.study()
        self.assertEqual(self.result(second)[0], "9.0.0")
        status, said = self.model("rollback")
        self.assertEqual(status, 0, said)
        third = self.study()
        self.assertEqual(self.result(third)[0], self.shipped)
        self.assertNotEqual(self.result(second)[4], self.result(third)[4])
        self.assertEqual(self.model("rollback")[0], 1) # there is nothing before it
        self.assertEqual(self.workers(), workers)
        self.assertEqual([row[:2] for row in self.stack.sql(
            "SELECT action, version FROM activation ORDER BY id")],
            [["activate", "9.0.0"], ["rollback", ""]])

    def test_2_what_is_not_right_is_not_activated(self):
        for reference, reason in (("verification@7.0.0", "computes other numbers"),
                                  ("verification@6.0.0", "there is no package"),
                                  ("verification", "there is no package")):
            status, said = self.model("activate", reference)
            self.assertEqual(status, 1)
            self.assertIn(reason, said)
        self.assertEqual(self.uses()[("verification", self.shipped)], "active")

    def test_3_a_shadow_changes_no_report(self):
        study = self.study()
        reported = self.result(study)
        self.assertEqual(reported[1], "risk")
        shadow = checks.wait_for("the shadow's result", lambda: self.stack.sql(
            "SELECT package_version, outcome, risk, reported_risk FROM v_shadow "
            f"WHERE study_uid = '{study}'"), 60)
        self.assertEqual([row[:2] for row in shadow], [["8.0.0", "risk"]])
        self.assertNotEqual(shadow[0][2], shadow[0][3])
        self.assertEqual(shadow[0][3], reported[2])
        self.assertEqual(len(self.stack.pacs_instances(study, "SR")), 1)
        sent = checks.outgoing(self.stack)
        # The same study without any shadow: the same bytes, so no further generation.
        self.restart(packages={"folder": self.packages["folder"]})
        self.stack.axnode("retry", study)
        settled(self.stack, 1)
        self.assertEqual(self.result(study), reported)
        self.assertEqual(checks.outgoing(self.stack), sent)
        self.assertEqual(self.stack.sql("SELECT max(generation) FROM v_result "
                                        f"WHERE study_uid = '{study}'"), [["1"]])

    def test_4_all_features_and_terms_are_there(self):
        study = self.study()
        names = {row[0] for row in self.stack.sql(
            f"SELECT feature FROM v_feature WHERE study_uid = '{study}'")}
        terms = self.stack.sql("SELECT stage, feature, value, contribution FROM v_contribution "
                               f"WHERE study_uid = '{study}' AND kind = 'report'")
        self.assertTrue({t[1] for t in terms} <= names)
        self.assertEqual({t[0] for t in terms}, {"model"})
        self.assertGreater(len(names), 50)


if __name__ == "__main__":
    checks.main()
