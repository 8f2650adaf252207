/* q4_k.c - four bits; groups of 32 with a scale and an offset of six bits each.
 *
 *   | d: fp16 | m: fp16 | scales[0] .. scales[11] | q[0] .. q[127] |      144 bytes for 256 weights, 4.5 bits per weight
 *
 * Weights 32 g .. 32 g + 31 are the low nibbles (g even) or the high ones of bytes q[32 (g / 2)] on; scale and min: k_scales.h.
 * weight = d scale code - m min. */
/* SPDX-License-Identifier: MIT */
#include "kernels/codes.h"
#include "kernels/dot256_avx512.h"
#include "kernels/k_scales.h"
#include "kernels/search.h"

#define BLOCK 256

struct block {
    uint16_t d, m;
    uint8_t scales[12];
    uint8_t q[BLOCK / 2];
};
_Static_assert(sizeof(struct block) == 144, "q4_k is a file format");

static inline const struct block *block_at(const uint8_t *row, int b)
{
    return (const struct block *)row + b;
}

static void q4_k_quantize(void *dst, const float *src, int k)
{
    struct block *out = dst;
    for (int b = 0; b < k / BLOCK; b++, out++, src += BLOCK) {
        float x[BLOCK];
        struct super s;
        search_clean(x, src, BLOCK);
        search_super_offset(&s, x, 32, 15, 63);
        out->d = s.d;
        out->m = s.m;
        k_scales_pack(out->scales, s.scale, s.min);
        memset(out->q, 0, sizeof out->q);
        for (int g = 0; g < BLOCK / 32; g++)
            pack_field(out->q + 32 * (g / 2), s.code + 32 * g, 4 * (g % 2), 15);
    }
}

static inline struct q32_scalar q4_k_load32_scalar(const uint8_t *row, int group)
{
    const struct block *in = block_at(row, group / 8);
    const int g = group % 8;
    struct q32_scalar w = {.d = {half_to_float(in->d) * (float)k_scale(in->scales, g)},
                           .m = {-half_to_float(in->m) * (float)k_min(in->scales, g)}};
    field_scalar(w.q, in->q + 32 * (g / 2), 4 * (g % 2), 15);
    return w;
}

#ifdef TARGET_AVX2
TARGET_AVX2 static inline q32_avx2 q4_k_load32_avx2(const uint8_t *row, int group)
{
    const struct block *in = block_at(row, group / 8);
    const int g = group % 8;
    return (q32_avx2){.q = field_avx2(in->q + 32 * (g / 2), 4 * (g % 2), 15),
                      .d = {half_avx2(&in->d) * (float)k_scale(in->scales, g)},
                      .m = {-half_avx2(&in->m) * (float)k_min(in->scales, g)}};
}
#endif

#ifdef TARGET_NEON
static inline q32_neon q4_k_load32_neon(const uint8_t *row, int group)
{
    const struct block *in = block_at(row, group / 8);
    const int g = group % 8;
    q32_neon w = field_neon(in->q + 32 * (g / 2), 4 * (g % 2), 15);
    w.d[0] = half_neon(&in->d) * (float)k_scale(in->scales, g);
    w.m[0] = -half_neon(&in->m) * (float)k_min(in->scales, g);
    return w;
}
#endif

FORMAT_SCALAR(q4_k)

#ifdef TARGET_AVX2
TARGET_AVX512VNNI FORCE_INLINE w256_avx512vnni q4_k_load256(const uint8_t *row, int group)
{
    const struct block *in = block_at(row, group / 8);
    w256_avx512vnni w;
    UNROLL
    for (int i = 0; i < 4; i++)
        w.u[i] = fields_avx512vnni(twice_avx512vnni(in->q + 32 * i), 0, 4, 15);
    two_halves_avx512vnni(&w.d, &w.m, read_u32(&in->d));
    k_scales_avx512vnni(&w.scale, &w.min, in->scales);
    return w;
}

FORMAT_AVX512(q4_k)
FORMAT_DOT256(q4_k, .top = 15, .integer = 1)
#else
FORMAT_SIMD(q4_k)
#endif

#ifdef TARGET_AVX2
TARGET_AVX512 FORCE_INLINE void q4_k_block16_avx512(const struct panel_q8 *out, const uint8_t *p, size_t row_bytes)
{
    __m512i v[4];
    k_scales16_avx512(out, p, row_bytes);
    UNROLL
    for (int part = 0; part < 8; part++) {
        uint8_t *q = out->q + part / 2 * 64 * PANEL_ROWS;
        words_avx512(v, p + offsetof(struct block, q) + 16 * part, row_bytes);
        UNROLL
        for (int i = 0; i < 4; i++) {
            put_step_avx512(q, part % 2 * 4 + i, bits_of_bytes_avx512(v[i], 0, 15), 128);
            put_step_avx512(q, part % 2 * 4 + i + 8, bits_of_bytes_avx512(v[i], 4, 15), 128);
        }
    }
}

FORMAT_BLOCK16(q4_k)
#endif

const struct format format_q4_k = {
    .name = "q4_k",
    .gguf_type = 12,
    .block = BLOCK,
    .bytes = sizeof(struct block),
    .group = 32,
    .offset = 1,
    .version = 1,
    .act = ACT_Q8,
    .quantize = q4_k_quantize,
    .dequantize = q4_k_dequantize,
    .isa = {SCALAR_KERNELS(q4_k), SIMD_KERNELS(q4_k), FEW_KERNEL(q4_k, 7), BLOCK16_KERNEL(q4_k)},
};
