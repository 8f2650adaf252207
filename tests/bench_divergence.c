/* A variant beside a reference, both made of paper: which positions are compared, what comes out of each, that the size of the
 * vocabulary does not change it, and what memory it takes. */
/* SPDX-License-Identifier: MIT */
#include "tests/test.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include "bench/task.h"

/* The logit of token v at a position is `slope` times v for the first four tokens, and so low for all others that they have no
 * probability.  Every `odd`-th row has the slope 0. */
struct paper {
    int n_vocab, position, rows_given, calls, odd;
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
    for (int v = 4; v < p->n_vocab; v++)
        p->row[v] = -1e30f;
    for (int i = 0; i < n && fn; i++) {
        p->rows_given++;
        double slope = p->odd && p->rows_given % p->odd == 0 ? 0 : p->slope;
        for (int v = 0; v < 4; v++)
            p->row[v] = (float)(slope * v);
        fn(ctx, i, p->row);
    }
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

static struct paper paper(int n_vocab, double slope)
{
    struct paper p = {.n_vocab = n_vocab, .slope = slope, .row = calloc((size_t)n_vocab, sizeof(float))};
    assert_non_null(p.row);
    return p;
}

static void check(int n_vocab, double a, double b)
{
    enum { WINDOW = 10, TOKENS = 25 };
    int ids[TOKENS];
    struct divergence d;
    struct err e;
    for (int i = 0; i < TOKENS; i++)
        ids[i] = i % 4;
    struct paper p = paper(n_vocab, a), q = paper(n_vocab, b);
    assert_int_equal(task_divergence((struct task_side){&paper_runtime, &p}, (struct task_side){&paper_runtime, &q}, ids, TOKENS,
                                     WINDOW, &d, &e),
                     0);
    assert_int_equal(d.windows, 2); /* the partial third window is dropped */
    assert_int_equal(d.tokens, 2 * 4);
    assert_int_equal(p.rows_given, 2 * 4);
    assert_int_equal(q.rows_given, 2 * 4);
    assert_int_equal(p.position, WINDOW - 1);
    for (int w = 0; w < d.windows; w++) {
        int right = 0, best = b > 0 ? 3 : 0;
        for (int i = WINDOW / 2 + 1; i < WINDOW; i++)
            right += ids[w * WINDOW + i] == best;
        for (int k = 0; k < TASK_DIVERGENCES; k++)
            assert_true(d.sums[k][2 * w + 1] == WINDOW - WINDOW / 2 - 1);
        assert_true(fabs(d.sums[0][2 * w] / 4 - divergence(a, b)) < 1e-6); /* the logits are float */
        assert_true(d.sums[1][2 * w] == (a * b > 0 ? 4 : 0));
        assert_true(d.sums[2][2 * w] == right);
        for (int i = 4 * w; i < 4 * w + 4; i++)
            assert_true(a == b ? d.kl[i] == 0 : fabs(d.kl[i] - divergence(a, b)) < 1e-6); /* itself: exactly */
        if (a == b)
            assert_true(d.sums[0][2 * w] == 0);
    }
    divergence_free(&d);
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
    int ids[20] = {0};
    struct divergence d;
    struct err e;
    assert_int_equal(task_divergence(a, b, ids, 20, 10, &d, &e), -1);
    assert_non_null(strstr(e.msg, "vocabulary of 4 tokens and the variant one of 5"));
    assert_int_equal(task_divergence(a, a, ids, 9, 10, &d, &e), -1);
    assert_non_null(strstr(e.msg, "one window needs 10"));
    assert_int_equal(p.calls, 0);
    assert_true(!d.kl && !d.sums[0] && !d.windows);
}

static double peak_mib(void)
{
    struct rusage u;
    assert_int_equal(getrusage(RUSAGE_SELF, &u), 0);
    return (double)u.ru_maxrss / 1024;
}

/* A text of 100,000 tokens, every tenth scored token of the variant off; then a vocabulary of 150,000, with all its pieces.
 * Together they take less than 64 MiB, of which the paper's own rows are a few. */
static void long_texts_and_large_vocabularies_take_little_memory(void **state)
{
    enum { TOKENS = 100000, WINDOW = 128, SCORED = WINDOW / 2 - 1 };
    (void)state;
    double before = peak_mib();
    int *ids = calloc(TOKENS, sizeof *ids), off = 0;
    struct paper p = paper(4, 1), q = paper(4, 1);
    struct divergence d;
    struct err e;
    assert_non_null(ids);
    q.odd = 10;
    assert_int_equal(task_divergence((struct task_side){&paper_runtime, &p}, (struct task_side){&paper_runtime, &q}, ids, TOKENS,
                                     WINDOW, &d, &e),
                     0);
    assert_int_equal(d.windows, TOKENS / WINDOW);
    assert_int_equal(d.tokens, TOKENS / WINDOW * SCORED);
    double sum = 0, of_windows = 0;
    for (int i = 0; i < d.tokens; i++) {
        assert_true((i + 1) % 10 ? d.kl[i] == 0 : fabs(d.kl[i] - divergence(1, 0)) < 1e-6); /* in the order of the text */
        off += d.kl[i] != 0;
        sum += d.kl[i];
    }
    for (int w = 0; w < d.windows; w++)
        of_windows += d.sums[0][2 * w];
    assert_int_equal(off, d.tokens / 10);
    assert_true(fabs(sum - of_windows) < 1e-9 * sum);
    divergence_free(&d);
    free(p.row);
    free(q.row);

    p = paper(150000, 1);
    q = paper(150000, 0.5);
    assert_int_equal(task_divergence((struct task_side){&paper_runtime, &p}, (struct task_side){&paper_runtime, &q}, ids, WINDOW,
                                     WINDOW, &d, &e),
                     0);
    assert_int_equal(d.tokens, SCORED);
    divergence_free(&d);
    free(p.row);
    free(q.row);
    free(ids);
    if (!TEST_SANITIZED)
        assert_true(peak_mib() - before < 64);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(long_texts_and_large_vocabularies_take_little_memory), /* first: a peak does not go back */
        cmocka_unit_test(divergence_is_the_definition),
        cmocka_unit_test(pieces_of_a_window_add_up),
        cmocka_unit_test(what_cannot_be_compared_says_why),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
