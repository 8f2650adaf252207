/* A synthetic model has the real one's shape and size, loads, tokenizes ordinary text, and is the same for the same seed. */
/* SPDX-License-Identifier: MIT */
#include "tests/test.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "engine/families.h"
#include "engine/model.h"
#include "engine/quantize.h"
#include "engine/synth.h"

/* Every preset's arithmetic, at a size that a test can write. */
static const struct synth_preset small = {.name = "small",
                                          .source = "this test",
                                          .arch = "llama",
                                          .n_layer = 2,
                                          .d = 96,
                                          .n_ff = 160,
                                          .n_head = 4,
                                          .n_kv = 2,
                                          .head_dim = 32,
                                          .n_vocab = 1500,
                                          .n_ctx = 128,
                                          .tied = 1,
                                          .rope_base = 10000};

/* What the published checkpoints hold, norms and biases included, each tied matrix once. */
static void test_presets_have_the_published_size(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        int64_t parameters;
    } published[] = {{"smollm2-135m", 134515008},   {"gemma3-270m", 268098176},     {"lfm2-350m", 354483968},
                     {"smollm2-360m", 361821120},   {"qwen2.5-0.5b", 494032768},    {"qwen3-0.6b", 596049920},
                     {"gemma3-1b", 999885952},      {"tinyllama-1.1b", 1100048384}, {"llama3.2-1b", 1235814400},
                     {"granite3.3-2b", 2533539840}, {"llama3.2-3b", 3212749824},    {"phi4-mini", 3836021760}};
    size_t n = 0;
    for (const struct synth_preset *p = synth_presets; p->name; p++, n++) {
        struct err e = {0};
        assert_true(n < sizeof published / sizeof *published);
        assert_string_equal(p->name, published[n].name);
        assert_int_equal(synth_parameters(p), published[n].parameters);
        if (synth_check(p, &e))
            fail_msg("%s: %s", p->name, e.msg);
        assert_non_null(p->source);
    }
    assert_int_equal(n, sizeof published / sizeof *published);
}

static void test_what_no_model_can_have_is_refused(void **state)
{
    (void)state;
    static const struct {
        struct synth_preset p;
        const char *why;
    } bad[] = {
        {{.arch = "mamba"}, "no family mamba"},
        {{.arch = "llama", .n_layer = 0}, "layers=0"},
        {{.arch = "llama", .n_layer = 1, .d = 1}, "width=1"},
        {{.arch = "llama", .n_layer = 1, .d = 64, .n_ff = 1, .n_head = 4, .n_kv = 3, .head_dim = 16, .n_vocab = 300, .n_ctx = 1},
         "kv_heads=3 does not divide heads=4"},
        {{.arch = "llama", .n_layer = 1, .d = 64, .n_ff = 1, .n_head = 4, .n_kv = 2, .head_dim = 15, .n_vocab = 300, .n_ctx = 1},
         "head_dim=15"},
        {{.arch = "llama", .n_layer = 1, .d = 64, .n_ff = 1, .n_head = 4, .n_kv = 2, .head_dim = 16, .n_vocab = 299, .n_ctx = 1},
         "vocabulary=299"},
        {{.arch = "gemma3", .n_layer = 1, .d = 64, .n_ff = 1, .n_head = 4, .n_kv = 2, .head_dim = 16, .n_vocab = 300, .n_ctx = 1},
         "window=N is needed"},
        {{.arch = "lfm2", .n_layer = 4, .d = 64, .n_ff = 1, .n_head = 4, .n_kv = 2, .head_dim = 16, .n_vocab = 300, .n_ctx = 1},
         "attention_layers=N (1 to 4)"},
        {{.arch = "lfm2",
          .n_layer = 4,
          .d = 64,
          .n_ff = 1,
          .n_head = 4,
          .n_kv = 2,
          .head_dim = 16,
          .n_vocab = 300,
          .n_ctx = 1,
          .n_attention = 5,
          .n_taps = 3},
         "family lfm2 has layers of two kinds"},
        {{.arch = "llama",
          .n_layer = 4,
          .d = 64,
          .n_ff = 1,
          .n_head = 4,
          .n_kv = 2,
          .head_dim = 16,
          .n_vocab = 300,
          .n_ctx = 1,
          .n_taps = 3},
         "family llama has no convolutions"},
        {{.arch = "qwen2",
          .n_layer = 1,
          .d = 64,
          .n_ff = 1,
          .n_head = 4,
          .n_kv = 2,
          .head_dim = 16,
          .n_vocab = 300,
          .n_ctx = 1,
          .window = 9},
         "family qwen2 has no windows"},
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct err e = {0};
        assert_int_equal(synth_write(test_file("no.gguf"), &bad[i].p, format_by_name("f32"), 1, &e), -1);
        assert_int_equal(e.code, ERR_USAGE);
        if (!strstr(e.msg, bad[i].why))
            fail_msg("case %zu: %s", i, e.msg);
    }
}

