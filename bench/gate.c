/* SPDX-License-Identifier: MIT */
#include "bench/gate.h"

#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/clock.h"
#include "bench/gate_quality.h"
#include "bench/gate_verdict.h"
#include "bench/record.h"

_Static_assert(sizeof((struct gate *)NULL)->skip == RECORD_SKIP, "room for the names of all probes");

static int stopped(const struct gate *g)
{
    return g->hooks->stop && *g->hooks->stop;
}

static struct gate_member *members_of(const struct gate *g, int cell)
{
    return g->member + cell * gate_n_metrics;
}

static struct gate_track *tracks_of(const struct gate *g, int cell)
{
    return g->track + cell * gate_n_metrics;
}

int gate_is_on(const struct gate *g, int metric)
{
    return g->config->metric[metric].on && !(gate_metrics[metric].of_model && g->head_plan == g->plan);
}

static int is_timed(const struct gate *g, int metric)
{
    return gate_is_on(g, metric) && gate_metrics[metric].value;
}

/* Is there a metric of this cell that gates and has this outcome?  Nothing of an invalid cell counts. */
static int has(const struct gate *g, int cell, enum gate_outcome outcome)
{
    for (int k = 0; !*g->cell[cell].why && k < gate_n_metrics; k++)
        if (is_timed(g, k) && members_of(g, cell)[k].gates && members_of(g, cell)[k].outcome == outcome)
            return 1;
    return 0;
}

static int count(const struct gate *g, enum gate_outcome outcome)
{
    int n = 0;
    for (int i = 0; i < g->plan->matrix.n; i++)
        n += has(g, i, outcome);
    return n;
}

double gate_seconds(const struct gate *g)
{
    return (double)(clock_ns() - g->begin_ns) / 1e9;
}

static void tell(const struct gate *g, const char *phase, int unit, int open)
{
    struct gate_progress p = {phase, "cells", unit, g->plan->matrix.n, open, gate_seconds(g)};
    if (g->hooks->progress)
        g->hooks->progress(g->hooks->ctx, &p);
}

static void invalid(struct gate_cell *c, const struct err *why)
{
    snprintf(c->why, sizeof c->why, "%.*s", (int)sizeof c->why - 1, why->msg);
}

/* -- one unit -------------------------------------------------------------------------------------------------------------- */

/* What the processes of a cell's units are told: base and null one thing, head perhaps another model. */
struct unit_setup {
    struct trial_setup base, head;
    struct gate_unit_plan plan;
};

static struct trial_setup setup_of(const struct gate *g, const struct plan *p, int cell)
{
    const struct plan_cell *pc = &p->cells[cell];
    return (struct trial_setup){.cell = *pc->cell,
                                .path = p->files[p->variants[pc->variant].file].prepared.path,
                                .text = g->sweep->text,
                                .skip = g->skip,
                                .seed = g->sweep->seed};
}

/* Copies what unit `number` runs: base takes them in turn, head so that in the long run each meets each of base's. */
static int unit_setup(const struct gate *g, int cell, int number, struct unit_setup *u, struct err *e)
{
    const char *const from[GATE_ARMS] = {[ARM_BASE] = g->base.build[number % g->base.n].path,
                                         [ARM_HEAD] = g->head.build[(number + number / g->base.n) % g->head.n].path,
                                         [ARM_NULL] = g->null.n ? g->null.build[number % g->null.n].path
                                                                : g->base.build[(number + 1) % g->base.n].path};
    for (int i = 0; i < GATE_ARMS; i++)
        if (gate_build_copy(from[i], g->stage.program[i], e))
            return -1;
    u->base = setup_of(g, g->plan, cell);
    if (topology_pick(g->plan->topology, u->base.cell.threads, u->base.cpus, e))
        return -1;
    u->head = setup_of(g, g->head_plan, cell);
    memcpy(u->head.cpus, u->base.cpus, sizeof u->head.cpus);
    u->plan =
        (struct gate_unit_plan){.program = {g->stage.program[ARM_BASE], g->stage.program[ARM_HEAD], g->stage.program[ARM_NULL]},
                                .setup = {&u->base, &u->head, &u->base},
                                .rounds = g->config->rounds,
                                .timeout_s = g->sweep->timeout_s};
    return 0;
}

