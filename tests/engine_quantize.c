/* A converted file holds exactly what the format's own functions make of each row, and everything else unchanged. */
/* SPDX-License-Identifier: MIT */
#include "tests/test.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/rng.h"
#include "engine/gguf_write.h"
#include "engine/quantize.h"

static struct gguf_str str(const char *s)
{
    return (struct gguf_str){s, strlen(s)};
}

/* Two matrices, of which one has rows that no block of 32 divides, a 2-dimensional tensor that is no weight, and a vector. */
enum { ROWS = 5, WIDE = 256, ODD = 40 };

static void write_source(const char *path, const char *format, const float *weight)
{
    struct gguf_writer *w;
    struct err e;
    const struct format *f = format_by_name(format), *f32 = format_by_name("f32");
    uint8_t row[WIDE * 4];
    assert_int_equal(gguf_write_open(&w, path, &e), 0);
    gguf_write_string(w, "general.architecture", "llama");
    gguf_write_u32(w, "general.file_type", 0);
    gguf_write_u32(w, "general.quantization_version", 1);
    gguf_write_u32(w, "llama.block_count", 7);
    gguf_write_tensor(w, str("wide.weight"), 2, (int64_t[]){WIDE, ROWS}, f);
    gguf_write_tensor(w, str("odd.weight"), 2, (int64_t[]){ODD, ROWS}, f);
    gguf_write_tensor(w, str("table"), 2, (int64_t[]){WIDE, ROWS}, f32);
    gguf_write_tensor(w, str("norm.weight"), 1, (int64_t[]){WIDE}, f32);
    for (int pass = 0, k; pass < 2; pass++)
        for (int i = 0; i < ROWS; i++) {
            k = pass ? ODD : WIDE;
            f->quantize(row, weight + i * WIDE, k);
            assert_int_equal(gguf_write_data(w, row, format_row_bytes(f, k), &e), 0);
        }
    assert_int_equal(gguf_write_data(w, weight, ROWS * WIDE * sizeof *weight, &e), 0);
    assert_int_equal(gguf_write_data(w, weight, WIDE * sizeof *weight, &e), 0);
    assert_int_equal(gguf_write_finish(w, &e), 0);
}

/* The word of a recipe instead of the recipe. */
static int quantize(const char *in, const char *out, const char *word, struct quantize_report *report, struct err *e)
{
    struct recipe r;
    return recipe_parse(&r, word, e) || quantize_file(in, out, &r, NULL, NULL, report, e) ? -1 : 0;
}

static void normal(float *v, int n, uint64_t seed)
{
    struct rng r;
    rng_seed(&r, seed);
    for (int i = 0; i < n; i++)
        v[i] = (float)rng_normal(&r);
}

static int has_encoder(const struct format *f)
{
    return f->quantize || f->quantize_within;
}

/* The smallest and the largest weight of all rows. */
static void range(const struct gguf_tensor *t, float *min, float *max)
{
    float row[WIDE];
    *min = *max = 0;
    for (int64_t i = 0; i < t->dim[1]; i++) {
        t->format->dequantize(row, (const uint8_t *)t->data + (size_t)i * format_row_bytes(t->format, t->dim[0]), (int)t->dim[0]);
        for (int j = 0; j < t->dim[0]; j++) {
            *min = row[j] < *min ? row[j] : *min;
            *max = row[j] > *max ? row[j] : *max;
        }
    }
}

/* Every row of `out` is the format's rounding of what the same row of `in` stands for. */
static void check_tensor(const struct gguf_tensor *in, const struct gguf_tensor *out, const struct format *f)
{
    int k = (int)in->dim[0];
    size_t in_row = format_row_bytes(in->format, k), out_row = format_row_bytes(f, k);
    float *wide = malloc((size_t)k * sizeof *wide), min, max;
    uint8_t *wanted = malloc(out_row);
    assert_ptr_equal(out->format, f);
    assert_memory_equal(out->dim, in->dim, sizeof in->dim);
    range(in, &min, &max);
    for (int64_t i = 0; i < in->dim[1]; i++) {
        in->format->dequantize(wide, (const uint8_t *)in->data + (size_t)i * in_row, k);
        if (f->quantize)
            f->quantize(wanted, wide, k);
        else
            f->quantize_within(wanted, wide, k, min, max);
        assert_memory_equal((const uint8_t *)out->data + (size_t)i * out_row, wanted, out_row);
    }
    free(wide);
    free(wanted);
}

