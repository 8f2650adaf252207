/* Reading: what a resumed sweep asks, and the one query that every table and figure goes through. */
/* SPDX-License-Identifier: MIT */
#include <stdlib.h>
#include <string.h>

#include "results/db.h"
#include "results/store.h"

#define MAX_COLUMNS 64

int store_run_find(struct store *s, const char *plan_key, int64_t *run, struct err *e)
{
    return db_run(s, "look for the run", run, "SELECT max(id) FROM run WHERE plan_key = ?1 AND state <> 'done'",
                  DB_VALUES(DB_TEXT(plan_key)), e);
}

int store_score_done(struct store *s, int64_t run, int64_t variant, const char *task, const char *scorer, int *done,
                     struct err *e)
{
    int64_t n = 0;
    int rc = db_run(s, "look for the score", &n,
                    "SELECT count(*) FROM score s JOIN task t ON t.id = s.task "
                    "WHERE s.run = ?1 AND s.variant = ?2 AND t.name = ?3 AND s.scorer = ?4",
                    DB_VALUES(DB_INT(run), DB_INT(variant), DB_TEXT(task), DB_TEXT(scorer)), e);
    *done = n > 0;
    return rc;
}

int store_trials_done(struct store *s, int64_t cell, int n, unsigned char *done, struct err *e)
{
    sqlite3_stmt *stmt;
    if (n > 0)
        memset(done, 0, (size_t)n);
    if (sqlite3_prepare_v2(s->db, "SELECT round, state = 'ok' FROM trial WHERE cell = ?1", -1, &stmt, NULL))
        return db_fail(s, "look for trials", e);
    int rc = sqlite3_bind_int64(stmt, 1, cell);
    while (!rc && (rc = sqlite3_step(stmt)) == SQLITE_ROW) {
        int64_t round = sqlite3_column_int64(stmt, 0);
        if (round < n)
            done[round] = (unsigned char)(1 + sqlite3_column_int(stmt, 1));
        rc = 0;
    }
    int failed = rc != SQLITE_DONE ? db_fail(s, "look for trials", e) : 0;
    sqlite3_finalize(stmt);
    return failed;
}

int store_score_sums(struct store *s, int64_t score, const char *scorer, int n_sums, double **sums, int *n, struct err *e)
{
    sqlite3_stmt *stmt;
    size_t bytes = (size_t)n_sums * sizeof **sums;
    int rc = 0, cap = 0;
    *n = 0;
    *sums = NULL;
    if (sqlite3_prepare_v2(s->db, "SELECT sums FROM score_item WHERE score = ?1 ORDER BY item", -1, &stmt, NULL) ||
        sqlite3_bind_int64(stmt, 1, score))
        rc = db_fail(s, "read a score", e);
    while (!rc && sqlite3_step(stmt) == SQLITE_ROW) {
        if ((size_t)sqlite3_column_bytes(stmt, 0) != bytes) {
            rc = err_set(e, ERR_ENV, "an item of %s has another number of sums than this program keeps; measure it again", scorer);
            break;
        }
        if (*n == cap) {
            cap = cap ? 2 * cap : 64;
            double *more = realloc(*sums, (size_t)cap * bytes);
            if (!more)
                abort();
            *sums = more;
        }
        memcpy(*sums + (size_t)(*n)++ * (size_t)n_sums, sqlite3_column_blob(stmt, 0), bytes);
    }
    if (!rc && sqlite3_errcode(s->db) != SQLITE_DONE)
        rc = db_fail(s, "read a score", e);
    sqlite3_finalize(stmt);
    if (rc) {
        free(*sums);
        *sums = NULL;
        *n = 0;
    }
    return rc ? -1 : 0;
}

static int each_row(struct store *s, sqlite3_stmt *stmt, store_row_fn *fn, void *ctx, struct err *e)
{
    const char *column[MAX_COLUMNS], *value[MAX_COLUMNS];
    int n = sqlite3_column_count(stmt);
    if (n > MAX_COLUMNS)
        return err_set(e, ERR_ENV, "%s: the query has %d columns, more than the %d there is room for", s->path, n, MAX_COLUMNS);
    for (int i = 0; i < n; i++)
        column[i] = sqlite3_column_name(stmt, i);
    int rc;
    while ((rc = sqlite3_step(stmt)) == SQLITE_ROW) {
        for (int i = 0; i < n; i++)
            value[i] = (const char *)sqlite3_column_text(stmt, i);
        if (fn(ctx, n, column, value))
            return 0;
    }
    return rc != SQLITE_DONE ? db_fail(s, "read it", e) : 0;
}

int store_query(struct store *s, const char *sql, const char *const *params, store_row_fn *fn, void *ctx, struct err *e)
{
    sqlite3_stmt *stmt;
    if (sqlite3_prepare_v2(s->db, sql, -1, &stmt, NULL))
        return db_fail(s, "read it", e);
    int rc = 0;
    if (!stmt || !sqlite3_stmt_readonly(stmt))
        rc = err_set(e, ERR_ENV, "%s: not a query that only reads: %s", s->path, sql);
    for (int i = 0; !rc && params && params[i]; i++)
        if (sqlite3_bind_text(stmt, i + 1, params[i], -1, SQLITE_STATIC))
            rc = db_fail(s, "read it", e);
    if (!rc)
        rc = each_row(s, stmt, fn, ctx, e);
    sqlite3_finalize(stmt);
    return rc;
}
