/* gate_rivals.h - the rules that other tools call a build slower by, to be held against the gate's on the same samples.
 *
 * A rule sees what its tool would have: one value per process, or all samples.  It says slower or not, one cell and metric at a time;
 * that head is faster is not a finding here.  To add one: a row in gate_rivals.c with a function. */
/* SPDX-License-Identifier: MIT */
#ifndef BENCH_GATE_RIVALS_H
#define BENCH_GATE_RIVALS_H

#include <stddef.h>

struct gate_side {         /* all that was measured of one build */
    double *median, *mean; /* [n] of each process over its rounds */
    size_t n;
    double *sample; /* [n_samples] every round of every process */
    size_t n_samples;
};

struct gate_rival {
    const char *name, *about;
    int (*slower)(const struct gate_side *base, const struct gate_side *head);
};

extern const struct gate_rival gate_rivals[];
extern const int gate_n_rivals;

#endif
