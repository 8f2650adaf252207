/* kv_many.c - see kv_many.h. */
/* SPDX-License-Identifier: MIT */
#include "kernels/kv_many.h"

#include <math.h>

#include "kernels/rows.h"

static void side_by_side_scalar(float *to, const float *const q[], int n, int dim, float scale)
{
    for (int i = 0; i < dim; i++, to += QUERIES)
        for (int l = 0; l < QUERIES; l++)
            to[l] = l < n ? q[l][i] * scale : 0;
}

static void scores_scalar(float *s, const float *k, const float *q, int n, int dim, int rows)
{
    for (int r = 0; r < rows; r++, k += dim, s += QUERIES)
        for (int l = 0; l < n; l++) {
            s[l] = 0;
            for (int i = 0; i < dim; i++)
                s[l] = fmaf(k[i], q[i * QUERIES + l], s[l]);
        }
}

static void mix_scalar(float *const out[], const float *v, const float *s, int n, int dim, int rows)
{
    for (int l = 0; l < n; l++)
        for (int i = 0; i < dim; i++)
            for (int r = 0; r < rows; r++)
                out[l][i] = fmaf(s[r * QUERIES + l], v[(size_t)r * (size_t)dim + (size_t)i], out[l][i]);
}

static void divide_scalar(float *const out[], const float *sum, int n, int dim)
{
    for (int l = 0; l < n; l++) {
        const float inverse = 1 / sum[l];
        for (int i = 0; i < dim; i++)
            out[l][i] = fmaf(out[l][i], inverse, 0); /* as the vectors: no negative zero */
    }
}

#ifdef TARGET_AVX2
#define L(name) name##_avx2
#define LANES_TARGET TARGET_AVX2
#define TILE 2
#define PIECES 1
#include "kernels/kv_many.inc"
#undef L
#undef LANES_TARGET
#undef TILE
#undef PIECES

#define L(name) name##_avx512
#define LANES_TARGET TARGET_AVX512
#define TILE 8
#define PIECES 4
#include "kernels/kv_many.inc"
#endif

#ifdef TARGET_AVX2
/* Sixteen rows of 16 become 16 columns: pairs of floats, fours, then quarters of a register change places. */
TARGET_AVX512 FORCE_INLINE void transpose16_avx512(__m512 v[16])
{
    __m512 t[16];
    UNROLL
    for (int i = 0; i < 16; i += 2) {
        t[i] = _mm512_unpacklo_ps(v[i], v[i + 1]);
        t[i + 1] = _mm512_unpackhi_ps(v[i], v[i + 1]);
    }
    UNROLL
    for (int i = 0; i < 16; i += 4) {
        UNROLL
        for (int j = 0; j < 2; j++) {
            const __m512d a = _mm512_castps_pd(t[i + j]), b = _mm512_castps_pd(t[i + j + 2]);
            v[i + 2 * j] = _mm512_castpd_ps(_mm512_unpacklo_pd(a, b));
            v[i + 2 * j + 1] = _mm512_castpd_ps(_mm512_unpackhi_pd(a, b));
        }
    }
    UNROLL
    for (int i = 0; i < 8; i++) {
        const int at = i / 4 * 8 + i % 4;
        t[at] = _mm512_shuffle_f32x4(v[at], v[at + 4], 0x88);
        t[at + 4] = _mm512_shuffle_f32x4(v[at], v[at + 4], 0xdd);
    }
    UNROLL
    for (int i = 0; i < 8; i++) {
        v[i] = _mm512_shuffle_f32x4(t[i], t[i + 8], 0x88);
        v[i + 8] = _mm512_shuffle_f32x4(t[i], t[i + 8], 0xdd);
    }
}

TARGET_AVX512 static void side_by_side_avx512(float *to, const float *const q[], int n, int dim, float scale)
{
    int i = 0;
    for (; i + 16 <= dim; i += 16, to += 16 * QUERIES)
        for (int from = 0; from < QUERIES; from += 16) {
            __m512 v[16];
            UNROLL
            for (int l = 0; l < 16; l++)
                v[l] =
                    from + l < n ? _mm512_mul_ps(_mm512_loadu_ps(q[from + l] + i), _mm512_set1_ps(scale)) : _mm512_setzero_ps();
            transpose16_avx512(v);
            UNROLL
            for (int l = 0; l < 16; l++)
                _mm512_storeu_ps(to + l * QUERIES + from, v[l]);
        }
    const float *rest[QUERIES];
    for (int l = 0; l < n; l++)
        rest[l] = q[l] + i;
    side_by_side_scalar(to, rest, n, dim - i, scale);
}
#endif

#ifdef TARGET_NEON
#define L(name) name##_neon
#define LANES_TARGET
#define TILE 2
#define PIECES 1
#include "kernels/kv_many.inc"
#endif

static const struct kv_many kernels[ISA_COUNT] = {
    [ISA_SCALAR] = {side_by_side_scalar, scores_scalar, mix_scalar, divide_scalar},
#ifdef TARGET_AVX2
    [ISA_AVX2] = {side_by_side_scalar, scores_avx2, mix_avx2, divide_avx2},
    [ISA_AVX512] = {side_by_side_avx512, scores_avx512, mix_avx512, divide_avx512},
#endif
#ifdef TARGET_NEON
    [ISA_NEON] = {side_by_side_scalar, scores_neon, mix_neon, divide_neon},
#endif
};

const struct kv_many *kv_many_at(enum isa isa)
{
    int level = (int)isa;
    while (!kernels[level].scores)
        level--;
    return &kernels[level];
}
