/* SPDX-License-Identifier: MIT */
#include "bench/cmd/engine_args.h"

#include <stdio.h>

#include "bench/axes.h"

int engine_args(const struct args *a, struct cell *c, int cpus[TOPOLOGY_MAX_CPUS], struct err *e)
{
    static const char *const texts[] = {"kv", "policy", "compute", "isa"};
    struct topology *t = NULL;
    int64_t threads;
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        const struct axis *axis = axis_by_name(texts[i]);
        const char *value = args_get(a, texts[i]);
        if (axis_set(axis, c, value ? value : axis->otherwise, e))
            return -1;
    }
    if (topology_open(&t, e))
        return -1;
    int failed = args_int(a, "threads", 1, TOPOLOGY_MAX_CPUS, topology_cores(t), &threads, e);
    if (!failed) {
        c->threads = (int)threads;
        failed = topology_pick(t, c->threads, cpus, e);
    }
    topology_close(t);
    int distinct = failed ? c->threads : topology_distinct(cpus, c->threads);
    if (distinct < c->threads)
        fprintf(stderr, "note: %d threads on %d CPU%s take turns, so times are not those of %d CPUs\n", c->threads, distinct,
                distinct > 1 ? "s" : "", c->threads);
    return failed;
}
