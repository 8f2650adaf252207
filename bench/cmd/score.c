/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/stats.h"
#include "bench/cmd/engine_args.h"
#include "bench/cmd/score_tasks.h"
#include "bench/cmd/spread.h"
#include "bench/cmd/task_args.h"
#include "bench/runtime/runtime.h"
#include "eval/resample.h"

static const struct option_spec options[] = {
    {"model", 'm', "FILE", "the GGUF file to score"},
    {"text", 0, "FILE", "the text to score it on"},
    {"window", 0, "N", "tokens of a window (128)"},
    {"reference", 0, "FILE", "the model that this one was made of: adds KL divergence and top-1 agreement"},
    TASK_OPTIONS,
    {"items", 0, "FILE.jsonl", "write each item of the tasks there, with what the model said and its sums"},
    ENGINE_OPTIONS,
    {NULL, 0, NULL, NULL},
};

/* What is scored, and where the results go. */
struct job {
    struct cell cell;
    int cpus[TOPOLOGY_MAX_CPUS];
    char *text; /* NULL: only tasks */
    size_t text_len;
    int window;
    const char *reference; /* NULL: none */
    struct score_tasks tasks;
    const char *items_path;
    json_t *json; /* NULL: text */
};

static void say_value(const struct job *r, const char *name, const struct resampled *v)
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

static int say_score(const struct job *r, const char *scorer, const double *sums, int n, struct err *e)
{
    struct resampled v;
    if (resample_value(scorer_by_name(scorer), sums, (size_t)n, RESAMPLES, RESAMPLE_SEED, &v, e))
        return -1;
    say_value(r, scorer, &v);
    return 0;
}

/* v is sorted. */
static void say_spread(const struct job *r, const char *scorer, double *v, int n)
{
    char name[64];
    stats_sort(v, (size_t)n);
    for (const struct spread *q = spreads; q->name; q++) {
        double x = stats_quantile(v, (size_t)n, q->p);
        snprintf(name, sizeof name, "%s_%s", scorer, q->name);
        if (r->json)
            json_object_set_new(r->json, name, json_real_or_null(x));
        else
            printf("%s %.6g\n", name, x);
    }
}

static void say_counts(const struct job *r, const double *sums, int n)
{
    double nll = 0, tokens = 0;
    for (int i = 0; i < n; i++) {
        nll += sums[2 * i];
        tokens += sums[2 * i + 1];
    }
    if (!r->json) {
        printf("over %.0f tokens in %d windows of %d (KV %s, policy %s, %s)\n", tokens, n, r->window, r->cell.kv, r->cell.policy,
               r->cell.compute);
        return;
    }
    json_object_set_new(r->json, "nll", json_real(nll / tokens));
    json_object_set_new(r->json, "nll_sum", json_real(nll));
    json_object_set_new(r->json, "tokens", json_integer((json_int_t)tokens));
    json_object_set_new(r->json, "windows", json_integer(n));
    json_object_set_new(r->json, "window", json_integer(r->window));
}

/* The variant beside the reference model. */
static int diverge(const struct job *r, const struct runtime *rt, void *self, const int *ids, int n_ids, struct err *e)
{
    struct divergence d = {0};
    int rc = -1;
    void *other = calloc(1, rt->size);
    if (!other)
        return err_set(e, ERR_ENV, "score: out of memory");
    if (rt->load(other, &r->cell, r->reference, r->cpus, e) ||
        task_divergence((struct task_side){rt, other}, (struct task_side){rt, self}, ids, n_ids, r->window, &d, e))
        goto out;
    rc = 0;
    for (int k = 0; k < TASK_DIVERGENCES && !rc; k++) {
        rc = say_score(r, task_divergence_scorers[k], d.sums[k], d.windows, e);
        if (!rc && !k) /* the first one's values are kept token by token */
            say_spread(r, task_divergence_scorers[k], d.kl, d.tokens);
    }
out:
    divergence_free(&d);
    rt->close(other);
    free(other);
    return rc;
}

static int score_text(const struct job *r, const struct runtime *rt, void *self, struct err *e)
{
    int *ids = NULL, n_ids, n, rc = -1;
    double *sums = NULL;
    if (rt->encode(self, r->text, r->text_len, &ids, &n_ids, e) ||
        task_perplexity(self, rt->nll, rt->bos(self), ids, n_ids, r->window, &sums, &n, e) ||
        say_score(r, "perplexity", sums, n, e))
        goto out;
    if (r->reference && diverge(r, rt, self, ids, n_ids, e))
        goto out;
    say_counts(r, sums, n);
    rc = 0;
out:
    free(sums);
    free(ids);
    return rc;
}

/* How the tasks without a template of their own were asked, where the model's file has a say in it. */
static int say_chat(const struct job *r, const struct runtime *rt, struct err *e)
{
    struct model_facts facts;
    int asked = 0;
    for (int i = 0; i < r->tasks.n; i++)
        asked |= r->tasks.task[i].chat;
    if (!asked)
        return 0;
    if (rt->describe(r->cell.model, NULL, 0, NULL, &facts, e))
        return -1;
    if (r->json)
        json_object_set_new(r->json, "chat_template", *facts.chat ? json_string(facts.chat) : json_null());
    else if (*facts.chat)
        printf("chat template: %s\n",
               strcmp(facts.chat, "unknown") != 0 ? facts.chat : "not one that is known, tasks are asked without");
    free(facts.metadata);
    return 0;
}

