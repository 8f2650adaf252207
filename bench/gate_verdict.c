/* SPDX-License-Identifier: MIT */
#include "bench/gate_verdict.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/stats.h"

static double percent(double log_ratio)
{
    return 100 * (exp(log_ratio) - 1);
}

static double median(const double *v, int n)
{
    if (!n)
        return NAN;
    double *copy = calloc((size_t)n, sizeof *copy);
    if (!copy)
        abort();
    memcpy(copy, v, (size_t)n * sizeof *copy);
    stats_sort(copy, (size_t)n);
    double x = stats_quantile(copy, (size_t)n, 0.5);
    free(copy);
    return x;
}

struct gate_verdict gate_verdict_blank(int64_t cell, int metric, int gates)
{
    return (struct gate_verdict){.row = {.cell = cell,
                                         .metric = gate_metrics[metric].name,
                                         .gates = gates,
                                         .tolerance = NAN,
                                         .base = NAN,
                                         .head = NAN,
                                         .estimate = NAN,
                                         .low = NAN,
                                         .high = NAN,
                                         .coverage = NAN,
                                         .lower = NAN,
                                         .upper = NAN,
                                         .p = NAN,
                                         .p_looks = NAN,
                                         .mde = NAN,
                                         .null_estimate = NAN,
                                         .null_p = NAN,
                                         .disturbed = NAN,
                                         .confirm_estimate = NAN,
                                         .confirm_lower = NAN}};
}

/* -- exact metrics --------------------------------------------------------------------------------------------------------- */

static void judge_fact(struct gate_verdict *v, const struct gate_metric *m, const struct gate_track *t, int required)
{
    const int64_t *x = t->fact;
    if (!t->has_fact[ARM_BASE] || !t->has_fact[ARM_HEAD] || !t->has_fact[ARM_NULL]) {
        int lost = t->has_fact[ARM_BASE] && !t->has_fact[ARM_HEAD];
        v->outcome = lost || required ? GATE_INVALID : GATE_OPEN;
        snprintf(v->reason, sizeof v->reason, "%s does not tell it%s", t->has_fact[ARM_BASE] ? "head" : "base",
                 t->has_fact[ARM_BASE] ? ", but base does" : ": an older build, or a runtime without");
        return;
    }
    v->row.base = (double)x[ARM_BASE];
    v->row.head = (double)x[ARM_HEAD];
    if (!m->must_equal)
        v->row.estimate = log(v->row.head / v->row.base);
    if (x[ARM_BASE] != x[ARM_NULL]) {
        v->outcome = GATE_INVALID;
        snprintf(v->reason, sizeof v->reason, "two processes of base differ in it, so it is not the same each time");
    } else {
        v->outcome = (m->must_equal ? x[ARM_HEAD] != x[ARM_BASE] : x[ARM_HEAD] > x[ARM_BASE]) ? GATE_REGRESSED : GATE_PASS;
    }
}

/* -- metrics of time and memory --------------------------------------------------------------------------------------------- */

static void say_inconclusive(struct gate_verdict *v, const struct gate *g, const struct gate_member *m,
                             const struct gate_track *t)
{
    const struct gate_judgement *j = &m->now;
    double need = ceil(j->n * pow(j->mde / m->tolerance, 2));
    const char *when = m->outcome != GATE_OPEN ? "undecided after"
                       : g->out_of_time        ? "the time budget was used up after"
                                               : "not decided when all that gates was, after";
    if (m->outcome == GATE_SUSPECT)
        snprintf(v->reason, sizeof v->reason, "suspect, but it does not gate and so was not measured again");
    else if (t->fresh.n)
        snprintf(v->reason, sizeof v->reason, "%+.1f%% in the first %d units, but %+.1f%% in %d fresh ones: not confirmed",
                 percent(j->estimate), j->n, percent(t->confirmed.estimate), t->fresh.n);
    else if (isnan(j->mde))
        snprintf(v->reason, sizeof v->reason, "%s %d of %d units; raise --budget", when, j->n, g->config->rule.look[0]);
    else
        snprintf(v->reason, sizeof v->reason, "%s %d units, which would find %.1f%%; about %.0f would find %.1f%%", when, j->n,
                 percent(j->mde), need, percent(m->tolerance));
}

