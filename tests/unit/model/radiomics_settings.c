/* PyRadiomics' parameter files: every key of its schema, and errors that name what is wrong. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "base/yaml.h"
#include "model/radiomics/radiomics.h"

static int read_text(const char *text, struct radiomics_settings *s,
                     struct radiomics_ignored *ignored, struct error *err)
{
    struct yaml *yaml;
    int r = yaml_load_text(text, strlen(text), "params.yaml", &yaml, err);
    if (r < 0)
        return r;
    r = radiomics_settings_read(yaml, yaml_root(yaml), s, ignored, err);
    yaml_unload(yaml);
    return r;
}

static void test_everything(void **state)
{
    (void)state;
    static const char text[] =
        "imageType:\n"
        "  Original: {}\n"
        "  LoG:\n"
        "    sigma: [1, 2.5]\n"
        "    binWidth: 10\n"
        "  Wavelet:\n"
        "    level: 2\n"
        "    start_level: 1\n"
        "    wavelet: coif1\n"
        "  Square:\n"
        "  SquareRoot:\n"
        "  Logarithm:\n"
        "  Exponential:\n"
        "  Gradient:\n"
        "    gradientUseSpacing: false\n"
        "  LBP2D:\n"
        "    lbp2DRadius: 2\n"
        "    lbp2DSamples: 12\n"
        "    lbp2DMethod: ror\n"
        "featureClass:\n"
        "  shape:\n"
        "  shape2D: []\n"
        "  firstorder: [Mean, Kurtosis, ExcessKurtosis]\n"
        "  glcm:\n"
        "    - 'MCC'\n"
        "setting:\n"
        "  binWidth: 5.5\n"
        "  binCount: 32\n"
        "  label: 3\n"
        "  force2D: true\n"
        "  force2Ddimension: 1\n"
        "  distances: [1, 2]\n"
        "  weightingNorm: euclidean\n"
        "  symmetricalGLCM: false\n"
        "  gldm_a: 2\n"
        "  voxelArrayShift: 1000\n"
        "  minimumROIDimensions: 1\n"
        "  minimumROISize: 50\n"
        "  normalize: true\n"
        "  normalizeScale: 100\n"
        "  removeOutliers: 3\n"
        "  resampledPixelSpacing: [1, 2, 3]\n"
        "  interpolator: sitkLinear\n"
        "  padDistance: 7\n"
        "  preCrop: true\n"
        "  resegmentRange: [-3, 3]\n"
        "  resegmentMode: sigma\n"
        "  resegmentShape: true\n"
        "  geometryTolerance: 0.01\n"
        "  correctMask: true\n"
        "  additionalInfo: false\n"
        "  label_channel: 1\n"
        "  lbp3DLevels: 2\n"
        "  lbp3DIcosphereRadius: 1\n"
        "  lbp3DIcosphereSubdivision: 1\n"
        "voxelSetting:\n"
        "  kernelRadius: 2\n";
    struct radiomics_settings s;
    struct radiomics_ignored ignored;
    struct error err;
    if (read_text(text, &s, &ignored, &err) < 0)
        fail_msg("%s", err.message);
    assert_int_equal(s.filters, (1u << RADIOMICS_FILTER_COUNT) - 1);
    assert_int_equal(s.features[RADIOMICS_SHAPE], (1u << 14) - 1);
    assert_int_equal(s.features[RADIOMICS_SHAPE2D], (1u << 9) - 1);
    assert_int_equal(s.features[RADIOMICS_FIRSTORDER], 1u << 8 | 1u << 5 | 1u << 19);
    assert_int_equal(s.features[RADIOMICS_GLCM], 1u << 19);
    assert_int_equal(s.features[RADIOMICS_NGTDM], 0);
    assert_true(s.texture.bin_width == 5.5);
    assert_true(s.filter_texture[FILTER_LOG].bin_width == 10);
    assert_int_equal(s.filter_texture[FILTER_LOG].bin_count, 32);
    assert_true(s.own_texture & 1u << FILTER_LOG);
    assert_false(s.own_texture & 1u << FILTER_SQUARE);
    assert_true(s.sigma_count == 2 && s.sigma_mm[0] == 1 && s.sigma_mm[1] == 2.5);
    assert_int_equal(s.sigma_whole, 1);
    assert_true(s.wavelet_level == 2 && s.wavelet_start_level == 1);
    assert_false(s.gradient_use_spacing);
    assert_true(s.lbp2d_radius == 2 && s.lbp2d_samples == 12 && s.lbp2d_method == LBP_ROR);
    assert_true(s.label == 3 && s.force_2d && s.force_2d_dimension == 1);
    assert_true(s.texture.distance_count == 2 && s.texture.distances[1] == 2);
    assert_int_equal(s.texture.weighting, WEIGHTING_EUCLIDEAN);
    assert_true(!s.texture.symmetrical_glcm && s.texture.gldm_a == 2);
    assert_true(s.texture.voxel_array_shift == 1000);
    assert_true(s.minimum_dimensions == 1 && s.minimum_voxels == 50);
    assert_true(s.normalize && s.normalize_scale == 100 && s.remove_outliers == 3);
    /* The file is x, y, z; here slice comes first. */
    assert_true(s.resample && s.resampled_spacing_mm[0] == 3 && s.resampled_spacing_mm[2] == 1);
    assert_int_equal(s.interpolator, INTERPOLATOR_LINEAR);
    assert_true(s.pad_distance == 7 && s.pre_crop);
    assert_true(s.resegment_count == 2 && s.resegment_range[0] == -3 && s.resegment_shape);
    assert_int_equal(s.resegment_mode, RESEGMENT_SIGMA);
    assert_int_equal(ignored.count, 6);
}

