/* session.h - the inside of a session, shared by session.c (planning, opening) and eval*.c (the forward pass) only.
 *
 * Activations are [token][dim], one row per token of a batch; `batch` rows are there.  All pointers but pool and model lie in
 * the arena.  A format's name for a column of activations (act_kind) is called a kind here.
 *
 * What a token at position p sees, with the layer's own window w and the policy's window W and sinks S (0: there is none):
 *
 *     k <= p   and   (w == 0 or p - k < w)   and   (W == 0 or p - k < W or k < S)
 *
 * Positions are those of the text, whatever has been forgotten; rope is never applied anew.  The cache of a layer holds what the
 * batch in progress can see, the sinks in front and a ring behind them, and attention walks it in the order of positions.  So,
 * on the exact path and bit for bit:
 *   - a ring gives what a cache of the whole text gives under the same rule;
 *   - neither batch size nor thread count changes anything, whether the window has slid or not.
 * And to float tolerance, in a model of one layer: a window that has slid gives what a fresh cache gives that was fed only the
 * visible tokens (without sinks: they sit at other distances there), because rope depends on distances only.  With more layers
 * that does not hold, and is not promised: the keys and values of a visible token were made when it still saw older ones. */
/* SPDX-License-Identifier: MIT */
#ifndef ENGINE_SESSION_H
#define ENGINE_SESSION_H

#include "base/arena.h"
#include "engine/model.h"
#include "engine/pool.h"
#include "engine/profile.h"

#define HEAD_SLICE 8 /* columns of the head at once when every position wants logits: bounds that buffer */

/* What a thread has for itself. */
struct scratch {
    float *x;              /* [d]: the residual stream of a decode step */
    float *norm;           /* [d]: the same, normed */
    void *room[ACT_COUNT]; /* one column, rounded */
    void *matmul, *attention;
    struct stage_clock {
        int64_t last; /* when the stage in progress began */
        int64_t ns[STAGES], bytes[STAGES];
    } * clock;
};

/* What a layer remembers: K and V rows, or the last inputs of its short convolution. */
struct memory {
    struct kv_layout kv; /* of one layer; kv.n_ctx rows: the sinks, then the ring */
    void *keys, *values;
    int window, sinks;
    float *inputs; /* [n_taps - 1][d], the oldest position first */
};

struct session {
    const struct model *model;
    struct arena arena;
    struct pool *pool;
    const struct ops *ops;
    void (*rope)(float *x, const float *cs, int pairs);
    void (*gate_op)(float *y, const float *gate, const float *up, int n);
    const struct format *kv_k, *kv_v;
    enum isa isa;
    enum compute compute;
    int threads;
    int n_ctx; /* positions there may be */
    int window, sinks;
    int batch; /* tokens per pass */
    int pos;   /* tokens evaluated */
    int high;  /* the highest pos since position 0: what a ring holds depends on it */

    struct memory *memory;        /* [n_layer] */
    double *frequency[ROPE_SETS]; /* [n_rot / 2], radians per position; NULL: no layer uses it */
    double magnitude[ROPE_SETS];  /* of cosine and sine */
    float *angle[ROPE_SETS];      /* [batch][n_rot / 2][2]: cosine, sine */
    float *x;                     /* [batch][d], the residual stream of more than one token */
    float *norm;                  /* [batch][d], x normed; then what a sublayer adds to x */
    float *q;                     /* [batch][n_head][head_dim] */
    float *k, *v;                 /* [batch][n_kv][head_dim] */
    float *mixed;                 /* [batch][n_head][head_dim] or [batch][d]: what the mixer gives to its output matrix */
    float *conv_x, *conv_c;       /* [batch][d] */
    float *gate, *up;             /* [batch][n_ff] */
    float *logits;                /* [min(HEAD_SLICE, batch)][n_vocab] */

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

    int profiling;
    struct profile profiled; /* passes and wall time; the stages are in the scratch of each thread */
};

/* The kind of activations that w is multiplied with. */
static inline enum act_kind session_kind(const struct session *s, const struct matrix *w)
{
    return s->compute == COMPUTE_EXACT ? ACT_F32 : w->format->act;
}

/* Runs fn on every thread of the pool, and adds it to the profile where one is made. */
void profile_pass(struct session *s, pool_fn *fn);

/* Runs on every thread of the pool: the layers, then the head for its columns. */
void eval_pass(void *session, int thread);
/* The head alone. */
void eval_head(void *session, int thread);

#endif
