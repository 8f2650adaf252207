/* tokenizer.c - the vocabulary of a GGUF file, indexed; the merging itself is in tokenizer_spm.c. */
/* SPDX-License-Identifier: MIT */
#include "engine/tokenizer.h"

#include <limits.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "engine/vocabulary.h"

#define KEY_MODEL "tokenizer.ggml.model"
#define KEY_TOKENS "tokenizer.ggml.tokens"
#define KEY_SCORES "tokenizer.ggml.scores"
#define KEY_TYPES "tokenizer.ggml.token_type"

enum {
    PIECES_MAX = 1 << 24,
    USER_PIECE_MAX = 1024, /* bytes; every place of a text is compared with them */
};

#define UNKNOWN_TEXT "\xef\xbf\xbd" /* U+FFFD, what Unicode writes for a character that could not be represented */

static uint32_t load_u32(const uint8_t *p, int i)
{
    uint32_t v;
    memcpy(&v, p + (size_t)i * sizeof v, sizeof v);
    return v;
}

enum token_type vocabulary_type(const struct tokenizer *t, int id)
{
    return t->types ? (enum token_type)load_u32(t->types, id) : TOKEN_NORMAL;
}

float vocabulary_score(const struct tokenizer *t, int id)
{
    float v;
    memcpy(&v, t->scores + (size_t)id * sizeof v, sizeof v);
    return v;
}

/* The slot that holds the piece, or the free one where it belongs: there is always a free one. */
static uint32_t slot_of(const struct tokenizer *t, const char *p, size_t n, uint32_t h)
{
    uint32_t s = (h ^ h >> 15) & t->mask;
    for (; t->slots[s] >= 0; s = (s + 1) & t->mask) {
        const uint32_t *at = t->at + t->slots[s];
        if (at[1] - at[0] == n && !memcmp(t->text + at[0], p, n))
            break;
    }
    return s;
}

int vocabulary_find_hashed(const struct tokenizer *t, const char *p, size_t n, uint32_t h)
{
    return t->slots[slot_of(t, p, n, h)];
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
    return n <= t->longest ? vocabulary_find_hashed(t, p, n, hash(p, n)) : -1;
}

