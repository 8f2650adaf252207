/* gate_options.h - what `bench gate` was asked for, by options and by a file such as ci/gate.ini. */
/* SPDX-License-Identifier: MIT */
#ifndef BENCH_CMD_GATE_OPTIONS_H
#define BENCH_CMD_GATE_OPTIONS_H

#include "bench/cmd/settings.h"
#include "bench/gate.h"

#define GATE_MAX_METRICS 96 /* and scorers */

/* Two programs, two models, or both are held against each other; or two stored runs. */
struct gate_options {
    struct sweep_config sweep;
    struct gate_config gate;
    struct gate_setting metric[GATE_MAX_METRICS], score[GATE_MAX_METRICS];
    struct gate_own own[GATE_MAX_METRICS];
    const char *head_model;          /* NULL: base's */
    const char *base_run, *head_run; /* NULL: nothing is stored yet */
    int lenient;                     /* what is inconclusive passes */
};

void gate_options_default(struct gate_options *o);
/* The hook for sections that are not [gate] (settings.h); ctx: the options. */
int gate_options_take(void *ctx, const char *section, const char *key, const char *value, struct err *e);
int gate_options_read(const struct settings *s, struct gate_options *o, struct err *e);

#endif
