/* Weight formats: the bytes that quantize writes, the values that dequantize reads, and the errors in between.
 *
 * The bytes here were computed apart from this program, in rational arithmetic; the published ones come with the test data. */
/* SPDX-License-Identifier: MIT */
#include "tests/test.h"

#include <ctype.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "kernels/kv.h"

#define ROW 512 /* of the published data: 16 rows of 512 */
#define ROWS 16
#define ANY 4096
#define MAX_BLOCK 256

/* A block of 32 numbers that are exact in binary; the 16-bit formats get a third of them, so that they round. */
static void golden_input(float x[32], float scale)
{
    for (int i = 0; i < 32; i++)
        x[i] = (float)(i * i * 7 % 41 - 20) / 16 / scale;
    x[5] = -3.375f / scale;
}

static const struct golden {
    const char *format;
    float scale;
    const char *hex;
} golden[] = {
    {"f32", 1,
     "0000a0bf000050bf0000003f0000003e0000203f000058c0000060bf0000a0be0000903f0000603f000088bf0000e03e0000803e0000703f000080bd000"
     "040be"
     "0000103f0000c0be0000e0be0000c03e000000bf000000bf0000c03e0000e0be0000c0be0000103f000040be000080bd0000703f0000803e0000e03e000"
     "088bf"},
    {"f16", 3,
     "abb655b455315529ab3280bcabb4abae0036ab34abb5ab30552d003555a500ac003200b0abb0003055b155b10030abb000b0003200ac55a50035552dab3"
     "0abb5"},
    {"bf16", 3,
     "d5be8bbe2b3e2b3d553e90bf95bed5bdc03e953eb5be153eab3da03eabbc80bd403e00be15be003e2bbe2bbe003e15be00be403e80bdabbca03eab3d153"
     "eb5be"},
    {"q8_0", 1, "ce26d1e113051881dff42a21d8100923fef915f2f00eeded0ef0f215f9fe230910d8"},
    {"q4_0", 1, "c03695767998797096777b9a8589a99a9858"},
};

static int unhex(uint8_t *out, const char *hex)
{
    int n = 0;
    for (; hex[2 * n]; n++) {
        unsigned byte;
        assert_int_equal(sscanf(hex + 2 * n, "%2x", &byte), 1);
        out[n] = (uint8_t)byte;
    }
    return n;
}

static void golden_bytes(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof golden / sizeof *golden; i++) {
        const struct format *f = format_by_name(golden[i].format);
        assert_non_null(f);
        float x[32], back[32];
        uint8_t expected[128], bytes[128];
        golden_input(x, golden[i].scale);
        int n = unhex(expected, golden[i].hex);
        assert_int_equal(n, format_row_bytes(f, 32));
        f->quantize(bytes, x, 32);
        assert_memory_equal(bytes, expected, (size_t)n);
        f->dequantize(back, expected, 32);
        float step = !strcmp(f->name, "q4_0") ? 0.421875f : !strcmp(f->name, "q8_0") ? 3.375f / 127 : fabsf(x[5]) / 128;
        for (int j = 0; j < 32; j++)
            assert_true(fabsf(back[j] - x[j]) <= 0.51f * step);
    }
}

/* A block of bytes by rule, with 16-bit floats near 0.07 where `halves` says that the format keeps them, and the FNV-1a hash of
 * the floats that it decodes to (zeros as +0). */
static const struct made {
    const char *format;
    uint64_t hash;
    int halves[2]; /* places in the block; -1: none */
} made[] = {
    {"q4_1", 0xbbd9ccf1e24fa06e, {0, 2}},
    {"q5_0", 0xf79e68a94f7d7ff8, {0, -1}},
    {"q5_1", 0x93775d4e2d3e840a, {0, 2}},
    {"q2_k", 0x55fc5354b9e4588e, {80, 82}},
    {"q3_k", 0xb4a161f307dcf5e1, {108, -1}},
    {"q4_k", 0xeaf7925e2d8878e3, {0, 2}},
    {"q5_k", 0x71155d69f4b48edd, {0, 2}},
    {"q6_k", 0x45df69d9fbdb9e3a, {208, -1}},
    {"iq4_nl", 0xc68adaacdf6899bb, {0, -1}},
    {"iq4_xs", 0xace1e3bd8d610512, {0, -1}},
    {"mxfp4", 0xb3db352e9bc6a155, {-1, -1}},
    {"tq1_0", 0x1fcac7146355a351, {52, -1}},
    {"tq2_0", 0xf1ce9e7aaee1e614, {64, -1}},
    {"iq3_s", 0x30c18a016e138e19, {0, -1}},
    {"iq3_xxs", 0x9190008f1dc18ae6, {0, -1}},
    {"iq2_s", 0x4b85679466ac177f, {0, -1}},
    {"iq2_xs", 0x304f700a123b059b, {0, -1}},
    {"iq2_xxs", 0xd4ff14301a432aec, {0, -1}},
    {"iq1_s", 0x26d33cdaf0adfa78, {0, -1}},
    {"iq1_m", 0xf12ce389edc6549c, {-1, -1}},
    {"nvfp4", 0xe5d2205c2cf4d7f6, {-1, -1}},
    {"q1_0", 0x3cbcd5a73b255e25, {0, -1}},
    {"q2_0", 0xed5854e6b12b3100, {0, -1}},
};

