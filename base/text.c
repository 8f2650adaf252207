/* SPDX-License-Identifier: MIT */
#include "base/text.h"

#include <errno.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void reserve(struct text *t, size_t more)
{
    if (t->n + more + 1 <= t->cap)
        return;
    size_t cap = t->cap ? t->cap : 64;
    while (cap < t->n + more + 1)
        cap *= 2;
    t->p = realloc(t->p, cap);
    if (!t->p)
        abort();
    t->cap = cap;
}

void text_add(struct text *t, const char *bytes, size_t n)
{
    reserve(t, n);
    if (n)
        memcpy(t->p + t->n, bytes, n);
    t->n += n;
    t->p[t->n] = '\0';
}

void text_printf(struct text *t, const char *fmt, ...)
{
    char *piece;
    va_list ap;
    va_start(ap, fmt);
    int n = vasprintf(&piece, fmt, ap);
    va_end(ap);
    if (n < 0)
        abort();
    text_add(t, piece, (size_t)n);
    free(piece);
}

void text_free(struct text *t)
{
    free(t->p);
    *t = (struct text){0};
}

struct list list_split(const char *s)
{
    size_t len = strlen(s), parts = 1;
    for (const char *c = s; *c; c++)
        parts += *c == ',';
    /* The pointers and the characters share one block. */
    struct list l = {.v = malloc((parts + 1) * sizeof *l.v + len + 1)};
    if (!l.v)
        abort();
    char *copy = (char *)(l.v + parts + 1);
    memcpy(copy, s, len + 1);
    for (char *part = copy; part;) {
        char *comma = strchr(part, ',');
        if (comma)
            *comma = '\0';
        part += strspn(part, " \t\n");
        size_t n = strlen(part);
        while (n && strchr(" \t\n", part[n - 1]))
            part[--n] = '\0';
        if (n)
            l.v[l.n++] = part;
        part = comma ? comma + 1 : NULL;
    }
    l.v[l.n] = NULL;
    return l;
}

int text_int(const char *s, int64_t lo, int64_t hi, int64_t *out)
{
    char *end;
    errno = 0;
    long long v = strtoll(s, &end, 10);
    if (end == s || *end || errno || v < lo || v > hi)
        return -1;
    *out = v;
    return 0;
}

int text_double(const char *s, double lo, double hi, double *out)
{
    char *end;
    double v = strtod(s, &end);
    if (end == s || *end || !isfinite(v) || v < lo || v > hi)
        return -1;
    *out = v;
    return 0;
}

int text_size(const char *s, int64_t *bytes)
{
    char *end;
    errno = 0;
    double v = strtod(s, &end);
    if (end == s || errno || !(v >= 0))
        return -1;
    static const char units[] = "kmgt";
    if (*end) {
        char c = *end | 0x20;
        const char *u = c ? strchr(units, c) : NULL;
        if (u && *u) {
            v *= pow(1024, (double)(u - units + 1));
            end++;
            if (*end == 'i')
                end++;
        }
        if (*end == 'B')
            end++;
    }
    if (*end || v > 9e18)
        return -1;
    *bytes = (int64_t)v;
    return 0;
}

/* Levenshtein 1966, with one row. */
static int distance(const char *a, const char *b)
{
    enum { MAX = 64 };
    int row[MAX + 1];
    int nb = (int)strlen(b);
    if (nb > MAX)
        return MAX;
    for (int j = 0; j <= nb; j++)
        row[j] = j;
    for (int i = 1; a[i - 1]; i++) {
        int diagonal = row[0];
        row[0] = i;
        for (int j = 1; j <= nb; j++) {
            int best = diagonal + (a[i - 1] != b[j - 1]);
            if (row[j] + 1 < best)
                best = row[j] + 1;
            if (row[j - 1] + 1 < best)
                best = row[j - 1] + 1;
            diagonal = row[j];
            row[j] = best;
        }
    }
    return row[nb];
}

const char *text_nearest(const char *word, const char *const *candidates, int n)
{
    const char *best = NULL;
    int best_d = (int)strlen(word) / 3 + 2; /* farther than this is another word, not a slip */
    for (int i = 0; i < n; i++) {
        int d = distance(word, candidates[i]);
        if (d < best_d) {
            best_d = d;
            best = candidates[i];
        }
    }
    return best;
}
