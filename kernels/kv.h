/* kv.h - the layout of a KV cache and attention over it.
 *
 * K and V rows are rows of a weight format, one per position and KV head, so the kernels of that format do
 * the work: the scores of a head are its K rows times q (matvec), the output is the V rows weighed by the softmax (vecmat).
 * All query heads that share a KV head, of one token or of several, go over its rows together, so that a row comes out of memory
 * once; every element is computed by the same sums as for one query alone.  The many queries of a prefill have sums of their own
 * off the exact path (`many`, kv_many.h).
 *
 *   K: [layer][kv head][position] rows of k_row bytes; V the same with v_row.
 *
 * A cache may be a ring: then the positions that a token sees lie in up to three pieces, and a view lists them in the order of
 * their positions.  So every sum has the same order as in a cache that holds all, and the same bits.
 *
 * The cache itself is memory of the session's arena; nothing here allocates. */
/* SPDX-License-Identifier: MIT */
#ifndef KERNELS_KV_H
#define KERNELS_KV_H

#include <stddef.h>
#include <stdint.h>

#include "kernels/format.h"
#include "kernels/ops.h"

struct kv_layout {
    const struct format *k, *v;
    int n_layer, n_kv, head_dim, n_ctx; /* n_ctx: positions there is room for */
    size_t k_row, v_row;                /* bytes of one position of one head */
    size_t k_bytes, v_bytes;            /* of the whole cache */
};

/* Returns -1 when head_dim does not divide into blocks of k or v (then that cell cannot run). */
int kv_layout(struct kv_layout *l, const struct format *k, const struct format *v, int n_layer, int n_kv, int head_dim,
              int n_ctx);

/* The row of position pos; base is the K or the V part of the cache. */
uint8_t *kv_k(const struct kv_layout *l, void *base, int layer, int head, int pos);
uint8_t *kv_v(const struct kv_layout *l, void *base, int layer, int head, int pos);

/* Rows of the cache: n of them from `row` on. */
struct kv_span {
    int row, n;
};

/* What a token sees, in the order of positions. */
struct kv_view {
    int n;
    struct kv_span span[3];
};

/* Rows of a view. */
int kv_seen(const struct kv_view *v);

/* Attention of the query heads that share one KV head. */
struct attention {
    const struct kv_layout *layout;
    const uint8_t *k_rows, *v_rows; /* row 0 of the KV head */
    int heads;                      /* query heads, neighbours in q and out */
    size_t stride;                  /* floats from a token's heads to those of the next, in q and out */
    float scale;
    float cap; /* the scores become cap * tanh(score / cap); 0: they stay */
    int exact; /* q stays F32; otherwise it is rounded to what the K format asks for */
    int many; /* not exact, q stays F32, and at least ATTENTION_MANY queries to a row: one to a lane (kv_many.h), where their views are one piece */
    enum isa isa;
};

#define ATTENTION_TOKENS 32 /* attention_tokens is at most this */
#define ATTENTION_MANY 14   /* tokens times query heads of a KV head */

/* Tokens that are best given to one call: more are taken in groups of as many. */
int attention_tokens(int heads);

/* Bytes of scratch for up to `tokens` tokens: scores of n_ctx positions for each query of a group, the rounded queries, rows of
 * the cache as floats. */
size_t attention_scratch(const struct kv_layout *l, int heads, int tokens);

/* For each token t and head h, with q and out at [t * stride + h * head_dim]:
 *     out[head_dim] = softmax(scale * K q) V over the rows of view[t] */
void attention(float *out, const float *q, const struct attention *a, const struct kv_view *view, int tokens, void *scratch);

#endif
