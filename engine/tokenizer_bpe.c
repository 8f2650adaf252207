/* tokenizer_bpe.c - byte-level byte-pair encoding (Radford et al. 2019, GPT-2; Sennrich 2016).
 *
 * A pre-tokenizer cuts the text into words (pretokenizer.h); a word begins as its bytes, and two neighbours are merged in the order of
 * the file's list of merges.  The file writes bytes as letters (below); the pieces are kept as bytes, so a text need not be
 * rewritten.  All merges are looked up once and kept as ids. */
/* SPDX-License-Identifier: MIT */
#include <stdlib.h>
#include <string.h>

#include "engine/merge.h"
#include "engine/pretokenizer.h"
#include "engine/utf8.h"
#include "engine/vocabulary.h"

#define KEY_MERGES "tokenizer.ggml.merges"
#define KEY_PRE "tokenizer.ggml.pre"

struct rule { /* merges[i] has rank i */
    int left, right, id;
};

struct bpe {
    struct pretokenizer pre;
    struct rule *merges;
    int32_t *slots; /* [mask + 1] open-addressed hash of the merges by left and right; -1: free */
    uint32_t mask;
    int n;
};

/* The byte that a letter of the file stands for, -1: none.  Bytes that Latin-1 can print are themselves; the other 68, in order,
 * are U+0100 and on. */
static int byte_of(unsigned letter)
{
    if ((letter >= '!' && letter <= '~') || (letter >= 0xa1 && letter <= 0xff && letter != 0xad))
        return (int)letter;
    unsigned k = letter - 0x100; /* 0 .. 32, 127 .. 160, 173 */
    return k < 33 ? (int)k : k < 67 ? (int)k + 127 - 33 : k == 67 ? 0xad : -1;
}

/* A piece as bytes; one that has other letters is kept as it is, and so is a user-defined one, which is text. */
static size_t write_bytes(char *to, const char *p, size_t n, enum token_type type)
{
    size_t out = 0;
    for (size_t i = 0; i < n && type != TOKEN_USER_DEFINED;) {
        int len = utf8_length(p + i, n - i);
        unsigned c = (unsigned char)p[i];
        int byte = len == 1 ? byte_of(c) : len == 2 ? byte_of((c & 0x1f) << 6 | ((unsigned char)p[i + 1] & 0x3f)) : -1;
        if (byte < 0)
            break;
        to[out++] = (char)byte;
        i += (size_t)len;
        if (i == n)
            return out;
    }
    memcpy(to, p, n);
    return n;
}

/* -- the merges ------------------------------------------------------------------------------------------------------- */

static int32_t *slot_of(const struct bpe *b, int left, int right)
{
    uint32_t h = (uint32_t)left * 0x9e3779b1u ^ (uint32_t)right * 0x85ebca77u;
    for (uint32_t s = (h ^ h >> 15) & b->mask;; s = (s + 1) & b->mask) {
        int32_t i = b->slots[s];
        if (i < 0 || (b->merges[i].left == left && b->merges[i].right == right))
            return &b->slots[s];
    }
}

/* "a b": both are pieces, and so are they together. */
static int read_merge(const struct tokenizer *t, int i, struct gguf_str s, char *room, struct rule *r, struct err *e)
{
    char shown[64];
    const char *space = s.n > 2 ? memchr(s.p + 1, ' ', s.n - 1) : NULL;
    if (!space)
        return err_set(e, ERR_ENV, "key \"" KEY_MERGES "\": element %d, \"%s\", is not two pieces with a space between", i,
                       gguf_printable(s, shown, sizeof shown));
    size_t n = (size_t)(space - s.p);
    size_t left = write_bytes(room, s.p, n, TOKEN_NORMAL);
    size_t right = write_bytes(room + left, space + 1, s.n - n - 1, TOKEN_NORMAL);
    *r = (struct rule){vocabulary_find(t, room, left), vocabulary_find(t, room + left, right),
                       vocabulary_find(t, room, left + right)};
    if (r->left < 0 || r->right < 0 || r->id < 0)
        return err_set(e, ERR_ENV, "key \"" KEY_MERGES "\": element %d, \"%s\": %s of it is no token of \"" KEY_TOKENS "\"", i,
                       gguf_printable(s, shown, sizeof shown),
                       r->left < 0    ? "the left half"
                       : r->right < 0 ? "the right half"
                                      : "the whole");
    return 0;
}

