/* kernel_check_weights.c - the checks of what reads weights: matvec, matmul, vecmat, the panels and attention.
 *
 * The scalar matvec and attention are held against float64; everything else against the scalar kernel or, where its result is
 * exact, against dequantize. */
/* SPDX-License-Identifier: MIT */
#include <float.h>
#include <math.h>
#include <string.h>

#include "bench/kernel_cases.h"
#include "kernels/gemm.h"
#include "kernels/kv.h"
#include "kernels/matmul.h"

/* What weights consist of, |d q| + |m|: with an offset that is more than |weight|, and what the roundings of a sum are measured
 * by.  From the scalar panel, which is checked against dequantize. */
static void fill_sizes(struct check *k, float *size, const uint8_t *w, const float *wf, int rows, int cols)
{
    const struct format *f = k->c->format;
    const size_t row_bytes = format_row_bytes(f, cols);
    if (!f->offset) {
        for (int i = 0; i < rows * cols; i++)
            size[i] = fabsf(wf[i]);
        return;
    }
    const struct panel_q8 panel = panel_q8_in(check_take(k, matmul_scratch(f, cols)), f, cols);
    for (int r = 0; r < rows; r++, w += row_bytes) {
        f->isa[ISA_SCALAR].unpack_q8(&panel, w, row_bytes, 1, 0, cols);
        for (int i = 0; i < cols; i++) {
            const int at = i / f->group * PANEL_ROWS, q = panel.q[i / 4 * PANEL_ROWS * 4 + i % 4] - 128;
            size[r * cols + i] = fabsf(panel.d[at] * (float)q) + fabsf(panel.m[at]);
        }
    }
}

/* rows x k weights of the format in out, and what they are as floats in w.  A fill of FILLS is arbitrary bytes: codes that the
 * encoder never writes, and all that there is for a format without encoder. */
static void fill_weights(struct check *k, uint8_t *out, float *w, int rows, int cols, int fill)
{
    const struct format *f = k->c->format;
    const size_t row_bytes = format_row_bytes(f, cols);
    for (int r = 0; r < rows; r++, out += row_bytes, w += cols) {
        if (fill < FILLS && f->quantize) {
            fill_floats(k, w, cols, (enum fill)fill, f->block > 1 ? 65504.0f * 8 : 65504.0f, f->act == ACT_BF16 ? 1e-39f : 1e-6f);
            f->quantize(out, w, cols);
        } else {
            kernel_any_bytes(f, out, row_bytes, &k->rng);
        }
        f->dequantize(w, out, cols);
    }
}

/* The weights that scalar packed panels have, in place of those of the format. */
static void pack_weights(struct check *k, float *w, const uint8_t *rows, int n, int cols, int pack)
{
    const struct format *f = k->c->format;
    const struct panel_q8 panel = panel_q8_in(check_take(k, matmul_scratch(f, cols)), f, cols);
    for (int r = 0; r < n; r++, rows += format_row_bytes(f, cols), w += cols) {
        f->isa[ISA_SCALAR].unpack_q8(&panel, rows, format_row_bytes(f, cols), 1, 0, cols);
        pack_q8_best(ISA_SCALAR)(&panel, &panel, f->group, f->offset, pack, cols);
        for (int i = 0; i < cols; i++)
            w[i] = panel.d[i / pack * PANEL_ROWS] * (float)(panel.q[i / 4 * PANEL_ROWS * 4 + i % 4] - 128);
    }
}

/* n columns of k activations, each with a fill of its own. */
static void fill_act(struct check *k, float *x, int n, int cols)
{
    for (int c = 0; c < n; c++) {
        enum fill fill = c && n > 1 ? (enum fill)rng_below(&k->rng, FILLS) : ORDINARY;
        fill_floats(k, x + (size_t)c * (size_t)cols, cols, fill, 1e4f, 1e-30f);
    }
}

/* The product in float64, and how far from it or from each other two float32 sums may be.  Each addition rounds a partial sum,
 * which is at most sum |w a| (size: |w|, or the parts of it), by half of eps, and so do the two or three multiplications by
 * scales: two sums together stay within (additions + 4) * eps * sum |w a|.  |result| would be no measure, for it may cancel to
 * nothing. */
