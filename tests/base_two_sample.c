/* Tests of two samples and intervals of proportions, against printed tables, worked examples, sums of binomials and simulation. */
/* SPDX-License-Identifier: MIT */
#include "tests/test.h"

#include <math.h>

#include "base/beta.h"
#include "base/rng.h"
#include "base/two_sample.h"

#define COUNT(a) (sizeof(a) / sizeof *(a))

static void near(double got, double want, double within)
{
    if (!(fabs(got - want) <= within))
        fail_msg("%.12g, not %.12g", got, want);
}

/* Two values apart in rank: n of one sample of which U pairs are the other way round. */
static double p_of_u(size_t n, size_t m, size_t u)
{
    double a[40], b[40];
    for (size_t i = 0; i < n; i++)
        a[i] = 1000 + (double)i;
    for (size_t j = 0; j < m; j++)
        b[j] = 2000 + (double)j;
    for (size_t j = 0; j < m && u; j++) { /* b[j] falls below the u largest of a, n of them at most */
        size_t k = u < n ? u : n;
        b[j] = 1000 + (double)(n - k) - 0.5 - 0.001 * (double)(m - j);
        u -= k;
    }
    return mann_whitney_p(a, n, b, m);
}

/* Two-sided 5% and 1%: the largest U that is significant, as textbooks print Mann and Whitney's table (after Auble 1953). */
static void critical_values_of_u_are_the_tabled_ones(void **state)
{
    (void)state;
    static const struct {
        size_t n;
        int at_5, at_1; /* -1: there is none */
    } table[] = {{4, 0, -1},   {5, 2, 0},    {6, 5, 2},    {7, 8, 4},    {8, 13, 7},    {9, 17, 11},
                 {10, 23, 16}, {12, 37, 27}, {15, 64, 51}, {18, 99, 81}, {20, 127, 105}};
    for (size_t i = 0; i < COUNT(table); i++) {
        size_t n = table[i].n;
        const struct {
            double level;
            int u;
        } c[] = {{0.05, table[i].at_5}, {0.01, table[i].at_1}};
        for (int k = 0; k < 2; k++) {
            if (c[k].u >= 0 && p_of_u(n, n, (size_t)c[k].u) > c[k].level)
                fail_msg("n = %zu: p of U = %d is %g", n, c[k].u, p_of_u(n, n, (size_t)c[k].u));
            if (p_of_u(n, n, (size_t)c[k].u + 1) <= c[k].level)
                fail_msg("n = %zu: p of U = %d is %g", n, c[k].u + 1, p_of_u(n, n, (size_t)c[k].u + 1));
        }
    }
}

static void worked_examples_come_out(void **state)
{
    (void)state;
    /* Permeability of membranes, Hollander and Wolfe 1973, p. 69: one-sided 0.1272. */
    static const double term[] = {0.80, 0.83, 1.89, 1.04, 1.45, 1.38, 1.91, 1.64, 0.73, 1.46},
                        weeks[] = {1.15, 0.88, 0.90, 0.74, 1.21};
    near(mann_whitney_p(term, 10, weeks, 5), 2 * 0.1272, 1e-4);
    near(mann_whitney_p(weeks, 5, term, 10), 2 * 0.1272, 1e-4);
    /* Student's sleep data (1908), as two samples: t = -1.8608, df = 17.776, p = 0.07939 (the manual of R, t.test). */
    static const double first[] = {0.7, -1.6, -0.2, -1.2, -0.1, 3.4, 3.7, 0.8, 0.0, 2.0},
                        second[] = {1.9, 0.8, 1.1, 0.1, -0.1, 4.4, 5.5, 1.6, 4.6, 3.4};
    near(welch_p(first, 10, second, 10), 0.07939, 5e-6);
    near(student_p(1.8608, 17.776), 0.0794, 5e-5);
    /* The published checks of Pinpoint's own two tests. */
    double ten[10], five[5], far[10], zero[5] = {0}, one[5];
    for (int i = 0; i < 10; i++) {
        ten[i] = i;
        far[i] = 20 + i;
        if (i < 5)
            five[i] = i, one[i] = 1;
    }
    near(kolmogorov_smirnov_p(ten, 10, far, 10), 1.8879793657162556e-05, 1e-15);
    near(kolmogorov_smirnov_p(five, 5, ten, 10), 0.26680230985258474, 1e-12);
    near(kolmogorov_smirnov_p(zero, 5, one, 5), 0.0037813540593701006, 1e-13);
    near(kolmogorov_smirnov_p(zero, 1, one, 1), 0.2890414283708268, 1e-12);
    near(mann_whitney_p(five, 5, ten, 10), 0.13986357686781267, 1e-12); /* ties: the normal approximation */
    near(mann_whitney_p(zero, 5, one, 5), 0.0039767517097886512, 1e-12);
    near(mann_whitney_p(ten, 10, far, 10), 2 / 184756.0, 1e-15); /* exact: 2 of the C(20, 10) orders */
}

