/* show_parts.h - the ways to print a run; private to bench/cmd/show*.c.  `run` is the number as text. */
/* SPDX-License-Identifier: MIT */
#ifndef BENCH_CMD_SHOW_PARTS_H
#define BENCH_CMD_SHOW_PARTS_H

#include "base/err.h"
#include "results/store.h"

#define SHOW_CELLS "SELECT c.* FROM v_cell c JOIN v_place p ON p.cell = c.cell WHERE c.run = CAST(?1 AS INTEGER) ORDER BY p.place"

int show_text(struct store *s, const char *run, struct err *e);
/* The table of scores, after that of cells. */
int show_scores(struct store *s, const char *run, struct err *e);
int show_json(struct store *s, const char *run, struct err *e);
int show_csv(struct store *s, const char *run, struct err *e);
int show_markdown(struct store *s, const char *run, struct err *e);
int show_scores_csv(struct store *s, const char *run, struct err *e);

#endif