static double dot_reference(const struct format *f, const float *w, const float *size, const struct act *x, int c, double *bound)
{
    /* one after the other: groups, or those of a lane */
    const int additions = x->kind == ACT_Q8 ? x->k / f->group * (1 + f->offset) : x->k / 16 + 4;
    double sum = 0, magnitude = 0, floor = 0;
    for (int i = 0; i < x->k; i++) {
        double a = act_value(x, c, i);
        sum += (double)w[i] * a;
        magnitude += fabs((double)size[i] * a);
        floor += (double)FLT_TRUE_MIN;
        if (x->kind == ACT_Q8) /* the product of both scales may be denormal: its rounding counts once for each unit of the dot */
            floor += (double)FLT_TRUE_MIN * 128 * 127;
        if (x->kind == ACT_BF16) /* vdpbf16ps takes denormals for zero, among inputs, products and sums */
            floor += (double)FLT_MIN * (fabs((double)w[i]) + fabs(a) + 1);
    }
    *bound = (additions + 4) * (double)FLT_EPSILON * magnitude + floor;
    return sum;
}

/* Row lengths that the format has: odd ones where it has no blocks. */
static int lengths(const struct format *f, int out[8])
{
    static const int any[] = {7, 16, 33, 64, 96, 172, 1024}, blocks[] = {1, 2, 3, 4, 5, 7, 18};
    const int n = f->block > 64 ? 4 : 7;
    if (f->block == 1) {
        memcpy(out, any, sizeof any);
        return 7;
    }
    for (int i = 0; i < n; i++)
        out[i] = blocks[i] * f->block;
    out[n] = 1024;
    return f->block < 256 ? n + 1 : n;
}

/* rows x k weights times n columns, by matvec or matmul.  Rows row0 .. row1 only; what lies beside them must stay. */
static int check_product(struct check *k, int rows, int cols, int n, int row0, int row1, int fill)
{
    const struct kernel_case *c = k->c;
    const struct format *f = c->format;
    const size_t ldy = (size_t)rows;
    uint8_t *w = check_take(k, (size_t)rows * format_row_bytes(f, cols));
    float *wf = check_take(k, (size_t)rows * (size_t)cols * sizeof *wf),
          *size = check_take(k, (size_t)(rows * cols) * sizeof *wf);
    float *xf = check_take(k, (size_t)n * (size_t)cols * sizeof *xf);
    void *room = check_take(k, act_bytes(c->act, n, cols));
    void *scratch = check_take(k, (matmul_scratch(f, cols) + 63) / 64 * 64);
    float *y = check_take(k, (size_t)rows * (size_t)n * sizeof *y), expected;
    struct act x;
    uint32_t untouched;

    memset(&untouched, 0xe5, sizeof untouched);
    fill_weights(k, w, wf, rows, cols, fill);
    fill_sizes(k, size, w, wf, rows, cols);
    const int pack = c->kind == KERNEL_MATMUL_PACKED ? pack_run(cols) : 0;
    if (pack) {
        pack_weights(k, wf, w, rows, cols, pack);
        for (int i = 0; i < rows * cols; i++)
            size[i] = fabsf(wf[i]);
    }
    fill_act(k, xf, n, cols);
    act_fill(&x, c->act, xf, n, cols, pack ? pack : ACT_RUN, room, ISA_SCALAR);
    x.pack = pack;
    struct format_kernels under_test = format_kernels(f, c->isa);
    if (c->kind == KERNEL_MATVEC)
        (c->act == ACT_F32 ? under_test.matvec_f32 : under_test.matvec_act)(y, w, &x, rows);
    else
        matmul(y, ldy, &(struct matrix){f, w, rows, cols}, &x, row0, row1, c->isa, scratch);

    format_matvec *scalar = c->act == ACT_F32 ? f->isa[ISA_SCALAR].matvec_f32 : f->isa[ISA_SCALAR].matvec_act;
    for (int col = 0; col < n; col++) {
        struct act one = act_columns(&x, col, 1);
        for (int r = 0; r < rows; r++) {
            const float *got = y + (size_t)col * ldy + (size_t)r;
            double bound, reference = dot_reference(f, wf + (size_t)(r * cols), size + (size_t)(r * cols), &x, col, &bound);
            if (r < row0 || r >= row1) {
                if (memcmp(got, &untouched, sizeof untouched))
                    return check_fail(k, "%d x %d, %d columns: row %d was written, outside of rows %d to %d", rows, cols, n, r,
                                      row0, row1);
                continue;
            }
            scalar(&expected, w + (size_t)r * format_row_bytes(f, cols), &one, 1);
            /* Packed weights are those of the scalar panel, not of the scalar matvec. */
            int by_reference = pack || (c->isa == ISA_SCALAR && c->kind == KERNEL_MATVEC);
            double off = fabs((double)*got - (by_reference ? reference : (double)expected));
            if (c->act == ACT_F32 && !by_reference ? memcmp(got, &expected, sizeof expected) != 0 : !(off <= bound))
                return check_fail(k, "%d x %d (%s), row %d, column %d of %d: %.9g, not %.9g; off by %.3g, allowed %.3g", rows,
                                  cols, fill_names[fill], r, col, n, (double)*got, by_reference ? reference : (double)expected,
                                  off, c->act == ACT_F32 && !by_reference ? 0 : bound);
        }
    }
    return check_give_back(k) ? 1 : check_fail(k, "%d x %d: wrote in front of a buffer", rows, cols);
}

