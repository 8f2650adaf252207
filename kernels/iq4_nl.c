/* iq4_nl.c - four bits for unevenly spaced numbers, dense around zero, with one scale for 32 weights.
 *
 *   | d: fp16 | q[0] .. q[15] |      18 bytes, 4.5 bits per weight
 *
 * Nibbles as in q4_0; weight = d * iq4_values[nibble], exact in float32. */
/* SPDX-License-Identifier: MIT */
#include "kernels/codes.h"
#include "kernels/dot256_avx512.h"
#include "kernels/search.h"
#include "kernels/tables.h"

#define BLOCK 32

struct block {
    uint16_t d;
    uint8_t q[BLOCK / 2];
};
_Static_assert(sizeof(struct block) == 18, "iq4_nl is a file format");

static inline const struct block *block_at(const uint8_t *row, int b)
{
    return (const struct block *)row + b;
}

static void iq4_nl_quantize(void *dst, const float *src, int k)
{
    static const struct codes codes = {.lo = 0, .hi = 15, .value = iq4_values};
    struct block *out = dst;
    for (int b = 0; b < k / BLOCK; b++, out++, src += BLOCK) {
        float x[BLOCK];
        int8_t code[BLOCK];
        search_clean(x, src, BLOCK);
        search_scale(code, x, BLOCK, &codes, &out->d);
        pack_nibbles(out->q, code);
    }
}

static inline struct q32_scalar iq4_nl_load32_scalar(const uint8_t *row, int group)
{
    const struct block *in = block_at(row, group);
    struct q32_scalar w = {.d = {half_to_float(in->d)}};
    nibbles_scalar(w.q, in->q);
    table_scalar(w.q, iq4_values);
    return w;
}

#ifdef TARGET_AVX2
TARGET_AVX2 static inline q32_avx2 iq4_nl_load32_avx2(const uint8_t *row, int group)
{
    const struct block *in = block_at(row, group);
    return (q32_avx2){.q = table_avx2(nibbles_avx2(in->q), iq4_values), .d = {half_avx2(&in->d)}};
}
#endif

#ifdef TARGET_NEON
static inline q32_neon iq4_nl_load32_neon(const uint8_t *row, int group)
{
    const struct block *in = block_at(row, group);
    q32_neon w = table_neon(nibbles_neon(in->q), iq4_values);
    w.d[0] = half_neon(&in->d);
    return w;
}
#endif

FORMAT_SCALAR(iq4_nl)

#ifdef TARGET_AVX2
TARGET_AVX512VNNI FORCE_INLINE w256_avx512vnni iq4_nl_load256(const uint8_t *row, int group)
{
    const struct block *in = block_at(row, group);
    const __m512i heads = block_heads_avx512vnni((const uint8_t *)in, sizeof *in);
    w256_avx512vnni w = {.d = heads_d_avx512vnni(heads)};
    UNROLL
    for (int i = 0; i < 4; i++, in += 2)
        w.u[i] = table_avx512vnni(nibbles_avx512vnni(in->q, in[1].q), iq4_values);
    return w;
}

FORMAT_AVX512(iq4_nl)
FORMAT_DOT256(iq4_nl, .top = 255, .bias = 128)
#else
FORMAT_SIMD(iq4_nl)
#endif

const struct format format_iq4_nl = {
    .name = "iq4_nl",
    .gguf_type = 20,
    .block = BLOCK,
    .bytes = sizeof(struct block),
    .group = 32,
    .version = 1,
    .act = ACT_Q8,
    .quantize = iq4_nl_quantize,
    .dequantize = iq4_nl_dequantize,
    .isa = {SCALAR_KERNELS(iq4_nl), SIMD_KERNELS(iq4_nl), FEW_KERNEL(iq4_nl, 4)},
};
