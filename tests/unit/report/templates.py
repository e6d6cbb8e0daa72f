#!/usr/bin/python3
"""Checks the content of our structured reports against their templates, row by row.

templates.py FOLDER    every sr.dcm and ko.dcm in a folder of FOLDER

The tables are written from PS3.16 (2024): TID 1500, 1204, 1001 with 1002 and 1004, 1600 with 1601 and
1602, 1410 with 1419, 300, 4019, 1420, 1501 and 2010, the rows that we use. `req` is the standard's
requirement; `ours` is what we promise beyond it (docs/report-objects.md), so that a reader may rely on
it and a test can see it missing. Where the standard leaves a set of codes open, ours are closed.
prove_templates.py proves the checker.
"""
import pathlib
import re
import sys
from dataclasses import dataclass

from sr_tree import load, walk

# ---- value sets -----------------------------------------------------------------------------------

OWN = "99AXNODE:"
SIDES = {"SCT:7771000", "SCT:24028007"}                       # CID 244, without both
YES_NO = {"SCT:373066001", "SCT:373067005"}
LENGTHS = {"UCUM:mm", "UCUM:{pixels}"}
NONE = {"UCUM:1"}
IBSI = re.compile(r"IBSI:[0-9A-Z]{4}$")
FEATURE = re.compile(OWN + r"(FEATURE|SCORE)-[0-9A-F]{8}$")
MEASURED = {  # concept: units; what stands in every group is in FIXED
    "SCT:103339001": LENGTHS, "SCT:103340004": LENGTHS, OWN + "AXISRATIO": NONE,
    "SCT:131197000": LENGTHS, "SCT:103355008": LENGTHS, OWN + "DEPTHWIDTH": NONE,
    "SCT:42798000": {"UCUM:mm2", "UCUM:{pixels}"}, OWN + "CORTEX": LENGTHS,
    OWN + "HILUMFRACTION": {"UCUM:%"}, "DCM:121243": LENGTHS, "SCT:131191004": LENGTHS,
    OWN + "CIRCULARITY": NONE, OWN + "AGREEMENT": NONE}
FIXED = ["SCT:103339001", "SCT:103340004", OWN + "AXISRATIO", "SCT:131197000", "SCT:103355008",
         OWN + "DEPTHWIDTH", "SCT:42798000", "SCT:131191004", OWN + "CIRCULARITY",
         OWN + "AGREEMENT"]
CRITERIA = [OWN + c for c in ("RATIOBELOW2", "CORTEXABOVE3", "CORTEXABOVE35", "HILUMLOST")]
SAID = {OWN + "UNSURE": YES_NO, OWN + "TALLERTHANWIDE": YES_NO,
        OWN + "HILUM": {"SCT:52101004", "SCT:272519000", OWN + "PARTLYLOST",
                        OWN + "NOTASSESSABLE"}}
SAID.update({c: YES_NO | {OWN + "NOTASSESSABLE"} for c in CRITERIA})
US = {"1.2.840.10008.5.1.4.1.1.6.1", "1.2.840.10008.5.1.4.1.1.3.1", "1.2.840.10008.5.1.4.1.1.6",
      "1.2.840.10008.5.1.4.1.1.3"}


def is_image(value):
    return value[0] in US


def is_uid(value):
    return len(value) <= 64 and re.fullmatch(r"(0|[1-9]\d*)(\.(0|[1-9]\d*))+", value) is not None


def is_measurement(name):
    return name in MEASURED or bool(IBSI.match(name) or FEATURE.match(name))


# ---- tables ---------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Row:
    tid: str
    rel: str
    vt: str
    names: object          # a set, or a test of the name
    vm: str                # "1" or "1-n"
    req: str               # "M", "U", "MC": the standard's
    values: object = None  # a set, or a test of the value
    units: object = None   # a set, or a dict by concept
    rows: tuple = ()
    ours: str = ""         # "M": we promise it

    def fits(self, item):
        known = self.names(item.name) if callable(self.names) else item.name in self.names
        return item.rel == self.rel and item.vt == self.vt and known


CONTAINS, MOD, CONTEXT = "CONTAINS", "HAS CONCEPT MOD", "HAS OBS CONTEXT"
ACQ, PROP, INFERRED, SELECTED = ("HAS ACQ CONTEXT", "HAS PROPERTIES", "INFERRED FROM",
                                 "SELECTED FROM")

