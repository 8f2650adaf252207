/* Which format each matrix gets: the published rules on models of made-up shape, exceptions, stand-ins, and what is no recipe. */
/* SPDX-License-Identifier: MIT */
#include "tests/test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/gguf_write.h"
#include "engine/recipe.h"

static struct gguf_str str(const char *s)
{
    return (struct gguf_str){s, strlen(s)};
}

/* One row of zeros a matrix: the rules look at names, row lengths and the metadata only. */
static void add(struct gguf_writer *w, const char *name, int64_t row)
{
    gguf_write_tensor(w, str(name), 2, (int64_t[]){row, 1}, format_by_name("f16"));
}

struct model {
    int layers, heads, keys, tied, fused;
    int64_t row, down; /* lengths of rows; down: of ffn_down */
};

static struct gguf make(struct model m)
{
    static const char *const apart[] = {"attn_q", "attn_k", "attn_v", "attn_output", "ffn_gate", "ffn_up"};
    static const char *const fused[] = {"attn_qkv", "attn_output", "ffn_up"};
    struct gguf_writer *w;
    struct gguf g;
    struct err e;
    char name[64];
    assert_int_equal(gguf_write_open(&w, test_file("m.gguf"), &e), 0);
    gguf_write_string(w, "general.architecture", "llama");
    gguf_write_u32(w, "llama.attention.head_count", (uint32_t)m.heads);
    gguf_write_u32(w, "llama.attention.head_count_kv", (uint32_t)m.keys);
    add(w, "token_embd.weight", m.row);
    if (!m.tied)
        add(w, "output.weight", m.row);
    for (int i = 0; i < m.layers; i++) {
        for (int k = 0; k < (m.fused ? 3 : 6); k++) {
            snprintf(name, sizeof name, "blk.%d.%s.weight", i, (m.fused ? fused : apart)[k]);
            add(w, name, m.row);
        }
        snprintf(name, sizeof name, "blk.%d.ffn_down.weight", i);
        add(w, name, m.down);
    }
    gguf_write_tensor(w, str("blk.0.attn_norm.weight"), 1, (int64_t[]){m.row}, format_by_name("f32"));
    char *zeros = calloc((size_t)(m.row > m.down ? m.row : m.down), 4);
    for (int i = 0; i < (m.tied ? 1 : 2); i++)
        assert_int_equal(gguf_write_data(w, zeros, (size_t)m.row * 2, &e), 0);
    for (int i = 0; i < m.layers; i++) {
        for (int k = 0; k < (m.fused ? 3 : 6); k++)
            assert_int_equal(gguf_write_data(w, zeros, (size_t)m.row * 2, &e), 0);
        assert_int_equal(gguf_write_data(w, zeros, (size_t)m.down * 2, &e), 0);
    }
    assert_int_equal(gguf_write_data(w, zeros, (size_t)m.row * 4, &e), 0);
    free(zeros);
    assert_int_equal(gguf_write_finish(w, &e), 0);
    if (gguf_open(&g, test_file("m.gguf"), 0, &e))
        fail_msg("%s", e.msg);
    return g;
}

/* The formats of one matrix of every layer, "q6_k q4_k ...", or of one outside them; the number of stand-ins in *n. */
static const char *formats_of(const struct gguf *g, const char *word, const char *part, int *n)
{
    static char out[512];
    const struct format *target[200];
    struct recipe r;
    struct err e = {0};
    char name[64];
    if (recipe_parse(&r, word, &e) || (*n = recipe_apply(&r, g, target, NULL, &e)) < 0)
        fail_msg("%s: %s", word, e.msg);
    out[0] = '\0';
    for (int layer = -1; layer < 32; layer++) {
        snprintf(name, sizeof name, layer < 0 ? "%.0d%s.weight" : "blk.%d.%s.weight", layer < 0 ? 0 : layer, part);
        const struct gguf_tensor *t = gguf_find_tensor(g, name);
        if (t)
            snprintf(out + strlen(out), sizeof out - strlen(out), "%s%s", out[0] ? " " : "", target[t - g->tensor]->name);
    }
    return out;
}

#define SIXTEEN(f) f " " f " " f " " f " " f " " f " " f " " f " " f " " f " " f " " f " " f " " f " " f " " f

