/* SPDX-License-Identifier: MIT */
#include "tests/test.h"

#include <jansson.h>
#include <math.h>

#include "eval/scorer.h"

#define REFERENCES(...) ((const char *const[]){__VA_ARGS__, NULL})

static double score(const char *scorer, const char *answer, const char *const *references)
{
    const struct scorer *s = scorer_by_name(scorer);
    assert_non_null(s);
    assert_int_equal(s->sums, 1);
    double sum = NAN;
    s->item(&sum, answer, references);
    return sum;
}

static void assert_score(const char *scorer, const char *answer, const char *reference, double expected)
{
    double is = score(scorer, answer, REFERENCES(reference));
    if (!(fabs(is - expected) < 1e-12))
        fail_msg("%s of \"%s\" against \"%s\" is %.15g, not %.15g", scorer, answer, reference, is, expected);
}

static void exact_forgives_white_space_around_only(void **state)
{
    (void)state;
    assert_score("exact", "on", "on", 1);
    assert_score("exact", " \ton\r\n", "\non", 1);
    assert_score("exact", "\xC2\xA0on\xE3\x80\x80", "on", 1); /* no-break space, ideographic space */
    assert_score("exact", "turn  on", "turn on", 0);
    assert_score("exact", "On", "on", 0);
    assert_score("exact", "on.", "on", 0);
    assert_score("exact", "o", "on", 0);
    assert_score("exact", "on", "o", 0);
    assert_score("exact", "", " \n", 1);
    assert_score("exact", "", "on", 0);
    assert_score("exact", "\xFF", "\xFF", 1);
    assert_score("exact", "\xFF", "\xFE", 0);
}

static void the_best_reference_counts(void **state)
{
    (void)state;
    assert_true(score("exact", "b", REFERENCES("a", "b", "c")) == 1);
    assert_true(score("exact", "d", REFERENCES("a", "b", "c")) == 0);
    assert_true(score("squad_exact", "The B.", REFERENCES("a", "b", "c")) == 1);
    /* 2 of 3 and 2 words against both of 2. */
    assert_true(fabs(score("squad_f1", "x y", REFERENCES("x", "x y z", "q")) - 0.8) < 1e-12);
}

static void squad_normalises(void **state)
{
    (void)state;
    assert_score("squad_exact", "The Lamp", "lamp", 1);
    assert_score("squad_exact", "a an the", "", 1);
    assert_score("squad_exact", "theatre", "atre", 0);
    /* Punctuation leaves no space behind, and is gone before articles are looked for. */
    assert_score("squad_exact", "twenty-one", "twentyone", 1);
    assert_score("squad_exact", "21.5 C", "215 c", 1);
    assert_score("squad_exact", "(the) \"lamp\"", "lamp", 1);
    assert_score("squad_exact", "!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~", "", 1);
    assert_score("squad_exact", "living\t\n room ", "living room", 1);
    assert_score("squad_exact", "room living", "living room", 0);
    assert_score("squad_exact", "living", "living room", 0);
    /* Lower case is Unicode's: Latin, Greek, Cyrillic. */
    assert_score("squad_exact",
                 "\xC3\x96"
                 "FFNE",
                 "\xC3\xB6"
                 "ffne",
                 1); /* O umlaut */
    assert_score("squad_exact",
                 "STRA\xE1\xBA\x9E"
                 "E",
                 "stra\xC3\x9F"
                 "e",
                 1);                                                                        /* capital sharp s */
    assert_score("squad_exact", "\xCE\xA9\xCE\x8F", "\xCF\x89\xCF\x8E", 1);                 /* Omega, Omega tonos */
    assert_score("squad_exact", "\xD0\x96\xD0\x81", "\xD0\xB6\xD1\x91", 1);                 /* Zhe, Io */
    assert_score("squad_exact", "\xC4\xB0", "i\xCC\x87", 1);                                /* I with a dot above */
    assert_score("squad_exact", "\xC5\xB8\xC5\xBB\xC8\x98", "\xC3\xBF\xC5\xBC\xC8\x99", 1); /* Y diaeresis, Z dot, S comma */
    assert_score("squad_exact", "\xC3\x97", "\xC3\xB7", 0);                           /* times is no capital of divided-by */
    assert_score("squad_exact", "\xF0\x9F\x92\xA1 \xFF", "\xF0\x9F\x92\xA1 \xFF", 1); /* a bulb, no UTF-8 */
}

static void squad_f1_counts_words(void **state)
{
    (void)state;
    assert_score("squad_f1", "the kitchen lamp", "lamp in kitchen", 0.8);
    assert_score("squad_f1", "cat cat dog", "cat dog dog", 2. / 3);
    assert_score("squad_f1", "cat", "dog", 0);
    assert_score("squad_f1", "", "dog", 0);
    assert_score("squad_f1", "dog", "", 0);
    assert_score("squad_f1", "the", "?", 1);
}

static void the_value_is_the_mean(void **state)
{
    (void)state;
    static const char *const names[] = {"exact", "squad_exact", "squad_f1"};
    for (int i = 0; i < 3; i++) {
        const struct scorer *s = scorer_by_name(names[i]);
        assert_true(scorer_value(s, (const double[]){1, 0, 0.5, 0.5}, 4) == 0.5);
        assert_true(isnan(scorer_value(s, NULL, 0)));
        assert_false(s->lower_is_better);
    }
}

static void the_published_cases_agree(void **state)
{
    (void)state;
    const char *path = testdata("scorers/sacrebleu_cases.json");
    TEST_SKIP_WITHOUT(path, "scorers/sacrebleu_cases.json");
    json_t *file = json_load_file(path, 0, NULL), *c, *g;
    json_t *cases = json_object_get(json_object_get(file, "squad_normalisation"), "cases");
    assert_true(json_array_size(cases) > 0);
    size_t i, k;
    json_array_foreach(cases, i, c)
    {
        const char *answer = json_string_value(json_object_get(c, "prediction")), *gold[8] = {NULL};
        json_array_foreach(json_object_get(c, "gold"), k, g)
        {
            assert_true(k < 7);
            gold[k] = json_string_value(g);
        }
        double exact = score("squad_exact", answer, gold), f1 = score("squad_f1", answer, gold);
        if (!(exact == json_number_value(json_object_get(c, "exact"))))
            fail_msg("case %zu: squad_exact is %g", i, exact);
        if (!(fabs(f1 - json_number_value(json_object_get(c, "f1"))) < 1e-12))
            fail_msg("case %zu: squad_f1 is %.15g", i, f1);
    }
    json_decref(file);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(exact_forgives_white_space_around_only),
        cmocka_unit_test(the_best_reference_counts),
        cmocka_unit_test(squad_normalises),
        cmocka_unit_test(squad_f1_counts_words),
        cmocka_unit_test(the_value_is_the_mean),
        cmocka_unit_test(the_published_cases_agree),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
