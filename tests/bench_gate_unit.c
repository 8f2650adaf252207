/* A unit of a gate: what makes it invalid, which rounds count, and the values of its metrics. */
/* SPDX-License-Identifier: MIT */
#include "tests/test.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "bench/gate_metric.h"

#define ROUNDS 4

/* Three arms whose order turns round from one round to the next; every token of round k takes 100 + k ns. */
static void make(struct gate_unit *u)
{
    *u = (struct gate_unit){.rounds = ROUNDS, .threads = 2};
    for (int i = 0; i < GATE_ARMS; i++) {
        struct gate_process *p = &u->arm[i];
        *p = (struct gate_process){.outcome.state = "ok", .peak_bytes = 5000 + i, .n = ROUNDS};
        p->sample = calloc(ROUNDS, sizeof *p->sample);
        assert_non_null(p->sample);
        for (int k = 0; k < ROUNDS; k++) {
            p->sample[k].place = k % 2 ? GATE_ARMS - 1 - i : i;
            for (int part = 0; part < GATE_PARTS; part++) {
                p->sample[k].part[part].ns = 1000 + k;
                p->sample[k].part[part].tokens = 3;
                p->sample[k].part[part].cpu_ns = 600 + 3 * k;
                p->sample[k].part[part].instructions = -1;
                p->sample[k].part[part].energy_uj = 600 + k;
            }
            int64_t *token_ns = p->sample[k].part[PART_DECODE].token_ns = calloc(3, sizeof *token_ns);
            assert_non_null(token_ns);
            for (int t = 0; t < 3; t++)
                token_ns[t] = 100 + k;
        }
    }
}

static void expect_invalid(const struct gate_unit *u, const char *says)
{
    struct err e = {0};
    assert_int_equal(gate_unit_check(u, &e), -1);
    assert_int_equal(e.code, ERR_INVALID);
    if (!strstr(e.msg, says))
        fail_msg("\"%s\" does not say \"%s\"", e.msg, says);
}

static void a_whole_and_balanced_unit_is_valid(void **state)
{
    (void)state;
    struct gate_unit u;
    struct err e;
    make(&u);
    assert_int_equal(gate_unit_check(&u, &e), 0);
    gate_unit_free(&u);
    gate_unit_free(&u); /* twice does no harm */
}

static void a_biased_order_is_invalid(void **state)
{
    (void)state;
    struct gate_unit u;
    make(&u);
    for (int k = 0; k < ROUNDS; k++) /* base always first */
        for (int i = 0; i < GATE_ARMS; i++)
            u.arm[i].sample[k].place = i;
    expect_invalid(&u, "biased order: head was measured before base in 0 of 4 rounds");
    for (int i = 0; i < GATE_ARMS; i++) /* balanced once is not enough */
        u.arm[i].sample[1].place = GATE_ARMS - 1 - i;
    expect_invalid(&u, "in 1 of 4 rounds");
    gate_unit_free(&u);
}

static void a_unit_that_is_not_whole_is_invalid(void **state)
{
    (void)state;
    struct gate_unit u;
    make(&u);
    u.arm[ARM_NULL].n = 3;
    expect_invalid(&u, "null has 3 of 4 rounds");
    u.arm[ARM_NULL].n = 4;
    u.arm[ARM_HEAD].sample[2].part[PART_PREFILL].ns = 0;
    expect_invalid(&u, "head: its prefill of round 2 took no time");
    u.arm[ARM_HEAD].sample[2].part[PART_PREFILL].ns = 1;
    u.arm[ARM_HEAD].sample[2].part[PART_DECODE].tokens = 0;
    expect_invalid(&u, "head: its decode of round 2");
    u.arm[ARM_HEAD].sample[2].part[PART_DECODE].tokens = 3;
    u.arm[ARM_BASE].outcome.state = "memory";
    strcpy(u.arm[ARM_BASE].outcome.reason, "killed");
    expect_invalid(&u, "base: memory: killed");
    gate_unit_free(&u);
}

