#include "model/cohort.h"

#include <errno.h>
#include <math.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/number.h"
#include "base/utf8.h"

enum cell_end { END_CELL, END_LINE, END_FILE };

/* The file, read cell by cell. */
struct reader {
    FILE *file;
    const char *path;
    size_t line;       /* of the next character, from 1 */
    size_t start_line; /* of the cell */
    char cell[COHORT_CELL_SIZE_MAX + 1];
    size_t size;
    bool quoted;
    struct error *err;
};

static int fail(struct reader *r, const char *reason)
{
    return error_set(r->err, STATUS_INVALID, "%s:%zu: %s", r->path, r->start_line, reason);
}

static int next_character(struct reader *r)
{
    int c = getc_unlocked(r->file);
    if (c == '\r') { /* a line end of its own, or half of one */
        int after = getc_unlocked(r->file);
        if (after != '\n' && after != EOF)
            ungetc(after, r->file);
        c = '\n';
    }
    r->line += c == '\n';
    return c;
}

static int keep(struct reader *r, int c)
{
    if (c == 0)
        return fail(r, "not a text in UTF-8 (it holds zero bytes)");
    if (r->size == COHORT_CELL_SIZE_MAX)
        return error_set(r->err, STATUS_LIMIT, "%s:%zu: a cell of more than %d bytes", r->path,
                         r->start_line, COHORT_CELL_SIZE_MAX);
    r->cell[r->size++] = (char)c;
    return 0;
}

/* What stands between quotes; the opening one is read. `ret_next`: the character behind the
 * closing one and blanks, or EOF. */
static int read_quoted(struct reader *r, int *ret_next)
{
    for (;;) {
        int c = next_character(r);
        if (c == EOF)
            return fail(r, "a quote is never closed");
        if (c == '"') {
            c = next_character(r);
            if (c != '"') {
                while (c == ' ')
                    c = next_character(r);
                *ret_next = c;
                return 0;
            }
        }
        int status = keep(r, c);
        if (status < 0)
            return status;
    }
}

static void trim(struct reader *r)
{
    size_t from = 0;
    while (r->size > 0 && strchr(" \t", r->cell[r->size - 1]))
        r->size--;
    while (from < r->size && strchr(" \t", r->cell[from]))
        from++;
    memmove(r->cell, r->cell + from, r->size - from);
    r->size -= from;
    r->cell[r->size] = 0;
}

/* The next cell into r->cell, without blanks around it. */
static int read_cell(struct reader *r, enum cell_end *ret_end)
{
    int status = 0, c;
    r->size = 0;
    r->quoted = false;
    r->start_line = r->line;
    while ((c = next_character(r)) == ' ')
        ;
    if (c == '"') {
        r->quoted = true;
        status = read_quoted(r, &c);
        if (status == 0 && c != ',' && c != '\n' && c != EOF)
            status = fail(r, "something follows a closing quote");
    }
    for (; status == 0 && c != ',' && c != '\n' && c != EOF; c = next_character(r))
        status = c == '"' ? fail(r, "a quote inside a cell without quotes") : keep(r, c);
    if (status < 0)
        return status;
    if (c == EOF && ferror(r->file))
        return error_set_errno(r->err, STATUS_IO, errno, "cannot read %s", r->path);
    trim(r);
    *ret_end = c == ',' ? END_CELL : c == '\n' ? END_LINE : END_FILE;
    return 0;
}

static int keep_text(struct reader *r, struct arena *arena, const char **ret_text)
{
    if (!utf8_is_text(r->cell)) {
        fail(r, "not a text in UTF-8");
        error_hint(r->err, "save the table as 'CSV UTF-8'");
        return STATUS_INVALID;
    }
    *ret_text = arena_text(arena, r->cell);
    return *ret_text ? 0 : error_set(r->err, STATUS_NOMEM, "no memory for %s", r->path);
}

static bool is_one_of(const char *text, const char *const *words, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (strcmp(text, words[i]) == 0)
            return true;
    return false;
}

