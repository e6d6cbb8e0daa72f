#include "cli/clinical_file.h"

#include <cjson/cJSON.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/number.h"
#include "base/utf8.h"
#include "cli/cases.h"

enum { FILE_SIZE_MAX = 64 << 20 };

/* ---- columns ---- */

/* What stands in a row beside its values; then one column for each importable variable. */
enum column { PATIENT_ID, ISSUER, SIDE, OBSERVED, STUDY_UID, ACCESSION, SOURCE, FIXED_COLUMNS };
static const char *const fixed[FIXED_COLUMNS] = {
    "patient_id", "issuer", "side", "observed", "study_uid", "accession_number", "source"};
enum { VARIABLES_MAX = 32, COLUMNS_MAX = FIXED_COLUMNS + VARIABLES_MAX };

/* Where a column's cell goes in a row; -1: no such column. */
static int column_find(const char *name)
{
    size_t count;
    const struct clinical_variable *variables = clinical_variables(&count);
    for (int i = 0; i < FIXED_COLUMNS; i++)
        if (strcmp(fixed[i], name) == 0)
            return i;
    for (size_t i = 0; i < count && i < VARIABLES_MAX; i++)
        if (variables[i].importable && strcmp(variables[i].name, name) == 0)
            return FIXED_COLUMNS + (int)i;
    return -1;
}

struct row {
    int line;
    const char *cells[COLUMNS_MAX]; /* "" where there is nothing */
};

static void row_init(struct row *row, int line)
{
    row->line = line;
    for (int i = 0; i < COLUMNS_MAX; i++)
        row->cells[i] = "";
}

/* ---- rows ---- */

struct reading {
    const char *path;
    struct arena *arena;
    struct clinical_file file;
    struct error *err;
};

static int out_of_memory(struct reading *r)
{
    return error_set(r->err, STATUS_NOMEM, "no memory for %s", r->path);
}

static int row_bad(struct reading *r, int line, const char *reason)
{
    const char *kept = arena_text(r->arena, reason);
    if (!kept)
        return out_of_memory(r);
    r->file.bad[r->file.bad_count++] = (struct clinical_bad){line, kept};
    return 0;
}

/* Dates in one form, so that one date has one key. */
static const char *date_text(struct reading *r, const char *text)
{
    char date[CLINICAL_DATE_SIZE];
    clinical_date_format(clinical_day(text), date);
    return arena_text(r->arena, date);
}

static int entry_of(struct reading *r, const struct row *row,
                    const struct clinical_variable *variable, const char *value,
                    struct clinical_entry *ret_entry, struct error *why)
{
    const bool withdrawn = strcmp(value, "withdrawn") == 0;
    struct clinical_entry entry = {
        .line = row->line,
        .withdrawn = withdrawn,
        .texts = {.patient_id = row->cells[PATIENT_ID],
                  .issuer = row->cells[ISSUER],
                  .study_uid = row->cells[STUDY_UID],
                  .accession_number = row->cells[ACCESSION],
                  .name = variable->name,
                  /* Something valid, for the other checks. */
                  .value = !withdrawn ? value : variable->unit ? "0" : variable->codes[0],
                  .side = row->cells[SIDE],
                  .observed = row->cells[OBSERVED],
                  .source = row->cells[SOURCE]}};
    if (!variable->sided) /* a row may hold values of a side and others */
        entry.texts.side = strcmp(entry.texts.side, "left") == 0 ||
                                   strcmp(entry.texts.side, "right") == 0
                               ? ""
                               : entry.texts.side;
    int status = clinical_record_parse(&entry.texts, &entry.record, why);
    if (status < 0)
        return status;
    char text[CLINICAL_TEXT_SIZE];
    clinical_value_format(&entry.record.value, text);
    entry.texts.value = arena_text(r->arena, text);
    entry.texts.observed = date_text(r, entry.texts.observed);
    if (!entry.texts.value || !entry.texts.observed)
        return error_set(why, STATUS_NOMEM, "out of memory");
    *ret_entry = entry;
    return 0;
}

