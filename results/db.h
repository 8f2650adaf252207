/* db.h - SQLite as the files of this room use it: values, one-statement calls, transactions, and failures in words.
 *
 * Private to results/.  Statements are prepared once per connection, known by the address of their text, which must therefore be
 * a constant. */
/* SPDX-License-Identifier: MIT */
#ifndef RESULTS_DB_H
#define RESULTS_DB_H

#include <sqlite3.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

#define DB_MAX_STATEMENTS 60 /* different texts given to db_run */

struct store {
    sqlite3 *db;
    char *path;
    char note[256]; /* what the user should know about this file; empty when there is nothing */
    struct {
        const char *sql;
        sqlite3_stmt *stmt;
    } prepared[DB_MAX_STATEMENTS];
    int n_prepared;
};

/* A parameter of a statement: DB_INT(run), DB_TEXT(name) and so on. */
struct db_value {
    enum { DB_END, DB_KIND_INT, DB_KIND_REAL, DB_KIND_TEXT, DB_KIND_BLOB } kind;
    int64_t i;
    double r;
    const void *p; /* text or bytes; NULL is SQL's NULL */
    size_t n;
};

/* clang-format off */
#define DB_INT(x) {.kind = DB_KIND_INT, .i = (x)}
#define DB_REAL(x) {.kind = DB_KIND_REAL, .r = (x)}
#define DB_TEXT(x) {.kind = DB_KIND_TEXT, .p = (x)}
#define DB_BLOB(x, bytes) {.kind = DB_KIND_BLOB, .p = (x), .n = (bytes)}
/* NULL when the condition does not hold. */
#define DB_INT_IF(condition, x) {.kind = (condition) ? DB_KIND_INT : DB_KIND_TEXT, .i = (x)}
#define DB_REAL_IF(condition, x) {.kind = (condition) ? DB_KIND_REAL : DB_KIND_TEXT, .r = (x)}
#define DB_VALUES(...) ((const struct db_value[]){__VA_ARGS__, {.kind = DB_END}})
/* clang-format on */

/* Runs one statement to its end.  *id, unless NULL, is the first column of its first row, 0 when it has no row.
 * doing: "store the trial", the words after "cannot" in the message of a failure. */
int db_run(struct store *s, const char *doing, int64_t *id, const char *sql, const struct db_value *v, struct err *e);

/* A write is db_begin, any number of db_run, db_end(rc): commits when rc is 0, else undoes all of it.  Returns rc, or -1. */
int db_begin(struct store *s, struct err *e);
int db_end(struct store *s, const char *doing, int rc, struct err *e);

/* The last failure of the connection as a message: file, what, why, what to do next. */
int db_fail(struct store *s, const char *doing, struct err *e);

/* Makes the tables of an empty file, or backs an older file up and takes it through the steps, the i-th from version i + 1 to the
 * next, all in one transaction; NULL ends them. */
int db_upgrade(struct store *s, const char *const *steps, struct err *e);

/* What several files write: the row of a build, which is there once; times as the file keeps them, little-endian on every machine,
 * malloc'ed. */
struct store_build;
int db_build(struct store *s, const struct store_build *b, int64_t *id, struct err *e);
unsigned char *db_pack_times(const int64_t *ns, int n);

/* Adds this room's SQL functions to a connection; a result code of SQLite. */
int db_functions(sqlite3 *db);

#endif
