/* SPDX-License-Identifier: MIT */
#include "bench/gate_build.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/file.h"
#include "base/text.h"

#define ANSWER_MS 30000 /* that a program may take to say who it is */

/* stdout of `PATH --version`, at most size - 1 bytes; -1 when it cannot be run or gives no answer in time. */
static int ask_version(const char *path, char *said, size_t size)
{
    int fd[2];
    if (pipe2(fd, O_CLOEXEC))
        return -1;
    pid_t pid = fork();
    if (pid == 0) {
        int null = open("/dev/null", O_RDWR | O_CLOEXEC);
        dup2(null, STDIN_FILENO);
        dup2(fd[1], STDOUT_FILENO);
        dup2(null, STDERR_FILENO);
        execl(path, "bench", "--version", (char *)NULL);
        _exit(127);
    }
    close(fd[1]);
    size_t n = 0;
    while (pid > 0 && n + 1 < size) {
        struct pollfd p = {.fd = fd[0], .events = POLLIN};
        ssize_t got = poll(&p, 1, ANSWER_MS) > 0 ? read(fd[0], said + n, size - 1 - n) : -1;
        if (got <= 0)
            break;
        n += (size_t)got;
    }
    said[n] = '\0';
    close(fd[0]);
    int status = -1;
    if (pid > 0) {
        kill(pid, SIGKILL); /* it has said what it had to say, or will not */
        while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
            ;
    }
    return n ? 0 : -1;
}

/* "bench VERSION (COMMIT)", the compiler and the flags, a line each. */
static int parse(struct gate_build *b)
{
    char *line[3], *save = NULL;
    for (int i = 0; i < 3; i++)
        if (!(line[i] = strtok_r(i ? NULL : b->said, "\n", &save)))
            return -1;
    char *open = strstr(line[0], " ("), *close = strrchr(line[0], ')');
    if (strncmp(line[0], "bench ", 6) != 0 || !open || !close || close < open + 2)
        return -1;
    *open = *close = '\0';
    b->build = (struct store_build){.version = line[0] + 6, .commit = open + 2, .compiler = line[1], .flags = line[2]};
    return 0;
}

int gate_build_open(struct gate_build *b, const char *path, const char *commit, struct err *e)
{
    char full[PATH_MAX];
    path = path ? path : "/proc/self/exe";
    if (!realpath(path, full))
        return err_set(e, ERR_INVALID, "%s: %s: name the program of a build, such as build/bench", path, strerror(errno));
    snprintf(b->path, sizeof b->path, "%s", full);
    if (file_sha256(b->path, b->sha256, e))
        return -1;
    if (ask_version(b->path, b->said, sizeof b->said) || parse(b))
        return err_set(e, ERR_INVALID, "%s: does not answer --version as bench does, so it is none, or it cannot be run here",
                       path);
    if (commit && strncmp(b->build.commit, commit, strlen(commit)) != 0)
        return err_set(e, ERR_INVALID, "%s: built from commit %s, but %s was to be measured: build that one again", path,
                       b->build.commit, commit);
    return 0;
}

int gate_build_unchanged(const struct gate_build *b, struct err *e)
{
    char now[65];
    if (!file_sha256(b->path, now, e) && !strcmp(now, b->sha256))
        return 0;
    return err_set(e, ERR_INVALID, "%s: the file changed while it was measured: build elsewhere, and gate again", b->path);
}

/* -- copies ---------------------------------------------------------------------------------------------------------------- */

int gate_build_copy(const char *from, const char *to, struct err *e)
{
    size_t n;
    char *bytes = file_read(from, &n, e);
    if (!bytes) /* it was there: linkers remove what they are going to write */
        return err_set(e, ERR_INVALID,
                       "%s: cannot be read any more; was it built again meanwhile? Build elsewhere, and start again", from);
    struct err why;
    int failed = file_write(to, bytes, n, &why);
    free(bytes);
    if (failed)
        return err_set(e, ERR_ENV, "%.400s; TMPDIR names another place", why.msg);
    return chmod(to, 0700)
               ? err_set(e, ERR_ENV, "%s: cannot make a program of it: %s; set TMPDIR to another folder", to, strerror(errno))
               : 0;
}

int gate_stage_open(struct gate_stage *s, const struct gate_build *b, struct err *e)
{
    const char *tmp = getenv("TMPDIR");
    int n = snprintf(s->dir, sizeof s->dir, "%s/bench-gate-XXXXXX", tmp && *tmp ? tmp : "/tmp");
    if (n < 0 || (size_t)n >= sizeof s->dir || !mkdtemp(s->dir)) {
        *s->dir = '\0';
        return err_set(e, ERR_ENV,
                       "%.200s: cannot make a folder for copies of the programs: %s; set TMPDIR to one that can be written",
                       tmp && *tmp ? tmp : "/tmp", strerror(errno));
    }
    for (int i = 0; i < GATE_ARMS; i++)
        snprintf(s->program[i], sizeof s->program[i], "%s/%s", s->dir, gate_arm_names[i]);
    struct gate_build copy;
    if (gate_build_copy(b->path, s->program[0], e))
        return -1;
    return !gate_build_open(&copy, s->program[0], NULL, e)
               ? 0
               : err_set(e, ERR_ENV, "%s: a copy of %s does not run there; set TMPDIR to a folder of which programs may be run",
                         s->dir, b->path);
}

void gate_stage_close(const struct gate_stage *s)
{
    for (int i = 0; *s->dir && i < GATE_ARMS; i++)
        unlink(s->program[i]);
    if (*s->dir)
        rmdir(s->dir);
}

/* -- sides ----------------------------------------------------------------------------------------------------------------- */

static int same_build(const struct store_build *a, const struct store_build *b)
{
    return !strcmp(a->version, b->version) && !strcmp(a->commit, b->commit) && !strcmp(a->compiler, b->compiler) &&
           !strcmp(a->flags, b->flags);
}

int gate_side_open(struct gate_side *s, const char *list, const char *commit, struct err *e)
{
    struct list l = list_split(list ? list : "");
    struct text hashes = {0};
    int n = list ? l.n : 1,
        failed = n ? 0 : err_set(e, ERR_USAGE, "\"%s\" names no program of a build, such as build/bench", list);
    *s = (struct gate_side){.build = calloc((size_t)n + 1, sizeof *s->build)};
    if (!s->build)
        abort();
    for (int i = 0; i < n && !failed; i++) {
        failed = gate_build_open(&s->build[i], list ? l.v[i] : NULL, commit, e);
        if (!failed && !same_build(&s->build[0].build, &s->build[i].build))
            failed =
                err_set(e, ERR_INVALID, "%s: another build than %s: those of one side are one build linked in several orders",
                        l.v[i], l.v[0]);
        text_printf(&hashes, "%s", s->build[i].sha256);
        s->n++;
    }
    if (!failed && s->n == 1)
        memcpy(s->sha256, s->build[0].sha256, sizeof s->sha256);
    else if (!failed)
        sha256_bytes(hashes.p, hashes.n, s->sha256);
    text_free(&hashes);
    free(l.v);
    return failed ? -1 : 0;
}

int gate_side_unchanged(const struct gate_side *s, struct err *e)
{
    for (int i = 0; i < s->n; i++)
        if (gate_build_unchanged(&s->build[i], e))
            return -1;
    return 0;
}

void gate_side_close(struct gate_side *s)
{
    free(s->build);
    *s = (struct gate_side){0};
}
