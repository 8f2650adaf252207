/* How pre-tokenizers cut a text: cases made by hand (digits, contractions, CJK, emoji, mixed white space), and names. */
/* SPDX-License-Identifier: MIT */
#include "tests/test.h"

#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "engine/pretokenizer.h"

static int add_word(void *ctx, const char *p, size_t n, struct err *e)
{
    (void)e;
    text_printf(ctx, "[%.*s]", (int)n, p);
    return 0;
}

static int open_named(struct pretokenizer *s, const char *name, struct err *e)
{
    return pretokenizer_open(s, (struct gguf_str){name, strlen(name)}, e);
}

static void expect(const char *name, const char *text, const char *wanted)
{
    struct pretokenizer s;
    struct err e;
    struct text got = {0};
    if (open_named(&s, name, &e) || pretokenizer_cut(&s, text, strlen(text), add_word, &got, &e))
        fail_msg("%s", e.msg);
    text_add(&got, "", 0);
    if (strcmp(got.p, wanted))
        fail_msg("%s cuts \"%s\" to\n%s\nand should cut it to\n%s", name, text, got.p, wanted);
    text_free(&got);
    pretokenizer_close(&s);
}

#define NIHAO "\xe4\xbd\xa0\xe5\xa5\xbd"         /* two Han characters */
#define COMMA "\xef\xbc\x8c"                     /* U+FF0C, full width */
#define TOKYO "\xe6\x9d\xb1\xe4\xba\xac"         /* two more */
#define THUMB "\xf0\x9f\x91\x8d\xf0\x9f\x8f\xbd" /* a thumb and its skin tone */
#define SMILE "\xf0\x9f\x98\x80"
#define ACUTE "\xcc\x81"          /* U+0301, combining: a mark, no letter */
#define ARABIC "\xd9\xa1\xd9\xa2" /* two Arabic digits */
#define WIDE "\xe3\x80\x80"       /* U+3000, a space as wide as a character */
#define LONG_S "\xc5\xbf"         /* U+017F, which is an s in another case */

static void test_cases(void **state)
{
    (void)state;
    static const struct {
        const char *text, *gpt2, *smollm, *llama, *qwen2;
    } cases[] = {
        {"", "", "", "", ""},
        {"a", "[a]", "[a]", "[a]", "[a]"},
        {"I'LL we've it's", "[I]['][LL][ we]['ve][ it]['s]", "[I]['][LL][ we]['ve][ it]['s]", "[I]['LL][ we]['ve][ it]['s]",
         "[I]['LL][ we]['ve][ it]['s]"},
        {"'" LONG_S, "['][" LONG_S "]", "['][" LONG_S "]", "['" LONG_S "]", "['" LONG_S "]"},
        {"12345 3.14 a1b2", "[12345][ 3][.][14][ a][1][b][2]", "[1][2][3][4][5][ ][3][.][1][4][ a][1][b][2]",
         "[123][45][ ][3][.][14][ a][1][b][2]", "[1][2][3][4][5][ ][3][.][1][4][ a][1][b][2]"},
        {"x " ARABIC, "[x][ " ARABIC "]", "[x][ ][\xd9\xa1][\xd9\xa2]", "[x][ ][" ARABIC "]", "[x][ ][\xd9\xa1][\xd9\xa2]"},
        {NIHAO COMMA TOKYO "! 2024", "[" NIHAO "][" COMMA "][" TOKYO "][!][ 2024]",
         "[" NIHAO "][" COMMA "][" TOKYO "][!][ ][2][0][2][4]", "[" NIHAO "][" COMMA TOKYO "][!][ ][202][4]",
         "[" NIHAO "][" COMMA TOKYO "][!][ ][2][0][2][4]"},
        {"ok" THUMB " " SMILE SMILE " #tag (x)...\n", "[ok][" THUMB "][ " SMILE SMILE "][ #][tag][ (][x][)...][\n]",
         "[ok][" THUMB "][ " SMILE SMILE "][ #][tag][ (][x][)...][\n]",
         "[ok][" THUMB "][ " SMILE SMILE "][ #][tag][ (][x][)...\n]",
         "[ok][" THUMB "][ " SMILE SMILE "][ #][tag][ (][x][)...\n]"},
        {"e" ACUTE "t", "[e][" ACUTE "][t]", "[e][" ACUTE "][t]", "[e][" ACUTE "t]", "[e][" ACUTE "t]"},
        {"  two\t\ttabs \n\n  x  ", "[ ][ two][\t][\t][tabs][ \n\n ][ x][  ]", "[ ][ two][\t][\t][tabs][ \n\n ][ x][  ]",
         "[ ][ two][\t][\ttabs][ \n\n][ ][ x][  ]", "[ ][ two][\t][\ttabs][ \n\n][ ][ x][  ]"},
        {"a\r\nb" WIDE "c\n", "[a][\r][\n][b][" WIDE "][c][\n]", "[a][\r][\n][b][" WIDE "][c][\n]", "[a][\r\n][b][" WIDE "c][\n]",
         "[a][\r\n][b][" WIDE "c][\n]"},
        {"    ", "[    ]", "[    ]", "[    ]", "[    ]"},
        {"a\xff\xc3"
         "b \xe2\x82",
         "[a][\xff][\xc3][b][ ][\xe2][\x82]", "[a][\xff][\xc3][b][ ][\xe2][\x82]", "[a][\xff][\xc3][b][ ][\xe2][\x82]",
         "[a][\xff][\xc3][b][ ][\xe2][\x82]"}, /* not UTF-8: byte by byte */
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        expect("gpt-2", cases[i].text, cases[i].gpt2);
        expect("smollm", cases[i].text, cases[i].smollm);
        expect("refact", cases[i].text, cases[i].smollm);
        expect("llama-bpe", cases[i].text, cases[i].llama);
        expect("qwen2", cases[i].text, cases[i].qwen2);
    }
    /* Words end where small letters do; contractions stay with them (not in tekken, whose digits stand alone). */
    expect("gpt-4o", "helloWorld HTMLParser we'LL 12345 a/b//\n",
           "[hello][World][ HTMLParser][ we'LL][ ][123][45][ a][/b][//\n]");
    expect("tekken", "helloWorld HTMLParser we'LL 12 a/b//\n", "[hello][World][ HTMLParser][ we]['LL][ ][1][2][ a][/b][//\n]");
    expect("gpt-4o", "e" ACUTE "t " NIHAO COMMA TOKYO, "[e" ACUTE "t][ " NIHAO "][" COMMA TOKYO "]");
    expect("qwen35", "e" ACUTE "t 12", "[e" ACUTE "t][ ][1][2]");
}

