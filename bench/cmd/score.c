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

#define RESAMPLES 1000

static const struct option_spec options[] = {
    {"model", 'm', "FILE", "the GGUF file to score"},
    {"text", 0, "FILE", "the text to score it on"},
    {"window", 0, "N", "tokens of a window (128)"},
    ENGINE_OPTIONS,
    {NULL, 0, NULL, NULL},
};

static json_t *real_or_null(double x)
{
    return isfinite(x) ? json_real(x) : json_null();
}

static void print_result(const struct args *a, const struct cell *c, const struct resampled *r, double nll, int64_t tokens,
                         int windows)
{
    if (!args_has(a, "json")) {
        printf("perplexity %.4f", r->value);
        if (isfinite(r->low))
            printf(" [%.4f, %.4f]", r->low, r->high);
        printf(" over %lld tokens in %d windows of %d (KV %s, %s)\n", (long long)tokens, windows, c->context + 1, c->kv,
               c->compute);
        return;
    }
    json_t *j = json_object();
    json_object_set_new(j, "perplexity", json_real(r->value));
    json_object_set_new(j, "perplexity_low", real_or_null(r->low));
    json_object_set_new(j, "perplexity_high", real_or_null(r->high));
    json_object_set_new(j, "nll", json_real(nll / (double)tokens));
    json_object_set_new(j, "nll_sum", json_real(nll));
    json_object_set_new(j, "tokens", json_integer(tokens));
    json_object_set_new(j, "windows", json_integer(windows));
    json_object_set_new(j, "window", json_integer(c->context + 1));
    json_object_set_new(j, "kv", json_string(c->kv));
    json_object_set_new(j, "compute", json_string(c->compute));
    print_json(j);
}

static int score(const struct args *a, const struct cell *c, const int *cpus, const char *text, size_t len, struct err *e)
{
    const struct runtime *rt = runtime_by_name(c->runtime);
    int *ids = NULL, n_ids, n, rc = -1;
    double *sums = NULL;
    void *self = calloc(1, rt->size);
    if (!self)
        return err_set(e, ERR_ENV, "score: out of memory");
    if (rt->load(self, c, c->model, cpus, e) || rt->encode(self, text, len, &ids, &n_ids, e) ||
        task_perplexity(self, rt->nll, rt->bos(self), ids, n_ids, c->context + 1, &sums, &n, e))
        goto out;
    double nll = 0;
    int64_t tokens = 0;
    for (int i = 0; i < n; i++) {
        nll += sums[2 * i];
        tokens += (int64_t)sums[2 * i + 1];
    }
    struct resampled r;
    if (resample_value(scorer_by_name("perplexity"), sums, (size_t)n, RESAMPLES, 1, &r, e))
        goto out;
    print_result(a, c, &r, nll, tokens, n);
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
    int rc = score(a, &c, cpus, text, len, e);
    free(text);
    return rc;
}

const struct command command_score = {
    .name = "score",
    .summary = "perplexity of a model on a text",
    .options = options,
    .json = 1,
    .about = "The text is tokenized with BOS in front and cut into windows without overlap; the last, partial one is dropped.\n"
             "Each window starts with BOS and an empty KV cache; its first half is context, the tokens of its second half are\n"
             "scored.  Perplexity is exp of the mean negative log-likelihood per scored token (nll, in nats): lower is better,\n"
             "and only values of one tokenizer, text and window compare.  The interval is the bootstrap's over windows, at 95%\n"
             "(1,000 resamples, seeded).",
    .examples = "  bench score --model m.gguf --text some.txt\n"
                "  bench score --model m.gguf --text some.txt --kv q8_0 --json\n"
                "  bench score --model m.gguf --text some.txt --kv f32 --compute exact    # the reference arithmetic",
    .run = run,
};
