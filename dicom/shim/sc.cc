extern "C" {
#include "dicom/sc.h"
}

#include "dicom/shim/object.h"

namespace
{

// Plain RGB without a profile: screens show it as sRGB.
void put_pixels(ShimItem data, const struct image &picture)
{
    data.us(DCM_SamplesPerPixel, 3);
    data.text(DCM_PhotometricInterpretation, "RGB");
    data.us(DCM_PlanarConfiguration, 0);
    data.us(DCM_Rows, picture.rows);
    data.us(DCM_Columns, picture.columns);
    data.us(DCM_BitsAllocated, 8);
    data.us(DCM_BitsStored, 8);
    data.us(DCM_HighBit, 7);
    data.us(DCM_PixelRepresentation, 0);
    const unsigned long size = static_cast<unsigned long>(picture.rows) * picture.columns * 3;
    shim_check(data.raw().putAndInsertUint8Array(DCM_PixelData, picture.pixels, size));
}

void put_sources(ShimItem data, const struct sc_document &document)
{
    for (size_t i = 0; i < document.source_count; i++) {
        const struct dicom_reference &source = document.sources[i];
        ShimItem item = data.item(DCM_SourceImageSequence);
        item.text(DCM_ReferencedSOPClassUID, source.sop_class_uid);
        item.text(DCM_ReferencedSOPInstanceUID, source.sop_instance_uid);
        if (source.frame > 0)
            item.whole(DCM_ReferencedFrameNumber, source.frame);
        item.code(DCM_PurposeOfReferenceCodeSequence, "121322", "DCM",
                  "Source image for image processing operation");
    }
}

} // namespace

int sc_write(const struct sc_document *document, const char *path, struct error *err)
{
    const struct image *picture = document->picture;
    if (picture->channels != 3 || picture->rows < 1 || picture->columns < 1 ||
        picture->rows > IMAGE_SIDE_MAX || picture->columns > IMAGE_SIDE_MAX)
        return error_set(err, STATUS_INVALID, "a secondary capture needs an RGB picture");
    return shim_guard(err, "make the secondary capture", [&]() -> int {
        object::Source source(document->object.source_path);
        DcmDataset dataset;
        ShimItem data(dataset);
        data.text(DCM_SOPClassUID, SC_SOP_CLASS_UID);
        data.text(DCM_Modality, "OT");
        data.text(DCM_ConversionType, "WSD");
        data.text(DCM_ImageType, "DERIVED\\SECONDARY");
        data.text(DCM_BurnedInAnnotation, document->identifies_patient ? "YES" : "NO");
        data.text(DCM_DerivationDescription, object::clean(document->derivation, 1024).c_str());
        data.text(DCM_PatientOrientation, "");
        const char laterality[] = {document->object.laterality, 0};
        data.text(DCM_Laterality, laterality); // type 2C: the breast is a paired organ
        put_sources(data, *document);
        put_pixels(data, *picture);
        object::stamp(document->object, source, dataset);
        return shim_file_write(dataset, path, err);
    });
}
