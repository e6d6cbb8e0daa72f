"""One study scored by several packages in one report: by the service and by `axnode analyze`, one of them of
the node alone, with inputs that are not square."""
import json
import shutil
import subprocess
import sys

import checks
import packages as made
from checks import settled
from stack import TREE

sys.path.insert(0, str(TREE / "tests" / "unit" / "report"))

ROWS, COLUMNS = 256, 320

NODES = """\
format: 1
name: nodes-test
version: "1"
intended_use: Tests of nodes alone. Never for patients.
outcome: {text: Estimated risk of a dark node, short: dark node}
population: [{evidence: synthetic_data, text: Synthetic studies only}]
inputs: {regions: [node], sizes_require_calibration: none}
networks:
  node:
    file: node.onnx
    input_size: [256, 320]
    normalisation: {scale: 0.00392156862745098, mean: 0, std: 1}
    channels: [node]
    threshold: 0.5
    min_area_fraction: 0.001
agreement_min: 0
deep:
  - {region: node, file: classifier.onnx, input_size: [256, 320], channels: 1,
     normalisation: {scale: 0.00392156862745098, mean: 0, std: 1}, crop: segmented, resize: fit,
     count: 1, prefix: class_, first: 1, activations: activations, pooling: average}
model:
  link: logistic
  intercept: 0.25
  terms:
    - {feature: node_class_1, centre: 0, scale: 1, coefficient: -10, needs_calibration: false, missing: refuse}
  cutoff: {value: 0.5, rule: specificity 100 % on the validation set}
provenance: {data: none, method: chosen by hand, licence: Apache-2.0}
"""


def write_networks(folder):
    """Bright is inside; a feature is the mean of the segmented frame."""
    from onnx import TensorProto, checker, helper
    shape = [1, 1, ROWS, COLUMNS]

    def write(name, nodes, outputs):
        graph = helper.make_graph(
            nodes, name, [helper.make_tensor_value_info("image", TensorProto.FLOAT, shape)],
            [helper.make_tensor_value_info(n, TensorProto.FLOAT, s) for n, s in outputs])
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8)
        checker.check_model(model)
        (folder / f"{name}.onnx").write_bytes(model.SerializeToString())
    write("node", [helper.make_node("Identity", ["image"], ["probability"])],
          [("probability", shape)])
    write("classifier", [helper.make_node("AveragePool", ["image"], ["activations"],
                                          kernel_shape=[16, 16], strides=[16, 16]),
                         helper.make_node("GlobalAveragePool", ["activations"], ["pooled"]),
                         helper.make_node("Flatten", ["pooled"], ["features"])],
          [("activations", [1, 1, 16, 20]), ("features", [1, 1])])


