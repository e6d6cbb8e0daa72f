/* axnode evaluate: a score or a package against known outcomes. */
#include <getopt.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/digest.h"
#include "base/file.h"
#include "base/number.h"
#include "cli/command.h"
#include "model/cohort.h"
#include "model/score/table.h"
#include "model/statistics/bootstrap.h"
#include "report/evaluation.h"
#include "service/analyser.h"

static const char usage_text[] =
    "Usage: axnode evaluate --cohort C.csv --outcome COLUMN (--score COLUMN | --package FOLDER)\n"
    "                       [OPTION…]\n"
    "How good a score is in patients whose outcome is known: area under the ROC curve,\n"
    "operating points, calibration, net benefit. C.csv has a line per patient; the outcome is 0 or\n"
    "1; lines without outcome or score are left out and counted. A package is computed from\n"
    "columns named like its features; an incomplete one ranks by its linear predictor.\n"
    "\n"
    "  --package-score NAME      one of the package's scores, in place of its model\n"
    "  --compare COLUMN          a second score for the same patients: DeLong's test, and for\n"
    "                            probabilities NRI and IDI (from the second to the first)\n"
    "  --compare-package FOLDER  the same with a package\n"
    "  --compare-package-score NAME  one of its scores\n"
    "  --cutoff X                'score >= X' is positive (default: the package's cut-off)\n"
    "  --subgroup COLUMN         figures for each value of a column; may be repeated\n"
    "  --bootstrap N             draws for the bootstrap intervals (default: 2000; 0: none)\n"
    "  --seed S                  of the draws (default: 1)\n"
    "  --report DIR              write DIR/evaluation.html and DIR/evaluation.json\n"
    "  --json                    print everything as JSON\n"
    "  --config FILE             settings (default: $AXNODE_CONFIG, then /etc/axnode/axnode.yaml\n"
    "                            if any): the keys that packages must be signed with\n";

enum { GROUPINGS_MAX = 16 };

/* A score is a column or a package. */
struct source {
    const char *column, *folder;
    const char *part; /* the package's score; NULL: its model */
    struct package *package;
    double *computed;     /* of a package, [rows] */
    const double *values; /* borrowed from `computed` or the cohort */
    char name[224];
};

struct evaluate {
    const char *cohort_path, *outcome, *report, *config;
    struct source sources[EVALUATION_SCORES];
    const char *groupings[GROUPINGS_MAX];
    size_t grouping_count;
    bool has_cutoff, json;
    double cutoff;
    int64_t replicates, seed;
};

static int set_option(struct evaluate *e, int option, const char *value, struct error *err)
{
    switch (option) {
    case 'c': e->cohort_path = value; return 0;
    case 'o': e->outcome = value; return 0;
    case 's': e->sources[0].column = value; return 0;
    case 'p': e->sources[0].folder = value; return 0;
    case 'S': e->sources[1].column = value; return 0;
    case 'P': e->sources[1].folder = value; return 0;
    case 'n': e->sources[0].part = value; return 0;
    case 'N': e->sources[1].part = value; return 0;
    case 'r': e->report = value; return 0;
    case 'C': e->config = value; return 0;
    case 'j': e->json = true; return 0;
    case 'x': e->has_cutoff = true; return number_parse_double(value, &e->cutoff, err);
    case 'b': return number_parse_int(value, 0, BOOTSTRAP_REPLICATES_MAX, &e->replicates, err);
    case 'e': return number_parse_int(value, 0, UINT32_MAX, &e->seed, err);
    default:
        if (e->grouping_count == GROUPINGS_MAX)
            return error_set(err, STATUS_LIMIT, "more than %d columns", GROUPINGS_MAX);
        e->groupings[e->grouping_count++] = value;
        return 0;
    }
}