static void write_small(const char *path, const char *format, uint64_t seed)
{
    struct err e;
    if (synth_write(path, &small, format_by_name(format), seed, &e))
        fail_msg("%s", e.msg);
}

static void test_loads_and_runs(void **state)
{
    (void)state;
    for (const struct format *const *f = formats; *f; f++)
        for (int tied = 0; tied < 2 && (*f)->quantize; tied++) {
            struct synth_preset p = small;
            if ((*f)->block > 32) { /* rows that it divides */
                p.d = 256;
                p.head_dim = 64;
                p.n_ff = 512;
            }
            struct model *m = NULL;
            struct session *s;
            struct err e;
            p.tied = tied;
            if (synth_write(test_file("s.gguf"), &p, *f, 1, &e) || model_open(&m, test_file("s.gguf"), 0, &e))
                fail_msg("%s", e.msg);
            assert_int_equal(m->n_layer, p.n_layer);
            assert_int_equal(m->head_dim, p.head_dim);
            assert_int_equal(m->n_vocab, p.n_vocab);
            assert_int_equal(m->tied, tied);
            assert_int_equal(model_parameters(m), synth_parameters(&p));
            assert_ptr_equal(quantize_format_of(&m->gguf), *f);
            int synthetic;
            assert_int_equal(gguf_bool(&m->gguf, "bench.synthetic", 0, &synthetic, &e), 0);
            assert_int_equal(synthetic, 1);
            const struct session_options o = {.n_ctx = 16,
                                              .threads = 1,
                                              .kv_k = format_by_name("f32"),
                                              .kv_v = format_by_name("f32"),
                                              .compute = COMPUTE_EXACT};
            assert_int_equal(session_open(&s, m, &o, &e), 0);
            assert_int_equal(session_eval(s, (int[]){1, 700, 1499}, 3, LOGITS_LAST, NULL, NULL, &e), 0);
            for (int i = 0; i < p.n_vocab; i++)
                assert_true(isfinite(session_logits(s)[i]));
            session_close(s);
            model_close(m);
        }
}

/* Whatever the loader asks of a family, the file has. */
static void test_every_family_loads_and_runs(void **state)
{
    (void)state;
    int n = 0;
    for (const struct family *f = families; f->arch; f++) {
        struct synth_preset p = small;
        struct model *m = NULL;
        struct session *s;
        struct err e = {0};
        p.n_attention = f->flags & SHORT_CONV ? 3 : 0;
        p.n_taps = f->flags & SHORT_CONV ? 3 : 0;
        p.arch = f->arch;
        p.n_layer = 7;
        p.window = f->flags & WINDOWS ? 5 : 0;
        p.n_ctx_before = f->flags & ROPE_FACTORS ? 64 : 0;
        p.n_rot = f->flags & FUSED ? 24 : 0;
        if (synth_write(test_file("f.gguf"), &p, format_by_name("q8_0"), 1, &e) || model_open(&m, test_file("f.gguf"), 0, &e))
            fail_msg("%s: %s", f->arch, e.msg);
        assert_string_equal(m->family->arch, f->arch);
        assert_int_equal(model_parameters(m), synth_parameters(&p));
        assert_int_equal(m->n_rot, p.n_rot ? p.n_rot : p.head_dim);
        const struct session_options o = {
            .n_ctx = 128, .threads = 2, .kv_k = format_by_name("q4_0"), .kv_v = format_by_name("q8_0"), .isa = isa_best()};
        int ids[40];
        for (int i = 0; i < 40; i++)
            ids[i] = i * 37;
        assert_int_equal(session_open(&s, m, &o, &e), 0);
        assert_int_equal(session_eval(s, ids, 40, LOGITS_LAST, NULL, NULL, &e), 0);
        for (int i = 0; i < p.n_vocab; i++)
            assert_true(isfinite(session_logits(s)[i]));
        session_close(s);
        model_close(m);
        n++;
    }
    assert_int_equal(n, 11);
}

