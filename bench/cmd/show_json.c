/* A run as one JSON object, put together by SQLite from the views but for the scores, whose intervals are computed here; and its
 * cells, or its scores, as CSV. */
/* SPDX-License-Identifier: MIT */
#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "bench/cmd/cmd.h"
#include "bench/cmd/show_parts.h"
#include "bench/cmd/spread.h"
#include "bench/cmd/stored_scores.h"

/* JSON knows no infinity, which a perplexity can be; what is not finite is left out like what is not known. */
#define FINITE(x) "iif(abs(" x ") < 9e999, " x ", NULL)"

/* clang-format off */
static const char object_sql[] =
    "SELECT json_object('run', r.run, 'state', r.state, 'started', r.started, 'command', r.command, 'seed', r.seed, "
    "'trials', r.trials, 'trials_ok', r.trials_ok, 'trials_failed', r.trials_failed, "
    "'machine', (SELECT json_object('cpu', cpu, 'arch', arch, 'os', os, 'kernel', kernel, 'isa', isa, 'virt', virt, "
        "'governor', governor, 'topology_source', topology_source, 'cpus', cpus, 'cores', cores, 'memory_bytes', memory_bytes) "
        "FROM machine WHERE id = (SELECT machine FROM run WHERE id = r.run)), "
    "'build', (SELECT json_object('version', version, 'commit', git_commit, 'compiler', compiler, 'flags', flags) "
        "FROM build WHERE id = (SELECT build FROM run WHERE id = r.run)), "
    "'probes', (SELECT json_group_array(json_object('name', name, 'state', state, 'reason', reason)) FROM probe "
        "WHERE run = r.run), "
    "'cells', (SELECT json_group_array(json(object)) FROM (SELECT json_object('cell', c.cell, 'variant', c.variant, "
        "'model', c.model, 'format', c.format, 'kv', c.kv, 'policy', c.policy, 'compute', c.compute, 'isa', c.isa, "
        "'runtime', c.runtime, 'context', c.context, 'threads', c.threads, 'on_cpus', c.on_cpus, "
        "'decode', c.decode, 'batch', c.batch, "
        "'trials_ok', c.trials_ok, 'trials_failed', c.trials_failed, "
        "'ms_per_token', c.ms_per_token, 'ms_per_token_low', c.ms_per_token_low, 'ms_per_token_high', c.ms_per_token_high, "
        "'ms_per_token_coverage', c.ms_per_token_coverage, 'load_ms', c.load_ms, 'prefill_ms', c.prefill_ms, "
        "'prefill_tokens_per_s', c.prefill_tokens_per_s, 'ttft_ms', c.ttft_ms, "
        "'start_bytes', c.start_bytes, 'peak_bytes', c.peak_bytes, 'peak_anon_bytes', c.peak_anon_bytes, "
        "'peak_file_bytes', c.peak_file_bytes, "
        "'peak_shmem_bytes', c.peak_shmem_bytes, 'plan_bytes', c.plan_bytes, 'weights_bytes', c.weights_bytes, "
        "'kv_bytes', c.kv_bytes, 'arena_bytes', c.arena_bytes, 'tables_bytes', c.tables_bytes, "
        "'perplexity', " FINITE("c.perplexity") ", 'nll', " FINITE("c.nll") ", 'tokens', c.tokens, "
        "'infeasible', c.infeasible, 'note', c.note, "
        "'failures', (SELECT json_group_array(json_object('round', round, 'state', state, 'reason', reason)) FROM trial "
            "WHERE cell = c.cell AND state <> 'ok'), "
        "'readings', (SELECT json_group_array(json_object('stretch', stretch, 'name', name, 'unit', unit, 'median', median, "
            "'trials', trials)) FROM v_reading WHERE run = r.run AND cell = c.cell)) AS object "
        "FROM v_cell c JOIN v_place p ON p.cell = c.cell WHERE c.run = r.run ORDER BY p.place))) "
    "FROM v_run r WHERE r.run = CAST(?1 AS INTEGER)";
/* clang-format on */

/* A score's members, by the column that has them. */
static const struct {
    const char *name;
    enum { TEXT, WHOLE, REAL } kind;
} members[] = {
    {"variant", WHOLE}, {"quality", TEXT},     {"task", TEXT},    {"scorer", TEXT}, {"state", TEXT},
    {"reason", TEXT},   {"items", WHOLE},      {"value", REAL},   {"low", REAL},    {"high", REAL},
    {"nll", REAL},      {"no_interval", TEXT}, {"tokens", WHOLE},
};

static json_t *score_object(const struct rows *r, int row)
{
    json_t *j = json_object();
    for (size_t i = 0; i < sizeof members / sizeof *members; i++) {
        const char *text = rows_get(r, row, members[i].name);
        double x = text ? strtod(text, NULL) : NAN;
        json_t *value = !text || members[i].kind == REAL ? json_real_or_null(x)
                        : members[i].kind == TEXT        ? json_string(text)
                                                         : json_integer((json_int_t)x);
        json_object_set_new(j, members[i].name, value);
    }
    for (const struct spread *q = spreads; q->name; q++) {
        double x = NAN;
        rows_number(r, row, q->name, &x);
        json_object_set_new(j, q->name, json_real_or_null(x));
    }
    return j;
}

int show_json(struct store *s, const char *run, struct err *e)
{
    const char *const params[] = {run, NULL};
    json_t *object, *scores = json_array();
    struct rows r;
    if (rows_object(&object, s, object_sql, params, e))
        goto fail;
    if (stored_scores(&r, s, run, e)) {
        json_decref(object);
        goto fail;
    }
    for (int i = 0; i < r.n; i++)
        json_array_append_new(scores, score_object(&r, i));
    rows_free(&r);
    json_object_set_new(object, "scores", scores);
    print_json(object);
    return 0;
fail:
    json_decref(scores);
    return -1;
}

static int print_csv(struct rows *r)
{
    rows_csv(r, stdout);
    rows_free(r);
    return 0;
}

int show_csv(struct store *s, const char *run, struct err *e)
{
    struct rows r;
    return rows_load(&r, s, SHOW_CELLS, (const char *const[]){run, NULL}, e) ? -1 : print_csv(&r);
}

int show_scores_csv(struct store *s, const char *run, struct err *e)
{
    struct rows r;
    return stored_scores(&r, s, run, e) ? -1 : print_csv(&r);
}