static int store_one(struct gate *g, const struct gate_unit *u, int64_t cell, const char *phase, int number, struct err *e)
{
    struct store_unit row[GATE_ARMS];
    struct store_sample *sample = calloc((size_t)u->rounds * GATE_ARMS * GATE_PARTS, sizeof *sample), *s = sample;
    if (!sample)
        abort();
    for (int i = 0; i < GATE_ARMS; i++) {
        const struct gate_process *p = &u->arm[i];
        row[i] = (struct store_unit){.cell = cell,
                                     .phase = phase,
                                     .number = number,
                                     .arm = gate_arm_names[i],
                                     .place = p->place,
                                     .pad = p->pad,
                                     .state = p->outcome.state,
                                     .reason = p->outcome.reason,
                                     .peak_bytes = p->peak_bytes,
                                     .samples = s,
                                     .n_samples = p->n * GATE_PARTS};
        for (int k = 0; k < p->n; k++)
            for (int part = 0; part < GATE_PARTS; part++)
                *s++ = (struct store_sample){.round = k,
                                             .kind = gate_part_names[part],
                                             .place = p->sample[k].place,
                                             .ns = p->sample[k].part[part].ns,
                                             .tokens = p->sample[k].part[part].tokens,
                                             .token_ns = p->sample[k].part[part].token_ns,
                                             .cpu_ns = p->sample[k].part[part].cpu_ns,
                                             .run_delay_ns = p->sample[k].part[part].run_delay_ns,
                                             .nivcsw = p->sample[k].part[part].nivcsw,
                                             .instructions = p->sample[k].part[part].instructions,
                                             .energy_uj = p->sample[k].part[part].energy_uj};
    }
    int failed = store_unit(g->store, row, GATE_ARMS, e);
    free(sample);
    return failed;
}

static void keep(struct gate_track *t, int n, double base, double head)
{
    t->base = realloc(t->base, (size_t)(n + 1) * sizeof *t->base);
    t->head = realloc(t->head, (size_t)(n + 1) * sizeof *t->head);
    if (!t->base || !t->head)
        abort();
    t->base[n] = base;
    t->head[n] = head;
}

/* The unit's value of one metric, into its member (the first measurement) or the track's fresh one. */
static int take(struct gate *g, int cell, int metric, const struct gate_unit *u, int confirm, struct err *e)
{
    const struct gate_metric *m = &gate_metrics[metric];
    struct gate_member *member = &members_of(g, cell)[metric];
    struct gate_track *t = &tracks_of(g, cell)[metric];
    double v[GATE_ARMS];
    int missing = 0;
    if (t->absent)
        return 0;
    for (int i = 0; i < GATE_ARMS; i++) {
        v[i] = m->value(&u->arm[i]);
        missing += !(v[i] > 0);
    }
    if (missing == GATE_ARMS && !member->n && m->may_be_absent && !g->config->metric[metric].required) {
        t->absent = "this machine cannot measure it";
        member->gates = 0;
        member->outcome = GATE_PASS; /* nothing is open any more, and the family is smaller */
        return 0;
    }
    if (missing && !g->config->metric[metric].gates) { /* what is only told makes nothing invalid */
        t->absent = "not every process measured it";
        member->outcome = GATE_PASS;
        return 0;
    }
    if (missing)
        return err_set(e, ERR_INVALID, "%s was not measured in %d of %d processes of a unit%s", m->name, missing, GATE_ARMS,
                       missing == GATE_ARMS ? ": leave it out of gate.ini, or gate on a machine that can" : "");
    if (confirm) {
        gate_member_add(&t->fresh, log(v[ARM_HEAD] / v[ARM_BASE]), log(v[ARM_NULL] / v[ARM_BASE]));
        return 0;
    }
    keep(t, member->n, v[ARM_BASE], v[ARM_HEAD]);
    gate_member_add(member, log(v[ARM_HEAD] / v[ARM_BASE]), log(v[ARM_NULL] / v[ARM_BASE]));
    if (member->n == 1) /* what the floor is worth as a ratio */
        member->tolerance = log(1 + fmax(g->config->metric[metric].tolerance, m->floor / v[ARM_BASE]));
    return 0;
}

