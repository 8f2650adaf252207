/* SPDX-License-Identifier: MIT */
#include "bench/trial.h"

#include <errno.h>
#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"
#include "bench/probe/probe.h"
#include "bench/protocol.h"
#include "bench/runtime/runtime.h"
#include "bench/task.h"

#define FACTS_TOKENS 32 /* of the context, whose logits are hashed */

struct trial {
    json_t *load; /* the message that setup's texts point into; NULL before load */
    struct trial_setup setup;
    const struct runtime *runtime;
    void *self;               /* the runtime's private state */
    int loaded;               /* self needs a close */
    int *ids, n_ids;          /* tokens of the context */
    struct probe_set *probes; /* around each stretch */
    struct stretch whole;     /* "trial" */
    struct stretch prefill, decode;
};

static void stretch_begin(struct stretch *s, const char *kind, struct probe_set *set)
{
    snprintf(s->kind, sizeof s->kind, "%s", kind);
    s->readings.n = 0;
    probe_set_begin(set);
    s->begin_real_ns = clock_real_ns();
    s->begin_ns = clock_ns();
}

static void stretch_end(struct stretch *s, int tokens, struct probe_set *set)
{
    s->ns = clock_ns() - s->begin_ns;
    s->tokens = tokens;
    probe_set_end(set, &s->readings);
}

/* The ids of the context: the text's first tokens, or made-up ones for a model without a vocabulary of its own. */
static int make_context(struct trial *t, struct err *e)
{
    int want = t->setup.cell.context;
    if (t->ids)
        return 0;
    if (!t->setup.text) {
        t->ids = calloc((size_t)want, sizeof *t->ids);
        if (!t->ids)
            return err_set(e, ERR_ENV, "trial: out of memory for %d ids", want);
        t->n_ids = want;
        if (!t->runtime->made_up || t->runtime->made_up(t->self, t->ids, want, t->setup.seed))
            return err_set(e, ERR_USAGE, "%s: this model needs a text to fill its context; give one with --text FILE",
                           t->setup.path);
        return 0;
    }
    size_t len;
    char *text = file_read(t->setup.text, &len, e);
    int failed = !text || t->runtime->encode(t->self, text, len, &t->ids, &t->n_ids, e);
    free(text);
    return failed ? -1 : 0;
}

/* The same, and enough of them. */
static int need_context(struct trial *t, struct err *e)
{
    if (make_context(t, e))
        return -1;
    if (t->n_ids < t->setup.cell.context)
        return err_set(e, ERR_USAGE, "%s: has %d tokens, a context of %d needs more; give a longer --text", t->setup.text,
                       t->n_ids, t->setup.cell.context);
    return 0;
}

static int do_load(struct trial *t, json_t *request, json_t *reply, struct err *e)
{
    if (t->load)
        return err_set(e, ERR_ENV, "trial: load was asked for twice");
    t->load = json_incref(request);
    if (protocol_read_load(request, &t->setup, e))
        return -1;
    const struct cell *c = &t->setup.cell;
    const char *sysroot = getenv("BENCH_SYSROOT");
    struct probe_env env = {.sysroot = sysroot ? sysroot : ""};
    t->probes = probe_set_open(&env, t->setup.skip);
    stretch_begin(&t->whole, "trial", t->probes);
    t->runtime = runtime_by_name(c->runtime);
    t->self = calloc(1, t->runtime->size + 1);
    t->decode.token_ns = calloc((size_t)c->decode, sizeof *t->decode.token_ns);
    if (!t->self || !t->decode.token_ns)
        return err_set(e, ERR_ENV, "trial: out of memory");

    struct stretch *load = calloc(1, sizeof *load);
    if (!load)
        return err_set(e, ERR_ENV, "trial: out of memory");
    stretch_begin(load, "load", t->probes);
    int failed = t->runtime->load(t->self, c, t->setup.path, t->setup.cpus, e);
    stretch_end(load, 0, t->probes);
    t->loaded = !failed;
    if (!failed)
        protocol_add_stretch(reply, load);
    free(load);
    return failed;
}

static int do_measure(struct trial *t, json_t *request, json_t *reply, struct err *e)
{
    (void)request;
    const struct cell *c = &t->setup.cell;
    if (need_context(t, e))
        return -1;
    stretch_begin(&t->prefill, "prefill", t->probes);
    int failed = t->runtime->prefill(t->self, t->ids, c->context, e);
    stretch_end(&t->prefill, c->context, t->probes);
    if (failed)
        return -1;

    int64_t *stamp = t->decode.token_ns; /* first the end of each token, then its time */
    int id;
    stretch_begin(&t->decode, "decode", t->probes);
    for (int i = 0; i < c->decode && !failed; i++) {
        failed = t->runtime->decode(t->self, &id, e);
        stamp[i] = clock_ns();
    }
    stretch_end(&t->decode, c->decode, t->probes);
    if (failed)
        return -1;
    for (int i = c->decode - 1; i > 0; i--)
        stamp[i] -= stamp[i - 1];
    stamp[0] -= t->decode.begin_ns;
    protocol_add_stretch(reply, &t->prefill);
    protocol_add_stretch(reply, &t->decode);
    return 0;
}

