/* Loops: speckle that decorrelates as the formula says and follows the tissue, a tumour that comes
 * and goes, and a firmness that shows over time alone. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <math.h>
#include <stdlib.h>

#include "phantom/loop.h"
#include "phantom/motion.h"
#include "phantom/speckle.h"

enum { SIDE = 200 };
static const float NO_NOISE_DB = -90;

/* Even tissue at an elevation, moved sideways by `moved` pixels; powers of SIDE × SIDE. */
static double *powers(double elevation_mm, double sigma_mm, double moved)
{
    struct plane echo;
    struct warp warp;
    struct image seen;
    assert_int_equal(plane_init(&echo, SIDE, SIDE, NULL), STATUS_OK);
    assert_int_equal(plane_init(&warp.x, SIDE, SIDE, NULL), STATUS_OK);
    assert_int_equal(plane_init(&warp.y, SIDE, SIDE, NULL), STATUS_OK);
    assert_int_equal(image_init(&seen, SIDE, SIDE, 1, NULL), STATUS_OK);
    for (int i = 0; i < SIDE * SIDE; i++) {
        warp.x.values[i] = (float)(i % SIDE + moved);
        warp.y.values[i] = (float)(i / SIDE);
    }
    struct beam beam = {.spacing_mm = 0.15F,
                        .axial_sigma_mm = 0.17F,
                        .lateral_sigma_mm = 0.25F,
                        .noise_db = NO_NOISE_DB,
                        .dynamic_range_db = 80,
                        .gland_grey = 170,
                        .looks = 1};
    struct slab slab = {5, elevation_mm, sigma_mm};
    struct random noise = random_stream(1, 1, RANDOM_SPECKLE, 1);
    assert_int_equal(speckle_frame(&echo, &beam, &slab, &warp, &noise, &seen, NULL), STATUS_OK);
    double *power = malloc(SIDE * SIDE * sizeof *power);
    assert_non_null(power);
    for (int i = 0; i < SIDE * SIDE; i++)
        power[i] = pow(10, (seen.pixels[i] - 170.0) * 80 / 255 / 10);
    plane_release(&echo);
    plane_release(&warp.x);
    plane_release(&warp.y);
    image_release(&seen);
    return power;
}

/* Of the values whose columns are `shift` apart. */
static double correlation(const double *a, const double *b, int shift)
{
    double n = 0, sa = 0, sb = 0, saa = 0, sbb = 0, sab = 0;
    for (int row = 0; row < SIDE; row++)
        for (int column = shift; column < SIDE; column++) {
            double x = a[row * SIDE + column], y = b[row * SIDE + column - shift];
            n++;
            sa += x;
            sb += y;
            saa += x * x;
            sbb += y * y;
            sab += x * y;
        }
    return (sab - sa * sb / n) / sqrt((saa - sa * sa / n) * (sbb - sb * sb / n));
}

static void decorrelates(void **state)
{
    (void)state;
    const double sigma = 0.7;
    double *first = powers(0.3, sigma, 0);
    for (double d = 0.2; d < 3; d *= 1.6) {
        double *other = powers(0.3 + d, sigma, 0);
        double expected = exp(-d * d / (2 * sigma * sigma));
        assert_true(fabs(correlation(first, other, 0) - expected) < 0.06);
        free(other);
    }
    free(first);
}

/* Fully developed: the envelope has Rayleigh's ratio of mean and deviation. */
static void rayleigh(void **state)
{
    (void)state;
    double *power = powers(0, 0.7, 0), sum = 0, square = 0;
    for (int i = 0; i < SIDE * SIDE; i++) {
        sum += sqrt(power[i]);
        square += power[i];
    }
    double mean = sum / (SIDE * SIDE), deviation = sqrt(square / (SIDE * SIDE) - mean * mean);
    assert_true(fabs(mean / deviation - 1.91) < 0.08);
    free(power);
}

static void follows_the_tissue(void **state)
{
    (void)state;
    double *first = powers(0, 0.7, 0), *moved = powers(0, 0.7, 7);
    assert_true(correlation(first, moved, 7) > 0.99);
    assert_true(fabs(correlation(first, moved, 0)) < 0.1);
    free(first);
    free(moved);
}

