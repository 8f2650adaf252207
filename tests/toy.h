/* toy.h - small random llama models as GGUF files, and what they compute, in plain double precision.
 *
 * toy_forward is the definition that the engine is held to: no cache, no batches, no threads, one loop per formula.  It
 * reads the weights that the file holds (after rounding to the file's format), so only the arithmetic differs. */
/* SPDX-License-Identifier: MIT */
#ifndef TESTS_TOY_H
#define TESTS_TOY_H

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/rng.h"
#include "engine/gguf_write.h"
#include "kernels/format.h"

#define TOY_VOCAB 37 /* not a multiple of anything */

struct toy {
    int n_layer, d, n_ff, n_head, n_kv, head_dim, n_rot;
    int tied, rope_freqs;
    int window, sinks; /* of toy_forward: what a token sees, as in engine/session.h; 0: everything before it */
    float rope_scale, rope_base;
    const char *format; /* of the matrices */
    /* Ways to spoil the file. */
    const char *skip; /* a key or tensor that is left out */
    const char *key;  /* a key that gets this value instead, or in addition */
    uint32_t value;
    const char *string; /* ... or this one */
    const char *extra_tensor;
    const char *norm_format;
    int no_tensors;
    int more_k; /* rows too many (too few) in attn_k of layer 0 */
};

/* A shape whose rows are whole blocks of 32, so that every such format fits. */
#define TOY_BLOCKS                                                                                                               \
    .n_layer = 2, .d = 64, .n_ff = 96, .n_head = 4, .n_kv = 2, .head_dim = 32, .n_rot = 32, .tied = 1, .rope_scale = 1,          \
    .rope_base = 10000

struct toy_layer {
    float *attn_norm, *q, *k, *v, *o, *ffn_norm, *gate, *up, *down;
};

struct toy_weights {
    float *embedding, *out_norm, *head, *freqs;
    struct toy_layer layer[8];
    float *all[80]; /* for toy_free */
    int n;
};

/* rows x cols numbers as the file holds them: normal, scaled so that activations keep their size; a vector is near 1. */
static inline float *toy_numbers(struct toy_weights *w, struct rng *r, int rows, int cols, const struct format *f)
{
    float *v = malloc((size_t)rows * (size_t)cols * sizeof *v);
    void *packed = malloc(format_row_bytes(f, cols));
    for (int i = 0; i < rows; i++) {
        float *row = v + (size_t)i * (size_t)cols;
        for (int j = 0; j < cols; j++)
            row[j] = (float)(rows == 1 ? 1 + 0.1 * rng_normal(r) : rng_normal(r) / sqrt(cols));
        f->quantize(packed, row, cols);
        f->dequantize(row, packed, cols);
    }
    free(packed);
    return w->all[w->n++] = v;
}

static inline void toy_weights(struct toy_weights *w, const struct toy *t, uint64_t seed)
{
    const struct format *f = format_by_name(t->format), *f32 = format_by_name("f32");
    int n_q = t->n_head * t->head_dim, n_kv = t->n_kv * t->head_dim;
    struct rng r;
    rng_seed(&r, seed);
    memset(w, 0, sizeof *w);
    w->embedding = toy_numbers(w, &r, TOY_VOCAB, t->d, f);
    w->out_norm = toy_numbers(w, &r, 1, t->d, f32);
    w->head = t->tied ? w->embedding : toy_numbers(w, &r, TOY_VOCAB, t->d, f);
    w->freqs = toy_numbers(w, &r, 1, t->n_rot / 2, f32);
    for (int i = 0; i < t->n_layer; i++)
        w->layer[i] = (struct toy_layer){
            .attn_norm = toy_numbers(w, &r, 1, t->d, f32),
            .q = toy_numbers(w, &r, n_q, t->d, f),
            .k = toy_numbers(w, &r, n_kv, t->d, f),
            .v = toy_numbers(w, &r, n_kv, t->d, f),
            .o = toy_numbers(w, &r, t->d, n_q, f),
            .ffn_norm = toy_numbers(w, &r, 1, t->d, f32),
            .gate = toy_numbers(w, &r, t->n_ff, t->d, f),
            .up = toy_numbers(w, &r, t->n_ff, t->d, f),
            .down = toy_numbers(w, &r, t->d, t->n_ff, f),
        };
}

