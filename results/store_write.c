/* Writing: each store_* call is one transaction, so what it describes is in the file as a whole or not at all. */
/* SPDX-License-Identifier: MIT */
#include "results/store.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/text.h"
#include "results/db.h"

/* -- things that are there once -------------------------------------------------------------------------------------------- */

/* One field of a description that is hashed: its length tells "a" "bc" from "ab" "c", and NULL from an empty text. */
static void add_field(struct text *t, const char *field)
{
    if (field)
        text_printf(t, "%zu:%s", strlen(field), field);
    else
        text_printf(t, "-");
}

static void key_of(const char *const *fields, int n, char hex[65])
{
    struct text t = {0};
    for (int i = 0; i < n; i++)
        add_field(&t, fields[i]);
    sha256_bytes(t.p, t.n, hex);
    text_free(&t);
}

static int add_machine(struct store *s, const struct store_machine *m, int64_t *id, struct err *e)
{
    struct text numbers = {0};
    text_printf(&numbers, "%d %d %lld", m->cpus, m->cores, (long long)m->memory_bytes);
    const char *fields[] = {m->cpu,  m->arch,     m->os,       m->kernel,          m->isa,
                            m->virt, m->governor, m->topology, m->topology_source, numbers.p};
    char key[65];
    key_of(fields, sizeof fields / sizeof *fields, key);
    text_free(&numbers);
    if (db_run(s, "store the machine", id, "SELECT id FROM machine WHERE key = ?1", DB_VALUES(DB_TEXT(key)), e))
        return -1;
    if (*id)
        return 0;
    return db_run(s, "store the machine", id,
                  "INSERT INTO machine (key, cpu, arch, os, kernel, isa, virt, governor, topology, topology_source, cpus, cores, "
                  "memory_bytes) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13) RETURNING id",
                  DB_VALUES(DB_TEXT(key), DB_TEXT(m->cpu), DB_TEXT(m->arch), DB_TEXT(m->os), DB_TEXT(m->kernel), DB_TEXT(m->isa),
                            DB_TEXT(m->virt), DB_TEXT(m->governor), DB_TEXT(m->topology), DB_TEXT(m->topology_source),
                            DB_INT(m->cpus), DB_INT(m->cores), DB_INT(m->memory_bytes)),
                  e);
}

int db_build(struct store *s, const struct store_build *b, int64_t *id, struct err *e)
{
    const char *fields[] = {b->version, b->commit, b->compiler, b->flags};
    char key[65];
    key_of(fields, sizeof fields / sizeof *fields, key);
    if (db_run(s, "store the build", id, "SELECT id FROM build WHERE key = ?1", DB_VALUES(DB_TEXT(key)), e))
        return -1;
    if (*id)
        return 0;
    return db_run(s, "store the build", id,
                  "INSERT INTO build (key, version, git_commit, compiler, flags) VALUES (?1, ?2, ?3, ?4, ?5) RETURNING id",
                  DB_VALUES(DB_TEXT(key), DB_TEXT(b->version), DB_TEXT(b->commit), DB_TEXT(b->compiler), DB_TEXT(b->flags)), e);
}

int store_model(struct store *s, const struct store_model *m, int64_t *id, struct err *e)
{
    *id = 0;
    if (!m || !m->sha256)
        return 0;
    if (db_begin(s, e))
        return -1;
    int rc = db_run(s, "store the model", id,
                    "INSERT INTO model (sha256, path, name, arch, file_bytes, parameters, metadata) "
                    "VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7) ON CONFLICT (sha256) DO UPDATE SET path = excluded.path RETURNING id",
                    DB_VALUES(DB_TEXT(m->sha256), DB_TEXT(m->path), DB_TEXT(m->name), DB_TEXT(m->arch), DB_INT(m->file_bytes),
                              DB_INT(m->parameters), DB_TEXT(m->metadata)),
                    e);
    return db_end(s, "store the model", rc, e);
}

