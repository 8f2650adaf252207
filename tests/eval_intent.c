/* SPDX-License-Identifier: MIT */
#include "tests/test.h"

#include <math.h>
#include <string.h>

#include "eval/scorer.h"

#define LIGHT "{\"intent\": \"set_light\", \"room\": \"kitchen\", \"level\": 21}"
#define REFERENCES(...) ((const char *const[]){__VA_ARGS__, NULL})

static double exact(const char *answer, const char *const *references)
{
    const struct scorer *s = scorer_by_name("intent_exact");
    assert_non_null(s);
    assert_int_equal(s->sums, 1);
    double sum = -1;
    s->item(&sum, answer, references);
    return sum;
}

static void assert_pairs(const char *answer, const char *const *references, double tp, double fp, double fn)
{
    const struct scorer *s = scorer_by_name("intent_f1");
    assert_non_null(s);
    assert_int_equal(s->sums, 3);
    double sums[3] = {-1, -1, -1};
    s->item(sums, answer, references);
    if (!(sums[0] == tp && sums[1] == fp && sums[2] == fn))
        fail_msg("%s against %s: tp %g, fp %g, fn %g; expected %g, %g, %g", answer, references[0], sums[0], sums[1], sums[2], tp,
                 fp, fn);
}

static void the_same_object_however_it_is_written(void **state)
{
    (void)state;
    static const char *const same[] = {
        LIGHT,
        "{\"level\":21,\"room\":\"kitchen\",\"intent\":\"set_light\"}",
        " \n{ \"intent\" : \"set_light\", \"room\": \"kit\\u0063hen\", \"level\": 21.0 }\t\n",
        "{\"intent\": \"set_light\", \"room\": \"kitchen\", \"level\": 2.1e1}",
    };
    for (size_t i = 0; i < sizeof same / sizeof *same; i++) {
        assert_true(exact(same[i], REFERENCES(LIGHT)) == 1);
        assert_true(exact(LIGHT, REFERENCES(same[i])) == 1);
        assert_pairs(same[i], REFERENCES(LIGHT), 3, 0, 0);
    }
    assert_true(exact("{}", REFERENCES("{ }")) == 1);
    assert_pairs("{}", REFERENCES("{ }"), 0, 0, 0);
}

static void several_commands_are_a_list(void **state)
{
    (void)state;
    static const char two[] = "[" LIGHT ", {\"intent\": \"stop\"}]";
    assert_true(exact(two, REFERENCES(two)) == 1);
    assert_true(exact(LIGHT, REFERENCES("[" LIGHT "]")) == 1); /* one is one, however written */
    assert_true(exact("[{\"intent\": \"stop\"}, " LIGHT "]", REFERENCES(two)) == 0); /* the order is what was said */
    assert_pairs(two, REFERENCES(two), 4, 0, 0);
    assert_pairs(LIGHT, REFERENCES(two), 3, 0, 1);
    assert_pairs(two, REFERENCES(LIGHT), 3, 1, 0);
    assert_pairs("[]", REFERENCES(two), 0, 0, 4);
    assert_pairs("[" LIGHT ", 7]", REFERENCES(two), 0, 0, 4);
}

static void what_differs_is_counted(void **state)
{
    (void)state;
    static const struct {
        const char *answer;
        double tp, fp, fn;
    } cases[] = {
        {"{\"intent\": \"set_light\", \"room\": \"Kitchen\", \"level\": 21}", 2, 1, 1},     /* another value: wrong and missed */
        {"{\"intent\": \"set_light\", \"room\": \"kitchen\", \"level\": 21.5}", 2, 1, 1},   /* another number */
        {"{\"intent\": \"set_light\", \"room\": \"kitchen\", \"level\": \"21\"}", 2, 1, 1}, /* a string is no number */
        {"{\"intent\": \"set_light\", \"room\": \"kitchen\", \"level\": true}", 2, 1, 1},
        {"{\"intent\": \"set_light\", \"room\": \"kitchen\", \"level\": null}", 2, 1, 1},
        {"{\"intent\": \"set_light\", \"Room\": \"kitchen\", \"level\": 21}", 2, 1, 1},
        {"{\"intent\": \"set_light\", \"room\": \"kitchen\"}", 2, 0, 1},
        {"{\"intent\": \"set_light\", \"room\": \"kitchen\", \"level\": 21, \"time\": \"07:00\"}", 3, 1, 0},
        {"{}", 0, 0, 3},
        {"{\"a\": 1}", 0, 1, 3},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        assert_true(exact(cases[i].answer, REFERENCES(LIGHT)) == 0);
        assert_pairs(cases[i].answer, REFERENCES(LIGHT), cases[i].tp, cases[i].fp, cases[i].fn);
    }
}