/* All values of a row, or none. */
static int row_take(struct reading *r, const struct row *row)
{
    size_t count;
    const struct clinical_variable *variables = clinical_variables(&count);
    const size_t before = r->file.entry_count;
    struct error why = {0};
    r->file.row_count++;
    for (int i = 0; i < COLUMNS_MAX; i++)
        if (!utf8_is_text(row->cells[i]))
            return row_bad(r, row->line, "not a text in UTF-8");
    for (size_t i = 0; i < count && i < VARIABLES_MAX; i++) {
        const char *value = row->cells[FIXED_COLUMNS + i];
        if (!*value)
            continue;
        if (r->file.entry_count == CLINICAL_VALUES_MAX)
            return error_set(r->err, STATUS_LIMIT, "%s has more than %d values", r->path,
                             CLINICAL_VALUES_MAX);
        int status = entry_of(r, row, &variables[i], value,
                              &r->file.entries[r->file.entry_count], &why);
        if (status == STATUS_NOMEM)
            return out_of_memory(r);
        if (status < 0) {
            r->file.entry_count = before;
            return row_bad(r, row->line, why.message);
        }
        r->file.entry_count++;
    }
    return r->file.entry_count > before ? 0 : row_bad(r, row->line, "the row holds no value");
}

static int room_make(struct reading *r, size_t rows, size_t values)
{
    if (rows > CLINICAL_ROWS_MAX)
        return error_set(r->err, STATUS_LIMIT, "%s has more than %d rows", r->path,
                         CLINICAL_ROWS_MAX);
    values = values < CLINICAL_VALUES_MAX ? values : CLINICAL_VALUES_MAX;
    r->file.entries = arena_array(r->arena, values + 1, sizeof *r->file.entries);
    r->file.bad = arena_array(r->arena, rows + 1, sizeof *r->file.bad);
    return r->file.entries && r->file.bad ? 0 : out_of_memory(r);
}

/* ---- CSV ---- */

static const char *trimmed(char *text)
{
    char *end = text + strlen(text);
    while (end > text && (end[-1] == ' ' || end[-1] == '\t'))
        *--end = '\0';
    return text + strspn(text, " \t");
}

/* Names of columns are not repeated in messages: without a first line of names they are data. */
static int columns_read(struct reading *r, const struct cases *cases, int *places)
{
    bool there[COLUMNS_MAX] = {false};
    for (size_t c = 0; c < cases->columns; c++) {
        char *name = arena_text(r->arena, cases->names[c]);
        if (!name)
            return out_of_memory(r);
        places[c] = column_find(trimmed(name));
        if (places[c] < 0)
            return error_set(r->err, STATUS_INVALID, "%s: the name of column %zu is not known",
                             r->path, c + 1);
        if (there[places[c]])
            return error_set(r->err, STATUS_INVALID, "%s: column %zu has the name of another",
                             r->path, c + 1);
        there[places[c]] = true;
    }
    if (!there[PATIENT_ID] || !there[OBSERVED])
        return error_set(r->err, STATUS_INVALID, "%s: column %s is missing", r->path,
                         there[PATIENT_ID] ? "observed" : "patient_id");
    return 0;
}

static int csv_read(struct reading *r)
{
    struct cases cases;
    int places[COLUMNS_MAX];
    int status = cases_read(r->path, r->arena, &cases, r->err);
    if (status == 0 && cases.columns > COLUMNS_MAX)
        status = error_set(r->err, STATUS_INVALID, "%s has more than %d columns", r->path,
                           COLUMNS_MAX);
    if (status == 0)
        status = columns_read(r, &cases, places);
    if (status == 0)
        status = room_make(r, cases.rows, cases.rows * cases.columns);
    for (size_t i = 0; i < cases.rows && status == 0; i++) {
        struct row row;
        row_init(&row, cases.lines[i]);
        for (size_t c = 0; c < cases.columns && status == 0; c++) {
            char *cell = arena_text(r->arena, cases.cells[i * cases.columns + c]);
            row.cells[places[c]] = cell ? trimmed(cell) : "";
            status = cell ? 0 : out_of_memory(r);
        }
        if (status == 0)
            status = row_take(r, &row);
    }
    return status;
}

/* ---- JSON ---- */

