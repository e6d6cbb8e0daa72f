#include "cli/cases.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"

enum { FILE_SIZE_MAX = 64 << 20, CELLS_MAX = 1 << 24 };

/* The next cell of a line, unquoted in place; *at moves behind it and its separator. `ret_last`:
 * the line ends with it. */
static int next_cell(char **at, const char **ret_cell, int *ret_last)
{
    char *from = *at, *to = *at;
    *ret_cell = to;
    if (*from == '"') {
        from++;
        while (*from && (*from != '"' || from[1] == '"')) {
            from += *from == '"';
            *to++ = *from++;
        }
        if (!*from)
            return -1;
        from++;
    } else {
        while (*from && *from != ',' && *from != '\n' && *from != '\r')
            *to++ = *from++;
    }
    *ret_last = *from != ',';
    if (*from == '\r')
        from++;
    if (*ret_last && *from && *from != '\n')
        return -1; /* something behind a closing quote */
    if (*from)
        from++;
    *to = 0;
    *at = from;
    return 0;
}

/* Lines and the separators of the first one bound what has to be allocated. */
static size_t count_lines(const char *text)
{
    size_t n = 1;
    for (; *text; text++)
        n += *text == '\n';
    return n;
}

static size_t count_columns(const char *text)
{
    size_t n = 1;
    int quoted = 0;
    for (; *text && (quoted || *text != '\n'); text++) {
        quoted ^= *text == '"';
        n += !quoted && *text == ',';
    }
    return n;
}

static int read_line(char **at, const char *path, int line, size_t columns, const char **cells,
                     struct error *err)
{
    int last = 0;
    for (size_t c = 0; !last; c++) {
        const char *cell;
        if (next_cell(at, &cell, &last) < 0)
            return error_set(err, STATUS_INVALID, "%s:%d: quotes are out of place", path, line);
        if (c == columns)
            return error_set(err, STATUS_INVALID, "%s:%d: more cells than columns", path, line);
        cells[c] = cell;
    }
    return 0;
}

int cases_read(const char *path, struct arena *arena, struct cases *ret_cases,
               struct error *err)
{
    struct buffer content BUFFER_AUTO = {0};
    int r = file_read(path, FILE_SIZE_MAX, &content, err);
    if (r < 0)
        return r;
    if (strlen(buffer_text(&content)) != content.size)
        return error_set(err, STATUS_INVALID, "%s is no text", path);
    char *text = arena_text(arena, buffer_text(&content));
    if (!text)
        return error_set(err, STATUS_NOMEM, "no memory for %s", path);
    char *at = strncmp(text, "\xef\xbb\xbf", 3) == 0 ? text + 3 : text;
    struct cases cases = {.columns = count_columns(at)};
    size_t lines = count_lines(at);
    if (lines * cases.columns > CELLS_MAX)
        return error_set(err, STATUS_LIMIT, "%s has more than %d cells", path, CELLS_MAX);
    cases.cells = arena_array(arena, lines * cases.columns, sizeof *cases.cells);
    int *numbers = arena_array(arena, lines, sizeof *numbers);
    if (!cases.cells || !numbers)
        return error_set(err, STATUS_NOMEM, "no memory for %s", path);
    for (size_t i = 0; i < lines * cases.columns; i++)
        cases.cells[i] = "";
    const char *counted = buffer_text(&content); /* cells are unquoted in place, in the copy */
    for (int line = 1; *at;) {
        if (*at == '\n' || *at == '\r') {
            at++;
            continue;
        }
        for (; counted - buffer_text(&content) < at - text; counted++)
            line += *counted == '\n';
        numbers[cases.rows] = line;
        r = read_line(&at, path, line, cases.columns, cases.cells + cases.rows * cases.columns,
                      err);
        if (r < 0)
            return r;
        cases.rows++;
    }
    if (cases.rows < 2)
        return error_set(err, STATUS_INVALID, "%s has no cases", path);
    cases.names = cases.cells; /* the first line */
    cases.cells += cases.columns;
    cases.lines = numbers + 1;
    cases.rows--;
    *ret_cases = cases;
    return 0;
}

const char *cases_cell(const struct cases *cases, size_t row, const char *column)
{
    for (size_t c = 0; c < cases->columns; c++)
        if (strcmp(cases->names[c], column) == 0) {
            const char *cell = cases->cells[row * cases->columns + c];
            return *cell ? cell : NULL;
        }
    return NULL;
}

int cases_write_cell(struct buffer *out, const char *text, int first, struct error *err)
{
    int r = first ? 0 : buffer_add(out, ",", 1, err);
    if (!strpbrk(text, ",\"\r\n"))
        return r < 0 ? r : buffer_add(out, text, strlen(text), err);
    if (r == 0)
        r = buffer_add(out, "\"", 1, err);
    for (; *text && r == 0; text++)
        r = *text == '"' ? buffer_add(out, "\"\"", 2, err) : buffer_add(out, text, 1, err);
    return r < 0 ? r : buffer_add(out, "\"", 1, err);
}
