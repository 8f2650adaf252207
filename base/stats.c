/* SPDX-License-Identifier: MIT */
#include "base/stats.h"

#include <math.h>
#include <stdlib.h>

static int ascending(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

void stats_sort(double *v, size_t n)
{
    qsort(v, n, sizeof *v, ascending);
}

double stats_quantile(const double *v, size_t n, double p)
{
    double at = p * (double)(n - 1);
    size_t i = (size_t)at;
    if (i + 1 >= n)
        return v[n - 1];
    return v[i] + (at - (double)i) * (v[i + 1] - v[i]);
}

struct interval stats_median_interval(const double *v, size_t n, double level)
{
    struct interval out = {.median = stats_quantile(v, n, 0.5), .low = v[0], .high = v[n - 1]};
    double log_half_n = (double)n * log(0.5);
    double tail = exp(log_half_n); /* P(Binomial(n, 1/2) <= l), here for l = 0 */
    double log_choose = 0;
    out.coverage = n > 1 ? 1 - 2 * tail : 0;
    for (size_t l = 1; l < n / 2; l++) {
        log_choose += log((double)(n - l + 1)) - log((double)l);
        tail += exp(log_choose + log_half_n);
        if (1 - 2 * tail < level)
            break;
        out.low = v[l];
        out.high = v[n - 1 - l];
        out.coverage = 1 - 2 * tail;
    }
    return out;
}

double stats_median_upper(const double *v, size_t n, double beta)
{
    double log_half_n = (double)n * log(0.5), log_choose = 0, tail = 0;
    size_t l = 0; /* values above the bound, one more than may be */
    for (; l < n; l++) {
        log_choose += l ? log((double)(n - l + 1)) - log((double)l) : 0;
        tail += exp(log_choose + log_half_n);
        if (tail > beta)
            break;
    }
    return l ? v[n - l] : INFINITY;
}

double stats_robust_sd(const double *v, size_t n)
{
    double median = stats_quantile(v, n, 0.5), *away = calloc(n, sizeof *away);
    if (!away)
        abort();
    for (size_t i = 0; i < n; i++)
        away[i] = fabs(v[i] - median);
    stats_sort(away, n);
    double sd = 1.482602218505602 * stats_quantile(away, n, 0.5);
    free(away);
    return sd;
}

double stats_normal_quantile(double p)
{
    double low = -40, high = 40;
    for (int i = 0; i < 100; i++) {
        double x = (low + high) / 2;
        if (erfc(-x / sqrt(2)) / 2 < p)
            low = x;
        else
            high = x;
    }
    return (low + high) / 2;
}

size_t stats_benjamini_hochberg(const double *p, size_t n, double q, unsigned char *rejected)
{
    double *sorted = calloc(n + 1, sizeof *sorted), limit = -1;
    size_t k = 0;
    if (!sorted)
        abort();
    for (size_t i = 0; i < n; i++)
        sorted[i] = isnan(p[i]) ? 1 : p[i];
    stats_sort(sorted, n);
    for (size_t i = 0; i < n; i++)
        if (sorted[i] <= q * (double)(i + 1) / (double)n)
            limit = sorted[i];
    for (size_t i = 0; i < n; i++)
        k += rejected[i] = p[i] <= limit; /* NaN is not */
    free(sorted);
    return k;
}
