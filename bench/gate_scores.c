/* Verdicts on scores: read from the store in pairs, compared, decided, stored. */
/* SPDX-License-Identifier: MIT */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/stats.h"
#include "bench/gate_quality.h"
#include "bench/task.h"

struct verdict {
    struct store_quality row; /* its texts are those below */
    const struct scorer *scorer;
    char task[200], reason[800];
    double worse; /* how much, in the score's unit */
    enum gate_outcome outcome;
};

/* Answers that are right or wrong, of all tasks of a pair: of a task by the first of its scorers that says so. */
struct pool {
    double *a, *b;
    int n, tasks;
    char last[200]; /* task */
};

#define POOL "all answers" /* the task under which they are judged */

struct gate_scores {
    struct store *store;
    const struct gate_config *config;
    const struct gate_pair *pair; /* in hand */
    struct pool pool;             /* of that */
    int swapped;                  /* its sides are, to find what only head has */
    struct verdict *v;
    int n;
    struct err *e;
    int failed;
};

struct gate_setting gate_score_default(const struct scorer *s)
{
    int told = 0; /* what is measured against a reference says how far head is from it, not how good it is */
    for (int k = 0; k < TASK_DIVERGENCES; k++)
        told |= !strcmp(s->name, task_divergence_scorers[k]);
    return (struct gate_setting){
        .on = 1, .gates = !told, .tolerance = s->scale == SCORER_RATIO || s->scale == SCORER_NATS ? 0.001 : 0.005};
}

static const struct gate_setting *setting_of(const struct gate_scores *q, const char *task, const struct scorer *s)
{
    size_t n = strlen(task);
    int i = 0;
    for (int k = 0; k < q->config->n_own; k++) {
        const char *name = q->config->own[k].name;
        if (!strncmp(name, task, n) && name[n] == ':' && !strcmp(name + n + 1, s->name))
            return &q->config->own[k].set;
    }
    while (scorers[i] != s)
        i++;
    return &q->config->score[i];
}

struct gate_scores *gate_scores_open(struct store *s, const struct gate_config *c)
{
    struct gate_scores *q = calloc(1, sizeof *q);
    if (!q)
        abort();
    q->store = s;
    q->config = c;
    return q;
}

void gate_scores_close(struct gate_scores *q)
{
    if (q)
        free(q->v);
    free(q);
}

static struct verdict *add(struct gate_scores *q, int64_t cell, const char *task, const struct scorer *s)
{
    q->v = realloc(q->v, (size_t)(q->n + 1) * sizeof *q->v);
    if (!q->v)
        abort();
    struct verdict *v = &q->v[q->n++];
    *v = (struct verdict){.scorer = s,
                          .outcome = GATE_OPEN,
                          .worse = NAN,
                          .row = {.cell = cell,
                                  .scorer = s->name,
                                  .test = "",
                                  .gates = setting_of(q, task, s)->gates,
                                  .margin = NAN,
                                  .base = NAN,
                                  .head = NAN,
                                  .difference = NAN,
                                  .low = NAN,
                                  .high = NAN,
                                  .lower = NAN,
                                  .upper = NAN,
                                  .p = NAN,
                                  .mde = NAN}};
    snprintf(v->task, sizeof v->task, "%s", task);
    return v;
}

void gate_scores_same(struct gate_scores *q, int64_t cell, const char *task, const struct scorer *scorer)
{
    if (!setting_of(q, task, scorer)->on)
        return;
    struct verdict *v = add(q, cell, task, scorer);
    v->row.test = "logits";
    v->outcome = GATE_PASS;
}

/* -- one pair of scores ----------------------------------------------------------------------------------------------------- */

static void invalid(struct verdict *v, const char *side, const char *why)
{
    v->outcome = GATE_INVALID;
    snprintf(v->reason, sizeof v->reason, "%s%s%s", side, *side ? ": " : "", why);
}

int gate_score_judge(struct gate_score *j, const struct gate_rule *r, const struct scorer *s, double tolerance, const double *a,
                     const double *b, int n, struct err *e)
{
    int down = s->lower_is_better;
    struct tails tails = down ? (struct tails){r->alpha, r->beta} : (struct tails){r->beta, r->alpha};
    if (compare_sums(&j->c, s, a, b, n, tails, e))
        return -1;
    const struct paired *d = &j->c.p;
    j->worse = down ? d->difference : -d->difference;
    j->margin = 100 * tolerance * scorer_percent(s, d->a);
    j->lower = down ? d->low : -d->high;
    j->upper = down ? d->high : -d->low;
    j->p = j->worse > 0 ? d->p / 2 : 1 - d->p / 2;
    return 0;
}

