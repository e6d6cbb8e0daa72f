/* axnode fit: a model package from a table of features and outcomes. */
#include <getopt.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/digest.h"
#include "base/number.h"
#include "cli/command.h"
#include "cli/session.h"
#include "db/cohort.h"
#include "model/fit/bootstrap.h"
#include "model/fit/write.h"
#include "model/score/table.h"
#include "service/analyser.h"
#include "service/program.h"

enum { THREADS_MAX = 256, SCORES_MAX = 8 };

static const char usage_text[] =
    "Usage: axnode fit --cohort C.csv --outcome COLUMN --recipe R.yaml --out DIR [OPTION…]\n"
    "       axnode fit --from-db --outcome-table T --outcome COLUMN --recipe R.yaml --out DIR\n"
    "Carry out the steps of a recipe on a cohort and write a complete model package. C.csv has a\n"
    "line per patient and a column per feature; the outcome is 0 or 1. Recipes: docs/fit.md;\n"
    "examples: docs/recipes. --from-db: features that the service stored, joined with a table of\n"
    "the same database that has 'study_uid', or 'patient_id' and 'issuer', and the outcome.\n"
    "\n"
    "  --package FOLDER  build on this package: its networks and settings are taken over, so that\n"
    "                    the new score works from pictures; what 'recalibrate' recalibrates\n"
    "  --scored-by NAME@VERSION  with --from-db: the package whose results count\n"
    "  --score NAME=FOLDER  the model of a package becomes a score of the new one, and a column\n"
    "                    NAME for the recipe; may be repeated (docs/fit.md)\n"
    "  --repeats R.csv   features of repeated outlines for an icc step: a line per 'subject' and\n"
    "                    'reader'\n"
    "  --seed S          of folds and forests (default: 1): the same seed, the same package\n"
    "  --threads N       (default: one per processor; the result does not depend on it)\n"
    "  --json            print the facts of the fit as JSON\n"
    "  --config FILE     settings (default: $AXNODE_CONFIG, then /etc/axnode/axnode.yaml if any):\n"
    "                    the keys that packages must be signed with\n";

struct fit {
    const char *cohort, *outcome, *recipe_file, *out, *package, *repeats, *config;
    const char *outcome_table, *scored_by; /* with from_db, in place of `cohort` */
    bool from_db;
    int64_t seed, threads;
    bool json;
    struct fit_recipe *recipe;
    struct package *base;
    char *score_options[SCORES_MAX]; /* "NAME=FOLDER", cut at '=' when they are opened */
    struct fit_score scores[SCORES_MAX];
    struct package *score_packages[SCORES_MAX];
    size_t score_count;
    struct fit_data data;
    struct fit_model model;
    struct fit_validation validation;
    struct fit_result result;
    char cohort_sha256[DIGEST_TEXT_SIZE], repeats_sha256[DIGEST_TEXT_SIZE];
};

static int options_read(struct fit *f, int argc, char **argv)
{
    static const struct option options[] = {{"cohort", required_argument, NULL, 'c'},
                                            {"from-db", no_argument, NULL, 'd'},
                                            {"outcome-table", required_argument, NULL, 'T'},
                                            {"scored-by", required_argument, NULL, 'S'},
                                            {"outcome", required_argument, NULL, 'y'},
                                            {"recipe", required_argument, NULL, 'r'},
                                            {"out", required_argument, NULL, 'o'},
                                            {"package", required_argument, NULL, 'p'},
                                            {"score", required_argument, NULL, 'z'},
                                            {"repeats", required_argument, NULL, 'i'},
                                            {"seed", required_argument, NULL, 's'},
                                            {"threads", required_argument, NULL, 't'},
                                            {"json", no_argument, NULL, 'j'},
                                            {"config", required_argument, NULL, 'f'},
                                            {"help", no_argument, NULL, 'h'},
                                            {0}};
    struct error err = {0};
    int option, status = 0;
    while ((option = getopt_long(argc, argv, "h", options, NULL)) != -1 && status == 0) {
        switch (option) {
        case 'c': f->cohort = optarg; break;
        case 'd': f->from_db = true; break;
        case 'T': f->outcome_table = optarg; break;
        case 'S': f->scored_by = optarg; break;
        case 'y': f->outcome = optarg; break;
        case 'r': f->recipe_file = optarg; break;
        case 'o': f->out = optarg; break;
        case 'p': f->package = optarg; break;
        case 'z':
            if (f->score_count == SCORES_MAX || !strchr(optarg, '='))
                return command_usage(argv[0], "--score takes NAME=FOLDER, at most %d times",
                                     SCORES_MAX);
            f->score_options[f->score_count++] = optarg;
            break;
        case 'i': f->repeats = optarg; break;
        case 's': status = number_parse_int(optarg, 0, INT64_MAX, &f->seed, &err); break;
        case 't': status = number_parse_int(optarg, 1, THREADS_MAX, &f->threads, &err); break;
        case 'j': f->json = true; break;
        case 'f': f->config = optarg; break;
        case 'h': fputs(usage_text, stdout); return EXIT_DONE;
        default: return command_usage(argv[0], NULL);
        }
    }
    if (status < 0)
        return command_usage(argv[0], "--seed and --threads take whole numbers");
    if (optind < argc || f->from_db == !!f->cohort || !f->outcome || !f->recipe_file || !f->out)
        return command_usage(argv[0], "say --cohort or --from-db, --outcome, --recipe and --out");
    if (f->from_db != !!f->outcome_table || (f->scored_by && !f->from_db))
        return command_usage(argv[0], "--from-db needs --outcome-table, which like --scored-by has "
                                      "no meaning without it");
    return -1;
}

