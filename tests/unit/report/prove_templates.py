#!/usr/bin/python3
"""Proves templates.py: every item of good reports is deleted, doubled, moved, recoded and given another
type or relationship, one at a time; each of these must be found.

prove_templates.py FILE…

What no template can see is listed in may_vanish and same_row, with the reasons.
"""
import copy
import pathlib
import sys

from sr_tree import Item, load, walk
from templates import (CONTAINS, CONTEXT, FEATURE, IBSI, MOD, NODE, OWN, TID_1500, TID_1501, TID_2010,
                       TUMOUR, below, check, check_group, check_rows, rows_of)

# Items whose absence nobody can see in a report: user options that say something when there is
# something to say.
OPTIONAL = {OWN + n for n in ("QUALITYNOTE", "CLINICALINPUT", "POPULATION", "CONTRIBUTION",
                              "UNSURE", "HILUM", "CORTEX", "HILUMFRACTION", "AXISRATIO")}
OPTIONAL |= {"DCM:121243", OWN + "OTHERPACKAGE"}


def may_vanish(item, parent):
    """The legitimately undetectable deletions, with reasons."""
    if item.name in OPTIONAL:
        return True
    if IBSI.match(item.name) or FEATURE.match(item.name):
        return True     # which features a score takes is the package's own
    if item.name == "SCT:370129005":
        return True     # without its filter a feature is one of the unfiltered picture
    if item.name == OWN + "RISKGROUP":
        return not below(parent, "")    # of a further package: nothing repeats it
    if item.name == OWN + "NORISK":
        return len(below(parent, item.name)) > 1    # one of several reasons
    return False


def crosses(parent, start, end):
    """Whether moving a child there passes one that another row or another concept asks for."""
    low, high = sorted((start, end))
    item = parent.children[start]
    passed = [c for i, c in enumerate(parent.children) if low <= i <= high and i != start]
    return any((c.rel, c.vt, c.name) != (item.rel, item.vt, item.name) for c in passed)


def same_row(parent, start, end, rows):
    """Order within one row carries no meaning."""
    low, high = sorted((start, end))
    index = {next((i for i, row in enumerate(rows) if row.fits(c)), None)
             for c in parent.children[low:high + 1]}
    return len(index) == 1


def tables():
    """Rows of each container by its name, for same_row."""
    rows = {"DCM:126000": TID_1500, "DCM:113000": TID_2010}

    def add(table):
        for row in table:
            if row.rows and not callable(row.names):
                for name in row.names:
                    rows.setdefault(name, row.rows)
                    if name == OWN + "RISK" and len(row.rows) > len(rows[name]):
                        rows[name] = row.rows
            add(row.rows)
    for table in (TID_1500, TUMOUR, NODE):
        add(table)
    return rows


def places(root):
    """(item, parent, index) of everything but the root."""
    for parent in list(walk(root)):
        for index, item in enumerate(list(parent.children)):
            yield item, parent, index


def mutations(root, item, parent, index, rows):
    """(what, do, undo, detectable) for each way of spoiling one item."""
    children = parent.children

    def put(target, place, what):
        return lambda: target.insert(place, what)

    yield ("deleted", lambda: children.pop(index), put(children, index, item),
           not may_vanish(item, parent))
    twin = copy.copy(item)
    yield ("doubled", put(children, index, twin), lambda: children.pop(index), True)
    table = rows.get(parent.name) if parent.name != "DCM:125007" else rows_of(parent, None)
    for end in {0, len(children) - 1} - {index}:
        yield (f"moved to place {end}", lambda end=end: children.insert(end, children.pop(index)),
               lambda end=end: children.insert(index, children.pop(end)),
               crosses(parent, index, end) and not same_row(parent, index, end, table or ()))
    if parent is not root:
        yield ("moved to the root", lambda: root.children.append(children.pop(index)),
               lambda: children.insert(index, root.children.pop()), True)
    for name in ("name", "rel", "vt") + (("value",) if item.vt == "CODE" else ()) + (
            ("unit",) if item.vt == "NUM" else ()):
        old = getattr(item, name)
        if old == "":
            continue    # an image of TID 2010 and a reference have no name
        new = {"name": "DCM:999999", "rel": "HAS PROPERTIES" if old != "HAS PROPERTIES" else
               "CONTAINS", "vt": "TEXT" if old != "TEXT" else "CODE", "value": "SCT:999999",
               "unit": "UCUM:kg"}[name]
        yield (f"{name} {old} as {new}", lambda n=name, v=new: setattr(item, n, v),
               lambda n=name, v=old: setattr(item, n, v), True)


def mutate(path):
    root, evidence = load(path)
    assert not check(root, evidence), f"{path}: not a good report"
    rows, tried, skipped, missed = tables(), 0, 0, []
    for item, parent, index in places(root):
        for what, do, undo, detectable in mutations(root, item, parent, index, rows):
            do()
            try:
                found = bool(check(root, evidence))
            except Exception:     # broken beyond reading is found
                found = True
            undo()
            tried += 1
            skipped += not detectable
            if found != detectable and detectable:
                missed.append(f"{what}: {item} below {parent}")
    assert not check(root, evidence), "a mutation was not undone"
    print(f"{path.name} of {path.parent.name}: {tried} mutations, {tried - skipped - len(missed)} "
          f"found, {skipped} that no template can see")
    return missed


def prove_1501():
    """A TID 1501 group is known, checked and refused: our reports have none."""
    def group_of(*children):
        return Item(CONTAINS, "CONTAINER", "DCM:125007", "1501", children=list(children))
    good = group_of(Item(CONTEXT, "TEXT", "DCM:112039", "node-1"),
                    Item(CONTEXT, "UIDREF", "DCM:112040", "1.2.3"),
                    Item(MOD, "TEXT", "DCM:111001", "axnode"),
                    Item(MOD, "TEXT", "DCM:111003", "1"),
                    Item(MOD, "TEXT", "DCM:111002", "SHA-256 " + 64 * "0"),
                    Item(CONTAINS, "NUM", "SCT:103339001", "3", "UCUM:mm"))
    errors = []
    check_rows(good, TID_1501, errors)
    assert not errors, errors
    for spoilt in (group_of(*good.children[::-1]), group_of(*good.children, good.children[1]),
                   group_of(Item(CONTAINS, "NUM", "SCT:103339001", "3", "UCUM:kg"))):
        errors = []
        check_rows(spoilt, TID_1501, errors)
        assert errors, "a spoilt TID 1501 was not found"
    errors = []
    check_group(good, errors)
    assert "a group that is no TID 1410" in errors


def main():
    prove_1501()
    missed = [text for name in sys.argv[1:] for text in mutate(pathlib.Path(name))]
    for text in missed:
        print("not found:", text)
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
