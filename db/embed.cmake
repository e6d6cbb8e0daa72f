# cmake -DOUTPUT=FILE -DMIGRATIONS=PATH;PATH… -P embed.cmake: the migrations as C arrays.
set(arrays "")
set(rows "")
set(expected 1)
foreach(path IN LISTS MIGRATIONS)
  get_filename_component(name "${path}" NAME)
  if(NOT name MATCHES "^([0-9][0-9][0-9][0-9])_[a-z0-9_]+\\.sql$")
    message(FATAL_ERROR "${path}: no name of a migration (NNNN_name.sql)")
  endif()
  string(REGEX REPLACE "^0+" "" version "${CMAKE_MATCH_1}")
  if(NOT version EQUAL expected)
    message(FATAL_ERROR "${path}: number ${expected} is missing before it")
  endif()
  math(EXPR expected "${expected} + 1")
  file(READ "${path}" hex HEX)
  string(REGEX REPLACE "([0-9a-f][0-9a-f])" "0x\\1," bytes "${hex}")
  string(REGEX REPLACE "(................................................................................)"
    "\\1\n" bytes "${bytes}")
  string(APPEND arrays "static const unsigned char sql_${version}[] = {\n${bytes}0x00};\n\n")
  string(APPEND rows
    "        {${version}, \"${name}\", sql_${version}, sizeof sql_${version} - 1},\n")
endforeach()
file(WRITE "${OUTPUT}" "/* Made by embed.cmake from the files in migrations/. */
#include \"db/migrate.h\"

${arrays}const struct db_migration *db_migrations(size_t *ret_count)
{
    static const struct db_migration migrations[] = {
${rows}    };
    *ret_count = sizeof migrations / sizeof *migrations;
    return migrations;
}
")
