/* SPDX-License-Identifier: MIT */
#include "bench/child.h"

#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/text.h"
#include "bench/protocol.h"

#define ANSWER_MAX (256u << 20) /* bytes: longer than any answer; a child that writes on without end is stopped */

struct child {
    pid_t pid;
    int to, from;       /* pipes */
    int errors;         /* memfd: its stderr */
    struct text answer; /* what came of the current answer so far */
    int64_t oom_kills;  /* of the machine, when the child started */
};

/* Kills by the out-of-memory killer since boot, -1 where the kernel does not count them. */
static int64_t oom_kills(void)
{
    return file_field("/proc/vmstat", "oom_kill ");
}

static _Noreturn void become_child(const struct child_options *o, int in, int out, int errors)
{
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    signal(SIGPIPE, SIG_DFL);
    if (o->env)
        putenv(o->env);
    dup2(in, STDIN_FILENO);
    dup2(out, STDOUT_FILENO);
    dup2(errors, STDERR_FILENO);
    if (o->n_cpus) {
        cpu_set_t set;
        CPU_ZERO(&set);
        for (int i = 0; i < o->n_cpus; i++)
            CPU_SET((size_t)o->cpus[i], &set);
        if (sched_setaffinity(0, sizeof set, &set)) {
            dprintf(STDERR_FILENO, "cannot bind to its CPUs: %s\n", strerror(errno));
            _exit(126);
        }
    }
    const char *program = o->program ? o->program : "/proc/self/exe";
    execl(program, "bench", "trial", (char *)NULL);
    dprintf(STDERR_FILENO, "cannot run %s: %s\n", program, strerror(errno));
    _exit(127);
}

int child_open(struct child **out, const struct child_options *o, struct err *e)
{
    int to[2] = {-1, -1}, from[2] = {-1, -1};
    struct child *c = calloc(1, sizeof *c);
    if (!c)
        return err_set(e, ERR_ENV, "trial: out of memory");
    c->errors = memfd_create("stderr", MFD_CLOEXEC);
    if (c->errors < 0 || pipe2(to, O_CLOEXEC) || pipe2(from, O_CLOEXEC))
        goto failed;
    c->oom_kills = oom_kills();
    c->pid = fork();
    if (c->pid == 0)
        become_child(o, to[0], from[1], c->errors);
    if (c->pid < 0)
        goto failed;
    close(to[0]);
    close(from[1]);
    c->to = to[1];
    c->from = from[0];
    *out = c;
    return 0;
failed:
    err_set(e, ERR_ENV, "trial: cannot start a process: %s", strerror(errno));
    for (int i = 0; i < 2; i++) {
        if (to[i] >= 0)
            close(to[i]);
        if (from[i] >= 0)
            close(from[i]);
    }
    if (c->errors >= 0)
        close(c->errors);
    free(c);
    return -1;
}

pid_t child_pid(const struct child *c)
{
    return c->pid;
}

/* Waits at most a second for the end, then kills; the status that waitpid gave. */
static int reap(struct child *c)
{
    int status = 0;
    for (int waited = 0, ms = 0; waited < 1000; waited += ms) {
        pid_t got = waitpid(c->pid, &status, WNOHANG);
        if (got == c->pid || (got < 0 && errno != EINTR)) {
            c->pid = 0;
            return status;
        }
        ms = waited < 20 ? 1 : 20;
        poll(NULL, 0, ms);
    }
    kill(c->pid, SIGKILL);
    while (waitpid(c->pid, &status, 0) < 0 && errno == EINTR)
        ;
    c->pid = 0;
    return -1; /* it did not end by itself */
}

/* Closes the pipes (the end of its input ends a child that still listens) and waits for its end. */
static void hang_up(struct child *c)
{
    if (c->to < 0)
        return;
    close(c->to);
    close(c->from);
    c->to = c->from = -1;
    if (c->pid > 0)
        reap(c);
}

/* The last line that the child wrote to stderr. */
static void last_words(const struct child *c, char *buf, size_t size)
{
    char tail[1024];
    off_t end = lseek(c->errors, 0, SEEK_END);
    off_t at = end > (off_t)sizeof tail - 1 ? end - (off_t)sizeof tail + 1 : 0;
    ssize_t n = pread(c->errors, tail, sizeof tail - 1, at);
    buf[0] = '\0';
    if (n <= 0)
        return;
    while (n > 0 && tail[n - 1] == '\n')
        n--;
    tail[n] = '\0';
    const char *line = strrchr(tail, '\n');
    snprintf(buf, size, ": %.200s", line ? line + 1 : tail);
}

