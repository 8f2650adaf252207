/* gate_report.h - a stored gate for people and for machines.  All of them print the same rows of one query (view v_verdict). */
/* SPDX-License-Identifier: MIT */
#ifndef BENCH_CMD_GATE_REPORT_H
#define BENCH_CMD_GATE_REPORT_H

#include <stdint.h>
#include <stdio.h>

#include "bench/cmd/rows.h"

struct gate_report_rows {
    struct rows gate;    /* one row of v_gate */
    struct rows verdict; /* of v_verdict */
    int *order;          /* [verdict.n]: by cell, metrics as gate_metrics has them */
};

int gate_report_load(struct gate_report_rows *r, struct store *s, int64_t run, struct err *e);
void gate_report_free(struct gate_report_rows *r);

void gate_print_text(const struct gate_report_rows *r, FILE *out);
struct json_t *gate_json(const struct gate_report_rows *r);
void gate_print_junit(const struct gate_report_rows *r, FILE *out);
void gate_print_markdown(const struct gate_report_rows *r, FILE *out);
void gate_print_annotations(const struct gate_report_rows *r, FILE *out); /* GitHub's workflow commands */
void gate_print_codequality(const struct gate_report_rows *r, FILE *out); /* GitLab's JSON */

/* -- for these ------------------------------------------------------------------------------------------------------------- */

int gate_row_gates(const struct gate_report_rows *r, int row);
const char *gate_row_outcome(const struct gate_report_rows *r,
                             int row); /* "pass", ...; "(regressed)" of one that does not gate */
/* "0.351 ms" or "-"; which: "base" or "head". */
void gate_row_value(const struct gate_report_rows *r, int row, const char *which, char buf[48]);
/* The scorer that a row is of; NULL: it is of a metric. */
const char *gate_row_scorer(const struct gate_report_rows *r, int row);
/* A stored log ratio in percent, "+1.2%", the difference of a score as it is, or "-"; sign 0: without plus. */
void gate_row_change(const struct gate_report_rows *r, int row, const char *column, int sign, char buf[24]);
/* Gating verdicts with this outcome; NULL: all of them. */
int gate_count(const struct gate_report_rows *r, const char *outcome);

#endif
