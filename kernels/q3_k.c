/* q3_k.c - three bits; groups of 16 with a scale of six bits.
 *
 *   | high[0] .. high[31] | q[0] .. q[63] | scales[0] .. scales[11] | d: fp16 |      110 bytes for 256 weights
 *
 * 3.4375 bits per weight.  The low two bits of weight 128 a + 32 k + j are the bit pair k of byte q[32 a + j]; bit n of high[j]
 * is the third one of weight 32 n + j.  Scale g is for weights 16 g .. 16 g + 15: its low four bits are nibbles of the first
 * eight bytes (low ones first), the upper two the bit pair g / 4 of byte 8 + g % 4.  weight = d (scale - 32) (code - 4). */
/* SPDX-License-Identifier: MIT */
#include "kernels/codes.h"
#include "kernels/dot256_avx512.h"
#include "kernels/search.h"

#define BLOCK 256

struct block {
    uint8_t high[BLOCK / 8];
    uint8_t q[BLOCK / 4];
    uint8_t scales[12];
    uint16_t d;
};
_Static_assert(sizeof(struct block) == 110, "q3_k is a file format");

static inline const struct block *block_at(const uint8_t *row, int b)
{
    return (const struct block *)row + b;
}

static inline int scale_of(const struct block *in, int g)
{
    return ((in->scales[g % 8] >> g / 8 * 4 & 15) | (in->scales[8 + g % 4] >> g / 4 * 2 & 3) << 4) - 32;
}

static void q3_k_quantize(void *dst, const float *src, int k)
{
    static const struct codes codes = {.lo = -4, .hi = 3};
    struct block *out = dst;
    for (int b = 0; b < k / BLOCK; b++, out++, src += BLOCK) {
        float x[BLOCK];
        struct super s;
        search_clean(x, src, BLOCK);
        search_super_scale(&s, x, 16, &codes, -32, 31);
        out->d = s.d;
        memset(out->scales, 0, sizeof out->scales);
        for (int g = 0; g < BLOCK / 16; g++) {
            const int scale = s.scale[g] + 32;
            out->scales[g % 8] |= (uint8_t)((scale & 15) << g / 8 * 4);
            out->scales[8 + g % 4] |= (uint8_t)(scale >> 4 << g / 4 * 2);
        }
        memset(out->q, 0, sizeof out->q);
        memset(out->high, 0, sizeof out->high);
        for (int g = 0; g < BLOCK / 32; g++) {
            int8_t code[32], high[32];
            for (int i = 0; i < 32; i++) {
                code[i] = (int8_t)(s.code[32 * g + i] + 4);
                high[i] = code[i] >> 2;
            }
            pack_field(out->q + 32 * (g / 4), code, 2 * (g % 4), 3);
            pack_field(out->high, high, g, 1);
        }
    }
}

static inline struct q32_scalar q3_k_load32_scalar(const uint8_t *row, int group)
{
    const struct block *in = block_at(row, group / 8);
    const int g = group % 8;
    const float d = half_to_float(in->d);
    struct q32_scalar w = {.d = {d * (float)scale_of(in, 2 * g), d * (float)scale_of(in, 2 * g + 1)}};
    int8_t high[32];
    field_scalar(w.q, in->q + 32 * (g / 4), 2 * (g % 4), 3);
    field_scalar(high, in->high, g, 1);
    for (int i = 0; i < 32; i++)
        w.q[i] = (int8_t)(w.q[i] + 4 * high[i] - 4);
    return w;
}

#ifdef TARGET_AVX2
TARGET_AVX2 static inline q32_avx2 q3_k_load32_avx2(const uint8_t *row, int group)
{
    const struct block *in = block_at(row, group / 8);
    const int g = group % 8;
    const float d = half_avx2(&in->d);
    __m256i high = _mm256_slli_epi16(field_avx2(in->high, g, 1), 2);
    __m256i code = _mm256_or_si256(field_avx2(in->q + 32 * (g / 4), 2 * (g % 4), 3), high);
    return (q32_avx2){.q = _mm256_sub_epi8(code, _mm256_set1_epi8(4)),
                      .d = {d * (float)scale_of(in, 2 * g), d * (float)scale_of(in, 2 * g + 1)}};
}
#endif

#ifdef TARGET_NEON
static inline q32_neon q3_k_load32_neon(const uint8_t *row, int group)
{
    const struct block *in = block_at(row, group / 8);
    const int g = group % 8;
    const float d = half_neon(&in->d);
    q32_neon w = field_neon(in->q + 32 * (g / 4), 2 * (g % 4), 3), high = field_neon(in->high, g, 1);
    w.lo = vorrq_s8(w.lo, vshlq_n_s8(high.lo, 2));
    w.hi = vorrq_s8(w.hi, vshlq_n_s8(high.hi, 2));
    w = plus_neon(w, -4);
    w.d[0] = d * (float)scale_of(in, 2 * g);
    w.d[1] = d * (float)scale_of(in, 2 * g + 1);
    return w;
}
#endif

FORMAT_SCALAR(q3_k)

#ifdef TARGET_AVX2
TARGET_AVX512VNNI FORCE_INLINE w256_avx512vnni q3_k_load256(const uint8_t *row, int group)
{
    const struct block *in = block_at(row, group / 8);
    const __m512i high = twice_avx512vnni(in->high);
    const uint64_t low = read_u64(in->scales), nibble = 0x0f0f0f0f0f0f0f0f;
    const uint64_t pairs = read_u32(in->scales + 8), both = pairs | pairs >> 2 << 32, pair = 0x0303030303030303;
    const __m128i scales = _mm_set_epi64x((long long)((low >> 4 & nibble) | (both >> 4 & pair) << 4),
                                          (long long)((low & nibble) | (both & pair) << 4));
    w256_avx512vnni w = {.d = _mm512_mul_ps(half_avx512vnni(in->d), floats_of_i8_avx512vnni(run_bytes_avx512vnni(
                                                                        _mm_sub_epi8(scales, _mm_set1_epi8(32)))))};
    UNROLL
    for (int i = 0; i < 4; i++) {
        __m512i two = fields_avx512vnni(twice_avx512vnni(in->q + 32 * (i / 2)), 4 * (i % 2), 4 * (i % 2) + 2, 3);
        w.u[i] = _mm512_or_si512(two, fields_avx512vnni(high, 2 * i - 2, 2 * i - 1, 4));
    }
    return w;
}

FORMAT_AVX512(q3_k)
FORMAT_DOT256(q3_k, .top = 7, .bias = 4)
#else
FORMAT_SIMD(q3_k)
#endif

const struct format format_q3_k = {
    .name = "q3_k",
    .gguf_type = 11,
    .block = BLOCK,
    .bytes = sizeof(struct block),
    .group = 16,
    .version = 1,
    .act = ACT_Q8,
    .quantize = q3_k_quantize,
    .dequantize = q3_k_dequantize,
    .isa = {SCALAR_KERNELS(q3_k), SIMD_KERNELS(q3_k), FEW_KERNEL(q3_k, 8)},
};
