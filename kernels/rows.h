/* rows.h - makes the kernels of a format from the functions that read its weights.
 *
 *   q4_0_load16_avx2   16 weights of a row as floats: gives matvec_f32, vecmat and unpack_f32
 *   q4_0_load32_avx2   a group of 32 as int8 and a scale: gives matvec_q8 and unpack_q8
 *
 * FORMAT_F32(q4_0, avx2, TARGET_AVX2, 9) defines q4_0_matvec_f32_avx2 and so on; 9 is the bytes of 16 weights.  A format whose
 * blocks want another loop writes that kernel itself. */
/* SPDX-License-Identifier: MIT */
#ifndef KERNELS_ROWS_H
#define KERNELS_ROWS_H

#include "kernels/rows_avx2.h"
#include "kernels/rows_avx512.h"
#include "kernels/rows_neon.h"
#include "kernels/rows_scalar.h"

#define FORMAT_F32(format, isa, target, step)                                                                                    \
    target static void format##_matvec_f32_##isa(float *y, const void *w, const struct act *x, int rows)                         \
    {                                                                                                                            \
        matvec_##isa(y, w, format##_load16_##isa, step, x->f32, load16_f32_##isa, 16 * sizeof(float), x->k, rows);               \
    }                                                                                                                            \
    target static void format##_vecmat_##isa(float *y, const void *w, const float *a, int k, int rows)                           \
    {                                                                                                                            \
        vecmat_##isa(y, w, format##_load16_##isa, step, a, k, rows);                                                             \
    }                                                                                                                            \
    target static void format##_unpack_f32_##isa(float *panel, const void *w, size_t row_bytes, int rows, int col, int cols)     \
    {                                                                                                                            \
        unpack_f32_##isa(panel, w, row_bytes, format##_load16_##isa, step, rows, col, cols);                                     \
    }

/* load: format_load32_isa, or that of the level below */
#define FORMAT_MATVEC_Q8(format, isa, target, load, step)                                                                        \
    target static void format##_matvec_q8_##isa(float *y, const void *w, const struct act *x, int rows)                          \
    {                                                                                                                            \
        matvec_q8_##isa(y, w, load, step, x, rows);                                                                              \
    }

#define FORMAT_UNPACK_Q8(format, isa, target, load)                                                                              \
    target static void format##_unpack_q8_##isa(uint8_t *panel, float *d, const void *w, size_t row_bytes, int rows, int col,    \
                                                int cols)                                                                        \
    {                                                                                                                            \
        unpack_q8_##isa(panel, d, w, row_bytes, load, rows, col, cols);                                                          \
    }

#endif
