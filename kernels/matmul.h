/* matmul.h - a weight matrix times one or many columns of activations.
 *
 * Formats are many, compute shapes few.  One column (decode) reads the native blocks through the format's matvec; many
 * columns (prefill) unpack PANEL_ROWS rows of any format, or a few times as many, into panels that stay in the L2 cache and
 * run one microkernel per instruction set over all columns.  So a new format brings an unpacker, not a GEMM.
 *
 * Panels: PANEL_ROWS rows of the matrix, missing rows are zeros.
 *   f32   [rows][cols] floats, the dequantized weights, row after row.  The microkernel keeps the 16 lanes that format.h defines.
 *   q8    u8 [cols / 4][PANEL_ROWS][4]: four consecutive weights of a row side by side, stored as q + 128, and
 *         float d [cols / group][PANEL_ROWS], with m like it where the format has an offset: weight = d * (u - 128) + m.
 *         This is the operand order of an int8 dot product with four elements per lane: one vector is one step of four weights
 *         for PANEL_ROWS rows, the activation is broadcast.
 *
 * Packed panels are q8 panels that were rounded once more: `pack` weights of a row have one scale, and none an offset, so that a
 * product is scaled as seldom as the activations allow.  Worth it for many columns only (kernels/pack.c).
 *
 * Neither allocates; the caller gives each thread its scratch and its own range of rows. */
/* SPDX-License-Identifier: MIT */
#ifndef KERNELS_MATMUL_H
#define KERNELS_MATMUL_H

#include <stddef.h>

#include "kernels/format.h"

#define PANEL_ROWS 32

struct matrix {
    const struct format *format;
    const void *data; /* row after row, format_row_bytes(format, cols) each */
    int rows, cols;
};

/* Bytes of scratch that one thread needs for a matrix of `cols` columns. */
size_t matmul_scratch(const struct format *f, int cols);

/* The parts of a q8 panel of `cols` columns in `scratch`. */
struct panel_q8 panel_q8_in(void *scratch, const struct format *f, int cols);

/* From so many columns on packed panels pay. */
#define PACK_COLUMNS 96

/* How many weights of k share a scale in packed panels, and should share one of the activations (act.pack and the run of
 * act_fill); 0 where k does not divide. */
int pack_run(int k);

/* y[c * ldy + r] = sum over i of w[r][i] * x[c][i] for rows row0 <= r < row1 and every column c of x.
 * The path is exact when x->kind is ACT_F32, else x->kind must be w->format->act; through packed panels where x->pack says so. */
void matmul(float *y, size_t ldy, const struct matrix *w, const struct act *x, int row0, int row1, enum isa isa, void *scratch);

#endif
