# How every target is compiled: warnings, hardening, sanitizers, and the one way to declare a
# folder's library and its tests.

# Assertions stay, in release too.
foreach(language C CXX)
  foreach(type RELEASE RELWITHDEBINFO MINSIZEREL)
    string(REPLACE "-DNDEBUG" "" CMAKE_${language}_FLAGS_${type} "${CMAKE_${language}_FLAGS_${type}}")
  endforeach()
endforeach()

add_compile_definitions(_GNU_SOURCE AXNODE_VERSION="${PROJECT_VERSION}")
add_compile_options(-Wall -Wextra -Wshadow -Wvla -Wformat=2 -Wundef
  $<$<COMPILE_LANGUAGE:C>:-Wstrict-prototypes> $<$<COMPILE_LANGUAGE:C>:-Wmissing-prototypes>
  -fstack-protector-strong -fstack-clash-protection -fno-omit-frame-pointer
  -ffp-contract=off) # the same numbers on every processor
if(CMAKE_SYSTEM_PROCESSOR STREQUAL "x86_64")
  add_compile_options(-fcf-protection=full)
endif()
if(AXNODE_WERROR)
  add_compile_options(-Werror)
endif()
add_link_options(-Wl,-z,relro,-z,now -Wl,--as-needed)
if(AXNODE_SANITIZE)
  add_compile_options(-fsanitize=${AXNODE_SANITIZE} -fno-sanitize-recover=all)
  add_link_options(-fsanitize=${AXNODE_SANITIZE})
else()
  add_compile_options(-D_FORTIFY_SOURCE=2)
endif()

# axnode_folder(NAME source… LINK library…): the static library axnode_NAME of one folder. Its
# LINK list is the folder's row in the table of ARCHITECTURE.md.
function(axnode_folder name)
  cmake_parse_arguments(ARG "" "" "LINK" ${ARGN})
  add_library(axnode_${name} STATIC ${ARG_UNPARSED_ARGUMENTS})
  target_include_directories(axnode_${name} PUBLIC ${PROJECT_SOURCE_DIR})
  target_link_libraries(axnode_${name} PUBLIC ${ARG_LINK})
  if(NOT name STREQUAL "base")
    axnode_ban(axnode_${name})
  endif()
endfunction()

function(axnode_ban target)
  target_compile_options(${target} PRIVATE
    "$<$<COMPILE_LANGUAGE:C>:SHELL:-include ${PROJECT_SOURCE_DIR}/base/banned.h>")
endfunction()

# What every test runs with: leaks of foreign libraries do not count.
set(AXNODE_LSAN "LSAN_OPTIONS=suppressions=${PROJECT_SOURCE_DIR}/tests/lsan.supp:print_suppressions=0")

# axnode_unit_test(FOLDER NAME source… LINK library…): tests/unit/FOLDER/NAME.c with cmocka, as
# ctest "unit.FOLDER.NAME". Exit code 77 says 'skipped'.
function(axnode_unit_test folder name)
  cmake_parse_arguments(ARG "" "" "LINK" ${ARGN})
  set(target test_${folder}_${name})
  add_executable(${target} ${name}.c ${ARG_UNPARSED_ARGUMENTS})
  target_link_libraries(${target} PRIVATE axnode_${folder} ${ARG_LINK} PkgConfig::CMOCKA)
  target_compile_definitions(${target} PRIVATE SOURCE_DIR="${PROJECT_SOURCE_DIR}")
  add_test(NAME unit.${folder}.${name} COMMAND ${target})
  set_tests_properties(unit.${folder}.${name} PROPERTIES SKIP_RETURN_CODE 77 TIMEOUT 300
    ENVIRONMENT "${AXNODE_LSAN}")
endfunction()
