/* SPDX-License-Identifier: MIT */
#include "eval/resample.h"

#include <math.h>
#include <stdlib.h>

#include "base/rng.h"
#include "base/stats.h"

static void add(double *total, const double *sums, int k)
{
    for (int i = 0; i < k; i++)
        total[i] += sums[i];
}

/* The percentile interval of n values, which are sorted; NaN when one of them is no number. */
static void interval(double *v, int n, struct tails tails, double *low, double *high)
{
    *low = *high = NAN;
    for (int i = 0; i < n; i++)
        if (isnan(v[i]))
            return;
    stats_sort(v, (size_t)n);
    *low = stats_quantile(v, (size_t)n, tails.low);
    *high = stats_quantile(v, (size_t)n, 1 - tails.high);
}

int resample_value(const struct scorer *s, const double *sums, size_t n, int resamples, uint64_t seed, struct resampled *out,
                   struct err *e)
{
    *out = (struct resampled){scorer_value(s, sums, n), NAN, NAN};
    if (n < RESAMPLE_MIN_ITEMS || resamples < 1)
        return 0;
    double *v = calloc((size_t)resamples, sizeof *v);
    if (!v)
        return err_set(e, ERR_ENV, "%s: out of memory for %d resamples", s->name, resamples);
    struct rng r;
    rng_seed(&r, seed);
    for (int i = 0; i < resamples; i++) {
        double total[SCORER_MAX_SUMS] = {0};
        for (size_t k = 0; k < n; k++)
            add(total, sums + rng_below(&r, n) * (uint64_t)s->sums, s->sums);
        v[i] = s->value(total, n);
    }
    interval(v, resamples, TAILS_95, &out->low, &out->high);
    free(v);
    return 0;
}

/* Koehn's p-value with the shift to the null hypothesis that Riezler and Maxwell (2005) ask for: the resamples' differences are
 * centred on their own mean before they are held against the observed difference. */
static double p_value(const double *difference, int n, double observed)
{
    double mean = 0;
    int count = 0;
    for (int i = 0; i < n; i++)
        mean += difference[i] / n;
    for (int i = 0; i < n; i++)
        count += fabs(difference[i] - mean) >= fabs(observed);
    return (count + 1.0) / (n + 1.0);
}

int resample_paired(const struct scorer *s, const double *a, const double *b, size_t n, int resamples, uint64_t seed,
                    struct tails tails, struct paired *out, struct err *e)
{
    *out = (struct paired){.a = scorer_value(s, a, n), .b = scorer_value(s, b, n), .low = NAN, .high = NAN, .p = NAN};
    out->difference = out->b - out->a;
    if (n < RESAMPLE_MIN_ITEMS || resamples < 1)
        return 0;
    double *v = calloc((size_t)resamples, sizeof *v);
    if (!v)
        return err_set(e, ERR_ENV, "%s: out of memory for %d resamples", s->name, resamples);
    struct rng r;
    rng_seed(&r, seed);
    for (int i = 0; i < resamples; i++) {
        double total_a[SCORER_MAX_SUMS] = {0}, total_b[SCORER_MAX_SUMS] = {0};
        for (size_t k = 0; k < n; k++) {
            uint64_t at = rng_below(&r, n) * (uint64_t)s->sums;
            add(total_a, a + at, s->sums);
            add(total_b, b + at, s->sums);
        }
        v[i] = s->value(total_b, n) - s->value(total_a, n);
    }
    interval(v, resamples, tails, &out->low, &out->high);
    if (!isnan(out->low))
        out->p = p_value(v, resamples, out->difference);
    free(v);
    return 0;
}

struct decision resample_decide(const struct scorer *s, const struct paired *p, double margin)
{
    int sign = p->low > 0 ? 1 : p->high < 0 ? -1 : 0; /* comparisons with NaN are false */
    return (struct decision){.direction = s->lower_is_better ? -sign : sign, .within = p->low >= -margin && p->high <= margin};
}

double mcnemar_exact(uint64_t only_a, uint64_t only_b)
{
    uint64_t n = only_a + only_b, least = only_a < only_b ? only_a : only_b;
    double tail = 0;
    for (uint64_t k = 0; k <= least; k++) /* P(Binomial(n, 1/2) = k) */
        tail += exp(lgamma((double)n + 1) - lgamma((double)k + 1) - lgamma((double)(n - k) + 1) - (double)n * log(2));
    return tail * 2 < 1 ? tail * 2 : 1;
}

void mcnemar_interval(uint64_t n, uint64_t only_a, uint64_t only_b, struct tails tails, double *low, double *high)
{
    double items = (double)n + 2, apart = (double)only_b - (double)only_a, unequal = (double)only_a + (double)only_b + 1;
    double error = sqrt(unequal - apart * apart / items) / items;
    *low = fmax(apart / items - stats_normal_quantile(1 - tails.low) * error, -1);
    *high = fmin(apart / items + stats_normal_quantile(1 - tails.high) * error, 1);
}
