/* The store's file: no way to end a writer damages it, and no file that is not ours is touched. */
/* SPDX-License-Identifier: MIT */
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/rng.h"
#include "base/text.h"
#include "results/db.h"
#include "tests/store_fixture.h"

/* -- other programs, killed writers, a full disk --------------------------------------------------------------------------- */

/* Opens the file and stores n trials in a run of its own, telling fd of each.  The exit code says what failed. */
static void write_trials(const char *path, int n, int fd)
{
    struct store *s;
    struct err e = {0};
    int64_t run;
    if (store_open(&s, path, &e) || store_run_begin(s, &a_run, NULL, 0, &run, &e))
        goto failed;
    int64_t cell = cell_of(s, run, 64);
    for (int round = 0; round < n; round++)
        if (put_trial(s, cell, round, 10, &e) || (fd >= 0 && write(fd, "t", 1) != 1))
            goto failed;
    store_close(s);
    _exit(0);
failed:
    fprintf(stderr, "%s\n", e.msg);
    _exit(1);
}

static void two_writers_both_finish(void **state)
{
    struct fixture *f = *state;
    char path[PATH_MAX + 16];
    snprintf(path, sizeof path, "%s/new.db", f->dir); /* both also race to make the file */
    pid_t child[2];
    for (int i = 0; i < 2; i++) {
        child[i] = fork();
        assert_true(child[i] >= 0);
        if (!child[i])
            write_trials(path, 200, -1);
    }
    for (int i = 0; i < 2; i++) {
        int status;
        assert_int_equal(waitpid(child[i], &status, 0), child[i]);
        assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    }
    struct store *s;
    ok(store_open_existing(&s, path, &f->e), &f->e);
    sound(s);
    expect(s, "SELECT count(*), count(DISTINCT cell) FROM trial", "400|2");
    expect(s, "SELECT count(*) FROM stretch", "1600");
    expect(s, "SELECT (SELECT count(*) FROM machine), (SELECT count(*) FROM model), (SELECT count(*) FROM run)", "1|1|2");
    store_close(s);
}

static void many_openers_make_one_file(void **state)
{
    struct fixture *f = *state;
    for (int round = 0; round < 30; round++) {
        char path[PATH_MAX + 32];
        snprintf(path, sizeof path, "%s/sub/new%d.db", f->dir, round);
        pid_t child[4];
        for (int i = 0; i < 4; i++) {
            child[i] = fork();
            assert_true(child[i] >= 0);
            if (!child[i])
                write_trials(path, 0, -1);
        }
        for (int i = 0; i < 4; i++) {
            int status;
            assert_int_equal(waitpid(child[i], &status, 0), child[i]);
            assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
        }
        struct store *s;
        ok(store_open_existing(&s, path, &f->e), &f->e);
        expect(s, "SELECT (SELECT count(*) FROM run), (SELECT count(*) FROM machine)", "4|1");
        store_close(s);
    }
}

static void a_killed_writer_damages_nothing(void **state)
{
    struct fixture *f = *state;
    struct rng r;
    int64_t before = 0;
    rng_seed(&r, 5);
    for (int kills = 0; kills < 30; kills++) {
        store_close(f->s); /* a connection must not be carried through fork */
        f->s = NULL;
        uint64_t trials = rng_below(&r, 20), spin = rng_below(&r, 2000000);
        int fd[2], status;
        assert_int_equal(pipe(fd), 0);
        pid_t child = fork();
        assert_true(child >= 0);
        if (!child)
            write_trials(f->path, 1000000, fd[1]);
        close(fd[1]);
        for (uint64_t i = 0; i < trials; i++) {
            char byte;
            assert_int_equal(read(fd[0], &byte, 1), 1);
        }
        for (volatile uint64_t i = 0; i < spin; i++) /* so that it hits all places of the next transaction */
            ;
        kill(child, SIGKILL);
        assert_int_equal(waitpid(child, &status, 0), child);
        assert_true(WIFSIGNALED(status));
        close(fd[0]);
        ok(store_open(&f->s, f->path, &f->e), &f->e);
        sound(f->s);
        int64_t now = number(f->s, "SELECT count(*) FROM trial");
        assert_true(now >= before + (int64_t)trials); /* what the child told of is there */
        before = now;
        expect(f->s, "SELECT count(*) FROM trial t WHERE (SELECT count(*) FROM stretch WHERE trial = t.id) <> 4", "0");
        expect(f->s,
               "SELECT count(*) FROM stretch s WHERE (SELECT count(*) FROM reading WHERE stretch = s.id) <> "
               "CASE kind WHEN 'decode' THEN 3 WHEN 'trial' THEN 4 ELSE 0 END",
               "0");
    }
    assert_true(before > 30);
}

