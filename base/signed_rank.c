/* SPDX-License-Identifier: MIT */
#include "base/signed_rank.h"

#include <math.h>
#include <stdlib.h>

#include "base/stats.h"

static double *doubles(size_t n)
{
    double *v = calloc(n, sizeof *v);
    if (!v)
        abort();
    return v;
}

/* P(T = t), [n (n + 1) / 2 + 1]: rank k is in the sum or not, each with probability 1/2, so the distribution of n ranks is the
 * mean of that of n - 1 and of the same moved up by n. */
static double *distribution(size_t n)
{
    double *p = doubles(n * (n + 1) / 2 + 1);
    p[0] = 1;
    for (size_t k = 1; k <= n; k++)
        for (size_t t = k * (k + 1) / 2 + 1; t-- > 0;)
            p[t] = (p[t] + (t >= k ? p[t - k] : 0)) / 2;
    return p;
}

double signed_rank_tail(size_t n, size_t t)
{
    double *p = distribution(n), sum = 0;
    for (size_t i = 0; i <= t && i <= n * (n + 1) / 2; i++)
        sum += p[i];
    free(p);
    return sum < 1 ? sum : 1;
}

double signed_rank_p(const double *v, size_t n)
{
    size_t t = 0;
    for (size_t i = 0; i < n; i++)
        for (size_t j = i; j < n; j++)
            t += v[i] + v[j] <= 0;
    return signed_rank_tail(n, t);
}

double signed_rank_lower(const double *v, size_t n, double alpha)
{
    double *p = distribution(n), tail = 0;
    size_t c = 0, pairs = n * (n + 1) / 2; /* c: the largest with P(T <= c - 1) <= alpha */
    while (c < pairs && (tail += p[c]) <= alpha)
        c++;
    free(p);
    if (!c)
        return -INFINITY;
    double *walsh = doubles(pairs);
    size_t k = 0;
    for (size_t i = 0; i < n; i++)
        for (size_t j = i; j < n; j++)
            walsh[k++] = (v[i] + v[j]) / 2;
    stats_sort(walsh, pairs);
    double low = walsh[c - 1];
    free(walsh);
    return low;
}