/* The pipe closed without an answer. */
static void explain_end(struct child *c, struct outcome *o)
{
    int status = reap(c);
    char words[256];
    last_words(c, words, sizeof words);
    if (status == -1) {
        o->state = "protocol";
        snprintf(o->reason, sizeof o->reason, "it closed its pipe without an answer and went on running; it was killed%s", words);
    } else if (WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL && c->oom_kills >= 0 && oom_kills() > c->oom_kills) {
        o->state = "memory";
        snprintf(o->reason, sizeof o->reason, "killed by the out-of-memory killer; try a smaller --context or --format");
    } else if (WIFSIGNALED(status)) {
        o->state = "crashed";
        snprintf(o->reason, sizeof o->reason, "killed by signal %d (%s)%s", WTERMSIG(status), strsignal(WTERMSIG(status)), words);
    } else if (WEXITSTATUS(status)) {
        o->state = "crashed";
        snprintf(o->reason, sizeof o->reason, "ended with exit code %d before it answered%s", WEXITSTATUS(status), words);
    } else {
        o->state = "protocol";
        snprintf(o->reason, sizeof o->reason, "ended before it answered%s", words);
    }
}

static int send_line(struct child *c, json_t *request)
{
    char *line = json_dumps(request, JSON_COMPACT);
    json_decref(request);
    struct text t = {0};
    text_printf(&t, "%s\n", line);
    free(line);
    size_t done = 0;
    while (done < t.n) {
        ssize_t n = write(c->to, t.p + done, t.n - done);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            break;
        done += (size_t)n;
    }
    int failed = done != t.n;
    text_free(&t);
    return failed;
}

/* One line of the answer: 1 got it, 0 not yet, -1 the pipe is closed. */
static int receive(struct child *c)
{
    char buf[65536];
    ssize_t n = read(c->from, buf, sizeof buf);
    if (n < 0)
        return errno == EINTR || errno == EAGAIN ? 0 : -1;
    if (n == 0 || c->answer.n > ANSWER_MAX)
        return -1;
    text_add(&c->answer, buf, (size_t)n);
    return memchr(buf, '\n', (size_t)n) != NULL;
}

struct json_t *child_ask(struct child *c, struct json_t *request, double timeout_s, const struct child_tick *tick,
                         struct outcome *o)
{
    *o = (struct outcome){.state = "ok"};
    c->answer.n = 0;
    if (send_line(c, request)) {
        explain_end(c, o);
        return NULL;
    }
    int64_t period = tick && tick->hz ? 1000000000 / tick->hz : INT64_MAX / 2;
    int64_t now = clock_ns(), end = now + (int64_t)(timeout_s * 1e9), next = now + period;
    for (;;) {
        now = clock_ns();
        int64_t until = next < end ? next : end;
        struct pollfd p = {.fd = c->from, .events = POLLIN};
        int ready = poll(&p, 1, until > now ? (int)((until - now) / 1000000) + 1 : 0);
        int got = ready > 0 ? receive(c) : 0;
        if (got > 0)
            break;
        if (got < 0) {
            explain_end(c, o);
            return NULL;
        }
        now = clock_ns();
        if (now >= end) {
            kill(c->pid, SIGKILL);
            hang_up(c);
            o->state = "timeout";
            snprintf(o->reason, sizeof o->reason, "gave no answer within %g s and was killed; --timeout S allows more",
                     timeout_s);
            return NULL;
        }
        if (tick && now >= next) {
            tick->fn(tick->ctx);
            next = now + period;
        }
    }
    struct err why = {0};
    json_t *j = json_loads(c->answer.p, 0, NULL);
    if (j && !protocol_check(j, &why))
        return j;
    o->state = j && json_is_false(json_object_get(j, "ok")) ? "failed" : "protocol";
    snprintf(o->reason, sizeof o->reason, "%s", j ? why.msg : "it answered with something that is not JSON");
    json_decref(j);
    hang_up(c);
    return NULL;
}

void child_close(struct child *c)
{
    if (!c)
        return;
    hang_up(c);
    close(c->errors);
    text_free(&c->answer);
    free(c);
}