static void show_progress(void *context, const char *what, double done)
{
    (void)context;
    fprintf(stderr, "\r\033[K%3.0f %%  %s", 100 * done, what);
}

/* ---- what goes in ---- */

static int take_predictors(struct fit *f, const struct cohort *cohort, struct error *err)
{
    double *predictors = calloc(cohort->rows + 1, sizeof *predictors);
    if (!predictors)
        return error_set(err, STATUS_NOMEM, "out of memory for a cohort");
    int status = score_table(f->base, NULL, cohort, predictors, NULL, err);
    if (status == 0)
        status = fit_data_take_predictor(cohort, f->outcome, predictors, &f->data, err);
    free(predictors);
    return status;
}

static int read_file(struct fit *f, struct cohort *ret_cohort, struct error *err)
{
    int status = digest_file(f->cohort, f->cohort_sha256, NULL, err);
    return status < 0 ? status : cohort_read(f->cohort, NULL, 0, ret_cohort, err);
}

/* As text in memory: nothing of it is left in any file. */
static int read_text(struct fit *f, char *text, size_t size, struct cohort *ret_cohort,
                     struct error *err)
{
    uint8_t digest[DIGEST_SIZE];
    FILE *file = size > 0 ? fmemopen(text, size, "r") : NULL;
    if (!file)
        return error_set(err, STATUS_NOMEM, "out of memory for a cohort");
    digest_bytes(text, size, digest);
    digest_format(digest, f->cohort_sha256);
    int status = cohort_read_file(file, "the database's features", NULL, 0, ret_cohort, err);
    fclose(file);
    return status;
}

static int read_database(struct fit *f, struct cohort *ret_cohort, struct error *err)
{
    const struct cohort_query query = {f->outcome_table, f->outcome, f->scored_by};
    struct session session = {.config = f->config};
    char *text = NULL;
    size_t size = 0, left_out = 0;
    FILE *out = open_memstream(&text, &size);
    if (!out)
        return error_set(err, STATUS_NOMEM, "out of memory for a cohort");
    int status = session_open(&session, true, err);
    if (status == 0)
        status = cohort_write(session.db, &query, out, &left_out, err);
    session_release(&session);
    if (fclose(out) != 0 && status == 0)
        status = error_set(err, STATUS_NOMEM, "out of memory for a cohort");
    if (status == 0 && left_out > 0)
        fprintf(stderr, "axnode: warning: %zu studies of patients with several were left out\n",
                left_out);
    if (status == 0)
        status = read_text(f, text, size, ret_cohort, err);
    free(text);
    return status;
}

/* ---- scores of a first step ---- */

static int open_score(struct fit *f, size_t place, const struct package_options *trust,
                      struct error *err)
{
    char *equals = strchr(f->score_options[place], '=');
    *equals = '\0';
    int status = package_open(equals + 1, trust, &f->score_packages[place], err);
    if (status < 0)
        return status;
    const struct package *package = f->score_packages[place];
    f->scores[place] = (struct fit_score){f->score_options[place], package};
    if (!package->has_model || !package->has_intercept || package->score_count > 0)
        return error_set(err, STATUS_INVALID, "package %s is no score: it needs a model with an "
                         "intercept and no scores of its own", package->name);
    return 0;
}

