/* process.h - another program run to its end, such as git or make, and what it said.
 *
 * It gets no input, and none of git's variables that name a repository: a hook that started this program has them set, and they
 * would lead git away from the folder that is meant.  It is a process group of its own, which is ended as a whole when `stop` says
 * so.  Nothing that is timed runs meanwhile in this process. */
/* SPDX-License-Identifier: MIT */
#ifndef BENCH_PROCESS_H
#define BENCH_PROCESS_H

#include <signal.h>

#include "base/err.h"
#include "base/text.h"

struct process {
    const char *dir;                   /* where it runs; NULL: here */
    const char *const *argv;           /* NULL-ended; the first is looked for in PATH */
    const volatile sig_atomic_t *stop; /* set by a signal; may be NULL */
};

/* Adds stdout to *out and stderr to *said; may be the same.  *status: its exit status, 128 and the number of the signal that ended it.
 * -1: it could not be started, or was stopped (ERR_INCONCLUSIVE). */
int process_run(const struct process *p, struct text *out, struct text *said, int *status, struct err *e);

/* The last line of what a program said that is not empty, at most n - 1 bytes of it; "it said nothing". */
void process_last_line(const struct text *said, char *line, size_t n);

/* git with these words (NULL-ended) in a folder; its stdout is added to *out.  A failure is ERR_ENV with what git said. */
int git_run(const char *dir, const char *const *words, struct text *out, struct err *e);

#endif
