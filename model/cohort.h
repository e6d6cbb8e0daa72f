/* A cohort: one line per patient, one column per variable, read from a CSV file.
 *
 * RFC 4180: cells separated by commas, quoted where they hold commas, quotes ("" inside quotes) or
 * line ends; LF, CRLF or CR; a byte order mark is passed over. The first line names the columns.
 * Empty lines are passed over; every other line has as many cells as the first. Blanks around a
 * cell or a name do not count. Missing: nothing at all, NA, N/A, NaN, nan, null, NULL. Numbers as
 * in base/number.h; TRUE and true are 1, FALSE and false are 0, as R and pandas write them.
 *
 * Errors name lines and columns, never a cell's content: cohorts hold patient data. */
#ifndef AXNODE_MODEL_COHORT_H
#define AXNODE_MODEL_COHORT_H

#include <stddef.h>
#include <stdio.h>

#include "base/arena.h"
#include "base/error.h"

enum {
    COHORT_COLUMNS_MAX = 20000,
    COHORT_ROWS_MAX = 1000000,
    COHORT_CELLS_MAX = 1 << 26, /* 512 MiB of doubles; 10,000 × 2,592 are 198 */
    COHORT_CELL_SIZE_MAX = 4096,
    COHORT_NAME_SIZE_MAX = 256,
};

struct cohort_column {
    const char *name;   /* UTF-8, not empty, no other column has it */
    double *values;     /* [rows]; NaN: missing or no number */
    const char **texts; /* [rows], UTF-8, NULL: missing; NULL for a column not asked for as text */
    size_t missing;     /* rows without anything */
    size_t wrong_line;  /* line of the file with the first cell that is no number; 0: none */
};

struct cohort {
    struct cohort_column *columns; /* in the order of the file */
    size_t column_count, rows;
    struct cohort_column **by_name; /* sorted, for cohort_find */
    struct arena arena;             /* owns the names and the texts; `values` are owned, too */
};

/* Read a file. `texts` names the columns that are kept as text, too (identifiers, subgroups).
 * STATUS_NOT_FOUND: no such file, or no such column of `texts`. STATUS_INVALID: not such a table,
 * with its line. STATUS_LIMIT: beyond a bound above. STATUS_IO, STATUS_NOMEM. Memory: 8 bytes per
 * cell (up to twice that while reading), and the texts. The caller releases the cohort. */
int cohort_read(const char *path, const char *const *texts, size_t text_count,
                struct cohort *ret_cohort, struct error *err);
/* The same from an open file, which stays open; `name` stands for it in messages. */
int cohort_read_file(FILE *file, const char *name, const char *const *texts, size_t text_count,
                     struct cohort *ret_cohort, struct error *err);
void cohort_release(struct cohort *cohort);
/* One more column, of `values` [rows], which are copied. STATUS_CONFLICT: it has one of that name.
 * Columns that were found before must be found again; their values stay. */
int cohort_add(struct cohort *cohort, const char *name, const double *values, struct error *err);

/* NULL: no such column. */
const struct cohort_column *cohort_find(const struct cohort *cohort, const char *name);
/* The numbers of a column, [rows], borrowed; NaN: missing. STATUS_NOT_FOUND: no such column.
 * STATUS_INVALID: a cell is no number. */
int cohort_numbers(const struct cohort *cohort, const char *name, const double **ret_values,
                   struct error *err);
/* The same for an outcome: STATUS_INVALID, too, when a value is neither 0, 1 nor missing. */
int cohort_outcome(const struct cohort *cohort, const char *name, const double **ret_values,
                   struct error *err);

#endif
