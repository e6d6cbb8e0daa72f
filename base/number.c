#include "base/number.h"

#include <ctype.h>
#include <errno.h>
#include <locale.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static locale_t c_locale(void)
{
    static locale_t locale; /* made once, lives as long as the process */
    if (!locale)
        locale = newlocale(LC_ALL_MASK, "C", (locale_t)0);
    return locale;
}

int number_parse_int(const char *text, int64_t min, int64_t max, int64_t *ret_value,
                     struct error *err)
{
    char *end;
    if (!text || !*text || isspace((unsigned char)*text))
        return error_set(err, STATUS_INVALID, "not a whole number");
    errno = 0;
    long long value = strtoll(text, &end, 10);
    if (*end || end == text)
        return error_set(err, STATUS_INVALID, "not a whole number");
    if (errno == ERANGE || value < min || value > max)
        return error_set(err, STATUS_INVALID, "must lie between %lld and %lld", (long long)min,
                         (long long)max);
    *ret_value = value;
    return 0;
}

int number_parse_double(const char *text, double *ret_value, struct error *err)
{
    char *end;
    if (!text || !*text || isspace((unsigned char)*text))
        return error_set(err, STATUS_INVALID, "not a number");
    double value = strtod_l(text, &end, c_locale());
    if (*end || end == text || !isfinite(value))
        return error_set(err, STATUS_INVALID, "not a finite number");
    *ret_value = value;
    return 0;
}

static void print_digits(double value, int digits, char out[NUMBER_TEXT_SIZE])
{
    locale_t before = uselocale(c_locale());
    snprintf(out, NUMBER_TEXT_SIZE, "%.*g", digits, value);
    uselocale(before);
}

void number_format(double value, char out[NUMBER_TEXT_SIZE])
{
    if (!isfinite(value)) {
        memcpy(out, "null", 5);
        return;
    }
    for (int digits = 15; digits <= 17; digits++) {
        print_digits(value, digits, out);
        if (strtod_l(out, NULL, c_locale()) == value)
            return;
    }
}

void number_format_ds(double value, char out[NUMBER_TEXT_SIZE])
{
    for (int digits = 16; digits > 0; digits--) {
        print_digits(value, digits, out);
        if (strlen(out) <= 16)
            return;
    }
}
