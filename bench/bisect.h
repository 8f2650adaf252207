/* bisect.h - which commit between a good one and a bad one made something worse, found with git bisect.
 *
 * All of it happens in a git worktree below the temporary folder: the user's tree, index, branch and a bisection that may be going on
 * in it are not touched, and the worktree is removed at the end, whatever the end is.  Each candidate is built there and held
 * against the good commit's program, not against a stored number.  What cannot be built or judged is skipped, as git bisect does. */
/* SPDX-License-Identifier: MIT */
#ifndef BENCH_BISECT_H
#define BENCH_BISECT_H

#include <signal.h>

#include "base/err.h"
#include "base/text.h"

enum bisect_is { BISECT_GOOD, BISECT_BAD, BISECT_SKIPPED };
const char *bisect_is_name(enum bisect_is is); /* "good", ... */

/* What a comparison with the good program said. */
struct bisect_verdict {
    enum bisect_is is;       /* skipped: it could not be told */
    int undecided;           /* ... for lack of units, so that more of them may tell */
    double ratio, low, high; /* head / good, and its 95% interval; NaN: none */
    int units;
    char why[300]; /* of what is skipped */
};

struct bisect_step {
    char commit[65], subject[100];
    struct bisect_verdict verdict;
};

struct bisect_config {
    const char *repo, *good, *bad;
    const char *const *build; /* words, NULL-ended, run in the worktree */
    const char *program;      /* what that makes, relative to it */
    /* Compares two programs.  tolerance: fraction of which half is already bad; 0: that of the metric.  more: how many times the
     * usual units.  0 with *v, or -1. */
    int (*compare)(void *ctx, const char *base, const char *head, const char *const commit[2], double tolerance, int more,
                   struct bisect_verdict *v, struct err *e);
    void (*step)(void *ctx, const struct bisect_step *s); /* told of each candidate when it is judged; may be NULL */
    void *ctx;
    const volatile sig_atomic_t *stop; /* may be NULL */
};

struct bisect_result {
    struct bisect_step good, bad; /* the ends; good has no verdict */
    struct bisect_step *step;     /* the candidates, in the order in which they were tried */
    int n;
    char first[65];       /* the commit; empty: it is one of `possible`, of which too many had to be skipped */
    struct text possible; /* commits, a line each */
};

/* 0 when it came to an end.  ERR_ANSWER_NO: bad is not worse than good.  ERR_INCONCLUSIVE: that cannot be told, or interrupted.
 * ERR_INVALID: one of the two cannot be built or measured.  ERR_USAGE: no such commits, or good is not an ancestor of bad. */
int bisect_run(const struct bisect_config *c, struct bisect_result *r, struct err *e);
void bisect_free(struct bisect_result *r);

#endif
