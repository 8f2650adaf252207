/* Loading: keys into dimensions, dimensions against the shapes of the tensors, tensors into the structs.
 *
 * A file can be refused for three reasons that a reader of it could otherwise overlook: a key of the family that is not
 * understood, a tensor that nothing would use (a bias, an adapter), and a shape that contradicts the keys. */
/* SPDX-License-Identifier: MIT */
#include "engine/model.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/families.h"

#define MAX_DIM (1 << 24) /* of any one dimension: products of two fit into 64 bits, and no model comes near it */

struct loader {
    struct model *m;
    int64_t dim[DIM_COUNT];
    unsigned char *used; /* [n_tensor] */
};

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

static int find_family(struct model *m, struct err *e)
{
    struct gguf_str arch;
    if (gguf_string(&m->gguf, "general.architecture", &arch, e))
        return -1;
    if (!arch.p)
        return err_set(e, ERR_ENV, "key \"general.architecture\" is missing");
    m->family = family_by_arch(arch.p, arch.n);
    if (m->family)
        return 0;
    char known[128] = "", shown[96];
    for (const struct family *f = families; f->arch; f++)
        snprintf(known + strlen(known), sizeof known - strlen(known), "%s%s", f == families ? "" : ", ", f->arch);
    return err_set(e, ERR_ENV, "key \"general.architecture\" is \"%s\": this engine runs only %s",
                   gguf_printable(arch, shown, sizeof shown), known);
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
        *out = f;
    } else {
        if (gguf_int(g, key, INT64_MIN, INT64_MAX, 0, &i, e))
            return -1;
        *out = (double)i;
    }
    return 0;
}

static int check_key(const struct model *m, const struct gguf_kv *kv, struct err *e)
{
    size_t prefix = strlen(m->family->arch);
    if (kv->key.n <= prefix || memcmp(kv->key.p, m->family->arch, prefix) || kv->key.p[prefix] != '.')
        return 0;
    for (const struct family_key *k = m->family->keys; k->name; k++) {
        char key[96];
        key_name(key, m, k->name);
        if (strlen(key) != kv->key.n || memcmp(key, kv->key.p, kv->key.n))
            continue;
        double v = k->neutral;
        if (k->rule == KEY_NEUTRAL && number_of(&m->gguf, kv, key, &v, e))
            return -1;
        if (v != k->neutral)
            return err_set(e, ERR_ENV, "key \"%s\" is %g: this engine computes only models where it is %g", key, v, k->neutral);
        return 0;
    }
    char shown[96];
    return err_set(e, ERR_ENV, "key \"%s\" is not understood; it may change what the model computes, so it is not ignored",
                   gguf_printable(kv->key, shown, sizeof shown));
}

static int read_rope(struct model *m, struct err *e)
{
    char key[96], shown[96];
    struct gguf_str type;
    if (dimension(m, "rope.dimension_count", 2, m->head_dim, m->head_dim, &m->n_rot, e))
        return -1;
    if (m->n_rot % 2)
        return err_set(e, ERR_ENV, "key \"%s\" is %d: it must be even, rope turns pairs",
                       key_name(key, m, "rope.dimension_count"), m->n_rot);
    if (gguf_float(&m->gguf, key_name(key, m, "rope.freq_base"), 10000, &m->rope_base, e))
        return -1;
    if (!(m->rope_base > 0) || !isfinite(m->rope_base))
        return err_set(e, ERR_ENV, "key \"%s\" is %g: it must be a number above 0", key, (double)m->rope_base);
    if (gguf_string(&m->gguf, key_name(key, m, "rope.scaling.type"), &type, e))
        return -1;
    int none = type.p && type.n == 4 && !memcmp(type.p, "none", 4);
    int linear = !type.p || (type.n == 6 && !memcmp(type.p, "linear", 6));
    if (!none && !linear)
        return err_set(e, ERR_ENV, "key \"%s\" is \"%s\": this engine computes only none and linear", key,
                       gguf_printable(type, shown, sizeof shown));
    if (gguf_float(&m->gguf, key_name(key, m, "rope.scaling.factor"), 1, &m->rope_scale, e))
        return -1;
    if (!(m->rope_scale > 0) || !isfinite(m->rope_scale))
        return err_set(e, ERR_ENV, "key \"%s\" is %g: it must be a number above 0", key, (double)m->rope_scale);
    if (none)
        m->rope_scale = 1;
    return 0;
}

