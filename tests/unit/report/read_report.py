#!/usr/bin/python3
"""Reads our reports back with pydicom.

read_report.py spoil KIND FILE   turn a source image into one with old or broken attributes
read_report.py check FOLDER      in each folder of FOLDER: compare sr.dcm, seg*.dcm, sc.dcm with
                                 result.json and *.mask
"""
import json
import pathlib
import sys

import numpy
import pydicom
from pydicom.dataset import Dataset

SR_GROUP, SR_MEASUREMENTS, SR_DERIVED, SR_REGION = "125007", "126010", "126011", "111030"


def raw(ds, tag, vr, value):
    """A value that pydicom itself would refuse to make."""
    from pydicom.dataelem import RawDataElement
    ds._dict[pydicom.tag.Tag(tag)] = RawDataElement(
        pydicom.tag.Tag(tag), vr, len(value), value, 0, False, True)


def spoil(kind, path):
    ds = pydicom.dcmread(path)
    if kind == "gb18030":
        ds.SpecificCharacterSet = "GB18030"
        ds.PatientName = "Wang^XiaoDong=王^小东"
        ds.PatientID = "病人-42"
        ds.StudyDescription = "乳腺超声"
    elif kind == "latin1":
        ds.SpecificCharacterSet = "ISO_IR 100"
        ds.PatientName = "Äneas^Rüdiger"
        ds.ReferringPhysicianName = "Çelik^Gün"
    elif kind == "korean":
        ds.SpecificCharacterSet = ["", "ISO 2022 IR 149"]
        ds.PatientName = "Hong^Gildong=洪^吉洞=홍^길동"
    elif kind == "bare":
        for name in ("PatientName PatientID PatientBirthDate PatientSex StudyDate StudyTime StudyID "
                     "AccessionNumber ReferringPhysicianName StudyDescription Manufacturer "
                     "SpecificCharacterSet Modality").split():
            if name in ds:
                delattr(ds, name)
    elif kind == "hostile":
        del ds.SpecificCharacterSet
        raw(ds, 0x00100010, "PN", b"M\xfcller^" + b"A" * 300 + b"^b^c^d^e^f\\second\x07=x=y=z=q")
        raw(ds, 0x00100020, "LO", b"ID" + b"\x1b$)C\xff\xfe" + b"9" * 200)
        raw(ds, 0x00100030, "DA", b"20261399")
        raw(ds, 0x00100040, "CS", b"female!")
        raw(ds, 0x00101010, "AS", b"old ")
        raw(ds, 0x00101030, "DS", b"heavy ")
        raw(ds, 0x00080020, "DA", b"2026.01.02")
        raw(ds, 0x00080030, "TM", b"99:99:99")
        raw(ds, 0x00080050, "SH", b"A" * 90)
        raw(ds, 0x00080090, "PN", b"\x00\x01\x02\x03")
        raw(ds, 0x00200010, "SH", b"one\\two\\three\n")
        raw(ds, 0x00081030, "LO", b"%n%s<script>&\"'" + b"x" * 100)
        raw(ds, 0x00080201, "SH", b"+2599")
    elif kind == "deidentified":
        ds.PatientIdentityRemoved = "YES"
        ds.DeidentificationMethod = "by hand"
        ds.TimezoneOffsetFromUTC = "+0530"
    elif kind == "implicit":
        ds.file_meta.TransferSyntaxUID = pydicom.uid.ImplicitVRLittleEndian
        ds.is_implicit_VR = True
    else:
        sys.exit(f"no such kind: {kind}")
    pydicom.config.settings.writing_validation_mode = 0 if hasattr(
        pydicom.config, "settings") else None
    ds.save_as(path, write_like_original=True)


def code(item):
    seq = item.ConceptNameCodeSequence[0]
    return seq.get("CodeValue", seq.get("LongCodeValue"))


def children(item, value):
    return [c for c in item.get("ContentSequence", []) if
            "ConceptNameCodeSequence" in c and code(c) == value]


def only(items):
    assert len(items) == 1, f"one expected, {len(items)} found"
    return items[0]


def walk(item):
    for child in item.get("ContentSequence", []):
        yield child
        yield from walk(child)


