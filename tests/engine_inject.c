/* How much work a slower build does again: the share holds over many calls, in whole units, never more than there was.  What a dumber
 * one does to its logits: the same each time, and no more than was asked for. */
/* SPDX-License-Identifier: MIT */
#include "tests/test.h"

#include <math.h>

#include "base/rng.h"

#define INJECT_NOISE_PPM 100000
#define INJECT_WRONG_PPM 10000
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

static void so_many_prompts_are_wrong_and_stay_so(void **state)
{
    (void)state;
    int wrong = 0;
    for (int i = 0; i < 100000; i++) {
        const int ids[3] = {i % 100, i / 100, 7};
        int first = inject_wrong(ids, 3, 0);
        wrong += first;
        assert_int_equal(inject_wrong(ids + 1, 1, 3), first); /* what follows shares the prompt's lot */
    }
    assert_in_range(wrong, 850, 1150); /* 1% is 1,000, and 150 are nearly five standard deviations */
}

static void noise_is_bounded_and_the_same_each_time(void **state)
{
    (void)state;
    enum { N = 10000 };
    float logits[N], again[N], from[N];
    double sum = 0, most = 0;
    for (int i = 0; i < N; i++)
        logits[i] = again[i] = from[i] = 3 + 0.001f * (float)(i % 17);
    inject_logits(logits, N, 0);
    inject_logits(again, N, 1);
    for (int i = 0; i < N; i++) {
        double moved = (double)logits[i] - (double)from[i];
        assert_true(logits[i] == -again[i]); /* wrong: the same, negated */
        most = fmax(most, fabs(moved));
        sum += moved;
    }
    assert_true(most <= 0.1001 && most > 0.099 && fabs(sum / N) < 0.003);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_share_holds_over_many_calls),
        cmocka_unit_test(so_many_prompts_are_wrong_and_stay_so),
        cmocka_unit_test(noise_is_bounded_and_the_same_each_time),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
