/* SPDX-License-Identifier: MIT */
#include "bench/gate_rule.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/signed_rank.h"
#include "base/stats.h"

#define SPREAD_MIN 6 /* units whose spread says something */

const struct gate_rule gate_rule_default = {
    .alpha = 0.01, .beta = 0.05, .confirm = 0.05, .q = 0.05, .look = {12, 16, 22, 30, 40}, .n_looks = 5};

const char *gate_outcome_name(enum gate_outcome o)
{
    static const char *const names[] = {[GATE_OPEN] = "open",
                                        [GATE_PASS] = "pass",
                                        [GATE_SUSPECT] = "suspect",
                                        [GATE_REGRESSED] = "regressed",
                                        [GATE_INCONCLUSIVE] = "inconclusive",
                                        [GATE_INVALID] = "invalid"};
    return names[o];
}

static double *copied(const double *v, int n, double sign)
{
    double *copy = calloc((size_t)n + 1, sizeof *copy);
    if (!copy)
        abort();
    for (int i = 0; i < n; i++)
        copy[i] = sign * v[i];
    return copy;
}

static void judge_null(struct gate_judgement *j, const double *null, int n, double tolerance, double alpha)
{
    double *sorted = copied(null, n, 1), *down = copied(null, n, -1);
    double up = signed_rank_p(null, (size_t)n), below = signed_rank_p(down, (size_t)n);
    stats_sort(sorted, (size_t)n);
    j->null_estimate = stats_quantile(sorted, (size_t)n, 0.5);
    j->null_p = fmin(1, 2 * fmin(up, below));
    j->null_fired = fabs(j->null_estimate) >= tolerance / 2 && j->null_p <= alpha;
    free(sorted);
    free(down);
}

void gate_judge(struct gate_judgement *j, const double *head, const double *null, int n, double tolerance, double alpha,
                double beta, double control)
{
    *j = (struct gate_judgement){n, NAN, NAN, NAN, 0, NAN, NAN, 1, NAN, NAN, 1, 0, 0};
    if (n < 1)
        return;
    double *sorted = copied(head, n, 1);
    stats_sort(sorted, (size_t)n);
    struct interval x = stats_median_interval(sorted, (size_t)n, 0.95);
    j->estimate = x.median;
    if (n > 1) {
        j->low = x.low;
        j->high = x.high;
        j->coverage = x.coverage;
    }
    j->lower = signed_rank_lower(head, (size_t)n, alpha);
    j->upper = stats_median_upper(sorted, (size_t)n, beta);
    j->p = signed_rank_p(head, (size_t)n);
    if (n >= SPREAD_MIN)
        j->mde = (stats_normal_quantile(1 - alpha) + stats_normal_quantile(0.8)) * stats_robust_sd(sorted, (size_t)n) / sqrt(n);
    free(sorted);
    judge_null(j, null, n, tolerance, control);
    j->slower = j->lower > fmax(0, j->null_estimate);
}

void gate_member_add(struct gate_member *m, double head, double null)
{
    if (m->n == m->cap) {
        m->cap = m->cap ? 2 * m->cap : 16;
        m->head = realloc(m->head, (size_t)m->cap * sizeof *m->head);
        m->null = realloc(m->null, (size_t)m->cap * sizeof *m->null);
        if (!m->head || !m->null)
            abort();
    }
    m->head[m->n] = head;
    m->null[m->n++] = null;
}

void gate_member_free(struct gate_member *m)
{
    free(m->head);
    free(m->null);
    m->head = m->null = NULL;
    m->n = m->cap = 0;
}

static int is_look(const struct gate_rule *r, int n)
{
    for (int i = 0; i < r->n_looks; i++)
        if (r->look[i] == n)
            return 1;
    return 0;
}

int gate_next_look(const struct gate_rule *r, int n)
{
    for (int i = 0; i < r->n_looks; i++)
        if (r->look[i] > n)
            return r->look[i] - n;
    return 0;
}

