# Tests of model/radiomics.
axnode_unit_test(model radiomics_ultrasound)
