/* store_audit.h - what was drawn for a run of the gate, beside what the gate found (results/audit.sql). */
/* SPDX-License-Identifier: MIT */
#ifndef RESULTS_STORE_AUDIT_H
#define RESULTS_STORE_AUDIT_H

#include "results/store.h"

struct store_audit {
    const char *kind; /* "tune", "calibrate", "equal", "effect" */
    double effect;    /* percent; 0 of equal */
    const char *condition;
};

/* Of the gate `run`; a run that has one already is an error. */
int store_audit(struct store *s, int64_t run, const struct store_audit *a, struct err *e);

/* *there: has this file such a table?  Queries of it fail where there is none. */
int store_audit_there(struct store *s, int *there, struct err *e);

#endif
