/* The forward pass of one batch of tokens, run by all threads of the pool at once.
 *
 * Five stages a layer, a barrier after each:
 *   1. norm, the rows of Q, K and V of my heads, rope, and K and V into the cache
 *   2. attention of my (token, head) pairs
 *   3. my rows of the attention's output, added to the residual stream
 *   4. norm, my rows of gate and up, SwiGLU
 *   5. my rows of down, added to the residual stream
 * Rows of a matrix belong to one thread, whatever the batch, and every element is computed by the same sums: with exact
 * kernels the result depends neither on the batch size nor on the number of threads. */
/* SPDX-License-Identifier: MIT */
#include <math.h>
#include <string.h>

#include "engine/session.h"

/* Rounds one column to `kind`.  The only column of a pass stays where act_fill puts it, in the thread's own scratch; one of
 * many is copied to its place in the shared arrays. */
static void round_column(struct session *s, struct scratch *own, struct act *a, enum act_kind kind, const float *x, int c)
{
    struct act one;
    size_t k = (size_t)a->k, groups = k / ACT_GROUP, sums = k / SUM_GROUP, at = (size_t)c;
    if (a->n == 1) {
        act_fill(a, kind, x, 1, a->k, own->room[kind], s->isa);
        return;
    }
    act_fill(&one, kind, x, 1, a->k, own->room[kind], s->isa);
    if (kind == ACT_BF16)
        memcpy(s->bf16 + at * k, one.bf16, k * sizeof *s->bf16);
    if (kind == ACT_Q8) {
        memcpy(s->q8 + at * k, one.q, k * sizeof *s->q8);
        memcpy(s->q8_d + at * groups, one.d, groups * sizeof *s->q8_d);
        memcpy(s->q8_sum + at * sums, one.sum, sums * sizeof *s->q8_sum);
    }
}

/* Makes the operands of a stage: the n columns of x ([n][k]), normed first when `weight` is given, in every kind of the set
 * `kinds`.  One column: each thread does all of it for itself, which is cheaper than to wait for another.  Many: each thread
 * does its share, then waits. */
static void operands(struct session *s, int thread, struct act a[ACT_COUNT], unsigned kinds, const float *x, const float *weight,
                     int n, int k)
{
    struct scratch *own = &s->scratch[thread];
    float *normed = n == 1 ? own->norm : s->norm;
    int from = 0, to = 1;
    if (n > 1)
        pool_part(n, 1, thread, s->threads, &from, &to);
    a[ACT_F32] = (struct act){.kind = ACT_F32, .n = n, .k = k, .f32 = weight ? normed : x};
    a[ACT_BF16] = (struct act){.kind = ACT_BF16, .n = n, .k = k, .bf16 = s->bf16};
    a[ACT_Q8] = (struct act){.kind = ACT_Q8, .n = n, .k = k, .q = s->q8, .d = s->q8_d, .sum = s->q8_sum};
    for (int c = from; c < to; c++) {
        const float *column = x + (size_t)c * (size_t)k;
        if (weight) {
            float *y = normed + (size_t)c * (size_t)k;
            s->ops->rmsnorm(y, column, weight, k, s->model->norm_eps);
            column = y;
        }
        for (int kind = ACT_F32 + 1; kind < ACT_COUNT; kind++)
            if (kinds & 1u << kind)
                round_column(s, own, &a[kind], (enum act_kind)kind, column, c);
    }
    if (n > 1)
        pool_barrier(s->pool, thread);
}

static unsigned kind_bit(const struct session *s, const struct matrix *w)
{
    return 1u << session_kind(s, w);
}

static void multiply(struct session *s, int thread, float *y, const struct matrix *w, const struct act a[ACT_COUNT], int from,
                     int to)
{
    if (from < to)
        matmul(y, (size_t)w->rows, w, &a[session_kind(s, w)], from, to, s->isa, s->scratch[thread].matmul);
}

static void embed(struct session *s, int thread)
{
    const struct model *m = s->model;
    const struct matrix *w = &m->embedding;
    size_t row = format_row_bytes(w->format, w->cols);
    int from, to, pairs = m->n_rot / 2;
    pool_part(s->n, 1, thread, s->threads, &from, &to);
    for (int c = from; c < to; c++) {
        w->format->dequantize(s->x + (size_t)c * (size_t)m->d, (const char *)w->data + (size_t)s->ids[c] * row, m->d);
        float *angle = s->angle + (size_t)c * (size_t)m->n_rot;
        for (int i = 0; i < pairs; i++) {
            double radians = s->frequency[i] * (s->pos + c);
            angle[2 * i] = (float)cos(radians);
            angle[2 * i + 1] = (float)sin(radians);
        }
    }
}

/* What of the part from .. to of a list lies in its piece of n elements that begins at `first`, counted from there. */
static void piece(int from, int to, int first, int n, int *a, int *b)
{
    *a = from < first ? 0 : from - first > n ? n : from - first;
    *b = to < first ? 0 : to - first > n ? n : to - first;
}

static void rope_heads(struct session *s, float *x, int heads, int from, int to)
{
    const struct model *m = s->model;
    for (int c = 0; c < s->n; c++)
        for (int h = from; h < to; h++)
            s->ops->rope(x + ((size_t)c * (size_t)heads + (size_t)h) * (size_t)m->head_dim,
                         s->angle + (size_t)c * (size_t)m->n_rot, m->n_rot / 2);
}

static float *kv_head(const struct session *s, float *x, int c, int h)
{
    return x + ((size_t)c * (size_t)s->model->n_kv + (size_t)h) * (size_t)s->model->head_dim;
}

