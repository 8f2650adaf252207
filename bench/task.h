/* task.h - what a model is asked in order to score it.
 *
 * A task turns tokens into questions for a runtime, by way of its hooks, and the answers into items for a scorer.  It runs
 * where the model is loaded: in the trial's process, or in `bench score`. */
/* SPDX-License-Identifier: MIT */
#ifndef BENCH_TASK_H
#define BENCH_TASK_H

#include "base/err.h"
#include "bench/runtime/runtime.h"
#include "eval/scorer.h"
#include "eval/task_file.h"

#define TASK_MIN_WINDOW 3 /* a smaller one scores no token */

/* The hook of struct runtime: into an empty KV cache, nll[i] = -log p(ids[from + i] | ids before it), nats, from + i < n. */
typedef int task_nll_fn(void *self, const int *ids, int n, int from, double *nll, struct err *e);

/* The sums of perplexity's items, one item per window of a text's ids: nats and tokens.  bos: id of BOS, or -1.  *sums is malloc'ed
 * ([*n][2]), *n the number of items. */
int task_perplexity(void *self, task_nll_fn *nll, int bos, const int *ids, int n_ids, int window, double **sums, int *n,
                    struct err *e);

/* A variant beside a reference, on the windows of task_perplexity: three scorers, kl_divergence, top1_agreement and
 * token_accuracy.  Both are run side by side a few tokens at a time, so no logits are kept beyond TASK_ROW_BYTES; beside that a
 * double is kept for each scored token.  Vocabularies of different size are an error. */
#define TASK_DIVERGENCES 3
#define TASK_ROW_BYTES (16 << 20)
extern const char *const task_divergence_scorers[TASK_DIVERGENCES];

struct task_side {
    const struct runtime *rt;
    void *self;
};

struct divergence {
    double *sums[TASK_DIVERGENCES]; /* [windows][2] of each scorer: the quantity added up, and the tokens */
    double *kl;                     /* [tokens] of each scored token, nats, in the order of the text */
    int windows, tokens;
};

/* On failure *out is empty. */
int task_divergence(struct task_side reference, struct task_side variant, const int *ids, int n_ids, int window,
                    struct divergence *out, struct err *e);
void divergence_free(struct divergence *d);

/* What the model made of one item, told when its sums are there; valid during the call. */
struct task_said {
    int item;              /* index in the task's */
    const char *answer;    /* TASK_ANSWER: what it generated, without the stop; else NULL */
    const double *logprob; /* TASK_CHOICE: of each choice, nats; else NULL */
};
typedef void task_said_fn(void *ctx, const struct task_said *said);

/* Puts the items of a task to a loaded runtime whose KV cache has room for n_ctx tokens.  sums[k] is filled with the sums of
 * scorer k ([n_items][scorer->sums], from the caller).  An answer is greedy and ends at the task's stop, at the end of the text
 * or after t->tokens tokens.  fn, which may be NULL, is told of each item in order.  An item that does not fit is an error that
 * names its file and line. */
int task_run(const struct runtime *rt, void *self, int n_ctx, const struct task *t, double *const *sums, task_said_fn *fn,
             void *ctx, struct err *e);

#endif
