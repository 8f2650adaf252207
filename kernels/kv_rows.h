/* kv_rows.h - attention over rows of a KV cache for several queries at once: each row is read and turned into floats once for up
 * to four of them.
 *
 * Every element is computed by the same sums as by matvec_f32 and vecmat of one query, so the bits are the same for any number of
 * queries, and those of the exact path.  A format that KV caches have writes FORMAT_KV for each instruction set, behind FORMAT_F32,
 * and lists them with KV_KERNELS. */
/* SPDX-License-Identifier: MIT */
#ifndef KERNELS_KV_ROWS_H
#define KERNELS_KV_ROWS_H

#include "kernels/rows.h"

#ifdef TARGET_AVX2
#define L(name) name##_avx2
#define LANES_TARGET TARGET_AVX2
#include "kernels/kv_rows.inc"
#undef L
#undef LANES_TARGET
#endif

#ifdef TARGET_NEON
#define L(name) name##_neon
#define LANES_TARGET
#include "kernels/kv_rows.inc"
#undef L
#undef LANES_TARGET
#endif

#ifdef TARGET_AVX512

/* v16_sum of four, with the additions in the same order: halves, quarters, then within the quarters. */
TARGET_AVX512 FORCE_INLINE __m128 sums_in_order_avx512(__m512 a, __m512 b, __m512 c, __m512 d)
{
    __m512 ab = _mm512_add_ps(_mm512_shuffle_f32x4(a, b, 0x44), _mm512_shuffle_f32x4(a, b, 0xee));
    __m512 cd = _mm512_add_ps(_mm512_shuffle_f32x4(c, d, 0x44), _mm512_shuffle_f32x4(c, d, 0xee));
    __m512 four = _mm512_add_ps(_mm512_shuffle_f32x4(ab, cd, 0x88), _mm512_shuffle_f32x4(ab, cd, 0xdd));
    __m512 two = _mm512_add_ps(four, _mm512_permute_ps(four, 0x4e));
    __m512 one = _mm512_add_ps(two, _mm512_permute_ps(two, 0xb1));
    return _mm512_castps512_ps128(_mm512_permutexvar_ps(_mm512_castsi128_si512(_mm_setr_epi32(0, 4, 8, 12)), one));
}

/* y[c][r .. r + m) of n queries, [n][k]; m, 1 or 4, and n, up to 4, are constants. */
TARGET_AVX512 FORCE_INLINE void scores_n_avx512(float *const y[], int r, const uint8_t *w, size_t row_bytes, load16_avx512 *load,
                                                const struct format *f, const float *x, int k, float scale, int m, int n)
{
    __m512 acc[16];
    UNROLL
    for (int j = 0; j < 16; j++)
        acc[j] = _mm512_setzero_ps();
    int i = 0;
    for (; i + 16 <= k; i += 16) {
        prefetch_ahead(w + part_size(f, i) * (size_t)m, part_size(f, 16) * (size_t)m);
        UNROLL
        for (int j = 0; j < m; j++) {
            __m512 v = load(w + (size_t)j * row_bytes, i);
            UNROLL
            for (int c = 0; c < n; c++)
                acc[4 * c + j] = _mm512_fmadd_ps(v, _mm512_loadu_ps(x + (size_t)c * (size_t)k + i), acc[4 * c + j]);
        }
    }
    if (element_size(f) && i < k) {
        UNROLL
        for (int j = 0; j < m; j++) {
            __m512 v = load_rest_avx512(w + (size_t)j * row_bytes, i, k - i, load, element_size(f));
            UNROLL
            for (int c = 0; c < n; c++) {
                __m512 q = _mm512_maskz_loadu_ps((__mmask16)((1u << (k - i)) - 1), x + (size_t)c * (size_t)k + i);
                acc[4 * c + j] = _mm512_fmadd_ps(v, q, acc[4 * c + j]);
            }
        }
    }
    UNROLL
    for (int c = 0; c < n; c++) {
        if (m == 4)
            _mm_storeu_ps(y[c] + r, _mm_mul_ps(_mm_set1_ps(scale),
                                               sums_in_order_avx512(acc[4 * c], acc[4 * c + 1], acc[4 * c + 2], acc[4 * c + 3])));
        else
            y[c][r] = scale * v16_sum_avx512(acc[4 * c]);
    }
}

TARGET_AVX512 FORCE_INLINE void scores_avx512(float *const y[], const uint8_t *w, load16_avx512 *load, const struct format *f,
                                              const struct act *x, float scale, int rows)
{
    const int k = x->k;
    const size_t row_bytes = row_size(f, k);
    int r = 0;
    for (; r + 4 <= rows; r += 4, w += 4 * row_bytes) {
        const float *q = x->f32;
        int c = 0;
        for (; c + 4 <= x->n; c += 4, q += 4 * (size_t)k)
            scores_n_avx512(y + c, r, w, row_bytes, load, f, q, k, scale, 4, 4);
        switch (x->n - c) {
        case 3: scores_n_avx512(y + c, r, w, row_bytes, load, f, q, k, scale, 4, 3); break;
        case 2: scores_n_avx512(y + c, r, w, row_bytes, load, f, q, k, scale, 4, 2); break;
        case 1: scores_n_avx512(y + c, r, w, row_bytes, load, f, q, k, scale, 4, 1); break;
        default: break;
        }
    }
    for (; r < rows; r++, w += row_bytes) {
        for (int c = 0; c < x->n; c++)
            scores_n_avx512(y + c, r, w, row_bytes, load, f, x->f32 + (size_t)c * (size_t)k, k, scale, 1, 1);
    }
}

