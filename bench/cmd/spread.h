/* spread.h - how a quantity is spread over the tokens of a text: the quantiles that are shown.
 *
 * A few tokens far off and all of them a little off have one mean; the quantiles tell them apart.  They have no interval: the
 * tokens of a window are not independent. */
/* SPDX-License-Identifier: MIT */
#ifndef BENCH_CMD_SPREAD_H
#define BENCH_CMD_SPREAD_H

#include "base/text.h"

/* By base/stats.h: exact, linear between order statistics. */
struct spread {
    const char *name; /* column, JSON member, and behind a scorer's name in `bench score` */
    double p;
};
extern const struct spread spreads[]; /* without a name: the end of the list */

/* ", f(BLOB, p) AS name" for each: more columns of a SELECT, blob being an expression that gives float64 values. */
void spread_columns(struct text *sql, const char *blob);

#endif
