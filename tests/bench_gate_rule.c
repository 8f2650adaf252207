/* The gate's rule on ratios that a seeded generator draws: what it decides, when, and how often it is wrong. */
/* SPDX-License-Identifier: MIT */
#include "tests/test.h"

#include <math.h>
#include <string.h>

#include "base/rng.h"
#include "bench/gate_rule.h"

#define CELLS 12

static const struct gate_rule *const rule = &gate_rule_default;

static struct gate_member a_member(void)
{
    return (struct gate_member){.tolerance = log(1.05), .gates = 1, .p_looks = 1};
}

/* The log time of a process: of 20 one is hit by something that lasts five times as long. */
static double process(struct rng *r, double sd)
{
    return rng_normal(r) * sd * (rng_below(r, 20) ? 1 : 5);
}

static void add_unit(struct rng *r, struct gate_member *m, double effect, double null_effect, double sd)
{
    double base = process(r, sd);
    gate_member_add(m, process(r, sd) + effect - base, process(r, sd) + null_effect - base);
}

/* A whole run: CELLS members of which the first has the effect, measured and decided to the end.  Counts outcomes of the first
 * `count` members. */
static void run(uint64_t seed, double effect, double sd, int count, int outcomes[6])
{
    struct gate_member m[CELLS];
    struct rng r;
    rng_seed(&r, seed);
    for (int i = 0; i < CELLS; i++)
        m[i] = a_member();
    for (int open = 1; open;) {
        open = 0;
        for (int i = 0; i < CELLS; i++)
            for (int k = m[i].outcome == GATE_OPEN ? gate_next_look(rule, m[i].n) : 0; k > 0; k--, open = 1)
                add_unit(&r, &m[i], i ? 0 : effect, 0, sd);
        gate_decide(rule, m, CELLS);
    }
    for (int i = 0; i < CELLS; i++) {
        struct gate_member fresh = {0};
        struct gate_judgement j;
        for (int k = 0; m[i].outcome == GATE_SUSPECT && k < m[i].n; k++)
            add_unit(&r, &fresh, i ? 0 : effect, 0, sd);
        if (fresh.n)
            gate_confirm(rule, &m[i], fresh.head, fresh.null, fresh.n, &j);
        if (i < count)
            outcomes[m[i].outcome]++;
        gate_member_free(&fresh);
        gate_member_free(&m[i]);
    }
}

static void equal_programs_pass(void **state)
{
    (void)state;
    int outcomes[6] = {0};
    for (int k = 0; k < 60; k++)
        run(1 + (uint64_t)k, 0, 0.02, CELLS, outcomes);
    assert_int_equal(outcomes[GATE_REGRESSED], 0);
    assert_int_equal(outcomes[GATE_SUSPECT] + outcomes[GATE_OPEN], 0);
    assert_true(outcomes[GATE_PASS] >= 60 * CELLS * 97 / 100);
}

static void what_is_slower_is_found(void **state)
{
    (void)state;
    static const struct {
        double percent, sd;
        int at_least; /* of 60 */
    } cases[] = {{3, 0.005, 50}, {5, 0.014, 56}, {10, 0.014, 59}};
    for (int c = 0; c < 3; c++) {
        int outcomes[6] = {0};
        for (int k = 0; k < 60; k++)
            run(1000 + (uint64_t)k, log(1 + cases[c].percent / 100), cases[c].sd, 1, outcomes);
        if (outcomes[GATE_REGRESSED] < cases[c].at_least)
            fail_msg("%g%%: found %d of 60", cases[c].percent, outcomes[GATE_REGRESSED]);
    }
}

/* Base and its copy differ by as much as base and head: nobody may call that a regression. */
static void a_difference_that_the_null_arm_has_too_is_invalid(void **state)
{
    (void)state;
    struct rng r;
    rng_seed(&r, 5);
    for (int k = 0; k < 20; k++) {
        struct gate_member m = a_member();
        while (m.outcome == GATE_OPEN && gate_next_look(rule, m.n)) {
            add_unit(&r, &m, 0.06, 0.06, 0.003);
            gate_decide(rule, &m, 1);
        }
        assert_int_equal(m.outcome, GATE_INVALID);
        assert_true(m.now.null_fired);
        gate_member_free(&m);
    }
}