TID_1204 = (Row("1204", MOD, "CODE", {"DCM:121049"}, "1", "M", {"RFC5646:en"}),)
TID_1004 = (
    Row("1004", CONTEXT, "UIDREF", {"DCM:121012"}, "1", "M", is_uid),
    Row("1004", CONTEXT, "TEXT", {"DCM:121013"}, "1", "U", ours="M"),
    Row("1004", CONTEXT, "TEXT", {"DCM:121014"}, "1", "U", ours="M"),
    Row("1004", CONTEXT, "TEXT", {"DCM:121015"}, "1", "U", ours="M"),
    Row("1004", CONTEXT, "TEXT", {"DCM:121016"}, "1", "U", ours="M"))
# TID 1001 includes 1002; the type is conditional there, a person being its default.
TID_1001 = (Row("1002", CONTEXT, "CODE", {"DCM:121005"}, "1", "MC", {"DCM:121007"}, ours="M"),
            ) + TID_1004
TID_1602 = (
    Row("1602", ACQ, "CODE", {"DCM:123014"}, "1", "U", {"SCT:76752008", "SCT:91470000"}),
    Row("1602", ACQ, "CODE", {"DCM:111027"}, "1", "U", SIDES),
    Row("1602", ACQ, "NUM", {"DCM:111026"}, "1", "U", units={"UCUM:mm/{pixel}"}),
    Row("1602", ACQ, "NUM", {"DCM:111066"}, "1", "U", units={"UCUM:mm/{pixel}"}),
    Row("1602", ACQ, "NUM", {"DCM:110910"}, "1", "U", units={"UCUM:{pixels}"}),
    Row("1602", ACQ, "NUM", {"DCM:110911"}, "1", "U", units={"UCUM:{pixels}"}))
# TID 1601's image has no name in the standard; ours has one, since viewers fail without.
TID_1601 = (Row("1601", CONTAINS, "IMAGE", {"DCM:121324"}, "1-n", "M", is_image, rows=TID_1602),)
TID_1600 = (Row("1600", CONTAINS, "CONTAINER", {"DCM:111028"}, "1", "M", rows=(
    Row("1600", CONTAINS, "CONTAINER", {"DCM:126200"}, "1-n", "U", rows=(
        Row("1602", ACQ, "CODE", {"DCM:121139"}, "1", "M", {"DCM:US"}),) + TID_1601),)),)
TID_4019 = (
    Row("4019", MOD, "TEXT", {"DCM:111001"}, "1", "M"),
    Row("4019", MOD, "TEXT", {"DCM:111003"}, "1", "M"),
    Row("4019", MOD, "TEXT", {"DCM:111002"}, "1-n", "U",
        lambda text: re.search(r"SHA-256 [0-9a-f]{64}$", text) is not None, ours="M"))


def site(codes, ours="M"):
    """Finding Site with its laterality, as TID 1419 and 300 have them."""
    return Row("1419", MOD, "CODE", {"SCT:363698007"}, "1-n", "U", codes, ours=ours, rows=(
        Row("1419", MOD, "CODE", {"SCT:272741003"}, "1", "U", SIDES),))


# TID 310's place: what is said of the estimate.
RISK_PROPERTIES = (
    Row("300", PROP, "NUM", {OWN + "RISKLOW"}, "1", "U", units={"UCUM:%"}),
    Row("300", PROP, "NUM", {OWN + "RISKHIGH"}, "1", "U", units={"UCUM:%"}),
    Row("300", PROP, "CODE", {OWN + "RISKGROUP"}, "1", "U",
        {"SCT:75976002", "SCT:25594002", "SCT:15508007"}),
    Row("300", PROP, "TEXT", {OWN + "RISKGROUP"}, "1", "U",
        lambda text: re.match(r"[0-9A-Z]+:", text) is None),   # words, not a code
    Row("300", PROP, "NUM", {OWN + "CUTOFF"}, "1", "U", units={"UCUM:%"}),
    Row("300", PROP, "TEXT", {OWN + "CUTOFFRULE"}, "1", "U"),
    Row("300", PROP, "CODE", {OWN + "ABOVECUTOFF"}, "1", "U", YES_NO))