/* A file that may not grow stands in for a full disk: SQLite sees the same failed write. */
static void a_full_disk_damages_nothing(void **state)
{
    struct fixture *f = *state;
    static const int sizes_kib[] = {1, 40, 180, 200, 333, 1000};
    for (size_t i = 0; i < sizeof sizes_kib / sizeof *sizes_kib; i++) {
        char path[PATH_MAX + 32];
        snprintf(path, sizeof path, "%s/full%d.db", f->dir, sizes_kib[i]);
        pid_t child = fork();
        assert_true(child >= 0);
        if (!child) {
            const struct rlimit limit = {(rlim_t)sizes_kib[i] << 10, (rlim_t)sizes_kib[i] << 10};
            struct store *s = NULL;
            struct err e = {0};
            int64_t run, model, variant, cell;
            signal(SIGXFSZ, SIG_IGN);
            if (setrlimit(RLIMIT_FSIZE, &limit))
                _exit(1);
            struct store_cell c;
            int rc = store_open(&s, path, &e) || store_run_begin(s, &a_run, NULL, 0, &run, &e) ||
                     store_model(s, &a_model, &model, &e) || store_variant(s, model, &a_variant, &variant, &e) ||
                     (c = a_cell(variant, 64), store_cell(s, run, &c, &cell, &e));
            for (int round = 0; !rc && round < 100000; round++)
                rc = put_trial(s, cell, round, 10, &e);
            /* As after a real one: the program says so and closes the file as usual. */
            int good = rc == -1 || rc == 1;
            good = good && e.code == ERR_ENV && strstr(e.msg, path) && strstr(e.msg, "--db") && strstr(e.msg, "space");
            if (!good)
                fprintf(stderr, "limit %d KiB: %d, code %d: %s\n", sizes_kib[i], rc, e.code, e.msg);
            store_close(s);
            _exit(good ? 0 : 2);
        }
        int status;
        assert_int_equal(waitpid(child, &status, 0), child);
        assert_true(WIFEXITED(status));
        assert_int_equal(WEXITSTATUS(status), 0);
        struct store *s;
        ok(store_open(&s, path, &f->e), &f->e);
        sound(s);
        expect(s, "SELECT count(*) FROM trial t WHERE (SELECT count(*) FROM stretch WHERE trial = t.id) <> 4", "0");
        int64_t cell = cell_of(s, begin(s, NULL, 0), 64);
        ok(put_trial(s, cell, 0, 10, &f->e), &f->e); /* with space again it goes on */
        store_close(s);
    }
}

/* -- files that are not ours ----------------------------------------------------------------------------------------------- */

static void refuse(struct fixture *f, const char *path, const char *words)
{
    struct store *s;
    int (*const openers[])(struct store **, const char *, struct err *) = {store_open, store_open_existing};
    for (int i = 0; i < 2; i++) {
        memset(&f->e, 0, sizeof f->e);
        assert_int_equal(openers[i](&s, path, &f->e), -1);
        assert_null(s);
        assert_int_equal(f->e.code, ERR_ENV);
        if (!strstr(f->e.msg, words) || !strstr(f->e.msg, "--db"))
            fail_msg("no \"%s\" and --db in: %s", words, f->e.msg);
    }
}

static void write_at(const char *path, off_t at, const void *bytes, size_t n)
{
    int fd = open(path, O_RDWR | O_CREAT, 0666);
    assert_true(fd >= 0);
    assert_int_equal(pwrite(fd, bytes, n, at), n);
    close(fd);
}

