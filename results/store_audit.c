/* SPDX-License-Identifier: MIT */
#include "results/store_audit.h"

#include "results/db.h"
#include "schema.h" /* audit_sql */

int store_audit(struct store *s, int64_t run, const struct store_audit *a, struct err *e)
{
    if (db_begin(s, e))
        return -1;
    int rc = db_run(s, "make the table of the audit", NULL, (const char *)audit_sql, NULL, e) ||
                     db_run(s, "store what was drawn", NULL,
                            "INSERT INTO audit (run, kind, effect, condition) VALUES (?1, ?2, ?3, ?4)",
                            DB_VALUES(DB_INT(run), DB_TEXT(a->kind), DB_REAL(a->effect), DB_TEXT(a->condition)), e)
                 ? -1
                 : 0;
    return db_end(s, "store what was drawn", rc, e);
}

int store_audit_there(struct store *s, int *there, struct err *e)
{
    int64_t n = 0;
    int rc =
        db_run(s, "look for an audit", &n, "SELECT count(*) FROM sqlite_schema WHERE type = 'table' AND name = 'audit'", NULL, e);
    *there = n > 0;
    return rc;
}
