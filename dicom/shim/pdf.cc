#include <climits>
#include <cstring>

extern "C" {
#include "dicom/pdf.h"
}

#include "dicom/shim/object.h"

namespace
{

void put_sources(ShimItem data, const struct pdf_document &document)
{
    for (size_t i = 0; i < document.source_count; i++) {
        const struct dicom_reference &source = document.sources[i];
        ShimItem item = data.item(DCM_SourceInstanceSequence);
        item.text(DCM_ReferencedSOPClassUID, source.sop_class_uid);
        item.text(DCM_ReferencedSOPInstanceUID, source.sop_instance_uid);
    }
}

// A value has an even length: the size beside it says where the document ends.
void put_bytes(ShimItem data, const struct pdf_document &document)
{
    const unsigned long size = document.size;
    Uint8 *value = nullptr;
    std::unique_ptr<DcmOtherByteOtherWord> element(
        new DcmOtherByteOtherWord(DcmTag(DCM_EncapsulatedDocument, EVR_OB)));
    shim_check(element->createUint8Array(static_cast<Uint32>(size + size % 2), value));
    memcpy(value, document.bytes, size);
    if (size % 2)
        value[size] = 0;
    shim_check(data.raw().insert(element.get()));
    element.release();
    data.ul(DCM_EncapsulatedDocumentLength, size);
}

} // namespace

int pdf_write(const struct pdf_document *document, const char *path, struct error *err)
{
    if (document->size < 5 || document->size > INT_MAX ||
        memcmp(document->bytes, "%PDF-", 5) != 0)
        return error_set(err, STATUS_INVALID, "an encapsulated PDF needs a PDF");
    return shim_guard(err, "make the encapsulated PDF", [&]() -> int {
        object::Source source(document->object.source_path);
        DcmDataset dataset;
        ShimItem data(dataset);
        data.text(DCM_SOPClassUID, PDF_SOP_CLASS_UID);
        data.text(DCM_Modality, "DOC");
        data.text(DCM_ConversionType, "WSD");
        data.text(DCM_BurnedInAnnotation, document->identifies_patient ? "YES" : "NO");
        data.text(DCM_AcquisitionDateTime, ""); // of a document made of several images
        data.text(DCM_DocumentTitle, object::clean(document->title, 1024).c_str());
        data.code(DCM_ConceptNameCodeSequence, document->concept.value, document->concept.scheme,
                  document->concept.meaning);
        data.text(DCM_MIMETypeOfEncapsulatedDocument, "application/pdf");
        data.text(DCM_VerificationFlag, "UNVERIFIED");
        put_sources(data, *document);
        put_bytes(data, *document);
        object::stamp(document->object, source, dataset);
        return shim_file_write(dataset, path, err);
    });
}