int check_matvec(struct check *k)
{
    static const int rows[] = {1, 3, 4, 9};
    int length[8], n = lengths(k->c->format, length), ok = 1;
    for (int i = 0; i < n; i++) {
        for (size_t r = 0; r < sizeof rows / sizeof *rows; r++) {
            for (int fill = 0; ok && fill <= FILLS; fill++)
                ok = check_product(k, rows[r], length[i], 1, 0, rows[r], fill);
        }
    }
    return ok;
}

int check_matmul(struct check *k)
{
    static const int columns[] = {1, 2, 3, 7, 16, 33};
    int length[8], n = lengths(k->c->format, length), ok = 1;
    for (int i = 0; i < n; i++) {
        for (size_t j = 0; j < sizeof columns / sizeof *columns; j++) {
            /* In turns: every length and every number of columns meet both. */
            if ((i + (int)j) % 2)
                ok = ok && check_product(k, PANEL_ROWS + 5, length[i], columns[j], 0, PANEL_ROWS + 5, ORDINARY);
            else
                ok = ok && check_product(k, 21, length[i], columns[j], 3, 20, (int)rng_below(&k->rng, FILLS + 1));
        }
    }
    /* Several panels side by side, and rows longer than what is prepared of a column at a time. */
    return ok && check_product(k, 5 * PANEL_ROWS - 3, 256, 67, 0, 5 * PANEL_ROWS - 3, ORDINARY) &&
           check_product(k, PANEL_ROWS + 1, 2304, 5, 0, PANEL_ROWS + 1, ORDINARY);
}

/* Both sizes of a run.  Packed panels are alike, whatever was packed: all that matmul does with them is checked for one format. */
int check_packed(struct check *k)
{
    const struct format *f = k->c->format;
    const int fill = (int)rng_below(&k->rng, FILLS + 1), block = f->block > 64 ? f->block : 64;
    if (!check_product(k, PANEL_ROWS + 5, block, 64, 0, PANEL_ROWS + 5, ORDINARY) ||
        !check_product(k, 21, 2 * block, 67, 3, 20, fill))
        return 0;
    return f != &format_q8_0 || (check_product(k, PANEL_ROWS + 5, 320, 64, 0, PANEL_ROWS + 5, ORDINARY) &&
                                 check_product(k, 5 * PANEL_ROWS - 3, 256, 67, 0, 5 * PANEL_ROWS - 3, ORDINARY) &&
                                 check_product(k, PANEL_ROWS + 1, 2304, 65, 0, PANEL_ROWS + 1, ORDINARY));
}

