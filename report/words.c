#include "report/words.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/number.h"
#include "model/measure.h"
#include "report/codes.h"

const struct region_finding *words_region(const struct report_input *input, enum roi roi)
{
    const struct region_finding *region = roi == ROI_TUMOUR ? input->tumour : input->node;
    return region && region->found ? region : NULL;
}

const char *words_region_title(enum roi roi)
{
    return roi == ROI_TUMOUR ? "Tumour" : "Axillary lymph node";
}

struct quantity_list {
    struct quantity *items;
    size_t count;
};

/* What has no finite value is left out. */
static void add(struct quantity_list *list, struct quantity q)
{
    if (isfinite(q.value) && list->count < QUANTITIES_MAX)
        list->items[list->count++] = q;
}

static void add_length(struct quantity_list *list, bool calibrated, const char *key,
                       const char *label, struct dicom_concept concept, double mm, double px,
                       bool headline)
{
    add(list, (struct quantity){.key = key,
                                .label = label,
                                .concept = concept,
                                .unit = calibrated ? CODE_MM : CODE_PIXELS,
                                .unit_text = calibrated ? "mm" : "px",
                                .value = calibrated ? mm : px,
                                .decimals = 1,
                                .headline = headline});
}

static void add_plain(struct quantity_list *list, const char *key, const char *label,
                      struct dicom_concept concept, double value, int decimals, bool headline)
{
    add(list, (struct quantity){.key = key,
                                .label = label,
                                .concept = concept,
                                .unit = CODE_NO_UNIT,
                                .unit_text = "",
                                .value = value,
                                .decimals = decimals,
                                .headline = headline});
}

static void add_features(struct quantity_list *list, const struct feature_list *features,
                         enum roi roi)
{
    const struct {
        const char *suffix, *key, *label;
        struct dicom_concept concept;
    } shown[] = {
        {"Mean", "mean", "mean grey value", CODE_MEAN},
        {"Skewness", "skewness", "skewness of grey values", CODE_SKEWNESS},
        {"Entropy", "entropy", "entropy of grey values", CODE_ENTROPY},
        {"Uniformity", "uniformity", "uniformity of grey values", CODE_UNIFORMITY},
    };
    for (size_t i = 0; i < sizeof shown / sizeof *shown; i++) {
        char name[96];
        snprintf(name, sizeof name, "%s_original_firstorder_%s", roi_name(roi), shown[i].suffix);
        const struct feature *feature = feature_list_find(features, name);
        if (feature && !feature->meaningless)
            add_plain(list, shown[i].key, shown[i].label, shown[i].concept, feature->value, 3,
                      false);
    }
}

size_t words_quantities(const struct region_finding *region, enum roi roi,
                        struct quantity out[QUANTITIES_MAX])
{
    const struct measurements *m = &region->measurements;
    const bool calibrated = region->calibration.source != CALIBRATION_NONE;
    struct quantity_list list = {out, 0};
    add_length(&list, calibrated, "long_axis", "long axis", CODE_LONG_AXIS, m->long_axis.length_mm,
               m->long_axis.length_px, true);
    add_length(&list, calibrated, "short_axis", "short axis", CODE_SHORT_AXIS,
               m->short_axis.length_mm, m->short_axis.length_px, true);
    add_plain(&list, "axis_ratio", "long / short axis", CODE_AXIS_RATIO, m->axis_ratio, 2, true);
    add_length(&list, calibrated, "depth", "depth (vertical)", CODE_DEPTH, m->depth_mm,
               m->depth_px, false);
    add_length(&list, calibrated, "width", "width (horizontal)", CODE_WIDTH, m->width_mm,
               m->width_px, false);
    add_plain(&list, "depth_width", "depth / width", CODE_DEPTH_WIDTH, m->depth_width, 2,
              roi == ROI_TUMOUR);
    add(&list, (struct quantity){.key = "area",
                                 .label = "area",
                                 .concept = CODE_AREA,
                                 .unit = calibrated ? CODE_MM2 : CODE_PIXELS,
                                 .unit_text = calibrated ? "mm²" : "px",
                                 .value = calibrated ? m->area_mm2 : m->area_px,
                                 .decimals = calibrated ? 1 : 0,
                                 .headline = true});
    if (m->hilum_marked) {
        add_length(&list, calibrated, "cortex_thickness",
                   m->cortex.length_px > 0 ? "largest cortex thickness"
                                           : "cortex (half short axis)",
                   CODE_CORTEX_THICKNESS, m->cortex_thickness_mm, m->cortex_thickness_px, true);
        add(&list, (struct quantity){.key = "hilum_fraction",
                                     .label = "hilum of node area",
                                     .concept = CODE_HILUM_FRACTION,
                                     .unit = CODE_PERCENT,
                                     .unit_text = "%",
                                     .value = 100 * m->hilum_fraction,
                                     .decimals = 0,
                                     .headline = true});
    }
    if (m->skin_visible)
        add_length(&list, calibrated, "skin_distance", "distance to skin", CODE_SKIN_DISTANCE,
                   m->skin_distance_mm, m->skin_distance_px, roi == ROI_TUMOUR);
    add_length(&list, calibrated, "perimeter", "perimeter", CODE_PERIMETER, m->perimeter_mm,
               m->perimeter_px, false);
    add_plain(&list, "circularity", "circularity", CODE_CIRCULARITY, m->circularity, 2,
              roi == ROI_TUMOUR);
    add_plain(&list, "agreement", "agreement of outlines", CODE_AGREEMENT, region->agreement, 2,
              false);
    add_features(&list, &region->features, roi);
    return list.count;
}