# TID 320: the frame of a loop that counts most, where a network saw one.
RISK = (site({"SCT:68171009"}),) + TID_4019 + RISK_PROPERTIES + (
    Row("320", INFERRED, "IMAGE", {OWN + "KEYFRAME"}, "1", "U", is_image),)
METHOD = (Row("300", MOD, "CODE", {"SCT:370129005"}, "1", "U",
              lambda value: re.match(OWN + r"FILTER-[0-9A-F]{8}$", value) is not None),)


def group(finding, place, statements):
    """TID 1410 for one kind of region: exactly one form of region, ours is SCOORD."""
    return (
        Row("1410", CONTEXT, "TEXT", {"DCM:112039"}, "1", "M",
            lambda text: re.fullmatch(r"(tumour|node)-[1-9]\d*", text) is not None),
        Row("1410", CONTEXT, "UIDREF", {"DCM:112040"}, "1", "M", is_uid),
        Row("1410", CONTAINS, "CODE", {"DCM:121071"}, "1", "U", {finding}, ours="M"),
        Row("1410", CONTAINS, "SCOORD", {"DCM:111030"}, "1", "MC",
            lambda value: value[0] == "POLYLINE" and value[1][:2] == value[1][-2:], ours="M",
            rows=(Row("1410", SELECTED, "IMAGE", {"DCM:121324"}, "1", "M", is_image),)),
        site({place}),
    ) + TID_4019 + (
        # First of the numbers: OHIF shows five.
        Row("1419", CONTAINS, "NUM", {OWN + "RISK"}, "1", "U", units={"UCUM:%"}, rows=RISK),
        Row("1419", CONTAINS, "NUM", is_measurement, "1-n", "U", units=MEASURED, rows=METHOD),
        Row("1410", CONTAINS, "CODE", lambda name: name in statements, "1-n", "U", SAID, ours="M"),
        Row("1410", CONTAINS, "TEXT", {OWN + "QUALITYNOTE"}, "1-n", "U"))


TUMOUR = group("SCT:4147007", "SCT:76752008", {OWN + "UNSURE", OWN + "TALLERTHANWIDE"})
NODE = group("SCT:59441001", "SCT:68171009", {OWN + "UNSURE", OWN + "HILUM", *CRITERIA})

# TID 1501: a group without a region. Ours has none (OHIF then shows no report at all): the table
# stands so that one is known for what it is.
TID_1501 = (
    Row("1501", CONTEXT, "TEXT", {"DCM:112039"}, "1", "U"),
    Row("1501", CONTEXT, "UIDREF", {"DCM:112040"}, "1", "U", is_uid),
    Row("1501", CONTAINS, "CODE", {"DCM:121071"}, "1", "U", {"SCT:4147007", "SCT:59441001"}),
    Row("1501", MOD, "CODE", {"SCT:370129005"}, "1", "U"),
    Row("1501", MOD, "CODE", {"SCT:363698007"}, "1-n", "U", {"SCT:76752008", "SCT:68171009"}, rows=(
        Row("1501", MOD, "CODE", {"SCT:272741003"}, "1", "U", SIDES),)),
) + TID_4019 + (
    Row("1501", CONTAINS, "NUM", is_measurement, "1-n", "U", units=MEASURED),
    Row("1501", CONTAINS, "CODE", lambda name: name in SAID, "1-n", "U", SAID),
    Row("1501", CONTAINS, "TEXT", {OWN + "QUALITYNOTE"}, "1-n", "U"))

CONTRIBUTION = (Row("300", INFERRED, "NUM", {OWN + "CONTRIBUTION"}, "1-n", "U", units=NONE, rows=(
    Row("300", MOD, "TEXT", {OWN + "TERM"}, "1", "U", ours="M"),
    Row("300", MOD, "TEXT", {OWN + "STAGE"}, "1", "U", ours="M"))),)
TID_1420 = (Row("1420", CONTAINS, "NUM", {OWN + "RISK"}, "1", "U", units={"UCUM:%"}, ours="M",
                rows=RISK + (Row("1420", INFERRED, "REFERENCE", {""}, "1-n", "M"),) + CONTRIBUTION),)

EVALUATIONS = tuple(
    Row("1500", CONTAINS, "TEXT", {OWN + name}, vm, "U", ours=ours) for name, vm, ours in (
        ("NORISK", "1-n", ""), ("NOTOUTLINED", "1-n", ""), ("QUALITYNOTE", "1-n", ""),
        ("CLINICALINPUT", "1-n", ""), ("POPULATION", "1", ""), ("PACKAGE", "1", "M"),
        ("REPORTSTATUS", "1", "M")))

