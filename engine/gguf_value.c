/* gguf_value.c - keys and tensors of an open file by name, and a key's value as the type that its reader wants. */
/* SPDX-License-Identifier: MIT */
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "engine/gguf.h"
#include "engine/utf8.h"

static int is(struct gguf_str s, const char *name)
{
    return s.n == strlen(name) && !memcmp(s.p, name, s.n);
}

const struct gguf_kv *gguf_find(const struct gguf *g, const char *key)
{
    for (uint64_t i = 0; i < g->n_kv; i++)
        if (is(g->kv[i].key, key))
            return &g->kv[i];
    return NULL;
}

const struct gguf_tensor *gguf_find_tensor(const struct gguf *g, const char *name)
{
    for (uint64_t i = 0; i < g->n_tensor; i++)
        if (is(g->tensor[i].name, name))
            return &g->tensor[i];
    return NULL;
}

static int wrong_kind(const struct gguf_kv *kv, const char *key, const char *wanted, struct err *e)
{
    return err_set(e, ERR_ENV, "key \"%s\" is of kind %s, but must be %s; convert the model again", key, gguf_kind_name(kv->kind),
                   wanted);
}

int gguf_int(const struct gguf *g, const char *key, int64_t lo, int64_t hi, int64_t otherwise, int64_t *out, struct err *e)
{
    enum { NOT_WHOLE, WHOLE, SIGNED };
    static const uint8_t whole[GGUF_KINDS] = {
        [GGUF_U8] = WHOLE,  [GGUF_U16] = WHOLE,  [GGUF_U32] = WHOLE,  [GGUF_U64] = WHOLE,
        [GGUF_I8] = SIGNED, [GGUF_I16] = SIGNED, [GGUF_I32] = SIGNED, [GGUF_I64] = SIGNED,
    };
    const struct gguf_kv *kv = gguf_find(g, key);
    *out = otherwise;
    if (!kv)
        return 0;
    if (whole[kv->kind] == NOT_WHOLE)
        return wrong_kind(kv, key, "a whole number", e);
    uint64_t bits = 0;
    memcpy(&bits, kv->data, kv->bytes);
    int spare = 64 - 8 * (int)kv->bytes; /* shifted up and down again, the sign fills them */
    int64_t v = whole[kv->kind] == SIGNED ? (int64_t)(bits << spare) >> spare : (int64_t)bits;
    int too_large = whole[kv->kind] == WHOLE && v < 0; /* a u64 beyond int64_t */
    if (too_large || v < lo || v > hi)
        return err_set(e, ERR_ENV, "key \"%s\" is %s%" PRId64 ", but must be %" PRId64 " to %" PRId64 "; convert the model again",
                       key, too_large ? "more than " : "", too_large ? INT64_MAX : v, lo, hi);
    *out = v;
    return 0;
}

int gguf_float(const struct gguf *g, const char *key, float otherwise, float *out, struct err *e)
{
    const struct gguf_kv *kv = gguf_find(g, key);
    *out = otherwise;
    if (!kv)
        return 0;
    float narrow = 0;
    double wide = 0;
    if (kv->kind == GGUF_F32)
        memcpy(&narrow, kv->data, sizeof narrow);
    else if (kv->kind == GGUF_F64)
        memcpy(&wide, kv->data, sizeof wide);
    else
        return wrong_kind(kv, key, "a floating-point number", e);
    float v = kv->kind == GGUF_F64 ? (float)wide : narrow;
    if (!isfinite(v))
        return err_set(e, ERR_ENV, "key \"%s\" is not a finite number; convert the model again", key);
    *out = v;
    return 0;
}

int gguf_bool(const struct gguf *g, const char *key, int otherwise, int *out, struct err *e)
{
    const struct gguf_kv *kv = gguf_find(g, key);
    *out = otherwise;
    if (!kv)
        return 0;
    if (kv->kind != GGUF_BOOL)
        return wrong_kind(kv, key, "true or false", e);
    if (kv->data[0] > 1)
        return err_set(e, ERR_ENV, "key \"%s\" is %d, but must be 0 or 1; convert the model again", key, kv->data[0]);
    *out = kv->data[0];
    return 0;
}

int gguf_string(const struct gguf *g, const char *key, struct gguf_str *out, struct err *e)
{
    const struct gguf_kv *kv = gguf_find(g, key);
    *out = (struct gguf_str){0};
    if (!kv)
        return 0;
    if (kv->kind != GGUF_STRING)
        return wrong_kind(kv, key, "a string", e);
    const uint8_t *at = kv->data;
    *out = gguf_next_string(&at);
    return 0;
}

struct gguf_str gguf_next_string(const uint8_t **at)
{
    struct gguf_str s;
    memcpy(&s.n, *at, sizeof s.n);
    s.p = (const char *)*at + sizeof s.n;
    *at += sizeof s.n + s.n;
    return s;
}

const char *gguf_printable(struct gguf_str s, char *buf, size_t size)
{
    size_t n = 0, cut = 0; /* cut: where "..." would still fit */
    for (uint64_t i = 0; i < s.n;) {
        char one[8];
        int len = utf8_length(s.p + i, s.n - i);
        int plain = len > 1 || (len == 1 && s.p[i] >= ' ' && s.p[i] != 0x7f);
        size_t width = plain ? (size_t)len : 4;
        if (plain)
            memcpy(one, s.p + i, width);
        else
            snprintf(one, sizeof one, "\\x%02x", (unsigned char)s.p[i]);
        if (n + width + 1 > size) {
            memcpy(buf + cut, "...", 4);
            return buf;
        }
        memcpy(buf + n, one, width);
        n += width;
        if (n + 4 <= size)
            cut = n;
        i += plain ? (uint64_t)len : 1;
    }
    buf[n] = '\0';
    return buf;
}