def inside(points, x, y):
    """Even-odd rule for many pixel centres at once."""
    hit = numpy.zeros(x.shape, bool)
    for (x0, y0), (x1, y1) in zip(points[:-1], points[1:]):
        if y0 == y1:
            continue
        hit ^= ((y0 > y) != (y1 > y)) & (x < (x1 - x0) * (y - y0) / (y1 - y0) + x0)
    return hit


def mask_of(folder, name, rows, columns):
    return numpy.fromfile(folder / f"{name}.mask", numpy.uint8).reshape(rows, columns)


def segment_mask(folder, label, rows, columns):
    """What a segment is to show: cortex and hilum share a node without overlap."""
    whole = mask_of(folder, "tumour" if label == "Tumour" else "node", rows, columns)
    if not label.startswith(("Cortex", "Hilum")):
        return whole
    hilum = mask_of(folder, "node-hilum", rows, columns)
    return hilum if label.startswith("Hilum") else whole & (1 - hilum)


def check_common(ds, source, result):
    assert ds.SpecificCharacterSet == "ISO_IR 192"
    assert ds.Manufacturer == "axnode" and ds.ManufacturerModelName == "axnode"
    assert ds.DeviceSerialNumber and ds.SoftwareVersions == result["software_version"]
    assert ds.StudyInstanceUID == source.StudyInstanceUID
    assert ds.SeriesInstanceUID != source.SeriesInstanceUID
    offset = ds.get("TimezoneOffsetFromUTC")
    made = ("20260102", "083405.678901") if offset == "+0530" else ("20260102", "030405.678901")
    content = "PresentationCreation" if ds.Modality == "PR" else "Content"
    for name in (content, "InstanceCreation"):
        assert (ds.get(name + "Date"), ds.get(name + "Time")) == made
    assert ds.file_meta.MediaStorageSOPInstanceUID == ds.SOPInstanceUID


def check_patient(ds, source, kind):
    if kind == "hostile":
        groups = str(ds.PatientName).split("=")
        assert groups[0].startswith("M?ller^AAAA") and len(groups[0]) <= 64
        assert len(ds.PatientID) <= 64 and ds.PatientID.startswith("ID") and ds.PatientID.isprintable()
        assert ds.PatientBirthDate == "" and ds.PatientSex == "" and ds.StudyDate == ""
        assert ds.AccessionNumber == "A" * 16 and ds.StudyID == "one"
        assert "TimezoneOffsetFromUTC" not in ds and "PatientWeight" not in ds
        return
    for name in ("PatientName PatientID PatientBirthDate PatientSex StudyDate StudyTime StudyID "
                 "AccessionNumber ReferringPhysicianName").split():
        assert name in ds, f"{name} is missing"
        assert str(ds.get(name) or "") == str(source.get(name) or ""), name
    for name in ("PatientIdentityRemoved", "DeidentificationMethod", "StudyDescription"):
        assert ds.get(name) == source.get(name), name


def check_group(folder, group, sources, result):
    name = only(children(group, "112039")).TextValue
    uid = only(children(group, "112040")).UID
    region = only(children(group, SR_REGION))
    image = only(region.ContentSequence).ReferencedSOPSequence[0]
    source = sources[image.ReferencedSOPInstanceUID]
    assert image.ReferencedSOPClassUID == source.SOPClassUID
    frames = int(source.get("NumberOfFrames", 1))
    assert ("ReferencedFrameNumber" in image) == (frames > 1)
    assert frames == 1 or int(image.ReferencedFrameNumber) == frames // 2 + 1
    points = numpy.array(region.GraphicData, float).reshape(-1, 2)
    assert region.GraphicType == "POLYLINE" and (points[0] == points[-1]).all()
    assert len(points) not in (4, 5) and len(points) <= 200
    assert (points >= 0).all() and (points[:, 0] <= source.Columns).all() and \
        (points[:, 1] <= source.Rows).all()
    role, generation = name.rsplit("-", 1)
    assert int(generation) == result["generation"]
    mask = mask_of(folder, role, source.Rows, source.Columns)
    y, x = numpy.mgrid[0:source.Rows, 0:source.Columns] + 0.5
    drawn = inside(points, x, y)
    dice = 2 * (drawn & (mask > 0)).sum() / (drawn.sum() + (mask > 0).sum())
    assert dice >= (0.98 if mask.sum() > 100 else 0.7), f"outline of {name}: Dice {dice}"
    numbers = {code(c): c.MeasuredValueSequence[0] for c in group.ContentSequence
               if c.ValueType == "NUM"}
    json_region = result["regions"][role]
    long_axis = numbers["103339001"]
    measured = {m["name"]: m["value"] for m in json_region["measurements"]}
    assert abs(float(long_axis.FloatingPointValue) - measured["long_axis"]) < 1e-6
    unit = long_axis.MeasurementUnitsCodeSequence[0].CodeValue
    assert unit == ("{pixels}" if json_region["calibration"] == "none" else "mm")
    assert float(numbers["Q4LE"].NumericValue) == 27.25 and "TLU2" not in numbers
    site = only(children(group, "363698007"))
    sides = [c.ConceptCodeSequence[0].CodeMeaning for c in site.get("ContentSequence", [])]
    assert sides == ([] if result["side"] == "unknown side" else [result["side"].capitalize()])
    finding = only(children(group, "121071")).ConceptCodeSequence[0].CodeValue
    assert finding in ("4147007", "59441001")
    assert children(group, "111001") and children(group, "111003")
    return role, uid, numbers


