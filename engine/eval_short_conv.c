/* The mixer of LFM2's other layers: a gated short convolution over the last positions (Liquid AI 2025; their ShortConv).
 *
 *     u = B * X,   y[t] = C * sum over j of taps[j] * u[t - (n_taps - 1) + j],   with u = 0 before the text
 *
 * where B, C and X are three products of the normed input.  Channels do not mix, so a thread finishes its own without waiting.
 * The state is u of the last n_taps - 1 positions. */
/* SPDX-License-Identifier: MIT */
#include "engine/eval.h"

/* u of channel i at position s->pos + c, c < 0: out of the state. */
static float input_at(const struct session *s, const struct memory *mem, int c, int i)
{
    size_t d = (size_t)s->model->d, at = (size_t)i;
    if (s->pos + c < 0)
        return 0;
    return c < 0 ? mem->inputs[(size_t)(s->model->n_taps - 1 + c) * d + at] : s->conv_x[(size_t)c * d + at];
}

void eval_short_conv(struct session *s, int thread, int layer)
{
    const struct model *m = s->model;
    const struct layer *l = &m->layers[layer];
    const struct memory *mem = &s->memory[layer];
    int from, to, before = m->n_taps - 1;
    size_t d = (size_t)m->d;
    struct act a[ACT_COUNT];
    eval_input(s, thread, a, eval_kind_bit(s, &l->conv_b) | eval_kind_bit(s, &l->conv_c) | eval_kind_bit(s, &l->conv_x),
               layer ? BRANCH_FFN(layer - 1) : BRANCH_NONE, l->attn_norm);
    pool_part(m->d, PANEL_ROWS, thread, s->threads, &from, &to);
    eval_multiply(s, thread, STAGE_CONV, s->mixed, &l->conv_b, a, from, to);
    eval_multiply(s, thread, STAGE_CONV, s->conv_c, &l->conv_c, a, from, to);
    eval_multiply(s, thread, STAGE_CONV, s->conv_x, &l->conv_x, a, from, to);
    for (int c = 0; c < s->n; c++)
        for (int i = from; i < to; i++)
            s->conv_x[(size_t)c * d + (size_t)i] *= s->mixed[(size_t)c * d + (size_t)i];
    for (int c = 0; c < s->n; c++)
        for (int i = from; i < to; i++) {
            const float *taps = l->taps + (size_t)i * (size_t)m->n_taps;
            float sum = 0;
            for (int j = 0; j <= before; j++)
                sum += taps[j] * input_at(s, mem, c - before + j, i);
            s->mixed[(size_t)c * d + (size_t)i] = sum * s->conv_c[(size_t)c * d + (size_t)i];
        }
    for (int j = 0; j < before; j++) /* the oldest first: what is read has not been written yet */
        for (int i = from; i < to; i++)
            mem->inputs[(size_t)j * d + (size_t)i] = input_at(s, mem, s->n - before + j, i);
    eval_barrier(s, thread, STAGE_CONV);
}
