extern "C" {
#include "dicom/pr.h"
}

#include <cstdio>
#include <cstring>

#include "dicom/shim/colour.h"
#include "dicom/shim/object.h"

namespace
{

const Uint32 PROFILE_MAX = 1 << 20;

bool is_grey(const char *photometric)
{
    return strncmp(photometric, "MONOCHROME", 10) == 0;
}

// The attributes before the pixels of the image that is shown; hostile.
class Shown
{
  public:
    explicit Shown(const char *path)
    {
        shim_check(file_.loadFileUntilTag(path, EXS_Unknown, EGL_noChange, PROFILE_MAX,
                                          ERM_autoDetect, DCM_PixelData));
    }
    // The image's own profile, or sRGB.
    std::vector<uint8_t> profile()
    {
        const Uint8 *bytes = NULL;
        unsigned long size = 0;
        if (file_.getDataset()->findAndGetUint8Array(DCM_ICCProfile, bytes, &size).good() &&
            bytes && size <= PROFILE_MAX && size % 2 == 0 && colour::is_rgb_profile(bytes, size))
            return std::vector<uint8_t>(bytes, bytes + size);
        return colour::srgb_profile();
    }
    // The first window; false when there is none.
    bool window(OFString &center, OFString &width)
    {
        Float64 value = 0;
        DcmDataset &data = *file_.getDataset();
        return data.findAndGetFloat64(DCM_WindowWidth, value).good() && value >= 1 &&
               data.findAndGetFloat64(DCM_WindowCenter, value).good() &&
               data.findAndGetOFString(DCM_WindowCenter, center).good() &&
               data.findAndGetOFString(DCM_WindowWidth, width).good();
    }

  private:
    DcmFileFormat file_;
};

void put_image(ShimItem item, const struct dicom_reference &image, int frame)
{
    ShimItem reference = item.item(DCM_ReferencedImageSequence);
    reference.text(DCM_ReferencedSOPClassUID, image.sop_class_uid);
    reference.text(DCM_ReferencedSOPInstanceUID, image.sop_instance_uid);
    if (frame > 0)
        reference.whole(DCM_ReferencedFrameNumber, frame);
}

// PS3.3 C.11.11: which image this state is of.
void put_relationship(ShimItem data, const struct dicom_reference &image)
{
    ShimItem series = data.item(DCM_ReferencedSeriesSequence);
    series.text(DCM_SeriesInstanceUID, image.series_instance_uid);
    put_image(series, image, 0);
}

// C.10.4: all of it, as large as there is room.
void put_area(ShimItem data, const struct pr_document &document)
{
    ShimItem area = data.item(DCM_DisplayedAreaSelectionSequence);
    char last[32];
    snprintf(last, sizeof last, "%d\\%d", document.columns, document.rows);
    area.text(DCM_DisplayedAreaTopLeftHandCorner, "1\\1");
    area.text(DCM_DisplayedAreaBottomRightHandCorner, last);
    area.text(DCM_PresentationSizeMode, "SCALE TO FIT");
    area.text(DCM_PresentationPixelAspectRatio, "1\\1");
}

// C.10.7
void put_layer(ShimItem data, const struct pr_annotation &annotation, int order)
{
    ShimItem layer = data.item(DCM_GraphicLayerSequence);
    Uint16 lab[3];
    colour::cielab(annotation.colour, lab);
    layer.text(DCM_GraphicLayer, annotation.layer);
    layer.whole(DCM_GraphicLayerOrder, order);
    layer.us(DCM_GraphicLayerRecommendedDisplayGrayscaleValue, 65535);
    shim_check(layer.raw().putAndInsertUint16Array(DCM_GraphicLayerRecommendedDisplayCIELabValue,
                                                   lab, 3));
}

void put_line(ShimItem annotation, const struct pr_line &line)
{
    ShimItem object = annotation.item(DCM_GraphicObjectSequence);
    object.text(DCM_GraphicAnnotationUnits, "PIXEL");
    object.us(DCM_GraphicDimensions, 2);
    object.us(DCM_NumberOfGraphicPoints, static_cast<int>(line.count));
    shim_check(object.raw().putAndInsertFloat32Array(DCM_GraphicData, line.points,
                                                     static_cast<unsigned long>(2 * line.count)));
    object.text(DCM_GraphicType, "POLYLINE");
    const size_t last = 2 * (line.count - 1);
    if (line.points[0] == line.points[last] && line.points[1] == line.points[last + 1])
        object.text(DCM_GraphicFilled, "N"); // type 1C: the line is closed
}

void put_text(ShimItem annotation, const struct pr_annotation &from)
{
    ShimItem object = annotation.item(DCM_TextObjectSequence);
    const Float32 at[] = {from.text_x, from.text_y};
    object.text(DCM_UnformattedTextValue, object::clean(from.text, 1024).c_str());
    object.text(DCM_AnchorPointAnnotationUnits, "PIXEL");
    shim_check(object.raw().putAndInsertFloat32Array(DCM_AnchorPoint, at, 2));
    object.text(DCM_AnchorPointVisibility, "N");
}

// C.10.5
void put_annotations(ShimItem data, const struct pr_document &document)
{
    for (size_t i = 0; i < document.annotation_count; i++) {
        const struct pr_annotation &from = document.annotations[i];
        ShimItem annotation = data.item(DCM_GraphicAnnotationSequence);
        put_image(annotation, document.image, from.frame);
        annotation.text(DCM_GraphicLayer, from.layer);
        if (from.text && *from.text)
            put_text(annotation, from);
        for (size_t k = 0; k < from.line_count; k++)
            put_line(annotation, from.lines[k]);
        put_layer(data, from, static_cast<int>(i + 1));
    }
}

void put_grey(ShimItem data, const struct pr_document &document, Shown &shown)
{
    OFString center, width;
    const bool inverse = strcmp(document.photometric, "MONOCHROME1") == 0;
    data.text(DCM_PresentationLUTShape, inverse ? "INVERSE" : "IDENTITY");
    if (!shown.window(center, width))
        return;
    ShimItem window = data.item(DCM_SoftcopyVOILUTSequence);
    window.text(DCM_WindowCenter, center.c_str());
    window.text(DCM_WindowWidth, width.c_str());
}

} // namespace

