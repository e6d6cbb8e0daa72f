/* ITK as an oracle for image filters; size and spacing are slice, row, column. */
#ifndef AXNODE_TESTS_RADIOMICS_ITK_H
#define AXNODE_TESTS_RADIOMICS_ITK_H

#ifdef __cplusplus
extern "C" {
#endif

/* Laplacian of Gaussian, normalised across scales, of doubles. */
void itk_log(const double *values, const int size[3], const double spacing_mm[3], double sigma_mm,
             double *ret_values);
void itk_gradient(const double *values, const int size[3], const double spacing_mm[3],
                  double *ret_values);

#ifdef __cplusplus
}
#endif

#endif
