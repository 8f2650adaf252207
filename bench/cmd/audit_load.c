/* Every recorded run, replayed.  One gate is in memory at a time. */
/* SPDX-License-Identifier: MIT */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/stats.h"
#include "bench/cmd/audit.h"
#include "bench/cmd/rows.h"
#include "bench/gate_past.h"
#include "bench/gate_rivals.h"
#include "results/store_audit.h"

const char *const audit_kind_names[AUDIT_KINDS] = {"tune", "calibrate", "equal", "effect"};

int audit_kind_of(const char *name)
{
    int k = 0;
    while (k < AUDIT_KINDS && strcmp(name, audit_kind_names[k]) != 0)
        k++;
    return k;
}

static void *grown(void *p, int n, size_t size)
{
    p = realloc(p, (size_t)(n + 1) * size);
    if (!p)
        abort();
    return p;
}

static char *copied(const char *text)
{
    char *copy = strdup(text);
    if (!copy)
        abort();
    return copy;
}

/* -- what other rules see ---------------------------------------------------------------------------------------------------- */

static void add_process(struct gate_side *s, const struct gate_metric *m, const struct gate_process *p)
{
    double sum = 0, *sorted = calloc((size_t)p->n + 1, sizeof *sorted);
    s->median = grown(s->median, (int)s->n, sizeof *s->median);
    s->mean = grown(s->mean, (int)s->n, sizeof *s->mean);
    s->sample = grown(s->sample, (int)s->n_samples + p->n, sizeof *s->sample);
    if (!sorted)
        abort();
    for (int k = 0; k < p->n; k++) {
        struct gate_process one = *p; /* a process of one round: its value is that round's */
        one.sample += k;
        one.n = 1;
        sum += sorted[k] = s->sample[s->n_samples++] = m->value(&one);
    }
    stats_sort(sorted, (size_t)p->n);
    s->median[s->n] = stats_quantile(sorted, (size_t)p->n, 0.5);
    s->mean[s->n++] = sum / p->n;
    free(sorted);
}

/* 0 where something was not measured. */
static int side_of(struct gate_side *s, const struct gate_past_cell *c, int metric, enum gate_arm arm, int from, int to)
{
    int good = to > from;
    *s = (struct gate_side){0};
    for (int i = from; i < to && good; i++)
        good = c->whole[i] && c->metric[metric].value[i * GATE_ARMS + (int)arm] > 0;
    for (int i = from; i < to && good; i++)
        add_process(s, &gate_metrics[metric], &c->unit[i].arm[arm]);
    return good;
}

static void free_side(struct gate_side *s)
{
    free(s->median);
    free(s->mean);
    free(s->sample);
}

static void judge(struct audit_row *row, const struct gate_past_cell *c)
{
    const int base_to[AUDIT_ORDERS] = {c->n / 2, c->n}, head_from[AUDIT_ORDERS] = {c->n / 2, 0};
    row->judged = 1;
    for (int order = 0; order < AUDIT_ORDERS; order++) {
        struct gate_side base, head;
        row->judged &= side_of(&base, c, row->metric, ARM_BASE, 0, base_to[order]);
        row->judged &= side_of(&head, c, row->metric, ARM_HEAD, head_from[order], c->n);
        for (int i = 0; row->judged && i < gate_n_rivals; i++)
            row->slower[order] |= gate_rivals[i].slower(&base, &head) ? 1u << i : 0;
        free_side(&base);
        free_side(&head);
    }
}

/* -- one run ----------------------------------------------------------------------------------------------------------------- */

/* Log ratios head / base of the first n units, ascending; fewer where some were not measured. */
static int ratios(double *out, const struct gate_past_metric *m, int n)
{
    int k = 0;
    for (int i = 0; m->value && i < n; i++) {
        double x = log(m->value[i * GATE_ARMS + ARM_HEAD] / m->value[i * GATE_ARMS + ARM_BASE]);
        if (isfinite(x))
            out[k++] = x;
    }
    stats_sort(out, (size_t)k);
    return k;
}

static void add_row(struct audit *a, int run, const struct gate_past *p, const struct gate_past_cell *c, int metric,
                    const struct gate_replayed *again, int rivals)
{
    const struct gate_past_metric *m = &c->metric[metric];
    a->row = grown(a->row, a->n_rows, sizeof *a->row);
    struct audit_row *row = &a->row[a->n_rows++];
    *row = (struct audit_row){.run = run,
                              .label = copied(c->label),
                              .metric = metric,
                              .gates = m->gates && strcmp(m->outcome, "absent") != 0,
                              .timed = !strcmp(gate_metrics[metric].unit, "ms"),
                              .replayed = again->outcome,
                              .units = m->units + m->confirm_units,
                              .low = NAN,
                              .high = NAN,
                              .coverage = NAN,
                              .achieved = NAN,
                              .from = NAN,
                              .to = NAN};
    memcpy(row->outcome, m->outcome, sizeof row->outcome);
    int judged = again->outcome && again->units && strcmp(m->outcome, "invalid") != 0;
    row->same = p->rule_version != GATE_RULE_VERSION || !again->outcome ||
                (!strcmp(again->outcome, m->outcome) &&
                 (!judged || (fabs(again->estimate - m->estimate) < 1e-9 && again->units == m->units)));
    double *v = calloc((size_t)c->n + 1, sizeof *v);
    if (!v)
        abort();
    int look = p->rule.look[0], n = look <= c->first ? ratios(v, m, look) : 0;
    if (n == look && n > 1) {
        struct interval x = stats_median_interval(v, (size_t)n, AUDIT_LEVEL);
        row->low = x.low, row->high = x.high, row->coverage = x.coverage;
    }
    free(v);
    if (rivals && row->gates && row->timed && c->n)
        judge(row, c);
}

