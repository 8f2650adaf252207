/* BLEU, chrF and chrF++: worked by hand, and against what sacreBLEU publishes and computes. */
/* SPDX-License-Identifier: MIT */
#include "tests/test.h"

#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "eval/scorer.h"

enum { LENGTH, CLOSEST, MATCHES, TOTALS = MATCHES + 4, BLEU_SUMS = TOTALS + 4 }; /* how results/ stores an item of BLEU */

#define REFERENCES(...) ((const char *const[]){__VA_ARGS__, NULL})

static const struct scorer *scorer(const char *name)
{
    const struct scorer *s = scorer_by_name(name);
    assert_non_null(s);
    assert_int_equal(s->input, SCORER_TEXT);
    assert_false(s->lower_is_better);
    assert_in_range(s->sums, 1, SCORER_MAX_SUMS);
    return s;
}

/* The value of one item; its sums too, unless NULL. */
static double score(const char *name, double *sums, const char *answer, const char *const *references)
{
    double own[SCORER_MAX_SUMS];
    const struct scorer *s = scorer(name);
    sums = sums ? sums : own;
    s->item(sums, answer, references);
    return scorer_value(s, sums, 1);
}

static void assert_close(double got, double expected, double tolerance)
{
    if (!(fabs(got - expected) <= tolerance))
        fail_msg("%.9f, not %.9f", got, expected);
}

static void assert_sums(const double *got, const double *expected, int n)
{
    for (int i = 0; i < n; i++)
        if (got[i] != expected[i])
            fail_msg("sum %d is %g, not %g", i, got[i], expected[i]);
}

static void bleu_by_hand(void **state)
{
    (void)state;
    double sums[SCORER_MAX_SUMS];
    double v = score("bleu", sums, "the cat sat on the mat", REFERENCES("the cat sat on a mat"));
    assert_sums(sums, (double[]){6, 6, 5, 3, 2, 1, 6, 5, 4, 3}, BLEU_SUMS);
    assert_close(v, 100 * pow(1. / 12, .25), 1e-9);

    /* Short answers pay exp(1 - r / a), long ones nothing beyond their precision. */
    assert_close(score("bleu", NULL, "a b c d", REFERENCES("a b c d e")), 100 * exp(1 - 5. / 4), 1e-9);
    assert_close(score("bleu", NULL, "a b c d e", REFERENCES("a b c d")), 100 * pow(4. / 5 * 3 / 4 * 2 / 3 * 1 / 2, .25), 1e-9);
    /* No 3-gram of 3 and no 4-gram of 2 matches: 1 / (2 x 3) and 1 / (4 x 2). */
    assert_close(score("bleu", NULL, "a b c d e", REFERENCES("a b x d e")), 100 * pow(4. / 5 * 2 / 4 / 6 / 8, .25), 1e-9);
    assert_true(score("bleu", NULL, "a b c d", REFERENCES("a b c d")) == 100);
    assert_true(score("bleu", NULL, "a b c d", REFERENCES("e f g h")) == 0);
    assert_close(score("bleu", NULL, "A b c d", REFERENCES("a b c d")), 100 * pow(3. / 4 * 2 / 3 * 1 / 2 * 1 / 2, .25), 1e-9);
}

static void bleu_takes_the_best_count_and_the_closest_length(void **state)
{
    (void)state;
    double sums[SCORER_MAX_SUMS];
    score("bleu", sums, "the the the the", REFERENCES("the cat the", "the dog"));
    assert_sums(sums, (double[]){4, 3, 2, 0, 0, 0, 4, 3, 2, 1}, BLEU_SUMS);
    /* Counts come from several references, each word's from where it is most frequent; of 2 and 4 words 2 is closest. */
    score("bleu", sums, "b a a", REFERENCES("a a b c", "b b"));
    assert_sums(sums, (double[]){3, 2, 3, 1, 0, 0, 3, 2, 1, 0}, BLEU_SUMS);
}

