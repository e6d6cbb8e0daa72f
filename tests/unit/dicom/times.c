/* When the frames of a loop were taken. Headers are changed with DCMTK's dcmodify. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "dicom/setup.h"
#include "dicom/times.h"
#include "sample.h"

#define FRAME_TIME "(0018,1063)"
#define VECTOR "(0018,1065)"
#define POINTER "(0028,0009)"
#define CINE_RATE "(0018,0040)"
#define RECOMMENDED "(0008,2144)"

enum { FRAMES = 4, CHANGES_MAX = 6 };

static char folder[SAMPLE_PATH_SIZE], path[SAMPLE_PATH_SIZE];

/* A new loop, each of `changes` (NULL-terminated) as dcmodify takes it. */
static struct frame_times times_of(const char *const *changes)
{
    struct dicom_limits limits = dicom_limits_default();
    struct frame_times times;
    struct error err = {0};
    sample_write(folder, "loop.dcm", FRAMES, 1, "1.2.3.4", path);
    if (*changes) {
        const char *run[CHANGES_MAX + 4] = {"dcmodify", "-nb"};
        size_t n = 2;
        while (*changes)
            run[n++] = *changes++;
        run[n] = path;
        const int code = sample_run(run, NULL);
        if (code < 0)
            skip(); /* dcmodify is not installed */
        assert_int_equal(code, 0);
    }
    if (dicom_frame_times(path, &limits, &times, &err) < 0)
        fail_msg("%s", err.message);
    assert_int_equal(times.count, FRAMES);
    return times;
}

/* `seconds` of the last frame; below 0: no times. */
static void check(const char *const *changes, enum frame_time_source source, double seconds,
                  const char *fault)
{
    struct frame_times times = times_of(changes);
    assert_int_equal(times.source, source);
    if (seconds < 0)
        assert_null(times.seconds);
    else
        assert_float_equal(times.seconds[FRAMES - 1], seconds, 1e-9);
    if (!strstr(times.fault, fault) || (!*fault && *times.fault))
        fail_msg("'%s' instead of '%s'", times.fault, fault);
    frame_times_release(&times);
}

#define CHANGES(...) ((const char *const[]){__VA_ARGS__, NULL})

static void test_frame_time(void **state)
{
    (void)state;
    check(CHANGES(NULL), FRAME_TIMES_TIME, 3 * 0.0333, "");
    check(CHANGES("-m", FRAME_TIME "=50"), FRAME_TIMES_TIME, 0.15, "");
}

static void test_wrong_frame_time(void **state)
{
    (void)state;
    check(CHANGES("-m", FRAME_TIME "=0"), FRAME_TIMES_NONE, -1, "its Frame Time is 0 ms");
    check(CHANGES("-m", FRAME_TIME "=-33"), FRAME_TIMES_NONE, -1, "its Frame Time is -33 ms");
    check(CHANGES("-m", FRAME_TIME "=1e30"), FRAME_TIMES_NONE, -1, "its Frame Time is 1e+30 ms");
    check(CHANGES("-m", FRAME_TIME "=fast"), FRAME_TIMES_NONE, -1, "its Frame Time is no number");
    check(CHANGES("-e", FRAME_TIME), FRAME_TIMES_NONE, -1, "");
}

static void test_rates(void **state)
{
    (void)state;
    check(CHANGES("-e", FRAME_TIME, "-i", CINE_RATE "=20"), FRAME_TIMES_RATE, 0.15, "");
    check(CHANGES("-e", FRAME_TIME, "-i", RECOMMENDED "=10"), FRAME_TIMES_RATE, 0.3, "");
    check(CHANGES("-m", FRAME_TIME "=0", "-i", CINE_RATE "=20"), FRAME_TIMES_RATE, 0.15,
          "its Frame Time is 0 ms");
    check(CHANGES("-e", FRAME_TIME, "-i", CINE_RATE "=0", "-i", RECOMMENDED "=10"),
          FRAME_TIMES_RATE, 0.3, "its Cine Rate cannot be");
}

static void test_vector(void **state)
{
    (void)state;
    struct frame_times times = times_of(CHANGES("-e", FRAME_TIME, "-i", VECTOR "=0\\10\\200\\40",
                                                "-m", POINTER "=(0018,1065)"));
    static const double seconds[FRAMES] = {0, 0.01, 0.21, 0.25};
    assert_int_equal(times.source, FRAME_TIMES_VECTOR);
    for (int i = 0; i < FRAMES; i++)
        assert_float_equal(times.seconds[i], seconds[i], 1e-9);
    frame_times_release(&times);
    /* Beside a Frame Time the pointer decides. */
    check(CHANGES("-i", VECTOR "=0\\10\\200\\40"), FRAME_TIMES_TIME, 3 * 0.0333, "");
    check(CHANGES("-i", VECTOR "=0\\10\\200\\40", "-m", POINTER "=(0018,1065)"), FRAME_TIMES_VECTOR,
          0.25, "");
}

static void test_wrong_vector(void **state)
{
    (void)state;
    static const struct {
        const char *vector, *fault;
    } wrong[] = {
        {VECTOR "=0\\10\\20", "has 3 values for 4 frames"},
        {VECTOR "=0\\10\\20\\30\\40", "has 5 values for 4 frames"},
        {VECTOR "=0\\10\\-20\\30", "times that cannot be"},
        {VECTOR "=0\\10\\99999\\30", "times that cannot be"},
        {VECTOR "=0\\0\\0\\0", "times that cannot be"},
        {VECTOR "=0\\10\\x\\30", "times that cannot be"},
    };
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        check(CHANGES("-i", wrong[i].vector, "-m", POINTER "=(0018,1065)"), FRAME_TIMES_TIME,
              3 * 0.0333, wrong[i].fault);
        check(CHANGES("-e", FRAME_TIME, "-i", wrong[i].vector), FRAME_TIMES_NONE, -1,
              wrong[i].fault);
    }
}

static int make_folder(void **state)
{
    (void)state;
    sample_folder_make(folder);
    return dicom_setup(NULL);
}

static int remove_folder(void **state)
{
    (void)state;
    sample_folder_remove(folder);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_frame_time), cmocka_unit_test(test_wrong_frame_time),
        cmocka_unit_test(test_rates),      cmocka_unit_test(test_vector),
        cmocka_unit_test(test_wrong_vector),
    };
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
