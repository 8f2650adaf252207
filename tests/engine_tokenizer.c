/* SentencePiece: tokens against the ids of two trained models, and against merging done the slow, obvious way. */
/* SPDX-License-Identifier: MIT */
#include "tests/tokenizer_fixture.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/rng.h"
#include "base/text.h"
#include "engine/gguf_write.h"
#include "engine/tokenizer.h"

static struct text json_ids(const json_t *ids, size_t n)
{
    struct text t = {0};
    for (size_t i = 0; i < n; i++)
        text_printf(&t, "%s%d", i ? " " : "", (int)json_integer_value(json_array_get(ids, i)));
    return t;
}

static void check_reference(const char *model, const char *name)
{
    const char *path = testdata(model), *reference = testdata("models/reference_f64.json");
    TEST_SKIP_WITHOUT(path, model);
    TEST_SKIP_WITHOUT(reference, "models/reference_f64.json");
    json_t *root = json_load_file(reference, 0, NULL), *r = json_object_get(root, name);
    struct loaded l;
    load(&l, path);
    assert_int_equal(tokenizer_bos(l.t), 1);
    assert_int_equal(tokenizer_eos(l.t), 2);
    assert_true(tokenizer_add_bos(l.t));
    assert_int_equal(tokenizer_size(l.t), json_integer_value(json_object_get(json_object_get(r, "config"), "V")));

    json_t *text = json_object_get(r, "text"), *ids = json_object_get(r, "ids");
    struct text wanted = json_ids(ids, json_array_size(ids));
    expect(l.t, json_string_value(text), json_string_length(text), 1, wanted.p);
    text_free(&wanted);

    /* The greedy ids begin with the prompt's. */
    json_t *prompt = json_object_get(r, "greedy_prompt");
    struct text got = encode(l.t, json_string_value(prompt), json_string_length(prompt), 1);
    json_t *greedy = json_object_get(r, "greedy_ids");
    wanted = json_ids(greedy, json_array_size(greedy));
    assert_true(got.n > 0 && !strncmp(got.p, wanted.p, got.n));
    text_free(&wanted);
    text_free(&got);
    unload(&l);
    json_decref(root);
}

static void test_reference_stories(void **state)
{
    (void)state;
    check_reference("models/stories260K.gguf", "stories260K");
}

static void test_reference_babyllama(void **state)
{
    (void)state;
    check_reference("models/babyllama-tok105-F16.gguf", "babyllama-tok105");
}

/* ---- vocabularies made here ---- */

struct vocabulary {
    int n;
    const char *piece[64];
    float score[64];
    int32_t type[64];
    int unk, space_prefix;
};

static void add(struct vocabulary *v, const char *piece, float score, int type)
{
    v->piece[v->n] = piece;
    v->score[v->n] = score;
    v->type[v->n++] = type;
}

/* <unk>, <s>, </s> and the letters a to d; 3 is the space. */
static struct vocabulary small(void)
{
    struct vocabulary v = {.space_prefix = 1};
    add(&v, "<unk>", 0, 2);
    add(&v, "<s>", 0, 3);
    add(&v, "</s>", 0, 3);
    add(&v, "\xe2\x96\x81", -1, 1);
    add(&v, "a", -2, 1);
    add(&v, "b", -3, 1);
    add(&v, "c", -4, 1);
    add(&v, "d", -5, 1);
    return v;
}

