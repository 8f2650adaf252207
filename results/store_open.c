/* Opening a database: whose file is it, which version, make or migrate it, then the views.
 *
 * Nothing is changed in a file before it is known to be ours or empty.  Whoever creates or migrates holds the write lock and
 * looks at the version again under it, so two programs that start at once do it once. */
/* SPDX-License-Identifier: MIT */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/text.h"
#include "results/db.h"
#include "results/store.h"
#include "schema.h" /* schema_sql and so on: the files of results/ as the Makefile turned them into C */

#if SQLITE_VERSION_NUMBER < 3037000
#error "SQLite 3.37 or newer is needed (STRICT tables)"
#endif

#define APPLICATION_ID 0x4c4d4265 /* as schema.sql sets it */
#define BUSY_MS 60000

/* The i-th takes a file of version i + 1 to the next. */
static const char *const migrations[] = {
    "ALTER TABLE score ADD COLUMN token_values BLOB CHECK (length(token_values) % 8 = 0);",
    (const char *)gate_sql,
    (const char *)quality_sql,
    (const char *)anchor_sql,
    NULL,
};

/* What makes a new file the newest version at once. */
static const char *const tables[] = {(const char *)schema_sql, (const char *)gate_sql, (const char *)quality_sql,
                                     (const char *)anchor_sql, NULL};

static int exec(struct store *s, const char *doing, const char *sql, struct err *e)
{
    return sqlite3_exec(s->db, sql, NULL, NULL, NULL) ? db_fail(s, doing, e) : 0;
}

/* The savepoint makes the three one look: another program may be making the tables just now. */
static int read_header(struct store *s, int64_t *application, int64_t *version, int64_t *objects, struct err *e)
{
    if (db_run(s, "open it", NULL, "SAVEPOINT header", NULL, e))
        return -1;
    int rc = db_run(s, "open it", application, "PRAGMA application_id", NULL, e) ||
             db_run(s, "open it", version, "PRAGMA user_version", NULL, e) ||
             db_run(s, "open it", objects, "SELECT count(*) FROM sqlite_schema", NULL, e);
    return db_run(s, "open it", NULL, "RELEASE header", NULL, rc ? NULL : e) || rc ? -1 : 0;
}

/* Version of the tables; 0: an empty file.  Error when the file is another program's, or newer than `newest`. */
static int examine(struct store *s, int newest, int64_t *version, struct err *e)
{
    int64_t application, objects;
    if (read_header(s, &application, version, &objects, e))
        return -1;
    if (application == 0 && *version == 0 && objects == 0)
        return 0;
    if (application != APPLICATION_ID)
        return err_set(e, ERR_ENV,
                       "%s: an SQLite database of another program (application id %lld), left as it is; name another "
                       "file with --db",
                       s->path, (long long)application);
    if (*version > newest)
        return err_set(e, ERR_ENV,
                       "%s: written by a newer bench (tables of version %lld, this program knows %d); update bench, or "
                       "name another file with --db",
                       s->path, (long long)*version, newest);
    if (*version < 1)
        return err_set(e, ERR_ENV,
                       "%s: damaged: it says that its tables are of version %lld; restore a copy, or name another file "
                       "with --db",
                       s->path, (long long)*version);
    return 0;
}

static int copy_into(struct store *s, const char *path, struct err *e)
{
    struct store from = {.path = s->path}, to = {.path = (char *)path};
    int rc = -1;
    /* A connection of its own: the one of s is inside the transaction that keeps other writers away. */
    if (sqlite3_open_v2(s->path, &from.db, SQLITE_OPEN_READWRITE, NULL)) {
        db_fail(&from, "open it for a backup", e);
        goto out;
    }
    if (sqlite3_open_v2(path, &to.db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, NULL)) {
        db_fail(&to, "make a backup", e);
        goto out;
    }
    sqlite3_backup *b = sqlite3_backup_init(to.db, "main", from.db, "main");
    if (b) {
        sqlite3_backup_step(b, -1);
        sqlite3_backup_finish(b);
    }
    if (sqlite3_errcode(to.db))
        db_fail(&to, "make a backup", e);
    else
        rc = 0;
out:
    sqlite3_close(from.db);
    sqlite3_close(to.db);
    if (rc)
        unlink(path);
    return rc;
}