static void judge_time(struct gate_verdict *v, const struct gate *g, const struct gate_cell *c, struct gate_member *m,
                       const struct gate_track *t)
{
    const struct gate_rule *r = &g->config->rule;
    if (m->outcome == GATE_OPEN) /* between two looks: to be told, not to decide */
        gate_judge(&m->now, m->head, m->null, m->n, m->tolerance, r->alpha / r->n_looks, r->beta / r->n_looks,
                   r->alpha / r->n_looks);
    const struct gate_judgement *j = &m->now;
    v->row.tolerance = m->tolerance;
    v->row.base = median(t->base, m->n);
    v->row.head = median(t->head, m->n);
    v->row.units = j->n;
    v->row.estimate = j->estimate, v->row.low = j->low, v->row.high = j->high, v->row.coverage = j->coverage;
    v->row.lower = j->lower, v->row.upper = j->upper;
    v->row.p = j->p, v->row.p_looks = m->p_looks, v->row.mde = j->mde;
    v->row.null_estimate = j->null_estimate, v->row.null_p = j->null_p;
    v->row.disturbed = c->disturbed_units ? c->disturbed / c->disturbed_units : NAN;
    v->row.confirm_units = t->fresh.n;
    if (t->fresh.n) {
        v->row.confirm_estimate = t->confirmed.estimate;
        v->row.confirm_lower = t->confirmed.lower;
    }
    v->outcome = m->outcome == GATE_OPEN || m->outcome == GATE_SUSPECT ? GATE_INCONCLUSIVE : m->outcome;
    if (v->outcome == GATE_INVALID)
        snprintf(
            v->reason, sizeof v->reason,
            "the null arm, base against itself, differs by %+.1f%%: something else than the change tells programs apart here",
            percent((t->fresh.n ? &t->confirmed : j)->null_estimate));
    else if (v->outcome == GATE_INCONCLUSIVE)
        say_inconclusive(v, g, m, t);
}

/* -- all ------------------------------------------------------------------------------------------------------------------- */

static void judge(struct gate_verdict *v, struct gate *g, int cell, int metric)
{
    const struct gate_setting *s = &g->config->metric[metric];
    struct gate_track *t = &g->track[cell * gate_n_metrics + metric];
    *v = gate_verdict_blank(g->cell[cell].plan->id, metric, s->gates);
    if (*g->cell[cell].why) {
        v->outcome = GATE_INVALID;
        snprintf(v->reason, sizeof v->reason, "%s", g->cell[cell].why);
    } else if (t->absent) {
        v->outcome = GATE_OPEN;
        snprintf(v->reason, sizeof v->reason, "%s", t->absent);
    } else if (gate_metrics[metric].fact) {
        judge_fact(v, &gate_metrics[metric], t, s->required);
    } else if (!g->member[cell * gate_n_metrics + metric].n && !g->out_of_time && !s->gates) {
        v->outcome = GATE_OPEN;
        snprintf(v->reason, sizeof v->reason, "not measured, for no time gates here");
    } else {
        judge_time(v, g, &g->cell[cell], &g->member[cell * gate_n_metrics + metric], t);
    }
}

/* What counts first: a regression is one, whatever else is wrong beside it. */
static enum gate_outcome worst(const struct gate_report *r)
{
    static const enum gate_outcome order[] = {GATE_REGRESSED, GATE_INVALID, GATE_INCONCLUSIVE, GATE_PASS};
    for (size_t i = 0; i < sizeof order / sizeof *order; i++)
        if (r->count[order[i]])
            return order[i];
    return GATE_INVALID; /* nothing was compared */
}

int gate_verdicts_store(struct store *s, struct gate_verdict *v, int n, struct gate_report *out, struct err *e)
{
    struct store_verdict *row = calloc((size_t)n + 1, sizeof *row);
    if (!row)
        abort();
    for (int i = 0; i < n; i++) {
        v[i].row.outcome = v[i].outcome == GATE_OPEN ? "absent" : gate_outcome_name(v[i].outcome);
        v[i].row.reason = v[i].reason;
        out->count[v[i].outcome] += v[i].row.gates && v[i].outcome != GATE_OPEN;
        row[i] = v[i].row;
    }
    out->outcome = *out->reason ? GATE_INVALID : worst(out);
    if (!*out->reason && !out->count[GATE_PASS] && out->outcome == GATE_INVALID && !out->count[GATE_INVALID])
        snprintf(out->reason, sizeof out->reason, "nothing was compared: no metric that gates could be measured");
    int failed = store_verdicts(s, row, n, e);
    free(row);
    return failed;
}

int gate_verdicts(struct gate *g, struct gate_report *out, struct err *e)
{
    int n = 0;
    struct gate_verdict *v = calloc((size_t)g->plan->matrix.n * (size_t)gate_n_metrics + 1, sizeof *v);
    if (!v)
        abort();
    for (int i = 0; i < g->plan->matrix.n; i++)
        for (int k = 0; k < gate_n_metrics; k++)
            if (gate_is_on(g, k))
                judge(&v[n++], g, i, k);
    int failed = gate_verdicts_store(g->store, v, n, out, e);
    free(v);
    return failed;
}
