/* Names of classes and features; order as PyRadiomics prints them. */
#include "model/radiomics/radiomics.h"

enum { NAME_COUNT_MAX = 32 };

struct class_names {
    const char *name;
    int defaults; /* features before the extra ones */
    const char *features[NAME_COUNT_MAX];
};

static const struct class_names classes[RADIOMICS_CLASS_COUNT] = {
    [RADIOMICS_SHAPE] = {"shape", 14, {
        "Elongation", "Flatness", "LeastAxisLength", "MajorAxisLength",
        "Maximum2DDiameterColumn", "Maximum2DDiameterRow", "Maximum2DDiameterSlice",
        "Maximum3DDiameter", "MeshVolume", "MinorAxisLength", "Sphericity", "SurfaceArea",
        "SurfaceVolumeRatio", "VoxelVolume",
        "Compactness1", "Compactness2", "SphericalDisproportion", "MajorAxisLengthIBSI",
        "MinorAxisLengthIBSI", "LeastAxisLengthIBSI"}},
    [RADIOMICS_SHAPE2D] = {"shape2D", 9, {
        "Elongation", "MajorAxisLength", "MaximumDiameter", "MeshSurface", "MinorAxisLength",
        "Perimeter", "PerimeterSurfaceRatio", "PixelSurface", "Sphericity",
        "SphericalDisproportion"}},
    [RADIOMICS_FIRSTORDER] = {"firstorder", 18, {
        "10Percentile", "90Percentile", "Energy", "Entropy", "InterquartileRange", "Kurtosis",
        "Maximum", "MeanAbsoluteDeviation", "Mean", "Median", "Minimum", "Range",
        "RobustMeanAbsoluteDeviation", "RootMeanSquared", "Skewness", "TotalEnergy",
        "Uniformity", "Variance",
        "StandardDeviation", "ExcessKurtosis"}},
    [RADIOMICS_GLCM] = {"glcm", 24, {
        "Autocorrelation", "ClusterProminence", "ClusterShade", "ClusterTendency", "Contrast",
        "Correlation", "DifferenceAverage", "DifferenceEntropy", "DifferenceVariance", "Id",
        "Idm", "Idmn", "Idn", "Imc1", "Imc2", "InverseVariance", "JointAverage", "JointEnergy",
        "JointEntropy", "MCC", "MaximumProbability", "SumAverage", "SumEntropy", "SumSquares"}},
    [RADIOMICS_GLDM] = {"gldm", 14, {
        "DependenceEntropy", "DependenceNonUniformity", "DependenceNonUniformityNormalized",
        "DependenceVariance", "GrayLevelNonUniformity", "GrayLevelVariance",
        "HighGrayLevelEmphasis", "LargeDependenceEmphasis",
        "LargeDependenceHighGrayLevelEmphasis", "LargeDependenceLowGrayLevelEmphasis",
        "LowGrayLevelEmphasis", "SmallDependenceEmphasis",
        "SmallDependenceHighGrayLevelEmphasis", "SmallDependenceLowGrayLevelEmphasis"}},
    [RADIOMICS_GLRLM] = {"glrlm", 16, {
        "GrayLevelNonUniformity", "GrayLevelNonUniformityNormalized", "GrayLevelVariance",
        "HighGrayLevelRunEmphasis", "LongRunEmphasis", "LongRunHighGrayLevelEmphasis",
        "LongRunLowGrayLevelEmphasis", "LowGrayLevelRunEmphasis", "RunEntropy",
        "RunLengthNonUniformity", "RunLengthNonUniformityNormalized", "RunPercentage",
        "RunVariance", "ShortRunEmphasis", "ShortRunHighGrayLevelEmphasis",
        "ShortRunLowGrayLevelEmphasis"}},
    [RADIOMICS_GLSZM] = {"glszm", 16, {
        "GrayLevelNonUniformity", "GrayLevelNonUniformityNormalized", "GrayLevelVariance",
        "HighGrayLevelZoneEmphasis", "LargeAreaEmphasis", "LargeAreaHighGrayLevelEmphasis",
        "LargeAreaLowGrayLevelEmphasis", "LowGrayLevelZoneEmphasis", "SizeZoneNonUniformity",
        "SizeZoneNonUniformityNormalized", "SmallAreaEmphasis",
        "SmallAreaHighGrayLevelEmphasis", "SmallAreaLowGrayLevelEmphasis", "ZoneEntropy",
        "ZonePercentage", "ZoneVariance"}},
    [RADIOMICS_NGTDM] = {"ngtdm", 5, {
        "Busyness", "Coarseness", "Complexity", "Contrast", "Strength"}},
};

const char *radiomics_class_name(enum radiomics_class c)
{
    return classes[c].name;
}

const char *radiomics_feature_name(enum radiomics_class c, int n)
{
    return n >= 0 && n < NAME_COUNT_MAX ? classes[c].features[n] : NULL;
}

int radiomics_feature_defaults(enum radiomics_class c)
{
    return classes[c].defaults;
}
