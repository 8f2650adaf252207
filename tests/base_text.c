/* SPDX-License-Identifier: MIT */
#include "tests/test.h"

#include <stdlib.h>
#include <string.h>

#include "base/text.h"

static void text_grows(void **state)
{
    (void)state;
    struct text t = {0};
    for (int i = 0; i < 1000; i++)
        text_printf(&t, "%d,", i);
    assert_int_equal(t.n, strlen(t.p));
    assert_memory_equal(t.p + t.n - 4, "999,", 5);
    text_free(&t);
    assert_null(t.p);
}

static void lists_are_split_and_trimmed(void **state)
{
    (void)state;
    struct list l = list_split(" f16, q8_0 ,,q4_0\n, ");
    assert_int_equal(l.n, 3);
    assert_string_equal(l.v[0], "f16");
    assert_string_equal(l.v[1], "q8_0");
    assert_string_equal(l.v[2], "q4_0");
    assert_null(l.v[3]);
    free(l.v);
    l = list_split("");
    assert_int_equal(l.n, 0);
    free(l.v);
}

static void numbers_are_read_whole(void **state)
{
    (void)state;
    int64_t v = 7;
    assert_int_equal(text_int("12", 1, 100, &v), 0);
    assert_int_equal(v, 12);
    static const char *const bad[] = {"", "12x", "x", "0", "101", "99999999999999999999", "1.5"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        assert_int_equal(text_int(bad[i], 1, 100, &v), -1);
    assert_int_equal(v, 12); /* untouched by a failure */
    double d;
    assert_int_equal(text_double("0.25", 0, 1, &d), 0);
    assert_true(d > 0.24 && d < 0.26);
    assert_int_equal(text_double("nan", 0, 1, &d), -1);
    assert_int_equal(text_double("2", 0, 1, &d), -1);
}

static void sizes_have_units_of_1024(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        int64_t bytes;
    } good[] = {{"0", 0}, {"512", 512}, {"64k", 65536}, {"256M", 268435456}, {"2GiB", 2147483648}, {"1.5K", 1536}, {"7B", 7}};
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        int64_t v;
        assert_int_equal(text_size(good[i].text, &v), 0);
        assert_int_equal(v, good[i].bytes);
    }
    static const char *const bad[] = {"", "k", "-1", "3x", "3kk", "1e99", "nan"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        int64_t v;
        assert_int_equal(text_size(bad[i], &v), -1);
    }
}

static void slips_find_their_word_and_strangers_do_not(void **state)
{
    (void)state;
    static const char *const words[] = {"context", "threads", "format", "compute"};
    assert_string_equal(text_nearest("contxt", words, 4), "context");
    assert_string_equal(text_nearest("thread", words, 4), "threads");
    assert_string_equal(text_nearest("fromat", words, 4), "format");
    assert_null(text_nearest("zebra", words, 4));
    assert_null(text_nearest("x", words, 4));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(text_grows),
        cmocka_unit_test(lists_are_split_and_trimmed),
        cmocka_unit_test(numbers_are_read_whole),
        cmocka_unit_test(sizes_have_units_of_1024),
        cmocka_unit_test(slips_find_their_word_and_strangers_do_not),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
