/* SPDX-License-Identifier: MIT */
#include "base/changes.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/rng.h"
#include "base/stats.h"

/* Mean of the smaller four fifths of |z|, z standard normal: 2 (phi(0) - phi(q)) / 0.8 with q = 1.28155, below which |z| is in 80%. */
#define TRIMMED 0.55861

static double *room(size_t n)
{
    double *v = calloc(n + 1, sizeof *v);
    if (!v)
        abort();
    return v;
}

double changes_noise(const double *x, size_t n)
{
    double *d = room(n);
    for (size_t i = 0; i + 1 < n; i++)
        d[i] = x[i + 1] - x[i];
    stats_sort(d, n - 1);
    double middle = stats_quantile(d, n - 1, 0.5), sum = 0;
    for (size_t i = 0; i + 1 < n; i++)
        d[i] = fabs(d[i] - middle);
    stats_sort(d, n - 1);
    size_t kept = (4 * (n - 1) + 4) / 5;
    for (size_t i = 0; i < kept; i++)
        sum += d[i];
    free(d);
    return sum / (double)kept / TRIMMED / sqrt(2);
}

/* -- CUSUM ----------------------------------------------------------------------------------------------------------------- */

static void add(double *sum, size_t *from, double z)
{
    *sum = fmax(0, *sum + z);
    *from = *sum > 0 ? *from + 1 : 0;
}

int cusum_add(struct cusum *c, double z)
{
    z = fmax(-c->limit, fmin(c->limit, z));
    add(&c->up, &c->up_from, z - c->k);
    add(&c->down, &c->down_from, -z - c->k);
    return c->up > c->h ? 1 : c->down > c->h ? -1 : 0;
}

/* -- E-divisive ------------------------------------------------------------------------------------------------------------ */

/* Best place of one order.  The first part grows by a value at a time, and the three sums of distances with it: n^2 / 2 in all. */
static struct change best(const double *x, size_t n, size_t least)
{
    struct change c = {0, -INFINITY, 1};
    double first = 0, second = 0, across = 0; /* sums over pairs within and across */
    for (size_t i = 0; i < n; i++)
        for (size_t k = 0; k < i; k++)
            second += fabs(x[i] - x[k]);
    for (size_t m = 1; m + least <= n; m++) {
        double before = 0, after = 0, v = x[m - 1];
        for (size_t i = 0; i < m - 1; i++)
            before += fabs(x[i] - v);
        for (size_t i = m; i < n; i++)
            after += fabs(x[i] - v);
        first += before;
        second -= after;
        across += after - before;
        if (m < least)
            continue;
        double a = (double)m, b = (double)(n - m);
        double energy = 2 * across / (a * b) - 2 * first / (a * (a - 1)) - 2 * second / (b * (b - 1));
        double q = energy * a * b / (a + b);
        if (q > c.statistic) {
            c.statistic = q;
            c.at = m;
        }
    }
    return c;
}

struct change changes_e_divisive(const double *x, size_t n, size_t least, int permutations, uint64_t seed)
{
    if (least < 2 || n < 2 * least)
        return (struct change){0, 0, 1};
    struct change found = best(x, n, least);
    struct rng r;
    double *y = room(n);
    int as_well = 1;
    rng_seed(&r, seed);
    memcpy(y, x, n * sizeof *y);
    for (int k = 0; k < permutations; k++) {
        for (size_t i = n - 1; i > 0; i--) {
            size_t j = (size_t)rng_below(&r, i + 1);
            double swap = y[i];
            y[i] = y[j];
            y[j] = swap;
        }
        as_well += best(y, n, least).statistic >= found.statistic;
    }
    free(y);
    found.p = as_well / (permutations + 1.0);
    return found;
}
