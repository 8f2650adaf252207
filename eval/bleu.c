/* BLEU: Papineni et al. 2002, as sacreBLEU computes it for a corpus (Post 2018): 100 BP (p1 p2 p3 p4)^(1/4), with
 *
 *   pn   n-grams of the answers that a reference has too, over the n-grams of the answers; each n-gram of an item counts at
 *        most as often as the reference that has it most often has it
 *   BP   1, or exp(1 - r / a) when the answers' a words are fewer than r, the sum of the items' closest reference lengths
 *        (of two equally close the shorter)
 *
 * The k-th order in which nothing matched counts as 1 / (2^k n-grams) (smoothing "exp": Chen and Cherry 2014, method 3, as in
 * mteval-v13a); with no match at all, or no answer that has four words, BLEU is 0.  So BLEU is a figure of a corpus: a single
 * answer of three words has 0 even where it equals its reference.
 *
 * Words: `bleu` cuts as mteval-v13a does (its part for Western languages, the default of the field); `bleu_none` takes what is
 * between white space, for text that is tokenized already.  Case counts. */
/* SPDX-License-Identifier: MIT */
#include <math.h>
#include <string.h>

#include "base/text.h"
#include "eval/ngram.h"
#include "eval/scorer.h"
#include "eval/unicode.h"

#define ORDER 4

enum { ANSWER, REFERENCE, MATCHES, TOTALS = MATCHES + ORDER, SUMS = TOTALS + ORDER }; /* the first two in words */

/* 13a, first part.  One after the other over the whole text, each from left to right; `to` is never longer than `from`. */
static const struct {
    const char *from, *to;
} replacements[] = {
    {"<skipped>", ""}, {"-\n", ""}, {"\n", " "}, {"&quot;", "\""}, {"&amp;", "&"}, {"&lt;", "<"}, {"&gt;", ">"},
};

static void replace(struct text *t, const char *from, const char *to)
{
    size_t n_from = strlen(from), n_to = strlen(to);
    char *end = t->p;
    for (const char *p = t->p; *p;) {
        int found = !strncmp(p, from, n_from);
        memmove(end, found ? to : p, found ? n_to : 1);
        end += found ? n_to : 1;
        p += found ? n_from : 1;
    }
    *end = '\0';
    t->n = (size_t)(end - t->p);
}

static int is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static int is_no_digit(char c)
{
    return !is_digit(c);
}

static int is_point(char c)
{
    return c == '.' || c == ',';
}

static int is_dash(char c)
{
    return c == '-';
}

/* 13a, second part: spaces around all ASCII punctuation but ' , - . and, in a pass each, between two neighbours: a point is part
 * of a word only between digits, a dash is not behind a digit.  A pass does not look again at a character that it has taken. */
static const char always_alone[] = "!\"#$%&()*+/:;<=>?@[\\]^_`{|}~";

static const struct pair {
    int (*first)(char), (*second)(char);
    const char *before, *between, *after;
} pairs[] = {
    {is_no_digit, is_point, "", " ", " "},
    {is_point, is_no_digit, " ", " ", ""},
    {is_digit, is_dash, "", " ", " "},
};

static void add(struct text *t, const char *s)
{
    text_add(t, s, strlen(s));
}

static struct text split_pairs(const struct text *in, const struct pair *rule)
{
    struct text out = {0};
    for (const char *p = in->p; *p; p++) {
        if (!rule->first(p[0]) || !p[1] || !rule->second(p[1])) {
            text_add(&out, p, 1);
            continue;
        }
        add(&out, rule->before);
        text_add(&out, p++, 1);
        add(&out, rule->between);
        text_add(&out, p, 1);
        add(&out, rule->after);
    }
    return out;
}

