/* stored_scores.h - the scores of a run as they are stored, with their intervals computed again from the items' sums.
 *
 * What `bench show` prints, `bench plot` draws and `bench compare` holds side by side.  The intervals are those of `bench score`:
 * the same resamples of the same sums (eval/resample.h). */
/* SPDX-License-Identifier: MIT */
#ifndef BENCH_CMD_STORED_SCORES_H
#define BENCH_CMD_STORED_SCORES_H

#include "base/err.h"
#include "base/text.h"
#include "bench/cmd/rows.h"
#include "eval/scorer.h"
#include "results/store.h"

/* A row per score of the run: tasks and scorers in the order in which they were scored, the variants of each in that of the table
 * of cells.  Columns: run, score, variant, quality (what the variant is called), format, kv, compute, task, task_sha256, scorer,
 * state, reason, items, value, low, high, nll, tokens, no_interval (why low and high are NULL), and the quantiles over tokens
 * (spread.h) of a scorer that keeps a value of each. */
int stored_scores(struct rows *r, struct store *s, const char *run, struct err *e);

/* Fills in low and high, or no_interval, of rows that have these columns, scorer and score; a row with no_interval stays. */
int stored_intervals(struct rows *r, struct store *s, struct err *e);

/* x with as many decimals as a table gives a score near `like`: a perplexity of 12 and a divergence of 0.00003 share a table, and
 * what is not 0 does not look like it.  sign: + in front of what is above 0. */
void score_number(struct text *t, double x, double like, int sign);
/* "[low, high]" in that way; "-" where there is none (NaN). */
void score_interval(struct text *t, double low, double high, double like, int sign);

#endif