static bool is_missing(const char *cell)
{
    static const char *const words[] = {"", "NA", "N/A", "NaN", "nan", "null", "NULL"};
    return is_one_of(cell, words, sizeof words / sizeof *words);
}

static double number_of(const char *cell)
{
    static const char *const yes[] = {"TRUE", "true"}, *const no[] = {"FALSE", "false"};
    double value;
    if (number_parse_double(cell, &value, NULL) == 0)
        return value;
    return is_one_of(cell, yes, 2) ? 1 : is_one_of(cell, no, 2) ? 0 : (double)NAN;
}

/* ---- the first line ---- */

static int add_column(struct reader *r, struct cohort *cohort, size_t *capacity)
{
    if (cohort->column_count == COHORT_COLUMNS_MAX)
        return error_set(r->err, STATUS_LIMIT, "%s has more than %d columns", r->path,
                         COHORT_COLUMNS_MAX);
    if (cohort->column_count == *capacity) {
        size_t larger = *capacity ? 2 * *capacity : 64;
        struct cohort_column *columns = realloc(cohort->columns, larger * sizeof *columns);
        if (!columns)
            return error_set(r->err, STATUS_NOMEM, "no memory for %s", r->path);
        cohort->columns = columns;
        *capacity = larger;
    }
    if (r->size == 0 || r->size > COHORT_NAME_SIZE_MAX)
        return error_set(r->err, STATUS_INVALID, "%s:%zu: column %zu has %s", r->path,
                         r->start_line, cohort->column_count + 1,
                         r->size ? "too long a name" : "no name");
    struct cohort_column column = {0};
    int status = keep_text(r, &cohort->arena, &column.name);
    if (status == 0)
        cohort->columns[cohort->column_count++] = column;
    return status;
}

static int compare_names(const void *a, const void *b)
{
    const struct cohort_column *const *left = a, *const *right = b;
    return strcmp((*left)->name, (*right)->name);
}

static int sort_names(struct cohort *cohort, const char *table, struct error *err)
{
    free(cohort->by_name);
    cohort->by_name = calloc(cohort->column_count, sizeof(struct cohort_column *));
    if (!cohort->by_name)
        return error_set(err, STATUS_NOMEM, "no memory for %s", table);
    for (size_t i = 0; i < cohort->column_count; i++)
        cohort->by_name[i] = &cohort->columns[i];
    qsort(cohort->by_name, cohort->column_count, sizeof *cohort->by_name, compare_names);
    for (size_t i = 1; i < cohort->column_count; i++)
        if (compare_names(&cohort->by_name[i - 1], &cohort->by_name[i]) == 0)
            return error_set(err, STATUS_INVALID, "%s has two columns named '%s'", table,
                             cohort->by_name[i]->name);
    return 0;
}

static int read_header(struct reader *r, struct cohort *cohort)
{
    size_t capacity = 0;
    enum cell_end end;
    static const unsigned char mark[] = {0xEF, 0xBB, 0xBF};
    for (size_t i = 0; i < sizeof mark; i++) {
        int c = getc_unlocked(r->file);
        if (c == mark[i])
            continue;
        if (c != EOF)
            ungetc(c, r->file);
        if (i > 0)
            return fail(r, "not a text in UTF-8");
        break;
    }
    do {
        int status = read_cell(r, &end);
        if (status == 0 && end == END_LINE && cohort->column_count == 0 && r->size == 0)
            continue;
        if (status == 0 && end == END_FILE && cohort->column_count == 0 && r->size == 0)
            return error_set(r->err, STATUS_INVALID, "%s is empty", r->path);
        if (status == 0)
            status = add_column(r, cohort, &capacity);
        if (status < 0)
            return status;
    } while (end == END_CELL || cohort->column_count == 0);
    return sort_names(cohort, r->path, r->err);
}

/* ---- the other lines ---- */

