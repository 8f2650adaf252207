/* changes.h - when a series of numbers in time changed: how much it scatters, a CUSUM that raises the alarm, E-divisive that says
 * where.  Pure: seeded, no clock, nothing measured. */
/* SPDX-License-Identifier: MIT */
#ifndef BASE_CHANGES_H
#define BASE_CHANGES_H

#include <stddef.h>
#include <stdint.h>

/* Standard deviation of the noise of x[n], n > 1, in the order of time: that of successive differences over the square root of 2.
 * Neither a step, which is one difference, nor a slow drift, which moves all of them alike, makes it larger; a fifth of the
 * differences, the farthest from their median, is left out, for half of them (the median absolute deviation) are too few to know it
 * well. */
double changes_noise(const double *x, size_t n);

/* Tabular CUSUM, both ways (Page 1954; Montgomery, Introduction to Statistical Quality Control, section 9.1). */
struct cusum {
    double k, h;               /* allowance and threshold, in the unit of the values */
    double limit;              /* a value counts as no more than this, up or down: winsorised, so that one alone is no alarm */
    double up, down;           /* the sums */
    size_t up_from, down_from; /* values since the sum was last 0 */
};

/* Takes the next value, given as its distance from where it should be.  1: the mean has risen, -1: it has fallen, 0: neither. */
int cusum_add(struct cusum *c, double z);

/* E-divisive (Matteson and James 2014) for one change: the place that parts x[n] best, in energy distance.
 * at: first index of the second part, 0 when n is below twice `least`.  statistic: m k / (m + k) times the energy distance of the
 * parts of m and k values (eq. 5, exponent 1).  p: share of random orders of x in which the best place parts them as well, with
 * the order that is there counted in; of `permutations` orders from `seed`. */
struct change {
    size_t at;
    double statistic, p;
};
struct change changes_e_divisive(const double *x, size_t n, size_t least, int permutations, uint64_t seed);

#endif
