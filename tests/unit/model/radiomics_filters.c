/* Image types without a published baseline, against other software: LoG and gradient against
 * ITK, wavelets against PyWavelets, local binary patterns against scikit-image, the point-wise
 * ones against their formulas. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/number.h"
#include "model/radiomics/filters.h"
#ifdef HAVE_ITK
#include "radiomics_itk.h"
#endif

enum { SLICES = 6, ROWS = 23, COLUMNS = 31, COUNT = SLICES * ROWS * COLUMNS };

/* Whole numbers from 0 to 255, the same everywhere. */
static void fill(double *values, size_t n)
{
    uint32_t state = 1;
    for (size_t i = 0; i < n; i++) {
        state = state * 1664525 + 1013904223;
        values[i] = state >> 24;
    }
}

static struct volume make_volume(int slices, enum voxel_type type)
{
    struct volume v;
    assert_int_equal(volume_init(&v, (int[3]){slices, ROWS, COLUMNS}, type, NULL), 0);
    v.spacing_mm[0] = 2.5;
    v.spacing_mm[1] = 0.7;
    v.spacing_mm[2] = 0.8;
    fill(v.values, volume_count(v.size));
    return v;
}

/* A region of the whole volume, borders included. */
static struct region whole(const struct volume *v)
{
    struct region r;
    uint8_t mask[COUNT];
    memset(mask, 1, sizeof mask);
    assert_int_equal(region_init(&r, mask, v->size, v->spacing_mm, NULL), 0);
    return r;
}

struct kept {
    int count;
    char name[16][64];
    double values[16][COUNT];
};

static int keep(void *context, const struct filtered *image, struct error *err)
{
    (void)err;
    struct kept *k = context;
    snprintf(k->name[k->count], sizeof k->name[0], "%s", image->name);
    memcpy(k->values[k->count++], image->values, image->region->voxels * sizeof(double));
    return 0;
}

static struct kept *run(const struct volume *v, const struct radiomics_settings *settings)
{
    struct kept *k = calloc(1, sizeof *k);
    struct region r = whole(v);
    assert_int_equal(filters_run(v, &r, settings, keep, k, NULL), 0);
    region_release(&r);
    return k;
}

static void only(struct radiomics_settings *s, enum radiomics_filter filter)
{
    radiomics_settings_default(s);
    s->filters = 1u << filter;
}

#ifdef HAVE_ITK
static void assert_close(const double *a, const double *b, size_t n, double limit)
{
    double scale = 0;
    for (size_t i = 0; i < n; i++)
        scale = fmax(scale, fabs(a[i]));
    for (size_t i = 0; i < n; i++)
        if (!(fabs(a[i] - b[i]) <= limit * scale))
            fail_msg("value %zu: %.17g and %.17g", i, a[i], b[i]);
}

static void test_log(void **state)
{
    (void)state;
    struct radiomics_settings s;
    only(&s, FILTER_LOG);
    s.sigma_mm[0] = 1;
    s.sigma_mm[1] = 2.5;
    s.sigma_mm[2] = 3;
    s.sigma_mm[3] = 40; /* too large for the image */
    s.sigma_count = 4;
    s.sigma_whole = 1u << 2;
    double expected[COUNT];
    struct volume v = make_volume(SLICES, VOXEL_DOUBLE);
    struct kept *k = run(&v, &s);
    assert_int_equal(k->count, 3);
    assert_string_equal(k->name[0], "log-sigma-1-0-mm-3D");
    assert_string_equal(k->name[1], "log-sigma-2-5-mm-3D");
    assert_string_equal(k->name[2], "log-sigma-3-mm-3D");
    for (int i = 0; i < 3; i++) {
        itk_log(v.values, v.size, v.spacing_mm, s.sigma_mm[i], expected);
        assert_close(expected, k->values[i], COUNT, 1e-12);
    }
    free(k);
    volume_release(&v);
}

static void test_gradient(void **state)
{
    (void)state;
    struct radiomics_settings s;
    only(&s, FILTER_GRADIENT);
    for (int slices = 1; slices <= SLICES; slices += SLICES - 1) {
        double expected[COUNT];
        struct volume v = make_volume(slices, VOXEL_UINT8);
        struct kept *k = run(&v, &s);
        assert_int_equal(k->count, 1);
        itk_gradient(v.values, v.size, v.spacing_mm, expected);
        assert_close(expected, k->values[0], volume_count(v.size), 1e-7);
        free(k);
        volume_release(&v);
    }
}
#endif