/* The text of a member; NULL: neither text, number nor null. */
static const char *member_text(struct reading *r, const cJSON *member)
{
    char number[NUMBER_TEXT_SIZE];
    if (cJSON_IsNull(member))
        return "";
    if (cJSON_IsString(member))
        return arena_text(r->arena, member->valuestring);
    if (!cJSON_IsNumber(member))
        return NULL;
    number_format(member->valuedouble, number);
    return arena_text(r->arena, number);
}

static int object_take(struct reading *r, const cJSON *object, int line)
{
    struct row row;
    bool there[COLUMNS_MAX] = {false};
    const cJSON *member;
    const char *fault = cJSON_IsObject(object) ? NULL : "not an object";
    row_init(&row, line);
    if (!fault)
        cJSON_ArrayForEach(member, object) {
            const int place = column_find(member->string);
            const char *text = member_text(r, member);
            if (place < 0 || there[place] || !text) {
                fault = place < 0       ? "a key is not known"
                        : there[place]  ? "a key stands twice"
                                        : "a value is neither text nor number";
                break;
            }
            there[place] = true;
            row.cells[place] = text;
        }
    if (!fault)
        return row_take(r, &row);
    r->file.row_count++;
    return row_bad(r, line, fault);
}

static int json_read(struct reading *r)
{
    struct buffer content BUFFER_AUTO = {0};
    int status = file_read(r->path, FILE_SIZE_MAX, &content, r->err);
    if (status < 0)
        return status;
    cJSON *root = cJSON_ParseWithLengthOpts(buffer_text(&content), content.size + 1, NULL, 1);
    const cJSON *object;
    if (!cJSON_IsArray(root)) {
        cJSON_Delete(root);
        return error_set(r->err, STATUS_INVALID, "%s is no list of objects in JSON", r->path);
    }
    size_t rows = 0, members = 0;
    cJSON_ArrayForEach(object, root) {
        rows++;
        members += (size_t)cJSON_GetArraySize(object);
    }
    status = room_make(r, rows, members);
    int line = 0;
    cJSON_ArrayForEach(object, root)
        if (status == 0)
            status = object_take(r, object, ++line);
    cJSON_Delete(root);
    return status;
}

/* ---- the file ---- */

static int key_order(const void *a, const void *b)
{
    const struct clinical_texts *x = &(*(const struct clinical_entry *const *)a)->texts;
    const struct clinical_texts *y = &(*(const struct clinical_entry *const *)b)->texts;
    const char *const of_x[] = {x->patient_id, x->issuer, x->study_uid, x->accession_number,
                                x->name, x->side, x->observed};
    const char *const of_y[] = {y->patient_id, y->issuer, y->study_uid, y->accession_number,
                                y->name, y->side, y->observed};
    int order = 0;
    for (size_t i = 0; order == 0 && i < sizeof of_x / sizeof *of_x; i++)
        order = strcmp(of_x[i], of_y[i]);
    return order;
}

/* What two rows that contradict each other leave would depend on their order. */
static int refuse_contradictions(struct reading *r)
{
    const size_t count = r->file.entry_count;
    const struct clinical_entry **sorted = arena_array(r->arena, count + 1, sizeof *sorted);
    if (!sorted)
        return out_of_memory(r);
    for (size_t i = 0; i < count; i++)
        sorted[i] = &r->file.entries[i];
    qsort(sorted, count, sizeof *sorted, key_order);
    for (size_t i = 1; i < count; i++) {
        const struct clinical_entry *a = sorted[i - 1], *b = sorted[i];
        if (key_order(&a, &b) == 0 && (a->withdrawn != b->withdrawn ||
                                       strcmp(a->texts.value, b->texts.value) != 0 ||
                                       strcmp(a->texts.source, b->texts.source) != 0))
            return error_set(r->err, STATUS_INVALID,
                             "%s: rows %d and %d differ on one value of one patient, side and date",
                             r->path, a->line, b->line);
    }
    return 0;
}

int clinical_file_read(const char *path, struct arena *arena, struct clinical_file *ret_file,
                       struct error *err)
{
    struct error own;
    struct reading r = {.path = path, .arena = arena, .err = err ? err : &own};
    const char *dot = strrchr(path, '.');
    int status = dot && strcmp(dot, ".json") == 0 ? json_read(&r) : csv_read(&r);
    if (status == 0)
        status = refuse_contradictions(&r);
    if (status == 0)
        *ret_file = r.file;
    return status;
}
