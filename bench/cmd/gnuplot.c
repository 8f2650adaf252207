/* SPDX-License-Identifier: MIT */
#include "bench/cmd/gnuplot.h"

#include <errno.h>
#include <fcntl.h>
#include <spawn.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/text.h"

/* 'it''s': gnuplot's single quotes take everything else as it stands. */
static void add_assignment(struct text *t, const struct gnuplot_variable *v)
{
    text_printf(t, "%s = '", v->name);
    for (const char *c = v->value; *c; c++)
        text_printf(t, *c == '\'' ? "''" : "%c", *c);
    text_printf(t, "'; ");
}

/* All that comes out of fd until it is closed; the end of it is kept, which is where gnuplot says what was wrong. */
static void read_all(int fd, struct text *t)
{
    char more[512];
    for (;;) {
        ssize_t got = read(fd, more, sizeof more);
        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0)
            return;
        if (t->n > 65536)
            t->n = 0;
        text_add(t, more, (size_t)got);
    }
}

/* gnuplot quotes the line, points at the place, and then says on a line of its own what is wrong. */
static const char *last_line(struct text *t)
{
    while (t->n && strchr(" \t\r\n", t->p[t->n - 1]))
        t->p[--t->n] = '\0';
    const char *line = t->n ? strrchr(t->p, '\n') : NULL;
    return line ? line + 1 : t->n ? t->p : "it said nothing";
}

static int start(pid_t *child, const char *script, char *assignments, int out)
{
    char *argv[] = {"gnuplot", "-d", "-e", assignments, (char *)script, NULL}; /* -d: not what the user's ~/.gnuplot sets */
    extern char **environ;
    posix_spawn_file_actions_t files;
    posix_spawn_file_actions_init(&files);
    posix_spawn_file_actions_addopen(&files, 0, "/dev/null", O_RDONLY, 0);
    posix_spawn_file_actions_adddup2(&files, out, 1);
    posix_spawn_file_actions_adddup2(&files, out, 2);
    int rc = posix_spawnp(child, "gnuplot", &files, NULL, argv, environ);
    posix_spawn_file_actions_destroy(&files);
    return rc;
}

int gnuplot_run(const char *script, const struct gnuplot_variable *variables, struct err *e)
{
    struct text assignments = {0}, said = {0};
    int out[2], status = 0;
    pid_t child;
    if (pipe2(out, O_CLOEXEC))
        return err_set(e, ERR_ENV, "gnuplot: cannot make a pipe: %s", strerror(errno));
    for (; variables->name; variables++)
        add_assignment(&assignments, variables);
    int rc = start(&child, script, assignments.p, out[1]);
    text_free(&assignments);
    close(out[1]);
    if (rc) {
        close(out[0]);
        if (rc == ENOENT)
            return err_set(e, ERR_ENV,
                           "gnuplot is not installed (or not in PATH); install it, for example with ci/setup, and run "
                           "bench plot again");
        return err_set(e, ERR_ENV, "gnuplot cannot be started: %s", strerror(rc));
    }
    read_all(out[0], &said);
    close(out[0]);
    while (waitpid(child, &status, 0) < 0 && errno == EINTR)
        ;
    rc = 0;
    if (!WIFEXITED(status) || WEXITSTATUS(status) != 0)
        rc = err_set(e, ERR_ENV, "%s: gnuplot failed (%s %d): %s", script, WIFEXITED(status) ? "exit code" : "signal",
                     WIFEXITED(status) ? WEXITSTATUS(status) : WTERMSIG(status), last_line(&said));
    text_free(&said);
    return rc;
}