def check_sr(folder, ds, sources, result):
    assert ds.SOPClassUID == "1.2.840.10008.5.1.4.1.1.88.34"
    assert ds.CompletionFlag == "COMPLETE" and ds.VerificationFlag == "UNVERIFIED"
    # Relationships by reference are no items.
    items = [item for item in walk(ds) if "ReferencedContentItemIdentifier" not in item]
    assert all("ConceptNameCodeSequence" in c for c in items), "an item has no concept name"
    assert all(c.get("TextValue") for c in items if c.ValueType == "TEXT")
    uids = {}
    found = [name for name in ("tumour", "node") if result["regions"][name]]
    risk = result["risk"]
    groups = children(only(children(ds, SR_MEASUREMENTS)), SR_GROUP)
    assert len(groups) == len(found)
    for group in groups:
        name, uid, numbers = check_group(folder, group, sources, result)
        uids[name] = uid
        assert ("RISK" in numbers) == (risk["estimated"] and name == "node")
    derived = children(ds, SR_DERIVED)
    texts = " | ".join(c.TextValue for c in items if c.ValueType == "TEXT")
    if risk["estimated"]:
        number = only(children(only(derived), "RISK"))
        assert number.ConceptNameCodeSequence[0].CodingSchemeDesignator == "99AXNODE"
        assert number.ConceptNameCodeSequence[0].CodeMeaning == result["package"]["outcome"]
        value = number.MeasuredValueSequence[0]
        assert value.MeasurementUnitsCodeSequence[0].CodeValue == "%"
        assert abs(float(value.FloatingPointValue) - 73.4) < 1e-9
        assert "No risk estimated" not in texts
    else:
        assert not derived and risk["reasons"]
        assert all(f"No risk estimated: {reason}" in texts for reason in risk["reasons"])
    assert result["package"]["intended_use"] in texts
    assert result["package"]["sha256"] in texts and "UNVERIFIED" in texts
    assert all(note in texts for note in result["notes"])
    assert not any(c.ValueType == "CODE" and c.ConceptCodeSequence[0].CodeValue == "111301"
                   for c in items), "a risk is no diagnosis"
    evidence = {r.ReferencedSOPInstanceUID
                for s in ds.CurrentRequestedProcedureEvidenceSequence
                for series in s.ReferencedSeriesSequence for r in series.ReferencedSOPSequence}
    segs = {o["sop_instance_uid"] for o in result["objects"] if o["kind"] == "seg"}
    assert evidence == set(sources) | segs
    if result["generation"] > 1:
        before = only(only(ds.PredecessorDocumentsSequence).ReferencedSeriesSequence)
        assert only(before.ReferencedSOPSequence).ReferencedSOPInstanceUID == result["replaces"]
        assert result["replaces"] in texts
    else:
        assert "PredecessorDocumentsSequence" not in ds
    return uids


