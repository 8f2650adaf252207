/* session.h - the inside of a session, shared by session.c (planning, opening) and eval.c (the forward pass) only.
 *
 * Activations are [token][dim], one row per token of a batch; `batch` rows are there.  All pointers but pool and model lie in
 * the arena.  A format's name for a column of activations (act_kind) is called a kind here. */
/* SPDX-License-Identifier: MIT */
#ifndef ENGINE_SESSION_H
#define ENGINE_SESSION_H

#include "base/arena.h"
#include "engine/model.h"
#include "engine/pool.h"

#define HEAD_SLICE 8 /* columns of the head at once when every position wants logits: bounds that buffer */

/* What a thread has for itself. */
struct scratch {
    float *norm;           /* [d]: the one column of a decode step, normed */
    void *room[ACT_COUNT]; /* one column, rounded */
    void *matmul, *attention;
};

struct session {
    const struct model *model;
    struct arena arena;
    struct pool *pool;
    struct kv_layout kv;
    const struct ops *ops;
    enum isa isa;
    int exact, threads;
    int batch; /* tokens per pass */
    int pos;   /* tokens in the cache */

    void *keys, *values; /* the KV cache */
    double *frequency;   /* [n_rot / 2], radians per position */
    float *angle;        /* [batch][n_rot / 2][2]: cosine, sine */
    float *x;            /* [batch][d], the residual stream */
    float *norm;         /* [batch][d], x normed; then what a sublayer adds to x */
    float *q, *attended; /* [batch][n_head][head_dim] */
    float *k, *v;        /* [batch][n_kv][head_dim] */
    float *gate, *up;    /* [batch][n_ff] */
    float *logits;       /* [min(HEAD_SLICE, batch)][n_vocab] */

    /* Columns of a batch, rounded, as struct act has them. */
    uint16_t *bf16;
    int8_t *q8;
    float *q8_d;
    int32_t *q8_sum;
    struct scratch *scratch; /* [threads] */

    /* The pass that is running. */
    const int *ids; /* [n] */
    int n;
    int head_from, head_n; /* columns that go through the head: n of them, none when 0 */
};

/* The kind of activations that w is multiplied with. */
static inline enum act_kind session_kind(const struct session *s, const struct matrix *w)
{
    return s->exact ? ACT_F32 : w->format->act;
}

/* Runs on every thread of the pool: the layers, then the head for its columns. */
void eval_pass(void *session, int thread);
/* The head alone. */
void eval_head(void *session, int thread);

#endif