static int migrate(struct store *s, const char *const *steps, int version, int newest, struct err *e)
{
    struct text backup = {0};
    text_printf(&backup, "%s.bak-v%d", s->path, version);
    int rc = copy_into(s, backup.p, e);
    for (int v = version; !rc && v < newest; v++)
        rc = exec(s, "migrate it", steps[v - 1], e);
    text_free(&backup);
    if (rc)
        return -1;
    char set[48];
    snprintf(set, sizeof set, "PRAGMA user_version = %d", newest);
    int64_t orphans;
    if (exec(s, "migrate it", set, e) ||
        db_run(s, "migrate it", &orphans, "SELECT count(*) FROM pragma_foreign_key_check", NULL, e))
        return -1;
    if (orphans)
        return err_set(e, ERR_ENV,
                       "%s: damaged: %lld rows refer to rows that are not there, so it was not migrated; restore a copy", s->path,
                       (long long)orphans);
    return 0;
}

int db_upgrade(struct store *s, const char *const *steps, struct err *e)
{
    int newest = 1;
    while (steps[newest - 1])
        newest++;
    int64_t version;
    if (examine(s, newest, &version, e))
        return -1;
    if (version == newest)
        return 0;
    if (db_begin(s, e))
        return -1;
    int rc = examine(s, newest, &version, e); /* another program may have done it while this one waited for the lock */
    for (int i = 0; !rc && version == 0 && tables[i]; i++)
        rc = exec(s, "make its tables", tables[i], e);
    if (!rc && version > 0 && version < newest)
        rc = migrate(s, steps, (int)version, newest, e);
    return db_end(s, "make its tables", rc, e);
}

/* Write-ahead logging: readers and the writer do not wait for each other, and a commit costs one fsync.  It needs shared memory,
 * which network file systems lack: then the rollback journal, as safe and slower, and a note that says so. */
static int journal(struct store *s, struct err *e)
{
    int rc;
    const char *mode = "";
    sqlite3_stmt *stmt = NULL;
    for (int waited = 0;; waited += 20) {
        sqlite3_finalize(stmt);
        stmt = NULL;
        rc = sqlite3_prepare_v2(s->db, "PRAGMA journal_mode = WAL", -1, &stmt, NULL);
        if (!rc)
            rc = sqlite3_step(stmt);
        /* SQLite does not wait by itself when another program is changing the mode too. */
        if ((rc & 0xff) != SQLITE_BUSY || waited > BUSY_MS)
            break;
        sqlite3_sleep(20);
    }
    if (rc == SQLITE_ROW)
        mode = (const char *)sqlite3_column_text(stmt, 0);
    int failed = rc != SQLITE_ROW ? db_fail(s, "open it", e) : 0;
    if (!failed && strcmp(mode, "wal"))
        snprintf(s->note, sizeof s->note,
                 "this file system cannot hold a write-ahead log, so a rollback journal is used: as safe, slower");
    sqlite3_finalize(stmt);
    return failed;
}

/* "file:PATH?immutable=1", with the characters escaped that mean something there. */
static char *immutable_uri(const char *path)
{
    struct text uri = {0};
    text_printf(&uri, "file:");
    for (const char *c = path; *c; c++)
        if (strchr("%?#", *c))
            text_printf(&uri, "%%%02X", (unsigned)(unsigned char)*c);
        else
            text_add(&uri, c, 1);
    text_printf(&uri, "?immutable=1");
    return uri.p;
}

/* A reader may not be allowed to write next to the file, which a write-ahead log needs even for reading.  Without a log left
 * behind the file is complete and can be read as one that does not change. */
static int open_immutable(struct store *s)
{
    struct text log = {0};
    text_printf(&log, "%s-wal", s->path);
    int has_log = access(log.p, F_OK) == 0;
    text_free(&log);
    if (has_log)
        return -1;
    char *uri = immutable_uri(s->path);
    sqlite3_close(s->db);
    int rc = sqlite3_open_v2(uri, &s->db, SQLITE_OPEN_READONLY | SQLITE_OPEN_URI, NULL);
    free(uri);
    return rc || sqlite3_extended_result_codes(s->db, 1) ? -1 : 0;
}

