/* model.h - a mapped model, and sessions that run it.
 *
 * A model is read-only and may be shared by sessions; it owns the map, the tokenizer and the table of tensors.  A session owns
 * one arena (activations, KV cache, scratch), whose size session_plan tells before anything is allocated, and one thread pool.
 * session_eval allocates nothing.  Errors of the file name the key or tensor; a key that changes the maths and is not
 * understood is an error, never ignored. */
/* SPDX-License-Identifier: MIT */
#ifndef ENGINE_MODEL_H
#define ENGINE_MODEL_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "engine/gguf.h"
#include "engine/tokenizer.h"
#include "kernels/kv.h"
#include "kernels/matmul.h"

struct family; /* families.h: a row of flags */

enum mixer { MIXER_ATTENTION, MIXER_SHORT_CONV, MIXERS };
enum rope_set { ROPE_MAIN, ROPE_LOCAL, ROPE_SETS, ROPE_NONE = ROPE_SETS }; /* which frequencies a layer turns by */

/* What a family does not have is NULL or zero. */
struct layer {
    enum mixer mixer;
    int window; /* a token sees itself and window - 1 before it; 0: all */
    enum rope_set rope;
    const float *attn_norm, *ffn_norm;   /* [d], of what goes into the sublayer */
    const float *attn_after, *ffn_after; /* [d], of what comes out of it */
    struct matrix q, k, v;               /* rows n_head*head_dim, n_kv*head_dim, n_kv*head_dim */
    const float *q_bias, *k_bias, *v_bias;
    const float *q_norm, *k_norm;         /* [head_dim], or with ROW_NORM as long as Q and K */
    struct matrix conv_b, conv_c, conv_x; /* rows d: the two gates of a short convolution, and what it takes */
    const float *taps;                    /* [d][n_taps], the oldest position first */
    struct matrix o;                      /* rows d: the mixer's output */
    struct matrix gate, up, down;         /* rows n_ff, n_ff, d */
};

struct model {
    struct gguf gguf;
    const struct family *family;
    struct tokenizer *tokenizer;
    int n_layer, d, n_ff, n_head, n_kv, head_dim, n_rot, n_vocab;
    int n_taps;       /* of the short convolutions */
    int n_ctx_train;  /* context length the model was trained for */
    int n_ctx_before; /* ... before rope was scaled */
    int64_t parameters;
    float norm_eps;
    float embedding_scale, residual_scale, attention_scale; /* factors of embeddings, of what a sublayer adds, of scores */
    float logit_scale;                                      /* a divisor */
    float attention_cap, logit_cap;                         /* 0: none */
    /* Rope; engine/rope.c makes frequencies of these. */
    float rope_base, rope_local_base;
    float rope_scale;                     /* positions are divided by it; 1: none */
    float rope_magnitude;                 /* a factor of cosine and sine */
    int yarn;                             /* only slow frequencies are scaled */
    float yarn_mix, yarn_fast, yarn_slow; /* how much of that; turns within n_ctx_before at which it ends and begins */
    const float *rope_freqs;              /* [n_rot / 2] divisors of the frequencies, or NULL */
    const float *rope_long, *rope_short;  /* the same, for contexts beyond n_ctx_before and for others; both or none */
    struct matrix embedding;              /* [n_vocab][d] */
    struct matrix head;                   /* the same matrix when tied */
    int tied;
    const float *out_norm; /* [d] */
    struct layer *layers;
};

int model_open(struct model **m, const char *path, int populate, struct err *e);
void model_close(struct model *m);

/* The matrices that a token is multiplied with in a layer, in the order of the computation; returns their number. */
#define LAYER_MATRICES 10
int layer_matrices(const struct layer *l, const struct matrix *out[LAYER_MATRICES]);

/* Tied weights count once. */
int64_t model_parameters(const struct model *m);

/* What a quantized matrix is multiplied with (kernels/format.h); names as in options and database: compute_names. */
enum compute {
    COMPUTE_PACKED,     /* int8, of many tokens at once with the weights rounded to fewer scales as well (kernels/matmul.h) */
    COMPUTE_INT8,       /* activations in int8, a scale per run of 64 */
    COMPUTE_INT8_TOKEN, /* ... a scale per token, that is per column of a product */
    COMPUTE_EXACT,      /* activations as they are */
    COMPUTES
};
extern const char *const compute_names[COMPUTES];

struct session_options {
    int n_ctx; /* positions in the KV cache */
    int batch; /* most tokens evaluated at once; scratch is sized by min(batch, n_ctx); 0: 512 */
    int threads;
    const int *cpus; /* [threads], OS numbers, to pin to; NULL: not pinned */
    const struct format *kv_k, *kv_v;
    int window, sinks; /* the context policy, see session.h; window 0: every token sees all before it */
    enum compute compute;
    enum isa isa;
};

/* What a session will occupy, in bytes. */
struct footprint {
    int64_t weights; /* the mapped file */
    int64_t kv;      /* the KV cache and the state of short convolutions, inside the arena */
    int64_t arena;   /* the rest of the arena: activations and scratch */
    int64_t tables;  /* tokenizer and tensor index, on the heap */
};

/* -1 when the options cannot run on this model (a KV format that does not divide the head), with the reason. */
int session_plan(const struct model *m, const struct session_options *o, struct footprint *f, struct err *e);

struct session;

int session_open(struct session **s, const struct model *m, const struct session_options *o, struct err *e);
void session_close(struct session *s);

/* Which positions of an evaluation want logits. */
enum logits { LOGITS_NONE, LOGITS_LAST, LOGITS_ALL };

/* Called once per wanted position i (index into ids), in order, on the calling thread; logits: [n_vocab], valid during the call. */
typedef void logits_fn(void *ctx, int i, const float *logits);

/* Appends ids to the KV cache, in batches, and computes the logits asked for.  -1 when they do not fit into n_ctx or an id is
 * outside the vocabulary.  After LOGITS_LAST, session_logits points at the last row until the next call. */
int session_eval(struct session *s, const int *ids, int n, enum logits want, logits_fn *fn, void *ctx, struct err *e);
const float *session_logits(const struct session *s);

int session_position(const struct session *s); /* tokens evaluated since position 0 */
/* Forgets everything from position pos on; more than there is changes nothing.  Position 0 can always be gone back to.  -1 when
 * what position pos sees is not held any more: a window has slid over it, or a short convolution has gone on. */
int session_rewind(struct session *s, int pos, struct err *e);
void session_park(struct session *s); /* threads sleep until the next evaluation */

#endif