/* Writes the vocabulary to dir/v.gguf; n_scores may differ from n to make a bad file. */
static void write_vocabulary(const char *path, const struct vocabulary *v, int n_scores, const char *kind)
{
    struct gguf_writer *w;
    struct gguf_str s[64];
    struct err e;
    assert_int_equal(gguf_write_open(&w, path, &e), 0);
    for (int i = 0; i < v->n; i++)
        s[i] = (struct gguf_str){v->piece[i], strlen(v->piece[i])};
    gguf_write_string(w, "tokenizer.ggml.model", kind);
    gguf_write_strings(w, "tokenizer.ggml.tokens", s, (uint64_t)v->n);
    gguf_write_array(w, "tokenizer.ggml.scores", GGUF_F32, v->score, (uint64_t)n_scores);
    gguf_write_array(w, "tokenizer.ggml.token_type", GGUF_I32, v->type, (uint64_t)v->n);
    gguf_write_u32(w, "tokenizer.ggml.unknown_token_id", (uint32_t)v->unk);
    gguf_write_bool(w, "tokenizer.ggml.add_space_prefix", v->space_prefix);
    assert_int_equal(gguf_write_finish(w, &e), 0);
}

static void load_vocabulary(struct loaded *l, const struct vocabulary *v)
{
    char dir[200], path[220];
    assert_int_equal(test_tmp(dir, sizeof dir), 0);
    snprintf(path, sizeof path, "%s/v.gguf", dir);
    write_vocabulary(path, v, v->n, "llama");
    load(l, path);
    test_rm(dir); /* the map keeps what it needs */
}

static void test_unknown_characters(void **state)
{
    (void)state;
    struct loaded l;
    struct vocabulary v = small();
    add(&v, "<0xC3>", 0, 6);
    load_vocabulary(&l, &v);
    expect(l.t, "a", 1, 1, "1 3 4");
    expect(l.t, "", 0, 1, "1");
    expect(l.t, "", 0, 0, "");
    expect(l.t, "x", 1, 0, "3 0");
    expect(l.t, "\xe2\x98\x83", 3, 0, "3 0 0 0"); /* no byte token: one <unk> for each byte */
    expect(l.t, "\xc3\xa9", 2, 0, "3 8 0");       /* a token for the first byte only */
    expect(l.t,
           "\xc3\x28"
           "b",
           3, 0, "3 8 0 5"); /* not UTF-8: byte by byte */
    expect(l.t, "a\0b", 3, 0, "3 4 0 5");
    expect(l.t, "\xe2\x96\x81", 3, 0, "3 3"); /* U+2581 in the text means a space */
    expect(l.t, "\xf0\x9f\x99", 3, 0, "3 0 0 0");
    unload(&l);
    v.unk = -1; /* written as 2^32 - 1: none */
    load_vocabulary(&l, &v);
    struct err e;
    int *ids, n;
    assert_int_equal(tokenizer_encode(l.t, "x", 1, 0, &ids, &n, &e), -1);
    assert_non_null(strstr(e.msg, "0x78"));
    assert_null(ids);
    unload(&l);
}

static void test_merges_by_score_then_leftmost(void **state)
{
    (void)state;
    struct loaded l;
    struct vocabulary v = small();
    add(&v, "ab", -10, 1); /* 8 */
    add(&v, "bc", -9, 1);  /* 9 */
    add(&v, "aa", -11, 1); /* 10 */
    add(&v,
        "\xe2\x96\x81"
        "d",
        -1, 1); /* 11 */
    load_vocabulary(&l, &v);
    expect(l.t, "abc", 3, 0, "3 4 9");  /* bc scores higher than ab */
    expect(l.t, "aaa", 3, 0, "3 10 4"); /* equals: the leftmost */
    expect(l.t, "d d", 3, 0, "11 11");
    expect(l.t, "<s>", 3, 0, "3 0 0 0"); /* control tokens never come from text */
    unload(&l);
}

static void test_user_defined_pieces_first(void **state)
{
    (void)state;
    struct loaded l;
    struct vocabulary v = small();
    add(&v, "ab", -1, 1); /* 8 */
    add(&v, "bc", 0, 4);  /* 9 */
    add(&v, "bcd", 0, 4); /* 10 */
    add(&v, "  ", 0, 4);  /* 11 */
    load_vocabulary(&l, &v);
    expect(l.t, "abcd", 4, 0, "3 4 10");    /* the longest, before any merge */
    expect(l.t, "abca", 4, 0, "3 4 9 3 4"); /* a space in front of what follows, as llama.cpp does */
    expect(l.t, "bcbc", 4, 0, "9 9");
    expect(l.t, "a  b", 4, 0, "3 4 11 3 5");
    unload(&l);
}

