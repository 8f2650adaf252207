/* The rule of the history on drawn series: how often it is wrong, and how soon it is right.
 *
 * Noise as in docs/gate.md: normal with a standard deviation of 1%, of 20 points one four times as far.  A point's own interval
 * knows a third of it only, for most of what tells two builds apart is not in one run.  HISTORY_SERIES=600 draws as many series and
 * prints the table of docs/gate.md. */
/* SPDX-License-Identifier: MIT */
#include "tests/test.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/rng.h"
#include "base/stats.h"
#include "bench/history_rule.h"

#define COMMITS 150
#define BEFORE 50 /* commits in front of a change */

static const struct history_rule *const rule = &history_rule_default;

static int series(int otherwise)
{
    const char *s = getenv("HISTORY_SERIES");
    return s ? atoi(s) : otherwise;
}

static struct history_point draw(struct rng *r, double mean, double sd)
{
    double x = mean + rng_normal(r) * sd * (rng_below(r, 20) ? 1 : 4), half = 1.96 * sd / 3;
    return (struct history_point){x, x - half, x + half};
}

/* Is there a finding of this kind and way that no earlier call with the same `seen` had within 10 points? */
static int is_new(const struct history *h, enum history_kind kind, int worse, unsigned char seen[COMMITS])
{
    int found = 0;
    for (int i = 0; i < h->n; i++) {
        const struct history_finding *f = &h->finding[i];
        if (f->kind != kind || f->worse != worse)
            continue;
        int old = 0;
        for (int k = f->at > 10 ? f->at - 10 : 0; k <= f->at + 10 && k < COMMITS; k++)
            old |= seen[k];
        found |= !old;
        seen[f->at] = 1;
    }
    return found;
}

/* Findings per 1,000 commits of series in which nothing happens, looked at after every commit. */
static void false_findings(double sd, int n_series, double *worse, double *better, double *budget)
{
    int count[3] = {0};
    struct rng r;
    rng_seed(&r, 11);
    for (int s = 0; s < n_series; s++) {
        struct history_point p[COMMITS];
        unsigned char seen[3][COMMITS] = {0};
        for (int n = 1; n <= COMMITS; n++) {
            struct history h;
            p[n - 1] = draw(&r, 0, sd);
            history_judge(&h, rule, p, n, 0);
            for (int k = 0; k < 3; k++)
                count[k] += is_new(&h, k == 2 ? HISTORY_BUDGET : HISTORY_SHIFT, k != 1, seen[k]);
            history_free(&h);
        }
    }
    double per = 1000.0 / n_series / COMMITS;
    *worse = per * count[0], *better = per * count[1], *budget = per * count[2];
}

struct power {
    double mean, median; /* commits until it is found */
    double soon;         /* share found within 5 (a step), or before 15, which is 3% (a drift) */
    double placed;       /* share of steps whose place is right or 1 beside */
};

/* A step of 2%, or a drift of 0.2% a commit, behind BEFORE equal ones. */
static struct power power_of(double sd, int is_drift, int n_series)
{
    struct power w = {0};
    struct rng r;
    double *delay = calloc((size_t)n_series, sizeof *delay);
    assert_non_null(delay);
    rng_seed(&r, 12);
    for (int s = 0; s < n_series; s++) {
        struct history_point p[COMMITS];
        int i = 0, place = 0;
        for (; i < BEFORE; i++)
            p[i] = draw(&r, 0, sd);
        for (int found = 0; i < COMMITS && !found; i++) {
            struct history h;
            p[i] = draw(&r, is_drift ? 0.002 * (i + 1 - BEFORE) : log(1.02), sd);
            history_judge(&h, rule, p, i + 1, 0);
            for (int k = 0; k < h.n; k++)
                if (h.finding[k].worse && h.finding[k].at >= BEFORE) {
                    found = 1;
                    place = h.finding[k].place;
                }
            history_free(&h);
        }
        delay[s] = i - BEFORE;
        w.mean += delay[s] / n_series;
        w.soon += (is_drift ? delay[s] < 15 : delay[s] <= 5) / (double)n_series;
        w.placed += (abs(place - BEFORE) <= 1) / (double)n_series;
    }
    stats_sort(delay, (size_t)n_series);
    w.median = stats_quantile(delay, (size_t)n_series, 0.5);
    free(delay);
    return w;
}

