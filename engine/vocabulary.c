/* The pieces of a GGUF file: read, checked, written in the form that texts have, and indexed. */
/* SPDX-License-Identifier: MIT */
#include "engine/vocabulary.h"

#include <stdlib.h>
#include <string.h>

enum {
    PIECES_MAX = 1 << 24,
    SPECIAL_MAX = 1024, /* bytes; every place of a text is compared with them */
};

static uint32_t load_u32(const uint8_t *p, int i)
{
    uint32_t v;
    memcpy(&v, p + (size_t)i * sizeof v, sizeof v);
    return v;
}

/* -- the index -------------------------------------------------------------------------------------------------------- */

/* The slot that holds the piece, or the free one where it belongs. */
static uint32_t slot_of(const struct tokenizer *t, const struct piece_index *x, const char *p, size_t n, uint32_t h)
{
    uint32_t s = (h ^ h >> 15) & x->mask;
    for (; x->slots[s] >= 0; s = (s + 1) & x->mask) {
        const uint32_t *at = t->at + x->slots[s];
        if (at[1] - at[0] == n && !memcmp(t->text + at[0], p, n))
            break;
    }
    return s;
}

static uint32_t hash(const char *p, size_t n)
{
    uint32_t h = HASH_START;
    for (size_t i = 0; i < n; i++)
        h = hash_byte(h, p[i]);
    return h;
}

int vocabulary_find(const struct tokenizer *t, const char *p, size_t n)
{
    return n <= t->plain.longest ? t->plain.slots[slot_of(t, &t->plain, p, n, hash(p, n))] : -1;
}

int vocabulary_special(const struct tokenizer *t, const char *p, size_t left, size_t control, size_t *n)
{
    int found = -1;
    if (!left || !t->special_first[(uint8_t)*p])
        return -1;
    uint32_t h = HASH_START;
    for (size_t i = 1; i <= left && i <= t->special.longest; i++) {
        h = hash_byte(h, p[i - 1]);
        int id = t->special.slots[slot_of(t, &t->special, p, i, h)];
        if (id >= 0 && (i <= control || vocabulary_type(t, id) == TOKEN_USER_DEFINED)) {
            found = id;
            *n = i;
        }
    }
    return found;
}

static int index_room(struct piece_index *x, int n)
{
    uint32_t slots = 4;
    while (slots / 4 * 3 < (uint32_t)n + 1)
        slots *= 2;
    x->mask = slots - 1;
    x->slots = malloc(slots * sizeof *x->slots);
    if (x->slots)
        memset(x->slots, 0xff, slots * sizeof *x->slots);
    return x->slots ? 0 : -1;
}

/* Of equal pieces the last one counts, as in llama.cpp. */
static void index_add(const struct tokenizer *t, struct piece_index *x, int id)
{
    const char *p = t->text + t->at[id];
    uint32_t n = t->at[id + 1] - t->at[id];
    x->slots[slot_of(t, x, p, n, hash(p, n))] = id;
    if (n > x->longest)
        x->longest = n;
}

/* -- the pieces ------------------------------------------------------------------------------------------------------- */

/* Old converters call every added token user-defined, control tokens too; those look like <|this|>. */
static int looks_control(const char *p, size_t n)
{
    return n > 4 && !memcmp(p, "<|", 2) && !memcmp(p + n - 2, "|>", 2);
}

enum token_type vocabulary_type(const struct tokenizer *t, int id)
{
    enum token_type type = t->types ? (enum token_type)load_u32(t->types, id) : TOKEN_NORMAL;
    if (type == TOKEN_USER_DEFINED && looks_control(t->text + t->at[id], t->at[id + 1] - t->at[id]))
        type = TOKEN_CONTROL;
    return type;
}

/* The value of "<0x4F>", or -1. */
static int byte_value(struct gguf_str s)
{
    static const char digits[] = "0123456789ABCDEF";
    if (s.n != 6 || memcmp(s.p, "<0x", 3) || s.p[5] != '>')
        return -1;
    const char *high = memchr(digits, s.p[3], 16), *low = memchr(digits, s.p[4], 16);
    return high && low ? (int)(high - digits) * 16 + (int)(low - digits) : -1;
}

static int is_special(enum token_type type)
{
    return type == TOKEN_CONTROL || type == TOKEN_USER_DEFINED;
}

/* Writes piece id to where the next one belongs; returns the index it goes into, or NULL. */
static struct piece_index *add_piece(struct tokenizer *t, int id, struct gguf_str piece)
{
    enum token_type type = t->types ? (enum token_type)load_u32(t->types, id) : TOKEN_NORMAL;
    char *to = t->text + t->at[id];
    int value = type == TOKEN_BYTE || !t->types ? byte_value(piece) : -1;
    size_t n = piece.n;
    if (value >= 0) {
        t->byte[value] = id;
        *to = (char)value;
        n = 1;
    } else if (type == TOKEN_CONTROL || (type == TOKEN_USER_DEFINED && looks_control(piece.p, piece.n))) {
        memcpy(to, piece.p, n);
    } else {
        n = t->kind->write_piece(to, piece.p, piece.n, type);
    }
    t->at[id + 1] = t->at[id] + (uint32_t)n;
    if (!n || value >= 0 || type == TOKEN_UNKNOWN || type == TOKEN_BYTE)
        return NULL;
    return is_special(type) ? &t->special : &t->plain;
}

