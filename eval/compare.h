/* compare.h - one score of two variants on the same items: the paired difference and how sure it is.
 *
 * A scorer whose items are right or wrong is compared by the exact McNemar test and the interval of Agresti and Min, every other by
 * the paired bootstrap over items (eval/resample.h).  What a difference means is for the caller to say. */
/* SPDX-License-Identifier: MIT */
#ifndef EVAL_COMPARE_H
#define EVAL_COMPARE_H

#include "eval/resample.h"

struct comparison {
    struct paired p;
    int n;            /* items */
    int same;         /* every item has the same sums on both sides: there is no difference, however few items there are */
    const char *test; /* "McNemar", "bootstrap" */
};

/* a, b: [n][s->sums].  ERR_INVALID when an item has another number of tokens on the other side: then the two have different
 * tokenizers, and what is counted per token means another thing on each. */
int compare_sums(struct comparison *c, const struct scorer *s, const double *a, const double *b, int n, struct tails tails,
                 struct err *e);

#endif
