/* The forward pass of one batch of tokens, run by all threads of the pool at once.
 *
 * A layer is a few stages, with a barrier after each:
 *   1. what the last sublayer left is added to the residual stream; norm; the mixer, in one stage or two (eval_attention.c,
 *      eval_short_conv.c)
 *   2. my rows of the mixer's output
 *   3. the same addition; norm, my rows of gate and up, the gate
 *   4. my rows of down
 * A sublayer's output is added where it is read next, because a norm of it (POST_NORM) needs the whole of it: that costs no
 * barrier.  Of one token every thread has a residual stream of its own, which it keeps up to date by itself.
 * Rows of a matrix belong to one thread, whatever the batch, and every element is computed by the same sums: with exact
 * kernels the result depends neither on the batch size nor on the number of threads. */
/* SPDX-License-Identifier: MIT */
#include "engine/eval.h"

#include <math.h>
#include <string.h>

#include "engine/inject.h"
#include "kernels/target.h"

/* Rounds one column to `kind`.  The query of a head is not rounded here but in groups, by attention: it meets the cache, not a
 * weight.  The only column of a pass goes to the thread's own scratch, one of many to its place in the shared arrays. */
static void round_column(struct session *s, struct scratch *own, struct act *a, enum act_kind kind, const float *x, int c)
{
    const int run = s->compute == COMPUTE_INT8_TOKEN ? a->k : a->pack ? a->pack : ACT_RUN;
    if (a->n == 1)
        act_fill(a, kind, x, 1, a->k, run, own->room[kind], s->isa);
    else
        act_fill_column(a, c, x, run, s->isa);
}

/* Adds what sublayer `branch` left in s->norm to column c of the residual stream. */
static void add_branch(struct session *s, int thread, int branch, int c)
{
    const struct model *m = s->model;
    const struct layer *l = &m->layers[branch / 2];
    const float *after = branch % 2 ? l->ffn_after : l->attn_after, scale = m->residual_scale;
    size_t at = (size_t)c * (size_t)m->d;
    float *x = eval_residual(s, thread) + at, *added = s->norm + at;
    if (after || scale != 1) {
        float *room = s->n == 1 ? s->scratch[thread].norm : added; /* of one token the others read it too */
        if (after)
            s->ops->rmsnorm(room, added, after, m->d, m->norm_eps);
        else
            for (int i = 0; i < m->d; i++)
                room[i] = added[i] * scale;
        added = room;
    }
    s->ops->add(x, added, m->d);
}

/* The n columns of x ([n][k]), after the addition of a branch and a norm where there are, in every kind of the set `kinds`.
 * One column: each thread does all of it for itself, which is cheaper than to wait for another.  Many: each does its share,
 * then waits. */
