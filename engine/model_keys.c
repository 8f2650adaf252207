/* The keys of a file into the numbers of a model and of its layers.
 *
 * Every key under the family's name is looked up first: one that the family's flags do not admit, or that is not implemented and
 * has another value than the one that leaves the maths alone, ends the loading by its name. */
/* SPDX-License-Identifier: MIT */
#include "engine/model_load.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/families.h"

#define MAX_DIM (1 << 24) /* of any one dimension: products of two fit into 64 bits, and no model comes near it */

/* "llama.block_count" */
static const char *key_name(char buf[96], const struct model *m, const char *name)
{
    snprintf(buf, 96, "%s.%s", m->family->arch, name);
    return buf;
}

static int dimension(const struct model *m, const char *name, int64_t lo, int64_t hi, int64_t otherwise, int *out, struct err *e)
{
    char key[96];
    int64_t v;
    if (gguf_int(&m->gguf, key_name(key, m, name), lo, hi, otherwise, &v, e))
        return -1;
    if (v < lo || v > hi) /* `otherwise`: not in the file */
        return err_set(e, ERR_ENV, "key \"%s\" is missing, and no other key gives it a value from %" PRId64 " to %" PRId64, key,
                       lo, hi);
    *out = (int)v;
    return 0;
}

static int number_of(const struct gguf *g, const struct gguf_kv *kv, const char *key, double *out, struct err *e)
{
    int b;
    float f;
    int64_t i;
    if (kv->kind == GGUF_BOOL) {
        if (gguf_bool(g, key, 0, &b, e))
            return -1;
        *out = b;
    } else if (kv->kind == GGUF_F32 || kv->kind == GGUF_F64) {
        if (gguf_float(g, key, 0, &f, e))
            return -1;
        *out = (double)f;
    } else {
        if (gguf_int(g, key, INT64_MIN, INT64_MAX, 0, &i, e))
            return -1;
        *out = (double)i;
    }
    return 0;
}

static int check_key(const struct model *m, const struct gguf_kv *kv, struct err *e)
{
    char key[96];
    size_t prefix = strlen(m->family->arch);
    if (kv->key.n <= prefix || memcmp(kv->key.p, m->family->arch, prefix) || kv->key.p[prefix] != '.')
        return 0;
    const struct family_key *k = family_key_by_name(m->family, kv->key.p + prefix + 1, kv->key.n - prefix - 1);
    if (!k)
        return err_set(e, ERR_ENV, "key \"%s\" is not understood; it may change what the model computes, so it is not ignored",
                       gguf_printable(kv->key, key, sizeof key));
    double v = k->value;
    if (k->rule == KEY_NEUTRAL && number_of(&m->gguf, kv, key_name(key, m, k->name), &v, e))
        return -1;
    if (k->rule == KEY_NEUTRAL && v != k->value)
        return err_set(e, ERR_ENV, "key \"%s\" is %g: this engine computes only models where it is %g", key, v, k->value);
    return 0;
}

/* The keys whose row says where they go. */
static int read_numbers(struct model *m, struct err *e)
{
    char key[96];
    for (const struct family_key *k = family_keys; k->name; k++) {
        if (k->rule != KEY_NUMBER || family_key_by_name(m->family, k->name, strlen(k->name)) != k)
            continue;
        float *v = (float *)(void *)((char *)m + k->at);
        if (gguf_float(&m->gguf, key_name(key, m, k->name), (float)k->value, v, e))
            return -1;
        if (isnan(*v))
            return err_set(e, ERR_ENV, "key \"%s\" is missing, and there is no value for it that all agree on", key);
        if (!(*v > 0) && *v != (float)k->value)
            return err_set(e, ERR_ENV, "key \"%s\" is %g: it must be a number above 0", key, (double)*v);
    }
    return 0;
}

static int is(struct gguf_str s, const char *text)
{
    return s.n == strlen(text) && !memcmp(s.p, text, s.n);
}