static void foreign_files_are_left_alone(void **state)
{
    struct fixture *f = *state;
    char path[PATH_MAX + 32];
    refuse(f, "", "empty name");
    refuse(f, f->dir, "a folder");
    refuse(f, "/dev/null", "not a regular file");

    snprintf(path, sizeof path, "%s/garbage.db", f->dir);
    static const char garbage[2048] = "this is no database but a letter to a friend";
    write_at(path, 0, garbage, sizeof garbage);
    refuse(f, path, "not an SQLite database");

    store_close(f->s); /* checkpoints: from here on the header is in the file itself */
    f->s = NULL;
    write_at(f->path, 60, "\0\0\0\6", 4); /* user_version: https://www.sqlite.org/fileformat2.html, 1.3 */
    refuse(f, f->path, "newer bench (tables of version 6, this program knows 5)");
    write_at(f->path, 60, "\0\0\0\0", 4);
    refuse(f, f->path, "damaged");
    write_at(f->path, 60, "\0\0\0\5", 4);
    write_at(f->path, 68, "\0\0\0\7", 4); /* application_id */
    refuse(f, f->path, "another program (application id 7)");
    write_at(f->path, 68, "\0\0\0\0", 4);
    refuse(f, f->path, "another program (application id 0)");
    write_at(f->path, 68, "LMBe", 4);
    ok(store_open(&f->s, f->path, &f->e), &f->e);
    sound(f->s);
}

static void a_reader_does_not_make_a_file(void **state)
{
    struct fixture *f = *state;
    struct store *s;
    char path[PATH_MAX + 32];
    snprintf(path, sizeof path, "%s/none.db", f->dir);
    assert_int_equal(store_open_existing(&s, path, &f->e), -1);
    assert_non_null(strstr(f->e.msg, "bench sweep"));
    assert_int_equal(access(path, F_OK), -1);
    write_at(path, 0, "", 0);
    assert_int_equal(store_open_existing(&s, path, &f->e), -1);
    assert_non_null(strstr(f->e.msg, "an empty database"));
    ok(store_open(&s, path, &f->e), &f->e); /* a writer takes an empty file */
    store_close(s);
    snprintf(path, sizeof path, "%s/t.db/below.db", f->dir);
    assert_int_equal(store_open(&s, path, &f->e), -1);
    assert_int_equal(f->e.code, ERR_ENV);
}

/* In a child that is nobody when this is root, whom permissions do not stop.  Returns what `check` returns. */
static int as_nobody(struct fixture *f, int (*check)(struct fixture *f))
{
    pid_t child = fork();
    assert_true(child >= 0);
    if (!child) {
        if (geteuid() == 0 && (setegid(65534) || seteuid(65534)))
            _exit(100);
        _exit(check(f));
    }
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 101;
}

static int read_but_not_write(struct fixture *f)
{
    struct store *s;
    if (store_open(&s, f->path, &f->e) != -1 || f->e.code != ERR_ENV || !strstr(f->e.msg, "read-only"))
        return 1;
    if (store_open_existing(&s, f->path, &f->e)) {
        fprintf(stderr, "%s\n", f->e.msg);
        return 2;
    }
    struct answer a = {0};
    if (store_query(s, "SELECT count(*), median(ms_per_token) > 0 FROM v_cell", NULL, add_row, &a, &f->e) ||
        strcmp(a.text, "1|1"))
        return 3;
    int64_t run;
    if (store_run_begin(s, &a_run, NULL, 0, &run, &f->e) != -1 || !strstr(f->e.msg, "read-only"))
        return 4;
    store_close(s);
    return 0;
}

static int log_left_behind(struct fixture *f)
{
    struct store *s;
    return store_open_existing(&s, f->path, &f->e) == -1 && f->e.code == ERR_ENV && strstr(f->e.msg, f->path) ? 0 : 1;
}

static void a_read_only_file_is_read(void **state)
{
    struct fixture *f = *state;
    ok(put_trial(f->s, cell_of(f->s, begin(f->s, NULL, 0), 64), 0, 10, &f->e), &f->e);
    store_close(f->s);
    f->s = NULL;
    assert_int_equal(chmod(f->path, 0444), 0);
    assert_int_equal(chmod(f->dir, 0555), 0); /* nor may the log be made beside it */
    assert_int_equal(as_nobody(f, read_but_not_write), 0);
    assert_int_equal(chmod(f->dir, 0777), 0);
    char log[PATH_MAX + 32];
    snprintf(log, sizeof log, "%s-wal", f->path);
    write_at(log, 0, "a log that holds the newest trials", 34);
    assert_int_equal(chmod(log, 0400), 0);
    assert_int_equal(chmod(f->dir, 0555), 0);
    assert_int_equal(as_nobody(f, log_left_behind), 0);
    assert_int_equal(chmod(f->dir, 0700), 0);
}

/* -- versions -------------------------------------------------------------------------------------------------------------- */

