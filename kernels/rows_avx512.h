/* rows_avx512.h - 16 lanes in one AVX-512 register, and int8 panels 16 rows at a time; the loops over rows of the exact path are
 * in rows.inc. */
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
#include "kernels/rows.inc"
#undef L
#undef LANES_TARGET

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

/* -- int8 panels ------------------------------------------------------------------------------------------------------------
 *
 * A row brings 16 bytes, four words; 16 rows side by side become four vectors of one word a row, before the codes are taken out
 * of the bytes: codes that share a byte are then unpacked for 16 rows at once, and their scales too. */

/* Lane r of v[i] is word i of the 16 bytes at p + r * row_bytes. */
TARGET_AVX512 FORCE_INLINE void words_avx512(__m512i v[4], const uint8_t *p, size_t row_bytes)
{
    __m512i z[4];
    UNROLL
    for (size_t i = 0; i < 4; i++) {
        const uint8_t *at = p + i * row_bytes;
        z[i] = _mm512_castsi128_si512(_mm_loadu_si128((const __m128i *)at));
        z[i] = _mm512_inserti32x4(z[i], _mm_loadu_si128((const __m128i *)(at + 4 * row_bytes)), 1);
        z[i] = _mm512_inserti32x4(z[i], _mm_loadu_si128((const __m128i *)(at + 8 * row_bytes)), 2);
        z[i] = _mm512_inserti32x4(z[i], _mm_loadu_si128((const __m128i *)(at + 12 * row_bytes)), 3);
    }
    __m512i a = _mm512_unpacklo_epi32(z[0], z[1]), b = _mm512_unpacklo_epi32(z[2], z[3]);
    __m512i c = _mm512_unpackhi_epi32(z[0], z[1]), d = _mm512_unpackhi_epi32(z[2], z[3]);
    v[0] = _mm512_unpacklo_epi64(a, b);
    v[1] = _mm512_unpackhi_epi64(a, b);
    v[2] = _mm512_unpacklo_epi64(c, d);
    v[3] = _mm512_unpackhi_epi64(c, d);
}

/* The fp16 in the lower half of each word. */
TARGET_AVX512 FORCE_INLINE __m512 halves_avx512(__m512i words)
{
    return _mm512_cvtph_ps(_mm512_cvtepi32_epi16(words));
}

/* Bits of every byte: `mask` of them from bit `shift` on. */
TARGET_AVX512 FORCE_INLINE __m512i bits_of_bytes_avx512(__m512i v, int shift, int mask)
{
    return _mm512_and_si512(_mm512_srli_epi16(v, (unsigned)shift), _mm512_set1_epi8((char)mask));
}

/* Step `step` (four weights) of a panel's 16 rows at q: v is the weights plus 128 - `plus`. */
TARGET_AVX512 FORCE_INLINE void put_step_avx512(uint8_t *q, int step, __m512i v, int plus)
{
    _mm512_storeu_si512(q + step * PANEL_ROWS * 4, _mm512_add_epi8(v, _mm512_set1_epi8((char)plus)));
}

/* One block of each of 16 rows, to where `out` points: the weights of these rows in a panel. */
typedef void block16_avx512(const struct panel_q8 *out, const uint8_t *p, size_t row_bytes);

/* A panel with all its rows, of whole blocks.  The lines of the panel after it are asked for meanwhile: with few columns the
 * weights come from memory.  In a loop: 3 columns of a model in q4_k took a third longer with it unrolled, 36 lines to a block. */
TARGET_AVX512 FORCE_INLINE void unpack_q8_blocks_avx512(const struct panel_q8 *panel, const uint8_t *w, size_t row_bytes,
                                                        block16_avx512 *block16, const struct format *f, int col, int cols)
{
    const uint8_t *p = w + f->row_header + (size_t)(col / f->block) * (size_t)f->bytes, *next = p + PANEL_ROWS * row_bytes;
    struct panel_q8 out = *panel;
    for (int b = 0; b < cols / f->block; b++, p += f->bytes) {
        for (size_t half = 0; half < 2; half++, next += 16 * f->bytes) {
            const struct panel_q8 at = {out.q + 64 * half, out.d + 16 * half, out.m + 16 * half};
            for (size_t i = 0; i < 16 * (size_t)f->bytes; i += 64)
                __builtin_prefetch(next + i);
            block16(&at, p + 16 * half * row_bytes, row_bytes);
        }
        out.q += (size_t)f->block * PANEL_ROWS;
        out.d += f->block / f->group * PANEL_ROWS;
        out.m += f->offset * (f->block / f->group * PANEL_ROWS);
    }
}

#endif
#endif
