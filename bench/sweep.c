/* SPDX-License-Identifier: MIT */
#include "bench/sweep.h"

#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/stats.h"
#include "bench/protocol.h"
#include "bench/record.h"
#include "bench/task.h"
#include "eval/scorer.h"

#define MAX_STRETCHES 8

struct sweep {
    struct store *store;
    struct plan *plan;
    const struct sweep_config *config;
    const struct sweep_hooks *hooks;
    struct probe_env env;
    char skip[RECORD_SKIP];  /* probes that this machine does not have, comma-separated */
    struct stretch *stretch; /* [MAX_STRETCHES] of the trial in hand */
    int n_stretches;
    double *seconds;       /* [cells] what a trial took; 0: not measured yet */
    unsigned char *valid;  /* [cells] has a valid trial */
    unsigned char *stored; /* [cells][trials]: store_trials_done */
    struct sweep_progress progress;
};

/* -- one trial -------------------------------------------------------------------------------------------------------- */

static int take_stretches(struct sweep *w, const json_t *reply, struct outcome *o)
{
    for (int i = 0; w->n_stretches < MAX_STRETCHES; i++) {
        struct err why = {0};
        int got = protocol_read_stretch(reply, i, &w->stretch[w->n_stretches], &why);
        if (got < 0) {
            o->state = "protocol";
            snprintf(o->reason, sizeof o->reason, "%s", why.msg);
            return -1;
        }
        if (!got)
            break;
        w->n_stretches++;
    }
    return 0;
}

static void drop_stretches(struct sweep *w)
{
    for (int i = 0; i < w->n_stretches; i++)
        stretch_free(&w->stretch[i]);
    w->n_stretches = 0;
}

/* Asks and takes the stretches of the answer; NULL when the trial failed.  The reply is the caller's. */
static json_t *ask(struct sweep *w, struct child *c, json_t *request, const struct child_tick *tick, struct outcome *o)
{
    json_t *reply = child_ask(c, request, w->config->timeout_s, tick, o);
    if (reply && take_stretches(w, reply, o)) {
        json_decref(reply);
        return NULL;
    }
    return reply;
}

static void watch_tick(void *ctx)
{
    probe_set_watch(ctx);
}

/* A fresh process loads the cell, does `what` ("measure" or "score") and exits.  *reply: the answer to `what`, for the caller
 * to release; NULL when the trial failed. */
static int one_process(struct sweep *w, const struct plan_cell *pc, const struct cell *cell, json_t *what, json_t **reply,
                       struct outcome *o, struct err *e)
{
    const struct plan_file *file = &w->plan->files[w->plan->variants[pc->variant].file];
    struct trial_setup setup = {
        .cell = *cell, .path = file->prepared.path, .text = w->config->text, .skip = w->skip, .seed = w->config->seed};
    struct child *c = NULL;
    *reply = NULL;
    if (topology_pick(w->plan->topology, cell->threads, setup.cpus, e) ||
        child_open(&c, &(struct child_options){.program = w->config->program, .cpus = setup.cpus, .n_cpus = cell->threads}, e)) {
        json_decref(what);
        return -1;
    }
    struct probe_env env = w->env;
    env.child = child_pid(c);
    struct probe_set *outside = w->config->watch_hz ? probe_set_open(&env, w->skip) : NULL;
    struct child_tick tick = {watch_tick, outside, outside ? w->config->watch_hz : 0};

    json_t *loaded = ask(w, c, protocol_load(&setup), &tick, o);
    if (loaded) {
        *reply = ask(w, c, what, &tick, o);
        what = NULL;
    }
    if (outside)
        probe_set_watch(outside); /* the last look: everything is still mapped */
    json_t *ended = *reply ? ask(w, c, protocol_request("exit"), NULL, o) : NULL;
    if (*reply && !ended) {
        json_decref(*reply);
        *reply = NULL;
    }
    if (ended && outside && w->n_stretches && !strcmp(w->stretch[w->n_stretches - 1].kind, "trial"))
        probe_set_finish(outside, &w->stretch[w->n_stretches - 1].readings);
    probe_set_close(outside);
    child_close(c);
    json_decref(loaded);
    json_decref(ended);
    json_decref(what);
    return 0;
}

/* Median time of a decoded token, the ms/token of a trial; -1 without a decode. */
static double ms_per_token(const struct sweep *w)
{
    for (int i = 0; i < w->n_stretches; i++) {
        const struct stretch *s = &w->stretch[i];
        if (!s->token_ns || !s->tokens)
            continue;
        double *v = calloc((size_t)s->tokens, sizeof *v);
        if (!v)
            abort();
        for (int k = 0; k < s->tokens; k++)
            v[k] = (double)s->token_ns[k];
        stats_sort(v, (size_t)s->tokens);
        double ms = stats_quantile(v, (size_t)s->tokens, 0.5) / 1e6;
        free(v);
        return ms;
    }
    return -1;
}

