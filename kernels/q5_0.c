/* q5_0.c - five bits with one scale for 32 weights.
 *
 *   | d: fp16 | high[0] .. high[3] | q[0] .. q[15] |      22 bytes, 5.5 bits per weight
 *
 * The low four bits are nibbles as in q4_0; bit i of the 32 in `high` is the fifth bit of weight i.
 * weight = d * (code - 16), and exact in float32. */
/* SPDX-License-Identifier: MIT */
#include "kernels/codes.h"
#include "kernels/dot256_avx512.h"
#include "kernels/search.h"

#define BLOCK 32

struct block {
    uint16_t d;
    uint8_t high[4];
    uint8_t q[BLOCK / 2];
};
_Static_assert(sizeof(struct block) == 22, "q5_0 is a file format");

static inline const struct block *block_at(const uint8_t *row, int b)
{
    return (const struct block *)row + b;
}

static void q5_0_quantize(void *dst, const float *src, int k)
{
    static const struct codes codes = {.lo = -16, .hi = 15};
    struct block *out = dst;
    for (int b = 0; b < k / BLOCK; b++, out++, src += BLOCK) {
        float x[BLOCK];
        int8_t code[BLOCK];
        search_clean(x, src, BLOCK);
        search_scale(code, x, BLOCK, &codes, &out->d);
        for (int i = 0; i < BLOCK; i++)
            code[i] += 16;
        pack_nibbles(out->q, code);
        pack_bits(out->high, code, 4);
    }
}

static inline struct q32_scalar q5_0_load32_scalar(const uint8_t *row, int group)
{
    const struct block *in = block_at(row, group);
    const uint32_t high = read_u32(in->high);
    struct q32_scalar w = {.d = {half_to_float(in->d)}};
    nibbles_scalar(w.q, in->q);
    for (int i = 0; i < BLOCK; i++)
        w.q[i] = (int8_t)(w.q[i] - (high >> i & 1 ? 0 : 16));
    return w;
}

#ifdef TARGET_AVX2
TARGET_AVX2 static inline q32_avx2 q5_0_load32_avx2(const uint8_t *row, int group)
{
    const struct block *in = block_at(row, group);
    __m256i below = _mm256_andnot_si256(bits_avx2(read_u32(in->high)), _mm256_set1_epi8(-16));
    return (q32_avx2){.q = _mm256_or_si256(nibbles_avx2(in->q), below), .d = {half_avx2(&in->d)}};
}
#endif

#ifdef TARGET_NEON
static inline q32_neon q5_0_load32_neon(const uint8_t *row, int group)
{
    const struct block *in = block_at(row, group);
    const int8x16_t below = vdupq_n_s8(-16);
    q32_neon w = nibbles_neon(in->q), high = bits_neon(read_u32(in->high));
    w.lo = vorrq_s8(w.lo, vbicq_s8(below, high.lo));
    w.hi = vorrq_s8(w.hi, vbicq_s8(below, high.hi));
    w.d[0] = half_neon(&in->d);
    return w;
}
#endif

FORMAT_SCALAR(q5_0)

#ifdef TARGET_AVX2
TARGET_AVX512VNNI FORCE_INLINE w256_avx512vnni q5_0_load256(const uint8_t *row, int group)
{
    const struct block *in = block_at(row, group);
    const __m512i heads = block_heads_avx512vnni((const uint8_t *)in, sizeof *in);
    w256_avx512vnni w = {.d = heads_d_avx512vnni(heads)};
    UNROLL
    for (int i = 0; i < 4; i++, in += 2)
        w.u[i] = add_bits_avx512vnni(nibbles_avx512vnni(in->q, in[1].q), read_u32(in->high), read_u32(in[1].high), 16);
    return w;
}

FORMAT_AVX512(q5_0)
FORMAT_DOT256(q5_0, .top = 31, .bias = 16)
#else
FORMAT_SIMD(q5_0)
#endif

#ifdef TARGET_AVX2
/* The fifth bits of four weights become a mask of four bytes. */
TARGET_AVX512 FORCE_INLINE void q5_0_block16_avx512(const struct panel_q8 *out, const uint8_t *p, size_t row_bytes)
{
    const __m512i one_each[2] = {_mm512_set1_epi32(0x08040201), _mm512_set1_epi32((int)0x80402010)};
    __m512i v[4];
    words_avx512(v, p, row_bytes); /* d and the lower half of `high`; the upper half */
    _mm512_storeu_ps(out->d, halves_avx512(v[0]));
    const __m512i high = _mm512_or_si512(_mm512_srli_epi32(v[0], 16), _mm512_slli_epi32(v[1], 16));
    words_avx512(v, p + offsetof(struct block, q), row_bytes);
    UNROLL
    for (int step = 0; step < 8; step++) {
        const __m512i lane = _mm512_set4_epi32(0x0c0c0c0c, 0x08080808, 0x04040404, 0);
        __m512i byte = _mm512_shuffle_epi8(high, _mm512_add_epi8(lane, _mm512_set1_epi8((char)(step / 2))));
        __m512i low = bits_of_bytes_avx512(v[step % 4], step < 4 ? 0 : 4, 15);
        __mmask64 set = _mm512_test_epi8_mask(byte, one_each[step % 2]);
        put_step_avx512(out->q, step, _mm512_mask_add_epi8(low, set, low, _mm512_set1_epi8(16)), 112);
    }
}

FORMAT_BLOCK16(q5_0)
#endif

const struct format format_q5_0 = {
    .name = "q5_0",
    .gguf_type = 6,
    .block = BLOCK,
    .bytes = sizeof(struct block),
    .group = 32,
    .version = 1,
    .act = ACT_Q8,
    .quantize = q5_0_quantize,
    .dequantize = q5_0_dequantize,
    .isa = {SCALAR_KERNELS(q5_0), SIMD_KERNELS(q5_0), FEW_KERNEL(q5_0, 2), BLOCK16_KERNEL(q5_0)},
};
