/* IBSI's digital phantom: consensus values for every feature that has a code here. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <zlib.h>

#include "base/buffer.h"
#include "base/file.h"
#include "base/number.h"
#include "model/radiomics/radiomics.h"

#define FOLDER SOURCE_DIR "/../shared/reference/radiomics/ibsi/"

enum { SLICES = 4, ROWS = 4, COLUMNS = 5, HEADER = 352 };

static const struct {
    const char *feature, *tag; /* of the consensus values: merged over 3-D directions by mean */
} features[] = {
    {"shape_MeshVolume", "morph_volume"},
    {"shape_VoxelVolume", "morph_vol_approx"},
    {"shape_SurfaceArea", "morph_area_mesh"},
    {"shape_SurfaceVolumeRatio", "morph_av"},
    {"shape_Compactness1", "morph_comp_1"},
    {"shape_Compactness2", "morph_comp_2"},
    {"shape_SphericalDisproportion", "morph_sph_dispr"},
    {"shape_Sphericity", "morph_sphericity"},
    {"shape_Maximum3DDiameter", "morph_diam"},
    {"shape_MajorAxisLengthIBSI", "morph_pca_maj_axis"},
    {"shape_MinorAxisLengthIBSI", "morph_pca_min_axis"},
    {"shape_LeastAxisLengthIBSI", "morph_pca_least_axis"},
    {"shape_Elongation", "morph_pca_elongation"},
    {"shape_Flatness", "morph_pca_flatness"},
    {"firstorder_Mean", "stat_mean"},
    {"firstorder_Variance", "stat_var"},
    {"firstorder_Skewness", "stat_skew"},
    {"firstorder_ExcessKurtosis", "stat_kurt"},
    {"firstorder_Median", "stat_median"},
    {"firstorder_Minimum", "stat_min"},
    {"firstorder_10Percentile", "stat_p10"},
    {"firstorder_90Percentile", "stat_p90"},
    {"firstorder_Maximum", "stat_max"},
    {"firstorder_InterquartileRange", "stat_iqr"},
    {"firstorder_Range", "stat_range"},
    {"firstorder_MeanAbsoluteDeviation", "stat_mad"},
    {"firstorder_RobustMeanAbsoluteDeviation", "stat_rmad"},
    {"firstorder_Energy", "stat_energy"},
    {"firstorder_RootMeanSquared", "stat_rms"},
    {"firstorder_Entropy", "ih_entropy"},
    {"firstorder_Uniformity", "ih_uniformity"},
    {"glcm_MaximumProbability", "cm_joint_max_3D_avg"},
    {"glcm_JointAverage", "cm_joint_avg_3D_avg"},
    {"glcm_SumSquares", "cm_joint_var_3D_avg"},
    {"glcm_JointEntropy", "cm_joint_entr_3D_avg"},
    {"glcm_DifferenceAverage", "cm_diff_avg_3D_avg"},
    {"glcm_DifferenceVariance", "cm_diff_var_3D_avg"},
    {"glcm_DifferenceEntropy", "cm_diff_entr_3D_avg"},
    {"glcm_SumAverage", "cm_sum_avg_3D_avg"},
    {"glcm_SumEntropy", "cm_sum_entr_3D_avg"},
    {"glcm_JointEnergy", "cm_energy_3D_avg"},
    {"glcm_Contrast", "cm_contrast_3D_avg"},
    {"glcm_Id", "cm_inv_diff_3D_avg"},
    {"glcm_Idn", "cm_inv_diff_norm_3D_avg"},
    {"glcm_Idm", "cm_inv_diff_mom_3D_avg"},
    {"glcm_Idmn", "cm_inv_diff_mom_norm_3D_avg"},
    {"glcm_InverseVariance", "cm_inv_var_3D_avg"},
    {"glcm_Correlation", "cm_corr_3D_avg"},
    {"glcm_Autocorrelation", "cm_auto_corr_3D_avg"},
    {"glcm_ClusterTendency", "cm_clust_tend_3D_avg"},
    {"glcm_ClusterShade", "cm_clust_shade_3D_avg"},
    {"glcm_ClusterProminence", "cm_clust_prom_3D_avg"},
    {"glcm_Imc1", "cm_info_corr1_3D_avg"},
    {"glcm_Imc2", "cm_info_corr2_3D_avg"},
    {"glrlm_ShortRunEmphasis", "rlm_sre_3D_avg"},
    {"glrlm_LongRunEmphasis", "rlm_lre_3D_avg"},
    {"glrlm_LowGrayLevelRunEmphasis", "rlm_lgre_3D_avg"},
    {"glrlm_HighGrayLevelRunEmphasis", "rlm_hgre_3D_avg"},
    {"glrlm_ShortRunLowGrayLevelEmphasis", "rlm_srlge_3D_avg"},
    {"glrlm_ShortRunHighGrayLevelEmphasis", "rlm_srhge_3D_avg"},
    {"glrlm_LongRunLowGrayLevelEmphasis", "rlm_lrlge_3D_avg"},
    {"glrlm_LongRunHighGrayLevelEmphasis", "rlm_lrhge_3D_avg"},
    {"glrlm_GrayLevelNonUniformity", "rlm_glnu_3D_avg"},
    {"glrlm_GrayLevelNonUniformityNormalized", "rlm_glnu_norm_3D_avg"},
    {"glrlm_RunLengthNonUniformity", "rlm_rlnu_3D_avg"},
    {"glrlm_RunLengthNonUniformityNormalized", "rlm_rlnu_norm_3D_avg"},
    {"glrlm_RunPercentage", "rlm_r_perc_3D_avg"},
    {"glrlm_GrayLevelVariance", "rlm_gl_var_3D_avg"},
    {"glrlm_RunVariance", "rlm_rl_var_3D_avg"},
    {"glrlm_RunEntropy", "rlm_rl_entr_3D_avg"},
    {"glszm_SmallAreaEmphasis", "szm_sze_3D"},
    {"glszm_LargeAreaEmphasis", "szm_lze_3D"},
    {"glszm_LowGrayLevelZoneEmphasis", "szm_lgze_3D"},
    {"glszm_HighGrayLevelZoneEmphasis", "szm_hgze_3D"},
    {"glszm_SmallAreaLowGrayLevelEmphasis", "szm_szlge_3D"},
    {"glszm_SmallAreaHighGrayLevelEmphasis", "szm_szhge_3D"},
    {"glszm_LargeAreaLowGrayLevelEmphasis", "szm_lzlge_3D"},
    {"glszm_LargeAreaHighGrayLevelEmphasis", "szm_lzhge_3D"},
    {"glszm_GrayLevelNonUniformity", "szm_glnu_3D"},
    {"glszm_GrayLevelNonUniformityNormalized", "szm_glnu_norm_3D"},
    {"glszm_SizeZoneNonUniformity", "szm_zsnu_3D"},
    {"glszm_SizeZoneNonUniformityNormalized", "szm_zsnu_norm_3D"},
    {"glszm_ZonePercentage", "szm_z_perc_3D"},
    {"glszm_GrayLevelVariance", "szm_gl_var_3D"},
    {"glszm_ZoneVariance", "szm_zs_var_3D"},
    {"glszm_ZoneEntropy", "szm_zs_entr_3D"},
    {"ngtdm_Coarseness", "ngt_coarseness_3D"},
    {"ngtdm_Contrast", "ngt_contrast_3D"},
    {"ngtdm_Busyness", "ngt_busyness_3D"},
    {"ngtdm_Complexity", "ngt_complexity_3D"},
    {"ngtdm_Strength", "ngt_strength_3D"},
    {"gldm_SmallDependenceEmphasis", "ngl_lde_3D"},
    {"gldm_LargeDependenceEmphasis", "ngl_hde_3D"},
    {"gldm_LowGrayLevelEmphasis", "ngl_lgce_3D"},
    {"gldm_HighGrayLevelEmphasis", "ngl_hgce_3D"},
    {"gldm_SmallDependenceLowGrayLevelEmphasis", "ngl_ldlge_3D"},
    {"gldm_SmallDependenceHighGrayLevelEmphasis", "ngl_ldhge_3D"},
    {"gldm_LargeDependenceLowGrayLevelEmphasis", "ngl_hdlge_3D"},
    {"gldm_LargeDependenceHighGrayLevelEmphasis", "ngl_hdhge_3D"},
    {"gldm_GrayLevelNonUniformity", "ngl_glnu_3D"},
    {"gldm_DependenceNonUniformity", "ngl_dcnu_3D"},
    {"gldm_DependenceNonUniformityNormalized", "ngl_dcnu_norm_3D"},
    {"gldm_GrayLevelVariance", "ngl_gl_var_3D"},
    {"gldm_DependenceVariance", "ngl_dc_var_3D"},
    {"gldm_DependenceEntropy", "ngl_dc_entr_3D"},
};