/* p pieces of 16 columns for n queries (constants): the sums stay in registers while the rows go by. */
TARGET_AVX512 FORCE_INLINE void mix_n_avx512(float *const y[], const uint8_t *w, size_t row_bytes, load16_avx512 *load,
                                             const struct format *f, const float *const a[], int col, int rows, int n, int p)
{
    __m512 acc[16];
    UNROLL
    for (int c = 0; c < n; c++) {
        UNROLL
        for (int j = 0; j < p; j++)
            acc[p * c + j] = _mm512_loadu_ps(y[c] + col + 16 * j);
    }
    for (int r = 0; r < rows; r++, w += row_bytes) {
        prefetch_ahead(w + part_size(f, col), part_size(f, 16 * p));
        __m512 v[8];
        UNROLL
        for (int j = 0; j < p; j++)
            v[j] = load(w, col + 16 * j);
        UNROLL
        for (int c = 0; c < n; c++) {
            const __m512 weight = _mm512_set1_ps(a[c][r]);
            UNROLL
            for (int j = 0; j < p; j++)
                acc[p * c + j] = _mm512_fmadd_ps(weight, v[j], acc[p * c + j]);
        }
    }
    UNROLL
    for (int c = 0; c < n; c++) {
        UNROLL
        for (int j = 0; j < p; j++)
            _mm512_storeu_ps(y[c] + col + 16 * j, acc[p * c + j]);
    }
}

/* The last columns, fewer than 16, of one query. */
TARGET_AVX512 FORCE_INLINE void mix_rest_avx512(float *y, const uint8_t *w, size_t row_bytes, load16_avx512 *load,
                                                const struct format *f, const float *a, int col, int k, int rows)
{
    const __mmask16 in = (__mmask16)((1u << (k - col)) - 1);
    __m512 acc = _mm512_maskz_loadu_ps(in, y + col);
    for (int r = 0; r < rows; r++, w += row_bytes)
        acc = _mm512_fmadd_ps(_mm512_set1_ps(a[r]), load_rest_avx512(w, col, k - col, load, element_size(f)), acc);
    _mm512_mask_storeu_ps(y + col, in, acc);
}

/* All whole pieces of n queries (a constant), p pieces at a time where there are as many. */
TARGET_AVX512 FORCE_INLINE void mix_columns_avx512(float *const y[], const uint8_t *w, size_t row_bytes, load16_avx512 *load,
                                                   const struct format *f, const float *const a[], int k, int rows, int n, int p)
{
    int col = 0;
    for (; col + 16 * p <= k; col += 16 * p)
        mix_n_avx512(y, w, row_bytes, load, f, a, col, rows, n, p);
    for (; col + 16 <= k; col += 16)
        mix_n_avx512(y, w, row_bytes, load, f, a, col, rows, n, 1);
    for (int c = 0; element_size(f) && col < k && c < n; c++)
        mix_rest_avx512(y[c], w, row_bytes, load, f, a[c], col, k, rows);
}

/* Two queries take 128 columns at a time, a whole row of most models: the memory sees one stream. */
TARGET_AVX512 FORCE_INLINE void mix_avx512(float *const y[], const uint8_t *w, load16_avx512 *load, const struct format *f,
                                           const float *const a[], int n, int k, int rows)
{
    const size_t row_bytes = row_size(f, k);
    int c = 0;
    for (; c + 4 <= n; c += 4)
        mix_columns_avx512(y + c, w, row_bytes, load, f, a + c, k, rows, 4, 4);
    switch (n - c) {
    case 3: mix_columns_avx512(y + c, w, row_bytes, load, f, a + c, k, rows, 3, 4); break;
    case 2:
        if (k % 128)
            mix_columns_avx512(y + c, w, row_bytes, load, f, a + c, k, rows, 2, 4);
        else
            mix_columns_avx512(y + c, w, row_bytes, load, f, a + c, k, rows, 2, 8);
        break;
    case 1: mix_columns_avx512(y + c, w, row_bytes, load, f, a + c, k, rows, 1, 4); break;
    default: break;
    }
}

#endif

/* Defines format_scores_f32_isa and format_mix_isa from format_load16_isa. */
#define FORMAT_KV(format, isa, target)                                                                                           \
    target static void format##_scores_f32_##isa(float *const y[], const void *w, const struct act *x, float scale, int rows)    \
    {                                                                                                                            \
        scores_##isa(y, w, format##_load16_##isa, &format_##format, x, scale, rows);                                             \
    }                                                                                                                            \
    target static void format##_mix_##isa(float *const y[], const void *w, const float *const a[], int n, int k, int rows)       \
    {                                                                                                                            \
        mix_##isa(y, w, format##_load16_##isa, &format_##format, a, n, k, rows);                                                 \
    }

#define KV_KERNELS(format, isa) .scores_f32 = format##_scores_f32_##isa, .mix = format##_mix_##isa

#endif