static int read_keys(struct model *m, struct err *e)
{
    char key[96];
    int v_len, vocab;
    for (uint64_t i = 0; i < m->gguf.n_kv; i++)
        if (check_key(m, &m->gguf.kv[i], e))
            return -1;
    if (dimension(m, "block_count", 1, MAX_DIM, 0, &m->n_layer, e) ||
        dimension(m, "context_length", 1, INT32_MAX, 0, &m->n_ctx_train, e) ||
        dimension(m, "embedding_length", 1, MAX_DIM, 0, &m->d, e) ||
        dimension(m, "feed_forward_length", 1, MAX_DIM, 0, &m->n_ff, e) ||
        dimension(m, "attention.head_count", 1, m->d, 0, &m->n_head, e) ||
        dimension(m, "attention.head_count_kv", 1, m->n_head, m->n_head, &m->n_kv, e))
        return -1;
    if (m->n_head % m->n_kv)
        return err_set(e, ERR_ENV, "key \"%s\" is %d, which does not divide the %d query heads",
                       key_name(key, m, "attention.head_count_kv"), m->n_kv, m->n_head);
    if (!gguf_find(&m->gguf, key_name(key, m, "attention.key_length")) && m->d % m->n_head)
        return err_set(e, ERR_ENV,
                       "key \"%s.attention.head_count\" is %d, which does not divide the embedding length %d, and "
                       "\"%s\" is missing",
                       m->family->arch, m->n_head, m->d, key);
    if (dimension(m, "attention.key_length", 1, MAX_DIM / m->n_head, m->d / m->n_head, &m->head_dim, e) ||
        dimension(m, "attention.value_length", 1, MAX_DIM, m->d / m->n_head, &v_len, e) || read_rope(m, e))
        return -1;
    if (v_len != m->head_dim)
        return err_set(e, ERR_ENV, "key \"%s\" is %d, but keys have %d: this engine needs them equal",
                       key_name(key, m, "attention.value_length"), v_len, m->head_dim);
    if (gguf_float(&m->gguf, key_name(key, m, "attention.layer_norm_rms_epsilon"), -1, &m->norm_eps, e))
        return -1;
    if (!(m->norm_eps >= 0) || !isfinite(m->norm_eps))
        return err_set(e, ERR_ENV, "key \"%s\" is missing or not a number from 0 up", key);
    m->n_vocab = tokenizer_size(m->tokenizer);
    if (dimension(m, "vocab_size", 1, MAX_DIM, m->n_vocab, &vocab, e))
        return -1;
    if (vocab != m->n_vocab)
        return err_set(e, ERR_ENV, "key \"%s\" is %d, but the tokenizer has %d tokens", key_name(key, m, "vocab_size"), vocab,
                       m->n_vocab);
    return 0;
}

/* Finds one tensor of a table, checks it, and stores it at its place in *into. */
static int take(struct loader *l, const struct family_tensor *row, const char *name, void *into, struct err *e)
{
    const struct gguf *g = &l->m->gguf;
    const struct gguf_tensor *t = gguf_find_tensor(g, name);
    if (!t)
        return row->optional ? 0 : err_set(e, ERR_ENV, "tensor \"%s\" is missing", name);
    int64_t cols = l->dim[row->cols], rows = row->rows ? l->dim[row->rows] : 1;
    if (t->dim[0] != cols || t->dim[1] != rows || t->dim[2] != 1 || t->dim[3] != 1)
        return err_set(e, ERR_ENV,
                       "tensor \"%s\" has the shape %" PRId64 " x %" PRId64 " x %" PRId64 " x %" PRId64
                       ", the keys and the vocabulary say %" PRId64 " x %" PRId64,
                       name, t->dim[0], t->dim[1], t->dim[2], t->dim[3], cols, rows);
    if ((uintptr_t)t->data % sizeof(float))
        return err_set(e, ERR_ENV, "tensor \"%s\" does not begin at a multiple of %zu bytes in the file", name, sizeof(float));
    l->used[t - g->tensor] = 1;
    if (row->parameters)
        l->m->parameters += rows * cols;
    void *place = (char *)into + row->at;
    if (row->rows) {
        *(struct matrix *)place = (struct matrix){t->format, t->data, (int)rows, (int)cols};
        return 0;
    }
    if (strcmp(t->format->name, "f32"))
        return err_set(e, ERR_ENV, "tensor \"%s\" is %s: this engine takes vectors in f32 only", name, t->format->name);
    *(const float **)place = t->data;
    return 0;
}