# An extension: what a further package says of the study, apart from the report's own result. Its risk is
# inferred from its own outlines, which are no groups of this report.
OTHER = TID_4019 + (
    Row("ours", CONTAINS, "TEXT", {OWN + "INTENDEDUSE"}, "1", "U", ours="M"),
    Row("ours", CONTAINS, "NUM", {OWN + "RISK"}, "1", "U", units={"UCUM:%"},
        rows=RISK + CONTRIBUTION),
    Row("ours", CONTAINS, "TEXT", {OWN + "NORISK"}, "1-n", "U"),
    Row("ours", CONTAINS, "TEXT", {OWN + "QUALITYNOTE"}, "1-n", "U"),
    Row("ours", CONTAINS, "TEXT", {OWN + "CLINICALINPUT"}, "1-n", "U"),
    Row("ours", CONTAINS, "TEXT", {OWN + "POPULATION"}, "1", "U"),
    Row("ours", CONTAINS, "TEXT", {OWN + "PACKAGE"}, "1", "U", ours="M"))

TID_1500 = TID_1204 + TID_1001 + (
    Row("1500", MOD, "CODE", {"DCM:121058"}, "1-n", "M", {"SCT:47079000"}),
    # An extension: TID 1500 is extensible, and this is to be read before anything else.
    Row("ours", CONTAINS, "TEXT", {OWN + "INTENDEDUSE"}, "1", "U", ours="M"),
) + TID_1600 + (
    Row("1500", CONTAINS, "CONTAINER", {"DCM:126010"}, "1", "MC", ours="M", rows=(
        Row("1410", CONTAINS, "CONTAINER", {"DCM:125007"}, "1-n", "U", {"1410", "1501"}),)),
    Row("1500", CONTAINS, "CONTAINER", {"DCM:126011"}, "1", "MC", rows=TID_1420),
    Row("1500", CONTAINS, "CONTAINER", {"UMLS:C0034375"}, "1", "MC", ours="M", rows=EVALUATIONS),
    Row("ours", CONTAINS, "CONTAINER", {OWN + "OTHERPACKAGE"}, "1-n", "U", rows=OTHER))

TID_2010 = TID_1204 + TID_1001 + (
    Row("2010", CONTAINS, "TEXT", {"DCM:113012"}, "1", "U", ours="M"),
    Row("2010", CONTAINS, "IMAGE", {""}, "1-n", "M", is_image))

# ---- the checker ----------------------------------------------------------------------------------


def rows_of(item, row):
    """The rows below an item: of a group, those of what it finds."""
    if item.name != "DCM:125007":
        return row.rows
    if item.value == "1501":
        return TID_1501
    finding = [c.value for c in item.children if c.name == "DCM:121071"]
    return NODE if "SCT:59441001" in finding else TUMOUR


def allowed(item, row, what, value):
    """Whether a set, a dict of sets by concept, or a test accepts it."""
    if what is None:
        return True
    if isinstance(what, dict):
        what = what.get(item.name, NONE)
    return what(value) if callable(what) else value in what


def check_item(item, row, errors):
    if not allowed(item, row, row.values, item.value):
        errors.append(f"TID {row.tid}: {item} has the value {str(item.value)[:60]}")
    if item.vt == "NUM":
        if not allowed(item, row, row.units, item.unit):
            errors.append(f"TID {row.tid}: {item} is in {item.unit}")
        if not re.fullmatch(r"[-+0-9.eE]{1,16}", item.value):
            errors.append(f"TID {row.tid}: {item} is no decimal string")
    if item.vt == "TEXT" and not item.value.strip():
        errors.append(f"TID {row.tid}: {item} is empty")
    check_rows(item, rows_of(item, row), errors)


