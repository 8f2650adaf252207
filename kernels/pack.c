/* pack.c - the weights of an int8 panel rounded once more, to one scale for many (matmul.h).
 *
 * The scale of a run is the largest magnitude of its weights over 127, and q of a group becomes
 *     round(q * d / scale + m / scale)
 * in fixed point, with the same bits on every instruction set: q is doubled while the group's largest stays within 8 bits, fills
 * the upper byte of a signed 16-bit number, is multiplied by a ratio of 15 bits, and has 7 bits of fraction left; m / scale is
 * added before those are rounded away.  The ratio has to fit, so the scale is never less than about half of what d alone would
 * ask for: that is more than needed only where m cancels nearly all of q * d.
 *
 * A largest magnitude of 0, or so small that 127 / it overflows, counts as zero.  A NaN or an infinity makes the scale NaN, for
 * all that share it. */
/* SPDX-License-Identifier: MIT */
#include <math.h>
#include <string.h>

#include "kernels/gemm.h"
#include "kernels/half.h"
#include "kernels/matmul.h"
#include "kernels/target.h"

#define INF_BITS 0x7f800000
#define NAN_BITS 0x7fc00000
#define EXPONENT 0x7f800000
#define SIGNS ((int)0x80808080)      /* a panel has q + 128 */
#define HALF (128 * 128 + 64)        /* that 128 again, and what rounds, in 7 bits of fraction */
#define LEAST (127 * 256 / 32767.0f) /* of the scale, for the ratio to fit */
#define ROUND 12582912.0f            /* 1.5 * 2^23: adding it leaves no room for a fraction ... */
#define ROUND_BITS 0x4b400000        /* ... and what that adds to its bits is the number */

static int32_t rounded(float v)
{
    return (int32_t)(v + ROUND - ROUND);
}

static void pack_scalar(const struct panel_q8 *to, const struct panel_q8 *from, int group, int offset, int pack, int cols)
{
    for (int i = 0; i < cols / pack * PANEL_ROWS; i++) {
        const int r = i % PANEL_ROWS, first = i / PANEL_ROWS * (pack / group);
        const uint8_t *q = from->q + (size_t)(i / PANEL_ROWS * pack) * PANEL_ROWS + r * 4;
        uint8_t *out = to->q + (q - from->q);
        int log[PACK_RUN / 16]; /* of the largest q */
        uint32_t most = 0;
        for (int g = 0; g < pack / group; g++) {
            const size_t at = (size_t)(first + g) * PANEL_ROWS + (size_t)r;
            const float d = from->d[at], m = offset ? from->m[at] : 0;
            int lo = 127, hi = -128;
            for (int j = g * group; j < (g + 1) * group; j++) {
                const int v = q[j / 4 * 4 * PANEL_ROWS + j % 4] - 128;
                lo = v < lo ? v : lo;
                hi = v > hi ? v : hi;
            }
            const int size = hi > -lo ? hi : -lo;
            log[g] = 0;
            while (log[g] < 6 && 2 << log[g] <= size)
                log[g]++;
            const float candidates[] = {d * (float)lo + m, d * (float)hi + m, d * (float)(1 << log[g]) * LEAST};
            for (int j = 0; j < 3; j++) {
                const uint32_t bits = float_bits(candidates[j]) & 0x7fffffff;
                most = bits > most ? bits : most;
            }
        }
        const float max = bits_float(most), inverse = 127 / max;
        const int finite = most < INF_BITS, usable = finite && inverse < INFINITY;
        for (int g = 0; g < pack / group; g++) {
            const size_t at = (size_t)(first + g) * PANEL_ROWS + (size_t)r;
            const int32_t ratio = usable ? rounded(from->d[at] * inverse * (float)(256 << log[g])) : 0;
            const int32_t add = usable && offset ? rounded(from->m[at] * inverse * 128) : 0;
            for (int j = g * group; j < (g + 1) * group; j++) {
                const int b = j / 4 * 4 * PANEL_ROWS + j % 4;
                const int32_t v = (q[b] - 128) * (1 << (14 - log[g]));
                out[b] = (uint8_t)((((v * ratio + (1 << 14)) >> 15) + add + HALF) >> 7);
            }
        }
        to->d[i] = usable ? max / 127 : finite ? 0 : NAN; /* where there may have been a d */
    }
}

/* The types of one instruction set, in registers of `bytes`. */
#define VECTORS(isa, bytes)                                                                                                      \
    typedef float f32_##isa __attribute__((vector_size(bytes)));                                                                 \
    typedef int32_t s32_##isa __attribute__((vector_size(bytes)));                                                               \
    typedef uint32_t u32_##isa __attribute__((vector_size(bytes)));                                                              \
    typedef uint16_t u16_##isa __attribute__((vector_size(bytes)));

/* ... and what the compiler has no operator for. */
#define OPERATIONS(isa, target, vector, low, high, scaled)                                                                       \
    target FORCE_INLINE s32_##isa low_##isa(s32_##isa a, s32_##isa b)                                                            \
    {                                                                                                                            \
        return (s32_##isa)low((vector)a, (vector)b);                                                                             \
    }                                                                                                                            \
    target FORCE_INLINE s32_##isa high_##isa(s32_##isa a, s32_##isa b)                                                           \
    {                                                                                                                            \
        return (s32_##isa)high((vector)a, (vector)b);                                                                            \
    }                                                                                                                            \
    target FORCE_INLINE u16_##isa scaled_##isa(u16_##isa a, u16_##isa b)                                                         \
    {                                                                                                                            \
        return (u16_##isa)scaled;                                                                                                \
    }

#ifdef TARGET_AVX2
VECTORS(avx2, 32)
OPERATIONS(avx2, TARGET_AVX2, __m256i, _mm256_min_epu8, _mm256_max_epu8, _mm256_mulhrs_epi16((__m256i)a, (__m256i)b))
#define L(name) name##_avx2
#define LANES_TARGET TARGET_AVX2
#define LANES 8
#include "kernels/pack.inc"
#undef L
#undef LANES_TARGET
#undef LANES

VECTORS(avx512, 64)
OPERATIONS(avx512, TARGET_AVX512, __m512i, _mm512_min_epu8, _mm512_max_epu8, _mm512_mulhrs_epi16((__m512i)a, (__m512i)b))
#define L(name) name##_avx512
#define LANES_TARGET TARGET_AVX512
#define LANES 16
#include "kernels/pack.inc"
#endif

#ifdef TARGET_NEON
VECTORS(neon, 16)
OPERATIONS(neon, TARGET_NEON, uint8x16_t, vminq_u8, vmaxq_u8, vqrdmulhq_s16((int16x8_t)a, (int16x8_t)b))
#define L(name) name##_neon
#define LANES_TARGET TARGET_NEON
#define LANES 4
#include "kernels/pack.inc"
#endif

/* NULL where the level below serves. */
static pack_q8 *const pack_at[ISA_COUNT] = {
    [ISA_SCALAR] = pack_scalar,
#ifdef TARGET_AVX2
    [ISA_AVX2] = pack_avx2,
    [ISA_AVX512] = pack_avx512,
#endif
#ifdef TARGET_NEON
    [ISA_NEON] = pack_neon,
#endif
};

pack_q8 *pack_q8_best(enum isa isa)
{
    int level = (int)isa;
    while (!pack_at[level])
        level--;
    return pack_at[level];
}
