/* history.h - the history against the anchor: gates loaded as series, judged (bench/history_rule.h), and printed. */
/* SPDX-License-Identifier: MIT */
#ifndef BENCH_CMD_HISTORY_H
#define BENCH_CMD_HISTORY_H

#include <stdio.h>

#include "base/text.h"
#include "bench/cmd/rows.h"
#include "bench/history_rule.h"

struct history_request {
    const char *repo;   /* whose commits give the order */
    struct list cell;   /* "format=f16": axis=value, all of which must hold */
    struct list metric; /* names; empty: all */
};

struct history_series {          /* one metric of one cell on one machine */
    struct text label;           /* what tells its cell from those of the other series; empty when nothing does */
    int first;                   /* row that has its axes */
    int n, *row;                 /* [n] rows of its points, in order */
    struct history_point *point; /* [n] */
    int exact;
    struct history found;
};

struct histories {
    struct rows anchor; /* v_anchor, the newest first */
    struct rows row;    /* v_history */
    struct history_series *series;
    int n;
    int ordered;   /* by git; else by time */
    int no_commit; /* gates left out, for they were of no commit: a tree that was not clean, or unknown */
    int elsewhere; /* likewise, of commits that HEAD does not come from */
    int stands;    /* findings that are worse and stand */
};

/* Error ERR_INVALID where there is no anchor, or no point. */
int histories_load(struct histories *h, struct store *s, const struct history_request *q, struct err *e);
void histories_free(struct histories *h);

const char *history_commit(const struct histories *h, const struct history_series *s, int point);

void history_print_text(const struct histories *h, FILE *out);
struct json_t *history_json(const struct histories *h);

#endif