def check_seg(folder, ds, sources, uids):
    assert "FrameOfReferenceUID" not in ds
    shared = ds.SharedFunctionalGroupsSequence[0]
    geometry = ds.SeriesDescription.endswith("OHIF")
    assert ("PixelMeasuresSequence" in shared) == ("PlaneOrientationSequence" in shared) == geometry
    if geometry:
        measures = shared.PixelMeasuresSequence[0]
        assert "SliceThickness" not in measures and "PlanePositionSequence" not in shared
        assert list(measures.PixelSpacing) == [0.08, 0.08]
    labels = []
    frames = numpy.unpackbits(numpy.frombuffer(ds.PixelData, numpy.uint8), bitorder="little")
    frames = frames[:ds.NumberOfFrames * ds.Rows * ds.Columns].reshape(-1, ds.Rows, ds.Columns)
    for frame, groups in zip(frames, ds.PerFrameFunctionalGroupsSequence):
        number = groups.SegmentIdentificationSequence[0].ReferencedSegmentNumber
        segment = ds.SegmentSequence[number - 1]
        image = groups.DerivationImageSequence[0].SourceImageSequence[0]
        source = sources[image.ReferencedSOPInstanceUID]
        assert (ds.Rows, ds.Columns) == (source.Rows, source.Columns)
        labels.append(segment.SegmentLabel)
        role = "tumour" if segment.SegmentLabel == "Tumour" else "node"
        assert segment.TrackingUID == uids[role] and segment.TrackingID.startswith(role)
        assert (frame == segment_mask(folder, segment.SegmentLabel, ds.Rows, ds.Columns)).all()
        assert ("ReferencedFrameNumber" in image) == (int(source.get("NumberOfFrames", 1)) > 1)
    return labels


def expected_segments(folder, result):
    labels = ["Tumour"] if result["regions"]["tumour"] else []
    if (folder / "node-hilum.mask").exists() and (
            numpy.fromfile(folder / "node-hilum.mask", numpy.uint8).sum() <
            numpy.fromfile(folder / "node.mask", numpy.uint8).sum()):
        labels += ["Cortex of the lymph node", "Hilum of the lymph node"]
    elif result["regions"]["node"]:
        labels += ["Axillary lymph node"]
    return sorted(labels)


def check_presentation(ds, sources, result):
    """The lines lie where the outlines and axes are, on the image that they belong to."""
    series = only(ds.ReferencedSeriesSequence)
    image = only(series.ReferencedImageSequence)
    source = sources[image.ReferencedSOPInstanceUID]
    assert series.SeriesInstanceUID == source.SeriesInstanceUID
    grey = source.PhotometricInterpretation.startswith("MONOCHROME")
    assert ds.SOPClassUID == f"1.2.840.10008.5.1.4.1.1.11.{1 if grey else 2}"
    assert ("ICCProfile" in ds) == (not grey) and ("PresentationLUTShape" in ds) == grey
    if not grey:
        check_profile(ds.ICCProfile)
    area = only(ds.DisplayedAreaSelectionSequence)
    assert list(area.DisplayedAreaBottomRightHandCorner) == [source.Columns, source.Rows]
    layers = {layer.GraphicLayer for layer in ds.GraphicLayerSequence}
    for annotation in ds.GraphicAnnotationSequence:
        assert annotation.GraphicLayer in layers
        role = "tumour" if annotation.GraphicLayer == "TUMOUR" else "node"
        region = result["regions"][role]
        assert region["sop_instance_uid"] == source.SOPInstanceUID
        frame = only(annotation.ReferencedImageSequence).get("ReferencedFrameNumber")
        assert (frame is not None) == (int(source.get("NumberOfFrames", 1)) > 1)
        lengths = []
        for line in annotation.GraphicObjectSequence:
            points = numpy.array(line.GraphicData).reshape(-1, 2)
            assert len(points) == line.NumberOfGraphicPoints
            assert (points >= 0).all() and (points <= [source.Columns, source.Rows]).all()
            if len(points) == 2:
                lengths.append(numpy.hypot(*(points[1] - points[0])))
        measured = {m["name"]: m for m in region["measurements"]}
        scale = 0.08 if measured["long_axis"]["unit"] == "mm" else 1
        if measured["long_axis"]["value"] > 0:
            assert abs(lengths[0] * scale - measured["long_axis"]["value"]) < 0.01
        assert "x" in only(annotation.TextObjectSequence).UnformattedTextValue
    return {a.GraphicLayer for a in ds.GraphicAnnotationSequence}