static void made_blocks(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof made / sizeof *made; i++) {
        const struct format *f = format_by_name(made[i].format);
        assert_non_null(f);
        uint8_t block[256];
        float v[MAX_BLOCK];
        uint64_t hash = 0xcbf29ce484222325;
        for (int b = 0; b < f->bytes; b++)
            block[b] = (uint8_t)((b * b * 37 + b * 11 + 5) >> 2);
        for (int h = 0; h < 2 && made[i].halves[h] >= 0; h++) {
            block[made[i].halves[h]] = (uint8_t)(0x35 + made[i].halves[h]);
            block[made[i].halves[h] + 1] = 0x2c;
        }
        if (!strcmp(f->name, "mxfp4"))
            block[0] = 125; /* 2^-3 */
        for (int g = 0; g < 4 && !strcmp(f->name, "nvfp4"); g++)
            block[g] = (uint8_t)(40 + 9 * g);
        for (int n = 0; n < 4 && !strcmp(f->name, "iq1_m"); n++) /* the float 0x2c35 in four top nibbles */
            block[49 + 2 * n] = (uint8_t)((block[49 + 2 * n] & 15) | (0x2c35 >> 4 * n & 15) << 4);
        f->dequantize(v, block, f->block);
        for (int j = 0; j < f->block; j++) {
            uint8_t bytes[4];
            v[j] = v[j] == 0 ? 0 : v[j];
            memcpy(bytes, &v[j], sizeof bytes);
            for (int b = 0; b < 4; b++)
                hash = (hash ^ bytes[b]) * 0x100000001b3;
        }
        if (hash != made[i].hash)
            fail_msg("%s: the made block decodes to other numbers (hash 0x%016llx)", f->name, (unsigned long long)hash);
    }
}

/* Two blocks of a format, or 64 weights. */
static int some_weights(const struct format *f)
{
    return f->block < 32 ? 64 : 2 * f->block;
}

/* The bytes of a zero row are part of the format, though any code decodes to zero under a zero scale. */
static void zero_rows(void **state)
{
    (void)state;
    for (int i = 0; formats[i]; i++) {
        const struct format *f = formats[i];
        const int n = some_weights(f);
        float x[2 * MAX_BLOCK] = {0}, back[2 * MAX_BLOCK];
        uint8_t bytes[512], again[512];
        if (!f->quantize)
            continue;
        memset(bytes, 0xaa, sizeof bytes);
        memset(again, 0x55, sizeof again);
        f->quantize(bytes, x, n);
        f->quantize(again, x, n);
        assert_memory_equal(bytes, again, format_row_bytes(f, n)); /* every byte is written */
        for (size_t b = 0; b < format_row_bytes(f, n) && (f->block == 1 || f->gguf_type == 2 || f->gguf_type == 8); b++) {
            /* The scale of q4_0 is 0 / -8, which is -0; its codes are 8. */
            int q4 = b % 18 == 0 ? 0 : b % 18 == 1 ? 0x80 : 0x88;
            assert_int_equal(bytes[b], !strcmp(f->name, "q4_0") ? q4 : 0);
        }
        f->dequantize(back, bytes, n);
        for (int j = 0; j < n; j++)
            assert_true(back[j] == 0);
    }
}

/* Weights that are no numbers, too large or too small for a scale: any bytes, but no undefined behaviour, and none in the block
 * beside them. */
static void strange_weights(void **state)
{
    (void)state;
    static const float strange[] = {NAN, INFINITY, -INFINITY, 3e38f, -3e38f, 1e-45f, -1e-42f, 1e-38f, 65520.0f, 8.4e6f, -6e5f};
    for (int i = 0; formats[i]; i++) {
        const struct format *f = formats[i];
        const int n = some_weights(f);
        const size_t half = format_row_bytes(f, n) / 2;
        for (size_t s = 0; s < sizeof strange / sizeof *strange && f->quantize; s++) {
            float x[2 * MAX_BLOCK], back[2 * MAX_BLOCK];
            uint8_t bytes[512], without[512];
            for (int j = 0; j < n; j += 32)
                golden_input(x + j, 1);
            f->quantize(without, x, n);
            x[n / 2 + 8] = strange[s];
            f->quantize(bytes, x, n);
            f->dequantize(back, bytes, n);
            if (f->block > 1) {
                for (int j = 0; j < n; j++)
                    assert_true(isfinite(back[j]));
            }
            if (!f->row_header) /* a scale for a row is that of all its weights */
                assert_memory_equal(bytes, without, half);
        }
    }
}

