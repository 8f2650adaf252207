/* gguf.c - reading a GGUF file that nobody vouches for.
 *
 *   | "GGUF" | u32 version | u64 tensors | u64 keys | key .. | tensor .. | padding to general.alignment | data .. |
 *   string: u64 length, bytes            key:    string name, u32 kind, value
 *   array:  u32 kind, u64 count, values  tensor: string name, u32 dimensions, u64 each, u32 type, u64 offset into the data
 *
 * Everything is read through a cursor that knows how much of the file is left.  A count is believed only when that many
 * elements of the smallest possible size could still follow, so a wrong count costs a message and not memory. */
/* SPDX-License-Identifier: MIT */
#include "engine/gguf_split.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "GGUF values are used as they lie in the file");

enum {
    MIN_KEY_BYTES = 8 + 1 + 4 + 1,            /* length, a name of one letter, kind, a one-byte value */
    MIN_TENSOR_BYTES = 8 + 1 + 4 + 8 + 4 + 8, /* length, a name of one letter, one dimension, type, offset */
    DEFAULT_ALIGNMENT = 32,
    MIN_ALIGNMENT = 8, /* what the specification allows; F32 and F16 rows may be read in place */
};

/* Bytes of a value; of a string or an array the least that one can have. */
static const uint64_t kind_bytes[GGUF_KINDS] = {
    [GGUF_U8] = 1,   [GGUF_I8] = 1,     [GGUF_U16] = 2,    [GGUF_I16] = 2, [GGUF_U32] = 4, [GGUF_I32] = 4, [GGUF_F32] = 4,
    [GGUF_BOOL] = 1, [GGUF_STRING] = 8, [GGUF_ARRAY] = 12, [GGUF_U64] = 8, [GGUF_I64] = 8, [GGUF_F64] = 8,
};

static const char *const kind_names[GGUF_KINDS] = {
    [GGUF_U8] = "u8",   [GGUF_I8] = "i8",   [GGUF_U16] = "u16",   [GGUF_I16] = "i16",       [GGUF_U32] = "u32",
    [GGUF_I32] = "i32", [GGUF_F32] = "f32", [GGUF_BOOL] = "bool", [GGUF_STRING] = "string", [GGUF_ARRAY] = "array",
    [GGUF_U64] = "u64", [GGUF_I64] = "i64", [GGUF_F64] = "f64",
};

/* The tensor types that kernels/formats.def does not have, by their id, to say what a refused file holds.  From ggml.h. */
static const char *const type_names[] = {
    [4] = "q4_2",      [5] = "q4_3",      [9] = "q8_1",        [15] = "q8_k",       [24] = "i8",
    [25] = "i16",      [26] = "i32",      [27] = "i64",        [28] = "f64",        [31] = "q4_0_4_4",
    [32] = "q4_0_4_8", [33] = "q4_0_8_8", [36] = "iq4_nl_4_4", [37] = "iq4_nl_4_8", [38] = "iq4_nl_8_8",
};

#define DAMAGED "; the file is cut short or damaged, fetch it again"

struct cursor {
    const uint8_t *p;
    uint64_t n, at;
    const char *path;
    /* What is being read, for messages: "key" or "tensor" (NULL: the header), its number, its name once that is known. */
    const char *part;
    uint64_t index;
    struct gguf_str name;
    struct err *e;
};