static void what_is_no_object_misses_every_pair(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "",
        "   ",
        "set_light",
        "[1, 2]",
        "21",
        "\"set_light\"",
        "null",
        "{",
        "}",
        "{\"intent\"",
        "{\"intent\": set_light}",
        "{'intent': 'set_light'}",
        "{\"intent\": \"set_light\",}",
        ("Sure: " LIGHT),
        ("\xFF" LIGHT),
        "{\"intent\": \"\xFF\"}",                                                          /* no UTF-8 */
        "{\"intent\": \"set_light\", \"room\": \"kitchen\", \"level\": 3, \"level\": 21}", /* two levels */
        "{\"intent\": \"set_light\", \"room\": \"kitchen\", \"level\": 99999999999999999999}",
        "{\"intent\": \"set_light\", \"room\": \"kitchen\", \"level\": 1e999}",
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        assert_true(exact(bad[i], REFERENCES(LIGHT)) == 0);
        assert_pairs(bad[i], REFERENCES(LIGHT), 0, 0, 3);
    }
    /* Deeper than the parser goes. */
    char deep[8000];
    memset(deep, '[', sizeof deep);
    memcpy(deep, "{\"a\":", 5);
    deep[sizeof deep - 1] = '\0';
    assert_true(exact(deep, REFERENCES(LIGHT)) == 0);
    assert_pairs(deep, REFERENCES(LIGHT), 0, 0, 3);
}

static void text_behind_the_object_spoils_only_exact(void **state)
{
    (void)state;
    static const char *const more[] = {LIGHT "!", LIGHT "\nUser: next", LIGHT LIGHT, LIGHT "}", LIGHT " \xFF"};
    for (size_t i = 0; i < sizeof more / sizeof *more; i++) {
        assert_true(exact(more[i], REFERENCES(LIGHT)) == 0);
        assert_pairs(more[i], REFERENCES(LIGHT), 3, 0, 0);
    }
}

static void values_may_be_nested(void **state)
{
    (void)state;
    const char *const *nested = REFERENCES("{\"rooms\": [1, {\"a\": 2, \"b\": false}]}");
    assert_true(exact("{\"rooms\": [1.0, {\"b\": false, \"a\": 2.0}]}", nested) == 1);
    assert_true(exact("{\"rooms\": [{\"b\": false, \"a\": 2}, 1]}", nested) == 0);
    assert_true(exact("{\"rooms\": [1]}", nested) == 0);
    assert_true(exact("{\"rooms\": [1, {\"a\": 2}]}", nested) == 0);
    assert_true(exact("{\"rooms\": [1, {\"a\": 2, \"b\": false, \"c\": 1}]}", nested) == 0);
    /* Integers are not compared as doubles, which would take these for one. */
    assert_true(exact("{\"n\": 9007199254740993}", REFERENCES("{\"n\": 9007199254740992}")) == 0);
}

static void the_best_reference_counts(void **state)
{
    (void)state;
    assert_true(exact(LIGHT, REFERENCES("{}", LIGHT)) == 1);
    assert_true(exact(LIGHT, REFERENCES(LIGHT, "{}")) == 1);
    assert_true(exact(LIGHT, REFERENCES("{\"a\": 1}", "{}")) == 0);
    assert_pairs("{\"a\": 1, \"b\": 2}", REFERENCES("{\"a\": 1, \"c\": 1}", "{\"a\": 1}", "{\"b\": 3}"), 1, 1, 0);
    assert_pairs("{}", REFERENCES("{\"a\": 1}", "{}"), 0, 0, 0);
    assert_pairs("none", REFERENCES("{\"a\": 1, \"b\": 2}", "{\"a\": 1}"), 0, 0, 2); /* both 0: the first */
}

/* A task's mistake is not the model's: no score instead of 0. */
static void a_reference_that_is_no_object_gives_no_score(void **state)
{
    (void)state;
    assert_true(isnan(exact(LIGHT, REFERENCES("set_light"))));
    assert_true(isnan(exact("set_light", REFERENCES("set_light"))));
    assert_true(exact(LIGHT, REFERENCES("set_light", LIGHT)) == 1);
    const struct scorer *s = scorer_by_name("intent_f1");
    double sums[6];
    s->item(&sums[0], LIGHT, REFERENCES("[]"));
    s->item(&sums[3], LIGHT, REFERENCES("[]", LIGHT));
    assert_true(isnan(scorer_value(s, sums, 1)));
    assert_true(isnan(scorer_value(s, sums, 2)));
    assert_true(scorer_value(s, sums + 3, 1) == 1);
}

static void pairs_are_added_up_before_they_are_divided(void **state)
{
    (void)state;
    const struct scorer *s = scorer_by_name("intent_f1"), *e = scorer_by_name("intent_exact");
    /* tp 3, fp 1, fn 4. */
    assert_true(scorer_value(s, (const double[]){3, 1, 0, 0, 0, 4}, 2) == 6. / 11);
    assert_true(isnan(scorer_value(s, NULL, 0)));
    assert_true(isnan(scorer_value(s, (const double[]){0, 0, 0}, 1)));
    assert_true(scorer_value(e, (const double[]){1, 0, 1, 1}, 4) == 0.75);
    assert_true(isnan(scorer_value(e, NULL, 0)));
    assert_false(s->lower_is_better || e->lower_is_better);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_same_object_however_it_is_written),
        cmocka_unit_test(several_commands_are_a_list),
        cmocka_unit_test(what_differs_is_counted),
        cmocka_unit_test(what_is_no_object_misses_every_pair),
        cmocka_unit_test(text_behind_the_object_spoils_only_exact),
        cmocka_unit_test(values_may_be_nested),
        cmocka_unit_test(the_best_reference_counts),
        cmocka_unit_test(a_reference_that_is_no_object_gives_no_score),
        cmocka_unit_test(pairs_are_added_up_before_they_are_divided),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
