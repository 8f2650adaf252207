/* kv_many.h - the inner loops of attention for up to thirty-two queries over the same rows, one query to a lane.
 *
 * Where as many queries meet a row (a prefill), nothing is added across lanes, neither for a score nor in the softmax
 * (ops.h, softmax_lanes), and the rows are turned into floats once for all of them, by the unpack_f32 of the cache's format.
 * A score is one chain of fused multiply-adds in ascending order, a lane does not depend on the others, and every instruction set
 * gives the same bits: but not those of the exact path, which sums in 16 lanes. */
/* SPDX-License-Identifier: MIT */
#ifndef KERNELS_KV_MANY_H
#define KERNELS_KV_MANY_H

#include "kernels/isa.h"

#define QUERIES 32

struct kv_many {
    /* to[i][l] = q[l][i] * scale for the first n lanes; the others become 0. */
    void (*side_by_side)(float *to, const float *const q[], int n, int dim, float scale);

    /* s[r][l] = sum over i of k[r][i] * q[i][l], for at least the first n lanes and `rows` rows of dim floats: k has PANEL_ROWS. */
    void (*scores)(float *s, const float *k, const float *q, int n, int dim, int rows);

    /* out[l][i] += sum over r of s[r][l] * v[r][i], for the first n lanes and `rows` rows of dim floats. */
    void (*mix)(float *const out[], const float *v, const float *s, int n, int dim, int rows);

    /* out[l][i] /= sum[l], for the first n lanes, by one division each. */
    void (*divide)(float *const out[], const float *sum, int n, int dim);
};

/* The best set at or below isa. */
const struct kv_many *kv_many_at(enum isa isa);

#endif