static int store_one(struct sweep *w, int64_t cell, int round, const struct outcome *o, struct err *e)
{
    struct store_stretch rows[MAX_STRETCHES];
    for (int i = 0; i < w->n_stretches; i++) {
        const struct stretch *s = &w->stretch[i];
        rows[i] = (struct store_stretch){.kind = s->kind,
                                         .begin_real_ns = s->begin_real_ns,
                                         .begin_ns = s->begin_ns,
                                         .ns = s->ns,
                                         .tokens = s->tokens,
                                         .token_ns = s->token_ns,
                                         .readings = &s->readings};
    }
    struct store_trial t = {
        .cell = cell, .round = round, .state = o->state, .reason = o->reason, .stretches = rows, .n_stretches = w->n_stretches};
    return store_trial(w->store, &t, e);
}

static int stopped(const struct sweep *w)
{
    return w->hooks->stop && *w->hooks->stop;
}

/* Seconds that the trials still to do will take: each cell's own time where it is known, the mean of the others' where not. */
static double seconds_left(const struct sweep *w)
{
    const struct plan *p = w->plan;
    double sum = 0, left = 0;
    int known = 0;
    for (int i = 0; i < p->matrix.n; i++) {
        known += w->seconds[i] > 0;
        sum += w->seconds[i];
    }
    if (!known)
        return -1;
    for (int i = 0; i < p->matrix.n; i++)
        for (int r = 0; r < w->config->trials && !*p->cells[i].why; r++)
            if (!w->stored[(size_t)i * (size_t)w->config->trials + (size_t)r])
                left += w->seconds[i] > 0 ? w->seconds[i] : sum / known;
    return left;
}

static void tell(struct sweep *w, const char *what, const struct cell *cell, const struct outcome *o, double ms)
{
    w->progress.done++;
    w->progress.what = what;
    w->progress.cell = cell;
    w->progress.outcome = *o;
    w->progress.ms_per_token = ms;
    w->progress.seconds_left = seconds_left(w);
    if (w->hooks->progress)
        w->hooks->progress(w->hooks->ctx, &w->progress);
}

static int run_trial(struct sweep *w, int index, int round, struct err *e)
{
    struct plan_cell *pc = &w->plan->cells[index];
    struct outcome o;
    json_t *reply;
    int64_t begin = clock_ns();
    drop_stretches(w);
    if (one_process(w, pc, pc->cell, protocol_request("measure"), &reply, &o, e))
        return -1;
    json_decref(reply);
    if (stopped(w) && strcmp(o.state, "ok") != 0)
        return 0; /* the interrupt that stops the sweep killed the trial too: it says nothing about the cell */
    if (store_one(w, pc->id, round, &o, e))
        return -1;
    w->stored[(size_t)index * (size_t)w->config->trials + (size_t)round] = !strcmp(o.state, "ok") ? 2 : 1;
    w->seconds[index] = (double)(clock_ns() - begin) / 1e9;
    double ms = -1;
    if (!strcmp(o.state, "ok")) {
        w->valid[index] = 1;
        ms = ms_per_token(w);
    }
    tell(w, "trial", pc->cell, &o, ms);
    return 0;
}

/* -- quality: once per variant ---------------------------------------------------------------------------------------- */

/* What a variant is scored on: the text, the text beside the reference, or a task. */
struct score_job {
    const char *name, *sha256;
    const struct scorer *scorer[TASK_MAX_SCORERS];
    int n_scorers;
    int context;           /* tokens that the session needs room for */
    const char *reference; /* path of the reference's weights; NULL: none is needed */
    int task;              /* index; -1: the text */
};

static void text_job(const struct sweep *w, struct score_job *job)
{
    const char *slash = strrchr(w->config->text, '/');
    job->name = slash ? slash + 1 : w->config->text;
    job->sha256 = w->plan->text_sha256;
    job->context = w->config->window;
    job->task = -1;
}

/* The weights that a variant is held against: its own model in the reference format. */
static const char *reference_of(const struct plan *p, const struct plan_variant *v, const char *format)
{
    for (int i = 0; format && i < p->n_files; i++)
        if (p->files[i].model == p->files[v->file].model && !strcmp(p->files[i].asked, format) && !*p->files[i].why)
            return p->files[i].prepared.path;
    return NULL;
}