/* Its linear predictor as a column. */
static int add_score(const struct fit_score *score, struct cohort *cohort, struct error *err)
{
    double *values = calloc(cohort->rows + 1, sizeof *values);
    if (!values)
        return error_set(err, STATUS_NOMEM, "out of memory for a cohort");
    int status = score_table(score->package, NULL, cohort, values, NULL, err);
    if (status == 0)
        status = cohort_add(cohort, score->name, values, err);
    free(values);
    return status;
}

static int read_cohort(struct fit *f, struct error *err)
{
    struct cohort cohort = {0};
    int status = f->from_db ? read_database(f, &cohort, err) : read_file(f, &cohort, err);
    for (size_t i = 0; i < f->score_count && status == 0; i++)
        status = add_score(&f->scores[i], &cohort, err);
    if (status < 0) {
        cohort_release(&cohort);
        return status;
    }
    status = f->recipe->update != FIT_UPDATE_NONE
                 ? take_predictors(f, &cohort, err)
                 : fit_data_take(&cohort, f->outcome, f->recipe, &f->data, err);
    cohort_release(&cohort);
    return status;
}

static int read_repeats(struct fit *f, struct error *err)
{
    static const char *const texts[] = {"subject", "reader"};
    enum fit_icc form = FIT_ICC_2_1;
    struct cohort cohort;
    if (!f->repeats)
        return 0;
    for (size_t i = 0; i < f->recipe->step_count; i++)
        if (f->recipe->steps[i].kind == FIT_STEP_ICC)
            form = f->recipe->steps[i].icc;
    int status = digest_file(f->repeats, f->repeats_sha256, NULL, err);
    if (status == 0)
        status = cohort_read(f->repeats, texts, 2, &cohort, err);
    if (status < 0)
        return status;
    status = fit_data_repeats(&f->data, &cohort, form, err);
    cohort_release(&cohort);
    return status;
}

static int read_inputs(struct fit *f, const struct package_options *trust, struct error *err)
{
    char folder[PATH_MAX];
    int status = fit_recipe_read(f->recipe_file, &f->recipe, err);
    if (status == 0 && f->recipe->update != FIT_UPDATE_NONE && !f->package)
        status = error_set(err, STATUS_INVALID, "a recipe with 'recalibrate' needs --package");
    if (status == 0 && f->package)
        status = program_package(f->package, folder, err);
    if (status == 0 && f->package)
        status = package_open(folder, trust, &f->base, err);
    if (status == 0 && f->recipe->update != FIT_UPDATE_NONE && !f->base->has_model)
        status = error_set(err, STATUS_INVALID, "package %s has no model to recalibrate",
                           f->base->name);
    for (size_t i = 0; i < f->score_count && status == 0; i++)
        status = open_score(f, i, trust, err);
    if (status == 0)
        status = read_cohort(f, err);
    return status < 0 ? status : read_repeats(f, err);
}

/* ---- fitting ---- */

static int compute(struct fit *f, struct error *err)
{
    struct fit_progress progress = {.tell = show_progress};
    const struct fit_recipe *recipe = f->recipe;
    struct fit_options options = {
        .seed = (uint64_t)f->seed, .threads = (int)f->threads,
        .progress = isatty(STDERR_FILENO) ? &progress : NULL};
    progress.span = 1 / (1.0 + (double)recipe->folds * recipe->repeats);
    int status = fit_train(&f->data, recipe, &options, NULL, 0, &f->model, err);
    progress.from = progress.span;
    progress.span = 1 - progress.from;
    if (status == 0 && recipe->folds > 0)
        status = fit_validate(&f->data, recipe, &options, &f->model, &f->validation, err);
    if (status == 0 && recipe->bootstrap > 0)
        status = fit_bootstrap(&f->data, recipe, &options, &f->model, err);
    if (options.progress)
        fputs("\r\033[K", stderr);
    return status;
}

static int choose_cutoff(struct fit *f, struct error *err)
{
    size_t rows = f->data.values.rows;
    double *fitted = calloc(rows + 1, sizeof *fitted);
    if (!fitted)
        return error_set(err, STATUS_NOMEM, "out of memory for a cut-off");
    for (size_t i = 0; i < rows; i++)
        fitted[i] = fit_predict(&f->model, &f->data, i);
    const double *predictor = f->validation.predictor ? f->validation.predictor : fitted;
    int status = fit_choose_cutoff(f->recipe, predictor, f->data.outcome, rows,
                                   &f->result.cutoff, err);
    f->result.has_cutoff = status == 0;
    free(fitted);
    return status;
}

