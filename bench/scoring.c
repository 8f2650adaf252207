/* SPDX-License-Identifier: MIT */
#include "bench/scoring.h"

#include <jansson.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "bench/protocol.h"
#include "bench/task.h"

static int stopped(const struct scoring *w)
{
    return w->stop && *w->stop;
}

/* -- jobs ------------------------------------------------------------------------------------------------------------------ */

static void text_job(const struct scoring *w, struct scoring_job *job)
{
    const char *slash = strrchr(w->config->text, '/');
    job->name = slash ? slash + 1 : w->config->text;
    job->sha256 = w->plan->text_sha256;
    job->context = w->config->window;
    job->task = -1;
}

static const char *reference_of(const struct scoring *w, const struct plan_variant *v)
{
    const struct plan *p = w->against;
    const struct plan_file *own = &w->plan->files[v->file];
    const char *format = w->config->reference ? w->config->reference : own->asked;
    for (int i = 0; p && i < p->n_files; i++)
        if (p->files[i].model == own->model && !strcmp(p->files[i].asked, format) && !*p->files[i].why)
            return p->files[i].prepared.path;
    return NULL;
}

int scoring_job(const struct scoring *w, const struct plan_variant *v, int i, struct scoring_job *job)
{
    const struct plan *p = w->plan;
    *job = (struct scoring_job){0};
    if (v->scored_by < 0 || !p->files[v->file].runtime->has_model)
        return 0;
    if (w->config->text && i-- == 0) {
        text_job(w, job);
        job->scorer[job->n_scorers++] = scorer_by_name("perplexity");
        return 1;
    }
    const char *reference = w->config->text ? reference_of(w, v) : NULL;
    if (w->config->text && reference && i-- == 0) {
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

/* -- one process ------------------------------------------------------------------------------------------------------------ */

static json_t *request_of(const struct scoring *w, const struct scoring_job *job)
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

/* Loads the variant, asks, ends.  *reply: the answer, for the caller to release; NULL when there was none. */
static int ask(const struct scoring *w, const struct plan_variant *v, const struct scoring_job *job, json_t **reply,
               struct outcome *o, struct err *e)
{
    struct trial_setup setup = {.cell = *w->plan->cells[v->scored_by].cell,
                                .path = w->plan->files[v->file].prepared.path,
                                .text = w->config->text,
                                .skip = w->skip,
                                .seed = w->config->seed};
    struct child *c;
    *reply = NULL;
    *o = (struct outcome){.state = "ok"};
    setup.cell.context = job->context - 1; /* with the one token to decode, exactly the room that is needed */
    setup.cell.decode = 1;
    if (topology_pick(w->plan->topology, setup.cell.threads, setup.cpus, e) ||
        child_open(&c, &(struct child_options){.program = w->program, .cpus = setup.cpus, .n_cpus = setup.cell.threads}, e))
        return -1;
    json_t *loaded = child_ask(c, protocol_load(&setup), w->config->timeout_s, NULL, o);
    if (loaded)
        *reply = child_ask(c, request_of(w, job), w->config->timeout_s, NULL, o);
    json_t *ended = *reply ? child_ask(c, protocol_request("exit"), w->config->timeout_s, NULL, o) : NULL;
    if (*reply && !ended) {
        json_decref(*reply);
        *reply = NULL;
    }
    child_close(c);
    json_decref(loaded);
    json_decref(ended);
    return 0;
}

/* -- scores ----------------------------------------------------------------------------------------------------------------- */

/* The first n numbers of a reply's list; what is no number is NaN. */
static void take_numbers(double *v, const json_t *list, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        const json_t *x = json_array_get(list, i);
        v[i] = json_is_number(x) ? json_number_value(x) : NAN;
    }
}

static int store_one(const struct scoring *w, const struct plan_variant *v, const struct scoring_job *job, int k,
                     const json_t *reply, const struct outcome *o, struct err *e)
{
    const struct scorer *scorer = job->scorer[k];
    const json_t *items = json_array_get(json_object_get(reply, "scores"), (size_t)k);
    const json_t *each = k ? NULL : json_object_get(reply, "token_values");
    int n = (int)json_array_size(items), n_tokens = (int)json_array_size(each), done;
    if (store_score_done(w->store, w->run, v->id, job->name, scorer->name, &done, e))
        return -1;
    if (done) /* by a program that was killed between two scores of this job */
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
    struct store_score row = {.run = w->run,
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

static int run_job(const struct scoring *w, const struct plan_variant *v, const struct scoring_job *job, struct err *e)
{
    struct outcome o;
    json_t *reply;
    if (ask(w, v, job, &reply, &o, e))
        return -1;
    if (stopped(w) && !reply)
        return 0;
    int failed = 0;
    for (int k = 0; k < job->n_scorers && !failed; k++)
        failed = store_one(w, v, job, k, reply, &o, e);
    json_decref(reply);
    if (!failed && w->told)
        w->told(w->ctx, job->name, w->plan->cells[v->scored_by].cell, &o);
    return failed;
}

int scoring_variant(const struct scoring *w, const struct plan_variant *v, struct err *e)
{
    struct scoring_job job;
    for (int k = 0; scoring_job(w, v, k, &job) && !stopped(w); k++) {
        int done = 0;
        if (store_score_done(w->store, w->run, v->id, job.name, job.scorer[job.n_scorers - 1]->name, &done, e))
            return -1;
        if (!done && run_job(w, v, &job, e))
            return -1;
        if (done && w->told)
            w->told(w->ctx, job.name, w->plan->cells[v->scored_by].cell, NULL);
    }
    return 0;
}
