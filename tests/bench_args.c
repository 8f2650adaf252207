/* Reading command lines: what is accepted, and what the messages of the others say. */
/* SPDX-License-Identifier: MIT */
#include "tests/test.h"

#include <string.h>

#include "bench/cmd/cmd.h"

static int nothing(const struct args *a, struct err *e)
{
    (void)a, (void)e;
    return 0;
}

static const struct option_spec options[] = {
    {"model", 'm', "FILE", "a model"}, {"threads", 0, "N", "threads"}, {"quiet", 'q', NULL, "say less"}, {NULL, 0, NULL, NULL}};
static const struct command command = {
    .name = "probe", .positional = "IN", .min_positional = 1, .max_positional = 2, .options = options, .json = 1, .run = nothing};

static void every_spelling_is_read(void **state)
{
    (void)state;
    struct args a;
    struct err e;
    char *argv[] = {"--model=x=y.gguf", "in", "--threads", "3", "-q", "--json", "--", "--out"};
    assert_int_equal(args_parse(&command, 8, argv, &a, &e), 0);
    assert_string_equal(args_get(&a, "model"), "x=y.gguf");
    assert_true(args_has(&a, "quiet") && args_has(&a, "json"));
    assert_int_equal(a.n_positional, 2);
    assert_string_equal(a.positional[1], "--out");
    int64_t n;
    assert_int_equal(args_int(&a, "threads", 1, 4, 1, &n, &e), 0);
    assert_int_equal(n, 3);
    assert_int_equal(args_int(&a, "threads", 1, 2, 1, &n, &e), -1);
    assert_non_null(strstr(e.msg, "--threads 3: must be a whole number from 1 to 2"));
    args_free(&a);

    char *letters[] = {"-mfile", "in", "-"};
    assert_int_equal(args_parse(&command, 3, letters, &a, &e), 0);
    assert_string_equal(args_get(&a, "model"), "file");
    assert_string_equal(a.positional[1], "-");
    assert_int_equal(args_int(&a, "threads", 1, 4, 2, &n, &e), 0);
    assert_int_equal(n, 2);
    args_free(&a);
}

static void mistakes_are_explained(void **state)
{
    (void)state;
    static char *const lines[][3] = {{"in", "--modle", "x"}, {"in", "--zebra", "x"}, {"in", "in", "--model"},
                                     {"in", "-q", "--quiet=1"}, {"a", "b", "c"},     {"-q", "-q", "-q"}};
    static const char *const says[] = {"did you mean --model?", "bench help probe", "--model FILE",
                                       "takes no value",        "one argument too many", "needs IN"};
    for (size_t i = 0; i < sizeof says / sizeof *says; i++) {
        struct args a;
        struct err e = {0};
        char *argv[3] = {lines[i][0], lines[i][1], lines[i][2]};
        assert_int_equal(args_parse(&command, 3, argv, &a, &e), -1);
        assert_int_equal(e.code, ERR_USAGE);
        if (!strstr(e.msg, says[i]))
            fail_msg("\"%s\" does not say \"%s\"", e.msg, says[i]);
        args_free(&a);
    }
}

static void help_needs_nothing_else(void **state)
{
    (void)state;
    struct args a;
    struct err e;
    char *argv[] = {"--help"};
    assert_int_equal(args_parse(&command, 1, argv, &a, &e), 0);
    assert_true(args_has(&a, "help"));
    args_free(&a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_spelling_is_read),
        cmocka_unit_test(mistakes_are_explained),
        cmocka_unit_test(help_needs_nothing_else),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
