/* q4_0.c - four bits with one scale for 32 weights.
 *
 *   | d: fp16 | q[0] .. q[15] |      18 bytes, 4.5 bits per weight
 *
 * Weight i sits in the low nibble of q[i], weight i + 16 in the high one; weight = d * (nibble - 8), and exact in float32. */
/* SPDX-License-Identifier: MIT */
#include <float.h>

#include "kernels/dot256_avx512.h"
#include "kernels/half.h"

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

TARGET_AVX512 FORCE_INLINE void q4_0_block16_avx512(const struct panel_q8 *out, const uint8_t *p, size_t row_bytes)
{
    __m512i v[4];
    words_avx512(v, p, row_bytes);
    _mm512_storeu_ps(out->d, halves_avx512(v[0]));
    words_avx512(v, p + 2, row_bytes);
    UNROLL
    for (int i = 0; i < 4; i++) {
        put_step_avx512(out->q, i, bits_of_bytes_avx512(v[i], 0, 15), 120);
        put_step_avx512(out->q, 4 + i, bits_of_bytes_avx512(v[i], 4, 15), 120);
    }
}

FORMAT_BLOCK16(q4_0)

TARGET_AVX512VNNI FORCE_INLINE w256_avx512vnni q4_0_load256(const uint8_t *row, int group)
{
    const struct block *in = block_at(row, group);
    w256_avx512vnni w = {.d = heads_d_avx512vnni(block_heads_avx512vnni((const uint8_t *)in, sizeof *in))};
    UNROLL
    for (int i = 0; i < 4; i++, in += 2)
        w.u[i] = nibbles_avx512vnni(in->q, in[1].q);
    return w;
}

FORMAT_DOT256(q4_0, .top = 15, .bias = 8)
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
            [ISA_AVX512] = {F32_KERNELS(q4_0, avx512), .unpack_q8 = q4_0_unpack_q8_avx512},
            [ISA_AVX512VNNI] = {.matvec_act = q4_0_matvec_q8_avx512vnni, .few_act = q4_0_few_q8_avx512vnni, .few = 3},
#else
            SIMD_KERNELS(q4_0),
#endif
        },
};