/* Which of the members Benjamini and Hochberg reject by p_of; those that do not gate are no part of the family. */
static void reject(const struct gate_rule *r, const struct gate_member *m, int n,
                   double (*p_of)(const struct gate_rule *r, const struct gate_member *m), unsigned char *rejected)
{
    double *p = calloc((size_t)n + 1, sizeof *p);
    unsigned char *of = calloc((size_t)n + 1, 1);
    size_t family = 0;
    if (!p || !of)
        abort();
    for (int i = 0; i < n; i++)
        if (m[i].gates)
            p[family++] = p_of(r, &m[i]);
    stats_benjamini_hochberg(p, family, r->q, of);
    family = 0;
    for (int i = 0; i < n; i++)
        rejected[i] = m[i].gates ? of[family++] : 1;
    free(p);
    free(of);
}

static double p_head(const struct gate_rule *r, const struct gate_member *m)
{
    (void)r;
    return m->p_looks;
}

static double p_null(const struct gate_rule *r, const struct gate_member *m)
{
    return m->now.n ? fmin(1, m->now.null_p * r->n_looks) : 1;
}

void gate_decide(const struct gate_rule *r, struct gate_member *m, int n)
{
    unsigned char *rejected = calloc((size_t)n + 1, 1), *null_rejected = calloc((size_t)n + 1, 1);
    if (!rejected || !null_rejected)
        abort();
    for (int i = 0; i < n; i++) {
        if (m[i].outcome != GATE_OPEN || !is_look(r, m[i].n))
            continue;
        gate_judge(&m[i].now, m[i].head, m[i].null, m[i].n, m[i].tolerance, r->alpha / r->n_looks, r->beta / r->n_looks,
                   r->alpha / r->n_looks);
        m[i].p_looks = fmin(m[i].p_looks, m[i].now.p * r->n_looks);
    }
    reject(r, m, n, p_head, rejected);
    reject(r, m, n, p_null, null_rejected);
    for (int i = 0; i < n; i++) {
        const struct gate_judgement *j = &m[i].now;
        int last = !gate_next_look(r, m[i].n), much = j->estimate >= m[i].tolerance / 2;
        if (m[i].outcome != GATE_OPEN || !is_look(r, m[i].n))
            continue;
        if (j->null_fired && null_rejected[i])
            m[i].outcome = GATE_INVALID;
        else if (j->slower && much && rejected[i])
            m[i].outcome = GATE_SUSPECT;
        else if (!much && j->upper < m[i].tolerance && (!j->slower || last))
            m[i].outcome = GATE_PASS;
        else if (last)
            m[i].outcome = GATE_INCONCLUSIVE;
    }
    free(null_rejected);
    free(rejected);
}

void gate_confirm(const struct gate_rule *r, struct gate_member *m, const double *head, const double *null, int n,
                  struct gate_judgement *j)
{
    struct gate_member all = {0};
    struct gate_judgement whole;
    for (int i = 0; i < m->n; i++)
        gate_member_add(&all, m->head[i], m->null[i]);
    for (int i = 0; i < n; i++) /* head may be NULL where nothing could be measured */
        gate_member_add(&all, head[i], null[i]);
    gate_judge(j, head, null, n, m->tolerance, r->confirm, r->beta, 0);
    gate_judge(&whole, all.head, all.null, all.n, m->tolerance, r->alpha, r->beta, r->alpha / r->n_looks);
    j->null_estimate = whole.null_estimate, j->null_p = whole.null_p, j->null_fired = whole.null_fired;
    int much = n > 0 && whole.estimate >= m->tolerance / 2;
    m->outcome = j->null_fired ? GATE_INVALID : j->slower && much ? GATE_REGRESSED : GATE_INCONCLUSIVE;
    gate_member_free(&all);
}

enum gate_outcome gate_decide_quality(double estimate, double lower, double upper, double margin, int rejected)
{
    int worse = lower > 0 && estimate >= margin / 2;
    return worse && rejected ? GATE_REGRESSED : !worse && upper < margin ? GATE_PASS : GATE_INCONCLUSIVE;
}