/* A slice has too few voxels across for LoG: no image, no error. */
static void test_log_slice(void **state)
{
    (void)state;
    struct radiomics_settings s;
    only(&s, FILTER_LOG);
    s.sigma_mm[0] = 1;
    s.sigma_count = 1;
    struct volume v = make_volume(1, VOXEL_UINT8);
    struct kept *k = run(&v, &s);
    assert_int_equal(k->count, 0);
    free(k);
    volume_release(&v);
}

/* The same image through scikit-image; false when it is not installed. */
static bool skimage(const char *method, int samples, double radius, double *ret_values)
{
    char command[1024];
    snprintf(command, sizeof command,
             "/usr/bin/python3 -c \"\n"
             "import numpy\n"
             "from skimage.feature import local_binary_pattern\n"
             "s, a = 1, []\n"
             "for i in range(%d):\n"
             "    s = (s * 1664525 + 1013904223) %% 2**32\n"
             "    a.append(s >> 24)\n"
             "a = numpy.array(a, dtype=float).reshape(%d, %d)\n"
             "for v in local_binary_pattern(a, %d, %g, '%s').flat: print(repr(float(v)))\n"
             "\" 2>/dev/null", ROWS * COLUMNS, ROWS, COLUMNS, samples, radius, method);
    FILE *in = popen(command, "r");
    assert_non_null(in);
    char line[64];
    int n = 0;
    while (n < ROWS * COLUMNS && fgets(line, sizeof line, in)) {
        line[strcspn(line, "\n")] = 0;
        assert_int_equal(number_parse_double(line, &ret_values[n++], NULL), 0);
    }
    pclose(in);
    return n == ROWS * COLUMNS;
}

/* One band of PyWavelets' transform of the same volume, or false when it is not installed.
 * `start` levels are taken first; `letters` as PyWavelets writes them, "aad". */
static bool pywt(int slices, int start, const char *axes, const char *letters,
                 double *ret_values)
{
    char command[2048];
    snprintf(command, sizeof command,
             "/usr/bin/python3 -c \"\n"
             "import numpy, pywt\n"
             "s, a = 1, []\n"
             "for i in range(%d):\n"
             "    s = (s * 1664525 + 1013904223) %% 2**32\n"
             "    a.append(s >> 24)\n"
             "a = numpy.array(a, dtype=float).reshape(%d, %d, %d)\n"
             "size, axes = a.shape, (%s)\n"
             "a = numpy.pad(a, [(0, n %% 2) for n in size], mode='wrap')\n"
             "for i in range(%d):\n"
             "    a = pywt.swtn(a, 'coif1', 1, 0, axes)[0]['a' * len(axes)]\n"
             "b = pywt.swtn(a, 'coif1', 1, 0, axes)[0]['%s']\n"
             "for v in b[:size[0], :size[1], :size[2]].flat: print(repr(float(v)))\n"
             "\" 2>/dev/null", slices * ROWS * COLUMNS, slices, ROWS, COLUMNS, axes, start,
             letters);
    FILE *in = popen(command, "r");
    assert_non_null(in);
    char line[64];
    int n = 0;
    while (n < slices * ROWS * COLUMNS && fgets(line, sizeof line, in)) {
        line[strcspn(line, "\n")] = 0;
        assert_int_equal(number_parse_double(line, &ret_values[n++], NULL), 0);
    }
    pclose(in);
    return n == slices * ROWS * COLUMNS;
}

/* Equal to the last bit, also at both borders, for odd sizes, on further levels, and with and
 * without wide vectors. */