/* llama-quant.cpp, use_more_bits with 16 layers: 0 and 1, then every third from 4 on, then 14 and 15. */
static const char more_bits_16[] =
    "q6_k q6_k q4_k q4_k q6_k q4_k q4_k q6_k q4_k q4_k q6_k q4_k q4_k q6_k q6_k q6_k";

static void test_rules(void **state)
{
    (void)state;
    struct gguf g = make((struct model){16, 8, 8, 0, 0, 256, 512});
    int n;
    static const struct {
        const char *recipe, *part, *formats;
    } expected[] = {
        {"q4_k_m", "attn_v", more_bits_16},
        {"q4_k_m", "ffn_down", more_bits_16},
        {"q4_k_m", "attn_q", SIXTEEN("q4_k")},
        {"q4_k_m", "output", "q6_k"},
        {"q4_k_m", "token_embd", "q4_k"},
        {"q4_k_s", "attn_v", "q5_k q5_k q5_k q5_k q4_k q4_k q4_k q4_k q4_k q4_k q4_k q4_k q4_k q4_k q4_k q4_k"},
        {"q4_k_s", "ffn_down", "q5_k q5_k q4_k q4_k q4_k q4_k q4_k q4_k q4_k q4_k q4_k q4_k q4_k q4_k q4_k q4_k"},
        {"q3_k_m", "attn_v", "q5_k q5_k q4_k q4_k q4_k q4_k q4_k q4_k q4_k q4_k q4_k q4_k q4_k q4_k q4_k q4_k"},
        {"q3_k_m", "ffn_down", "q5_k q4_k q4_k q4_k q4_k q4_k q4_k q4_k q4_k q4_k q4_k q4_k q4_k q4_k q4_k q4_k"},
        {"q3_k_m", "attn_output", SIXTEEN("q4_k")},
        {"q3_k_l", "ffn_down", SIXTEEN("q5_k")},
        {"q2_k_mix", "attn_v", SIXTEEN("q3_k")},
        {"q2_k_mix", "token_embd", "q2_k"},
        {"q2_k", "output", "q2_k"},
        {"tq2_0_mix", "token_embd", "q4_k"},
        {"mixed:q4_k_m+attn_v=q8_0", "attn_v", SIXTEEN("q8_0")},
        {"mixed:q4_0+blk.*=q5_0+blk.1.attn_?=q8_0+last=f16", "attn_k",
         "q5_0 q8_0 q5_0 q5_0 q5_0 q5_0 q5_0 q5_0 q5_0 q5_0 q5_0 q5_0 q5_0 q5_0 q5_0 f16"},
        {"mixed:q4_0+blk.*=q5_0+blk.1.attn_?=q8_0+last=f16", "output", "q4_0"},
    };
    for (size_t i = 0; i < sizeof expected / sizeof *expected; i++) {
        assert_string_equal(formats_of(&g, expected[i].recipe, expected[i].part, &n), expected[i].formats);
        assert_int_equal(n, 0);
    }
    assert_string_equal(formats_of(&g, "q4_k_m", "nothing", &n), "");
    gguf_close(&g);
}

static void test_shapes_that_rules_ask_for(void **state)
{
    (void)state;
    int n;
    struct gguf g = make((struct model){2, 8, 2, 1, 0, 256, 256}); /* four queries to a key, no head of its own */
    assert_string_equal(formats_of(&g, "q2_k_mix", "attn_v", &n), "q4_k q4_k");
    assert_string_equal(formats_of(&g, "q4_k_m", "token_embd", &n), "q6_k");
    assert_string_equal(formats_of(&g, "iq4_xs_mix", "attn_v", &n), "q5_k q5_k");
    gguf_close(&g);
    g = make((struct model){2, 8, 8, 1, 1, 256, 256}); /* q, k and v in one */
    assert_string_equal(formats_of(&g, "q4_k_m", "attn_qkv", &n), "q5_k q5_k");
    assert_string_equal(formats_of(&g, "q5_k_m", "attn_qkv", &n), "q6_k q6_k");
    gguf_close(&g);
}

