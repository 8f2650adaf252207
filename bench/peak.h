/* peak.h - what this machine can do at most: the two ceilings that every kernel is held against.
 *
 * Read bandwidth is what a loop of plain vector loads gets out of memory, peak arithmetic what a loop without any load gets out
 * of an arithmetic unit.  Both are measured, never looked up, with one thread and with all of them, on the CPUs given.  A second
 * or two; how it is done stands in peak.c. */
/* SPDX-License-Identifier: MIT */
#ifndef BENCH_PEAK_H
#define BENCH_PEAK_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "kernels/isa.h"

enum peak_unit { PEAK_INT8, PEAK_F32, PEAK_BF16, PEAK_UNITS };

struct peak_read { /* bytes per second */
    double small_pages, huge_pages;
};

struct peak_arithmetic {
    const char *name;        /* "int8" */
    const char *instruction; /* "vpdpbusd zmm"; NULL: this machine, at this level, has no such unit */
    double one, all;         /* operations per second with one and with all threads; a multiplication and an addition are two */
};

struct peak {
    int threads;
    size_t buffer_bytes;       /* read by all threads together */
    double of_l3;              /* buffer_bytes / last-level cache; 0 when its size is unknown */
    double huge_share;         /* of the buffer that lay in huge pages when they were asked for, 0 .. 1; -1: unknown */
    struct peak_read one, all; /* with one thread, with all */
    double round_trip_ns;      /* from thread 0 to another and back, the slowest of them; 0 when there is one thread */
    struct peak_arithmetic unit[PEAK_UNITS];
};

/* The better of the two kinds of pages. */
double peak_bandwidth(const struct peak_read *r);

/* Bandwidths and peaks of p become those of `other` where these are higher: what two measurements of one machine say together. */
void peak_raise(struct peak *p, const struct peak *other);

/* cpus: one per thread (bench/topology).  isa: the highest instruction set to use. */
int peak_measure(struct peak *p, int threads, const int *cpus, enum isa isa, struct err *e);

/* -- the loops, peak_loops.c ------------------------------------------------------------------------------------------------ */

/* Reads `bytes` bytes, a multiple of PEAK_READ_UNIT, from p, which is aligned to 64. */
#define PEAK_READ_UNIT 4096
typedef void peak_read_fn(const void *p, size_t bytes);
peak_read_fn *peak_read_loop(enum isa isa);

/* Runs n rounds of one instruction on registers alone. */
typedef void peak_unit_fn(uint64_t n);
struct peak_loop {
    enum peak_unit unit;
    enum isa isa;
    const char *instruction;
    double operations; /* of one round */
    peak_unit_fn *run;
};
/* The best at or below isa that this machine has; NULL when there is none. */
const struct peak_loop *peak_unit_loop(enum peak_unit unit, enum isa isa);

#endif
