/* child.h - the parent's side of a trial: a fresh process of a bench binary, and everything that can go wrong with it.
 *
 * The child gets its requests on stdin and answers on stdout; its stderr is kept, and its last line is quoted when it dies.  It
 * is killed when this process dies.  A child that fails is an outcome, not an error of the sweep. */
/* SPDX-License-Identifier: MIT */
#ifndef BENCH_CHILD_H
#define BENCH_CHILD_H

#include <sys/types.h>

#include "base/err.h"
#include "bench/probe/probe.h"

struct child;
struct json_t;

/* How a trial ended, as the store keeps it. */
struct outcome {
    const char *state; /* "ok", "crashed", "timeout", "memory", "failed", "protocol" */
    char reason[700];  /* empty when ok */
};

struct child_options {
    const char *program; /* bench binary; NULL: this one */
    const int *cpus;     /* [n_cpus] the child is bound to, from outside, before it runs */
    int n_cpus;
    char *env; /* "NAME=VALUE" for its environment, NULL: nothing */
};

int child_open(struct child **c, const struct child_options *o, struct err *e);
pid_t child_pid(const struct child *c);

/* Called about `hz` times a second while the child works; hz 0: never. */
struct child_tick {
    void (*fn)(void *ctx);
    void *ctx;
    int hz;
};

/* Sends the request (stolen) and waits for the answer.  NULL when there was none: *o says why, and the process is
 * gone; what is left is child_close. */
struct json_t *child_ask(struct child *c, struct json_t *request, double timeout_s, const struct child_tick *tick,
                         struct outcome *o);

/* Closes its input, waits a second for its end, then kills it; frees c; accepts NULL. */
void child_close(struct child *c);

#endif
