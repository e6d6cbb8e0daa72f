/* The key `deep` of a package: reading it, its features, its heat map, its stage of the self-test. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buffer.h"
#include "base/file.h"
#include "image/png.h"
#include "model/package/package.h"
#include "package_folder.h"

#define DEEP \
    "deep:\n" \
    "  - region: tumour\n" \
    "    file: deep-average.onnx\n" \
    "    input_size: 16\n" \
    "    channels: 3\n" \
    "    normalisation: {scale: 0.00392156862745098, mean: [0.5, 0.4, 0.3], std: 0.2}\n" \
    "    crop: box\n" \
    "    resize: stretch\n" \
    "    count: 3\n" \
    "    prefix: f_\n" \
    "    first: 1\n" \
    "    activations: activations\n" \
    "    pooling: average\n" \
    "  - region: tumour\n" \
    "    file: deep-max.onnx\n" \
    "    input_size: 16\n" \
    "    channels: 3\n" \
    "    normalisation: {scale: 0.00392156862745098, mean: 0, std: 1}\n" \
    "    crop: masked\n" \
    "    margin: 0.5\n" \
    "    resize: shorter_side\n" \
    "    resize_to: 18\n" \
    "    count: 3\n" \
    "    prefix: DL_\n" \
    "    first: 0\n" \
    "    activations: activations\n" \
    "    pooling: max\n" \
    "scores:\n" \
    "  - name: tumour_score\n" \
    "    intercept: 0.1\n" \
    "    terms:\n" \
    "      - {feature: tumour_f_2, centre: 1, scale: 2, coefficient: 3,\n" \
    "         needs_calibration: false, missing: refuse}\n" \
    "model:\n"
#define TERMS \
    "  terms:\n" \
    "    - {feature: tumour_score, centre: 0, scale: 4, coefficient: 0.8,\n" \
    "       needs_calibration: false, missing: refuse}\n" \
    "    - {feature: tumour_DL_0, centre: 0, scale: 0.5, coefficient: -1,\n" \
    "       needs_calibration: false, missing: refuse}\n"

static const struct package_options MAKING = {.allow_unsigned = true, .without_manifest = true};
static struct net_library *library;
static char *good; /* GOOD_PACKAGE with deep features */

static char *replaced(const char *text, const char *from, const char *to)
{
    const char *place = strstr(text, from);
    struct buffer out = {0};
    assert_non_null(place);
    buffer_add(&out, text, (size_t)(place - text), NULL);
    buffer_print(&out, NULL, "%s%s", to, place + strlen(from));
    return out.data;
}

static int set_up(void **state)
{
    (void)state;
    char *text = package_edit("model:\n", DEEP);
    good = replaced(text, "  terms:\n    - {feature: tumour_original", TERMS
                    "    - {feature: tumour_original");
    free(text);
    return net_library_open(ORT_LIBRARY, &library, NULL);
}

static int tear_down(void **state)
{
    (void)state;
    free(good);
    net_library_free(library);
    return 0;
}

static void copy(const char *name)
{
    char from[512];
    struct buffer content = {0};
    snprintf(from, sizeof from, SOURCE_DIR "/tests/unit/model/data/%s", name);
    assert_int_equal(file_read(from, 1 << 20, &content, NULL), 0);
    package_folder_write(name, content.data, content.size);
    buffer_release(&content);
}

static const char *make_folder(const char *text)
{
    const char *folder = package_folder_make(text);
    copy("deep-average.onnx");
    copy("deep-max.onnx");
    return folder;
}

static void open_good(struct package **package, struct package_nets *nets)
{
    struct error err = {0};
    if (package_open(make_folder(good), &MAKING, package, &err) < 0 ||
        package_nets_open(*package, library, nets, &err) < 0)
        fail_msg("%s: %s", err.message, err.detail);
}

static void close_good(struct package *package, struct package_nets *nets)
{
    package_nets_release(nets);
    package_free(package);
    package_folder_remove();
}

static void test_read(void **state)
{
    (void)state;
    struct package *package;
    struct package_nets nets;
    open_good(&package, &nets);
    assert_int_equal(package->deep_count, 2);
    const struct deep_network *a = &package->deep[0].network, *b = &package->deep[1].network;
    assert_float_equal(a->mean[2], 0.3, 0);
    assert_float_equal(a->std[1], 0.2, 0);
    assert_int_equal(a->input_rows, 16);
    assert_int_equal(a->input_columns, 16);
    assert_int_equal(a->resize, DEEP_STRETCH);
    assert_int_equal(a->pooling, DEEP_AVERAGE);
    assert_int_equal(b->crop, DEEP_MASKED);
    assert_float_equal(b->margin, 0.5, 0);
    assert_int_equal(b->resize, DEEP_SHORTER_SIDE);
    assert_int_equal(b->resize_to, 18);
    assert_int_equal(b->pooling, DEEP_MAX);
    assert_string_equal(b->output, "features");
    assert_null(nets.deep[2]);
    close_good(package, &nets);
}

