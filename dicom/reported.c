#include "dicom/reported.h"

#include <math.h>
#include <string.h>

#include "base/arena.h"

bool reported_class(const char *sop_class_uid)
{
    static const char *const tails[] = {"11", "22", "33", "34", "35"};
    static const char head[] = "1.2.840.10008.5.1.4.1.1.88.";
    if (strncmp(sop_class_uid, head, sizeof head - 1) != 0)
        return false;
    for (size_t i = 0; i < sizeof tails / sizeof *tails; i++)
        if (strcmp(sop_class_uid + sizeof head - 1, tails[i]) == 0)
            return true;
    return false;
}

/* ---- codes (PS3.16; SNOMED CT, LOINC) ---- */

struct code {
    const char *value, *scheme;
};

static bool is(const struct dicom_code *code, const char *value, const char *scheme)
{
    return strcmp(code->value, value) == 0 && strcmp(code->scheme, scheme) == 0;
}

static bool is_laterality(const struct dicom_code *code)
{
    return is(code, "272741003", "SCT") || is(code, "G-C171", "SRT");
}

static bool is_finding_site(const struct dicom_code *code)
{
    return is(code, "363698007", "SCT") || is(code, "G-C0E3", "SRT");
}

/* CID 244. Left out: unilateral, which names no side. */
static char side_letter(const struct dicom_code *code)
{
    if (is(code, "7771000", "SCT") || is(code, "G-A101", "SRT"))
        return 'L';
    if (is(code, "24028007", "SCT") || is(code, "G-A100", "SRT"))
        return 'R';
    return 0;
}

/* A coded statement: concept, its value, and what that says in our words. */
struct statement {
    struct code concept, value;
    const char *name, *code;
    bool pathology; /* belongs to Pathology Results; else it does not count there */
};

#define ASSESSMENT {"111005", "DCM"} /* Assessment Category */
#define MARGINS {"111037", "DCM"}
#define FINDING {"121071", "DCM"}
#define MALIGNANCY {"111388", "DCM"} /* Malignancy Type */
#define POSITIVE {"10828004", "SCT"}
#define NEGATIVE {"260385009", "SCT"}
#define EQUIVOCAL {"42425007", "SCT"}

static const struct statement statements[] = {
    /* CID 6026, with the SNOMED CT codes that replaced some */
    {ASSESSMENT, {"II.AC.a", "BI"}, "bi_rads", "0", false},
    {ASSESSMENT, {"397138000", "SCT"}, "bi_rads", "0", false},
    {ASSESSMENT, {"II.AC.b.1", "BI"}, "bi_rads", "1", false},
    {ASSESSMENT, {"397140005", "SCT"}, "bi_rads", "1", false},
    {ASSESSMENT, {"II.AC.b.2", "BI"}, "bi_rads", "2", false},
    {ASSESSMENT, {"397141009", "SCT"}, "bi_rads", "2", false},
    {ASSESSMENT, {"II.AC.b.3", "BI"}, "bi_rads", "3", false},
    {ASSESSMENT, {"397143007", "SCT"}, "bi_rads", "3", false},
    {ASSESSMENT, {"II.AC.b.4", "BI"}, "bi_rads", "4", false},
    {ASSESSMENT, {"397144001", "SCT"}, "bi_rads", "4", false},
    {ASSESSMENT, {"MA.II.A.5.4A", "BI"}, "bi_rads", "4A", false},
    {ASSESSMENT, {"MA.II.A.5.4B", "BI"}, "bi_rads", "4B", false},
    {ASSESSMENT, {"MA.II.A.5.4C", "BI"}, "bi_rads", "4C", false},
    {ASSESSMENT, {"II.AC.b.5", "BI"}, "bi_rads", "5", false},
    {ASSESSMENT, {"397145000", "SCT"}, "bi_rads", "5", false},
    {ASSESSMENT, {"MA.II.A.5.6", "BI"}, "bi_rads", "6", false},
    /* category 6 is given to malignancy proven by biopsy alone */
    {ASSESSMENT, {"MA.II.A.5.6", "BI"}, "malignancy_confirmed", "yes", false},
    /* CID 6007 */
    {MARGINS, {"129738007", "SCT"}, "margin", "circumscribed", false},
    {MARGINS, {"129739004", "SCT"}, "margin", "microlobulated", false},
    {MARGINS, {"129740002", "SCT"}, "margin", "obscured", false},
    {MARGINS, {"129741003", "SCT"}, "margin", "indistinct", false},
    {MARGINS, {"129742005", "SCT"}, "margin", "spiculated", false},
    {MARGINS, {"111343", "DCM"}, "margin", "angular", false},
    {FINDING, {"111251", "DCM"}, "us_node_status", "negative", false}, /* Normal axillary node */
    /* Axillary adenopathy */
    {FINDING, {"127189005", "SCT"}, "us_node_status", "suspicious", false},
    /* CID 6159, and the histology of invasive carcinoma */
    {MALIGNANCY, {"86616005", "SCT"}, "histology", "in_situ", true},
    {MALIGNANCY, {"408643008", "SCT"}, "histology", "ductal", true},
    {MALIGNANCY, {"408643008", "SCT"}, "malignancy_confirmed", "yes", true},
    {MALIGNANCY, {"89740008", "SCT"}, "histology", "lobular", true},
    {MALIGNANCY, {"89740008", "SCT"}, "malignancy_confirmed", "yes", true},
    {MALIGNANCY, {"111389", "DCM"}, "malignancy_confirmed", "yes", true}, /* Invasive carcinoma */
    {{"111475", "DCM"}, POSITIVE, "er_status", "positive", true},
    {{"111475", "DCM"}, NEGATIVE, "er_status", "negative", true},
    /* LOINC: receptor antigens in a breast cancer specimen by immune stain; HER2, interpreted */
    {{"85337-4", "LN"}, POSITIVE, "er_status", "positive", true},
    {{"85337-4", "LN"}, NEGATIVE, "er_status", "negative", true},
    {{"111476", "DCM"}, POSITIVE, "pr_status", "positive", true},
    {{"111476", "DCM"}, NEGATIVE, "pr_status", "negative", true},
    {{"85339-0", "LN"}, POSITIVE, "pr_status", "positive", true},
    {{"85339-0", "LN"}, NEGATIVE, "pr_status", "negative", true},
    {{"48676-1", "LN"}, POSITIVE, "her2_status", "positive", true},
    {{"48676-1", "LN"}, EQUIVOCAL, "her2_status", "equivocal", true},
    {{"48676-1", "LN"}, NEGATIVE, "her2_status", "negative", true},
};

