#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/buffer.h"
#include "base/digest.h"
#include "base/file.h"
#include "model/net/net.h"

#define DATA SOURCE_DIR "/tests/unit/model/data/"

enum { PIXELS = 32 * 32 };

static struct net_library *library;

static int set_up(void **state)
{
    struct error err = {0};
    (void)state;
    if (net_library_open(ORT_LIBRARY, &library, &err) < 0) {
        fprintf(stderr, "%s: %s\n", err.message, err.detail);
        return -1;
    }
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    net_library_free(library);
    return 0;
}

static double cpu_seconds(void)
{
    struct timespec t;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void test_run(void **state)
{
    (void)state;
    struct net *net;
    float in[PIXELS], out[2 * PIXELS];
    assert_int_equal(net_open(library, DATA "node.onnx", NULL, &net, NULL), 0);
    for (int i = 0; i < PIXELS; i++)
        in[i] = (float)i / PIXELS;
    struct net_tensor input = {"image", {4, {1, 1, 32, 32}}, in};
    struct net_tensor output = {"probability", {4, {1, 2, 32, 32}}, out};
    assert_int_equal(net_run(net, &input, 1, &output, 1, NULL), 0);
    for (int i = 0; i < PIXELS; i++) {
        assert_true(fabsf(out[i] - fminf(1, 2 * in[i])) < 1e-6f);
        assert_true(fabsf(out[PIXELS + i] - fmaxf(0, 2 * in[i] - 1)) < 1e-6f);
    }
    /* Nothing spins behind our back: a thread that did would use all of this time. */
    double before = cpu_seconds();
    nanosleep(&(struct timespec){.tv_nsec = 200000000}, NULL);
    assert_true(cpu_seconds() - before < 0.05);
    assert_true(strlen(net_library_version(library)) > 0);
    net_free(net);
}

static void test_check(void **state)
{
    (void)state;
    struct net *net;
    struct error err = {0};
    const struct net_shape in = {4, {1, 1, 32, 32}}, out = {4, {1, 2, 32, 32}};
    const struct net_shape small = {4, {1, 1, 16, 16}}, flat = {2, {1, 1024}};
    assert_int_equal(net_open(library, DATA "node.onnx", NULL, &net, NULL), 0);
    assert_int_equal(net_check(net, "image", &in, "probability", &out, NULL), 0);
    assert_int_equal(net_check(net, "picture", &in, "probability", &out, &err), STATUS_INVALID);
    assert_non_null(strstr(err.message, "no input 'picture'"));
    assert_int_equal(net_check(net, "image", &in, "mask", &out, &err), STATUS_INVALID);
    assert_non_null(strstr(err.message, "no output 'mask'"));
    assert_int_equal(net_check(net, "image", &small, "probability", &out, NULL), STATUS_INVALID);
    assert_int_equal(net_check(net, "image", &flat, "probability", &out, NULL), STATUS_INVALID);
    assert_int_equal(net_check(net, "image", &in, "probability", &in, NULL), STATUS_INVALID);
    float values[2 * PIXELS] = {0};
    struct net_tensor input = {"image", {4, {1, 1, 16, 64}}, values};
    struct net_tensor output = {"probability", {4, {1, 1, 32, 32}}, values};
    assert_int_equal(net_run(net, &input, 1, &output, 1, &err), STATUS_INVALID);
    input.shape = in;
    assert_int_equal(net_run(net, &input, 1, &output, 1, &err), STATUS_INVALID);
    input.shape.sides[2] = -1;
    assert_int_equal(net_run(net, &input, 1, &output, 1, &err), STATUS_INVALID);
    net_free(net);
}

static void test_digest(void **state)
{
    (void)state;
    struct net *net;
    struct error err = {0};
    char hex[DIGEST_TEXT_SIZE];
    assert_int_equal(digest_file(DATA "tumour.onnx", hex, NULL, NULL), 0);
    assert_int_equal(net_open(library, DATA "tumour.onnx", hex, &net, NULL), 0);
    net_free(net);
    hex[0] = hex[0] == '0' ? '1' : '0';
    assert_int_equal(net_open(library, DATA "tumour.onnx", hex, &net, &err), STATUS_CONFLICT);
    assert_int_equal(net_open(library, DATA "outside.onnx", NULL, &net, &err), STATUS_UNSUPPORTED);
    assert_non_null(strstr(err.message, "in another file"));
}

/* Every cut and flipped bytes of a small network: an error or a network, never a crash. */
static void test_damaged_files(void **state)
{
    (void)state;
    char folder[] = "/tmp/axnode-net-XXXXXX", path[64];
    struct buffer good = {0};
    struct net *net;
    struct error err = {0};
    assert_non_null(mkdtemp(folder));
    snprintf(path, sizeof path, "%s/a.onnx", folder);
    assert_int_equal(net_open(library, path, NULL, &net, &err), STATUS_NOT_FOUND);
    assert_int_equal(file_read(DATA "tumour.onnx", 1 << 20, &good, NULL), 0);
    for (size_t n = 0; n < good.size; n += 3) {
        file_write(path, good.data, n, NULL);
        if (net_open(library, path, NULL, &net, &err) == 0)
            net_free(net);
        else
            assert_true(strstr(err.message, path) != NULL);
        good.data[n] ^= 0x2a;
        file_write(path, good.data, good.size, NULL);
        if (net_open(library, path, NULL, &net, NULL) == 0)
            net_free(net);
        good.data[n] ^= 0x2a;
    }
    buffer_release(&good);
    unlink(path);
    rmdir(folder);
}

static void test_library_not_there(void **state)
{
    (void)state;
    struct net_library *other;
    struct error err = {0};
    assert_int_equal(net_library_open("/tmp/axnode-no-such.so", &other, &err), STATUS_NOT_FOUND);
    assert_int_equal(net_library_open("libm.so.6", &other, &err), STATUS_UNSUPPORTED);
    assert_non_null(strstr(err.message, "not ONNX Runtime"));
}

static void test_shape_count(void **state)
{
    (void)state;
    assert_int_equal(net_shape_count(&(struct net_shape){3, {2, 3, 4}}), 24);
    assert_int_equal(net_shape_count(&(struct net_shape){2, {2, 0}}), 0);
    assert_int_equal(net_shape_count(&(struct net_shape){2, {-1, 5}}), 0);
    assert_int_equal(net_shape_count(&(struct net_shape){2, {1 << 20, 1 << 20}}), 0);
    assert_int_equal(net_shape_count(&(struct net_shape){1, {INT64_MAX}}), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_run),           cmocka_unit_test(test_check),
        cmocka_unit_test(test_digest),        cmocka_unit_test(test_damaged_files),
        cmocka_unit_test(test_library_not_there), cmocka_unit_test(test_shape_count),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
