#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <math.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buffer.h"
#include "base/file.h"
#include "model/package/package.h"
#include "package_folder.h"

static const struct package_options UNSIGNED = {.allow_unsigned = true};
static const struct package_options MAKING = {.allow_unsigned = true, .without_manifest = true};

static struct net_library *library;

static int set_up(void **state)
{
    (void)state;
    return net_library_open(ORT_LIBRARY, &library, NULL);
}

static int tear_down(void **state)
{
    (void)state;
    net_library_free(library);
    return 0;
}

/* As a packager does: numbers first, then the manifest. */
static const char *make_good(void)
{
    const char *folder = package_folder_make(GOOD_PACKAGE);
    struct package *package;
    struct package_nets nets;
    struct error err = {0};
    if (package_open(folder, &MAKING, &package, &err) < 0 ||
        package_nets_open(package, library, &nets, &err) < 0 ||
        package_selftest_write(package, &nets, &err) < 0 ||
        package_manifest_write(folder, &err) < 0)
        fail_msg("%s: %s", err.message, err.detail);
    package_nets_release(&nets);
    package_free(package);
    return folder;
}

static void test_good(void **state)
{
    (void)state;
    const char *folder = make_good();
    struct package *p;
    struct package_nets nets;
    struct error err = {0};
    assert_int_equal(package_open(folder, &UNSIGNED, &p, NULL), 0);
    assert_string_equal(p->name, "test-package");
    assert_string_equal(p->version, "1.2.3");
    assert_false(p->clinical_use);
    assert_string_equal(p->outcome_short, "node metastasis");
    assert_int_equal(p->population_count, 1);
    assert_int_equal(p->population[0].evidence, EVIDENCE_SYNTHETIC_DATA);
    assert_true(p->required[ROI_TUMOUR] && p->required[ROI_NODE]);
    assert_int_equal(p->networks[ROI_NODE].outline.hilum_channel, 1);
    assert_string_equal(p->networks[ROI_NODE].outline.output, "probability");
    assert_int_equal(p->term_count, 3);
    assert_true(p->terms[1].needs_calibration && p->terms[1].coefficient == 0.9);
    assert_true(p->has_cutoff && p->cutoff == 0.4);
    assert_int_equal(p->performance_count, 3);
    assert_string_equal(p->performance[2].key, "held_out.interval.2");
    assert_string_equal(p->performance[2].value, "0.95");
    assert_int_equal(strlen(p->digest), 64);
    assert_false(p->is_signed);
    assert_int_equal(package_nets_open(p, library, &nets, NULL), 0);
    if (package_selftest(p, &nets, &err) < 0)
        fail_msg("%s: %s", err.message, err.detail);
    package_nets_release(&nets);
    package_free(p);
    package_folder_remove();
}

