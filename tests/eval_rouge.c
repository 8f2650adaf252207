/* SPDX-License-Identifier: MIT */
#include "tests/test.h"

#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "eval/scorer.h"

static double score(const char *scorer, const char *answer, const char *reference)
{
    const struct scorer *s = scorer_by_name(scorer);
    assert_non_null(s);
    assert_int_equal(s->sums, 1);
    double sum = NAN;
    s->item(&sum, answer, (const char *const[]){reference, NULL});
    return sum;
}

#define NEAR(is, expected)                                                                                                       \
    do {                                                                                                                         \
        double is_ = (is);                                                                                                       \
        if (!(fabs(is_ - (expected)) < 1e-12))                                                                                   \
            fail_msg("%s is %.15g, not %.15g", #is, is_, (double)(expected));                                                    \
    } while (0)

static void words_and_pairs(void **state)
{
    (void)state;
    NEAR(score("rouge_1", "the cat sat", "the cat sat"), 1);
    NEAR(score("rouge_2", "the cat sat", "the cat sat"), 1);
    /* P = 2/2, R = 2/4. */
    NEAR(score("rouge_1", "cat mat", "the cat a mat"), 2 * 1 * 0.5 / 1.5);
    /* Each counted as often as both have it: P = 1/3, R = 1/2. */
    NEAR(score("rouge_1", "the the the", "the cat"), 2 * (1. / 3) * (1. / 2) / (1. / 3 + 1. / 2));
    /* Pairs: a b, b c, c d against b c, c d, d e. */
    NEAR(score("rouge_2", "b c d e", "a b c d"), 2. / 3);
    /* Order matters to pairs only. */
    NEAR(score("rouge_1", "b a", "a b"), 1);
    NEAR(score("rouge_2", "b a", "a b"), 0);
}

static void case_and_punctuation_do_not_count(void **state)
{
    (void)state;
    NEAR(score("rouge_1", "LIGHT-off: 21!", "light off 21"), 1);
    NEAR(score("rouge_1", "don't", "don t"), 1);
    /* What is not a-z or 0-9 separates, letters beyond ASCII too; but the Kelvin sign is a k in lower case. */
    NEAR(score("rouge_1",
               "K\xC3\xBC"
               "che",
               "k che"),
         1);
    NEAR(score("rouge_1", "\xE2\x84\xAA", "k"), 1);
}

static void a_subsequence_need_not_be_contiguous(void **state)
{
    (void)state;
    /* Lin 2004, section 3.1: "police kill the gunman" and "the gunman kill police" against "police killed the gunman". */
    NEAR(score("rouge_l", "police kill the gunman", "police killed the gunman"), 0.75);
    NEAR(score("rouge_l", "the gunman kill police", "police killed the gunman"), 0.5);
    /* Lines are nothing to it. */
    NEAR(score("rouge_l", "police\nkill the gunman", "police killed\nthe gunman"), 0.75);
}

static void lsum_takes_the_union_per_sentence(void **state)
{
    (void)state;
    /* Lin 2004, section 3.2: w1 w2 and w1 w3 w5 make 4 of the reference's 5 words; the answer has 10. */
    NEAR(score("rouge_lsum", "w1 w2 w6 w7 w8\nw1 w3 w8 w9 w5", "w1 w2 w3 w4 w5"), 2 * 0.8 * 0.4 / 1.2);
    NEAR(score("rouge_lsum", "w1 w3 w8 w9 w5\nw1 w2 w6 w7 w8", "w1 w2 w3 w4 w5"), 2 * 0.8 * 0.4 / 1.2);
    NEAR(score("rouge_l", "w1 w3 w8 w9 w5\nw1 w2 w6 w7 w8", "w1 w2 w3 w4 w5"), 2 * 0.6 * 0.3 / 0.9);
    /* The order of sentences is free, that of words within one is not. */
    NEAR(score("rouge_lsum", "c d\na b", "a b\nc d"), 1);
    NEAR(score("rouge_l", "c d\na b", "a b\nc d"), 0.5);
    /* Both sentences of the reference want the answer's only "a". */
    NEAR(score("rouge_lsum", "a x", "a b\na c"), 2 * 1. / (2 + 4));
    /* Of two equally long subsequences with "b a", "a" and "b", the one is taken that gives up the reference's last word: "a".
     * With the other line's b the union is 2 words, with another a it is 1. */
    NEAR(score("rouge_lsum", "b a\nb x", "a b"), 2 * 2. / (2 + 4));
    NEAR(score("rouge_lsum", "b a\na x", "a b"), 2 * 1. / (2 + 4));
}

static void stems_make_words_equal(void **state)
{
    (void)state;
    NEAR(score("rouge_1", "switched lamps", "switching lamp"), 0);
    NEAR(score("rouge_1_stem", "switched lamps", "switching lamp"), 1);
    NEAR(score("rouge_2_stem", "switched lamps", "switching lamp"), 1);
    NEAR(score("rouge_l_stem", "switched the lamps", "switching lamp"), 0.8);
    NEAR(score("rouge_lsum_stem", "lamps\nswitched", "switching\nlamp"), 1);
    /* Three characters are no more stemmed. */
    NEAR(score("rouge_1_stem", "its", "it"), 0);
    NEAR(score("rouge_1_stem", "lamp's", "lamps"), 2. / 3);
    /* Porter's algorithm as published: caresses, ponies, relational, hopping. */
    NEAR(score("rouge_1_stem", "caresses ponies relational hopping", "caress poni relate hops"), 1);
    NEAR(score("rouge_1_stem", "days", "day"), 0); /* not NLTK's dialect: see rouge.c */
}

static void nothing_in_common_is_zero(void **state)
{
    (void)state;
    static const char *const names[] = {"rouge_1",      "rouge_2",      "rouge_l",      "rouge_lsum",
                                        "rouge_1_stem", "rouge_2_stem", "rouge_l_stem", "rouge_lsum_stem"};
    static const char *const texts[] = {"", "\n\n", "?", "\xFF\xFE", "word", "\xC3"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        for (size_t a = 0; a < sizeof texts / sizeof *texts; a++)
            for (size_t r = 0; r < 4; r++)
                NEAR(score(names[i], texts[a], texts[r]), 0);
        assert_true(isnan(scorer_value(scorer_by_name(names[i]), NULL, 0)));
        assert_false(scorer_by_name(names[i])->lower_is_better);
    }
    NEAR(score("rouge_2", "word", "word"), 0); /* no pair on either side */
}

static void the_best_reference_counts_and_items_are_averaged(void **state)
{
    (void)state;
    const struct scorer *s = scorer_by_name("rouge_1");
    double sums[2];
    s->item(&sums[0], "a b", (const char *const[]){"c d", "a b", "a", NULL});
    s->item(&sums[1], "a b", (const char *const[]){"b c", NULL});
    NEAR(sums[0], 1);
    NEAR(scorer_value(s, sums, 2), 0.75);
}

static void long_texts_are_scored(void **state)
{
    (void)state;
    enum { WORDS = 3000 };
    char *a = malloc(WORDS * 8), *b = malloc(WORDS * 8);
    size_t na = 0, nb = 0;
    assert_true(a && b);
    for (int i = 0; i < WORDS; i++) {
        na += (size_t)sprintf(a + na, "w%d ", i);
        nb += (size_t)sprintf(b + nb, i % 2 ? "w%d " : "x%d\n", i);
    }
    NEAR(score("rouge_1", a, b), 0.5);
    NEAR(score("rouge_l", a, b), 0.5);
    NEAR(score("rouge_lsum", b, a), 0.5);
    free(a);
    free(b);
}

static void the_published_cases_agree(void **state)
{
    (void)state;
    static const char *const ours[][2] = {
        {"rouge1", "rouge_1"}, {"rouge2", "rouge_2"}, {"rougeL", "rouge_l"}, {"rougeLsum", "rouge_lsum"}};
    const char *path = testdata("scorers/rouge_expected.json");
    TEST_SKIP_WITHOUT(path, "scorers/rouge_expected.json");
    json_t *cases = json_load_file(path, 0, NULL), *c;
    assert_true(json_is_array(cases) && json_array_size(cases) > 0);
    size_t i;
    json_array_foreach(cases, i, c)
    {
        const char *metric, *target, *prediction;
        int stem;
        double expected, tolerance;
        assert_int_equal(json_unpack(c, "{s:s, s:s, s:s, s:b, s:F, s:F}", "metric", &metric, "target", &target, "prediction",
                                     &prediction, "stemmer", &stem, "fmeasure", &expected, "tolerance", &tolerance),
                         0);
        char name[32] = "";
        for (size_t k = 0; k < sizeof ours / sizeof *ours; k++)
            if (!strcmp(metric, ours[k][0]))
                snprintf(name, sizeof name, "%s%s", ours[k][1], stem ? "_stem" : "");
        double is = score(name, prediction, target);
        if (!(fabs(is - expected) <= tolerance))
            fail_msg("case %zu, %s: %.9g, published %.9g", i, name, is, expected);
    }
    json_decref(cases);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(words_and_pairs),
        cmocka_unit_test(case_and_punctuation_do_not_count),
        cmocka_unit_test(a_subsequence_need_not_be_contiguous),
        cmocka_unit_test(lsum_takes_the_union_per_sentence),
        cmocka_unit_test(stems_make_words_equal),
        cmocka_unit_test(nothing_in_common_is_zero),
        cmocka_unit_test(the_best_reference_counts_and_items_are_averaged),
        cmocka_unit_test(long_texts_are_scored),
        cmocka_unit_test(the_published_cases_agree),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