const char *pr_sop_class_uid(const char *photometric)
{
    return is_grey(photometric) ? PR_GRAYSCALE_SOP_CLASS_UID : PR_COLOUR_SOP_CLASS_UID;
}

int pr_write(const struct pr_document *document, const char *path, struct error *err)
{
    if (document->annotation_count < 1)
        return error_set(err, STATUS_INVALID, "a presentation state needs an annotation");
    return shim_guard(err, "make the presentation state", [&]() -> int {
        object::Source source(document->object.source_path);
        Shown shown(document->object.source_path);
        DcmDataset dataset;
        ShimItem data(dataset);
        data.text(DCM_SOPClassUID, pr_sop_class_uid(document->photometric));
        data.text(DCM_Modality, "PR");
        const char laterality[] = {document->object.laterality, 0};
        data.text(DCM_Laterality, laterality); // type 2C: the breast is a paired organ
        data.text(DCM_ContentLabel, document->label);
        data.text(DCM_ContentDescription,
                  object::clean(document->description, object::LO_MAX).c_str());
        data.text(DCM_ContentCreatorName, ""); // a program is no person
        put_relationship(data, document->image);
        put_area(data, *document);
        put_annotations(data, *document);
        if (is_grey(document->photometric)) {
            put_grey(data, *document, shown);
        } else {
            const std::vector<uint8_t> profile = shown.profile();
            shim_check(dataset.putAndInsertUint8Array(
                DCM_ICCProfile, profile.data(), static_cast<unsigned long>(profile.size())));
        }
        object::stamp(document->object, source, dataset);
        OFString date, time;
        shim_check(dataset.findAndGetOFString(DCM_ContentDate, date));
        shim_check(dataset.findAndGetOFString(DCM_ContentTime, time));
        delete dataset.remove(DCM_ContentDate); // no attribute of this IOD
        delete dataset.remove(DCM_ContentTime);
        data.text(DCM_PresentationCreationDate, date.c_str());
        data.text(DCM_PresentationCreationTime, time.c_str());
        return shim_file_write(dataset, path, err);
    });
}
