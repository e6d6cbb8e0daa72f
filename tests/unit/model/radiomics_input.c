/* What unusual input gets: errors that say why, or PyRadiomics' documented behaviour, flagged. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "model/radiomics/hull.h"
#include "model/radiomics/nrrd.h"
#include "model/radiomics/radiomics.h"

enum { SIDE = 24 };

struct picture {
    struct image image;
    struct mask mask;
};

static void make(struct picture *p)
{
    assert_int_equal(image_init(&p->image, SIDE, SIDE, 1, NULL), 0);
    assert_int_equal(mask_init(&p->mask, SIDE, SIDE, NULL), 0);
    uint32_t state = 3;
    for (int i = 0; i < SIDE * SIDE; i++) {
        state = state * 1664525 + 1013904223;
        p->image.pixels[i] = (uint8_t)(state >> 24);
    }
}

static void release(struct picture *p)
{
    image_release(&p->image);
    mask_release(&p->mask);
}

static void set(struct mask *mask, int row, int column, int rows, int columns)
{
    for (int y = row; y < row + rows; y++)
        memset(mask->pixels + y * mask->columns + column, 1, (size_t)columns);
}

static void assert_fails(const struct radiomics_input *input,
                         const struct radiomics_settings *settings, int status, const char *part)
{
    struct feature_list list = {0};
    struct error err = {0};
    assert_int_equal(radiomics_extract(input, settings, "", &list, &err), status);
    if (!strstr(err.message, part))
        fail_msg("\"%s\" does not say %s", err.message, part);
    feature_list_release(&list);
}

static struct feature_list extract(const struct radiomics_input *input,
                                   const struct radiomics_settings *settings)
{
    struct feature_list list = {0};
    struct error err;
    if (radiomics_extract(input, settings, "", &list, &err) < 0)
        fail_msg("%s", err.message);
    return list;
}

static const struct feature *find(const struct feature_list *list, const char *name)
{
    const struct feature *f = feature_list_find(list, name);
    if (!f)
        fail_msg("%s is missing", name);
    return f;
}

static void test_masks(void **state)
{
    (void)state;
    struct picture p;
    make(&p);
    struct radiomics_settings s;
    radiomics_settings_wavelet(&s);
    struct radiomics_input input = {.image = &p.image, .mask = &p.mask};
    assert_fails(&input, &s, STATUS_INVALID, "the mask is empty");
    set(&p.mask, 5, 5, 1, 1);
    assert_fails(&input, &s, STATUS_INVALID, "single voxel");
    set(&p.mask, 5, 5, 1, 9);
    assert_fails(&input, &s, STATUS_INVALID, "1 of 2 required dimensions");
    s.minimum_dimensions = 1; /* a line has features, if few with sense */
    struct feature_list list = extract(&input, &s);
    assert_int_equal(list.count, 851);
    feature_list_release(&list);
    s.minimum_voxels = 9;
    assert_fails(&input, &s, STATUS_INVALID, "9 voxels");
    struct mask other;
    assert_int_equal(mask_init(&other, SIDE, SIDE + 1, NULL), 0);
    input.mask = &other;
    assert_fails(&input, &s, STATUS_INVALID, "differ in size");
    mask_release(&other);
    release(&p);
}

static void test_labels(void **state)
{
    (void)state;
    struct picture p;
    make(&p);
    struct volume v;
    struct label_volume labels;
    assert_int_equal(volume_from_image(&p.image, 0, 0, &v, NULL), 0);
    assert_int_equal(label_volume_init(&labels, v.size, NULL), 0);
    for (int i = 0; i < 3 * SIDE; i++)
        labels.labels[i] = i < SIDE ? 4 : 7;
    struct radiomics_settings s;
    radiomics_settings_default(&s);
    struct radiomics_input input = {.volume = &v, .labels = &labels};
    assert_fails(&input, &s, STATUS_INVALID, "label 1 is not in the mask; it has 4, 7");
    s.label = 7;
    struct feature_list list = extract(&input, &s);
    assert_true(find(&list, "original_shape_VoxelVolume")->value == 2 * SIDE);
    feature_list_release(&list);
    volume_release(&v);
    label_volume_release(&labels);
    release(&p);
}