static void test_wavelet(void **state)
{
    (void)state;
    static const struct {
        int slices, start, level;
        bool force_2d;
        const char *axes, *letters, *name;
    } cases[] = {
        {5, 0, 1, false, "2, 1, 0", "aad", "wavelet-LLH"},
        {5, 0, 1, false, "2, 1, 0", "dda", "wavelet-HHL"},
        {5, 0, 1, false, "2, 1, 0", "aaa", "wavelet-LLL"},
        {1, 0, 1, false, "2, 1, 0", "ddd", "wavelet-HHH"},
        {3, 0, 1, true, "2, 1", "ad", "wavelet-LH"},
        {6, 1, 1, false, "2, 1, 0", "dad", "wavelet-HLH"},
        {5, 1, 2, false, "2, 1, 0", "ada", "wavelet2-LHL"},
        {5, 1, 2, false, "2, 1, 0", "aaa", "wavelet2-LLL"},
    };
    static double expected[COUNT];
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        if (!pywt(cases[i].slices, cases[i].start, cases[i].axes, cases[i].letters, expected))
            skip();
        for (int portable = 0; portable < 2; portable++) {
            struct radiomics_settings s;
            only(&s, FILTER_WAVELET);
            s.force_2d = cases[i].force_2d;
            s.portable = portable;
            s.wavelet_level = cases[i].level;
            s.wavelet_start_level = cases[i].level == 2 ? 0 : cases[i].start;
            struct volume v = make_volume(cases[i].slices, VOXEL_INT16);
            struct kept *k = run(&v, &s);
            int at = 0;
            while (at < k->count && strcmp(k->name[at], cases[i].name) != 0)
                at++;
            assert_true(at < k->count);
            for (size_t n = 0; n < volume_count(v.size); n++)
                if (k->values[at][n] != expected[n])
                    fail_msg("%s, voxel %zu: %.17g, PyWavelets %.17g", cases[i].name, n,
                             k->values[at][n], expected[n]);
            free(k);
            volume_release(&v);
        }
    }
}

static void test_lbp(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        enum radiomics_lbp method;
        int samples;
        double radius;
    } cases[] = {{"default", LBP_DEFAULT, 8, 1}, {"ror", LBP_ROR, 8, 1},
                 {"uniform", LBP_UNIFORM, 8, 1}, {"uniform", LBP_UNIFORM, 9, 2.3},
                 {"var", LBP_VAR, 8, 1.5}, {"default", LBP_DEFAULT, 16, 3}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct radiomics_settings s;
        only(&s, FILTER_LBP2D);
        s.lbp2d_method = cases[i].method;
        s.lbp2d_samples = cases[i].samples;
        s.lbp2d_radius = cases[i].radius;
        double expected[ROWS * COLUMNS];
        if (!skimage(cases[i].name, cases[i].samples, cases[i].radius, expected))
            skip();
        struct volume v = make_volume(1, VOXEL_DOUBLE);
        struct kept *k = run(&v, &s);
        assert_int_equal(k->count, 1);
        assert_string_equal(k->name[0], "lbp-2D");
        for (int n = 0; n < ROWS * COLUMNS; n++)
            if (!(fabs(k->values[0][n] - expected[n]) <= 1e-9 * fabs(expected[n])))
                fail_msg("%s, pixel %d: %.17g, scikit-image %.17g", cases[i].name, n,
                         k->values[0][n], expected[n]);
        free(k);
        volume_release(&v);
    }
}

static void test_intensity(void **state)
{
    (void)state;
    struct radiomics_settings s;
    radiomics_settings_default(&s);
    s.filters = 1u << FILTER_SQUARE | 1u << FILTER_SQUAREROOT | 1u << FILTER_LOGARITHM |
                1u << FILTER_EXPONENTIAL;
    struct volume v = make_volume(1, VOXEL_INT16);
    size_t n = volume_count(v.size);
    double max = 0;
    for (size_t i = 0; i < n; i++) {
        v.values[i] -= 100; /* negative values keep their sign, or vanish in the square */
        max = fmax(max, v.values[i]);
    }
    struct kept *k = run(&v, &s);
    assert_int_equal(k->count, 4);
    for (size_t i = 0; i < n; i++) {
        double x = v.values[i], sign = x < 0 ? -1 : 1;
        const double expected[4] = {x * x / max, sign * sqrt(fabs(x) * max),
                                    sign * log(fabs(x) + 1) * max / log(max + 1),
                                    exp(x * log(max) / max)};
        for (int f = 0; f < 4; f++)
            assert_true(fabs(k->values[f][i] - expected[f]) <= 1e-13 * fabs(expected[f]));
    }
    free(k);
    volume_release(&v);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#ifdef HAVE_ITK
        cmocka_unit_test(test_log),
        cmocka_unit_test(test_gradient),
#endif
        cmocka_unit_test(test_log_slice),
        cmocka_unit_test(test_wavelet),
        cmocka_unit_test(test_lbp),
        cmocka_unit_test(test_intensity),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