def check_rows(parent, rows, errors):
    counts, last, seen = {}, -1, set()
    for item in parent.children:
        found = next((i for i, row in enumerate(rows) if row.fits(item)), None)
        if found is None:
            errors.append(f"no row for {item} below {parent}")
            continue
        if found < last:
            errors.append(f"TID {rows[found].tid}: {item} stands behind a later row")
        last = max(last, found)
        counts[found] = counts.get(found, 0) + 1
        check_item(item, rows[found], errors)
        same = identity(item)
        if same in seen:
            errors.append(f"TID {rows[found].tid}: {item} stands twice")
        seen.add(same)
    for i, row in enumerate(rows):
        if counts.get(i, 0) == 0 and "M" in (row.req, row.ours):
            errors.append(f"TID {row.tid}: {row.vt} {names_text(row)} is missing below {parent}")
        if counts.get(i, 0) > 1 and row.vm == "1":
            errors.append(f"TID {row.tid}: {row.vt} {names_text(row)} stands {counts[i]} times")


def names_text(row):
    return "" if callable(row.names) else "|".join(sorted(row.names))


def identity(item):
    """What makes two neighbours the same: a number's name with what modifies it, else all of it."""
    modifiers = tuple((c.name, c.value) for c in item.children if c.rel == MOD)
    if item.vt == "NUM":
        return item.name, modifiers
    if item.vt == "REFERENCE":
        return "REFERENCE", id(item.target)
    if item.vt == "CONTAINER":
        return item.name, modifiers, \
            tuple((c.name, c.value) for c in item.children if c.vt == "UIDREF"), \
            tuple(c.value for c in item.children if c.vt == "IMAGE")
    return item.vt, item.name, item.value


def below(item, name):
    return [c for c in item.children if c.name == name]


def need(condition, text, errors):
    if not condition:
        errors.append(text)


def check_group(item, errors):
    names = [c.name for c in item.children if c.vt == "NUM"]
    units = {c.unit for c in item.children if c.unit in LENGTHS and c.name != "SCT:42798000"}
    need(item.value == "1410", "a group that is no TID 1410", errors)
    need(len(units) <= 1, "a group in mm and in pixels", errors)
    area = {c.unit for c in below(item, "SCT:42798000")}
    need(not area or (area == {"UCUM:mm2"}) == (units == {"UCUM:mm"}), "area and lengths differ "
         "in kind", errors)
    for name in FIXED:
        # A region of one pixel's width has no ratio.
        need(name in names or name == OWN + "AXISRATIO", f"{name} is missing", errors)
    said = {c.name for c in item.children if c.vt == "CODE"}
    node = "SCT:59441001" in [c.value for c in below(item, "DCM:121071")]
    for name in CRITERIA if node else [OWN + "TALLERTHANWIDE"]:
        need(name in said, f"{name} is missing", errors)
    role = "node" if node else "tumour"
    for tracking in below(item, "DCM:112039"):
        need(tracking.value.startswith(role + "-"), "finding and tracking identifier differ",
             errors)


def check_sides(root, errors):
    """One side all over the report, at each of its places; further packages' risks have it, or, where
    the report knows none, their own."""
    beside = [i for o in below(root, OWN + "OTHERPACKAGE") for i in walk(o)]
    for item in beside:
        need(item.name != "SCT:363698007" or below(item, "SCT:272741003"),
             "a further package's risk of no side", errors)
    sites = [i for i in walk(root) if i.name == "SCT:363698007" and
             not any(i is b for b in beside)]
    sides = [tuple(c.value for c in below(s, "SCT:272741003")) for s in sites]
    need(len(set(sides)) <= 1, "sites of different sides", errors)
    described = [i for i in walk(root) if i.name == "DCM:121324" and below(i, "DCM:123014")]
    images = [tuple(c.value for c in below(i, "DCM:111027")) for i in described]
    need(len(set(sides) | set(images)) <= 1, "images and sites of different sides", errors)
    known = {s for s in sides + images if s}
    others = {tuple(c.value for c in below(i, "SCT:272741003")) for i in beside
              if i.name == "SCT:363698007"}
    need(not known or others <= known, "a further package's risk of another side", errors)


def check_estimate(risk, errors):
    names = {c.name for c in risk.children}
    for pair in (("RISKLOW", "RISKHIGH"), ("CUTOFF", "ABOVECUTOFF"), ("CUTOFF", "CUTOFFRULE")):
        need(len(names & {OWN + p for p in pair}) != 1, f"{pair}: one without the other", errors)