/* Copies with U+2581 turned into the space that it stands for; returns the bytes written, at most n. */
static size_t write_spaces(char *to, const char *p, size_t n)
{
    size_t out = 0;
    for (size_t i = 0; i < n;) {
        if (n - i >= 3 && !memcmp(p + i, SPACE_SYMBOL, 3)) {
            to[out++] = ' ';
            i += 3;
        } else {
            to[out++] = p[i++];
        }
    }
    return out;
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

static int find_array(const struct gguf *g, const char *key, uint64_t count, const struct gguf_kv **out, struct err *e)
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

static int wrong_elements(const char *key, const char *wanted, struct err *e)
{
    return err_set(e, ERR_ENV, "key \"%s\" is missing or its elements are not %s; convert the model again", key, wanted);
}

/* Finds and checks the three arrays; *tokens is the one of the pieces. */
static int open_arrays(struct tokenizer *t, const struct gguf *g, const struct gguf_kv **tokens, struct err *e)
{
    const struct gguf_kv *scores, *types;
    if (find_array(g, KEY_TOKENS, 0, tokens, e))
        return -1;
    if (!*tokens || (*tokens)->element != GGUF_STRING)
        return wrong_elements(KEY_TOKENS, "strings", e);
    uint64_t n = (*tokens)->count;
    if (n < 1 || n > PIECES_MAX || (*tokens)->bytes > UINT32_MAX)
        return err_set(e, ERR_ENV,
                       "key \"" KEY_TOKENS "\" has %llu elements of %llu bytes, but must have 1 to %d of 4 GiB at most",
                       (unsigned long long)n, (unsigned long long)(*tokens)->bytes, PIECES_MAX);
    t->n = (int)n;
    if (find_array(g, KEY_SCORES, n, &scores, e) || find_array(g, KEY_TYPES, n, &types, e))
        return -1;
    if (!scores || scores->element != GGUF_F32)
        return wrong_elements(KEY_SCORES, "f32", e);
    t->scores = scores->data;
    if (types && types->element != GGUF_I32 && types->element != GGUF_U32)
        return wrong_elements(KEY_TYPES, "i32", e);
    t->types = types ? types->data : NULL;
    for (int i = 0; i < t->n; i++) {
        if (isnan(vocabulary_score(t, i)))
            return err_set(e, ERR_ENV, "key \"" KEY_SCORES "\": element %d is not a number; convert the model again", i);
        if (t->types && load_u32(t->types, i) >= TOKEN_TYPES)
            return err_set(e, ERR_ENV, "key \"" KEY_TYPES "\": element %d is %u, but must be 0 to %d; convert the model again", i,
                           load_u32(t->types, i), TOKEN_TYPES - 1);
    }
    return 0;
}

/* Writes the text of piece id to where the next one belongs; is it one that text can become? */
static int add_piece(struct tokenizer *t, int id, struct gguf_str piece)
{
    enum token_type type = vocabulary_type(t, id);
    char *to = t->text + t->at[id];
    size_t n = 0;
    int value = type == TOKEN_BYTE || !t->types ? byte_value(piece) : -1;
    if (value >= 0) {
        t->byte[value] = id;
        *to = (char)value;
        n = 1;
    } else if (type == TOKEN_UNKNOWN) {
        n = strlen(UNKNOWN_TEXT);
        memcpy(to, UNKNOWN_TEXT, n);
    } else if (type != TOKEN_CONTROL && type != TOKEN_UNKNOWN) {
        n = write_spaces(to, piece.p, piece.n);
    }
    t->at[id + 1] = t->at[id] + (uint32_t)n;
    return n > 0 && value < 0 && type != TOKEN_UNKNOWN && type != TOKEN_BYTE;
}

static int index_piece(struct tokenizer *t, int id, struct err *e)
{
    const char *p = t->text + t->at[id];
    uint32_t n = t->at[id + 1] - t->at[id];
    int user = vocabulary_type(t, id) == TOKEN_USER_DEFINED;
    if (user && n > USER_PIECE_MAX)
        return err_set(e, ERR_ENV, "key \"" KEY_TOKENS "\": element %d, user-defined, has %u bytes, more than the %d supported",
                       id, n, USER_PIECE_MAX);
    int32_t *slot = &t->slots[slot_of(t, p, n, hash(p, n))];
    /* Of equal pieces the last one counts, as in llama.cpp, but a user-defined one comes first. */
    if (*slot < 0 || user || vocabulary_type(t, *slot) != TOKEN_USER_DEFINED)
        *slot = id;
    if (n > t->longest)
        t->longest = n;
    if (user) {
        t->user_first[(uint8_t)*p] = 1;
        if (n > t->longest_user)
            t->longest_user = n;
    }
    for (uint32_t i = 1; i < n; i++)
        if (p[i] == ' ' && p[i - 1] != ' ')
            t->by_word = 0;
    return 0;
}

static int index_pieces(struct tokenizer *t, const struct gguf_kv *tokens, struct err *e)
{
    uint32_t slots = 4;
    while (slots / 4 * 3 < (uint32_t)t->n + 1)
        slots *= 2;
    t->mask = slots - 1;
    t->slots = malloc(slots * sizeof *t->slots);
    t->at = malloc(((size_t)t->n + 1) * sizeof *t->at);
    t->text = malloc(tokens->bytes); /* enough: what a piece stands for is no longer than the piece and its length field */
    if (!t->slots || !t->at || !t->text)
        return err_set(e, ERR_ENV, "tokenizer: out of memory for %d pieces", t->n);
    memset(t->slots, 0xff, slots * sizeof *t->slots);
    memset(t->byte, 0xff, sizeof t->byte);
    t->by_word = 1;
    t->at[0] = 0;
    const uint8_t *at = tokens->data;
    for (int id = 0; id < t->n; id++)
        if (add_piece(t, id, gguf_next_string(&at)) && index_piece(t, id, e))
            return -1;
    char *smaller = realloc(t->text, t->at[t->n] ? t->at[t->n] : 1);
    if (smaller)
        t->text = smaller;
    return 0;
}

/* The id that a key names; without the key, `otherwise` if there are so many pieces.  2^32 - 1 is how converters write "none". */
static int special_id(const struct tokenizer *t, const struct gguf *g, const char *key, int otherwise, int *id, struct err *e)
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

static int check_kind(const struct gguf *g, struct err *e)
{
    struct gguf_str model;
    char name[40];
    if (gguf_string(g, KEY_MODEL, &model, e))
        return -1;
    if (!model.p)
        return err_set(e, ERR_ENV,
                       "key \"" KEY_MODEL "\" is missing: the file has no vocabulary; convert the model with its tokenizer");
    if (model.n != 5 || memcmp(model.p, "llama", 5))
        return err_set(e, ERR_ENV,
                       "key \"" KEY_MODEL "\" is \"%s\": a vocabulary of that kind is not supported, only \"llama\" "
                       "(SentencePiece with scores) is; choose a model that has one",
                       gguf_printable(model, name, sizeof name));
    return 0;
}

int tokenizer_open(struct tokenizer **out, const struct gguf *g, struct err *e)
{
    const struct gguf_kv *tokens;
    *out = NULL;
    if (check_kind(g, e))
        return -1;
    struct tokenizer *t = calloc(1, sizeof *t);
    if (!t)
        return err_set(e, ERR_ENV, "tokenizer: out of memory");
    /* The ids without a key are SentencePiece's own: <unk> 0, <s> 1, </s> 2. */
    if (open_arrays(t, g, &tokens, e) || index_pieces(t, tokens, e) ||
        special_id(t, g, "tokenizer.ggml.unknown_token_id", 0, &t->unk, e) ||
        special_id(t, g, "tokenizer.ggml.bos_token_id", 1, &t->bos, e) ||
        special_id(t, g, "tokenizer.ggml.eos_token_id", 2, &t->eos, e) ||
        gguf_bool(g, "tokenizer.ggml.add_bos_token", 1, &t->add_bos, e) ||
        gguf_bool(g, "tokenizer.ggml.add_space_prefix", 1, &t->space_prefix, e)) {
        tokenizer_close(t);
        return -1;
    }
    *out = t;
    return 0;
}

void tokenizer_close(struct tokenizer *t)
{
    if (!t)
        return;
    free(t->slots);
    free(t->at);
    free(t->text);
    free(t);
}

int tokenizer_encode(const struct tokenizer *t, const char *text, size_t len, int bos, int **ids, int *n, struct err *e)
{
    struct ids out = {0};
    *ids = NULL;
    *n = 0;
    if (len > INT_MAX / 4) /* a byte becomes at most 3 ids */
        return err_set(e, ERR_ENV, "tokenizer: a text of %zu bytes is too long; give it in parts of at most %d", len,
                       INT_MAX / 4);
    char *copy = malloc(len + 1);
    int failed = 0;
    if (!copy)
        return err_set(e, ERR_ENV, "tokenizer: out of memory for a text of %zu bytes", len);
    if (bos && t->bos >= 0)
        failed = ids_add(&out, t->bos, e);
    if (!failed)
        failed = spm_encode(t, copy + 1, write_spaces(copy + 1, text, len), &out, e);
    free(copy);
    if (failed) {
        free(out.v);
        return -1;
    }
    *ids = out.v;
    *n = (int)out.n;
    return 0;
}

const char *tokenizer_piece(const struct tokenizer *t, int id, int *n)
{
    *n = 0;
    if (id < 0 || id >= t->n) /* some models have more rows in their head than pieces */
        return "";
    *n = (int)(t->at[id + 1] - t->at[id]);
    return t->text + t->at[id];
}

int tokenizer_size(const struct tokenizer *t)
{
    return t->n;
}

int tokenizer_bos(const struct tokenizer *t)
{
    return t->bos;
}

int tokenizer_eos(const struct tokenizer *t)
{
    return t->eos;
}

int tokenizer_add_bos(const struct tokenizer *t)
{
    return t->add_bos;
}

size_t tokenizer_bytes(const struct tokenizer *t)
{
    return sizeof *t + ((size_t)t->mask + 1) * sizeof *t->slots + ((size_t)t->n + 1) * sizeof *t->at + t->at[t->n];
}
