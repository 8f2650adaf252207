/* gemm_f32.c - float panels times many columns: the exact path, and bf16 without the instruction for it; and bf16 with it, which
 * reads the weights as they are.  The loops are in gemm.inc. */
/* SPDX-License-Identifier: MIT */
#include "kernels/gemm.h"
#include "kernels/rows.h"

#define KEPT_BYTES 4096 /* of a row: the columns of a tile are a part of the smallest L1 cache */

static void gemm_f32_scalar(float *y, size_t ldy, const float *panel, const struct act *x, int rows)
{
    const size_t k = (size_t)x->k;
    for (int c = 0; c < x->n; c++, y += ldy) {
        if (x->kind == ACT_F32)
            matvec_scalar(y, (const uint8_t *)panel, load16_f32_scalar, &format_f32, x->f32 + (size_t)c * k, load16_f32_scalar,
                          sizeof *x->f32, x->k, rows);
        else
            matvec_scalar(y, (const uint8_t *)panel, load16_f32_scalar, &format_f32, x->bf16 + (size_t)c * k, load16_bf16_scalar,
                          sizeof *x->bf16, x->k, rows);
    }
}

/* Each sum by itself: without registers of 16 lanes nothing is shared. */
#define STORE_SUMS(isa, target)                                                                                                  \
    target FORCE_INLINE void store_sums_##isa(float *y, size_t ldy, const v16_##isa *acc, int rows, int n)                       \
    {                                                                                                                            \
        UNROLL                                                                                                                   \
        for (int j = 0; j < 2 * n; j++) {                                                                                        \
            const float sum = v16_sum_##isa(acc[j]);                                                                             \
            if (j % 2 < rows)                                                                                                    \
                y[(size_t)(j / 2) * ldy + (size_t)(j % 2)] = sum;                                                                \
        }                                                                                                                        \
    }

#ifdef TARGET_AVX2
STORE_SUMS(avx2, TARGET_AVX2)

#define L(name) name##_avx2
#define LANES_TARGET TARGET_AVX2
#define TILE_ROWS 2
#define TILE_COLS 2
#include "kernels/gemm.inc"
#undef L
#undef LANES_TARGET
#undef TILE_ROWS
#undef TILE_COLS

/* KEEP, because gcc would fold the extraction into the store, and masked that way it faults on what it does not write. */
TARGET_AVX512 FORCE_INLINE void store_some_avx512(float *y, __mmask8 in, __m128 v)
{
    KEEP(v);
    _mm_mask_storeu_ps(y, in, v);
}

/* The lanes of four rows by four columns (of which n are there) added in pairs, in the order that format.h gives, for all 16 sums
 * together: a step halves the lanes of each and puts two side by side. */
TARGET_AVX512 FORCE_INLINE void store_sums_avx512(float *y, size_t ldy, const __m512 *acc, int rows, int n)
{
    const __mmask8 in = (__mmask8)(rows < 4 ? (1 << rows) - 1 : 15);
    __m512 row[4];
    UNROLL
    for (int r = 0; r < 4; r++) {
        __m512 c0 = acc[r], c1 = acc[(n > 1 ? 4 : 0) + r], c2 = acc[(n > 2 ? 8 : 0) + r], c3 = acc[(n > 3 ? 12 : 0) + r];
        __m512 a = _mm512_add_ps(_mm512_shuffle_f32x4(c0, c1, 0x44), _mm512_shuffle_f32x4(c0, c1, 0xee));
        __m512 b = _mm512_add_ps(_mm512_shuffle_f32x4(c2, c3, 0x44), _mm512_shuffle_f32x4(c2, c3, 0xee));
        row[r] = _mm512_add_ps(_mm512_shuffle_f32x4(a, b, 0x88), _mm512_shuffle_f32x4(a, b, 0xdd));
    }
    __m512 two[2];
    UNROLL
    for (int i = 0; i < 2; i++) {
        __m512d a = _mm512_castps_pd(row[2 * i]), b = _mm512_castps_pd(row[2 * i + 1]);
        two[i] = _mm512_add_ps(_mm512_castpd_ps(_mm512_unpacklo_pd(a, b)), _mm512_castpd_ps(_mm512_unpackhi_pd(a, b)));
    }
    __m512 one = _mm512_add_ps(_mm512_shuffle_ps(two[0], two[1], 0x88), _mm512_shuffle_ps(two[0], two[1], 0xdd));
    store_some_avx512(y, in, _mm512_castps512_ps128(one));
    if (n > 1)
        store_some_avx512(y + ldy, in, _mm512_extractf32x4_ps(one, 1));
    if (n > 2)
        store_some_avx512(y + 2 * ldy, in, _mm512_extractf32x4_ps(one, 2));
    if (n > 3)
        store_some_avx512(y + 3 * ldy, in, _mm512_extractf32x4_ps(one, 3));
}

#define L(name) name##_avx512
#define LANES_TARGET TARGET_AVX512
#define TILE_ROWS 4
#define TILE_COLS 4
#include "kernels/gemm.inc"
#undef L
#undef LANES_TARGET
#undef TILE_ROWS
#undef TILE_COLS

/* 32 bf16 as they are; their products are added to 16 lanes in pairs. */
TARGET_AVX512 static inline __m512 load32_bf16_avx512(const uint8_t *row, int i)
{
    return _mm512_loadu_ps(row + (size_t)i * sizeof(uint16_t));
}

TARGET_AVX512BF16 static inline __m512 madd_bf16_avx512bf16(__m512 a, __m512 b, __m512 sum)
{
    return _mm512_dpbf16_ps(sum, (__m512bh)a, (__m512bh)b);
}

TARGET_AVX512BF16 static void gemm_bf16_avx512bf16(float *y, size_t ldy, const uint16_t *w, const struct act *x, int rows)
{
    static const struct product_avx512 product = {load32_bf16_avx512, load32_bf16_avx512,   sizeof(uint16_t),
                                                  sizeof(uint16_t),   madd_bf16_avx512bf16, 32};
    gemm_avx512(y, ldy, w, x->bf16, &product, x->k, x->n, rows);
}
#endif

#ifdef TARGET_NEON
STORE_SUMS(neon, )

#define L(name) name##_neon
#define LANES_TARGET
#define TILE_ROWS 2
#define TILE_COLS 2
#include "kernels/gemm.inc"
#undef L
#undef LANES_TARGET
#undef TILE_ROWS
#undef TILE_COLS
#endif

/* NULL where the level below serves. */
static gemm_f32 *const f32_at[ISA_COUNT] = {
    [ISA_SCALAR] = gemm_f32_scalar,
#ifdef TARGET_AVX2
    [ISA_AVX2] = gemm_f32_avx2,
    [ISA_AVX512] = gemm_f32_avx512,
#endif
#ifdef TARGET_NEON
    [ISA_NEON] = gemm_f32_neon,
#endif
};

gemm_f32 *gemm_f32_best(enum isa isa)
{
    int level = (int)isa;
    while (!f32_at[level])
        level--;
    return f32_at[level];
}

gemm_bf16 *gemm_bf16_best(enum isa isa)
{
#ifdef TARGET_AVX512BF16
    if (isa == ISA_AVX512BF16)
        return gemm_bf16_avx512bf16;
#endif
    (void)isa;
    return NULL;
}