static void test_not_numbers(void **state)
{
    (void)state;
    struct picture p;
    make(&p);
    set(&p.mask, 4, 4, 8, 8);
    struct volume v;
    struct label_volume labels;
    assert_int_equal(volume_from_image(&p.image, 0, 0, &v, NULL), 0);
    assert_int_equal(label_volume_from_mask(&p.mask, &labels, NULL), 0);
    struct radiomics_settings s;
    radiomics_settings_default(&s);
    struct radiomics_input input = {.volume = &v, .labels = &labels};
    v.type = VOXEL_DOUBLE;
    v.values[0] = NAN; /* outside of the region: of no account to Original */
    struct feature_list list = extract(&input, &s);
    feature_list_release(&list);
    v.values[5 * SIDE + 5] = NAN;
    assert_fails(&input, &s, STATUS_INVALID, "not a number");
    v.values[5 * SIDE + 5] = INFINITY;
    assert_fails(&input, &s, STATUS_INVALID, "not a number");
    v.values[5 * SIDE + 5] = 1e300;
    assert_fails(&input, &s, STATUS_LIMIT, "larger bin width");
    v.values[5 * SIDE + 5] = 1;
    v.spacing_mm[1] = -1;
    assert_fails(&input, &s, STATUS_INVALID, "spacing");
    volume_release(&v);
    label_volume_release(&labels);
    release(&p);
}

static void test_constant(void **state)
{
    (void)state;
    struct picture p;
    make(&p);
    memset(p.image.pixels, 100, SIDE * SIDE);
    set(&p.mask, 4, 4, 8, 9);
    struct radiomics_settings s;
    radiomics_settings_wavelet(&s);
    s.filters = 1u << FILTER_ORIGINAL;
    struct radiomics_input input = {.image = &p.image, .mask = &p.mask};
    struct feature_list list = extract(&input, &s);
    const struct feature *f = find(&list, "original_glcm_Correlation");
    assert_true(f->value == 1 && f->meaningless);
    f = find(&list, "original_glcm_MCC");
    assert_true(f->value == 1 && f->meaningless);
    f = find(&list, "original_ngtdm_Coarseness");
    assert_true(f->value == 1e6 && f->meaningless);
    f = find(&list, "original_firstorder_Kurtosis");
    assert_true(f->value == 0 && f->meaningless);
    f = find(&list, "original_shape_Flatness");
    assert_true(f->value == 0 && f->meaningless);
    assert_false(find(&list, "original_firstorder_Mean")->meaningless);
    assert_false(find(&list, "original_glszm_ZoneVariance")->meaningless);
    feature_list_release(&list);
    s.normalize = true; /* no deviation to divide by */
    list = extract(&input, &s);
    assert_true(find(&list, "original_firstorder_Mean")->value == 0);
    feature_list_release(&list);
    release(&p);
}

static void test_border(void **state)
{
    (void)state;
    struct picture p;
    make(&p);
    set(&p.mask, 0, 0, SIDE, SIDE); /* touches all four */
    struct radiomics_settings s;
    radiomics_settings_wavelet(&s);
    struct radiomics_input input = {.image = &p.image, .mask = &p.mask};
    struct feature_list list = extract(&input, &s);
    assert_int_equal(list.count, 851);
    double side = SIDE - 1;
    assert_true(find(&list, "original_shape_VoxelVolume")->value == SIDE * SIDE);
    assert_true(find(&list, "original_shape_Maximum3DDiameter")->value >= hypot(side, side));
    feature_list_release(&list);
    release(&p);
}

