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

struct layer {
    const float *attn_norm, *ffn_norm; /* [d] */
    struct matrix q, k, v, o;          /* rows n_head*head_dim, n_kv*head_dim, n_kv*head_dim, d */
    struct matrix gate, up, down;      /* rows n_ff, n_ff, d */
};

struct model {
    struct gguf gguf;
    const struct family *family;
    struct tokenizer *tokenizer;
    int n_layer, d, n_ff, n_head, n_kv, head_dim, n_rot, n_vocab;
    int n_ctx_train; /* context length the model was trained for */
    int64_t parameters;
    float norm_eps, rope_base;
    float rope_scale;        /* positions are divided by it (linear scaling); 1: none */
    const float *rope_freqs; /* [n_rot / 2] divisors of the frequencies, or NULL */
    struct matrix embedding; /* [n_vocab][d] */
    struct matrix head;      /* the same matrix when tied */
    int tied;
    const float *out_norm; /* [d] */
    struct layer *layers;
};

int model_open(struct model **m, const char *path, int populate, struct err *e);
void model_close(struct model *m);

/* Tied weights count once. */
int64_t model_parameters(const struct model *m);

struct session_options {
    int n_ctx; /* positions in the KV cache */
    int batch; /* most tokens evaluated at once; scratch is sized by min(batch, n_ctx); 0: 512 */
    int threads;
    const int *cpus; /* [threads], OS numbers, to pin to; NULL: not pinned */
    const struct format *kv_k, *kv_v;
    int exact; /* the exact compute path */
    enum isa isa;
};

/* What a session will occupy, in bytes. */
struct footprint {
    int64_t weights; /* the mapped file */
    int64_t kv;      /* the KV cache, inside the arena */
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

int session_position(const struct session *s);   /* tokens in the cache */
void session_rewind(struct session *s, int pos); /* forget everything from position pos on */
void session_park(struct session *s);            /* threads sleep until the next evaluation */

#endif
