/* store_gate.h - what `bench gate` keeps: who was held against whom, every process and sample, and what the rule made of them.
 *
 * The cells are those of a run (store.h); its id ties all of this together.  Every call is one transaction. */
/* SPDX-License-Identifier: MIT */
#ifndef RESULTS_STORE_GATE_H
#define RESULTS_STORE_GATE_H

#include <stdint.h>

#include "results/store.h"

struct store_gate {
    struct store_build base, head;
    const char *base_path, *head_path;     /* NULL, and no hashes: of stored runs */
    const char *base_sha256, *head_sha256; /* of the programs' files */
    int64_t base_model, head_model;        /* 0: both run the cells' own */
    int rule_version;
    const char *rule; /* JSON object of its numbers */
};

int store_gate_begin(struct store *s, int64_t run, const struct store_gate *g, struct err *e);
/* Where the scores of its arms are. */
int store_gate_runs(struct store *s, int64_t run, int64_t base, int64_t head, struct err *e);
/* A cell of another run, copied into this one. */
int store_gate_cell(struct store *s, int64_t run, int64_t cell, int64_t *id, struct err *e);
/* outcome: "pass", "regressed", "inconclusive", "invalid"; reason: what is wrong with the whole of it, or empty. */
int store_gate_end(struct store *s, int64_t run, const char *outcome, const char *reason, struct err *e);

struct store_sample {
    int round;
    const char *kind; /* "prefill", "decode" */
    int place;        /* in which order the arms were measured in this round */
    int64_t ns;
    int tokens;
    const int64_t *token_ns;                            /* [tokens] of a decode; else NULL */
    int64_t cpu_ns, run_delay_ns, nivcsw, instructions; /* -1: not measured */
    int64_t energy_uj;                                  /* likewise */
};

struct store_unit { /* one process */
    int64_t cell;
    const char *phase; /* "first", "confirm" */
    int number;
    const char *arm; /* "base", "head", "null" */
    int place, pad;
    const char *state, *reason; /* as a trial's */
    int64_t peak_bytes;         /* -1: not measured */
    const struct store_sample *samples;
    int n_samples;
};

/* The n processes of one unit, in one transaction. */
int store_unit(struct store *s, const struct store_unit *u, int n, struct err *e);

int store_fact(struct store *s, int64_t cell, const char *arm, const char *name, const char *unit, int64_t value, struct err *e);

/* The numbers of a verdict are NULL where they are NaN or infinite. */
struct store_verdict {
    int64_t cell;
    const char *metric, *outcome, *reason;
    int gates, units;
    double tolerance, base, head;
    double estimate, low, high, coverage, lower, upper, p, p_looks, mde, null_estimate, null_p, disturbed;
    int confirm_units; /* 0: there was no confirmation */
    double confirm_estimate, confirm_lower;
};

/* All verdicts of a run; those that are there are replaced, so that a rule can be replayed. */
int store_verdicts(struct store *s, const struct store_verdict *v, int n, struct err *e);

/* The build that `bench history` holds all others against from now on, and why it is that one. */
struct store_anchor {
    struct store_build build;
    const char *path, *sha256; /* of the program's file */
    const char *reason;
};

int store_anchor(struct store *s, const struct store_anchor *a, struct err *e);

struct store_quality {
    int64_t cell;
    const char *task, *scorer, *outcome, *reason, *test;
    int gates, items;
    double margin, base, head, difference, low, high, lower, upper, p, mde;
};

/* As store_verdicts. */
int store_qualities(struct store *s, const struct store_quality *q, int n, struct err *e);

#endif