enum gate_outcome gate_score_outcome(const struct gate_score *j, int rejected)
{
    return j->c.same ? GATE_PASS : gate_decide_quality(j->worse, j->lower, j->upper, j->margin, rejected);
}

static int judge(struct gate_scores *q, struct verdict *v, const double *a, const double *b, int n, struct err *e)
{
    const struct gate_rule *r = &q->config->rule;
    struct comparison shown;
    struct gate_score j;
    if (compare_sums(&shown, v->scorer, a, b, n, TAILS_95, e) ||
        gate_score_judge(&j, r, v->scorer, setting_of(q, v->task, v->scorer)->tolerance, a, b, n, e))
        return -1;
    double z = stats_normal_quantile(1 - r->alpha);
    v->worse = j.worse;
    v->row.test = j.c.same ? "items" : j.c.test;
    v->row.items = n;
    v->row.margin = j.margin;
    v->row.base = j.c.p.a, v->row.head = j.c.p.b, v->row.difference = j.c.p.difference;
    v->row.low = shown.p.low, v->row.high = shown.p.high;
    v->row.lower = j.lower, v->row.upper = j.upper, v->row.p = j.p;
    v->row.mde = (z + stats_normal_quantile(0.8)) * (j.upper - j.lower) / (z + stats_normal_quantile(1 - r->beta));
    if (j.c.same)
        v->outcome = GATE_PASS;
    return 0;
}

static void pool_add(struct pool *p, const struct verdict *v, const double *a, const double *b, int n)
{
    if (!v->scorer->right_or_wrong || !strcmp(p->last, v->task))
        return;
    p->a = realloc(p->a, (size_t)(p->n + n) * sizeof *p->a);
    p->b = realloc(p->b, (size_t)(p->n + n) * sizeof *p->b);
    if (n && (!p->a || !p->b))
        abort();
    for (int i = 0; i < n; i++) {
        p->a[p->n + i] = a[i];
        p->b[p->n + i] = b[i];
    }
    p->n += n;
    p->tasks++;
    snprintf(p->last, sizeof p->last, "%s", v->task);
}

/* What is too little to be seen in one task shows in several. */
static void pool_judge(struct gate_scores *q)
{
    const struct scorer *s = scorer_by_name("exact");
    struct err why;
    if (q->pool.tasks > 1 && setting_of(q, POOL, s)->on) {
        struct verdict *v = add(q, q->pair->cell, POOL, s);
        if (judge(q, v, q->pool.a, q->pool.b, q->pool.n, &why))
            invalid(v, "", why.msg);
    }
}

static int load_and_judge(struct gate_scores *q, struct verdict *v, int64_t base, int64_t head, struct err *e)
{
    double *a = NULL, *b = NULL;
    int n_a, n_b, rc = 0;
    struct err why;
    if (store_score_sums(q->store, base, v->scorer->name, v->scorer->sums, &a, &n_a, e) ||
        store_score_sums(q->store, head, v->scorer->name, v->scorer->sums, &b, &n_b, e)) {
        rc = -1;
    } else if (n_a != n_b) {
        snprintf(why.msg, sizeof why.msg,
                 "%d items on one side and %d on the other: they were not asked the same, or cut the text into other tokens", n_a,
                 n_b);
        invalid(v, "", why.msg);
    } else if (judge(q, v, a, b, n_a, &why)) {
        invalid(v, "", why.msg);
    } else {
        pool_add(&q->pool, v, a, b, n_a);
    }
    free(a);
    free(b);
    return rc;
}

/* A row: task, scorer, then id, state and reason of either side; no id where that side has no such score. */
static int take_row(void *ctx, int n, const char *const *column, const char *const *x)
{
    struct gate_scores *q = ctx;
    const struct scorer *s = scorer_by_name(x[1]);
    (void)n, (void)column;
    if (q->swapped && x[5]) /* both have it: it was taken the other way round */
        return 0;
    if (!s) {
        q->failed = err_set(q->e, ERR_ENV, "gate: this program has no scorer %s; the run was made by a newer one", x[1]);
        return 1;
    }
    if (!setting_of(q, x[0], s)->on)
        return 0;
    struct verdict *v = add(q, q->pair->cell, x[0], s);
    if (!x[5])
        invalid(v, "", q->swapped ? "only head was scored on it" : "only base was scored on it");
    else if (strcmp(x[3], "ok") != 0)
        invalid(v, "base", x[4]);
    else if (strcmp(x[6], "ok") != 0)
        invalid(v, "head", x[7]);
    else
        q->failed = load_and_judge(q, v, atoll(x[2]), atoll(x[5]), q->e);
    return q->failed;
}