def check_risk(root, errors):
    derived = [r for c in below(root, "DCM:126011") for r in below(c, OWN + "RISK")]
    groups = [g for c in below(root, "DCM:126010") for g in below(c, "DCM:125007")]
    nodes = [g for g in groups if any(c.value == "SCT:59441001" for c in below(g, "DCM:121071"))]
    for g in groups:
        wanted = len(derived) if g in nodes else 0
        need(len(below(g, OWN + "RISK")) == wanted, "risk of case and node differ", errors)
        for risk in below(g, OWN + "RISK"):
            case = derived[0] if derived else None
            need(case and risk.value == case.value and
                 [identity(c) for c in risk.children] ==
                 [identity(c) for c in case.children if c.rel != INFERRED],
                 "risk of case and node say different things", errors)
    for risk in derived:
        check_estimate(risk, errors)
        targets = [c.target for c in risk.children if c.vt == "REFERENCE"]
        need(set(map(id, targets)) == set(map(id, groups)), "the risk is not inferred from every "
             "group", errors)
    for other in below(root, OWN + "OTHERPACKAGE"):
        need(bool(below(other, OWN + "RISK")) != bool(below(other, OWN + "NORISK")),
             "a further package with a risk and reasons for none, or neither", errors)
        package = [c.value.split("SHA-256 ")[-1] for c in below(other, OWN + "PACKAGE")]
        need(all(c.value.endswith(p) for c in below(other, "DCM:111002") for p in package),
             "a further package's digests differ", errors)
        for risk in below(other, OWN + "RISK"):
            need([identity(c) for c in other.children if c.rel == MOD] ==
                 [identity(c) for c in risk.children if c.rel == MOD and c.vt == "TEXT"],
                 "a further package's risk has another algorithm", errors)
            check_estimate(risk, errors)
    texts = [c for e in below(root, "UMLS:C0034375") for c in e.children]
    reasons = [t for t in texts if t.name == OWN + "NORISK"]
    need(bool(derived) != bool(reasons), "a risk and reasons for none, or neither", errors)
    absent = [t for t in texts if t.name == OWN + "NOTOUTLINED"]
    need(len(groups) + len(absent) == 2, "tumour or node: neither outlined nor said to be absent",
         errors)


def check_images(root, evidence, errors):
    """The library lists every image of the evidence, described where it was used."""
    listed = {}
    for library in below(root, "DCM:111028"):
        for part in library.children:
            for image in part.children:
                if image.vt == "IMAGE":
                    need(image.value not in listed, "an image stands twice in the library", errors)
                    listed[image.value] = {c.name for c in image.children}
    images = {e for e in evidence if e[0] in US}
    need({v[:2] for v in listed} == images, "library and evidence name different images", errors)
    used = {i.value[:2] for i in walk(root) if i.rel == SELECTED}
    for value, names in listed.items():
        here = value[:2] in used
        need(here == bool(names), "only what was used is described", errors)
        need(not here or {"DCM:123014", "DCM:110910", "DCM:110911"} <= names,
             "an image used is not described", errors)
        need(len(names & {"DCM:111026", "DCM:111066"}) != 1, "spacing in one direction", errors)


def check_report(root, evidence):
    errors = []
    need((root.vt, root.name, root.value) == ("CONTAINER", "DCM:126000", "1500"),
         "TID 1500: not the root", errors)
    check_rows(root, TID_1500, errors)
    for container in below(root, "DCM:126010"):
        for item in below(container, "DCM:125007"):
            check_group(item, errors)
    check_sides(root, errors)
    check_risk(root, errors)
    check_images(root, evidence, errors)
    return errors


def check_key_objects(root, evidence):
    errors = []
    need((root.vt, root.name, root.value) == ("CONTAINER", "DCM:113000", "2010"),
         "TID 2010: not the root", errors)
    check_rows(root, TID_2010, errors)
    need({i.value[:2] for i in root.children if i.vt == "IMAGE"} == evidence,
         "images and evidence differ", errors)
    return errors


def check(root, evidence):
    return check_key_objects(root, evidence) if root.value == "2010" else \
        check_report(root, evidence)


def main():
    bad = 0
    files = [p for name in ("sr", "ko") for p in sorted(pathlib.Path(sys.argv[1]).glob(
        f"*/{name}.dcm"))]
    assert files, "nothing to check"
    for path in files:
        for text in check(*load(path)):
            print(f"{path}: {text}")
            bad += 1
    print(f"{len(files)} documents checked")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
