/* Character and word error rate: the edits (insertions, deletions, substitutions; Levenshtein 1966) that turn the answer into the
 * reference, per character or word of the reference.
 *
 * White space around a text does not count.  Characters are code points as they stand (nothing is composed or lower-cased); words
 * are separated by white space.  With several references the one with the lowest rate counts, the first of equal ones.  Edits and
 * reference lengths of all items are added up before they are divided, so a long reference weighs more; the value can exceed 1.
 * An empty reference has length 0 and its item still counts its edits; without any length at all the value is NaN. */
/* SPDX-License-Identifier: MIT */
#include <math.h>
#include <stdlib.h>

#include "eval/scorer.h"
#include "eval/tokens.h"
#include "eval/unicode.h"

enum { EDITS, LENGTH, SUMS };

struct units {
    uint32_t *v; /* code points, or numbers of words */
    size_t n;
};

static struct units units_new(size_t most)
{
    struct units u = {.v = malloc((most + 1) * sizeof *u.v)};
    if (!u.v)
        abort();
    return u;
}

/* With one row: row[j] edits turn a[0..i] into b[0..j). */
static double distance(const struct units *a, const struct units *b)
{
    size_t *row = malloc((b->n + 1) * sizeof *row);
    if (!row)
        abort();
    for (size_t j = 0; j <= b->n; j++)
        row[j] = j;
    for (size_t i = 0; i < a->n; i++) {
        size_t diagonal = row[0]++;
        for (size_t j = 0; j < b->n; j++) {
            size_t least = diagonal + (a->v[i] != b->v[j]);
            diagonal = row[j + 1];
            if (diagonal + 1 < least)
                least = diagonal + 1;
            if (row[j] + 1 < least)
                least = row[j] + 1;
            row[j + 1] = least;
        }
    }
    double edits = (double)row[b->n];
    free(row);
    return edits;
}

static double rate(const double *sums)
{
    return sums[EDITS] > 0 ? sums[EDITS] / sums[LENGTH] : 0; /* infinite for an empty reference */
}

static void keep_better(double *sums, int first, const struct units *answer, const struct units *reference)
{
    const double found[SUMS] = {[EDITS] = distance(answer, reference), [LENGTH] = (double)reference->n};
    if (first || rate(found) < rate(sums)) {
        sums[EDITS] = found[EDITS];
        sums[LENGTH] = found[LENGTH];
    }
}

static struct units characters(const char *s)
{
    size_t n;
    s = tokens_trim(s, &n);
    struct units u = units_new(n);
    for (const char *end = s + n; s < end; u.n++)
        s += unicode_next(s, &u.v[u.n]);
    return u;
}

static void item_cer(double *sums, const char *answer, const char *const *references)
{
    struct units a = characters(answer);
    for (int i = 0; references[i]; i++) {
        struct units r = characters(references[i]);
        keep_better(sums, i == 0, &a, &r);
        free(r.v);
    }
    free(a.v);
}

static struct tokens cut(const char *s)
{
    struct text t = {0};
    text_printf(&t, "%s", s);
    return tokens_cut(&t);
}

static struct units numbers(const struct tokens *w)
{
    struct units u = units_new(w->n);
    for (; u.n < w->n; u.n++)
        u.v[u.n] = w->v[u.n].id;
    return u;
}

static void item_wer(double *sums, const char *answer, const char *const *references)
{
    struct tokens a = cut(answer);
    for (int i = 0; references[i]; i++) {
        struct tokens r = cut(references[i]);
        tokens_number(&a, &r);
        struct units ua = numbers(&a), ur = numbers(&r);
        keep_better(sums, i == 0, &ua, &ur);
        free(ua.v);
        free(ur.v);
        tokens_free(&r);
    }
    tokens_free(&a);
}

static double value(const double *total, size_t n)
{
    (void)n;
    return total[LENGTH] > 0 ? total[EDITS] / total[LENGTH] : NAN;
}

const struct scorer scorer_cer = {
    .name = "cer",
    .about = "character error rate: edits per character of the references (Levenshtein 1966)",
    .input = SCORER_TEXT,
    .lower_is_better = 1,
    .sums = SUMS,
    .item = item_cer,
    .value = value,
};

const struct scorer scorer_wer = {
    .name = "wer",
    .about = "word error rate: edits per word of the references (Levenshtein 1966)",
    .input = SCORER_TEXT,
    .lower_is_better = 1,
    .sums = SUMS,
    .item = item_wer,
    .value = value,
};