static void test_noise_bands(void **state)
{
    (void)state;
    struct picture p;
    make(&p);
    set(&p.mask, 4, 4, 8, 8);
    struct radiomics_settings s;
    radiomics_settings_wavelet(&s);
    struct radiomics_input input = {.image = &p.image, .mask = &p.mask};
    struct feature_list list = extract(&input, &s);
    assert_true(find(&list, "wavelet-LLH_firstorder_Mean")->meaningless);
    assert_false(find(&list, "wavelet-HHL_firstorder_Mean")->meaningless);
    feature_list_release(&list);
    s.noise_bands = false;
    list = extract(&input, &s);
    assert_int_equal(list.count, 851 - 372);
    assert_null(feature_list_find(&list, "wavelet-LLH_firstorder_Mean"));
    feature_list_release(&list);
    release(&p);
}

/* Values of 16 bits, negative values and fractions: moments are those of the values, grey levels
 * do not depend on where the values begin when they begin at a multiple of the bin width. */
static void test_types(void **state)
{
    (void)state;
    struct picture p;
    make(&p);
    set(&p.mask, 4, 4, 12, 12);
    struct volume v;
    struct label_volume labels;
    assert_int_equal(volume_from_image(&p.image, 0, 0, &v, NULL), 0);
    assert_int_equal(label_volume_from_mask(&p.mask, &labels, NULL), 0);
    struct radiomics_settings s;
    radiomics_settings_default(&s);
    s.filters |= 1u << FILTER_LOGARITHM | 1u << FILTER_SQUAREROOT;
    struct radiomics_input input = {.volume = &v, .labels = &labels};
    struct feature_list plain = extract(&input, &s);
    for (int i = 0; i < SIDE * SIDE; i++)
        v.values[i] -= 125; /* five bins lower */
    v.type = VOXEL_INT16;
    struct feature_list shifted = extract(&input, &s);
    assert_true(fabs(find(&plain, "original_firstorder_Mean")->value - 125 -
                     find(&shifted, "original_firstorder_Mean")->value) < 1e-12);
    assert_true(find(&plain, "original_glcm_MCC")->value ==
                find(&shifted, "original_glcm_MCC")->value);
    assert_true(find(&shifted, "logarithm_firstorder_Minimum")->value < 0);
    assert_true(find(&shifted, "squareroot_firstorder_Minimum")->value < 0);
    feature_list_release(&plain);
    feature_list_release(&shifted);
    for (int i = 0; i < SIDE * SIDE; i++)
        v.values[i] = v.values[i] * 200 + 0.25; /* beyond 16 bits, with fractions */
    v.type = VOXEL_FLOAT;
    shifted = extract(&input, &s);
    assert_true(isfinite(find(&shifted, "original_glrlm_RunEntropy")->value));
    feature_list_release(&shifted);
    for (int i = 0; i < SIDE * SIDE; i++)
        v.values[i] = -fabs(v.values[i]); /* no positive value: the scale is undefined */
    assert_fails(&input, &s, STATUS_INVALID, "squareroot");
    volume_release(&v);
    label_volume_release(&labels);
    release(&p);
}

static void test_graphics(void **state)
{
    (void)state;
    struct picture p;
    make(&p);
    set(&p.mask, 4, 4, 12, 12);
    struct mask graphics;
    assert_int_equal(mask_init(&graphics, SIDE, SIDE, NULL), 0);
    set(&graphics, 8, 4, 1, 12); /* a caliper's line, drawn in white */
    for (int x = 4; x < 16; x++)
        p.image.pixels[8 * SIDE + x] = 255;
    for (int i = 0; i < SIDE * SIDE; i++)
        if (p.mask.pixels[i] && !graphics.pixels[i])
            p.image.pixels[i] /= 2;
    struct radiomics_settings s;
    radiomics_settings_default(&s);
    struct radiomics_input input = {.image = &p.image, .mask = &p.mask, .graphics = &graphics};
    struct feature_list list = extract(&input, &s);
    assert_true(find(&list, "original_shape_VoxelVolume")->value == 144);
    assert_true(find(&list, "original_firstorder_Maximum")->value <= 127);
    feature_list_release(&list);
    set(&graphics, 0, 0, SIDE, SIDE);
    assert_fails(&input, &s, STATUS_INVALID, "no voxels");
    mask_release(&graphics);
    release(&p);
}

