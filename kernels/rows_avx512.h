/* rows_avx512.h - 16 lanes in one AVX-512 register; the loops over rows are in rows.inc. */
/* SPDX-License-Identifier: MIT */
#ifndef KERNELS_ROWS_AVX512_H
#define KERNELS_ROWS_AVX512_H

#include "kernels/rows_avx2.h"

#ifdef TARGET_AVX512

typedef __m512 v16_avx512;

TARGET_AVX512 FORCE_INLINE __m512 v16_zero_avx512(void)
{
    return _mm512_setzero_ps();
}

TARGET_AVX512 FORCE_INLINE __m512 v16_load_avx512(const float *p)
{
    return _mm512_loadu_ps(p);
}

TARGET_AVX512 FORCE_INLINE void v16_store_avx512(float *p, __m512 v)
{
    _mm512_storeu_ps(p, v);
}

TARGET_AVX512 FORCE_INLINE __m512 v16_set1_avx512(float f)
{
    return _mm512_set1_ps(f);
}

TARGET_AVX512 FORCE_INLINE __m512 v16_fma_avx512(__m512 a, __m512 b, __m512 c)
{
    return _mm512_fmadd_ps(a, b, c);
}

TARGET_AVX512 FORCE_INLINE float v16_sum_avx512(__m512 v)
{
    __m256 eight = _mm256_add_ps(_mm512_castps512_ps256(v), _mm512_extractf32x8_ps(v, 1));
    __m128 four = _mm_add_ps(_mm256_castps256_ps128(eight), _mm256_extractf128_ps(eight, 1));
    __m128 two = _mm_add_ps(four, _mm_movehl_ps(four, four));
    return _mm_cvtss_f32(_mm_add_ss(two, _mm_movehdup_ps(two)));
}

/* The sums of four registers, lanes in any order: only for the int8 and bf16 paths. */
TARGET_AVX512 FORCE_INLINE __m128 sum4_avx512(__m512 a, __m512 b, __m512 c, __m512 d)
{
    __m512 ab = _mm512_add_ps(_mm512_unpacklo_ps(a, b), _mm512_unpackhi_ps(a, b)); /* a b a b of each quarter */
    __m512 cd = _mm512_add_ps(_mm512_unpacklo_ps(c, d), _mm512_unpackhi_ps(c, d));
    __m512 abcd = _mm512_add_ps(_mm512_shuffle_ps(ab, cd, 0x44), _mm512_shuffle_ps(ab, cd, 0xee));
    __m256 half = _mm256_add_ps(_mm512_castps512_ps256(abcd), _mm512_extractf32x8_ps(abcd, 1));
    return _mm_add_ps(_mm256_castps256_ps128(half), _mm256_extractf128_ps(half, 1));
}

TARGET_AVX512 static inline __m512 load16_f32_avx512(const uint8_t *row, int i)
{
    return _mm512_loadu_ps(row + (size_t)i * sizeof(float));
}

TARGET_AVX512 static inline __m512 load16_bf16_avx512(const uint8_t *row, int i)
{
    __m256i half = _mm256_loadu_si256((const __m256i *)(row + (size_t)i * 2));
    return _mm512_castsi512_ps(_mm512_slli_epi32(_mm512_cvtepu16_epi32(half), 16));
}

#define L(name) name##_avx512
#define LANES_TARGET TARGET_AVX512
#define TILE_ROWS 4
#define TILE_COLS 4
#include "kernels/rows.inc"
#undef L
#undef LANES_TARGET
#undef TILE_ROWS
#undef TILE_COLS

/* 16 floats of a group, its half `half`: what a format reads with AVX2 serves here too. */
TARGET_AVX512 FORCE_INLINE __m512 v16_of_q32_avx512(q32_avx2 w, int half, const struct format *f)
{
    __m512 q = _mm512_cvtepi32_ps(_mm512_cvtepi8_epi32(half ? _mm256_extracti128_si256(w.q, 1) : _mm256_castsi256_si128(w.q)));
    const int part = f->group == 16 && half;
    __m512 d = _mm512_set1_ps(part ? w.d[1] : w.d[0]);
    return f->offset ? _mm512_fmadd_ps(d, q, _mm512_set1_ps(part ? w.m[1] : w.m[0])) : _mm512_mul_ps(d, q);
}

/* A matvec from `dot`, the sum of a row in 16 lanes.  One row after the other: a single ascending stream is what the hardware's
 * prefetch follows best (Zen 5: .94 to 1 of the read bandwidth, against .7 to .9 with four rows side by side, worse the longer
 * the rows).  The last additions are shared by four rows. */
#define MATVEC_ROW_BY_ROW(name, target, dot, format)                                                                             \
    target static void name(float *y, const void *w, const struct act *x, int rows)                                              \
    {                                                                                                                            \
        const size_t row_bytes = row_size(&format, x->k);                                                                        \
        const uint8_t *row = w;                                                                                                  \
        int r = 0;                                                                                                               \
        for (; r + 4 <= rows; r += 4, row += 4 * row_bytes) {                                                                    \
            __m512 acc[4];                                                                                                       \
            for (int j = 0; j < 4; j++)                                                                                          \
                acc[j] = dot(row + (size_t)j * row_bytes, x);                                                                    \
            _mm_storeu_ps(y + r, sum4_avx512(acc[0], acc[1], acc[2], acc[3]));                                                   \
        }                                                                                                                        \
        for (; r < rows; r++, row += row_bytes)                                                                                  \
            y[r] = v16_sum_avx512(dot(row, x));                                                                                  \
    }

#endif
#endif