/* -1: go on; else the exit status. */
static int options_read(struct evaluate *e, int argc, char **argv)
{
    static const struct option options[] = {{"cohort", required_argument, NULL, 'c'},
                                            {"outcome", required_argument, NULL, 'o'},
                                            {"score", required_argument, NULL, 's'},
                                            {"package", required_argument, NULL, 'p'},
                                            {"package-score", required_argument, NULL, 'n'},
                                            {"compare", required_argument, NULL, 'S'},
                                            {"compare-package", required_argument, NULL, 'P'},
                                            {"compare-package-score", required_argument, NULL,
                                             'N'},
                                            {"cutoff", required_argument, NULL, 'x'},
                                            {"subgroup", required_argument, NULL, 'g'},
                                            {"bootstrap", required_argument, NULL, 'b'},
                                            {"seed", required_argument, NULL, 'e'},
                                            {"report", required_argument, NULL, 'r'},
                                            {"json", no_argument, NULL, 'j'},
                                            {"config", required_argument, NULL, 'C'},
                                            {"help", no_argument, NULL, 'h'},
                                            {0}};
    int option, index = 0;
    while ((option = getopt_long(argc, argv, "h", options, &index)) != -1) {
        struct error err = {0};
        if (option == 'h') {
            fputs(usage_text, stdout);
            return EXIT_DONE;
        }
        if (option == '?')
            return command_usage(argv[0], NULL);
        if (set_option(e, option, optarg, &err) < 0)
            return command_usage(argv[0], "--%s '%s': %s", options[index].name, optarg,
                                 err.message);
    }
    if (optind != argc || !e->cohort_path || !e->outcome ||
        !e->sources[0].column == !e->sources[0].folder)
        return command_usage(argv[0], "--cohort, --outcome and one of --score and --package are "
                                      "needed");
    if (e->sources[1].column && e->sources[1].folder)
        return command_usage(argv[0], "--compare and --compare-package exclude each other");
    for (size_t k = 0; k < EVALUATION_SCORES; k++)
        if (e->sources[k].part && !e->sources[k].folder)
            return command_usage(argv[0], "'%s' is a score of no package", e->sources[k].part);
    if (e->replicates > 0 && e->replicates < 10)
        return command_usage(argv[0], "--bootstrap '%d': 0, or at least 10", (int)e->replicates);
    return -1;
}

static int open_package(const struct evaluate *e, struct source *s, struct error *err)
{
    const struct settings *settings = NULL;
    struct package_options trust = {.allow_unsigned = true};
    int status = command_settings_if_any(e->config, &settings, err);
    if (status < 0)
        return status;
    if (settings)
        trust = analyser_options_of(settings).trust;
    status = package_open(s->folder, &trust, &s->package, err);
    settings_free(settings);
    return status;
}

static int compute_package(const struct evaluate *e, struct source *s,
                           const struct cohort *cohort, struct error *err)
{
    int status = open_package(e, s, err);
    if (status < 0)
        return status;
    bool risks = score_table_gives_risks(s->package, s->part);
    double *predictors = calloc(cohort->rows, sizeof *predictors);
    s->computed = calloc(cohort->rows, sizeof *s->computed);
    status = predictors && s->computed
                 ? score_table(s->package, s->part, cohort, predictors, s->computed, err)
                 : error_set(err, STATUS_NOMEM, "out of memory for %zu scores", cohort->rows);
    if (status == 0 && !risks)
        memcpy(s->computed, predictors, cohort->rows * sizeof *predictors);
    free(predictors);
    s->values = s->computed;
    snprintf(s->name, sizeof s->name, "%s %s%s%s%s", s->package->name, s->package->version,
             s->part ? " " : "", s->part ? s->part : "", risks ? "" : " (linear predictor)");
    return status;
}

static int load_source(const struct evaluate *e, struct source *s, const struct cohort *cohort,
                       struct error *err)
{
    if (s->folder)
        return compute_package(e, s, cohort, err);
    snprintf(s->name, sizeof s->name, "%s", s->column);
    return cohort_numbers(cohort, s->column, &s->values, err);
}

static bool has_second(const struct evaluate *e)
{
    return e->sources[1].column || e->sources[1].folder;
}

