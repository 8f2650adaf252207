/* When a series changed, on series whose change others have published. */
/* SPDX-License-Identifier: MIT */
#include "tests/test.h"

#include <math.h>

#include "base/changes.h"
#include "base/rng.h"

/* Montgomery, Introduction to Statistical Quality Control, table 9.1: mean 10 and standard deviation 1, from observation 21 on mean 11.
 * Table 9.2 has the sums for k = 0.5 and h = 5: C+ is 5.28 at observation 29, the first above h, 7 observations after 0. */
static const double montgomery[] = {9.45,  7.99,  9.29,  11.66, 12.16, 10.18, 8.04,  11.46, 9.20,  10.34,
                                    9.03,  11.47, 10.51, 9.40,  10.08, 9.37,  10.62, 10.31, 8.52,  10.84,
                                    10.90, 9.33,  12.29, 11.50, 10.60, 11.08, 10.38, 11.62, 11.31, 10.52};

static void cusum_as_published(void **state)
{
    (void)state;
    struct cusum c = {.k = 0.5, .h = 5, .limit = INFINITY};
    for (int i = 0; i < 30; i++) {
        int way = cusum_add(&c, montgomery[i] - 10);
        assert_int_equal(way, i >= 28);
        if (i == 4)
            assert_true(fabs(c.up - 2.82) < 1e-9); /* 1.16, then + 1.66 */
        if (i == 28)
            assert_true(fabs(c.up - 5.28) < 1e-9 && c.up_from == 7);
    }
}

static void cusum_falls_too_and_one_wild_value_is_no_alarm(void **state)
{
    (void)state;
    struct cusum c = {.k = 0.5, .h = 5, .limit = 3};
    assert_int_equal(cusum_add(&c, 1000), 0);
    assert_true(c.up == 2.5 && c.down == 0 && c.up_from == 1 && c.down_from == 0);
    assert_int_equal(cusum_add(&c, -1000), 0);
    assert_int_equal(cusum_add(&c, -1000), 0);
    assert_int_equal(cusum_add(&c, -1000), -1);
    assert_true(c.down_from == 3 && c.up_from == 0);
}

/* {0, 0} against {1, 1}: across all distances are 1, within 0: 2 * 1 - 0 - 0, times 2 * 2 / 4. */
static void energy_by_hand(void **state)
{
    (void)state;
    const double x[] = {0, 0, 1, 1}, y[] = {1, 2, 4, 8};
    struct change c = changes_e_divisive(x, 4, 2, 0, 1);
    assert_true(c.at == 2 && c.statistic == 2 && c.p == 1);
    c = changes_e_divisive(y, 4, 2, 0, 1); /* across 3, 7, 2, 6; within 1 and 4: 2 * 18 / 4 - 1 - 4 */
    assert_true(c.at == 2 && fabs(c.statistic - 4) < 1e-12);
    /* Of the 24 orders of x 8 part it as well: 00|11 and 11|00. */
    c = changes_e_divisive(x, 4, 2, 9999, 1);
    assert_true(fabs(c.p - 1.0 / 3) < 0.02);
    assert_int_equal(changes_e_divisive(x, 3, 2, 9, 1).at, 0);
}

/* The flow of the Nile at Aswan 1871 to 1970, which fell after 1898 (Cobb 1978). */
static void the_nile_changed_after_1898(void **state)
{
    (void)state;
    static const double nile[] = {
        1120, 1160, 963,  1210, 1160, 1160, 813,  1230, 1370, 1140, 995,  935, 1110, 994,  1020, 960,  1180, 799,  958,  1140,
        1100, 1210, 1150, 1250, 1260, 1220, 1030, 1100, 774,  840,  874,  694, 940,  833,  701,  916,  692,  1020, 1050, 969,
        831,  726,  456,  824,  702,  1120, 1100, 832,  764,  821,  768,  845, 864,  862,  698,  845,  744,  796,  1040, 759,
        781,  865,  845,  944,  984,  897,  822,  1010, 771,  676,  649,  846, 812,  742,  801,  1040, 860,  874,  848,  890,
        744,  749,  838,  1050, 918,  986,  797,  923,  975,  815,  1020, 906, 901,  1170, 912,  746,  919,  718,  714,  740};
    _Static_assert(sizeof nile / sizeof *nile == 100, "a value a year");
    struct change c = changes_e_divisive(nile, 100, 2, 199, 1), again = changes_e_divisive(nile, 100, 2, 199, 1);
    assert_int_equal(1871 + (int)c.at, 1899);
    assert_true(c.p == 1.0 / 200 && again.p == c.p && again.statistic == c.statistic);
    assert_true(changes_e_divisive(nile + 28, 72, 2, 199, 1).p > 0.02); /* and not again */
}

static void noise_sees_neither_steps_nor_drift(void **state)
{
    (void)state;
    struct rng r;
    double x[400];
    rng_seed(&r, 4);
    for (int i = 0; i < 400; i++)
        x[i] = rng_normal(&r);
    double plain = changes_noise(x, 400);
    assert_true(fabs(plain - 1) < 0.1);
    for (int i = 0; i < 400; i++)
        x[i] += 0.5 * i + (i >= 200 ? 100 : 0);
    assert_true(fabs(changes_noise(x, 400) - plain) < 0.01);
    for (int i = 0; i < 400; i += 20)
        x[i] += 1000; /* 1 in 20, two differences each */
    double wild = changes_noise(x, 400);
    assert_true(wild > 0.9 && wild < 1.3);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(cusum_as_published),
        cmocka_unit_test(cusum_falls_too_and_one_wild_value_is_no_alarm),
        cmocka_unit_test(energy_by_hand),
        cmocka_unit_test(the_nile_changed_after_1898),
        cmocka_unit_test(noise_sees_neither_steps_nor_drift),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
