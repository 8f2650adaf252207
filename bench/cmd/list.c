/* `bench list`: the runs of a database, the newest last. */
/* SPDX-License-Identifier: MIT */
#include <jansson.h>
#include <stdio.h>

#include "bench/cmd/cmd.h"
#include "bench/cmd/rows.h"
#include "bench/cmd/table.h"

#define RUNS                                                                                                                     \
    "SELECT run, started, state, models, cells, trials_ok, trials_failed, cpu, git_commit, command FROM v_run ORDER BY run"

/* Columns of v_run with their titles. */
static const struct {
    const char *name, *title;
    enum table_align align;
} columns[] = {
    {"run", "run", TABLE_RIGHT},
    {"started", "started", TABLE_LEFT},
    {"state", "state", TABLE_LEFT},
    {"models", "models", TABLE_LEFT},
    {"cells", "cells", TABLE_RIGHT},
    {"trials_ok", "trials ok", TABLE_RIGHT},
    {"trials_failed", "failed", TABLE_RIGHT},
    {"cpu", "machine", TABLE_LEFT},
    {"git_commit", "commit", TABLE_LEFT},
    {"command", "command", TABLE_LEFT},
};
#define N_COLUMNS (sizeof columns / sizeof *columns)

static void print_table(const struct rows *r)
{
    struct table t = {0};
    for (size_t c = 0; c < N_COLUMNS; c++)
        table_column(&t, columns[c].title, columns[c].align);
    for (int i = 0; i < r->n; i++)
        for (size_t c = 0; c < N_COLUMNS; c++) {
            const char *value = rows_get(r, i, columns[c].name);
            table_add(&t, "%s", value ? value : "-");
        }
    table_print(&t, stdout);
    table_free(&t);
}

static int list_text(struct store *s, struct err *e)
{
    struct rows r;
    if (rows_load(&r, s, RUNS, NULL, e))
        return -1;
    print_table(&r);
    rows_free(&r);
    return 0;
}

static int list_json(struct store *s, struct err *e)
{
    static const char sql[] =
        "SELECT json_object('runs', json_group_array(json_object('run', run, 'started', started, 'state', state, "
        "'models', models, 'cells', cells, 'trials_ok', trials_ok, 'trials_failed', trials_failed, 'machine', cpu, "
        "'commit', git_commit, 'command', command))) FROM (" RUNS ")";
    json_t *object;
    if (rows_object(&object, s, sql, NULL, e))
        return -1;
    print_json(object);
    return 0;
}

static const struct option_spec options[] = {
    {"db", 0, "FILE", "the database ($BENCH_DB, else results/bench.db)"},
    {0},
};

static int run(const struct args *a, struct err *e)
{
    struct store *s;
    if (store_open_existing(&s, args_db(a), e))
        return -1;
    int rc = (args_has(a, "json") ? list_json : list_text)(s, e);
    store_close(s);
    return rc;
}

const struct command command_list = {
    .name = "list",
    .summary = "the runs in the database",
    .options = options,
    .json = 1,
    .about = "A run is running while it is measured and also when its program was killed; bench sweep --resume goes on with it.",
    .examples = "  bench list\n"
                "  bench list --db other.db --json",
    .run = run,
};
