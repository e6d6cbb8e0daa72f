#include "model/score/table.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "model/logistic.h"

/* What is computed: the model, or one of the scores. */
static bool is_model(const struct package *package, const char *score)
{
    return score ? strcmp(score, "model") == 0 : package->has_model;
}

bool score_table_gives_risks(const struct package *package, const char *score)
{
    return is_model(package, score) && package->has_model && package->has_intercept &&
           package->incomplete_count == 0;
}

static const struct package_score *find_score(const struct package *package, const char *name)
{
    for (size_t i = 0; i < package->score_count; i++)
        if (!name || strcmp(package->scores[i].name, name) == 0)
            return &package->scores[i];
    return NULL;
}

/* The terms to add up, as one shape. */
static int find_target(const struct package *package, const char *score,
                       struct package_score *ret_target, struct error *err)
{
    if (is_model(package, score) && package->has_model) {
        *ret_target = (struct package_score){"model", package->has_intercept, package->intercept,
                                             package->terms, package->term_count, true};
        return 0;
    }
    const struct package_score *found = find_score(package, score);
    if (!found)
        return error_set(err, score ? STATUS_NOT_FOUND : STATUS_INVALID,
                         "package %s has no %s%s to score with", package->name,
                         score && strcmp(score, "model") != 0 ? "score " : "model",
                         score && strcmp(score, "model") != 0 ? score : "");
    if (!score && package->score_count > 1)
        return error_set(err, STATUS_INVALID,
                         "package %s has no model but several scores ('%s', '%s' …): name one",
                         package->name, package->scores[0].name, package->scores[1].name);
    *ret_target = *found;
    return 0;
}

/* `feature` without `prefix` and '_' in front; NULL: it does not begin so. */
static const char *behind(const char *feature, const char *prefix)
{
    const size_t n = strlen(prefix);
    return strncmp(feature, prefix, n) == 0 && feature[n] == '_' ? feature + n + 1 : NULL;
}

/* The column of a term: named like the feature, or shorter, as published tables name theirs. */
static const struct cohort_column *find_column(const struct package *package,
                                               const struct cohort *table, const char *feature)
{
    const struct cohort_column *column = cohort_find(table, feature);
    const bool tumour = package->required[ROI_TUMOUR], node = package->required[ROI_NODE];
    const char *rest = behind(feature, "clinical");
    if (!rest && tumour != node)
        rest = behind(feature, roi_name(tumour ? ROI_TUMOUR : ROI_NODE));
    return column || !rest ? column : cohort_find(table, rest);
}

/* The columns that the terms and the scores they take need. */
struct lacking {
    const char *first;
    size_t missing, needed;
};

static void count_columns(const struct package *package, const struct package_score *target,
                          const struct cohort *table, struct lacking *lacking)
{
    for (size_t i = 0; i < target->term_count; i++) {
        const struct package_term *term = &target->terms[i];
        if (term->score) {
            count_columns(package, term->score, table, lacking);
            continue;
        }
        lacking->needed++;
        if (find_column(package, table, term->feature))
            continue;
        lacking->first = lacking->first ? lacking->first : term->feature;
        lacking->missing++;
    }
}

static int sum_rows(const struct package *package, const struct package_score *target,
                    const struct cohort *table, double *sums, struct error *err);

/* Add one term's part to every row's sum. */
static int add_term(const struct package *package, const struct package_term *term,
                    const struct cohort *table, double *sums, struct error *err)
{
    const double *values = NULL;
    double *computed = NULL;
    int status;
    if (term->score) {
        values = computed = calloc(table->rows + 1, sizeof *computed);
        status = computed ? sum_rows(package, term->score, table, computed, err)
                          : error_set(err, STATUS_NOMEM, "out of memory for a score");
    } else
        status = cohort_numbers(table, find_column(package, table, term->feature)->name, &values,
                                err);
    for (size_t row = 0; row < table->rows && status == 0; row++)
        sums[row] += term->coefficient * (values[row] - term->centre) / term->scale;
    free(computed);
    return status;
}

static int sum_rows(const struct package *package, const struct package_score *target,
                    const struct cohort *table, double *sums, struct error *err)
{
    int status = 0;
    for (size_t row = 0; row < table->rows; row++)
        sums[row] = target->intercept;
    for (size_t i = 0; i < target->term_count && status == 0; i++)
        status = add_term(package, &target->terms[i], table, sums, err);
    return status;
}

int score_table(const struct package *package, const char *score, const struct cohort *table,
                double *ret_predictors, double *ret_risks, struct error *err)
{
    struct package_score target;
    struct lacking lacking = {0};
    int status = find_target(package, score, &target, err);
    if (status < 0)
        return status;
    count_columns(package, &target, table, &lacking);
    if (lacking.missing > 0)
        return error_set(err, STATUS_NOT_FOUND,
                         "the cohort lacks %zu of the %zu columns that package %s needs, first "
                         "'%s'", lacking.missing, lacking.needed, package->name, lacking.first);
    status = sum_rows(package, &target, table, ret_predictors, err);
    if (status < 0)
        return status;
    bool risks = score_table_gives_risks(package, score);
    for (size_t row = 0; row < table->rows && ret_risks; row++)
        ret_risks[row] = risks ? logistic(ret_predictors[row]) : (double)NAN;
    return 0;
}
