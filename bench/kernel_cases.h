/* kernel_cases.h - what the checks of kernels share: random inputs, buffers with walls, and the reason for a failure.
 *
 * Inside kernel_check_*.c only.  Every buffer ends at a page that cannot be touched. */
/* SPDX-License-Identifier: MIT */
#ifndef BENCH_KERNEL_CASES_H
#define BENCH_KERNEL_CASES_H

#include "base/rng.h"
#include "bench/kernel_check.h"

#define CHECK_BUFFERS 16

/* One check: its random numbers, its buffers, and where the reason goes. */
struct check {
    const struct kernel_case *c;
    struct rng rng;
    char *why;
    size_t size;
    int used;
    struct {
        uint8_t *map;
        size_t mapped;
        uint8_t *p;
    } buffer[CHECK_BUFFERS];
};

/* Says what was wrong; returns 0. */
int check_fail(struct check *k, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* Bytes that end where memory ends, filled with 0xe5 so that what is not written cannot look like a result. */
void *check_take(struct check *k, size_t bytes);

/* Gives the buffers back; 0 when something was written in front of one. */
int check_give_back(struct check *k);

enum fill { ORDINARY, LARGE, TINY, ALTERNATING, ZERO, SPIKE, CONSTANT, FILLS };
extern const char *const fill_names[FILLS + 1]; /* the last: arbitrary bytes, weights only */

/* large, tiny: the magnitudes of those two fills. */
void fill_floats(struct check *k, float *x, int n, enum fill fill, float large, float tiny);

/* What element i of column c counts as after rounding. */
double act_value(const struct act *x, int c, int i);

/* Where two vectors first differ in a bit; -1: nowhere. */
int first_difference(const float *a, const float *b, int n);

/* The checks: 1 when it passes. */
int check_matvec(struct check *k);
int check_matmul(struct check *k);
int check_packed(struct check *k);
int check_vecmat(struct check *k);
int check_unpack(struct check *k);
int check_pack(struct check *k);
int check_attention(struct check *k);
int check_act(struct check *k);
int check_op(struct check *k);

#endif