/* A firm lesion keeps its height under a push, a loose one is squeezed and slips. */
static void firmness_shows(void **state)
{
    (void)state;
    struct shape lesion = {.x_mm = 22, .y_mm = 20};
    for (int i = 0; i < SHAPE_ANGLES; i++)
        lesion.radius_mm[i] = 6;
    for (int firm = 0; firm < 2; firm++) {
        struct squeeze s = {.lesion = &lesion,
                            .middle_mm = 20,
                            .strain = 0.2,
                            .firmness = firm,
                            .slip_mm = firm ? 0 : 3};
        double x, above, below, aside, beside;
        squeeze_source(&s, 22, 15, &x, &above);
        squeeze_source(&s, 22, 17, &x, &below);
        assert_true(fabs(below - above - (firm ? 2 : 2 / 0.8)) < 1e-5);
        /* Relative to tissue far below. */
        squeeze_source(&s, 22, 16, &aside, &above);
        squeeze_source(&s, 22, 39, &beside, &below);
        assert_int_equal(fabs(aside - beside) > 2.5, !firm);
    }
}

static struct study_plan plan_of(int number)
{
    struct study_plan study;
    study_plan_draw(3, number, &study);
    return loop_plan(&study);
}

static void comes_and_goes(void **state)
{
    (void)state;
    struct study_plan plan = plan_of(1);
    struct loop loop;
    assert_int_equal(loop_render(&plan, 0.4, &loop, NULL), STATUS_OK);
    assert_in_range(loop.frame_count, 32, PHANTOM_FRAMES_MAX);
    assert_true(loop.frame_time_ms > 30);
    assert_true(loop.shows[loop.largest]);
    int shows = 0, peak = 0;
    for (int i = 0; i < loop.frame_count; i++) {
        shows += loop.shows[i];
        peak = loop.push[i] > loop.push[peak] ? i : peak;
        assert_int_equal(loop.frames[i].columns, 512);
    }
    assert_in_range(shows, loop.frame_count / 2, loop.frame_count - 2);
    assert_false(loop.shows[0]);
    assert_true(loop.push[peak] > 0.9 && loop.shows[peak]);
    const struct image *frame = &loop.frames[loop.largest];
    double inside = 0;
    size_t count = mask_count(&loop.lesion);
    for (size_t i = 0; i < (size_t)frame->rows * frame->columns; i++)
        inside += loop.lesion.pixels[i] ? frame->pixels[i] : 0;
    double around = 0, points = 0;
    for (int y = loop.region.y0; y <= loop.region.y1; y++)
        for (int x = loop.region.x0; x <= loop.region.x1; x++, points++)
            around += frame->pixels[(size_t)y * frame->columns + x];
    assert_true(count > 500 && inside / (double)count < around / points - 15);
    loop_release(&loop);
}

/* The best a loop can tell is far above the best a still of the tumour can. */
static void optimum(void **state)
{
    (void)state;
    enum { STUDIES = 600 };
    double still[STUDIES], with_loop[STUDIES];
    bool outcome[STUDIES];
    for (int i = 0; i < STUDIES; i++) {
        struct latents l = latents_draw(8, (uint64_t)i + 1);
        outcome[i] = l.outcome;
        still[i] = risk_of_still(&l);
        with_loop[i] = risk_of_loop(&l, firmness_draw(8, (uint64_t)i + 1, l.outcome));
    }
    double pairs = 0, by_still = 0, by_loop = 0;
    for (int i = 0; i < STUDIES; i++)
        for (int j = 0; j < STUDIES; j++)
            if (outcome[i] && !outcome[j]) {
                pairs++;
                by_still += still[i] > still[j];
                by_loop += with_loop[i] > with_loop[j];
            }
    assert_true(fabs(by_still / pairs - 0.67) < 0.05);
    assert_true(fabs(by_loop / pairs - 0.97) < 0.02);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(decorrelates),       cmocka_unit_test(rayleigh),
        cmocka_unit_test(follows_the_tissue), cmocka_unit_test(firmness_shows),
        cmocka_unit_test(comes_and_goes),     cmocka_unit_test(optimum),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
