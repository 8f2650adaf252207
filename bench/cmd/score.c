/* SPDX-License-Identifier: MIT */
#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/file.h"
#include "bench/cmd/engine_args.h"
#include "bench/runtime/runtime.h"
#include "bench/task.h"
#include "eval/resample.h"

static const struct option_spec options[] = {
    {"model", 'm', "FILE", "the GGUF file to score"},
    {"text", 0, "FILE", "the text to score it on"},
    {"window", 0, "N", "tokens of a window (128)"},
    {"reference", 0, "FILE", "the model that this one was made of: adds KL divergence and top-1 agreement"},
    ENGINE_OPTIONS,
    {NULL, 0, NULL, NULL},
};

/* What was scored, one scorer after the other. */
struct result {
    const struct args *args;
    const struct cell *cell;
    json_t *json; /* NULL: text */
};

static void say_value(const struct result *r, const char *name, const struct resampled *v)
{
    char key[64];
    if (!r->json) {
        printf("%s %.6g", name, v->value);
        if (isfinite(v->low))
            printf(" [%.6g, %.6g]", v->low, v->high);
        putchar('\n');
        return;
    }
    json_object_set_new(r->json, name, json_real_or_null(v->value));
    snprintf(key, sizeof key, "%s_low", name);
    json_object_set_new(r->json, key, json_real_or_null(v->low));
    snprintf(key, sizeof key, "%s_high", name);
    json_object_set_new(r->json, key, json_real_or_null(v->high));
}

static int say_score(const struct result *r, const char *scorer, const double *sums, int n, struct err *e)
{
    struct resampled v;
    if (resample_value(scorer_by_name(scorer), sums, (size_t)n, RESAMPLES, RESAMPLE_SEED, &v, e))
        return -1;
    say_value(r, scorer, &v);
    return 0;
}

static void say_counts(const struct result *r, const double *sums, int n)
{
    double nll = 0, tokens = 0;
    for (int i = 0; i < n; i++) {
        nll += sums[2 * i];
        tokens += sums[2 * i + 1];
    }
    if (!r->json) {
        printf("over %.0f tokens in %d windows of %d (KV %s, %s)\n", tokens, n, r->cell->context + 1, r->cell->kv,
               r->cell->compute);
        return;
    }
    json_object_set_new(r->json, "nll", json_real(nll / tokens));
    json_object_set_new(r->json, "nll_sum", json_real(nll));
    json_object_set_new(r->json, "tokens", json_integer((json_int_t)tokens));
    json_object_set_new(r->json, "windows", json_integer(n));
    json_object_set_new(r->json, "window", json_integer(r->cell->context + 1));
    json_object_set_new(r->json, "kv", json_string(r->cell->kv));
    json_object_set_new(r->json, "compute", json_string(r->cell->compute));
}

/* The variant beside the reference model. */
static int diverge(const struct result *r, const struct runtime *rt, void *self, const char *reference, const int *cpus,
                   const int *ids, int n_ids, struct err *e)
{
    double *sums[TASK_DIVERGENCES];
    int n, rc = -1;
    void *other = calloc(1, rt->size);
    if (!other)
        return err_set(e, ERR_ENV, "score: out of memory");
    if (rt->load(other, r->cell, reference, cpus, e) ||
        task_divergence((struct task_side){rt, other}, (struct task_side){rt, self}, ids, n_ids, r->cell->context + 1, sums, &n,
                        e))
        goto out;
    rc = 0;
    for (int k = 0; k < TASK_DIVERGENCES; k++) {
        rc = rc ? rc : say_score(r, task_divergence_scorers[k], sums[k], n, e);
        free(sums[k]);
    }
out:
    rt->close(other);
    free(other);
    return rc;
}

static int score(const struct result *r, const int *cpus, const char *text, size_t len, struct err *e)
{
    const struct cell *c = r->cell;
    const struct runtime *rt = runtime_by_name(c->runtime);
    const char *reference = args_get(r->args, "reference");
    int *ids = NULL, n_ids, n, rc = -1;
    double *sums = NULL;
    void *self = calloc(1, rt->size);
    if (!self)
        return err_set(e, ERR_ENV, "score: out of memory");
    if (rt->load(self, c, c->model, cpus, e) || rt->encode(self, text, len, &ids, &n_ids, e) ||
        task_perplexity(self, rt->nll, rt->bos(self), ids, n_ids, c->context + 1, &sums, &n, e) ||
        say_score(r, "perplexity", sums, n, e))
        goto out;
    if (reference && diverge(r, rt, self, reference, cpus, ids, n_ids, e))
        goto out;
    say_counts(r, sums, n);
    rc = 0;
out:
    rt->close(self);
    free(sums);
    free(ids);
    free(self);
    return rc;
}

static int run(const struct args *a, struct err *e)
{
    static int cpus[TOPOLOGY_MAX_CPUS];
    struct cell c = {.model = args_need(a, "model", e), .format = "file", .runtime = "reference", .decode = 1};
    const char *path = c.model ? args_need(a, "text", e) : NULL;
    int64_t window;
    size_t len;
    if (!path || args_int(a, "window", TASK_MIN_WINDOW, 1 << 24, 128, &window, e) || engine_args(a, &c, cpus, e))
        return -1;
    c.context = (int)window - 1; /* with the token to decode, room for one window */
    char *text = file_read(path, &len, e);
    if (!text)
        return -1;
    struct result r = {.args = a, .cell = &c, .json = args_has(a, "json") ? json_object() : NULL};
    int rc = score(&r, cpus, text, len, e);
    free(text);
    if (r.json && !rc)
        print_json(r.json);
    else
        json_decref(r.json);
    return rc;
}

const struct command command_score = {
    .name = "score",
    .summary = "perplexity of a model on a text, and how far it is from a reference",
    .options = options,
    .json = 1,
    .about =
        "The text is tokenized with BOS in front and cut into windows without overlap; the last, partial one is dropped.\n"
        "Each window starts with BOS and an empty KV cache; its first half is context, the tokens of its second half are\n"
        "scored.  Perplexity is exp of the mean negative log-likelihood per scored token (nll, in nats): lower is better,\n"
        "and only values of one tokenizer, text and window compare.  The interval is the bootstrap's over windows, at 95%\n"
        "(1,000 resamples, seeded).\n"
        "\n"
        "With --reference both models run side by side: kl_divergence is the mean over the scored tokens of the divergence from\n"
        "the reference's next-token distribution, in nats, top1_agreement the share where both find the same token most\n"
        "probable, token_accuracy the share that this model found most probable.",
    .examples = "  bench score --model m.gguf --text some.txt\n"
                "  bench score --model m.gguf --text some.txt --kv q8_0 --json\n"
                "  bench score --model m-q4_0.gguf --text some.txt --reference m-f16.gguf\n"
                "  bench score --model m.gguf --text some.txt --kv f32 --compute exact    # the reference arithmetic",
    .run = run,
};
