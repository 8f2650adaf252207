/* comparison.h - two stored scores of one scorer and task, held against each other, and what to call the difference. */
/* SPDX-License-Identifier: MIT */
#ifndef BENCH_CMD_COMPARISON_H
#define BENCH_CMD_COMPARISON_H

#include "eval/compare.h"
#include "results/store.h"

struct stored_comparison {
    struct comparison c;
    double margin; /* in the score's own unit */
    struct decision decision;
};

/* a and b: the ids of the scores, as text; percent: the margin, of A's value. */
int compare_scores(struct stored_comparison *c, struct store *s, const char *scorer, const char *a, const char *b, double percent,
                   struct err *e);

/* "equivalent", "worse", "better" or "undecided". */
const char *comparison_verdict(const struct stored_comparison *c);

#endif
