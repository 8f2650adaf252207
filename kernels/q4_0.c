/* q4_0.c - four bits with one scale for 32 weights.
 *
 *   | d: fp16 | q[0] .. q[15] |      18 bytes, 4.5 bits per weight
 *
 * Weight i sits in the low nibble of q[i], weight i + 16 in the high one; weight = d * (nibble - 8), and exact in float32. */
/* SPDX-License-Identifier: MIT */
#include <float.h>

#include "kernels/half.h"
#include "kernels/rows.h"

#define BLOCK 32

struct block {
    uint16_t d;
    uint8_t q[BLOCK / 2];
};
_Static_assert(sizeof(struct block) == 18, "q4_0 is a file format");

static inline const struct block *block_at(const uint8_t *row, int b)
{
    return (const struct block *)row + b;
}

/* The weight of the largest magnitude becomes -8 with its sign in the scale: the one code that has no opposite is used.
 * A scale that fp16 cannot hold saturates; what is not a number becomes some code. */
static void q4_0_quantize(void *dst, const float *src, int k)
{
    struct block *out = dst;
    for (int b = 0; b < k / BLOCK; b++, out++, src += BLOCK) {
        float max = 0;
        for (int i = 0; i < BLOCK; i++)
            max = fabsf(src[i]) > fabsf(max) ? src[i] : max;
        float d = max / -8;
        d = d < HALF_MAX ? d > -HALF_MAX ? d : -HALF_MAX : HALF_MAX;
        float inverse = fabsf(d) >= FLT_MIN ? 1 / d : 0; /* below, it would overflow */
        out->d = float_to_half(d);
        uint8_t code[BLOCK];
        for (int i = 0; i < BLOCK; i++) {
            float v = src[i] * inverse + 8.5f;
            code[i] = (uint8_t)(v > 0 ? v < 15 ? v : 15 : 0);
        }
        for (int i = 0; i < BLOCK / 2; i++)
            out->q[i] = (uint8_t)(code[i] | code[i + BLOCK / 2] << 4);
    }
}

static inline struct q32_scalar q4_0_load32_scalar(const uint8_t *row, int group)
{
    const struct block *in = block_at(row, group);
    struct q32_scalar w = {.d = {half_to_float(in->d)}};
    for (int i = 0; i < BLOCK / 2; i++) {
        w.q[i] = (int8_t)((in->q[i] & 15) - 8);
        w.q[i + BLOCK / 2] = (int8_t)((in->q[i] >> 4) - 8);
    }
    return w;
}

FORMAT_SCALAR(q4_0)

#ifdef TARGET_AVX2
TARGET_AVX2 static inline q32_avx2 q4_0_load32_avx2(const uint8_t *row, int group)
{
    const struct block *in = block_at(row, group);
    __m128i v = _mm_loadu_si128((const __m128i *)in->q);
    __m256i q = _mm256_and_si256(_mm256_set_m128i(_mm_srli_epi16(v, 4), v), _mm256_set1_epi8(15));
    return (q32_avx2){.q = _mm256_sub_epi8(q, _mm256_set1_epi8(8)), .d = {half_avx2(&in->d)}};
}

TARGET_AVX512 static inline __m512 q4_0_load16_avx512(const uint8_t *row, int i)
{
    const struct block *in = block_at(row, i / BLOCK);
    __m512i v = _mm512_cvtepu8_epi32(_mm_loadu_si128((const __m128i *)in->q));
    __m512i q = _mm512_and_si512(i % BLOCK ? _mm512_srli_epi32(v, 4) : v, _mm512_set1_epi32(15));
    __m512 d = _mm512_set1_ps(half_avx2(&in->d));
    return _mm512_mul_ps(d, _mm512_cvtepi32_ps(_mm512_sub_epi32(q, _mm512_set1_epi32(8))));
}

FORMAT_AVX2(q4_0)
FORMAT_F32(q4_0, avx512, TARGET_AVX512)

/* acc += blocks b .. b + 3 of a row; `last`, 1 to 4, of them are there (a constant 4 but at the end of a row).
 * The 72 bytes of four blocks are two loads, A from their start and B from byte 8.  One permutation of 16-bit words takes the 64
 * bytes of nibbles out of both, another the four scales, four lanes each.  The low nibbles meet the first halves of the groups of
 * x, the high ones the second.  The nibbles are unsigned as vpdpbusd wants it; 8 * sum(x) is taken off in advance. */