/* A factor without a type is linear. */
static int read_rope(struct model *m, struct err *e)
{
    char key[96], shown[96];
    struct gguf_str type;
    if (dimension(m, "rope.dimension_count", 2, m->head_dim, m->head_dim, &m->n_rot, e) ||
        dimension(m, "rope.scaling.original_context_length", 1, INT32_MAX, m->n_ctx_train, &m->n_ctx_before, e) ||
        gguf_float(&m->gguf, key_name(key, m, "rope.freq_base_swa"), m->family->local_base, &m->rope_local_base, e))
        return -1;
    if (m->family->flags & LOCAL_ROPE && !(m->rope_local_base > 0))
        return err_set(e, ERR_ENV, "key \"%s\" is %g: it must be a number above 0", key, (double)m->rope_local_base);
    if (m->n_rot % 2)
        return err_set(e, ERR_ENV, "key \"%s\" is %d: it must be even, rope turns pairs",
                       key_name(key, m, "rope.dimension_count"), m->n_rot);
    if (gguf_string(&m->gguf, key_name(key, m, "rope.scaling.type"), &type, e))
        return -1;
    m->yarn = type.p && is(type, "yarn");
    int none = type.p && is(type, "none"), longrope = type.p && is(type, "longrope") && m->family->flags & ROPE_FACTORS;
    if (type.p && !none && !longrope && !m->yarn && !is(type, "linear"))
        return err_set(e, ERR_ENV, "key \"%s\" is \"%s\": this engine computes only none, linear, yarn%s in %s models", key,
                       gguf_printable(type, shown, sizeof shown), m->family->flags & ROPE_FACTORS ? ", longrope" : "",
                       m->family->arch);
    if (longrope && m->rope_scale != 1)
        return err_set(e, ERR_ENV, "key \"%s\" is %g: with longrope, which has a divisor for each frequency, it must be 1",
                       key_name(key, m, "rope.scaling.factor"), (double)m->rope_scale);
    if (none)
        m->rope_scale = 1;
    return 0;
}

/* Element i of an array of whole numbers or of booleans, or the value itself where it is no array. */
static int element(const struct gguf_kv *kv, uint64_t i, const char *key, int64_t *out, struct err *e)
{
    if (kv->kind != GGUF_ARRAY)
        i = 0;
    uint64_t bytes = gguf_kind_bytes(kv->element);
    int integer = kv->element != GGUF_F32 && kv->element != GGUF_F64 && bytes > 0 && bytes <= 4;
    if (!integer || i >= kv->count)
        return err_set(e, ERR_ENV, "key \"%s\" has %" PRIu64 " elements of kind %s, which does not fit %" PRIu64 " layers", key,
                       kv->count, gguf_kind_name(kv->element), i + 1);
    uint32_t v = 0;
    memcpy(&v, kv->data + i * bytes, bytes);
    *out = v; /* a negative one becomes too large */
    return 0;
}

/* One number for all layers or one for each; 0 makes a layer a short convolution.  The others must have the same. */
static int read_kv_heads(struct model *m, struct err *e)
{
    char key[96];
    const struct gguf_kv *kv = gguf_find(&m->gguf, key_name(key, m, "attention.head_count_kv"));
    m->n_kv = 0;
    for (int i = 0; i < m->n_layer; i++) {
        int64_t v = m->n_head;
        if (kv && element(kv, (uint64_t)i, key, &v, e))
            return -1;
        if (v == 0 && m->family->flags & SHORT_CONV) {
            m->layers[i].mixer = MIXER_SHORT_CONV;
            continue;
        }
        if (v < 1 || v > m->n_head || m->n_head % v)
            return err_set(e, ERR_ENV, "key \"%s\" is %" PRId64 ", which does not divide the %d query heads", key, v, m->n_head);
        if (m->n_kv && m->n_kv != v)
            return err_set(e, ERR_ENV, "key \"%s\" gives layers %d and %" PRId64 " KV heads: this engine needs them equal", key,
                           m->n_kv, v);
        m->n_kv = (int)v;
    }
    if (!m->n_kv)
        return err_set(e, ERR_ENV, "key \"%s\" is 0 in every layer: this engine needs one with attention", key);
    return 0;
}

/* Which layers have a window and which have rope: by the family's periods, the window also by a key. */
static int read_pattern(struct model *m, struct err *e)
{
    char key[96];
    const struct family *f = m->family;
    int window = 0, period = f->window_period;
    if (f->flags & WINDOWS && dimension(m, "attention.sliding_window", 0, INT32_MAX, period ? -1 : 0, &window, e))
        return -1;
    const struct gguf_kv *pattern = gguf_find(&m->gguf, key_name(key, m, "attention.sliding_window_pattern"));
    for (int i = 0; i < m->n_layer; i++) {
        struct layer *l = &m->layers[i];
        int64_t v = period;
        if (pattern && element(pattern, (uint64_t)i, key, &v, e))
            return -1;
        int listed = pattern && pattern->kind == GGUF_ARRAY;
        int has = listed ? v != 0 : v == 0 || i % v != v - 1;
        l->window = has ? window : 0;
        l->rope = f->nope_period && i % f->nope_period == f->nope_period - 1 ? ROPE_NONE
                  : has && f->flags & LOCAL_ROPE                             ? ROPE_LOCAL
                                                                             : ROPE_MAIN;
    }
    return 0;
}

