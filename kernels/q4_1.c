/* q4_1.c - four bits with a scale and an offset for 32 weights.
 *
 *   | d: fp16 | m: fp16 | q[0] .. q[15] |      20 bytes, 5 bits per weight
 *
 * Weight i sits in the low nibble of q[i], weight i + 16 in the high one; weight = d * nibble + m. */
/* SPDX-License-Identifier: MIT */
#include "kernels/codes.h"
#include "kernels/dot256_avx512.h"
#include "kernels/search.h"

#define BLOCK 32

struct block {
    uint16_t d, m;
    uint8_t q[BLOCK / 2];
};
_Static_assert(sizeof(struct block) == 20, "q4_1 is a file format");

static inline const struct block *block_at(const uint8_t *row, int b)
{
    return (const struct block *)row + b;
}

static void q4_1_quantize(void *dst, const float *src, int k)
{
    struct block *out = dst;
    for (int b = 0; b < k / BLOCK; b++, out++, src += BLOCK) {
        float x[BLOCK];
        int8_t code[BLOCK];
        search_clean(x, src, BLOCK);
        search_offset(code, x, BLOCK, 15, &out->d, &out->m);
        pack_nibbles(out->q, code);
    }
}

static inline struct q32_scalar q4_1_load32_scalar(const uint8_t *row, int group)
{
    const struct block *in = block_at(row, group);
    struct q32_scalar w = {.d = {half_to_float(in->d)}, .m = {half_to_float(in->m)}};
    nibbles_scalar(w.q, in->q);
    return w;
}

#ifdef TARGET_AVX2
TARGET_AVX2 static inline q32_avx2 q4_1_load32_avx2(const uint8_t *row, int group)
{
    const struct block *in = block_at(row, group);
    return (q32_avx2){.q = nibbles_avx2(in->q), .d = {half_avx2(&in->d)}, .m = {half_avx2(&in->m)}};
}
#endif

#ifdef TARGET_NEON
static inline q32_neon q4_1_load32_neon(const uint8_t *row, int group)
{
    const struct block *in = block_at(row, group);
    q32_neon w = nibbles_neon(in->q);
    w.d[0] = half_neon(&in->d);
    w.m[0] = half_neon(&in->m);
    return w;
}
#endif

FORMAT_SCALAR(q4_1)

#ifdef TARGET_AVX2
TARGET_AVX512VNNI FORCE_INLINE w256_avx512vnni q4_1_load256(const uint8_t *row, int group)
{
    const struct block *in = block_at(row, group);
    const __m512i heads = block_heads_avx512vnni((const uint8_t *)in, sizeof *in);
    w256_avx512vnni w = {.d = heads_d_avx512vnni(heads), .m = heads_m_avx512vnni(heads)};
    UNROLL
    for (int i = 0; i < 4; i++, in += 2)
        w.u[i] = nibbles_avx512vnni(in->q, in[1].q);
    return w;
}

FORMAT_AVX512(q4_1)
FORMAT_DOT256(q4_1, .top = 15)
#else
FORMAT_SIMD(q4_1)
#endif

const struct format format_q4_1 = {
    .name = "q4_1",
    .gguf_type = 3,
    .block = BLOCK,
    .bytes = sizeof(struct block),
    .group = 32,
    .offset = 1,
    .version = 1,
    .act = ACT_Q8,
    .quantize = q4_1_quantize,
    .dequantize = q4_1_dequantize,
    .isa = {SCALAR_KERNELS(q4_1), SIMD_KERNELS(q4_1), FEW_KERNEL(q4_1, 4)},
};
