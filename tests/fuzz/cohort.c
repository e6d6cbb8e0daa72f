/* libFuzzer target: tables of patients. */
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "model/cohort.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char *const texts[] = {"id"};
    struct cohort cohort;
    const double *values;
    FILE *file = size > 0 ? fmemopen((void *)(uintptr_t)data, size, "r") : NULL;
    if (!file)
        return 0;
    /* A table that has the column keeps its texts, too. */
    if (cohort_read_file(file, "fuzz.csv", texts, 1, &cohort, NULL) < 0) {
        rewind(file);
        if (cohort_read_file(file, "fuzz.csv", NULL, 0, &cohort, NULL) < 0) {
            fclose(file);
            return 0;
        }
    }
    for (size_t i = 0; i < cohort.column_count; i++)
        if (cohort_outcome(&cohort, cohort.columns[i].name, &values, NULL) == 0 && cohort.rows > 0)
            (void)*(const volatile double *)&values[cohort.rows - 1];
    cohort_release(&cohort);
    fclose(file);
    return 0;
}