static void test_what_a_name_says(void **state)
{
    (void)state;
    struct pretokenizer s;
    struct err e;
    assert_int_equal(open_named(&s, "lfm2", &e), 0);
    assert_true(s.ignore_merges && s.add_bos);
    pretokenizer_close(&s);
    assert_int_equal(open_named(&s, "stablelm2", &e), 0);
    assert_false(s.ignore_merges || s.add_bos);
    pretokenizer_close(&s);
    static const char *const unknown[] = {"default", "", "gpt", "gpt-2 phi-2", "GPT-2"};
    for (size_t i = 0; i < sizeof unknown / sizeof *unknown; i++) {
        assert_int_equal(open_named(&s, unknown[i], &e), -1);
        assert_non_null(strstr(e.msg, "tokenizer.ggml.pre"));
        assert_non_null(strstr(e.msg, unknown[i]));
        assert_non_null(strstr(e.msg, "llama-bpe"));
        assert_non_null(strstr(e.msg, "smollm"));
    }
}

/* A long text is one pass: a match must not look at all of it again. */
static int count_word(void *ctx, const char *p, size_t n, struct err *e)
{
    (void)p, (void)e;
    size_t *sum = ctx;
    sum[0] += n;
    sum[1]++;
    return 0;
}

static void test_long_texts(void **state)
{
    (void)state;
    enum { N = 1 << 20 };
    static const char *const fill[] = {" ", "a", "\n", "1", "a ", " \n", "'", "\xff", "\xe4\xbd\xa0"};
    char *text = malloc(N);
    for (size_t k = 0; k < sizeof fill / sizeof *fill; k++) {
        struct pretokenizer s;
        struct err e;
        size_t sum[2] = {0}, len = strlen(fill[k]);
        for (size_t i = 0; i < N; i++)
            text[i] = fill[k][i % len];
        assert_int_equal(open_named(&s, k & 1 ? "qwen2" : "smollm", &e), 0);
        if (pretokenizer_cut(&s, text, N, count_word, sum, &e))
            fail_msg("a text of \"%s\": %s", fill[k], e.msg);
        assert_int_equal(sum[0], N);
        pretokenizer_close(&s);
    }
    free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_cases),
        cmocka_unit_test(test_what_a_name_says),
        cmocka_unit_test(test_long_texts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