static void bleu_is_a_figure_of_a_corpus(void **state)
{
    (void)state;
    const struct scorer *s = scorer("bleu");
    double sums[2 * BLEU_SUMS];
    /* One word has no 4-gram, so by itself it has no score; beside another item it counts like any word. */
    assert_true(score("bleu", sums, "yes", REFERENCES("yes")) == 0);
    assert_true(score("bleu", sums + BLEU_SUMS, "a b c d", REFERENCES("a b c d")) == 100);
    assert_true(scorer_value(s, sums, 2) == 100);

    assert_true(score("bleu", NULL, "", REFERENCES("a b c d")) == 0);
    assert_true(score("bleu", NULL, "a b c d", REFERENCES("")) == 0);
    assert_true(isnan(score("bleu", NULL, " \n", REFERENCES("", "\t"))));
    assert_true(isnan(scorer_value(s, sums, 0)));
    assert_non_null(strstr(s->about, "case:mixed|eff:no|tok:13a|smooth:exp"));
    assert_non_null(strstr(scorer("bleu_none")->about, "case:mixed|eff:no|tok:none|smooth:exp"));
}

static void words_are_cut_as_13a_does(void **state)
{
    (void)state;
    static const struct {
        const char *text, *words;
    } cases[] = {
        {"Hello, world!", "Hello , world !"},
        {"(a)[b]{c}<d>", "( a ) [ b ] { c } < d >"},
        {"it's re-made", "it's re-made"},
        {"$3.50, 1,000.", "$ 3.50 , 1,000 ."},
        {"v.2 2.v .5 5.", "v . 2 2 . v . 5 5 ."},
        {"...", ". . ."},
        {"1990-95 x-3", "1990 - 95 x-3"},
        {"a/b:c;d=e_f~g`h", "a / b : c ; d = e _ f ~ g ` h"},
        {"&quot;x&quot; &lt;y&gt; &amp;", "\" x \" < y > &"},
        {"&amp;lt;", "<"},
        {"a<skipped>b", "ab"},
        {"re-\nmade  on\ntwo\tlines", "remade on two lines"},
        {"end-\n", "end-"},
        {"caf\xC3\xA9.\xC2\xA0naïve\xE3\x80\x80x", "caf\xC3\xA9 . naïve x"},
        {"日本。", "日本。"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        double cut[SCORER_MAX_SUMS], expected[SCORER_MAX_SUMS];
        score("bleu_none", expected, cases[i].words, REFERENCES(cases[i].words));
        score("bleu", cut, cases[i].text, REFERENCES(cases[i].words));
        if (memcmp(cut, expected, BLEU_SUMS * sizeof *cut))
            fail_msg("\"%s\" is not cut into \"%s\"", cases[i].text, cases[i].words);
    }
    double sums[SCORER_MAX_SUMS];
    score("bleu_none", sums, "Hello, world!", REFERENCES("Hello , world !"));
    assert_sums(sums, (double[]){2, 4, 0}, 3);
}

static double f2(double precision, double recall)
{
    return 100 * 5 * precision * recall / (4 * precision + recall);
}

static void chrf_by_hand(void **state)
{
    (void)state;
    double sums[SCORER_MAX_SUMS];
    /* The answer has no 3-gram: that order is left out of both means. */
    double v = score("chrf", sums, "ab", REFERENCES("a bcd"));
    assert_sums(sums, (double[]){2, 4, 2, 1, 3, 1, 0, 2, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0}, 18);
    assert_close(v, f2(1, (2. / 4 + 1. / 3) / 2), 1e-9);
    /* The reference has no 3-gram: the answer's do not count against it. */
    v = score("chrf", sums, "abcd", REFERENCES("ab"));
    assert_sums(sums, (double[]){4, 2, 2, 3, 1, 1, 0, 0, 0}, 9);
    assert_close(v, f2((2. / 4 + 1. / 3) / 2, 1), 1e-9);
    /* With words: none of one matches, and "abcd" has no word 2-gram. */
    assert_close(score("chrf_pp", NULL, "ab", REFERENCES("abcd")), f2(2. / 3, (2. / 4 + 1. / 3) / 3), 1e-9);

    static const char *const names[] = {"chrf", "chrf_pp"};
    for (int i = 0; i < 2; i++) {
        assert_true(score(names[i], NULL, "x", REFERENCES("x")) == 100);
        assert_true(score(names[i], NULL, "Größe, 日本!", REFERENCES("Größe, 日本!")) == 100);
        assert_true(score(names[i], NULL, "abc", REFERENCES("xyz")) == 0);
        assert_true(score(names[i], NULL, "", REFERENCES("xyz")) == 0);
        assert_true(isnan(score(names[i], NULL, "abc", REFERENCES(""))));
        assert_true(isnan(score(names[i], NULL, "", REFERENCES(" "))));
        assert_true(isnan(scorer_value(scorer(names[i]), NULL, 0)));
    }
    assert_true(score("chrf", NULL, "a b", REFERENCES("ab")) == 100);
    assert_true(score("chrf_pp", NULL, "a b", REFERENCES("ab")) < 100);
    assert_non_null(strstr(scorer("chrf")->about, "case:mixed|eff:yes|nc:6|nw:0|space:no"));
    assert_non_null(strstr(scorer("chrf_pp")->about, "case:mixed|eff:yes|nc:6|nw:2|space:no"));
}

static void chrf_counts_characters_not_bytes(void **state)
{
    (void)state;
    double sums[SCORER_MAX_SUMS];
    /* é and è share their first byte, and nothing else. */
    score("chrf", sums, "\xC3\xA9t", REFERENCES("\xC3\xA8t"));
    assert_sums(sums, (double[]){2, 2, 1, 1, 1, 0, 0, 0, 0}, 9);
}

static void chrf_pp_sets_one_mark_of_a_word_apart(void **state)
{
    (void)state;
    /* Words that both sides have, and those of the answer.  "(hi)" gives "(hi" and ")"; only ASCII's marks count. */
    static const struct {
        const char *answer, *reference;
        int common, n;
    } cases[] = {
        {"end.", "end .", 2, 2}, {"-x", "- x", 2, 2},    {"?!", "? !", 2, 2},    {".", ".", 1, 1},
        {"it's", "it s", 0, 1},  {"(hi)", "hi )", 1, 2}, {"«é»", "« é »", 0, 1},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        double sums[SCORER_MAX_SUMS];
        score("chrf_pp", sums, cases[i].answer, REFERENCES(cases[i].reference));
        assert_int_equal(sums[18], cases[i].n);
        assert_int_equal(sums[20], cases[i].common);
    }
}

static void chrf_takes_the_best_reference(void **state)
{
    (void)state;
    double best[SCORER_MAX_SUMS], sums[SCORER_MAX_SUMS];
    assert_true(score("chrf_pp", best, "a small cat", REFERENCES("a small cat")) == 100);
    assert_true(score("chrf_pp", sums, "a small cat", REFERENCES("the dog", "a small cat", "a small cart")) == 100);
    assert_sums(sums, best, 24);
    /* Counts are never mixed: half from one reference and half from another is half. */
    double one = score("chrf", NULL, "abcdwxyz", REFERENCES("abcd"));
    assert_true(score("chrf", NULL, "abcdwxyz", REFERENCES("abcd", "wxyz")) == one);
    assert_true(one < 100);
    /* With no match anywhere, the first. */
    score("chrf", sums, "a", REFERENCES("xy", "xyz"));
    assert_sums(sums, (double[]){1, 2, 0, 0, 1, 0}, 6);
}

static void noise_is_scored(void **state)
{
    (void)state;
    static const char *const names[] = {"bleu", "bleu_none", "chrf", "chrf_pp"};
    /* A stray continuation, an overlong slash, a surrogate, a value past the last, a character cut off by the end. */
    static const char *const noise = "\x80 \xC0\xAF \xED\xA0\x80 \xF5\x80\x80\x80 \xFF\xFE a\xE2\x82";
    for (int i = 0; i < 4; i++) {
        assert_true(score(names[i], NULL, noise, REFERENCES(noise)) == 100);
        assert_true(score(names[i], NULL, noise, REFERENCES("x y z w")) == 0);
    }
    double sums[SCORER_MAX_SUMS];
    score("chrf", sums, "\xE2\x82", REFERENCES("\xE2\x82\xAC\x82")); /* two bytes against a character and one byte */
    assert_sums(sums, (double[]){2, 2, 1, 1, 1, 0}, 6);

    enum { LONG = 50000 };
    char *same = malloc(LONG + 1);
    assert_non_null(same);
    memset(same, 'a', LONG);
    same[LONG] = '\0';
    assert_true(score("chrf", sums, same, REFERENCES(same, "aa")) == 100);
    assert_true(sums[17] == LONG - 5);
    for (int i = 1; i < LONG; i += 2)
        same[i] = '.';
    score("bleu", sums, same, REFERENCES(same));
    assert_sums(sums, (double[]){LONG, LONG, LONG, LONG - 1, LONG - 2, LONG - 3}, 6);
    free(same);
}

static double number_of(const json_t *c, const char *key)
{
    const json_t *v = json_object_get(c, key);
    assert_true(json_is_number(v));
    return json_number_value(v);
}

static const char *text_of(const json_t *c, const char *key)
{
    const char *s = json_string_value(json_object_get(c, key));
    assert_non_null(s);
    return s;
}

/* chrF with smoothing, which sacreBLEU's cases of single sentences use and we do not: the mean of the orders' F-scores. */
static double chrf_smoothed(const double *sums)
{
    double f = 0;
    for (int k = 0; k < 6; k++, sums += 3)
        f += sums[2] > 0 ? f2(sums[2] / sums[0], sums[2] / sums[1]) : 0;
    return f / 6;
}

static void agrees_with_the_published_cases(void **state)
{
    (void)state;
    const char *path = testdata("scorers/sacrebleu_cases.json");
    TEST_SKIP_WITHOUT(path, "scorers/sacrebleu_cases.json");
    json_t *all = json_load_file(path, 0, NULL), *c;
    size_t i, k, done = 0;
    double sums[8 * SCORER_MAX_SUMS];
    json_array_foreach(json_object_get(all, "corpus_bleu"), i, c)
    {
        const struct scorer *s = scorer(strcmp(text_of(c, "tokenize"), "13a") ? "bleu_none" : "bleu");
        const json_t *hyp = json_object_get(c, "hyp"), *refs = json_object_get(c, "refs");
        size_t n = json_array_size(hyp);
        assert_in_range(n, 1, 8);
        assert_int_equal(json_array_size(refs), 2);
        for (k = 0; k < n; k++)
            s->item(sums + k * (size_t)s->sums, json_string_value(json_array_get(hyp, k)),
                    REFERENCES(json_string_value(json_array_get(json_array_get(refs, 0), k)),
                               json_string_value(json_array_get(json_array_get(refs, 1), k))));
        assert_close(scorer_value(s, sums, n), number_of(c, "score"), 1e-6);
        done++;
    }
    json_array_foreach(json_object_get(all, "sentence_bleu"), i, c)
    {
        if (strcmp(text_of(c, "smooth"), "exp"))
            continue;
        const char *name = strcmp(text_of(c, "tokenize"), "13a") ? "bleu_none" : "bleu";
        double v = score(name, NULL, text_of(c, "hyp"), REFERENCES(text_of(c, "ref")));
        assert_close(v, number_of(c, "score"), number_of(c, "tolerance"));
        done++;
    }
    json_array_foreach(json_object_get(all, "sentence_chrf"), i, c)
    {
        score("chrf", sums, text_of(c, "hyp"), REFERENCES(text_of(c, "ref")));
        assert_close(chrf_smoothed(sums), number_of(c, "score"), number_of(c, "tolerance"));
        done++;
    }
    /* beta is 3 there, but precision equals recall in all of them. */
    json_array_foreach(json_object_get(all, "corpus_chrf_beta3_no_eps"), i, c)
    {
        const struct scorer *s = scorer("chrf");
        const json_t *hyp = json_object_get(c, "hyp"), *ref = json_object_get(c, "ref");
        for (k = 0; k < json_array_size(hyp); k++)
            s->item(sums + k * (size_t)s->sums, json_string_value(json_array_get(hyp, k)),
                    REFERENCES(json_string_value(json_array_get(ref, k))));
        assert_close(scorer_value(s, sums, json_array_size(hyp)), number_of(c, "score"), 1e-9);
        done++;
    }
    json_decref(all);
    assert_int_equal(done, 16); /* of 21; five sentences use a smoothing that we do not have */
}

#define WMT "scorers/wmt17_en_de/"

/* The lines of a file, its memory in *whole. */
static const char **lines_of(const char *path, char **whole, size_t n)
{
    const char **lines = malloc(n * sizeof *lines);
    *whole = file_read(path, NULL, NULL);
    assert_true(lines && *whole);
    char *p = *whole;
    for (size_t i = 0; i < n; i++) {
        char *end = strchr(p, '\n');
        assert_non_null(end);
        *end = '\0';
        lines[i] = p;
        p = end + 1;
    }
    assert_true(*p == '\0');
    return lines;
}

static double score_lines(const char *name, double *total, const char *const *answers, const char *const *references, size_t n)
{
    const struct scorer *s = scorer(name);
    double *sums = malloc(n * (size_t)s->sums * sizeof *sums);
    assert_non_null(sums);
    memset(total, 0, SCORER_MAX_SUMS * sizeof *total);
    for (size_t i = 0; i < n; i++) {
        s->item(sums + i * (size_t)s->sums, answers[i], REFERENCES(references[i]));
        for (int k = 0; k < s->sums; k++)
            total[k] += sums[i * (size_t)s->sums + (size_t)k];
    }
    double v = scorer_value(s, sums, n);
    free(sums);
    return v;
}

static void agrees_with_sacrebleu_on_wmt17(void **state)
{
    (void)state;
    const char *path = testdata(WMT "expected.json"), *ref_path = testdata(WMT "ref0.txt");
    TEST_SKIP_WITHOUT(path, WMT "expected.json");
    TEST_SKIP_WITHOUT(ref_path, WMT "ref0.txt");
    json_t *all = json_load_file(path, 0, NULL), *c;
    const char *system;
    int systems = 0;
    json_object_foreach(json_object_get(all, "systems"), system, c)
    {
        char name[200], *answer_text, *ref_text;
        snprintf(name, sizeof name, WMT "%s.txt", system);
        const char *answer_path = testdata(name);
        TEST_SKIP_WITHOUT(answer_path, name);
        size_t n = (size_t)number_of(c, "lines");
        const char **answers = lines_of(answer_path, &answer_text, n), **references = lines_of(ref_path, &ref_text, n);

        double total[SCORER_MAX_SUMS];
        assert_close(score_lines("bleu_none", total, answers, references, n), number_of(c, "bleu_none"), 1e-6);
        assert_close(score_lines("chrf", total, answers, references, n), number_of(c, "chrf2"), 1e-6);
        assert_close(score_lines("chrf_pp", total, answers, references, n), number_of(c, "chrf2pp"), 1e-6);
        assert_close(score_lines("bleu", total, answers, references, n), number_of(c, "bleu_13a"), 1e-6);
        assert_true(total[LENGTH] == number_of(c, "sys_len"));
        assert_true(total[CLOSEST] == number_of(c, "ref_len"));
        for (int k = 0; k < 4; k++)
            assert_close(100 * total[MATCHES + k] / total[TOTALS + k],
                         json_number_value(json_array_get(json_object_get(c, "bleu_precisions"), (size_t)k)), 1e-9);
        free(answers);
        free(references);
        free(answer_text);
        free(ref_text);
        systems++;
    }
    json_decref(all);
    assert_int_equal(systems, 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bleu_by_hand),
        cmocka_unit_test(bleu_takes_the_best_count_and_the_closest_length),
        cmocka_unit_test(bleu_is_a_figure_of_a_corpus),
        cmocka_unit_test(words_are_cut_as_13a_does),
        cmocka_unit_test(chrf_by_hand),
        cmocka_unit_test(chrf_counts_characters_not_bytes),
        cmocka_unit_test(chrf_pp_sets_one_mark_of_a_word_apart),
        cmocka_unit_test(chrf_takes_the_best_reference),
        cmocka_unit_test(noise_is_scored),
        cmocka_unit_test(agrees_with_the_published_cases),
        cmocka_unit_test(agrees_with_sacrebleu_on_wmt17),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