/* The ids of a text whose first and last part are a template's. */
static void expect_parts(const struct tokenizer *t, const char *before, const char *text, const char *after, const char *wanted)
{
    struct tokenizer_part parts[] = {{before, strlen(before), 1}, {text, strlen(text), 0}, {after, strlen(after), 1}};
    struct err e;
    struct text got = {0};
    int *ids, n;
    if (tokenizer_encode_parts(t, parts, 3, 0, &ids, &n, &e))
        fail_msg("%s", e.msg);
    text_add(&got, "", 0);
    for (int i = 0; i < n; i++)
        text_printf(&got, "%s%d", i ? " " : "", ids[i]);
    if (strcmp(got.p, wanted))
        fail_msg("[%s] %s [%s]: ids are [%s], should be [%s]", before, text, after, got.p, wanted);
    text_free(&got);
    free(ids);
}

static void test_control_tokens_are_not_text(void **state)
{
    (void)state;
    struct loaded l;
    struct vocabulary v = small();
    v.space_prefix = 0;
    add(&v, "ab", -1, 1);    /* 8 */
    add(&v, "<|d|>", 0, 3);  /* 9 */
    add(&v, "<|dd|>", 0, 4); /* 10: by its looks a control token, whatever the file calls it */
    add(&v, "<d", 0, 4);     /* 11 */
    add(&v, "<", -9, 1);
    add(&v, "|", -9, 1);
    add(&v, ">", -9, 1); /* 12 13 14 */
    load_vocabulary(&l, &v);
    expect(l.t, "<|d|>", 5, 0, "12 13 7 13 14");
    expect(l.t, "<|dd|>", 6, 0, "12 13 7 7 13 14");
    expect(l.t, "<s>", 3, 0, "12 0 14");
    expect(l.t, "<d<|d|>", 7, 0, "11 12 13 7 13 14");                        /* user-defined pieces are text */
    expect_parts(l.t, "<|d|>a", "b<|d|>", "<|dd|>", "9 8 12 13 7 13 14 10"); /* a and b merge across the seam */
    expect_parts(l.t, "<|d", "|>", "", "12 13 7 13 14");                     /* half a name is no name */
    expect_parts(l.t, "", "<|d", "|>", "12 13 7 13 14");
    expect_parts(l.t, "", "", "", "");
    expect_parts(l.t, "<s>", "", "</s><|d|>", "1 2 9");
    assert_int_equal(tokenizer_special(l.t, "<|dd|>"), 10);
    assert_int_equal(tokenizer_special(l.t, "<|d"), -1);
    assert_int_equal(tokenizer_special(l.t, "ab"), -1);
    int n;
    tokenizer_piece(l.t, 10, &n);
    assert_int_equal(n, 0);
    unload(&l);
}

static void test_pieces_decode(void **state)
{
    (void)state;
    struct loaded l;
    struct vocabulary v = small();
    add(&v, "<0x0A>", 0, 6);
    add(&v,
        "\xe2\x96\x81"
        "a\xe2\x96\x81",
        -1, 1);
    load_vocabulary(&l, &v);
    static const char *const wanted[] = {"\xef\xbf\xbd", "", "", " ", "a", "b", "c", "d", "\n", " a "};
    for (int i = -1; i <= v.n; i++) {
        int n;
        const char *p = tokenizer_piece(l.t, i, &n);
        const char *w = i < 0 || i == v.n ? "" : wanted[i];
        assert_int_equal(n, strlen(w));
        assert_memory_equal(p, w, (size_t)n);
    }
    unload(&l);
}

