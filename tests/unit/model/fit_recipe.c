/* Recipes from the table to the package. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/buffer.h"
#include "base/file.h"
#include "model/fit/bootstrap.h"
#include "model/fit/random.h"
#include "model/fit/write.h"
#include "model/score/table.h"

enum { PATH_SIZE = 300 };

static char folder[PATH_SIZE];
#define DATA "data: {exclude: [id]}\n"
#define PACKAGE                                                                                  \
    "format: 1\n"                                                                                \
    "package:\n"                                                                                 \
    "  name: test\n  version: \"1\"\n  intended_use: 'A test: \"quotes\", #, and so on'\n"       \
    "  outcome: {text: Outcome, short: Out}\n"                                                   \
    "  population: [{evidence: synthetic_data, text: Synthetic}]\n"

static const char *path_of(const char *name)
{
    static char path[2 * PATH_SIZE];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    return path;
}

static void put(const char *name, const struct buffer *content)
{
    assert_int_equal(file_write(path_of(name), content->data, content->size, NULL), 0);
}

/* x0 and x1 make the outcome; x2 copies x0, x3 is constant, x4 has gaps, x5 is text, the rest is
 * noise. */
static void make_cohort(const char *name, size_t rows, size_t columns, uint64_t seed, bool signal)
{
    struct fit_random random = fit_random_new(seed, 1);
    struct buffer out BUFFER_AUTO = {0};
    buffer_print(&out, NULL, "id,y");
    for (size_t j = 0; j < columns; j++)
        buffer_print(&out, NULL, ",x%zu", j);
    buffer_print(&out, NULL, "\n");
    for (size_t i = 0; i < rows; i++) {
        double x[64], t, u = (double)fit_random_below(&random, 1000) / 1000;
        for (size_t j = 0; j < columns; j++)
            x[j] = (double)fit_random_below(&random, 4000) / 1000 - 2;
        t = signal ? 1.5 * x[0] - x[1] : 0;
        buffer_print(&out, NULL, "p%zu,%d", i, u < 1 / (1 + exp(-t)));
        for (size_t j = 0; j < columns; j++)
            if (j == 4 && i % 10 == 0)
                buffer_print(&out, NULL, ",NA");
            else if (j == 5)
                buffer_print(&out, NULL, ",word");
            else
                buffer_print(&out, NULL, ",%.3f", 10 * (j == 2 ? x[0] : j == 3 ? 0.7 : x[j]));
        buffer_print(&out, NULL, "\n");
    }
    put(name, &out);
}

static int read_recipe(const char *text, struct fit_recipe **ret_recipe, struct error *err)
{
    struct buffer out BUFFER_AUTO = {0};
    buffer_print(&out, NULL, "%s", text);
    put("recipe.yaml", &out);
    return fit_recipe_read(path_of("recipe.yaml"), ret_recipe, err);
}

struct fixture {
    struct fit_recipe *recipe;
    struct cohort cohort;
    struct fit_data data;
    struct fit_model model;
};

static void fixture_make(struct fixture *f, const char *cohort, const char *recipe)
{
    struct error err = {0};
    const struct fit_options options = {.seed = 1, .threads = 1};
    *f = (struct fixture){0};
    if (read_recipe(recipe, &f->recipe, &err) < 0 ||
        cohort_read(path_of(cohort), NULL, 0, &f->cohort, &err) < 0 ||
        fit_data_take(&f->cohort, "y", f->recipe, &f->data, &err) < 0 ||
        fit_train(&f->data, f->recipe, &options, NULL, 0, &f->model, &err) < 0)
        fail_msg("%s", err.message);
}

static void fixture_release(struct fixture *f)
{
    fit_model_release(&f->model);
    fit_data_release(&f->data);
    cohort_release(&f->cohort);
    fit_recipe_free(f->recipe);
}

