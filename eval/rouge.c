/* ROUGE (Lin 2004) as the rouge_score package computes it: the F-measure of what reference and answer have in common.
 *
 * Words: lower case, everything but a-z and 0-9 separates; _stem: words of more than 3 characters by Porter's algorithm of 1980.
 * ROUGE-N: n-grams, each counted as often as both texts have it.  ROUGE-L: the longest common subsequence of the whole texts.
 * ROUGE-Lsum: lines are sentences; a reference sentence scores the union of its longest common subsequences with every
 * sentence of the answer, and no word of the answer is used twice.  F = 2 hits / (n-grams of both), 0 where there are no hits,
 * so also where both texts are empty.  With several references the best one counts.  The value is the mean over items.
 *
 * Stems are Porter's of 1980 (libstemmer), rouge_score's those of NLTK's dialect of it.  Both texts are stemmed alike, so that is
 * seen only where the two disagree about whether words are one: 104 of the 19,729 words in a body of English documentation,
 * mostly those beside a word of 3 letters, which neither stems (day and days, use and used: one word in NLTK, two here). */
/* SPDX-License-Identifier: MIT */
#include <libstemmer.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "eval/scorer.h"
#include "eval/tokens.h"

#define LETTERS "abcdefghijklmnopqrstuvwxyz0123456789"

static struct tokens tokenize(const char *s, int stem)
{
    struct text low = {0}, out = {0};
    struct sb_stemmer *stemmer = stem ? sb_stemmer_new("porter", "UTF_8") : NULL;
    if (stem && !stemmer)
        abort(); /* out of memory: every build of the library has "porter" */
    tokens_lower(&low, s);
    for (const char *p = low.p; *p;) {
        size_t n = strspn(p, LETTERS);
        if (n > 3 && stem) {
            const sb_symbol *stemmed = sb_stemmer_stem(stemmer, (const sb_symbol *)p, (int)n);
            if (!stemmed)
                abort();
            text_add(&out, (const char *)stemmed, (size_t)sb_stemmer_length(stemmer));
        } else if (n) {
            text_add(&out, p, n);
        } else {
            text_add(&out, *p == '\n' ? "\n" : " ", n = 1);
        }
        p += n;
    }
    sb_stemmer_delete(stemmer);
    text_free(&low);
    return tokens_cut(&out);
}

static double f_measure(size_t hits, size_t n_reference, size_t n_answer)
{
    return hits ? 2.0 * (double)hits / (double)(n_reference + n_answer) : 0;
}

static double measure_1(const struct tokens *reference, const struct tokens *answer)
{
    return f_measure(tokens_common(reference, answer, 1), reference->n, answer->n);
}

static double measure_2(const struct tokens *reference, const struct tokens *answer)
{
    /* Hits need at least two words on either side. */
    return f_measure(tokens_common(reference, answer, 2), reference->n - 1, answer->n - 1);
}

/* Marks the words of r[n] that a longest common subsequence with c[m] consists of.  There may be several such subsequences and
 * their union with others depends on the choice: going back from the end, a word of c is passed over only where that is
 * strictly longer. */
static void mark_lcs(const struct token *r, size_t n, const struct token *c, size_t m, unsigned char *mark)
{
    uint32_t *row = calloc(m + 1, sizeof *row);       /* lengths for r[0..i] and c[0..j) */
    unsigned char *pass_c = calloc(n * m / 8 + 1, 1); /* bits, [n][m] */
    if (!row || !pass_c)
        abort();
    for (size_t i = 0; i < n; i++) {
        uint32_t diagonal = 0;
        for (size_t j = 0; j < m; j++) {
            uint32_t without_r = row[j + 1], without_c = row[j];
            size_t at = i * m + j;
            pass_c[at / 8] |= (unsigned char)((without_c > without_r) << at % 8);
            row[j + 1] = r[i].id == c[j].id ? diagonal + 1 : without_c > without_r ? without_c : without_r;
            diagonal = without_r;
        }
    }
    for (size_t i = n, j = m; i && j;) {
        size_t at = (i - 1) * m + j - 1;
        if (r[i - 1].id == c[j - 1].id) {
            mark[i - 1] = 1;
            i--, j--;
        } else if (pass_c[at / 8] >> at % 8 & 1) {
            j--;
        } else {
            i--;
        }
    }
    free(row);
    free(pass_c);
}