static int score(const struct job *r, struct err *e)
{
    const struct runtime *rt = runtime_by_name(r->cell.runtime);
    int rc = -1;
    json_t *scores = r->json && r->tasks.n ? json_array() : NULL;
    void *self = calloc(1, rt->size);
    if (!self)
        return err_set(e, ERR_ENV, "score: out of memory");
    if (rt->load(self, &r->cell, r->cell.model, r->cpus, e) || (r->text && score_text(r, rt, self, e)))
        goto out;
    if (r->text && r->tasks.n && !r->json)
        putchar('\n');
    if (r->tasks.n && score_tasks(&r->tasks, rt, self, scores, e))
        goto out;
    if (r->tasks.n && !r->json)
        printf("[low, high]: bootstrap interval over items, level 95%% (KV %s, policy %s, %s)\n", r->cell.kv, r->cell.policy,
               r->cell.compute);
    if (say_chat(r, rt, e))
        goto out;
    if (scores)
        json_object_set(r->json, "scores", scores);
    rc = 0;
out:
    json_decref(scores);
    rt->close(self);
    free(self);
    return rc;
}

/* -- the command ---------------------------------------------------------------------------------------------------------- */

/* Everything that can be wrong with the command line is found before the model is loaded. */
static int take_options(const struct args *a, struct job *r, struct err *e)
{
    const char *path = args_get(a, "text"), *tasks = args_get(a, "tasks");
    int chat;
    int64_t window, context;
    r->cell = (struct cell){.model = args_need(a, "model", e), .format = "file", .runtime = "reference", .decode = 1};
    r->reference = args_get(a, "reference");
    r->items_path = args_get(a, "items");
    if (!r->cell.model)
        return -1;
    if (!path && !tasks)
        return err_set(e, ERR_USAGE, "score: nothing to score on: give --text FILE, --tasks LIST or both");
    if (r->reference && !path)
        return err_set(e, ERR_USAGE, "score: --reference needs --text: the two models are held against each other on a text");
    if (r->items_path && !tasks)
        return err_set(e, ERR_USAGE, "score: --items needs --tasks: a text has no items to write");
    if (args_int(a, "window", TASK_MIN_WINDOW, 1 << 24, 128, &window, e) ||
        args_int(a, "task-context", 4, 1 << 20, 512, &context, e) || engine_args(a, &r->cell, r->cpus, e) ||
        task_chat(args_get(a, "chat"), &chat, e))
        return -1;
    r->window = (int)window;
    r->tasks.context = (int)context;
    /* With the token to decode, room for the longer of a window and an item. */
    r->cell.context = (tasks && (context > window || !path) ? r->tasks.context : r->window) - 1;
    if (tasks && task_list_open(&r->tasks.task, &r->tasks.n, tasks, task_folder(args_get(a, "prompts")), e))
        return -1;
    if (chat)
        task_list_chat(r->tasks.task, r->tasks.n);
    if (path && !(r->text = file_read(path, &r->text_len, e)))
        return -1;
    if (r->items_path && !(r->tasks.items = fopen(r->items_path, "w")))
        return err_set(e, ERR_ENV, "%s: cannot create it: %s", r->items_path, strerror(errno));
    return 0;
}

static int run(const struct args *a, struct err *e)
{
    static struct job r;
    int rc = take_options(a, &r, e);
    if (!rc && args_has(a, "json"))
        r.json = json_pack("{s:s, s:s, s:s}", "kv", r.cell.kv, "policy", r.cell.policy, "compute", r.cell.compute);
    if (!rc)
        rc = score(&r, e);
    if (r.tasks.items) {
        int lost = ferror(r.tasks.items);
        if ((fclose(r.tasks.items) || lost) && !rc)
            rc = err_set(e, ERR_ENV, "%s: cannot write all of it: is the disk full?", r.items_path);
    }
    if (r.json && !rc)
        print_json(r.json);
    else
        json_decref(r.json);
    task_list_close(r.tasks.task, r.tasks.n);
    free(r.text);
    return rc;
}

const struct command command_score = {
    .name = "score",
    .summary = "perplexity of a model on a text, how far it is from a reference, and its scores on tasks",
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
        "the reference's next-token distribution, in nats, kl_divergence_median, _p90, _p95, _p99, _p999 (99.9%) and _max how\n"
        "it is spread over them (exact, without interval), top1_agreement the share where both find the same token most\n"
        "probable, token_accuracy the share that this model found most probable.\n"
        "\n"
        "With --tasks each task is put to the model as in bench sweep, and each of its scorers gives a value over all items, "
        "with\n"
        "the bootstrap's interval over items.  --items writes a line of JSON for every item: task, line of its file, prompt, "
        "the\n"
        "model's answer (of a choice its index and every choice's log-probability), and the sums that the scorers made of it.",
    .examples = "  bench score --model m.gguf --text some.txt\n"
                "  bench score --model m.gguf --tasks arithmetic,mine.jsonl:exact,rouge_l --items said.jsonl\n"
                "  bench score --model m.gguf --text some.txt --kv q8_0 --json\n"
                "  bench score --model m-q4_0.gguf --text some.txt --reference m-f16.gguf\n"
                "  bench score --model m.gguf --text some.txt --kv f32 --compute exact    # the reference arithmetic",
    .run = run,
};
