/* Waits between attempts. */
#ifndef AXNODE_SERVICE_BACKOFF_H
#define AXNODE_SERVICE_BACKOFF_H

#include <stdint.h>

/* Doubles with each attempt (from 1) up to `max_us`, ± 20 % so that what failed together does not
 * come back together. */
int64_t backoff_us(int64_t first_us, int64_t max_us, int attempt);

#endif
