#include "radiomics_itk.h"

#include <algorithm>

#include <itkGradientMagnitudeImageFilter.h>
#include <itkImage.h>
#include <itkLaplacianRecursiveGaussianImageFilter.h>

using Image = itk::Image<double, 3>;

static Image::Pointer to_image(const double *values, const int size[3], const double spacing_mm[3])
{
    auto image = Image::New();
    Image::SizeType extent;
    Image::SpacingType spacing;
    for (unsigned d = 0; d < 3; d++) {
        extent[d] = size[2 - d];
        spacing[d] = spacing_mm[2 - d];
    }
    image->SetRegions(extent);
    image->SetSpacing(spacing);
    image->Allocate();
    std::copy(values, values + extent[0] * extent[1] * extent[2], image->GetBufferPointer());
    return image;
}

template <class Filter>
static void run(Filter filter, Image::Pointer image, double *ret_values)
{
    filter->SetInput(image);
    filter->Update();
    const auto *out = filter->GetOutput();
    std::copy(out->GetBufferPointer(),
              out->GetBufferPointer() + out->GetBufferedRegion().GetNumberOfPixels(), ret_values);
}

void itk_log(const double *values, const int size[3], const double spacing_mm[3], double sigma_mm,
             double *ret_values)
{
    auto filter = itk::LaplacianRecursiveGaussianImageFilter<Image, Image>::New();
    filter->SetNormalizeAcrossScale(true);
    filter->SetSigma(sigma_mm);
    run(filter, to_image(values, size, spacing_mm), ret_values);
}

void itk_gradient(const double *values, const int size[3], const double spacing_mm[3],
                  double *ret_values)
{
    run(itk::GradientMagnitudeImageFilter<Image, Image>::New(),
        to_image(values, size, spacing_mm), ret_values);
}
