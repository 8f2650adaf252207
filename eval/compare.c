/* SPDX-License-Identifier: MIT */
#include "eval/compare.h"

#include <math.h>

static int is_right_or_wrong(const struct scorer *s, const double *sums, int n)
{
    for (int i = 0; i < n; i++)
        if (s->sums != 1 || (sums[i] != 0 && sums[i] != 1))
            return 0;
    return s->input != SCORER_LIKELIHOOD;
}

/* Of what is scored by likelihood, the last sum is the tokens. */
static int check_tokens(const struct scorer *s, const double *a, const double *b, int n, struct err *e)
{
    for (int i = s->sums - 1; s->input == SCORER_LIKELIHOOD && i < n * s->sums; i += s->sums)
        if (a[i] != b[i])
            return err_set(
                e, ERR_INVALID,
                "%s: item %d has %.0f tokens on one side and %.0f on the other: of two tokenizers it does not compare; "
                "tasks with answers do",
                s->name, i / s->sums, a[i], b[i]);
    return 0;
}

static int all_equal(const double *a, const double *b, int n)
{
    for (int i = 0; i < n; i++)
        if (a[i] != b[i])
            return 0;
    return 1;
}

int compare_sums(struct comparison *c, const struct scorer *s, const double *a, const double *b, int n, struct tails tails,
                 struct err *e)
{
    *c = (struct comparison){.n = n, .same = n > 0 && all_equal(a, b, n * s->sums), .test = "bootstrap"};
    int mcnemar = is_right_or_wrong(s, a, n) && is_right_or_wrong(s, b, n); /* needs no resamples */
    if (check_tokens(s, a, b, n, e) ||
        resample_paired(s, a, b, (size_t)n, mcnemar ? 0 : RESAMPLES, RESAMPLE_SEED, tails, &c->p, e))
        return -1;
    if (mcnemar) {
        uint64_t only_a = 0, only_b = 0;
        for (int k = 0; k < n; k++) {
            only_a += a[k] > b[k];
            only_b += b[k] > a[k];
        }
        c->p.p = mcnemar_exact(only_a, only_b);
        if (n >= RESAMPLE_MIN_ITEMS)
            mcnemar_interval((uint64_t)n, only_a, only_b, tails, &c->p.low, &c->p.high);
        c->test = "McNemar";
    }
    return 0;
}
