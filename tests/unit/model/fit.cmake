axnode_unit_test(model fit LINK m)
axnode_unit_test(model fit_recipe LINK m)