static int read_merges(const struct tokenizer *t, struct bpe *b, const struct gguf_kv *kv, struct err *e)
{
    const uint8_t *at = kv->data;
    uint32_t slots = 4;
    if (kv->count > 1 << 26)
        return err_set(e, ERR_ENV, "key \"" KEY_MERGES "\" has %llu elements, more than the %d supported",
                       (unsigned long long)kv->count, 1 << 26);
    b->n = (int)kv->count;
    while (slots / 4 * 3 < (uint32_t)b->n + 1)
        slots *= 2;
    b->mask = slots - 1;
    b->slots = malloc(slots * sizeof *b->slots);
    b->merges = malloc(((size_t)b->n + 1) * sizeof *b->merges);
    char *room = malloc(kv->bytes + 1);
    int rc = 0;
    if (!b->slots || !b->merges || !room)
        rc = err_set(e, ERR_ENV, "tokenizer: out of memory for %d merges", b->n);
    else
        memset(b->slots, 0xff, slots * sizeof *b->slots);
    for (int i = 0; i < b->n && !rc; i++) {
        rc = read_merge(t, i, gguf_next_string(&at), room, &b->merges[i], e);
        if (rc)
            break;
        int32_t *slot = slot_of(b, b->merges[i].left, b->merges[i].right);
        if (*slot < 0) /* of equal ones the first counts */
            *slot = i;
    }
    free(room);
    return rc;
}

static int open_bpe(struct tokenizer *t, const struct gguf *g, struct err *e)
{
    struct bpe *b = t->own;
    const struct gguf_kv *merges;
    struct gguf_str pre;
    if (gguf_string(g, KEY_PRE, &pre, e))
        return -1;
    if (!pre.p)
        return err_set(e, ERR_ENV,
                       "key \"" KEY_PRE "\" is missing: without it nobody knows how the text is cut; convert the model "
                       "again with a newer converter");
    if (pretokenizer_open(&b->pre, pre, e) || vocabulary_array(g, KEY_MERGES, 0, &merges, e))
        return -1;
    if (!merges || merges->element != GGUF_STRING)
        return vocabulary_elements(KEY_MERGES, "strings", e);
    for (int i = 0; i < 256; i++) {
        char byte = (char)i;
        t->byte[i] = vocabulary_find(t, &byte, 1);
    }
    t->unk = -1; /* files name one nonetheless, often <|endoftext|>: a text must not become that */
    t->add_bos = b->pre.add_bos;
    return read_merges(t, b, merges, e);
}

static void close_bpe(struct tokenizer *t)
{
    struct bpe *b = t->own;
    pretokenizer_close(&b->pre);
    free(b->merges);
    free(b->slots);
}

static size_t bytes_bpe(const struct tokenizer *t)
{
    const struct bpe *b = t->own;
    return pretokenizer_bytes(&b->pre) + ((size_t)b->n + 1) * sizeof *b->merges + ((size_t)b->mask + 1) * sizeof *b->slots;
}

/* -- encoding --------------------------------------------------------------------------------------------------------- */

struct encoding {
    const struct tokenizer *t;
    struct merger m;
    struct ids *out;
};

static int pair(const void *ctx, const char *word, const struct merge_symbol *left, const struct merge_symbol *right,
                double *cost)
{
    (void)word;
    const struct bpe *b = ((const struct tokenizer *)ctx)->own;
    int32_t rank = left->id < 0 || right->id < 0 ? -1 : *slot_of(b, left->id, right->id);
    *cost = rank;
    return rank < 0 ? -1 : b->merges[rank].id;
}

static int encode_word(void *ctx, const char *p, size_t n, struct err *e)
{
    struct encoding *x = ctx;
    const struct bpe *b = x->t->own;
    int whole = b->pre.ignore_merges ? vocabulary_find(x->t, p, n) : -1;
    if (whole >= 0)
        return ids_add(x->out, whole, e);
    if (merge_room(&x->m, n, e))
        return -1;
    for (size_t i = 0; i < n; i++)
        x->m.symbol[i] = (struct merge_symbol){.at = (uint32_t)i, .n = 1, .id = x->t->byte[(uint8_t)p[i]]};
    if (merge_word(&x->m, p, (int)n, e))
        return -1;
    for (int i = 0; i >= 0; i = x->m.symbol[i].next) {
        const struct merge_symbol *s = &x->m.symbol[i];
        if (s->id >= 0 ? ids_add(x->out, s->id, e) : vocabulary_add_bytes(x->t, p + s->at, s->n, x->out, e))
            return -1;
    }
    return 0;
}

static int encode_bpe(const struct tokenizer *t, char *text, size_t n, struct ids *out, struct err *e)
{
    const struct bpe *b = t->own;
    struct encoding x = {.t = t, .m = {.pair = pair, .ctx = t}, .out = out};
    int rc = pretokenizer_cut(&b->pre, text, n, encode_word, &x, e);
    merge_close(&x.m);
    return rc;
}

const struct tokenizer_kind tokenizer_bpe = {
    .name = "gpt2",
    .about = "byte-level BPE",
    .size = sizeof(struct bpe),
    .bos = -1,
    .eos = -1,
    .unk = -1,
    .write_piece = write_bytes,
    .open = open_bpe,
    .encode = encode_bpe,
    .close = close_bpe,
    .bytes = bytes_bpe,
};
