/* k_scales.h - the eight scales and mins of six bits that a block of q4_k or q5_k packs into twelve bytes.
 *
 *   byte g, g < 4        scale g          | upper two bits of scale g + 4
 *   byte g + 4, g < 4    min g            | upper two bits of min g + 4
 *   byte g + 4, g >= 4   low four bits of scale g and, above them, of min g */
/* SPDX-License-Identifier: MIT */
#ifndef KERNELS_K_SCALES_H
#define KERNELS_K_SCALES_H

#include "kernels/codes.h"
#include "kernels/dot256_avx512.h"

static inline int k_scale(const uint8_t *s, int g)
{
    return g < 4 ? s[g] & 63 : (s[g + 4] & 15) | s[g - 4] >> 6 << 4;
}

static inline int k_min(const uint8_t *s, int g)
{
    return g < 4 ? s[g + 4] & 63 : s[g + 4] >> 4 | s[g] >> 6 << 4;
}

#ifdef TARGET_AVX512VNNI
/* All of them as dot256_avx512.h wants them. */
TARGET_AVX512VNNI FORCE_INLINE void k_scales_avx512vnni(__m512i *scale, __m512i *min, const uint8_t *s)
{
    const uint64_t first = read_u64(s), last = read_u32(s + 8); /* four scales and mins, and the low bits of the others */
    const uint64_t low = (last & 0x0f0f0f0f) | (last << 28 & 0x0f0f0f0f00000000), high = first >> 2 & 0x3030303030303030;
    const __m128i v = _mm_set_epi64x((long long)(low | high), (long long)(first & 0x3f3f3f3f3f3f3f3f));
    const __m512i at = _mm512_setr_epi32(0, 2, 8, 10, 0, 2, 8, 10, 1, 3, 9, 11, 1, 3, 9, 11);
    *scale = pick_twice_avx512vnni(v, at);
    *min = pick_once_avx512vnni(v, _mm512_add_epi32(at, _mm512_set1_epi32(4)));
}
#endif

static inline void k_scales_pack(uint8_t s[12], const int scale[8], const int min[8])
{
    for (int g = 0; g < 4; g++) {
        s[g] = (uint8_t)(scale[g] | scale[g + 4] >> 4 << 6);
        s[g + 4] = (uint8_t)(min[g] | min[g + 4] >> 4 << 6);
        s[g + 8] = (uint8_t)((scale[g + 4] & 15) | (min[g + 4] & 15) << 4);
    }
}

#endif