static void test_every_format_from_every_source(void **state)
{
    (void)state;
    static const char *const sources[] = {"f32", "f16", "bf16"};
    float weight[ROWS * WIDE];
    normal(weight, ROWS * WIDE, 5);
    for (size_t s = 0; s < 3; s++)
        for (const struct format *const *f = formats; *f; f++) {
            if (!has_encoder(*f))
                continue;
            struct quantize_report r;
            struct gguf a, b;
            struct err e;
            int64_t version;
            int odd = format_row_bytes(*f, ODD) == 0, plain = (*f)->block == 1;
            write_source(test_file("in.gguf"), sources[s], weight);
            if (quantize(test_file("in.gguf"), test_file("out.gguf"), (*f)->name, &r, &e))
                fail_msg("%s", e.msg);
            assert_int_equal(r.converted, 2);
            assert_int_equal(r.copied, 2);
            assert_int_equal(r.stand_ins, odd);
            assert_string_equal(r.stand_in_names, odd ? "odd.weight" : "");
            assert_int_equal(gguf_open(&a, test_file("in.gguf"), 0, &e), 0);
            assert_int_equal(gguf_open(&b, test_file("out.gguf"), 0, &e), 0);
            assert_int_equal(r.bytes_in, a.map.n);
            assert_int_equal(r.bytes_out, b.map.n);
            check_tensor(&a.tensor[0], &b.tensor[0], *f);
            check_tensor(&a.tensor[1], &b.tensor[1], odd ? format_by_name("f16") : *f);
            for (int i = 2; i < 4; i++) {
                assert_string_equal(b.tensor[i].format->name, "f32");
                assert_memory_equal(a.tensor[i].data, b.tensor[i].data, a.tensor[i].bytes);
            }
            assert_int_equal(gguf_int(&b, "llama.block_count", 0, 100, 0, &version, &e), 0);
            assert_int_equal(version, 7);
            assert_int_equal(gguf_int(&b, "general.quantization_version", 0, 100, -1, &version, &e), 0);
            assert_int_equal(version, plain ? -1 : 2);
            assert_ptr_equal(quantize_format_of(&b), *f);
            gguf_close(&a);
            gguf_close(&b);
        }
}

static void test_file_types(void **state)
{
    (void)state;
    static const struct {
        const char *format;
        int file_type;
    } known[] = {{"f32", 0}, {"f16", 1}, {"q4_0", 2}, {"q8_0", 7}, {"bf16", 32}}; /* llama.h, enum llama_ftype */
    float weight[ROWS * WIDE];
    normal(weight, ROWS * WIDE, 6);
    write_source(test_file("in.gguf"), "f32", weight);
    for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
        struct gguf g;
        struct err e;
        int64_t v;
        assert_int_equal(quantize(test_file("in.gguf"), test_file("out.gguf"), known[i].format, NULL, &e), 0);
        assert_int_equal(gguf_open(&g, test_file("out.gguf"), 0, &e), 0);
        assert_int_equal(gguf_int(&g, "general.file_type", 0, 100, -1, &v, &e), 0);
        assert_int_equal(v, known[i].file_type);
        gguf_close(&g);
    }
}

static void test_formats_of_files(void **state)
{
    (void)state;
    static const struct {
        const char *first, *second, *shared; /* of a matrix with rows of 64, of one with rows of `second_k` */
        int second_k;
    } cases[] = {
        {"f16", "f16", "f16", 64},   {"q8_0", "q8_0", "q8_0", 64}, {"q8_0", "f16", NULL, 64},
        {"q8_0", "f16", "q8_0", 40}, {"q8_0", "f32", "q8_0", 40},  {"f16", "q4_0", NULL, 64},
        {"f32", "f16", NULL, 64},    {"q8_0", "q4_0", NULL, 64},   {"f32", "f32", "f32", 40},
    };
    static const uint8_t zeros[256];
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const struct format *a = format_by_name(cases[i].first), *b = format_by_name(cases[i].second);
        struct gguf_writer *w;
        struct gguf g;
        struct err e;
        assert_int_equal(gguf_write_open(&w, test_file("mix.gguf"), &e), 0);
        gguf_write_tensor(w, str("norm.weight"), 1, (int64_t[]){4}, format_by_name("f32"));
        gguf_write_tensor(w, str("a.weight"), 2, (int64_t[]){64, 1}, a);
        gguf_write_tensor(w, str("b.weight"), 2, (int64_t[]){cases[i].second_k, 1}, b);
        assert_int_equal(gguf_write_data(w, zeros, 16, &e), 0);
        assert_int_equal(gguf_write_data(w, zeros, format_row_bytes(a, 64), &e), 0);
        assert_int_equal(gguf_write_data(w, zeros, format_row_bytes(b, cases[i].second_k), &e), 0);
        assert_int_equal(gguf_write_finish(w, &e), 0);
        assert_int_equal(gguf_open(&g, test_file("mix.gguf"), 0, &e), 0);
        const struct format *f = quantize_format_of(&g);
        assert_string_equal(f ? f->name : "mixed", cases[i].shared ? cases[i].shared : "mixed");
        gguf_close(&g);
    }
}

