/* gate_quality.h - is head's quality worse than base's?  Both are asked the same items, and the scores are compared in pairs.
 *
 * A variant whose logits both programs agree on in every cell passes without being scored, but not with two models: their files may
 * differ in what logits do not show, such as the tokenizer.  Of the others each side is scored by its own program on its own model
 * (bench/scoring.h) into a run of its own, where `bench compare` finds it too.  eval/compare.h says how sure a difference is,
 * gate_decide_quality what comes of it; Benjamini and Hochberg's procedure runs over all scores that gate. */
/* SPDX-License-Identifier: MIT */
#ifndef BENCH_GATE_QUALITY_H
#define BENCH_GATE_QUALITY_H

#include "bench/gate.h"
#include "eval/compare.h"

/* How much worse head is by one score on the same items, all in the score's own unit. */
struct gate_score {
    struct comparison c;
    double worse, margin;
    double lower, upper; /* bounds of it: that from below may be wrong at alpha, that from above at beta */
    double p;            /* one-sided: head is not worse */
};

/* a, b: [n][s->sums] of base and head; tolerance as in struct gate_setting.  ERR_INVALID as compare_sums. */
int gate_score_judge(struct gate_score *j, const struct gate_rule *r, const struct scorer *s, double tolerance, const double *a,
                     const double *b, int n, struct err *e);

/* rejected: by the procedure over the family of scores. */
enum gate_outcome gate_score_outcome(const struct gate_score *j, int rejected);

struct gate_scores; /* the verdicts on all scores so far */

/* What is held against what: scores of two variants in two runs, and the cell that the verdicts belong to. */
struct gate_pair {
    int64_t cell;
    int64_t base_run, base_variant, head_run, head_variant;
};

struct gate_scores *gate_scores_open(struct store *s, const struct gate_config *c);
void gate_scores_close(struct gate_scores *q); /* accepts NULL */

/* This score of a variant is the same on both sides, for the logits are. */
void gate_scores_same(struct gate_scores *q, int64_t cell, const char *task, const struct scorer *scorer);
/* Every score that one of the two has. */
int gate_scores_compare(struct gate_scores *q, const struct gate_pair *p, struct err *e);
/* Decides, stores, and counts into *out, whose reason is set when a score is missing that the user asked for. */
int gate_scores_decide(struct gate_scores *q, struct gate_report *out, struct err *e);

/* All of it for a gate that has measured: scores what must be scored. */
int gate_quality(struct gate *g, struct gate_report *out, struct err *e);

#endif