/* An encoder's RMS error on ordinary rows, in parts of their RMS, by the bits of a code: without test data, what keeps an encoder
 * from being nonsense. */
static void errors_by_bits(void **state)
{
    (void)state;
    for (int i = 0; formats[i]; i++) {
        const struct format *f = formats[i];
        const int n = some_weights(f);
        float x[2 * MAX_BLOCK], back[2 * MAX_BLOCK];
        uint8_t bytes[512 * 4];
        double off = 0, all = 0;
        if (!f->quantize)
            continue;
        for (int j = 0; j < n; j++) /* a sum of three: near enough to a bell */
            x[j] = (float)(j * 7 % 31 + j * j % 37 + j * 5 % 41 - 53) / 40;
        f->quantize(bytes, x, n);
        f->dequantize(back, bytes, n);
        for (int j = 0; j < n; j++) {
            off += ((double)back[j] - (double)x[j]) * ((double)back[j] - (double)x[j]);
            all += (double)x[j] * (double)x[j];
        }
        const double bits = 8.0 * f->bytes / f->block, search = f->gguf_type < FORMAT_OWN ? 1.6 : 2; /* ours round to nearest */
        const double allowed = bits > 12 ? 0.003 : search / exp2(bits < 8.5 ? bits - 0.5 : 8);
        if (!(sqrt(off / all) <= allowed))
            fail_msg("%s: relative error %.4f, allowed %.4f", f->name, sqrt(off / all), allowed);
    }
}

static void lookups(void **state)
{
    (void)state;
    for (int i = 0; formats[i]; i++) {
        assert_ptr_equal(format_by_name(formats[i]->name), formats[i]);
        assert_ptr_equal(format_by_type(formats[i]->gguf_type), formats[i]);
        assert_int_equal(format_row_bytes(formats[i], 2 * formats[i]->block), formats[i]->row_header + 2 * formats[i]->bytes);
        assert_int_equal(format_row_bytes(formats[i], 0), 0);
        assert_int_equal(format_row_bytes(formats[i], -32), 0);
    }
    assert_null(format_by_name("q9_9"));
    assert_null(format_by_type(12345));
    assert_int_equal(format_row_bytes(format_by_name("q8_0"), 172), 0);
    assert_int_equal(format_row_bytes(format_by_name("f16"), 172), 344);
}

/* -- the published data --------------------------------------------------------------------------------------------------- */

/* The name of a format in the published files; NULL for f32 and for formats of ours, which have none. */
static const char *published_name(const struct format *f)
{
    static char name[16];
    size_t n = strlen(f->name);
    if (f->gguf_type >= FORMAT_OWN)
        return NULL;
    assert_true(n < sizeof name);
    for (size_t i = 0; i <= n; i++)
        name[i] = (char)toupper((unsigned char)f->name[i]);
    return strcmp(name, "F32") ? name : NULL;
}

/* formats/FILE SUFFIX, exactly n bytes of it; ends the test as skipped where there are no test data. */
static void *read_data(const char *file, const char *suffix, size_t n)
{
    char name[64];
    size_t got;
    struct err e;
    snprintf(name, sizeof name, "formats/%s%s", file, suffix);
    const char *path = testdata(name);
    TEST_SKIP_WITHOUT(path, name);
    char *bytes = file_read(path, &got, &e);
    assert_non_null(bytes);
    assert_int_equal(got, n);
    return bytes;
}

static void decode(const struct format *f, const char *file, const char *bytes_suffix, const char *values_suffix, int n)
{
    uint8_t *bytes = read_data(file, bytes_suffix, format_row_bytes(f, n));
    float *values = read_data(file, values_suffix, (size_t)n * sizeof *values), *got = malloc((size_t)n * sizeof *got);
    assert_non_null(got);
    f->dequantize(got, bytes, n);
    for (int i = 0; i < n; i++) {
        if (memcmp(&got[i], &values[i], sizeof *got))
            fail_msg("%s%s: value %d is %.9g, not %.9g", file, bytes_suffix, i, (double)got[i], (double)values[i]);
    }
    free(bytes);
    free(values);
    free(got);
}

static void published_values(void **state)
{
    (void)state;
    for (int i = 0; formats[i]; i++) {
        const char *file = published_name(formats[i]);
        if (!file)
            continue;
        decode(formats[i], file, ".bytes", ".f32", ROWS * ROW);
        decode(formats[i], file, ".any.bytes", ".any.f32", ANY);
    }
}

