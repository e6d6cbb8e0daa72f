/* Files with the frames they must decode to, as pictures.py lists them. */
#ifndef AXNODE_TESTS_DICOM_CASES_H
#define AXNODE_TESTS_DICOM_CASES_H

#include "sample.h"

/* Run pictures.py with `mode` and, unless NULL, `data`; it writes into `folder`. Skips the test
 * when something is missing that the script needs. */
void cases_make(const char *mode, const char *data, const char *folder);
/* Decode every case of `folder`, compare, and print what came out. Returns how many there are. */
int cases_check(const char *folder);

#endif
