/* A list of cases as a CSV table (RFC 4180; the first line names the columns). */
#ifndef AXNODE_CLI_CASES_H
#define AXNODE_CLI_CASES_H

#include <stddef.h>

#include "base/arena.h"
#include "base/buffer.h"
#include "base/error.h"

struct cases {
    size_t columns, rows;
    const char **names; /* [columns] */
    const char **cells; /* [row][column]; "" when a line is short */
    const int *lines;   /* [rows], of the file, from 1 */
};

/* Everything lives in the arena. Empty lines are passed over; a line with more cells than the
 * first one, an open quote, a byte that no text has or no line at all: STATUS_INVALID. */
int cases_read(const char *path, struct arena *arena, struct cases *ret_cases,
               struct error *err);
/* The cell of a named column, or NULL when there is no such column or the cell is empty. */
const char *cases_cell(const struct cases *cases, size_t row, const char *column);

/* Append one cell, quoted where needed, behind a comma unless `first`. */
int cases_write_cell(struct buffer *out, const char *text, int first, struct error *err);

#endif