static double value(const struct gate_unit *u, const char *metric, enum gate_arm arm)
{
    return gate_metrics[gate_metric_index(metric)].value(&u->arm[arm]);
}

static void metrics_are_what_a_quarter_of_the_rounds_take(void **state)
{
    (void)state;
    struct gate_unit u;
    make(&u);
    assert_true(value(&u, "ms_per_token", ARM_BASE) == 100); /* the first of four */
    assert_true(value(&u, "cpu_per_token", ARM_BASE) == 200);
    assert_true(value(&u, "prefill_ms", ARM_BASE) == 1000);
    assert_true(value(&u, "prefill_cpu", ARM_BASE) == 600);
    assert_true(value(&u, "ttft_ms", ARM_BASE) == 1100);
    u.arm[ARM_BASE].n = 3;
    assert_true(value(&u, "ms_per_token", ARM_BASE) == 100);
    u.arm[ARM_BASE].n = 4;
    u.arm[ARM_BASE].sample[2].part[PART_PREFILL].ns = 999; /* wherever the short ones are */
    u.arm[ARM_BASE].sample[1].part[PART_PREFILL].ns = 5000;
    assert_true(value(&u, "prefill_ms", ARM_BASE) == 999);
    assert_true(value(&u, "p99_ms", ARM_BASE) == 103);
    assert_true(value(&u, "peak_memory", ARM_NULL) == 5002);
    assert_true(isnan(value(&u, "instructions", ARM_BASE)));
    assert_true(value(&u, "joules_per_token", ARM_BASE) ==
                (4 * 600 + 6) / (4.0 * u.arm[ARM_BASE].sample[0].part[PART_DECODE].tokens));
    u.arm[ARM_BASE].sample[0].part[PART_DECODE].energy_uj = -1;
    assert_true(isnan(value(&u, "joules_per_token", ARM_BASE)));
    u.arm[ARM_BASE].sample[3].part[PART_DECODE].cpu_ns = -1; /* one lost: the others do not stand for it */
    assert_true(isnan(value(&u, "cpu_per_token", ARM_BASE)));
    gate_unit_free(&u);
}

static void of_eight_rounds_the_two_shortest_count(void **state)
{
    (void)state;
    struct gate_sample sample[8] = {0};
    const int64_t ns[8] = {40, 30, 90, 20, 70, 50, 80, 60};
    for (int k = 0; k < 8; k++)
        sample[k].part[PART_PREFILL].ns = ns[k];
    const struct gate_process p = {.n = 8, .sample = sample};
    assert_true(gate_metrics[gate_metric_index("prefill_ms")].value(&p) == 25);
}

static void rounds_that_waited_for_a_cpu_are_counted(void **state)
{
    (void)state;
    struct gate_unit u;
    make(&u);
    assert_true(gate_disturbed(&u) == 0);
    u.arm[ARM_NULL].sample[0].part[PART_PREFILL].run_delay_ns = 61; /* 3% of 1000 ns on 2 threads are 60 */
    assert_true(gate_disturbed(&u) == 0.25);
    u.arm[ARM_BASE].sample[1].part[PART_DECODE].run_delay_ns = 500;
    u.arm[ARM_HEAD].sample[1].part[PART_DECODE].run_delay_ns = 500;
    assert_true(gate_disturbed(&u) == 0.5);
    u.arm[ARM_HEAD].sample[3].part[PART_DECODE].run_delay_ns = -1;
    assert_true(isnan(gate_disturbed(&u)));
    gate_unit_free(&u);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_whole_and_balanced_unit_is_valid),     cmocka_unit_test(a_biased_order_is_invalid),
        cmocka_unit_test(a_unit_that_is_not_whole_is_invalid),    cmocka_unit_test(metrics_are_what_a_quarter_of_the_rounds_take),
        cmocka_unit_test(of_eight_rounds_the_two_shortest_count), cmocka_unit_test(rounds_that_waited_for_a_cpu_are_counted),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
