/* How much work a slower build does again: the share holds over many calls, in whole units, never more than there was. */
/* SPDX-License-Identifier: MIT */
#include "tests/test.h"

#include "base/rng.h"
#include "engine/inject.h"

static void the_share_holds_over_many_calls(void **state)
{
    (void)state;
    static const int ppm[] = {0, 1, 30000, 50000, 333333, 1000000}, unit[] = {1, 16};
    struct rng r;
    rng_seed(&r, 4);
    for (int p = 0; p < 6; p++)
        for (int u = 0; u < 2; u++) {
            int64_t left = 0, done = 0, again = 0;
            for (int k = 0; k < 20000; k++) {
                int n = (int)rng_below(&r, 300), more = inject_again(n, ppm[p], unit[u], &left);
                assert_true(more >= 0 && more <= n && more % unit[u] == 0);
                done += n;
                again += more;
            }
            assert_true(again * 1000000 <= done * ppm[p]);
            if (ppm[p] < 1000000) /* a share of everything cannot be made up for where n was no whole unit */
                assert_true(done * ppm[p] - again * 1000000 < (int64_t)(unit[u] + 300) * 1000000);
        }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_share_holds_over_many_calls),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