int store_variant(struct store *s, int64_t model, const struct store_variant *v, int64_t *id, struct err *e)
{
    if (db_begin(s, e))
        return -1;
    int rc = db_run(s, "store the variant", id,
                    "SELECT id FROM variant WHERE model IS ?1 AND format = ?2 AND kv = ?3 AND policy = ?4 AND compute = ?5 "
                    "AND file_sha256 IS ?6",
                    DB_VALUES(DB_INT_IF(model, model), DB_TEXT(v->format), DB_TEXT(v->kv), DB_TEXT(v->policy),
                              DB_TEXT(v->compute), DB_TEXT(v->file_sha256)),
                    e);
    if (!rc && !*id)
        rc =
            db_run(s, "store the variant", id,
                   "INSERT INTO variant (model, format, kv, policy, compute, file_sha256, file_bytes, note) "
                   "VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8) RETURNING id",
                   DB_VALUES(DB_INT_IF(model, model), DB_TEXT(v->format), DB_TEXT(v->kv), DB_TEXT(v->policy), DB_TEXT(v->compute),
                             DB_TEXT(v->file_sha256), DB_INT_IF(v->file_sha256, v->file_bytes), DB_TEXT(v->note)),
                   e);
    return db_end(s, "store the variant", rc, e);
}

/* -- a run and its cells --------------------------------------------------------------------------------------------------- */

static int add_run(struct store *s, const struct store_run *r, const struct store_probe *probes, int n, int64_t *run,
                   struct err *e)
{
    int64_t machine, build;
    if (add_machine(s, &r->machine, &machine, e) || db_build(s, &r->build, &build, e))
        return -1;
    struct text seed = {0};
    text_printf(&seed, "%llu", (unsigned long long)r->seed);
    int rc = db_run(s, "store the run", run,
                    "INSERT INTO run (machine, build, command, plan_key, seed, trials, state, started_ns) "
                    "VALUES (?1, ?2, ?3, ?4, ?5, ?6, 'running', ?7) RETURNING id",
                    DB_VALUES(DB_INT(machine), DB_INT(build), DB_TEXT(r->command), DB_TEXT(r->plan_key), DB_TEXT(seed.p),
                              DB_INT(r->trials), DB_INT(clock_real_ns())),
                    e);
    text_free(&seed);
    for (int i = 0; !rc && i < n; i++)
        rc = db_run(s, "store the probes", NULL, "INSERT INTO probe (run, name, state, reason) VALUES (?1, ?2, ?3, ?4)",
                    DB_VALUES(DB_INT(*run), DB_TEXT(probes[i].name), DB_TEXT(state_name(probes[i].state)),
                              DB_TEXT(probes[i].reason ? probes[i].reason : "")),
                    e);
    return rc;
}

int store_run_begin(struct store *s, const struct store_run *r, const struct store_probe *probes, int n_probes, int64_t *run,
                    struct err *e)
{
    if (db_begin(s, e))
        return -1;
    return db_end(s, "store the run", add_run(s, r, probes, n_probes, run, e), e);
}

int store_run_end(struct store *s, int64_t run, const char *state, struct err *e)
{
    if (db_begin(s, e))
        return -1;
    int64_t changed;
    int running = !strcmp(state, "running");
    int rc = db_run(s, "store how the run ended", &changed, "UPDATE run SET state = ?2, ended_ns = ?3 WHERE id = ?1 RETURNING id",
                    DB_VALUES(DB_INT(run), DB_TEXT(state), DB_INT_IF(!running, clock_real_ns())), e);
    if (!rc && !changed)
        rc = err_set(e, ERR_ENV, "%s: there is no run %lld to end", s->path, (long long)run);
    return db_end(s, "store how the run ended", rc, e);
}

