/* Byte-level BPE: merges by rank against merging done the slow, obvious way, decoding, and metadata that lie. */
/* SPDX-License-Identifier: MIT */
#include "tests/test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/rng.h"
#include "base/text.h"
#include "engine/gguf_write.h"
#include "engine/tokenizer.h"

enum { PIECES = 400, MERGES = 120 };

/* What a file is made of; the first 256 pieces are the letters of the bytes. */
struct vocabulary {
    int n, n_merges;
    char piece[PIECES][24], merge[MERGES][24];
    int32_t type[PIECES];
    const char *pre;
};

struct loaded {
    struct gguf g;
    struct tokenizer *t;
};

/* The letter of a byte, as GPT-2's encoder.py makes them. */
static void letter(int byte, char out[4])
{
    int c = byte, next = 256;
    for (int b = 0; b < 256; b++) {
        int printable = (b >= 33 && b <= 126) || (b >= 161 && b <= 172) || b >= 174;
        if (b == byte && !printable)
            c = next;
        next += !printable;
    }
    if (c < 128)
        snprintf(out, 4, "%c", c);
    else
        snprintf(out, 4, "%c%c", 0xc0 | c >> 6, 0x80 | (c & 0x3f));
}

static int add(struct vocabulary *v, const char *piece, int type)
{
    snprintf(v->piece[v->n], sizeof *v->piece, "%s", piece);
    v->type[v->n] = type;
    return v->n++;
}

/* Adds the merge and, if it is new, the piece that it makes. */
static void add_merge(struct vocabulary *v, const char *left, const char *right)
{
    char both[24];
    snprintf(v->merge[v->n_merges++], sizeof *v->merge, "%s %s", left, right);
    snprintf(both, sizeof both, "%s%s", left, right);
    for (int i = 0; i < v->n; i++)
        if (!strcmp(v->piece[i], both))
            return;
    add(v, both, 1);
}

static void bytes_only(struct vocabulary *v, const char *pre)
{
    memset(v, 0, sizeof *v);
    v->pre = pre;
    for (int b = 0; b < 256; b++) {
        char c[4];
        letter(b, c);
        add(v, c, 1);
    }
}

static void write_vocabulary(const struct vocabulary *v, struct gguf_writer *w)
{
    struct gguf_str s[PIECES];
    for (int i = 0; i < v->n; i++)
        s[i] = (struct gguf_str){v->piece[i], strlen(v->piece[i])};
    gguf_write_string(w, "tokenizer.ggml.model", "gpt2");
    if (v->pre)
        gguf_write_string(w, "tokenizer.ggml.pre", v->pre);
    gguf_write_strings(w, "tokenizer.ggml.tokens", s, (uint64_t)v->n);
    gguf_write_array(w, "tokenizer.ggml.token_type", GGUF_I32, v->type, (uint64_t)v->n);
    for (int i = 0; i < v->n_merges; i++)
        s[i] = (struct gguf_str){v->merge[i], strlen(v->merge[i])};
    if (v->n_merges >= 0)
        gguf_write_strings(w, "tokenizer.ggml.merges", s, (uint64_t)v->n_merges);
}

static void load(struct loaded *l, const struct vocabulary *v)
{
    struct gguf_writer *w;
    struct err e;
    assert_int_equal(gguf_write_open(&w, test_file("v.gguf"), &e), 0);
    write_vocabulary(v, w);
    assert_int_equal(gguf_write_finish(w, &e), 0);
    if (gguf_open(&l->g, test_file("v.gguf"), 0, &e) || tokenizer_open(&l->t, &l->g, &e))
        fail_msg("%s", e.msg);
}

static void unload(struct loaded *l)
{
    tokenizer_close(l->t);
    gguf_close(&l->g);
}

/* The ids' bytes between bars: "ab|c". */
static struct text pieces(const struct tokenizer *t, const char *p, size_t len)
{
    struct err e;
    struct text out = {0};
    int *ids, n, bytes;
    if (tokenizer_encode(t, p, len, 0, &ids, &n, &e))
        fail_msg("%s", e.msg);
    text_add(&out, "", 0);
    for (int i = 0; i < n; i++) {
        const char *piece = tokenizer_piece(t, ids[i], &bytes);
        text_add(&out, "|", i > 0);
        text_add(&out, piece, (size_t)bytes);
    }
    free(ids);
    return out;
}

static void expect(const struct tokenizer *t, const char *p, const char *wanted)
{
    struct text got = pieces(t, p, strlen(p));
    if (strcmp(got.p, wanted))
        fail_msg("\"%s\" became %s, should become %s", p, got.p, wanted);
    text_free(&got);
}

