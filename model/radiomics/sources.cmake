# Sources of model/radiomics, named from model/.
set(RADIOMICS_SOURCES
  radiomics/busat.c radiomics/busat_glcm.c radiomics/busat_laws.c radiomics/busat_shape.c
  radiomics/busat_texture.c radiomics/classes.c radiomics/cubes.c radiomics/directions.c
  radiomics/discretise.c
  radiomics/eigen.c radiomics/extract.c radiomics/filters.c radiomics/firstorder.c
  radiomics/glcm.c radiomics/gldm.c radiomics/glrlm.c radiomics/glszm.c radiomics/gradient.c
  radiomics/hull.c radiomics/ibsi.c radiomics/intensity.c radiomics/lbp.c radiomics/log.c
  radiomics/ngtdm.c radiomics/nrrd.c radiomics/placement.c radiomics/preprocess.c
  radiomics/region.c radiomics/resample.c
  radiomics/settings.c radiomics/shape2d.c radiomics/shape3d.c radiomics/size_matrix.c
  radiomics/volume.c radiomics/wavelet.c)
