/* The signed-rank test and what stands beside it in a comparison of pairs, against printed tables, worked examples and simulation. */
/* SPDX-License-Identifier: MIT */
#include "tests/test.h"

#include <math.h>

#include "base/rng.h"
#include "base/signed_rank.h"
#include "base/stats.h"

#define COUNT(a) (sizeof(a) / sizeof *(a))

/* Critical values: the largest T whose one-sided probability does not exceed the level; -1: there is none.  The table of Wilcoxon
 * and Wilcox (1964) as textbooks print it, where they agree with "does not exceed". */
static void critical_values_are_the_tabled_ones(void **state)
{
    (void)state;
    static const double level[] = {0.05, 0.025, 0.01, 0.005};
    static const struct {
        int n, critical[4];
    } table[] = {
        {5, {0, -1, -1, -1}},   {6, {2, 0, -1, -1}},     {7, {3, 2, 0, -1}},         {8, {5, 3, 1, 0}},
        {9, {8, 5, 3, 1}},      {10, {10, 8, 5, 3}},     {11, {13, 10, 7, 5}},       {12, {17, 13, 9, 7}},
        {13, {21, 17, 12, 9}},  {14, {25, 21, 15, 12}},  {15, {30, 25, 19, 15}},     {16, {35, 29, 23, 19}},
        {20, {60, 52, 43, 37}}, {25, {100, 89, 76, 68}}, {30, {151, 137, 120, 109}},
    };
    for (size_t i = 0; i < COUNT(table); i++)
        for (int k = 0; k < 4; k++) {
            size_t n = (size_t)table[i].n;
            int c = table[i].critical[k];
            if (c >= 0 && signed_rank_tail(n, (size_t)c) > level[k])
                fail_msg("n = %zu: P(T <= %d) is %g, above %g", n, c, signed_rank_tail(n, (size_t)c), level[k]);
            if (signed_rank_tail(n, (size_t)c + 1) <= level[k])
                fail_msg("n = %zu: P(T <= %d) is %g, not above %g", n, c + 1, signed_rank_tail(n, (size_t)c + 1), level[k]);
        }
}

/* Every sign of every value, counted: the distribution without its recurrence. */
static void tails_are_those_of_all_signs(void **state)
{
    (void)state;
    for (size_t n = 1; n <= 12; n++)
        for (size_t t = 0; t <= n * (n + 1) / 2; t += 3) {
            long count = 0;
            for (unsigned signs = 0; signs < 1u << n; signs++) {
                size_t sum = 0;
                for (size_t k = 0; k < n; k++)
                    sum += (signs >> k & 1) * (k + 1);
                count += sum <= t;
            }
            assert_true(signed_rank_tail(n, t) == (double)count / (double)(1u << n));
        }
}

/* Hollander and Wolfe 1999, example 3.1 (Salsburg 1970): the depression factor of nine patients before and after; one-sided
 * P = 0.0195.  And Darwin's maize (1876), eighths of an inch, negative ranks 24 of 15 pairs: two-sided 0.0413. */
static void worked_examples_come_out(void **state)
{
    (void)state;
    static const double before[] = {1.83, 0.50, 1.62, 2.48, 1.68, 1.88, 1.55, 3.06, 1.30};
    static const double after[] = {0.878, 0.647, 0.598, 2.05, 1.06, 1.29, 1.06, 3.14, 1.29};
    static const double maize[] = {49, -67, 8, 16, 6, 23, 28, 41, 14, 29, 56, 24, 75, 60, -48};
    double fall[9];
    for (int i = 0; i < 9; i++)
        fall[i] = before[i] - after[i];
    assert_true(fabs(signed_rank_p(fall, 9) - 0.01953125) < 1e-12);
    assert_true(fabs(2 * signed_rank_p(maize, 15) - 0.04126) < 1e-5);
    assert_true(signed_rank_p(NULL, 0) == 1);
}

static void zeros_count_against_the_claim(void **state)
{
    (void)state;
    static const double with[] = {1, 2, 3, 0, 0, 0}, none[6] = {0};
    assert_true(signed_rank_p(with, 6) > signed_rank_p(with, 3));
    assert_true(signed_rank_p(none, 6) == 1);
    assert_true(signed_rank_lower(none, 6, 0.05) == 0);
}

static void the_bound_is_above_0_exactly_where_the_test_rejects(void **state)
{
    (void)state;
    static const double alpha[] = {0.05, 0.01, 0.002};
    struct rng r;
    int rejected = 0, kept = 0;
    rng_seed(&r, 11);
    for (int k = 0; k < 3000; k++) {
        double v[24], shift = rng_unit(&r);
        size_t n = 1 + rng_below(&r, 24);
        for (size_t i = 0; i < n; i++)
            v[i] = k % 3 ? rng_normal(&r) + shift : (double)rng_below(&r, 5) - 1; /* every third with ties and zeros */
        int rejects = signed_rank_p(v, n) <= alpha[k % 3];
        assert_int_equal(rejects, signed_rank_lower(v, n, alpha[k % 3]) > 0);
        rejected += rejects;
        kept += !rejects;
    }
    assert_true(rejected > 200 && kept > 200);
    assert_true(signed_rank_lower((double[]){1, 2, 3, 4}, 4, 0.05) == -INFINITY);
    assert_true(signed_rank_lower((double[]){5, 1, 2, 3, 4}, 5, 0.05) == 1);
}

