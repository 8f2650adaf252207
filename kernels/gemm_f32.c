/* gemm_f32.c - float panels times many columns: the exact path, and bf16 without the instruction for it.
 *
 * Register tiles of a few rows by a few columns, 16 lanes each, so that every load serves several multiplications; the lanes are
 * those of one matvec, so a product has the same bits whatever the batch. */
/* SPDX-License-Identifier: MIT */
#include "kernels/gemm.h"
#include "kernels/rows.h"

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

#define GEMM_F32(isa, target)                                                                                                    \
    target static void gemm_f32_##isa(float *y, size_t ldy, const float *panel, const struct act *x, int rows)                   \
    {                                                                                                                            \
        if (x->kind == ACT_F32)                                                                                                  \
            gemm_##isa(y, ldy, panel, x->f32, load16_f32_##isa, sizeof *x->f32, x->k, x->n, rows);                               \
        else                                                                                                                     \
            gemm_##isa(y, ldy, panel, x->bf16, load16_bf16_##isa, sizeof *x->bf16, x->k, x->n, rows);                            \
    }

#ifdef TARGET_AVX2
GEMM_F32(avx2, TARGET_AVX2)
GEMM_F32(avx512, TARGET_AVX512)
#endif
#ifdef TARGET_NEON
GEMM_F32(neon, TARGET_NEON)
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

#ifdef TARGET_AVX512BF16
#define TILE_ROWS 4
#define TILE_COLS 4

/* TILE_ROWS rows times n columns (a constant), 32 products a lane pair; writes the first `rows` rows. */
TARGET_AVX512BF16 FORCE_INLINE void tile_bf16_avx512bf16(float *y, size_t ldy, const uint16_t *const w[TILE_ROWS],
                                                         const uint16_t *x, int k, int rows, int n)
{
    __m512 acc[TILE_COLS * TILE_ROWS];
    UNROLL
    for (int j = 0; j < n * TILE_ROWS; j++)
        acc[j] = _mm512_setzero_ps();
    for (int i = 0; i < k; i += 32) {
        __mmask32 in = k - i < 32 ? (1u << (k - i)) - 1 : ~0u;
        __m512bh v[TILE_ROWS];
        UNROLL
        for (int r = 0; r < TILE_ROWS; r++)
            v[r] = (__m512bh)_mm512_maskz_loadu_epi16(in, w[r] + i);
        UNROLL
        for (int c = 0; c < n; c++) {
            __m512bh xv = (__m512bh)_mm512_maskz_loadu_epi16(in, x + (size_t)c * (size_t)k + i);
            UNROLL
            for (int r = 0; r < TILE_ROWS; r++)
                acc[c * TILE_ROWS + r] = _mm512_dpbf16_ps(acc[c * TILE_ROWS + r], v[r], xv);
        }
    }
    UNROLL
    for (int c = 0; c < n; c++) {
        const __m512 *a = acc + c * TILE_ROWS;
        _mm_mask_storeu_ps(y + (size_t)c * ldy, (__mmask8)((1 << rows) - 1), sum4_avx512(a[0], a[1], a[2], a[3]));
    }
}

TARGET_AVX512BF16 static void gemm_bf16_avx512bf16(float *y, size_t ldy, const uint16_t *w, const struct act *x, int rows)
{
    const size_t k = (size_t)x->k;
    for (int r = 0; r < rows; r += TILE_ROWS) {
        int here = rows - r < TILE_ROWS ? rows - r : TILE_ROWS;
        const uint16_t *row[TILE_ROWS]; /* a row that is not there repeats the last, and is not written */
        for (int j = 0; j < TILE_ROWS; j++)
            row[j] = w + (size_t)(r + (j < here ? j : here - 1)) * k;
        int c = 0;
        for (; c + TILE_COLS <= x->n; c += TILE_COLS)
            tile_bf16_avx512bf16(y + (size_t)c * ldy + r, ldy, row, x->bf16 + (size_t)c * k, x->k, here, TILE_COLS);
        for (; c < x->n; c++)
            tile_bf16_avx512bf16(y + (size_t)c * ldy + r, ldy, row, x->bf16 + (size_t)c * k, x->k, here, 1);
    }
}
#endif

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
