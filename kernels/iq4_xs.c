/* iq4_xs.c - the numbers of iq4_nl; groups of 32 with a scale of six bits.
 *
 *   | d: fp16 | high: 16 bits | low[0] .. low[3] | q[0] .. q[127] |      136 bytes for 256 weights, 4.25 bits per weight
 *
 * Scale g, for weights 32 g .. 32 g + 31, is nibble g % 2 of low[g / 2] with the bit pair g of `high` above it; its 16 bytes are
 * nibbles as in q4_0.  weight = d (scale - 32) iq4_values[nibble]; 11, 5 and 7 bits: exact in float32. */
/* SPDX-License-Identifier: MIT */
#include "kernels/codes.h"
#include "kernels/dot256_avx512.h"
#include "kernels/search.h"
#include "kernels/tables.h"

#define BLOCK 256

struct block {
    uint16_t d, high;
    uint8_t low[4];
    uint8_t q[BLOCK / 2];
};
_Static_assert(sizeof(struct block) == 136, "iq4_xs is a file format");

static inline const struct block *block_at(const uint8_t *row, int b)
{
    return (const struct block *)row + b;
}

static inline int scale_of(const struct block *in, int g)
{
    return ((in->low[g / 2] >> g % 2 * 4 & 15) | (in->high >> 2 * g & 3) << 4) - 32;
}

static void iq4_xs_quantize(void *dst, const float *src, int k)
{
    static const struct codes codes = {.lo = 0, .hi = 15, .value = iq4_values};
    struct block *out = dst;
    for (int b = 0; b < k / BLOCK; b++, out++, src += BLOCK) {
        float x[BLOCK];
        struct super s;
        search_clean(x, src, BLOCK);
        search_super_scale(&s, x, 32, &codes, -32, 31);
        out->d = s.d;
        out->high = 0;
        memset(out->low, 0, sizeof out->low);
        for (int g = 0; g < BLOCK / 32; g++) {
            const int scale = s.scale[g] + 32;
            out->low[g / 2] |= (uint8_t)((scale & 15) << g % 2 * 4);
            out->high |= (uint16_t)(scale >> 4 << 2 * g);
            pack_nibbles(out->q + 16 * g, s.code + 32 * g);
        }
    }
}

static inline struct q32_scalar iq4_xs_load32_scalar(const uint8_t *row, int group)
{
    const struct block *in = block_at(row, group / 8);
    struct q32_scalar w = {.d = {half_to_float(in->d) * (float)scale_of(in, group % 8)}};
    nibbles_scalar(w.q, in->q + 16 * (group % 8));
    table_scalar(w.q, iq4_values);
    return w;
}

#ifdef TARGET_AVX2
TARGET_AVX2 static inline q32_avx2 iq4_xs_load32_avx2(const uint8_t *row, int group)
{
    const struct block *in = block_at(row, group / 8);
    return (q32_avx2){.q = table_avx2(nibbles_avx2(in->q + 16 * (group % 8)), iq4_values),
                      .d = {half_avx2(&in->d) * (float)scale_of(in, group % 8)}};
}
#endif

#ifdef TARGET_NEON
static inline q32_neon iq4_xs_load32_neon(const uint8_t *row, int group)
{
    const struct block *in = block_at(row, group / 8);
    q32_neon w = table_neon(nibbles_neon(in->q + 16 * (group % 8)), iq4_values);
    w.d[0] = half_neon(&in->d) * (float)scale_of(in, group % 8);
    return w;
}
#endif

FORMAT_SCALAR(iq4_xs)

#ifdef TARGET_AVX2
TARGET_AVX512VNNI FORCE_INLINE w256_avx512vnni iq4_xs_load256(const uint8_t *row, int group)
{
    const struct block *in = block_at(row, group / 8);
    uint64_t low = read_u32(in->low), high = in->high; /* spread to bytes */
    low = (low | low << 16) & 0x0000ffff0000ffff;
    low = (low | low << 8) & 0x00ff00ff00ff00ff;
    low = (low | low << 4) & 0x0f0f0f0f0f0f0f0f;
    high = (high | high << 24) & 0x000000ff000000ff;
    high = (high | high << 12) & 0x000f000f000f000f;
    high = (high | high << 6) & 0x0303030303030303;
    const __m128i v = group_bytes_avx512vnni(_mm_cvtsi64_si128((long long)(low | high << 4)));
    w256_avx512vnni w = {.d = _mm512_mul_ps(half_avx512vnni(in->d), floats_of_i8_avx512vnni(_mm_sub_epi8(v, _mm_set1_epi8(32))))};
    UNROLL
    for (int i = 0; i < 4; i++)
        w.u[i] = table_avx512vnni(nibbles_avx512vnni(in->q + 32 * i, in->q + 32 * i + 16), iq4_values);
    return w;
}

FORMAT_AVX512(iq4_xs)
FORMAT_DOT256(iq4_xs, .top = 255, .bias = 128)
#else
FORMAT_SIMD(iq4_xs)
#endif

const struct format format_iq4_xs = {
    .name = "iq4_xs",
    .gguf_type = 23,
    .block = BLOCK,
    .bytes = sizeof(struct block),
    .group = 32,
    .version = 1,
    .act = ACT_Q8,
    .quantize = iq4_xs_quantize,
    .dequantize = iq4_xs_dequantize,
    .isa = {SCALAR_KERNELS(iq4_xs), SIMD_KERNELS(iq4_xs), FEW_KERNEL(iq4_xs, 8)},
};