/* The phantom's NIfTI files hold one 16-bit number per voxel behind a header of 352 bytes. */
static void load(const char *path, double *ret_values)
{
    uint8_t bytes[HEADER + 2 * SLICES * ROWS * COLUMNS];
    gzFile file = gzopen(path, "rb");
    assert_non_null(file);
    assert_int_equal(gzread(file, bytes, sizeof bytes), sizeof bytes);
    gzclose(file);
    for (int i = 0; i < SLICES * ROWS * COLUMNS; i++)
        ret_values[i] = bytes[HEADER + 2 * i] + 256 * bytes[HEADER + 2 * i + 1];
}

/* Value and tolerance of a tag; false when there is no consensus. */
static bool consensus(const char *text, const char *tag, double *ret_value, double *ret_tolerance)
{
    for (const char *line = text; line; line = strchr(line, '\n') ? strchr(line, '\n') + 1 : NULL) {
        char copy[128], *first, *second;
        snprintf(copy, sizeof copy, "%.*s", (int)strcspn(line, "\r\n"), line);
        first = strchr(copy, ';');
        second = first ? strchr(first + 1, ';') : NULL;
        if (!second || strcmp(second + 1, tag) != 0)
            continue;
        *first = *second = 0;
        return number_parse_double(copy, ret_value, NULL) == 0 &&
               number_parse_double(first + 1, ret_tolerance, NULL) == 0;
    }
    return false;
}

