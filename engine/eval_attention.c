/* The mixer of most layers: attention over the cache.
 *
 *   1. norm, the rows of Q, K and V of my heads, rope, and K and V into the cache
 *   2. attention of my (group of tokens, KV head) pairs
 * With ROW_NORM, Q and K are normed over all heads, which are only together after a barrier: then norm, rope and the cache of K
 * are a stage of their own between the two. */
/* SPDX-License-Identifier: MIT */
#include "engine/eval.h"

#include "engine/families.h"

/* Where position pos lies in the cache: the sinks stay, the others go round. */
static int row_of(const struct memory *mem, int pos)
{
    return pos < mem->sinks ? pos : mem->sinks + (pos - mem->sinks) % (mem->kv.n_ctx - mem->sinks);
}

/* What position pos sees, by the rule in session.h; `own` is the layer's own window. */
static void view_of(const struct memory *mem, int own, int pos, struct kv_view *v)
{
    int first = own && pos >= own ? pos - own + 1 : 0;
    int recent = mem->window && pos >= mem->window ? pos - mem->window + 1 : 0;
    int sinks = mem->sinks <= pos ? mem->sinks : pos + 1;
    v->n = 0;
    if (first < sinks)
        v->span[v->n++] = (struct kv_span){first, sinks - first};
    if (recent < sinks)
        recent = sinks;
    int n = pos + 1 - recent, row = row_of(mem, recent), to_end = mem->kv.n_ctx - row;
    if (n > 0)
        v->span[v->n++] = (struct kv_span){row, n < to_end ? n : to_end};
    if (n > to_end)
        v->span[v->n++] = (struct kv_span){mem->sinks, n - to_end};
}

/* What of the part from .. to of a list lies in its piece of n elements that begins at `first`, counted from there. */
static void piece(int from, int to, int first, int n, int *a, int *b)
{
    *a = from < first ? 0 : from - first > n ? n : from - first;
    *b = to < first ? 0 : to - first > n ? n : to - first;
}

/* Heads h0 .. h1 of column c of Q or K: norm and rope. */
static void turn(struct session *s, const struct layer *l, float *row, const float *norm, int c, int h0, int h1)
{
    const struct model *m = s->model;
    int by_head = norm && m->family->flags & HEAD_NORM;
    for (int h = h0; h < h1; h++) {
        float *x = row + (size_t)h * (size_t)m->head_dim;
        if (by_head)
            s->ops->rmsnorm(x, x, norm, m->head_dim, m->norm_eps);
        if (l->rope != ROPE_NONE)
            s->rope(x, s->angle[l->rope] + (size_t)c * (size_t)m->n_rot, m->n_rot / 2);
    }
}

/* Heads h0 .. h1 of column c of K or V ([n_kv][head_dim] each), to the row of its position: `row` is that of head 0. */
static void store(struct session *s, const struct memory *mem, const struct format *f, uint8_t *row, size_t row_bytes,
                  const float *x, int h0, int h1)
{
    const size_t head = row_bytes * (size_t)mem->kv.n_ctx, dim = (size_t)s->model->head_dim;
    format_store *kernel = format_kernels(f, s->isa).store;
    for (int h = h0; h < h1; h++)
        (kernel ? kernel : f->quantize)(row + (size_t)h * head, x + (size_t)h * dim, (int)dim);
}

static void store_k(struct session *s, const struct memory *mem, int c, int h0, int h1)
{
    const size_t column = (size_t)c * (size_t)s->model->n_kv * (size_t)s->model->head_dim;
    store(s, mem, mem->kv.k, kv_k(&mem->kv, mem->keys, 0, 0, row_of(mem, s->pos + c)), mem->kv.k_row, s->k + column, h0, h1);
}

static void store_v(struct session *s, const struct memory *mem, int c, int h0, int h1)
{
    const size_t column = (size_t)c * (size_t)s->model->n_kv * (size_t)s->model->head_dim;
    store(s, mem, mem->kv.v, kv_v(&mem->kv, mem->values, 0, 0, row_of(mem, s->pos + c)), mem->kv.v_row, s->v + column, h0, h1);
}

/* Rows of heads h0 .. h1 of one of the three matrices, for all columns. */
static void project_heads(struct session *s, int thread, float *y, const struct matrix *w, const float *bias,
                          const struct act a[ACT_COUNT], int h0, int h1)
{
    int hd = s->model->head_dim;
    eval_multiply(s, thread, STAGE_QKV, y, w, a, h0 * hd, h1 * hd);
    for (int c = 0; bias && c < s->n && h0 < h1; c++)
        s->ops->add(y + (size_t)c * (size_t)w->rows + h0 * hd, bias + h0 * hd, (h1 - h0) * hd);
}