static int open_file(struct store *s, int create, struct err *e)
{
    int flags = SQLITE_OPEN_READWRITE | (create ? SQLITE_OPEN_CREATE : 0);
    if (sqlite3_open_v2(s->path, &s->db, flags, NULL) || sqlite3_extended_result_codes(s->db, 1) ||
        sqlite3_busy_timeout(s->db, BUSY_MS))
        return db_fail(s, "open it", e);
    if (sqlite3_db_readonly(s->db, "main") == 1) {
        if (create)
            return err_set(e, ERR_ENV,
                           "%s: cannot write: it is read-only; change its permissions, or use --db to write elsewhere", s->path);
        int rc = sqlite3_exec(s->db, "SELECT count(*) FROM sqlite_schema", NULL, NULL, NULL);
        if ((rc & 0xff) == SQLITE_CANTOPEN || (rc & 0xff) == SQLITE_READONLY)
            if (open_immutable(s))
                return db_fail(s, "read it", e);
    }
    return 0;
}

/* What can be said better than SQLite says it: folders, and a file that is not there. */
static int check_path(const char *path, int create, struct err *e)
{
    struct stat st;
    if (!*path)
        return err_set(e, ERR_ENV, "the database has an empty name; name a file with --db");
    if (stat(path, &st) == 0) {
        if (S_ISREG(st.st_mode))
            return 0;
        return err_set(e, ERR_ENV, "%s: %s, not a database; name a file with --db", path,
                       S_ISDIR(st.st_mode) ? "a folder" : "not a regular file");
    }
    if (!create)
        return err_set(e, ERR_ENV, "%s: no database there yet; `bench sweep` makes one, or name another with --db", path);
    const char *slash = strrchr(path, '/');
    if (!slash || slash == path)
        return 0;
    char *folder = strndup(path, (size_t)(slash - path));
    if (!folder)
        abort();
    int rc = file_mkdirs(folder, e);
    free(folder);
    return rc;
}

static int open_store(struct store **out, const char *path, int create, struct err *e)
{
    *out = NULL;
    if (check_path(path, create, e))
        return -1;
    struct store *s = calloc(1, sizeof *s);
    /* SQLite takes these two for something other than the name of a file. */
    int special = *path == ':' || !strncmp(path, "file:", 5);
    if (!s || asprintf(&s->path, "%s%s", special ? "./" : "", path) < 0)
        abort();
    if (open_file(s, create, e))
        goto fail;
    int read_only = sqlite3_db_readonly(s->db, "main") == 1;
    int newest = (int)(sizeof migrations / sizeof *migrations);
    int64_t version;
    if (db_functions(s->db)) {
        db_fail(s, "open it", e);
        goto fail;
    }
    if (exec(s, "open it", "PRAGMA temp_store = MEMORY; PRAGMA synchronous = FULL", e) || examine(s, newest, &version, e))
        goto fail;
    if (!create && version == 0) {
        err_set(e, ERR_ENV, "%s: an empty database; `bench sweep` fills it, or name another with --db", s->path);
        goto fail;
    }
    if (read_only && version < newest) {
        err_set(e, ERR_ENV,
                "%s: tables of version %lld must be brought to %d, but the file is read-only; copy it to where it can be "
                "written",
                s->path, (long long)version, newest);
        goto fail;
    }
    /* Foreign keys after a migration: one that rebuilds a table must be able to drop the old one. */
    if ((!read_only && (journal(s, e) || db_upgrade(s, migrations, e))) || exec(s, "open it", "PRAGMA foreign_keys = ON", e) ||
        exec(s, "make its views", (const char *)views_sql, e))
        goto fail;
    *out = s;
    return 0;
fail:
    store_close(s);
    return -1;
}

int store_open(struct store **s, const char *path, struct err *e)
{
    return open_store(s, path, 1, e);
}

int store_open_existing(struct store **s, const char *path, struct err *e)
{
    return open_store(s, path, 0, e);
}

const char *store_note(const struct store *s)
{
    return s->note;
}

void store_close(struct store *s)
{
    if (!s)
        return;
    for (int i = 0; i < s->n_prepared; i++)
        sqlite3_finalize(s->prepared[i].stmt);
    sqlite3_close(s->db);
    free(s->path);
    free(s);
}