static int run(struct evaluate *e, const struct cohort *cohort, struct evaluation *ret_evaluation,
               struct error *err)
{
    struct evaluation_grouping groupings[GROUPINGS_MAX];
    struct evaluation_input in = {.rows = cohort->rows,
                                  .groupings = groupings,
                                  .grouping_count = e->grouping_count,
                                  .replicates = (size_t)e->replicates,
                                  .seed = (uint64_t)e->seed};
    int status = cohort_outcome(cohort, e->outcome, &in.outcomes, err);
    for (size_t k = 0; k < (has_second(e) ? 2 : 1) && status == 0; k++) {
        status = load_source(e, &e->sources[k], cohort, err);
        in.scores[k] = e->sources[k].values;
        in.names[k] = e->sources[k].name;
    }
    if (status < 0)
        return status;
    for (size_t i = 0; i < e->grouping_count; i++) /* cohort_read has found them all */
        groupings[i] = (struct evaluation_grouping){
            e->groupings[i], cohort_find(cohort, e->groupings[i])->texts};
    const struct package *package = e->sources[0].package;
    if (!e->has_cutoff && package && package->has_cutoff &&
        score_table_gives_risks(package, e->sources[0].part)) {
        e->has_cutoff = true;
        e->cutoff = package->cutoff;
    }
    in.has_cutoff = e->has_cutoff;
    in.cutoff = e->cutoff;
    return evaluation_run(&in, ret_evaluation, err);
}

/* ---- output ---- */

static void print_proportion(const char *name, struct proportion p)
{
    if (p.total == 0)
        printf("    %-12s not defined\n", name);
    else
        printf("    %-12s %5.1f %%  (%.1f to %.1f)  %zu of %zu\n", name, 100 * p.value,
               100 * p.ci95.low, 100 * p.ci95.high, p.count, p.total);
}

static void print_point(const char *title, const struct operating_point *o)
{
    printf("  at %.4g (%s)\n", o->cutoff, title);
    print_proportion("sensitivity", o->sensitivity);
    print_proportion("specificity", o->specificity);
    print_proportion("PPV", o->ppv);
    print_proportion("NPV", o->npv);
    print_proportion("accuracy", o->accuracy);
}

static void print_score(const struct evaluation_score *s, bool bootstrap)
{
    printf("%s\n  AUC %.3f (%.3f to %.3f, DeLong)", s->name, s->auc.area, s->auc.ci95.low,
           s->auc.ci95.high);
    if (bootstrap)
        printf(", bootstrap %.3f to %.3f", s->auc_bootstrap.low, s->auc_bootstrap.high);
    putchar('\n');
    if (s->has_cutoff)
        print_point("given cut-off", &s->at_cutoff);
    print_point("Youden, chosen on these patients", &s->youden);
    if (!s->is_risk)
        return;
    const struct recalibration *r = &s->recalibration;
    if (s->has_recalibration)
        printf("  calibration in the large %.3f (%.3f to %.3f), slope %.3f (%.3f to %.3f)\n",
               r->in_the_large, r->in_the_large_ci95.low, r->in_the_large_ci95.high, r->slope,
               r->slope_ci95.low, r->slope_ci95.high);
    printf("  Brier %.4f, scaled %.3f; Hosmer-Lemeshow chi2 %.2f in %zu groups, p %.3g\n",
           s->brier.score, s->brier.scaled, s->hosmer_lemeshow.chi2, s->hosmer_lemeshow.groups,
           s->hosmer_lemeshow.p_other_patients);
}

