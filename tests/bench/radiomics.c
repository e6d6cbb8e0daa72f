/* Processor time of radiomics, which uses one thread: every class alone, everything at once, and
 * how it grows with the region. Medians of five. With `--check` the targets are checked (exit 1 when missed). */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

#include "model/radiomics/radiomics.h"

enum { RUNS = 5 };

/* Speckle around a darker ellipse: like ultrasound in range and in number of grey levels. */
static void make_picture(int side, double pixels, struct image *ret_image, struct mask *ret_mask)
{
    struct error err;
    if (image_init(ret_image, side, side, 1, &err) < 0 ||
        mask_init(ret_mask, side, side, &err) < 0) {
        fprintf(stderr, "%s\n", err.message);
        exit(1);
    }
    double a = sqrt(pixels / M_PI * 1.5), b = pixels / M_PI / a;
    uint32_t state = 7;
    for (int y = 0; y < side; y++)
        for (int x = 0; x < side; x++) {
            double u = (x - side / 2.0) / a, v = (y - side / 2.0) / b;
            double angle = atan2(v, u), edge = 1 + 0.05 * sin(9 * angle);
            bool in = u * u + v * v <= edge * edge;
            double sum = 0;
            for (int k = 0; k < 3; k++) {
                state = state * 1664525 + 1013904223;
                sum += state >> 24;
            }
            size_t at = (size_t)y * (size_t)side + (size_t)x;
            ret_image->pixels[at] = (uint8_t)((in ? 0.35 : 0.6) * sum / 3 + 20 * sin(x * 0.1));
            ret_mask->pixels[at] = in;
        }
}

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static double processor_ms(void)
{
    struct timespec t;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return (double)t.tv_sec * 1e3 + (double)t.tv_nsec / 1e6;
}

static double measure(const struct image *image, const struct mask *mask,
                      const struct radiomics_settings *settings, size_t *ret_count)
{
    double ms[RUNS];
    struct radiomics_input input = {.image = image, .mask = mask};
    for (int i = 0; i < RUNS; i++) {
        struct feature_list list = {0};
        struct error err;
        double start = processor_ms();
        if (radiomics_extract(&input, settings, "", &list, &err) < 0) {
            fprintf(stderr, "%s\n", err.message);
            exit(1);
        }
        ms[i] = processor_ms() - start;
        *ret_count = list.count;
        feature_list_release(&list);
    }
    qsort(ms, RUNS, sizeof *ms, by_value);
    return ms[RUNS / 2];
}

static double total(int side, double pixels, bool force_2d)
{
    struct image image;
    struct mask mask;
    struct radiomics_settings settings;
    size_t count;
    make_picture(side, pixels, &image, &mask);
    radiomics_settings_wavelet(&settings);
    settings.force_2d = force_2d;
    double ms = measure(&image, &mask, &settings, &count);
    printf("%9zu pixels in %4d x %-4d  %3zu features  %9.2f ms  %6.3f us per pixel\n",
           mask_count(&mask), side, side, count, ms, 1000 * ms / (double)mask_count(&mask));
    image_release(&image);
    mask_release(&mask);
    return ms;
}

static void classes(void)
{
    struct image image;
    struct mask mask;
    make_picture(512, 20097, &image, &mask);
    for (int c = 0; c < RADIOMICS_CLASS_COUNT; c++) {
        struct radiomics_settings settings;
        size_t count;
        radiomics_settings_wavelet(&settings);
        settings.force_2d = c == RADIOMICS_SHAPE2D;
        for (int other = 0; other < RADIOMICS_CLASS_COUNT; other++)
            if (other != c)
                settings.features[other] = 0;
        if (c == RADIOMICS_SHAPE || c == RADIOMICS_SHAPE2D)
            settings.filters = 0;
        double ms = measure(&image, &mask, &settings, &count);
        printf("%-10s %3zu features  %7.2f ms%s\n",
               radiomics_class_name((enum radiomics_class)c), count, ms,
               settings.filters ? "  (image types and grey levels included)" : "");
    }
    image_release(&image);
    mask_release(&mask);
}

int main(int argc, char **argv)
{
    bool check = argc > 1 && strcmp(argv[1], "--check") == 0;
    classes();
    double all = total(512, 20097, false), flat = total(512, 20097, true);
    static const double pixels[] = {1e3, 1e4, 1e5, 1e6};
    double per_pixel[4];
    for (int i = 0; i < 4; i++)
        per_pixel[i] = total(2048, pixels[i], false) / pixels[i];
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    printf("peak memory %ld MiB\n", usage.ru_maxrss / 1024);
    if (check && (all > 30 || flat > 15 || per_pixel[3] > 1.5 * per_pixel[2])) {
        fprintf(stderr, "slower than 30 ms, 15 ms or linear\n");
        return 1;
    }
    return 0;
}
