/* matrix.h - the cells of a sweep: the product of the axes' lists, less what is excluded, in a seeded order. */
/* SPDX-License-Identifier: MIT */
#ifndef BENCH_MATRIX_H
#define BENCH_MATRIX_H

#include <stdint.h>

#include "base/err.h"
#include "base/text.h"
#include "bench/axes.h"

#define MATRIX_MAX_CELLS 1000000

struct cell_matrix {
    struct list values[AXES]; /* the list of each axis */
    struct cell *cells;       /* what is left of the product; text fields point into values */
    int n;
    int excluded;
};

/* list[i]: comma-separated values of axes[i], NULL for its default.  exclude: lines of "axis=value axis=value ..."; a cell that
 * matches every pair of a line is left out.  A value given twice counts once. */
int matrix_open(struct cell_matrix *m, const char *const list[AXES], const char *exclude, struct err *e);
void matrix_close(struct cell_matrix *m);

/* A permutation of 0 .. n-1 (Fisher and Yates, Durstenfeld 1964); the same seed and round give the same order. */
void matrix_order(int *order, int n, uint64_t seed, int round);

#endif
