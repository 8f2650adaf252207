/* tokenizer_spm.c - SentencePiece's byte-pair merging, guided by scores (Kudo and Richardson 2018).
 *
 * A word's symbols are its characters; two neighbours that form a piece cost minus its score.  A character without a piece becomes
 * its byte tokens.  SentencePiece writes a space as U+2581, and a U+2581 of the input means a space too.  Like llama.cpp, what
 * follows the beginning or a special token gets a space in front if the model wants one. */
/* SPDX-License-Identifier: MIT */
#include <math.h>
#include <string.h>

#include "engine/merge.h"
#include "engine/utf8.h"
#include "engine/vocabulary.h"

struct spm {
    const uint8_t *scores; /* [n] f32, unaligned, in the map */
    int by_word;           /* no piece has a space behind another character: words can be merged one by one */
    int space_prefix;
};

/* Copies with U+2581 turned into the space that it stands for; returns the bytes written, at most n.  to may be p. */
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

static size_t write_piece(char *to, const char *p, size_t n, enum token_type type)
{
    (void)type;
    return write_spaces(to, p, n);
}

static float score(const struct spm *s, int id)
{
    float v;
    memcpy(&v, s->scores + (size_t)id * sizeof v, sizeof v);
    return v;
}

static int open_spm(struct tokenizer *t, const struct gguf *g, struct err *e)
{
    struct spm *s = t->own;
    const struct gguf_kv *scores;
    if (vocabulary_array(g, KEY_SCORES, (uint64_t)t->n, &scores, e))
        return -1;
    if (!scores || scores->element != GGUF_F32)
        return vocabulary_elements(KEY_SCORES, "f32", e);
    s->scores = scores->data;
    s->by_word = 1;
    for (int id = 0; id < t->n; id++) {
        const char *p = t->text + t->at[id];
        enum token_type type = vocabulary_type(t, id);
        if (isnan(score(s, id)))
            return err_set(e, ERR_ENV, "key \"" KEY_SCORES "\": element %d is not a number; convert the model again", id);
        for (uint32_t i = 1; type != TOKEN_CONTROL && type != TOKEN_UNKNOWN && i < t->at[id + 1] - t->at[id]; i++)
            if (p[i] == ' ' && p[i - 1] != ' ')
                s->by_word = 0;
    }
    return gguf_bool(g, "tokenizer.ggml.add_space_prefix", 1, &s->space_prefix, e);
}

static int pair(const void *ctx, const char *word, const struct merge_symbol *left, const struct merge_symbol *right,
                double *cost)
{
    const struct tokenizer *t = ctx;
    int id = vocabulary_find(t, word + left->at, left->n + right->n);
    if (id >= 0)
        *cost = -(double)score(t->own, id);
    return id;
}

static int emit(const struct tokenizer *t, const char *word, const struct merge_symbol *s, struct ids *out, struct err *e)
{
    const char *p = word + s->at;
    if (s->id >= 0)
        return ids_add(out, s->id, e);
    if (s->n == 1 && *p == ' ')
        return vocabulary_add_bytes(t, SPACE_SYMBOL, strlen(SPACE_SYMBOL), out, e);
    return vocabulary_add_bytes(t, p, s->n, out, e);
}

static int encode_word(struct merger *m, const char *word, size_t n, struct ids *out, struct err *e)
{
    const struct tokenizer *t = m->ctx;
    int count = 0;
    if (merge_room(m, n, e))
        return -1;
    for (size_t at = 0; at < n; count++) {
        int len = utf8_length(word + at, n - at);
        if (!len)
            len = 1; /* not UTF-8: byte by byte */
        m->symbol[count] =
            (struct merge_symbol){.at = (uint32_t)at, .n = (uint32_t)len, .id = vocabulary_find(t, word + at, (size_t)len)};
        at += (size_t)len;
    }
    if (merge_word(m, word, count, e))
        return -1;
    for (int i = 0; i >= 0; i = m->symbol[i].next)
        if (emit(t, word, &m->symbol[i], out, e))
            return -1;
    return 0;
}

/* Spaces and what follows them.  No piece reaches across the end of a word, so each can be merged by itself. */
static size_t word_length(const char *p, size_t n)
{
    size_t i = 0;
    while (i < n && p[i] == ' ')
        i++;
    while (i < n && p[i] != ' ')
        i++;
    return i;
}

static int encode_spm(const struct tokenizer *t, char *text, size_t n, struct ids *out, struct err *e)
{
    const struct spm *s = t->own;
    struct merger m = {.pair = pair, .ctx = t};
    int rc = 0;
    n = write_spaces(text, text, n);
    if (n && s->space_prefix) {
        *--text = ' '; /* what stood there has been dealt with */
        n++;
    }
    while (n && !rc) {
        size_t len = s->by_word ? word_length(text, n) : n;
        rc = encode_word(&m, text, len, out, e);
        text += len;
        n -= len;
    }
    merge_close(&m);
    return rc;
}

const struct tokenizer_kind tokenizer_spm = {
    .name = "llama",
    .about = "SentencePiece with scores",
    .size = sizeof(struct spm),
    /* SentencePiece's own: <unk> 0, <s> 1, </s> 2. */
    .bos = 1,
    .eos = 2,
    .unk = 0,
    .add_bos = 1,
    .write_piece = write_piece,
    .open = open_spm,
    .encode = encode_spm,
};