int check_vecmat(struct check *k)
{
    static const int rows[] = {1, 2, 13};
    const struct format *f = k->c->format;
    int length[8], n = lengths(f, length);
    for (int i = 0; i < n; i++) {
        for (int fill = 0; fill <= FILLS; fill++) {
            const int cols = length[i], count = rows[fill % 3];
            uint8_t *w = check_take(k, (size_t)count * format_row_bytes(f, cols));
            float *wf = check_take(k, (size_t)count * (size_t)cols * sizeof *wf);
            float *a = check_take(k, (size_t)count * sizeof *a), *y = check_take(k, (size_t)cols * sizeof *y);
            float *expected = check_take(k, (size_t)cols * sizeof *expected);
            fill_weights(k, w, wf, count, cols, fill);
            fill_floats(k, a, count, ORDINARY, 0, 0);
            fill_floats(k, y, cols, ORDINARY, 0, 0);
            for (int j = 0; j < cols; j++) { /* as format.h defines it: one fused multiply-add per row, ascending */
                expected[j] = y[j];
                for (int r = 0; r < count; r++)
                    expected[j] = fmaf(a[r], wf[(size_t)r * (size_t)cols + (size_t)j], expected[j]);
            }
            format_kernels(f, k->c->isa).vecmat(y, w, a, cols, count);
            int at = first_difference(y, expected, cols);
            if (at >= 0)
                return check_fail(k, "%d x %d (%s), element %d: %.9g, not %.9g", count, cols, fill_names[fill], at, (double)y[at],
                                  (double)expected[at]);
            if (!check_give_back(k))
                return check_fail(k, "%d x %d: wrote in front of a buffer", count, cols);
        }
    }
    return 1;
}

/* Both panels, as matmul.h lays them out, against dequantize. */
int check_unpack(struct check *k)
{
    static const int rows[] = {1, PANEL_ROWS - 3, PANEL_ROWS / 2, PANEL_ROWS};
    const struct format *f = k->c->format;
    const int q8 = k->c->kind == KERNEL_UNPACK_Q8;
    int length[8], n = lengths(f, length);
    for (int i = 0; i < n; i++) {
        for (int fill = 0; fill <= FILLS; fill++) {
            const int k_row = length[i], count = rows[fill % 4];
            const int col = (fill + i) % 2 && k_row > 32 ? 32 : 0, cols = k_row - col;
            uint8_t *w = check_take(k, (size_t)count * format_row_bytes(f, k_row));
            float *wf = check_take(k, (size_t)count * (size_t)k_row * sizeof *wf);
            uint8_t *panel = check_take(k, (size_t)PANEL_ROWS * (size_t)cols * (q8 ? 1 : sizeof(float)));
            const size_t scales = q8 ? (size_t)PANEL_ROWS * (size_t)(cols / f->group) * sizeof(float) : 0;
            float *d = check_take(k, scales), *m = check_take(k, scales);
            fill_weights(k, w, wf, count, k_row, fill);
            if (q8)
                format_kernels(f, k->c->isa)
                    .unpack_q8(&(struct panel_q8){panel, d, m}, w, format_row_bytes(f, k_row), count, col, cols);
            else
                format_kernels(f, k->c->isa).unpack_f32((float *)panel, w, format_row_bytes(f, k_row), count, col, cols);
            for (int r = 0; r < PANEL_ROWS; r++) {
                for (int j = 0; j < cols; j++) {
                    float expected = r < count ? wf[(size_t)r * (size_t)k_row + (size_t)(col + j)] : 0, got;
                    if (q8) {
                        const int at = j / f->group * PANEL_ROWS + r;
                        got = d[at] * (float)(panel[(j / 4 * PANEL_ROWS + r) * 4 + j % 4] - 128);
                        got += f->offset ? m[at] : 0;
                    } else {
                        memcpy(&got, panel + ((size_t)r * (size_t)cols + (size_t)j) * sizeof got, sizeof got);
                    }
                    if (!(got == expected))
                        return check_fail(k, "%d rows of %d (%s), row %d, column %d: %.9g, not %.9g", count, cols,
                                          fill_names[fill], r, j, (double)got, (double)expected);
                }
            }
            if (!check_give_back(k))
                return check_fail(k, "%d x %d: wrote in front of a buffer", count, cols);
        }
    }
    return 1;
}

/* One weight of a packed panel, q * d where the scale is d, in place of w: to the nearest of all, but for what fixed point and the
 * scale that leaves room for it cost.  The first term is half a step, the second what q lacks. */
static int is_packed(float w, int q, float d, float most)
{
    return fabs((double)d * q - (double)w) <= (double)d * (0.5 + 127.0 / 1024) + 2 * (double)FLT_EPSILON * (double)most;
}