static void test_recipes_refused(void **state)
{
    static const struct {
        const char *text, *reason;
    } cases[] = {
        {"format: 1\n", "either 'steps' or 'recalibrate'"},
        {"steps: [lasso]\n", "'format' is missing"},
        {"format: 1\nsteps: [lasso, zscore]\n", "the last step"},
        {"format: 1\nsteps: [boost]\n", "must be the name of a step"},
        {"format: 1\nsteps: [{lasso: {lamda: min}}]\n", "lamda"},
        {"format: 1\nsteps: [{lasso: {alpha: 2}}]\n", "between 0 and 1"},
        {"format: 1\nsteps: [lasso]\nrecalibrate: {}\n", "either"},
        {"format: 1\nsteps: [lasso]\ncutoff: {rule: fixed}\n", "'value' is missing"},
        {"format: 1\nsteps: [lasso]\nvalidation: {folds: 1}\n", "at least 2"},
        {"format: 1\nsteps: [lasso]\nbootstrap: {draws: 99}\n", "99"},
        {"format: 1\nrecalibrate: {}\nbootstrap: {}\n", "without steps"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct fit_recipe *recipe = NULL;
        struct error err = {0};
        assert_int_equal(read_recipe(cases[i].text, &recipe, &err), STATUS_INVALID);
        if (!strstr(err.message, cases[i].reason))
            fail_msg("'%s' says nothing of '%s'", err.message, cases[i].reason);
    }
}

static void test_missing_values(void **state)
{
    static const struct {
        const char *rule;
        size_t rows, columns;
    } cases[] = {{"drop_rows", 180, 19}, {"drop_columns", 200, 18}, {"median", 200, 19}};
    (void)state;
    for (size_t i = 0; i < 3; i++) {
        char text[400];
        struct fixture f;
        snprintf(text, sizeof text, "format: 1\ndata: {exclude: [id], missing: %s}\n"
                 "steps: [zscore, lasso]\n", cases[i].rule);
        fixture_make(&f, "signal.csv", text);
        assert_int_equal(f.data.values.rows, cases[i].rows);
        assert_int_equal(f.data.values.columns, cases[i].columns);
        assert_int_equal(f.data.dropped_rows, 200 - cases[i].rows);
        assert_int_equal(f.model.constant, 1);
        assert_int_equal(f.model.duplicates, 1);
        assert_true(f.model.has_lambda && f.model.term_count >= 2);
        for (size_t row = 0; row < f.data.values.rows; row++)
            assert_true(isfinite(fit_predict(&f.model, &f.data, row)));
        fixture_release(&f);
    }
}

/* Whether terms are stated with centre and scale changes how, not what. */
static void test_zscore_changes_the_wording_alone(void **state)
{
    struct fixture with, without;
    (void)state;
    fixture_make(&with, "signal.csv", "format: 1\n" DATA "steps: [zscore, t_test, logistic]\n");
    fixture_make(&without, "signal.csv", "format: 1\n" DATA "steps: [t_test, logistic]\n");
    assert_int_equal(with.model.term_count, without.model.term_count);
    assert_true(without.model.terms[0].centre == 0 && without.model.terms[0].scale == 1);
    assert_non_null(with.model.covariance);
    for (size_t i = 0; i < with.data.values.rows; i++)
        if (fabs(fit_predict(&with.model, &with.data, i) -
                 fit_predict(&without.model, &without.data, i)) > 1e-9)
            fail_msg("row %zu differs", i);
    /* The variance of a coefficient per unit is that of the standardised one by scale². */
    size_t side = with.model.term_count + 1;
    double scale = with.model.terms[0].scale;
    double expected = with.model.covariance[side + 1] / (scale * scale);
    assert_true(fabs(without.model.covariance[side + 1] - expected) < 1e-9 * expected);
    fixture_release(&with);
    fixture_release(&without);
}

static double nested_auc(const char *cohort, int threads, double *ret_apparent)
{
    struct fixture f;
    struct fit_validation v;
    struct error err = {0};
    const struct fit_options options = {.seed = 3, .threads = threads};
    fixture_make(&f, cohort, "format: 1\n" DATA
                 "steps: [zscore, {mann_whitney: {p_max: 0.2}}, {redundancy: {max: 0.6}},"
                 " {forest: {keep: 6, trees: 20}}, {lasso: {folds: 5}}]\n"
                 "validation: {folds: 4, repeats: 2}\n");
    if (fit_validate(&f.data, f.recipe, &options, &f.model, &v, &err) < 0)
        fail_msg("%s", err.message);
    double auc = v.auc.area;
    *ret_apparent = v.auc_apparent;
    fit_validation_release(&v);
    fixture_release(&f);
    return auc;
}

static void test_validation_is_honest(void **state)
{
    double apparent, noise, signal;
    (void)state;
    noise = nested_auc("noise.csv", 1, &apparent);
    assert_true(noise < 0.66); /* chance, give or take two standard errors and a half */
    signal = nested_auc("signal.csv", 1, &apparent);
    assert_true(signal > 0.75 && apparent > signal - 0.02);
    assert_true(nested_auc("signal.csv", 3, &apparent) == signal);
}

static void test_repeated_outlines(void **state)
{
    static const char *const texts[] = {"subject", "reader"};
    struct buffer out BUFFER_AUTO = {0};
    struct cohort repeats;
    struct fixture f;
    struct error err = {0};
    (void)state;
    buffer_print(&out, NULL, "subject,reader,x0,x1,x6\n");
    for (int s = 0; s < 20; s++)
        for (int r = 0; r < 2; r++)
            buffer_print(&out, NULL, "s%d,%c,%d,%d,%d\n", s, 'a' + r, 10 * s + r,
                         (s * 7 + r * 11) % 13, s);
    put("repeats.csv", &out);
    fixture_make(&f, "signal.csv", "format: 1\n" DATA "steps: [zscore, logistic]\n");
    assert_int_equal(cohort_read(path_of("repeats.csv"), texts, 2, &repeats, &err), 0);
    assert_int_equal(fit_data_repeats(&f.data, &repeats, FIT_ICC_2_1, &err), 0);
    assert_true(f.data.icc[0] > 0.9);  /* x0 */
    assert_true(f.data.icc[1] < 0.8);  /* x1 */
    assert_true(isnan(f.data.icc[2])); /* not read twice */
    fit_recipe_free(f.recipe);
    f.recipe = NULL;
    fit_model_release(&f.model);
    assert_int_equal(read_recipe("format: 1\n" DATA "steps: [icc, zscore, logistic]\n", &f.recipe,
                                 &err), 0);
    const struct fit_options options = {.seed = 1, .threads = 1};
    assert_int_equal(fit_train(&f.data, f.recipe, &options, NULL, 0, &f.model, &err), 0);
    assert_int_equal(f.model.term_count, 2); /* x0 and x6 */
    cohort_release(&repeats);
    fixture_release(&f);
}

static void test_bad_tables(void **state)
{
    static const struct {
        const char *table, *reason;
    } cases[] = {
        {"y,x\n1,2\n0,3\n", "2 rows to fit"},
        {"y,x\n1,1\n1,2\n1,3\n1,4\n1,5\n1,6\n1,7\n1,8\n1,9\n1,10\n1,11\n", "one outcome only"},
        {"y,x\n2,1\n0,2\n", "y"},
        {"y,x\n1,a\n0,b\n", "no column to fit"},
        {"z,x\n1,a\n0,b\n", "y"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct buffer out BUFFER_AUTO = {0};
        struct fit_recipe *recipe;
        struct cohort cohort;
        struct fit_data data = {0};
        struct error err = {0};
        buffer_print(&out, NULL, "%s", cases[i].table);
        put("bad.csv", &out);
        assert_int_equal(read_recipe("format: 1\nsteps: [lasso]\n", &recipe, &err), 0);
        assert_int_equal(cohort_read(path_of("bad.csv"), NULL, 0, &cohort, &err), 0);
        assert_true(fit_data_take(&cohort, "y", recipe, &data, &err) < 0);
        if (!strstr(err.message, cases[i].reason))
            fail_msg("'%s' says nothing of '%s'", err.message, cases[i].reason);
        cohort_release(&cohort);
        fit_recipe_free(recipe);
    }
}

/* ---- packages ---- */

static void write_package(const struct fixture *f, const struct package *base, const char *name)
{
    struct error err = {0};
    struct package *made;
    const struct package_options making = {.allow_unsigned = true, .without_manifest = true};
    const struct package_nets none = {0};
    const struct fit_result result = {
        .recipe = f->recipe, .base = base, .data = &f->data, .model = &f->model,
        .outcome = "y", .has_cutoff = true, .cutoff = 0.4,
        .cohort_sha256 = "0123", .recipe_file = "recipe.yaml", .seed = 1};
    struct fit_result named = result;
    char recipe[2 * PATH_SIZE], out[2 * PATH_SIZE];
    snprintf(recipe, sizeof recipe, "%s/recipe.yaml", folder);
    snprintf(out, sizeof out, "%s/%s", folder, name);
    named.recipe_file = recipe;
    if (fit_write(&named, out, &err) < 0 || package_open(out, &making, &made, &err) < 0 ||
        package_selftest_write(made, &none, &err) < 0 || package_manifest_write(out, &err) < 0)
        fail_msg("%s", err.message);
    package_free(made);
    assert_int_equal(fit_write(&named, out, &err), STATUS_CONFLICT); /* not over what is there */
}

static struct package *open_package(const char *name)
{
    const struct package_options trust = {.allow_unsigned = true};
    const struct package_nets none = {0};
    struct package *package;
    struct error err = {0};
    if (package_open(path_of(name), &trust, &package, &err) < 0 ||
        package_selftest(package, &none, &err) < 0)
        fail_msg("%s", err.message);
    return package;
}

static void test_package_scores_as_fitted(void **state)
{
    struct fixture f;
    double predictors[200];
    struct error err = {0};
    (void)state;
    fixture_make(&f, "signal.csv", PACKAGE DATA "steps: [zscore, t_test, logistic]\n");
    write_package(&f, NULL, "made");
    struct package *package = open_package("made");
    assert_string_equal(package->intended_use, "A test: \"quotes\", #, and so on");
    assert_int_equal(package->term_count, f.model.term_count);
    assert_non_null(package->covariance);
    assert_int_equal(package->incomplete_count, 1);
    assert_int_equal(score_table(package, NULL, &f.cohort, predictors, NULL, &err), 0);
    for (size_t i = 0; i < f.data.values.rows; i++)
        if (fabs(predictors[f.data.source_rows[i]] - fit_predict(&f.model, &f.data, i)) > 1e-9)
            fail_msg("row %zu differs", i);
    /* A score that is not the one its self-test was written for is refused. */
    package->terms[0].coefficient += 0.01;
    assert_int_equal(package_selftest(package, &(struct package_nets){0}, &err), STATUS_CONFLICT);
    package_free(package);
    fixture_release(&f);
}

/* The outcome falls under another intercept and slope: recalibration finds them. */
static void test_recalibration(void **state)
{
    struct fixture f;
    struct cohort cohort;
    struct fit_recipe *recipe;
    struct fit_data data;
    struct fit_model model;
    double before[200], after[200];
    struct error err = {0};
    const struct fit_options options = {.seed = 1, .threads = 1};
    (void)state;
    fixture_make(&f, "signal.csv", PACKAGE DATA "steps: [zscore, {t_test: {p_max: 0.001}}, "
                                                "logistic]\n");
    write_package(&f, NULL, "base");
    fixture_release(&f);
    struct package *base = open_package("base");
    assert_int_equal(cohort_read(path_of("other.csv"), NULL, 0, &cohort, &err), 0);
    assert_int_equal(score_table(base, NULL, &cohort, before, NULL, &err), 0);
    assert_int_equal(fit_data_take_predictor(&cohort, "y", before, &data, &err), 0);
    for (int slope = 0; slope < 2; slope++) {
        char text[200];
        snprintf(text, sizeof text, "format: 1\npackage: {version: local}\n"
                 "recalibrate: {update: intercept%s}\n", slope ? "_slope" : "");
        assert_int_equal(read_recipe(text, &recipe, &err), 0);
        assert_int_equal(fit_train(&data, recipe, &options, NULL, 0, &model, &err), 0);
        double a = model.intercept, b = model.terms[0].coefficient, excess = 0;
        for (size_t i = 0; i < data.values.rows; i++)
            excess += data.outcome[i] - 1 / (1 + exp(-fit_predict(&model, &data, i)));
        assert_true(fabs(excess) < 1e-6);
        assert_true(slope ? b != 1 : b == 1);
        struct fixture again = {.recipe = recipe, .data = data, .model = model};
        write_package(&again, base, slope ? "recalibrated2" : "recalibrated1");
        struct package *made = open_package(slope ? "recalibrated2" : "recalibrated1");
        assert_string_equal(made->name, "test");
        assert_string_equal(made->version, "local");
        assert_int_equal(score_table(made, NULL, &cohort, after, NULL, &err), 0);
        for (size_t i = 0; i < cohort.rows; i++)
            if (fabs(after[i] - (a + b * before[i])) > 1e-9)
                fail_msg("row %zu differs", i);
        package_free(made);
        fit_model_release(&model);
        fit_recipe_free(recipe);
    }
    fit_data_release(&data);
    cohort_release(&cohort);
    package_free(base);
}

static int set_up(void **state)
{
    (void)state;
    snprintf(folder, sizeof folder, "/tmp/axnode-fit-XXXXXX");
    if (!mkdtemp(folder))
        return -1;
    make_cohort("signal.csv", 200, 20, 1, true);
    make_cohort("other.csv", 200, 20, 2, true);
    make_cohort("noise.csv", 200, 40, 3, false);
    return 0;
}

static int tear_down(void **state)
{
    char command[PATH_SIZE + 20];
    (void)state;
    snprintf(command, sizeof command, "rm -rf '%s'", folder);
    return system(command);
}

/* Spread of one coefficient over the sets. */
static double spread_of(const struct fit_model *model, size_t place)
{
    size_t side = model->term_count + 1;
    double sum = 0, squares = 0, n = (double)model->bootstrap_count;
    for (size_t i = 0; i < model->bootstrap_count; i++) {
        double value = model->bootstrap[i * side + place];
        sum += value;
        squares += value * value;
    }
    return sqrt(squares / n - sum / n * (sum / n));
}

/* An ordinary regression's sets vary about as its covariance says; the intercept's less, since each
 * draw has the same number of outcomes. */
static void test_bootstrap_varies_as_the_covariance(void **state)
{
    static const char *const scaling[] = {"zscore, ", ""};
    (void)state;
    for (int i = 0; i < 2; i++) {
        struct fixture f;
        struct error err = {0};
        char recipe[200];
        snprintf(recipe, sizeof recipe, "format: 1\ndata: {include: [x0, x1, x6]}\nsteps: [%s"
                 "logistic]\nbootstrap: {draws: 500}\n", scaling[i]);
        fixture_make(&f, "noise.csv", recipe);
        const struct fit_options options = {.seed = 1, .threads = 1};
        assert_int_equal(fit_bootstrap(&f.data, f.recipe, &options, &f.model, &err), 0);
        assert_int_equal(f.model.bootstrap_count, 500);
        for (size_t k = 1; k < 4; k++) {
            double ratio = spread_of(&f.model, k) / sqrt(f.model.covariance[k * 4 + k]);
            if (!(ratio > 0.8 && ratio < 1.25))
                fail_msg("term %zu varies %g times as much as its covariance says", k, ratio);
        }
        fixture_release(&f);
    }
}

static void test_bootstrap_in_the_package(void **state)
{
    struct fixture f, other;
    struct error err = {0};
    const char *recipe = PACKAGE DATA "steps: [zscore, lasso]\nbootstrap: {draws: 100}\n";
    const struct fit_options one = {.seed = 1, .threads = 1}, three = {.seed = 1, .threads = 3};
    (void)state;
    fixture_make(&other, "signal.csv", recipe);
    fixture_make(&f, "signal.csv", recipe);
    assert_int_equal(fit_bootstrap(&f.data, f.recipe, &one, &f.model, &err), 0);
    assert_int_equal(fit_bootstrap(&other.data, other.recipe, &three, &other.model, &err), 0);
    size_t side = f.model.term_count + 1;
    assert_memory_equal(f.model.bootstrap, other.model.bootstrap,
                        100 * side * sizeof *f.model.bootstrap);
    assert_true(spread_of(&f.model, 1) > 0.01);
    write_package(&f, NULL, "bootstrap");
    struct package *package = open_package("bootstrap");
    assert_int_equal(package->bootstrap_count, 100);
    assert_null(package->covariance);
    for (size_t i = 0; i < 100 * side; i++)
        assert_true(fabs(package->bootstrap[i] - f.model.bootstrap[i]) < 1e-12);
    package_free(package);
    fixture_release(&f);
    fixture_release(&other);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_recipes_refused),
        cmocka_unit_test(test_missing_values),
        cmocka_unit_test(test_zscore_changes_the_wording_alone),
        cmocka_unit_test(test_validation_is_honest),
        cmocka_unit_test(test_repeated_outlines),
        cmocka_unit_test(test_bad_tables),
        cmocka_unit_test(test_package_scores_as_fitted),
        cmocka_unit_test(test_recalibration),
        cmocka_unit_test(test_bootstrap_varies_as_the_covariance),
        cmocka_unit_test(test_bootstrap_in_the_package),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
