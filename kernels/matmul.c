/* SPDX-License-Identifier: MIT */
#include "kernels/matmul.h"

#include "kernels/gemm.h"

/* As FEW_Q8, for the other kinds. */
#define FEW_F32 3
#define FEW_BF16 1 /* with the instruction: nothing is unpacked */
/* From so many columns on there are several int8 panels at a time, of so many bytes at most: part of an L2 cache of 1 MiB. */
#define MANY_Q8 64
#define PANELS_BYTES ((size_t)640 << 10)

int pack_run(int k)
{
    return k % PACK_RUN == 0 ? PACK_RUN : k % 64 == 0 ? 64 : 0;
}

static size_t panel_q8_bytes(const struct format *f, int cols)
{
    const size_t scales = (size_t)(cols / f->group) * PANEL_ROWS * sizeof(float);
    return (size_t)cols * PANEL_ROWS + scales + (f->offset ? scales : 0);
}

/* As many as fit beside a tile of columns; one where there are few columns, which stays in the L1 cache. */
static int panels_q8(const struct format *f, int cols, int columns)
{
    const size_t fit = PANELS_BYTES / panel_q8_bytes(f, cols);
    return columns < MANY_Q8 || fit < 1 ? 1 : fit < PANELS_Q8 ? (int)fit : PANELS_Q8;
}

size_t matmul_scratch(const struct format *f, int cols)
{
    const size_t f32 = (size_t)PANEL_ROWS * (size_t)cols * sizeof(float);
    const size_t q8 = f->group ? (size_t)panels_q8(f, cols, MANY_Q8) * panel_q8_bytes(f, cols) : 0;
    return f32 > q8 ? f32 : q8;
}

struct panel_q8 panel_q8_in(void *scratch, const struct format *f, int cols)
{
    const size_t scales = (size_t)(cols / f->group) * PANEL_ROWS;
    float *d = scratch, *m = d + scales;
    return (struct panel_q8){.q = (uint8_t *)(m + (f->offset ? scales : 0)), .d = d, .m = m};
}

/* Rows of int8 weights, at most as many as there are panels for; packed where pack is not 0. */
static void unpack_q8(struct panel_q8 panels[PANELS_Q8], const struct matrix *w, const uint8_t *rows, int n, int pack,
                      enum isa isa, uint8_t *scratch)
{
    const struct format *f = w->format;
    const size_t row_bytes = format_row_bytes(f, w->cols);
    format_unpack_q8 *unpack = format_kernels(f, isa).unpack_q8;
    for (int p = 0; n > 0; p++, n -= PANEL_ROWS, rows += PANEL_ROWS * row_bytes) {
        panels[p] = panel_q8_in(scratch + (size_t)p * panel_q8_bytes(f, w->cols), f, w->cols);
        unpack(&panels[p], rows, row_bytes, n < PANEL_ROWS ? n : PANEL_ROWS, 0, w->cols);
        if (pack)
            pack_q8_best(isa)(&panels[p], &panels[p], f->group, f->offset, pack, w->cols);
    }
}

void matmul(float *y, size_t ldy, const struct matrix *w, const struct act *x, int row0, int row1, enum isa isa, void *scratch)
{
    const struct format_kernels f = format_kernels(w->format, isa);
    const size_t row_bytes = format_row_bytes(w->format, w->cols);
    const uint8_t *data = w->data;
    format_matvec *matvec = x->kind == ACT_F32 ? f.matvec_f32 : f.matvec_act;

    if (x->n == 1) {
        matvec(y + row0, data + (size_t)row0 * row_bytes, x, row1 - row0);
        return;
    }
    if (x->kind == ACT_Q8 && f.few_act && x->n <= f.few) {
        f.few_act(y + row0, ldy, data + (size_t)row0 * row_bytes, x, row1 - row0);
        return;
    }
    gemm_f32 *f32 = gemm_f32_best(isa);
    const int group = x->pack ? x->pack : w->format->group, offset = x->pack ? 0 : w->format->offset;
    gemm_q8 *q8 = x->kind == ACT_Q8 ? gemm_q8_best(isa, group, offset) : NULL;
    gemm_bf16 *bf16 = x->kind == ACT_BF16 ? gemm_bf16_best(isa) : NULL;
    const int few = x->kind == ACT_Q8 ? FEW_Q8 : bf16 ? FEW_BF16 : FEW_F32;
    const int step = q8 ? panels_q8(w->format, w->cols, x->n) * PANEL_ROWS : PANEL_ROWS;
    for (int r = row0; r < row1; r += step) {
        const uint8_t *rows = data + (size_t)r * row_bytes;
        const int n = row1 - r < step ? row1 - r : step;
        if (x->n <= few) {
            for (int c = 0; c < x->n; c++) {
                const struct act one = act_columns(x, c, 1);
                matvec(y + (size_t)c * ldy + r, rows, &one, n);
            }
        } else if (q8) {
            struct panel_q8 panels[PANELS_Q8];
            unpack_q8(panels, w, rows, n, x->pack, isa, scratch);
            q8(y + r, ldy, panels, x, n);
        } else if (bf16) {
            bf16(y + r, ldy, (const uint16_t *)rows, x, n);
        } else {
            f.unpack_f32(scratch, rows, row_bytes, n, 0, w->cols);
            f32(y + r, ldy, scratch, x, n);
        }
    }
}