static void test_defaults(void **state)
{
    (void)state;
    struct radiomics_settings s, expected;
    radiomics_settings_default(&expected);
    assert_int_equal(read_text("", &s, NULL, NULL), 0);
    assert_memory_equal(&s, &expected, sizeof s);
    assert_int_equal(s.features[RADIOMICS_SHAPE2D], 0);
    assert_int_equal(read_text("setting:\n  resampledPixelSpacing: null\n  binCount:\n", &s, NULL,
                               NULL), 0);
    assert_memory_equal(&s, &expected, sizeof s);
}

static void test_errors(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        int status;
        const char *part; /* of the message */
    } cases[] = {
        {"setting:\n  binwidth: 5\n", STATUS_INVALID, "binwidth"},
        {"settings: {}\n", STATUS_INVALID, "settings"},
        {"setting:\n  binWidth: 0\n", STATUS_INVALID, "above 0"},
        {"setting:\n  binWidth: wide\n", STATUS_INVALID, "params.yaml:2"},
        {"setting:\n  binCount: -1\n", STATUS_INVALID, "binCount"},
        {"setting:\n  distances: 1\n", STATUS_INVALID, "list"},
        {"setting:\n  weightingNorm: cosine\n", STATUS_INVALID, "cosine"},
        {"setting:\n  resampledPixelSpacing: [1, 1]\n", STATUS_INVALID, "3 numbers"},
        {"setting:\n  interpolator: sitkHammingWindowedSinc\n", STATUS_INVALID, "Hamming"},
        {"setting:\n  resegmentRange: []\n", STATUS_INVALID, "one or two"},
        {"setting:\n  wavelet: db4\n", STATUS_UNSUPPORTED, "db4"},
        {"imageType:\n  LBP3D: {}\n", STATUS_UNSUPPORTED, "LBP3D"},
        {"imageType:\n  Fourier: {}\n", STATUS_INVALID, "Fourier"},
        {"imageType:\n  LoG:\n    sigma: [0]\n", STATUS_INVALID, "above 0"},
        {"imageType: [Original]\n", STATUS_INVALID, "mapping"},
        {"featureClass:\n  glcmm:\n", STATUS_INVALID, "glcmm"},
        {"featureClass:\n  glcm: [Haralick]\n", STATUS_INVALID, "Haralick"},
        {"featureClass:\n  glcm: yes\n", STATUS_INVALID, "list"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct radiomics_settings s;
        struct error err;
        assert_int_equal(read_text(cases[i].text, &s, NULL, &err), cases[i].status);
        if (!strstr(err.message, cases[i].part))
            fail_msg("\"%s\" does not say %s", err.message, cases[i].part);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_everything),
        cmocka_unit_test(test_defaults),
        cmocka_unit_test(test_errors),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