#define DROP_ANCHOR "DROP TABLE anchor; DROP TABLE quality; "
#define DROP_GATE DROP_ANCHOR "DROP TABLE verdict; DROP TABLE fact; DROP TABLE sample; DROP TABLE unit; DROP TABLE gate; "
#define DONE "-- a step that the newest file has behind it"

static void migration_keeps_a_backup(void **state)
{
    struct fixture *f = *state;
    begin(f->s, NULL, 0);
    static const char *const bad[] = {
        DONE, DONE, DONE, DONE, "CREATE TABLE extra (x INTEGER) STRICT; INSERT INTO nowhere VALUES (1);", NULL};
    assert_int_equal(db_upgrade(f->s, bad, &f->e), -1);
    assert_non_null(strstr(f->e.msg, "cannot migrate it"));
    expect(f->s,
           "SELECT user_version, (SELECT count(*) FROM run), (SELECT count(*) FROM sqlite_schema WHERE name = 'extra') "
           "FROM pragma_user_version",
           "5|1|0");

    static const char *const orphan[] = {
        DONE, DONE, DONE, DONE, "CREATE TABLE extra (run INTEGER REFERENCES run) STRICT; INSERT INTO extra VALUES (77);", NULL};
    ok(sqlite3_exec(f->s->db, "PRAGMA foreign_keys = OFF", NULL, NULL, NULL), &f->e); /* as it is while a file is opened */
    assert_int_equal(db_upgrade(f->s, orphan, &f->e), -1);
    assert_non_null(strstr(f->e.msg, "1 rows refer"));

    static const char *const steps[] = {
        DONE, DONE, DONE, DONE, "CREATE TABLE extra (x INTEGER) STRICT;", "INSERT INTO extra VALUES (3);", NULL};
    ok(db_upgrade(f->s, steps, &f->e), &f->e);
    ok(db_upgrade(f->s, steps, &f->e), &f->e); /* nothing left to do */
    expect(f->s, "SELECT user_version, (SELECT count(*) FROM run), (SELECT x FROM extra) FROM pragma_user_version", "7|1|3");
    sound(f->s);

    char backup[PATH_MAX + 32];
    struct store *old, *s;
    snprintf(backup, sizeof backup, "%s.bak-v5", f->path);
    ok(store_open_existing(&old, backup, &f->e), &f->e);
    expect(old, "SELECT user_version, (SELECT count(*) FROM run) FROM pragma_user_version", "5|1");
    sound(old);
    store_close(old);
    assert_int_equal(store_open(&s, f->path, &f->e), -1);
    assert_non_null(strstr(f->e.msg, "newer bench (tables of version 7"));
}

/* A file of version 1 with a score becomes one of today's: the score is there, and one with values of tokens can be added. */
static void a_file_of_version_1_is_taken_along(void **state)
{
    struct fixture *f = *state;
    int64_t run = begin(f->s, NULL, 0);
    cell_of(f->s, run, 64);
    static const double sums[] = {0.5, 2}, each[] = {0.125, 0.375};
    struct store_score score = {.run = run,
                                .variant = 1,
                                .task = "story.txt",
                                .task_sha256 = sha_a,
                                .scorer = "kl_divergence",
                                .value = 0.25,
                                .state = "ok",
                                .reason = "",
                                .sums = sums,
                                .n_items = 1,
                                .n_sums = 2};
    ok(store_score(f->s, &score, &f->e), &f->e);
    store_close(f->s);
    f->s = NULL;
    sqlite3 *raw;
    assert_int_equal(sqlite3_open(f->path, &raw), 0);
    assert_int_equal(
        sqlite3_exec(raw, "ALTER TABLE score DROP COLUMN token_values; " DROP_GATE "PRAGMA user_version = 1", NULL, NULL, NULL),
        0);
    sqlite3_close(raw);

    ok(store_open(&f->s, f->path, &f->e), &f->e);
    score.scorer = "another";
    score.token_values = each;
    score.n_tokens = 2;
    ok(store_score(f->s, &score, &f->e), &f->e);
    expect(f->s, "SELECT user_version FROM pragma_user_version", "5");
    expect(
        f->s,
        "SELECT v.scorer, v.value, v.tokens, blob_quantile_real(s.token_values, 0.5) FROM v_score v JOIN score s ON s.id = v.id "
        "ORDER BY v.id",
        "kl_divergence|0.25|NULL|NULL;another|0.25|2|0.25");
    expect(f->s, "SELECT count(*) FROM score_item", "2");
    sound(f->s);
}