/* The level holds for skewed values of equal programs too: a pair's log ratio is symmetric because either may come first. */
static void the_level_holds_whatever_the_noise(void **state)
{
    (void)state;
    struct rng r;
    int rejected = 0, above = 0, n = 14, runs = 20000;
    double level = signed_rank_tail(14, 21); /* the largest that 2.5% allows */
    rng_seed(&r, 3);
    for (int k = 0; k < runs; k++) {
        double v[14];
        for (int i = 0; i < n; i++) /* exponential noise, cubed: very skewed */
            v[i] = pow(-log(1 - rng_unit(&r)), 3) - pow(-log(1 - rng_unit(&r)), 3);
        rejected += signed_rank_p(v, 14) <= 0.025;
        stats_sort(v, 14);
        above += stats_median_upper(v, 14, 0.05) < 0;
    }
    assert_true(fabs((double)rejected / runs - level) < 4 * sqrt(level / runs));
    assert_true(fabs((double)above / runs - 0.0287) < 4 * sqrt(0.0287 / runs)); /* P(Binomial(14, 1/2) <= 3) */
}

/* P(Binomial(n, 1/2) <= l) from the same table as the two-sided interval (Conover 1999, A3). */
static void upper_bounds_are_order_statistics(void **state)
{
    (void)state;
    static const struct {
        size_t n;
        double beta;
        size_t at;
    } table[] = {{6, 0.016, 5},  {12, 0.0032, 10}, {12, 0.0031, 11}, {12, 0.0193, 9},
                 {12, 0.01, 10}, {20, 0.0207, 14}, {20, 0.05, 14}};
    double v[20];
    for (int i = 0; i < 20; i++)
        v[i] = i;
    for (size_t k = 0; k < COUNT(table); k++)
        if (stats_median_upper(v, table[k].n, table[k].beta) != (double)table[k].at)
            fail_msg("n = %zu, beta = %g", table[k].n, table[k].beta);
    assert_true(stats_median_upper(v, 6, 0.0156) == INFINITY); /* 2^-6 is more */
}

static void spread_and_quantiles(void **state)
{
    (void)state;
    static const double v[] = {1, 1, 2, 2, 4, 6, 900};
    assert_true(fabs(stats_robust_sd(v, 7) - 1.4826022) < 1e-6);
    assert_true(stats_robust_sd(v, 1) == 0);
    assert_true(fabs(stats_normal_quantile(0.975) - 1.959963985) < 1e-9);
    assert_true(fabs(stats_normal_quantile(0.998) - 2.878161739) < 1e-9);
    assert_true(fabs(stats_normal_quantile(0.2) + 0.841621234) < 1e-9);
}

/* The example of Benjamini and Hochberg's paper: 15 tests of a trial, of which the procedure rejects four and Bonferroni three. */
static void the_papers_example_of_false_discovery_rate(void **state)
{
    (void)state;
    static const double p[] = {0.3240, 0.0001, 0.0095, 0.0004, 0.0201, 0.0278, 0.0298, 0.0344,
                               0.0459, 0.0019, 0.4262, 0.5719, 0.6528, 0.7590, 1.0000};
    unsigned char rejected[15];
    assert_int_equal(stats_benjamini_hochberg(p, 15, 0.05, rejected), 4);
    for (int i = 0; i < 15; i++)
        assert_int_equal(rejected[i], p[i] <= 0.0095);
    assert_int_equal(stats_benjamini_hochberg((double[]){NAN, 0.5}, 2, 0.05, rejected), 0);
    assert_int_equal(stats_benjamini_hochberg((double[]){NAN, 0.02}, 2, 0.05, rejected), 1);
    assert_int_equal(rejected[0], 0);
    assert_int_equal(stats_benjamini_hochberg(NULL, 0, 0.05, rejected), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(critical_values_are_the_tabled_ones),
        cmocka_unit_test(tails_are_those_of_all_signs),
        cmocka_unit_test(worked_examples_come_out),
        cmocka_unit_test(zeros_count_against_the_claim),
        cmocka_unit_test(the_bound_is_above_0_exactly_where_the_test_rejects),
        cmocka_unit_test(the_level_holds_whatever_the_noise),
        cmocka_unit_test(upper_bounds_are_order_statistics),
        cmocka_unit_test(spread_and_quantiles),
        cmocka_unit_test(the_papers_example_of_false_discovery_rate),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
