/* Perplexity: exp of the mean negative log-likelihood per token, in nats (Jelinek et al. 1977).  An item is one window of the
 * text; windows are weighed by the tokens scored in them, so the value does not depend on how the text was cut. */
/* SPDX-License-Identifier: MIT */
#include <math.h>

#include "eval/scorer.h"

static double value(const struct score_item *items, size_t n)
{
    double nll = 0;
    int64_t tokens = 0;
    for (size_t i = 0; i < n; i++) {
        nll += items[i].sum;
        tokens += items[i].count;
    }
    return tokens ? exp(nll / (double)tokens) : NAN;
}

const struct scorer scorer_perplexity = {
    .name = "perplexity",
    .about = "exp(mean negative log-likelihood per token)",
    .lower_is_better = 1,
    .value = value,
};