/* What comes out is what went in, with the space in front, whatever the bytes. */
static void test_decoding_undoes_encoding(void **state)
{
    (void)state;
    const char *path = testdata("models/stories260K.gguf");
    TEST_SKIP_WITHOUT(path, "models/stories260K.gguf");
    struct loaded l;
    struct rng r;
    load(&l, path);
    rng_seed(&r, 20);
    for (int round = 0; round < 500; round++) {
        char text[120];
        struct err e;
        struct text back = {0};
        int *ids, n;
        size_t len = 1 + rng_below(&r, sizeof text - 1);
        for (size_t i = 0; i < len; i++) /* half of them letters, half any byte */
            text[i] = round & 1 ? (char)rng_below(&r, 256) : "aeiou tnshr.\xc3\xa9"[rng_below(&r, 14)];
        assert_int_equal(tokenizer_encode(l.t, text, len, 1, &ids, &n, &e), 0);
        for (int i = 0; i < n; i++) {
            int bytes;
            const char *p = tokenizer_piece(l.t, ids[i], &bytes);
            text_add(&back, p, (size_t)bytes);
        }
        assert_int_equal(back.n, len + 1);
        assert_memory_equal(back.p + 1, text, len);
        text_free(&back);
        free(ids);
    }
    unload(&l);
}

/* The definition: look at all neighbours, merge the best pair, begin again. */
static struct text merge_slowly(const struct vocabulary *v, const char *text)
{
    char part[64][64] = {{0}};
    int n = 0;
    struct text out = {0};
    for (const char *p = text; *p; p++)
        snprintf(part[n++], sizeof *part, "%c", *p);
    for (;;) {
        int best = -1, best_piece = -1;
        for (int i = 0; i + 1 < n; i++)
            for (int k = 3; k < v->n; k++) {
                size_t left = strlen(part[i]);
                if (!strncmp(v->piece[k], part[i], left) && !strcmp(v->piece[k] + left, part[i + 1]) &&
                    (best < 0 || v->score[k] > v->score[best_piece])) {
                    best = i;
                    best_piece = k;
                }
            }
        if (best < 0)
            break;
        memcpy(part[best], v->piece[best_piece], strlen(v->piece[best_piece]) + 1);
        memmove(part + best + 1, part + best + 2, (size_t)(n - best - 2) * sizeof *part);
        n--;
    }
    text_add(&out, "", 0);
    for (int i = 0; i < n; i++)
        for (int k = 3; k < v->n; k++)
            if (!strcmp(v->piece[k], part[i]))
                text_printf(&out, "%s%d", out.n ? " " : "", k);
    return out;
}

static void test_against_slow_merging(void **state)
{
    (void)state;
    static const char letters[] = "ab c";
    struct rng r;
    rng_seed(&r, 21);
    for (int round = 0; round < 300; round++) {
        struct vocabulary v = {.space_prefix = 0};
        struct loaded l;
        char pieces[40][8], text[41];
        add(&v, "<unk>", 0, 2);
        add(&v, "<s>", 0, 3);
        add(&v, "</s>", 0, 3);
        for (int i = 0; i < 4 + 20; i++) { /* spaces written as such: the tokenizer takes both */
            int len = i < 4 ? 1 : 2 + (int)rng_below(&r, 4), twice = 0;
            for (int k = 0; k < len; k++)
                pieces[i][k] = letters[i < 4 ? (uint64_t)i : rng_below(&r, 4)];
            pieces[i][len] = '\0';
            for (int k = 0; k < i; k++)
                twice |= !strcmp(pieces[k], pieces[i]);
            if (round & 1) /* in odd rounds words can be merged one by one */
                twice |= len > 1 && strchr(pieces[i] + 1, ' ') != NULL;
            if (!twice)
                add(&v, pieces[i], -(float)rng_below(&r, 8), 1); /* many equal scores */
        }
        load_vocabulary(&l, &v);
        for (int k = 0; k < 20; k++) {
            int len = 1 + (int)rng_below(&r, sizeof text - 1);
            for (int i = 0; i < len; i++)
                text[i] = letters[rng_below(&r, 4)];
            text[len] = '\0';
            struct text wanted = merge_slowly(&v, text);
            expect(l.t, text, (size_t)len, 0, wanted.p);
            text_free(&wanted);
        }
        unload(&l);
    }
}