static int index_pieces(struct tokenizer *t, const struct gguf_kv *tokens, struct err *e)
{
    t->at = malloc(((size_t)t->n + 1) * sizeof *t->at);
    t->text = malloc(tokens->bytes); /* enough: what a piece stands for is no longer than the piece and its length field */
    uint8_t *goes = calloc((size_t)t->n, 1); /* 1: plain, 2: special */
    int rc = -1;
    if (!t->at || !t->text || !goes)
        goto out;
    memset(t->byte, 0xff, sizeof t->byte);
    t->at[0] = 0;
    const uint8_t *at = tokens->data;
    for (int id = 0; id < t->n; id++) {
        struct piece_index *x = add_piece(t, id, gguf_next_string(&at));
        goes[id] = !x ? 0 : x == &t->plain ? 1 : 2;
        if (x)
            x->n++;
    }
    if (index_room(&t->plain, t->plain.n) || index_room(&t->special, t->special.n))
        goto out;
    rc = 0;
    for (int id = 0; id < t->n && !rc; id++) {
        uint32_t n = t->at[id + 1] - t->at[id];
        if (goes[id] == 2 && n > SPECIAL_MAX)
            rc = err_set(e, ERR_ENV,
                         "key \"" KEY_TOKENS "\": element %d, user-defined or control, has %u bytes, more than the %d supported",
                         id, n, SPECIAL_MAX);
        else if (goes[id] == 2)
            t->special_first[(uint8_t)t->text[t->at[id]]] = 1;
        if (goes[id] && !rc)
            index_add(t, goes[id] == 1 ? &t->plain : &t->special, id);
    }
    char *smaller = realloc(t->text, t->at[t->n] ? t->at[t->n] : 1);
    if (smaller)
        t->text = smaller;
    free(goes);
    return rc;
out:
    free(goes);
    return err_set(e, ERR_ENV, "tokenizer: out of memory for %d pieces", t->n);
}

/* -- the file --------------------------------------------------------------------------------------------------------- */

int vocabulary_array(const struct gguf *g, const char *key, uint64_t count, const struct gguf_kv **out, struct err *e)
{
    const struct gguf_kv *kv = *out = gguf_find(g, key);
    if (kv && kv->kind != GGUF_ARRAY)
        return err_set(e, ERR_ENV, "key \"%s\" is of kind %s, but must be an array; convert the model again", key,
                       gguf_kind_name(kv->kind));
    if (kv && count && kv->count != count)
        return err_set(e, ERR_ENV, "key \"%s\" has %llu elements, but \"" KEY_TOKENS "\" has %llu; convert the model again", key,
                       (unsigned long long)kv->count, (unsigned long long)count);
    return 0;
}

int vocabulary_elements(const char *key, const char *wanted, struct err *e)
{
    return err_set(e, ERR_ENV, "key \"%s\" is missing or its elements are not %s; convert the model again", key, wanted);
}

/* 2^32 - 1 is how converters write "none". */
int vocabulary_id(const struct tokenizer *t, const struct gguf *g, const char *key, int otherwise, int *id, struct err *e)
{
    int64_t v;
    if (gguf_int(g, key, -1, UINT32_MAX, otherwise < t->n ? otherwise : -1, &v, e))
        return -1;
    if (v == UINT32_MAX)
        v = -1;
    if (v >= t->n)
        return err_set(e, ERR_ENV, "key \"%s\" is %lld, but the vocabulary has %d pieces; convert the model again", key,
                       (long long)v, t->n);
    *id = (int)v;
    return 0;
}

int vocabulary_open(struct tokenizer *t, const struct gguf *g, struct err *e)
{
    const struct gguf_kv *tokens, *types;
    if (vocabulary_array(g, KEY_TOKENS, 0, &tokens, e))
        return -1;
    if (!tokens || tokens->element != GGUF_STRING)
        return vocabulary_elements(KEY_TOKENS, "strings", e);
    uint64_t n = tokens->count;
    if (n < 1 || n > PIECES_MAX || tokens->bytes > UINT32_MAX)
        return err_set(e, ERR_ENV,
                       "key \"" KEY_TOKENS "\" has %llu elements of %llu bytes, but must have 1 to %d of 4 GiB at most",
                       (unsigned long long)n, (unsigned long long)tokens->bytes, PIECES_MAX);
    t->n = (int)n;
    if (vocabulary_array(g, KEY_TYPES, n, &types, e))
        return -1;
    if (types && types->element != GGUF_I32 && types->element != GGUF_U32)
        return vocabulary_elements(KEY_TYPES, "i32", e);
    t->types = types ? types->data : NULL;
    for (int i = 0; t->types && i < t->n; i++)
        if (load_u32(t->types, i) >= TOKEN_TYPES)
            return err_set(e, ERR_ENV, "key \"" KEY_TYPES "\": element %d is %u, but must be 0 to %d; convert the model again", i,
                           load_u32(t->types, i), TOKEN_TYPES - 1);
    return index_pieces(t, tokens, e);
}

void vocabulary_close(struct tokenizer *t)
{
    free(t->plain.slots);
    free(t->special.slots);
    free(t->at);
    free(t->text);
}

int vocabulary_add_bytes(const struct tokenizer *t, const char *p, size_t n, struct ids *out, struct err *e)
{
    for (size_t i = 0; i < n; i++) {
        int id = t->byte[(uint8_t)p[i]];
        if (id < 0)
            id = t->unk;
        if (id < 0)
            return err_set(e, ERR_ENV,
                           "tokenizer: byte 0x%02x of the text has no token, and the vocabulary has no unknown token that could "
                           "stand for it; remove the character from the text",
                           (uint8_t)p[i]);
        if (ids_add(out, id, e))
            return -1;
    }
    return 0;
}
