#include "model/package/read_clinical.h"

#include <string.h>

enum {
    INPUTS_MAX = 32,
    DAYS_MAX = 36500,
    EVIDENCE_DAYS = 180, /* greatest age of evidence where a package states none */
};

/* ---- where a value may come from, how old, of which side ---- */

static int read_sources(const struct fields *r, const struct yaml_node *item,
                        struct clinical_input *input, struct error *err)
{
    const char *words[CLINICAL_SOURCES + 1] = {0};
    const struct yaml_node *list = NULL;
    int index;
    for (int i = 0; i < CLINICAL_SOURCES; i++)
        words[i] = clinical_source_name((enum clinical_source)i);
    int status = field_list(r, item, "sources", CLINICAL_SOURCES, &list, err);
    for (size_t i = 0; status == 0 && i < list->count; i++) {
        const struct yaml_node *node = &list->children[i];
        status = field_word(r, node, words, &index, err);
        for (size_t k = 0; status == 0 && k < i; k++)
            if ((int)input->sources[k] == index)
                status = yaml_error(r->yaml, node, err, "the source stands twice");
        if (status == 0 && index == CLINICAL_MEASURED && !input->variable->measurable)
            status = yaml_error(r->yaml, node, err, "'%s' is not measured", input->variable->name);
        if (status == 0 && index != CLINICAL_DICOM && !input->variable->importable)
            status = yaml_error(r->yaml, node, err, "'%s' is taken from the images alone",
                                input->variable->name);
        if (status == 0)
            input->sources[input->source_count++] = (enum clinical_source)index;
    }
    return status;
}

static int read_days(const struct fields *r, const struct yaml_node *item, const char *key,
                     int *days, struct error *err)
{
    const struct yaml_node *node = yaml_get(item, key);
    int64_t value;
    int status = node ? yaml_int(r->yaml, node, 0, DAYS_MAX, &value, err) : 0;
    if (node && status == 0)
        *days = (int)value;
    return status;
}

static int read_side(const struct fields *r, const struct yaml_node *item, bool *same,
                     struct error *err)
{
    static const char *const words[] = {"any", "same", NULL};
    const struct yaml_node *node = yaml_get(item, "side");
    int index = *same;
    int status = node ? field_word(r, node, words, &index, err) : 0;
    *same = index == 1;
    return status;
}

/* ---- what a value counts ---- */

static const char *vocabulary_code(const struct clinical_variable *variable, const char *text)
{
    for (const char *const *code = variable->codes; *code; code++)
        if (strcmp(*code, text) == 0)
            return *code;
    return NULL;
}

static size_t code_count(const struct clinical_variable *variable)
{
    size_t count = 0;
    while (variable->codes[count])
        count++;
    return count;
}

static int add_step(const struct fields *r, const struct yaml_node *node,
                    struct clinical_input *input, struct clinical_step *steps, double number,
                    struct error *err)
{
    const char *text;
    int status = yaml_text(r->yaml, node, &text, err);
    if (status < 0)
        return status;
    const char *code = vocabulary_code(input->variable, text);
    if (!code)
        return yaml_error(r->yaml, node, err, "'%s' is no code of '%s'", text,
                          input->variable->name);
    for (size_t i = 0; i < input->step_count; i++)
        if (steps[i].code == code)
            return yaml_error(r->yaml, node, err, "'%s' stands twice", code);
    steps[input->step_count++] = (struct clinical_step){code, number};
    return 0;
}

/* An entry is a code, or a list of codes that count the same. */
static int add_steps(const struct fields *r, const struct yaml_node *entry,
                     struct clinical_input *input, struct clinical_step *steps, double number,
                     struct error *err)
{
    int status = 0;
    if (entry->kind != YAML_SEQUENCE)
        return add_step(r, entry, input, steps, number, err);
    if (entry->count == 0)
        return yaml_error(r->yaml, entry, err, "must hold at least one code");
    for (size_t i = 0; i < entry->count && status == 0; i++)
        status = add_step(r, &entry->children[i], input, steps, number, err);
    return status;
}

/* The two codes of a variable that has no more, in the vocabulary's order. */
static void natural_steps(struct clinical_input *input, struct clinical_step *steps)
{
    for (size_t i = 0; i < 2; i++)
        steps[i] = (struct clinical_step){input->variable->codes[i], (double)i};
    input->step_count = 2;
}