/* The i-th job of a variant; 0 when there are no more. */
static int score_job(const struct sweep *w, const struct plan_variant *v, int i, struct score_job *job)
{
    const struct plan *p = w->plan;
    const char *reference = w->config->text ? reference_of(p, v, w->config->reference) : NULL;
    *job = (struct score_job){0};
    if (w->config->text && i-- == 0) {
        text_job(w, job);
        job->scorer[job->n_scorers++] = scorer_by_name("perplexity");
        return 1;
    }
    if (reference && i-- == 0) {
        text_job(w, job);
        job->reference = reference;
        for (int k = 0; k < TASK_DIVERGENCES; k++)
            job->scorer[job->n_scorers++] = scorer_by_name(task_divergence_scorers[k]);
        return 1;
    }
    if (i >= p->n_tasks)
        return 0;
    const struct task *t = &p->tasks[i];
    job->task = i;
    job->name = t->name;
    job->sha256 = t->sha256;
    job->context = w->config->task_context;
    job->n_scorers = t->n_scorers;
    for (int k = 0; k < t->n_scorers; k++)
        job->scorer[k] = t->scorer[k];
    return 1;
}

static json_t *score_request(const struct sweep *w, const struct score_job *job)
{
    json_t *request = protocol_request("score");
    if (job->task < 0) {
        json_object_set_new(request, "window", json_integer(w->config->window));
        if (job->reference)
            json_object_set_new(request, "reference", json_string(job->reference));
        return request;
    }
    json_object_set_new(request, "tasks", json_string(w->config->tasks));
    json_object_set_new(request, "folder", json_string(w->config->task_folder));
    json_object_set_new(request, "index", json_integer(job->task));
    json_object_set_new(request, "chat", json_boolean(w->config->chat));
    return request;
}

/* The first n numbers of a reply's list; what is no number is NaN. */
static void take_numbers(double *v, const json_t *list, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        const json_t *x = json_array_get(list, i);
        v[i] = json_is_number(x) ? json_number_value(x) : NAN;
    }
}

static int store_one_score(struct sweep *w, const struct plan_variant *v, int64_t run, const struct score_job *job, int k,
                           const json_t *reply, const struct outcome *o, struct err *e)
{
    const struct scorer *scorer = job->scorer[k];
    const json_t *items = json_array_get(json_object_get(reply, "scores"), (size_t)k);
    const json_t *each = k ? NULL : json_object_get(reply, "token_values");
    int n = (int)json_array_size(items), n_tokens = (int)json_array_size(each), done;
    if (store_score_done(w->store, run, v->id, job->name, scorer->name, &done, e))
        return -1;
    if (done) /* by a sweep that was killed between two scores of this job */
        return 0;
    double *sums = calloc((size_t)n * (size_t)scorer->sums + 1, sizeof *sums);
    double *token_values = calloc((size_t)n_tokens + 1, sizeof *token_values);
    if (!sums || !token_values)
        abort();
    for (int i = 0; i < n; i++)
        take_numbers(sums + i * scorer->sums, json_array_get(items, (size_t)i), (size_t)scorer->sums);
    take_numbers(token_values, each, (size_t)n_tokens);
    double value = scorer_value(scorer, sums, (size_t)n);
    int missing = !strcmp(o->state, "ok") && isnan(value);
    struct store_score row = {.run = run,
                              .variant = v->id,
                              .task = job->name,
                              .task_sha256 = job->sha256,
                              .scorer = scorer->name,
                              .value = value,
                              .state = missing ? "failed" : o->state,
                              .reason = missing ? "the scorer has no value: nothing to score, or a reference that it cannot read"
                                                : o->reason,
                              .sums = sums,
                              .n_items = n,
                              .n_sums = scorer->sums,
                              .token_values = n_tokens ? token_values : NULL,
                              .n_tokens = n_tokens};
    int rc = store_score(w->store, &row, e);
    free(token_values);
    free(sums);
    return rc;
}

static int run_score(struct sweep *w, const struct plan_variant *v, int64_t run, const struct score_job *job, struct err *e)
{
    const struct plan_cell *pc = &w->plan->cells[v->scored_by];
    struct cell cell = *pc->cell;
    cell.context = job->context - 1; /* with the one token to decode, exactly the room that is needed */
    cell.decode = 1;
    struct outcome o;
    json_t *reply;
    drop_stretches(w);
    if (one_process(w, pc, &cell, score_request(w, job), &reply, &o, e))
        return -1;
    if (stopped(w) && !reply)
        return 0;
    int failed = 0;
    for (int k = 0; k < job->n_scorers && !failed; k++)
        failed = store_one_score(w, v, run, job, k, reply, &o, e);
    json_decref(reply);
    if (!failed)
        tell(w, job->name, pc->cell, &o, -1);
    return failed;
}

