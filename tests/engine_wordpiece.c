/* WordPiece: the cases of BERT's own tokenization_test.py, cuts made by hand, folding, and metadata that lie. */
/* SPDX-License-Identifier: MIT */
#include "tests/test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "engine/fold.h"
#include "engine/gguf_write.h"
#include "engine/tokenizer.h"

#define W "\xe2\x96\x81" /* begins a word */

struct loaded {
    struct gguf g;
    struct tokenizer *t;
};

enum { FLAG_NONE = -1 };

/* The three special tokens and the given pieces; -1: without that key. */
static int open_pieces(struct loaded *l, const char *const *pieces, int lowercase, int accents, struct err *e)
{
    struct gguf_writer *w;
    struct gguf_str s[300] = {{"[UNK]", 5}, {"[CLS]", 5}, {"[SEP]", 5}};
    int32_t type[300] = {3, 3, 3};
    int n = 3;
    for (; pieces[n - 3]; n++) {
        s[n] = (struct gguf_str){pieces[n - 3], strlen(pieces[n - 3])};
        type[n] = 1;
    }
    *l = (struct loaded){0};
    assert_int_equal(gguf_write_open(&w, test_file("w.gguf"), e), 0);
    gguf_write_string(w, "tokenizer.ggml.model", "bert");
    gguf_write_strings(w, "tokenizer.ggml.tokens", s, (uint64_t)n);
    gguf_write_array(w, "tokenizer.ggml.token_type", GGUF_I32, type, (uint64_t)n);
    gguf_write_u32(w, "tokenizer.ggml.unknown_token_id", 0);
    gguf_write_u32(w, "tokenizer.ggml.cls_token_id", 1);
    gguf_write_u32(w, "tokenizer.ggml.seperator_token_id", 2);
    if (lowercase >= 0)
        gguf_write_bool(w, "tokenizer.ggml.normalizer.lowercase", lowercase);
    if (accents >= 0)
        gguf_write_bool(w, "tokenizer.ggml.normalizer.strip_accents", accents);
    assert_int_equal(gguf_write_finish(w, e), 0);
    return gguf_open(&l->g, test_file("w.gguf"), 0, e) || tokenizer_open(&l->t, &l->g, e) ? -1 : 0;
}

static void unload(struct loaded *l)
{
    tokenizer_close(l->t);
    gguf_close(&l->g);
}

/* Every printable sign of ASCII and some others, each beginning a word and going on. */
static void open_letters(struct loaded *l, int lowercase)
{
    static char room[240][8];
    static const char *pieces[260];
    static const char *const more[] = {"\xc3\xa9", "\xe5\x8d\x9a", "\xe6\x8e\xa8", "\xf0\x9f\x98\x80", "\xc3\x9f", NULL};
    struct err e;
    int n = 0;
    for (int c = '!'; c < 127; c++) {
        snprintf(room[n++], sizeof *room, W "%c", c);
        snprintf(room[n++], sizeof *room, "%c", c);
    }
    for (int i = 0; more[i]; i++) {
        snprintf(room[n++], sizeof *room, W "%s", more[i]);
        snprintf(room[n++], sizeof *room, "%s", more[i]);
    }
    for (int i = 0; i < n; i++)
        pieces[i] = room[i];
    pieces[n] = NULL;
    if (open_pieces(l, pieces, lowercase, FLAG_NONE, &e))
        fail_msg("%s", e.msg);
}

static void expect(const struct tokenizer *t, const char *p, size_t len, int bars, const char *wanted)
{
    struct err e;
    struct text got = {0};
    int *ids, n, bytes;
    if (tokenizer_encode(t, p, len, 0, &ids, &n, &e))
        fail_msg("%s", e.msg);
    text_add(&got, "", 0);
    for (int i = 0; i < n; i++) {
        const char *piece = ids[i] ? tokenizer_piece(t, ids[i], &bytes) : " [UNK]";
        text_printf(&got, "%s%.*s", bars && i ? "|" : "", ids[i] ? bytes : 6, piece);
    }
    if (strcmp(got.p, wanted))
        fail_msg("\"%.*s\" became \"%s\", should become \"%s\"", (int)len, p, got.p, wanted);
    text_free(&got);
    free(ids);
}

static void test_longest_pieces_first(void **state)
{
    (void)state;
    static const char *const pieces[] = {W "want", "want", "ed", W "wa", W "un", W "runn", "ing", NULL};
    struct loaded l;
    struct err e;
    if (open_pieces(&l, pieces, FLAG_NONE, FLAG_NONE, &e))
        fail_msg("%s", e.msg);
    expect(l.t, "", 0, 1, "");
    expect(l.t, "unwanted running", 16, 1, " un|want|ed| runn|ing");
    expect(l.t, "unwantedX running", 17, 1, " [UNK]| runn|ing");
    expect(l.t, "wanted ed", 9, 1, " want|ed| [UNK]"); /* "ed" begins no word */
    assert_int_equal(tokenizer_bos(l.t), 1);
    assert_int_equal(tokenizer_eos(l.t), 2);
    assert_true(tokenizer_add_bos(l.t) && tokenizer_add_eos(l.t));
    unload(&l);
}

