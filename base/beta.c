/* The continued fraction of DLMF 8.17.22, evaluated from the front (Lentz 1976), on the side of the mean where it converges fast. */
/* SPDX-License-Identifier: MIT */
#include "base/beta.h"

#include <math.h>

#define TINY 1e-300 /* stands for a denominator of 0 */

static double kept_off_zero(double x)
{
    return fabs(x) < TINY ? TINY : x;
}

static double fraction(double x, double a, double b)
{
    double c = 1, d = 1 / kept_off_zero(1 - (a + b) / (a + 1) * x), f = d;
    for (int m = 1; m <= 10000; m++) {
        double even = m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m));
        double odd = -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1));
        d = 1 / kept_off_zero(1 + even * d);
        c = kept_off_zero(1 + even / c);
        f *= c * d;
        d = 1 / kept_off_zero(1 + odd * d);
        c = kept_off_zero(1 + odd / c);
        f *= c * d;
        if (fabs(c * d - 1) < 1e-15)
            break;
    }
    return f;
}

double beta_cdf(double x, double a, double b)
{
    if (!(x > 0))
        return 0;
    if (!(x < 1))
        return 1;
    double front = exp(lgamma(a + b) - lgamma(a) - lgamma(b) + a * log(x) + b * log1p(-x));
    return x < (a + 1) / (a + b + 2) ? front * fraction(x, a, b) / a : 1 - front * fraction(1 - x, b, a) / b;
}

double student_p(double t, double df)
{
    return beta_cdf(df / (df + t * t), df / 2, 0.5);
}

/* The x at which beta_cdf is p. */
static double quantile(double p, double a, double b)
{
    double low = 0, high = 1;
    for (int i = 0; i < 100; i++) {
        double x = (low + high) / 2;
        if (beta_cdf(x, a, b) < p)
            low = x;
        else
            high = x;
    }
    return (low + high) / 2;
}

struct proportion proportion_interval(long k, long n, double level)
{
    double tail = (1 - level) / 2;
    return (struct proportion){k > 0 ? quantile(tail, (double)k, (double)(n - k + 1)) : 0,
                               k < n ? quantile(1 - tail, (double)(k + 1), (double)(n - k)) : 1};
}
