// The content tree of a structured report, walked as plain sequences: DCMTK's document classes
// refuse what other programs write, and nothing here depends on a template being kept.
#include "dicom/shim/header.h"
#include "dicom/shim/shim.h"
#include "dicom/shim/text.h"

#include <cmath>
#include <cstring>

extern "C" {
#include "base/number.h"
#include "dicom/sr_items.h"
}

namespace
{

class Walk
{
  public:
    Walk(DcmItem &dataset, struct sr_item *items) : texts_(dataset), items_(items)
    {
    }
    // Takes `item` and what is below it; false: more than the bounds allow.
    bool take(DcmItem &item, int parent, int depth);
    int count() const
    {
        return count_;
    }
    void date(DcmItem &item, const DcmTagKey &tag, char out[9]);
    bool says(DcmItem &item, const DcmTagKey &tag, const char *word);

  private:
    void code(DcmItem &item, const DcmTagKey &sequence, struct dicom_code *out);
    void number(DcmItem &item, struct sr_item *out);
    void value(DcmItem &item, struct sr_item *out);

    TextReader texts_;
    struct sr_item *items_;
    int count_ = 0;
};

bool Walk::says(DcmItem &item, const DcmTagKey &tag, const char *word)
{
    char text[33];
    texts_.get(item, tag, text, sizeof text);
    return strcmp(text, word) == 0;
}

// The date in front of a DA or DT; "" unless it begins with eight digits.
void Walk::date(DcmItem &item, const DcmTagKey &tag, char out[9])
{
    char text[33];
    texts_.get(item, tag, text, sizeof text);
    out[0] = '\0';
    if (strspn(text, "0123456789") < 8)
        return;
    memcpy(out, text, 8);
    out[8] = '\0';
}

void Walk::code(DcmItem &item, const DcmTagKey &sequence, struct dicom_code *out)
{
    DcmItem *first = nullptr;
    if (item.findAndGetSequenceItem(sequence, first, 0).bad() || !first)
        return;
    texts_.get(*first, DCM_CodeValue, out->value, sizeof out->value);
    if (!*out->value)
        texts_.get(*first, DCM_LongCodeValue, out->value, sizeof out->value);
    texts_.get(*first, DCM_CodingSchemeDesignator, out->scheme, sizeof out->scheme);
    texts_.get(*first, DCM_CodeMeaning, out->meaning, sizeof out->meaning);
}

void Walk::number(DcmItem &item, struct sr_item *out)
{
    DcmItem *measured = nullptr;
    char text[64];
    out->number = NAN;
    if (item.findAndGetSequenceItem(DCM_MeasuredValueSequence, measured, 0).bad() || !measured)
        return;
    texts_.get(*measured, DCM_NumericValue, text, sizeof text);
    number_parse_double(*text == '+' ? text + 1 : text, &out->number, nullptr);
    code(*measured, DCM_MeasurementUnitsCodeSequence, &out->value);
}

void Walk::value(DcmItem &item, struct sr_item *out)
{
    if (says(item, DCM_ValueType, "CONTAINER")) {
        out->type = SR_ITEM_CONTAINER;
    } else if (says(item, DCM_ValueType, "CODE")) {
        out->type = SR_ITEM_CODE;
        code(item, DCM_ConceptCodeSequence, &out->value);
    } else if (says(item, DCM_ValueType, "NUM")) {
        out->type = SR_ITEM_NUMBER;
        number(item, out);
    }
}

bool Walk::take(DcmItem &item, int parent, int depth)
{
    if (count_ == SR_ITEMS_MAX || depth == SR_DEPTH_MAX)
        return false;
    const int own = count_++;
    struct sr_item *out = &items_[own];
    *out = {};
    out->parent = parent;
    out->type = SR_ITEM_OTHER;
    out->context = says(item, DCM_RelationshipType, "HAS OBS CONTEXT");
    out->modifier = says(item, DCM_RelationshipType, "HAS CONCEPT MOD");
    code(item, DCM_ConceptNameCodeSequence, &out->name);
    value(item, out);
    date(item, DCM_ObservationDateTime, out->observed);
    DcmSequenceOfItems *content = nullptr;
    if (item.findAndGetSequence(DCM_ContentSequence, content).bad() || !content)
        return true;
    for (DcmObject *child = nullptr; (child = content->nextInContainer(child));)
        if (!take(*static_cast<DcmItem *>(child), own, depth + 1))
            return false;
    return true;
}

} // namespace

extern "C" int sr_items_read(const char *path, const struct dicom_limits *limits,
                             struct arena *arena, struct sr_items *ret_items, struct error *err)
{
    return shim_guard(err, "read structured report", [&]() -> int {
        Header header;
        int status = header.load(path, path, limits->object_bytes, err);
        if (status < 0)
            return status;
        DcmDataset &dataset = header.dataset();
        struct sr_items found = {};
        found.items = static_cast<struct sr_item *>(
            arena_array(arena, SR_ITEMS_MAX, sizeof *found.items));
        if (!found.items)
            return error_set(err, STATUS_NOMEM, "out of memory for a structured report");
        Walk walk(dataset, found.items);
        if (!walk.take(dataset, -1, 0))
            return error_set(err, STATUS_LIMIT,
                             "%s: the report has more than %d items, or more than %d levels", path,
                             SR_ITEMS_MAX, SR_DEPTH_MAX);
        found.count = static_cast<size_t>(walk.count());
        found.final = walk.says(dataset, DCM_VerificationFlag, "VERIFIED") &&
                      walk.says(dataset, DCM_CompletionFlag, "COMPLETE") &&
                      !walk.says(dataset, DCM_PreliminaryFlag, "PRELIMINARY");
        walk.date(dataset, DCM_ContentDate, found.content_date);
        *ret_items = found;
        return 0;
    });
}
