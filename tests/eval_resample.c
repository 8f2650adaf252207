/* Intervals and paired tests against cases whose answer is known. */
/* SPDX-License-Identifier: MIT */
#include "tests/test.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
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
    assert_int_equal(resample_value(&mean, x, RESAMPLE_MIN_ITEMS - 1, 100, 1, &out, &e), 0);
    assert_true(isnan(out.low) && isnan(out.high) && isfinite(out.value));
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
    assert_int_equal(resample_paired(&mean, a, b, N, 1000, 1, TAILS_95, &out, &e), 0);
    assert_true(fabs(out.difference - 0.1) < 1e-9 && out.low > 0.0999 && out.high < 0.1001 && out.p < 0.01);
    assert_int_equal(resample_paired(&mean, a, c, N, 1000, 1, TAILS_95, &out, &e), 0);
    assert_true(out.low < 0 && out.high > 0 && out.p > 0.5);
    assert_int_equal(resample_paired(&mean, a, a, N, 1000, 1, TAILS_95, &out, &e), 0);
    assert_true(out.difference == 0 && out.low == 0 && out.high == 0 && out.p == 1);
}

static void a_difference_is_decided_by_its_interval(void **state)
{
    (void)state;
    static const struct {
        double low, high;
        int sign, within;
    } cases[] = {
        {-1, 1, 0, 1}, {0, 0, 0, 1},      {-2, 2, 0, 1}, {0.5, 1.5, 1, 1}, {-1.5, -0.5, -1, 1}, {-1, 2.1, 0, 0},
        {1, 3, 1, 0},  {-5, -2.5, -1, 0}, {0, 1, 0, 1},  {-2.1, 0, 0, 0},  {NAN, NAN, 0, 0},    {-9, 9, 0, 0},
    };
    struct scorer error = mean;
    error.lower_is_better = 1;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct paired p = {.low = cases[i].low, .high = cases[i].high};
        struct decision more = resample_decide(&mean, &p, 2), less = resample_decide(&error, &p, 2);
        assert_int_equal(more.direction, cases[i].sign);
        assert_int_equal(less.direction, -cases[i].sign);
        assert_true(more.within == cases[i].within && less.within == cases[i].within);
    }
}