static inline void toy_free(struct toy_weights *w)
{
    while (w->n)
        free(w->all[--w->n]);
}

/* The file ---------------------------------------------------------------------------------------------------------------- */

struct toy_file {
    const struct toy *t;
    struct gguf_writer *w;
    int data; /* 0: announce the tensors, 1: write what they hold */
    int rc;
    struct err *e;
};

static inline int toy_skipped(const struct toy_file *f, const char *name)
{
    return f->t->skip && !strcmp(f->t->skip, name);
}

static inline void toy_key(struct toy_file *f, const char *key, int v)
{
    if (toy_skipped(f, key) || (f->t->key && !strcmp(f->t->key, key)))
        return;
    gguf_write_u32(f->w, key, (uint32_t)v);
}

static inline void toy_tensor(struct toy_file *f, const char *name, const float *v, int rows, int cols, const char *format)
{
    const struct format *as = format_by_name(format);
    size_t row = format_row_bytes(as, cols);
    if (toy_skipped(f, name) || f->rc)
        return;
    if (!f->data) {
        gguf_write_tensor(f->w, (struct gguf_str){name, strlen(name)}, rows == 1 ? 1 : 2, (int64_t[]){cols, rows}, as);
        return;
    }
    void *packed = malloc(row);
    for (int i = 0; i < rows && !f->rc; i++) {
        as->quantize(packed, v + (size_t)i * (size_t)cols, cols);
        f->rc = gguf_write_data(f->w, packed, row, f->e);
    }
    free(packed);
}

static inline void toy_tensors(struct toy_file *f, const struct toy_weights *w)
{
    const struct toy *t = f->t;
    const char *norm = t->norm_format ? t->norm_format : "f32";
    int n_q = t->n_head * t->head_dim, n_kv = t->n_kv * t->head_dim;
    char names[8][9][64];
    static const char *const kinds[9] = {"attn_norm", "attn_q",   "attn_k", "attn_v",  "attn_output",
                                         "ffn_norm",  "ffn_gate", "ffn_up", "ffn_down"};
    toy_tensor(f, "token_embd.weight", w->embedding, TOY_VOCAB, t->d, t->format);
    toy_tensor(f, "output_norm.weight", w->out_norm, 1, t->d, norm);
    if (!t->tied)
        toy_tensor(f, "output.weight", w->head, TOY_VOCAB, t->d, t->format);
    if (t->rope_freqs)
        toy_tensor(f, "rope_freqs.weight", w->freqs, 1, t->n_rot / 2, "f32");
    if (t->extra_tensor)
        toy_tensor(f, t->extra_tensor, w->out_norm, 1, t->d, "f32");
    for (int i = 0; i < t->n_layer; i++) {
        const struct toy_layer *l = &w->layer[i];
        for (int j = 0; j < 9; j++)
            snprintf(names[i][j], sizeof names[i][j], "blk.%d.%s.weight", i, kinds[j]);
        toy_tensor(f, names[i][0], l->attn_norm, 1, t->d, "f32");
        toy_tensor(f, names[i][1], l->q, n_q, t->d, t->format);
        if (t->more_k && i == 0)
            toy_tensor(f, names[i][2], l->q, n_kv + t->more_k, t->d, t->format);
        else
            toy_tensor(f, names[i][2], l->k, n_kv, t->d, t->format);
        toy_tensor(f, names[i][3], l->v, n_kv, t->d, t->format);
        toy_tensor(f, names[i][4], l->o, t->d, n_q, t->format);
        toy_tensor(f, names[i][5], l->ffn_norm, 1, t->d, "f32");
        toy_tensor(f, names[i][6], l->gate, t->n_ff, t->d, t->format);
        toy_tensor(f, names[i][7], l->up, t->n_ff, t->d, t->format);
        toy_tensor(f, names[i][8], l->down, t->d, t->n_ff, t->format);
    }
}

