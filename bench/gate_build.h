/* gate_build.h - the programs that a gate holds against each other: which they are, that they stay so, and the copies that run.
 *
 * A side is one build, linked once or in several orders, each a file: where code lies changes its speed, and rotating the files over
 * the units makes that noise, which can be averaged, of what else would be a tight interval around the wrong value. */
/* SPDX-License-Identifier: MIT */
#ifndef BENCH_GATE_BUILD_H
#define BENCH_GATE_BUILD_H

#include <limits.h>

#include "base/err.h"
#include "bench/gate_unit.h"
#include "results/store.h"

struct gate_build {
    char path[PATH_MAX];
    char sha256[65];          /* of the program's file */
    struct store_build build; /* what it says of itself with --version; texts below */
    char said[4096];
};

/* Asks the program who it is; ERR_INVALID when that is no bench.  path NULL: this one.  commit: what its commit must begin with, or NULL. */
int gate_build_open(struct gate_build *b, const char *path, const char *commit, struct err *e);

/* ERR_INVALID when the file is not what it was: someone built while the gate measured. */
int gate_build_unchanged(const struct gate_build *b, struct err *e);

/* -- copies ---------------------------------------------------------------------------------------------------------------- */

/* A new file with the program `from`, in the place of `to`. */
int gate_build_copy(const char *from, const char *to, struct err *e);

/* A folder below $TMPDIR where the programs of a unit lie, each copied anew for it.  Which pages of memory a file lies in changes the
 * speed of what it holds, and for as long as the file lies there: measured were .1% of decoding and .5% of prefill. */
struct gate_stage {
    char dir[PATH_MAX]; /* empty: there is none */
    char program[GATE_ARMS][PATH_MAX + 8];
};

/* b: a program that must run there.  gate_stage_close also where it failed. */
int gate_stage_open(struct gate_stage *s, const struct gate_build *b, struct err *e);
void gate_stage_close(const struct gate_stage *s);

/* -- sides ----------------------------------------------------------------------------------------------------------------- */

struct gate_side {
    struct gate_build *build; /* [n], n >= 1 */
    int n;
    char sha256[65]; /* of its file, or of the hashes of its files */
};

/* list: "FILE" or "FILE,FILE,...", all of one build; NULL: this program.  gate_side_close also where it failed. */
int gate_side_open(struct gate_side *s, const char *list, const char *commit, struct err *e);
int gate_side_unchanged(const struct gate_side *s, struct err *e);
void gate_side_close(struct gate_side *s);

#endif
