/* two_sample.h - tests of whether two independent samples differ: what other tools judge pairs of builds by.
 *
 * The gate itself judges pairs (base/signed_rank.h).  All p are two-sided; samples need no order and are left as they are. */
/* SPDX-License-Identifier: MIT */
#ifndef BASE_TWO_SAMPLE_H
#define BASE_TWO_SAMPLE_H

#include <stddef.h>

/* Mann and Whitney's U (1947).  Exact without ties and up to 50 values each, else the normal approximation with its corrections for
 * ties and continuity.  1 for an empty sample, or when all values are equal. */
double mann_whitney_p(const double *a, size_t n, const double *b, size_t m);

/* Welch's t (1947): means, with variances that need not be equal.  1 with fewer than two values in either; without any spread 1
 * when the means are equal, else 0. */
double welch_p(const double *a, size_t n, const double *b, size_t m);

/* Kolmogorov and Smirnov's D: the largest difference of the two distribution functions, by Stephens' approximation (1970), as
 * SciPy before 1.3 and Pinpoint compute it.  1 for an empty sample. */
double kolmogorov_smirnov_p(const double *a, size_t n, const double *b, size_t m);

#endif
