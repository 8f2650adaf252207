/* Our own INT8 and INT4 formats against their definition (kernels/ints.h), written down here once more in double precision: the
 * bytes of every row, and the weights that they stand for. */
/* SPDX-License-Identifier: MIT */
#include "tests/test.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/rng.h"
#include "kernels/format.h"

enum { ROW = 512, ROWS = 8 };

/* A format, by what its name says. */
static const struct ints {
    const char *name;
    int bits, zero_point;
    int run;    /* weights that share a scale; 0: a row */
    int matrix; /* all rows share their range */
} ints[] = {
    {"int8_group64_sym", 8, 0, 64, 0},    {"int8_group64_asym", 8, 1, 64, 0}, {"int8_channel_sym", 8, 0, 0, 0},
    {"int8_channel_asym", 8, 1, 0, 0},    {"int8_tensor_sym", 8, 0, 0, 1},    {"int8_tensor_asym", 8, 1, 0, 1},
    {"int4_group32_sym", 4, 0, 32, 0},    {"int4_group64_sym", 4, 0, 64, 0},  {"int4_group128_sym", 4, 0, 128, 0},
    {"int4_group128_asym", 4, 1, 128, 0}, {"int4_channel_sym", 4, 0, 0, 0},   {"int4_channel_asym", 4, 1, 0, 0},
};
enum { N_INTS = sizeof ints / sizeof *ints };

/* The nearest number that fp16 has, 0 <= v <= 65504, and its bits: steps of 2^-24 below 2^-14, of 2^-10 of a power of two above. */
static double nearest_half(double v, unsigned *bits)
{
    int e = -14;
    while (e < 15 && v >= ldexp(1, e + 1))
        e++;
    const double steps = nearbyint(ldexp(v, 10 - e));
    *bits = (unsigned)steps + (unsigned)(e + 14) * 1024;
    return ldexp(steps, e - 10);
}

static double clamped(double v, double lo, double hi)
{
    return v < lo ? lo : v > hi ? hi : v;
}

/* One run of n weights: its bytes, the weights that these are, and the number of bytes. */
static size_t define(const struct ints *t, uint8_t *out, float *weight, const float *x, int n, double min, double max)
{
    const double hi = exp2(t->bits - 1) - 1, lo = t->zero_point ? -hi - 1 : -hi;
    unsigned half;
    const double d = nearest_half(t->zero_point ? (max - min) / (hi - lo) : fmax(-min, max) / hi, &half);
    const double z = t->zero_point && d > 0 ? clamped(round(lo - min / d), lo, hi) : 0;
    size_t at = 0;

    out[at++] = (uint8_t)(half & 255);
    out[at++] = (uint8_t)(half >> 8);
    if (t->zero_point) {
        out[at++] = (uint8_t)(int8_t)z;
        out[at++] = 0;
    }
    memset(out + at, 0, (size_t)(n * t->bits / 8));
    for (int i = 0; i < n; i++) {
        const double q = clamped(d > 0 ? round((double)x[i] / d) + z : z, lo, hi);
        weight[i] = (float)(d * (q - z));
        if (t->bits == 8)
            out[at + (size_t)i] = (uint8_t)(int8_t)q;
        else /* 32 of them in 16 bytes: the first 16 in the low halves */
            out[at + (size_t)(i / 32 * 16 + i % 16)] |= (uint8_t)((unsigned)(q + 8) << i % 32 / 16 * 4);
    }
    return at + (size_t)(n * t->bits / 8);
}

static void range(double *min, double *max, const float *x, int n)
{
    *min = *max = 0;
    for (int i = 0; i < n; i++) {
        *min = fmin(*min, (double)x[i]);
        *max = fmax(*max, (double)x[i]);
    }
}

/* Rows that are ordinary, all of one sign, tiny (a scale that is a denormal fp16, or none), zero, and large. */
static void fill(float x[ROWS][ROW])
{
    struct rng rng;
    rng_seed(&rng, 20);
    for (int r = 0; r < ROWS; r++)
        for (int i = 0; i < ROW; i++) {
            const float v = (float)rng_normal(&rng) * 0.05f;
            const float kinds[ROWS] = {v, 3 * v + 0.01f, fabsf(v) + 1, -fabsf(v) - 1, v * 1e-4f, v * 1e-7f, 0, v * 1e5f};
            x[r][i] = kinds[r];
        }
}