static void test_merges_by_rank(void **state)
{
    (void)state;
    static struct vocabulary v;
    struct loaded l;
    bytes_only(&v, "gpt-2");
    add_merge(&v, "b", "c");
    add_merge(&v, "a", "b");
    add_merge(&v, "a", "a");
    add_merge(&v, "\xc4\xa0", "a"); /* the letter of the space */
    add_merge(&v, "\xc3\x83", "\xc2\xa9");
    add_merge(&v, "aa", "aa");
    add(&v, "<|im_end|>", 3);
    add(&v, "<tool>", 4);
    add(&v, "\xc3\xa9t", 4); /* user-defined: text, not letters of bytes */
    load(&l, &v);
    expect(l.t, "abc", "a|bc"); /* the lower rank first */
    expect(l.t, "aaa", "aa|a"); /* equals: the leftmost */
    expect(l.t, "aaaaa", "aaaa|a");
    expect(l.t, "b a", "b| a");
    expect(l.t, "\xc3\xa9", "\xc3\xa9"); /* two bytes, one token */
    expect(l.t, "x<tool>y", "x|<tool>|y");
    expect(l.t, "\xc3\xa9t", "\xc3\xa9t");
    expect(l.t, "<|im_end|>", "<|||i|m|_|e|n|d|||>");
    assert_int_equal(tokenizer_special(l.t, "<|im_end|>"), v.n - 3);
    assert_int_equal(tokenizer_bos(l.t), -1);
    assert_int_equal(tokenizer_add_bos(l.t), 0);
    unload(&l);
}

/* With ignore_merges a word that is a piece is that piece, whatever the merges say. */
static void test_ignore_merges(void **state)
{
    (void)state;
    static const char *const pre[] = {"llama-bpe", "qwen2"};
    static const char *const wanted[] = {"cat", "c|at"};
    for (int i = 0; i < 2; i++) {
        static struct vocabulary v;
        struct loaded l;
        bytes_only(&v, pre[i]);
        add_merge(&v, "a", "t");
        add(&v, "cat", 1); /* that no merge makes */
        load(&l, &v);
        expect(l.t, "cat", wanted[i]);
        expect(l.t, "cats", "c|at|s");
        assert_int_equal(tokenizer_add_bos(l.t), i == 0);
        unload(&l);
    }
}

/* The definition: of all neighbours, merge those with the lowest rank, begin again. */
static struct text merge_slowly(const struct vocabulary *v, const char *text)
{
    char part[64][32];
    int n = 0;
    struct text out = {0};
    for (const char *p = text; *p; p++)
        snprintf(part[n++], sizeof *part, "%c", *p);
    for (int rank = 0; rank < v->n_merges;) {
        int at = -1;
        for (int i = 0; i + 1 < n && at < 0; i++) {
            const char *merge = v->merge[rank];
            size_t left = strlen(part[i]);
            at = !strncmp(merge, part[i], left) && merge[left] == ' ' && !strcmp(merge + left + 1, part[i + 1]) ? i : -1;
        }
        if (at < 0) {
            rank++;
            continue;
        }
        memcpy(part[at] + strlen(part[at]), part[at + 1], strlen(part[at + 1]) + 1);
        memmove(part + at + 1, part + at + 2, (size_t)(n - at - 2) * sizeof *part);
        n--;
        rank = 0;
    }
    for (int i = 0; i < n; i++)
        text_printf(&out, "%s%s", i ? "|" : "", part[i]);
    return out;
}

static void test_against_slow_merging(void **state)
{
    (void)state;
    struct rng r;
    rng_seed(&r, 31);
    for (int round = 0; round < 200; round++) {
        static struct vocabulary v;
        struct loaded l;
        bytes_only(&v, "gpt-2");
        while (v.n_merges < 30) { /* of two pieces that there are, made of a, b and c */
            const char *half[2];
            for (int k = 0; k < 2; k++) {
                int made = v.n - 256, i = (int)rng_below(&r, (uint64_t)made + 3);
                half[k] = i < 3 ? v.piece['a' + i] : v.piece[253 + i];
            }
            if (strlen(half[0]) + strlen(half[1]) < 9)
                add_merge(&v, half[0], half[1]);
        }
        load(&l, &v);
        for (int k = 0; k < 20; k++) {
            char text[41];
            int len = 1 + (int)rng_below(&r, sizeof text - 1);
            for (int i = 0; i < len; i++)
                text[i] = "abc"[rng_below(&r, 3)];
            text[len] = '\0';
            struct text wanted = merge_slowly(&v, text);
            expect(l.t, text, wanted.p);
            text_free(&wanted);
        }
        unload(&l);
    }
}

static void test_any_bytes_come_back(void **state)
{
    (void)state;
    static struct vocabulary v;
    struct loaded l;
    struct rng r;
    bytes_only(&v, "llama-bpe");
    load(&l, &v);
    rng_seed(&r, 32);
    for (int round = 0; round < 500; round++) {
        char text[100];
        struct err e;
        struct text back = {0};
        int *ids, n, bytes;
        size_t len = rng_below(&r, sizeof text);
        for (size_t i = 0; i < len; i++)
            text[i] = (char)rng_below(&r, 256);
        assert_int_equal(tokenizer_encode(l.t, text, len, 0, &ids, &n, &e), 0);
        for (int i = 0; i < n; i++) {
            const char *p = tokenizer_piece(l.t, ids[i], &bytes);
            text_add(&back, p, (size_t)bytes);
        }
        assert_int_equal(back.n, len);
        assert_true(!len || !memcmp(back.p, text, len));
        text_free(&back);
        free(ids);
    }
    unload(&l);
}

