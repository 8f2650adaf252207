/* beta.h - the regularised incomplete beta function, and what is a value of it: Student's t and exact intervals of proportions. */
/* SPDX-License-Identifier: MIT */
#ifndef BASE_BETA_H
#define BASE_BETA_H

/* I_x(a, b), the distribution function of a beta variable; a, b > 0, x in [0, 1]. */
double beta_cdf(double x, double a, double b);

/* P(|T| >= |t|) of Student's t with df > 0 degrees of freedom, which need not be a whole number. */
double student_p(double t, double df);

/* The exact interval of a proportion of which k of n were seen, 0 <= k <= n (Clopper and Pearson 1934): it covers the truth with
 * probability `level` at least.  [0, 1] for n = 0. */
struct proportion {
    double low, high;
};
struct proportion proportion_interval(long k, long n, double level);

#endif
