/* SPDX-License-Identifier: MIT */
#include "bench/gate_rivals.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/stats.h"
#include "base/two_sample.h"

static double mean(const double *v, size_t n)
{
    double sum = 0;
    for (size_t i = 0; i < n; i++)
        sum += v[i];
    return sum / (double)n;
}

static double median(const double *v, size_t n)
{
    double *copy = calloc(n + 1, sizeof *copy);
    if (!copy)
        abort();
    memcpy(copy, v, n * sizeof *copy);
    stats_sort(copy, n);
    double x = n ? stats_quantile(copy, n, 0.5) : NAN;
    free(copy);
    return x;
}

/* asv/_stats.py, is_different and `asv continuous`: p below 0.002 and the ratio of medians beyond the factor 1.1.  (With fewer than 6
 * samples of each it looks at intervals instead; a gate of 6 units has more.) */
static int asv(const struct gate_side *base, const struct gate_side *head)
{
    return mann_whitney_p(base->sample, base->n_samples, head->sample, head->n_samples) < 0.002 &&
           median(head->sample, head->n_samples) > 1.1 * median(base->sample, base->n_samples);
}

/* golang.org/x/perf/cmd/benchstat: alpha 0.05, no correction for many rows. */
static int benchstat(const struct gate_side *base, const struct gate_side *head)
{
    return mann_whitney_p(base->median, base->n, head->median, head->n) < 0.05 &&
           median(head->median, head->n) > median(base->median, base->n);
}

/* catapult, pinpoint/models/compare: the smaller p of two tests is at most 0.01; between that and a threshold for "same" it would
 * measure on, which here counts as not found. */
static int pinpoint(const struct gate_side *base, const struct gate_side *head)
{
    return fmin(kolmogorov_smirnov_p(base->mean, base->n, head->mean, head->n),
                mann_whitney_p(base->mean, base->n, head->mean, head->n)) <= 0.01 &&
           mean(head->mean, head->n) > mean(base->mean, base->n);
}

static int welch(const struct gate_side *base, const struct gate_side *head)
{
    return welch_p(base->sample, base->n_samples, head->sample, head->n_samples) < 0.05 &&
           mean(head->sample, head->n_samples) > mean(base->sample, base->n_samples);
}

static int beyond(const struct gate_side *base, const struct gate_side *head, double factor)
{
    return mean(head->sample, head->n_samples) > factor * mean(base->sample, base->n_samples);
}

static int beyond_5(const struct gate_side *base, const struct gate_side *head)
{
    return beyond(base, head, 1.05);
}

static int beyond_10(const struct gate_side *base, const struct gate_side *head)
{
    return beyond(base, head, 1.10);
}

const struct gate_rival gate_rivals[] = {
    {"asv", "Mann-Whitney on all samples, p < 0.002, and medians 10% apart", asv},
    {"benchstat", "Mann-Whitney on medians of processes, p < 0.05", benchstat},
    {"Pinpoint", "the smaller p of Kolmogorov-Smirnov and Mann-Whitney on means of processes, p <= 0.01", pinpoint},
    {"Welch", "Welch's t on all samples, p < 0.05", welch},
    {"5%", "means of all samples more than 5% apart", beyond_5},
    {"10%", "means of all samples more than 10% apart", beyond_10},
};
const int gate_n_rivals = sizeof gate_rivals / sizeof *gate_rivals;