/* ---- what comes out ---- */

/* The self-test needs the networks, where there are any; the manifest comes last. */
static int finish_package(struct fit *f, const char *onnxruntime, struct error *err)
{
    const struct package_options making = {.allow_unsigned = true, .without_manifest = true};
    struct analyser a = {0};
    const char *library = onnxruntime && *onnxruntime ? onnxruntime : NULL;
    int status = package_open(f->out, &making, &a.package, err);
    bool networks = status == 0 &&
                    (a.package->networks[ROI_TUMOUR].present ||
                     a.package->networks[ROI_NODE].present || a.package->view.present ||
                     a.package->deep_count > 0);
    if (networks)
        status = net_library_open(library, &a.library, err);
    if (networks && status == 0)
        status = package_nets_open(a.package, a.library, &a.nets, err);
    if (status == 0)
        status = package_selftest_write(a.package, &a.nets, err);
    if (status == 0)
        status = package_manifest_write(f->out, err);
    analyser_release(&a);
    return status;
}

static int write_package(struct fit *f, const char *onnxruntime, struct error *err)
{
    f->result = (struct fit_result){
        .recipe = f->recipe, .base = f->base, .scores = f->scores,
        .score_count = f->score_count, .data = &f->data, .model = &f->model,
        .validation = f->validation.predictor ? &f->validation : NULL, .outcome = f->outcome,
        .cohort_sha256 = f->cohort_sha256,
        .repeats_sha256 = *f->repeats_sha256 ? f->repeats_sha256 : NULL,
        .recipe_file = f->recipe_file, .seed = (uint64_t)f->seed};
    int status = f->recipe->cutoff == FIT_CUTOFF_NONE ? 0 : choose_cutoff(f, err);
    if (status == 0)
        status = fit_write(&f->result, f->out, err);
    return status < 0 ? status : finish_package(f, onnxruntime, err);
}

static int print_result(const struct fit *f)
{
    const struct fit_validation *v = &f->validation;
    if (f->json) {
        cJSON *json = fit_describe(&f->result);
        int status = command_print_json(json);
        cJSON_Delete(json);
        return status;
    }
    printf("%s: fitted on %zu patients, %zu with the outcome (%zu rows dropped)\n", f->out,
           f->model.rows, f->model.positives, f->data.dropped_rows);
    for (size_t i = 0; i < f->model.report_count; i++)
        printf("  %-13s %zu features, then %zu\n", fit_step_name(f->model.reports[i].kind),
               f->model.reports[i].before, f->model.reports[i].after);
    if (f->model.has_lambda)
        printf("  lambda        %.6g\n", f->model.lambda);
    if (v->predictor)
        printf("  AUC           %.3f (%.3f to %.3f) by nested cross-validation; %.3f on its own "
               "patients\n", v->auc.area, v->auc.ci95.low, v->auc.ci95.high, v->auc_apparent);
    if (v->has_calibration)
        printf("  calibration   slope %.2f (%.2f to %.2f), Brier score %.3f\n",
               v->calibration.slope, v->calibration.slope_ci95.low, v->calibration.slope_ci95.high,
               v->brier.score);
    if (f->result.has_cutoff)
        printf("  cut-off       %.3f\n", f->result.cutoff);
    return EXIT_DONE;
}

int command_fit(int argc, char **argv)
{
    struct fit f = {.seed = 1, .threads = sysconf(_SC_NPROCESSORS_ONLN)};
    struct analyser_options options = {.trust.allow_unsigned = true};
    const struct settings *settings = NULL;
    struct error err = {0};
    int status = options_read(&f, argc, argv);
    if (status >= 0)
        return status;
    status = command_settings_if_any(f.config, &settings, &err);
    if (status == 0 && settings)
        options = analyser_options_of(settings);
    if (status == 0)
        status = read_inputs(&f, &options.trust, &err);
    if (status == 0)
        status = compute(&f, &err);
    if (status == 0)
        status = write_package(&f, options.onnxruntime, &err);
    status = status < 0 ? command_failed(&err) : print_result(&f);
    fit_validation_release(&f.validation);
    fit_model_release(&f.model);
    fit_data_release(&f.data);
    for (size_t i = 0; i < f.score_count; i++)
        package_free(f.score_packages[i]);
    package_free(f.base);
    fit_recipe_free(f.recipe);
    settings_free(settings);
    return status;
}