/* Each edit of the good file is refused with file, line and reason. */
static void test_bad_yaml(void **state)
{
    (void)state;
    static const struct {
        const char *from, *to, *reason;
        int line;
    } cases[] = {
        {"format: 1", "format: 2", "format", 1},
        {"format: 1\n", "format: 1\nfromat: 1\n", "unknown key 'fromat'", 2},
        {"format: 1\n", "", "'format' is missing", 1},
        {"name: test-package", "name: Test Package", "lower-case", 2},
        {"name: test-package", "name: ../../etc", "lower-case", 2},
        {"version: 1.2.3", "version: ''", "must not be empty", 3},
        {"version: 1.2.3", "version: [1]", "must be text", 3},
        {"version: 1.2.3", "version: 1.2.3\nclinical_use: perhaps", "'perhaps' is not known", 4},
        {"intended_use: Tests of the program. Never for patients.", "intended_use:",
         "'intended_use' is missing", 1},
        {", short: node metastasis", "", "'short' is missing", 5},
        {"evidence: synthetic_data", "evidence: hearsay", "'hearsay' is not known", 7},
        {"\n  - {evidence: synthetic_data, text: the study is synthetic}", " []", "list of 1", 6},
        {"regions: [tumour, node]", "regions: [tumour, breast]", "'breast' is not known", 8},
        {"regions: [tumour, node]", "regions: [node, node]", "stands twice", 8},
        {"regions: [tumour, node]", "regions: [node]", "region that inputs do not name", 33},
        {"sizes_require_calibration: region", "sizes_require_calibration: maybe", "'maybe'", 8},
        {"file: tumour.onnx", "file: ../tumour.onnx", "plain path", 11},
        {"file: tumour.onnx", "file: /etc/passwd", "plain path", 11},
        {"file: tumour.onnx", "file: tumour.onnx\n    sha256: abc", "64 lower-case", 12},
        {"input_size: 32", "input_size: 100000", "input_size", 12},
        {"input_size: 32", "input_size: 32.5", "input_size", 12},
        {"std: 1", "std: 0", "above 0", 13},
        {"scale: 0.00392156862745098", "scale: .nan", "scale", 13},
        {"channels: [tumour]", "channels: [tumour, hilum]", "alone", 14},
        {"channels: [tumour]", "channels: [node]", "'node' is not known", 14},
        {"channels: [node, hilum]", "channels: [hilum]", "must hold 'node'", 21},
        {"channels: [node, hilum]", "channels: [node, node]", "stands twice", 21},
        {"threshold: 0.5", "threshold: 1", "between", 15},
        {"min_area_fraction: 0.001", "min_area_fraction: -1", "between", 16},
        {"setting: {binWidth: 25", "setting: {binWitdh: 25", "binWitdh", 27},
        {"agreement_min: 0.7", "agreement_min: 1.7", "between", 28},
        {"agreement_min: 0.7\n", "", "'agreement_min' is missing", 1},
        {"link: logistic", "link: probit", "'probit'", 30},
        {"intercept: -0.5", "intercept: low", "intercept", 31},
        {"  intercept: -0.5\n", "", "intercept is missing", 1},
        {"feature: tumour_original", "feature: breast_original", "no region's name", 33},
        {"scale: 0.5", "scale: 0", "above 0", 33},
        {"coefficient: 0.7", "coefficient: .inf", "coefficient", 34},
        {"coefficient: 0.7, ", "", "'coefficient' is missing", 33},
        {"needs_calibration: true", "needs_calibration: false", "size of pixels", 36},
        {"needs_calibration: true", "needs_calibration: yes", "true or false", 36},
        {"missing: refuse", "missing: zero", "'zero'", 34},
        {"feature: node_measure_HilumFraction", "feature: tumour_original_firstorder_Entropy",
         "stands twice", 37},
        {"cutoff: {value: 0.4", "cutoff: {value: 40", "between", 39},
        {"provenance: {data: made up, ", "provenance: {", "'data' is missing", 40},
        {"performance:\n  held_out: {auc: 0.9, interval: [0.85, 0.95]}", "performance: good",
         "mapping", 41},
        {"  tumour:\n", "  tumor:\n", "unknown key 'tumor'", 10},
        {"min_area_fraction: 0.001", "min_area_fraction: 0.001\n    zoom: [1]", "between", 17},
        {"input_size: 32", "input_size: 32\n    channels_in: [callipers]", "must be [grey]", 13},
        {"input_size: 32", "input_size: 32\n    channels_in: [grey, colour]", "'colour'", 13},
        {"input_size: 32", "input_size: 32\n    graphics: erased", "'erased'", 13},
        {"agreement_min: 0.7", "agreement_min: 0.7\nunsure: perhaps", "'perhaps'", 29},
        {"  tumour:\n", "  view: {file: view.onnx, input_size: 32,\n    normalisation: {scale: 1, "
                         "mean: 0, std: 1}}\n  tumour:\n", "'confidence_min' is missing", 10},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char *text = package_edit(cases[i].from, cases[i].to), place[128];
        const char *folder = package_folder_make(text);
        struct package *package;
        struct error err = {0};
        int status = package_open(folder, &MAKING, &package, &err);
        snprintf(place, sizeof place, "%s/package.yaml:%d: ", folder, cases[i].line);
        if (status != STATUS_INVALID || !strstr(err.message, cases[i].reason) ||
            strncmp(err.message, place, strlen(place)) != 0)
            fail_msg("'%s' gave status %d: %s (expected line %d: %s)", cases[i].to, status,
                     err.message, cases[i].line, cases[i].reason);
        free(text);
        package_folder_remove();
    }
}

