/* tokenizer_spm.c - SentencePiece's byte-pair merging, guided by scores (Kudo and Richardson 2018; Sennrich 2016).
 *
 * The text begins as a list of its characters.  Again and again, the two neighbours that form the piece with the highest score
 * are merged (the leftmost of equals), until no two neighbours form a piece.  A heap of candidates makes that n log n.
 * User-defined pieces are cut out first, the longest at the leftmost place; control, unknown and byte tokens never come from
 * text.  Like llama.cpp, what follows the beginning or a user-defined piece gets a space in front if the model wants one. */
/* SPDX-License-Identifier: MIT */
#include <stdlib.h>
#include <string.h>

#include "engine/utf8.h"
#include "engine/vocabulary.h"

struct symbol {
    int prev, next; /* neighbours, -1 at the ends */
    uint32_t at, n; /* in the word; n == 0: merged into another */
};

struct pair {
    float score;
    int left, right;
    uint32_t n; /* bytes of both when the pair was seen: another sum now means that one has changed since */
};

struct merger {
    const struct tokenizer *t;
    const char *word;
    struct symbol *symbol;
    struct pair *heap;
    size_t symbols_cap, n_heap, heap_cap;
    struct ids *out;
    struct err *e;
};

/* The array with room for n > 0 elements of `size` bytes; NULL when memory is out, then the old one is still there. */
static void *grow(void *array, size_t *cap, size_t n, size_t size, struct err *e)
{
    if (n <= *cap)
        return array;
    size_t more = *cap * 2 > n ? *cap * 2 : n + 64;
    void *p = realloc(array, more * size);
    if (p)
        *cap = more;
    else
        err_set(e, ERR_ENV, "tokenizer: out of memory (%zu bytes); give it the text in smaller parts", more * size);
    return p;
}

int ids_add(struct ids *l, int id, struct err *e)
{
    int *v = grow(l->v, &l->cap, l->n + 1, sizeof *v, e);
    if (!v)
        return -1;
    l->v = v;
    v[l->n++] = id;
    return 0;
}

static int before(const struct pair *a, const struct pair *b)
{
    return a->score > b->score || (a->score == b->score && a->left < b->left);
}

static void swap(struct pair *a, struct pair *b)
{
    struct pair c = *a;
    *a = *b;
    *b = c;
}

static int push(struct merger *m, struct pair p)
{
    struct pair *heap = grow(m->heap, &m->heap_cap, m->n_heap + 1, sizeof p, m->e);
    if (!heap)
        return -1;
    m->heap = heap;
    size_t i = m->n_heap++;
    for (heap[i] = p; i && before(&heap[i], &heap[(i - 1) / 2]); i = (i - 1) / 2)
        swap(&heap[i], &heap[(i - 1) / 2]);
    return 0;
}

static struct pair pop(struct merger *m)
{
    struct pair top = m->heap[0];
    m->heap[0] = m->heap[--m->n_heap];
    for (size_t i = 0, child; (child = 2 * i + 1) < m->n_heap; i = child) {
        if (child + 1 < m->n_heap && before(&m->heap[child + 1], &m->heap[child]))
            child++;
        if (!before(&m->heap[child], &m->heap[i]))
            break;
        swap(&m->heap[child], &m->heap[i]);
    }
    return top;
}

/* Left and right become a candidate if together they are a piece. */
static int consider(struct merger *m, int left, int right)
{
    if (left < 0 || right < 0)
        return 0;
    uint32_t n = m->symbol[left].n + m->symbol[right].n;
    int id = vocabulary_find(m->t, m->word + m->symbol[left].at, n);
    if (id < 0)
        return 0;
    return push(m, (struct pair){.score = vocabulary_score(m->t, id), .left = left, .right = right, .n = n});
}