static struct audit_effect *effect_of(struct audit *a, double effect, const char *condition, const char *label, int metric)
{
    for (int i = 0; i < a->n_effects; i++) {
        struct audit_effect *x = &a->effect[i];
        if (fabs(x->effect - effect) < 1e-9 && x->metric == metric && !strcmp(x->label, label) &&
            !strcmp(x->condition, condition))
            return x;
    }
    return NULL;
}

static void calibrate(struct audit *a, const struct audit_run *r, const struct gate_past_cell *c, int metric)
{
    struct audit_effect *x = effect_of(a, r->effect, r->condition, c->label, metric);
    if (!x) {
        a->effect = grown(a->effect, a->n_effects, sizeof *a->effect);
        x = &a->effect[a->n_effects++];
        *x = (struct audit_effect){
            .effect = r->effect, .condition = copied(r->condition), .label = copied(c->label), .metric = metric};
    }
    x->ratio = grown(x->ratio, x->n + c->n, sizeof *x->ratio);
    x->n += ratios(x->ratio + x->n, &c->metric[metric], c->n);
}

static int add_run(struct audit *a, struct store *s, int run, int rivals, struct err *e)
{
    struct audit_run *r = &a->run[run];
    struct gate_past p;
    struct gate_replayed *again = NULL;
    int failed = gate_past_load(&p, s, r->run, e);
    if (!failed) {
        memcpy(r->outcome, p.outcome, sizeof r->outcome);
        r->seconds = p.seconds;
        again = calloc((size_t)p.n * (size_t)gate_n_metrics + 1, sizeof *again);
        if (!again)
            abort();
        gate_past_replay(&p, again);
        a->other_rule += p.rule_version != GATE_RULE_VERSION;
    }
    for (int i = 0; !failed && i < p.n * gate_n_metrics; i++) {
        const struct gate_past_cell *c = &p.cell[i / gate_n_metrics];
        int metric = i % gate_n_metrics;
        if (!c->metric[metric].on)
            continue;
        if (r->kind == AUDIT_EQUAL || r->kind == AUDIT_EFFECT)
            add_row(a, run, &p, c, metric, &again[i], rivals);
        else if (r->kind == AUDIT_CALIBRATE)
            calibrate(a, r, c, metric);
    }
    free(again);
    gate_past_free(&p);
    return failed;
}

/* -- all --------------------------------------------------------------------------------------------------------------------- */

static void score(struct audit *a)
{
    for (int i = 0; i < a->n_effects; i++)
        stats_sort(a->effect[i].ratio, (size_t)a->effect[i].n);
    for (int i = 0; i < a->n_rows; i++) {
        struct audit_row *row = &a->row[i];
        const struct audit_run *r = &a->run[row->run];
        const struct audit_effect *x = effect_of(a, r->effect, r->condition, row->label, row->metric);
        if (r->kind == AUDIT_EQUAL) {
            row->achieved = row->from = row->to = 0;
        } else if (x && x->n) {
            struct interval v = stats_median_interval(x->ratio, (size_t)x->n, AUDIT_LEVEL);
            row->achieved = v.median, row->from = v.low, row->to = v.high;
        }
    }
}

int audit_load(struct audit *a, struct store *s, int rivals, struct err *e)
{
    struct rows r = {0};
    int there, failed = 0;
    *a = (struct audit){0};
    if (store_audit_there(s, &there, e))
        return -1;
    if (there &&
        rows_load(
            &r, s,
            "SELECT a.run, a.kind, a.effect, a.condition, g.base_sha256 || g.head_sha256 AS programs FROM audit a JOIN gate g ON g.run = a.run "
            "WHERE g.outcome IS NOT NULL ORDER BY a.run",
            NULL, e))
        return -1;
    for (int i = 0; i < r.n && !failed; i++) {
        double run, effect;
        rows_number(&r, i, "run", &run);
        rows_number(&r, i, "effect", &effect);
        a->run = grown(a->run, a->n_runs, sizeof *a->run);
        a->run[a->n_runs++] = (struct audit_run){
            .run = (int64_t)run, .kind = (enum audit_kind)audit_kind_of(rows_get(&r, i, "kind")), .effect = effect};
        snprintf(a->run[i].condition, sizeof a->run[i].condition, "%s", rows_get(&r, i, "condition"));
        snprintf(a->run[i].programs, sizeof a->run[i].programs, "%s", rows_get(&r, i, "programs"));
        failed = add_run(a, s, i, rivals, e);
    }
    rows_free(&r);
    if (!failed && !a->n_runs)
        return err_set(e, ERR_INVALID, "audit: this database has no recorded run of the gate yet: ci/gate_trial makes some");
    score(a);
    return failed;
}

int audit_effects(const struct audit *a, double effect[AUDIT_MAX_EFFECTS])
{
    int n = 0;
    for (int i = 0; i < a->n_runs; i++) {
        int at = 0;
        while (at < n && effect[at] < a->run[i].effect - 1e-9)
            at++;
        if (a->run[i].kind != AUDIT_EFFECT || n == AUDIT_MAX_EFFECTS || (at < n && fabs(effect[at] - a->run[i].effect) < 1e-9))
            continue;
        memmove(effect + at + 1, effect + at, (size_t)(n - at) * sizeof *effect);
        effect[at] = a->run[i].effect;
        n++;
    }
    return n;
}

void audit_free(struct audit *a)
{
    for (int i = 0; i < a->n_rows; i++)
        free(a->row[i].label);
    for (int i = 0; i < a->n_effects; i++) {
        free(a->effect[i].condition);
        free(a->effect[i].label);
        free(a->effect[i].ratio);
    }
    free(a->run);
    free(a->row);
    free(a->effect);
    *a = (struct audit){0};
}