int gate_scores_compare(struct gate_scores *q, const struct gate_pair *p, struct err *e)
{
    static const char sql[] =
        "SELECT k.name, x.scorer, x.id, x.state, x.reason, y.id, y.state, y.reason FROM score x JOIN task k ON k.id = x.task "
        "LEFT JOIN score y ON y.run = CAST(?3 AS INTEGER) AND y.variant = CAST(?4 AS INTEGER) AND y.task = x.task AND "
        "y.scorer = x.scorer WHERE x.run = CAST(?1 AS INTEGER) AND x.variant = CAST(?2 AS INTEGER) ORDER BY x.id";
    char number[4][24];
    const int64_t ids[] = {p->base_run, p->base_variant, p->head_run, p->head_variant};
    for (int i = 0; i < 4; i++)
        snprintf(number[i], sizeof number[i], "%lld", (long long)ids[i]);
    const char *const there[] = {number[0], number[1], number[2], number[3], NULL};
    const char *const back[] = {number[2], number[3], number[0], number[1], NULL};
    q->pair = p;
    q->e = e;
    q->failed = q->swapped = 0;
    q->pool = (struct pool){0};
    int rc = store_query(q->store, sql, there, take_row, q, e);
    if (!rc && !q->failed)
        pool_judge(q);
    free(q->pool.a);
    free(q->pool.b);
    if (rc || q->failed)
        return -1;
    q->swapped = 1;
    return store_query(q->store, sql, back, take_row, q, e) || q->failed ? -1 : 0;
}

/* -- all of them ------------------------------------------------------------------------------------------------------------ */

static void reject(const struct gate_scores *q, unsigned char *rejected)
{
    double *p = calloc((size_t)q->n + 1, sizeof *p);
    unsigned char *of = calloc((size_t)q->n + 1, 1);
    size_t family = 0;
    if (!p || !of)
        abort();
    for (int i = 0; i < q->n; i++)
        if (q->v[i].row.gates && q->v[i].outcome == GATE_OPEN)
            p[family++] = q->v[i].row.p;
    stats_benjamini_hochberg(p, family, q->config->rule.q, of);
    family = 0;
    for (int i = 0; i < q->n; i++)
        rejected[i] = q->v[i].row.gates && q->v[i].outcome == GATE_OPEN ? of[family++] : 1;
    free(p);
    free(of);
}

static void say_inconclusive(struct verdict *v)
{
    const struct store_quality *r = &v->row;
    if (isnan(r->upper))
        snprintf(v->reason, sizeof v->reason, "%d items say nothing, it takes %d", r->items, RESAMPLE_MIN_ITEMS);
    else
        snprintf(v->reason, sizeof v->reason, "%.3g to %.3g worse, the margin is %.3g; about %.0f items would find that",
                 r->lower, r->upper, r->margin, ceil(r->items * pow(r->mde / r->margin, 2)));
}

/* The user asked for it by name, and nothing of this gate has it. */
static void require(const struct gate_scores *q, const char *name, const struct gate_setting *set, struct gate_report *out)
{
    int there = !set->required;
    for (int k = 0; k < q->n; k++)
        there |= !strcmp(q->v[k].scorer->name, name) || setting_of(q, q->v[k].task, q->v[k].scorer) == set;
    if (!there && !*out->reason)
        snprintf(out->reason, sizeof out->reason,
                 "[metric %.200s] asks for a score that nothing gives here: give --text or --tasks", name);
}

int gate_scores_decide(struct gate_scores *q, struct gate_report *out, struct err *e)
{
    unsigned char *rejected = calloc((size_t)q->n + 1, 1);
    struct store_quality *row = calloc((size_t)q->n + 1, sizeof *row);
    if (!rejected || !row)
        abort();
    reject(q, rejected);
    for (int i = 0; i < q->n; i++) {
        struct verdict *v = &q->v[i];
        if (v->outcome == GATE_OPEN)
            v->outcome = gate_decide_quality(v->worse, v->row.lower, v->row.upper, v->row.margin, rejected[i]);
        if (v->outcome == GATE_INCONCLUSIVE)
            say_inconclusive(v);
        out->count[v->outcome] += v->row.gates;
        v->row.task = v->task;
        v->row.reason = v->reason;
        v->row.outcome = gate_outcome_name(v->outcome);
        row[i] = v->row;
    }
    for (int i = 0; scorers[i]; i++)
        require(q, scorers[i]->name, &q->config->score[i], out);
    for (int i = 0; i < q->config->n_own; i++)
        require(q, q->config->own[i].name, &q->config->own[i].set, out);
    int failed = store_qualities(q->store, row, q->n, e);
    free(rejected);
    free(row);
    return failed;
}
