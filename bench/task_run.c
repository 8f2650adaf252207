/* Putting a task's items to a runtime: answers by greedy generation, choices and texts by log-probability.
 *
 * Items are independent: each begins with an empty KV cache, so their order does not matter.  A choice's log-probability is the
 * sum over its tokens of the text prompt + choice; its tokens are those behind the longest prefix that this text's ids share with
 * the prompt's, because a tokenizer may merge across the seam. */
/* SPDX-License-Identifier: MIT */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "bench/task.h"

struct asked {
    const struct runtime *rt;
    void *self;
    int n_ctx;
    const struct task *task;
    const struct task_item *item;
    task_said_fn *listener;
    void *listener_ctx;
};

static void tell(const struct asked *q, struct task_said said)
{
    if (q->listener)
        q->listener(q->listener_ctx, &said);
}

static int too_long(const struct asked *q, int have, int more, struct err *e)
{
    return err_set(e, ERR_USAGE, "%s:%d: the item has %d tokens%s and there is room for %d; --task-context N makes more",
                   q->task->path, q->item->line, have + more, more ? " with its answer" : "", q->n_ctx);
}

static int encode(const struct asked *q, const char *text, int **ids, int *n, struct err *e)
{
    if (!q->rt->encode(q->self, text, strlen(text), ids, n, e))
        return 0;
    return err_where(e, "%s:%d", q->task->path, q->item->line);
}

/* The prompt with the beginning of an answer, as the task is asked; *end: the id that ends an answer beside EOS, or -1. */
static int encode_asked(const struct asked *q, const char *answer, int **ids, int *n, int *end, struct err *e)
{
    struct text both = {0};
    *end = -1;
    if (q->task->chat && q->rt->ask) {
        int failed = q->rt->ask(q->self, q->item->prompt, answer, ids, n, end, e);
        return failed ? err_where(e, "%s:%d", q->task->path, q->item->line) : 0;
    }
    text_printf(&both, "%s%s", q->item->prompt, answer);
    int failed = encode(q, both.p, ids, n, e);
    text_free(&both);
    return failed;
}

/* The greedy answer, without the stop, in *answer. */
static int generate(const struct asked *q, struct text *answer, struct err *e)
{
    int *ids, n, id, end, rc = -1;
    answer->n = 0;
    text_printf(answer, "%s", "");
    if (encode_asked(q, "", &ids, &n, &end, e))
        return -1;
    if (n + q->task->tokens > q->n_ctx) {
        too_long(q, n, q->task->tokens, e);
        goto out;
    }
    if (q->rt->prefill(q->self, ids, n, e))
        goto out;
    for (int i = 0; i < q->task->tokens; i++) {
        int bytes;
        if (q->rt->decode(q->self, &id, e))
            goto out;
        if (id == q->rt->eos(q->self) || id == end)
            break;
        const char *piece = q->rt->piece(q->self, id, &bytes);
        text_add(answer, piece, (size_t)bytes);
        char *stop = q->task->stop ? strstr(answer->p, q->task->stop) : NULL;
        if (stop) {
            *stop = '\0';
            answer->n = (size_t)(stop - answer->p);
            break;
        }
    }
    rc = 0;
out:
    free(ids);
    return rc;
}

/* Sum of log-probabilities of ids[from ..]; *scored is their number. */
static int log_probability(const struct asked *q, const int *ids, int n, int from, double *sum, struct err *e)
{
    double *nll = calloc((size_t)n, sizeof *nll);
    if (!nll)
        return err_set(e, ERR_ENV, "%s: out of memory for %d tokens", q->task->path, n);
    int rc = q->rt->nll(q->self, ids, n, from, nll, e);
    *sum = 0;
    for (int i = 0; i < n - from && !rc; i++)
        *sum -= nll[i];
    free(nll);
    return rc;
}

static int choose(const struct asked *q, int choice, double *logprob, struct err *e)
{
    int *prompt = NULL, *whole = NULL, n_prompt, n, end, rc = -1, from = 0;
    if (encode_asked(q, "", &prompt, &n_prompt, &end, e) || encode_asked(q, q->item->texts[choice], &whole, &n, &end, e))
        goto out;
    if (n > q->n_ctx) {
        too_long(q, n, 0, e);
        goto out;
    }
    while (from < n_prompt && from < n && prompt[from] == whole[from])
        from++;
    if (from == n) /* nothing of it is left behind the prompt: an empty choice */
        from = n - 1;
    rc = log_probability(q, whole, n, from < 1 ? 1 : from, logprob, e);
out:
    free(prompt);
    free(whole);
    return rc;
}

static int ask_answer(const struct asked *q, double *const *sums, int i, struct err *e)
{
    struct text answer = {0};
    int rc = generate(q, &answer, e);
    for (int k = 0; k < q->task->n_scorers && !rc; k++) {
        const struct scorer *s = q->task->scorer[k];
        s->item(sums[k] + (size_t)i * (size_t)s->sums, answer.p, (const char *const *)q->item->texts);
    }
    if (!rc)
        tell(q, (struct task_said){.item = i, .answer = answer.p});
    text_free(&answer);
    return rc;
}

static int ask_choice(const struct asked *q, double *const *sums, int i, struct err *e)
{
    int n = q->item->n_texts, rc = 0;
    double *logprob = calloc((size_t)n, sizeof *logprob);
    size_t *bytes = calloc((size_t)n, sizeof *bytes);
    if (!logprob || !bytes)
        rc = err_set(e, ERR_ENV, "%s: out of memory", q->task->path);
    for (int c = 0; c < n && !rc; c++) {
        bytes[c] = strlen(q->item->texts[c]);
        rc = choose(q, c, &logprob[c], e);
    }
    for (int k = 0; k < q->task->n_scorers && !rc; k++) {
        const struct scorer *s = q->task->scorer[k];
        s->choice(sums[k] + (size_t)i * (size_t)s->sums, logprob, bytes, n, q->item->gold);
    }
    if (!rc)
        tell(q, (struct task_said){.item = i, .logprob = logprob});
    free(logprob);
    free(bytes);
    return rc;
}

/* Every token of the text but the first: with BOS in front, every one of its own. */
static int ask_text(const struct asked *q, double *const *sums, int i, struct err *e)
{
    int *ids, n, rc = -1;
    double logprob = 0;
    if (encode(q, q->item->prompt, &ids, &n, e))
        return -1;
    if (n > q->n_ctx)
        rc = too_long(q, n, 0, e);
    else
        rc = n > 1 ? log_probability(q, ids, n, 1, &logprob, e) : 0;
    for (int k = 0; k < q->task->n_scorers && !rc; k++) {
        double *s = sums[k] + (size_t)i * (size_t)q->task->scorer[k]->sums;
        s[0] = -logprob;
        s[1] = n > 1 ? n - 1 : 0;
    }
    if (!rc)
        tell(q, (struct task_said){.item = i});
    free(ids);
    return rc;
}

int task_run(const struct runtime *rt, void *self, int n_ctx, const struct task *t, double *const *sums, task_said_fn *fn,
             void *ctx, struct err *e)
{
    static int (*const ask[])(const struct asked *, double *const *, int,
                              struct err *) = {[TASK_ANSWER] = ask_answer, [TASK_CHOICE] = ask_choice, [TASK_TEXT] = ask_text};
    for (int i = 0; i < t->n_items; i++) {
        struct asked q = {rt, self, n_ctx, t, &t->item[i], fn, ctx};
        if (ask[t->kind](&q, sums, i, e))
            return -1;
    }
    return 0;
}
