#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "model/fit/fit.h"

enum { ROWS_MIN = 10 };

static int out_of_memory(struct error *err)
{
    return error_set(err, STATUS_NOMEM, "out of memory for a table");
}

void fit_data_release(struct fit_data *data)
{
    fit_matrix_release(&data->values);
    free(data->outcome);
    free(data->source_rows);
    free(data->icc);
    arena_release(&data->arena);
    *data = (struct fit_data){0};
}

/* Whether a column can be used at all; rows without an outcome do not count. */
static bool usable(const struct cohort_column *column, const struct cohort *cohort,
                   const double *outcome, const struct fit_recipe *recipe)
{
    bool missing = false, any = false;
    if (!fit_recipe_takes(recipe, column->name) || column->wrong_line > 0)
        return false;
    for (size_t i = 0; i < cohort->rows; i++) {
        bool here = !isnan(column->values[i]);
        any |= here && !isnan(outcome[i]);
        missing |= !here && !isnan(outcome[i]);
    }
    return any && !(missing && recipe->missing == FIT_DROP_COLUMNS);
}

static size_t take_columns(const struct cohort *cohort, const double *outcome,
                           const struct fit_recipe *recipe, struct fit_data *data,
                           const struct cohort_column **ret_columns)
{
    size_t count = 0;
    for (size_t j = 0; j < cohort->column_count; j++) {
        const struct cohort_column *column = &cohort->columns[j];
        if (column->values == outcome)
            continue;
        if (usable(column, cohort, outcome, recipe))
            ret_columns[count++] = column;
        else if (fit_recipe_takes(recipe, column->name))
            data->dropped_columns++;
    }
    return count;
}

static bool row_taken(const struct cohort_column **columns, size_t count, const double *outcome,
                      enum fit_missing missing, size_t row)
{
    if (isnan(outcome[row]))
        return false;
    for (size_t j = 0; missing == FIT_DROP_ROWS && j < count; j++)
        if (isnan(columns[j]->values[row]))
            return false;
    return true;
}

static int fill(const struct cohort_column **columns, size_t count, size_t rows,
                const double *outcome, struct fit_data *data, struct error *err)
{
    int status = fit_matrix_new(rows, count, &data->values, err);
    if (status < 0)
        return status;
    data->names = arena_array(&data->arena, count + 1, sizeof *data->names);
    data->outcome = calloc(rows + 1, sizeof *data->outcome);
    if (!data->names || !data->outcome)
        return out_of_memory(err);
    for (size_t i = 0; i < rows; i++)
        data->outcome[i] = outcome[data->source_rows[i]];
    for (size_t j = 0; j < count; j++) {
        double *values = fit_matrix_column(&data->values, j);
        for (size_t i = 0; i < rows; i++)
            values[i] = columns[j]->values[data->source_rows[i]];
        data->names[j] = arena_text(&data->arena, columns[j]->name);
        if (!data->names[j])
            return out_of_memory(err);
    }
    return 0;
}

static int check(const struct fit_data *data, struct error *err)
{
    double positive = 0;
    size_t rows = data->values.rows;
    for (size_t i = 0; i < rows; i++)
        positive += data->outcome[i];
    if (data->values.columns == 0)
        return error_set(err, STATUS_INVALID, "the cohort has no column to fit: %zu have missing "
                         "values or hold no numbers", data->dropped_columns);
    if (rows < ROWS_MIN) {
        error_set(err, STATUS_INVALID, "the cohort has %zu rows to fit, needed are %d; %zu were "
                  "dropped for a missing outcome or value", rows, ROWS_MIN, data->dropped_rows);
        error_hint(err, "missing: median or drop_columns keeps rows with missing values");
        return STATUS_INVALID;
    }
    if (positive < 2 || positive > (double)rows - 2)
        return error_set(err, STATUS_INVALID, "the cohort has one outcome only: %g of %zu rows "
                         "positive", positive, rows);
    return 0;
}

/* Takes rows of `columns` into empty data; releases it when that fails. */
static int take(const struct cohort *cohort, const struct cohort_column **columns, size_t count,
                const double *outcome, enum fit_missing missing, struct fit_data *data,
                struct error *err)
{
    size_t rows = 0;
    int status = 0;
    data->source_rows = calloc(cohort->rows + 1, sizeof *data->source_rows);
    if (!data->source_rows)
        status = out_of_memory(err);
    for (size_t i = 0; i < cohort->rows && status == 0; i++)
        if (row_taken(columns, count, outcome, missing, i))
            data->source_rows[rows++] = i;
    data->dropped_rows = cohort->rows - rows;
    if (status == 0)
        status = fill(columns, count, rows, outcome, data, err);
    if (status == 0)
        status = check(data, err);
    if (status < 0)
        fit_data_release(data);
    return status;
}