static int read_values(const struct fields *r, const struct yaml_node *item,
                       struct clinical_input *input, struct error *err)
{
    const bool binary = input->kind == CLINICAL_BINARY;
    const size_t codes = code_count(input->variable);
    struct clinical_step *steps = arena_array(&r->package->arena, codes, sizeof *steps);
    const struct yaml_node *list = NULL;
    if (!steps)
        return field_no_memory(err);
    input->steps = steps;
    if (binary && codes == 2 && !yaml_get(item, "values")) {
        natural_steps(input, steps);
        return 0;
    }
    int status = field_list(r, item, "values", codes, &list, err);
    if (status == 0 && (binary ? list->count != 2 : list->count < 2))
        status = yaml_error(r->yaml, list, err, "must have %s entries",
                            binary ? "two" : "two or more");
    for (size_t i = 0; status == 0 && i < list->count; i++)
        status = add_steps(r, &list->children[i], input, steps, binary ? (double)i : (double)i + 1,
                           err);
    return status;
}

/* A number in another unit would be a wrong one. */
static int read_unit(const struct fields *r, const struct yaml_node *item,
                     struct clinical_input *input, struct error *err)
{
    const struct yaml_node *node = NULL;
    const char *unit;
    int status = field_need(r, item, "unit", &node, err);
    if (status == 0)
        status = yaml_text(r->yaml, node, &unit, err);
    if (status == 0 && strcmp(unit, input->variable->unit) != 0)
        status = yaml_error(r->yaml, node, err, "must be '%s'", input->variable->unit);
    if (status == 0 && yaml_get(item, "tolerance"))
        status = field_number(r, item, "tolerance", 0, 1e6, &input->tolerance, err);
    return status;
}

static int read_kind(const struct fields *r, const struct yaml_node *item,
                     struct clinical_input *input, struct error *err)
{
    static const char *const kinds[] = {"number", "ordinal", "binary", NULL};
    const bool is_number = input->variable->unit;
    const struct yaml_node *node = NULL;
    int index;
    int status = field_need(r, item, "kind", &node, err);
    if (status == 0)
        status = field_word(r, node, kinds, &index, err);
    if (status == 0 && (index == CLINICAL_NUMBER) != is_number)
        status = yaml_error(r->yaml, node, err, "'%s' has %s", input->variable->name,
                            is_number ? "numbers" : "codes");
    if (status < 0)
        return status;
    input->kind = (enum clinical_kind)index;
    const char *stranger = is_number                 ? "values"
                           : yaml_get(item, "unit")  ? "unit"
                                                     : "tolerance";
    if (yaml_get(item, stranger))
        return yaml_error(r->yaml, yaml_get(item, stranger), err, "does not belong to kind '%s'",
                          clinical_kind_name(input->kind));
    return is_number ? read_unit(r, item, input, err) : read_values(r, item, input, err);
}

/* `refuse`, or the number that stands in. */
static int read_missing(const struct fields *r, const struct yaml_node *item,
                        struct clinical_input *input, struct error *err)
{
    const struct yaml_node *node = NULL;
    int status = field_need(r, item, "missing", &node, err);
    if (status < 0 || (node->kind == YAML_SCALAR && strcmp(node->text, "refuse") == 0))
        return status;
    input->has_fallback = true;
    return field_number(r, item, "missing", -1e6, 1e6, &input->fallback, err);
}

/* When our own measurements call a node suspicious: stated where they are accepted alone. */
static int read_criteria(const struct fields *r, const struct yaml_node *item,
                         struct clinical_input *input, struct error *err)
{
    static const char *const keys[] = {"axis_ratio_below", "cortex_above_mm", "hilum", NULL};
    static const char *const hilum[] = {"lost", "partly_lost", NULL};
    struct clinical_criteria *criteria = &input->criteria;
    const struct yaml_node *map = yaml_get(item, "criteria"), *node = NULL;
    bool wanted = false;
    int index = 0;
    for (size_t i = 0; i < input->source_count; i++)
        wanted |= input->sources[i] == CLINICAL_MEASURED && !input->variable->unit;
    if (!wanted)
        return map ? yaml_error(r->yaml, map, err, "stand with a node status that may be measured")
                   : 0;
    int status = field_need(r, item, "criteria", &map, err);
    if (status == 0)
        status = yaml_check_keys(r->yaml, map, keys, err);
    if (status == 0)
        status = field_number(r, map, "axis_ratio_below", 1, 10, &criteria->axis_ratio_below, err);
    if (status == 0)
        status = field_number(r, map, "cortex_above_mm", 0, 50, &criteria->cortex_above_mm, err);
    if (status == 0)
        status = field_need(r, map, "hilum", &node, err);
    if (status == 0)
        status = field_word(r, node, hilum, &index, err);
    criteria->partly_lost = index == 1;
    return status;
}