/* One null arm of 48 that lies on one side by chance says nothing, all of them do. */
static void a_null_arm_must_stand_out_of_all(void **state)
{
    (void)state;
    enum { MEMBERS = 48 };
    for (int many = 0; many < 2; many++) {
        struct gate_member m[MEMBERS];
        struct rng r;
        rng_seed(&r, 3);
        for (int i = 0; i < MEMBERS; i++) {
            m[i] = a_member();
            for (int k = 0; k < rule->look[0]; k++)
                add_unit(&r, &m[i], 0, many || !i ? 0.031 : 0, 0.002);
        }
        gate_decide(rule, m, MEMBERS);
        assert_true(m[0].now.null_fired);
        for (int i = 0; i < MEMBERS; i++) {
            assert_int_equal(m[i].outcome, many ? GATE_INVALID : GATE_PASS);
            gate_member_free(&m[i]);
        }
    }
}

/* A difference of the null arm too small to be an alarm still stands against the claim. */
static void the_null_arm_raises_the_bar(void **state)
{
    (void)state;
    struct gate_judgement j;
    double head[12], null[12];
    for (int i = 0; i < 12; i++) {
        head[i] = 0.030 + 0.001 * i;
        null[i] = 0;
    }
    gate_judge(&j, head, null, 12, 0.05, 0.002, 0.01, 0.002);
    assert_true(j.slower && !j.null_fired && fabs(j.estimate - 0.0355) < 1e-12 && j.lower > 0.030 && j.lower < j.low);
    assert_true(j.upper == head[10] && j.p == ldexp(1, -12) && j.n == 12);
    for (int i = 0; i < 12; i++)
        null[i] = 0.033;
    gate_judge(&j, head, null, 12, 0.10, 0.002, 0.01, 0.002);
    assert_true(!j.slower && !j.null_fired); /* 3.3% is less than half of 10% */
    gate_judge(&j, head, null, 12, 0.05, 0.002, 0.01, 0.002);
    assert_true(j.null_fired);
}

static void feed(struct gate_member *m, double from, double step, int n)
{
    for (int i = 0; i < n; i++)
        gate_member_add(m, from + step * i, 0);
}

static void it_is_decided_at_looks_only(void **state)
{
    (void)state;
    struct gate_member m = a_member();
    feed(&m, -5e-4, 1e-4, 11);
    gate_decide(rule, &m, 1);
    assert_int_equal(m.outcome, GATE_OPEN);
    assert_true(m.now.n == 0 && m.p_looks == 1);
    feed(&m, -5e-4, 1e-4, 1);
    gate_decide(rule, &m, 1);
    assert_int_equal(m.outcome, GATE_PASS);
    assert_int_equal(gate_next_look(rule, 0), 12);
    assert_int_equal(gate_next_look(rule, 12), 4);
    assert_int_equal(gate_next_look(rule, 40), 0);
    gate_member_free(&m);
}

/* 12 units cannot have a p below 2^-12, which is too much among 100 members: the suspect goes on to 16. */
static void one_of_many_needs_more_units(void **state)
{
    (void)state;
    struct gate_member m[100];
    for (int i = 0; i < 100; i++) {
        m[i] = a_member();
        feed(&m[i], i ? -0.001 : 0.06, 1e-4, 12);
    }
    gate_decide(rule, m, 100);
    assert_int_equal(m[0].outcome, GATE_OPEN);
    assert_int_equal(m[1].outcome, GATE_PASS);
    feed(&m[0], 0.06, 1e-4, 4);
    gate_decide(rule, m, 100);
    assert_int_equal(m[0].outcome, GATE_SUSPECT);
    for (int i = 0; i < 100; i++)
        gate_member_free(&m[i]);
    m[0] = a_member(); /* a member that only tells is no part of the family, and waits for nobody */
    m[0].gates = 0;
    feed(&m[0], 0.06, 1e-4, 12);
    gate_decide(rule, m, 1);
    assert_int_equal(m[0].outcome, GATE_SUSPECT);
    gate_member_free(&m[0]);
}

/* 2% that is sure is not passed by the first look; it is by the last. */
static void what_is_surely_slower_passes_late(void **state)
{
    (void)state;
    struct gate_member m = a_member();
    feed(&m, 0.020, 1e-5, 12);
    gate_decide(rule, &m, 1);
    assert_int_equal(m.outcome, GATE_OPEN);
    for (int n; (n = gate_next_look(rule, m.n)) != 0; gate_decide(rule, &m, 1))
        feed(&m, 0.020, 1e-5, n);
    assert_int_equal(m.outcome, GATE_PASS);
    gate_member_free(&m);
}

