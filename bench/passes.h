/* passes.h - times a piece of work that the threads of a pool do together, pass by pass.
 *
 * A pass starts at a barrier, at which everybody spins, and lasts from the first thread's start to the last one's end.  Work that
 * is too short for the clock is done several times in a pass.  Nothing is printed or allocated while the clock runs. */
/* SPDX-License-Identifier: MIT */
#ifndef BENCH_PASSES_H
#define BENCH_PASSES_H

#include <stdint.h>

#include "base/err.h"
#include "engine/pool.h"

#define PASSES_MAX 512

struct passes_plan {  /* nanoseconds */
    int64_t warm_ns;  /* worked by all threads before the first pass, so that clocks and wide vector units are up */
    int64_t pass_ns;  /* a pass at least */
    int64_t total_ns; /* passes are made for so long, at least `least` and at most PASSES_MAX of them */
    int least;
    double steady; /* ... or until half of them lie within this fraction of their median; 0: never sooner */
};

struct passes {    /* nanoseconds of doing the work once */
    double best;   /* for a ceiling: whatever disturbs a pass only makes it slower */
    double median; /* for everything else */
    int n;
};

/* fn(ctx, thread) is one thread's share of the work. */
int passes_measure(struct passes *out, struct pool *pool, pool_fn *fn, void *ctx, const struct passes_plan *plan, struct err *e);

#endif
