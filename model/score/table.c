#include "model/score/table.h"

#include <math.h>
#include <string.h>

#include "model/logistic.h"

bool score_table_gives_risks(const struct package *package)
{
    return package->has_model && package->has_intercept && package->incomplete_count == 0;
}

/* The column of a term: named like the feature or, in packages of one region, without the region
 * in front ("tumour_f_135": "f_135"), as published tables name theirs. */
static const struct cohort_column *find_column(const struct package *package,
                                               const struct cohort *table, const char *feature)
{
    const struct cohort_column *column = cohort_find(table, feature);
    const bool tumour = package->required[ROI_TUMOUR], node = package->required[ROI_NODE];
    if (column || tumour == node)
        return column;
    const char *region = roi_name(tumour ? ROI_TUMOUR : ROI_NODE);
    const size_t n = strlen(region);
    return strncmp(feature, region, n) == 0 && feature[n] == '_'
               ? cohort_find(table, feature + n + 1)
               : NULL;
}

static int check_columns(const struct package *package, const struct cohort *table,
                         struct error *err)
{
    const char *first = NULL;
    size_t missing = 0;
    if (!package->has_model)
        return error_set(err, STATUS_INVALID, "package %s has no model to score with",
                         package->name);
    for (size_t i = 0; i < package->term_count; i++)
        if (!find_column(package, table, package->terms[i].feature)) {
            first = first ? first : package->terms[i].feature;
            missing++;
        }
    if (missing > 0)
        return error_set(err, STATUS_NOT_FOUND,
                         "the cohort lacks %zu of the %zu columns that package %s needs, first "
                         "'%s'", missing, package->term_count, package->name, first);
    return 0;
}

int score_table(const struct package *package, const struct cohort *table,
                double *ret_predictors, double *ret_risks, struct error *err)
{
    const double *values;
    int status = check_columns(package, table, err);
    for (size_t i = 0; i < package->term_count && status == 0; i++)
        status = cohort_numbers(
            table, find_column(package, table, package->terms[i].feature)->name, &values, err);
    if (status < 0)
        return status;
    for (size_t row = 0; row < table->rows; row++)
        ret_predictors[row] = package->has_intercept ? package->intercept : 0;
    for (size_t i = 0; i < package->term_count; i++) {
        const struct package_term *term = &package->terms[i];
        values = find_column(package, table, term->feature)->values; /* numbers: see above */
        for (size_t row = 0; row < table->rows; row++)
            ret_predictors[row] += term->coefficient * (values[row] - term->centre) / term->scale;
    }
    bool risks = score_table_gives_risks(package);
    for (size_t row = 0; row < table->rows && ret_risks; row++)
        ret_risks[row] = risks ? logistic(ret_predictors[row]) : (double)NAN;
    return 0;
}