static void print_text(const struct evaluation *v)
{
    printf("%zu patients, %zu with the outcome\n", v->n, v->positive);
    for (size_t k = 0; k < v->score_count; k++)
        print_score(&v->scores[k], v->replicates > 0);
    if (v->score_count == 2)
        printf("difference of the areas %.3f (%.3f to %.3f), DeLong p %.3g\n",
               v->comparison.difference, v->comparison.ci95.low, v->comparison.ci95.high,
               v->comparison.p);
    if (v->has_reclassification)
        printf("continuous NRI %.3f (%.3f to %.3f), IDI %.3f (%.3f to %.3f)\n", v->nri.total.value,
               v->nri.total.ci95.low, v->nri.total.ci95.high, v->idi.value, v->idi.ci95.low,
               v->idi.ci95.high);
    for (size_t i = 0; i < v->subgroup_count; i++) {
        const struct evaluation_subgroup *g = &v->subgroups[i];
        printf("%s = %s: %zu patients, %zu with the outcome", g->column, g->level, g->n,
               g->positive);
        if (g->has_auc)
            printf(", AUC %.3f (%.3f to %.3f)", g->auc.area, g->auc.ci95.low, g->auc.ci95.high);
        putchar('\n');
    }
    for (size_t i = 0; i < v->note_count; i++)
        printf("note: %s\n", v->notes[i]);
}

static int write_text(const char *folder, const char *name, const char *text, size_t n,
                      struct error *err)
{
    char path[PATH_MAX];
    if (snprintf(path, sizeof path, "%s/%s", folder, name) >= (int)sizeof path)
        return error_set(err, STATUS_INVALID, "folder %s has too long a path", folder);
    return file_write(path, text, n, err);
}

static int write_report(const struct evaluate *e, const struct evaluation *v,
                        const struct evaluation_about *about, const cJSON *json,
                        struct error *err)
{
    struct buffer page BUFFER_AUTO = {0};
    char *text = cJSON_Print(json);
    int status = text ? folder_make(e->report, err)
                      : error_set(err, STATUS_NOMEM, "out of memory for a report");
    if (status == 0)
        status = write_text(e->report, "evaluation.json", text, strlen(text), err);
    cJSON_free(text);
    if (status == 0)
        status = evaluation_html(v, about, &page, err);
    if (status == 0)
        status = write_text(e->report, "evaluation.html", buffer_text(&page), page.size, err);
    return status;
}

static int output(const struct evaluate *e, const struct evaluation *v, struct error *err)
{
    char sha256[DIGEST_TEXT_SIZE];
    const char *slash = strrchr(e->cohort_path, '/');
    const struct package *package = e->sources[0].package;
    const struct evaluation_about about = {
        .cohort = slash ? slash + 1 : e->cohort_path,
        .cohort_sha256 = sha256,
        .outcome = e->outcome,
        .packages = {package, e->sources[1].package},
        .cutoff_rule = package && package->has_cutoff && e->cutoff == package->cutoff
                           ? package->cutoff_rule
                           : NULL,
        .created_us = clock_realtime_us(clock_system()),
    };
    int status = digest_file(e->cohort_path, sha256, NULL, err);
    if (status < 0)
        return status;
    cJSON *json = evaluation_json(v, &about);
    if (e->report)
        status = write_report(e, v, &about, json, err);
    if (status == 0 && e->json && command_print_json(json) != EXIT_DONE)
        status = error_set(err, STATUS_IO, "cannot write the output");
    if (status == 0 && !e->json)
        print_text(v);
    cJSON_Delete(json);
    return status;
}

int command_evaluate(int argc, char **argv)
{
    struct evaluate e = {.replicates = 2000, .seed = 1};
    struct cohort cohort = {0};
    struct evaluation evaluation = {0};
    struct error err = {0};
    int status = options_read(&e, argc, argv);
    if (status >= 0)
        return status;
    status = cohort_read(e.cohort_path, e.groupings, e.grouping_count, &cohort, &err);
    if (status == 0) {
        status = run(&e, &cohort, &evaluation, &err);
        if (status == 0)
            status = output(&e, &evaluation, &err);
        evaluation_release(&evaluation);
        cohort_release(&cohort);
    }
    for (size_t k = 0; k < EVALUATION_SCORES; k++) {
        package_free(e.sources[k].package);
        free(e.sources[k].computed);
    }
    return status < 0 ? command_failed(&err) : EXIT_DONE;
}
