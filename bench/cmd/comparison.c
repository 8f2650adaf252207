/* SPDX-License-Identifier: MIT */
#include "bench/cmd/comparison.h"

#include <math.h>
#include <stdlib.h>

#include "bench/cmd/stored_scores.h"

/* What a decision is called: by direction + 1. */
static const char *const directions[] = {"worse", "undecided", "better"};

const char *comparison_verdict(const struct comparison *c)
{
    return !c->decision.direction && c->decision.within ? "equivalent" : directions[c->decision.direction + 1];
}

static int is_right_or_wrong(const struct scorer *s, const double *sums, int n)
{
    for (int i = 0; i < n; i++)
        if (s->sums != 1 || (sums[i] != 0 && sums[i] != 1))
            return 0;
    return s->input != SCORER_LIKELIHOOD;
}

static int compare_sums(struct comparison *c, const struct scorer *scorer, const double *a, const double *b, int n,
                        double percent, struct err *e)
{
    *c = (struct comparison){.n = n, .test = "bootstrap"};
    if (resample_paired(scorer, a, b, (size_t)n, RESAMPLES, RESAMPLE_SEED, &c->p, e))
        return -1;
    if (is_right_or_wrong(scorer, a, n) && is_right_or_wrong(scorer, b, n)) {
        uint64_t only_a = 0, only_b = 0;
        for (int k = 0; k < n; k++) {
            only_a += a[k] > b[k];
            only_b += b[k] > a[k];
        }
        c->p.p = mcnemar_exact(only_a, only_b);
        if (n >= RESAMPLE_MIN_ITEMS)
            mcnemar_interval((uint64_t)n, only_a, only_b, &c->p.low, &c->p.high);
        c->test = "McNemar";
    }
    c->margin = percent / 100 * fabs(c->p.a);
    c->decision = resample_decide(scorer, &c->p, c->margin);
    return 0;
}

int compare_scores(struct comparison *c, struct store *s, const char *name, const char *a, const char *b, double percent,
                   struct err *e)
{
    const struct scorer *scorer = scorer_by_name(name);
    double *of_a = NULL, *of_b = NULL;
    int n_a = 0, n_b = 0;
    if (!scorer)
        return err_set(e, ERR_ENV, "compare: this program has no scorer %s; the run was made by a newer one", name);
    int rc = stored_sums(s, a, scorer, &of_a, &n_a, e) || stored_sums(s, b, scorer, &of_b, &n_b, e);
    if (!rc && n_a != n_b)
        rc = err_set(e, ERR_INVALID, "compare: %s has %d items on one side and %d on the other", name, n_a, n_b);
    if (!rc)
        rc = compare_sums(c, scorer, of_a, of_b, n_a, percent, e);
    free(of_a);
    free(of_b);
    return rc ? -1 : 0;
}
