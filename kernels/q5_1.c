/* q5_1.c - five bits with a scale and an offset for 32 weights.
 *
 *   | d: fp16 | m: fp16 | high[0] .. high[3] | q[0] .. q[15] |      24 bytes, 6 bits per weight
 *
 * Codes as in q5_0; weight = d * code + m. */
/* SPDX-License-Identifier: MIT */
#include "kernels/codes.h"
#include "kernels/dot256_avx512.h"
#include "kernels/search.h"

#define BLOCK 32

struct block {
    uint16_t d, m;
    uint8_t high[4];
    uint8_t q[BLOCK / 2];
};
_Static_assert(sizeof(struct block) == 24, "q5_1 is a file format");

static inline const struct block *block_at(const uint8_t *row, int b)
{
    return (const struct block *)row + b;
}

static void q5_1_quantize(void *dst, const float *src, int k)
{
    struct block *out = dst;
    for (int b = 0; b < k / BLOCK; b++, out++, src += BLOCK) {
        float x[BLOCK];
        int8_t code[BLOCK];
        search_clean(x, src, BLOCK);
        search_offset(code, x, BLOCK, 31, &out->d, &out->m);
        pack_nibbles(out->q, code);
        pack_bits(out->high, code, 4);
    }
}

static inline struct q32_scalar q5_1_load32_scalar(const uint8_t *row, int group)
{
    const struct block *in = block_at(row, group);
    const uint32_t high = read_u32(in->high);
    struct q32_scalar w = {.d = {half_to_float(in->d)}, .m = {half_to_float(in->m)}};
    nibbles_scalar(w.q, in->q);
    for (int i = 0; i < BLOCK; i++)
        w.q[i] = (int8_t)(w.q[i] | (high >> i & 1) << 4);
    return w;
}

#ifdef TARGET_AVX2
TARGET_AVX2 static inline q32_avx2 q5_1_load32_avx2(const uint8_t *row, int group)
{
    const struct block *in = block_at(row, group);
    __m256i fifth = _mm256_and_si256(bits_avx2(read_u32(in->high)), _mm256_set1_epi8(16));
    return (q32_avx2){.q = _mm256_or_si256(nibbles_avx2(in->q), fifth), .d = {half_avx2(&in->d)}, .m = {half_avx2(&in->m)}};
}
#endif

#ifdef TARGET_NEON
static inline q32_neon q5_1_load32_neon(const uint8_t *row, int group)
{
    const struct block *in = block_at(row, group);
    const int8x16_t fifth = vdupq_n_s8(16);
    q32_neon w = nibbles_neon(in->q), high = bits_neon(read_u32(in->high));
    w.lo = vorrq_s8(w.lo, vandq_s8(fifth, high.lo));
    w.hi = vorrq_s8(w.hi, vandq_s8(fifth, high.hi));
    w.d[0] = half_neon(&in->d);
    w.m[0] = half_neon(&in->m);
    return w;
}
#endif

FORMAT_SCALAR(q5_1)

#ifdef TARGET_AVX2
TARGET_AVX512VNNI FORCE_INLINE w256_avx512vnni q5_1_load256(const uint8_t *row, int group)
{
    const struct block *in = block_at(row, group);
    const __m512i heads = block_heads_avx512vnni((const uint8_t *)in, sizeof *in);
    w256_avx512vnni w = {.d = heads_d_avx512vnni(heads), .m = heads_m_avx512vnni(heads)};
    UNROLL
    for (int i = 0; i < 4; i++, in += 2)
        w.u[i] = add_bits_avx512vnni(nibbles_avx512vnni(in->q, in[1].q), read_u32(in->high), read_u32(in[1].high), 16);
    return w;
}

FORMAT_AVX512(q5_1)
FORMAT_DOT256(q5_1, .top = 31)
#else
FORMAT_SIMD(q5_1)
#endif

const struct format format_q5_1 = {
    .name = "q5_1",
    .gguf_type = 7,
    .block = BLOCK,
    .bytes = sizeof(struct block),
    .group = 32,
    .offset = 1,
    .version = 1,
    .act = ACT_Q8,
    .quantize = q5_1_quantize,
    .dequantize = q5_1_dequantize,
    .isa = {SCALAR_KERNELS(q5_1), SIMD_KERNELS(q5_1), FEW_KERNEL(q5_1, 8)},
};
