/* scoring.h - the quality of a variant: fresh processes put the text and the tasks to it, and its scores are stored.
 *
 * A job is what one process is asked: the text, the text beside the reference, or one task; it gives a score of each of its scorers.
 * A process that fails is a score with a state and a reason; only the database failing ends it. */
/* SPDX-License-Identifier: MIT */
#ifndef BENCH_SCORING_H
#define BENCH_SCORING_H

#include <signal.h>

#include "bench/child.h"
#include "bench/plan.h"
#include "results/store.h"

struct scoring {
    struct store *store;
    const struct plan *plan;
    /* Where the weights are that a variant is held against: its model's in config->reference or, without that, the variant's own
     * format.  NULL: it is held against nothing. */
    const struct plan *against;
    const struct sweep_config *config;
    const char *program; /* bench binary that scores; NULL: this one */
    const char *skip;    /* probes not to open */
    int64_t run;
    const volatile sig_atomic_t *stop; /* may be NULL */
    /* Told of every job; o: NULL when its scores were there already.  May be NULL. */
    void (*told)(void *ctx, const char *name, const struct cell *cell, const struct outcome *o);
    void *ctx;
};

struct scoring_job {
    const char *name, *sha256; /* of the task, or the text */
    const struct scorer *scorer[TASK_MAX_SCORERS];
    int n_scorers;
    int context;           /* tokens that the session needs room for */
    const char *reference; /* path of the reference's weights; NULL: none is needed */
    int task;              /* index; -1: the text */
};

/* The i-th job of a variant; 0 when there are no more, and of one that no cell can run. */
int scoring_job(const struct scoring *w, const struct plan_variant *v, int i, struct scoring_job *job);

/* All of its jobs that are not stored yet. */
int scoring_variant(const struct scoring *w, const struct plan_variant *v, struct err *e);

#endif
