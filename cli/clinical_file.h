/* A file of clinical values: CSV (RFC 4180; the first line names the columns) or, when its name
 * ends in ".json", a list of objects. Columns and keys: docs/operator-guide.md, "Clinical values". */
#ifndef AXNODE_CLI_CLINICAL_FILE_H
#define AXNODE_CLI_CLINICAL_FILE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/arena.h"
#include "base/error.h"
#include "model/clinical.h"

enum { CLINICAL_ROWS_MAX = 100000, CLINICAL_VALUES_MAX = 1000000 };

/* One value of a row. */
struct clinical_entry {
    int line;                      /* of the file, or number of the object; from 1 */
    struct clinical_texts texts;   /* `observed` as "2026-01-31" */
    struct clinical_record record; /* without a value when it is withdrawn */
    bool withdrawn;
};

/* A row of which nothing is taken. */
struct clinical_bad {
    int line;
    const char *reason; /* holds nothing of the row's content */
};

/* Everything lives in the arena. */
struct clinical_file {
    struct clinical_entry *entries;
    size_t entry_count;
    struct clinical_bad *bad;
    size_t bad_count;
    size_t row_count; /* good and bad */
};

/* STATUS_INVALID: no such table at all (unknown, missing or repeated columns, quotes out of
 * place, not JSON); rows with faults are listed in `bad`. STATUS_LIMIT: beyond a bound above. */
int clinical_file_read(const char *path, struct arena *arena, struct clinical_file *ret_file,
                       struct error *err);

#endif
