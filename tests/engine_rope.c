/* Rope's frequencies under every kind of scaling.  The values of yarn are those of the formulas in its paper (Peng et al. 2023,
 * section 3), evaluated in another language. */
/* SPDX-License-Identifier: MIT */
#include "tests/test.h"

#include <math.h>

#include "engine/rope.h"

enum { PAIRS = 8 };

static const struct model plain = {.n_rot = 2 * PAIRS,
                                   .n_ctx_before = 2048,
                                   .rope_base = 10000,
                                   .rope_local_base = 100,
                                   .rope_scale = 1,
                                   .rope_magnitude = 1,
                                   .yarn_mix = 1,
                                   .yarn_fast = 32,
                                   .yarn_slow = 1};

static void near(const double *got, const double *want)
{
    for (int i = 0; i < PAIRS; i++)
        assert_true(fabs(got[i] - want[i]) < 1e-9 * want[i]);
}

static void plain_and_linear(void **state)
{
    (void)state;
    struct model m = plain;
    double got[PAIRS], want[PAIRS], local[PAIRS];
    for (int i = 0; i < PAIRS; i++) {
        want[i] = pow(10, -0.5 * i);
        local[i] = pow(10, -0.25 * i);
    }
    assert_true(rope_frequencies(&m, ROPE_MAIN, 9999, got) == 1);
    near(got, want);
    m.rope_scale = 8;
    m.rope_magnitude = 1.25f;
    assert_true(rope_frequencies(&m, ROPE_MAIN, 10, got) == 1.25);
    for (int i = 0; i < PAIRS; i++)
        want[i] /= 8;
    near(got, want);
    rope_frequencies(&m, ROPE_LOCAL, 10, got); /* not scaled */
    near(got, local);
}

static void divisors_by_context_length(void **state)
{
    (void)state;
    static const float all[PAIRS] = {1, 1, 2, 2, 4, 4, 8, 8}, brief[PAIRS] = {3, 3, 3, 3, 3, 3, 3, 3},
                       lengthy[PAIRS] = {5, 5, 5, 5, 5, 5, 5, 5};
    struct model m = plain;
    double got[PAIRS], want[PAIRS];
    m.rope_freqs = all;
    rope_frequencies(&m, ROPE_MAIN, 9999, got);
    for (int i = 0; i < PAIRS; i++)
        want[i] = pow(10, -0.5 * i) / (double)all[i];
    near(got, want);
    m.rope_freqs = NULL;
    m.rope_short = brief;
    m.rope_long = lengthy;
    for (int n_ctx = 2048; n_ctx <= 2049; n_ctx++) { /* the last context of the one, the first of the other */
        rope_frequencies(&m, ROPE_MAIN, n_ctx, got);
        for (int i = 0; i < PAIRS; i++)
            want[i] = pow(10, -0.5 * i) / (n_ctx == 2048 ? 3 : 5);
        near(got, want);
    }
}

static void yarn(void **state)
{
    (void)state;
    static const double want[PAIRS] = {1,       0.31622776601683794,   0.1,     0.02569350598886808,
                                       0.00625, 0.0013834964763236657, 0.00025, 7.9056941504209485e-05};
    struct model m = plain;
    double got[PAIRS];
    m.yarn = 1;
    m.rope_scale = 4;
    assert_true(fabs(rope_frequencies(&m, ROPE_MAIN, 8192, got) - 1.1386294361119891) < 1e-12);
    near(got, want);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(plain_and_linear),
        cmocka_unit_test(divisors_by_context_length),
        cmocka_unit_test(yarn),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