/* ---- what stands around an item ---- */

struct place {
    char side;
    bool ignored;   /* quoted, of an earlier examination, or of another subject */
    bool pathology; /* inside Pathology Results */
    bool overall;   /* inside Overall Assessment */
    bool breast;    /* its finding site is the breast */
};

/* A container whose content is not about this examination. */
static bool of_before(const struct dicom_code *name)
{
    static const char *const codes[] = {
        "111424", /* Comparison to previous findings */
        "121060", /* History */
        "121066", /* Prior Procedure Descriptions */
        "121068", /* Previous Findings */
        "121069", /* Previous Finding */
        "111513", /* Relevant Previous Procedures */
        "111531", /* Previous Procedure */
        "111549", /* Previous Reports */
    };
    for (size_t i = 0; i < sizeof codes / sizeof *codes; i++)
        if (is(name, codes[i], "DCM"))
            return true;
    return false;
}

/* What the children of an item say of it; a site's own children say its side. */
struct around {
    unsigned sides; /* bits: 1 left, 2 right */
    bool ignored, breast, qualified;
};

/* A modifier other than side and place may turn the meaning round: 'absent', 'suspected'. */
static bool qualifies(const struct sr_item *modifier)
{
    const bool absent = is(&modifier->value, "121054", "DCM") ||
                        is(&modifier->value, "272519000", "SCT") || /* Absent, CID 240 */
                        is(&modifier->value, "2667000", "SCT");     /* SNOMED CT's own Absent */
    return absent || (modifier->modifier && !is_laterality(&modifier->name) &&
                      !is_finding_site(&modifier->name) &&
                      !is(&modifier->name, "106233006", "SCT")); /* Topographical modifier */
}

static bool of_somebody_else(const struct sr_item *it)
{
    return it->context && (is(&it->name, "121001", "DCM") /* Quotation Mode */ ||
                           (is(&it->name, "121024", "DCM") /* Subject Class */ &&
                            !is(&it->value, "121025", "DCM")));
}

static void look_around(const struct sr_items *all, struct around *around)
{
    for (size_t i = 0; i < all->count; i++) {
        const struct sr_item *it = &all->items[i];
        int of = it->parent;
        if (of < 0)
            continue;
        around[of].qualified |= qualifies(it);
        around[of].ignored |= of_somebody_else(it);
        around[of].breast |= is_finding_site(&it->name) && (is(&it->value, "76752008", "SCT") ||
                                                            is(&it->value, "T-04000", "SRT"));
        if (!is_laterality(&it->name))
            continue;
        if (is_finding_site(&all->items[of].name) && all->items[of].parent >= 0)
            of = all->items[of].parent;
        const char letter = side_letter(&it->value);
        around[of].sides |= letter == 'L' ? 1U : letter == 'R' ? 2U : 0U;
    }
}

