/* Statistics and random numbers against figures that are known from elsewhere. */
/* SPDX-License-Identifier: MIT */
#include "tests/test.h"

#include <math.h>

#include "base/rng.h"
#include "base/stats.h"

static void quantiles_are_type_7(void **state)
{
    (void)state;
    /* R: quantile(c(1, 2, 4, 8, 16), c(0, .1, .25, .5, .9, 1)) */
    static const double v[] = {1, 2, 4, 8, 16}, p[] = {0, 0.1, 0.25, 0.5, 0.9, 1}, want[] = {1, 1.4, 2, 4, 12.8, 16};
    for (int i = 0; i < 6; i++)
        assert_true(fabs(stats_quantile(v, 5, p[i]) - want[i]) < 1e-12);
    assert_true(stats_quantile(v, 1, 0.7) == 1);
}

/* The table of order statistics for the median that textbooks print (Conover 1999, table A3): n, l, coverage. */
static void median_intervals_are_the_tabled_order_statistics(void **state)
{
    (void)state;
    static const struct {
        int n, l;
        double coverage;
    } table[] = {{3, 0, 0.75}, {5, 0, 0.9375}, {6, 0, 0.96875}, {9, 1, 0.9609375}, {15, 3, 0.96484375}, {20, 5, 0.958610535}};
    double v[32];
    for (int i = 0; i < 32; i++)
        v[i] = i;
    for (size_t k = 0; k < sizeof table / sizeof *table; k++) {
        int n = table[k].n;
        struct interval x = stats_median_interval(v, (size_t)n, 0.95);
        assert_true(x.low == table[k].l);
        assert_true(x.high == n - 1 - table[k].l);
        assert_true(fabs(x.coverage - table[k].coverage) < 1e-9);
        assert_true(x.median == (n - 1) / 2.0);
    }
    struct interval one = stats_median_interval(v + 3, 1, 0.95);
    assert_true(one.low == 3 && one.high == 3 && one.median == 3 && one.coverage == 0);
}

/* Blackman and Vigna's xoshiro256** seeded with {1, 2, 3, 4} starts with these values (worked out by hand from the paper's
 * definition: rotl(2 * 5, 7) * 9 = 11520, then 0). */
static void generator_is_xoshiro256starstar(void **state)
{
    (void)state;
    struct rng r = {{1, 2, 3, 4}};
    assert_true(rng_u64(&r) == 11520);
    assert_true(rng_u64(&r) == 0);
    assert_true(rng_u64(&r) == 1509978240);
}

static void draws_are_uniform_and_normal(void **state)
{
    (void)state;
    struct rng r;
    rng_seed(&r, 42);
    int seen[7] = {0};
    double sum = 0, squares = 0;
    for (int i = 0; i < 70000; i++) {
        seen[rng_below(&r, 7)]++;
        double x = rng_normal(&r);
        sum += x;
        squares += x * x;
        double u = rng_unit(&r);
        assert_true(u >= 0 && u < 1);
    }
    for (int i = 0; i < 7; i++)
        assert_in_range(seen[i], 9500, 10500); /* 10,000 expected, standard deviation 93 */
    assert_true(fabs(sum / 70000) < 0.02);
    assert_true(fabs(squares / 70000 - 1) < 0.03);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(quantiles_are_type_7),
        cmocka_unit_test(median_intervals_are_the_tabled_order_statistics),
        cmocka_unit_test(generator_is_xoshiro256starstar),
        cmocka_unit_test(draws_are_uniform_and_normal),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
