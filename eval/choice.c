/* Multiple choice by log-probability: the model's answer is the continuation that it finds most probable.
 *
 *   choice_acc       by the log-probability of the whole continuation: prefers short ones
 *   choice_acc_norm  by log-probability per byte of the continuation, which does not depend on the tokenizer
 * Both as lm-evaluation-harness defines acc and acc_norm.  The first of equally probable ones counts; what is not a number is
 * never chosen. */
/* SPDX-License-Identifier: MIT */
#include <math.h>

#include "eval/scorer.h"

static void pick(double *sums, const double *logprob, const size_t *bytes, int n, int gold)
{
    int best = -1;
    double most = -INFINITY;
    for (int i = 0; i < n; i++) {
        double x = bytes ? logprob[i] / (double)(bytes[i] ? bytes[i] : 1) : logprob[i];
        if (x > most) {
            most = x;
            best = i;
        }
    }
    sums[0] = best == gold;
}

static void plain(double *sums, const double *logprob, const size_t *bytes, int n, int gold)
{
    (void)bytes;
    pick(sums, logprob, NULL, n, gold);
}

static double value(const double *total, size_t n)
{
    return n ? total[0] / (double)n : NAN;
}

const struct scorer scorer_choice_acc = {
    .name = "choice_acc",
    .about = "share of items whose right continuation is the most probable one",
    .input = SCORER_CHOICE,
    .right_or_wrong = 1,
    .sums = 1,
    .choice = plain,
    .value = value,
};

const struct scorer scorer_choice_acc_norm = {
    .name = "choice_acc_norm",
    .about = "share of items whose right continuation is the most probable one per byte",
    .input = SCORER_CHOICE,
    .right_or_wrong = 1,
    .sums = 1,
    .choice = pick,
    .value = value,
};
