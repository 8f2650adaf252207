/* q5_k.c - five bits; groups of 32 with a scale and an offset of six bits each.
 *
 *   | d: fp16 | m: fp16 | scales[0] .. scales[11] | high[0] .. high[31] | q[0] .. q[127] |      176 bytes for 256 weights
 *
 * As q4_k; bit g of high[j] is the fifth bit of weight 32 g + j.  5.5 bits per weight. */
/* SPDX-License-Identifier: MIT */
#include "kernels/codes.h"
#include "kernels/dot256_avx512.h"
#include "kernels/k_scales.h"
#include "kernels/search.h"

#define BLOCK 256

struct block {
    uint16_t d, m;
    uint8_t scales[12];
    uint8_t high[BLOCK / 8];
    uint8_t q[BLOCK / 2];
};
_Static_assert(sizeof(struct block) == 176, "q5_k is a file format");

static inline const struct block *block_at(const uint8_t *row, int b)
{
    return (const struct block *)row + b;
}

static void q5_k_quantize(void *dst, const float *src, int k)
{
    struct block *out = dst;
    for (int b = 0; b < k / BLOCK; b++, out++, src += BLOCK) {
        float x[BLOCK];
        struct super s;
        search_clean(x, src, BLOCK);
        search_super_offset(&s, x, 32, 31, 63);
        out->d = s.d;
        out->m = s.m;
        k_scales_pack(out->scales, s.scale, s.min);
        memset(out->q, 0, sizeof out->q);
        memset(out->high, 0, sizeof out->high);
        for (int g = 0; g < BLOCK / 32; g++) {
            int8_t high[32];
            for (int i = 0; i < 32; i++)
                high[i] = s.code[32 * g + i] >> 4;
            pack_field(out->q + 32 * (g / 2), s.code + 32 * g, 4 * (g % 2), 15);
            pack_field(out->high, high, g, 1);
        }
    }
}

static inline struct q32_scalar q5_k_load32_scalar(const uint8_t *row, int group)
{
    const struct block *in = block_at(row, group / 8);
    const int g = group % 8;
    struct q32_scalar w = {.d = {half_to_float(in->d) * (float)k_scale(in->scales, g)},
                           .m = {-half_to_float(in->m) * (float)k_min(in->scales, g)}};
    int8_t high[32];
    field_scalar(w.q, in->q + 32 * (g / 2), 4 * (g % 2), 15);
    field_scalar(high, in->high, g, 1);
    for (int i = 0; i < 32; i++)
        w.q[i] = (int8_t)(w.q[i] | high[i] << 4);
    return w;
}

#ifdef TARGET_AVX2
TARGET_AVX2 static inline q32_avx2 q5_k_load32_avx2(const uint8_t *row, int group)
{
    const struct block *in = block_at(row, group / 8);
    const int g = group % 8;
    __m256i high = _mm256_slli_epi16(field_avx2(in->high, g, 1), 4);
    return (q32_avx2){.q = _mm256_or_si256(field_avx2(in->q + 32 * (g / 2), 4 * (g % 2), 15), high),
                      .d = {half_avx2(&in->d) * (float)k_scale(in->scales, g)},
                      .m = {-half_avx2(&in->m) * (float)k_min(in->scales, g)}};
}
#endif

#ifdef TARGET_NEON
static inline q32_neon q5_k_load32_neon(const uint8_t *row, int group)
{
    const struct block *in = block_at(row, group / 8);
    const int g = group % 8;
    q32_neon w = field_neon(in->q + 32 * (g / 2), 4 * (g % 2), 15), high = field_neon(in->high, g, 1);
    w.lo = vorrq_s8(w.lo, vshlq_n_s8(high.lo, 4));
    w.hi = vorrq_s8(w.hi, vshlq_n_s8(high.hi, 4));
    w.d[0] = half_neon(&in->d) * (float)k_scale(in->scales, g);
    w.m[0] = -half_neon(&in->m) * (float)k_min(in->scales, g);
    return w;
}
#endif

FORMAT_SCALAR(q5_k)

#ifdef TARGET_AVX2
TARGET_AVX512VNNI FORCE_INLINE w256_avx512vnni q5_k_load256(const uint8_t *row, int group)
{
    const struct block *in = block_at(row, group / 8);
    const __m512i high = twice_avx512vnni(in->high);
    w256_avx512vnni w;
    UNROLL
    for (int i = 0; i < 4; i++)
        w.u[i] = _mm512_or_si512(fields_avx512vnni(twice_avx512vnni(in->q + 32 * i), 0, 4, 15),
                                 fields_avx512vnni(high, 2 * i - 4, 2 * i - 3, 16));
    two_halves_avx512vnni(&w.d, &w.m, read_u32(&in->d));
    k_scales_avx512vnni(&w.scale, &w.min, in->scales);
    return w;
}

FORMAT_AVX512(q5_k)
FORMAT_DOT256(q5_k, .top = 31, .integer = 1)
#else
FORMAT_SIMD(q5_k)
#endif

const struct format format_q5_k = {
    .name = "q5_k",
    .gguf_type = 13,
    .block = BLOCK,
    .bytes = sizeof(struct block),
    .group = 32,
    .offset = 1,
    .version = 1,
    .act = ACT_Q8,
    .quantize = q5_k_quantize,
    .dequantize = q5_k_dequantize,
    .isa = {SCALAR_KERNELS(q5_k), SIMD_KERNELS(q5_k), FEW_KERNEL(q5_k, 8)},
};
