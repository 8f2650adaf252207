/* Intervals and paired tests against cases whose answer is known. */
/* SPDX-License-Identifier: MIT */
#include "tests/test.h"

#include <math.h>

#include "base/rng.h"
#include "eval/resample.h"

static double mean_of(const double *total, size_t n)
{
    return n ? total[0] / (double)n : NAN;
}

static const struct scorer mean = {.name = "mean", .sums = 1, .value = mean_of};

static void interval_of_a_mean_is_the_normal_one(void **state)
{
    (void)state;
    enum { N = 400 };
    double x[N];
    struct rng r;
    struct resampled out, again;
    struct err e;
    double sum = 0, squares = 0;
    rng_seed(&r, 3);
    for (int i = 0; i < N; i++) {
        x[i] = 5 + 2 * rng_normal(&r);
        sum += x[i];
    }
    for (int i = 0; i < N; i++)
        squares += (x[i] - sum / N) * (x[i] - sum / N);
    double se = sqrt(squares / (N - 1) / N);
    assert_int_equal(resample_value(&mean, x, N, 4000, 1, &out, &e), 0);
    assert_true(fabs(out.value - sum / N) < 1e-12);
    assert_true(fabs(out.low - (out.value - 1.96 * se)) < 0.15 * se);
    assert_true(fabs(out.high - (out.value + 1.96 * se)) < 0.15 * se);
    assert_int_equal(resample_value(&mean, x, N, 4000, 1, &again, &e), 0);
    assert_true(out.low == again.low && out.high == again.high); /* seeded */
    assert_int_equal(resample_value(&mean, x, 1, 100, 1, &out, &e), 0);
    assert_true(isnan(out.low) && out.value == x[0]);
}

/* Pairing: the same large spread in both, a small constant difference.  Unpaired intervals overlap; the paired one is a point. */
static void pairing_cancels_what_items_share(void **state)
{
    (void)state;
    enum { N = 100 };
    double a[N], b[N], c[N];
    struct rng r;
    struct paired out;
    struct resampled alone;
    struct err e;
    rng_seed(&r, 4);
    for (int i = 0; i < N; i++) {
        a[i] = 10 * rng_normal(&r);
        b[i] = a[i] + 0.1;
        c[i] = a[i] + (i % 2 ? 1 : -1);
    }
    assert_int_equal(resample_value(&mean, a, N, 1000, 1, &alone, &e), 0);
    assert_true(alone.high - alone.low > 2);
    assert_int_equal(resample_paired(&mean, a, b, N, 1000, 1, &out, &e), 0);
    assert_true(fabs(out.difference - 0.1) < 1e-9 && out.low > 0.0999 && out.high < 0.1001 && out.p < 0.01);
    assert_int_equal(resample_paired(&mean, a, c, N, 1000, 1, &out, &e), 0);
    assert_true(out.low < 0 && out.high > 0 && out.p > 0.5);
    assert_int_equal(resample_paired(&mean, a, a, N, 1000, 1, &out, &e), 0);
    assert_true(out.difference == 0 && out.low == 0 && out.high == 0 && out.p == 1);
}

/* The two-sided binomial test of R, binom.test(c(1, 9))$p.value and so on; the last one summed in exact integers. */
static void mcnemar_is_the_binomial_test(void **state)
{
    (void)state;
    static const struct {
        int a, b;
        double p;
    } known[] = {{0, 0, 1}, {1, 9, 0.021484375}, {9, 1, 0.021484375}, {5, 5, 1}, {0, 6, 0.03125}, {10, 30, 0.0022214337732}};
    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        assert_true(fabs(mcnemar_exact((uint64_t)known[i].a, (uint64_t)known[i].b) - known[i].p) < 1e-9);
    assert_true(mcnemar_exact(100000, 100300) > 0.4 && mcnemar_exact(100000, 103000) < 1e-9);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(interval_of_a_mean_is_the_normal_one),
        cmocka_unit_test(pairing_cancels_what_items_share),
        cmocka_unit_test(mcnemar_is_the_binomial_test),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