static int read_heads(struct model *m, struct err *e)
{
    char key[96];
    int v_len;
    if (read_kv_heads(m, e))
        return -1;
    if (!gguf_find(&m->gguf, key_name(key, m, "attention.key_length")) && m->d % m->n_head)
        return err_set(e, ERR_ENV,
                       "key \"%s.attention.head_count\" is %d, which does not divide the embedding length %d, and "
                       "\"%s\" is missing",
                       m->family->arch, m->n_head, m->d, key);
    if (dimension(m, "attention.key_length", 1, MAX_DIM / m->n_head, m->d / m->n_head, &m->head_dim, e) ||
        dimension(m, "attention.value_length", 1, MAX_DIM, m->d / m->n_head, &v_len, e))
        return -1;
    if (v_len != m->head_dim)
        return err_set(e, ERR_ENV, "key \"%s\" is %d, but keys have %d: this engine needs them equal",
                       key_name(key, m, "attention.value_length"), v_len, m->head_dim);
    return 0;
}

static int read_scales(struct model *m, struct err *e)
{
    char key[96];
    if (gguf_float(&m->gguf, key_name(key, m, "attention.layer_norm_rms_epsilon"), -1, &m->norm_eps, e))
        return -1;
    if (!(m->norm_eps >= 0))
        return err_set(e, ERR_ENV, "key \"%s\" is missing or not a number from 0 up", key);
    if (m->attention_scale == 0) {
        int by_width = m->n_layer == m->family->width_scaled;
        m->attention_scale = (float)(1 / sqrt(by_width ? (double)m->d / m->n_head : (double)m->head_dim));
    }
    if (m->family->flags & SQRT_EMBEDDING)
        m->embedding_scale *= sqrtf((float)m->d);
    return 0;
}

int model_read_keys(struct model *m, struct err *e)
{
    char key[96];
    int vocab;
    for (uint64_t i = 0; i < m->gguf.n_kv; i++)
        if (check_key(m, &m->gguf.kv[i], e))
            return -1;
    m->embedding_scale = m->residual_scale = m->logit_scale = 1; /* of a family without these keys */
    if (read_numbers(m, e) || dimension(m, "block_count", 1, MAX_DIM, 0, &m->n_layer, e))
        return -1;
    if (m->gguf.n_tensor < (uint64_t)m->n_layer) /* before a hostile count becomes an allocation */
        return err_set(e, ERR_ENV, "key \"%s.block_count\" is %d, but the file has only %" PRIu64 " tensors", m->family->arch,
                       m->n_layer, m->gguf.n_tensor);
    m->layers = calloc((size_t)m->n_layer, sizeof *m->layers);
    if (!m->layers)
        return err_set(e, ERR_ENV, "no memory for the table of %d layers", m->n_layer);
    if (dimension(m, "context_length", 1, INT32_MAX, 0, &m->n_ctx_train, e) ||
        dimension(m, "embedding_length", 1, MAX_DIM, 0, &m->d, e) ||
        dimension(m, "feed_forward_length", 1, MAX_DIM, 0, &m->n_ff, e) ||
        dimension(m, "attention.head_count", 1, m->d, 0, &m->n_head, e) || read_heads(m, e) || read_rope(m, e) ||
        read_pattern(m, e) || read_scales(m, e))
        return -1;
    if (m->family->flags & SHORT_CONV && dimension(m, "shortconv.l_cache", 1, 64, 0, &m->n_taps, e))
        return -1;
    m->n_vocab = tokenizer_size(m->tokenizer);
    if (dimension(m, "vocab_size", 1, MAX_DIM, m->n_vocab, &vocab, e))
        return -1;
    if (vocab != m->n_vocab)
        return err_set(e, ERR_ENV, "key \"%s\" is %d, but the tokenizer has %d tokens", key_name(key, m, "vocab_size"), vocab,
                       m->n_vocab);
    return 0;
}