/* FNV-1a over the bits of every logit (Fowler, Noll and Vo 1991): it tells two builds apart, and guards against nobody. */
struct logits_hash {
    int n_vocab;
    uint64_t hash;
};

static void hash_row(void *ctx, int i, const float *logits)
{
    struct logits_hash *h = ctx;
    const unsigned char *bytes = (const unsigned char *)logits;
    (void)i;
    for (size_t k = 0; k < (size_t)h->n_vocab * sizeof *logits; k++)
        h->hash = (h->hash ^ bytes[k]) * 0x100000001b3u;
}

/* The first half of the tokens at once, as in a prefill, the others one by one, as in decoding: other kernels do these. */
static int hash_logits(struct trial *t, uint64_t *hash, struct err *e)
{
    struct logits_hash h = {t->runtime->vocabulary(t->self), 0xcbf29ce484222325u};
    int n = t->setup.cell.context < FACTS_TOKENS ? t->setup.cell.context : FACTS_TOKENS, together = (n + 1) / 2;
    int failed = need_context(t, e) || t->runtime->rows(t->self, t->ids, together, 1, hash_row, &h, e);
    for (int i = together; i < n && !failed; i++)
        failed = t->runtime->rows(t->self, t->ids + i, 1, 0, hash_row, &h, e);
    *hash = h.hash;
    return failed ? -1 : 0;
}

static int do_facts(struct trial *t, json_t *request, json_t *reply, struct err *e)
{
    static struct stretch facts = {.kind = "facts"}; /* static: it is large */
    uint64_t hash;
    (void)request;
    facts.readings.n = 0;
    if (t->runtime->facts)
        t->runtime->facts(t->self, &facts.readings);
    if (t->runtime->rows) {
        if (hash_logits(t, &hash, e))
            return -1;
        readings_add(&facts.readings, "logits", "", (int64_t)(hash >> 1)); /* JSON's integers have a sign */
    }
    protocol_add_stretch(reply, &facts);
    return 0;
}

/* The items of one scorer: [[sums of item 0], ...]; JSON has no word for what is not a number but null. */
static json_t *items_of(const double *sums, int n, int width)
{
    json_t *list = json_array();
    for (int i = 0; i < n; i++) {
        json_t *item = json_array();
        for (int k = 0; k < width; k++)
            json_array_append_new(item, isfinite(sums[i * width + k]) ? json_real(sums[i * width + k]) : json_null());
        json_array_append_new(list, item);
    }
    return list;
}

static int score_text(struct trial *t, int window, json_t *scores, struct err *e)
{
    double *sums = NULL;
    int n = 0;
    if (!t->setup.text)
        return err_set(e, ERR_USAGE, "score: needs a text; give one with --text FILE");
    if (make_context(t, e))
        return -1;
    if (task_perplexity(t->self, t->runtime->nll, t->runtime->bos(t->self), t->ids, t->n_ids, window, &sums, &n, e))
        return -1;
    json_array_append_new(scores, items_of(sums, n, 2));
    free(sums);
    return 0;
}

/* This variant beside the one in `path`, which is loaded for the time. */
static int score_divergence(struct trial *t, const char *path, int window, json_t *reply, struct err *e)
{
    const struct runtime *rt = t->runtime;
    struct divergence d = {0};
    int rc = -1;
    void *reference = calloc(1, rt->size);
    if (!reference)
        return err_set(e, ERR_ENV, "trial: out of memory");
    if (!rt->rows)
        err_set(e, ERR_USAGE, "the %s runtime gives no logits, so nothing can be held against a reference", rt->name);
    else if (!make_context(t, e) && !rt->load(reference, &t->setup.cell, path, t->setup.cpus, e))
        rc = task_divergence((struct task_side){rt, reference}, (struct task_side){rt, t->self}, t->ids, t->n_ids, window, &d, e);
    if (!rc) {
        json_t *scores = json_object_get(reply, "scores"), *each = json_array();
        for (int k = 0; k < TASK_DIVERGENCES; k++)
            json_array_append_new(scores, items_of(d.sums[k], d.windows, 2));
        for (int i = 0; i < d.tokens; i++)
            json_array_append_new(each, json_real(d.kl[i]));
        json_object_set_new(reply, "token_values", each);
    }
    divergence_free(&d);
    rt->close(reference);
    free(reference);
    return rc;
}

