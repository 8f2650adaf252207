/* SPDX-License-Identifier: MIT */
#include "bench/gate_quality.h"

#include <stdlib.h>
#include <string.h>

#include "bench/record.h"
#include "bench/scoring.h"

/* One arm: its model, its program, and the run that keeps its scores. */
struct side {
    struct plan *plan;
    const struct gate_build *build;
    int64_t run;
};

static int logits_index(void)
{
    static int index = -1;
    return index < 0 ? index = gate_metric_index("logits") : index;
}

static int two_models(const struct gate *g)
{
    return g->head_plan != g->plan && strcmp(g->plan->models[0].facts.sha256, g->head_plan->models[0].facts.sha256) != 0;
}

/* A cell of the variant that was not invalid; -1: there is none. */
static int valid_cell(const struct gate *g, int variant)
{
    for (int i = 0; i < g->plan->matrix.n; i++)
        if (g->plan->cells[i].variant == variant && !*g->cell[i].why)
            return i;
    return -1;
}

static int same_logits(const struct gate *g, int variant)
{
    for (int i = 0; i < g->plan->matrix.n; i++) {
        const struct gate_track *t = &g->track[i * gate_n_metrics + logits_index()];
        if (g->plan->cells[i].variant == variant && !*g->cell[i].why &&
            (!t->has_fact[ARM_BASE] || !t->has_fact[ARM_HEAD] || t->fact[ARM_BASE] != t->fact[ARM_HEAD]))
            return 0;
    }
    return !two_models(g);
}

static struct scoring scoring_of(const struct gate *g, const struct side *side)
{
    return (struct scoring){.store = g->store,
                            .plan = side->plan,
                            .against = two_models(g) || g->sweep->reference ? g->plan : NULL,
                            .config = g->sweep,
                            .program = side->build->path,
                            .skip = g->skip,
                            .run = side->run,
                            .stop = g->hooks->stop};
}

/* A run of this arm's build, with its cells; it gets no trials. */
static int begin_side(struct gate *g, struct side *side, struct err *e)
{
    const char *sysroot = getenv("BENCH_SYSROOT");
    struct store_run record = g->record;
    char skip[RECORD_SKIP];
    record.build = side->build->build;
    record.plan_key = side->plan->key;
    record.seed = g->sweep->seed;
    record.trials = 1;
    if (record_run(g->store, &record, &(struct probe_env){.sysroot = sysroot ? sysroot : ""}, &side->run, skip, e))
        return -1;
    for (int i = 0; i < side->plan->matrix.n; i++) {
        struct plan_cell copy = side->plan->cells[i]; /* the ids of the plan's are those of the gate's own run */
        if (record_cell(g->store, side->run, side->plan, &copy, e))
            return -1;
    }
    return 0;
}

static void tell(const struct gate *g, int done, int all)
{
    struct gate_progress p = {"score", "variants", done, all, all - done, gate_seconds(g)};
    if (g->hooks->progress)
        g->hooks->progress(g->hooks->ctx, &p);
}

/* Scores the variants that need it, on both sides. */
static int score(struct gate *g, struct side side[2], const unsigned char *needed, int n_needed, struct err *e)
{
    int done = 0;
    if (begin_side(g, &side[0], e) || begin_side(g, &side[1], e) ||
        store_gate_runs(g->store, g->run, side[0].run, side[1].run, e))
        return -1;
    for (int i = 0; i < g->plan->n_variants; i++)
        for (int arm = 0; arm < 2 && needed[i]; arm++) {
            struct scoring w = scoring_of(g, &side[arm]);
            tell(g, done++, 2 * n_needed);
            if (scoring_variant(&w, &side[arm].plan->variants[i], e))
                return -1;
        }
    const char *state = g->hooks->stop && *g->hooks->stop ? "interrupted" : "done";
    return store_run_end(g->store, side[0].run, state, e) || store_run_end(g->store, side[1].run, state, e);
}

static void same(struct gate *g, struct gate_scores *q, const struct side *base, int variant)
{
    struct scoring w = scoring_of(g, base);
    struct scoring_job job;
    for (int i = 0; scoring_job(&w, &g->plan->variants[variant], i, &job); i++)
        for (int k = 0; k < job.n_scorers; k++)
            gate_scores_same(q, g->cell[valid_cell(g, variant)].plan->id, job.name, job.scorer[k]);
}

static int any_job(const struct gate *g, const struct side *base, int variant)
{
    struct scoring w = scoring_of(g, base);
    struct scoring_job job;
    return scoring_job(&w, &g->plan->variants[variant], 0, &job);
}

int gate_quality(struct gate *g, struct gate_report *out, struct err *e)
{
    struct side side[2] = {{g->plan, &g->base.build[0], 0}, {g->head_plan, &g->head.build[0], 0}};
    struct gate_scores *q = gate_scores_open(g->store, g->config);
    unsigned char *needed = calloc((size_t)g->plan->n_variants + 1, 1);
    int n_needed = 0, failed = 0;
    if (!needed)
        abort();
    for (int i = 0; i < g->plan->n_variants; i++)
        if (valid_cell(g, i) >= 0 && any_job(g, &side[0], i)) {
            needed[i] = g->config->always_score || !same_logits(g, i);
            n_needed += needed[i];
            if (!needed[i])
                same(g, q, &side[0], i);
        }
    if (n_needed)
        failed = score(g, side, needed, n_needed, e);
    for (int i = 0; i < g->plan->n_variants && !failed && !(g->hooks->stop && *g->hooks->stop); i++) {
        if (!needed[i])
            continue;
        struct gate_pair pair = {.cell = g->cell[valid_cell(g, i)].plan->id,
                                 .base_run = side[0].run,
                                 .base_variant = g->plan->variants[i].id,
                                 .head_run = side[1].run,
                                 .head_variant = g->head_plan->variants[i].id};
        failed = gate_scores_compare(q, &pair, e);
    }
    if (!failed)
        failed = gate_scores_decide(q, out, e);
    gate_scores_close(q);
    free(needed);
    return failed;
}