static int run_unit(struct gate *g, int cell, int number, int confirm, struct err *e)
{
    struct gate_cell *c = &g->cell[cell];
    struct unit_setup setup;
    struct gate_unit u;
    struct err why = {0};
    if (unit_setup(g, cell, number, &setup, e))
        return -1;
    uint64_t seed = g->sweep->seed + 1000003u * (uint64_t)(cell + 1) + 7919u * (uint64_t)(2 * number + confirm);
    int failed = gate_unit_run(&u, &setup.plan, seed, e);
    if (!failed && stopped(g)) { /* the signal that stops the gate may have ended a process too */
        gate_unit_free(&u);
        return 0;
    }
    if (!failed)
        failed = store_one(g, &u, c->plan->id, confirm ? "confirm" : "first", number, e);
    if (!failed && gate_unit_check(&u, &why))
        invalid(c, &why);
    for (int k = 0; !failed && !*c->why && k < gate_n_metrics; k++)
        if (is_timed(g, k) && take(g, cell, k, &u, confirm, &why))
            invalid(c, &why);
    double disturbed = failed || *c->why ? NAN : gate_disturbed(&u);
    if (!isnan(disturbed)) {
        c->disturbed += disturbed;
        c->disturbed_units++;
    }
    c->units += !failed && !confirm;
    gate_unit_free(&u);
    return failed;
}

/* -- facts ----------------------------------------------------------------------------------------------------------------- */

static int take_facts(struct gate *g, int cell, enum gate_arm arm, const struct readings *facts, struct err *e)
{
    for (int i = 0; i < facts->n; i++)
        if (facts->v[i].state == STATE_OK && store_fact(g->store, g->cell[cell].plan->id, gate_arm_names[arm], facts->v[i].name,
                                                        facts->v[i].unit, facts->v[i].value, e))
            return -1;
    for (int k = 0; k < gate_n_metrics; k++) {
        const struct reading *r = gate_metrics[k].fact ? readings_find(facts, gate_metrics[k].fact) : NULL;
        if (r && r->state == STATE_OK) {
            tracks_of(g, cell)[k].fact[arm] = r->value;
            tracks_of(g, cell)[k].has_fact[arm] = 1;
        }
    }
    return 0;
}

/* The one thing that no process need be asked. */
static void add_file_size(const struct gate *g, int cell, enum gate_arm arm, struct readings *facts)
{
    const struct plan *p = arm == ARM_HEAD ? g->head_plan : g->plan;
    const struct plan_file *f = &p->files[p->variants[p->cells[cell].variant].file];
    struct stat st;
    if (g->head_plan == g->plan)
        return;
    if (!strcmp(f->asked, "file")) /* all parts of it */
        readings_add(facts, "file_size", "B", p->models[f->model].facts.file_bytes);
    else if (!stat(f->prepared.path, &st))
        readings_add(facts, "file_size", "B", st.st_size);
}

static int ask_facts(struct gate *g, struct err *e)
{
    static struct readings facts;
    for (int i = 0; i < g->plan->matrix.n; i++) {
        struct unit_setup setup;
        if (*g->cell[i].why || stopped(g))
            continue;
        if (unit_setup(g, i, 0, &setup, e))
            return -1;
        for (int arm = 0; arm < GATE_ARMS && !*g->cell[i].why && !stopped(g); arm++) {
            struct outcome o;
            struct err why;
            tell(g, "facts", i, g->plan->matrix.n);
            if (gate_facts(&facts, &setup.plan, (enum gate_arm)arm, &o, e))
                return -1;
            if (strcmp(o.state, "ok") != 0 && !stopped(g)) {
                err_set(&why, ERR_INVALID, "%s: %s: %.300s", gate_arm_names[arm], o.state, o.reason);
                invalid(&g->cell[i], &why);
                continue;
            }
            add_file_size(g, i, (enum gate_arm)arm, &facts);
            if (take_facts(g, i, (enum gate_arm)arm, &facts, e))
                return -1;
        }
    }
    return 0;
}

