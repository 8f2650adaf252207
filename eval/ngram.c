/* SPDX-License-Identifier: MIT */
#include "eval/ngram.h"

#include <stdlib.h>
#include <string.h>

static void *must(void *p)
{
    if (!p)
        abort();
    return p;
}

void wordlist_add(struct wordlist *w, const char *p, size_t n)
{
    if (w->n == w->cap) {
        w->cap = w->cap ? 2 * w->cap : 64;
        w->v = must(realloc(w->v, w->cap * sizeof *w->v));
    }
    w->v[w->n++] = (struct wordlist_word){p, n};
}

void wordlist_end(struct wordlist *w)
{
    wordlist_add(w, "", 0);
}

void wordlist_free(struct wordlist *w)
{
    free(w->v);
    *w = (struct wordlist){0};
}

/* By their bytes; the ends of texts come first. */
static int compare_words(const void *pa, const void *pb)
{
    const struct wordlist_word *a = *(const struct wordlist_word *const *)pa, *b = *(const struct wordlist_word *const *)pb;
    int d = memcmp(a->p, b->p, a->n < b->n ? a->n : b->n);
    return d ? d : (a->n > b->n) - (a->n < b->n);
}

/* Equal words get equal numbers, the end of a text 0. */
static uint32_t *number(const struct wordlist *w)
{
    const struct wordlist_word **sorted = must(malloc(w->n * sizeof *sorted));
    uint32_t *symbols = must(malloc(w->n * sizeof *symbols));
    for (size_t i = 0; i < w->n; i++)
        sorted[i] = &w->v[i];
    qsort(sorted, w->n, sizeof *sorted, compare_words);
    uint32_t last = 0;
    for (size_t i = 0; i < w->n; i++) {
        last += i && compare_words(&sorted[i - 1], &sorted[i]);
        symbols[sorted[i] - w->v] = last;
    }
    free(sorted);
    return symbols;
}

/* The first `order` symbols; a text's end is smaller than any word and nothing is read behind it. */
static int compare(const uint32_t *a, const uint32_t *b, int order)
{
    for (int i = 0; i < order; i++) {
        if (a[i] != b[i])
            return a[i] < b[i] ? -1 : 1;
        if (!a[i])
            break;
    }
    return 0;
}

static int compare_places(const void *a, const void *b)
{
    return compare(*(const uint32_t *const *)a, *(const uint32_t *const *)b, NGRAM_MAX);
}

struct ngrams *ngrams_make(const struct wordlist *w)
{
    size_t texts = 0;
    for (size_t k = 0; k < w->n; k++)
        texts += !w->v[k].n;
    if (!texts)
        return NULL;
    struct ngrams *all = must(calloc(texts, sizeof *all));
    uint32_t *symbols = number(w);
    const uint32_t **at = must(malloc(w->n * sizeof *at));
    all[0].symbols = symbols;
    size_t i = 0;
    for (struct ngrams *text = all; text < all + texts; text++, i++) {
        text->at = at + i;
        for (; symbols[i]; i++)
            text->at[text->n++] = symbols + i;
        qsort(text->at, text->n, sizeof *at, compare_places);
    }
    return all;
}

void ngrams_free(struct ngrams *texts)
{
    if (!texts)
        return;
    free(texts[0].symbols);
    free(texts[0].at);
    free(texts);
}

size_t ngrams_count(const struct ngrams *text, int order)
{
    return text->n >= (size_t)order ? text->n - (size_t)order + 1 : 0;
}

/* Whether the text does not end before the n-gram does. */
static int is_whole(const uint32_t *ngram, int order)
{
    int n = 0;
    while (n < order && ngram[n])
        n++;
    return n == order;
}

/* How often the text has the n-gram; asked for in ascending order. */
static size_t occurrences(struct ngrams *text, const uint32_t *ngram, int order)
{
    size_t n = 0;
    for (; text->cursor < text->n; text->cursor++) {
        int d = compare(text->at[text->cursor], ngram, order);
        if (d > 0)
            break;
        n += d == 0;
    }
    return n;
}

size_t ngrams_matches(const struct ngrams *answer, struct ngrams *references, size_t n_references, int order)
{
    size_t matches = 0;
    for (size_t r = 0; r < n_references; r++)
        references[r].cursor = 0;
    for (size_t i = 0, next; i < answer->n; i = next) {
        const uint32_t *ngram = answer->at[i];
        for (next = i + 1; next < answer->n && !compare(answer->at[next], ngram, order); next++)
            ;
        if (!is_whole(ngram, order))
            continue;
        size_t allowed = 0;
        for (size_t r = 0; r < n_references; r++) {
            size_t n = occurrences(&references[r], ngram, order);
            allowed = n > allowed ? n : allowed;
        }
        matches += next - i < allowed ? next - i : allowed;
    }
    return matches;
}