void words_length(const struct region_finding *region, const struct axis *axis, char *out,
                  size_t size)
{
    static const char *const units[] = {[CALIBRATION_NONE] = "px (uncalibrated)",
                                        [CALIBRATION_REGION] = "mm",
                                        [CALIBRATION_ESTIMATED] = "mm (estimated)"};
    const enum calibration_source source = region->calibration.source;
    char number[WORDS_NUMBER_SIZE];
    words_number(source == CALIBRATION_NONE ? axis->length_px : axis->length_mm, 1, number);
    snprintf(out, size, "%s %s", number, units[source]);
}

static void add_statement(struct statement *out, size_t *count, struct statement s)
{
    if (*count < STATEMENTS_MAX)
        out[(*count)++] = s;
}

static struct statement hilum_statement(const struct measurements *m)
{
    const struct dicom_concept values[] = {[HILUM_NOT_ASSESSED] = CODE_NOT_ASSESSABLE,
                                           [HILUM_PRESENT] = CODE_PRESENT,
                                           [HILUM_PARTLY_LOST] = CODE_PARTLY_LOST,
                                           [HILUM_LOST] = CODE_ABSENT};
    struct statement s = {.key = "hilum",
                          .label = "hilum",
                          .state = hilum_state_name(m->hilum),
                          .concept = CODE_HILUM,
                          .value = values[m->hilum]};
    snprintf(s.text, sizeof s.text, "%s", s.state);
    return s;
}

/* "met (3.4 mm)", "not assessable (the picture is not calibrated)" */
static struct statement criterion_statement(enum criterion_key key, const struct criterion *c)
{
    static const struct {
        const char *key, *label, *unit;
        int decimals;
    } shown[CRITERION_COUNT] = {
        [CRITERION_RATIO] = {"ratio_below_2", "long / short axis below 2", "", 2},
        [CRITERION_CORTEX_3] = {"cortex_above_3", "cortex thicker than 3 mm", " mm", 1},
        [CRITERION_CORTEX_3_5] = {"cortex_above_3_5", "cortex thicker than 3.5 mm", " mm", 1},
        [CRITERION_HILUM] = {"hilum_lost", "hilum lost", " % of the node", 0},
    };
    const struct dicom_concept concepts[CRITERION_COUNT] = {
        [CRITERION_RATIO] = CODE_RATIO_BELOW_2,
        [CRITERION_CORTEX_3] = CODE_CORTEX_ABOVE_3,
        [CRITERION_CORTEX_3_5] = CODE_CORTEX_ABOVE_3_5,
        [CRITERION_HILUM] = CODE_HILUM_LOST,
    };
    const bool met = c->state == CRITERION_MET;
    char number[WORDS_NUMBER_SIZE];
    struct statement s = {.key = shown[key].key,
                          .label = shown[key].label,
                          .state = met ? "met" : "not met",
                          .concept = concepts[key],
                          .value = met ? CODE_YES : CODE_NO};
    if (c->state == CRITERION_NOT_ASSESSABLE) {
        s.state = "not assessable";
        s.value = CODE_NOT_ASSESSABLE;
        snprintf(s.text, sizeof s.text, "%s (%s)", s.state, c->reason);
        return s;
    }
    const double value = key == CRITERION_HILUM ? 100 * c->value : c->value;
    words_number(value, shown[key].decimals, number);
    snprintf(s.text, sizeof s.text, "%s (%s%s)", s.state, number, shown[key].unit);
    return s;
}

