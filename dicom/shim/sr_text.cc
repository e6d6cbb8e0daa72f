// A structured report of anybody as plain text.
#include "dicom/shim/shim.h"

#include <dcmtk/dcmsr/dsrdoc.h>
#include <dcmtk/dcmsr/dsrcodtn.h>
#include <dcmtk/dcmsr/dsrimgtn.h>
#include <dcmtk/dcmsr/dsrnumtn.h>
#include <dcmtk/dcmsr/dsrscotn.h>

#include <string>

extern "C" {
#include "dicom/sr_text.h"
}

namespace {

const size_t TEXT_BYTES_MAX = 4 << 20; // a hostile report may nest without end

std::string number(const DSRNumericMeasurementValue &value)
{
    std::string text = value.getNumericValue().c_str();
    const OFString &unit = value.getMeasurementUnit().getCodeValue();
    if (!unit.empty() && unit != "1")
        text += std::string(" ") + unit.c_str();
    return text;
}

// What stands behind the concept's name; "" for a container.
std::string value_of(const DSRContentItem &item)
{
    switch (item.getValueType()) {
    case DSRTypes::VT_Text:
    case DSRTypes::VT_UIDRef:
    case DSRTypes::VT_PName:
    case DSRTypes::VT_Date:
    case DSRTypes::VT_Time:
    case DSRTypes::VT_DateTime:
        return item.getStringValue().c_str();
    case DSRTypes::VT_Code:
        return item.getCodeValue().getCodeMeaning().c_str();
    case DSRTypes::VT_Num:
        return number(item.getNumericValue());
    case DSRTypes::VT_Image:
        return std::string("image ") + item.getImageReference().getSOPInstanceUID().c_str();
    case DSRTypes::VT_SCoord:
        return "outline in";
    default:
        return "";
    }
}

int print(DSRDocumentTree &tree, struct buffer *text, struct error *err)
{
    if (!tree.gotoRoot())
        return error_set(err, STATUS_INVALID, "the report is empty");
    do {
        const DSRContentItem &item = tree.getCurrentContentItem();
        std::string name = item.getConceptName().getCodeMeaning().c_str();
        std::string value = value_of(item);
        int indent = static_cast<int>(2 * (tree.getLevel() - 1));
        if (name.empty() && value.empty())
            continue;
        const char *between = !name.empty() && !value.empty() ? ": " : "";
        int status = buffer_print(text, err, "%*s%s%s%s\n", indent, "", name.c_str(), between,
                                  value.c_str());
        if (status < 0)
            return status;
        if (text->size > TEXT_BYTES_MAX)
            return error_set(err, STATUS_LIMIT, "the report is larger than %zu bytes of text",
                             TEXT_BYTES_MAX);
    } while (tree.iterate(OFTrue));
    return 0;
}

} // namespace

int sr_text_read(const char *path, struct buffer *ret_text, struct error *err)
{
    return shim_guard(err, "read structured report", [&]() -> int {
        DcmFileFormat file;
        OFCondition condition = file.loadFile(path);
        if (condition.bad())
            return shim_error(err, STATUS_INVALID, condition, "cannot read DICOM file %s", path);
        DcmDataset &dataset = *file.getDataset();
        dataset.convertToUTF8(); // a failure leaves the text as it is
        DSRDocument document;
        condition = document.read(dataset, DSRTypes::RF_ignoreContentItemErrors |
                                               DSRTypes::RF_ignoreRelationshipConstraints |
                                               DSRTypes::RF_skipInvalidContentItems);
        if (condition.bad())
            return shim_error(err, STATUS_INVALID, condition, "%s is not a structured report", path);
        struct buffer text;
        buffer_init(&text);
        int status = print(document.getTree(), &text, err);
        if (status == 0)
            status = buffer_add(ret_text, buffer_text(&text), text.size, err);
        buffer_release(&text);
        return status;
    });
}