/* An encoder need not give the published bytes; these four do, and a derived file is then the same whoever made it. */
static void published_bytes(void **state)
{
    (void)state;
    static const char *const same[] = {"f16", "bf16", "q8_0", "q4_0"};
    float *input = read_data("input", ".f32", (size_t)ROWS * ROW * sizeof *input);
    for (size_t i = 0; i < sizeof same / sizeof *same; i++) {
        const struct format *f = format_by_name(same[i]);
        const size_t row_bytes = format_row_bytes(f, ROW);
        uint8_t *bytes = read_data(published_name(f), ".bytes", ROWS * row_bytes), got[ROW * 4];
        for (int r = 0; r < ROWS; r++) {
            f->quantize(got, input + r * ROW, ROW);
            assert_memory_equal(got, bytes + (size_t)r * row_bytes, row_bytes);
        }
        free(bytes);
    }
    free(input);
}

/* RMS error of our encoder on a row, and the published encoder's. */
static double published_rmse(const char *errors, const char *file, int row)
{
    char key[32];
    double rmse;
    snprintf(key, sizeof key, "\n%s\t%d\t", file, row);
    const char *line = strstr(errors, key);
    assert_non_null(line);
    assert_int_equal(sscanf(line + strlen(key), "%lf", &rmse), 1);
    return rmse;
}

static void published_errors(void **state)
{
    (void)state;
    const char *path = testdata("formats/errors.tsv");
    TEST_SKIP_WITHOUT(path, "formats/errors.tsv");
    struct err e;
    char *errors = file_read(path, NULL, &e);
    assert_non_null(errors);
    float *input = read_data("input", ".f32", (size_t)ROWS * ROW * sizeof *input);
    for (int i = 0; formats[i]; i++) {
        const struct format *f = formats[i];
        const char *file = published_name(f);
        for (int r = 0; r < ROWS && file && f->quantize; r++) {
            const float *x = input + r * ROW;
            uint8_t bytes[ROW * 4];
            float back[ROW];
            double sum = 0;
            f->quantize(bytes, x, ROW);
            f->dequantize(back, bytes, ROW);
            for (int j = 0; j < ROW; j++)
                sum += ((double)x[j] - (double)back[j]) * ((double)x[j] - (double)back[j]);
            double rmse = sqrt(sum / ROW), theirs = published_rmse(errors, file, r);
            if (!(rmse <= theirs * 1.02 + 1e-45)) /* a row without error has to stay without */
                fail_msg("%s, row %d: rmse %g, published %g", f->name, r, rmse, theirs);
        }
    }
    free(errors);
    free(input);
}

/* -- the KV cache that borrows them --------------------------------------------------------------------------------------- */

static void kv_rows(void **state)
{
    (void)state;
    struct kv_layout l;
    const struct format *f16 = format_by_name("f16"), *q8 = format_by_name("q8_0");
    enum { LAYERS = 3, HEADS = 2, DIM = 64, CTX = 5 };
    assert_int_equal(kv_layout(&l, f16, q8, LAYERS, HEADS, DIM, CTX), 0);
    assert_int_equal(l.k_bytes, LAYERS * HEADS * CTX * DIM * 2);
    assert_int_equal(l.v_bytes, LAYERS * HEADS * CTX * (DIM / 32) * 34);

    /* Positions of a head are consecutive rows, and every row has its own place. */
    uint8_t *base = calloc(1, l.v_bytes);
    assert_non_null(base);
    for (int i = 0; i < LAYERS * HEADS * CTX; i++) {
        uint8_t *row = kv_v(&l, base, i / (HEADS * CTX), i / CTX % HEADS, i % CTX);
        assert_in_range(row - base, 0, l.v_bytes - l.v_row);
        for (size_t b = 0; b < l.v_row; b++)
            assert_int_equal(row[b]++, 0);
    }
    assert_ptr_equal(kv_k(&l, base, 0, 1, 0), base + CTX * l.k_row);
    free(base);

    assert_int_equal(kv_layout(&l, q8, f16, 1, 1, 48, 8), -1); /* 48 is no multiple of 32 */
    assert_int_equal(kv_layout(&l, f16, q8, 1, 1, 48, 8), -1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(golden_bytes),     cmocka_unit_test(made_blocks),     cmocka_unit_test(zero_rows),
        cmocka_unit_test(strange_weights),  cmocka_unit_test(errors_by_bits),  cmocka_unit_test(lookups),
        cmocka_unit_test(published_values), cmocka_unit_test(published_bytes), cmocka_unit_test(published_errors),
        cmocka_unit_test(kv_rows),
    };
    return cmocka_run_group_tests_name("kernels_formats", tests, NULL, NULL);
}