int fit_data_take(const struct cohort *cohort, const char *outcome,
                  const struct fit_recipe *recipe, struct fit_data *ret_data, struct error *err)
{
    const double *values;
    struct fit_data data = {0};
    int status = cohort_outcome(cohort, outcome, &values, err);
    if (status < 0)
        return status;
    const struct cohort_column **columns = calloc(cohort->column_count + 1, sizeof *columns);
    if (!columns)
        return out_of_memory(err);
    size_t count = take_columns(cohort, values, recipe, &data, columns);
    status = take(cohort, columns, count, values, recipe->missing, &data, err);
    free(columns);
    if (status == 0)
        *ret_data = data;
    return status;
}

int fit_data_take_predictor(const struct cohort *cohort, const char *outcome,
                            const double *predictors, struct fit_data *ret_data,
                            struct error *err)
{
    const double *values;
    struct fit_data data = {0};
    double *copy = calloc(cohort->rows + 1, sizeof *copy);
    const struct cohort_column column = {.name = "linear predictor", .values = copy};
    const struct cohort_column *columns[] = {&column};
    int status = copy ? cohort_outcome(cohort, outcome, &values, err) : out_of_memory(err);
    if (status == 0) {
        memcpy(copy, predictors, cohort->rows * sizeof *copy);
        status = take(cohort, columns, 1, values, FIT_DROP_ROWS, &data, err);
    }
    free(copy);
    if (status == 0)
        *ret_data = data;
    return status;
}

/* ---- repeated outlines ---- */

/* Rows of the repeats table ordered by subject, then reader. */
struct reading {
    const char *subject, *reader;
    size_t row;
};

static int by_subject_and_reader(const void *a, const void *b)
{
    const struct reading *x = a, *y = b;
    int order = strcmp(x->subject, y->subject);
    return order ? order : strcmp(x->reader, y->reader);
}

/* Every subject has the same readers, each once. */
static int check_readings(const struct reading *readings, size_t count, size_t *ret_readers,
                          struct error *err)
{
    size_t readers = 0;
    while (readers < count && strcmp(readings[readers].subject, readings[0].subject) == 0)
        readers++;
    if (readers < 2 || count % readers != 0 || count / readers < 2)
        return error_set(err, STATUS_INVALID, "repeated outlines: needed are at least 2 subjects, "
                         "each read by the same 2 or more readers");
    for (size_t i = 0; i < count; i++)
        if (strcmp(readings[i].subject, readings[i - i % readers].subject) != 0 ||
            strcmp(readings[i].reader, readings[i % readers].reader) != 0 ||
            (i % readers > 0 && strcmp(readings[i].reader, readings[i - 1].reader) == 0))
            return error_set(err, STATUS_INVALID, "repeated outlines: line %zu of the table, in "
                             "order of subjects, is not the one reading of its subject by the "
                             "same readers as the others", i + 1);
    *ret_readers = readers;
    return 0;
}

static int order_readings(const struct cohort *repeats, struct reading *readings,
                          size_t *ret_readers, struct error *err)
{
    const struct cohort_column *subject = cohort_find(repeats, "subject");
    const struct cohort_column *reader = cohort_find(repeats, "reader");
    if (!subject || !subject->texts || !reader || !reader->texts)
        return error_set(err, STATUS_INVALID, "repeated outlines: the table needs the columns "
                         "'subject' and 'reader'");
    for (size_t i = 0; i < repeats->rows; i++) {
        if (!subject->texts[i] || !reader->texts[i])
            return error_set(err, STATUS_INVALID, "repeated outlines: row %zu has no subject or "
                             "no reader", i + 1);
        readings[i] = (struct reading){subject->texts[i], reader->texts[i], i};
    }
    qsort(readings, repeats->rows, sizeof *readings, by_subject_and_reader);
    return check_readings(readings, repeats->rows, ret_readers, err);
}

int fit_data_repeats(struct fit_data *data, const struct cohort *repeats, enum fit_icc form,
                     struct error *err)
{
    size_t count = repeats->rows, readers = 0;
    struct reading *readings = calloc(count + 1, sizeof *readings);
    double *ordered = calloc(count + 1, sizeof *ordered);
    double *icc = calloc(data->values.columns + 1, sizeof *icc);
    int status = readings && ordered && icc ? order_readings(repeats, readings, &readers, err)
                                            : out_of_memory(err);
    for (size_t j = 0; j < data->values.columns && status == 0; j++) {
        const struct cohort_column *column = cohort_find(repeats, data->names[j]);
        icc[j] = NAN;
        if (!column || column->missing > 0 || column->wrong_line > 0)
            continue;
        for (size_t i = 0; i < count; i++)
            ordered[i] = column->values[readings[i].row];
        icc[j] = fit_icc(ordered, count / readers, readers, form);
    }
    free(readings);
    free(ordered);
    if (status < 0) {
        free(icc);
        return status;
    }
    free(data->icc);
    data->icc = icc;
    return 0;
}