size_t words_statements(const struct region_finding *region, enum roi roi,
                        struct statement out[STATEMENTS_MAX])
{
    const struct measurements *m = &region->measurements;
    size_t count = 0;
    if (region->unsure)
        add_statement(out, &count,
                      (struct statement){.key = "unsure",
                                         .label = "outline",
                                         .text = "UNSURE",
                                         .state = "unsure",
                                         .concept = CODE_UNSURE,
                                         .value = CODE_YES});
    if (roi == ROI_TUMOUR) {
        const bool taller = m->depth_width > 1;
        struct statement s = {.key = "taller_than_wide",
                              .label = "taller than wide",
                              .state = taller ? "yes" : "no",
                              .concept = CODE_TALLER,
                              .value = taller ? CODE_YES : CODE_NO};
        snprintf(s.text, sizeof s.text, "%s", s.state);
        add_statement(out, &count, s);
        return count;
    }
    struct criterion criteria[CRITERION_COUNT];
    measure_criteria(region, criteria);
    if (m->hilum_marked)
        add_statement(out, &count, hilum_statement(m));
    for (int key = 0; key < CRITERION_COUNT; key++)
        add_statement(out, &count, criterion_statement((enum criterion_key)key, &criteria[key]));
    return count;
}

const char *words_number(double value, int decimals, char out[WORDS_NUMBER_SIZE])
{
    static const int64_t scales[] = {1, 10, 100, 1000};
    const int64_t scale = scales[decimals];
    if (!(fabs(value) < 1e12)) {
        snprintf(out, WORDS_NUMBER_SIZE, "%s", isnan(value) ? "unknown" : "very large");
        return out;
    }
    const int64_t scaled = llround(fabs(value) * (double)scale);
    const char *sign = value < 0 && scaled > 0 ? "-" : "";
    if (decimals == 0)
        snprintf(out, WORDS_NUMBER_SIZE, "%s%lld", sign, (long long)scaled);
    else
        snprintf(out, WORDS_NUMBER_SIZE, "%s%lld.%0*lld", sign, (long long)(scaled / scale),
                 decimals, (long long)(scaled % scale));
    return out;
}

/* Bytes of the well-formed UTF-8 sequence at `s` (RFC 3629), 0 when it is none. */
static size_t sequence_length(const unsigned char *s)
{
    const unsigned char c = s[0];
    const size_t n = c < 0x80                ? 1
                     : c >= 0xC2 && c < 0xE0 ? 2
                     : c >= 0xE0 && c < 0xF0 ? 3
                     : c >= 0xF0 && c < 0xF5 ? 4
                                             : 0;
    for (size_t i = 1; i < n; i++) /* a NUL ends the loop too */
        if ((s[i] & 0xC0) != 0x80)
            return 0;
    if ((c == 0xE0 && s[1] < 0xA0) || (c == 0xED && s[1] > 0x9F) || (c == 0xF0 && s[1] < 0x90) ||
        (c == 0xF4 && s[1] > 0x8F))
        return 0;
    return n;
}

const char *words_clean(struct arena *arena, const char *text)
{
    const unsigned char *in = (const unsigned char *)(text ? text : "");
    char *out = arena_alloc(arena, strlen((const char *)in) + 1);
    if (!out)
        return NULL;
    char *at = out;
    while (*in) {
        const size_t n = sequence_length(in);
        const bool control =
            (n == 1 && (*in < 0x20 || *in == 0x7F)) || (n == 2 && in[0] == 0xC2 && in[1] < 0xA0);
        if (n == 0 || control) {
            *at++ = control ? ' ' : '?';
        } else {
            memcpy(at, in, n);
            at += n;
        }
        in += n ? n : 1;
    }
    *at = 0;
    return out;
}

static const char version_word[] = "Version ", version_of[] = " of this study's report";

int report_generation_of(const char *text)
{
    int64_t generation;
    char digits[12];
    for (const char *at = text; (at = strstr(at, version_word));) {
        at += sizeof version_word - 1;
        size_t n = strspn(at, "0123456789");
        if (n == 0 || n >= sizeof digits || strncmp(at + n, version_of, sizeof version_of - 1) != 0)
            continue;
        memcpy(digits, at, n);
        digits[n] = '\0';
        if (number_parse_int(digits, 1, INT32_MAX, &generation, NULL) == 0)
            return (int)generation;
    }
    return 0;
}

const char *words_date(struct arena *arena, const char *date)
{
    if (strlen(date) != 8 || strspn(date, "0123456789") != 8)
        return words_clean(arena, date);
    return arena_print(arena, "%.4s-%.2s-%.2s", date, date + 4, date + 6);
}

const char *words_ban(const struct report_input *input)
{
    return input->package && input->package->clinical_use ? "" : "NOT FOR CLINICAL USE";
}

const char *words_status(struct arena *arena, const struct report_input *input)
{
    const char *replaced = input->predecessor_sr_uid ? input->predecessor_sr_uid : "";
    return arena_print(arena,
                       "UNVERIFIED: computed automatically, not checked by a physician. "
                       "%s%d%s%s%s%s.",
                       version_word, input->generation, version_of, *replaced ? "; replaces the report " : "", replaced,
                       *replaced ? ", which is no longer valid" : "");
}
