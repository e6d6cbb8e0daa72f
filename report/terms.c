#include "report/terms.h"

#include <math.h>
#include <string.h>

#include "report/words.h"

static const char CLINICAL[] = "clinical_", MEASURE[] = "measure_";

static bool begins(const char *text, const char *with)
{
    return strncmp(text, with, strlen(with)) == 0;
}

const struct clinical_input *terms_clinical(const struct package *package, const char *name)
{
    if (!package || !begins(name, CLINICAL))
        return NULL;
    for (size_t i = 0; i < package->clinical_count; i++)
        if (strcmp(package->clinical[i].variable->name, name + sizeof CLINICAL - 1) == 0)
            return &package->clinical[i];
    return NULL;
}

static const char *measure_label(const char *name)
{
    static const struct {
        const char *name, *label;
    } known[] = {
        {"LongAxis", "long axis (mm)"},
        {"ShortAxis", "short axis (mm)"},
        {"Perimeter", "perimeter (mm)"},
        {"Width", "width (mm)"},
        {"Depth", "depth (mm)"},
        {"Area", "area (mm²)"},
        {"SkinDistance", "distance to skin (mm)"},
        {"CortexThickness", "cortex thickness (mm)"},
        {"HilumFraction", "hilum's part of the area"},
        {"AxisRatio", "long / short axis"},
        {"DepthWidth", "depth / width"},
        {"Circularity", "circularity"},
    };
    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        if (strcmp(known[i].name, name) == 0)
            return known[i].label;
    return name;
}

/* "original_shape2D_Sphericity" → "original shape2D Sphericity" */
static const char *plain(struct arena *arena, const char *name)
{
    char *text = arena_text(arena, name);
    for (char *at = text; at && *at; at++)
        if (*at == '_')
            *at = ' ';
    return text;
}

static bool is_score(const struct package *package, const char *name)
{
    for (size_t i = 0; package && i < package->score_count; i++)
        if (strcmp(package->scores[i].name, name) == 0)
            return true;
    return false;
}

const char *terms_label(struct arena *arena, const struct package *package, const char *name)
{
    const struct clinical_input *input = terms_clinical(package, name);
    if (input)
        return input->variable->unit
                   ? arena_print(arena, "%s (%s)", input->text, input->variable->unit)
                   : words_clean(arena, input->text);
    if (is_score(package, name))
        return arena_print(arena, "score %s", name);
    for (int roi = 0; roi < ROI_COUNT; roi++) {
        const size_t n = strlen(roi_name((enum roi)roi));
        if (!begins(name, roi_name((enum roi)roi)) || name[n] != '_')
            continue;
        const char *rest = name + n + 1;
        rest = begins(rest, MEASURE) ? measure_label(rest + sizeof MEASURE - 1)
                                     : plain(arena, rest);
        return rest ? arena_print(arena, "%s: %s", roi == ROI_TUMOUR ? "Tumour" : "Node", rest)
                    : NULL;
    }
    return plain(arena, name);
}

const char *terms_value(struct arena *arena, const struct package *package, const char *name,
                        double value)
{
    const struct clinical_input *input = terms_clinical(package, name);
    char number[WORDS_NUMBER_SIZE];
    for (size_t i = 0; input && i < input->step_count; i++)
        if (!(input->steps[i].number < value) && !(input->steps[i].number > value))
            return words_clean(arena, plain(arena, input->steps[i].code));
    const double size = fabs(value);
    const bool whole = !(fabs(value - rint(value)) > 0);
    return arena_text(arena, words_number(value, whole || size >= 100 ? 0 : size < 10 ? 2 : 1,
                                          number));
}

const char *terms_source(struct arena *arena, const struct clinical_choice *choice)
{
    static const char *const sources[CLINICAL_SOURCES] = {
        [CLINICAL_DICOM] = "the images' attributes",
        [CLINICAL_SR] = "a structured report of the study",
        [CLINICAL_IMPORT] = "import",
        [CLINICAL_MEASURED] = "our own measurements, not a reader's",
    };
    const struct clinical_value *value = choice->value;
    char date[CLINICAL_DATE_SIZE];
    if (!value && choice->has_number)
        return arena_print(arena, "missing (%s): the model takes %g in its place", choice->reason,
                           choice->number);
    if (!value)
        return arena_print(arena, "missing: %s", choice->reason);
    clinical_date_format(value->observed, date);
    return words_clean(arena, arena_print(arena, "%s%s%s%s%s", sources[value->source],
                                          *value->source_text ? ": " : "", value->source_text,
                                          *date ? ", " : "", date));
}
