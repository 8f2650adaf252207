/* SPDX-License-Identifier: MIT */
#include "base/two_sample.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/beta.h"
#include "base/stats.h"

#define EXACT 50 /* values of either sample up to which U's distribution is counted */

static double *doubles(size_t n)
{
    double *v = calloc(n, sizeof *v);
    if (!v)
        abort();
    return v;
}

/* -- Mann and Whitney -------------------------------------------------------------------------------------------------------- */

/* P(U <= u).  The largest of i + j values is one of the i with probability i / (i + j) and then exceeds all j; so p[j], the
 * distribution for i and j values, [i j + 1], comes of that for i - 1 and j and of that for i and j - 1. */
static double tail(size_t n, size_t m, size_t u)
{
    size_t width = n * m + 1;
    double *p = doubles((m + 1) * width), sum = 0;
    for (size_t j = 0; j <= m; j++)
        p[j * width] = 1; /* i = 0: U is 0 */
    for (size_t i = 1; i <= n; i++)
        for (size_t j = 1; j <= m; j++)
            for (size_t k = i * j + 1; k-- > 0;) {
                double with = k >= j ? p[j * width + k - j] : 0, without = k <= i * (j - 1) ? p[(j - 1) * width + k] : 0;
                p[j * width + k] = ((double)i * with + (double)j * without) / (double)(i + j);
            }
    for (size_t k = 0; k <= u && k < width; k++)
        sum += p[m * width + k];
    free(p);
    return sum;
}

/* Sum of t^3 - t over the groups of t equal values. */
static double ties_of(const double *a, size_t n, const double *b, size_t m)
{
    double *all = doubles(n + m), ties = 0;
    memcpy(all, a, n * sizeof *a);
    memcpy(all + n, b, m * sizeof *b);
    stats_sort(all, n + m);
    for (size_t from = 0, to; from < n + m; from = to) {
        for (to = from; to < n + m && !(all[to] > all[from]);)
            to++;
        double t = (double)(to - from);
        ties += t * t * t - t;
    }
    free(all);
    return ties;
}

double mann_whitney_p(const double *a, size_t n, const double *b, size_t m)
{
    size_t below = 0, equal = 0;
    if (!n || !m)
        return 1;
    for (size_t i = 0; i < n; i++)
        for (size_t j = 0; j < m; j++) {
            below += b[j] < a[i];
            equal += !(b[j] < a[i]) && !(b[j] > a[i]);
        }
    double ties = ties_of(a, n, b, m), x = (double)n, y = (double)m;
    if (!(ties > 0) && n <= EXACT && m <= EXACT)
        return fmin(1, 2 * tail(n, m, below < n * m - below ? below : n * m - below));
    double variance = x * y / 12 * (x + y + 1 - ties / ((x + y) * (x + y - 1)));
    double away = fabs((double)below + (double)equal / 2 - x * y / 2) - 0.5;
    return variance > 0 && away > 0 ? erfc(away / sqrt(2 * variance)) : 1;
}

/* -- Welch ------------------------------------------------------------------------------------------------------------------- */

static double mean_of(const double *v, size_t n)
{
    double sum = 0;
    for (size_t i = 0; i < n; i++)
        sum += v[i];
    return sum / (double)n;
}

/* Of the mean: the sample's variance / n. */
static double variance_of(const double *v, size_t n, double mean)
{
    double sum = 0;
    for (size_t i = 0; i < n; i++)
        sum += (v[i] - mean) * (v[i] - mean);
    return sum / (double)(n - 1) / (double)n;
}

double welch_p(const double *a, size_t n, const double *b, size_t m)
{
    if (n < 2 || m < 2)
        return 1;
    double mean_a = mean_of(a, n), mean_b = mean_of(b, m), va = variance_of(a, n, mean_a), vb = variance_of(b, m, mean_b);
    if (!(va + vb > 0))
        return mean_a < mean_b || mean_a > mean_b ? 0 : 1;
    double df = (va + vb) * (va + vb) / (va * va / (double)(n - 1) + vb * vb / (double)(m - 1));
    return student_p((mean_a - mean_b) / sqrt(va + vb), df);
}

/* -- Kolmogorov and Smirnov -------------------------------------------------------------------------------------------------- */

/* P(K > y) of the limiting distribution; below 0.2 the series is slow and the value 1 to twelve places. */
static double kolmogorov(double y)
{
    double p = 0;
    if (y < 0.2)
        return 1;
    for (int k = 1; k <= 100; k++)
        p += (k % 2 ? 2 : -2) * exp(-2.0 * k * k * y * y);
    return fmin(1, p);
}

double kolmogorov_smirnov_p(const double *a, size_t n, const double *b, size_t m)
{
    if (!n || !m)
        return 1;
    double *x = doubles(n), *y = doubles(m), d = 0;
    memcpy(x, a, n * sizeof *a);
    memcpy(y, b, m * sizeof *b);
    stats_sort(x, n);
    stats_sort(y, m);
    for (size_t i = 0, j = 0; i < n && j < m;) {
        double at = fmin(x[i], y[j]);
        while (i < n && !(x[i] > at))
            i++;
        while (j < m && !(y[j] > at))
            j++;
        d = fmax(d, fabs((double)i / (double)n - (double)j / (double)m));
    }
    free(x);
    free(y);
    double root = sqrt((double)n * (double)m / (double)(n + m));
    return kolmogorov((root + 0.12 + 0.11 / root) * d);
}
