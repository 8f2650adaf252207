/* eval.h - what the stages of a pass share, between eval.c and eval_*.c only.  All run on every thread of the pool. */
/* SPDX-License-Identifier: MIT */
#ifndef ENGINE_EVAL_H
#define ENGINE_EVAL_H

#include "engine/session.h"

/* Sublayers are numbered in the order in which they add to the residual stream; before the first there is nothing to add. */
#define BRANCH_NONE (-1)
#define BRANCH_MIXER(layer) (2 * (layer))
#define BRANCH_FFN(layer) (2 * (layer) + 1)

static inline unsigned eval_kind_bit(const struct session *s, const struct matrix *w)
{
    return 1u << session_kind(s, w);
}

/* The residual stream as this thread reads it: of one token its own copy, of more the shared one. */
static inline float *eval_residual(const struct session *s, int thread)
{
    return s->n == 1 ? s->scratch[thread].x : s->x;
}

/* What this thread did since it was last here belongs to `stage`. */
void profile_stage(struct session *s, int thread, enum stage stage);

static inline void eval_done(struct session *s, int thread, enum stage stage)
{
    if (s->profiling)
        profile_stage(s, thread, stage);
}

/* The same, then waits for the others. */
static inline void eval_barrier(struct session *s, int thread, enum stage stage)
{
    eval_done(s, thread, stage);
    pool_barrier(s->pool, thread);
    eval_done(s, thread, STAGE_WAIT);
}

/* Asks memory for the rows of w from `row` on, before the operands of a stage are made: the kernels look ahead only within what they
 * read.  Of many tokens nothing is asked for: then memory is not what is waited for. */
void eval_ask(const struct session *s, const struct matrix *w, int row);

/* Makes the operands of a stage out of the residual stream: adds what sublayer `branch` left, norms by `weight` (NULL: not), and
 * rounds the n columns to every kind of the set `kinds`. */
void eval_input(struct session *s, int thread, struct act a[ACT_COUNT], unsigned kinds, int branch, const float *weight);

/* y[c][from .. to) = rows from .. to of w times column c, as a part of `stage`. */
void eval_multiply(struct session *s, int thread, enum stage stage, float *y, const struct matrix *w,
                   const struct act a[ACT_COUNT], int from, int to);

/* The mixers: from the residual stream to s->mixed.  They end with a barrier. */
void eval_attention(struct session *s, int thread, int layer);
void eval_short_conv(struct session *s, int thread, int layer);

#endif
