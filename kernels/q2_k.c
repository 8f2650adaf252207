/* q2_k.c - two bits; groups of 16 with a scale and an offset of four bits each.
 *
 *   | scales[0] .. scales[15] | q[0] .. q[63] | d: fp16 | m: fp16 |      84 bytes for 256 weights, 2.625 bits per weight
 *
 * Weight 128 a + 32 k + j is the bit pair k of byte q[32 a + j].  Byte g of the scales belongs to weights 16 g .. 16 g + 15, the
 * scale in its low half and the min in its high one: weight = d scale code - m min. */
/* SPDX-License-Identifier: MIT */
#include "kernels/codes.h"
#include "kernels/dot256_avx512.h"
#include "kernels/search.h"

#define BLOCK 256

struct block {
    uint8_t scales[BLOCK / 16];
    uint8_t q[BLOCK / 4];
    uint16_t d, m;
};
_Static_assert(sizeof(struct block) == 84, "q2_k is a file format");

static inline const struct block *block_at(const uint8_t *row, int b)
{
    return (const struct block *)row + b;
}

static void q2_k_quantize(void *dst, const float *src, int k)
{
    struct block *out = dst;
    for (int b = 0; b < k / BLOCK; b++, out++, src += BLOCK) {
        float x[BLOCK];
        struct super s;
        search_clean(x, src, BLOCK);
        search_super_offset(&s, x, 16, 3, 15);
        out->d = s.d;
        out->m = s.m;
        for (int g = 0; g < BLOCK / 16; g++)
            out->scales[g] = (uint8_t)(s.scale[g] | s.min[g] << 4);
        memset(out->q, 0, sizeof out->q);
        for (int g = 0; g < BLOCK / 32; g++)
            pack_field(out->q + 32 * (g / 4), s.code + 32 * g, 2 * (g % 4), 3);
    }
}

static inline struct q32_scalar q2_k_load32_scalar(const uint8_t *row, int group)
{
    const struct block *in = block_at(row, group / 8);
    const int g = group % 8, s0 = in->scales[2 * g], s1 = in->scales[2 * g + 1];
    const float d = half_to_float(in->d), m = -half_to_float(in->m);
    struct q32_scalar w = {.d = {d * (float)(s0 & 15), d * (float)(s1 & 15)}, .m = {m * (float)(s0 >> 4), m * (float)(s1 >> 4)}};
    field_scalar(w.q, in->q + 32 * (g / 4), 2 * (g % 4), 3);
    return w;
}

#ifdef TARGET_AVX2
TARGET_AVX2 static inline q32_avx2 q2_k_load32_avx2(const uint8_t *row, int group)
{
    const struct block *in = block_at(row, group / 8);
    const int g = group % 8, s0 = in->scales[2 * g], s1 = in->scales[2 * g + 1];
    const float d = half_avx2(&in->d), m = -half_avx2(&in->m);
    return (q32_avx2){.q = field_avx2(in->q + 32 * (g / 4), 2 * (g % 4), 3),
                      .d = {d * (float)(s0 & 15), d * (float)(s1 & 15)},
                      .m = {m * (float)(s0 >> 4), m * (float)(s1 >> 4)}};
}
#endif

#ifdef TARGET_NEON
static inline q32_neon q2_k_load32_neon(const uint8_t *row, int group)
{
    const struct block *in = block_at(row, group / 8);
    const int g = group % 8, s0 = in->scales[2 * g], s1 = in->scales[2 * g + 1];
    const float d = half_neon(&in->d), m = -half_neon(&in->m);
    q32_neon w = field_neon(in->q + 32 * (g / 4), 2 * (g % 4), 3);
    w.d[0] = d * (float)(s0 & 15);
    w.d[1] = d * (float)(s1 & 15);
    w.m[0] = m * (float)(s0 >> 4);
    w.m[1] = m * (float)(s1 >> 4);
    return w;
}
#endif

FORMAT_SCALAR(q2_k)

#ifdef TARGET_AVX2
TARGET_AVX512VNNI FORCE_INLINE w256_avx512vnni q2_k_load256(const uint8_t *row, int group)
{
    const struct block *in = block_at(row, group / 8);
    const __m512i scales = pick_twice_avx512vnni(_mm_loadu_si128((const __m128i *)in->scales), lane_run_avx512vnni());
    w256_avx512vnni w;
    UNROLL
    for (int i = 0; i < 4; i++)
        w.u[i] = fields_avx512vnni(twice_avx512vnni(in->q + 32 * (i / 2)), 4 * (i % 2), 4 * (i % 2) + 2, 3);
    two_halves_avx512vnni(&w.d, &w.m, read_u32(&in->d));
    w.scale = _mm512_and_si512(scales, _mm512_set1_epi16(15));
    w.min = _mm512_and_si512(_mm512_srli_epi16(scales, 4), _mm512_set1_epi32(15));
    return w;
}

FORMAT_AVX512(q2_k)
FORMAT_DOT256(q2_k, .top = 3, .integer = 1)
#else
FORMAT_SIMD(q2_k)
#endif

const struct format format_q2_k = {
    .name = "q2_k",
    .gguf_type = 10,
    .block = BLOCK,
    .bytes = sizeof(struct block),
    .group = 16,
    .offset = 1,
    .version = 1,
    .act = ACT_Q8,
    .quantize = q2_k_quantize,
    .dequantize = q2_k_dequantize,
    .isa = {SCALAR_KERNELS(q2_k), SIMD_KERNELS(q2_k), FEW_KERNEL(q2_k, 8)},
};
