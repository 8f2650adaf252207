/* Perplexity's windows, with a runtime of paper: which tokens it is asked for, and what becomes of its answers. */
/* SPDX-License-Identifier: MIT */
#include "tests/test.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "bench/task.h"

struct paper {
    int calls, window, bos, first; /* expected; first: of the ids of window 0 */
    int fail_at;                   /* call that fails, from 1; 0: none */
    double answer;                 /* instead of the token's own; 0: none */
};

/* The NLL of a token is its id / 10; ids count upwards from `first`. */
static int nll(void *self, const int *ids, int n, int from, double *out, struct err *e)
{
    struct paper *p = self;
    if (++p->calls == p->fail_at)
        return err_set(e, ERR_ENV, "paper is torn");
    assert_int_equal(n, p->window);
    assert_int_equal(from, p->window / 2 + 1);
    int base = p->first + (p->calls - 1) * p->window;
    assert_int_equal(ids[0], p->bos >= 0 ? p->bos : base);
    for (int i = 1; i < n; i++)
        assert_int_equal(ids[i], base + i);
    for (int i = from; i < n; i++)
        out[i - from] = p->answer != 0 ? p->answer : ids[i] / 10.0;
    return 0;
}

static void windows_are_cut_and_summed(void **state)
{
    (void)state;
    int ids[300];
    for (int i = 0; i < 300; i++)
        ids[i] = 1000 + i;
    for (int window = TASK_MIN_WINDOW; window <= 300; window++)
        for (int bos = -1; bos < 2; bos += 2) {
            struct paper p = {.window = window, .bos = bos, .first = 1000};
            double *sums;
            struct err e;
            int n;
            assert_int_equal(task_perplexity(&p, nll, bos, ids, 300, window, &sums, &n, &e), 0);
            assert_int_equal(n, 300 / window);
            assert_int_equal(p.calls, n);
            for (int w = 0; w < n; w++) {
                double sum = 0;
                for (int i = window / 2 + 1; i < window; i++)
                    sum += (1000 + w * window + i) / 10.0;
                assert_true(sums[2 * w + 1] == window - window / 2 - 1);
                assert_true(fabs(sums[2 * w] - sum) < 1e-9 * sum);
            }
            free(sums);
        }
    assert_int_equal(ids[0], 1000); /* the caller's ids stay */
    assert_int_equal(128 - 128 / 2 - 1, 63);
}

static void what_cannot_be_scored_says_why(void **state)
{
    (void)state;
    int ids[10] = {0}, n;
    for (int i = 0; i < 10; i++)
        ids[i] = i;
    double *sums;
    struct err e = {0};
    struct paper p = {.window = 128, .bos = -1};
    assert_int_equal(task_perplexity(&p, nll, -1, ids, 10, 128, &sums, &n, &e), -1);
    assert_int_equal(e.code, ERR_USAGE);
    assert_non_null(strstr(e.msg, "the text has 10 tokens, one window needs 128"));
    assert_int_equal(task_perplexity(&p, nll, -1, ids, 10, 2, &sums, &n, &e), -1);
    assert_non_null(strstr(e.msg, "--window 2"));
    assert_int_equal(p.calls, 0);

    p = (struct paper){.window = 5, .bos = -1, .fail_at = 2};
    assert_int_equal(task_perplexity(&p, nll, -1, ids, 10, 5, &sums, &n, &e), -1);
    assert_int_equal(e.code, ERR_ENV);
    assert_string_equal(e.msg, "window 2 of 2: paper is torn");
    const double bad[] = {NAN, INFINITY, -INFINITY};
    for (int i = 0; i < 3; i++) {
        p = (struct paper){.window = 5, .bos = -1, .answer = bad[i]};
        assert_int_equal(task_perplexity(&p, nll, -1, ids, 10, 5, &sums, &n, &e), -1);
        assert_int_equal(e.code, ERR_INVALID);
        assert_non_null(strstr(e.msg, "is not a number"));
        assert_null(sums);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(windows_are_cut_and_summed),
        cmocka_unit_test(what_cannot_be_scored_says_why),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