/* One scale for a matrix: the same in the header of every row, and such that the largest weight of all gets the last code. */
static void test_one_range_for_a_matrix(void **state)
{
    (void)state;
    float weight[ROWS * WIDE], row[WIDE];
    struct gguf g;
    struct err e;
    normal(weight, ROWS * WIDE, 8);
    weight[3 * WIDE + 9] = -8.128f; /* the scale is a 127th of it, 0.064, but for the 11 bits of fp16 */
    write_source(test_file("in.gguf"), "f32", weight);
    assert_int_equal(quantize(test_file("in.gguf"), test_file("out.gguf"), "int8_tensor_sym", NULL, &e), 0);
    assert_int_equal(gguf_open(&g, test_file("out.gguf"), 0, &e), 0);
    const struct gguf_tensor *t = &g.tensor[0];
    const size_t row_bytes = format_row_bytes(t->format, WIDE);
    for (int i = 0; i < ROWS; i++) {
        const uint8_t *data = (const uint8_t *)t->data + (size_t)i * row_bytes;
        assert_memory_equal(data, t->data, 2);
        t->format->dequantize(row, data, WIDE);
        for (int j = 0; j < WIDE; j++)
            assert_true(fabsf(row[j] - weight[i * WIDE + j]) <= 0.5f * 0.064f * 1.001f + 127 * 0.064f / 2048);
    }
    assert_int_equal(((const int8_t *)t->data)[3 * row_bytes + 2 + 9], -127);
    gguf_close(&g);
}

/* Changes the first `from` in a file into `to`, of the same length. */
static void patch(const char *path, const char *from, const char *to)
{
    struct err e;
    size_t n, length = strlen(from), at = 0;
    char *all = file_read(path, &n, &e);
    assert_non_null(all);
    while (at + length <= n && memcmp(all + at, from, length) != 0)
        at++;
    assert_true(at + length <= n);
    FILE *file = fopen(path, "r+be");
    assert_non_null(file);
    assert_int_equal(fseek(file, (long)at, SEEK_SET), 0);
    assert_int_equal(fwrite(to, 1, length, file), length);
    assert_int_equal(fclose(file), 0);
    free(all);
}

/* A file with formats of ours says which, and without that its type numbers mean nothing. */
static void test_own_formats_are_named(void **state)
{
    (void)state;
    float weight[ROWS * WIDE];
    struct gguf g;
    struct gguf_writer *w;
    struct err e;
    normal(weight, ROWS * WIDE, 9);
    write_source(test_file("in.gguf"), "f32", weight);
    assert_int_equal(quantize(test_file("in.gguf"), test_file("out.gguf"), "mixed:q8_0+wide=int4_channel_asym", NULL, &e), 0);
    assert_int_equal(gguf_open(&g, test_file("out.gguf"), 0, &e), 0);
    const struct gguf_kv *kv = gguf_find(&g, "bench.formats");
    assert_non_null(kv);
    assert_int_equal(kv->count, 1);
    const uint8_t *at = kv->data;
    struct gguf_str name = gguf_next_string(&at);
    assert_int_equal(name.n, strlen("int4_channel_asym"));
    assert_memory_equal(name.p, "int4_channel_asym", name.n);

    /* It belongs to the file, not to the model: a copy of the keys leaves it out. */
    assert_int_equal(gguf_write_open(&w, test_file("copy.gguf"), &e), 0);
    for (uint64_t i = 0; i < g.n_kv; i++)
        gguf_write_copy(w, &g.kv[i]);
    assert_int_equal(gguf_write_finish(w, &e), 0);
    gguf_close(&g);
    assert_int_equal(gguf_open(&g, test_file("copy.gguf"), 0, &e), 0);
    assert_null(gguf_find(&g, "bench.formats"));
    assert_non_null(gguf_find(&g, "general.architecture"));
    gguf_close(&g);

    patch(test_file("out.gguf"), "int4_channel_asym", "int4_channel_asyn");
    assert_int_equal(gguf_open(&g, test_file("out.gguf"), 0, &e), -1);
    assert_non_null(strstr(e.msg, "another program"));
    assert_non_null(strstr(e.msg, "wide.weight"));
    patch(test_file("out.gguf"), "int4_channel_asyn", "int4_channel_asym");
    assert_int_equal(gguf_open(&g, test_file("out.gguf"), 0, &e), 0);
    gguf_close(&g);
    patch(test_file("out.gguf"), "bench.formats", "bench.formatz");
    assert_int_equal(gguf_open(&g, test_file("out.gguf"), 0, &e), -1);
    assert_non_null(strstr(e.msg, "another program"));
}

static void expect_refusal(const char *in, const char *out, const char *format, const char *problem)
{
    struct err e = {0};
    assert_int_equal(quantize(in, out, format, NULL, &e), -1);
    if (!strstr(e.msg, problem))
        fail_msg("\"%s\" does not say: %s", e.msg, problem);
}

