/* Deep features of a loop, on the network that make_deep.py writes: a block of two frames, four rows
 * and four columns is one place. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "model/deep_loop.h"

#define DATA SOURCE_DIR "/tests/unit/model/data/"

enum { FRAMES = 4, SIDE = 8, COUNT = 3 };

static const struct deep_network LOOP = {
    .roi = ROI_TUMOUR, .frames = FRAMES, .input_rows = SIDE, .input_columns = SIDE, .channels = 1,
    .scale = 1 / 255.0, .std = {1}, .crop = DEEP_TISSUE, .input = "image", .output = "features",
    .count = COUNT, .prefix = "loop_", .first = 1, .activations = "activations",
    .pooling = DEEP_AVERAGE};
static const double FACTORS[COUNT] = {1, -2, 0.5}, BIASES[COUNT] = {0, 1, 0};
static const double WEIGHTS[COUNT] = {0.7, 0.4, -1.3};
/* The pictures are twice as large as what the network sees, below and right of a margin. */
static const struct deep_loop_place PLACE = {{3, 2, 3 + 2 * SIDE - 1, 2 + 2 * SIDE - 1}, 20, 24};

static struct net_library *library;
static struct net *net;

static int set_up(void **state)
{
    (void)state;
    return net_library_open(ORT_LIBRARY, &library, NULL) < 0 ||
                   net_open(library, DATA "deep-loop.onnx", NULL, &net, NULL) < 0
               ? -1
               : 0;
}

static int tear_down(void **state)
{
    (void)state;
    net_free(net);
    net_library_free(library);
    return 0;
}

/* Grey `level` in the blocks of `bright` (bit: upper left, upper right, lower left, lower right), 0
 * elsewhere. */
static struct image frame(int level, unsigned bright)
{
    struct image image;
    assert_int_equal(image_init(&image, PLACE.rows, PLACE.columns, 1, NULL), 0);
    memset(image.pixels, 200, (size_t)PLACE.rows * (size_t)PLACE.columns); /* what must not be seen */
    for (int y = 0; y < 2 * SIDE; y++)
        for (int x = 0; x < 2 * SIDE; x++) {
            const unsigned block = 1U << ((y >= SIDE) * 2 + (x >= SIDE));
            image.pixels[(y + 2) * PLACE.columns + x + 3] = bright & block ? (uint8_t)level : 0;
        }
    return image;
}

static struct loop_finding *loop_of(const int levels[FRAMES], const unsigned bright[FRAMES])
{
    struct loop_finding *loop = calloc(1, sizeof *loop);
    assert_non_null(loop);
    for (loop->count = 0; loop->count < FRAMES; loop->count++) {
        struct image picture = frame(levels[loop->count], bright[loop->count]);
        assert_int_equal(deep_loop_levels(&LOOP, &picture, PLACE.box,
                                          &loop->samples[loop->count].levels, NULL), 0);
        image_release(&picture);
    }
    return loop;
}

static void test_shapes(void **state)
{
    (void)state;
    struct deep_network other = LOOP;
    struct error err = {0};
    assert_int_equal(deep_check(net, &LOOP, NULL), 0);
    other.frames = 3;
    assert_int_equal(deep_check(net, &other, &err), STATUS_INVALID);
    other.frames = 0;
    assert_int_equal(deep_check(net, &other, &err), STATUS_INVALID);
    other = LOOP;
    other.activations = "features";
    assert_int_equal(deep_check(net, &other, &err), STATUS_INVALID);
    assert_non_null(strstr(err.message, "times"));
}

/* The box alone is seen; each frame of its own. */
static void test_levels(void **state)
{
    (void)state;
    struct loop_finding *loop =
        loop_of((const int[]){10, 20, 30, 40}, (const unsigned[]){15, 15, 15, 1});
    for (int i = 0; i < 3; i++)
        for (int k = 0; k < SIDE * SIDE; k++)
            assert_int_equal(loop->samples[i].levels.pixels[k], 10 * (i + 1));
    assert_int_equal(loop->samples[3].levels.pixels[0], 40);
    assert_int_equal(loop->samples[3].levels.pixels[SIDE * SIDE - 1], 0);
    loop_finding_free(loop);
}