static int make_room(struct reader *r, struct cohort *cohort, size_t *capacity)
{
    if (cohort->rows < *capacity)
        return 0;
    size_t larger = *capacity ? 2 * *capacity : 64;
    if (cohort->rows == COHORT_ROWS_MAX ||
        cohort->rows >= (size_t)COHORT_CELLS_MAX / cohort->column_count)
        return error_set(r->err, STATUS_LIMIT, "%s has more than %d lines or %d cells", r->path,
                         COHORT_ROWS_MAX, COHORT_CELLS_MAX);
    for (size_t i = 0; i < cohort->column_count; i++) {
        struct cohort_column *column = &cohort->columns[i];
        double *values = realloc(column->values, larger * sizeof *values);
        if (values)
            column->values = values;
        const char **texts = NULL;
        if (values && column->texts) {
            texts = realloc(column->texts, larger * sizeof *texts);
            if (texts)
                column->texts = texts;
        }
        if (!values || (column->texts && !texts))
            return error_set(r->err, STATUS_NOMEM, "no memory for %s", r->path);
    }
    *capacity = larger;
    return 0;
}

static int take_cell(struct reader *r, struct cohort *cohort, struct cohort_column *column)
{
    bool missing = is_missing(r->cell);
    double value = missing ? (double)NAN : number_of(r->cell);
    column->values[cohort->rows] = value;
    column->missing += missing;
    if (!missing && isnan(value) && !column->wrong_line)
        column->wrong_line = r->start_line;
    if (!column->texts)
        return 0;
    column->texts[cohort->rows] = NULL;
    return missing ? 0 : keep_text(r, &cohort->arena, &column->texts[cohort->rows]);
}

static int wrong_width(struct reader *r, const struct cohort *cohort, size_t cells)
{
    error_set(r->err, STATUS_INVALID, "%s:%zu: %zu cells, but the first line names %zu columns",
              r->path, r->start_line, cells, cohort->column_count);
    if (cohort->column_count == 1)
        error_hint(r->err, "columns must be separated by commas");
    return STATUS_INVALID;
}

static int read_lines(struct reader *r, struct cohort *cohort)
{
    size_t capacity = 0;
    enum cell_end end = END_LINE;
    while (end != END_FILE) {
        int status = make_room(r, cohort, &capacity);
        size_t cells = 0;
        do {
            if (status == 0)
                status = read_cell(r, &end);
            if (status < 0)
                return status;
            if (cells == 0 && end != END_CELL && r->size == 0 && !r->quoted)
                break; /* an empty line */
            if (cells == cohort->column_count)
                return wrong_width(r, cohort, cells + 1);
            status = take_cell(r, cohort, &cohort->columns[cells++]);
        } while (end == END_CELL);
        if (status < 0)
            return status;
        if (cells > 0 && cells < cohort->column_count)
            return wrong_width(r, cohort, cells);
        cohort->rows += cells > 0;
    }
    if (cohort->rows == 0)
        return error_set(r->err, STATUS_INVALID, "%s has no line behind the names of its columns",
                         r->path);
    return 0;
}

static int missing_column(const struct cohort *cohort, const char *name, struct error *err)
{
    error_set(err, STATUS_NOT_FOUND, "the cohort has no column '%s'", name);
    if (cohort->column_count == 1 && strchr(cohort->columns[0].name, ';'))
        error_hint(err, "columns must be separated by commas, not semicolons");
    return STATUS_NOT_FOUND;
}

/* Marks the columns that keep their texts: an array of their own instead of NULL. */
static int choose_texts(struct cohort *cohort, const char *const *texts, size_t count,
                        struct error *err)
{
    for (size_t i = 0; i < count; i++) {
        struct cohort_column *column = (struct cohort_column *)cohort_find(cohort, texts[i]);
        if (!column)
            return missing_column(cohort, texts[i], err);
        if (!column->texts)
            column->texts = malloc(sizeof *column->texts);
        if (!column->texts)
            return error_set(err, STATUS_NOMEM, "out of memory for a cohort");
    }
    return 0;
}

