/* rows.h - makes the kernels of a format from the functions that read its weights.
 *
 * A format with blocks writes NAME_load32_ISA: group `group` of a row, 32 weights as int8 with d and m (struct q32_scalar,
 * q32_avx2, q32_neon).  Then
 *
 *   FORMAT_SCALAR(q4_1)   defines q4_1_dequantize and, from q4_1_load32_scalar, all its scalar kernels
 *   FORMAT_SIMD(q4_1)     defines those of this architecture's instruction sets, from q4_1_load32_avx2 or q4_1_load32_neon
 *   .isa = {SCALAR_KERNELS(q4_1), SIMD_KERNELS(q4_1)}   lists them
 *
 * A format without blocks writes NAME_load16_ISA, 16 weights of a row as floats, and takes FORMAT_F32 for each instruction set.
 * A format whose blocks want another loop writes that kernel itself, and its list; dot256_avx512.h makes the matvec of decoding
 * from what reads 256 weights, kv_rows.h the kernels of attention for several queries. */
/* SPDX-License-Identifier: MIT */
#ifndef KERNELS_ROWS_H
#define KERNELS_ROWS_H

#include "kernels/rows_avx2.h"
#include "kernels/rows_avx512.h"
#include "kernels/rows_neon.h"
#include "kernels/rows_scalar.h"

#define FORMAT_F32(format, isa, target)                                                                                          \
    target static void format##_matvec_f32_##isa(float *y, const void *w, const struct act *x, int rows)                         \
    {                                                                                                                            \
        matvec_##isa(y, w, format##_load16_##isa, &format_##format, x->f32, load16_f32_##isa, sizeof(float), x->k, rows);        \
    }                                                                                                                            \
    target static void format##_vecmat_##isa(float *y, const void *w, const float *a, int k, int rows)                           \
    {                                                                                                                            \
        vecmat_##isa(y, w, format##_load16_##isa, &format_##format, a, k, rows);                                                 \
    }                                                                                                                            \
    target static void format##_unpack_f32_##isa(float *panel, const void *w, size_t row_bytes, int rows, int col, int cols)     \
    {                                                                                                                            \
        unpack_f32_##isa(panel, w, row_bytes, format##_load16_##isa, &format_##format, rows, col, cols);                         \
    }

#define FORMAT_UNPACK_Q8(format, isa, target)                                                                                    \
    target static void format##_unpack_q8_##isa(const struct panel_q8 *panel, const void *w, size_t row_bytes, int rows,         \
                                                int col, int cols)                                                               \
    {                                                                                                                            \
        unpack_q8_##isa(panel, w, row_bytes, format##_load32_##isa, &format_##format, rows, col, cols);                          \
    }