static void expect_refusal(const struct vocabulary *v, void (*spoil)(struct gguf_writer *), const char *named)
{
    struct gguf g;
    struct gguf_writer *w;
    struct tokenizer *t;
    struct err e = {0};
    assert_int_equal(gguf_write_open(&w, test_file("bad.gguf"), &e), 0);
    write_vocabulary(v, w);
    if (spoil)
        spoil(w);
    assert_int_equal(gguf_write_finish(w, &e), 0);
    assert_int_equal(gguf_open(&g, test_file("bad.gguf"), 0, &e), 0);
    assert_int_equal(tokenizer_open(&t, &g, &e), -1);
    assert_null(t);
    if (!strstr(e.msg, named))
        fail_msg("\"%s\" does not say \"%s\"", e.msg, named);
    gguf_close(&g);
}

static void merges_of_numbers(struct gguf_writer *w)
{
    gguf_write_array(w, "tokenizer.ggml.merges", GGUF_I32, (int32_t[]){1, 2}, 2);
}

static void merges_of_one_text(struct gguf_writer *w)
{
    gguf_write_string(w, "tokenizer.ggml.merges", "a b");
}

static void eos_outside(struct gguf_writer *w)
{
    gguf_write_u32(w, "tokenizer.ggml.eos_token_id", PIECES);
}

static void bos_of_text(struct gguf_writer *w)
{
    gguf_write_string(w, "tokenizer.ggml.bos_token_id", "1");
}

static void add_eos_of_text(struct gguf_writer *w)
{
    gguf_write_string(w, "tokenizer.ggml.add_eos_token", "yes");
}

static void test_bad_vocabularies(void **state)
{
    (void)state;
    static const struct {
        const char *merge, *named;
    } merges[] = {
        {"a", "tokenizer.ggml.merges"},
        {"", "tokenizer.ggml.merges"},
        {"a b", "the whole of it is no token"},
        {"ab c", "the left half of it is no token"},
        {"a bc", "the right half of it is no token"},
        {"a ", "element 0, \"a \""},
        {" a", "element 0, \" a\""},
    };
    static struct vocabulary v;
    for (size_t i = 0; i < sizeof merges / sizeof *merges; i++) {
        bytes_only(&v, "gpt-2");
        snprintf(v.merge[v.n_merges++], sizeof *v.merge, "%s", merges[i].merge);
        expect_refusal(&v, NULL, merges[i].named);
        expect_refusal(&v, NULL, "tokenizer.ggml.merges");
    }
    bytes_only(&v, "gpt-2");
    expect_refusal(&v, eos_outside, "tokenizer.ggml.eos_token_id");
    expect_refusal(&v, bos_of_text, "tokenizer.ggml.bos_token_id");
    expect_refusal(&v, add_eos_of_text, "tokenizer.ggml.add_eos_token");
    v.n_merges = -1;
    expect_refusal(&v, NULL, "\"tokenizer.ggml.merges\" is missing");
    expect_refusal(&v, merges_of_numbers, "\"tokenizer.ggml.merges\" is missing or its elements are not strings");
    expect_refusal(&v, merges_of_one_text, "\"tokenizer.ggml.merges\" is of kind string");
    bytes_only(&v, NULL);
    expect_refusal(&v, NULL, "\"tokenizer.ggml.pre\" is missing");
    bytes_only(&v, "nonsense");
    expect_refusal(&v, NULL, "\"tokenizer.ggml.pre\" is \"nonsense\"");
    bytes_only(&v, "gpt-2");
    v.type[3] = 99;
    expect_refusal(&v, NULL, "tokenizer.ggml.token_type");
}

/* A byte that has no piece is an error that names it, where nothing stands for the unknown. */
static void test_missing_bytes(void **state)
{
    (void)state;
    static struct vocabulary v;
    struct loaded l;
    struct err e;
    int *ids, n;
    bytes_only(&v, "gpt-2");
    snprintf(v.piece['x'], sizeof *v.piece, "zzz"); /* an 'x' no more */
    load(&l, &v);
    assert_int_equal(tokenizer_encode(l.t, "axb", 3, 0, &ids, &n, &e), -1);
    assert_null(ids);
    assert_non_null(strstr(e.msg, "0x78"));
    unload(&l);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_merges_by_rank),       cmocka_unit_test(test_ignore_merges),
        cmocka_unit_test(test_against_slow_merging), cmocka_unit_test(test_any_bytes_come_back),
        cmocka_unit_test(test_bad_vocabularies),     cmocka_unit_test(test_missing_bytes),
    };
    return cmocka_run_group_tests(tests, test_dir_make, test_dir_remove);
}