static int take_all(struct loader *l, struct err *e)
{
    struct model *m = l->m;
    char name[96];
    for (const struct family_tensor *row = m->family->tensors; row->name; row++)
        if (take(l, row, row->name, m, e))
            return -1;
    for (int i = 0; i < m->n_layer; i++)
        for (const struct family_tensor *row = m->family->layer; row->name; row++) {
            snprintf(name, sizeof name, "blk.%d.%s", i, row->name);
            if (take(l, row, name, &m->layers[i], e))
                return -1;
        }
    for (uint64_t i = 0; i < m->gguf.n_tensor; i++) {
        if (!l->used[i])
            return err_set(e, ERR_ENV,
                           "tensor \"%s\" has no place in a %s model as this engine computes it; it is not ignored, "
                           "because the result would be another model's",
                           gguf_printable(m->gguf.tensor[i].name, name, sizeof name), m->family->arch);
    }
    return 0;
}

static int read_tensors(struct model *m, struct err *e)
{
    struct loader l = {.m = m};
    l.dim[DIM_MODEL] = m->d;
    l.dim[DIM_Q] = (int64_t)m->n_head * m->head_dim;
    l.dim[DIM_KV] = (int64_t)m->n_kv * m->head_dim;
    l.dim[DIM_FF] = m->n_ff;
    l.dim[DIM_VOCAB] = m->n_vocab;
    l.dim[DIM_ROPE_PAIRS] = m->n_rot / 2;
    if (m->gguf.n_tensor < (uint64_t)m->n_layer) /* before a hostile count becomes an allocation */
        return err_set(e, ERR_ENV, "key \"%s.block_count\" is %d, but the file has only %" PRIu64 " tensors", m->family->arch,
                       m->n_layer, m->gguf.n_tensor);
    m->layers = calloc((size_t)m->n_layer, sizeof *m->layers);
    l.used = calloc(m->gguf.n_tensor, 1);
    int rc = m->layers && l.used ? take_all(&l, e) : err_set(e, ERR_ENV, "no memory for the table of %d layers", m->n_layer);
    free(l.used);
    if (rc)
        return -1;
    m->tied = !m->head.data;
    if (m->tied)
        m->head = m->embedding;
    for (int i = 0; m->rope_freqs && i < m->n_rot / 2; i++)
        if (!(m->rope_freqs[i] > 0) || !isfinite(m->rope_freqs[i]))
            return err_set(e, ERR_ENV, "tensor \"rope_freqs.weight\" holds %g at %d: it is a divisor and must be above 0",
                           (double)m->rope_freqs[i], i);
    return 0;
}

int model_open(struct model **out, const char *path, int populate, struct err *e)
{
    *out = NULL;
    struct model *m = calloc(1, sizeof *m);
    if (!m)
        return err_set(e, ERR_ENV, "%s: no memory for the model's description", path);
    if (gguf_open(&m->gguf, path, populate, e)) { /* names the file itself */
        free(m);
        return -1;
    }
    int rc = -1;
    if (m->gguf.n_tensor == 0) {
        err_set(e, ERR_ENV, "the file holds a vocabulary and no weights: it can be tokenized with, not run");
        goto out;
    }
    if (find_family(m, e) || tokenizer_open(&m->tokenizer, &m->gguf, e) || read_keys(m, e) || read_tensors(m, e))
        goto out;
    rc = 0;
out:
    if (rc) {
        model_close(m);
        return err_where(e, "%s", path);
    }
    *out = m;
    return 0;
}

void model_close(struct model *m)
{
    if (!m)
        return;
    free(m->layers);
    tokenizer_close(m->tokenizer);
    gguf_close(&m->gguf);
    free(m);
}

int64_t model_parameters(const struct model *m)
{
    return m->parameters;
}
