#include "dicom/sc.h"

#include "dicom/shim/object.h"

namespace {

// Plain RGB without a profile: screens show it as sRGB.
void put_pixels(DcmDataset &data, const struct image &picture)
{
    object::check(data.putAndInsertUint16(DCM_SamplesPerPixel, 3), "Samples per Pixel");
    object::put(data, DCM_PhotometricInterpretation, "RGB");
    data.putAndInsertUint16(DCM_PlanarConfiguration, 0);
    data.putAndInsertUint16(DCM_Rows, static_cast<Uint16>(picture.rows));
    data.putAndInsertUint16(DCM_Columns, static_cast<Uint16>(picture.columns));
    data.putAndInsertUint16(DCM_BitsAllocated, 8);
    data.putAndInsertUint16(DCM_BitsStored, 8);
    data.putAndInsertUint16(DCM_HighBit, 7);
    data.putAndInsertUint16(DCM_PixelRepresentation, 0);
    const size_t size = static_cast<size_t>(picture.rows) * picture.columns * 3;
    // An odd length is padded by DCMTK when it is written.
    object::check(data.putAndInsertUint8Array(DCM_PixelData, picture.pixels,
                                              static_cast<unsigned long>(size)),
                  "Pixel Data");
}

void put_sources(DcmDataset &data, const struct sc_document &document)
{
    for (size_t i = 0; i < document.source_count; i++) {
        const struct dicom_reference &source = document.sources[i];
        DcmItem *item = NULL, *purpose = NULL;
        object::check(data.findOrCreateSequenceItem(DCM_SourceImageSequence, item, -2), "source");
        object::put(*item, DCM_ReferencedSOPClassUID, source.sop_class_uid);
        object::put(*item, DCM_ReferencedSOPInstanceUID, source.sop_instance_uid);
        if (source.frame > 0)
            object::put(*item, DCM_ReferencedFrameNumber, std::to_string(source.frame).c_str());
        object::check(
            item->findOrCreateSequenceItem(DCM_PurposeOfReferenceCodeSequence, purpose, -2),
            "purpose");
        object::put(*purpose, DCM_CodeValue, "121322");
        object::put(*purpose, DCM_CodingSchemeDesignator, "DCM");
        object::put(*purpose, DCM_CodeMeaning, "Source image for image processing operation");
    }
}

} // namespace

extern "C" int sc_write(const struct sc_document *document, const char *path, struct error *err)
{
    const struct image *picture = document->picture;
    if (picture->channels != 3 || picture->rows < 1 || picture->columns < 1 ||
        picture->rows > IMAGE_SIDE_MAX || picture->columns > IMAGE_SIDE_MAX)
        return error_set(err, STATUS_INVALID, "a secondary capture needs an RGB picture");
    return object::guard("secondary capture", err, [&] {
        DcmFileFormat file;
        DcmDataset &data = *file.getDataset();
        object::put(data, DCM_SOPClassUID, SC_SOP_CLASS_UID);
        object::put(data, DCM_Modality, "OT");
        object::put(data, DCM_ConversionType, "WSD");
        object::put(data, DCM_ImageType, "DERIVED\\SECONDARY");
        object::put(data, DCM_BurnedInAnnotation, document->identifies_patient ? "YES" : "NO");
        object::put(data, DCM_DerivationDescription, object::clean(document->derivation, 1024));
        object::put(data, DCM_PatientOrientation, "");
        if (document->object.laterality)
            object::put(data, DCM_Laterality, OFString(1, document->object.laterality));
        put_sources(data, *document);
        put_pixels(data, *picture);
        return object::save(document->object, file, path, err);
    });
}