/* Each edit of the good file is refused with file, line and reason. */
static void test_bad_yaml(void **state)
{
    (void)state;
    static const struct {
        const char *from, *to, *reason;
    } cases[] = {
        {"channels: 3", "channels: 2", "must be 1 or 3"},
        {"channels: 3", "channels: 4", "between 1 and 3"},
        {"mean: [0.5, 0.4, 0.3]", "mean: [0.5, 0.4]", "a list of 3"},
        {"mean: [0.5, 0.4, 0.3]", "mean: {r: 1}", "a list of 3"},
        {"std: 0.2", "std: 0", "must lie between"},
        {"std: 0.2", "std: .nan", "std"},
        {"crop: box", "crop: circle", "'circle'"},
        {"crop: box", "crop: picture\n    margin: 0.1", "whole picture"},
        {"crop: box", "crop: box\n    margin: 3", "between 0 and 2"},
        {"resize: stretch", "resize: stretch\n    resize_to: 20", "shorter_side"},
        {"resize_to: 18", "resize_to: 15", "between 16 and 1024"},
        {"    resize_to: 18\n", "", "'resize_to' is missing"},
        {"count: 3", "count: 0", "between 1 and 8192"},
        {"count: 3", "count: 9000", "between 1 and 8192"},
        {"prefix: f_", "prefix: f", "'_' at the end"},
        {"prefix: f_", "prefix: ../f_", "'_' at the end"},
        {"prefix: DL_", "prefix: f_", "stands twice for the tumour"},
        {"first: 1", "first: 2", "between 0 and 1"},
        {"    activations: activations\n", "", "needs 'activations'"},
        {"    pooling: average\n", "", "'pooling' is missing"},
        {"pooling: average", "pooling: median", "'median'"},
        {"input_size: 16", "input_size: 2000", "between 8 and 1024"},
        {"input_size: 16", "input_size: [16, 7]", "between 8 and 1024"},
        {"input_size: 16", "input_size: [16]", "[height, width]"},
        {"input_size: 16", "input_size: {h: 16, w: 16}", "input_size"},
        {"crop: box", "crop: segmented\n    margin: 0.1", "whole picture"},
        {"resize: stretch", "resize: fit\n    resize_to: 20", "shorter_side"},
        {"crop: box", "crop: tissue", "'tissue' needs 'frames'"},
        {"crop: box", "crop: box\n    frames: 16", "must be 'tissue' with 'frames'"},
        {"crop: box", "crop: tissue\n    frames: 1", "between 2 and 32"},
        {"crop: box", "crop: tissue\n    frames: 33", "between 2 and 32"},
        {"crop: box", "crop: tissue\n    frames: 16\n    assumed_rate: 0", "between 1 and 200"},
        {"crop: box", "crop: box\n    assumed_rate: 20", "needs 'frames'"},
        {"  - region: tumour", "  - region: node\n    frames: 4", "'region: tumour' alone"},
        {"  - region: tumour", "  - region: liver", "'liver'"},
        {"  - region: tumour", "  - area: tumour", "unknown key 'area'"},
        {"file: deep-average.onnx", "file: ../deep-average.onnx", "plain path"},
        {"regions: [tumour, node]", "regions: [node]", "inputs do not name"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char *text = replaced(good, cases[i].from, cases[i].to), place[128];
        const char *folder = make_folder(text);
        struct package *package;
        struct error err = {0};
        int status = package_open(folder, &MAKING, &package, &err);
        snprintf(place, sizeof place, "%s/package.yaml:", folder);
        if (status != STATUS_INVALID || !strstr(err.message, cases[i].reason) ||
            strncmp(err.message, place, strlen(place)) != 0)
            fail_msg("'%s' gave status %d: %s (expected: %s)", cases[i].to, status, err.message,
                     cases[i].reason);
        free(text);
        package_folder_remove();
    }
}

static double feature(const struct region_finding *region, const char *name)
{
    const struct feature *found = feature_list_find(&region->features, name);
    if (!found)
        fail_msg("%s is missing", name);
    return found->value;
}

/* Weights go by way of the score: the sum of a map's cells is what features contribute. */
static void test_features_and_heat(void **state)
{
    (void)state;
    struct package *package;
    struct package_nets nets;
    struct region_finding region = {.found = true};
    struct image grey;
    struct heat_map alone = {0};
    float values[3];
    open_good(&package, &nets);
    assert_int_equal(image_read_png(package_folder_path("selftest/tumour.png"), &grey, NULL), 0);
    assert_int_equal(mask_read_png(package_folder_path("selftest/tumour-mask.png"), &region.mask,
                                   NULL), 0);
    assert_int_equal(package_deep_features(package, &nets, &grey, ROI_NODE, &region, NULL), 0);
    assert_int_equal(region.features.count, 0);
    assert_int_equal(package_deep_features(package, &nets, &grey, ROI_TUMOUR, &region, NULL), 0);
    assert_int_equal(region.features.count, 6);
    assert_string_equal(region.features.items[0].name, "tumour_f_1");
    assert_string_equal(region.features.items[5].name, "tumour_DL_2");
    assert_float_equal(feature(&region, "tumour_f_2"), 1 - 2 * feature(&region, "tumour_f_1"), 1e-5);

    const double first[3] = {0, 3 / 2.0 * 0.8 / 4, 0}, second[3] = {-1 / 0.5, 0, 0};
    struct plane sum;
    assert_int_equal(plane_init(&sum, grey.rows, grey.columns, NULL), 0);
    for (int i = 0; i < 2; i++) {
        assert_int_equal(deep_run(nets.deep[i], &package->deep[i].network, &grey, &region.mask, NULL,
                                  i ? second : first, values, &alone, NULL), 0);
        for (int k = 0; k < grey.rows * grey.columns; k++)
            sum.values[k] += alone.plane.values[k];
        assert_true(region.heat.seen.x0 <= alone.seen.x0 && region.heat.seen.y1 >= alone.seen.y1);
        heat_map_release(&alone);
    }
    for (int k = 0; k < grey.rows * grey.columns; k++)
        assert_float_equal(region.heat.plane.values[k], sum.values[k], 1e-6);
    plane_release(&sum);
    image_release(&grey);
    region_finding_release(&region);
    close_good(package, &nets);
}

/* A region too narrow for one of the networks: no number of that one. */
static void test_narrow_region(void **state)
{
    (void)state;
    struct package *package;
    struct package_nets nets;
    struct region_finding region = {.found = true};
    struct image grey;
    open_good(&package, &nets);
    package->deep[1].network.margin = 0;
    assert_int_equal(image_init(&grey, 4, 2000, 1, NULL), 0);
    assert_int_equal(mask_init(&region.mask, 4, 2000, NULL), 0);
    memset(region.mask.pixels, 1, 2000);
    assert_int_equal(package_deep_features(package, &nets, &grey, ROI_TUMOUR, &region, NULL), 0);
    assert_true(isfinite(feature(&region, "tumour_f_1")));
    assert_true(isnan(feature(&region, "tumour_DL_0")));
    image_release(&grey);
    region_finding_release(&region);
    close_good(package, &nets);
}

static void test_selftest(void **state)
{
    (void)state;
    static const struct {
        const char *key, *reason;
    } cases[] = {
        {"  tumour_f_:\n    mean: ", "tumour_f_, mean"},
        {"  tumour_DL_:\n    mean: ", "tumour_DL_, mean"},
        {"    tumour_f_2: ", "features, tumour_f_2"},
    };
    struct package *package;
    struct package_nets nets;
    struct error err = {0};
    struct buffer written = {0};
    open_good(&package, &nets);
    if (package_selftest_write(package, &nets, &err) < 0 ||
        package_selftest(package, &nets, &err) < 0)
        fail_msg("%s: %s", err.message, err.detail);
    assert_int_equal(file_read(package_folder_path("selftest/selftest.yaml"), 1 << 20, &written,
                               NULL), 0);
    assert_null(strstr(written.data, "tumour_f_1: ")); /* no term names it */
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char *place = strstr(written.data, cases[i].key);
        assert_non_null(place);
        place += strlen(cases[i].key);
        place += *place == '-';
        const char kept = *place;
        *place = kept == '9' ? '1' : '9';
        package_folder_write("selftest/selftest.yaml", written.data, written.size);
        assert_int_equal(package_selftest(package, &nets, &err), STATUS_CONFLICT);
        if (!strstr(err.message, cases[i].reason))
            fail_msg("expected '%s', got: %s", cases[i].reason, err.message);
        *place = kept;
    }
    buffer_release(&written);
    close_good(package, &nets);
}

static void test_network_that_does_not_fit(void **state)
{
    (void)state;
    char *text = replaced(good, "file: deep-average.onnx", "file: tumour.onnx");
    struct package *package;
    struct package_nets nets;
    struct error err = {0};
    assert_int_equal(package_open(make_folder(text), &MAKING, &package, NULL), 0);
    assert_int_equal(package_nets_open(package, library, &nets, &err), STATUS_INVALID);
    assert_non_null(strstr(err.message, "tumour.onnx: the network"));
    package_free(package);
    package_folder_remove();
    free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_read),
        cmocka_unit_test(test_bad_yaml),
        cmocka_unit_test(test_features_and_heat),
        cmocka_unit_test(test_narrow_region),
        cmocka_unit_test(test_selftest),
        cmocka_unit_test(test_network_that_does_not_fit),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