static int refuse(struct cursor *c, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

static int refuse(struct cursor *c, const char *fmt, ...)
{
    char what[400], name[100];
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(what, sizeof what, fmt, ap);
    va_end(ap);
    if (!c->part)
        return err_set(c->e, ERR_ENV, "%s: %s", c->path, what);
    if (!c->name.p)
        return err_set(c->e, ERR_ENV, "%s: %s number %" PRIu64 ": %s", c->path, c->part, c->index, what);
    return err_set(c->e, ERR_ENV, "%s: %s \"%s\": %s", c->path, c->part, gguf_printable(c->name, name, sizeof name), what);
}

static const uint8_t *take(struct cursor *c, uint64_t bytes, const char *what)
{
    if (bytes > c->n - c->at) {
        refuse(c, "%s takes %" PRIu64 " bytes from byte %" PRIu64 " on, but the file ends after %" PRIu64 DAMAGED, what, bytes,
               c->at, c->n);
        return NULL;
    }
    const uint8_t *p = c->p + c->at;
    c->at += bytes;
    return p;
}

static int take_u32(struct cursor *c, uint32_t *v, const char *what)
{
    const uint8_t *p = take(c, sizeof *v, what);
    if (!p)
        return -1;
    memcpy(v, p, sizeof *v);
    return 0;
}

static int take_u64(struct cursor *c, uint64_t *v, const char *what)
{
    const uint8_t *p = take(c, sizeof *v, what);
    if (!p)
        return -1;
    memcpy(v, p, sizeof *v);
    return 0;
}

static int take_string(struct cursor *c, struct gguf_str *s, const char *what)
{
    if (take_u64(c, &s->n, what))
        return -1;
    s->p = (const char *)take(c, s->n, what);
    return s->p ? 0 : -1;
}

static int read_header(struct cursor *c, struct gguf *g)
{
    const uint8_t *magic = take(c, 4, "the magic number");
    if (!magic)
        return -1;
    if (memcmp(magic, "GGUF", 4))
        return refuse(c, "not a GGUF file: it does not begin with \"GGUF\"; convert the model to GGUF first");
    if (take_u32(c, &g->version, "the version"))
        return -1;
    if (!(g->version & 0xffff))
        return refuse(c, "a big-endian GGUF file; only little-endian ones can be read: convert the model again");
    if (g->version != 2 && g->version != 3)
        return refuse(c, "GGUF version %" PRIu32 " is not supported, only 2 and 3; convert the model again", g->version);
    if (take_u64(c, &g->n_tensor, "the number of tensors") || take_u64(c, &g->n_kv, "the number of keys"))
        return -1;
    uint64_t left = c->n - c->at;
    if (g->n_kv > left / MIN_KEY_BYTES)
        return refuse(c, "the number of keys, %" PRIu64 ", cannot fit into a file of %" PRIu64 " bytes" DAMAGED, g->n_kv, c->n);
    if (g->n_tensor > left / MIN_TENSOR_BYTES)
        return refuse(c, "the number of tensors, %" PRIu64 ", cannot fit into a file of %" PRIu64 " bytes" DAMAGED, g->n_tensor,
                      c->n);
    return 0;
}

static int read_name(struct cursor *c, struct gguf_str *name)
{
    struct gguf_str s;
    if (take_string(c, &s, "its name"))
        return -1;
    if (!s.n)
        return refuse(c, "its name is empty" DAMAGED);
    c->name = *name = s;
    return 0;
}

static int read_kind(struct cursor *c, enum gguf_kind *kind, const char *what)
{
    uint32_t v;
    if (take_u32(c, &v, what))
        return -1;
    if (v >= GGUF_KINDS)
        return refuse(c, "%s is %" PRIu32 ", which no GGUF value has (0 to %d)" DAMAGED, what, v, GGUF_KINDS - 1);
    *kind = (enum gguf_kind)v;
    return 0;
}

static int read_kv(struct cursor *c, struct gguf_kv *kv)
{
    if (read_name(c, &kv->key) || read_kind(c, &kv->kind, "its kind"))
        return -1;
    kv->element = kv->kind;
    kv->count = 1;
    if (kv->kind == GGUF_ARRAY) {
        if (read_kind(c, &kv->element, "the kind of its elements") || take_u64(c, &kv->count, "the number of its elements"))
            return -1;
        if (kv->element == GGUF_ARRAY)
            return refuse(c, "an array of arrays is not supported; remove the key from the file");
    }
    if (kv->count > (c->n - c->at) / kind_bytes[kv->element])
        return refuse(c, "%" PRIu64 " elements of kind %s cannot fit into the %" PRIu64 " bytes left" DAMAGED, kv->count,
                      kind_names[kv->element], c->n - c->at);
    uint64_t from = c->at;
    kv->data = c->p + from;
    struct gguf_str s;
    if (kv->element == GGUF_STRING) {
        for (uint64_t i = 0; i < kv->count; i++)
            if (take_string(c, &s, "a string of its value"))
                return -1;
    } else if (!take(c, kv->count * kind_bytes[kv->element], "its value")) {
        return -1;
    }
    kv->bytes = c->at - from;
    return 0;
}

static int refuse_type(struct cursor *c, uint32_t type)
{
    const char *name = type < sizeof type_names / sizeof *type_names ? type_names[type] : NULL;
    struct text have = {0};
    for (const struct format *const *f = formats; *f; f++)
        text_printf(&have, "%s%s", have.n ? ", " : "", (*f)->name);
    refuse(c, "type %" PRIu32 " (%s) is not supported by this build, which reads %s; get the model in one of these", type,
           name ? name : "unknown", have.p ? have.p : "none");
    text_free(&have);
    return -1;
}

/* Offsets are checked later, when it is known where the data begin. */
static int read_tensor(struct cursor *c, struct gguf_tensor *t)
{
    uint32_t n_dim, type;
    if (read_name(c, &t->name) || take_u32(c, &n_dim, "the number of its dimensions"))
        return -1;
    if (n_dim < 1 || n_dim > 4)
        return refuse(c, "it has %" PRIu32 " dimensions, a tensor has 1 to 4" DAMAGED, n_dim);
    t->n_dim = (int)n_dim;
    uint64_t rows = 1;
    for (int i = 0; i < 4; i++) {
        uint64_t dim = 1;
        if (i < t->n_dim && take_u64(c, &dim, "a dimension"))
            return -1;
        if (dim < 1 || dim > INT64_MAX || (i > 0 && __builtin_mul_overflow(rows, dim, &rows)))
            return refuse(c, "dimension %d is %" PRIu64 ", which cannot be" DAMAGED, i, dim);
        t->dim[i] = (int64_t)dim;
    }
    if (take_u32(c, &type, "its type") || take_u64(c, &t->offset, "its offset"))
        return -1;
    t->format = format_by_type(type);
    if (!t->format)
        return refuse_type(c, type);
    /* The first test keeps the product of the row's length and the block's bytes small. */
    uint64_t blocks = (uint64_t)t->dim[0] / (uint64_t)t->format->block;
    uint64_t row = blocks > c->n / (uint64_t)t->format->bytes ? UINT64_MAX : format_row_bytes(t->format, t->dim[0]);
    if (row == 0)
        return refuse(c, "its rows of %" PRId64 " weights do not divide into %s blocks of %d" DAMAGED, t->dim[0], t->format->name,
                      t->format->block);
    if (__builtin_mul_overflow(row, rows, &t->bytes) || t->bytes > c->n)
        return refuse(c,
                      "%" PRIu64 " rows of %" PRId64 " weights in %s are more than the whole file of %" PRIu64 " bytes" DAMAGED,
                      rows, t->dim[0], t->format->name, c->n);
    return 0;
}

static int place_tensors(struct cursor *c, struct gguf *g)
{
    int64_t alignment;
    c->part = NULL;
    if (gguf_int(g, "general.alignment", MIN_ALIGNMENT, UINT32_MAX, DEFAULT_ALIGNMENT, &alignment, c->e))
        return err_where(c->e, "%s", c->path);
    g->alignment = (uint64_t)alignment;
    if (g->alignment & (g->alignment - 1))
        return refuse(c, "key \"general.alignment\" is %" PRIu64 ", not a power of two" DAMAGED, g->alignment);
    g->data_offset = (c->at + g->alignment - 1) & ~(g->alignment - 1);
    uint64_t space = g->data_offset < c->n ? c->n - g->data_offset : 0;
    c->part = "tensor";
    for (uint64_t i = 0; i < g->n_tensor; i++) {
        struct gguf_tensor *t = &g->tensor[i];
        c->name = t->name;
        if (t->offset & (g->alignment - 1))
            return refuse(c, "its offset %" PRIu64 " is not a multiple of the alignment %" PRIu64 DAMAGED, t->offset,
                          g->alignment);
        if (t->offset > space || t->bytes > space - t->offset)
            return refuse(c, "its %" PRIu64 " bytes from %" PRIu64 " on lie outside the data part of %" PRIu64 " bytes" DAMAGED,
                          t->bytes, t->offset, space);
        t->data = c->p + g->data_offset + t->offset;
    }
    return 0;
}

/* The formats that the file says it has of ours: bit i for formats[i], of fewer than 64. */
static uint64_t named_formats(const struct gguf *g)
{
    const struct gguf_kv *kv = gguf_find(g, FORMATS_KEY);
    const uint8_t *at = kv ? kv->data : NULL;
    uint64_t named = 0;
    for (uint64_t k = 0; kv && kv->kind == GGUF_ARRAY && kv->element == GGUF_STRING && k < kv->count; k++) {
        struct gguf_str s = gguf_next_string(&at);
        for (int i = 0; formats[i]; i++)
            if (s.n == strlen(formats[i]->name) && !memcmp(s.p, formats[i]->name, s.n))
                named |= (uint64_t)1 << i;
    }
    return named;
}

static int refuse_foreign_types(struct cursor *c, const struct gguf *g)
{
    const uint64_t named = named_formats(g);
    c->part = "tensor";
    for (c->index = 0; c->index < g->n_tensor; c->index++) {
        const struct gguf_tensor *t = &g->tensor[c->index];
        int i = 0;
        while (formats[i] != t->format)
            i++;
        c->name = t->name;
        if (t->format->gguf_type >= FORMAT_OWN && !(named >> i & 1))
            return refuse(c,
                          "type %" PRIu32 " is %s only where key \"" FORMATS_KEY "\" names that, and here it does not: another "
                          "program wrote this file, by types of its own; get the model in a type of GGUF",
                          t->format->gguf_type, t->format->name);
    }
    return 0;
}

static int compare_names(const void *a, const void *b)
{
    const struct gguf_str *x = a, *y = b;
    int d = memcmp(x->p, y->p, x->n < y->n ? x->n : y->n);
    return d ? d : (x->n > y->n) - (x->n < y->n);
}

/* Sorted, equal names are neighbours: n log n, whatever number the file claims.  Each of the n entries, `stride` bytes apart,
 * begins with its name. */
static int refuse_duplicates(struct cursor *c, const char *part, const void *entries, size_t stride, uint64_t n)
{
    struct gguf_str *names = malloc((n ? n : 1) * sizeof *names);
    if (!names)
        return err_set(c->e, ERR_ENV, "%s: out of memory for the names of %" PRIu64 " %ss", c->path, n, part);
    for (uint64_t i = 0; i < n; i++)
        memcpy(&names[i], (const uint8_t *)entries + i * stride, sizeof *names);
    qsort(names, n, sizeof *names, compare_names);
    int failed = 0;
    for (uint64_t i = 1; i < n && !failed; i++)
        if (!compare_names(&names[i - 1], &names[i])) {
            c->part = part;
            c->name = names[i];
            failed = refuse(c, "it is there twice; the file is damaged or was joined wrongly, fetch it again");
        }
    free(names);
    return failed;
}
_Static_assert(offsetof(struct gguf_kv, key) == 0 && offsetof(struct gguf_tensor, name) == 0, "read by refuse_duplicates");

static int read_index(struct cursor *c, struct gguf *g)
{
    if (read_header(c, g))
        return -1;
    g->kv = calloc(g->n_kv ? g->n_kv : 1, sizeof *g->kv);
    g->tensor = calloc(g->n_tensor ? g->n_tensor : 1, sizeof *g->tensor);
    if (!g->kv || !g->tensor)
        return refuse(c, "out of memory for an index of %" PRIu64 " keys and %" PRIu64 " tensors", g->n_kv, g->n_tensor);
    c->part = "key";
    for (c->index = 0; c->index < g->n_kv; c->index++) {
        c->name = (struct gguf_str){0};
        if (read_kv(c, &g->kv[c->index]))
            return -1;
    }
    c->part = "tensor";
    for (c->index = 0; c->index < g->n_tensor; c->index++) {
        c->name = (struct gguf_str){0};
        if (read_tensor(c, &g->tensor[c->index]))
            return -1;
    }
    if (refuse_duplicates(c, "key", g->kv, sizeof *g->kv, g->n_kv) ||
        refuse_duplicates(c, "tensor", g->tensor, sizeof *g->tensor, g->n_tensor))
        return -1;
    return refuse_foreign_types(c, g) || place_tensors(c, g) ? -1 : 0;
}

int gguf_check_names(const struct gguf *g, const char *path, struct err *e)
{
    struct cursor c = {.path = path, .e = e};
    return refuse_duplicates(&c, "tensor", g->tensor, sizeof *g->tensor, g->n_tensor);
}

int gguf_open_part(struct gguf *g, const char *path, int populate, struct err *e)
{
    *g = (struct gguf){0};
    if (file_map(&g->map, path, populate, e))
        return -1;
    g->bytes = g->map.n;
    struct cursor c = {.p = g->map.p, .n = g->map.n, .path = path, .e = e};
    if (read_index(&c, g)) {
        gguf_close(g);
        return -1;
    }
    return 0;
}

void gguf_close(struct gguf *g)
{
    if (!g)
        return;
    free(g->kv);
    free(g->tensor);
    file_unmap(&g->map);
    for (int i = 0; i < g->n_more; i++)
        file_unmap(&g->more[i]);
    free(g->more);
    *g = (struct gguf){0};
}

const char *gguf_kind_name(enum gguf_kind k)
{
    return kind_names[k];
}

uint64_t gguf_kind_bytes(enum gguf_kind k)
{
    return k == GGUF_STRING || k == GGUF_ARRAY ? 0 : kind_bytes[k];
}