/* Features by hand; the contributions sum up to the score; the time that counts most has the key. */
static void test_features_and_key(void **state)
{
    (void)state;
    const int levels[] = {51, 51, 204, 102};
    struct loop_finding *loop = loop_of(levels, (const unsigned[]){15, 15, 15, 15});
    const double mean = (51 + 51 + 204 + 102) / 4.0 / 255;
    float values[COUNT];
    double score = 0, sum = 0;
    assert_int_equal(deep_loop_run(net, &LOOP, &PLACE, WEIGHTS, loop, values, NULL), 0);
    for (int k = 0; k < COUNT; k++) {
        assert_float_equal(values[k], FACTORS[k] * mean + BIASES[k], 1e-5);
        score += WEIGHTS[k] * values[k];
    }
    for (int i = 0; i < FRAMES; i++)
        sum += loop->samples[i].contribution;
    assert_float_equal(sum, score, 1e-5);
    /* w·c = 0.7 - 0.8 - 0.65 < 0: what is dark counts most. Two times: frames 0 and 3 lie beyond their
     * middles, 1 and 2 between. */
    const double t0 = -0.75 * 51 / 255 + 0.4, t1 = -0.75 * 153 / 255 + 0.4;
    const double shares[FRAMES] = {t0, 0.75 * t0 + 0.25 * t1, 0.25 * t0 + 0.75 * t1, t1};
    for (int i = 0; i < FRAMES; i++)
        assert_float_equal(loop->samples[i].contribution, shares[i] / 4, 1e-5);
    assert_int_equal(loop->key, 0);
    loop_finding_free(loop);
}

/* Of samples that count alike the middle one. */
static void test_equal_samples(void **state)
{
    (void)state;
    float values[COUNT];
    struct loop_finding *loop =
        loop_of((const int[]){51, 51, 51, 51}, (const unsigned[]){15, 15, 15, 15});
    assert_int_equal(deep_loop_run(net, &LOOP, &PLACE, WEIGHTS, loop, values, NULL), 0);
    assert_int_equal(loop->key, 1);
    loop_finding_free(loop);
}

/* The key's map lies on its picture, in the box: its sum is the contribution, each place has its own. */
static void test_heat(void **state)
{
    (void)state;
    float values[COUNT];
    struct loop_finding *loop =
        loop_of((const int[]){0, 0, 204, 204}, (const unsigned[]){0, 0, 8, 8});
    const double weights[COUNT] = {1, 0, 0};
    assert_int_equal(deep_loop_run(net, &LOOP, &PLACE, weights, loop, values, NULL), 0);
    const struct heat_map *heat = &loop->heat;
    assert_int_equal(loop->key, 3);
    assert_int_equal(heat->plane.rows, PLACE.rows);
    assert_int_equal(heat->seen.x0, 3);
    assert_int_equal(heat->seen.y1, 17);
    /* The lower right of four places at one of two times: 0.8 / (2 · 2 · 2), half of it for one of its
     * two frames; less what resizing takes from the places' edges. */
    assert_float_equal(heat->plane.values[17 * PLACE.columns + 18], 0.8 / 8 / 2, 0.004);
    assert_float_equal(heat->plane.values[2 * PLACE.columns + 3], 0, 0.001);
    assert_float_equal(heat->plane.values[0], 0, 0);
    assert_float_equal(loop->samples[3].contribution, 0.8 / 8 / 2, 0.002);
    loop_finding_free(loop);
}

static void test_without_weights(void **state)
{
    (void)state;
    float values[COUNT];
    struct loop_finding *loop =
        loop_of((const int[]){0, 9, 9, 200}, (const unsigned[]){15, 15, 15, 15});
    loop->key = -1;
    assert_int_equal(deep_loop_run(net, &LOOP, &PLACE, NULL, loop, values, NULL), 0);
    assert_int_equal(loop->key, -1);
    assert_null(loop->heat.plane.values);
    loop_finding_free(loop);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_shapes),          cmocka_unit_test(test_levels),
        cmocka_unit_test(test_features_and_key), cmocka_unit_test(test_equal_samples),
        cmocka_unit_test(test_heat),            cmocka_unit_test(test_without_weights),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