/* The heads of Q, K and V form one list that is dealt out whole, so that a thread can finish a head without waiting. */
static void project(struct session *s, int thread, int layer)
{
    const struct model *m = s->model;
    const struct layer *l = &m->layers[layer];
    struct act a[ACT_COUNT];
    operands(s, thread, a, kind_bit(s, &l->q) | kind_bit(s, &l->k) | kind_bit(s, &l->v), s->x, l->attn_norm, s->n, m->d);

    int from, to, h0, h1, hd = m->head_dim;
    pool_part(m->n_head + 2 * m->n_kv, 1, thread, s->threads, &from, &to);
    piece(from, to, 0, m->n_head, &h0, &h1);
    multiply(s, thread, s->q, &l->q, a, h0 * hd, h1 * hd);
    rope_heads(s, s->q, m->n_head, h0, h1);

    piece(from, to, m->n_head, m->n_kv, &h0, &h1);
    multiply(s, thread, s->k, &l->k, a, h0 * hd, h1 * hd);
    rope_heads(s, s->k, m->n_kv, h0, h1);
    for (int h = h0; h < h1; h++)
        for (int c = 0; c < s->n; c++)
            s->kv.k->quantize(kv_k(&s->kv, s->keys, layer, h, s->pos + c), kv_head(s, s->k, c, h), hd);

    piece(from, to, m->n_head + m->n_kv, m->n_kv, &h0, &h1);
    multiply(s, thread, s->v, &l->v, a, h0 * hd, h1 * hd);
    for (int h = h0; h < h1; h++)
        for (int c = 0; c < s->n; c++)
            s->kv.v->quantize(kv_v(&s->kv, s->values, layer, h, s->pos + c), kv_head(s, s->v, c, h), hd);
}

/* Head by head and token by token, cut into parts of equal work: a token's work is the positions that it sees.  The query
 * heads of one KV head are neighbours, so its rows are mostly read by one thread. */
static void attend(struct session *s, int thread, int layer)
{
    const struct model *m = s->model;
    float scale = (float)(1 / sqrt((double)m->head_dim));
    int64_t first = s->pos + 1, last = s->pos + s->n;
    int64_t total = (first + last) * s->n / 2 * m->n_head, at = 0;
    int64_t from = total * thread / s->threads, to = total * (thread + 1) / s->threads;
    for (int h = 0; h < m->n_head; h++) {
        int kv = h / (m->n_head / m->n_kv);
        const uint8_t *keys = kv_k(&s->kv, s->keys, layer, kv, 0), *values = kv_v(&s->kv, s->values, layer, kv, 0);
        for (int c = 0; c < s->n; c++) {
            int seen = s->pos + c + 1;
            size_t row = ((size_t)c * (size_t)m->n_head + (size_t)h) * (size_t)m->head_dim;
            if (at >= from && at < to)
                attention(s->attended + row, s->q + row, &s->kv, keys, values, seen, scale, s->exact, s->isa,
                          s->scratch[thread].attention);
            at += seen;
        }
    }
}

/* x += w * columns of `in`, my rows of it. */
static void add_branch(struct session *s, int thread, const struct matrix *w, const float *in)
{
    struct act a[ACT_COUNT];
    int from, to, d = s->model->d;
    operands(s, thread, a, kind_bit(s, w), in, NULL, s->n, w->cols);
    pool_part(d, PANEL_ROWS, thread, s->threads, &from, &to);
    multiply(s, thread, s->norm, w, a, from, to);
    for (int c = 0; c < s->n && from < to; c++) {
        size_t at = (size_t)c * (size_t)d + (size_t)from;
        s->ops->add(s->x + at, s->norm + at, to - from);
    }
}

static void feed_forward(struct session *s, int thread, const struct layer *l)
{
    struct act a[ACT_COUNT];
    int from, to, n_ff = s->model->n_ff;
    operands(s, thread, a, kind_bit(s, &l->gate) | kind_bit(s, &l->up), s->x, l->ffn_norm, s->n, s->model->d);
    pool_part(n_ff, PANEL_ROWS, thread, s->threads, &from, &to);
    multiply(s, thread, s->gate, &l->gate, a, from, to);
    multiply(s, thread, s->up, &l->up, a, from, to);
    for (int c = 0; c < s->n && from < to; c++) {
        size_t at = (size_t)c * (size_t)n_ff + (size_t)from;
        s->ops->silu_gate(s->gate + at, s->gate + at, s->up + at, to - from);
    }
}

void eval_head(void *session, int thread)
{
    struct session *s = session;
    const struct model *m = s->model;
    struct act a[ACT_COUNT];
    int from, to;
    operands(s, thread, a, kind_bit(s, &m->head), s->x + (size_t)s->head_from * (size_t)m->d, m->out_norm, s->head_n, m->d);
    pool_part(m->n_vocab, PANEL_ROWS, thread, s->threads, &from, &to);
    multiply(s, thread, s->logits, &m->head, a, from, to);
}

void eval_pass(void *session, int thread)
{
    struct session *s = session;
    embed(s, thread);
    pool_barrier(s->pool, thread);
    for (int i = 0; i < s->model->n_layer; i++) {
        const struct layer *l = &s->model->layers[i];
        project(s, thread, i);
        pool_barrier(s->pool, thread);
        attend(s, thread, i);
        pool_barrier(s->pool, thread);
        add_branch(s, thread, &l->o, s->attended);
        pool_barrier(s->pool, thread);
        feed_forward(s, thread, l);
        pool_barrier(s->pool, thread);
        add_branch(s, thread, &l->down, s->gate);
        pool_barrier(s->pool, thread);
    }
    if (s->head_n)
        eval_head(s, thread);
}
