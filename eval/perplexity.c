/* Perplexity: exp of the mean negative log-likelihood per token, in nats (Jelinek et al. 1977).  An item is one window of the
 * text, its sums are the nats and the tokens scored; windows are weighed by their tokens, so the value does not depend on how the
 * text was cut. */
/* SPDX-License-Identifier: MIT */
#include <math.h>

#include "eval/scorer.h"

enum { NATS, TOKENS, SUMS };

static double value(const double *total, size_t n)
{
    (void)n;
    return total[TOKENS] > 0 ? exp(total[NATS] / total[TOKENS]) : NAN;
}

const struct scorer scorer_perplexity = {
    .name = "perplexity",
    .about = "exp(mean negative log-likelihood per token)",
    .input = SCORER_LIKELIHOOD,
    .scale = SCORER_RATIO,
    .lower_is_better = 1,
    .sums = SUMS,
    .value = value,
};
