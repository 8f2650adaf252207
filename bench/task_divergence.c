/* Two models on the same text, side by side.
 *
 * Windows are those of perplexity (bench/task.c): the first half is context only.  A piece of a window goes through the reference,
 * whose rows of logits are kept, then through the variant, whose rows are compared as they come; then the next piece.  So the
 * memory is that of one piece, whatever the text and the vocabulary, and 8 bytes a scored token: four a token of the text, as much
 * as its ids.  That keeps the quantiles over tokens exact.  Both distributions are made by the same arithmetic in double,
 * so a model against itself gives exactly 0. */
/* SPDX-License-Identifier: MIT */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "bench/task.h"

const char *const task_divergence_scorers[TASK_DIVERGENCES] = {"kl_divergence", "top1_agreement", "token_accuracy"};

enum { KL, TOP1, ACCURACY };

struct pair {
    int n_vocab, rows;
    float *kept;     /* [rows][n_vocab]: the reference's */
    const int *next; /* next[i]: the token behind the i-th of the piece */
    double sum[TASK_DIVERGENCES];
    double *kl; /* where the next token's goes */
};

static void keep_row(void *ctx, int i, const float *logits)
{
    struct pair *p = ctx;
    memcpy(p->kept + (size_t)i * (size_t)p->n_vocab, logits, (size_t)p->n_vocab * sizeof *logits);
}

/* Index of the largest logit; *log_sum: ln of the sum of exp(logit). */
static int summary(const float *logits, int n, double *log_sum)
{
    int best = 0;
    double sum = 0;
    for (int v = 1; v < n; v++)
        best = logits[v] > logits[best] ? v : best;
    for (int v = 0; v < n; v++)
        sum += exp((double)logits[v] - (double)logits[best]);
    *log_sum = log(sum) + (double)logits[best];
    return best;
}

static void compare_row(void *ctx, int i, const float *q)
{
    struct pair *s = ctx;
    const float *p = s->kept + (size_t)i * (size_t)s->n_vocab;
    double log_p, log_q, kl = 0;
    int best_p = summary(p, s->n_vocab, &log_p), best_q = summary(q, s->n_vocab, &log_q);
    for (int v = 0; v < s->n_vocab; v++) {
        double lp = (double)p[v] - log_p, lq = (double)q[v] - log_q;
        kl += exp(lp) * (lp - lq);
    }
    s->sum[KL] += *s->kl++ = kl;
    s->sum[TOP1] += best_p == best_q;
    s->sum[ACCURACY] += best_q == s->next[i];
}

static int one_window(struct task_side reference, struct task_side variant, const int *ids, int window, struct pair *s,
                      struct err *e)
{
    int from = window / 2; /* the first position whose prediction is scored */
    memset(s->sum, 0, sizeof s->sum);
    if (reference.rt->rows(reference.self, ids, from, 1, NULL, NULL, e) ||
        variant.rt->rows(variant.self, ids, from, 1, NULL, NULL, e))
        return -1;
    for (int at = from; at < window - 1; at += s->rows) {
        int n = window - 1 - at < s->rows ? window - 1 - at : s->rows;
        s->next = ids + at + 1;
        if (reference.rt->rows(reference.self, ids + at, n, 0, keep_row, s, e) ||
            variant.rt->rows(variant.self, ids + at, n, 0, compare_row, s, e))
            return -1;
    }
    return isfinite(s->sum[KL]) ? 0
                                : err_set(e, ERR_INVALID,
                                          "the divergence is not a number: a model's weights or KV format overflow; try "
                                          "--compute exact --kv f32");
}

static int alloc(struct divergence *d, struct pair *s, int **part, int window, struct err *e)
{
    int missing = 0;
    s->kept = malloc((size_t)s->rows * (size_t)s->n_vocab * sizeof *s->kept);
    *part = malloc((size_t)window * sizeof **part);
    d->kl = s->kl = malloc((size_t)d->tokens * sizeof *d->kl);
    for (int k = 0; k < TASK_DIVERGENCES; k++)
        missing |= !(d->sums[k] = calloc((size_t)d->windows, 2 * sizeof *d->sums[k]));
    if (missing || !s->kept || !*part || !d->kl)
        return err_set(e, ERR_ENV, "divergence: out of memory for %d rows of %d logits and %d tokens", s->rows, s->n_vocab,
                       d->tokens);
    return 0;
}

int task_divergence(struct task_side reference, struct task_side variant, const int *ids, int n_ids, int window,
                    struct divergence *out, struct err *e)
{
    int n_vocab = variant.rt->vocabulary(variant.self), of_reference = reference.rt->vocabulary(reference.self);
    int windows = window < TASK_MIN_WINDOW ? 0 : n_ids / window, bos = variant.rt->bos(variant.self), rc = -1;
    int scored = window - 1 - window / 2; /* tokens of a window */
    struct pair s = {.n_vocab = n_vocab, .rows = TASK_ROW_BYTES / (int)sizeof(float) / (n_vocab ? n_vocab : 1)};
    int *part = NULL;
    *out = (struct divergence){0};
    if (n_vocab != of_reference)
        return err_set(e, ERR_USAGE,
                       "the reference has a vocabulary of %d tokens and the variant one of %d: they are not one model",
                       of_reference, n_vocab);
    if (!windows)
        return err_set(e, ERR_USAGE, "the text has %d tokens, one window needs %d: give a longer --text or a smaller --window",
                       n_ids, window < TASK_MIN_WINDOW ? TASK_MIN_WINDOW : window);
    s.rows = s.rows < 1 ? 1 : s.rows > window ? window : s.rows;
    out->windows = windows;
    out->tokens = windows * scored;
    if (alloc(out, &s, &part, window, e))
        goto out;
    for (int w = 0; w < windows; w++) {
        memcpy(part, ids + (size_t)w * (size_t)window, (size_t)window * sizeof *part);
        if (bos >= 0)
            part[0] = bos;
        if (one_window(reference, variant, part, window, &s, e)) {
            err_where(e, "window %d of %d", w + 1, windows);
            goto out;
        }
        for (int k = 0; k < TASK_DIVERGENCES; k++) {
            out->sums[k][2 * w] = s.sum[k];
            out->sums[k][2 * w + 1] = scored;
        }
    }
    rc = 0;
out:
    if (rc)
        divergence_free(out);
    free(s.kept);
    free(part);
    return rc;
}

void divergence_free(struct divergence *d)
{
    for (int k = 0; k < TASK_DIVERGENCES; k++)
        free(d->sums[k]);
    free(d->kl);
    *d = (struct divergence){0};
}
