/* SPDX-License-Identifier: MIT */
#include "bench/passes.h"

#include <stdlib.h>

#include "base/clock.h"
#include "base/stats.h"

struct line { /* one per thread, so that no two write to the same cache line */
    _Alignas(128) int64_t begin, end;
};

struct series {
    struct pool *pool;
    const struct passes_plan *plan;
    pool_fn *fn;
    void *ctx;
    struct line *line; /* [threads] */
    int64_t calls;     /* in a pass */
    int64_t spent;     /* ns, of all passes so far */
    int n, done;
    double v[PASSES_MAX]; /* ns of one call, in ascending order */
};

static void pass(struct series *s, int thread)
{
    pool_barrier(s->pool, thread);
    s->line[thread].begin = clock_ns();
    for (int64_t i = 0; i < s->calls; i++)
        s->fn(s->ctx, thread);
    s->line[thread].end = clock_ns();
    pool_barrier(s->pool, thread);
}

/* From the first start to the last end; thread 0, between two barriers. */
static int64_t length(const struct series *s)
{
    int64_t begin = s->line[0].begin, end = s->line[0].end;
    for (int t = 1; t < pool_threads(s->pool); t++) {
        begin = s->line[t].begin < begin ? s->line[t].begin : begin;
        end = s->line[t].end > end ? s->line[t].end : end;
    }
    return end - begin;
}

static void keep(struct series *s, double ns)
{
    int i = s->n++;
    for (; i > 0 && s->v[i - 1] > ns; i--)
        s->v[i] = s->v[i - 1];
    s->v[i] = ns;
}

/* As many passes as were planned, or fewer when more would not change the median. */
static int enough(const struct series *s)
{
    const double q1 = stats_quantile(s->v, (size_t)s->n, 0.25), q3 = stats_quantile(s->v, (size_t)s->n, 0.75);
    const double median = stats_quantile(s->v, (size_t)s->n, 0.5);
    if (s->n < s->plan->least)
        return 0;
    return s->spent >= s->plan->total_ns || s->n == PASSES_MAX ||
           (q3 - q1 <= 2 * s->plan->steady * median && s->plan->steady > 0);
}

static void run_series(void *ctx, int thread)
{
    struct series *s = ctx;
    /* Warm up in passes too, twice as long each time, until one is as long as it has to be. */
    for (int64_t warm = 0; !s->done;) {
        pass(s, thread);
        if (thread == 0) {
            int64_t ns = length(s);
            warm += ns;
            if (ns < s->plan->pass_ns)
                s->calls *= 2;
            s->done = ns >= s->plan->pass_ns && warm >= s->plan->warm_ns;
        }
        pool_barrier(s->pool, thread);
    }
    pool_barrier(s->pool, thread);
    if (thread == 0)
        s->done = 0;
    pool_barrier(s->pool, thread);
    while (!s->done) {
        pass(s, thread);
        if (thread == 0) {
            int64_t ns = length(s);
            s->spent += ns;
            keep(s, (double)ns / (double)s->calls);
            s->done = enough(s);
        }
        pool_barrier(s->pool, thread);
    }
}

int passes_measure(struct passes *out, struct pool *pool, pool_fn *fn, void *ctx, const struct passes_plan *plan, struct err *e)
{
    struct series s = {.pool = pool, .plan = plan, .fn = fn, .ctx = ctx, .calls = 1};
    s.line = aligned_alloc(_Alignof(struct line), (size_t)pool_threads(pool) * sizeof *s.line);
    if (!s.line)
        return err_set(e, ERR_ENV, "no memory for the times of %d threads", pool_threads(pool));
    pool_run(pool, run_series, &s);
    *out = (struct passes){.best = s.v[0], .median = stats_quantile(s.v, (size_t)s.n, 0.5), .n = s.n};
    free(s.line);
    return 0;
}