/* Keys that may be left out, and a view network, which has a selftest of its own. */
static void test_optional_keys(void **state)
{
    (void)state;
    char *text = package_edit("  tumour:\n    file: tumour.onnx\n",
                              "  view: {file: view.onnx, input_size: 32, confidence_min: 0.8,\n"
                              "    normalisation: {scale: 0.00392156862745098, mean: 0, std: 1}}\n"
                              "  tumour:\n    file: tumour.onnx\n    zoom: [2.2, 3]\n"
                              "    channels_in: [grey]\n    graphics: painted\n");
    struct buffer whole = {0}, network = {0};
    buffer_print(&whole, NULL, "%sunsure: allow\nclinical_use: yes\n", text);
    const char *folder = package_folder_make(buffer_text(&whole));
    struct package *package;
    struct package_nets nets;
    struct error err = {0};
    assert_int_equal(file_read(SOURCE_DIR "/tests/unit/model/data/view.onnx", 1 << 20, &network,
                               NULL), 0);
    package_folder_write("view.onnx", network.data, network.size);
    network.size = 0;
    assert_int_equal(file_read(package_folder_path("selftest/node.png"), 1 << 20, &network, NULL), 0);
    package_folder_write("selftest/view.png", network.data, network.size);
    if (package_open(folder, &MAKING, &package, &err) < 0)
        fail_msg("%s", err.message);
    assert_true(package->view.present && package->unsure_allowed && package->clinical_use);
    assert_true(package->view.network.confidence_min == 0.8);
    assert_int_equal(package->networks[ROI_TUMOUR].outline.zoom_count, 2);
    assert_true(package->networks[ROI_TUMOUR].outline.zooms[0] == 2.2);
    assert_true(package->networks[ROI_TUMOUR].outline.zooms[1] == 3);
    assert_true(package->networks[ROI_TUMOUR].outline.painted);
    assert_false(package->networks[ROI_TUMOUR].outline.callipers);
    assert_int_equal(package->networks[ROI_NODE].outline.zoom_count, 0);
    assert_false(package->networks[ROI_NODE].outline.painted);
    assert_int_equal(package_nets_open(package, library, &nets, NULL), 0);
    assert_non_null(nets.view);
    assert_int_equal(package_selftest_write(package, &nets, NULL), 0);
    if (package_selftest(package, &nets, &err) < 0)
        fail_msg("%s: %s", err.message, err.detail);
    package_nets_release(&nets);
    package_free(package);
    package_folder_remove();
    buffer_release(&whole);
    buffer_release(&network);
    free(text);
}

static void test_network_missing(void **state)
{
    (void)state;
    char *text = package_edit("  node:\n    file: node.onnx\n    input_size: 32\n"
                              "    normalisation: {scale: 0.00392156862745098, mean: 0, std: 1}\n"
                              "    channels: [node, hilum]\n    threshold: 0.5\n"
                              "    min_area_fraction: 0.001\n",
                              "");
    struct package *package;
    struct error err = {0};
    assert_int_equal(package_open(package_folder_make(text), &MAKING, &package, &err),
                     STATUS_INVALID);
    assert_non_null(strstr(err.message, "network for 'node' is missing"));
    package_folder_remove();
    free(text);
}

static void test_incomplete(void **state)
{
    (void)state;
    char *text = package_edit("  intercept: -0.5\n", "");
    struct buffer whole = {0};
    buffer_print(&whole, NULL, "%sincomplete: [the intercept was never published]\n", text);
    const char *folder = package_folder_make(buffer_text(&whole));
    struct package *package;
    struct package_nets nets;
    assert_int_equal(package_open(folder, &MAKING, &package, NULL), 0);
    assert_int_equal(package->incomplete_count, 1);
    assert_string_equal(package->incomplete[0], "the intercept was never published");
    assert_true(package->has_model && !package->has_intercept);
    assert_int_equal(package_nets_open(package, library, &nets, NULL), 0);
    assert_int_equal(package_selftest_write(package, &nets, NULL), 0);
    assert_int_equal(package_selftest(package, &nets, NULL), 0);
    package_nets_release(&nets);
    package_free(package);
    package_folder_remove();
    buffer_release(&whole);
    free(text);
}

static void refuse(const char *folder, const char *reason)
{
    struct package *package;
    struct error err = {0};
    int status = package_open(folder, &UNSIGNED, &package, &err);
    if (status >= 0 || !strstr(err.message, reason))
        fail_msg("expected '%s', got status %d: %s", reason, status, err.message);
}

