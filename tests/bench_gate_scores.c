/* How often the rule for scores is wrong, on items that are drawn: base and head are scored on the same items, and of these some
 * answers flip, or every document's likelihood moves a little.  The seed is fixed, so the counts are. */
/* SPDX-License-Identifier: MIT */
#include "tests/test.h"

#include <math.h>
#include <stdlib.h>

#include "base/rng.h"
#include "bench/gate_quality.h"

#define TRIES 100

struct kind {
    const char *scorer;
    int n;            /* items */
    double lost, won; /* right or wrong: share of the items that head alone gets wrong, and right */
    double spread;    /* documents of 30 tokens: of the logarithm of their perplexity, head against base */
    double shift;     /* and its mean */
};

static void draw(const struct kind *k, struct rng *r, double *a, double *b)
{
    for (int i = 0; i < k->n; i++)
        if (k->spread > 0) {
            a[2 * i] = 30 * (1.2 + 0.3 * rng_unit(r));
            b[2 * i] = a[2 * i] + 30 * (k->shift + k->spread * rng_normal(r));
            a[2 * i + 1] = b[2 * i + 1] = 30;
        } else {
            double flip = rng_unit(r);
            a[i] = flip < k->lost ? 1 : flip < k->lost + k->won ? 0 : rng_unit(r) < 0.8;
            b[i] = flip < k->lost ? 0 : flip < k->lost + k->won ? 1 : a[i];
        }
}

/* How many of TRIES gates say each. */
static void count(const struct kind *k, int outcomes[GATE_INVALID + 1])
{
    const struct scorer *s = scorer_by_name(k->scorer);
    const struct gate_rule *rule = &gate_rule_default;
    double *a = calloc(2 * (size_t)k->n, sizeof *a), *b = calloc(2 * (size_t)k->n, sizeof *b);
    struct rng r;
    struct err e;
    assert_true(a && b);
    rng_seed(&r, 11);
    for (int i = 0; i <= GATE_INVALID; i++)
        outcomes[i] = 0;
    for (int t = 0; t < TRIES; t++) {
        struct gate_score j;
        draw(k, &r, a, b);
        assert_int_equal(gate_score_judge(&j, rule, s, gate_score_default(s).tolerance, a, b, k->n, &e), 0);
        outcomes[gate_score_outcome(&j, j.p <= rule->q)]++;
    }
    free(a);
    free(b);
}

static void expect(const struct kind *k, const int n[GATE_INVALID + 1], enum gate_outcome outcome, int least, int most)
{
    if (n[outcome] < least || n[outcome] > most)
        fail_msg("%s, %d items: %s in %d of %d, not %d to %d (pass %d, regressed %d, inconclusive %d)", k->scorer, k->n,
                 gate_outcome_name(outcome), n[outcome], TRIES, least, most, n[GATE_PASS], n[GATE_REGRESSED],
                 n[GATE_INCONCLUSIVE]);
}

static void what_is_worse_is_found(void **state)
{
    (void)state;
    static const struct kind one_in_100 = {.scorer = "exact", .n = 1300, .lost = 0.01},
                             both_ways = {.scorer = "exact", .n = 3000, .lost = 0.015, .won = 0.005},
                             per_mille = {.scorer = "perplexity", .n = 300, .spread = 0.004, .shift = 0.001};
    int n[GATE_INVALID + 1];
    count(&one_in_100, n);
    expect(&one_in_100, n, GATE_REGRESSED, TRIES * 95 / 100, TRIES);
    count(&both_ways, n);
    expect(&both_ways, n, GATE_REGRESSED, TRIES * 90 / 100, TRIES);
    count(&per_mille, n);
    expect(&per_mille, n, GATE_REGRESSED, TRIES * 95 / 100, TRIES);
}

static void what_is_only_different_is_not_called_worse(void **state)
{
    (void)state;
    static const struct kind flips = {.scorer = "exact", .n = 1300, .lost = 0.01, .won = 0.01},
                             rounding = {.scorer = "perplexity", .n = 300, .spread = 0.002},
                             noise = {.scorer = "perplexity", .n = 300, .spread = 0.05},
                             better = {.scorer = "perplexity", .n = 300, .spread = 0.004, .shift = -0.001};
    int n[GATE_INVALID + 1];
    count(&flips, n);
    expect(&flips, n, GATE_REGRESSED, 0, TRIES * 4 / 100); /* 1% of 100 is 1, and 4 is three standard deviations above */
    count(&rounding, n);
    expect(&rounding, n, GATE_REGRESSED, 0, 0); /* half the margin is more than it can be */
    expect(&rounding, n, GATE_PASS, TRIES * 95 / 100, TRIES);
    count(&noise, n);
    expect(&noise, n, GATE_REGRESSED, 0, TRIES * 4 / 100);
    expect(&noise, n, GATE_PASS, 0, TRIES * 10 / 100); /* nor does it pass what it cannot see */
    count(&better, n);
    expect(&better, n, GATE_PASS, TRIES, TRIES);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_worse_is_found),
        cmocka_unit_test(what_is_only_different_is_not_called_worse),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