static void test_pieces_are_a_vocabulary(void **state)
{
    (void)state;
    struct gguf g;
    struct tokenizer *t;
    struct err e;
    int *ids, n;
    struct synth_preset p = small;
    p.n_vocab = 40000; /* three syllables */
    assert_int_equal(synth_write(test_file("s.gguf"), &p, format_by_name("q8_0"), 1, &e), 0);
    assert_int_equal(gguf_open(&g, test_file("s.gguf"), 0, &e), 0);
    assert_int_equal(tokenizer_open(&t, &g, &e), 0);
    assert_int_equal(tokenizer_size(t), p.n_vocab);
    assert_int_equal(tokenizer_bos(t), 1);
    /* Each piece behind the bytes is the only one with its text. */
    char *seen = calloc((size_t)p.n_vocab, 1);
    for (int id = 3 + 256; id < p.n_vocab; id++) {
        int len;
        const char *piece = tokenizer_piece(t, id, &len);
        assert_true(len > 0);
        if (piece[0] != ' ') /* text gets a space in front */
            continue;
        assert_int_equal(tokenizer_encode(t, piece + 1, (size_t)len - 1, 0, &ids, &n, &e), 0);
        if (n == 1)
            seen[ids[0]]++;
        free(ids);
    }
    int found = 0;
    for (int id = 0; id < p.n_vocab; id++) {
        assert_true(seen[id] <= 1);
        found += seen[id];
    }
    assert_true(found > 5000); /* of 20,000: the rest is reached through other merges first */
    free(seen);

    static const char text[] = "Once upon a time, \xc3\xa9t\xc3\xa9!\n";
    struct text back = {0};
    assert_int_equal(tokenizer_encode(t, text, strlen(text), 1, &ids, &n, &e), 0);
    for (int i = 0; i < n; i++) {
        int len;
        const char *piece = tokenizer_piece(t, ids[i], &len);
        text_add(&back, piece, (size_t)len);
    }
    assert_string_equal(back.p + 1, text);
    text_free(&back);
    free(ids);
    tokenizer_close(t);
    gguf_close(&g);
}

/* Distinct as other engines compare them: the pieces themselves, sorted. */
static int compare(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static void test_pieces_are_distinct(void **state)
{
    (void)state;
    struct gguf g;
    struct err e;
    struct synth_preset p = small;
    p.n_vocab = 262144; /* the largest of the presets */
    p.d = 32;
    assert_int_equal(synth_write(test_file("s.gguf"), &p, format_by_name("q4_0"), 1, &e), 0);
    assert_int_equal(gguf_open(&g, test_file("s.gguf"), 0, &e), 0);
    const struct gguf_kv *kv = gguf_find(&g, "tokenizer.ggml.tokens");
    assert_int_equal(kv->count, p.n_vocab);
    char **piece = malloc((size_t)p.n_vocab * sizeof *piece);
    const uint8_t *at = kv->data;
    for (int i = 0; i < p.n_vocab; i++) {
        struct gguf_str s = gguf_next_string(&at);
        piece[i] = strndup(s.p, s.n);
    }
    qsort(piece, (size_t)p.n_vocab, sizeof *piece, compare);
    for (int i = 1; i < p.n_vocab; i++)
        assert_int_not_equal(strcmp(piece[i - 1], piece[i]), 0);
    for (int i = 0; i < p.n_vocab; i++)
        free(piece[i]);
    free(piece);
    gguf_close(&g);
}

static void test_weights_are_normal(void **state)
{
    (void)state;
    struct gguf g;
    struct err e;
    write_small(test_file("s.gguf"), "f32", 3);
    assert_int_equal(gguf_open(&g, test_file("s.gguf"), 0, &e), 0);
    const struct gguf_tensor *t = gguf_find_tensor(&g, "token_embd.weight");
    const float *v = t->data;
    int64_t n = t->dim[0] * t->dim[1];
    double sum = 0, squares = 0, largest = 0;
    int64_t within = 0;
    for (int64_t i = 0; i < n; i++) {
        sum += (double)v[i];
        squares += (double)v[i] * (double)v[i];
        within += fabsf(v[i]) < 0.02f;
        largest = fmax(largest, fabs((double)v[i]));
    }
    assert_true(fabs(sum / (double)n) < 2e-4);
    assert_true(fabs(sqrt(squares / (double)n) - 0.02) < 2e-4);
    assert_true(fabs((double)within / (double)n - 0.683) < 0.02); /* one sigma */
    assert_true(largest < 0.07 && largest > 0.06);
    t = gguf_find_tensor(&g, "output_norm.weight");
    assert_string_equal(t->format->name, "f32");
    for (int i = 0; i < small.d; i++)
        assert_true(((const float *)t->data)[i] == 1.0f);
    gguf_close(&g);
}

static void test_same_seed_same_file(void **state)
{
    (void)state;
    char a[65], b[65], c[65];
    struct err e;
    write_small(test_file("a.gguf"), "q8_0", 7);
    assert_int_equal(file_sha256(test_file("a.gguf"), a, &e), 0);
    write_small(test_file("a.gguf"), "q8_0", 7);
    assert_int_equal(file_sha256(test_file("a.gguf"), b, &e), 0);
    write_small(test_file("a.gguf"), "q8_0", 8);
    assert_int_equal(file_sha256(test_file("a.gguf"), c, &e), 0);
    assert_string_equal(a, b);
    assert_string_not_equal(a, c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_presets_have_the_published_size),
        cmocka_unit_test(test_what_no_model_can_have_is_refused),
        cmocka_unit_test(test_loads_and_runs),
        cmocka_unit_test(test_every_family_loads_and_runs),
        cmocka_unit_test(test_pieces_are_a_vocabulary),
        cmocka_unit_test(test_pieces_are_distinct),
        cmocka_unit_test(test_weights_are_normal),
        cmocka_unit_test(test_same_seed_same_file),
    };
    return cmocka_run_group_tests(tests, test_dir_make, test_dir_remove);
}
