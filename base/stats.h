/* stats.h - the few statistics of the project, each computed here and nowhere else.
 *
 * Only whole processes count as independent: the values given here are one per trial, never one per token. */
/* SPDX-License-Identifier: MIT */
#ifndef BASE_STATS_H
#define BASE_STATS_H

#include <stddef.h>

/* Sorts v in place, ascending. */
void stats_sort(double *v, size_t n);

/* Quantile p in [0, 1] of ascending v, n > 0, linear between order statistics (Hyndman and Fan 1996, type 7). */
double stats_quantile(const double *v, size_t n, double p);

/* Distribution-free interval of the median of ascending v: the order statistics [l], [n-1-l] with the largest l whose
 * coverage 1 - 2 P(Binomial(n, 1/2) <= l) is at least `level`; with too few values for that, the whole range.
 * coverage is what the interval really covers (n = 3: 0.75, n = 6: 0.969).  David and Nagaraja 2003, section 7.1. */
struct interval {
    double median, low, high;
    double coverage;
};
struct interval stats_median_interval(const double *v, size_t n, double level);

/* The median of ascending v lies below this with probability 1 - beta at least, whatever the distribution: the order statistic
 * [n-1-l] with the largest l for which P(Binomial(n, 1/2) <= l) <= beta; INFINITY with too few values for beta. */
double stats_median_upper(const double *v, size_t n, double beta);

/* Standard deviation of ascending v, n > 0, from the median absolute deviation times 1.4826, which a few wild values do not move
 * (Hampel 1974). */
double stats_robust_sd(const double *v, size_t n);

/* The x below which a standard normal variable lies with probability p, 0 < p < 1. */
double stats_normal_quantile(double p);

/* Benjamini and Hochberg 1995: of n p-values, the k smallest are rejected for the largest k whose k-th is at most q k / n.  Sets
 * rejected[i] to 1 or 0; returns k.  A p-value that is NaN counts as 1. */
size_t stats_benjamini_hochberg(const double *p, size_t n, double q, unsigned char *rejected);

#endif
