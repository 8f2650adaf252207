/* SPDX-License-Identifier: MIT */
#include "kernels/matmul.h"

#include "kernels/gemm.h"

/* Up to this many columns the native blocks are read once per column, from the L1 cache after the first: a panel costs more
 * than it saves.  Measured on Zen 5 with AVX-512. */
#define FEW_Q8 2
#define FEW_F32 3
#define FEW_BF16 1 /* with the instruction: nothing is unpacked */

/* An f32 panel is larger than an int8 one with its scales and offsets, so it has room for either. */
size_t matmul_scratch(const struct format *f, int cols)
{
    (void)f;
    return (size_t)PANEL_ROWS * (size_t)cols * sizeof(float);
}

struct panel_q8 panel_q8_in(void *scratch, const struct format *f, int cols)
{
    const size_t scales = (size_t)(cols / f->group) * PANEL_ROWS;
    float *d = scratch, *m = d + scales;
    return (struct panel_q8){.q = (uint8_t *)(m + (f->offset ? scales : 0)), .d = d, .m = m};
}

/* Column c of x alone. */
static struct act column(const struct act *x, int c)
{
    const size_t k = (size_t)x->k, at = (size_t)c * k;
    struct act one = {.kind = x->kind, .n = 1, .k = x->k};
    if (x->kind == ACT_F32) {
        one.f32 = x->f32 + at;
    } else if (x->kind == ACT_BF16) {
        one.bf16 = x->bf16 + at;
    } else {
        one.q = x->q + at;
        one.d = x->d + at / ACT_GROUP;
        one.sum = x->sum + at / SUM_GROUP;
    }
    return one;
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
    gemm_f32 *f32 = gemm_f32_best(isa);
    gemm_q8 *q8 = x->kind == ACT_Q8 ? gemm_q8_best(isa, w->format) : NULL;
    gemm_bf16 *bf16 = x->kind == ACT_BF16 ? gemm_bf16_best(isa) : NULL;
    const int few = x->kind == ACT_Q8 ? FEW_Q8 : bf16 ? FEW_BF16 : FEW_F32;
    for (int r = row0; r < row1; r += PANEL_ROWS) {
        const uint8_t *rows = data + (size_t)r * row_bytes;
        const int n = row1 - r < PANEL_ROWS ? row1 - r : PANEL_ROWS;
        if (x->n <= few) {
            for (int c = 0; c < x->n; c++) {
                struct act one = column(x, c);
                matvec(y + (size_t)c * ldy + r, rows, &one, n);
            }
        } else if (x->kind == ACT_Q8) {
            const struct panel_q8 panel = panel_q8_in(scratch, w->format, w->cols);
            f.unpack_q8(&panel, rows, row_bytes, n, 0, w->cols);
            q8(y + r, ldy, &panel, x, n);
        } else if (bf16) {
            bf16(y + r, ldy, (const uint16_t *)rows, x, n);
        } else {
            f.unpack_f32(scratch, rows, row_bytes, n, 0, w->cols);
            f32(y + r, ldy, scratch, x, n);
        }
    }
}