/* ---- inputs.clinical ---- */

static int read_name(const struct fields *r, const struct yaml_node *item,
                     struct clinical_input *input, struct error *err)
{
    const struct package *p = r->package;
    const struct yaml_node *node = NULL;
    const char *name;
    int status = field_need(r, item, "name", &node, err);
    if (status == 0)
        status = yaml_text(r->yaml, node, &name, err);
    if (status < 0)
        return status;
    input->variable = clinical_variable_find(name);
    if (!input->variable || input->variable->evidence)
        return yaml_error(r->yaml, node, err, "'%s' is no clinical value%s", name,
                          input->variable ? ": evidence belongs into 'population'" : "");
    for (size_t i = 0; i < p->clinical_count; i++)
        if (p->clinical[i].variable == input->variable)
            return yaml_error(r->yaml, node, err, "'%s' stands twice", name);
    return 0;
}

static int read_input(const struct fields *r, const struct yaml_node *item,
                      struct clinical_input *input, struct error *err)
{
    static const char *const keys[] = {"name", "text", "kind", "unit", "values", "sources",
                                       "max_age_days", "max_after_days", "side", "tolerance",
                                       "criteria", "missing", NULL};
    const struct yaml_node *node = NULL;
    int status = yaml_check_keys(r->yaml, item, keys, err);
    if (status == 0)
        status = read_name(r, item, input, err);
    if (status == 0)
        status = field_text(r, item, "text", &input->text, err);
    if (status == 0)
        status = read_kind(r, item, input, err);
    if (status == 0)
        status = read_sources(r, item, input, err);
    if (status == 0)
        status = field_need(r, item, "max_age_days", &node, err);
    if (status == 0)
        status = read_days(r, item, "max_age_days", &input->max_age_days, err);
    if (status == 0)
        status = read_days(r, item, "max_after_days", &input->max_after_days, err);
    if (status == 0)
        status = field_need(r, item, "side", &node, err);
    if (status == 0)
        status = read_side(r, item, &input->same_side, err);
    if (status == 0)
        status = read_criteria(r, item, input, err);
    return status < 0 ? status : read_missing(r, item, input, err);
}

int package_read_clinical(const struct fields *r, const struct yaml_node *inputs,
                          struct error *err)
{
    struct package *p = r->package;
    const struct yaml_node *list = NULL;
    if (!yaml_get(inputs, "clinical"))
        return 0;
    int status = field_list(r, inputs, "clinical", INPUTS_MAX, &list, err);
    if (status < 0)
        return status;
    p->clinical = arena_array(&p->arena, list->count, sizeof *p->clinical);
    if (!p->clinical)
        return field_no_memory(err);
    for (size_t i = 0; i < list->count && status == 0; i++) {
        status = read_input(r, &list->children[i], &p->clinical[i], err);
        p->clinical_count += status == 0;
    }
    return status;
}

/* ---- population ---- */

int package_read_criterion(const struct fields *r, const struct yaml_node *item,
                           struct package_criterion *criterion, struct error *err)
{
    struct clinical_input *rule = &criterion->rule;
    struct clinical_step *steps = arena_array(&r->package->arena, 2, sizeof *steps);
    if (!steps)
        return field_no_memory(err);
    *rule = (struct clinical_input){.variable =
                                        clinical_variable_find(evidence_name(criterion->evidence)),
                                    .text = criterion->text,
                                    .kind = CLINICAL_BINARY,
                                    .steps = steps,
                                    .max_age_days = EVIDENCE_DAYS,
                                    .same_side = true};
    natural_steps(rule, steps);
    int status = 0;
    if (yaml_get(item, "sources")) {
        status = read_sources(r, item, rule, err);
    } else if (rule->variable->importable) {
        rule->sources[rule->source_count++] = CLINICAL_SR;
        rule->sources[rule->source_count++] = CLINICAL_IMPORT;
    } else {
        rule->sources[rule->source_count++] = CLINICAL_DICOM;
    }
    if (status == 0)
        status = read_days(r, item, "max_age_days", &rule->max_age_days, err);
    if (status == 0)
        status = read_days(r, item, "max_after_days", &rule->max_after_days, err);
    return status < 0 ? status : read_side(r, item, &rule->same_side, err);
}