/* Rows of 288 are nine blocks of 32, rows of 40 none of anything. */
static void test_stand_ins(void **state)
{
    (void)state;
    int n;
    struct gguf g = make((struct model){1, 8, 8, 1, 0, 256, 288});
    assert_string_equal(formats_of(&g, "q4_k_m", "ffn_down", &n), "q8_0"); /* for q6_k */
    assert_int_equal(n, 1);
    assert_string_equal(formats_of(&g, "q4_k", "ffn_down", &n), "q5_0");
    assert_string_equal(formats_of(&g, "q5_k", "ffn_down", &n), "q5_1");
    assert_string_equal(formats_of(&g, "q3_k", "ffn_down", &n), "iq4_nl");
    assert_string_equal(formats_of(&g, "tq1_0", "ffn_down", &n), "q4_0");
    gguf_close(&g);
    g = make((struct model){1, 8, 8, 1, 0, 256, 40});
    assert_string_equal(formats_of(&g, "q4_k_m", "ffn_down", &n), "f16");
    assert_string_equal(formats_of(&g, "q4_0", "ffn_down", &n), "f16");
    gguf_close(&g);
}

static void test_words(void **state)
{
    (void)state;
    struct recipe r;
    struct err e;
    static const struct {
        const char *word, *says;
    } bad[] = {
        {"q4_k_mm", "did you mean q4_k_m?"},
        {"", "unknown"},
        {"mixed:", "unknown"},
        {"mixed:q4_0", "an exception is missing, such as mixed:q4_0+attn_v=q8_0"},
        {"mixed:q4_0+", "an exception is missing"},
        {"mixed:q4_0+attn_v", "\"attn_v\" is not NAMES=FORMAT"},
        {"mixed:q4_0+=q8_0", "is not NAMES=FORMAT"},
        {"mixed:q4_0+a/b=q8_0", "is not NAMES=FORMAT"},
        {"mixed:q4_0+attn_v=q4_k_m", "unknown"}, /* a mixture is no format of one matrix */
        {"mixed:q4_0+a=f16+a=f16+a=f16+a=f16+a=f16+a=f16+a=f16+a=f16+a=f16+a=f16+a=f16+a=f16+a=f16+a=f16+a=f16+a=f16+a=f16",
         "more than 16 exceptions"},
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        e = (struct err){0};
        assert_int_equal(recipe_parse(&r, bad[i].word, &e), -1);
        assert_int_equal(e.code, ERR_USAGE);
        if (!strstr(e.msg, bad[i].says))
            fail_msg("%s: \"%s\" does not say \"%s\"", bad[i].word, e.msg, bad[i].says);
    }
    for (int i = 0; formats[i]; i++)
        if (!formats[i]->quantize && !formats[i]->quantize_within) {
            assert_int_equal(recipe_parse(&r, formats[i]->name, &e), -1);
            assert_non_null(strstr(e.msg, "no encoder"));
        }
    for (int i = 0; recipe_name(i); i++) {
        assert_int_equal(recipe_parse(&r, recipe_name(i), &e), 0);
        assert_string_equal(r.word, recipe_name(i));
        assert_true(recipe_version(&r) > 0);
    }
    assert_int_equal(recipe_parse(&r, "q4_k_m", &e), 0);
    assert_int_equal(recipe_file_type(&r), 15);
    assert_int_equal(recipe_add(&r, "token_embd=q8_0,attn_v=q6_k", &e), 0);
    assert_string_equal(r.word, "mixed:q4_k_m+token_embd=q8_0+attn_v=q6_k");

    struct gguf g = make((struct model){1, 8, 8, 1, 0, 256, 256});
    const struct format *target[16];
    assert_int_equal(recipe_parse(&r, "mixed:q4_0+attn_w=q8_0", &e), 0);
    assert_int_equal(recipe_apply(&r, &g, target, NULL, &e), -1);
    assert_non_null(strstr(e.msg, "\"attn_w\" fits no matrix"));
    gguf_close(&g);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rules),
        cmocka_unit_test(test_shapes_that_rules_ask_for),
        cmocka_unit_test(test_stand_ins),
        cmocka_unit_test(test_words),
    };
    return cmocka_run_group_tests(tests, test_dir_make, test_dir_remove);
}