/* The scalar kernel against float64, the others against the scalar one. */
int check_pack(struct check *k)
{
    const struct format *f = k->c->format;
    pack_q8 *pack_scalar = pack_q8_best(ISA_SCALAR);
    enum { COLS = 768 };
    for (int i = 0; i < 3 * (FILLS + 1); i++) {
        const int pack = i % 3 ? PACK_RUN : 64, in_place = i % 2, fill = i / 3;
        const int cols = f->block > 64 || i % 3 < 2 ? COLS : PACK_RUN;
        const size_t bytes = (size_t)PANEL_ROWS * (size_t)cols, scales = (size_t)PANEL_ROWS * (size_t)(cols / f->group);
        uint8_t *w = check_take(k, PANEL_ROWS * format_row_bytes(f, cols));
        float *wf = check_take(k, bytes * sizeof *wf);
        fill_weights(k, w, wf, PANEL_ROWS, cols, fill);
        struct panel_q8 from = {check_take(k, bytes), check_take(k, scales * sizeof(float)),
                                check_take(k, scales * sizeof(float))};
        struct panel_q8 to = {check_take(k, bytes), check_take(k, scales * sizeof(float)), NULL};
        struct panel_q8 expected = {check_take(k, bytes), check_take(k, scales * sizeof(float)), NULL};
        f->isa[ISA_SCALAR].unpack_q8(&from, w, format_row_bytes(f, cols), PANEL_ROWS, 0, cols);
        pack_scalar(&expected, &from, f->group, f->offset, pack, cols);
        if (in_place)
            to = from;
        pack_q8_best(k->c->isa)(&to, &from, f->group, f->offset, pack, cols);
        for (int j = 0; j < cols / pack * PANEL_ROWS; j++) {
            const int r = j % PANEL_ROWS;
            float most = 0;
            for (int c = 0; c < pack; c++)
                most = fmaxf(most, fabsf(wf[r * cols + j / PANEL_ROWS * pack + c]));
            if (memcmp(&to.d[j], &expected.d[j], sizeof *to.d))
                return check_fail(k, "%d in runs of %d (%s), row %d: scale %.9g, not %.9g", cols, pack, fill_names[fill], r,
                                  (double)to.d[j], (double)expected.d[j]);
            for (int c = j / PANEL_ROWS * pack; c < (j / PANEL_ROWS + 1) * pack; c++) {
                const int at = (c / 4 * PANEL_ROWS + r) * 4 + c % 4;
                if (to.q[at] != expected.q[at])
                    return check_fail(k, "%d in runs of %d (%s), row %d, column %d: %d, not %d", cols, pack, fill_names[fill], r,
                                      c, to.q[at] - 128, expected.q[at] - 128);
                if (k->c->isa == ISA_SCALAR && isfinite(most) && most > 1e-30f &&
                    !is_packed(wf[r * cols + c], to.q[at] - 128, to.d[j], most))
                    return check_fail(k, "%d in runs of %d (%s), row %d, column %d: %d * %.9g for %.9g", cols, pack,
                                      fill_names[fill], r, c, to.q[at] - 128, (double)to.d[j], (double)wf[r * cols + c]);
            }
        }
        if (!check_give_back(k))
            return check_fail(k, "%d: wrote in front of a buffer", cols);
    }
    return 1;
}

/* What stores rows in a cache writes the bytes of the encoder, whatever the floats are. */
static int check_store(struct check *k)
{
    const struct format *f = k->c->format;
    format_store *store = format_kernels(f, k->c->isa).store;
    for (int fill = 0; store && fill < FILLS; fill++) {
        const int cols = fill % 2 ? 96 : 64;
        const size_t bytes = format_row_bytes(f, cols);
        float *x = check_take(k, (size_t)cols * sizeof *x);
        uint8_t *got = check_take(k, bytes), *expected = check_take(k, bytes);
        fill_floats(k, x, cols, (enum fill)fill, 1e9f, 1e-30f);
        if (fill == ORDINARY) {
            x[3] = NAN;
            x[40] = -INFINITY;
        }
        f->quantize(expected, x, cols);
        store(got, x, cols);
        for (size_t i = 0; i < bytes; i++)
            if (got[i] != expected[i])
                return check_fail(k, "storing %d floats (%s): byte %zu is %d, not %d", cols, fill_names[fill], i, got[i],
                                  expected[i]);
        if (!check_give_back(k))
            return check_fail(k, "storing %d floats: wrote in front of a buffer", cols);
    }
    return 1;
}