/* How often the two one-sided tests find equivalence where there is none: B differs by exactly the margin.  At most 2.5%. */
static void equivalence_is_not_claimed_at_the_margin(void **state)
{
    (void)state;
    enum { N = 100, TRIES = 400 };
    double a[N], b[N];
    int claimed = 0, found = 0;
    struct rng r;
    struct paired p;
    struct err e;
    rng_seed(&r, 5);
    for (int t = 0; t < TRIES; t++) {
        for (int i = 0; i < N; i++) {
            a[i] = rng_normal(&r);
            b[i] = a[i] + 0.5 + 0.3 * rng_normal(&r);
        }
        assert_int_equal(resample_paired(&mean, a, b, N, 200, 1, TAILS_95, &p, &e), 0);
        claimed += resample_decide(&mean, &p, 0.5).within;
        found += resample_decide(&mean, &p, 0.7).within;
    }
    assert_true(claimed <= TRIES / 20); /* 2.5% of 400 is 10, and 20 is three standard deviations above it */
    assert_true(found > TRIES * 9 / 10);
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

/* Wald's interval of b 1, c 9 in 100 by hand with the half items: 8 / 102 -+ 1.96 sqrt(11 - 64 / 102) / 102; and how often it
 * holds the true difference, where few items tell the variants apart and where many do. */
static void shares_have_an_honest_interval(void **state)
{
    (void)state;
    enum { TRIES = 4000 };
    static const struct {
        uint64_t n;
        double only_a, only_b; /* probability of each */
    } truths[] = {{500, 0.002, 0.002}, {100, 0.01, 0.03}, {500, 0.05, 0.1}, {40, 0.2, 0.05}, {12, 0, 0}};
    double low, high;
    struct rng r;
    mcnemar_interval(100, 1, 9, TAILS_95, &low, &high);
    assert_true(fabs(low - 0.016546) < 1e-6 && fabs(high - 0.140317) < 1e-6);
    mcnemar_interval(10, 0, 0, TAILS_95, &low, &high); /* ten items that all agree do not show that the variants do */
    assert_true(fabs(low + 0.163330) < 1e-6 && fabs(high - 0.163330) < 1e-6);
    mcnemar_interval(10, 0, 10, TAILS_95, &low, &high);
    assert_true(low > 0.5 && high <= 1);
    rng_seed(&r, 6);
    for (size_t t = 0; t < sizeof truths / sizeof *truths; t++) {
        int held = 0;
        for (int i = 0; i < TRIES; i++) {
            uint64_t only_a = 0, only_b = 0;
            for (uint64_t k = 0; k < truths[t].n; k++) {
                double x = rng_unit(&r);
                only_a += x < truths[t].only_a;
                only_b += x >= truths[t].only_a && x < truths[t].only_a + truths[t].only_b;
            }
            mcnemar_interval(truths[t].n, only_a, only_b, TAILS_95, &low, &high);
            held += low <= truths[t].only_b - truths[t].only_a && truths[t].only_b - truths[t].only_a <= high;
        }
        if (held < 0.935 * TRIES)
            fail_msg("truth %zu: the interval holds it in %.1f%% of cases", t, 100.0 * held / TRIES);
    }
}

enum { SEGMENTS = 3004 };

static char *lines_of(const char *name, const char **line)
{
    const char *path = testdata(name);
    struct err e;
    TEST_SKIP_WITHOUT(path, name);
    char *text = file_read(path, NULL, &e), *at = text;
    assert_non_null(text);
    for (int i = 0; i < SEGMENTS; i++) {
        char *end = strchr(at, '\n');
        assert_non_null(end);
        *end = '\0';
        line[i] = at;
        at = end + 1;
    }
    return text;
}

/* Two systems 7.5 BLEU apart differ, whatever the resamples; a system and itself do not.  BLEU 20.80 and 28.30 are published. */
static void bleu_of_two_systems_is_told_apart(void **state)
{
    (void)state;
    static const char *line[3][SEGMENTS];
    static double a[SEGMENTS * SCORER_MAX_SUMS], b[SEGMENTS * SCORER_MAX_SUMS];
    char *text[] = {lines_of("scorers/wmt17_en_de/ref0.txt", line[0]),
                    lines_of("scorers/wmt17_en_de/newstest2017.online-A.0.en-de.txt", line[1]),
                    lines_of("scorers/wmt17_en_de/newstest2017.uedin-nmt.4722.en-de.txt", line[2])};
    const struct scorer *bleu = scorer_by_name("bleu");
    struct paired p;
    struct err e;
    for (int i = 0; i < SEGMENTS; i++) {
        const char *const reference[] = {line[0][i], NULL};
        bleu->item(a + i * bleu->sums, line[1][i], reference);
        bleu->item(b + i * bleu->sums, line[2][i], reference);
    }
    assert_int_equal(resample_paired(bleu, a, b, SEGMENTS, 1000, 1, TAILS_95, &p, &e), 0);
    assert_true(fabs(p.a - 20.7965) < 0.005 && fabs(p.b - 28.3012) < 0.005);
    assert_true(p.low > 6.5 && p.high < 8.5 && p.p < 0.0011);
    assert_int_equal(resample_paired(bleu, a, a, SEGMENTS, 1000, 1, TAILS_95, &p, &e), 0);
    assert_true(p.difference == 0 && p.low == 0 && p.high == 0 && p.p == 1);
    for (int i = 0; i < 3; i++)
        free(text[i]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(interval_of_a_mean_is_the_normal_one),
        cmocka_unit_test(pairing_cancels_what_items_share),
        cmocka_unit_test(a_difference_is_decided_by_its_interval),
        cmocka_unit_test(equivalence_is_not_claimed_at_the_margin),
        cmocka_unit_test(mcnemar_is_the_binomial_test),
        cmocka_unit_test(shares_have_an_honest_interval),
        cmocka_unit_test(bleu_of_two_systems_is_told_apart),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