static void operands(struct session *s, int thread, struct act a[ACT_COUNT], unsigned kinds, const float *x, int n, int k,
                     int branch, const float *weight)
{
    struct scratch *own = &s->scratch[thread];
    float *normed = n == 1 ? own->norm : s->norm;
    int from = 0, to = 1;
    if (n > 1)
        pool_part(n, 1, thread, s->threads, &from, &to);
    a[ACT_F32] = (struct act){.kind = ACT_F32, .n = n, .k = k, .f32 = weight ? normed : x};
    a[ACT_BF16] = (struct act){.kind = ACT_BF16, .n = n, .k = k, .bf16 = s->bf16};
    a[ACT_Q8] = (struct act){.kind = ACT_Q8, .n = n, .k = k, .q = s->q8, .d = s->q8_d, .sum = s->q8_sum};
    if (s->compute == COMPUTE_PACKED && n >= PACK_COLUMNS)
        a[ACT_Q8].pack = pack_run(k);
    for (int c = from; c < to; c++) {
        const float *column = x + (size_t)c * (size_t)k;
        if (branch != BRANCH_NONE)
            add_branch(s, thread, branch, c);
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
        eval_barrier(s, thread, STAGE_NORM);
    else
        eval_done(s, thread, STAGE_NORM);
}

void eval_ask(const struct session *s, const struct matrix *w, int row)
{
    if (s->n == 1 && row < w->rows)
        prefetch_from((const uint8_t *)w->data + (size_t)row * format_row_bytes(w->format, w->cols), PREFETCH_AHEAD);
}

void eval_input(struct session *s, int thread, struct act a[ACT_COUNT], unsigned kinds, int branch, const float *weight)
{
    operands(s, thread, a, kinds, eval_residual(s, thread), s->n, s->model->d, branch, weight);
}

void eval_multiply(struct session *s, int thread, enum stage stage, float *y, const struct matrix *w,
                   const struct act a[ACT_COUNT], int from, int to)
{
    if (s->profiling)
        s->scratch[thread].clock->bytes[stage] += (int64_t)format_row_bytes(w->format, w->cols) * (to - from);
    if (from >= to)
        return;
    const struct act *x = &a[session_kind(s, w)];
    matmul(y, (size_t)w->rows, w, x, from, to, s->isa, s->scratch[thread].matmul);
    if (INJECT_PREFILL_PPM || INJECT_DECODE_PPM) {
        static _Thread_local int64_t left[2];
        int ppm = x->n > 1 ? INJECT_PREFILL_PPM : INJECT_DECODE_PPM;
        int again = inject_again(to - from, ppm, PANEL_ROWS, &left[x->n > 1]);
        matmul(y, (size_t)w->rows, w, x, from, from + again, s->isa, s->scratch[thread].matmul);
    }
}

static void embed(struct session *s, int thread)
{
    const struct model *m = s->model;
    const struct matrix *w = &m->embedding;
    size_t row = format_row_bytes(w->format, w->cols);
    int from, to, pairs = m->n_rot / 2;
    pool_part(s->n, 1, thread, s->threads, &from, &to);
    for (int c = s->n == 1 ? 0 : from; c < (s->n == 1 ? 1 : to); c++) {
        float *x = eval_residual(s, thread) + (size_t)c * (size_t)m->d;
        w->format->dequantize(x, (const char *)w->data + (size_t)s->ids[c] * row, m->d);
        for (int i = 0; m->embedding_scale != 1 && i < m->d; i++)
            x[i] *= m->embedding_scale;
    }
    for (int set = 0; set < ROPE_SETS; set++)
        for (int c = from; s->frequency[set] && c < to; c++) {
            float *angle = s->angle[set] + (size_t)c * (size_t)m->n_rot;
            for (int i = 0; i < pairs; i++) {
                double radians = s->frequency[set][i] * (s->pos + c);
                angle[2 * i] = (float)(s->magnitude[set] * cos(radians));
                angle[2 * i + 1] = (float)(s->magnitude[set] * sin(radians));
            }
        }
}

/* My rows of what a sublayer adds to the residual stream, into s->norm. */
static void leave_branch(struct session *s, int thread, enum stage stage, const struct matrix *w, const float *in)
{
    struct act a[ACT_COUNT];
    int from, to;
    pool_part(w->rows, PANEL_ROWS, thread, s->threads, &from, &to);
    eval_ask(s, w, from);
    operands(s, thread, a, eval_kind_bit(s, w), in, s->n, w->cols, BRANCH_NONE, NULL);
    eval_multiply(s, thread, stage, s->norm, w, a, from, to);
    eval_barrier(s, thread, stage);
}

static void feed_forward(struct session *s, int thread, int layer)
{
    const struct layer *l = &s->model->layers[layer];
    struct act a[ACT_COUNT];
    int from, to, n_ff = s->model->n_ff;
    pool_part(n_ff, PANEL_ROWS, thread, s->threads, &from, &to);
    eval_ask(s, &l->gate, from);
    eval_input(s, thread, a, eval_kind_bit(s, &l->gate) | eval_kind_bit(s, &l->up), BRANCH_MIXER(layer), l->ffn_norm);
    eval_multiply(s, thread, STAGE_GATE_UP, s->gate, &l->gate, a, from, to);
    eval_ask(s, &l->up, from);
    eval_multiply(s, thread, STAGE_GATE_UP, s->up, &l->up, a, from, to);
    for (int c = 0; c < s->n && from < to; c++) {
        size_t at = (size_t)c * (size_t)n_ff + (size_t)from;
        s->gate_op(s->gate + at, s->gate + at, s->up + at, to - from);
    }
    eval_barrier(s, thread, STAGE_GATE_UP);
}

/* The last sublayer's output, for the head: which pass or slice reads it is not known here. */
static void finish(struct session *s, int thread)
{
    int from = 0, to = 1;
    if (s->n > 1)
        pool_part(s->n, 1, thread, s->threads, &from, &to);
    for (int c = from; c < to; c++)
        add_branch(s, thread, BRANCH_FFN(s->model->n_layer - 1), c);
}

void eval_head(void *session, int thread)
{
    struct session *s = session;
    const struct model *m = s->model;
    struct act a[ACT_COUNT];
    int from, to;
    pool_part(m->n_vocab, PANEL_ROWS, thread, s->threads, &from, &to);
    eval_ask(s, &m->head, from);
    operands(s, thread, a, eval_kind_bit(s, &m->head), eval_residual(s, thread) + (size_t)s->head_from * (size_t)m->d, s->head_n,
             m->d, BRANCH_NONE, m->out_norm);
    eval_multiply(s, thread, STAGE_HEAD, s->logits, &m->head, a, from, to);
    for (int c = 0; c < s->head_n && from < to; c++) {
        float *logit = s->logits + (size_t)c * (size_t)m->n_vocab + from;
        for (int i = 0; m->logit_scale != 1 && i < to - from; i++)
            logit[i] /= m->logit_scale;
        if (m->logit_cap > 0)
            s->ops->softcap(logit, to - from, m->logit_cap);
    }
    eval_done(s, thread, STAGE_HEAD);
}

void eval_pass(void *session, int thread)
{
    static void (*const mixers[MIXERS])(struct session *, int, int) = {eval_attention, eval_short_conv};
    struct session *s = session;
    eval_done(s, thread, STAGE_WAIT); /* to be woken */
    embed(s, thread);
    eval_barrier(s, thread, STAGE_EMBED);
    for (int i = 0; i < s->model->n_layer; i++) {
        const struct layer *l = &s->model->layers[i];
        mixers[l->mixer](s, thread, i);
        leave_branch(s, thread, STAGE_OUTPUT, &l->o, s->mixed);
        feed_forward(s, thread, i);
        leave_branch(s, thread, STAGE_DOWN, &l->down, s->gate);
    }
    finish(s, thread);
    if (s->head_n && s->n > 1)
        eval_barrier(s, thread, STAGE_NORM);
    if (s->head_n)
        eval_head(s, thread);
}
