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
