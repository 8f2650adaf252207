/* SPDX-License-Identifier: MIT */
#include "results/store_gate.h"

#include <math.h>
#include <stdlib.h>

#include "base/clock.h"
#include "results/db.h"

int store_gate_begin(struct store *s, int64_t run, const struct store_gate *g, struct err *e)
{
    int64_t base, head;
    if (db_begin(s, e))
        return -1;
    int rc = db_build(s, &g->base, &base, e) || db_build(s, &g->head, &head, e) ? -1 : 0;
    if (!rc)
        rc = db_run(s, "store the gate", NULL,
                    "INSERT INTO gate (run, base_build, head_build, base_path, head_path, base_sha256, head_sha256, "
                    "base_model, head_model, rule_version, rule, reason) "
                    "VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, '')",
                    DB_VALUES(DB_INT(run), DB_INT(base), DB_INT(head), DB_TEXT(g->base_path), DB_TEXT(g->head_path),
                              DB_TEXT(g->base_sha256), DB_TEXT(g->head_sha256), DB_INT_IF(g->base_model, g->base_model),
                              DB_INT_IF(g->head_model, g->head_model), DB_INT(g->rule_version), DB_TEXT(g->rule)),
                    e);
    return db_end(s, "store the gate", rc, e);
}

int store_gate_runs(struct store *s, int64_t run, int64_t base, int64_t head, struct err *e)
{
    if (db_begin(s, e))
        return -1;
    int rc = db_run(s, "store the runs of a gate", NULL, "UPDATE gate SET base_run = ?2, head_run = ?3 WHERE run = ?1",
                    DB_VALUES(DB_INT(run), DB_INT(base), DB_INT(head)), e);
    return db_end(s, "store the runs of a gate", rc, e);
}

int store_gate_cell(struct store *s, int64_t run, int64_t cell, int64_t *id, struct err *e)
{
    if (db_begin(s, e))
        return -1;
    int rc = db_run(s, "store a cell", id,
                    "INSERT INTO cell (run, variant, runtime, isa, compute, context, threads, decode, batch, weights_bytes, "
                    "kv_bytes, arena_bytes, tables_bytes, infeasible) SELECT ?1, variant, runtime, isa, compute, context, threads, "
                    "decode, batch, weights_bytes, kv_bytes, arena_bytes, tables_bytes, infeasible FROM cell WHERE id = ?2 "
                    "RETURNING id",
                    DB_VALUES(DB_INT(run), DB_INT(cell)), e);
    return db_end(s, "store a cell", rc, e);
}

int store_gate_end(struct store *s, int64_t run, const char *outcome, const char *reason, struct err *e)
{
    if (db_begin(s, e))
        return -1;
    int rc = db_run(s, "store how the gate ended", NULL, "UPDATE gate SET outcome = ?2, reason = ?3 WHERE run = ?1",
                    DB_VALUES(DB_INT(run), DB_TEXT(outcome), DB_TEXT(reason)), e);
    return db_end(s, "store how the gate ended", rc, e);
}

static int add_sample(struct store *s, int64_t unit, const struct store_sample *x, struct err *e)
{
    unsigned char *times = x->token_ns ? db_pack_times(x->token_ns, x->tokens) : NULL;
    int rc = db_run(s, "store a sample", NULL,
                    "INSERT INTO sample (unit, round, kind, place, ns, tokens, token_ns, cpu_ns, run_delay_ns, nivcsw, "
                    "instructions, energy_uj) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12)",
                    DB_VALUES(DB_INT(unit), DB_INT(x->round), DB_TEXT(x->kind), DB_INT(x->place), DB_INT(x->ns),
                              DB_INT(x->tokens), DB_BLOB(times, (size_t)x->tokens * 8), DB_INT_IF(x->cpu_ns >= 0, x->cpu_ns),
                              DB_INT_IF(x->run_delay_ns >= 0, x->run_delay_ns), DB_INT_IF(x->nivcsw >= 0, x->nivcsw),
                              DB_INT_IF(x->instructions >= 0, x->instructions), DB_INT_IF(x->energy_uj >= 0, x->energy_uj)),
                    e);
    free(times);
    return rc;
}

static int add_unit(struct store *s, const struct store_unit *u, struct err *e)
{
    int64_t id;
    int rc =
        db_run(s, "store a unit", &id,
               "INSERT INTO unit (cell, phase, number, arm, place, pad, state, reason, peak_bytes) "
               "VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9) RETURNING id",
               DB_VALUES(DB_INT(u->cell), DB_TEXT(u->phase), DB_INT(u->number), DB_TEXT(u->arm), DB_INT(u->place), DB_INT(u->pad),
                         DB_TEXT(u->state), DB_TEXT(u->reason), DB_INT_IF(u->peak_bytes >= 0, u->peak_bytes)),
               e);
    for (int i = 0; !rc && i < u->n_samples; i++)
        rc = add_sample(s, id, &u->samples[i], e);
    return rc;
}