class Several(checks.StackTest):
    settings = {"workers": {"count": 1, "attempts_max": 1}}

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.packages = cls.stack.folder / "packages"
        cls.nodes = cls.packages / "nodes"
        (cls.nodes / "selftest").mkdir(parents=True)
        (cls.nodes / "package.yaml").write_text(NODES)
        write_networks(cls.nodes)
        for name in ("node.png", "node-mask.png"):
            shutil.copy(TREE / "packages" / "verification" / "selftest" / name,
                        cls.nodes / "selftest")
        cls.stack.axnode("model", "selftest", "--write", cls.nodes)
        cls.twin = cls.packages / "twin"
        made.Packages.variant(cls.twin, "9.0.0", -1.5)
        cls.stack.axnode("model", "selftest", "--write", cls.twin)
        cls.study = cls.stack.folder / "phantom"
        cls.stack.axnode("phantom", "--out", cls.study, "--studies", 1, "--seed", 12)
        cls.files = sorted(cls.study.glob("study-*/*.dcm"))

    def analyze(self, files, *packages, name="out"):
        out = self.stack.folder / name
        said = self.stack.axnode("analyze", *files, "--out", out, "--html",
                                 *(a for p in packages for a in ("--package", p)))
        folder = next(p for p in out.iterdir() if p.is_dir())
        return said, folder, json.loads((folder / "result.json").read_text())

    def test_1_analyze(self):
        shipped = TREE / "packages" / "verification"
        _, _, alone = self.analyze(self.files, shipped, name="alone")
        said, folder, result = self.analyze(self.files, shipped, self.twin, self.nodes)
        self.assertEqual([p["leading"] for p in result["packages"]], [True, False, False])
        self.assertEqual([p["package"]["name"] for p in result["packages"]],
                         ["verification", "verification", "nodes-test"])
        self.assertEqual(result["packages"][0]["risk"], alone["risk"])
        self.assertEqual(result["regions"], alone["regions"])
        self.assertEqual({p["side"] for p in result["packages"]}, {result["side"]})
        first, twin, nodes = (p["risk"]["probability"] for p in result["packages"])
        self.assertEqual(len({first, twin, nodes}), 3)
        self.assertEqual(result["packages"][1]["notes"], []) # the same outlines
        self.assertIn("another outline of the node", result["packages"][2]["notes"][0])
        self.assertIn("BESIDE IT, package nodes-test 1", said)
        page = (folder / "report.html").read_text()
        self.assertEqual(page.count("Further score: package"), 2)
        self.check_sr(folder / "sr.dcm", 2)
        # Who is asked beside is part of the report's identity; in which order of files is not.
        self.assertNotEqual((folder / "sr.dcm").read_bytes(),
                            (self.stack.folder / "alone" / folder.name / "sr.dcm").read_bytes())
        _, again, _ = self.analyze(self.files[::-1], shipped, self.twin, self.nodes, name="again")
        self.assertEqual((folder / "sr.dcm").read_bytes(), (again / "sr.dcm").read_bytes())

    def check_sr(self, path, others):
        from sr_tree import load
        from templates import OWN, below, check
        root, evidence = load(path)
        self.assertEqual(check(root, evidence), [])
        self.assertEqual(len(below(root, OWN + "OTHERPACKAGE")), others)
        said = subprocess.run(["dciodvfy", "-new", path], capture_output=True, text=True,
                              check=False)
        bad = [line for line in said.stderr.splitlines()
               if line.startswith(("Error", "Warning")) and "99AXNODE" not in line]
        self.assertEqual(bad, [])

    def node_images(self):
        masks = {p.name.split("-")[0] for p in self.study.rglob("*-node.png")}
        return [f for f in self.files if f.stem in masks]

    def test_2_a_node_alone(self):
        """No image of the tumour: the package of nodes has a risk, and leads where it is first."""
        files = self.node_images()
        self.assertTrue(0 < len(files) < len(self.files))
        _, _, result = self.analyze(files, self.nodes, name="nodes")
        self.assertTrue(result["risk"]["estimated"], result["risk"]["reasons"])
        self.assertEqual(result["risk"]["cutoff_rule"], "specificity 100 % on the validation set")
        self.assertIsNone(result["regions"]["tumour"])
        _, _, both = self.analyze(files, TREE / "packages" / "verification", self.nodes, name="both")
        self.assertEqual([p["risk"]["estimated"] for p in both["packages"]], [False, True])
        self.assertEqual(both["packages"][1]["risk"], result["risk"])

    def test_3_who_leads_where_the_first_does_not_apply(self):
        original = TREE / "packages" / "segcls-2024" # has no network
        _, folder, result = self.analyze(self.files, original, self.twin, name="original")
        self.assertEqual(result["package"]["version"], "9.0.0")
        self.assertEqual([p["leading"] for p in result["packages"]], [True, False])
        self.assertIn("has no network", result["packages"][1]["risk"]["reasons"][0])
        self.check_sr(folder / "sr.dcm", 1)

    def test_4_the_service(self):
        self.stack.stop("axnoded")
        named = {"folder": str(self.packages), "report": ["verification@9.0.0", "nodes-test@1"]}
        self.stack.configure(**self.settings, packages=named)
        self.stack.axnoded()
        self.assertEqual(self.stack.send(self.files), [])
        study = next(iter(settled(self.stack, 1)))
        rows = self.stack.sql("SELECT leads, package_name, package_version, outcome FROM v_result "
                              f"WHERE study_uid = '{study}' ORDER BY leads DESC, package_version DESC")
        self.assertEqual([r[0] for r in rows], ["t", "f", "f"])
        self.assertEqual([r[1:] for r in rows[1:]], [["verification", "9.0.0", "risk"],
                                                     ["nodes-test", "1", "risk"]])
        self.assertEqual(len(self.stack.pacs_instances(study, "SR")), 1)
        self.assertNotEqual(self.stack.sql(
            f"SELECT 1 FROM v_contribution WHERE study_uid = '{study}' AND kind = 'beside'"), [])
        uses = {p["version"]: p["use"] for p in json.loads(
            self.stack.axnode("model", "list", "--json")) if "use" in p}
        self.assertEqual((uses["9.0.0"], uses["1"]), ("reported", "reported"))
        sent = checks.outgoing(self.stack)
        self.stack.axnode("retry", study) # the same packages: the same bytes
        settled(self.stack, 1)
        self.assertEqual(checks.outgoing(self.stack), sent)
        self.stack.stop("axnoded") # another list: the next generation
        self.stack.configure(**self.settings, packages={**named, "report": ["nodes-test@1"]})
        self.stack.axnoded()
        self.stack.axnode("retry", study)
        checks.wait_for("the next generation", lambda: self.stack.sql(
            f"SELECT 1 FROM v_result WHERE study_uid = '{study}' AND generation = 2"), 120)


if __name__ == "__main__":
    try:
        import onnx  # noqa: F401
    except ImportError:
        sys.exit(77)
    checks.main()