TARGET_AVX512VNNI FORCE_INLINE __m512 q4_0_step(__m512 acc, const uint8_t *row, const struct act *x, int b, int last)
{
    /* Word 9 j of the four blocks is the scale of block j, the eight after it its nibbles; word t >= 32 is word t - 4 of B. */
    const __m512i nibbles = _mm512_set_epi16(63, 62, 61, 60, 31, 30, 29, 28, 26, 25, 24, 23, 22, 21, 20, 19, 17, 16, 15, 14, 13,
                                             12, 11, 10, 8, 7, 6, 5, 4, 3, 2, 1);
    const __m512i scales = _mm512_set_epi64(0, 0, 0, 0, 0x001b001b001b001b, 0x0012001200120012, 0x0009000900090009, 0);
    const __m512i spread = _mm512_set_epi32(3, 3, 3, 3, 2, 2, 2, 2, 1, 1, 1, 1, 0, 0, 0, 0);
    const __m512i low = _mm512_set1_epi8(15), eight = _mm512_set1_epi8(8), zero = _mm512_setzero_si512();
    const __mmask64 in_x0 = last == 1 ? 0xffffffff : ~0ull, in_x1 = last == 4 ? ~0ull : last == 3 ? 0xffffffff : 0;
    const __mmask32 in_row = last == 4 ? ~0u : (1u << (9 * last)) - 1;
    const uint8_t *p = row + (size_t)b * sizeof(struct block);

    prefetch_ahead(p, 4 * sizeof(struct block));
    __m512i x0 = _mm512_maskz_loadu_epi8(in_x0, x->q + b * BLOCK), x1 = _mm512_maskz_loadu_epi8(in_x1, x->q + b * BLOCK + 64);
    KEEP(x0);
    KEEP(x1);
    __m512i x_low = _mm512_shuffle_i64x2(x0, x1, 0x88), x_high = _mm512_shuffle_i64x2(x0, x1, 0xdd);
    __m128 x_d = _mm_maskz_loadu_ps((__mmask8)((1u << last) - 1), x->d + b);
    __m512 dx = _mm512_permutexvar_ps(spread, _mm512_castps128_ps512(x_d));
    __m512i start = _mm512_sub_epi32(zero, _mm512_dpbusd_epi32(_mm512_dpbusd_epi32(zero, eight, x_low), eight, x_high));

    __m512i head = _mm512_maskz_loadu_epi16(in_row, p);
    KEEP(head);
    __m512i v = _mm512_permutex2var_epi16(head, nibbles, last == 4 ? _mm512_loadu_si512(p + 8) : zero);
    __m512 dw = _mm512_cvtph_ps(_mm512_castsi512_si256(_mm512_permutexvar_epi16(scales, head)));
    __m512i dot = _mm512_dpbusd_epi32(start, _mm512_and_si512(v, low), x_low);
    dot = _mm512_dpbusd_epi32(dot, _mm512_and_si512(_mm512_srli_epi16(v, 4), low), x_high);
    return _mm512_fmadd_ps(_mm512_cvtepi32_ps(dot), _mm512_mul_ps(dw, dx), acc);
}

TARGET_AVX512VNNI FORCE_INLINE __m512 q4_0_dot(const uint8_t *row, const struct act *x)
{
    const int blocks = x->k / BLOCK;
    __m512 acc = _mm512_setzero_ps();
    int b = 0;
    for (; b + 4 <= blocks; b += 4)
        acc = q4_0_step(acc, row, x, b, 4);
    return b < blocks ? q4_0_step(acc, row, x, b, blocks - b) : acc;
}

MATVEC_ROW_BY_ROW(q4_0_matvec_q8_avx512vnni, TARGET_AVX512VNNI, q4_0_dot, format_q4_0)
#endif

#ifdef TARGET_NEON
static inline q32_neon q4_0_load32_neon(const uint8_t *row, int group)
{
    const struct block *in = block_at(row, group);
    uint8x16_t v = vld1q_u8(in->q);
    const int8x16_t eight = vdupq_n_s8(8);
    return (q32_neon){.lo = vsubq_s8(vreinterpretq_s8_u8(vandq_u8(v, vdupq_n_u8(15))), eight),
                      .hi = vsubq_s8(vreinterpretq_s8_u8(vshrq_n_u8(v, 4)), eight),
                      .d = {half_neon(&in->d)}};
}

FORMAT_SIMD(q4_0)
#endif

const struct format format_q4_0 = {
    .name = "q4_0",
    .gguf_type = 2,
    .block = BLOCK,
    .bytes = sizeof(struct block),
    .group = 32,
    .version = 1,
    .act = ACT_Q8,
    .quantize = q4_0_quantize,
    .dequantize = q4_0_dequantize,
    .isa =
        {
            SCALAR_KERNELS(q4_0),
#ifdef TARGET_AVX2
            [ISA_AVX2] = ALL_KERNELS(q4_0, avx2),
            [ISA_AVX512] = {F32_KERNELS(q4_0, avx512)},
            [ISA_AVX512VNNI] = {.matvec_act = q4_0_matvec_q8_avx512vnni},
#else
            SIMD_KERNELS(q4_0),
#endif
        },
};
