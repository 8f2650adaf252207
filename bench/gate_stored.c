/* SPDX-License-Identifier: MIT */
#include "bench/gate_stored.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench/gate_quality.h"
#include "bench/gate_verdict.h"

enum { BASE, HEAD, SIDES };

/* The bytes that a run keeps of a cell, by the names of the metrics. */
static const char *const exact[] = {"weights", "kv", "arena", "tables", "file_size"};
#define N_EXACT ((int)(sizeof exact / sizeof *exact))

struct run {
    int64_t id;
    char *machine, *build[4], *state; /* build: version, commit, compiler, flags */
    int64_t machine_id;
};

struct matched { /* of both runs; an id of 0: that run does not have it */
    int64_t gate, id[SIDES];
    int64_t bytes[N_EXACT][SIDES]; /* -1: not known */
    char *infeasible[SIDES];       /* why it cannot run */
    int ok[SIDES], failed[SIDES];  /* trials */
};

struct pair { /* variants, and a cell of base's */
    int64_t cell, variant[SIDES];
};

struct stored {
    struct store *store;
    const struct gate_config *config;
    struct run run[SIDES];
    struct matched *cell;
    struct pair *pair;
    struct gate_verdict *verdict;
    int n_cells, n_pairs, n_verdicts;
    char apart[500];        /* why times are not compared; empty: they may be told */
    double value[SIDES][2]; /* of the metric in hand: median and trials */
};

static char *copy(const char *s)
{
    char *c = s ? strdup(s) : NULL;
    if (s && !c)
        abort();
    return c;
}

static int64_t number(const char *s)
{
    return s ? atoll(s) : -1;
}

static int query(struct stored *g, const char *sql, int64_t a, int64_t b, store_row_fn *fn, struct err *e)
{
    char one[24], two[24];
    snprintf(one, sizeof one, "%lld", (long long)a);
    snprintf(two, sizeof two, "%lld", (long long)b);
    return store_query(g->store, sql, (const char *const[]){one, two, NULL}, fn, g, e);
}

/* -- the two runs ----------------------------------------------------------------------------------------------------------- */

static int take_run(void *ctx, int n, const char *const *column, const char *const *x)
{
    struct stored *g = ctx;
    struct run *r = &g->run[!strcmp(x[0], "head")];
    (void)n, (void)column;
    r->id = number(x[1]);
    r->state = copy(x[2]);
    r->machine_id = number(x[3]);
    r->machine = copy(x[4]);
    for (int i = 0; i < 4; i++)
        r->build[i] = copy(x[5 + i]);
    return 0;
}

static int equal(const char *a, const char *b)
{
    return a && b ? !strcmp(a, b) : a == b;
}

static int load_runs(struct stored *g, int64_t base, int64_t head, struct err *e)
{
    static const char sql[] =
        "SELECT 'base', r.id, r.state, r.machine, v.machine, b.version, b.git_commit, b.compiler, b.flags FROM run r JOIN v_run v ON "
        "v.run = r.id JOIN build b ON b.id = r.build WHERE r.id = CAST(?1 AS INTEGER) UNION ALL "
        "SELECT 'head', r.id, r.state, r.machine, v.machine, b.version, b.git_commit, b.compiler, b.flags FROM run r JOIN v_run v ON "
        "v.run = r.id JOIN build b ON b.id = r.build WHERE r.id = CAST(?2 AS INTEGER)";
    if (query(g, sql, base, head, take_run, e))
        return -1;
    const struct run *b = &g->run[BASE], *h = &g->run[HEAD];
    if (b->machine_id != h->machine_id)
        snprintf(g->apart, sizeof g->apart, "not compared: run %lld is of %.180s, run %lld of %.180s", (long long)base,
                 b->machine, (long long)head, h->machine);
    else if (!equal(b->build[2], h->build[2]) || !equal(b->build[3], h->build[3]))
        snprintf(g->apart, sizeof g->apart,
                 "not compared: another compiler or other flags made the program of run %lld than that "
                 "of run %lld",
                 (long long)base, (long long)head);
    return 0;
}

/* What makes the whole invalid: a run that was not ended has cells that nobody measured. */
static void check_runs(const struct stored *g, struct gate_report *out)
{
    for (int i = 0; i < SIDES && !*out->reason; i++)
        if (strcmp(g->run[i].state, "done") != 0)
            snprintf(out->reason, sizeof out->reason, "run %lld is %s, not done: bench sweep --resume ends it",
                     (long long)g->run[i].id, g->run[i].state);
}

