/* Right or wrong, and how much of it: an answer against the references that would be right.
 *
 * exact        the answer is a reference, byte for byte, but for the white space around it
 * squad_exact  the same after SQuAD's normalisation (Rajpurkar 2016): lower case; ASCII punctuation removed, not replaced; the
 *              words a, an, the removed; white space collapsed
 * squad_f1     the F-measure of the normalised words, each counted as often as both have it; a side without words scores 1
 *              when the other has none either, else 0
 * With several references the best one counts.  The value is the mean over items. */
/* SPDX-License-Identifier: MIT */
#include <ctype.h>
#include <math.h>
#include <string.h>

#include "eval/scorer.h"
#include "eval/tokens.h"

static void item_exact(double *sums, const char *answer, const char *const *references)
{
    size_t n, m;
    answer = tokens_trim(answer, &n);
    sums[0] = 0;
    for (int i = 0; references[i]; i++) {
        const char *r = tokens_trim(references[i], &m);
        if (n == m && !memcmp(answer, r, n))
            sums[0] = 1;
    }
}

static struct tokens normalize(const char *s)
{
    struct text low = {0}, kept = {0};
    tokens_lower(&low, s);
    for (const char *p = low.p; *p; p++)
        if ((unsigned char)*p >= 0x80 || !ispunct((unsigned char)*p))
            text_add(&kept, p, 1);
    text_free(&low);
    struct tokens w = tokens_cut(&kept);
    size_t n = 0;
    for (size_t i = 0; i < w.n; i++)
        if (strcmp(w.v[i].p, "a") && strcmp(w.v[i].p, "an") && strcmp(w.v[i].p, "the"))
            w.v[n++] = w.v[i];
    w.n = n;
    return w;
}

static double is_equal(const struct tokens *a, const struct tokens *b)
{
    if (a->n != b->n)
        return 0;
    for (size_t i = 0; i < a->n; i++)
        if (a->v[i].id != b->v[i].id)
            return 0;
    return 1;
}

static double f1(const struct tokens *a, const struct tokens *b)
{
    if (!a->n || !b->n)
        return a->n == b->n;
    return 2.0 * (double)tokens_common(a, b, 1) / (double)(a->n + b->n);
}

static void best(double *sums, const char *answer, const char *const *references,
                 double (*measure)(const struct tokens *, const struct tokens *))
{
    struct tokens a = normalize(answer);
    sums[0] = 0;
    for (int i = 0; references[i]; i++) {
        struct tokens r = normalize(references[i]);
        tokens_number(&a, &r);
        sums[0] = fmax(sums[0], measure(&a, &r));
        tokens_free(&r);
    }
    tokens_free(&a);
}

static void item_squad_exact(double *sums, const char *answer, const char *const *references)
{
    best(sums, answer, references, is_equal);
}

static void item_squad_f1(double *sums, const char *answer, const char *const *references)
{
    best(sums, answer, references, f1);
}

static double mean(const double *total, size_t n)
{
    return n ? total[0] / (double)n : NAN;
}

const struct scorer scorer_exact = {
    .name = "exact",
    .about = "share of answers that are a reference, but for white space around",
    .input = SCORER_TEXT,
    .right_or_wrong = 1,
    .sums = 1,
    .item = item_exact,
    .value = mean,
};

const struct scorer scorer_squad_exact = {
    .name = "squad_exact",
    .about = "share of answers that are a reference after SQuAD's normalisation (Rajpurkar 2016)",
    .input = SCORER_TEXT,
    .right_or_wrong = 1,
    .sums = 1,
    .item = item_squad_exact,
    .value = mean,
};

const struct scorer scorer_squad_f1 = {
    .name = "squad_f1",
    .about = "mean F-measure of the words after SQuAD's normalisation (Rajpurkar 2016)",
    .input = SCORER_TEXT,
    .sums = 1,
    .item = item_squad_f1,
    .value = mean,
};
