/* Time is passed in, so that tests replay it. Microseconds since 1970-01-01 UTC, or of the
 * monotonic clock; 64-bit signed. */
#ifndef AXNODE_BASE_CLOCK_H
#define AXNODE_BASE_CLOCK_H

#include <stddef.h>
#include <stdint.h>

struct clock {
    int64_t (*realtime_us)(void *context);
    int64_t (*monotonic_us)(void *context);
    void *context;
};

/* The system's clocks; static storage. */
const struct clock *clock_system(void);
int64_t clock_realtime_us(const struct clock *clock);
int64_t clock_monotonic_us(const struct clock *clock);

enum { CLOCK_TEXT_SIZE = 32 };
/* "2026-01-02T03:04:05.678901Z" */
void clock_format_iso(int64_t realtime_us, char out[CLOCK_TEXT_SIZE]);
/* DICOM DA "20260102" and TM "030405.678901", both in UTC. */
void clock_format_dicom(int64_t realtime_us, char date[CLOCK_TEXT_SIZE],
                        char time[CLOCK_TEXT_SIZE]);

#endif
