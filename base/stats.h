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

#endif