/* The manifest's text with one change. */
static void edit_manifest(const char *from, const char *to)
{
    struct buffer content = {0}, edited = {0};
    assert_int_equal(file_read(package_folder_path("MANIFEST"), 1 << 20, &content, NULL), 0);
    char *place = strstr(content.data, from);
    assert_non_null(place);
    buffer_add(&edited, content.data, (size_t)(place - content.data), NULL);
    buffer_print(&edited, NULL, "%s%s", to, place + strlen(from));
    package_folder_write("MANIFEST", edited.data, edited.size);
    buffer_release(&content);
    buffer_release(&edited);
}

static void test_manifest_tampering(void **state)
{
    (void)state;
    const char *folder = make_good();
    package_folder_write("notes.txt", "x", 1);
    refuse(folder, "holds notes.txt");
    unlink(package_folder_path("notes.txt"));
    package_folder_write(".hidden", "x", 1);
    refuse(folder, "unusable name");
    unlink(package_folder_path(".hidden"));
    assert_int_equal(mkfifo(package_folder_path("pipe"), 0600), 0);
    refuse(folder, "neither a plain file");
    unlink(package_folder_path("pipe"));

    rename(package_folder_path("tumour.onnx"), "/tmp/axnode-kept.onnx");
    refuse(folder, "lacks tumour.onnx");
    assert_int_equal(symlink("/tmp/axnode-kept.onnx", package_folder_path("tumour.onnx")), 0);
    refuse(folder, "neither a plain file");
    unlink(package_folder_path("tumour.onnx"));
    rename("/tmp/axnode-kept.onnx", package_folder_path("tumour.onnx"));

    struct buffer network = {0};
    assert_int_equal(file_read(package_folder_path("node.onnx"), 1 << 20, &network, NULL), 0);
    network.data[20] ^= 1;
    package_folder_write("node.onnx", network.data, network.size);
    refuse(folder, "node.onnx differs");
    network.data[20] ^= 1;
    package_folder_write("node.onnx", network.data, network.size);
    buffer_release(&network);

    struct package *package;
    assert_int_equal(package_open(folder, &UNSIGNED, &package, NULL), 0); /* whole again */
    package_free(package);
    edit_manifest("  package.yaml", "  ../package.yaml");
    refuse(folder, "not allowed");
    edit_manifest("  ../package.yaml", "  /package.yaml");
    refuse(folder, "not allowed");
    edit_manifest("  /package.yaml", "  a.yaml");
    refuse(folder, "MANIFEST:2: the paths are not in order");
    edit_manifest("  a.yaml", " package.yaml");
    refuse(folder, "MANIFEST:2: must be a SHA-256");
    package_folder_write("MANIFEST", "", 0);
    refuse(folder, "empty");
    package_folder_write("MANIFEST", "no end", 6);
    refuse(folder, "does not end");
    unlink(package_folder_path("MANIFEST"));
    refuse(folder, "MANIFEST");
    package_folder_remove();
    refuse("/tmp/axnode-no-such-package", "No such file");
}

static void write_keys(const char *private_path, const char *public_path)
{
    EVP_PKEY *key = EVP_PKEY_Q_keygen(NULL, NULL, "ED25519");
    FILE *f = fopen(private_path, "w");
    PEM_write_PrivateKey(f, key, NULL, NULL, 0, NULL, NULL);
    fclose(f);
    f = fopen(public_path, "w");
    PEM_write_PUBKEY(f, key);
    fclose(f);
    EVP_PKEY_free(key);
}