static inline void toy_vocabulary(struct gguf_writer *w)
{
    struct gguf_str piece[TOY_VOCAB];
    float score[TOY_VOCAB];
    int32_t type[TOY_VOCAB];
    char letters[TOY_VOCAB][2];
    static const char *const special[] = {"<unk>", "<s>", "</s>", "\xe2\x96\x81"};
    for (int i = 0; i < TOY_VOCAB; i++) {
        letters[i][0] = (char)('A' + i);
        letters[i][1] = '\0';
        const char *s = i < 4 ? special[i] : letters[i];
        piece[i] = (struct gguf_str){s, strlen(s)};
        score[i] = -(float)i;
        type[i] = i == 0 ? 2 : i < 3 ? 3 : 1; /* unknown, control, normal */
    }
    gguf_write_string(w, "tokenizer.ggml.model", "llama");
    gguf_write_strings(w, "tokenizer.ggml.tokens", piece, TOY_VOCAB);
    gguf_write_array(w, "tokenizer.ggml.scores", GGUF_F32, score, TOY_VOCAB);
    gguf_write_array(w, "tokenizer.ggml.token_type", GGUF_I32, type, TOY_VOCAB);
    gguf_write_u32(w, "tokenizer.ggml.bos_token_id", 1);
    gguf_write_u32(w, "tokenizer.ggml.eos_token_id", 2);
    gguf_write_u32(w, "tokenizer.ggml.unknown_token_id", 0);
}

static inline int toy_write(const char *path, const struct toy *t, const struct toy_weights *w, struct err *e)
{
    struct toy_file f = {.t = t, .e = e};
    if (gguf_write_open(&f.w, path, e))
        return -1;
    if (!t->key || strcmp(t->key, "general.architecture"))
        gguf_write_string(f.w, "general.architecture", "llama");
    toy_vocabulary(f.w);
    toy_key(&f, "llama.block_count", t->n_layer);
    toy_key(&f, "llama.context_length", 32);
    toy_key(&f, "llama.embedding_length", t->d);
    toy_key(&f, "llama.feed_forward_length", t->n_ff);
    toy_key(&f, "llama.attention.head_count", t->n_head);
    toy_key(&f, "llama.attention.head_count_kv", t->n_kv);
    if (t->head_dim * t->n_head != t->d) {
        toy_key(&f, "llama.attention.key_length", t->head_dim);
        toy_key(&f, "llama.attention.value_length", t->head_dim);
    }
    toy_key(&f, "llama.rope.dimension_count", t->n_rot);
    toy_key(&f, "llama.vocab_size", TOY_VOCAB);
    if (!toy_skipped(&f, "llama.attention.layer_norm_rms_epsilon"))
        gguf_write_f32(f.w, "llama.attention.layer_norm_rms_epsilon", 1e-3f);
    gguf_write_f32(f.w, "llama.rope.freq_base", t->rope_base);
    if (t->rope_scale != 1) {
        if (!t->key || strcmp(t->key, "llama.rope.scaling.type"))
            gguf_write_string(f.w, "llama.rope.scaling.type", "linear");
        gguf_write_f32(f.w, "llama.rope.scaling.factor", t->rope_scale);
    }
    if (t->key && t->string)
        gguf_write_string(f.w, t->key, t->string);
    else if (t->key)
        gguf_write_u32(f.w, t->key, t->value);
    for (f.data = 0; f.data < 2 && !t->no_tensors; f.data++)
        toy_tensors(&f, w);
    if (f.rc) {
        gguf_write_abort(f.w);
        return -1;
    }
    return gguf_write_finish(f.w, e);
}

/* The definition ------------------------------------------------------------------------------------------------------------ */

static inline void toy_matvec(double *y, const float *w, const double *x, int rows, int cols)
{
    for (int r = 0; r < rows; r++) {
        y[r] = 0;
        for (int i = 0; i < cols; i++)
            y[r] += (double)w[(size_t)r * (size_t)cols + (size_t)i] * x[i];
    }
}

