/* history_rule.h - the rule of `bench history`: from the ratios of many commits to one anchor, when something changed.  Pure: it
 * measures nothing.
 *
 * A series is one metric of one cell: a log ratio to the anchor per commit, in the order of the commits.
 *
 *   noise    the standard deviation of successive differences, with a few points' worth of what was believed before them, and never
 *            less than what the points' own intervals say
 *   shift    a winsorised CUSUM of the distance from the level.  The first level is that of the anchor, which is 0 and not estimated,
 *            so that a slow drift has nothing to hide in.  E-divisive names the place, with the p-value of a seeded permutation
 *            test; where it is sure of one, the median of what follows is the new level, else the level stays and the finding
 *            begins where the CUSUM began to rise.
 *   budget   the intervals of three points on end lie above what all commits together may cost, however slowly it came
 *   exact    a metric without noise has another value than before
 *
 * A finding is worse or better.  One that is worse stands until a later level is as good as the one before it. */
/* SPDX-License-Identifier: MIT */
#ifndef BENCH_HISTORY_RULE_H
#define BENCH_HISTORY_RULE_H

#include <stdint.h>

struct history_rule {
    double k, h, limit;     /* of the CUSUM, in standard deviations (base/changes.h) */
    double noise, believed; /* a standard deviation, log ratio, and how many points it is worth */
    double budget;          /* log ratio */
    int least;              /* points of a series before a shift can be found */
    int reference;          /* most points that a level is the median of */
    int settle;             /* points behind an alarm that help to place the change */
    double level;           /* the p-value from which on a place is none */
    int permutations;
    uint64_t seed;
};

extern const struct history_rule history_rule_default;

struct history_point {
    double ratio;     /* log */
    double low, high; /* its 95% interval */
};

enum history_kind { HISTORY_SHIFT, HISTORY_BUDGET, HISTORY_EXACT };
const char *history_kind_name(enum history_kind k); /* "shift", "budget", "exact" */

struct history_finding {
    enum history_kind kind;
    int worse, stands;
    int place;            /* first point that is changed */
    double p;             /* of that place; NaN: E-divisive is sure of none, or the kind needs none */
    int at;               /* point that made it known */
    double before, after; /* levels, log ratio */
};

struct history {
    double noise; /* standard deviation, log ratio; NaN: too few points, or an exact metric */
    struct history_finding *finding;
    int n; /* in the order of `at` */
};

/* point: [n] in the order of the commits.  exact: the metric has no noise. */
void history_judge(struct history *h, const struct history_rule *r, const struct history_point *point, int n, int exact);
void history_free(struct history *h);

#endif
