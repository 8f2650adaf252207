/* q6_k.c - six bits; groups of 16 with a scale of eight bits.
 *
 *   | q[0] .. q[127] | high[0] .. high[63] | scales[0] .. scales[15] | d: fp16 |      210 bytes for 256 weights
 *
 * 6.5625 bits per weight.  The low four bits of weight 128 a + 32 k + j are the low nibble (k < 2) or the high one of q[64 a +
 * 32 (k % 2) + j], the upper two the bit pair k of high[32 a + j].  weight = d scale (code - 32), the scale signed; 11, 7 and 5
 * bits: exact in float32. */
/* SPDX-License-Identifier: MIT */
#include "kernels/codes.h"
#include "kernels/dot256_avx512.h"
#include "kernels/search.h"

#define BLOCK 256

struct block {
    uint8_t q[BLOCK / 2];
    uint8_t high[BLOCK / 4];
    int8_t scales[BLOCK / 16];
    uint16_t d;
};
_Static_assert(sizeof(struct block) == 210, "q6_k is a file format");

static inline const struct block *block_at(const uint8_t *row, int b)
{
    return (const struct block *)row + b;
}

static void q6_k_quantize(void *dst, const float *src, int k)
{
    static const struct codes codes = {.lo = -32, .hi = 31};
    struct block *out = dst;
    for (int b = 0; b < k / BLOCK; b++, out++, src += BLOCK) {
        float x[BLOCK];
        struct super s;
        search_clean(x, src, BLOCK);
        search_super_scale(&s, x, 16, &codes, -128, 127);
        out->d = s.d;
        for (int g = 0; g < BLOCK / 16; g++)
            out->scales[g] = (int8_t)s.scale[g];
        memset(out->q, 0, sizeof out->q);
        memset(out->high, 0, sizeof out->high);
        for (int g = 0; g < BLOCK / 32; g++) {
            int8_t code[32], high[32];
            for (int i = 0; i < 32; i++) {
                code[i] = (int8_t)(s.code[32 * g + i] + 32);
                high[i] = code[i] >> 4;
            }
            pack_field(out->q + 64 * (g / 4) + 32 * (g % 2), code, g % 4 / 2 * 4, 15);
            pack_field(out->high + 32 * (g / 4), high, 2 * (g % 4), 3);
        }
    }
}

static inline struct q32_scalar q6_k_load32_scalar(const uint8_t *row, int group)
{
    const struct block *in = block_at(row, group / 8);
    const int g = group % 8;
    const float d = half_to_float(in->d);
    struct q32_scalar w = {.d = {d * in->scales[2 * g], d * in->scales[2 * g + 1]}};
    int8_t high[32];
    field_scalar(w.q, in->q + 64 * (g / 4) + 32 * (g % 2), g % 4 / 2 * 4, 15);
    field_scalar(high, in->high + 32 * (g / 4), 2 * (g % 4), 3);
    for (int i = 0; i < 32; i++)
        w.q[i] = (int8_t)((w.q[i] | high[i] << 4) - 32);
    return w;
}

#ifdef TARGET_AVX2
TARGET_AVX2 static inline q32_avx2 q6_k_load32_avx2(const uint8_t *row, int group)
{
    const struct block *in = block_at(row, group / 8);
    const int g = group % 8;
    const float d = half_avx2(&in->d);
    __m256i high = _mm256_slli_epi16(field_avx2(in->high + 32 * (g / 4), 2 * (g % 4), 3), 4);
    __m256i code = _mm256_or_si256(field_avx2(in->q + 64 * (g / 4) + 32 * (g % 2), g % 4 / 2 * 4, 15), high);
    return (q32_avx2){.q = _mm256_sub_epi8(code, _mm256_set1_epi8(32)), .d = {d * in->scales[2 * g], d * in->scales[2 * g + 1]}};
}
#endif

