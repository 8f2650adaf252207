/* rows_scalar.h - the definition of every kernel that reads weights, for any format that says how 16 or 32 of them are read.
 *
 * A format brings load16_scalar (weights i .. i + 15 of a row as floats, i a multiple of 16) and, if it computes in int8,
 * load32_scalar (the integers of a group of 32, and its scale); these loops do the rest.  They are written to be read.
 *
 * A row that ends inside 16 counts as padded with zeros; nothing past its end is read. */
/* SPDX-License-Identifier: MIT */
#ifndef KERNELS_ROWS_SCALAR_H
#define KERNELS_ROWS_SCALAR_H

#include <math.h>
#include <string.h>

#include "kernels/format.h"
#include "kernels/half.h"
#include "kernels/matmul.h"
#include "kernels/target.h"

typedef void load16_scalar(float out[16], const uint8_t *row, int i);
typedef float load32_scalar(int8_t out[32], const uint8_t *row, int group);

/* The last `rest` elements of a row as a whole piece of 16; step, here and below, is the size of 16 in
 * bytes.  Only formats without blocks get here. */
FORCE_INLINE void load_rest_scalar(float out[16], const uint8_t *row, int i, int rest, load16_scalar *load, size_t step)
{
    uint8_t padded[16 * sizeof(float)] = {0};
    memcpy(padded, row + (size_t)i * step / 16, (size_t)rest * step / 16);
    load(out, padded, 0);
}

FORCE_INLINE void load_up_to_16_scalar(float out[16], const uint8_t *row, int i, int end, load16_scalar *load, size_t step)
{
    if (i + 16 <= end)
        load(out, row, i);
    else
        load_rest_scalar(out, row, i, end - i, load, step);
}

/* The sum of 16 lanes, in the order that format.h gives. */
static inline float sum16_scalar(float lane[16])
{
    for (int half = 8; half; half /= 2) {
        for (int l = 0; l < half; l++)
            lane[l] += lane[l + half];
    }
    return lane[0];
}

/* x: a row of floats, or of bf16 when load_x reads those. */
FORCE_INLINE float dot_scalar(const uint8_t *row, load16_scalar *load, size_t step, const uint8_t *x, load16_scalar *load_x,
                              size_t step_x, int k)
{
    float lane[16] = {0};
    for (int i = 0; i < k; i += 16) {
        float w[16], v[16];
        load_up_to_16_scalar(w, row, i, k, load, step);
        load_up_to_16_scalar(v, x, i, k, load_x, step_x);
        for (int l = 0; l < 16; l++)
            lane[l] = fmaf(w[l], v[l], lane[l]);
    }
    return sum16_scalar(lane);
}

FORCE_INLINE void matvec_scalar(float *y, const uint8_t *w, load16_scalar *load, size_t step, const void *x,
                                load16_scalar *load_x, size_t step_x, int k, int rows)
{
    for (int r = 0; r < rows; r++)
        y[r] = dot_scalar(w + (size_t)r * (size_t)k * step / 16, load, step, x, load_x, step_x, k);
}

FORCE_INLINE void vecmat_scalar(float *y, const uint8_t *w, load16_scalar *load, size_t step, const float *a, int k, int rows)
{
    for (int r = 0; r < rows; r++) {
        for (int i = 0; i < k; i += 16) {
            float v[16];
            load_up_to_16_scalar(v, w + (size_t)r * (size_t)k * step / 16, i, k, load, step);
            for (int l = 0; l < 16 && i + l < k; l++)
                y[i + l] = fmaf(a[r], v[l], y[i + l]);
        }
    }
}

FORCE_INLINE void unpack_f32_scalar(float *panel, const uint8_t *w, size_t row_bytes, load16_scalar *load, size_t step, int rows,
                                    int col, int cols)
{
    for (int r = 0; r < PANEL_ROWS; r++, panel += cols) {
        for (int i = 0; i < cols; i += 16) {
            float v[16] = {0};
            if (r < rows)
                load_up_to_16_scalar(v, w + (size_t)r * row_bytes, col + i, col + cols, load, step);
            memcpy(panel + i, v, sizeof(float) * (size_t)(cols - i < 16 ? cols - i : 16));
        }
    }
}

/* Integers are summed over a group, then scaled by both scales and added in ascending order. */
FORCE_INLINE void matvec_q8_scalar(float *y, const uint8_t *w, load32_scalar *load, size_t step, const struct act *x, int rows)
{
    for (int r = 0; r < rows; r++) {
        float sum = 0;
        for (int g = 0; g < x->k / 32; g++) {
            int8_t q[32];
            float d = load(q, w + (size_t)r * (size_t)x->k * step / 16, g);
            int32_t dot = 0;
            for (int i = 0; i < 32; i++)
                dot += q[i] * x->q[32 * g + i];
            sum += d * x->d[g] * (float)dot;
        }
        y[r] = sum;
    }
}

FORCE_INLINE void unpack_q8_scalar(uint8_t *panel, float *d, const uint8_t *w, size_t row_bytes, load32_scalar *load, int rows,
                                   int col, int cols)
{
    for (int g = 0; g < cols / 32; g++, panel += 32 * PANEL_ROWS, d += PANEL_ROWS) {
        for (int r = 0; r < PANEL_ROWS; r++) {
            int8_t q[32] = {0};
            d[r] = r < rows ? load(q, w + (size_t)r * row_bytes, col / 32 + g) : 0;
            for (int i = 0; i < 32; i++)
                panel[(i / 4 * PANEL_ROWS + r) * 4 + i % 4] = (uint8_t)(q[i] + 128);
        }
    }
}

static inline void load16_f32_scalar(float out[16], const uint8_t *row, int i)
{
    memcpy(out, row + (size_t)i * sizeof(float), 16 * sizeof(float));
}

static inline void load16_bf16_scalar(float out[16], const uint8_t *row, int i)
{
    for (int l = 0; l < 16; l++)
        out[l] = bf16_to_float(read_u16(row + (size_t)(i + l) * 2));
}

#endif
