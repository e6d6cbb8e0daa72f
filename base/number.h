/* Numbers from and to text, whatever the locale. The whole text must be the number;
 * surrounding blanks, empty text, overflow, NaN and infinity are STATUS_INVALID. */
#ifndef AXNODE_BASE_NUMBER_H
#define AXNODE_BASE_NUMBER_H

#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

int number_parse_int(const char *text, int64_t min, int64_t max, int64_t *ret_value,
                     struct error *err);
int number_parse_double(const char *text, double *ret_value, struct error *err);
enum { NUMBER_TEXT_SIZE = 32 };
/* Shortest text that reads back as the same double ("0.1", "1e-09"); decimal point always '.'.
 * NaN and infinities become "null", which JSON readers accept. */
void number_format(double value, char out[NUMBER_TEXT_SIZE]);
/* DICOM DS: at most 16 characters, as many digits as fit. */
void number_format_ds(double value, char out[NUMBER_TEXT_SIZE]);

#endif
