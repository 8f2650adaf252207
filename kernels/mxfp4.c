/* mxfp4.c - OCP Microscaling FP4: four-bit floats (E2M1) with a power of two for 32 weights.
 *
 *   | e: 8 bits | q[0] .. q[15] |      17 bytes, 4.25 bits per weight
 *
 * Nibbles as in q4_0; weight = 2^(e - 128) * fp4_values[nibble], for the values are doubled to be integers.  Exact in float32;
 * with e above 252 the largest numbers overflow it. */
/* SPDX-License-Identifier: MIT */
#include "kernels/codes.h"
#include "kernels/search.h"
#include "kernels/tables.h"

#define BLOCK 32

struct block {
    uint8_t e;
    uint8_t q[BLOCK / 2];
};
_Static_assert(sizeof(struct block) == 17, "mxfp4 is a file format");

static inline const struct block *block_at(const uint8_t *row, int b)
{
    return (const struct block *)row + b;
}

#define LARGEST_EXPONENT 252 /* 12 * 2^(252 - 128) is a float, 12 * 2^125 is not */

/* 2^(e - 128); the smallest two are denormal. */
static inline float scale_of(int e)
{
    return bits_float(e > 1 ? (uint32_t)(e - 1) << 23 : 0x200000u << e);
}

static void mxfp4_quantize(void *dst, const float *src, int k)
{
    struct block *out = dst;
    for (int b = 0; b < k / BLOCK; b++, out++, src += BLOCK) {
        float x[BLOCK], largest = 0, best = INFINITY;
        int8_t code[BLOCK];
        for (int i = 0; i < BLOCK; i++) {
            x[i] = isfinite(src[i]) ? src[i] : 0;
            largest = fmaxf(largest, fabsf(x[i]));
        }
        /* The exponent that brings the largest weight to 4 .. 8 in units of the scale, or one beside it.  All in those units, so
         * that no square overflows. */
        const int first = largest > 0 ? ilogbf(largest) - 2 + 128 : 0;
        const int middle = first < 0 ? 0 : first > LARGEST_EXPONENT ? LARGEST_EXPONENT : first;
        for (int i = 0; i < BLOCK; i++)
            x[i] = ldexpf(x[i], 128 - middle);
        for (int e = middle - 1; e <= middle + 1; e++) {
            const float unit = e < middle ? 0.5f : e > middle ? 2 : 1;
            float error = 0;
            for (int i = 0; i < BLOCK; i++) {
                code[i] = fp4_nearest(x[i] / unit);
                const float off = x[i] - unit * (float)fp4_values[code[i]];
                error += off * off;
            }
            if (error < best && e >= 0 && e <= LARGEST_EXPONENT) {
                best = error;
                out->e = (uint8_t)e;
                pack_nibbles(out->q, code);
            }
        }
    }
}

static inline struct q32_scalar mxfp4_load32_scalar(const uint8_t *row, int group)
{
    const struct block *in = block_at(row, group);
    struct q32_scalar w = {.d = {scale_of(in->e)}};
    nibbles_scalar(w.q, in->q);
    table_scalar(w.q, fp4_values);
    return w;
}

#ifdef TARGET_AVX2
TARGET_AVX2 static inline q32_avx2 mxfp4_load32_avx2(const uint8_t *row, int group)
{
    const struct block *in = block_at(row, group);
    return (q32_avx2){.q = table_avx2(nibbles_avx2(in->q), fp4_values), .d = {scale_of(in->e)}};
}
#endif

#ifdef TARGET_NEON
static inline q32_neon mxfp4_load32_neon(const uint8_t *row, int group)
{
    const struct block *in = block_at(row, group);
    q32_neon w = table_neon(nibbles_neon(in->q), fp4_values);
    w.d[0] = scale_of(in->e);
    return w;
}
#endif

FORMAT_SCALAR(mxfp4)
FORMAT_SIMD(mxfp4)

const struct format format_mxfp4 = {
    .name = "mxfp4",
    .gguf_type = 39,
    .block = BLOCK,
    .bytes = sizeof(struct block),
    .group = 32,
    .version = 1,
    .act = ACT_Q8,
    .quantize = mxfp4_quantize,
    .dequantize = mxfp4_dequantize,
    .isa = {SCALAR_KERNELS(mxfp4), SIMD_KERNELS(mxfp4)},
};