static void test_colour(void **state)
{
    (void)state;
    struct picture p;
    make(&p);
    set(&p.mask, 4, 4, 8, 8);
    struct image colour;
    assert_int_equal(image_init(&colour, SIDE, SIDE, 3, NULL), 0);
    for (int i = 0; i < 3 * SIDE * SIDE; i++)
        colour.pixels[i] = p.image.pixels[i / 3];
    struct radiomics_settings s;
    radiomics_settings_default(&s);
    struct radiomics_input input = {.image = &p.image, .mask = &p.mask};
    struct feature_list grey = extract(&input, &s);
    input.image = &colour;
    struct feature_list from_colour = extract(&input, &s);
    for (size_t i = 0; i < grey.count; i++)
        assert_true(grey.items[i].value == from_colour.items[i].value);
    feature_list_release(&grey);
    feature_list_release(&from_colour);
    image_release(&colour);
    release(&p);
}

/* The hull's diameter against all pairs, for random and degenerate sets. */
static void test_hull(void **state)
{
    (void)state;
    uint32_t seed = 11;
    for (int round = 0; round < 500; round++) {
        struct extent lines[20];
        double brute = 0;
        int count = 1 + round % 20, step = 1 + round % 3;
        for (int i = 0; i < count; i++) {
            seed = seed * 1664525 + 1013904223;
            int low = (int)(seed >> 24) % 30, width = (int)(seed >> 16 & 0xff) % 10;
            bool empty = i > 0 && (seed >> 8 & 3) == 0;
            lines[i] = empty ? (struct extent){1, 0} : (struct extent){low, low + width};
        }
        for (int i = 0; i < count; i++)
            for (int j = 0; j < count; j++)
                if (lines[i].low <= lines[i].high && lines[j].low <= lines[j].high) {
                    double dy = (i - j) * step;
                    brute = fmax(brute, dy * dy + pow(lines[i].high - lines[j].low, 2));
                    brute = fmax(brute, dy * dy + pow(lines[j].high - lines[i].low, 2));
                    brute = fmax(brute, dy * dy + pow(lines[j].high - lines[i].high, 2));
                    brute = fmax(brute, dy * dy + pow(lines[j].low - lines[i].low, 2));
                }
        struct hull_point points[42];
        int n = hull_of_extents(lines, count, points);
        assert_true(hull_diameter2(points, n, step, 1) == brute);
    }
}