int store_cell(struct store *s, int64_t run, const struct store_cell *c, int64_t *id, struct err *e)
{
    if (db_begin(s, e))
        return -1;
    /* A cell that is there takes the new plan: on resume there may be less memory than before, or more. */
    int rc = db_run(s, "store the cell", id,
                    "INSERT INTO cell (run, variant, runtime, isa, compute, context, threads, decode, batch, weights_bytes, "
                    "kv_bytes, arena_bytes, tables_bytes, infeasible) "
                    "VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14) "
                    "ON CONFLICT (run, variant, runtime, isa, compute, context, threads, decode, batch) DO UPDATE SET "
                    "weights_bytes = excluded.weights_bytes, kv_bytes = excluded.kv_bytes, arena_bytes = excluded.arena_bytes, "
                    "tables_bytes = excluded.tables_bytes, infeasible = excluded.infeasible RETURNING id",
                    DB_VALUES(DB_INT(run), DB_INT(c->variant), DB_TEXT(c->runtime), DB_TEXT(c->isa), DB_TEXT(c->compute),
                              DB_INT(c->context), DB_INT(c->threads), DB_INT(c->decode), DB_INT(c->batch),
                              DB_INT_IF(c->weights_bytes >= 0, c->weights_bytes), DB_INT_IF(c->kv_bytes >= 0, c->kv_bytes),
                              DB_INT_IF(c->arena_bytes >= 0, c->arena_bytes), DB_INT_IF(c->tables_bytes >= 0, c->tables_bytes),
                              DB_TEXT(c->infeasible)),
                    e);
    return db_end(s, "store the cell", rc, e);
}

/* -- what is measured ------------------------------------------------------------------------------------------------------ */

unsigned char *db_pack_times(const int64_t *ns, int n)
{
    unsigned char *bytes = malloc((size_t)n * 8 + 1); /* + 1: malloc(0) may be NULL, which would say that no times were taken */
    if (!bytes)
        abort();
    for (int i = 0; i < n; i++)
        for (int byte = 0; byte < 8; byte++)
            bytes[8 * i + byte] = (unsigned char)((uint64_t)ns[i] >> 8 * byte);
    return bytes;
}

static int add_reading(struct store *s, int64_t stretch, const struct reading *r, struct err *e)
{
    int has_value = r->state == STATE_OK || r->state == STATE_SUSPECT;
    return db_run(s, "store a reading", NULL,
                  "INSERT INTO reading (stretch, name, unit, state, value, reason) VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
                  DB_VALUES(DB_INT(stretch), DB_TEXT(r->name), DB_TEXT(r->unit), DB_TEXT(state_name(r->state)),
                            DB_INT_IF(has_value, r->value), DB_TEXT(r->reason)),
                  e);
}

static int add_stretch(struct store *s, int64_t trial, const struct store_stretch *x, struct err *e)
{
    int64_t id;
    unsigned char *times = x->token_ns ? db_pack_times(x->token_ns, x->tokens) : NULL;
    int rc = db_run(s, "store a stretch", &id,
                    "INSERT INTO stretch (trial, kind, begin_real_ns, begin_ns, ns, tokens, token_ns) "
                    "VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7) RETURNING id",
                    DB_VALUES(DB_INT(trial), DB_TEXT(x->kind), DB_INT(x->begin_real_ns), DB_INT(x->begin_ns), DB_INT(x->ns),
                              DB_INT(x->tokens), DB_BLOB(times, (size_t)x->tokens * 8)),
                    e);
    free(times);
    for (int i = 0; !rc && x->readings && i < x->readings->n; i++)
        rc = add_reading(s, id, &x->readings->v[i], e);
    return rc;
}

int store_trial(struct store *s, const struct store_trial *t, struct err *e)
{
    int64_t id;
    if (db_begin(s, e))
        return -1;
    int rc =
        db_run(s, "store the trial", &id, "INSERT INTO trial (cell, round, state, reason) VALUES (?1, ?2, ?3, ?4) RETURNING id",
               DB_VALUES(DB_INT(t->cell), DB_INT(t->round), DB_TEXT(t->state), DB_TEXT(t->reason ? t->reason : "")), e);
    for (int i = 0; !rc && i < t->n_stretches; i++)
        rc = add_stretch(s, id, &t->stretches[i], e);
    return db_end(s, "store the trial", rc, e);
}

