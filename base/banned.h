/* Included before every C file outside base/: functions that overrun, depend on the locale or
 * keep hidden state do not compile there. base/ wraps what is needed of them. */
#ifndef AXNODE_BASE_BANNED_H
#define AXNODE_BASE_BANNED_H

/* Declare them first, then poison: a system header may name them only before this line. */
#include <stdio.h>  // IWYU pragma: keep
#include <stdlib.h> // IWYU pragma: keep
#include <string.h> // IWYU pragma: keep
#include <time.h>   // IWYU pragma: keep

#pragma GCC poison strcpy strcat strncpy strncat sprintf vsprintf strtok atoi atol atoll atof
#pragma GCC poison strtod strtof strtold sscanf vsscanf gets localtime gmtime ctime asctime

#endif