static void test_phantom(void **state)
{
    (void)state;
    struct volume image;
    struct label_volume labels;
    const int size[3] = {SLICES, ROWS, COLUMNS};
    double mask[SLICES * ROWS * COLUMNS];
    assert_int_equal(volume_init(&image, size, VOXEL_INT16, NULL), 0);
    assert_int_equal(label_volume_init(&labels, size, NULL), 0);
    load(FOLDER "digital_phantom/image/phantom.nii.gz", image.values);
    load(FOLDER "digital_phantom/mask/mask.nii.gz", mask);
    for (int i = 0; i < SLICES * ROWS * COLUMNS; i++)
        labels.labels[i] = (int32_t)mask[i];
    for (int d = 0; d < 3; d++)
        image.spacing_mm[d] = 2;

    struct radiomics_settings s;
    radiomics_settings_default(&s);
    for (int c = 0; c < RADIOMICS_CLASS_COUNT; c++)
        for (int n = 0; radiomics_feature_name((enum radiomics_class)c, n); n++)
            s.features[c] |= 1u << n;
    s.texture.bin_width = 1; /* the grey values are the grey levels */
    struct radiomics_input input = {.volume = &image, .labels = &labels};
    struct feature_list list = {0};
    struct error err;
    if (radiomics_extract(&input, &s, "", &list, &err) < 0)
        fail_msg("%s", err.message);

    struct buffer text BUFFER_AUTO = {0};
    assert_int_equal(file_read(FOLDER "ibsi_1_reference_values/ibsi_1_dig_phantom.csv", 1 << 20,
                               &text, NULL), 0);
    int compared = 0, failed = 0;
    for (size_t i = 0; i < sizeof features / sizeof *features; i++) {
        double value, tolerance;
        char name[96];
        snprintf(name, sizeof name, "original_%s", features[i].feature);
        const struct feature *f = feature_list_find(&list, name);
        assert_non_null(f);
        assert_non_null(radiomics_ibsi_code(name));
        if (!consensus(buffer_text(&text), features[i].tag, &value, &tolerance))
            continue;
        /* Consensus values have three digits. */
        double digit = value == 0 ? 0.01 : pow(10, floor(log10(fabs(value))) - 2);
        compared++;
        if (fabs(f->value - value) > fmax(tolerance, 0.5001 * digit)) {
            printf("    %s (%s): consensus %g, is %.6g\n", name, radiomics_ibsi_code(name), value,
                   f->value);
            failed++;
        }
    }
    printf("%d features compared with IBSI's consensus\n", compared);
    assert_int_equal(failed, 0);
    assert_int_equal(compared, sizeof features / sizeof *features);
    feature_list_release(&list);
    volume_release(&image);
    label_volume_release(&labels);
}

static void test_codes(void **state)
{
    (void)state;
    assert_string_equal(radiomics_ibsi_code("tumour_wavelet-LLH_glcm_Contrast"), "ACUI");
    assert_null(radiomics_ibsi_code("original_firstorder_Kurtosis"));
    assert_null(radiomics_ibsi_code("original_shape2D_Sphericity"));
    assert_null(radiomics_ibsi_code(""));
}

int main(void)
{
    if (access(FOLDER, R_OK) != 0)
        return 77;
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_phantom),
                                       cmocka_unit_test(test_codes)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