/* -- rounds ---------------------------------------------------------------------------------------------------------------- */

/* One unit of every cell that has such a member. */
static int one_round(struct gate *g, int number, int confirm, enum gate_outcome which, struct err *e)
{
    int n = g->plan->matrix.n, failed = 0, *order = calloc((size_t)n, sizeof *order);
    if (!order)
        abort();
    matrix_order(order, n, g->sweep->seed, 2 * number + confirm);
    for (int k = 0; k < n && !failed && !stopped(g); k++)
        if (has(g, order[k], which) && (!confirm || number < g->cell[order[k]].units))
            failed = run_unit(g, order[k], number, confirm, e);
    free(order);
    return failed;
}

static int measure(struct gate *g, struct err *e)
{
    for (int unit = 0, open; !stopped(g) && (open = count(g, GATE_OPEN)) > 0; unit++) {
        g->out_of_time = (double)(clock_ns() - g->begin_ns) / 1e9 > g->config->budget_s;
        if (g->out_of_time)
            break;
        tell(g, "first", unit, open);
        if (one_round(g, unit, 0, GATE_OPEN, e))
            return -1;
        if (!stopped(g))
            gate_decide(&g->config->rule, g->member, g->plan->matrix.n * gate_n_metrics);
    }
    return 0;
}

/* As many fresh units of each suspect as it had. */
static int confirm(struct gate *g, struct err *e)
{
    int most = 0;
    for (int i = 0; i < g->plan->matrix.n; i++)
        most = has(g, i, GATE_SUSPECT) && g->cell[i].units > most ? g->cell[i].units : most;
    for (int unit = 0; unit < most && !stopped(g); unit++) {
        tell(g, "confirm", unit, count(g, GATE_SUSPECT));
        if (one_round(g, unit, 1, GATE_SUSPECT, e))
            return -1;
    }
    for (int i = 0; i < g->plan->matrix.n * gate_n_metrics && !stopped(g); i++) {
        struct gate_member *m = &g->member[i];
        struct gate_track *t = &g->track[i];
        if (m->outcome == GATE_SUSPECT && t->fresh.n)
            gate_confirm(&g->config->rule, m, t->fresh.head, t->fresh.null, t->fresh.n, &t->confirmed);
    }
    return 0;
}

/* -- the whole ------------------------------------------------------------------------------------------------------------- */

char *gate_rule_json(const struct gate_config *c)
{
    json_t *looks = json_array();
    for (int i = 0; i < c->rule.n_looks; i++)
        json_array_append_new(looks, json_integer(c->rule.look[i]));
    json_t *j = json_pack("{s:f, s:f, s:f, s:f, s:o, s:i}", "alpha", c->rule.alpha, "beta", c->rule.beta, "confirm",
                          c->rule.confirm, "q", c->rule.q, "looks", looks, "rounds", c->rounds);
    char *text = json_dumps(j, JSON_COMPACT | JSON_REAL_PRECISION(12));
    json_decref(j);
    return text;
}

