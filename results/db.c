/* SPDX-License-Identifier: MIT */
#include "results/db.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* What went wrong in the user's words, and what to do about it.  %s of advice: nothing. */
static const struct {
    int code;
    const char *cause, *advice;
} causes[] = {
    {SQLITE_FULL, "the disk is full", "free space, or use --db to keep the database elsewhere; what was stored before is safe"},
    {SQLITE_IOERR, "the disk refused to read or write", "check free space, quota and the disk, or use --db to keep it elsewhere"},
    {SQLITE_READONLY, "it is read-only", "change its permissions and those of its folder, or use --db to write elsewhere"},
    {SQLITE_CANTOPEN, "it cannot be opened", "check that its folder exists and may be written, or use --db to keep it elsewhere"},
    {SQLITE_PERM, "permission denied", "change its permissions, or use --db to keep it elsewhere"},
    {SQLITE_AUTH, "permission denied", "change its permissions, or use --db to keep it elsewhere"},
    {SQLITE_BUSY, "another program has held it for longer than 60 s", "wait for that program or end it, then try again"},
    {SQLITE_LOCKED, "another program has held it for longer than 60 s", "wait for that program or end it, then try again"},
    {SQLITE_NOTADB, "it is not an SQLite database", "name another file with --db"},
    {SQLITE_CORRUPT, "it is damaged", "restore a copy, or save what is left with: sqlite3 FILE .recover"},
    {SQLITE_NOMEM, "no memory", "end other programs and try again"},
};

int db_fail(struct store *s, const char *doing, struct err *e)
{
    int code = sqlite3_extended_errcode(s->db);
    int os = sqlite3_system_errno(s->db);
    const char *why = sqlite3_errmsg(s->db);
    for (size_t i = 0; i < sizeof causes / sizeof *causes; i++) {
        if (causes[i].code != (code & 0xff))
            continue;
        char system[96] = "";
        if (os && (causes[i].code == SQLITE_IOERR || causes[i].code == SQLITE_CANTOPEN))
            snprintf(system, sizeof system, ": %s", strerror(os));
        return err_set(e, ERR_ENV, "%s: cannot %s: %s (%s%s); %s", s->path, doing, causes[i].cause, why, system,
                       causes[i].advice);
    }
    return err_set(e, ERR_ENV, "%s: cannot %s: %s (SQLite result %d)", s->path, doing, why, code);
}

static int prepare(struct store *s, const char *doing, const char *sql, sqlite3_stmt **stmt, struct err *e)
{
    for (int i = 0; i < s->n_prepared; i++)
        if (s->prepared[i].sql == sql) {
            *stmt = s->prepared[i].stmt;
            return 0;
        }
    if (s->n_prepared == DB_MAX_STATEMENTS)
        abort(); /* this room has more statements than it says */
    if (sqlite3_prepare_v3(s->db, sql, -1, SQLITE_PREPARE_PERSISTENT, stmt, NULL))
        return db_fail(s, doing, e);
    s->prepared[s->n_prepared].sql = sql;
    s->prepared[s->n_prepared++].stmt = *stmt;
    return 0;
}

static int bind(sqlite3_stmt *stmt, int at, const struct db_value *v)
{
    switch (v->kind) {
    case DB_KIND_INT: return sqlite3_bind_int64(stmt, at, v->i);
    case DB_KIND_REAL: return sqlite3_bind_double(stmt, at, v->r);
    case DB_KIND_TEXT: return sqlite3_bind_text(stmt, at, v->p, -1, SQLITE_STATIC);
    case DB_KIND_BLOB: return sqlite3_bind_blob64(stmt, at, v->p, v->n, SQLITE_STATIC);
    case DB_END: break;
    }
    return SQLITE_MISUSE;
}

int db_run(struct store *s, const char *doing, int64_t *id, const char *sql, const struct db_value *v, struct err *e)
{
    sqlite3_stmt *stmt;
    if (prepare(s, doing, sql, &stmt, e))
        return -1;
    int rc = SQLITE_OK;
    for (int i = 0; !rc && v && v[i].kind != DB_END; i++)
        rc = bind(stmt, i + 1, &v[i]);
    if (id)
        *id = 0;
    if (!rc)
        rc = sqlite3_step(stmt);
    if (rc == SQLITE_ROW && id)
        *id = sqlite3_column_int64(stmt, 0);
    while (rc == SQLITE_ROW)
        rc = sqlite3_step(stmt);
    int failed = rc != SQLITE_DONE ? db_fail(s, doing, e) : 0;
    sqlite3_reset(stmt); /* repeats the result of the last step, which was looked at above */
    sqlite3_clear_bindings(stmt);
    return failed;
}

int db_begin(struct store *s, struct err *e)
{
    /* IMMEDIATE: take the write lock first and wait for it here, where nothing has been read that could be stale. */
    return db_run(s, "begin to write", NULL, "BEGIN IMMEDIATE", NULL, e);
}

int db_end(struct store *s, const char *doing, int rc, struct err *e)
{
    if (!rc)
        rc = db_run(s, doing, NULL, "COMMIT", NULL, e);
    if (rc && !sqlite3_get_autocommit(s->db)) /* a full disk may have ended the transaction already */
        db_run(s, doing, NULL, "ROLLBACK", NULL, NULL);
    return rc;
}