static int add_score(struct store *s, const struct store_score *sc, struct err *e)
{
    int64_t task, id;
    int ok = !strcmp(sc->state, "ok");
    if (db_run(s, "store the task", &task, "SELECT id FROM task WHERE name = ?1 AND sha256 = ?2",
               DB_VALUES(DB_TEXT(sc->task), DB_TEXT(sc->task_sha256)), e))
        return -1;
    if (!task && db_run(s, "store the task", &task, "INSERT INTO task (name, sha256) VALUES (?1, ?2) RETURNING id",
                        DB_VALUES(DB_TEXT(sc->task), DB_TEXT(sc->task_sha256)), e))
        return -1;
    int rc = db_run(s, "store the score", &id,
                    "INSERT INTO score (run, variant, task, scorer, state, value, reason, token_values) "
                    "VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8) RETURNING id",
                    DB_VALUES(DB_INT(sc->run), DB_INT(sc->variant), DB_INT(task), DB_TEXT(sc->scorer), DB_TEXT(sc->state),
                              DB_REAL_IF(ok, sc->value), DB_TEXT(sc->reason ? sc->reason : ""),
                              DB_BLOB(sc->token_values, (size_t)sc->n_tokens * sizeof *sc->token_values)),
                    e);
    for (int i = 0; !rc && i < sc->n_items; i++)
        rc = db_run(s, "store the items of the score", NULL, "INSERT INTO score_item (score, item, sums) VALUES (?1, ?2, ?3)",
                    DB_VALUES(DB_INT(id), DB_INT(i),
                              DB_BLOB(sc->sums + (size_t)i * (size_t)sc->n_sums, (size_t)sc->n_sums * sizeof *sc->sums)),
                    e);
    return rc;
}

int store_score(struct store *s, const struct store_score *sc, struct err *e)
{
    if (db_begin(s, e))
        return -1;
    return db_end(s, "store the score", add_score(s, sc, e), e);
}

static int add_kernels(struct store *s, const struct store_machine *m, const struct store_build *b, const struct store_kernel *k,
                       int n, struct err *e)
{
    int64_t machine, build, now = clock_real_ns();
    int rc = add_machine(s, m, &machine, e) || db_build(s, b, &build, e) ? -1 : 0;
    for (int i = 0; !rc && i < n; i++, k++)
        rc = db_run(s, "store the kernels", NULL,
                    "INSERT INTO kernel (machine, build, measured_ns, name, threads, k, n_rows, n_columns, ns, bytes_per_s, "
                    "ops_per_s, of_bandwidth, of_peak) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13)",
                    DB_VALUES(DB_INT(machine), DB_INT(build), DB_INT(now), DB_TEXT(k->name), DB_INT(k->threads),
                              DB_INT_IF(k->k, k->k), DB_INT_IF(k->rows, k->rows), DB_INT_IF(k->columns, k->columns),
                              DB_REAL(k->ns), DB_REAL_IF(k->bytes_per_s > 0, k->bytes_per_s),
                              DB_REAL_IF(k->ops_per_s > 0, k->ops_per_s), DB_REAL_IF(k->of_bandwidth >= 0, k->of_bandwidth),
                              DB_REAL_IF(k->of_peak >= 0, k->of_peak)),
                    e);
    return rc;
}

int store_kernels(struct store *s, const struct store_machine *m, const struct store_build *b, const struct store_kernel *k,
                  int n, struct err *e)
{
    if (db_begin(s, e))
        return -1;
    return db_end(s, "store the kernels", add_kernels(s, m, b, k, n, e), e);
}
