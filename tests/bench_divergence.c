/* A variant beside a reference, both made of paper: which positions are compared, what comes out, and that the size of the
 * vocabulary does not change it. */
/* SPDX-License-Identifier: MIT */
#include "tests/test.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "bench/task.h"

/* The logit of token v at a position is `slope` times v for the first four tokens, and so low for all others that they have no
 * probability. */
struct paper {
    int n_vocab, position, rows_given, calls;
    double slope;
    float *row;
};

static int rows(void *self, const int *ids, int n, int fresh, runtime_row_fn *fn, void *ctx, struct err *e)
{
    struct paper *p = self;
    (void)ids, (void)e;
    if (fresh)
        p->position = 0;
    p->position += n;
    p->calls++;
    for (int v = 0; v < p->n_vocab; v++)
        p->row[v] = v < 4 ? (float)(p->slope * v) : -1e30f;
    for (int i = 0; i < n && fn; i++, p->rows_given++)
        fn(ctx, i, p->row);
    return 0;
}

static int vocabulary(void *self)
{
    return ((struct paper *)self)->n_vocab;
}

static int no_bos(void *self)
{
    (void)self;
    return -1;
}

static const struct runtime paper_runtime = {.name = "paper", .rows = rows, .vocabulary = vocabulary, .bos = no_bos};

/* sum p (ln p - ln q) over four tokens with logits a v and b v */
static double divergence(double a, double b)
{
    double za = 0, zb = 0, kl = 0;
    for (int v = 0; v < 4; v++) {
        za += exp(a * v);
        zb += exp(b * v);
    }
    for (int v = 0; v < 4; v++)
        kl += exp(a * v) / za * (a * v - log(za) - b * v + log(zb));
    return kl;
}

static void check(int n_vocab, double a, double b)
{
    enum { WINDOW = 10, TOKENS = 25 };
    int ids[TOKENS], n;
    double *sums[TASK_DIVERGENCES];
    struct err e;
    for (int i = 0; i < TOKENS; i++)
        ids[i] = i % 4;
    struct paper p = {.n_vocab = n_vocab, .slope = a, .row = calloc((size_t)n_vocab, sizeof(float))};
    struct paper q = {.n_vocab = n_vocab, .slope = b, .row = calloc((size_t)n_vocab, sizeof(float))};
    assert_non_null(p.row);
    assert_non_null(q.row);
    assert_int_equal(task_divergence((struct task_side){&paper_runtime, &p}, (struct task_side){&paper_runtime, &q}, ids, TOKENS,
                                     WINDOW, sums, &n, &e),
                     0);
    assert_int_equal(n, 2); /* the partial third window is dropped */
    assert_int_equal(p.rows_given, 2 * 4);
    assert_int_equal(q.rows_given, 2 * 4);
    assert_int_equal(p.position, WINDOW - 1);
    for (int w = 0; w < n; w++) {
        int right = 0, best = b > 0 ? 3 : 0;
        for (int i = WINDOW / 2 + 1; i < WINDOW; i++)
            right += ids[w * WINDOW + i] == best;
        for (int k = 0; k < TASK_DIVERGENCES; k++)
            assert_true(sums[k][2 * w + 1] == WINDOW - WINDOW / 2 - 1);
        assert_true(fabs(sums[0][2 * w] / 4 - divergence(a, b)) < 1e-6); /* the logits are float */
        assert_true(sums[1][2 * w] == (a * b > 0 ? 4 : 0));
        assert_true(sums[2][2 * w] == right);
        if (a == b)
            assert_true(sums[0][2 * w] == 0); /* exactly */
    }
    for (int k = 0; k < TASK_DIVERGENCES; k++)
        free(sums[k]);
    free(p.row);
    free(q.row);
}

static void divergence_is_the_definition(void **state)
{
    (void)state;
    check(4, 1, 0.5);
    check(4, 1, -1);
    check(4, 0.3, 0.3);
}

static void pieces_of_a_window_add_up(void **state)
{
    (void)state;
    /* one row and a bit fill the buffer: the reference and the variant take turns token by token */
    check(TASK_ROW_BYTES / (int)sizeof(float) - 1, 1, 0.5);
    check(TASK_ROW_BYTES / (int)sizeof(float) / 3, 1, -1);
}

static void what_cannot_be_compared_says_why(void **state)
{
    (void)state;
    struct paper p = {.n_vocab = 4}, q = {.n_vocab = 5};
    struct task_side a = {&paper_runtime, &p}, b = {&paper_runtime, &q};
    int ids[20] = {0}, n;
    double *sums[TASK_DIVERGENCES];
    struct err e;
    assert_int_equal(task_divergence(a, b, ids, 20, 10, sums, &n, &e), -1);
    assert_non_null(strstr(e.msg, "vocabulary of 4 tokens and the variant one of 5"));
    assert_int_equal(task_divergence(a, a, ids, 9, 10, sums, &n, &e), -1);
    assert_non_null(strstr(e.msg, "one window needs 10"));
    assert_int_equal(p.calls, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(divergence_is_the_definition),
        cmocka_unit_test(pieces_of_a_window_add_up),
        cmocka_unit_test(what_cannot_be_compared_says_why),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