/* The tables' definitions without comments and white space. */
static int add_definition(void *ctx, int n, const char *const *column, const char *const *value)
{
    struct text *t = ctx;
    (void)n, (void)column;
    for (const char *c = value[0]; *c; c++) {
        if (!strncmp(c, "--", 2))
            c += strcspn(c, "\n");
        if (!strchr(" \n", *c))
            text_add(t, c, 1);
    }
    text_add(t, "\n", 1);
    return 0;
}

static void a_file_of_version_2_gets_the_same_tables(void **state)
{
    struct fixture *f = *state;
    static const char sql[] =
        "SELECT sql FROM sqlite_schema WHERE name IN ('gate', 'unit', 'sample', 'fact', 'verdict', 'quality', 'anchor') "
        "ORDER BY name";
    struct text made = {0}, migrated = {0};
    begin(f->s, NULL, 0);
    ok(store_query(f->s, sql, NULL, add_definition, &made, &f->e), &f->e);
    ok(sqlite3_exec(f->s->db, DROP_GATE "PRAGMA user_version = 2", NULL, NULL, NULL), &f->e);
    store_close(f->s);
    ok(store_open(&f->s, f->path, &f->e), &f->e);
    ok(store_query(f->s, sql, NULL, add_definition, &migrated, &f->e), &f->e);
    assert_string_equal(made.p, migrated.p);
    expect(f->s, "SELECT user_version, (SELECT count(*) FROM run) FROM pragma_user_version", "5|1");
    sound(f->s);
    text_free(&made);
    text_free(&migrated);
}

/* -- how a file is kept ---------------------------------------------------------------------------------------------------- */

static void connections_are_durable(void **state)
{
    struct fixture *f = *state;
    expect(f->s,
           "SELECT journal_mode, synchronous, foreign_keys, timeout FROM pragma_journal_mode, pragma_synchronous, "
           "pragma_foreign_keys, pragma_busy_timeout",
           "wal|2|1|60000");
    expect(f->s, "PRAGMA application_id", "1280131685");
    assert_string_equal(store_note(f->s), "");
}

/* This VFS of SQLite's own has no shared memory, as a network file system has none. */
static void without_shared_memory_it_says_so(void **state)
{
    struct fixture *f = *state;
    sqlite3_vfs *usual = sqlite3_vfs_find(NULL), *dotfile = sqlite3_vfs_find("unix-dotfile");
    struct store *s;
    char path[PATH_MAX + 32];
    assert_non_null(dotfile);
    snprintf(path, sizeof path, "%s/net.db", f->dir);
    sqlite3_vfs_register(dotfile, 1);
    int rc = store_open(&s, path, &f->e);
    sqlite3_vfs_register(usual, 1);
    ok(rc, &f->e);
    assert_non_null(strstr(store_note(s), "rollback journal"));
    expect(s, "SELECT journal_mode FROM pragma_journal_mode", "delete");
    ok(put_trial(s, cell_of(s, begin(s, NULL, 0), 64), 0, 10, &f->e), &f->e);
    sound(s);
    store_close(s);
}

static void odd_names_are_files(void **state)
{
    struct fixture *f = *state;
    char here[PATH_MAX];
    struct store *s;
    assert_non_null(getcwd(here, sizeof here));
    assert_int_equal(chdir(f->dir), 0);
    static const char *const names[] = {":memory:", "file:x?mode=memory", "a b%20#?.db", "\xc3\xa9.db"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        ok(store_open(&s, names[i], &f->e), &f->e);
        store_close(s);
        assert_int_equal(access(names[i], F_OK), 0);
    }
    assert_int_equal(chdir(here), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_STORE(two_writers_both_finish),
        WITH_STORE(many_openers_make_one_file),
        WITH_STORE(a_killed_writer_damages_nothing),
        WITH_STORE(a_full_disk_damages_nothing),
        WITH_STORE(foreign_files_are_left_alone),
        WITH_STORE(a_reader_does_not_make_a_file),
        WITH_STORE(a_read_only_file_is_read),
        WITH_STORE(migration_keeps_a_backup),
        WITH_STORE(a_file_of_version_1_is_taken_along),
        WITH_STORE(a_file_of_version_2_gets_the_same_tables),
        WITH_STORE(connections_are_durable),
        WITH_STORE(without_shared_memory_it_says_so),
        WITH_STORE(odd_names_are_files),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