static void test_nrrd(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        int status;
        const char *part;
    } cases[] = {
        {"", STATUS_INVALID, "no end"},
        {"P5 2 2 255\n", STATUS_INVALID, "not an NRRD"},
        {"NRRD0004\ntype: uchar\n", STATUS_INVALID, "no end"},
        {"NRRD0004\n\n", STATUS_INVALID, "missing"},
        {"NRRD0004\ntype: uchar\ndimension: 2\nsizes: 2 2\nencoding: raw\n\nabc", STATUS_INVALID,
         "too short"},
        {"NRRD0004\ntype: uchar\ndimension: 2\nsizes: 2\nencoding: raw\n\nabcd", STATUS_INVALID,
         "sizes"},
        {"NRRD0004\ntype: uchar\nsizes: 2 2\nencoding: raw\n\nabcd", STATUS_INVALID, "sizes"},
        {"NRRD0004\ntype: uchar\ndimension: 4\n", STATUS_UNSUPPORTED, "axes"},
        {"NRRD0004\ntype: block\n", STATUS_UNSUPPORTED, "type"},
        {"NRRD0004\ntype: uchar\ndimension: 3\nsizes: 99999 99999 99999\nencoding: raw\n\n",
         STATUS_INVALID, "too short"},
        {"NRRD0004\ntype: uchar\ndimension: 2\nsizes: 2 2\nencoding: gzip\n\nabcd",
         STATUS_INVALID, "damaged"},
        {"NRRD0004\ndata file: other.raw\n", STATUS_UNSUPPORTED, "another file"},
        {"NRRD0004\ndimension: 2\nspace directions: (1,0 (0,1)\n", STATUS_INVALID, "vector"},
        {"NRRD0004\ndimension: 2\nspace directions: (0,0) (0,1)\n", STATUS_INVALID, "length"},
    };
    struct volume v;
    struct error err;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        assert_int_equal(nrrd_read_bytes(cases[i].text, strlen(cases[i].text), "x.nrrd", &v, &err),
                         cases[i].status);
        if (!strstr(err.message, cases[i].part))
            fail_msg("\"%s\" does not say %s", err.message, cases[i].part);
    }
    static const char good[] = "NRRD0005\n# comment\ntype: short\ndimension: 2\nsizes: 2 1\n"
                               "spacings: 0.5 0.25\nendian: big\nencoding: raw\nkey:=value\n\n"
                               "\x01\x02\xff\xff";
    if (nrrd_read_bytes(good, sizeof good - 1, "x.nrrd", &v, &err) < 0)
        fail_msg("%s", err.message);
    assert_true(v.size[0] == 1 && v.size[1] == 1 && v.size[2] == 2);
    assert_true(v.spacing_mm[2] == 0.5 && v.spacing_mm[1] == 0.25);
    assert_true(v.values[0] == 258 && v.values[1] == -1);
    volume_release(&v);
}

static void read_nrrd(const char *header, struct volume *ret_volume)
{
    char bytes[512 + 6 * 6] = {0};
    int n = snprintf(bytes, sizeof bytes, "NRRD0004\ntype: uchar\ndimension: 2\nsizes: 6 6\n"
                                          "encoding: raw\n%s\n", header);
    for (int i = 0; i < 36; i++)
        bytes[n + i] = (char)(i % 6 >= 2 && i % 6 < 5 && i / 6 >= 1 && i / 6 < 4 ? 1 : 0);
    struct error err;
    if (nrrd_read_bytes(bytes, (size_t)n + 36, "x.nrrd", ret_volume, &err) < 0)
        fail_msg("%s", err.message);
}

/* Image and mask must lie in the same place; correctMask brings the mask there. */
static void test_placement(void **state)
{
    (void)state;
    static const struct {
        const char *header, *part;
    } cases[] = {
        {"space directions: (1,0) (0,1)\nspace origin: (2,0)\n", "origin: 0, 0, 0 and 2, 0, 0"},
        {"spacings: 1 1.5\n", "spacing: 1 x 1 x 1 and 1 x 1.5 x 1"},
        {"space directions: (0,1) (1,0)\n", "direction by 1"},
        {"space: right-anterior-superior\n", "direction by 2"},
    };
    struct volume image, mask;
    struct label_volume labels;
    struct radiomics_settings s;
    radiomics_settings_default(&s);
    read_nrrd("", &image);
    struct radiomics_input input = {.volume = &image, .labels = &labels};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        read_nrrd(cases[i].header, &mask);
        assert_int_equal(label_volume_from_volume(&mask, &labels, NULL), 0);
        assert_fails(&input, &s, STATUS_INVALID, cases[i].part);
        volume_release(&mask);
        label_volume_release(&labels);
    }
    /* Half a micrometre off is near enough; so is more when asked for. */
    read_nrrd("space origin: (0.0000005,0)\n", &mask);
    assert_int_equal(label_volume_from_volume(&mask, &labels, NULL), 0);
    struct feature_list list = extract(&input, &s);
    feature_list_release(&list);
    labels.placement.origin_mm[0] = 0.01;
    assert_fails(&input, &s, STATUS_INVALID, "origin");
    s.geometry_tolerance = 0.1;
    list = extract(&input, &s);
    feature_list_release(&list);
    /* One voxel to the right, then turned by a right angle: 3 × 3 ones stay 3 × 3 ones. */
    s.geometry_tolerance = 1e-6;
    s.correct_mask = true;
    labels.placement.origin_mm[0] = 1;
    for (int i = 0; i < 36; i++)
        image.values[i] = i % 6;
    list = extract(&input, &s);
    assert_true(find(&list, "original_firstorder_Minimum")->value == 3);
    assert_true(find(&list, "original_firstorder_Maximum")->value == 5);
    feature_list_release(&list);
    labels.placement.origin_mm[0] = 0;
    double swapped[2][3] = {{1, 0, 0}, {0, 1, 0}}; /* rows run along x, columns along y */
    memcpy(labels.placement.axis[1], swapped, sizeof swapped);
    list = extract(&input, &s);
    assert_true(find(&list, "original_firstorder_Minimum")->value == 1);
    assert_true(find(&list, "original_firstorder_Maximum")->value == 3);
    assert_true(find(&list, "original_shape_VoxelVolume")->value == 9);
    feature_list_release(&list);
    labels.placement.origin_mm[0] = 3; /* columns 4 to 6 of 0 to 5 */
    assert_fails(&input, &s, STATUS_INVALID, "leaves the image");
    labels.placement.known = false;
    s.correct_mask = true;
    labels.size[1] = 5;
    assert_fails(&input, &s, STATUS_INVALID, "where they lie");
    labels.size[1] = 6;
    volume_release(&mask);
    volume_release(&image);
    label_volume_release(&labels);
}

