/* scorer.h - what a scorer is: sums per item in, one value out.
 *
 * A scorer is one file in this folder that ends with its one struct scorer (or a few that share their code), listed once each in
 * scorers.def.  It is handed texts and log-probabilities and never calls a runtime, so that every runtime is judged by the same
 * code.  An item's sums are stored, so a value can be recomputed, resampled (bootstrap) and compared item by item with another
 * variant's: the value depends on nothing but the items' sums added up and their number. */
/* SPDX-License-Identifier: MIT */
#ifndef EVAL_SCORER_H
#define EVAL_SCORER_H

#include <stddef.h>

#define SCORER_MAX_SUMS 32 /* of an item */

enum scorer_input {
    SCORER_LIKELIHOOD, /* the sums are made where the log-probabilities are: bench/task.c */
    SCORER_TEXT,       /* an answer against one or more references: hook `item` */
    SCORER_CHOICE,     /* log-probabilities of several continuations, one of them right: hook `choice` */
};

/* What a value counts in. */
enum scorer_scale {
    SCORER_SHARE,   /* 0..1, or an error rate: a percentage point is 0.01 */
    SCORER_PERCENT, /* 0..100, as its field prints it */
    SCORER_NATS,    /* nats per token: 0.01 is 1% of likelihood */
    SCORER_RATIO,   /* above 0, and 1% of itself is what one says */
};

struct scorer {
    const char *name;  /* "perplexity" */
    const char *about; /* definition and source, one line; for BLEU and chrF also the signature that their field quotes */
    enum scorer_input input;
    enum scorer_scale scale;
    int lower_is_better;
    int right_or_wrong; /* an item's one sum is 1 or 0, so items of several tasks can be counted together */
    int sums;           /* numbers that an item has */
    /* SCORER_TEXT: the item's sums.  references: NULL-ended, at least one.  All texts are UTF-8; what is not is taken byte by byte. */
    void (*item)(double *sums, const char *answer, const char *const *references);
    /* SCORER_CHOICE: log-probability (nats, summed over its tokens) and length in bytes of each of n continuations, n >= 2. */
    void (*choice)(double *sums, const double *logprob, const size_t *bytes, int n, int gold);
    /* The value from n items' sums added up; NaN when there is nothing to say (no items, no tokens). */
    double (*value)(const double *total, size_t n);
};

extern const struct scorer *const scorers[]; /* NULL ends the list */
const struct scorer *scorer_by_name(const char *name);

/* The value of n items, sums[i * s->sums ..] being those of item i. */
double scorer_value(const struct scorer *s, const double *sums, size_t n);

/* What one percent means of this score when it has this value, in its own unit: a percentage point of a share. */
double scorer_percent(const struct scorer *s, double value);

#endif