static void a_suspect_must_say_it_twice(void **state)
{
    (void)state;
    static const struct {
        double fresh, null;
        enum gate_outcome want;
    } cases[] = {{0.06, 0, GATE_REGRESSED},
                 {0.01, 0, GATE_REGRESSED}, /* slower again, and 5% in the middle of all */
                 {-0.01, 0, GATE_INCONCLUSIVE},
                 {0.06, 0.06, GATE_INVALID}};
    for (int c = 0; c < 4; c++) {
        struct gate_member m = a_member();
        struct gate_judgement j;
        double head[16], null[16];
        feed(&m, 0.06, 1e-4, 16);
        gate_decide(rule, &m, 1);
        assert_int_equal(m.outcome, GATE_SUSPECT);
        for (int i = 0; i < 16; i++) {
            m.null[i] = i % 2 ? 1e-3 : -1e-3; /* there was nothing to be seen of it before */
            head[i] = cases[c].fresh + 1e-4 * i;
            null[i] = cases[c].null;
        }
        gate_confirm(rule, &m, head, null, 16, &j);
        assert_int_equal(m.outcome, cases[c].want);
        m.outcome = GATE_SUSPECT;
        gate_confirm(rule, &m, head, null, 0, &j); /* nothing could be measured again */
        assert_int_equal(m.outcome, GATE_INCONCLUSIVE);
        gate_member_free(&m);
    }
}

static void noise_is_inconclusive_and_the_effect_that_would_be_found_is_told(void **state)
{
    (void)state;
    struct gate_member m = a_member();
    struct rng r;
    rng_seed(&r, 8);
    while (gate_next_look(rule, m.n)) {
        add_unit(&r, &m, 0, 0, 0.3);
        gate_decide(rule, &m, 1);
    }
    assert_int_equal(m.outcome, GATE_INCONCLUSIVE);
    assert_true(m.now.mde > 0.1 && m.now.mde < 0.6); /* about (2.88 + 0.84) x 0.42 / sqrt(40) */
    gate_member_free(&m);
}

/* The printed interval is that of a fixed number of units: it covers what was put in as often as it says. */
static void printed_intervals_cover(void **state)
{
    (void)state;
    struct rng r;
    rng_seed(&r, 21);
    for (int n = 12; n <= 40; n += 14) {
        int covered = 0;
        double coverage = 0;
        for (int k = 0; k < 2000; k++) {
            struct gate_member m = a_member();
            struct gate_judgement j;
            for (int i = 0; i < n; i++)
                add_unit(&r, &m, 0.03, 0, 0.02);
            gate_judge(&j, m.head, m.null, n, 0.05, 0.002, 0.01, 0.002);
            covered += j.low <= 0.03 && 0.03 <= j.high;
            coverage = j.coverage;
            gate_member_free(&m);
        }
        assert_true(coverage >= 0.95);
        assert_true(fabs(covered / 2000.0 - coverage) < 0.015); /* 3 standard errors of 2,000 draws */
    }
}

static void quality_is_decided_by_its_bounds(void **state)
{
    (void)state;
    static const struct {
        double estimate, lower, upper;
        int rejected;
        enum gate_outcome outcome;
    } cases[] = {{0, -0.1, 0.1, 0, GATE_PASS},         {2, 1, 3, 1, GATE_REGRESSED}, {2, 1, 3, 0, GATE_INCONCLUSIVE},
                 {0.4, 0.1, 0.9, 1, GATE_PASS}, /* sure, and less than half the margin */
                 {0.6, 0.1, 0.9, 1, GATE_REGRESSED},   {0.6, 0, 0.9, 1, GATE_PASS},  {0.2, -1, 1.5, 1, GATE_INCONCLUSIVE},
                 {-5, -9, -1, 0, GATE_PASS},           {0, 0, 0, 0, GATE_PASS},      {0.1, NAN, NAN, 0, GATE_INCONCLUSIVE},
                 {0.4, 0.1, 1.9, 1, GATE_INCONCLUSIVE}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        assert_int_equal(gate_decide_quality(cases[i].estimate, cases[i].lower, cases[i].upper, 1, cases[i].rejected),
                         cases[i].outcome);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(quality_is_decided_by_its_bounds),
        cmocka_unit_test(equal_programs_pass),
        cmocka_unit_test(what_is_slower_is_found),
        cmocka_unit_test(a_difference_that_the_null_arm_has_too_is_invalid),
        cmocka_unit_test(a_null_arm_must_stand_out_of_all),
        cmocka_unit_test(the_null_arm_raises_the_bar),
        cmocka_unit_test(it_is_decided_at_looks_only),
        cmocka_unit_test(one_of_many_needs_more_units),
        cmocka_unit_test(what_is_surely_slower_passes_late),
        cmocka_unit_test(a_suspect_must_say_it_twice),
        cmocka_unit_test(noise_is_inconclusive_and_the_effect_that_would_be_found_is_told),
        cmocka_unit_test(printed_intervals_cover),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
