/* gate_verdict.h - verdicts on metrics: every metric of every cell, its outcome and why, stored and counted. */
/* SPDX-License-Identifier: MIT */
#ifndef BENCH_GATE_VERDICT_H
#define BENCH_GATE_VERDICT_H

#include "bench/gate.h"

struct gate_verdict {
    struct store_verdict row;  /* outcome and reason are filled in when it is stored */
    enum gate_outcome outcome; /* GATE_OPEN: absent */
    char reason[700];
};

/* Nothing is known yet. */
struct gate_verdict gate_verdict_blank(int64_t cell, int metric, int gates);

/* Counts them into *out, decides the whole, stores them.  A reason that is there already makes the whole invalid. */
int gate_verdicts_store(struct store *s, struct gate_verdict *v, int n, struct gate_report *out, struct err *e);

/* What the members, tracks and cells of a gate that has measured say. */
int gate_verdicts(struct gate *g, struct gate_report *out, struct err *e);

#endif
