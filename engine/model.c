/* Loading: keys into dimensions (model_keys.c), dimensions against the shapes of the tensors, tensors into the structs.
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
#include "engine/model_load.h"

struct loader {
    struct model *m;
    int64_t dim[DIM_COUNT];
    unsigned char *used; /* [n_tensor] */
};

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
    char known[256] = "", shown[96];
    for (const struct family *f = families; f->arch; f++)
        snprintf(known + strlen(known), sizeof known - strlen(known), "%s%s", f == families ? "" : ", ", f->arch);
    return err_set(e, ERR_ENV, "key \"general.architecture\" is \"%s\": this engine runs only %s",
                   gguf_printable(arch, shown, sizeof shown), known);
}

/* Finds a tensor, checks it against all rows that share it (from *row on), and stores each row's part at its place in *into. */
static int take(struct loader *l, const struct family_tensor *row, int parts, const char *name, void *into, struct err *e)
{
    const struct gguf *g = &l->m->gguf;
    const struct gguf_tensor *t = gguf_find_tensor(g, name);
    if (!t)
        return row->optional ? 0 : err_set(e, ERR_ENV, "tensor \"%s\" is missing", name);
    int64_t cols = l->dim[row->cols], rows = 0;
    for (int i = 0; i < parts; i++)
        rows += l->dim[row[i].rows];
    if (t->dim[0] != cols || t->dim[1] != rows || t->dim[2] != 1 || t->dim[3] != 1)
        return err_set(e, ERR_ENV,
                       "tensor \"%s\" has the shape %" PRId64 " x %" PRId64 " x %" PRId64 " x %" PRId64
                       ", the keys and the vocabulary say %" PRId64 " x %" PRId64,
                       name, t->dim[0], t->dim[1], t->dim[2], t->dim[3], cols, rows);
    if ((uintptr_t)t->data % sizeof(float))
        return err_set(e, ERR_ENV, "tensor \"%s\" does not begin at a multiple of %zu bytes in the file", name, sizeof(float));
    if (row->floats && strcmp(t->format->name, "f32") != 0)
        return err_set(e, ERR_ENV, "tensor \"%s\" is %s: this engine takes it in f32 only", name, t->format->name);
    l->used[t - g->tensor] = 1;
    if (row->parameters)
        l->m->parameters += rows * cols;
    const char *data = t->data;
    for (int i = 0; i < parts; i++) {
        void *place = (char *)into + row[i].at;
        int n = (int)l->dim[row[i].rows];
        if (row->floats)
            *(const float **)place = (const float *)(const void *)data;
        else
            *(struct matrix *)place = (struct matrix){t->format, data, n, (int)cols};
        data += (size_t)n * format_row_bytes(t->format, cols);
    }
    return 0;
}

/* The rows of a table that the flags admit.  A layer's number stands in front of its names; -1: none. */
static int take_table(struct loader *l, const struct family_tensor *table, unsigned flags, int layer, void *into, struct err *e)
{
    char name[96];
    int parts;
    for (const struct family_tensor *row = table; (row = family_tensor_next(row, flags, &parts)); row += parts) {
        int n = layer < 0 ? 0 : snprintf(name, sizeof name, "blk.%d.", layer);
        snprintf(name + n, sizeof name - (size_t)n, "%s", row->name);
        if (take(l, row, parts, name, into, e))
            return -1;
    }
    return 0;
}

static int take_all(struct loader *l, struct err *e)
{
    struct model *m = l->m;
    char name[96];
    if (take_table(l, model_tensors, m->family->flags, -1, m, e))
        return -1;
    for (int i = 0; i < m->n_layer; i++) {
        unsigned flags = m->family->flags;
        if (m->layers[i].mixer != MIXER_SHORT_CONV)
            flags &= ~(unsigned)SHORT_CONV;
        if (take_table(l, layer_tensors, flags, i, &m->layers[i], e))
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

static int check_divisors(const struct model *m, const char *name, const float *v, struct err *e)
{
    for (int i = 0; v && i < m->n_rot / 2; i++)
        if (!(v[i] > 0) || !isfinite(v[i]))
            return err_set(e, ERR_ENV, "tensor \"%s\" holds %g at %d: it is a divisor and must be above 0", name, (double)v[i],
                           i);
    return 0;
}

static int read_tensors(struct model *m, struct err *e)
{
    struct loader l = {.m = m};
    char key[96];
    l.dim[DIM_ONE] = 1;
    l.dim[DIM_MODEL] = m->d;
    l.dim[DIM_Q] = (int64_t)m->n_head * m->head_dim;
    l.dim[DIM_KV] = (int64_t)m->n_kv * m->head_dim;
    l.dim[DIM_HEAD] = m->head_dim;
    l.dim[DIM_FF] = m->n_ff;
    l.dim[DIM_VOCAB] = m->n_vocab;
    l.dim[DIM_ROPE_PAIRS] = m->n_rot / 2;
    l.dim[DIM_TAPS] = m->n_taps;
    l.used = calloc(m->gguf.n_tensor, 1);
    int rc = l.used ? take_all(&l, e) : err_set(e, ERR_ENV, "no memory for a table of %" PRIu64 " tensors", m->gguf.n_tensor);
    free(l.used);
    if (rc || check_divisors(m, "rope_freqs.weight", m->rope_freqs, e) ||
        check_divisors(m, "rope_factors_long.weight", m->rope_long, e) ||
        check_divisors(m, "rope_factors_short.weight", m->rope_short, e))
        return -1;
    if (!m->rope_long != !m->rope_short)
        return err_set(e, ERR_ENV, "tensor \"rope_factors_%s.weight\" is missing: there must be both sets of factors or none",
                       m->rope_long ? "short" : "long");
    snprintf(key, sizeof key, "%s.rope.scaling.original_context_length", m->family->arch);
    if (m->rope_long && !gguf_find(&m->gguf, key))
        return err_set(e, ERR_ENV, "key \"%s\" is missing: it says from which context length on rope_factors_long counts", key);
    m->tied = !m->head.data;
    if (m->tied)
        m->head = m->embedding;
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
    if (find_family(m, e) || tokenizer_open(&m->tokenizer, &m->gguf, e) || model_read_keys(m, e) || read_tensors(m, e))
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

int layer_matrices(const struct layer *l, const struct matrix *out[LAYER_MATRICES])
{
    const struct matrix *all[LAYER_MATRICES] = {&l->q,      &l->k, &l->v,    &l->conv_b, &l->conv_c,
                                                &l->conv_x, &l->o, &l->gate, &l->up,     &l->down};
    int n = 0;
    for (int i = 0; i < LAYER_MATRICES; i++)
        if (all[i]->data)
            out[n++] = all[i];
    return n;
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
