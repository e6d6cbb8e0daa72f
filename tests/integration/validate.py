"""A synthetic hospital follows "Validate and recalibrate on your own data" of the operator guide, line
by line, and fits a model of two scores from what the service stored."""
import csv
import json
import os
import re
import subprocess

import checks
from checks import settled
from stack import TREE

STUDIES = 20


def commands():
    """The shell lines of the walk-through, in order."""
    guide = (TREE / "docs" / "operator-guide.md").read_text(encoding="utf-8")
    section = guide.split("\n## Validate and recalibrate on your own data\n")[1].split("\n## ")[0]
    blocks = re.findall(r"^ *```sh\n(.*?)^ *```", section, re.S | re.M)
    return [line.strip() for block in blocks for line in block.splitlines()]


class Validate(checks.StackTest):
    settings = {"workers": {"count": 2}}

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.packages = cls.stack.folder / "packages"
        cls.packages.mkdir()
        cls.stack.stop("axnoded")
        cls.stack.configure(**cls.settings, packages={"folder": str(cls.packages)})
        cls.stack.axnoded()
        cls.work = cls.stack.folder / "work"
        cls.work.mkdir()
        os.environ["PATH"] += f":{cls.stack.tool('axnode').parent}"
        host = re.search(r"host=(\S+)", cls.stack.database)[1]
        cls.environment = {**os.environ, "AXNODE_CONFIG": str(cls.stack.config), "PGHOST": host,
                           "PGUSER": "axnode", "PGDATABASE": "axnode",
                           "PACKAGE": str(TREE / "packages" / "verification"),
                           "RECIPES": str(TREE / "docs" / "recipes"),
                           "PACKAGES": str(cls.packages)}
        cls.send(STUDIES, 90)

    @classmethod
    def send(cls, studies, seed):
        """Studies to the service, and what became of them into outcomes.csv."""
        folder = cls.stack.folder / f"phantom-{seed}"
        cls.stack.axnode("phantom", "--out", folder, "--studies", studies, "--seed", seed)
        assert cls.stack.send(sorted(folder.glob("study-*/*.dcm"))) == []
        truth = json.loads((folder / "truth.json").read_text())["studies"]
        with open(cls.work / "outcomes.csv", "w", newline="", encoding="utf-8") as file:
            writer = csv.writer(file)
            writer.writerow(["study_uid", "metastasis"])
            for i, study in enumerate(truth): # every sixth the other way: nothing is that clear
                writer.writerow([study["study_instance_uid"], study["outcome"] ^ (i % 6 == 0)])
        settled(cls.stack, studies)

    def shell(self, line, status=0):
        done = subprocess.run(["sh", "-euc", line], cwd=self.work, env=self.environment,
                              capture_output=True, text=True, check=False)
        self.assertEqual(done.returncode, status, f"{line}\n{done.stdout}{done.stderr}")
        return done.stdout + done.stderr

    def test_1_the_guide(self):
        lines = commands()
        self.assertEqual(len(lines), 9)
        for line in lines:
            self.shell(line)
        self.assertIn("metastasis", (self.packages / "verification-local" /
                                     "model-card.md").read_text())
        self.assertTrue((self.work / "as-it-is" / "evaluation.html").exists())
        facts = json.loads((self.packages / "verification-local" / "fit.json").read_text())
        risks = self.stack.sql("SELECT count(*) FROM v_result WHERE outcome = 'risk'")
        self.assertEqual(facts["cohort"]["n"], int(risks[0][0]))
        known = set(self.stack.studies())
        folder = self.stack.folder / "phantom-91"
        self.stack.axnode("phantom", "--out", folder, "--studies", 1, "--seed", 91)
        self.assertEqual(self.stack.send(sorted(folder.glob("study-*/*.dcm"))), [])
        new = (set(settled(self.stack, len(known) + 1)) - known).pop()
        self.assertEqual(self.stack.sql("SELECT package_version FROM v_result "
                                        f"WHERE study_uid = '{new}'"), [["1-local"]])

    def test_2_a_model_of_two_scores(self):
        fit = "axnode fit --from-db --outcome-table outcomes --outcome metastasis "
        version = self.stack.sql("SELECT package_version FROM v_result LIMIT 1")[0][0]
        fit += f"--scored-by verification@{version} "
        for region in ("tumour", "node"): # so few patients pass no selection: two terms as they are
            recipe = (TREE / "docs" / "recipes" / f"dual-roi-2025-{region}.yaml").read_text()
            recipe = recipe.split("data:")[0] + ("data: {include: [%s_measure_LongAxis, "
                     "%s_original_firstorder_Entropy]}\nsteps: [logistic]\n" % (region, region))
            (self.work / f"{region}.yaml").write_text(recipe)
            self.shell(f"{fit} --recipe {region}.yaml --out {region}")
        model = (TREE / "docs" / "recipes" / "dual-roi-2025-model.yaml").read_text()
        (self.work / "model.yaml").write_text(model)
        self.shell(f"{fit} --recipe model.yaml --score tumour_score=tumour "
                   "--score node_score=node --out dual")
        self.shell('axnode model verify "$PWD/dual"')
        self.assertIn("scores:", (self.work / "dual" / "package.yaml").read_text())

    def test_3_what_cannot_be_joined(self):
        fit = ("axnode fit --from-db --outcome metastasis --recipe $RECIPES/recalibrate.yaml "
               "--package $PACKAGE --out none --outcome-table ")
        self.assertIn("has no table", self.shell(fit + "nowhere", 1))
        self.shell("psql -qc 'CREATE TABLE odd (name text, metastasis integer)'")
        self.assertIn("neither a column", self.shell(fit + "odd", 1))
        self.shell("psql -qc 'CREATE TABLE twice AS SELECT * FROM outcomes UNION ALL "
                   "SELECT * FROM outcomes'")
        self.assertIn("two outcomes", self.shell(fit + "twice", 1))
        self.assertFalse((self.work / "none").exists())


if __name__ == "__main__":
    checks.main()
