"""A structured report as a light tree, for the checks of its content."""
from dataclasses import dataclass, field

import pydicom

@dataclass(eq=False)
class Item:
    rel: str
    vt: str           # "REFERENCE" for a relationship by reference
    name: str         # "DCM:121071"; "" when there is none
    value: object     # what the value type makes of it, comparable
    unit: str = ""
    children: list = field(default_factory=list)
    position: tuple = ()
    target: object = None

    def __str__(self):
        return f"{self.rel} {self.vt} {self.name}"


def coded(sequence):
    return f"{sequence[0].CodingSchemeDesignator}:{sequence[0].CodeValue}" if sequence else ""


def value_of(ds):
    if ds.ValueType == "CODE":
        return coded(ds.ConceptCodeSequence)
    if ds.ValueType == "NUM":
        return str(ds.MeasuredValueSequence[0].NumericValue)
    if ds.ValueType == "TEXT":
        return ds.TextValue
    if ds.ValueType == "UIDREF":
        return ds.UID
    if ds.ValueType in ("IMAGE", "COMPOSITE"):
        reference = ds.ReferencedSOPSequence[0]
        return (reference.ReferencedSOPClassUID, reference.ReferencedSOPInstanceUID,
                str(reference.get("ReferencedFrameNumber", "")))
    if ds.ValueType == "SCOORD":
        return (ds.GraphicType, tuple(ds.GraphicData))
    return ds.get("ContentTemplateSequence", [{}])[0].get("TemplateIdentifier", "")


def read(ds, position=(1,)):
    rel = ds.get("RelationshipType", "")
    if "ReferencedContentItemIdentifier" in ds:
        target = tuple(ds.ReferencedContentItemIdentifier)
        return Item(rel, "REFERENCE", "", target, position=position)
    unit = ""
    if ds.ValueType == "NUM":
        unit = coded(ds.MeasuredValueSequence[0].MeasurementUnitsCodeSequence)
    item = Item(rel, ds.ValueType, coded(ds.get("ConceptNameCodeSequence")), value_of(ds), unit,
                position=position)
    item.children = [read(child, position + (i + 1,))
                     for i, child in enumerate(ds.get("ContentSequence", []))]
    return item


def walk(item):
    yield item
    for child in item.children:
        yield from walk(child)


def load(path):
    ds = pydicom.dcmread(path)
    root = read(ds)
    places = {item.position: item for item in walk(root)}
    for item in walk(root):
        if item.vt == "REFERENCE":
            item.target = places.get(item.value)
    evidence = {(r.ReferencedSOPClassUID, r.ReferencedSOPInstanceUID)
                for study in ds.CurrentRequestedProcedureEvidenceSequence
                for series in study.ReferencedSeriesSequence for r in series.ReferencedSOPSequence}
    return root, evidence
