/* measuring.h - what the commands share that measure a matrix for minutes: plan, database and machine, what is said on stderr
 * meanwhile, and Ctrl-C, which ends them in good order. */
/* SPDX-License-Identifier: MIT */
#ifndef BENCH_CMD_MEASURING_H
#define BENCH_CMD_MEASURING_H

#include <signal.h>

#include "base/text.h"
#include "bench/cmd/settings.h"
#include "bench/machine.h"
#include "bench/plan.h"
#include "results/store.h"

struct measuring {
    const char *db;
    struct plan plan;
    struct store *store;
    struct machine *machine;
    struct store_run record; /* machine, build and command line */
    struct text command;
    /* Where progress goes: a line that is rewritten on a terminal, plain lines elsewhere, nothing with --quiet. */
    int quiet, terminal;
    int64_t last_ns; /* plain lines: at most one every 10 s, so that a log stays readable */
    struct sigaction was_int, was_term;
};

/* Set by SIGINT and SIGTERM between a measuring_open that went well and measuring_end. */
extern volatile sig_atomic_t measuring_stop;

/* The command line as typed. */
void measuring_command(struct text *t, const struct args *a);

/* Also when it fails, measuring_close gives back what there is. */
int measuring_open(struct measuring *m, const struct settings *s, const struct sweep_config *c, struct err *e);
/* Should a line of progress be printed now?  `anyway`: it is too important to be left out of a log. */
int measuring_due(struct measuring *m, int anyway);
/* Signals mean again what they meant before; the line of progress is gone. */
void measuring_end(struct measuring *m);
void measuring_close(struct measuring *m);

#endif
