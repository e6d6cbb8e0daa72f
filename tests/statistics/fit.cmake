# model/fit against R (stats, glmnet).
add_executable(fit_figures fit_figures.c)
target_link_libraries(fit_figures PRIVATE axnode_model m)
add_test(NAME statistics.fit_against_r COMMAND ${Python3_EXECUTABLE}
  ${CMAKE_CURRENT_SOURCE_DIR}/fit_against_r.py $<TARGET_FILE:fit_figures>)
set_tests_properties(statistics.fit_against_r PROPERTIES SKIP_RETURN_CODE 77 TIMEOUT 300
  ENVIRONMENT "PYTHONDONTWRITEBYTECODE=1;${AXNODE_LSAN}")
add_test(NAME statistics.fit_split COMMAND ${Python3_EXECUTABLE}
  ${CMAKE_CURRENT_SOURCE_DIR}/fit_split.py $<TARGET_FILE:axnode>)
set_tests_properties(statistics.fit_split PROPERTIES SKIP_RETURN_CODE 77 TIMEOUT 300
  ENVIRONMENT "PYTHONDONTWRITEBYTECODE=1;${AXNODE_LSAN}")