def check_profile(profile):
    """As another library reads it: nearly sRGB."""
    import io
    from PIL import Image, ImageCms
    theirs, ours = ImageCms.createProfile("sRGB"), ImageCms.ImageCmsProfile(io.BytesIO(profile))
    picture = Image.fromarray(numpy.arange(192, dtype=numpy.uint8).reshape(8, 8, 3))
    there = numpy.asarray(ImageCms.profileToProfile(picture, ours, theirs, outputMode="RGB"))
    assert abs(there.astype(int) - numpy.asarray(picture).astype(int)).max() <= 2


def check_key_objects(ds, sources, result):
    images = [c.ReferencedSOPSequence[0] for c in ds.ContentSequence if c.ValueType == "IMAGE"]
    used = {r["sop_instance_uid"] for r in result["regions"].values() if r}
    assert {i.ReferencedSOPInstanceUID for i in images} == used
    assert code(ds) == "113000"
    for image in images:
        frames = int(sources[image.ReferencedSOPInstanceUID].get("NumberOfFrames", 1))
        assert ("ReferencedFrameNumber" in image) == (frames > 1)


def check_series(objects):
    """A series for each object, but one for all pages of the picture, in their order."""
    pages = {name: ds for name, ds in objects.items() if name.startswith("sc")}
    others = [ds.SeriesInstanceUID for name, ds in objects.items() if name not in pages]
    series = {ds.SeriesInstanceUID for ds in pages.values()}
    assert len(series) == 1 and not series & set(others) and len(set(others)) == len(others)
    assert [ds.InstanceNumber for ds in pages.values()] == list(range(1, len(pages) + 1))


def check(folder):
    result = json.loads((folder / "result.json").read_text())
    sources = {}
    for path in sorted(folder.glob("source-*.dcm")):
        source = pydicom.dcmread(path)
        sources[source.SOPInstanceUID] = source
    first = next((u for u in (result["regions"]["tumour"], result["regions"]["node"]) if u), None)
    source = sources[first["sop_instance_uid"]] if first else next(iter(sources.values()))
    objects = {o["file"]: pydicom.dcmread(folder / o["file"]) for o in result["objects"]}
    for entry in result["objects"]:
        ds = objects[entry["file"]]
        assert ds.SOPInstanceUID == entry["sop_instance_uid"]
        assert ds.SOPClassUID == entry["sop_class_uid"]
        check_common(ds, source, result)
        check_patient(ds, source, folder.name)
    check_series(objects)
    uids = check_sr(folder, objects["sr.dcm"], sources, result)
    found = {role for role, region in result["regions"].items() if region}
    for kind in ("seg", "seg-ohif"):
        labels = [label for f, ds in objects.items() if f in (f"{kind}.dcm", f"{kind}-2.dcm")
                  for label in check_seg(folder, ds, sources, uids)]
        wanted = expected_segments(folder, result)
        if kind == "seg-ohif" and any(r and r["calibration"] != "region"
                                      for r in result["regions"].values()):
            wanted = [] # spacing is never invented, and OHIF needs one
        assert sorted(labels) == wanted
    layers = set()
    for f, ds in objects.items():
        if f.startswith("pr"):
            layers |= check_presentation(ds, sources, result)
    assert len(layers) == len(found)
    assert ("ko.dcm" in objects) == bool(found)
    if found:
        check_key_objects(objects["ko.dcm"], sources, result)
    picture = objects["sc.dcm"]
    assert picture.pixel_array.shape == (1132, 1600, 3) and picture.BurnedInAnnotation == "YES"
    assert (folder / "overlay.png").read_bytes()[:4] == b"\x89PNG"


if __name__ == "__main__":
    if sys.argv[1] == "spoil":
        spoil(sys.argv[2], sys.argv[3])
    else:
        results = sorted(pathlib.Path(sys.argv[2]).glob("*/result.json"))
        assert results, "nothing to check"
        for result in results:
            try:
                check(result.parent)
            except Exception:
                print(f"in {result.parent}:")
                raise
