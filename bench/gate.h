/* gate.h - two builds held against each other on the cells of a plan: what is measured when, and what comes of it.
 *
 * Units run in rounds over all cells that are still open, in shuffled order.  At the looks of the rule all members decide together;
 * a cell with nothing left to decide is not measured any more.  Suspects are then measured once again.  A process that fails, or a
 * unit that is not what it must be, makes its cell invalid and the others go on.  Everything is stored (results/store_gate.h). */
/* SPDX-License-Identifier: MIT */
#ifndef BENCH_GATE_H
#define BENCH_GATE_H

#include <signal.h>

#include "bench/gate_build.h"
#include "bench/gate_metric.h"
#include "bench/gate_rule.h"
#include "bench/plan.h"
#include "results/store_gate.h"

struct gate_setting { /* of one metric */
    int on, gates;
    int required;     /* the user asked for it: not being measurable is invalid */
    double tolerance; /* fraction; of a score that is a share, percentage points */
};

/* What a score is judged by unless gate.ini says another. */
struct scorer;
struct gate_setting gate_score_default(const struct scorer *s);

struct gate_own {
    char name[200]; /* "translate:bleu" */
    struct gate_setting set;
};

struct gate_config {
    const char *base, *head; /* programs; of several FILE,FILE each unit takes the next (gate_build.h); NULL: this one */
    const char *null;        /* base linked again; NULL: base's next file, the same where there is one only */
    const char *base_commit, *head_commit; /* that they must be built from; NULL: any */
    struct gate_rule rule;
    int rounds;                  /* of a unit, even */
    int always_score;            /* variants with the same logits too */
    double budget_s;             /* for the first measurement; what is open then is inconclusive */
    struct gate_setting *metric; /* [gate_n_metrics] */
    struct gate_setting *score;  /* of each of scorers[] (eval/scorer.h), on every task */
    struct gate_own *own;        /* of one score on one task: these go first */
    int n_own;
};

/* A metric of a cell. */
struct gate_track {
    double *base, *head;      /* [member.n]: values of the units, base unit of the metric */
    struct gate_member fresh; /* the units of the confirmation */
    struct gate_judgement confirmed;
    const char *absent; /* why it is not compared; NULL: it is */
    int64_t fact[GATE_ARMS];
    int has_fact[GATE_ARMS];
};

struct gate_cell {
    struct plan_cell *plan;
    char why[400]; /* why it is invalid as a whole; empty: it is not */
    int units;     /* of the first measurement */
    double disturbed;
    int disturbed_units;
};

struct gate_progress {
    const char *phase; /* "facts", "first", "confirm", "score" */
    const char *of;    /* what it counts: "cells", "variants" */
    int unit, all, open;
    double seconds; /* since the start */
};

struct gate_hooks {
    void (*progress)(void *ctx, const struct gate_progress *p); /* may be NULL */
    void *ctx;
    const volatile sig_atomic_t *stop; /* set by a signal; may be NULL */
};

struct gate {
    struct store *store;
    struct plan *plan;      /* base's; the gate's cells are its */
    struct plan *head_plan; /* the same cells on head's model; plan itself where both have one model */
    struct store_run record;
    const struct sweep_config *sweep;
    const struct gate_config *config;
    const struct gate_hooks *hooks;
    struct gate_side base, head, null;
    struct gate_stage stage;
    struct gate_cell *cell;     /* [plan->matrix.n] */
    struct gate_member *member; /* [plan->matrix.n][gate_n_metrics] */
    struct gate_track *track;   /* likewise */
    char skip[256];
    int64_t run, begin_ns;
    int out_of_time;
};

struct gate_report {
    int64_t run;
    enum gate_outcome outcome;   /* regressed before invalid before inconclusive before pass */
    char reason[400];            /* what is wrong with the whole of it; empty: nothing */
    int count[GATE_INVALID + 1]; /* of the metrics that gate, by outcome */
    int interrupted;
};

/* head: the plan of the same matrix on another model, or p.  record: what is stored of machine, build and command; the rest is filled
 * in here. */
int gate_run(struct store *s, struct plan *p, struct plan *head, const struct sweep_config *sweep, const struct gate_config *c,
             struct store_run record, const struct gate_hooks *h, struct gate_report *out, struct err *e);

/* Is this metric asked for, and can it differ? */
int gate_is_on(const struct gate *g, int metric);
double gate_seconds(const struct gate *g);         /* since it began */
char *gate_rule_json(const struct gate_config *c); /* its numbers as one JSON object; free it */

#endif