static int is_scored(const struct sweep *w, const struct plan_variant *v)
{
    return v->scored_by >= 0 && w->plan->files[v->file].runtime->has_model;
}

/* -- the run ---------------------------------------------------------------------------------------------------------- */

static int store_cells(struct sweep *w, int64_t run, struct sweep_report *out, struct err *e)
{
    struct plan *p = w->plan;
    int trials = w->config->trials;
    for (int i = 0; i < p->matrix.n; i++) {
        struct plan_cell *pc = &p->cells[i];
        unsigned char *stored = w->stored + (size_t)i * (size_t)trials;
        if (record_cell(w->store, run, p, pc, e) || store_trials_done(w->store, pc->id, trials, stored, e))
            return -1;
        for (int r = 0; r < trials; r++) {
            out->resumed += stored[r] != 0;
            w->valid[i] |= stored[r] == 2;
        }
    }
    w->progress.total = p->n_feasible * trials;
    w->progress.done = out->resumed;
    struct score_job job;
    for (int i = 0; i < p->n_variants; i++)
        for (int k = 0; is_scored(w, &p->variants[i]) && score_job(w, &p->variants[i], k, &job); k++)
            w->progress.total++;
    return 0;
}

static int measure_all(struct sweep *w, struct err *e)
{
    int n = w->plan->matrix.n, trials = w->config->trials, failed = 0;
    int *order = calloc((size_t)n, sizeof *order);
    if (!order)
        abort();
    for (int round = 0; round < trials && !failed && !stopped(w); round++) {
        matrix_order(order, n, w->config->seed, round);
        for (int k = 0; k < n && !failed && !stopped(w); k++) {
            int i = order[k];
            if (!*w->plan->cells[i].why && !w->stored[(size_t)i * (size_t)trials + (size_t)round])
                failed = run_trial(w, i, round, e);
        }
    }
    free(order);
    return failed;
}

static int score_all(struct sweep *w, int64_t run, struct err *e)
{
    struct plan *p = w->plan;
    struct score_job job;
    for (int i = 0; i < p->n_variants; i++) {
        const struct plan_variant *v = &p->variants[i];
        for (int k = 0; is_scored(w, v) && score_job(w, v, k, &job) && !stopped(w); k++) {
            int done = 0;
            if (store_score_done(w->store, run, v->id, job.name, job.scorer[job.n_scorers - 1]->name, &done, e))
                return -1;
            if (!done && run_score(w, v, run, &job, e))
                return -1;
            w->progress.done += done;
        }
    }
    return 0;
}

static int begin_run(struct sweep *w, struct store_run record, int64_t *run, struct err *e)
{
    *run = 0;
    record.plan_key = w->plan->key;
    record.seed = w->config->seed;
    record.trials = w->config->trials;
    if (w->config->resume && store_run_find(w->store, w->plan->key, run, e))
        return -1;
    return record_run(w->store, &record, &w->env, run, w->skip, e);
}

int sweep_run(struct store *s, struct plan *p, const struct sweep_config *c, struct store_run record, const struct sweep_hooks *h,
              struct sweep_report *out, struct err *e)
{
    size_t n = (size_t)p->matrix.n;
    const char *sysroot = getenv("BENCH_SYSROOT");
    struct sweep w = {.store = s,
                      .plan = p,
                      .config = c,
                      .hooks = h,
                      .env = {.sysroot = sysroot ? sysroot : ""},
                      .stretch = calloc(MAX_STRETCHES, sizeof *w.stretch),
                      .seconds = calloc(n, sizeof *w.seconds),
                      .valid = calloc(n, 1),
                      .stored = calloc(n, (size_t)c->trials)};
    if (!w.stretch || !w.seconds || !w.valid || !w.stored)
        abort();
    *out = (struct sweep_report){0};
    void (*pipe_was)(int) = signal(SIGPIPE, SIG_IGN); /* a child that died is seen by its closed pipe */
    int failed = begin_run(&w, record, &out->run, e) || record_variants(s, p, e) || store_cells(&w, out->run, out, e) ||
                 measure_all(&w, e) || score_all(&w, out->run, e);
    out->interrupted = stopped(&w);
    if (!failed)
        failed = store_run_end(s, out->run, out->interrupted ? "interrupted" : "done", e);
    for (size_t i = 0; i < n; i++) {
        out->cells_infeasible += *p->cells[i].why != '\0';
        out->cells_measured += w.valid[i];
    }
    out->cells_failed = p->n_feasible - out->cells_measured;
    signal(SIGPIPE, pipe_was);
    drop_stretches(&w);
    free(w.stretch);
    free(w.seconds);
    free(w.valid);
    free(w.stored);
    return failed ? -1 : 0;
}