/* From NAME_block16_avx512; what is no whole panel of whole blocks is left to the level below. */
#define FORMAT_BLOCK16(format)                                                                                                   \
    TARGET_AVX512 static void format##_unpack_q8_avx512(const struct panel_q8 *panel, const void *w, size_t row_bytes, int rows, \
                                                        int col, int cols)                                                       \
    {                                                                                                                            \
        if (rows < PANEL_ROWS || col % format_##format.block || cols % format_##format.block)                                    \
            format##_unpack_q8_avx2(panel, w, row_bytes, rows, col, cols);                                                       \
        else                                                                                                                     \
            unpack_q8_blocks_avx512(panel, w, row_bytes, format##_block16_avx512, &format_##format, col, cols);                  \
    }

#define F32_KERNELS(format, isa)                                                                                                 \
    .matvec_f32 = format##_matvec_f32_##isa, .vecmat = format##_vecmat_##isa, .unpack_f32 = format##_unpack_f32_##isa

#define ALL_KERNELS(format, isa)                                                                                                 \
    {                                                                                                                            \
        F32_KERNELS(format, isa), .matvec_act = format##_matvec_q8_##isa, .unpack_q8 = format##_unpack_q8_##isa                  \
    }

#define FORMAT_SCALAR(format)                                                                                                    \
    static void format##_dequantize(float *dst, const void *src, int k)                                                          \
    {                                                                                                                            \
        dequantize_scalar(dst, src, format##_load32_scalar, &format_##format, k);                                                \
    }                                                                                                                            \
    static inline void format##_load16_scalar(float out[16], const uint8_t *row, int i)                                          \
    {                                                                                                                            \
        const struct q32_scalar w = format##_load32_scalar(row, i / 32);                                                         \
        floats_of_q32_scalar(out, &w, i / 16 % 2, &format_##format);                                                             \
    }                                                                                                                            \
    FORMAT_F32(format, scalar, )                                                                                                 \
    static void format##_matvec_q8_scalar(float *y, const void *w, const struct act *x, int rows)                                \
    {                                                                                                                            \
        matvec_q8_scalar(y, w, format##_load32_scalar, &format_##format, x, rows);                                               \
    }                                                                                                                            \
    FORMAT_UNPACK_Q8(format, scalar, )

#define SCALAR_KERNELS(format) [ISA_SCALAR] = ALL_KERNELS(format, scalar)

/* load16 at one instruction set from the load32 of the same or of a lower one. */
#define FORMAT_LOAD16(format, isa, target, load_isa)                                                                             \
    target static inline v16_##isa format##_load16_##isa(const uint8_t *row, int i)                                              \
    {                                                                                                                            \
        return v16_of_q32_##isa(format##_load32_##load_isa(row, i / 32), i % 32 != 0, &format_##format);                         \
    }

#define FORMAT_MATVEC_Q8(format, isa, target, load_isa)                                                                          \
    target static void format##_matvec_q8_##isa(float *y, const void *w, const struct act *x, int rows)                          \
    {                                                                                                                            \
        matvec_q8_rows_##load_isa(y, w, format##_load32_##load_isa, dot4_##isa, &format_##format, x, rows);                      \
    }

#if defined TARGET_AVX2
#define FORMAT_AVX2(format)                                                                                                      \
    FORMAT_LOAD16(format, avx2, TARGET_AVX2, avx2)                                                                               \
    FORMAT_F32(format, avx2, TARGET_AVX2)                                                                                        \
    FORMAT_MATVEC_Q8(format, avx2, TARGET_AVX2, avx2)                                                                            \
    FORMAT_UNPACK_Q8(format, avx2, TARGET_AVX2)

#define FORMAT_AVX512(format)                                                                                                    \
    FORMAT_AVX2(format)                                                                                                          \
    FORMAT_LOAD16(format, avx512, TARGET_AVX512, avx2)                                                                           \
    FORMAT_F32(format, avx512, TARGET_AVX512)

#define FORMAT_SIMD(format)                                                                                                      \
    FORMAT_AVX512(format)                                                                                                        \
    FORMAT_MATVEC_Q8(format, avx512vnni, TARGET_AVX512VNNI, avx2)

#define SIMD_KERNELS(format)                                                                                                     \
    [ISA_AVX2] = ALL_KERNELS(format, avx2), [ISA_AVX512] = {F32_KERNELS(format, avx512)},                                        \
    [ISA_AVX512VNNI] = {.matvec_act = format##_matvec_q8_avx512vnni}

/* One more kernel for the list of a format. */
#define BLOCK16_KERNEL(format) [ISA_AVX512].unpack_q8 = format##_unpack_q8_avx512
/* ... that of dot256_avx512.h for up to n columns. */
#define FEW_KERNEL(format, n) [ISA_AVX512VNNI].few_act = format##_few_q8_avx512vnni, [ISA_AVX512VNNI].few = (n)
#elif defined TARGET_NEON
#define FORMAT_SIMD(format)                                                                                                      \
    FORMAT_LOAD16(format, neon, TARGET_NEON, neon)                                                                               \
    FORMAT_F32(format, neon, TARGET_NEON)                                                                                        \
    FORMAT_MATVEC_Q8(format, neon, TARGET_NEON, neon)                                                                            \
    FORMAT_UNPACK_Q8(format, neon, TARGET_NEON)                                                                                  \
    FORMAT_MATVEC_Q8(format, dotprod, TARGET_DOTPROD, neon)

#define SIMD_KERNELS(format) [ISA_NEON] = ALL_KERNELS(format, neon), [ISA_DOTPROD] = {.matvec_act = format##_matvec_q8_dotprod}
#else
#define FORMAT_SIMD(format)
#define SIMD_KERNELS(format) [ISA_AVX2] = {NULL} /* another architecture: plain C */
#endif

#ifndef BLOCK16_KERNEL
#define BLOCK16_KERNEL(format) [ISA_AVX512].unpack_q8 = NULL
#define FEW_KERNEL(format, n) [ISA_SCALAR].few = 0
#endif

#endif
