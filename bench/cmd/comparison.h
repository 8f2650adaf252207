/* comparison.h - one score of two variants on the same items: the paired difference, how sure it is, and what to call it. */
/* SPDX-License-Identifier: MIT */
#ifndef BENCH_CMD_COMPARISON_H
#define BENCH_CMD_COMPARISON_H

#include "base/err.h"
#include "eval/resample.h"
#include "results/store.h"

struct comparison {
    struct paired p;
    int n; /* items */
    const char *test;
    double margin; /* in the score's own unit */
    struct decision decision;
};

/* a and b: the ids of two stored scores of one scorer and task, as text; percent: the margin, of A's value.  Scores with items that
 * are right or wrong are compared by the exact McNemar test, others by the paired bootstrap (eval/resample.h). */
int compare_scores(struct comparison *c, struct store *s, const char *scorer, const char *a, const char *b, double percent,
                   struct err *e);

/* "equivalent", "worse", "better" or "undecided". */
const char *comparison_verdict(const struct comparison *c);

#endif
