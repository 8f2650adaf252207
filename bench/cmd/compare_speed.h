/* compare_speed.h - speed, memory and energy of two variants that one run measured, cell by cell.
 *
 * A run measures its cells in rounds, in shuffled order, so the trials of one round belong together: each gives a ratio of B to A,
 * and of the ratios the median is told with its distribution-free interval and the signed-rank p-value, as in a gate.  There is no
 * null arm, no second look and no verdict. */
/* SPDX-License-Identifier: MIT */
#ifndef BENCH_CMD_COMPARE_SPEED_H
#define BENCH_CMD_COMPARE_SPEED_H

#include "base/err.h"
#include "bench/cmd/table.h"
#include "results/store.h"

struct json_t;

/* run, a, b: ids of the run and of its variants, as text.  Adds a row of the table and an object of the list for every cell and
 * metric that both have; *n is their number. */
int compare_speed(struct table *t, struct json_t *list, int *n, struct store *s, const char *run, const char *a, const char *b,
                  struct err *e);

#endif