static void the_bars(void **state)
{
    (void)state;
    static const double sd[] = {0.01, 0.003, 0.005, 0.02};
    int table = getenv("HISTORY_SERIES") != NULL;
    for (int i = 0; i < (table ? 4 : 1); i++) {
        double worse, better, budget;
        false_findings(sd[i], series(60), &worse, &better, &budget);
        struct power step = power_of(sd[i], 0, series(60)), drift = power_of(sd[i], 1, series(60));
        if (table)
            printf("| %.1f%% | %.2f | %.2f | %.1f (%.0f) | %.0f%% | %.0f%% | %.1f (%.0f) | %.0f%% |\n", 100 * sd[i],
                   worse + budget, better, step.mean, step.median, 100 * step.soon, 100 * step.placed, drift.mean, drift.median,
                   100 * drift.soon);
        if (sd[i] == 0.01) {
            /* 60 series are 9,000 commits, in which 1 in 1,000 are 9, and 18 are 3 standard errors more. */
            assert_true(worse + budget <= (table ? 1.0 : 2.0));
            assert_true(step.median <= 5 && step.soon >= 0.5 && step.placed >= 0.5);
            assert_true(drift.median <= 11 && drift.soon >= 0.9);
        }
    }
}

static void fill(struct history_point *p, int from, int to, double ratio)
{
    for (int i = from; i < to; i++) {
        double x = ratio + (i % 2 ? 0.001 : -0.001);
        p[i] = (struct history_point){x, x - 0.001, x + 0.001};
    }
}

static void a_step_is_named_and_stands_until_it_is_mended(void **state)
{
    (void)state;
    struct history_point p[60];
    struct history h;
    fill(p, 0, 20, 0);
    fill(p, 20, 40, 0.05);
    fill(p, 40, 60, 0);
    history_judge(&h, rule, p, 40, 0);
    assert_int_equal(h.n, 2);
    assert_true(h.finding[0].kind == HISTORY_SHIFT && h.finding[0].worse && h.finding[0].stands && h.finding[0].place == 20);
    assert_true(h.finding[0].at <= 23 && h.finding[0].p <= 0.02 && fabs(h.finding[0].after - 0.05) < 0.002);
    assert_true(h.finding[1].kind == HISTORY_BUDGET && h.finding[1].stands && h.finding[1].place == 20 && h.finding[1].at == 22);
    history_free(&h);
    history_judge(&h, rule, p, 60, 0);
    assert_int_equal(h.n, 3);
    assert_true(!h.finding[0].stands && !h.finding[1].stands && !h.finding[2].worse && h.finding[2].place == 40);
    history_free(&h);
    history_free(&h);
}

/* Behind an improvement the level is that of the improvement: what is lost of it again is found, though the anchor is far away. */
static void a_gain_that_is_lost_again_is_found(void **state)
{
    (void)state;
    struct history_point p[60];
    struct history h;
    fill(p, 0, 20, 0);
    fill(p, 20, 40, -0.10);
    fill(p, 40, 60, -0.05);
    history_judge(&h, rule, p, 60, 0);
    assert_int_equal(h.n, 2);
    assert_true(!h.finding[0].worse && !h.finding[0].stands && h.finding[0].place == 20);
    assert_true(h.finding[1].worse && h.finding[1].stands && h.finding[1].place == 40);
    history_free(&h);
}

static void too_few_points_say_nothing_and_one_outlier_neither(void **state)
{
    (void)state;
    struct history_point p[30];
    struct history h;
    fill(p, 0, 30, 0.02);
    history_judge(&h, rule, p, 7, 0);
    assert_true(h.n == 0 && isnan(h.noise));
    history_free(&h);
    history_judge(&h, rule, p, 0, 0);
    assert_true(h.n == 0);
    history_free(&h);
    fill(p, 0, 30, 0);
    p[25] = (struct history_point){0.5, 0.49, 0.51};
    history_judge(&h, rule, p, 30, 0);
    assert_int_equal(h.n, 0);
    history_free(&h);
}

static void exact_metrics_need_no_statistics(void **state)
{
    (void)state;
    struct history_point p[4] = {{0, 0, 0}, {0, 0, 0}, {1e-6, 1e-6, 1e-6}, {1e-6, 1e-6, 1e-6}};
    struct history h;
    history_judge(&h, rule, p, 4, 1);
    assert_int_equal(h.n, 1);
    assert_true(h.finding[0].kind == HISTORY_EXACT && h.finding[0].worse && h.finding[0].stands && h.finding[0].at == 2);
    history_free(&h);
    p[3].ratio = 0;
    history_judge(&h, rule, p, 4, 1);
    assert_true(h.n == 2 && !h.finding[0].stands && !h.finding[1].worse);
    history_free(&h);
    assert_string_equal(history_kind_name(HISTORY_EXACT), "exact");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_step_is_named_and_stands_until_it_is_mended),
        cmocka_unit_test(a_gain_that_is_lost_again_is_found),
        cmocka_unit_test(too_few_points_say_nothing_and_one_outlier_neither),
        cmocka_unit_test(exact_metrics_need_no_statistics),
        cmocka_unit_test(the_bars),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
