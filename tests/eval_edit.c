/* SPDX-License-Identifier: MIT */
#include "tests/test.h"

#include <math.h>
#include <string.h>

#include "base/rng.h"
#include "eval/scorer.h"

#define REFERENCES(...) ((const char *const[]){__VA_ARGS__, NULL})

static void assert_sums(const char *scorer, const char *answer, const char *const *references, double edits, double length)
{
    const struct scorer *s = scorer_by_name(scorer);
    assert_non_null(s);
    assert_int_equal(s->sums, 2);
    assert_true(s->lower_is_better);
    double sums[2] = {NAN, NAN};
    s->item(sums, answer, references);
    if (!(sums[0] == edits && sums[1] == length))
        fail_msg("%s of \"%s\" against \"%s\": %g edits of %g, expected %g of %g", scorer, answer, references[0], sums[0],
                 sums[1], edits, length);
}

static void characters_are_edited(void **state)
{
    (void)state;
    assert_sums("cer", "kitten", REFERENCES("sitting"), 3, 7);
    assert_sums("cer", "sitting", REFERENCES("kitten"), 3, 6);
    assert_sums("cer", "Saturday", REFERENCES("Sunday"), 3, 6);
    assert_sums("cer", "lamp", REFERENCES("lamp"), 0, 4);
    assert_sums("cer", " lamp\n", REFERENCES("\tlamp"), 0, 4);
    assert_sums("cer", "a  b", REFERENCES("a b"), 1, 3);
    assert_sums("cer", "Lamp", REFERENCES("lamp"), 1, 4);
    /* One umlaut is one character, however many bytes; a stray byte is one, too, and equals only itself. */
    assert_sums("cer", "Kuche",
                REFERENCES("K\xC3\xBC"
                           "che"),
                1, 5);
    assert_sums("cer", "\xF0\x9F\x92\xA1", REFERENCES("\xF0\x9F\x92\xA2"), 1, 1);
    assert_sums("cer", "a\xFF", REFERENCES("a\xC3\xBF"), 1, 2);
    assert_sums("cer", "a\xFF", REFERENCES("a\xFF"), 0, 2);
    assert_sums("cer", "\xC3", REFERENCES("\xC3\xBC"), 1, 1);
}

static void words_are_edited(void **state)
{
    (void)state;
    assert_sums("wer", "the cat sat on mat", REFERENCES("the cat sat on the mat"), 1, 6);
    assert_sums("wer", "a cat sits on the the mat", REFERENCES("the cat sat on the mat"), 3, 6);
    assert_sums("wer", "  lamp \n on ", REFERENCES("lamp on"), 0, 2);
    assert_sums("wer", "Lamp on.", REFERENCES("lamp on"), 2, 2);
    assert_sums("wer", "on lamp", REFERENCES("lamp on"), 2, 2);
    assert_sums("wer", "one two three four", REFERENCES("five"), 4, 1);
}

static void empty_texts(void **state)
{
    (void)state;
    assert_sums("cer", "", REFERENCES("abc"), 3, 3);
    assert_sums("cer", "abc", REFERENCES(""), 3, 0);
    assert_sums("cer", " ", REFERENCES(""), 0, 0);
    assert_sums("wer", "", REFERENCES("a b"), 2, 2);
    assert_sums("wer", "a b", REFERENCES(""), 2, 0);
    assert_sums("wer", "", REFERENCES("\n"), 0, 0);
}

static void the_reference_of_the_lowest_rate_counts(void **state)
{
    (void)state;
    /* 2 of 10 is better than 1 of 2. */
    assert_sums("cer", "abcdefghij", REFERENCES("abc", "abcdefghxy"), 2, 10);
    assert_sums("wer", "a b", REFERENCES("a b c", "a b", "a"), 0, 2);
    assert_sums("wer", "a b", REFERENCES("", "x y z"), 3, 3);
    assert_sums("wer", "", REFERENCES("a", "", "b"), 0, 0);
    assert_sums("wer", "x", REFERENCES("a", "b b"), 1, 1); /* both 1: the first */
}

static void items_are_added_up_before_they_are_divided(void **state)
{
    (void)state;
    static const char *const names[] = {"cer", "wer"};
    for (int i = 0; i < 2; i++) {
        const struct scorer *s = scorer_by_name(names[i]);
        assert_true(scorer_value(s, (const double[]){1, 2, 1, 8}, 2) == 0.2);
        assert_true(scorer_value(s, (const double[]){3, 0, 1, 2}, 2) == 2); /* what an empty reference got counts, too */
        assert_true(isnan(scorer_value(s, NULL, 0)));
        assert_true(isnan(scorer_value(s, (const double[]){3, 0}, 1)));
    }
}

static double edits(const char *a, const char *b)
{
    double sums[2];
    scorer_by_name("cer")->item(sums, a, REFERENCES(b));
    return sums[0];
}

/* What makes it a distance, on random texts of few letters. */
static void it_is_a_metric(void **state)
{
    (void)state;
    struct rng rng;
    rng_seed(&rng, 3);
    for (int round = 0; round < 300; round++) {
        char t[3][16];
        for (int i = 0; i < 3; i++) {
            size_t n = rng_below(&rng, sizeof t[i]);
            for (size_t k = 0; k < n; k++)
                t[i][k] = (char)('a' + rng_below(&rng, 3));
            t[i][n] = '\0';
        }
        double ab = edits(t[0], t[1]);
        double gap = fabs((double)strlen(t[0]) - (double)strlen(t[1]));
        assert_true(ab == edits(t[1], t[0]));
        assert_true((ab == 0) == !strcmp(t[0], t[1]));
        assert_true(ab <= edits(t[0], t[2]) + edits(t[2], t[1]));
        assert_true(ab >= gap && ab <= fmax((double)strlen(t[0]), (double)strlen(t[1])));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(characters_are_edited),
        cmocka_unit_test(words_are_edited),
        cmocka_unit_test(empty_texts),
        cmocka_unit_test(the_reference_of_the_lowest_rate_counts),
        cmocka_unit_test(items_are_added_up_before_they_are_divided),
        cmocka_unit_test(it_is_a_metric),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