/* -- cells that pair up ------------------------------------------------------------------------------------------------------ */

#define SIDES_SQL                                                                                                                \
    "WITH b AS (SELECT * FROM v_axes WHERE run = CAST(?1 AS INTEGER)), h AS (SELECT * FROM v_axes WHERE run = CAST(?2 AS "       \
    "INTEGER)), one AS (SELECT (SELECT count(DISTINCT coalesce(model_id, 0)) FROM b) * (SELECT count(DISTINCT "                  \
    "coalesce(model_id, 0)) FROM h) = 1 AS model, (SELECT count(DISTINCT format) FROM b) * (SELECT count(DISTINCT format) "      \
    "FROM h) = 1 AS format) "
#define SAME_VARIANT                                                                                                             \
    "h.kv = b.kv AND h.policy = b.policy AND h.compute = b.compute AND (h.model_id IS b.model_id OR (SELECT model FROM one)) "   \
    "AND (h.format = b.format OR (SELECT format FROM one))"
#define SAME_CELL                                                                                                                \
    SAME_VARIANT                                                                                                                 \
    " AND h.isa = b.isa AND h.runtime = b.runtime AND h.context = b.context AND h.threads = b.threads AND h.decode "             \
    "= b.decode AND h.batch = b.batch"
#define TRIALS(of, state) "(SELECT count(*) FROM trial WHERE cell = " of ".cell AND state " state " 'ok')"

static int take_cell(void *ctx, int n, const char *const *column, const char *const *x)
{
    struct stored *g = ctx;
    (void)n, (void)column;
    g->cell = realloc(g->cell, (size_t)(g->n_cells + 1) * sizeof *g->cell);
    if (!g->cell)
        abort();
    struct matched *c = &g->cell[g->n_cells++];
    *c = (struct matched){0};
    for (int i = 0; i < SIDES; i++) {
        c->id[i] = x[i] ? number(x[i]) : 0;
        for (int k = 0; k < N_EXACT; k++)
            c->bytes[k][i] = number(x[2 + 2 * k + i]);
        c->infeasible[i] = copy(x[2 + 2 * N_EXACT + i]);
        c->ok[i] = (int)number(x[4 + 2 * N_EXACT + i]);
        c->failed[i] = (int)number(x[6 + 2 * N_EXACT + i]);
    }
    return 0;
}

static int take_pair(void *ctx, int n, const char *const *column, const char *const *x)
{
    struct stored *g = ctx;
    (void)n, (void)column;
    g->pair = realloc(g->pair, (size_t)(g->n_pairs + 1) * sizeof *g->pair);
    if (!g->pair)
        abort();
    g->pair[g->n_pairs++] = (struct pair){number(x[0]), {number(x[1]), number(x[2])}};
    return 0;
}

static int load_cells(struct stored *g, struct err *e)
{
    /* A model's file can only be another one where the models are. */
    static const char cells[] = SIDES_SQL
        "SELECT b.cell, h.cell, b.weights_bytes, h.weights_bytes, b.kv_bytes, h.kv_bytes, b.arena_bytes, h.arena_bytes, "
        "b.tables_bytes, h.tables_bytes, CASE WHEN b.model_id IS NOT h.model_id THEN m.file_bytes END, o.file_bytes, "
        "b.infeasible, h.infeasible, " TRIALS("b", "=") ", " TRIALS("h", "=") ", " TRIALS("b", "<>") ", " TRIALS(
            "h",
            "<>") " FROM b LEFT JOIN h ON " SAME_CELL
                  " LEFT JOIN model m ON m.id = b.model_id LEFT JOIN model o ON o.id = h.model_id "
                  "UNION ALL SELECT NULL, h.cell, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, h.infeasible, 0, 0, 0, 0 "
                  "FROM h WHERE NOT EXISTS (SELECT 1 FROM b WHERE " SAME_CELL ")";
    static const char pairs[] =
        SIDES_SQL "SELECT min(b.cell), b.variant, h.variant FROM b JOIN h ON " SAME_VARIANT " GROUP BY b.variant, h.variant "
                  "ORDER BY 1";
    return query(g, cells, g->run[BASE].id, g->run[HEAD].id, take_cell, e) ||
           query(g, pairs, g->run[BASE].id, g->run[HEAD].id, take_pair, e);
}

