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

#ifdef TARGET_AVX2
/* Byte i of each word. */
TARGET_AVX512 FORCE_INLINE __m512i byte_avx512(__m512i words, int i)
{
    return _mm512_and_si512(_mm512_srli_epi32(words, (unsigned)(8 * i)), _mm512_set1_epi32(255));
}

/* Every d and m of a block of 16 rows, whose first words are | d | m | and the scales. */
TARGET_AVX512 FORCE_INLINE void k_scales16_avx512(const struct panel_q8 *out, const uint8_t *p, size_t row_bytes)
{
    const __m512i six = _mm512_set1_epi32(63), four = _mm512_set1_epi32(15), two = _mm512_set1_epi32(0x30);
    __m512i v[4];
    words_avx512(v, p, row_bytes);
    const __m512 d = halves_avx512(v[0]), m = _mm512_sub_ps(_mm512_setzero_ps(), halves_avx512(_mm512_srli_epi32(v[0], 16)));
    UNROLL
    for (int g = 0; g < 8; g++) {
        __m512i first = byte_avx512(v[1], g % 4), second = byte_avx512(v[2], g % 4), third = byte_avx512(v[3], g % 4);
        __m512i scale = _mm512_and_si512(first, six), min = _mm512_and_si512(second, six);
        if (g >= 4) {
            scale = _mm512_or_si512(_mm512_and_si512(third, four), _mm512_and_si512(_mm512_srli_epi32(first, 2), two));
            min = _mm512_or_si512(_mm512_srli_epi32(third, 4), _mm512_and_si512(_mm512_srli_epi32(second, 2), two));
        }
        _mm512_storeu_ps(out->d + g * PANEL_ROWS, _mm512_mul_ps(d, _mm512_cvtepi32_ps(scale)));
        _mm512_storeu_ps(out->m + g * PANEL_ROWS, _mm512_mul_ps(m, _mm512_cvtepi32_ps(min)));
    }
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
