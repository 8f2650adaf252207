/* SPDX-License-Identifier: MIT */
#include "tests/test.h"

#include <math.h>

#include "eval/scorer.h"

static void perplexity_is_the_exponential_of_the_mean(void **state)
{
    (void)state;
    const struct scorer *s = scorer_by_name("perplexity");
    assert_non_null(s);
    assert_true(s->lower_is_better);
    /* A uniform guess among 8 costs ln 8 nats a token, however the tokens are cut into windows. */
    const double sums[] = {3 * log(8), 3, 0, 0, 5 * log(8), 5};
    assert_true(fabs(scorer_value(s, sums, 3) - 8) < 1e-12);
    assert_true(isnan(scorer_value(s, sums, 0)));
    assert_true(isnan(scorer_value(s, sums + 2, 1)));
    assert_null(scorer_by_name("rouge_9"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(perplexity_is_the_exponential_of_the_mean)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