static inline void toy_norm(double *y, const double *x, const float *w, int n)
{
    double squares = 0;
    for (int i = 0; i < n; i++)
        squares += x[i] * x[i];
    for (int i = 0; i < n; i++)
        y[i] = x[i] / sqrt(squares / n + (double)1e-3f) * (double)w[i];
}

static inline void toy_rope(double *x, const struct toy *t, const struct toy_weights *w, int pos)
{
    for (int i = 0; i < t->n_rot / 2; i++) {
        double angle = pos / (double)t->rope_scale * pow((double)t->rope_base, -2.0 * i / t->n_rot);
        if (t->rope_freqs)
            angle /= (double)w->freqs[i];
        double a = x[2 * i], b = x[2 * i + 1];
        x[2 * i] = a * cos(angle) - b * sin(angle);
        x[2 * i + 1] = a * sin(angle) + b * cos(angle);
    }
}

/* logits: [n][TOY_VOCAB] of n tokens from position 0 on. */
static inline void toy_forward(double *logits, const struct toy *t, const struct toy_weights *w, const int *ids, int n)
{
    enum { MAX = 256 };
    int d = t->d, hd = t->head_dim, n_q = t->n_head * hd, n_kv = t->n_kv * hd;
    double(*x)[MAX] = calloc((size_t)n, sizeof *x), (*k)[MAX] = calloc((size_t)n, sizeof *k),
    (*v)[MAX] = calloc((size_t)n, sizeof *v);
    double h[MAX], q[MAX], att[MAX], y[MAX], gate[MAX], up[MAX], *score = calloc((size_t)n, sizeof *score);
    for (int p = 0; p < n; p++)
        for (int i = 0; i < d; i++)
            x[p][i] = (double)w->embedding[ids[p] * d + i];
    for (int l = 0; l < t->n_layer; l++) {
        const struct toy_layer *a = &w->layer[l];
        for (int p = 0; p < n; p++) {
            toy_norm(h, x[p], a->attn_norm, d);
            toy_matvec(q, a->q, h, n_q, d);
            toy_matvec(k[p], a->k, h, n_kv, d);
            toy_matvec(v[p], a->v, h, n_kv, d);
            for (int i = 0; i < t->n_kv; i++)
                toy_rope(k[p] + i * hd, t, w, p);
            for (int i = 0; i < t->n_head; i++) {
                int kv = i / (t->n_head / t->n_kv) * hd;
                double sum = 0;
                toy_rope(q + i * hd, t, w, p);
                for (int j = 0; j <= p; j++) {
                    double dot = t->window && p - j >= t->window && j >= t->sinks ? -INFINITY : 0;
                    for (int c = 0; c < hd; c++)
                        dot += q[i * hd + c] * k[j][kv + c];
                    score[j] = exp(dot / sqrt(hd));
                    sum += score[j];
                }
                for (int c = 0; c < hd; c++) {
                    att[i * hd + c] = 0;
                    for (int j = 0; j <= p; j++)
                        att[i * hd + c] += score[j] / sum * v[j][kv + c];
                }
            }
            toy_matvec(y, a->o, att, d, n_q);
            for (int i = 0; i < d; i++)
                x[p][i] += y[i];
            toy_norm(h, x[p], a->ffn_norm, d);
            toy_matvec(gate, a->gate, h, t->n_ff, d);
            toy_matvec(up, a->up, h, t->n_ff, d);
            for (int i = 0; i < t->n_ff; i++)
                gate[i] = gate[i] / (1 + exp(-gate[i])) * up[i];
            toy_matvec(y, a->down, gate, d, t->n_ff);
            for (int i = 0; i < d; i++)
                x[p][i] += y[i];
        }
    }
    for (int p = 0; p < n; p++) {
        toy_norm(h, x[p], w->out_norm, d);
        toy_matvec(logits + (size_t)p * TOY_VOCAB, w->head, h, TOY_VOCAB, d);
    }
    free(x), free(k), free(v), free(score);
}

#endif