static int merge_all(struct merger *m)
{
    while (m->n_heap) {
        struct pair p = pop(m);
        struct symbol *left = &m->symbol[p.left], *right = &m->symbol[p.right];
        if (!left->n || !right->n || left->n + right->n != p.n)
            continue;
        left->n = p.n;
        right->n = 0;
        left->next = right->next;
        if (right->next >= 0)
            m->symbol[right->next].prev = p.left;
        if (consider(m, left->prev, p.left) || consider(m, p.left, left->next))
            return -1;
    }
    return 0;
}

/* A character without a piece: one token a byte. */
static int emit_bytes(struct merger *m, const char *p, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        int id = m->t->byte[(uint8_t)p[i]];
        if (id < 0)
            id = m->t->unk;
        if (id < 0)
            return err_set(m->e, ERR_ENV,
                           "tokenizer: byte 0x%02x of the text has no token, and the vocabulary has no unknown token "
                           "(key \"tokenizer.ggml.unknown_token_id\"); remove the character from the text",
                           (uint8_t)p[i]);
        if (ids_add(m->out, id, m->e))
            return -1;
    }
    return 0;
}

static int emit(struct merger *m, const struct symbol *s)
{
    const char *p = m->word + s->at;
    int id = vocabulary_find(m->t, p, s->n);
    if (id >= 0)
        return ids_add(m->out, id, m->e);
    return s->n == 1 && *p == ' ' ? emit_bytes(m, SPACE_SYMBOL, strlen(SPACE_SYMBOL)) : emit_bytes(m, p, s->n);
}

static int encode_word(struct merger *m, const char *word, size_t n)
{
    struct symbol *symbol = grow(m->symbol, &m->symbols_cap, n, sizeof *symbol, m->e);
    if (!symbol)
        return -1;
    m->symbol = symbol;
    m->word = word;
    int count = 0;
    for (size_t at = 0; at < n; count++) {
        int len = utf8_length(word + at, n - at);
        if (!len)
            len = 1; /* not UTF-8: byte by byte */
        symbol[count] = (struct symbol){.prev = count - 1, .next = count + 1, .at = (uint32_t)at, .n = (uint32_t)len};
        at += (size_t)len;
    }
    symbol[count - 1].next = -1;
    for (int i = 1; i < count; i++)
        if (consider(m, i - 1, i))
            return -1;
    if (merge_all(m))
        return -1;
    for (int i = 0; i >= 0; i = symbol[i].next)
        if (emit(m, &symbol[i]))
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

/* Text between user-defined pieces.  The byte in front of it has been dealt with: it is where the space goes. */
static int encode_stretch(struct merger *m, char *p, size_t n)
{
    if (n && m->t->space_prefix) {
        *--p = ' ';
        n++;
    }
    while (n) {
        size_t len = m->t->by_word ? word_length(p, n) : n;
        if (encode_word(m, p, len))
            return -1;
        p += len;
        n -= len;
    }
    return 0;
}

/* The longest user-defined piece that the text begins with, -1 when there is none; *n: its bytes. */
static int user_piece(const struct tokenizer *t, const char *p, size_t left, size_t *n)
{
    int found = -1;
    if (!t->user_first[(uint8_t)*p])
        return -1;
    uint32_t h = HASH_START;
    for (size_t i = 0; i < left && i < t->longest_user; i++) {
        h = hash_byte(h, p[i]);
        int id = vocabulary_find_hashed(t, p, i + 1, h);
        if (id >= 0 && vocabulary_type(t, id) == TOKEN_USER_DEFINED) {
            found = id;
            *n = i + 1;
        }
    }
    return found;
}

int spm_encode(const struct tokenizer *t, char *text, size_t n, struct ids *out, struct err *e)
{
    struct merger m = {.t = t, .out = out, .e = e};
    size_t from = 0, at = 0, len = 0;
    int failed = 0;
    while (at < n && !failed) {
        int id = user_piece(t, text + at, n - at, &len);
        if (id < 0) {
            at++;
            continue;
        }
        failed = encode_stretch(&m, text + from, at - from) || ids_add(out, id, e);
        from = at += len;
    }
    if (!failed)
        failed = encode_stretch(&m, text + from, n - from);
    free(m.symbol);
    free(m.heap);
    return failed ? -1 : 0;
}
