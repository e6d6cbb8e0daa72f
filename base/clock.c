#include "base/clock.h"

#include <stdio.h>
#include <time.h>

static int64_t read_clock(clockid_t id)
{
    struct timespec now;
    clock_gettime(id, &now);
    return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

static int64_t system_realtime(void *context)
{
    (void)context;
    return read_clock(CLOCK_REALTIME);
}

static int64_t system_monotonic(void *context)
{
    (void)context;
    return read_clock(CLOCK_MONOTONIC);
}

const struct clock *clock_system(void)
{
    static const struct clock system_clock = {system_realtime, system_monotonic, NULL};
    return &system_clock;
}

int64_t clock_realtime_us(const struct clock *clock)
{
    return clock->realtime_us(clock->context);
}

int64_t clock_monotonic_us(const struct clock *clock)
{
    return clock->monotonic_us(clock->context);
}

/* Floor division, so that times before 1970 format rightly too. */
static void split(int64_t us, struct tm *tm, int *fraction)
{
    int64_t seconds = us / 1000000;
    *fraction = (int)(us % 1000000);
    if (*fraction < 0) {
        *fraction += 1000000;
        seconds--;
    }
    time_t t = (time_t)seconds;
    gmtime_r(&t, tm);
}

void clock_format_iso(int64_t realtime_us, char out[CLOCK_TEXT_SIZE])
{
    struct tm tm;
    int fraction;
    char head[24];
    split(realtime_us, &tm, &fraction);
    strftime(head, sizeof head, "%Y-%m-%dT%H:%M:%S", &tm);
    snprintf(out, CLOCK_TEXT_SIZE, "%s.%06dZ", head, fraction);
}

void clock_format_dicom(int64_t realtime_us, char date[CLOCK_TEXT_SIZE],
                        char time[CLOCK_TEXT_SIZE])
{
    struct tm tm;
    int fraction;
    char head[16];
    split(realtime_us, &tm, &fraction);
    strftime(date, CLOCK_TEXT_SIZE, "%Y%m%d", &tm);
    strftime(head, sizeof head, "%H%M%S", &tm);
    snprintf(time, CLOCK_TEXT_SIZE, "%s.%06d", head, fraction);
}