int store_unit(struct store *s, const struct store_unit *u, int n, struct err *e)
{
    int rc = 0;
    if (db_begin(s, e))
        return -1;
    for (int i = 0; !rc && i < n; i++)
        rc = add_unit(s, &u[i], e);
    return db_end(s, "store a unit", rc, e);
}

int store_fact(struct store *s, int64_t cell, const char *arm, const char *name, const char *unit, int64_t value, struct err *e)
{
    if (db_begin(s, e))
        return -1;
    int rc = db_run(s, "store a fact", NULL, "INSERT INTO fact (cell, arm, name, unit, value) VALUES (?1, ?2, ?3, ?4, ?5)",
                    DB_VALUES(DB_INT(cell), DB_TEXT(arm), DB_TEXT(name), DB_TEXT(unit), DB_INT(value)), e);
    return db_end(s, "store a fact", rc, e);
}

#define REAL(x) DB_REAL_IF(isfinite(x), (x))

static int add_verdict(struct store *s, const struct store_verdict *v, struct err *e)
{
    return db_run(s, "store a verdict", NULL,
                  "INSERT OR REPLACE INTO verdict (cell, metric, gates, outcome, reason, tolerance, base, head, units, estimate, "
                  "low, high, coverage, lower, upper, p, p_looks, mde, null_estimate, null_p, disturbed, confirm_units, "
                  "confirm_estimate, confirm_lower) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, "
                  "?16, ?17, ?18, ?19, ?20, ?21, ?22, ?23, ?24)",
                  DB_VALUES(DB_INT(v->cell), DB_TEXT(v->metric), DB_INT(v->gates), DB_TEXT(v->outcome), DB_TEXT(v->reason),
                            REAL(v->tolerance), REAL(v->base), REAL(v->head), DB_INT(v->units), REAL(v->estimate), REAL(v->low),
                            REAL(v->high), REAL(v->coverage), REAL(v->lower), REAL(v->upper), REAL(v->p), REAL(v->p_looks),
                            REAL(v->mde), REAL(v->null_estimate), REAL(v->null_p), REAL(v->disturbed),
                            DB_INT_IF(v->confirm_units, v->confirm_units), REAL(v->confirm_estimate), REAL(v->confirm_lower)),
                  e);
}

int store_verdicts(struct store *s, const struct store_verdict *v, int n, struct err *e)
{
    int rc = 0;
    if (db_begin(s, e))
        return -1;
    for (int i = 0; !rc && i < n; i++)
        rc = add_verdict(s, &v[i], e);
    return db_end(s, "store the verdicts", rc, e);
}

int store_anchor(struct store *s, const struct store_anchor *a, struct err *e)
{
    int64_t build;
    if (db_begin(s, e))
        return -1;
    int rc = db_build(s, &a->build, &build, e);
    if (!rc)
        rc = db_run(
            s, "store the anchor", NULL, "INSERT INTO anchor (build, path, sha256, reason, set_ns) VALUES (?1, ?2, ?3, ?4, ?5)",
            DB_VALUES(DB_INT(build), DB_TEXT(a->path), DB_TEXT(a->sha256), DB_TEXT(a->reason), DB_INT(clock_real_ns())), e);
    return db_end(s, "store the anchor", rc, e);
}

static int add_quality(struct store *s, const struct store_quality *q, struct err *e)
{
    return db_run(s, "store a verdict on quality", NULL,
                  "INSERT OR REPLACE INTO quality (cell, task, scorer, gates, outcome, reason, test, margin, base, head, items, "
                  "difference, low, high, lower, upper, p, mde) "
                  "VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18)",
                  DB_VALUES(DB_INT(q->cell), DB_TEXT(q->task), DB_TEXT(q->scorer), DB_INT(q->gates), DB_TEXT(q->outcome),
                            DB_TEXT(q->reason), DB_TEXT(q->test), REAL(q->margin), REAL(q->base), REAL(q->head),
                            DB_INT(q->items), REAL(q->difference), REAL(q->low), REAL(q->high), REAL(q->lower), REAL(q->upper),
                            REAL(q->p), REAL(q->mde)),
                  e);
}

int store_qualities(struct store *s, const struct store_quality *q, int n, struct err *e)
{
    int rc = 0;
    if (db_begin(s, e))
        return -1;
    for (int i = 0; !rc && i < n; i++)
        rc = add_quality(s, &q[i], e);
    return db_end(s, "store the verdicts on quality", rc, e);
}
