/* SPDX-License-Identifier: MIT */
#include "kernels/kv.h"

#include <string.h>

int kv_layout(struct kv_layout *l, const struct format *k, const struct format *v, int n_layer, int n_kv, int head_dim, int n_ctx)
{
    const size_t rows = (size_t)n_layer * (size_t)n_kv * (size_t)n_ctx;
    *l = (struct kv_layout){
        .k = k,
        .v = v,
        .n_layer = n_layer,
        .n_kv = n_kv,
        .head_dim = head_dim,
        .n_ctx = n_ctx,
        .k_row = format_row_bytes(k, head_dim),
        .v_row = format_row_bytes(v, head_dim),
    };
    l->k_bytes = rows * l->k_row;
    l->v_bytes = rows * l->v_row;
    return l->k_row && l->v_row ? 0 : -1;
}

static size_t row_index(const struct kv_layout *l, int layer, int head, int pos)
{
    return ((size_t)layer * (size_t)l->n_kv + (size_t)head) * (size_t)l->n_ctx + (size_t)pos;
}

uint8_t *kv_k(const struct kv_layout *l, void *base, int layer, int head, int pos)
{
    return (uint8_t *)base + row_index(l, layer, head, pos) * l->k_row;
}

uint8_t *kv_v(const struct kv_layout *l, void *base, int layer, int head, int pos)
{
    return (uint8_t *)base + row_index(l, layer, head, pos) * l->v_row;
}

/* Scratch: the rounded query, then scores [n_ctx]; the query's bytes rounded up so that the scores are aligned. */
static size_t query_bytes(const struct kv_layout *l)
{
    return (act_bytes(l->k->act, 1, l->head_dim) + 63) / 64 * 64;
}

size_t attention_scratch(const struct kv_layout *l)
{
    return query_bytes(l) + (size_t)l->n_ctx * sizeof(float);
}

void attention(float *out, const float *q, const struct kv_layout *l, const uint8_t *k_rows, const uint8_t *v_rows,
               const struct kv_view *view, float scale, float cap, int exact, enum isa isa, void *scratch)
{
    const enum act_kind kind = exact ? ACT_F32 : l->k->act;
    const struct format_kernels k = format_kernels(l->k, isa), v = format_kernels(l->v, isa);
    const struct ops *ops = ops_at(isa);
    float *score = (float *)((uint8_t *)scratch + query_bytes(l));
    struct act query;
    int n = 0;

    act_fill(&query, kind, q, 1, l->head_dim, scratch, isa);
    for (int i = 0; i < view->n; n += view->span[i++].n)
        (kind == ACT_F32 ? k.matvec_f32 : k.matvec_act)(score + n, k_rows + (size_t)view->span[i].row * l->k_row, &query,
                                                        view->span[i].n);
    for (int p = 0; p < n; p++)
        score[p] *= scale;
    if (cap > 0)
        ops->softcap(score, n, cap);
    ops->softmax(score, n);
    memset(out, 0, (size_t)l->head_dim * sizeof(float));
    n = 0;
    for (int i = 0; i < view->n; n += view->span[i++].n)
        v.vecmat(out, v_rows + (size_t)view->span[i].row * l->v_row, score + n, l->head_dim, view->span[i].n);
}