static void test_cuts(void **state)
{
    (void)state;
    struct loaded l;
    static const struct {
        const char *text, *wanted;
    } cases[] = {
        {" \tHeLLo!how  \n Are yoU?  ", " hello ! how are you ?"},
        {"H\xc3\xa9llo", " hello"},
        {"He\xcc\x81llo", " hello"},                                          /* a combining accent */
        {"ah\xe5\x8d\x9a\xe6\x8e\xa8zz", " ah \xe5\x8d\x9a \xe6\x8e\xa8 zz"}, /* Han one by one */
        {"it's $3.50, don't!", " it ' s $ 3 . 50 , don ' t !"},               /* every sign of ASCII is punctuation */
        {"a_b+c=d", " a _ b + c = d"},
        {"12345 a1", " 12345 a1"}, /* digits are letters here */
        {"ok\xf0\x9f\x98\x80"
         "a",
         " ok\xf0\x9f\x98\x80"
         "a"}, /* so is an emoji */
        {"a\x01"
         "b\xc2\xad"
         "c\xef\xbf\xbd"
         "d\x0b"
         "e",
         " abcde"}, /* dropped, and the word goes on */
        {"a\xe3\x80\x80"
         "b\xc2\xa0"
         "c\xe2\x80\xa8"
         "d",
         " a b c d"}, /* white space of all kinds */
        {"a\xff\xc3"
         "b",
         " ab"},                /* not UTF-8 */
        {"\xe2\x89\xa0", " ="}, /* not equal, without its stroke */
        {"\xe2\x80\x9c"
         "a",
         " [UNK] a"},              /* a quotation mark without a piece */
        {"[CLS] a", " [ cls ] a"}, /* no control token */
    };
    open_letters(&l, FLAG_NONE);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        expect(l.t, cases[i].text, strlen(cases[i].text), 0, cases[i].wanted);
    expect(l.t, "a\0b", 3, 0, " ab");
    char longest[102];
    memset(longest, 'a', 101);
    longest[101] = '\0';
    char wanted[103] = " ";
    memset(wanted + 1, 'a', 100);
    expect(l.t, longest, 100, 0, wanted);
    expect(l.t, longest, 101, 0, " [UNK]");
    unload(&l);
    open_letters(&l, 0); /* cased: as it is */
    expect(l.t, "HeLL\xc3\xa9 He\xcc\x81!", 13, 0, " HeLL\xc3\xa9 [UNK] !");
    unload(&l);
}

static void test_folding(void **state)
{
    (void)state;
    /* By Python: NFD without Mn, in lower case. */
    static const struct {
        const char *from, *to;
    } cases[] = {
        {"ABC xyz 123", "abc xyz 123"},
        {"\xc3\x80\xc3\x89\xc3\xae\xc3\xb5\xc3\x9c", "aeiou"},
        {"\xc7\x84", "\xc7\x86"},                 /* DZ with caron: one letter */
        {"\xce\xa9\xce\x86", "\xcf\x89\xce\xb1"}, /* Greek */
        {"\xd0\x99\xd0\x81", "\xd0\xb8\xd0\xb5"}, /* Cyrillic */
        {"\xc4\xb0I", "ii"},                      /* I with a dot */
        {"\xea\xb0\x81\xea\xb0\x80", "\xe1\x84\x80\xe1\x85\xa1\xe1\x86\xa8\xe1\x84\x80\xe1\x85\xa1"}, /* Hangul */
        {"\xe2\x84\xaa", "k"},                                                                        /* the Kelvin sign */
        {"\xe1\xba\x9e\xc3\x9f", "\xc3\x9f\xc3\x9f"},
        {"\xc8\xba", "\xe2\xb1\xa5"},                                     /* longer in lower case */
        {"\xef\xac\x83\xc3\x98\xc5\x82", "\xef\xac\x83\xc3\xb8\xc5\x82"}, /* no decomposition */
        {"\xf0\x90\x90\x80", "\xf0\x90\x90\xa8"},                         /* Deseret */
        {"\xe1\xba\xa5", "a"},                                            /* two accents */
        {"\xf4\x8f\xbf\xbf", "\xf4\x8f\xbf\xbf"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char to[100];
        size_t n = fold_text(to, cases[i].from, strlen(cases[i].from));
        if (n != strlen(cases[i].to) || memcmp(to, cases[i].to, n))
            fail_msg("\"%s\" became \"%.*s\"", cases[i].from, (int)n, to);
    }
}

static void expect_refusal(const char *const *pieces, int lowercase, int accents, const char *named)
{
    struct loaded l;
    struct err e = {0};
    assert_int_equal(open_pieces(&l, pieces, lowercase, accents, &e), -1);
    assert_null(l.t);
    if (!strstr(e.msg, named))
        fail_msg("\"%s\" does not say \"%s\"", e.msg, named);
    gguf_close(&l.g);
}

static void test_bad_vocabularies(void **state)
{
    (void)state;
    static const char *const marks[] = {"un", "##want", NULL}, *const good[] = {W "un", NULL}, *const empty[] = {"un", "", NULL};
    expect_refusal(marks, FLAG_NONE, FLAG_NONE, "begins with U+2581");
    expect_refusal(empty, FLAG_NONE, FLAG_NONE, "begins with U+2581");
    expect_refusal(good, 1, 0, "tokenizer.ggml.normalizer.strip_accents");
    expect_refusal(good, 0, 1, "tokenizer.ggml.normalizer.strip_accents");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_longest_pieces_first),
        cmocka_unit_test(test_cuts),
        cmocka_unit_test(test_folding),
        cmocka_unit_test(test_bad_vocabularies),
    };
    return cmocka_run_group_tests(tests, test_dir_make, test_dir_remove);
}