/* The heads of Q, K and V form one list that is dealt out whole, so that a thread can finish a head without waiting. */
static void project(struct session *s, int thread, int layer)
{
    const struct model *m = s->model;
    const struct layer *l = &m->layers[layer];
    const struct memory *mem = &s->memory[layer];
    int alone = !(m->family->flags & ROW_NORM), from, to, h0, h1, k0, k1;
    size_t n_q = (size_t)l->q.rows, n_k = (size_t)l->k.rows;
    struct act a[ACT_COUNT];
    pool_part(m->n_head + 2 * m->n_kv, 1, thread, s->threads, &from, &to);
    piece(from, to, 0, m->n_head, &h0, &h1);
    piece(from, to, m->n_head, m->n_kv, &k0, &k1);
    if (h0 < h1)
        eval_ask(s, &l->q, h0 * m->head_dim);
    else
        eval_ask(s, &l->k, k0 * m->head_dim);
    eval_input(s, thread, a, eval_kind_bit(s, &l->q) | eval_kind_bit(s, &l->k) | eval_kind_bit(s, &l->v),
               layer ? BRANCH_FFN(layer - 1) : BRANCH_NONE, l->attn_norm);

    project_heads(s, thread, s->q, &l->q, l->q_bias, a, h0, h1);
    for (int c = 0; alone && c < s->n; c++)
        turn(s, l, s->q + (size_t)c * n_q, l->q_norm, c, h0, h1);

    if (h0 < h1 && k0 < k1)
        eval_ask(s, &l->k, k0 * m->head_dim);
    project_heads(s, thread, s->k, &l->k, l->k_bias, a, k0, k1);
    if (k0 < k1 && to > m->n_head + m->n_kv)
        eval_ask(s, &l->v, 0);
    for (int c = 0; alone && c < s->n; c++) {
        turn(s, l, s->k + (size_t)c * n_k, l->k_norm, c, k0, k1);
        store_k(s, mem, c, k0, k1);
    }

    piece(from, to, m->n_head + m->n_kv, m->n_kv, &h0, &h1);
    project_heads(s, thread, s->v, &l->v, l->v_bias, a, h0, h1);
    for (int c = 0; c < s->n; c++)
        store_v(s, mem, c, h0, h1);
}

/* ROW_NORM: whole rows of Q and K, dealt out as one list. */
static void norm_rows(struct session *s, int thread, int layer)
{
    const struct model *m = s->model;
    const struct layer *l = &m->layers[layer];
    int from, to;
    pool_part(2 * s->n, 1, thread, s->threads, &from, &to);
    for (int i = from; i < to; i++) {
        int is_k = i >= s->n, c = is_k ? i - s->n : i, n = is_k ? l->k.rows : l->q.rows;
        const float *norm = is_k ? l->k_norm : l->q_norm;
        float *row = (is_k ? s->k : s->q) + (size_t)c * (size_t)n;
        s->ops->rmsnorm(row, row, norm, n, m->norm_eps);
        turn(s, l, row, norm, c, 0, n / m->head_dim);
        if (is_k)
            store_k(s, &s->memory[layer], c, 0, m->n_kv);
    }
}

/* Which of `heads` query heads, whose work begins at `at` and is `each` for one, begin before `cut`. */
static int heads_before(int64_t cut, int64_t at, int64_t each, int heads)
{
    const int64_t n = cut <= at || !each ? 0 : (cut - at + each - 1) / each;
    return n < heads ? (int)n : heads;
}

/* The query heads of each KV head and group of tokens, as one list that is cut into parts of equal work: a token's work is the
 * positions that it sees.  A KV head's queries are one thread's but where a cut falls between them. */
static void attend(struct session *s, int thread, int layer)
{
    const struct model *m = s->model;
    const struct memory *mem = &s->memory[layer];
    const int heads = m->n_head / m->n_kv, step = attention_tokens(heads), own = m->layers[layer].window;
    struct attention a = {.layout = &mem->kv,
                          .stride = (size_t)m->n_head * (size_t)m->head_dim,
                          .scale = m->attention_scale,
                          .cap = m->attention_cap,
                          .exact = s->compute == COMPUTE_EXACT,
                          .many = s->compute != COMPUTE_EXACT && s->n * heads >= ATTENTION_MANY,
                          .isa = s->isa};
    struct kv_view view[ATTENTION_TOKENS];
    int64_t total = 0, at = 0;
    for (int c = 0; c < s->n; c++) {
        view_of(mem, own, s->pos + c, view);
        total += kv_seen(view) * (int64_t)m->n_head;
    }
    if (s->profiling && !thread)
        s->scratch[thread].clock->bytes[STAGE_ATTENTION] += kv_seen(view) * (int64_t)(mem->kv.k_row + mem->kv.v_row) * m->n_kv;
    const int64_t from = total * thread / s->threads, to = total * (thread + 1) / s->threads;
    for (int kv = 0; kv < m->n_kv; kv++) {
        a.k_rows = kv_k(&mem->kv, mem->keys, 0, kv, 0);
        a.v_rows = kv_v(&mem->kv, mem->values, 0, kv, 0);
        for (int c = 0; c < s->n; c += step) {
            const int n = s->n - c < step ? s->n - c : step;
            int64_t each = 0;
            for (int t = 0; t < n; t++) {
                view_of(mem, own, s->pos + c + t, &view[t]);
                each += kv_seen(&view[t]);
            }
            const int h0 = heads_before(from, at, each, heads), h1 = heads_before(to, at, each, heads);
            const size_t first = (size_t)c * a.stride + (size_t)(kv * heads + h0) * (size_t)m->head_dim;
            a.heads = h1 - h0;
            if (a.heads > 0)
                attention(s->mixed + first, s->q + first, &a, view, n, s->scratch[thread].attention);
            at += each * heads;
        }
    }
}

void eval_attention(struct session *s, int thread, int layer)
{
    project(s, thread, layer);
    eval_barrier(s, thread, STAGE_QKV);
    if (s->model->family->flags & ROW_NORM) {
        norm_rows(s, thread, layer);
        eval_barrier(s, thread, STAGE_QKV);
    }
    attend(s, thread, layer);
    eval_barrier(s, thread, STAGE_ATTENTION);
}
