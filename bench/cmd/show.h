/* show.h - one run as a table: what `bench show` prints, and a sweep at its end. */
/* SPDX-License-Identifier: MIT */
#ifndef BENCH_CMD_SHOW_H
#define BENCH_CMD_SHOW_H

#include <stdint.h>

#include "base/err.h"
#include "results/store.h"

enum show_format { SHOW_TEXT, SHOW_JSON, SHOW_CSV, SHOW_SCORES_CSV, SHOW_MARKDOWN };

/* Prints the run to stdout; its numbers are those of the view v_cell (results/views.sql). */
int show_run(struct store *s, int64_t run, enum show_format format, struct err *e);

/* The run that the user named: a number, or "last". */
int show_find_run(struct store *s, const char *name, int64_t *run, struct err *e);

#endif
