/* Where this program lies, and what lies beside it. */
#ifndef AXNODE_SERVICE_PROGRAM_H
#define AXNODE_SERVICE_PROGRAM_H

#include <limits.h>

#include "base/error.h"

/* Folder of the running program's file. */
int program_folder(char ret_folder[PATH_MAX], struct error *err);
/* `named` when it is not empty, else the shipped package 'verification':
 * ../share/axnode/packages/verification from the program's folder, in an installation and in the
 * build tree alike. */
int program_package(const char *named, char ret_folder[PATH_MAX], struct error *err);

#endif
