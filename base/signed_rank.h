/* signed_rank.h - Wilcoxon's signed-rank test of paired differences, exact (Wilcoxon 1945; Hollander and Wolfe 1999, chapter 3).
 *
 * T is the number of pairs i <= j whose mean (v[i] + v[j]) / 2, a Walsh average, is not above 0.  Without ties it is the sum of
 * the ranks of the negative values; zeros and ties count against "above 0", so nothing is claimed from them.  Where each value is
 * as likely to have either sign, as the log ratio of two equal programs run in random order has, T's distribution is known for
 * every n and needs no assumption about the noise.  Nothing here draws, prints or fails. */
/* SPDX-License-Identifier: MIT */
#ifndef BASE_SIGNED_RANK_H
#define BASE_SIGNED_RANK_H

#include <stddef.h>

/* P(T <= t) of n values that are symmetric about 0. */
double signed_rank_tail(size_t n, size_t t);

/* One-sided p for "the centre of v is above 0"; 1 for n = 0. */
double signed_rank_p(const double *v, size_t n);

/* The centre of v lies above this with probability 1 - alpha at least: a Walsh average.  Above 0 exactly where signed_rank_p is
 * alpha or less; -INFINITY with too few values for alpha (2^-n above it). */
double signed_rank_lower(const double *v, size_t n, double alpha);

#endif
