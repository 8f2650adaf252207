/* clock.h - the two clocks that a run is stamped with, in nanoseconds.
 *
 * clock_ns is CLOCK_MONOTONIC_RAW: never adjusted, 25 to 40 ns to read, only differences mean something.
 * clock_real_ns is wall time since 1970, kept beside it so that an external meter's log can be matched. */
/* SPDX-License-Identifier: MIT */
#ifndef BASE_CLOCK_H
#define BASE_CLOCK_H

#include <stdint.h>
#include <time.h>

static inline int64_t clock_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC_RAW, &t);
    return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

static inline int64_t clock_real_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_REALTIME, &t);
    return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

#endif
