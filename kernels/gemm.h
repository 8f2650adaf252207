/* gemm.h - the many-column kernels under matmul: panels of PANEL_ROWS rows (matmul.h) times every column of x.
 *
 * y[c * ldy + r] is written for the first `rows` rows, 1 .. PANEL_ROWS (int8: PANELS_Q8 times as many), and every column c of
 * x. */
/* SPDX-License-Identifier: MIT */
#ifndef KERNELS_GEMM_H
#define KERNELS_GEMM_H

#include "kernels/format.h"

/* x is F32 or BF16; the lanes of the exact path either way. */
typedef void gemm_f32(float *y, size_t ldy, const float *panel, const struct act *x, int rows);

/* Up to so many columns matmul reads the native blocks once per column, from the L1 cache after the first, where a format has no
 * kernel for a few: a panel costs more than it saves.  Measured on Zen 5 with AVX-512, as are the limits of those kernels
 * (FEW_KERNEL). */
#define FEW_Q8 2

/* x is Q8, of more than FEW_Q8 columns; row r is in panels[r / PANEL_ROWS].  Panels side by side read the columns less often, for
 * those of a long prompt do not stay in the L2 cache, and write longer pieces of y. */
#define PANELS_Q8 4
typedef void gemm_q8(float *y, size_t ldy, const struct panel_q8 *panels, const struct act *x, int rows);

/* The first cols weights of `from`, a format's panel with its group and offset, to a panel with a scale for every `pack`, which
 * divides cols and is 64 or PACK_RUN, and no offset; `to` may be `from`. */
#define PACK_RUN 128
typedef void pack_q8(const struct panel_q8 *to, const struct panel_q8 *from, int group, int offset, int pack, int cols);

/* x is BF16 and the weights are native bf16 rows: the instruction reads both as they are. */
typedef void gemm_bf16(float *y, size_t ldy, const uint16_t *w, const struct act *x, int rows);

/* The best kernel at or below isa, of int8 for panels with that group (16 or 32, of packed ones 64 or PACK_RUN) and offset; of
 * the last there may be none (NULL: gemm_f32 serves). */
gemm_f32 *gemm_f32_best(enum isa isa);
gemm_q8 *gemm_q8_best(enum isa isa, int group, int offset);
pack_q8 *pack_q8_best(enum isa isa);
gemm_bf16 *gemm_bf16_best(enum isa isa);

#endif
