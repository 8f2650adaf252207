/* rows_avx2.h - 16 lanes in two AVX2 registers, and int8 dot products with and without VNNI; the loops over rows are in
 * rows.inc. */
/* SPDX-License-Identifier: MIT */
#ifndef KERNELS_ROWS_AVX2_H
#define KERNELS_ROWS_AVX2_H

#include "kernels/rows_scalar.h"

#ifdef TARGET_AVX2

typedef struct {
    __m256 lo, hi; /* lanes 0..7, 8..15 */
} v16_avx2;

TARGET_AVX2 FORCE_INLINE v16_avx2 v16_zero_avx2(void)
{
    return (v16_avx2){_mm256_setzero_ps(), _mm256_setzero_ps()};
}

TARGET_AVX2 FORCE_INLINE v16_avx2 v16_load_avx2(const float *p)
{
    return (v16_avx2){_mm256_loadu_ps(p), _mm256_loadu_ps(p + 8)};
}

TARGET_AVX2 FORCE_INLINE void v16_store_avx2(float *p, v16_avx2 v)
{
    _mm256_storeu_ps(p, v.lo);
    _mm256_storeu_ps(p + 8, v.hi);
}

TARGET_AVX2 FORCE_INLINE v16_avx2 v16_set1_avx2(float f)
{
    return (v16_avx2){_mm256_set1_ps(f), _mm256_set1_ps(f)};
}

TARGET_AVX2 FORCE_INLINE v16_avx2 v16_fma_avx2(v16_avx2 a, v16_avx2 b, v16_avx2 c)
{
    return (v16_avx2){_mm256_fmadd_ps(a.lo, b.lo, c.lo), _mm256_fmadd_ps(a.hi, b.hi, c.hi)};
}

TARGET_AVX2 FORCE_INLINE float sum8_avx2(__m256 eight)
{
    __m128 four = _mm_add_ps(_mm256_castps256_ps128(eight), _mm256_extractf128_ps(eight, 1));
    __m128 two = _mm_add_ps(four, _mm_movehl_ps(four, four));
    return _mm_cvtss_f32(_mm_add_ss(two, _mm_movehdup_ps(two)));
}

TARGET_AVX2 FORCE_INLINE float v16_sum_avx2(v16_avx2 v)
{
    return sum8_avx2(_mm256_add_ps(v.lo, v.hi));
}

TARGET_AVX2 static inline v16_avx2 load16_f32_avx2(const uint8_t *row, int i)
{
    return v16_load_avx2((const float *)(row + (size_t)i * sizeof(float)));
}

TARGET_AVX2 static inline v16_avx2 load16_bf16_avx2(const uint8_t *row, int i)
{
    __m256i v = _mm256_loadu_si256((const __m256i *)(row + (size_t)i * 2));
    __m256i lo = _mm256_cvtepu16_epi32(_mm256_castsi256_si128(v)), hi = _mm256_cvtepu16_epi32(_mm256_extracti128_si256(v, 1));
    return (v16_avx2){_mm256_castsi256_ps(_mm256_slli_epi32(lo, 16)), _mm256_castsi256_ps(_mm256_slli_epi32(hi, 16))};
}

#define L(name) name##_avx2
#define LANES_TARGET TARGET_AVX2
#include "kernels/rows.inc"
#undef L
#undef LANES_TARGET

/* A group of 32 weights, as struct q32_scalar. */
typedef struct {
    __m256i q;
    float d[2], m[2];
} q32_avx2;

typedef q32_avx2 load32_avx2(const uint8_t *row, int group);