/* Damaged headers and data: an error or a volume, never a crash (run with the sanitizers). */
static void test_nrrd_damage(void **state)
{
    (void)state;
    static const char good[] =
        "NRRD0004\n# text\ntype: short\ndimension: 3\nspace: left-posterior-superior\n"
        "sizes: 4 3 2\nspace directions: (0.5,0,0) (0,0.5,0) (0,0,2)\nendian: little\n"
        "encoding: raw\n\n0123456789abcdef0123456789abcdef0123456789abcdef";
    static const char *const words[] = {"sizes: ", "-1", "99999999999", "gzip", "double", "(,)",
                                        "nan", "\n\n", "0", ")", "dimension: 2\n"};
    uint32_t seed = 1;
    int read = 0;
    for (int round = 0; round < 20000; round++) {
        char text[sizeof good + 64];
        size_t n = sizeof good - 1;
        memcpy(text, good, n);
        for (int change = 0; change <= round % 4; change++) {
            seed = seed * 1664525 + 1013904223;
            size_t at = (seed >> 8) % n;
            if (seed >> 30 == 0) {
                const char *word = words[(seed >> 4) % (sizeof words / sizeof *words)];
                size_t length = strlen(word) < n - at ? strlen(word) : n - at;
                memcpy(text + at, word, length);
            } else if (seed >> 30 == 1) {
                n = at + 1;
            } else {
                text[at] = (char)(seed >> 16);
            }
        }
        char *exact = malloc(n); /* so that one byte too far is noticed */
        memcpy(exact, text, n);
        struct volume v;
        struct label_volume labels;
        if (nrrd_read_bytes(exact, n, "x.nrrd", &v, NULL) == 0) {
            read++;
            if (label_volume_from_volume(&v, &labels, NULL) == 0)
                label_volume_release(&labels);
            volume_release(&v);
        }
        free(exact);
    }
    assert_true(read > 1000 && read < 19000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_masks),       cmocka_unit_test(test_labels),
        cmocka_unit_test(test_not_numbers), cmocka_unit_test(test_constant),
        cmocka_unit_test(test_border),      cmocka_unit_test(test_noise_bands),
        cmocka_unit_test(test_types),       cmocka_unit_test(test_graphics),
        cmocka_unit_test(test_colour),      cmocka_unit_test(test_hull),
        cmocka_unit_test(test_nrrd),        cmocka_unit_test(test_nrrd_damage),
        cmocka_unit_test(test_placement),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
