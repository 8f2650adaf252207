/* tq1_0.c - ternary weights, five to a byte, with one scale for 256.
 *
 *   | a[0] .. a[31] | b[0] .. b[15] | c[0] .. c[3] | d: fp16 |      54 bytes, 1.6875 bits per weight
 *
 * Digit k of byte m is weight 32 k + m of a (160 of them), 16 k + m of b (80 more), 4 k + m of c (the last 16, four digits
 * each).  A byte is the fraction 0.ttttt in base 3 times 256, rounded up: multiplied by 3^k modulo 256 it begins with digit k,
 * which is what another 3 carries out of it.  weight = d * (digit - 1). */
/* SPDX-License-Identifier: MIT */
#include "kernels/codes.h"
#include "kernels/search.h"

#define BLOCK 256

struct block {
    uint8_t a[32], b[16], c[4];
    uint16_t d;
};
_Static_assert(sizeof(struct block) == 54, "tq1_0 is a file format");

static inline const struct block *block_at(const uint8_t *row, int b)
{
    return (const struct block *)row + b;
}

/* n digits, `stride` apart, as a byte. */
static uint8_t packed(const int8_t *digit, int stride, int n)
{
    int v = 0;
    for (int k = 0; k < 5; k++)
        v = 3 * v + (k < n ? digit[k * stride] : 0);
    return (uint8_t)((v * 256 + 242) / 243);
}

/* The 32 bytes that begin with the digits of group g, in the order of its weights. */
static inline void gather(uint8_t out[32], const struct block *in, int g)
{
    static const uint8_t power[5] = {1, 3, 9, 27, 81};
    for (int i = 0; g < 5 && i < 32; i++)
        out[i] = (uint8_t)(in->a[i] * power[g]);
    for (int i = 0; g >= 5 && i < 16; i++)
        out[i] = (uint8_t)(in->b[i] * power[2 * (g - 5)]);
    for (int i = 0; (g == 5 || g == 6) && i < 16; i++)
        out[16 + i] = (uint8_t)(in->b[i] * power[2 * (g - 5) + 1]);
    for (int i = 0; g == 7 && i < 16; i++)
        out[16 + i] = (uint8_t)(in->c[i % 4] * power[i / 4]);
}

static void tq1_0_quantize(void *dst, const float *src, int k)
{
    static const struct codes codes = {.lo = -1, .hi = 1};
    struct block *out = dst;
    for (int b = 0; b < k / BLOCK; b++, out++, src += BLOCK) {
        float x[BLOCK];
        int8_t code[BLOCK];
        search_clean(x, src, BLOCK);
        search_scale(code, x, BLOCK, &codes, &out->d);
        for (int i = 0; i < BLOCK; i++)
            code[i]++;
        for (int m = 0; m < 32; m++)
            out->a[m] = packed(code + m, 32, 5);
        for (int m = 0; m < 16; m++)
            out->b[m] = packed(code + 160 + m, 16, 5);
        for (int m = 0; m < 4; m++)
            out->c[m] = packed(code + 240 + m, 4, 4);
    }
}

static inline struct q32_scalar tq1_0_load32_scalar(const uint8_t *row, int group)
{
    const struct block *in = block_at(row, group / 8);
    struct q32_scalar w = {.d = {half_to_float(in->d)}};
    uint8_t part[32];
    gather(part, in, group % 8);
    for (int i = 0; i < 32; i++)
        w.q[i] = (int8_t)((part[i] * 3 >> 8) - 1);
    return w;
}

#ifdef TARGET_AVX2
TARGET_AVX2 static inline q32_avx2 tq1_0_load32_avx2(const uint8_t *row, int group)
{
    const struct block *in = block_at(row, group / 8);
    uint8_t part[32];
    gather(part, in, group % 8);
    /* 3 v carries 1 from 86 on, 2 from 171 on; max with the bound is v itself from there on */
    __m256i v = _mm256_loadu_si256((const __m256i *)part);
    __m256i one = _mm256_cmpeq_epi8(_mm256_max_epu8(v, _mm256_set1_epi8(86)), v);
    __m256i two = _mm256_cmpeq_epi8(_mm256_max_epu8(v, _mm256_set1_epi8((char)171)), v);
    __m256i less = _mm256_add_epi8(_mm256_add_epi8(one, two), _mm256_set1_epi8(1)); /* 1 - digit */
    return (q32_avx2){.q = _mm256_sub_epi8(_mm256_setzero_si256(), less), .d = {half_avx2(&in->d)}};
}
#endif

#ifdef TARGET_NEON
static inline q32_neon tq1_0_load32_neon(const uint8_t *row, int group)
{
    const struct block *in = block_at(row, group / 8);
    uint8_t part[32];
    gather(part, in, group % 8);
    const uint8x16_t a = vld1q_u8(part), b = vld1q_u8(part + 16), one = vdupq_n_u8(86), two = vdupq_n_u8(171);
    const int8x16_t least = vdupq_n_s8(-1); /* minus -1 where 3 v carries 1, and again where it carries 2 */
    return (q32_neon){
        .lo = vsubq_s8(vsubq_s8(least, vreinterpretq_s8_u8(vcgeq_u8(a, one))), vreinterpretq_s8_u8(vcgeq_u8(a, two))),
        .hi = vsubq_s8(vsubq_s8(least, vreinterpretq_s8_u8(vcgeq_u8(b, one))), vreinterpretq_s8_u8(vcgeq_u8(b, two))),
        .d = {half_neon(&in->d)}};
}
#endif

FORMAT_SCALAR(tq1_0)
FORMAT_SIMD(tq1_0)

const struct format format_tq1_0 = {
    .name = "tq1_0",
    .gguf_type = 34,
    .block = BLOCK,
    .bytes = sizeof(struct block),
    .group = 32,
    .version = 1,
    .act = ACT_Q8,
    .quantize = tq1_0_quantize,
    .dequantize = tq1_0_dequantize,
    .isa = {SCALAR_KERNELS(tq1_0), SIMD_KERNELS(tq1_0)},
};
