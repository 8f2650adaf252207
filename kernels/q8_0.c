/* q8_0.c - int8 with one scale for 32 weights.
 *
 *   | d: fp16 | q[0] .. q[31] |      34 bytes, 8.5 bits per weight
 *
 * weight i = d * q[i], q signed.  A product of the 11 bits of d and the 8 of q is exact in float32. */
/* SPDX-License-Identifier: MIT */
#include <float.h>

#include "kernels/half.h"
#include "kernels/rows.h"

#define BLOCK 32

struct block {
    uint16_t d;
    int8_t q[BLOCK];
};
_Static_assert(sizeof(struct block) == 34, "q8_0 is a file format");

static inline const struct block *block_at(const uint8_t *row, int b)
{
    return (const struct block *)row + b;
}

/* The largest magnitude becomes 127.  A scale that fp16 cannot hold saturates; what is not a number becomes some code. */
static void q8_0_quantize(void *dst, const float *src, int k)
{
    struct block *out = dst;
    for (int b = 0; b < k / BLOCK; b++, out++, src += BLOCK) {
        float max = 0;
        for (int i = 0; i < BLOCK; i++)
            max = fabsf(src[i]) > max ? fabsf(src[i]) : max;
        float d = max / 127 < HALF_MAX ? max / 127 : HALF_MAX;
        float inverse = d >= FLT_MIN ? 1 / d : 0; /* below, it would overflow */
        out->d = float_to_half(d);
        for (int i = 0; i < BLOCK; i++) {
            float v = roundf(src[i] * inverse);
            out->q[i] = (int8_t)(v > -127 ? v < 127 ? v : 127 : -127);
        }
    }
}

static inline struct q32_scalar q8_0_load32_scalar(const uint8_t *row, int group)
{
    struct q32_scalar w = {.d = {half_to_float(block_at(row, group)->d)}};
    memcpy(w.q, block_at(row, group)->q, BLOCK);
    return w;
}

FORMAT_SCALAR(q8_0)

#ifdef TARGET_AVX2
TARGET_AVX2 static inline q32_avx2 q8_0_load32_avx2(const uint8_t *row, int group)
{
    const struct block *in = block_at(row, group);
    return (q32_avx2){.q = _mm256_loadu_si256((const __m256i *)in->q), .d = {half_avx2(&in->d)}};
}

TARGET_AVX512 static inline __m512 q8_0_load16_avx512(const uint8_t *row, int i)
{
    const struct block *in = block_at(row, i / BLOCK);
    __m512i q = _mm512_cvtepi8_epi32(_mm_loadu_si128((const __m128i *)(in->q + i % BLOCK)));
    return _mm512_mul_ps(_mm512_set1_ps(half_avx2(&in->d)), _mm512_cvtepi32_ps(q));
}

FORMAT_AVX2(q8_0)
FORMAT_F32(q8_0, avx512, TARGET_AVX512)

/* acc += blocks b and, when `two` (a constant), b + 1 of a row: one register of weights, eight lanes a block.
 * vpdpbusd wants an unsigned factor, so it gets q + 128; what that adds, 128 * sum(x), is taken off in advance.  Both scales come
 * from one load: that of block b + 1 is the 17th 16-bit word. */
TARGET_AVX512VNNI FORCE_INLINE __m512 q8_0_step(__m512 acc, const uint8_t *row, const struct act *x, int b, int two)
{
    const __m512i offset = _mm512_set1_epi8((char)0x80), zero = _mm512_setzero_si512();
    const __m512i pick = _mm512_maskz_set1_epi64(0x0c, 0x0011001100110011); /* 16-bit words 0 x 8, 17 x 8 */
    const uint8_t *p = row + (size_t)b * sizeof(struct block);
    const int8_t *xq = x->q + b * BLOCK;

    prefetch_ahead(p, 2 * sizeof(struct block));
    __m512i v = _mm512_zextsi256_si512(_mm256_loadu_si256((const __m256i *)xq));
    __m512i q = _mm512_zextsi256_si512(_mm256_loadu_si256((const __m256i *)(p + 2)));
    __m512i head = _mm512_zextsi256_si512(_mm256_loadu_si256((const __m256i *)p)); /* from the scale of block b on */
    __m512 dx = _mm512_set1_ps(x->d[b]);
    if (two) {
        v = _mm512_loadu_si512(xq);
        q = _mm512_inserti64x4(q, _mm256_loadu_si256((const __m256i *)(p + 36)), 1);
        head = _mm512_loadu_si512(p);
        dx = _mm512_mask_blend_ps(0xff00, dx, _mm512_set1_ps(x->d[b + 1]));
    }
    __m512i start = _mm512_sub_epi32(zero, _mm512_dpbusd_epi32(zero, offset, v));
    __m512i dot = _mm512_dpbusd_epi32(start, _mm512_xor_si512(q, offset), v);
    __m512 dw = _mm512_cvtph_ps(_mm512_castsi512_si256(_mm512_permutexvar_epi16(pick, head)));
    return _mm512_fmadd_ps(_mm512_cvtepi32_ps(dot), _mm512_mul_ps(dw, dx), acc);
}

TARGET_AVX512VNNI FORCE_INLINE __m512 q8_0_dot(const uint8_t *row, const struct act *x)
{
    const int blocks = x->k / BLOCK;
    __m512 acc = _mm512_setzero_ps();
    int b = 0;
    for (; b + 2 <= blocks; b += 2)
        acc = q8_0_step(acc, row, x, b, 1);
    return b < blocks ? q8_0_step(acc, row, x, b, 0) : acc;
}

MATVEC_ROW_BY_ROW(q8_0_matvec_q8_avx512vnni, TARGET_AVX512VNNI, q8_0_dot, format_q8_0)
#endif

#ifdef TARGET_NEON
static inline q32_neon q8_0_load32_neon(const uint8_t *row, int group)
{
    const struct block *in = block_at(row, group);
    return (q32_neon){.lo = vld1q_s8(in->q), .hi = vld1q_s8(in->q + 16), .d = {half_neon(&in->d)}};
}

FORMAT_SIMD(q8_0)
#endif

const struct format format_q8_0 = {
    .name = "q8_0",
    .gguf_type = 8,
    .block = BLOCK,
    .bytes = sizeof(struct block),
    .group = 32,
    .version = 1,
    .act = ACT_Q8,
    .quantize = q8_0_quantize,
    .dequantize = q8_0_dequantize,
    .isa =
        {
            SCALAR_KERNELS(q8_0),
#ifdef TARGET_AVX2
            [ISA_AVX2] = ALL_KERNELS(q8_0, avx2),
            [ISA_AVX512] = {F32_KERNELS(q8_0, avx512)},
            [ISA_AVX512VNNI] = {.matvec_act = q8_0_matvec_q8_avx512vnni},
#else
            SIMD_KERNELS(q8_0),
#endif
        },
};
