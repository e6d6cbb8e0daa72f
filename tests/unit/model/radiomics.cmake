# Tests of model/radiomics.
axnode_unit_test(model radiomics_ultrasound LINK m)
axnode_unit_test(model radiomics_baseline LINK m)
axnode_unit_test(model radiomics_matrix LINK m)
