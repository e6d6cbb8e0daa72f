/* Texts from outside. */
#ifndef AXNODE_BASE_UTF8_H
#define AXNODE_BASE_UTF8_H

#include <stdbool.h>

/* Well-formed UTF-8 (RFC 3629) without overlong forms, surrogates and control characters but tab
 * and new line. */
bool utf8_is_text(const char *text);

#endif
