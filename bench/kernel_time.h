/* kernel_time.h - the kernels of this machine, each checked, then timed and held against the machine's ceilings.
 *
 *     kernel_job_open    lists them
 *     kernel_job_check   fills in passed or why
 *     kernel_job_time    fills in the times of those that passed; what failed is not timed
 *
 * The caller fills in the first part of the job, before kernel_job_time also peak and pool. */
/* SPDX-License-Identifier: MIT */
#ifndef BENCH_KERNEL_TIME_H
#define BENCH_KERNEL_TIME_H

#include <stdint.h>

#include "base/err.h"
#include "bench/kernel_check.h"
#include "bench/peak.h"
#include "engine/pool.h"

struct kernel_result {
    struct kernel_case c;
    int family; /* the same for a kernel on every instruction set */
    int wanted; /* the filter names it, or a kernel of its family and it is the scalar one */
    int passed;
    char why[200]; /* when it did not */
    int timed;
    int rows, k, columns;
    double ns; /* of one call by all threads */
    double bytes, operations;
    double of_bandwidth, of_peak; /* fractions; -1: would say nothing */
};

struct kernel_job {
    const char *filter; /* part of a name, or NULL: all */
    enum isa isa;       /* the highest level */
    uint64_t seed;
    int threads;
    void (*progress)(const char *doing, const char *kernel, int i, int n); /* or NULL */
    struct pool *pool;
    struct peak peak;
    struct kernel_result *v; /* family after family, each from scalar upwards */
    int n, n_wanted, failed;
};

int kernel_job_open(struct kernel_job *j, struct err *e);
void kernel_job_close(struct kernel_job *j);
void kernel_job_check(struct kernel_job *j);
int kernel_job_time(struct kernel_job *j, struct err *e);

/* How many times as fast as the scalar kernel of its family; -1 when that was not timed. */
double kernel_speedup(const struct kernel_job *j, const struct kernel_result *r);

/* A kernel for an instruction set has to be worth its lines.  1: it was timed, is not the scalar one, and is not. */
#define KERNEL_WORTH 1.5 /* times as fast as scalar */
int kernel_is_slow(const struct kernel_job *j, const struct kernel_result *r);

#endif
