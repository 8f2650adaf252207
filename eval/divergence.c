/* What a variant's next-token distribution q differs from a reference's p, over the tokens of a text.  An item is one window of the
 * text, its sums are the quantity added over the tokens scored, and their number.
 *
 *   kl_divergence   mean over tokens of sum p (ln p - ln q), in nats (Kullback and Leibler 1951): 0 for the reference itself
 *   top1_agreement  share of tokens where both find the same one most probable
 *   token_accuracy  share of tokens that the variant found most probable; needs no reference, but costs nothing beside it */
/* SPDX-License-Identifier: MIT */
#include <math.h>

#include "eval/scorer.h"

enum { SUM, TOKENS, SUMS };

static double value(const double *total, size_t n)
{
    (void)n;
    return total[TOKENS] > 0 ? total[SUM] / total[TOKENS] : NAN;
}

const struct scorer scorer_kl_divergence = {
    .name = "kl_divergence",
    .about = "mean Kullback-Leibler divergence from the reference's next-token distribution, nats",
    .input = SCORER_LIKELIHOOD,
    .scale = SCORER_NATS,
    .lower_is_better = 1,
    .sums = SUMS,
    .value = value,
};

const struct scorer scorer_top1_agreement = {
    .name = "top1_agreement",
    .about = "share of tokens where the most probable one is the reference's",
    .input = SCORER_LIKELIHOOD,
    .sums = SUMS,
    .value = value,
};

const struct scorer scorer_token_accuracy = {
    .name = "token_accuracy",
    .about = "share of tokens that were the most probable one",
    .input = SCORER_LIKELIHOOD,
    .sums = SUMS,
    .value = value,
};