static void test_signature(void **state)
{
    (void)state;
    char folder[64], keys[] = "/tmp/axnode-keys-XXXXXX", a[2][64], b[2][64];
    assert_non_null(mkdtemp(keys));
    for (int i = 0; i < 2; i++) {
        snprintf(a[i], sizeof a[i], "%s/a%d", keys, i);
        snprintf(b[i], sizeof b[i], "%s/b%d", keys, i);
    }
    write_keys(a[0], a[1]);
    write_keys(b[0], b[1]);
    snprintf(folder, sizeof folder, "%s", make_good());
    const char *const trusted[] = {b[1], a[1]}, *const other[] = {b[1]}, *const wrong[] = {a[0]};
    const struct package_options two = {trusted, 2, false, false}, one = {other, 1, true, false},
                                 none = {NULL, 0, false, false}, open = {NULL, 0, true, false},
                                 bad_key = {wrong, 1, true, false};
    struct package *p;
    struct error err = {0};
    assert_int_equal(package_open(folder, &two, &p, &err), STATUS_INVALID);
    assert_non_null(strstr(err.message, "not signed"));
    assert_int_equal(package_sign(folder, a[0], NULL), 0);
    assert_int_equal(package_open(folder, &two, &p, NULL), 0);
    assert_true(p->is_signed);
    package_free(p);
    assert_int_equal(package_open(folder, &one, &p, &err), STATUS_INVALID);
    assert_non_null(strstr(err.message, "trusted key"));
    assert_int_equal(package_open(folder, &none, &p, &err), STATUS_INVALID);
    assert_int_equal(package_open(folder, &bad_key, &p, &err), STATUS_INVALID);
    assert_non_null(strstr(err.message, "public key"));
    assert_int_equal(package_open(folder, &open, &p, NULL), 0);
    assert_false(p->is_signed);
    package_free(p);
    edit_manifest("  tumour.onnx", "  tumour.omnx");
    assert_int_equal(package_open(folder, &two, &p, &err), STATUS_INVALID);
    assert_non_null(strstr(err.message, "trusted key"));
    package_folder_write("MANIFEST.sig", "short", 5);
    assert_int_equal(package_open(folder, &open, &p, &err), STATUS_INVALID);
    assert_int_equal(package_sign(folder, a[1], &err), STATUS_INVALID);
    package_folder_remove();
    for (int i = 0; i < 2; i++) {
        unlink(a[i]);
        unlink(b[i]);
    }
    rmdir(keys);
}

/* The stated numbers changed: each stage notices. */
static void test_selftest_notices(void **state)
{
    (void)state;
    static const struct {
        const char *key, *reason;
    } cases[] = {
        {"    - mean: ", "tumour, mean"},
        {"node_measure_AxisRatio: ", "features, node_measure_AxisRatio"},
        {"  linear_predictor: ", "score, linear_predictor"},
        {"  risk: ", "score, risk"},
    };
    const char *folder = make_good();
    struct buffer good = {0};
    assert_int_equal(file_read(package_folder_path("selftest/selftest.yaml"), 1 << 20, &good, NULL),
                     0);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct buffer edited = {0};
        struct package *package;
        struct package_nets nets;
        struct error err = {0};
        char *place = strstr(good.data, cases[i].key);
        assert_non_null(place);
        place += strlen(cases[i].key);
        buffer_add(&edited, good.data, (size_t)(place - good.data), NULL);
        buffer_print(&edited, NULL, "9%s", *place == '-' ? place + 1 : place);
        package_folder_write("selftest/selftest.yaml", edited.data, edited.size);
        assert_int_equal(package_manifest_write(folder, NULL), 0);
        assert_int_equal(package_open(folder, &UNSIGNED, &package, NULL), 0);
        assert_int_equal(package_nets_open(package, library, &nets, NULL), 0);
        assert_int_equal(package_selftest(package, &nets, &err), STATUS_CONFLICT);
        if (!strstr(err.message, cases[i].reason))
            fail_msg("expected '%s', got: %s", cases[i].reason, err.message);
        package_nets_release(&nets);
        package_free(package);
        buffer_release(&edited);
    }
    buffer_release(&good);
    package_folder_remove();
}

static void test_network_that_does_not_fit(void **state)
{
    (void)state;
    char *text = package_edit("file: tumour.onnx", "file: node.onnx");
    struct package *package;
    struct package_nets nets;
    struct error err = {0};
    assert_int_equal(package_open(package_folder_make(text), &MAKING, &package, NULL), 0);
    assert_int_equal(package_nets_open(package, library, &nets, &err), STATUS_INVALID);
    assert_non_null(strstr(err.message, "node.onnx: the network's tensor 'probability'"));
    package_free(package);
    package_folder_remove();
    free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_good),
        cmocka_unit_test(test_bad_yaml),
        cmocka_unit_test(test_optional_keys),
        cmocka_unit_test(test_network_missing),
        cmocka_unit_test(test_incomplete),
        cmocka_unit_test(test_manifest_tampering),
        cmocka_unit_test(test_signature),
        cmocka_unit_test(test_selftest_notices),
        cmocka_unit_test(test_network_that_does_not_fit),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
