/* scorer.h - what a scorer is: sums per item in, one value out.
 *
 * A scorer is one file in this folder that ends with its one struct scorer, listed once in scorers.def.  It is handed texts
 * and log-probabilities and never calls a runtime, so that every runtime is judged by the same code. */
/* SPDX-License-Identifier: MIT */
#ifndef EVAL_SCORER_H
#define EVAL_SCORER_H

#include <stddef.h>
#include <stdint.h>

struct score_item {
    double sum;    /* of the item's quantity: for perplexity, negative log-likelihood in nats */
    int64_t count; /* of what was summed: for perplexity, tokens scored */
};

struct scorer {
    const char *name;  /* "perplexity" */
    const char *about; /* definition and source, one line */
    int lower_is_better;
    double (*value)(const struct score_item *items, size_t n); /* NaN when nothing was scored */
};

extern const struct scorer *const scorers[]; /* NULL ends the list */
const struct scorer *scorer_by_name(const char *name);

#endif