static int begin(struct gate *g, struct err *e)
{
    const struct gate_config *c = g->config;
    const char *sysroot = getenv("BENCH_SYSROOT");
    char *rule = gate_rule_json(c);
    struct store_run record = g->record;
    record.plan_key = g->plan->key;
    record.seed = g->sweep->seed;
    record.trials = c->rule.look[c->rule.n_looks - 1];
    if (record_variants(g->store, g->plan, e) || record_variants(g->store, g->head_plan, e)) {
        free(rule);
        return -1;
    }
    int two = g->head_plan != g->plan;
    struct store_gate row = {.base_model = two ? g->plan->models[0].id : 0,
                             .head_model = two ? g->head_plan->models[0].id : 0,
                             .base = g->base.build[0].build,
                             .head = g->head.build[0].build,
                             .base_path = c->base ? c->base : g->base.build[0].path,
                             .head_path = c->head ? c->head : g->head.build[0].path,
                             .base_sha256 = g->base.sha256,
                             .head_sha256 = g->head.sha256,
                             .rule_version = GATE_RULE_VERSION,
                             .rule = rule};
    int failed = record_run(g->store, &record, &(struct probe_env){.sysroot = sysroot ? sysroot : ""}, &g->run, g->skip, e) ||
                 store_gate_begin(g->store, g->run, &row, e);
    for (int i = 0; i < g->plan->matrix.n && !failed; i++) {
        struct plan_cell *pc = &g->plan->cells[i];
        g->cell[i].plan = pc;
        const char *of_head = g->head_plan->cells[i].why;
        snprintf(g->cell[i].why, sizeof g->cell[i].why, "%s%.380s",
                 *pc->why || !*of_head ? "" : "head: ", *pc->why ? pc->why : of_head);
        failed = record_cell(g->store, g->run, g->plan, pc, e);
        for (int k = 0; k < gate_n_metrics; k++) {
            struct gate_member *m = &members_of(g, i)[k];
            m->p_looks = 1;
            m->gates = is_timed(g, k) && c->metric[k].gates;
            m->outcome = is_timed(g, k) ? GATE_OPEN : GATE_PASS;
        }
    }
    free(rule);
    return failed;
}

static int open_builds(struct gate *g, struct err *e)
{
    const struct gate_config *c = g->config;
    if (gate_side_open(&g->base, c->base, c->base_commit, e) || gate_side_open(&g->head, c->head, c->head_commit, e))
        return -1;
    if (c->null && gate_side_open(&g->null, c->null, c->base_commit, e))
        return -1;
    return gate_stage_open(&g->stage, &g->base.build[0], e);
}

static void check_builds(const struct gate *g, struct gate_report *out)
{
    struct err why = {0};
    if (gate_side_unchanged(&g->base, &why) || gate_side_unchanged(&g->head, &why) || gate_side_unchanged(&g->null, &why))
        snprintf(out->reason, sizeof out->reason, "%.*s", (int)sizeof out->reason - 1, why.msg);
}

static void close_gate(struct gate *g)
{
    for (int i = 0; i < g->plan->matrix.n * gate_n_metrics; i++) {
        gate_member_free(&g->member[i]);
        gate_member_free(&g->track[i].fresh);
        free(g->track[i].base);
        free(g->track[i].head);
    }
    gate_stage_close(&g->stage);
    gate_side_close(&g->base);
    gate_side_close(&g->head);
    gate_side_close(&g->null);
    free(g->cell);
    free(g->member);
    free(g->track);
    free(g);
}

int gate_run(struct store *s, struct plan *p, struct plan *head, const struct sweep_config *sweep, const struct gate_config *c,
             struct store_run record, const struct gate_hooks *h, struct gate_report *out, struct err *e)
{
    size_t cells = (size_t)p->matrix.n, members = cells * (size_t)gate_n_metrics;
    struct gate *g = calloc(1, sizeof *g);
    *out = (struct gate_report){0};
    if (!g || !(g->cell = calloc(cells, sizeof *g->cell)) || !(g->member = calloc(members, sizeof *g->member)) ||
        !(g->track = calloc(members, sizeof *g->track)))
        abort();
    g->store = s, g->plan = p, g->head_plan = head, g->record = record, g->sweep = sweep, g->config = c, g->hooks = h,
    g->begin_ns = clock_ns();
    void (*pipe_was)(int) = signal(SIGPIPE, SIG_IGN); /* a process that died is seen by its closed pipe */
    int failed = open_builds(g, e) || begin(g, e);
    out->run = g->run;
    if (!failed)
        failed = ask_facts(g, e) || measure(g, e) || confirm(g, e) || (!stopped(g) && gate_quality(g, out, e));
    out->interrupted = stopped(g);
    if (!failed && !out->interrupted) {
        check_builds(g, out);
        failed = gate_verdicts(g, out, e) || store_gate_end(s, g->run, gate_outcome_name(out->outcome), out->reason, e);
    }
    if (!failed)
        failed = store_run_end(s, g->run, out->interrupted ? "interrupted" : "done", e);
    signal(SIGPIPE, pipe_was);
    close_gate(g);
    return failed ? -1 : 0;
}
