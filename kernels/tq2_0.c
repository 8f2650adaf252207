/* tq2_0.c - ternary weights, two bits each, with one scale for 256.
 *
 *   | q[0] .. q[63] | d: fp16 |      66 bytes, 2.0625 bits per weight
 *
 * Weight 128 a + 32 k + m is the bit pair k of byte q[32 a + m]; weight = d * (code - 1). */
/* SPDX-License-Identifier: MIT */
#include "kernels/codes.h"
#include "kernels/search.h"

#define BLOCK 256

struct block {
    uint8_t q[BLOCK / 4];
    uint16_t d;
};
_Static_assert(sizeof(struct block) == 66, "tq2_0 is a file format");

static inline const struct block *block_at(const uint8_t *row, int b)
{
    return (const struct block *)row + b;
}

static void tq2_0_quantize(void *dst, const float *src, int k)
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
        memset(out->q, 0, sizeof out->q);
        for (int g = 0; g < BLOCK / 32; g++)
            pack_field(out->q + 32 * (g / 4), code + 32 * g, 2 * (g % 4), 3);
    }
}

static inline struct q32_scalar tq2_0_load32_scalar(const uint8_t *row, int group)
{
    const struct block *in = block_at(row, group / 8);
    const int g = group % 8;
    struct q32_scalar w = {.d = {half_to_float(in->d)}};
    field_scalar(w.q, in->q + 32 * (g / 4), 2 * (g % 4), 3);
    for (int i = 0; i < 32; i++)
        w.q[i]--;
    return w;
}

#ifdef TARGET_AVX2
TARGET_AVX2 static inline q32_avx2 tq2_0_load32_avx2(const uint8_t *row, int group)
{
    const struct block *in = block_at(row, group / 8);
    const int g = group % 8;
    __m256i code = field_avx2(in->q + 32 * (g / 4), 2 * (g % 4), 3);
    return (q32_avx2){.q = _mm256_sub_epi8(code, _mm256_set1_epi8(1)), .d = {half_avx2(&in->d)}};
}
#endif

#ifdef TARGET_NEON
static inline q32_neon tq2_0_load32_neon(const uint8_t *row, int group)
{
    const struct block *in = block_at(row, group / 8);
    const int g = group % 8;
    q32_neon w = plus_neon(field_neon(in->q + 32 * (g / 4), 2 * (g % 4), 3), -1);
    w.d[0] = half_neon(&in->d);
    return w;
}
#endif

FORMAT_SCALAR(tq2_0)
FORMAT_SIMD(tq2_0)

const struct format format_tq2_0 = {
    .name = "tq2_0",
    .gguf_type = 35,
    .block = BLOCK,
    .bytes = sizeof(struct block),
    .group = 32,
    .version = 1,
    .act = ACT_Q8,
    .quantize = tq2_0_quantize,
    .dequantize = tq2_0_dequantize,
    .isa = {SCALAR_KERNELS(tq2_0), SIMD_KERNELS(tq2_0)},
};
