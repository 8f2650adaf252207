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
#include "bench/scoring.h"

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

/* A fresh process loads the cell, measures and exits. */
static int one_process(struct sweep *w, const struct plan_cell *pc, struct outcome *o, struct err *e)
{
    const struct plan_file *file = &w->plan->files[w->plan->variants[pc->variant].file];
    struct trial_setup setup = {
        .cell = *pc->cell, .path = file->prepared.path, .text = w->config->text, .skip = w->skip, .seed = w->config->seed};
    struct child *c = NULL;
    if (topology_pick(w->plan->topology, setup.cell.threads, setup.cpus, e) ||
        child_open(&c, &(struct child_options){.program = w->config->program, .cpus = setup.cpus, .n_cpus = setup.cell.threads},
                   e))
        return -1;
    struct probe_env env = w->env;
    env.child = child_pid(c);
    struct probe_set *outside = w->config->watch_hz ? probe_set_open(&env, w->skip) : NULL;
    struct child_tick tick = {watch_tick, outside, outside ? w->config->watch_hz : 0};

    json_t *loaded = ask(w, c, protocol_load(&setup), &tick, o);
    json_t *measured = loaded ? ask(w, c, protocol_request("measure"), &tick, o) : NULL;
    if (outside)
        probe_set_watch(outside); /* the last look: everything is still mapped */
    json_t *ended = measured ? ask(w, c, protocol_request("exit"), NULL, o) : NULL;
    if (ended && outside && w->n_stretches && !strcmp(w->stretch[w->n_stretches - 1].kind, "trial"))
        probe_set_finish(outside, &w->stretch[w->n_stretches - 1].readings);
    probe_set_close(outside);
    child_close(c);
    json_decref(loaded);
    json_decref(measured);
    json_decref(ended);
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
    int64_t begin = clock_ns();
    drop_stretches(w);
    if (one_process(w, pc, &o, e))
        return -1;
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

static void on_scored(void *ctx, const char *name, const struct cell *cell, const struct outcome *o)
{
    struct sweep *w = ctx;
    if (o)
        tell(w, name, cell, o, -1);
    else
        w->progress.done++;
}

static struct scoring scoring_of(struct sweep *w, int64_t run)
{
    return (struct scoring){.store = w->store,
                            .plan = w->plan,
                            .against = w->config->reference ? w->plan : NULL,
                            .config = w->config,
                            .program = w->config->program,
                            .skip = w->skip,
                            .run = run,
                            .stop = w->hooks->stop,
                            .told = on_scored,
                            .ctx = w};
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
    struct scoring scoring = scoring_of(w, run);
    struct scoring_job job;
    for (int i = 0; i < p->n_variants; i++)
        for (int k = 0; scoring_job(&scoring, &p->variants[i], k, &job); k++)
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
    struct scoring scoring = scoring_of(w, run);
    for (int i = 0; i < w->plan->n_variants; i++)
        if (scoring_variant(&scoring, &w->plan->variants[i], e))
            return -1;
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
