# Sources of model/radiomics, named from model/.
set(RADIOMICS_SOURCES)
