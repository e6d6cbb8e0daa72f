/* Time of composing and writing all objects of a study: `bench_report RUNS` (medians; on a busy machine
 * the processor's time tells more than the clock's). A synthetic study with both regions, heat maps, a model of ten terms; the objects that are always made, then all
 * that a destination can ask for. */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "base/clock.h"
#include "base/number.h"
#include "dicom/setup.h"
#include "report/report.h"

#include "model.h"

enum { RUNS_MAX = 1001 };

static int order(const void *a, const void *b)
{
    const double *x = a, *y = b;
    return (*x > *y) - (*x < *y);
}

/* In ms. */
static double processor_time(void)
{
    struct timespec now = {0};
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    return 1e3 * (double)now.tv_sec + 1e-6 * (double)now.tv_nsec;
}

static int measure(struct study *s, unsigned objects, int64_t runs, const char *what,
                   struct error *err)
{
    struct report_object made[REPORT_OBJECTS_MAX];
    double times[RUNS_MAX], processor[RUNS_MAX];
    int count = 0;
    s->input.objects = objects;
    for (int64_t i = 0; i < runs; i++) {
        const int64_t from_us = clock_monotonic_us(clock_system());
        const double from = processor_time();
        const int status = report_write(&s->input, s->folder, made, &count, err);
        processor[i] = processor_time() - from;
        times[i] = (double)(clock_monotonic_us(clock_system()) - from_us) / 1000;
        if (status < 0)
            return status;
    }
    qsort(times, (size_t)runs, sizeof *times, order);
    qsort(processor, (size_t)runs, sizeof *processor, order);
    printf("%s: %.0f ms, %.0f ms of them processor time (medians of %lld), %d objects\n", what,
           times[runs / 2], processor[runs / 2], (long long)runs, count);
    return 0;
}

int main(int argc, char **argv)
{
    const struct study_options options = {.name = "bench", .side = SIDE_LEFT};
    char root[] = "/tmp/axnode-bench-XXXXXX";
    struct error err = {0};
    struct study s;
    struct model m;
    int64_t runs;
    if (argc != 2 || number_parse_int(argv[1], 1, RUNS_MAX, &runs, &err) < 0 || !mkdtemp(root) ||
        dicom_setup(&err) < 0) {
        fprintf(stderr, "usage: bench_report RUNS\n%s\n", err.message);
        return EXIT_FAILURE;
    }
    study_make(&options, root, &s);
    model_make(&m, &s, 5);
    for (int i = 0; i < ROI_COUNT; i++)
        heat_make(&s, i);
    s.input.pictures = false; /* as in the service */
    int status = measure(&s, REPORT_USUAL, runs, "SR, SEG, Secondary Capture", &err);
    if (status == 0)
        status = measure(&s, REPORT_PR | REPORT_KO | REPORT_PDF | REPORT_SEG_OHIF, runs,
                         "with PDF, presentation states, key objects, OHIF's segmentation", &err);
    s.input.pictures = s.input.html = true;
    if (status == 0)
        status = measure(&s, REPORT_USUAL, runs, "SR, SEG, Secondary Capture, PNGs, HTML page", &err);
    if (status < 0)
        fprintf(stderr, "%s\n", err.message);
    s.score.contributions = NULL; /* the model's */
    study_release(&s);
    struct buffer output BUFFER_AUTO = {0};
    run(&output, "rm -rf '%s'", root);
    return status < 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}
