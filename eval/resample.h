/* resample.h - how sure a score is: intervals and comparisons by the bootstrap over items, and McNemar's test.
 *
 * Items are what is independent.  A resample draws n of the n items with replacement, adds their sums up and asks the scorer for
 * the value; the same seed gives the same resamples.  Two variants are compared on the same items, drawn together, so that what
 * makes an item hard cancels out (Koehn 2004; Efron and Tibshirani 1993, chapters 13 and 16). */
/* SPDX-License-Identifier: MIT */
#ifndef EVAL_RESAMPLE_H
#define EVAL_RESAMPLE_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "eval/scorer.h"

/* What every command asks for, so that a score has the same interval wherever it is printed. */
#define RESAMPLES 1000
#define RESAMPLE_SEED 1
#define RESAMPLE_MIN_ITEMS 10 /* with fewer the bootstrap claims far more than it knows: intervals and p are NaN */

struct resampled {
    double value;     /* of the items as they are */
    double low, high; /* percentile interval at 95%; NaN with too few items, or where a resample has no value */
};

/* How often an interval's bounds may each be wrong: 2.5% both of one at 95%. */
struct tails {
    double low, high;
};
#define TAILS_95 ((struct tails){0.025, 0.025})

struct paired {
    double a, b, difference; /* b - a */
    double low, high;        /* percentile interval of the difference */
    double p;                /* two-sided: how often the difference of resamples lies as far from its own mean as the observed one
                              * lies from 0, (count + 1) / (resamples + 1) */
};

/* sums: [n][s->sums].  Fails only when memory is out. */
int resample_value(const struct scorer *s, const double *sums, size_t n, int resamples, uint64_t seed, struct resampled *out,
                   struct err *e);
int resample_paired(const struct scorer *s, const double *a, const double *b, size_t n, int resamples, uint64_t seed,
                    struct tails tails, struct paired *out, struct err *e);

/* What the interval of a difference says of B.  As good as A it is called where the whole interval lies within -margin .. margin:
 * two one-sided tests (Schuirmann 1987), each at 2.5%, because the interval is the 95% one where 90% would do for the usual 5%.
 * Both may hold: a difference that is sure and small.  Neither holds where there is no interval. */
struct decision {
    int direction; /* the interval excludes 0: 1 B is better, -1 worse; else 0 */
    int within;    /* it lies within the margin */
};
struct decision resample_decide(const struct scorer *s, const struct paired *p, double margin);

/* Exact McNemar test: of the items that one of two variants got right and the other wrong, `only_a` and `only_b`; the two-sided
 * probability of a split at least as uneven when both are equally good.  1 when there is no such item. */
double mcnemar_exact(uint64_t only_a, uint64_t only_b);
/* The interval of the difference of two variants' shares of right items, b - a, out of n: Agresti and Min (2005), half an item
 * added to each of the four cells.  The bootstrap's is a point where no item tells the two apart, however few items there are. */
void mcnemar_interval(uint64_t n, uint64_t only_a, uint64_t only_b, struct tails tails, double *low, double *high);

#endif