/* Both tokenizers add a text whose words stand between white space, with a NUL behind it. */
static void tokenize_13a(struct text *out, const char *s)
{
    size_t n, end = 0; /* of the last word: a hyphen before the text's last line end joins nothing */
    for (const char *p = s; (p = unicode_word(p, &n)); p += n)
        end = (size_t)(p - s) + n;
    struct text plain = {0}, line = {0};
    text_add(&plain, s, end);
    for (size_t i = 0; i < sizeof replacements / sizeof *replacements; i++)
        replace(&plain, replacements[i].from, replacements[i].to);
    add(&line, " ");
    for (const char *p = plain.p; *p; p++) {
        const char *space = strchr(always_alone, *p) ? " " : "";
        add(&line, space);
        text_add(&line, p, 1);
        add(&line, space);
    }
    add(&line, " ");
    for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++) {
        struct text next = split_pairs(&line, &pairs[i]);
        text_free(&line);
        line = next;
    }
    text_add(out, line.p, line.n + 1);
    text_free(&line);
    text_free(&plain);
}

static void tokenize_none(struct text *out, const char *s)
{
    text_add(out, s, strlen(s) + 1);
}

static void item(double *sums, const char *answer, const char *const *references, void (*tokenize)(struct text *, const char *))
{
    struct text tokenized = {0};
    tokenize(&tokenized, answer);
    size_t n_references = 0;
    for (; references[n_references]; n_references++)
        tokenize(&tokenized, references[n_references]);

    struct wordlist words = {0};
    for (const char *p = tokenized.p; p < tokenized.p + tokenized.n; p += strlen(p) + 1) {
        size_t n;
        for (const char *word = p; (word = unicode_word(word, &n)); word += n)
            wordlist_add(&words, word, n);
        wordlist_end(&words);
    }
    struct ngrams *all = ngrams_make(&words), *others = all + 1;

    size_t length = all->n, closest = 0, closest_off = SIZE_MAX;
    for (size_t r = 0; r < n_references; r++) {
        size_t n = others[r].n, off = n > length ? n - length : length - n;
        if (off < closest_off || (off == closest_off && n < closest)) {
            closest = n;
            closest_off = off;
        }
    }
    sums[ANSWER] = (double)length;
    sums[REFERENCE] = (double)closest;
    for (int k = 0; k < ORDER; k++) {
        sums[MATCHES + k] = (double)ngrams_matches(all, others, n_references, k + 1);
        sums[TOTALS + k] = (double)ngrams_count(all, k + 1);
    }
    ngrams_free(all);
    wordlist_free(&words);
    text_free(&tokenized);
}

static void item_13a(double *sums, const char *answer, const char *const *references)
{
    item(sums, answer, references, tokenize_13a);
}

static void item_none(double *sums, const char *answer, const char *const *references)
{
    item(sums, answer, references, tokenize_none);
}

static double value(const double *total, size_t n)
{
    if (!n || (total[ANSWER] <= 0 && total[REFERENCE] <= 0))
        return NAN;
    if (total[MATCHES] <= 0)
        return 0;
    double logs = 0, smooth = 1;
    for (int k = 0; k < ORDER; k++) {
        double matches = total[MATCHES + k];
        if (total[TOTALS + k] <= 0)
            return 0; /* eff:no: an order without n-grams counts */
        if (matches <= 0)
            matches = 1 / (smooth *= 2);
        logs += log(matches / total[TOTALS + k]);
    }
    double brevity = total[ANSWER] < total[REFERENCE] ? 1 - total[REFERENCE] / total[ANSWER] : 0;
    return 100 * exp(brevity + logs / ORDER);
}

const struct scorer scorer_bleu = {
    .name = "bleu",
    .about = "BLEU (Papineni 2002; Post 2018) 0..100: nrefs:var|case:mixed|eff:no|tok:13a|smooth:exp|version:bench-1",
    .input = SCORER_TEXT,
    .scale = SCORER_PERCENT,
    .sums = SUMS,
    .item = item_13a,
    .value = value,
};

const struct scorer scorer_bleu_none = {
    .name = "bleu_none",
    .about = "BLEU (Papineni 2002; Post 2018) 0..100: nrefs:var|case:mixed|eff:no|tok:none|smooth:exp|version:bench-1",
    .input = SCORER_TEXT,
    .scale = SCORER_PERCENT,
    .sums = SUMS,
    .item = item_none,
    .value = value,
};
