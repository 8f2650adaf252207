/* SPDX-License-Identifier: MIT */
#include "bench/process.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define LOOK_MS 500       /* how often it is looked whether to stop */
#define PATIENCE_LOOKS 10 /* after SIGTERM, before SIGKILL */
#define GIT_WORDS 30

static const char *const not_handed_on[] = {"GIT_DIR",        "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_OBJECT_DIRECTORY",
                                            "GIT_COMMON_DIR", "GIT_PREFIX"};

static void become(const struct process *p, int out, int said)
{
    setpgid(0, 0);
    int null = open("/dev/null", O_RDONLY | O_CLOEXEC);
    dup2(null, STDIN_FILENO);
    dup2(out, STDOUT_FILENO);
    dup2(said, STDERR_FILENO);
    signal(SIGPIPE, SIG_DFL);
    for (size_t i = 0; i < sizeof not_handed_on / sizeof *not_handed_on; i++)
        unsetenv(not_handed_on[i]);
    if (!p->dir || !chdir(p->dir))
        execvp(p->argv[0], (char *const *)p->argv);
    fprintf(stderr, "%s: %s\n", p->argv[0], strerror(errno));
    _exit(127);
}

/* What there is; 0 when the other end is closed. */
static int take(int fd, struct text *t)
{
    char more[4096];
    ssize_t got = read(fd, more, sizeof more);
    if (got > 0)
        text_add(t, more, (size_t)got);
    return got > 0 || (got < 0 && errno == EINTR);
}

static void listen_to(const struct process *p, pid_t pid, struct pollfd fd[2], struct text *const t[2], int *stopped)
{
    int open = 2;
    while (open && *stopped < 2 * PATIENCE_LOOKS) { /* whoever left the group may hold the pipe for ever */
        if (p->stop && *p->stop) {
            kill(-pid, *stopped > PATIENCE_LOOKS ? SIGKILL : SIGTERM);
            ++*stopped;
        }
        if (poll(fd, 2, LOOK_MS) <= 0)
            continue;
        for (int i = 0; i < 2; i++)
            if (fd[i].revents && !take(fd[i].fd, t[i])) {
                close(fd[i].fd);
                fd[i].fd = -1; /* poll leaves it out */
                open--;
            }
    }
    for (int i = 0; i < 2; i++)
        if (fd[i].fd >= 0)
            close(fd[i].fd);
}

int process_run(const struct process *p, struct text *out, struct text *said, int *status, struct err *e)
{
    int a[2], b[2], stopped = 0, how = 0;
    if (pipe2(a, O_CLOEXEC))
        return err_set(e, ERR_ENV, "%s: cannot make a pipe: %s", p->argv[0], strerror(errno));
    if (pipe2(b, O_CLOEXEC)) {
        close(a[0]), close(a[1]);
        return err_set(e, ERR_ENV, "%s: cannot make a pipe: %s", p->argv[0], strerror(errno));
    }
    fflush(NULL);
    pid_t pid = fork();
    if (pid == 0)
        become(p, a[1], b[1]);
    close(a[1]);
    close(b[1]);
    if (pid < 0) {
        close(a[0]), close(b[0]);
        return err_set(e, ERR_ENV, "%s: cannot be started: %s", p->argv[0], strerror(errno));
    }
    setpgid(pid, pid); /* whoever of the two comes first */
    struct pollfd fd[2] = {{.fd = a[0], .events = POLLIN}, {.fd = b[0], .events = POLLIN}};
    listen_to(p, pid, fd, (struct text *const[]){out, said}, &stopped);
    while (waitpid(pid, &how, 0) < 0 && errno == EINTR)
        ;
    *status = WIFEXITED(how) ? WEXITSTATUS(how) : 128 + WTERMSIG(how);
    return stopped ? err_set(e, ERR_INCONCLUSIVE, "interrupted") : 0;
}

void process_last_line(const struct text *said, char *line, size_t n)
{
    size_t end = said->n;
    while (end && strchr(" \t\r\n", said->p[end - 1]))
        end--;
    size_t begin = end;
    while (begin && said->p[begin - 1] != '\n')
        begin--;
    snprintf(line, n, "%.*s", end ? (int)(end - begin) : 15, end ? said->p + begin : "it said nothing");
}

int git_run(const char *dir, const char *const *words, struct text *out, struct err *e)
{
    const char *argv[GIT_WORDS + 2] = {"git"};
    struct text said = {0};
    char line[300];
    int status, n = 0;
    for (; words[n]; n++) {
        if (n == GIT_WORDS)
            abort();
        argv[n + 1] = words[n];
    }
    int rc = process_run(&(struct process){.dir = dir, .argv = argv}, out, &said, &status, e);
    process_last_line(&said, line, sizeof line);
    text_free(&said);
    if (!rc && status == 127)
        return err_set(e, ERR_ENV, "git cannot be run (%s): install it", line);
    return !rc && status ? err_set(e, ERR_ENV, "%s: git %s failed: %s", dir, words[0], line) : rc;
}
