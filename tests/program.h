/* program.h - the program as a user runs it: $BENCH with a command line, what it printed, what it stored.
 *
 * For tests of whole commands; program_setup is their group's set-up and test_dir_remove its tear-down. */
/* SPDX-License-Identifier: MIT */
#ifndef TESTS_PROGRAM_H
#define TESTS_PROGRAM_H

#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/file.h"
#include "base/text.h"
#include "results/store.h"
#include "tests/test.h"

static inline int program_setup(void **state)
{
    if (!getenv("BENCH")) {
        print_message("[  NEEDS   ] $BENCH, the program to test (make test sets it)\n");
        return -1;
    }
    return test_dir_make(state);
}

/* Bytes of anonymous memory that the next program may have (RLIMIT_DATA); 0: as much as it likes */
static rlim_t data_limit;

/* The next program may use one CPU only, however many the machine has. */
static int one_cpu;

static inline void stay_on_one_cpu(void)
{
    cpu_set_t set;
    int first = 0;
    if (sched_getaffinity(0, sizeof set, &set))
        _exit(127);
    while (!CPU_ISSET(first, &set))
        first++;
    CPU_ZERO(&set);
    CPU_SET(first, &set);
    if (sched_setaffinity(0, sizeof set, &set))
        _exit(127);
}

/* Starts `bench` + the words of fmt, its output into DIR/out. */
static inline pid_t start(const char *fmt, ...)
{
    char line[2000], *argv[64];
    int n = 0;
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(line, sizeof line, fmt, ap);
    va_end(ap);
    argv[n++] = getenv("BENCH");
    for (char *save, *word = strtok_r(line, " ", &save); word && n < 63; word = strtok_r(NULL, " ", &save))
        argv[n++] = word;
    argv[n] = NULL;
    fflush(NULL);
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        int fd = open(test_file("out"), O_WRONLY | O_CREAT | O_TRUNC, 0666);
        dup2(fd, 1);
        dup2(fd, 2);
        if (data_limit)
            setrlimit(RLIMIT_DATA, &(struct rlimit){data_limit, data_limit});
        if (one_cpu)
            stay_on_one_cpu();
        execv(argv[0], argv);
        _exit(127);
    }
    return pid;
}

static inline int finish(pid_t pid)
{
    int status;
    assert_int_equal(waitpid(pid, &status, 0), pid);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

/* What the last program printed; free it. */
static inline char *output(void)
{
    struct err e;
    char *text = file_read(test_file("out"), NULL, &e);
    assert_non_null(text);
    return text;
}

static inline int take_text(void *ctx, int n, const char *const *column, const char *const *value)
{
    (void)column;
    for (int i = 0; i < n; i++)
        text_printf(ctx, "%s%s", i ? "|" : "", value[i] ? value[i] : "NULL");
    text_printf(ctx, "\n");
    return 0;
}

/* The rows of a query, columns separated by |; free it. */
static inline char *query(const char *db, const char *sql)
{
    struct store *s;
    struct err e;
    struct text t = {0};
    text_printf(&t, "%s", "");
    if (store_open_existing(&s, db, &e) || store_query(s, sql, NULL, take_text, &t, &e))
        fail_msg("%s: %s", db, e.msg);
    store_close(s);
    return t.p;
}

static inline long number(const char *db, const char *sql)
{
    char *text = query(db, sql);
    long n = strtol(text, NULL, 10);
    free(text);
    return n;
}

/* Is there a database that can be opened?  A program that was killed may have left none yet. */
static inline int is_there(const char *db)
{
    struct store *s;
    struct err e;
    if (access(db, F_OK) || store_open_existing(&s, db, &e))
        return 0;
    store_close(s);
    return 1;
}

#endif
