/* Real vocabularies: llama.cpp's ids of 46 texts, any text and back, and the memory that they take. */
/* SPDX-License-Identifier: MIT */
#include "tests/tokenizer_fixture.h"

#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/rng.h"
#include "base/text.h"
#include "engine/chat.h"
#include "engine/tokenizer.h"

/* SentencePiece; BPE; BPE whose digits stand alone. */
static const char *const real[] = {"phi-3", "gpt-2", "refact"};

static const char *real_path(const char *name, const char *ending)
{
    char file[100];
    snprintf(file, sizeof file, "tokenizers/ggml-vocab-%s.gguf%s", name, ending);
    return testdata(file);
}

static void check_vectors(const char *name)
{
    static const char separator[] = "\n__ggml_vocab_test__\n";
    struct loaded l;
    struct err e;
    const char *path = real_path(name, "");
    char *in = file_read(real_path(name, ".inp"), NULL, &e);
    char *out = file_read(real_path(name, ".out"), NULL, &e);
    assert_non_null(in);
    assert_non_null(out);
    load(&l, path);
    int texts = 0;
    char *line = out;
    for (char *p = in, *end; (end = strstr(p, separator)); p = end + strlen(separator), texts++) {
        char *newline = strchr(line, '\n');
        assert_non_null(newline);
        *newline = '\0';
        expect(l.t, p, (size_t)(end - p), 0, line + strspn(line, " "));
        line = newline + 1;
    }
    assert_int_equal(texts, 46);
    unload(&l);
    free(in);
    free(out);
}

static void test_llama_cpp_vectors(void **state)
{
    (void)state;
    TEST_SKIP_WITHOUT(real_path("refact", ""), "tokenizers/");
    for (size_t i = 0; i < sizeof real / sizeof *real; i++)
        check_vectors(real[i]);
}

/* Any character but U+2581, which SentencePiece takes for a space, and those of the unassigned planes 4 to 7, whose first byte refact
 * has no token for; every second one of what texts are made of. */
static size_t random_character(struct rng *r, char *to)
{
    static const char usual[] = "aeiou tnshrTNS  '.,!?-\n\t0123456789<|>_";
    uint32_t c = rng_below(r, 2) ? (uint32_t)usual[rng_below(r, sizeof usual - 1)]
                                 : (uint32_t)rng_below(r, rng_below(r, 2) ? 0x110000 : 0x3100);
    if ((c >= 0xd800 && c < 0xe000) || c == 0x2581 || (c >= 0x40000 && c < 0x80000))
        c = 0x20;
    if (c < 0x80) {
        to[0] = (char)c;
        return 1;
    }
    size_t n = c < 0x800 ? 2 : c < 0x10000 ? 3 : 4;
    for (size_t i = n - 1; i > 0; i--, c >>= 6)
        to[i] = (char)(0x80 | (c & 0x3f));
    to[0] = (char)((0xf00 >> n & 0xff) | c);
    return n;
}

static void test_real_vocabularies_give_the_text_back(void **state)
{
    (void)state;
    TEST_SKIP_WITHOUT(real_path("refact", ""), "tokenizers/");
    for (size_t i = 0; i < sizeof real / sizeof *real; i++) {
        struct loaded l;
        struct rng r;
        load(&l, real_path(real[i], ""));
        rng_seed(&r, 22);
        for (int round = 0; round < 10000; round++) {
            char text[200];
            struct err e;
            struct text back = {0};
            int *ids, n, bytes;
            size_t len = 0, characters = rng_below(&r, 49);
            for (size_t k = 0; k < characters; k++)
                len += random_character(&r, text + len);
            if (tokenizer_encode(l.t, text, len, 0, &ids, &n, &e))
                fail_msg("%s", e.msg);
            for (int k = 0; k < n; k++) {
                const char *p = tokenizer_piece(l.t, ids[k], &bytes);
                text_add(&back, p, (size_t)bytes);
            }
            size_t prefix = i == 0 && len; /* SentencePiece's space in front */
            if (back.n != len + prefix || (len && memcmp(back.p + prefix, text, len)))
                fail_msg("%s, round %d: \"%.*s\" came back as \"%.*s\"", real[i], round, (int)len, text, (int)back.n, back.p);
            text_free(&back);
            free(ids);
        }
        unload(&l);
    }
}

/* Phi-3's published tokenizer drops the white space behind its control tokens: <|user|> Hello <|end|> <|assistant|>. */
static void test_a_chat_prompt_in_a_real_vocabulary(void **state)
{
    (void)state;
    TEST_SKIP_WITHOUT(real_path("phi-3", ""), "tokenizers/ggml-vocab-phi-3.gguf");
    static const int wanted[] = {1, 32010, 15043, 32007, 32001};
    struct loaded l;
    struct chat *c;
    struct err e;
    int *ids, n;
    load(&l, real_path("phi-3", ""));
    assert_string_equal(chat_name(&l.g), "phi-3");
    assert_int_equal(chat_open(&c, &l.g, l.t, &e), 0);
    assert_int_equal(chat_end(c), 32007);
    assert_int_equal(chat_encode(c, "Hello", 5, "", 0, &ids, &n, &e), 0);
    assert_int_equal(n, sizeof wanted / sizeof *wanted);
    assert_memory_equal(ids, wanted, sizeof wanted);
    free(ids);
    chat_close(c);
    unload(&l);
}

/* Its unknown token is <|endoftext|>: a text that became it would end there. */
static void test_a_byte_without_a_token_is_named(void **state)
{
    (void)state;
    TEST_SKIP_WITHOUT(real_path("refact", ""), "tokenizers/ggml-vocab-refact.gguf");
    struct loaded l;
    struct err e;
    int *ids, n;
    load(&l, real_path("refact", ""));
    assert_int_equal(tokenizer_encode(l.t, "a\xf1\x80\x80\x80", 5, 0, &ids, &n, &e), -1);
    assert_non_null(strstr(e.msg, "0xf1"));
    unload(&l);
}

static void test_bytes_are_the_heap(void **state)
{
    (void)state;
    const char *path = testdata("tokenizers/ggml-vocab-phi-3.gguf");
    TEST_SKIP_WITHOUT(path, "tokenizers/ggml-vocab-phi-3.gguf");
    struct loaded l;
    struct err e;
    assert_int_equal(gguf_open(&l.g, path, 0, &e), 0);
    struct mallinfo2 m = mallinfo2();
    size_t before = m.uordblks + m.hblkhd;
    assert_int_equal(tokenizer_open(&l.t, &l.g, &e), 0);
    m = mallinfo2();
    size_t took = m.uordblks + m.hblkhd - before, told = tokenizer_bytes(l.t);
    unload(&l);
    if (!before)
        skip(); /* a sanitizer's allocator does not tell */
    /* Large blocks are whole pages; a small one may be one that was freed before and still counted. */
    assert_in_range(took, told - 256, told + 4 * 4096 + 64);
    print_message("phi-3: %zu bytes for 32064 pieces\n", told);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_llama_cpp_vectors),
        cmocka_unit_test(test_real_vocabularies_give_the_text_back),
        cmocka_unit_test(test_a_chat_prompt_in_a_real_vocabulary),
        cmocka_unit_test(test_a_byte_without_a_token_is_named),
        cmocka_unit_test(test_bytes_are_the_heap),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