/* 16 floats of a group, its half `half`. */
TARGET_AVX2 FORCE_INLINE v16_avx2 v16_of_q32_avx2(q32_avx2 w, int half, const struct format *f)
{
    __m128i q = half ? _mm256_extracti128_si256(w.q, 1) : _mm256_castsi256_si128(w.q);
    __m256 lo = _mm256_cvtepi32_ps(_mm256_cvtepi8_epi32(q)), hi = _mm256_cvtepi32_ps(_mm256_cvtepi8_epi32(_mm_srli_si128(q, 8)));
    const int part = f->group == 16 && half;
    __m256 d = _mm256_set1_ps(part ? w.d[1] : w.d[0]);
    if (f->offset) { /* the product is exact, so this rounds as often as the scalar one: once */
        __m256 m = _mm256_set1_ps(part ? w.m[1] : w.m[0]);
        return (v16_avx2){_mm256_fmadd_ps(d, lo, m), _mm256_fmadd_ps(d, hi, m)};
    }
    return (v16_avx2){_mm256_mul_ps(d, lo), _mm256_mul_ps(d, hi)};
}

TARGET_AVX2 FORCE_INLINE float half_avx2(const void *p)
{
    return _mm_cvtss_f32(_mm_cvtph_ps(_mm_cvtsi32_si128(read_u16(p))));
}

/* acc[l] += the dot product of bytes 4l .. 4l+3, both signed. */
typedef __m256i dot4_x86(__m256i acc, __m256i w, __m256i x);

/* maddubs wants an unsigned factor, so the sign of w moves to x: |w| <= 128 and |x| <= 127, and 2 * 128 * 127 fits in 16 bits, so
 * nothing saturates. */
TARGET_AVX2 static inline __m256i dot4_avx2(__m256i acc, __m256i w, __m256i x)
{
    __m256i pairs = _mm256_maddubs_epi16(_mm256_abs_epi8(w), _mm256_sign_epi8(x, w));
    return _mm256_add_epi32(acc, _mm256_madd_epi16(pairs, _mm256_set1_epi16(1)));
}

#ifdef TARGET_AVX512VNNI
TARGET_AVX512VNNI static inline __m256i dot4_avx512vnni(__m256i acc, __m256i w, __m256i x)
{
    return _mm256_dpbusd_epi32(acc, _mm256_abs_epi8(w), _mm256_sign_epi8(x, w));
}
#endif

/* n rows (a constant), with the dot product of either level.  Lanes 0 .. 3 belong to the first 16 weights, so two scales cost no
 * more than one. */
TARGET_AVX2 FORCE_INLINE void matvec_q8_n_avx2(float *y, const uint8_t *w, load32_avx2 *load, dot4_x86 *dot4,
                                               const struct format *f, const struct act *x, int n)
{
    const size_t row_bytes = row_size(f, x->k);
    const int groups = x->k / 32;
    __m256 acc[4];
    float offset[4] = {0};
    UNROLL
    for (int j = 0; j < n; j++)
        acc[j] = _mm256_setzero_ps();
    for (int g = 0; g < groups; g++) {
        __m256i v = _mm256_loadu_si256((const __m256i *)(x->q + 32 * g));
        const float dx = x->d[g];
        prefetch_ahead(w + part_size(f, 32 * g) * (size_t)n, part_size(f, 32) * (size_t)n);
        UNROLL
        for (int j = 0; j < n; j++) {
            q32_avx2 q = load(w + (size_t)j * row_bytes, g);
            __m256i dot = dot4(_mm256_setzero_si256(), q.q, v);
            __m256 scale = _mm256_set1_ps(q.d[0] * dx);
            if (f->group == 16)
                scale = _mm256_insertf128_ps(scale, _mm_set1_ps(q.d[1] * dx), 1);
            acc[j] = _mm256_fmadd_ps(_mm256_cvtepi32_ps(dot), scale, acc[j]);
            if (f->offset && f->group == 16)
                offset[j] += dx * (q.m[0] * (float)x->sum[2 * g] + q.m[1] * (float)x->sum[2 * g + 1]);
            else if (f->offset)
                offset[j] += dx * q.m[0] * (float)(x->sum[2 * g] + x->sum[2 * g + 1]);
        }
    }
    UNROLL
    for (int j = 0; j < n; j++)
        y[j] = f->offset ? sum8_avx2(acc[j]) + offset[j] : sum8_avx2(acc[j]);
}