/* -- verdicts --------------------------------------------------------------------------------------------------------------- */

static struct gate_verdict *add(struct stored *g, const struct matched *c, int metric)
{
    g->verdict = realloc(g->verdict, (size_t)(g->n_verdicts + 1) * sizeof *g->verdict);
    if (!g->verdict)
        abort();
    struct gate_verdict *v = &g->verdict[g->n_verdicts++];
    *v = gate_verdict_blank(c->gate, metric, g->config->metric[metric].gates);
    v->outcome = GATE_OPEN;
    return v;
}

/* Why nothing of a cell can be said; empty: something can. */
static void why_not(const struct stored *g, const struct matched *c, char why[500])
{
    static const char *const arms[] = {"base", "head"};
    *why = '\0';
    for (int i = 0; i < SIDES && !*why; i++) {
        long long run = g->run[i].id, other = g->run[!i].id;
        if (!c->id[i])
            snprintf(why, 500, "only run %lld has this cell, run %lld does not", other, run);
        else if (c->infeasible[i])
            snprintf(why, 500, "%s, run %lld: it cannot run: %.400s", arms[i], run, c->infeasible[i]);
        else if (!c->ok[i] && (c->failed[i] || c->ok[!i]))
            snprintf(why, 500, "%s, run %lld: it has no valid trial", arms[i], run);
    }
}

static int take_value(void *ctx, int n, const char *const *column, const char *const *x)
{
    struct stored *g = ctx;
    int side = !strcmp(x[0], "0");
    (void)n, (void)column;
    g->value[side][0] = x[1] ? strtod(x[1], NULL) : NAN;
    g->value[side][1] = strtod(x[2], NULL);
    return 0;
}

static int tell(struct stored *g, const struct matched *c, int metric, struct gate_verdict *v, struct err *e)
{
    char sql[300];
    snprintf(
        sql, sizeof sql,
        "SELECT cell = CAST(?1 AS INTEGER), median(value), count(*) FROM v_value WHERE metric = '%s' AND cell IN (CAST(?1 AS "
        "INTEGER), CAST(?2 AS INTEGER)) GROUP BY cell",
        gate_metrics[metric].name);
    g->value[BASE][0] = g->value[HEAD][0] = NAN;
    v->row.gates = 0;
    if (g->config->metric[metric].required) {
        v->row.gates = 1;
        v->outcome = GATE_INVALID;
        snprintf(v->reason, sizeof v->reason,
                 "stored runs say nothing sure of it: gate = no, or hold the two against each other now");
        return 0;
    }
    if (*g->apart) {
        snprintf(v->reason, sizeof v->reason, "%s", g->apart);
        return 0;
    }
    if (query(g, sql, c->id[BASE], c->id[HEAD], take_value, e))
        return -1;
    if (!(g->value[BASE][0] > 0) || !(g->value[HEAD][0] > 0)) {
        snprintf(v->reason, sizeof v->reason, "not measured in both runs");
        return 0;
    }
    v->row.base = g->value[BASE][0];
    v->row.head = g->value[HEAD][0];
    v->row.estimate = log(v->row.head / v->row.base);
    v->row.units = (int)fmin(g->value[BASE][1], g->value[HEAD][1]);
    v->outcome = GATE_INCONCLUSIVE;
    snprintf(v->reason, sizeof v->reason, "measured one after the other, in two runs: told, never a verdict");
    return 0;
}

static void judge_bytes(struct gate_verdict *v, const int64_t bytes[SIDES], int required)
{
    if (bytes[BASE] < 0 || bytes[HEAD] < 0) {
        v->outcome = required ? GATE_INVALID : GATE_OPEN;
        snprintf(v->reason, sizeof v->reason, "not known of both runs");
        return;
    }
    v->row.base = (double)bytes[BASE];
    v->row.head = (double)bytes[HEAD];
    v->row.estimate = log(v->row.head / v->row.base);
    v->outcome = bytes[HEAD] > bytes[BASE] ? GATE_REGRESSED : GATE_PASS;
}

static int exact_index(const char *metric)
{
    int i = 0;
    while (i < N_EXACT && strcmp(exact[i], metric) != 0)
        i++;
    return i;
}

