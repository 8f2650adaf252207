/* Each kind of check, with an answer that keeps it and one that does not. */
/* SPDX-License-Identifier: MIT */
#include "tests/test.h"

#include "eval/scorer.h"

static void each_kind_tells_right_from_wrong(void **state)
{
    (void)state;
    static const struct {
        const char *check, *right, *wrong;
    } cases[] = {
        {"{\"words_max\": 2}", "  two words\n", "three words here"},
        {"{\"words_min\": 3}", "one  two\tthree", "one two"},
        {"{\"lines\": 2}", "a\n\n  \nb", "a b"},
        {"{\"contains\": [\"snow\", \"Lantern\"]}", "SNOW on the lanterns", "snow only"},
        {"{\"excludes\": [\"rain\"]}", "sun", "Brains"},
        {"{\"excludes_words\": [\"tea\"]}", "instead, a steak", "no TEA."},
        {"{\"starts\": \"Because\"}", "\n Because it is", "because it is"},
        {"{\"ends\": \".\"}", "It is. ", "It is"},
        {"{\"json\": true}", " [1, {\"a\": 2}] ", "Here: {}"},
        {"{\"upper\": true}", "LOUD 9!", "Loud"},
        {"{\"lower\": true}", "quiet", "123"},
        {"{\"starts\": \"A\", \"words_max\": 1}", "Apple", "Apple pie"},
    };
    const struct scorer *s = scorer_by_name("constraints");
    assert_non_null(s);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const char *const check[] = {cases[i].check, NULL};
        double right, wrong;
        s->item(&right, cases[i].right, check);
        s->item(&wrong, cases[i].wrong, check);
        if (right != 1 || wrong != 0)
            fail_msg("%s: \"%s\" %g, \"%s\" %g", cases[i].check, cases[i].right, right, cases[i].wrong, wrong);
    }
    double x;
    s->item(&x, "anything", (const char *const[]){"not JSON", NULL});
    assert_true(x == 0);
    s->item(&x, "", (const char *const[]){"{\"words_max\": 0}", NULL});
    assert_true(x == 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(each_kind_tells_right_from_wrong)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