static void test_refusals(void **state)
{
    (void)state;
    float weight[ROWS * WIDE];
    struct err e;
    normal(weight, ROWS * WIDE, 7);
    write_source(test_file("in.gguf"), "f32", weight);
    expect_refusal(test_file("in.gguf"), test_file("in.gguf"), "q8_0", "same file");
    assert_int_equal(symlink("in.gguf", test_file("link.gguf")), 0);
    expect_refusal(test_file("in.gguf"), test_file("link.gguf"), "q8_0", "same file");
    expect_refusal(test_file("none.gguf"), test_file("new.gguf"), "q8_0", "none.gguf");
    expect_refusal(test_file("in.gguf"), test_file("none/new.gguf"), "q8_0", "none/new.gguf");
    assert_int_equal(quantize(test_file("in.gguf"), test_file("q8.gguf"), "q8_0", NULL, &e), 0);
    expect_refusal(test_file("q8.gguf"), test_file("new.gguf"), "q4_0", "\"wide.weight\" is already q8_0");
    expect_refusal(test_file("q8.gguf"), test_file("new.gguf"), "f16", "begin with the F32, F16 or BF16 file");
    static const float bad[] = {NAN, INFINITY, -INFINITY};
    for (int i = 0; i < 3; i++) {
        weight[2 * WIDE + 3] = bad[i];
        write_source(test_file("in.gguf"), "f32", weight);
        expect_refusal(test_file("in.gguf"), test_file("new.gguf"), "q8_0", "\"wide.weight\", row 2");
    }
    weight[2 * WIDE + 3] = 1e6f; /* more than FP16 can hold, but with a block's scale it can be written */
    write_source(test_file("in.gguf"), "f32", weight);
    expect_refusal(test_file("in.gguf"), test_file("new.gguf"), "f16", "too large for f16");
    assert_int_not_equal(access(test_file("new.gguf"), F_OK), 0);
    assert_int_equal(quantize(test_file("in.gguf"), test_file("new.gguf"), "bf16", NULL, &e), 0);
}

static void test_vocabulary_only(void **state)
{
    (void)state;
    const char *path = testdata("tokenizers/ggml-vocab-phi-3.gguf");
    TEST_SKIP_WITHOUT(path, "tokenizers/ggml-vocab-phi-3.gguf");
    expect_refusal(path, test_file("new.gguf"), "q8_0", "no weight matrix");
}

/* The F16 and Q8_0 files were made from the F32 one by llama.cpp. */
static void check_against_llama_cpp(const char *theirs, const char *format)
{
    const char *source = testdata("models/stories260K.gguf"), *path = testdata(theirs);
    TEST_SKIP_WITHOUT(source, "models/stories260K.gguf");
    TEST_SKIP_WITHOUT(path, theirs);
    struct gguf a, b;
    struct err e;
    int same = 0;
    assert_int_equal(quantize(source, test_file("ours.gguf"), format, NULL, &e), 0);
    assert_int_equal(gguf_open(&a, test_file("ours.gguf"), 0, &e), 0);
    assert_int_equal(gguf_open(&b, path, 0, &e), 0);
    for (uint64_t i = 0; i < b.n_tensor; i++) {
        char name[80];
        const struct gguf_tensor *t = gguf_find_tensor(&a, gguf_printable(b.tensor[i].name, name, sizeof name));
        assert_non_null(t);
        if (t->format != b.tensor[i].format)
            continue; /* rows of 172: they kept F32 where we choose F16 */
        assert_int_equal(t->bytes, b.tensor[i].bytes);
        assert_memory_equal(t->data, b.tensor[i].data, t->bytes);
        same++;
    }
    assert_int_equal(same, b.n_tensor - (strcmp(format, "q8_0") ? 0 : 5));
    gguf_close(&a);
    gguf_close(&b);
}

static void test_same_bytes_as_llama_cpp_f16(void **state)
{
    (void)state;
    check_against_llama_cpp("models/stories260K-F16.gguf", "f16");
}

static void test_same_bytes_as_llama_cpp_q8_0(void **state)
{
    (void)state;
    check_against_llama_cpp("models/stories260K-Q8_0.gguf", "q8_0");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_format_from_every_source),
        cmocka_unit_test(test_file_types),
        cmocka_unit_test(test_formats_of_files),
        cmocka_unit_test(test_one_range_for_a_matrix),
        cmocka_unit_test(test_own_formats_are_named),
        cmocka_unit_test(test_refusals),
        cmocka_unit_test(test_vocabulary_only),
        cmocka_unit_test(test_same_bytes_as_llama_cpp_f16),
        cmocka_unit_test(test_same_bytes_as_llama_cpp_q8_0),
    };
    return cmocka_run_group_tests(tests, test_dir_make, test_dir_remove);
}