/* The query heads of one KV head, 1 to 8 of them or 6 to 34, against float64 and, but for rounded ones, the scalar kernel.  An error of the scores, at
 * most `score`, moves a probability by that factor, and the output by it times the largest |v|. */
int check_attention(struct check *k)
{
    static const int positions[] = {1, 2, 9, 70};
    const struct kernel_case *c = k->c;
    if (!check_store(k))
        return 0;
    for (int i = 0; i < 8; i++) {
        const int many = c->kind == KERNEL_ATTENTION_MANY, exact = c->act == ACT_F32 && !many;
        const int head = i % 2 ? 96 : 64, heads = many ? 34 - 4 * i : 8 - i, n = positions[i / 2];
        const float scale = 1 / sqrtf((float)head);
        struct kv_layout l;
        if (kv_layout(&l, c->format, c->format, 1, 1, head, n))
            return check_fail(k, "a head of %d elements is refused", head);
        uint8_t *kr = check_take(k, l.k_bytes), *vr = check_take(k, l.v_bytes);
        float *kf = check_take(k, (size_t)(n * head) * sizeof *kf), *vf = check_take(k, (size_t)(n * head) * sizeof *vf);
        float *size = check_take(k, (size_t)(n * head) * sizeof *size);
        const size_t all_heads = (size_t)heads * (size_t)head;
        float *q = check_take(k, all_heads * sizeof *q), *out = check_take(k, all_heads * sizeof *out);
        float *expected = check_take(k, all_heads * sizeof *expected);
        void *scratch = check_take(k, (attention_scratch(&l, heads > ATTENTION_MANY ? heads : ATTENTION_MANY, 1) + 63) / 64 * 64);
        void *room = check_take(k, act_bytes(c->act, heads, head));
        struct attention a = {.layout = &l,
                              .k_rows = kr,
                              .v_rows = vr,
                              .heads = heads,
                              .stride = all_heads,
                              .scale = scale,
                              .exact = exact,
                              .many = many,
                              .isa = c->isa};
        const struct kv_view all = {1, {{0, n}}};
        double largest = 0;
        struct act x;

        fill_weights(k, kr, kf, n, head, ORDINARY);
        fill_sizes(k, size, kr, kf, n, head);
        fill_weights(k, vr, vf, n, head, i % 3 ? ORDINARY : FILLS);
        fill_floats(k, q, heads * head, ORDINARY, 0, 0);
        act_fill(&x, c->act, q, heads, head, ACT_GROUP, room, ISA_SCALAR);
        for (int j = 0; j < n * head; j++)
            largest = fabs((double)vf[j]) > largest ? fabs((double)vf[j]) : largest;
        attention(out, q, &a, &all, 1, scratch);
        a.isa = ISA_SCALAR;
        attention(expected, q, &a, &all, 1, scratch);
        for (int h = 0; h < heads; h++) {
            double p[70], sum = 0, max = -INFINITY, score = 0;
            for (int r = 0; r < n; r++) {
                double bound;
                p[r] = (double)scale * dot_reference(c->format, kf + r * head, size + r * head, &x, h, &bound);
                max = p[r] > max ? p[r] : max;
                bound *= many ? 16 * (double)scale : (double)scale; /* one chain of additions in place of 16 */
                score = bound > score ? bound : score;
            }
            for (int r = 0; r < n; r++)
                sum += p[r] = exp(p[r] - max);
            const double bound = (4 * score + (8 + n) * (double)FLT_EPSILON) * largest;
            for (int j = 0; j < head; j++) {
                const int at = h * head + j;
                double reference = 0;
                for (int r = 0; r < n; r++)
                    reference += p[r] / sum * (double)vf[r * head + j];
                if (!(fabs((double)out[at] - reference) <= bound))
                    return check_fail(k, "%d positions of %d, head %d of %d, element %d: %.9g, not %.9g; allowed %.3g", n, head,
                                      h, heads, j, (double)out[at], reference, bound);
                if ((exact || many) && memcmp(out + at, expected + at, sizeof *out))
                    return check_fail(k, "%d positions of %d, head %d of %d, element %d: %.9g, scalar %.9g", n, head, h, heads, j,
                                      (double)out[at], (double)expected[at]);
            }
        }
        if (!check_give_back(k))
            return check_fail(k, "%d positions: wrote in front of a buffer", n);
    }
    return 1;
}
