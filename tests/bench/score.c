/* Time of scoring a study whose features are there: `bench_score PACKAGE RUNS`. Every feature that
 * the package names stands behind 3,000 that it does not, as after radiomics and deep networks. */
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/number.h"
#include "model/score/score.h"

enum { OTHERS = 3000 };

static int add_terms(const struct package_term *terms, size_t count, struct feature_list *values)
{
    int status = 0;
    for (size_t i = 0; i < count && status == 0; i++)
        if (!terms[i].score)
            status = feature_list_add(values, terms[i].feature, terms[i].centre + terms[i].scale,
                                      false, NULL);
    return status;
}

static int fill(const struct package *package, struct feature_list *values)
{
    int status = 0;
    for (int i = 0; i < OTHERS && status == 0; i++) {
        char name[64];
        snprintf(name, sizeof name, "tumour_wavelet-LH_glszm_Other%d", i);
        status = feature_list_add(values, name, i, false, NULL);
    }
    for (size_t i = 0; i < package->score_count && status == 0; i++)
        status = add_terms(package->scores[i].terms, package->scores[i].term_count, values);
    return status < 0 ? status : add_terms(package->terms, package->term_count, values);
}

int main(int argc, char **argv)
{
    const struct package_options trust = {.allow_unsigned = true};
    struct package *package;
    struct feature_list values = {0};
    const struct feature_list *lists[] = {&values};
    struct error err = {0};
    int64_t runs;
    if (argc != 3 || number_parse_int(argv[2], 1, 1000000, &runs, &err) < 0 ||
        package_open(argv[1], &trust, &package, &err) < 0) {
        fprintf(stderr, "usage: bench_score PACKAGE RUNS\n%s\n", err.message);
        return EXIT_FAILURE;
    }
    const char *name = package->has_model ? "model" : package->scores[0].name;
    int status = fill(package, &values);
    const int64_t from_us = clock_monotonic_us(clock_system());
    for (int64_t i = 0; i < runs && status == 0; i++) {
        struct score score;
        double value;
        status = score_predict(package, lists, 1, &score, &err);
        if (status == 0) {
            score_release(&score);
            status = score_value(package, name, lists, 1, &value, &err);
        }
    }
    const int64_t took_us = clock_monotonic_us(clock_system()) - from_us;
    if (status == 0)
        printf("%s %s, %s: %.3f ms for each of %lld studies\n", package->name, package->version,
               name, (double)took_us / 1000 / (double)runs, (long long)runs);
    else
        fprintf(stderr, "%s\n", err.message);
    feature_list_release(&values);
    package_free(package);
    return status < 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}