static size_t sentence_end(const struct tokens *w, size_t from)
{
    size_t end = from;
    while (end < w->n && w->v[end].line == w->v[from].line)
        end++;
    return end;
}

static double measure_lsum(const struct tokens *reference, const struct tokens *answer)
{
    unsigned char *mark = calloc(reference->n + 1, 1);
    uint32_t *unused = calloc(reference->n + answer->n + 1, sizeof *unused); /* of the answer, per id */
    if (!mark || !unused)
        abort();
    for (size_t r = 0, r_end; r < reference->n; r = r_end) {
        r_end = sentence_end(reference, r);
        for (size_t a = 0, a_end; a < answer->n; a = a_end) {
            a_end = sentence_end(answer, a);
            mark_lcs(reference->v + r, r_end - r, answer->v + a, a_end - a, mark + r);
        }
    }
    for (size_t i = 0; i < answer->n; i++)
        unused[answer->v[i].id]++;
    size_t hits = 0;
    for (size_t i = 0; i < reference->n; i++)
        if (mark[i] && unused[reference->v[i].id]) {
            unused[reference->v[i].id]--;
            hits++;
        }
    free(mark);
    free(unused);
    return f_measure(hits, reference->n, answer->n);
}

/* One sentence on either side: the union is the subsequence itself. */
static double measure_l(const struct tokens *reference, const struct tokens *answer)
{
    for (size_t i = 0; i < reference->n; i++)
        reference->v[i].line = 0;
    for (size_t i = 0; i < answer->n; i++)
        answer->v[i].line = 0;
    return measure_lsum(reference, answer);
}

static void best(double *sums, const char *answer, const char *const *references,
                 double (*measure)(const struct tokens *, const struct tokens *), int stem)
{
    struct tokens a = tokenize(answer, stem);
    sums[0] = 0;
    for (int i = 0; references[i]; i++) {
        struct tokens r = tokenize(references[i], stem);
        tokens_number(&r, &a);
        sums[0] = fmax(sums[0], measure(&r, &a));
        tokens_free(&r);
    }
    tokens_free(&a);
}

static double mean(const double *total, size_t n)
{
    return n ? total[0] / (double)n : NAN;
}

#define ROUGE(name_, measure, stem, what)                                                                                        \
    static void item_##name_(double *sums, const char *answer, const char *const *references)                                    \
    {                                                                                                                            \
        best(sums, answer, references, measure, stem);                                                                           \
    }                                                                                                                            \
    const struct scorer scorer_##name_ = {                                                                                       \
        .name = #name_,                                                                                                          \
        .about = what,                                                                                                           \
        .input = SCORER_TEXT,                                                                                                    \
        .sums = 1,                                                                                                               \
        .item = item_##name_,                                                                                                    \
        .value = mean,                                                                                                           \
    }

#define STEMMED ", stems by Porter 1980 (Lin 2004)"
#define PLAIN " (Lin 2004; rouge_score)"
ROUGE(rouge_1, measure_1, 0, "mean F-measure of common words" PLAIN);
ROUGE(rouge_2, measure_2, 0, "mean F-measure of common word pairs" PLAIN);
ROUGE(rouge_l, measure_l, 0, "mean F-measure of the longest common subsequence" PLAIN);
ROUGE(rouge_lsum, measure_lsum, 0, "mean F-measure of the union of longest common subsequences, line by line" PLAIN);
ROUGE(rouge_1_stem, measure_1, 1, "mean F-measure of common words" STEMMED);
ROUGE(rouge_2_stem, measure_2, 1, "mean F-measure of common word pairs" STEMMED);
ROUGE(rouge_l_stem, measure_l, 1, "mean F-measure of the longest common subsequence" STEMMED);
ROUGE(rouge_lsum_stem, measure_lsum, 1, "mean F-measure of the union of longest common subsequences, line by line" STEMMED);
