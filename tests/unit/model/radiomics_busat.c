/* The handcrafted features of dlrn-2024: names of its tables, and values that follow from the
 * definitions by hand. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buffer.h"
#include "base/file.h"
#include "model/radiomics/busat.h"

#define TABLE SOURCE_DIR "/../shared/data/cohort/liu2024_hospital2.csv"

enum { SIDE = 101, FEATURES = 455 };

struct picture {
    struct image image;
    struct mask mask;
};

/* A disc of grey 10 in grey 50. */
static void make_disc(struct picture *p, int radius)
{
    assert_int_equal(image_init(&p->image, SIDE, SIDE, 1, NULL), 0);
    assert_int_equal(mask_init(&p->mask, SIDE, SIDE, NULL), 0);
    for (int y = 0; y < SIDE; y++)
        for (int x = 0; x < SIDE; x++) {
            int in = (x - 50) * (x - 50) + (y - 50) * (y - 50) <= radius * radius;
            p->mask.pixels[y * SIDE + x] = (uint8_t)in;
            p->image.pixels[y * SIDE + x] = in ? 10 : 50;
        }
}

static void release(struct picture *p)
{
    image_release(&p->image);
    mask_release(&p->mask);
}

static struct feature_list extract(const struct picture *p)
{
    struct feature_list list = {0};
    struct error err;
    if (busat_extract(&p->image, &p->mask, "", &list, &err) < 0)
        fail_msg("%s", err.message);
    return list;
}

static double value(const struct feature_list *list, const char *name)
{
    const struct feature *f = feature_list_find(list, name);
    if (!f)
        fail_msg("%s is missing", name);
    return f->value;
}

static void test_disc(void **state)
{
    (void)state;
    struct picture p;
    make_disc(&p, 30);
    struct feature_list l = extract(&p);
    assert_int_equal(l.count, FEATURES);
    assert_true(value(&l, "oDWR") == 1);
    assert_true(fabs(value(&l, "sLS") - 1) < 1e-9);
    assert_true(fabs(value(&l, "sAX_MX") - 60) < 1.5);
    assert_true(value(&l, "sOR") > 0.9 && value(&l, "sPD") < 5);
    assert_true(value(&l, "PS_D") == 40 && value(&l, "MSD") == 0);
    assert_true(value(&l, "sNRL_mean") > 0.97 && value(&l, "sNRL_sd") < 0.02);
    assert_true(value(&l, "hAG") == 10 && value(&l, "hEgy") == 1 && value(&l, "hEtp") == 0);
    assert_true(value(&l, "bLB10px") == 40 && value(&l, "LB_d") == 40);
    assert_true(value(&l, "bLB25.") == 40 && value(&l, "bLB100.") == 40);
    /* The border of a disc faces outward; the picture is brighter there. */
    assert_true(value(&l, "bNRG") > 0.95 && value(&l, "bNRG") == value(&l, "nrg"));
    assert_true(value(&l, "EP_i") == 10);
    assert_true(value(&l, "glcm_energ_D1_mean") == 1 && value(&l, "glcm_contr_D8_mean") == 0);
    assert_true(value(&l, "glcm_savgh_D4_mean") == 2); /* the lowest level, twice */
    feature_list_release(&l);
    release(&p);
}

/* A depth of 20 in a width of 40 pixels, corner to corner. */
static void test_box(void **state)
{
    (void)state;
    struct picture p;
    make_disc(&p, 5);
    memset(p.mask.pixels, 0, SIDE * SIDE);
    for (int y = 10; y <= 30; y++)
        memset(p.mask.pixels + y * SIDE + 20, 1, 41);
    struct feature_list l = extract(&p);
    assert_true(value(&l, "oDWR") == 0.5);
    assert_true(value(&l, "oAngle") < 1e-9);
    assert_true(value(&l, "sNRL_zc") == 4); /* both short sides lie farther out than the mean */
    feature_list_release(&l);
    release(&p);
}

static void test_patterns(void **state)
{
    (void)state;
    struct picture p;
    make_disc(&p, 20);
    uint32_t seed = 5;
    for (int i = 0; i < SIDE * SIDE; i++) {
        seed = seed * 1664525 + 1013904223;
        p.image.pixels[i] = (uint8_t)(seed >> 24);
    }
    struct feature_list l = extract(&p);
    double sum = 0;
    for (int j = 0; j < 256; j++) {
        char name[16];
        snprintf(name, sizeof name, "LBP_%d", j);
        double share = value(&l, name);
        sum += share;
        assert_true(j % 2 == 0 || j == 255 || share == 0); /* as in the published tables */
    }
    assert_true(fabs(sum - 1) < 1e-12);
    assert_true(value(&l, "LBP_255") > 0.45); /* every second pixel, ties included */
    feature_list_release(&l);
    release(&p);
}

/* Every name is a column of the published table. */
static void test_names(void **state)
{
    (void)state;
    struct buffer table BUFFER_AUTO = {0};
    if (file_read(TABLE, 1 << 26, &table, NULL) < 0)
        skip();
    char *header = table.data;
    header[strcspn(header, "\r\n")] = 0;
    struct picture p;
    make_disc(&p, 30);
    struct feature_list l = extract(&p);
    for (size_t i = 0; i < l.count; i++) {
        char cell[128];
        snprintf(cell, sizeof cell, ",%s,", l.items[i].name);
        if (!strstr(header, cell))
            fail_msg("%s is no column of the table", l.items[i].name);
    }
    feature_list_release(&l);
    release(&p);
}

static void test_errors(void **state)
{
    (void)state;
    struct picture p;
    make_disc(&p, 30);
    struct feature_list list = {0};
    memset(p.mask.pixels, 0, SIDE * SIDE);
    assert_int_equal(busat_extract(&p.image, &p.mask, "", &list, NULL), STATUS_INVALID);
    memset(p.mask.pixels + 50 * SIDE, 1, SIDE);
    assert_int_equal(busat_extract(&p.image, &p.mask, "", &list, NULL), STATUS_INVALID);
    memset(p.mask.pixels, 1, SIDE * SIDE);
    assert_int_equal(busat_extract(&p.image, &p.mask, "", &list, NULL), STATUS_INVALID);
    assert_int_equal(list.count, 0);
    release(&p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_disc),  cmocka_unit_test(test_box),
        cmocka_unit_test(test_patterns), cmocka_unit_test(test_names),
        cmocka_unit_test(test_errors),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
