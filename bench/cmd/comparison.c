/* SPDX-License-Identifier: MIT */
#include "bench/cmd/comparison.h"

#include <math.h>
#include <stdlib.h>

/* What a decision is called: by direction + 1. */
static const char *const directions[] = {"worse", "undecided", "better"};

const char *comparison_verdict(const struct stored_comparison *c)
{
    return !c->decision.direction && c->decision.within ? "equivalent" : directions[c->decision.direction + 1];
}

int compare_scores(struct stored_comparison *c, struct store *s, const char *name, const char *a, const char *b, double percent,
                   struct err *e)
{
    const struct scorer *scorer = scorer_by_name(name);
    double *of_a = NULL, *of_b = NULL;
    int n_a = 0, n_b = 0;
    if (!scorer)
        return err_set(e, ERR_ENV, "compare: this program has no scorer %s; the run was made by a newer one", name);
    int rc = store_score_sums(s, atoll(a), name, scorer->sums, &of_a, &n_a, e) ||
             store_score_sums(s, atoll(b), name, scorer->sums, &of_b, &n_b, e);
    if (!rc && n_a != n_b)
        rc = err_set(e, ERR_INVALID, "compare: %s has %d items on one side and %d on the other", name, n_a, n_b);
    if (!rc)
        rc = compare_sums(&c->c, scorer, of_a, of_b, n_a, TAILS_95, e);
    if (!rc) {
        c->margin = percent / 100 * fabs(c->c.p.a);
        c->decision = resample_decide(scorer, &c->c.p, c->margin);
    }
    free(of_a);
    free(of_b);
    return rc ? -1 : 0;
}