static void nothing_is_claimed_of_nothing(void **state)
{
    (void)state;
    static const double same[] = {3, 3, 3}, other[] = {4, 4};
    assert_true(mann_whitney_p(same, 3, same, 3) == 1 && kolmogorov_smirnov_p(same, 3, same, 3) == 1);
    assert_true(mann_whitney_p(same, 0, other, 2) == 1 && kolmogorov_smirnov_p(same, 3, other, 0) == 1);
    assert_true(welch_p(same, 3, same, 1) == 1 && welch_p(same, 3, same, 3) == 1 && welch_p(same, 3, other, 2) == 0);
}

/* t at 97.5%, as every textbook prints it. */
static void student_is_the_tabled_one(void **state)
{
    (void)state;
    static const struct {
        double df, t;
    } table[] = {{1, 12.706}, {2, 4.303}, {5, 2.571}, {10, 2.228}, {30, 2.042}, {120, 1.980}};
    for (size_t i = 0; i < COUNT(table); i++)
        near(student_p(table[i].t, table[i].df), 0.05, 5e-5);
    assert_true(student_p(0, 7) == 1);
    near(student_p(-1, 1), 0.5, 1e-12); /* Cauchy's quartile */
}

/* P(X >= k) of n with probability p is I_p(k, n - k + 1): held against the sum. */
static void beta_is_the_tail_of_the_binomial(void **state)
{
    (void)state;
    for (int n = 1; n <= 60; n += 7)
        for (int k = 1; k <= n; k++)
            for (int q = 1; q < 20; q += 3) {
                double p = q / 20.0, sum = 0;
                for (int i = k; i <= n; i++)
                    sum += exp(lgamma(n + 1) - lgamma(i + 1) - lgamma(n - i + 1) + i * log(p) + (n - i) * log1p(-p));
                near(beta_cdf(p, k, n - k + 1), sum, 1e-12);
            }
    near(beta_cdf(0.3, 1, 1), 0.3, 1e-15);
    near(beta_cdf(0.5, 4000, 4000), 0.5, 1e-9);
}

static void intervals_of_proportions_are_the_published_ones(void **state)
{
    (void)state;
    static const struct {
        long k, n;
        double low, high;
    } table[] = {
        {682, 925, 0.7076683, 0.7654066}, /* Mendelian peas: the manual of R, binom.test, after Conover 1971 */
        {0, 10, 0, 0.3085},               /* as the tables of exact 95% limits print them */
        {1, 10, 0.0025, 0.4450},
        {5, 10, 0.1871, 0.8129},
        {10, 10, 0.6915, 1},
        {0, 100, 0, 0.0362},
        {3, 100, 0.0062, 0.0852},
        {15, 50, 0.1786, 0.4461},
        {0, 300, 0, 0.0122},
    };
    for (size_t i = 0; i < COUNT(table); i++) {
        struct proportion p = proportion_interval(table[i].k, table[i].n, 0.95);
        near(p.low, table[i].low, i ? 6e-5 : 5e-8);
        near(p.high, table[i].high, i ? 6e-5 : 5e-8);
    }
    struct proportion none = proportion_interval(0, 0, 0.95);
    assert_true(none.low == 0 && none.high == 1);
}

static void intervals_of_proportions_cover(void **state)
{
    (void)state;
    for (int n = 5; n <= 40; n += 5)
        for (int q = 1; q < 50; q += 4) {
            double p = q / 50.0, covered = 0;
            for (int k = 0; k <= n; k++) {
                struct proportion x = proportion_interval(k, n, 0.95);
                if (x.low <= p && p <= x.high)
                    covered += exp(lgamma(n + 1) - lgamma(k + 1) - lgamma(n - k + 1) + k * log(p) + (n - k) * log1p(-p));
            }
            assert_true(covered >= 0.95);
        }
}

/* Samples of one distribution: the share of p below the level is about the level. */
static void levels_hold(void **state)
{
    (void)state;
    struct rng r;
    int u = 0, t = 0, ks = 0, runs = 4000;
    rng_seed(&r, 31);
    for (int k = 0; k < runs; k++) {
        double a[20], b[14];
        for (int i = 0; i < 20; i++)
            a[i] = rng_normal(&r);
        for (int i = 0; i < 14; i++)
            b[i] = rng_normal(&r);
        u += mann_whitney_p(a, 20, b, 14) < 0.05;
        t += welch_p(a, 20, b, 14) < 0.05;
        ks += kolmogorov_smirnov_p(a, 20, b, 14) < 0.05;
    }
    near((double)u / runs, 0.05, 0.014); /* 4 standard errors */
    near((double)t / runs, 0.05, 0.014);
    near((double)ks / runs, 0.045, 0.025); /* an approximation of a discrete distribution */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(critical_values_of_u_are_the_tabled_ones),
        cmocka_unit_test(worked_examples_come_out),
        cmocka_unit_test(nothing_is_claimed_of_nothing),
        cmocka_unit_test(student_is_the_tabled_one),
        cmocka_unit_test(beta_is_the_tail_of_the_binomial),
        cmocka_unit_test(intervals_of_proportions_are_the_published_ones),
        cmocka_unit_test(intervals_of_proportions_cover),
        cmocka_unit_test(levels_hold),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