static int score_task(struct trial *t, const struct task *task, json_t *scores, struct err *e)
{
    double *sums[TASK_MAX_SCORERS] = {0};
    for (int k = 0; k < task->n_scorers; k++) {
        sums[k] = calloc((size_t)task->n_items * (size_t)task->scorer[k]->sums, sizeof *sums[k]);
        if (!sums[k])
            abort();
    }
    int rc = task_run(t->runtime, t->self, t->setup.cell.context + t->setup.cell.decode, task, sums, NULL, NULL, e);
    for (int k = 0; k < task->n_scorers; k++) {
        if (!rc)
            json_array_append_new(scores, items_of(sums[k], task->n_items, task->scorer[k]->sums));
        free(sums[k]);
    }
    return rc;
}

static int do_score(struct trial *t, json_t *request, json_t *reply, struct err *e)
{
    json_t *scores = json_array();
    json_object_set_new(reply, "scores", scores);
    const char *list = json_string_value(json_object_get(request, "tasks"));
    const char *reference = json_string_value(json_object_get(request, "reference"));
    int window = (int)json_integer_value(json_object_get(request, "window"));
    if (!list)
        return reference ? score_divergence(t, reference, window, reply, e) : score_text(t, window, scores, e);
    const char *folder = json_string_value(json_object_get(request, "folder"));
    if (!folder)
        return err_set(e, ERR_ENV, "protocol: a task without the folder of its tasks.ini");
    int index = (int)json_integer_value(json_object_get(request, "index")), n;
    struct task *tasks;
    if (task_list_open(&tasks, &n, list, folder, e))
        return -1;
    if (json_is_true(json_object_get(request, "chat")))
        task_list_chat(tasks, n);
    int rc = index >= 0 && index < n ? score_task(t, &tasks[index], scores, e)
                                     : err_set(e, ERR_ENV, "protocol: there is no task %d in %s", index, list);
    task_list_close(tasks, n);
    return rc;
}

static int do_exit(struct trial *t, json_t *request, json_t *reply, struct err *e)
{
    (void)request, (void)e;
    if (!t->probes) /* nothing was loaded */
        return 0;
    stretch_end(&t->whole, 0, t->probes);
    protocol_add_stretch(reply, &t->whole);
    return 0;
}

static const struct request {
    const char *name;
    int needs_load;
    int (*run)(struct trial *t, json_t *request, json_t *reply, struct err *e);
} requests[] = {
    {"load", 0, do_load}, {"measure", 1, do_measure}, {"facts", 1, do_facts}, {"score", 1, do_score}, {"exit", 0, do_exit},
};

static int answer(FILE *out, json_t *reply, struct err *e)
{
    int failed = json_dumpf(reply, out, JSON_COMPACT | JSON_REAL_PRECISION(17)) || fputc('\n', out) == EOF || fflush(out);
    json_decref(reply);
    return failed ? err_set(e, ERR_ENV, "trial: the sweep that started this process is gone") : 0;
}

/* Runs one request line; 1 when it was the last one. */
static int serve_line(struct trial *t, const char *line, FILE *out, struct err *e)
{
    struct err why = {0};
    json_t *request = json_loads(line, 0, NULL), *reply = protocol_ok();
    const char *name = json_string_value(json_object_get(request, "do"));
    const struct request *r = NULL;
    for (size_t i = 0; name && i < sizeof requests / sizeof *requests; i++)
        if (!strcmp(requests[i].name, name))
            r = &requests[i];
    int failed;
    if (!r)
        failed = err_set(&why, ERR_ENV, "trial: \"%.60s\" is no request of protocol version %d", line, PROTOCOL_VERSION);
    else if (r->needs_load && !t->loaded)
        failed = err_set(&why, ERR_ENV, "trial: %s was asked for before load", r->name);
    else
        failed = r->run(t, request, reply, &why);
    json_decref(request);
    if (failed) {
        json_decref(reply);
        reply = protocol_error(&why);
    }
    if (answer(out, reply, e))
        return -1;
    return r && r->run == do_exit;
}

int trial_serve(int in, int out, struct err *e)
{
    struct trial *t = calloc(1, sizeof *t);
    FILE *from = fdopen(in, "r"), *to = fdopen(out, "w");
    char *line = NULL;
    size_t cap = 0;
    int status = 0;
    if (!t || !from || !to) {
        status = err_set(e, ERR_ENV, "trial: cannot speak to its parent: %s", strerror(errno));
        goto out;
    }
    while (status == 0 && getline(&line, &cap, from) > 0)
        status = serve_line(t, line, to, e);
    status = status < 0 ? -1 : 0;
out:
    if (t) {
        if (t->loaded)
            t->runtime->close(t->self);
        probe_set_close(t->probes);
        stretch_free(&t->decode);
        json_decref(t->load);
        free(t->self);
        free(t->ids);
    }
    free(t);
    free(line);
    if (from)
        fclose(from);
    if (to)
        fclose(to);
    return status;
}