static struct place place_of(const struct sr_items *all, const struct around *around, int item)
{
    struct place place = {0};
    unsigned sides = 0;
    for (int at = item; at >= 0; at = all->items[at].parent) {
        const struct dicom_code *name = &all->items[at].name;
        sides |= around[at].sides;
        place.ignored |= around[at].ignored || of_before(name);
        place.breast |= around[at].breast;
        place.pathology |= is(name, "111468", "DCM");
        place.overall |= is(name, "111413", "DCM");
    }
    place.side = sides == 1U ? 'L' : sides == 2U ? 'R' : 0;
    return place;
}

static const char *observed_of(const struct sr_items *all, int item)
{
    for (int at = item; at >= 0; at = all->items[at].parent)
        if (*all->items[at].observed)
            return all->items[at].observed;
    return all->content_date;
}

/* ---- values ---- */

static struct reported_value *add(const struct sr_items *all, int item, const struct place *place,
                                  const char *name, struct reported *to)
{
    if (to->count == REPORTED_MAX)
        return NULL;
    struct reported_value *value = &to->values[to->count++];
    *value = (struct reported_value){.name = name, .side = place->side};
    memcpy(value->observed, observed_of(all, item), sizeof value->observed);
    return value;
}

static void take_code(const struct sr_items *all, int item, const struct place *place,
                      struct reported *to)
{
    const struct sr_item *it = &all->items[item];
    for (size_t i = 0; i < sizeof statements / sizeof *statements; i++) {
        const struct statement *s = &statements[i];
        if (!is(&it->name, s->concept.value, s->concept.scheme) ||
            !is(&it->value, s->value.value, s->value.scheme) || s->pathology != place->pathology)
            continue;
        struct reported_value *value = add(all, item, place, s->name, to);
        if (value)
            value->code = s->code;
    }
}

/* The long axis of a finding in the breast, in mm; Ki-67 in per cent. */
static void take_number(const struct sr_items *all, int item, const struct place *place,
                        struct reported *to)
{
    const struct sr_item *it = &all->items[item];
    const bool axis = is(&it->name, "103339001", "SCT") || is(&it->name, "G-A185", "SRT");
    const bool mm = is(&it->value, "mm", "UCUM"), cm = is(&it->value, "cm", "UCUM");
    struct reported_value *value = NULL;
    if (!isfinite(it->number))
        return;
    if (axis && (mm || cm) && place->breast && !place->pathology)
        value = add(all, item, place, "tumour_size", to);
    else if (is(&it->name, "85330-9", "LN") && is(&it->value, "%", "UCUM") && place->pathology)
        value = add(all, item, place, "ki67", to);
    if (value)
        value->number = axis && cm ? 10 * it->number : it->number;
}

static bool is_assessment(const struct reported_value *value)
{
    return strcmp(value->name, "bi_rads") == 0;
}

/* Of a side with an overall assessment, those of single findings are dropped. */
static void keep_overall(struct reported *r, const bool overall[REPORTED_MAX])
{
    bool keep[REPORTED_MAX] = {false};
    int kept = 0;
    for (int i = 0; i < r->count; i++) {
        bool replaced = false;
        for (int k = 0; k < r->count; k++)
            replaced |= is_assessment(&r->values[i]) && !overall[i] &&
                        is_assessment(&r->values[k]) && overall[k] &&
                        r->values[k].side == r->values[i].side;
        keep[i] = !replaced;
    }
    for (int i = 0; i < r->count; i++)
        if (keep[i])
            r->values[kept++] = r->values[i];
    r->count = kept;
}

int reported_of(const struct sr_items *items, struct arena *arena, struct reported *ret_reported,
                struct error *err)
{
    bool overall[REPORTED_MAX] = {false};
    struct reported found = {.final = items->final};
    struct around *around = arena_array(arena, items->count, sizeof *around);
    if (!around && items->count)
        return error_set(err, STATUS_NOMEM, "out of memory for a structured report");
    look_around(items, around);
    for (int i = 0; i < (int)items->count; i++) {
        const struct sr_item *it = &items->items[i];
        const int before = found.count;
        if ((it->type != SR_ITEM_CODE && it->type != SR_ITEM_NUMBER) || around[i].qualified)
            continue;
        const struct place place = place_of(items, around, i);
        if (place.ignored)
            continue;
        if (it->type == SR_ITEM_CODE)
            take_code(items, i, &place, &found);
        else
            take_number(items, i, &place, &found);
        for (int k = before; k < found.count; k++)
            overall[k] = place.overall;
    }
    keep_overall(&found, overall);
    *ret_reported = found;
    return 0;
}

int reported_read(const char *path, const struct dicom_limits *limits,
                  struct reported *ret_reported, struct error *err)
{
    struct arena arena ARENA_AUTO;
    struct sr_items items;
    arena_init(&arena);
    int status = sr_items_read(path, limits, &arena, &items, err);
    return status < 0 ? status : reported_of(&items, &arena, ret_reported, err);
}
