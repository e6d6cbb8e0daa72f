#include "dicom/shim/shim.h"

#include <cstring>
#include <memory>

extern "C" {
#include "base/number.h"
#include "base/uid.h"
#include "dicom/us_image.h"
}

static const DcmTag TAG_SYNTHETIC_DATA(0x0008, 0x001c, EVR_CS); /* newer than DCMTK 3.6.7 */
static const char EQUIPMENT[] = "axnode phantom";

static const char *text_or(const char *text, const char *otherwise)
{
    return text && *text ? text : otherwise;
}

static bool uid_given(const char *uid)
{
    return uid && uid_valid(uid);
}

static int check(const struct us_image *image, struct error *err)
{
    if (!uid_given(image->sop_instance_uid) || !uid_given(image->study_instance_uid) ||
        !uid_given(image->series_instance_uid))
        return error_set(err, STATUS_INVALID, "ultrasound image: a UID is malformed");
    if (image->frame_count < 1 || image->region_count < 0)
        return error_set(err, STATUS_INVALID, "ultrasound image: no frames");
    if (image->laterality && !strchr("LRBU", image->laterality))
        return error_set(err, STATUS_INVALID, "ultrasound image: no such laterality");
    if (image->frame_count > 1 && !(image->frame_time_ms > 0))
        return error_set(err, STATUS_INVALID, "ultrasound image: no frame time");
    const struct image *first = &image->frames[0];
    for (int i = 0; i < image->frame_count; i++) {
        const struct image *frame = &image->frames[i];
        bool sides = frame->rows > 0 && frame->rows <= IMAGE_SIDE_MAX && frame->columns > 0 &&
                     frame->columns <= IMAGE_SIDE_MAX;
        if (!sides || (frame->channels != 1 && frame->channels != 3) ||
            frame->rows != first->rows || frame->columns != first->columns ||
            frame->channels != first->channels)
            return error_set(err, STATUS_INVALID,
                             "ultrasound image: frame %d has another shape or none", i);
    }
    return 0;
}

static void put_patient_and_study(ShimItem &out, const struct us_image *image)
{
    out.text(DCM_SpecificCharacterSet, "ISO_IR 192");
    out.text(DCM_PatientName, image->patient_name);
    out.text(DCM_PatientID, image->patient_id);
    out.text(DCM_PatientBirthDate, image->patient_birth_date);
    out.text(DCM_PatientSex, image->patient_sex);
    out.text(DCM_StudyInstanceUID, image->study_instance_uid);
    out.text(DCM_StudyDate, image->study_date);
    out.text(DCM_StudyTime, image->study_time);
    out.text(DCM_StudyID, image->study_id);
    out.text(DCM_AccessionNumber, image->accession_number);
    out.text(DCM_ReferringPhysicianName, "");
    out.text_unless_empty(DCM_StudyDescription, image->study_description);
}

static void put_series_and_equipment(ShimItem &out, const struct us_image *image)
{
    out.text(DCM_Modality, "US");
    out.text(DCM_SeriesInstanceUID, image->series_instance_uid);
    out.whole(DCM_SeriesNumber, image->series_number);
    out.text_unless_empty(DCM_SeriesDate, image->study_date);
    out.text_unless_empty(DCM_SeriesTime, image->study_time);
    out.text_unless_empty(DCM_SeriesDescription, image->series_description);
    out.text_unless_empty(DCM_ProtocolName, image->protocol_name);
    out.text_unless_empty(DCM_BodyPartExamined, image->body_part_examined);
    out.text(DCM_Manufacturer, text_or(image->manufacturer, EQUIPMENT));
    out.text(DCM_ManufacturerModelName, text_or(image->manufacturer_model, EQUIPMENT));
}

/* CID 244 Laterality; 'U' (unpaired) has no modifier. */
static void put_side_modifier(ShimItem &region, char side)
{
    static const struct {
        char side;
        const char *value, *meaning;
    } sides[] = {
        {'L', "7771000", "Left"}, {'R', "24028007", "Right"}, {'B', "51440002", "Right and left"}};
    for (const auto &known : sides)
        if (known.side == side)
            region.code(DCM_AnatomicRegionModifierSequence, known.value, "SCT", known.meaning);
}

static void put_anatomy(ShimItem &out, const struct us_image *image)
{
    const struct dicom_code *anatomy = &image->anatomic_region, *view = &image->view;
    if (image->laterality) {
        const char letter[2] = {image->laterality, '\0'};
        out.text(DCM_ImageLaterality, letter);
    }
    if (*anatomy->value) {
        ShimItem region =
            out.code(DCM_AnatomicRegionSequence, anatomy->value, anatomy->scheme, anatomy->meaning);
        if (image->laterality_modifier)
            put_side_modifier(region, image->laterality);
    }
    if (*view->value)
        out.code(DCM_ViewCodeSequence, view->value, view->scheme, view->meaning);
}

