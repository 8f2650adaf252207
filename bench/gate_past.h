/* gate_past.h - a stored gate, read back: its units as they were measured, and what its rule makes of them now.
 *
 * The replay takes the same steps as the gate did (bench/gate.c), on metrics of time and memory; exact ones have no samples.  With
 * the rule version that the gate had it must give the stored verdicts, and a test holds it to that.  A cell without a unit, such
 * as one that cannot run, has nothing to judge. */
/* SPDX-License-Identifier: MIT */
#ifndef BENCH_GATE_PAST_H
#define BENCH_GATE_PAST_H

#include "bench/gate_metric.h"
#include "bench/gate_rule.h"
#include "results/store.h"

struct gate_past_metric { /* of one cell */
    int on;               /* there is a verdict, and it is of a metric with samples */
    int gates, units, confirm_units;
    double tolerance, estimate; /* log ratios; NaN: none */
    char outcome[16];           /* as stored: "pass", "regressed", "inconclusive", "invalid", "absent" */
    double *value;              /* [n][GATE_ARMS] of each unit; NaN: not measured, or the unit is not whole */
};

struct gate_past_cell {
    int64_t id;
    char *label; /* "q4_0, context 16, 1 thread" */
    int threads;
    struct gate_unit *unit; /* [n]: the first measurement, then the confirmation */
    unsigned char *whole;   /* [n]: gate_unit_check passes it */
    int n, first;
    struct gate_past_metric *metric; /* [gate_n_metrics] */
};

struct gate_past {
    int64_t run;
    struct gate_rule rule;
    int rule_version, rounds;
    char outcome[16]; /* of the whole, as stored */
    double seconds;   /* that the run took */
    struct gate_past_cell *cell;
    int n;
};

/* Also when it fails, gate_past_free gives back what there is. */
int gate_past_load(struct gate_past *p, struct store *s, int64_t run, struct err *e);
void gate_past_free(struct gate_past *p);

struct gate_replayed {
    const char *outcome; /* NULL: nothing to judge */
    double estimate;     /* of the first measurement, as it was decided on */
    int units;
};

/* out: [p->n][gate_n_metrics]. */
void gate_past_replay(const struct gate_past *p, struct gate_replayed *out);

#endif
