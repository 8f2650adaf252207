/* SPDX-License-Identifier: MIT */
#include "eval/tokens.h"

#include <stdlib.h>
#include <string.h>

#include "eval/unicode.h"

/* Bytes of the white space at p; 0 when there is none. */
static size_t space_at(const char *p)
{
    uint32_t c;
    size_t n = *p ? (size_t)unicode_next(p, &c) : 0;
    return n && unicode_is_space(c) ? n : 0;
}

const char *tokens_trim(const char *s, size_t *n)
{
    size_t bytes, end = 0;
    const char *first = unicode_word(s, &bytes);
    for (const char *word = first; word; word = unicode_word(word + bytes, &bytes))
        end = (size_t)(word - first) + bytes;
    *n = end;
    return first ? first : s;
}

/* Upper case from `first` to `last` in steps; lower case is `add` more.  UnicodeData.txt, field 13. */
static const struct {
    uint32_t first, last, step;
    int32_t add;
} upper[] = {
    // clang-format off
    {'A', 'Z', 1, 32},
    /* Latin */
    {0x00C0, 0x00D6, 1, 32}, {0x00D8, 0x00DE, 1, 32}, {0x0100, 0x012E, 2, 1}, {0x0132, 0x0136, 2, 1},
    {0x0139, 0x0147, 2, 1}, {0x014A, 0x0176, 2, 1}, {0x0178, 0x0178, 1, -121}, {0x0179, 0x017D, 2, 1},
    {0x018F, 0x018F, 1, 202}, {0x01A0, 0x01A4, 2, 1}, {0x01AF, 0x01AF, 1, 1}, {0x01CD, 0x01DB, 2, 1},
    {0x01DE, 0x01EE, 2, 1}, {0x01F8, 0x021E, 2, 1}, {0x0222, 0x0232, 2, 1},
    /* Greek */
    {0x0386, 0x0386, 1, 38}, {0x0388, 0x038A, 1, 37}, {0x038C, 0x038C, 1, 64}, {0x038E, 0x038F, 1, 63},
    {0x0391, 0x03A1, 1, 32}, {0x03A3, 0x03AB, 1, 32},
    /* Cyrillic */
    {0x0400, 0x040F, 1, 80}, {0x0410, 0x042F, 1, 32}, {0x0460, 0x0480, 2, 1}, {0x048A, 0x04BE, 2, 1},
    {0x04C0, 0x04C0, 1, 15}, {0x04C1, 0x04CD, 2, 1}, {0x04D0, 0x052E, 2, 1},
    /* Latin again */
    {0x1E00, 0x1E94, 2, 1}, {0x1E9E, 0x1E9E, 1, -7615}, {0x1EA0, 0x1EFE, 2, 1},
    /* Kelvin, a k; Angstrom */
    {0x212A, 0x212A, 1, -8383}, {0x212B, 0x212B, 1, -8262},
    // clang-format on
};

static uint32_t lower(uint32_t c)
{
    for (size_t i = 0; i < sizeof upper / sizeof *upper; i++)
        if (c >= upper[i].first && c <= upper[i].last && (c - upper[i].first) % upper[i].step == 0)
            return c + (uint32_t)upper[i].add;
    return c;
}

void tokens_lower(struct text *t, const char *s)
{
    text_add(t, "", 0); /* an empty text, not none */
    while (*s) {
        uint32_t c;
        size_t n = (size_t)unicode_next(s, &c);
        uint32_t l = lower(c);
        if (c == 0x130) /* the one letter whose lower case is two characters: i and a dot above */
            text_add(t, "i\xCC\x87", 3);
        else if (l == c)
            text_add(t, s, n);
        else if (l < 0x80)
            text_add(t, &(char){(char)l}, 1);
        else if (l < 0x800)
            text_add(t, (char[]){(char)(0xC0 | l >> 6), (char)(0x80 | (l & 0x3F))}, 2);
        else
            text_add(t, (char[]){(char)(0xE0 | l >> 12), (char)(0x80 | (l >> 6 & 0x3F)), (char)(0x80 | (l & 0x3F))}, 3);
        s += n;
    }
}

struct tokens tokens_cut(struct text *t)
{
    text_add(t, "", 0);
    /* A word is at least one byte and the separator before the next. */
    struct tokens w = {.text = t->p, .v = malloc((t->n / 2 + 1) * sizeof *w.v)};
    if (!w.v)
        abort();
    uint32_t line = 0;
    int inside = 0;
    for (char *p = w.text; *p;) {
        size_t space = space_at(p);
        if (!space) {
            if (!inside)
                w.v[w.n++] = (struct token){.p = p, .line = line};
            p++;
        } else {
            line += *p == '\n';
            *p = '\0';
            p += space;
        }
        inside = !space;
    }
    *t = (struct text){0};
    return w;
}

void tokens_free(struct tokens *w)
{
    free(w->text);
    free(w->v);
    *w = (struct tokens){0};
}

static int by_spelling(const void *a, const void *b)
{
    return strcmp((*(struct token *const *)a)->p, (*(struct token *const *)b)->p);
}

void tokens_number(struct tokens *a, struct tokens *b)
{
    size_t n = a->n + b->n;
    struct token **all = malloc((n + 1) * sizeof(struct token *));
    if (!all)
        abort();
    for (size_t i = 0; i < n; i++)
        all[i] = i < a->n ? &a->v[i] : &b->v[i - a->n];
    qsort(all, n, sizeof *all, by_spelling);
    for (size_t i = 0; i < n; i++)
        all[i]->id = i == 0 ? 0 : all[i - 1]->id + !!strcmp(all[i]->p, all[i - 1]->p);
    free(all);
}

static int by_number(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return (x > y) - (x < y);
}

/* Sorted numbers of the n-grams of w; *count is how many. */
static uint64_t *grams(const struct tokens *w, int n, size_t *count)
{
    size_t more = (size_t)n - 1;
    *count = w->n > more ? w->n - more : 0;
    uint64_t *g = malloc((*count + 1) * sizeof *g);
    if (!g)
        abort();
    for (size_t i = 0; i < *count; i++)
        g[i] = (uint64_t)w->v[i].id << 32 | w->v[i + more].id;
    qsort(g, *count, sizeof *g, by_number);
    return g;
}

size_t tokens_common(const struct tokens *a, const struct tokens *b, int n)
{
    size_t na, nb, common = 0;
    uint64_t *ga = grams(a, n, &na), *gb = grams(b, n, &nb);
    for (size_t i = 0, j = 0; i < na && j < nb;) {
        uint64_t x = ga[i], y = gb[j];
        common += x == y;
        i += x <= y;
        j += y <= x;
    }
    free(ga);
    free(gb);
    return common;
}
