/* sweep.h - running a plan: rounds over all cells in shuffled order, one fresh process per trial, everything stored.
 *
 * What was stored by an earlier, interrupted run of the same plan is not measured again.  A trial that fails is a row with a
 * state and a reason, and the sweep goes on; only the database failing ends it. */
/* SPDX-License-Identifier: MIT */
#ifndef BENCH_SWEEP_H
#define BENCH_SWEEP_H

#include <signal.h>
#include <stdint.h>

#include "base/err.h"
#include "bench/child.h"
#include "bench/plan.h"
#include "results/store.h"

struct sweep_progress {
    int done, total;          /* trials, and variants to score */
    const struct cell *cell;  /* what was just done */
    const char *what;         /* "trial", or the name of the task that was scored */
    struct outcome outcome;
    double ms_per_token;      /* of the trial; < 0: none */
    double seconds_left;      /* from the trials measured so far; < 0: not known yet */
};

struct sweep_report {
    int64_t run;
    int resumed;        /* trials that were stored already */
    int cells_measured; /* have at least one valid trial */
    int cells_failed;   /* feasible, but no trial succeeded */
    int cells_infeasible;
    int interrupted;
};

struct sweep_hooks {
    void (*progress)(void *ctx, const struct sweep_progress *p); /* may be NULL */
    void *ctx;
    const volatile sig_atomic_t *stop; /* set by a signal: finish nothing more; may be NULL */
};

/* record: what is stored of machine, build and command; its plan_key, seed and trials are filled in here. */
int sweep_run(struct store *s, struct plan *p, const struct sweep_config *c, struct store_run record, const struct sweep_hooks *h,
              struct sweep_report *out, struct err *e);

#endif
