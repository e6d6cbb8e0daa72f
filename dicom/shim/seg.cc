extern "C" {
#include "base/number.h"
#include "dicom/seg.h"
}

#include <memory>
#include <vector>

#include <dcmtk/dcmfg/fgderimg.h>
#include <dcmtk/dcmfg/fgfracon.h>
#include <dcmtk/dcmfg/fgplanor.h>
#include <dcmtk/dcmfg/fgplanpo.h>
#include <dcmtk/dcmfg/fgpixmsr.h>
#include <dcmtk/dcmfg/fgseg.h>
#include <dcmtk/dcmiod/iodmacro.h>
#include <dcmtk/dcmseg/segdoc.h>
#include <dcmtk/dcmseg/segment.h>

#include "dicom/shim/colour.h"
#include "dicom/shim/object.h"

namespace
{

CodeSequenceMacro coded(const struct dicom_concept &concept_)
{
    return CodeSequenceMacro(concept_.value, concept_.scheme, concept_.meaning);
}

void set_colour(DcmSegment &segment, const uint8_t rgb[3])
{
    Uint16 lab[3];
    colour::cielab(rgb, lab);
    shim_check(segment.setRecommendedDisplayCIELabValue(lab[0], lab[1], lab[2]));
}

void add_segment(DcmSegmentation &seg, const struct seg_segment &from)
{
    DcmSegment *made = NULL;
    shim_check(DcmSegment::create(
        made, object::clean(from.label, object::LO_MAX), coded(from.category), coded(from.type),
        DcmSegTypes::SAT_AUTOMATIC, object::clean(from.algorithm, object::LO_MAX)));
    std::unique_ptr<DcmSegment> segment(made);
    GeneralAnatomyMacro &anatomy = segment->getGeneralAnatomyCode();
    shim_check(anatomy.getAnatomicRegion().set(from.region.value, from.region.scheme,
                                               from.region.meaning));
    if (from.laterality.value)
        anatomy.getAnatomicRegionModifier().push_back(
            new CodeSequenceMacro(coded(from.laterality)));
    shim_check(segment->setTrackingID(object::clean(from.tracking_id, object::LO_MAX)));
    shim_check(segment->setTrackingUID(from.tracking_uid));
    set_colour(*segment, from.colour);
    Uint16 number = 0;
    shim_check(seg.addSegment(segment.get(), number));
    segment.release(); // the segmentation's now
}

void add_frame(DcmSegmentation &seg, const struct seg_segment &from, Uint16 number)
{
    FGSegmentation segment;
    FGFrameContent content;
    shim_check(segment.setReferencedSegmentNumber(number));
    shim_check(content.setDimensionIndexValues(number, 0));
    ImageSOPInstanceReferenceMacro image;
    shim_check(image.setReferencedSOPClassUID(from.source.sop_class_uid));
    shim_check(image.setReferencedSOPInstanceUID(from.source.sop_instance_uid));
    if (from.source.frame > 0)
        shim_check(image.addReferencedFrameNumber(static_cast<Uint16>(from.source.frame)));
    OFVector<ImageSOPInstanceReferenceMacro> images;
    images.push_back(image);
    std::unique_ptr<FGDerivationImage> derivation(FGDerivationImage::createMinimal(
        images, "", CodeSequenceMacro("113076", "DCM", "Segmentation"),
        CodeSequenceMacro("121322", "DCM", "Source image for image processing operation")));
    if (!derivation)
        throw std::bad_alloc();
    OFVector<FGBase *> groups;
    groups.push_back(&segment);
    groups.push_back(&content);
    groups.push_back(derivation.get());
    // addFrame wants a buffer it may read as 0 and not 0, row by row: the mask as it is.
    shim_check(seg.addFrame(from.mask->pixels, number, groups));
}

// DCMTK insists on a geometry; what stands here is taken out again by remove_geometry().
void add_dummy_geometry(DcmSegmentation &seg, const char *frame_of_reference)
{
    FGPixelMeasures measures;
    measures.setPixelSpacing("1\\1");
    measures.setSliceThickness("1");
    shim_check(seg.addForAllFrames(measures));
    std::unique_ptr<FGPlaneOrientationPatient> orientation(
        FGPlaneOrientationPatient::createMinimal("1", "0", "0", "0", "1", "0"));
    std::unique_ptr<FGPlanePosPatient> position(FGPlanePosPatient::createMinimal("0", "0", "0"));
    if (!orientation || !position)
        throw std::bad_alloc();
    shim_check(seg.addForAllFrames(*orientation));
    shim_check(seg.addForAllFrames(*position));
    shim_check(seg.getFrameOfReference().setFrameOfReferenceUID(frame_of_reference));
}

// Spacing as it was measured, and no slice thickness.
void keep_spacing(DcmItem &shared, const struct seg_document &document)
{
    char row[NUMBER_TEXT_SIZE], column[NUMBER_TEXT_SIZE];
    DcmItem *measures = NULL;
    shim_check(shared.findAndGetSequenceItem(DCM_PixelMeasuresSequence, measures));
    delete measures->remove(DCM_SliceThickness);
    number_format_ds(document.spacing_row_mm, row);
    number_format_ds(document.spacing_column_mm, column);
    ShimItem(*measures).text(DCM_PixelSpacing, (OFString(row) + "\\" + column).c_str());
}

void remove_geometry(DcmDataset &data, const struct seg_document &document)
{
    DcmItem *shared = NULL;
    shim_check(data.findAndGetSequenceItem(DCM_SharedFunctionalGroupsSequence, shared));
    if (document.with_geometry) {
        keep_spacing(*shared, document);
    } else {
        delete shared->remove(DCM_PixelMeasuresSequence);
        delete shared->remove(DCM_PlaneOrientationSequence);
    }
    delete shared->remove(DCM_PlanePositionSequence);
    delete data.remove(DCM_FrameOfReferenceUID);
    delete data.remove(DCM_PositionReferenceIndicator);
}

// PS3.3 C.12.2: the source images, grouped by their series.
void add_references(DcmSegmentation &seg, const struct seg_document &document)
{
    typedef IODSeriesAndInstanceReferenceMacro::ReferencedSeriesItem Series;
    for (size_t i = 0; i < document.segment_count; i++) {
        const struct dicom_reference &source = document.segments[i].source;
        Series *series = NULL;
        bool known = false;
        for (size_t k = 0; k < i; k++)
            known |=
                OFString(document.segments[k].source.sop_instance_uid) == source.sop_instance_uid;
        if (known)
            continue;
        OFVector<Series *> &all = seg.getCommonInstanceReference().getReferencedSeriesItems();
        for (Series *item : all) {
            OFString uid;
            item->getSeriesInstanceUID(uid);
            if (uid == source.series_instance_uid)
                series = item;
        }
        if (!series) {
            series = new Series;
            all.push_back(series);
            shim_check(series->setSeriesInstanceUID(source.series_instance_uid));
        }
        SOPInstanceReferenceMacro *image = new SOPInstanceReferenceMacro;
        series->getReferencedInstanceItems().push_back(image);
        shim_check(image->setReferencedSOPClassUID(source.sop_class_uid));
        shim_check(image->setReferencedSOPInstanceUID(source.sop_instance_uid));
    }
}

void build(const struct seg_document &document, DcmDataset &data)
{
    const struct mask &size = *document.segments[0].mask;
    ContentIdentificationMacro *identification = NULL;
    shim_check(ContentIdentificationMacro::create(
        "1", "SEGMENTATION", object::clean(document.description, object::LO_MAX),
        DICOM_OWN_MANUFACTURER, identification));
    std::unique_ptr<ContentIdentificationMacro> owned(identification);
    const IODGeneralEquipmentModule::EquipmentInfo equipment(
        DICOM_OWN_MANUFACTURER, DICOM_OWN_MANUFACTURER, DICOM_OWN_SERIAL,
        object::clean(document.object.software_version, object::LO_MAX));
    DcmSegmentation *made = NULL;
    shim_check(DcmSegmentation::createBinarySegmentation(made, static_cast<Uint16>(size.rows),
                                                         static_cast<Uint16>(size.columns),
                                                         equipment, *identification));
    std::unique_ptr<DcmSegmentation> seg(made);
    shim_check(
        seg->getDimensions().addDimensionIndex(DCM_ReferencedSegmentNumber, document.dimension_uid,
                                               DCM_SegmentIdentificationSequence, "Segment"));
    for (size_t i = 0; i < document.segment_count; i++)
        add_segment(*seg, document.segments[i]);
    add_dummy_geometry(*seg, document.dimension_uid);
    for (size_t i = 0; i < document.segment_count; i++)
        add_frame(*seg, document.segments[i], static_cast<Uint16>(i + 1));
    add_references(*seg, document);
    // Replaced by object::stamp(), but DCMTK does not write without.
    shim_check(seg->getStudy().setStudyInstanceUID(document.dimension_uid));
    shim_check(seg->getSeries().setSeriesNumber("1"));
    seg->setCheckFGOnWrite(OFFalse);
    shim_check(seg->writeDataset(data));
    remove_geometry(data, document);
}

} // namespace

int seg_write(const struct seg_document *document, const char *path, struct error *err)
{
    if (document->segment_count < 1)
        return error_set(err, STATUS_INVALID, "a segmentation needs a segment");
    const struct mask *first = document->segments[0].mask;
    for (size_t i = 0; i < document->segment_count; i++) {
        const struct mask *mask = document->segments[i].mask;
        if (mask->rows != first->rows || mask->columns != first->columns)
            return error_set(err, STATUS_INVALID, "the masks of one segmentation differ in size");
    }
    if (document->with_geometry &&
        !(document->spacing_row_mm > 0 && document->spacing_column_mm > 0))
        return error_set(err, STATUS_INVALID, "a segmentation with geometry needs a spacing");
    return shim_guard(err, "make the segmentation", [&]() -> int {
        object::Source source(document->object.source_path);
        DcmDataset dataset;
        build(*document, dataset);
        ShimItem data(dataset);
        data.text(DCM_ContentCreatorName, ""); // a program is no person
        data.text(DCM_LossyImageCompression, "00");
        data.text(DCM_PatientOrientation, "");
        object::name_codes(data);
        object::stamp(document->object, source, dataset);
        return shim_file_write(dataset, path, err);
    });
}