int cohort_read_file(FILE *file, const char *name, const char *const *texts, size_t text_count,
                     struct cohort *ret_cohort, struct error *err)
{
    struct reader r = {.file = file, .path = name, .line = 1, .start_line = 1, .err = err};
    struct cohort cohort = {0};
    arena_init(&cohort.arena);
    int status = read_header(&r, &cohort);
    if (status == 0)
        status = choose_texts(&cohort, texts, text_count, err);
    if (status == 0)
        status = read_lines(&r, &cohort);
    if (status < 0) {
        cohort_release(&cohort);
        return status;
    }
    *ret_cohort = cohort;
    return 0;
}

int cohort_read(const char *path, const char *const *texts, size_t text_count,
                struct cohort *ret_cohort, struct error *err)
{
    FILE *file = fopen(path, "rbe");
    if (!file)
        return error_set_errno(err, errno == ENOENT ? STATUS_NOT_FOUND : STATUS_IO, errno,
                               "cannot open %s", path);
    int status = cohort_read_file(file, path, texts, text_count, ret_cohort, err);
    fclose(file);
    return status;
}

void cohort_release(struct cohort *cohort)
{
    for (size_t i = 0; i < cohort->column_count; i++) {
        free(cohort->columns[i].values);
        free(cohort->columns[i].texts);
    }
    free(cohort->columns);
    free(cohort->by_name);
    arena_release(&cohort->arena);
    *cohort = (struct cohort){0};
}

int cohort_add(struct cohort *cohort, const char *name, const double *values, struct error *err)
{
    if (cohort_find(cohort, name))
        return error_set(err, STATUS_CONFLICT, "the cohort has a column '%s' already", name);
    const size_t bytes = cohort->rows * sizeof *values;
    struct cohort_column *columns =
        realloc(cohort->columns, (cohort->column_count + 1) * sizeof *columns);
    if (!columns)
        return error_set(err, STATUS_NOMEM, "out of memory for a cohort");
    cohort->columns = columns;
    struct cohort_column *added = &columns[cohort->column_count];
    *added = (struct cohort_column){.name = arena_text(&cohort->arena, name),
                                    .values = malloc(bytes + 1)};
    if (!added->name || !added->values) {
        free(added->values);
        sort_names(cohort, "the cohort", NULL); /* the columns may have moved */
        return error_set(err, STATUS_NOMEM, "out of memory for a cohort");
    }
    memcpy(added->values, values, bytes);
    for (size_t i = 0; i < cohort->rows; i++)
        added->missing += isnan(values[i]) != 0;
    cohort->column_count++;
    return sort_names(cohort, "the cohort", err);
}

const struct cohort_column *cohort_find(const struct cohort *cohort, const char *name)
{
    struct cohort_column wanted = {.name = name}, *key = &wanted, **found;
    found = bsearch(&key, cohort->by_name, cohort->column_count, sizeof *cohort->by_name,
                    compare_names);
    return found ? *found : NULL;
}

int cohort_numbers(const struct cohort *cohort, const char *name, const double **ret_values,
                   struct error *err)
{
    const struct cohort_column *column = cohort_find(cohort, name);
    if (!column)
        return missing_column(cohort, name, err);
    if (column->wrong_line)
        return error_set(err, STATUS_INVALID, "line %zu of the cohort: column '%s' has no number",
                         column->wrong_line, name);
    *ret_values = column->values;
    return 0;
}

int cohort_outcome(const struct cohort *cohort, const char *name, const double **ret_values,
                   struct error *err)
{
    const double *values;
    int status = cohort_numbers(cohort, name, &values, err);
    for (size_t i = 0; status == 0 && i < cohort->rows; i++)
        if (!isnan(values[i]) && values[i] != 0 && values[i] != 1)
            status = error_set(err, STATUS_INVALID,
                               "row %zu of the cohort: the outcome '%s' must be 0, 1 or missing",
                               i + 1, name);
    if (status == 0)
        *ret_values = values;
    return status;
}
