"""Three real stills, wrapped as DICOM with a calibrated region, through C-STORE to reports; the
outline that comes back overlaps the radiologists'."""
import csv

import numpy
import pydicom
from PIL import Image
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.sequence import Sequence

import checks
from checks import SHARED, dicom_valid, outgoing, settled

DATA = SHARED / "data" / "bus-bra"
checks.skip_without(DATA)


def fold4_cases():
    """The first still of three scanners in fold 4, which no network was trained on."""
    chosen = {}
    with open(DATA / "index.csv", encoding="utf-8") as file:
        for row in csv.DictReader(file):
            if row["fold"] == "4":
                chosen.setdefault(row["device"], row["id"])
    return sorted(chosen.values())[:3]


def wrap(image_id, path):
    image = numpy.asarray(Image.open(DATA / "images" / f"{image_id}.png").convert("L"))
    d = Dataset()
    d.file_meta = FileMetaDataset()
    d.file_meta.MediaStorageSOPClassUID = d.SOPClassUID = "1.2.840.10008.5.1.4.1.1.6.1"
    d.SOPInstanceUID = pydicom.uid.generate_uid(entropy_srcs=[image_id])
    d.file_meta.MediaStorageSOPInstanceUID = d.SOPInstanceUID
    d.file_meta.TransferSyntaxUID = pydicom.uid.ExplicitVRLittleEndian
    d.StudyInstanceUID = pydicom.uid.generate_uid(entropy_srcs=[image_id, "study"])
    d.SeriesInstanceUID = pydicom.uid.generate_uid(entropy_srcs=[image_id, "series"])
    d.PatientID, d.PatientName, d.Modality = image_id, f"TEST^{image_id}", "US"
    d.StudyDate, d.StudyTime, d.StudyID, d.SeriesNumber, d.InstanceNumber = \
        "20230101", "120000", "1", 1, 1
    d.PatientBirthDate = d.PatientSex = d.AccessionNumber = d.ReferringPhysicianName = ""
    d.BodyPartExamined = "BREAST"
    d.ImageLaterality = "L" if image_id.endswith("l") else "R"
    d.ImageType = ["ORIGINAL", "PRIMARY"]
    d.Rows, d.Columns = image.shape
    d.SamplesPerPixel, d.PhotometricInterpretation = 1, "MONOCHROME2"
    d.BitsAllocated = d.BitsStored = 8
    d.HighBit, d.PixelRepresentation = 7, 0
    region = Dataset()
    region.RegionSpatialFormat, region.RegionDataType, region.RegionFlags = 1, 1, 0
    region.RegionLocationMinX0 = region.RegionLocationMinY0 = 0
    region.RegionLocationMaxX1, region.RegionLocationMaxY1 = d.Columns - 1, d.Rows - 1
    region.PhysicalUnitsXDirection = region.PhysicalUnitsYDirection = 3
    region.PhysicalDeltaX = region.PhysicalDeltaY = 0.01
    d.SequenceOfUltrasoundRegions = Sequence([region])
    d.PixelData = image.tobytes()
    d.is_little_endian, d.is_implicit_VR = True, False
    d.save_as(path, write_like_original=False)
    return d.StudyInstanceUID


class BusBra(checks.StackTest):
    def test_outlines_of_real_stills(self):
        stack, studies = self.stack, {}
        for image_id in fold4_cases():
            path = stack.folder / f"{image_id}.dcm"
            studies[wrap(image_id, path)] = image_id
            self.assertEqual(stack.send([path]), [])
        rows = settled(stack, len(studies))
        objects = outgoing(stack).values()
        for uid, image_id in studies.items():
            self.assertEqual(rows[uid]["state"], "done", rows[uid])
            self.assertEqual(len(stack.pacs_instances(uid, "SR")), 1)
            kinds = {kind: path for kind, study, _, path in objects if study == uid}
            for path in kinds.values():
                dicom_valid(path)
            segmentation = pydicom.dcmread(kinds["seg"])
            frames = segmentation.pixel_array.reshape(-1, segmentation.Rows, segmentation.Columns)
            truth = numpy.asarray(Image.open(DATA / "masks" / f"{image_id}.png").convert("1"))
            dice = 2 * numpy.logical_and(frames[0], truth).sum() / (frames[0].sum() + truth.sum())
            print(f"{image_id}: Dice {dice:.3f}")
            self.assertGreaterEqual(dice, 0.7, image_id)
            # No synthetic patient: measurements, never a risk of the verification package.
            self.assertEqual(checks.outcome(stack, uid), "no_risk")


if __name__ == "__main__":
    checks.main()
