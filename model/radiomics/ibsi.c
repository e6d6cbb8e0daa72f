/* Codes of the Image Biomarker Standardisation Initiative (Zwanenburg et al. 2020, reference
 * manual at https://ibsi.readthedocs.io) for features whose definition is the same. PyRadiomics'
 * Kurtosis and axis lengths are not IBSI's: ExcessKurtosis and …AxisLengthIBSI are. */
#include "model/radiomics/radiomics.h"

#include <string.h>

static const struct {
    const char *feature, *code;
} codes[] = {
    {"shape_MeshVolume", "RNU0"},
    {"shape_VoxelVolume", "YEKZ"},
    {"shape_SurfaceArea", "C0JK"},
    {"shape_SurfaceVolumeRatio", "2PR5"},
    {"shape_Compactness1", "SKGS"},
    {"shape_Compactness2", "BQWJ"},
    {"shape_SphericalDisproportion", "KRCK"},
    {"shape_Sphericity", "QCFX"},
    {"shape_Maximum3DDiameter", "L0JK"},
    {"shape_MajorAxisLengthIBSI", "TDIC"},
    {"shape_MinorAxisLengthIBSI", "P9VJ"},
    {"shape_LeastAxisLengthIBSI", "7J51"},
    {"shape_Elongation", "Q3CK"},
    {"shape_Flatness", "N17B"},
    {"firstorder_Mean", "Q4LE"},
    {"firstorder_Variance", "ECT3"},
    {"firstorder_Skewness", "KE2A"},
    {"firstorder_ExcessKurtosis", "IPH6"},
    {"firstorder_Median", "Y12H"},
    {"firstorder_Minimum", "1GSF"},
    {"firstorder_10Percentile", "QG58"},
    {"firstorder_90Percentile", "8DWT"},
    {"firstorder_Maximum", "84IY"},
    {"firstorder_InterquartileRange", "SALO"},
    {"firstorder_Range", "2OJQ"},
    {"firstorder_MeanAbsoluteDeviation", "4FUA"},
    {"firstorder_RobustMeanAbsoluteDeviation", "1128"},
    {"firstorder_Energy", "N8CA"},
    {"firstorder_RootMeanSquared", "5ZWQ"},
    {"firstorder_Entropy", "TLU2"},
    {"firstorder_Uniformity", "BJ5W"},
    {"glcm_MaximumProbability", "GYBY"},
    {"glcm_JointAverage", "60VM"},
    {"glcm_SumSquares", "UR99"},
    {"glcm_JointEntropy", "TU9B"},
    {"glcm_DifferenceAverage", "TF7R"},
    {"glcm_DifferenceVariance", "D3YU"},
    {"glcm_DifferenceEntropy", "NTRS"},
    {"glcm_SumAverage", "ZGXS"},
    {"glcm_SumEntropy", "P6QZ"},
    {"glcm_JointEnergy", "8ZQL"},
    {"glcm_Contrast", "ACUI"},
    {"glcm_Id", "IB1Z"},
    {"glcm_Idn", "NDRX"},
    {"glcm_Idm", "WF0Z"},
    {"glcm_Idmn", "1QCO"},
    {"glcm_InverseVariance", "E8JP"},
    {"glcm_Correlation", "NI2N"},
    {"glcm_Autocorrelation", "QWB0"},
    {"glcm_ClusterTendency", "DG8W"},
    {"glcm_ClusterShade", "7NFM"},
    {"glcm_ClusterProminence", "AE86"},
    {"glcm_Imc1", "R8DG"},
    {"glcm_Imc2", "JN9H"},
    {"glrlm_ShortRunEmphasis", "22OV"},
    {"glrlm_LongRunEmphasis", "W4KF"},
    {"glrlm_LowGrayLevelRunEmphasis", "V3SW"},
    {"glrlm_HighGrayLevelRunEmphasis", "G3QZ"},
    {"glrlm_ShortRunLowGrayLevelEmphasis", "HTZT"},
    {"glrlm_ShortRunHighGrayLevelEmphasis", "GD3A"},
    {"glrlm_LongRunLowGrayLevelEmphasis", "IVPO"},
    {"glrlm_LongRunHighGrayLevelEmphasis", "3KUM"},
    {"glrlm_GrayLevelNonUniformity", "R5YN"},
    {"glrlm_GrayLevelNonUniformityNormalized", "OVBL"},
    {"glrlm_RunLengthNonUniformity", "W92Y"},
    {"glrlm_RunLengthNonUniformityNormalized", "IC23"},
    {"glrlm_RunPercentage", "9ZK5"},
    {"glrlm_GrayLevelVariance", "8CE5"},
    {"glrlm_RunVariance", "SXLW"},
    {"glrlm_RunEntropy", "HJ9O"},
    {"glszm_SmallAreaEmphasis", "P001"},
    {"glszm_LargeAreaEmphasis", "48P8"},
    {"glszm_LowGrayLevelZoneEmphasis", "XMSY"},
    {"glszm_HighGrayLevelZoneEmphasis", "5GN9"},
    {"glszm_SmallAreaLowGrayLevelEmphasis", "5RAI"},
    {"glszm_SmallAreaHighGrayLevelEmphasis", "HW1V"},
    {"glszm_LargeAreaLowGrayLevelEmphasis", "YH51"},
    {"glszm_LargeAreaHighGrayLevelEmphasis", "J17V"},
    {"glszm_GrayLevelNonUniformity", "JNSA"},
    {"glszm_GrayLevelNonUniformityNormalized", "Y1RO"},
    {"glszm_SizeZoneNonUniformity", "4JP3"},
    {"glszm_SizeZoneNonUniformityNormalized", "VB3A"},
    {"glszm_ZonePercentage", "P30P"},
    {"glszm_GrayLevelVariance", "BYLV"},
    {"glszm_ZoneVariance", "3NSA"},
    {"glszm_ZoneEntropy", "GU8N"},
    {"ngtdm_Coarseness", "QCDE"},
    {"ngtdm_Contrast", "65HE"},
    {"ngtdm_Busyness", "NQ30"},
    {"ngtdm_Complexity", "HDEZ"},
    {"ngtdm_Strength", "1X9X"},
    {"gldm_SmallDependenceEmphasis", "SODN"},
    {"gldm_LargeDependenceEmphasis", "IMOQ"},
    {"gldm_LowGrayLevelEmphasis", "TL9H"},
    {"gldm_HighGrayLevelEmphasis", "OAE7"},
    {"gldm_SmallDependenceLowGrayLevelEmphasis", "EQ3F"},
    {"gldm_SmallDependenceHighGrayLevelEmphasis", "JA6D"},
    {"gldm_LargeDependenceLowGrayLevelEmphasis", "NBZI"},
    {"gldm_LargeDependenceHighGrayLevelEmphasis", "9QMG"},
    {"gldm_GrayLevelNonUniformity", "FP8K"},
    {"gldm_DependenceNonUniformity", "Z87G"},
    {"gldm_DependenceNonUniformityNormalized", "OKJI"},
    {"gldm_GrayLevelVariance", "1PR5"},
    {"gldm_DependenceVariance", "DNX2"},
    {"gldm_DependenceEntropy", "FCBV"},
};

/* Whether `name` ends in "_" + feature, or is the feature. */
static bool names(const char *name, const char *feature)
{
    size_t n = strlen(name), m = strlen(feature);
    return n >= m && strcmp(name + n - m, feature) == 0 && (n == m || name[n - m - 1] == '_');
}

const char *radiomics_ibsi_code(const char *feature_name)
{
    for (size_t i = 0; i < sizeof codes / sizeof *codes; i++)
        if (names(feature_name, codes[i].feature))
            return codes[i].code;
    return NULL;
}