static void bytes_are_the_definition(void **state)
{
    (void)state;
    static float x[ROWS][ROW], weight[ROW], got[ROW];
    static uint8_t want[ROW * 2], bytes[ROW * 2];
    fill(x);
    for (int t = 0; t < N_INTS; t++) {
        const struct format *f = format_by_name(ints[t].name);
        double min, max, all_min, all_max;
        assert_non_null(f);
        assert_true(ints[t].matrix ? !f->quantize && f->quantize_within : f->quantize && !f->quantize_within);
        range(&all_min, &all_max, &x[0][0], ROWS * ROW);
        for (int r = 0; r < ROWS; r++) {
            const int n = ints[t].run ? ints[t].run : ROW;
            size_t at = 0;
            for (int i = 0; i < ROW; i += n) {
                range(&min, &max, x[r] + i, n);
                at += define(&ints[t], want + at, weight + i, x[r] + i, n, ints[t].matrix ? all_min : min,
                             ints[t].matrix ? all_max : max);
            }
            memset(bytes, 0x55, sizeof bytes);
            if (ints[t].matrix)
                f->quantize_within(bytes, x[r], ROW, (float)all_min, (float)all_max);
            else
                f->quantize(bytes, x[r], ROW);
            f->dequantize(got, bytes, ROW);
            assert_int_equal(format_row_bytes(f, ROW), at);
            for (size_t b = 0; b < at; b++)
                if (bytes[b] != want[b])
                    fail_msg("%s, row %d: byte %zu is %02x, not %02x", f->name, r, b, bytes[b], want[b]);
            for (int i = 0; i < ROW; i++)
                if (!(got[i] == weight[i]))
                    fail_msg("%s, row %d: weight %d is %.9g, not %.9g", f->name, r, i, (double)got[i], (double)weight[i]);
            assert_int_equal(bytes[at], 0x55);
        }
    }
}

/* The names say what is stored: bits of a code, and a head of 2 or 4 bytes for a run. */
static void sizes_and_types(void **state)
{
    (void)state;
    for (int t = 0; t < N_INTS; t++) {
        const struct format *f = format_by_name(ints[t].name);
        const int head = ints[t].zero_point ? 4 : 2, runs = ints[t].run ? ROW / ints[t].run : 1;
        assert_int_equal(format_row_bytes(f, ROW), runs * head + ROW * ints[t].bits / 8);
        assert_int_equal(f->row_header, ints[t].run ? 0 : head);
        assert_true(f->gguf_type >= FORMAT_OWN);
        assert_int_equal(format_row_bytes(f, 48), 0); /* no half block, with or without a header */
    }
    for (int i = 0; formats[i]; i++) {
        int listed = 0;
        for (int t = 0; t < N_INTS; t++)
            listed += !strcmp(formats[i]->name, ints[t].name);
        assert_int_equal(listed, formats[i]->gguf_type >= FORMAT_OWN);
    }
}

/* A zero weight stays exactly zero beside any others, which is what a zero point is for. */
static void zero_stays_zero(void **state)
{
    (void)state;
    float x[ROW], got[ROW];
    uint8_t bytes[ROW * 2];
    for (int t = 0; t < N_INTS; t++) {
        const struct format *f = format_by_name(ints[t].name);
        for (int shift = -3; shift <= 3; shift++) {
            for (int i = 0; i < ROW; i++)
                x[i] = i % 7 ? (float)(i * i % 61 - 30) / 40 + (float)shift : 0;
            if (ints[t].matrix)
                f->quantize_within(bytes, x, ROW, -4, 4);
            else
                f->quantize(bytes, x, ROW);
            f->dequantize(got, bytes, ROW);
            for (int i = 0; i < ROW; i += 7)
                assert_true(got[i] == 0);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bytes_are_the_definition),
        cmocka_unit_test(sizes_and_types),
        cmocka_unit_test(zero_stays_zero),
    };
    return cmocka_run_group_tests_name("kernels_ints", tests, NULL, NULL);
}
