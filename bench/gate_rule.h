/* gate_rule.h - the rule of `bench gate`: from log ratios of process pairs to a verdict.  Pure: it measures nothing.
 *
 * A unit is one fresh process of each arm (base, head, and null: base again), measured alternately; a member is
 * one metric of one cell, with a log ratio to base per unit.  At each look (12, 16, 22, 30, 40 units):
 *
 *   slower         the signed-rank bound from below at alpha / looks lies above 0 and above the null arm's estimate
 *   suspect        slower, and the estimate (the median) is half the tolerance or more.  It counts once Benjamini and Hochberg's
 *                  procedure over all members that gate rejects it too; until then it goes on.
 *   pass           the estimate is below half the tolerance and the bound of the median from above at beta / looks, an order
 *                  statistic, below the tolerance; what is surely slower passes at the last look only, for 2 or 3% that more units
 *                  would have shown to be too much are passed by the luck of the first
 *   invalid        the null arm differs from base by half the tolerance or more and is sure of it, by the same procedure over all
 *                  null arms too: whatever tells these two apart, it is not the change
 *   inconclusive   none of these at the last look
 *
 * alpha, beta: one-sided errors of a member over all its looks, shared out evenly (Bonferroni).  A suspect is measured once more
 * with as many fresh units.  It has regressed when these alone, at the error `confirm`, are slower again and the estimate of all
 * is half the tolerance or more; else it is inconclusive. */
/* SPDX-License-Identifier: MIT */
#ifndef BENCH_GATE_RULE_H
#define BENCH_GATE_RULE_H

#include <stddef.h>

#define GATE_RULE_VERSION 4 /* stored with each verdict: raise it when the same samples may get another one */
#define GATE_MAX_LOOKS 8

struct gate_rule {
    double alpha, beta;
    double confirm;                    /* one-sided error of the confirmation */
    double q;                          /* false discovery rate over the family */
    int look[GATE_MAX_LOOKS], n_looks; /* units, ascending */
};

extern const struct gate_rule gate_rule_default;

/* What n units say of one member.  Log ratios: 0.05 is 5.1% more.  All of it NaN, and p 1, for n = 0. */
struct gate_judgement {
    int n;
    double estimate;              /* median */
    double low, high, coverage;   /* its interval at 95% for this n alone, to be printed (base/stats.h); NaN for one unit */
    double lower, upper;          /* the bounds that decide, at the error of one look */
    double p;                     /* signed-rank, one-sided: head is not slower */
    double mde;                   /* the effect that this many units of this spread find in 8 of 10 cases; NaN below 6 units */
    double null_estimate, null_p; /* of the null arm; two-sided p */
    int slower, null_fired;
};

/* head, null: [n] log ratios to base, in the order of the units; tolerance: log ratio; alpha, beta: errors of the bounds from below
 * and above; control: of the null arm's alarm, two-sided. */
void gate_judge(struct gate_judgement *j, const double *head, const double *null, int n, double tolerance, double alpha,
                double beta, double control);

enum gate_outcome { GATE_OPEN, GATE_PASS, GATE_SUSPECT, GATE_REGRESSED, GATE_INCONCLUSIVE, GATE_INVALID };
const char *gate_outcome_name(enum gate_outcome o); /* "open", "pass", ... */

struct gate_member {
    double tolerance; /* log ratio */
    int gates;        /* 0: judged and told, but decides nothing */
    int n, cap;
    double *head, *null; /* [n]; gate_member_free */
    struct gate_judgement now;
    double p_looks; /* smallest p of a look so far times the looks, 1 at most */
    enum gate_outcome outcome;
};

void gate_member_add(struct gate_member *m, double head, double null);
void gate_member_free(struct gate_member *m);

/* One look at everything: judges the open members that have as many units as a look asks for, and decides. */
void gate_decide(const struct gate_rule *r, struct gate_member *m, int n);

/* head, null: [n] of the fresh units of a suspect; *j is what they say alone and, of the null arm, what all units say. */
void gate_confirm(const struct gate_rule *r, struct gate_member *m, const double *head, const double *null, int n,
                  struct gate_judgement *j);

/* One score of two variants on the same items: how much worse head is, in the score's unit, and the bounds of that from below at
 * alpha and from above at beta (NaN: too few items).  Nothing here is measured twice: the same program says the same again.
 *   regressed     the bound from below lies above 0, the estimate is half the margin or more, and the family rejects it too
 *   pass          not that, and the bound from above lies below the margin
 *   inconclusive  neither */
enum gate_outcome gate_decide_quality(double estimate, double lower, double upper, double margin, int rejected);

/* Units until the next look after n; 0 behind the last. */
int gate_next_look(const struct gate_rule *r, int n);

#endif