static int judge_cell(struct stored *g, const struct matched *c, struct err *e)
{
    char why[500];
    why_not(g, c, why);
    for (int k = 0; k < gate_n_metrics; k++) {
        const struct gate_metric *m = &gate_metrics[k];
        const struct gate_setting *set = &g->config->metric[k];
        int known = m->fact ? exact_index(m->fact) : N_EXACT;
        if (!set->on || (m->of_model && c->bytes[known][BASE] < 0) || (m->fact && known == N_EXACT && !set->required) ||
            (*why && (!m->fact || m->of_model)))
            continue; /* of the same model, what a sweep does not keep, or one reason often enough */
        struct gate_verdict *v = add(g, c, k);
        if (*why) {
            v->outcome = GATE_INVALID;
            snprintf(v->reason, sizeof v->reason, "%s", why);
        } else if (known < N_EXACT) {
            judge_bytes(v, c->bytes[known], set->required);
        } else if (m->fact) {
            v->outcome = GATE_INVALID;
            snprintf(v->reason, sizeof v->reason, "a sweep does not keep it");
        } else if (tell(g, c, k, v, e)) {
            return -1;
        }
    }
    return 0;
}

static int judge_quality(struct stored *g, struct gate_report *out, struct err *e)
{
    struct gate_scores *q = gate_scores_open(g->store, g->config);
    int failed = 0;
    for (int i = 0; i < g->n_pairs && !failed; i++) {
        const struct pair *p = &g->pair[i];
        struct gate_pair scores = {.base_run = g->run[BASE].id,
                                   .base_variant = p->variant[BASE],
                                   .head_run = g->run[HEAD].id,
                                   .head_variant = p->variant[HEAD]};
        for (int k = 0; k < g->n_cells; k++)
            if (g->cell[k].id[BASE] == p->cell)
                scores.cell = g->cell[k].gate;
        failed = gate_scores_compare(q, &scores, e);
    }
    if (!failed)
        failed = gate_scores_decide(q, out, e);
    gate_scores_close(q);
    return failed;
}

/* -- the whole --------------------------------------------------------------------------------------------------------------- */

static struct store_build build_of(const struct run *r)
{
    return (struct store_build){.version = r->build[0], .commit = r->build[1], .compiler = r->build[2], .flags = r->build[3]};
}

static int begin(struct stored *g, struct store_run record, int64_t *run, struct err *e)
{
    char *rule = gate_rule_json(g->config);
    struct store_gate row = {
        .base = build_of(&g->run[BASE]), .head = build_of(&g->run[HEAD]), .rule_version = GATE_RULE_VERSION, .rule = rule};
    record.plan_key = "";
    record.trials = 1;
    int failed = store_run_begin(g->store, &record, NULL, 0, run, e) || store_gate_begin(g->store, *run, &row, e) ||
                 store_gate_runs(g->store, *run, g->run[BASE].id, g->run[HEAD].id, e);
    for (int i = 0; i < g->n_cells && !failed; i++) {
        struct matched *c = &g->cell[i];
        failed = store_gate_cell(g->store, *run, c->id[BASE] ? c->id[BASE] : c->id[HEAD], &c->gate, e);
    }
    free(rule);
    return failed;
}

static void close_stored(struct stored *g)
{
    for (int i = 0; i < SIDES; i++) {
        for (int k = 0; k < 4; k++)
            free(g->run[i].build[k]);
        for (int k = 0; k < g->n_cells; k++)
            free(g->cell[k].infeasible[i]);
        free(g->run[i].machine);
        free(g->run[i].state);
    }
    free(g->cell);
    free(g->pair);
    free(g->verdict);
    free(g);
}

int gate_stored(struct store *s, int64_t base, int64_t head, const struct gate_config *c, struct store_run record,
                struct gate_report *out, struct err *e)
{
    struct stored *g = calloc(1, sizeof *g);
    if (!g)
        abort();
    g->store = s, g->config = c;
    *out = (struct gate_report){0};
    int failed = load_runs(g, base, head, e) || load_cells(g, e) || begin(g, record, &out->run, e);
    for (int i = 0; i < g->n_cells && !failed; i++)
        failed = judge_cell(g, &g->cell[i], e);
    check_runs(g, out);
    if (!failed)
        failed = judge_quality(g, out, e) || gate_verdicts_store(s, g->verdict, g->n_verdicts, out, e) ||
                 store_gate_end(s, out->run, gate_outcome_name(out->outcome), out->reason, e) ||
                 store_run_end(s, out->run, "done", e);
    close_stored(g);
    return failed ? -1 : 0;
}
