/* gate_build.h - the programs that a gate holds against each other: which they are, that they stay so, and the copy for the null arm.
 *
 * A side is one build, linked once or in several orders, each a file: where code lies changes its speed, and rotating the files over
 * the units makes that noise, which can be averaged, of what else would be a tight interval around the wrong value. */
/* SPDX-License-Identifier: MIT */
#ifndef BENCH_GATE_BUILD_H
#define BENCH_GATE_BUILD_H

#include <limits.h>

#include "base/err.h"
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

/* Makes a folder below $TMPDIR with a copy of the program under a longer path; *copy is that one. */
int gate_build_copy(const struct gate_build *b, struct gate_build *copy, struct err *e);
void gate_build_remove(const struct gate_build *copy); /* the copy and its folder */

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
