/* gate_metric.h - what a gate compares: one row of a table per metric, more is always worse.
 *
 * To add a metric: a row in gate_metric.c, with a function of what one process measured, or the name of a fact.  A metric of time
 * has one value per process: the mean of the quarter of its rounds that takes the shortest.  What disturbs a round makes it longer,
 * so the short ones are the program's; the very shortest may be luck. */
/* SPDX-License-Identifier: MIT */
#ifndef BENCH_GATE_METRIC_H
#define BENCH_GATE_METRIC_H

#include "bench/gate_unit.h"

struct gate_metric {
    const char *name, *about;
    const char *unit;  /* as it is printed: "ms", "MiB", "" */
    double scale;      /* from the base unit (ns, B) to that */
    double tolerance;  /* fraction that head may be worse by, unless gate.ini says another */
    double floor;      /* and what it may be worse by in any case, base unit */
    int gates;         /* decides unless gate.ini says otherwise; else it is judged and told */
    int may_be_absent; /* not every machine can measure it */
    /* Of one process of a unit that gate_unit_check has passed.  NaN: not measured.  NULL for an exact metric. */
    double (*value)(const struct gate_process *p);
    const char *fact; /* of an exact metric: head must not have more of this fact or, with must_equal, exactly as much */
    int must_equal;
    int of_model; /* can only differ between two models */
};

extern const struct gate_metric gate_metrics[];
extern const int gate_n_metrics;

int gate_metric_index(const char *name); /* -1: there is none */

/* Share of the unit's rounds in which an arm waited for a CPU for more than 3% of the time, NaN where the kernel does not tell. */
double gate_disturbed(const struct gate_unit *u);

#endif