static void put_regions(ShimItem &out, const struct us_image *image)
{
    for (int i = 0; i < image->region_count; i++) {
        const struct us_region *region = &image->regions[i];
        ShimItem item = out.item(DCM_SequenceOfUltrasoundRegions);
        item.us(DCM_RegionSpatialFormat, region->spatial_format);
        item.us(DCM_RegionDataType, region->data_type);
        item.ul(DCM_RegionFlags, 0);
        item.ul(DCM_RegionLocationMinX0, static_cast<unsigned long>(region->x0));
        item.ul(DCM_RegionLocationMinY0, static_cast<unsigned long>(region->y0));
        item.ul(DCM_RegionLocationMaxX1, static_cast<unsigned long>(region->x1));
        item.ul(DCM_RegionLocationMaxY1, static_cast<unsigned long>(region->y1));
        item.us(DCM_PhysicalUnitsXDirection, region->units_x);
        item.us(DCM_PhysicalUnitsYDirection, region->units_y);
        item.fd(DCM_PhysicalDeltaX, region->delta_x);
        item.fd(DCM_PhysicalDeltaY, region->delta_y);
    }
}

static void put_pixels(ShimItem &out, const struct us_image *image)
{
    const struct image *first = &image->frames[0];
    bool colour = first->channels == 3;
    out.us(DCM_SamplesPerPixel, first->channels);
    out.text(DCM_PhotometricInterpretation, colour ? "RGB" : "MONOCHROME2");
    if (colour)
        out.us(DCM_PlanarConfiguration, 0);
    out.us(DCM_Rows, first->rows);
    out.us(DCM_Columns, first->columns);
    out.us(DCM_BitsAllocated, 8);
    out.us(DCM_BitsStored, 8);
    out.us(DCM_HighBit, 7);
    out.us(DCM_PixelRepresentation, 0);
    size_t frame = (size_t)first->rows * (size_t)first->columns * (size_t)first->channels;
    size_t size = frame * (size_t)image->frame_count;
    if (size / 2 > 0x7ffffffe / 2)
        throw ShimFailure{EC_ElemLengthExceeds32BitField};
    auto pixels = std::make_unique<DcmPixelData>(DCM_PixelData);
    pixels->setVR(EVR_OB);
    Uint8 *bytes = nullptr;
    shim_check(pixels->createUint8Array(static_cast<Uint32>(size + size % 2), bytes));
    bytes[size - 1 + size % 2] = 0; /* the pad byte, when there is one */
    for (int i = 0; i < image->frame_count; i++)
        memcpy(bytes + frame * (size_t)i, image->frames[i].pixels, frame);
    shim_check(out.raw().insert(pixels.get(), OFTrue));
    pixels.release();
}

static void put_image(ShimItem &out, const struct us_image *image)
{
    bool cine = image->frame_count > 1;
    out.text(DCM_SOPClassUID,
             cine ? UID_UltrasoundMultiframeImageStorage : UID_UltrasoundImageStorage);
    out.text(DCM_SOPInstanceUID, image->sop_instance_uid);
    out.text(DCM_ImageType, "ORIGINAL\\PRIMARY");
    out.text_unless_empty(DCM_ContentDate, image->study_date);
    out.text_unless_empty(DCM_ContentTime, image->study_time);
    out.whole(DCM_InstanceNumber, image->instance_number);
    out.text(DCM_PatientOrientation, "");
    out.text(DCM_LossyImageCompression, "00");
    out.text_unless_empty(DCM_ImageComments, image->image_comments);
    if (cine) {
        char time[NUMBER_TEXT_SIZE];
        number_format_ds(image->frame_time_ms, time);
        out.whole(DCM_NumberOfFrames, image->frame_count);
        out.text(DCM_FrameTime, time);
        shim_check(out.raw().putAndInsertTagKey(DCM_FrameIncrementPointer, DCM_FrameTime));
    }
    if (image->synthetic_data)
        shim_check(out.raw().putAndInsertString(TAG_SYNTHETIC_DATA, "YES"));
}

extern "C" int us_image_write(const char *path, const struct us_image *image, struct error *err)
{
    int r = check(image, err);
    if (r < 0)
        return r;
    return shim_guard(err, "write ultrasound image", [&]() -> int {
        DcmDataset dataset;
        ShimItem out(dataset);
        put_patient_and_study(out, image);
        put_series_and_equipment(out, image);
        put_image(out, image);
        put_anatomy(out, image);
        put_regions(out, image);
        put_pixels(out, image);
        return shim_file_write(dataset, path, err);
    });
}