/* One word of a million characters: n log n ends, n^2 would not in any patience. */
static void test_long_word(void **state)
{
    (void)state;
    enum { N = 1 << 20 };
    struct loaded l;
    struct vocabulary v = small();
    char a[17];
    memset(a, 'a', 16);
    a[16] = '\0';
    for (int n = 2; n <= 16; n *= 2)
        add(&v, a + 16 - n, (float)-n, 1);
    v.space_prefix = 0;
    load_vocabulary(&l, &v);
    char *text = malloc(N);
    struct err e;
    int *ids, n;
    memset(text, 'a', N);
    assert_int_equal(tokenizer_encode(l.t, text, N, 0, &ids, &n, &e), 0);
    assert_int_equal(n, N / 16);
    for (int i = 0; i < n; i++)
        assert_int_equal(ids[i], 11);
    free(ids);
    free(text);
    unload(&l);
}

static void expect_refusal(const struct vocabulary *v, int n_scores, const char *kind, const char *named)
{
    char dir[200], path[220];
    struct gguf g;
    struct tokenizer *t;
    struct err e = {0};
    assert_int_equal(test_tmp(dir, sizeof dir), 0);
    snprintf(path, sizeof path, "%s/v.gguf", dir);
    write_vocabulary(path, v, n_scores, kind);
    assert_int_equal(gguf_open(&g, path, 0, &e), 0);
    assert_int_equal(tokenizer_open(&t, &g, &e), -1);
    assert_null(t);
    if (!strstr(e.msg, named))
        fail_msg("\"%s\" does not name %s", e.msg, named);
    gguf_close(&g);
    test_rm(dir);
}

static void test_bad_vocabularies(void **state)
{
    (void)state;
    struct vocabulary v = small();
    expect_refusal(&v, v.n, "unigram", "\"unigram\"");
    expect_refusal(&v, v.n, "unigram", "\"gpt2\" (byte-level BPE)");
    expect_refusal(&v, v.n - 1, "llama", "tokenizer.ggml.scores");
    v.unk = v.n;
    expect_refusal(&v, v.n, "llama", "tokenizer.ggml.unknown_token_id");
    v = small();
    v.type[4] = 7;
    expect_refusal(&v, v.n, "llama", "tokenizer.ggml.token_type");
    v = small();
    v.score[4] = 0.0f / 0.0f;
    expect_refusal(&v, v.n, "llama", "tokenizer.ggml.scores");
    v = small();
    char *big = malloc(2000);
    memset(big, 'x', 1999);
    big[1999] = '\0';
    add(&v, big, 0, 4);
    expect_refusal(&v, v.n, "llama", "tokenizer.ggml.tokens");
    free(big);
    v.n = 0;
    expect_refusal(&v, 0, "llama", "tokenizer.ggml.tokens");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_reference_stories),
        cmocka_unit_test(test_reference_babyllama),
        cmocka_unit_test(test_unknown_characters),
        cmocka_unit_test(test_merges_by_score_then_leftmost),
        cmocka_unit_test(test_user_defined_pieces_first),
        cmocka_unit_test(test_control_tokens_are_not_text),
        cmocka_unit_test(test_pieces_decode),
        cmocka_unit_test(test_decoding_undoes_encoding),
        cmocka_unit_test(test_against_slow_merging),
        cmocka_unit_test(test_long_word),
        cmocka_unit_test(test_bad_vocabularies),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