#ifdef TARGET_NEON
static inline q32_neon q6_k_load32_neon(const uint8_t *row, int group)
{
    const struct block *in = block_at(row, group / 8);
    const int g = group % 8;
    const float d = half_neon(&in->d);
    q32_neon w = field_neon(in->q + 64 * (g / 4) + 32 * (g % 2), g % 4 / 2 * 4, 15);
    q32_neon high = field_neon(in->high + 32 * (g / 4), 2 * (g % 4), 3);
    w.lo = vorrq_s8(w.lo, vshlq_n_s8(high.lo, 4));
    w.hi = vorrq_s8(w.hi, vshlq_n_s8(high.hi, 4));
    w = plus_neon(w, -32);
    w.d[0] = d * in->scales[2 * g];
    w.d[1] = d * in->scales[2 * g + 1];
    return w;
}
#endif

FORMAT_SCALAR(q6_k)

#ifdef TARGET_AVX2
TARGET_AVX512VNNI FORCE_INLINE w256_avx512vnni q6_k_load256(const uint8_t *row, int group)
{
    const struct block *in = block_at(row, group / 8);
    const __m128i scales = _mm_loadu_si128((const __m128i *)in->scales);
    w256_avx512vnni w = {.d = _mm512_mul_ps(half_avx512vnni(in->d), floats_of_i8_avx512vnni(run_bytes_avx512vnni(scales)))};
    UNROLL
    for (int i = 0; i < 4; i++) {
        __m512i low = _mm512_srli_epi16(_mm512_loadu_si512(in->q + 64 * (i / 2)), (unsigned)(4 * (i % 2)));
        __m512i high = fields_avx512vnni(twice_avx512vnni(in->high + 32 * (i / 2)), 4 * (i % 2) - 4, 4 * (i % 2) - 2, 0x30);
        w.u[i] = _mm512_or_si512(_mm512_and_si512(low, _mm512_set1_epi8(15)), high);
    }
    return w;
}

FORMAT_AVX512(q6_k)
FORMAT_DOT256(q6_k, .top = 63, .bias = 32)
#else
FORMAT_SIMD(q6_k)
#endif

#ifdef TARGET_AVX2
TARGET_AVX512 FORCE_INLINE void q6_k_block16_avx512(const struct panel_q8 *out, const uint8_t *p, size_t row_bytes)
{
    __m512i scale[4], last[4];
    words_avx512(scale, p + offsetof(struct block, scales), row_bytes);
    words_avx512(last, p + sizeof(struct block) - 16, row_bytes); /* d is in the upper half of the last word */
    const __m512 d = halves_avx512(_mm512_srli_epi32(last[3], 16));
    UNROLL
    for (int g = 0; g < 16; g++) {
        __m512i s = _mm512_srai_epi32(_mm512_slli_epi32(scale[g / 4], (unsigned)(24 - 8 * (g % 4))), 24);
        _mm512_storeu_ps(out->d + g * PANEL_ROWS, _mm512_mul_ps(d, _mm512_cvtepi32_ps(s)));
    }
    for (int a = 0; a < 2; a++) {
        UNROLL
        for (int part = 0; part < 2; part++) {
            uint8_t *q = out->q + (128 * a + 16 * part) * PANEL_ROWS;
            __m512i even[4], odd[4], high[4];
            words_avx512(even, p + 64 * a + 16 * part, row_bytes);
            words_avx512(odd, p + 64 * a + 32 + 16 * part, row_bytes);
            words_avx512(high, p + offsetof(struct block, high) + 32 * a + 16 * part, row_bytes);
            UNROLL
            for (int k = 0; k < 4; k++) {
                UNROLL
                for (int i = 0; i < 4; i++) {
                    __m512i low = bits_of_bytes_avx512(k % 2 ? odd[i] : even[i], k / 2 * 4, 15);
                    __m512i top = _mm512_slli_epi16(bits_of_bytes_avx512(high[i], 2 * k, 3), 4);
                    put_step_avx512(q, 8 * k + i, _mm512_or_si512(low, top), 96);
                }
            }
        }
    }
}

FORMAT_BLOCK16(q6_k)
#endif

const struct format format_q6_k = {
    .name = "q6_k",
    .gguf_type = 14,
    .block = BLOCK,
    .bytes = sizeof(struct block),
    .group = 16,
    .version = 1,
    .act = ACT_Q8,
    .quantize = q6_k_quantize,
    .dequantize = q6_k_dequantize,
    .isa = {SCALAR_KERNELS(q6_k), SIMD_KERNELS(q6_k), FEW_KERNEL(q6_k, 8), BLOCK16_KERNEL(q6_k)},
};
