/* chrF and chrF++: Popovic 2015 and 2017, as sacreBLEU computes them for a corpus (Post 2018, from its version 2 on): 100 times
 * the F-score of character n-grams, n = 1 .. 6, white space left out, with recall weighed twice as much as precision (beta = 2):
 *
 *   5 P R / (4 P + R)    P, R: means of the orders' precisions and recalls, over the orders that both sides have
 *
 * chrF++ has word n-grams, n = 1 and 2, as two more orders.  Its words stand between white space and lose one ASCII punctuation
 * mark, a word of its own: the last character, or else the first ("(hi)" is "(hi" and ")").  Of several references an item counts
 * the one against which it scores best.  No smoothing; case counts. */
/* SPDX-License-Identifier: MIT */
#include <math.h>
#include <string.h>

#include "eval/ngram.h"
#include "eval/scorer.h"
#include "eval/unicode.h"

#define CHAR_ORDER 6
#define WORD_ORDER 2
_Static_assert(CHAR_ORDER <= NGRAM_MAX && WORD_ORDER <= NGRAM_MAX, "n-grams of that order can be counted");

enum { ANSWER, REFERENCE, MATCHES, COUNTS }; /* n-grams of one order; an item's sums are the orders' counts */

static void add_characters(struct wordlist *w, const char *text)
{
    for (int n; *text; text += n) {
        uint32_t c;
        n = unicode_next(text, &c);
        if (!unicode_is_space(c))
            wordlist_add(w, text, (size_t)n);
    }
    wordlist_end(w);
}

static int is_punctuation(char c)
{
    return (c >= '!' && c <= '/') || (c >= ':' && c <= '@') || (c >= '[' && c <= '`') || (c >= '{' && c <= '~');
}

static void add_words(struct wordlist *w, const char *text)
{
    size_t n;
    for (const char *p = text; (p = unicode_word(p, &n)); p += n) {
        size_t first = n; /* bytes of the first of the two words */
        if (n > 1 && is_punctuation(p[n - 1]))
            first = n - 1;
        else if (is_punctuation(p[0]))
            first = 1;
        wordlist_add(w, p, first);
        if (first < n)
            wordlist_add(w, p + first, n - first);
    }
    wordlist_end(w);
}

static double f_score(const double *sums, int orders)
{
    double precision = 0, recall = 0, used = 0;
    for (const double *s = sums; s < sums + COUNTS * orders; s += COUNTS) {
        if (s[ANSWER] > 0 && s[REFERENCE] > 0) {
            precision += s[MATCHES] / s[ANSWER];
            recall += s[MATCHES] / s[REFERENCE];
            used++;
        }
    }
    if (precision + recall <= 0)
        return 0;
    precision /= used;
    recall /= used;
    return 100 * (5 * precision * recall) / (4 * precision + recall);
}

/* An order that the reference is too short for does not count against the answer. */
static void count(double *sums, const struct ngrams *answer, struct ngrams *reference, int order)
{
    sums[REFERENCE] = (double)ngrams_count(reference, order);
    sums[ANSWER] = sums[REFERENCE] > 0 ? (double)ngrams_count(answer, order) : 0;
    sums[MATCHES] = (double)ngrams_matches(answer, reference, 1, order);
}

static void item(double *sums, const char *answer, const char *const *references, int word_order)
{
    struct wordlist chars = {0}, words = {0};
    add_characters(&chars, answer);
    add_words(&words, answer);
    size_t n_references = 0;
    for (; references[n_references]; n_references++) {
        add_characters(&chars, references[n_references]);
        add_words(&words, references[n_references]);
    }
    struct ngrams *by_char = ngrams_make(&chars), *by_word = ngrams_make(&words);

    int orders = CHAR_ORDER + word_order;
    double best = -1;
    for (size_t r = 1; r <= n_references; r++) {
        double s[COUNTS * (CHAR_ORDER + WORD_ORDER)];
        for (int k = 0; k < CHAR_ORDER; k++)
            count(s + COUNTS * k, by_char, by_char + r, k + 1);
        for (int k = 0; k < word_order; k++)
            count(s + COUNTS * (CHAR_ORDER + k), by_word, by_word + r, k + 1);
        double f = f_score(s, orders);
        if (f > best) {
            best = f;
            memcpy(sums, s, (size_t)(COUNTS * orders) * sizeof *s);
        }
    }
    ngrams_free(by_char);
    ngrams_free(by_word);
    wordlist_free(&chars);
    wordlist_free(&words);
}

static void item_chrf(double *sums, const char *answer, const char *const *references)
{
    item(sums, answer, references, 0);
}

static void item_chrf_pp(double *sums, const char *answer, const char *const *references)
{
    item(sums, answer, references, WORD_ORDER);
}

/* Without a character in any reference there is nothing to be compared with. */
static double value_chrf(const double *total, size_t n)
{
    return n && total[REFERENCE] > 0 ? f_score(total, CHAR_ORDER) : NAN;
}

static double value_chrf_pp(const double *total, size_t n)
{
    return n && total[REFERENCE] > 0 ? f_score(total, CHAR_ORDER + WORD_ORDER) : NAN;
}

const struct scorer scorer_chrf = {
    .name = "chrf",
    .about = "chrF2 (Popovic 2015; Post 2018) 0..100: nrefs:var|case:mixed|eff:yes|nc:6|nw:0|space:no|version:bench-1",
    .input = SCORER_TEXT,
    .scale = SCORER_PERCENT,
    .sums = COUNTS * CHAR_ORDER,
    .item = item_chrf,
    .value = value_chrf,
};

const struct scorer scorer_chrf_pp = {
    .name = "chrf_pp",
    .about = "chrF2++ (Popovic 2017; Post 2018) 0..100: nrefs:var|case:mixed|eff:yes|nc:6|nw:2|space:no|version:bench-1",
    .input = SCORER_TEXT,
    .scale = SCORER_PERCENT,
    .sums = COUNTS * (CHAR_ORDER + WORD_ORDER),
    .item = item_chrf_pp,
    .value = value_chrf_pp,
};