/* One row after the other where a byte holds no more than a weight, which is as fast as memory goes (q8_0: four rows side by side
 * take a tenth longer); the others take longer to unpack than to read, and side by side hide their latency. */
TARGET_AVX2 FORCE_INLINE void matvec_q8_rows_avx2(float *y, const uint8_t *w, load32_avx2 *load, dot4_x86 *dot4,
                                                  const struct format *f, const struct act *x, int rows)
{
    const size_t row_bytes = row_size(f, x->k);
    int r = 0;
    for (; f->bytes < f->block && r + 4 <= rows; r += 4)
        matvec_q8_n_avx2(y + r, w + (size_t)r * row_bytes, load, dot4, f, x, 4);
    for (; r < rows; r++)
        matvec_q8_n_avx2(y + r, w + (size_t)r * row_bytes, load, dot4, f, x, 1);
}

/* Eight rows of eight 32-bit words become eight columns: m[i] word j goes to m[j] word i. */
TARGET_AVX2 FORCE_INLINE void transpose8_avx2(__m256i m[8])
{
    __m256i t[8], u[8];
    UNROLL
    for (int i = 0; i < 4; i++) {
        t[2 * i] = _mm256_unpacklo_epi32(m[2 * i], m[2 * i + 1]);
        t[2 * i + 1] = _mm256_unpackhi_epi32(m[2 * i], m[2 * i + 1]);
    }
    UNROLL
    for (int i = 0; i < 2; i++) {
        u[4 * i] = _mm256_unpacklo_epi64(t[4 * i], t[4 * i + 2]);
        u[4 * i + 1] = _mm256_unpackhi_epi64(t[4 * i], t[4 * i + 2]);
        u[4 * i + 2] = _mm256_unpacklo_epi64(t[4 * i + 1], t[4 * i + 3]);
        u[4 * i + 3] = _mm256_unpackhi_epi64(t[4 * i + 1], t[4 * i + 3]);
    }
    UNROLL
    for (int i = 0; i < 4; i++) {
        m[i] = _mm256_permute2x128_si256(u[i], u[i + 4], 0x20);
        m[i + 4] = _mm256_permute2x128_si256(u[i], u[i + 4], 0x31);
    }
}

TARGET_AVX2 FORCE_INLINE void unpack_q8_avx2(const struct panel_q8 *panel, const uint8_t *w, size_t row_bytes, load32_avx2 *load,
                                             const struct format *f, int rows, int col, int cols)
{
    const int parts = 32 / f->group;
    const uint8_t *next = w + PANEL_ROWS * row_bytes + part_size(f, PANEL_ROWS * col);
    for (int g = 0; g < cols / 32; g++) {
        for (int r = 0; r < PANEL_ROWS; r += 8) {
            uint8_t *out = panel->q + ((size_t)g * 32 * PANEL_ROWS + (size_t)r * 4);
            const size_t at = (size_t)(g * parts * PANEL_ROWS + r);
            __m256i m[8];
            prefetch_from(next, 8 * part_size(f, 32)); /* the panel after this one */
            next += 8 * part_size(f, 32);
            UNROLL
            for (int j = 0; j < 8; j++) {
                q32_avx2 q = {_mm256_setzero_si256(), {0}, {0}};
                if (r + j < rows)
                    q = load(w + (size_t)(r + j) * row_bytes, col / 32 + g);
                for (int part = 0; part < parts; part++) {
                    panel->d[at + (size_t)(part * PANEL_ROWS + j)] = q.d[part];
                    if (f->offset)
                        panel->m[at + (size_t)(part * PANEL_ROWS + j)] = q.m[part];
                }
                m[j] = _mm256_xor_si256(q.q, _mm256_set1_epi8((char)0x80));
            }
            transpose8_avx2(m);
            UNROLL
            for (int j = 0; j < 8; j++)
                _mm256_storeu_si256((__m256i *)(out + j * PANEL_ROWS * 4), m[j]);
        }
    }
}

#endif
#endif
