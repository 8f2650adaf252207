/* rows_scalar.h - the definition of every kernel that reads weights, for any format that says how 16 or 32 of them are read.
 *
 * A format with blocks brings load32_scalar (the integers of a group of 32, and what turns them into weights), one without
 * load16_scalar (weights i .. i + 15 of a row as floats, i a multiple of 16); these loops do the rest.  They are written to be
 * read. f is the address of the format's own struct: a constant, so what it says costs nothing.
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

/* A group of 32 weights.  The first d and m are those of the first 16 weights, or of all where f->group is 32. */
struct q32_scalar {
    int8_t q[32];
    float d[2], m[2];
};

typedef void load16_scalar(float out[16], const uint8_t *row, int i);
typedef struct q32_scalar load32_scalar(const uint8_t *row, int group);

/* format_row_bytes where it is known that k divides into blocks. */
FORCE_INLINE size_t row_size(const struct format *f, int k)
{
    return (size_t)f->row_header + (size_t)(k / f->block) * (size_t)f->bytes;
}

/* The bytes of n weights, rounded up; where weight i begins, roughly: both for the prefetch. */
FORCE_INLINE size_t part_size(const struct format *f, int n)
{
    return ((size_t)n * (size_t)f->bytes + (size_t)f->block - 1) / (size_t)f->block;
}

/* 16 floats of a group, its half `half`. */
FORCE_INLINE void floats_of_q32_scalar(float out[16], const struct q32_scalar *w, int half, const struct format *f)
{
    const int part = f->group == 16 ? half : 0;
    for (int l = 0; l < 16; l++) {
        out[l] = w->d[part] * w->q[16 * half + l];
        if (f->offset)
            out[l] += w->m[part];
    }
}

FORCE_INLINE void dequantize_scalar(float *out, const uint8_t *row, load32_scalar *load, const struct format *f, int k)
{
    for (int i = 0; i < k; i += 32) {
        const struct q32_scalar w = load(row, i / 32);
        floats_of_q32_scalar(out + i, &w, 0, f);
        floats_of_q32_scalar(out + i + 16, &w, 1, f);
    }
}

/* Bytes of an element of a format without blocks; 0 of one with blocks, whose rows never end inside 16. */
FORCE_INLINE size_t element_size(const struct format *f)
{
    return f->block == 1 ? (size_t)f->bytes : 0;
}

/* The last `rest` elements of a row of elements of `size` bytes, as a whole piece of 16. */
FORCE_INLINE void load_rest_scalar(float out[16], const uint8_t *row, int i, int rest, load16_scalar *load, size_t size)
{
    uint8_t padded[16 * sizeof(float)] = {0};
    memcpy(padded, row + (size_t)i * size, (size_t)rest * size);
    load(out, padded, 0);
}

FORCE_INLINE void load_up_to_16_scalar(float out[16], const uint8_t *row, int i, int end, load16_scalar *load, size_t size)
{
    if (!size || i + 16 <= end)
        load(out, row, i);
    else
        load_rest_scalar(out, row, i, end - i, load, size);
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

/* x: floats, or bf16 when load_x reads those; x_size: bytes of one. */
FORCE_INLINE float dot_scalar(const uint8_t *row, load16_scalar *load, const struct format *f, const uint8_t *x,
                              load16_scalar *load_x, size_t x_size, int k)
{
    float lane[16] = {0};
    for (int i = 0; i < k; i += 16) {
        float w[16], v[16];
        load_up_to_16_scalar(w, row, i, k, load, element_size(f));
        load_up_to_16_scalar(v, x, i, k, load_x, x_size);
        for (int l = 0; l < 16; l++)
            lane[l] = fmaf(w[l], v[l], lane[l]);
    }
    return sum16_scalar(lane);
}

FORCE_INLINE void matvec_scalar(float *y, const uint8_t *w, load16_scalar *load, const struct format *f, const void *x,
                                load16_scalar *load_x, size_t x_size, int k, int rows)
{
    for (int r = 0; r < rows; r++)
        y[r] = dot_scalar(w + (size_t)r * row_size(f, k), load, f, x, load_x, x_size, k);
}

FORCE_INLINE void vecmat_scalar(float *y, const uint8_t *w, load16_scalar *load, const struct format *f, const float *a, int k,
                                int rows)
{
    for (int r = 0; r < rows; r++) {
        for (int i = 0; i < k; i += 16) {
            float v[16];
            load_up_to_16_scalar(v, w + (size_t)r * row_size(f, k), i, k, load, element_size(f));
            for (int l = 0; l < 16 && i + l < k; l++)
                y[i + l] = fmaf(a[r], v[l], y[i + l]);
        }
    }
}

FORCE_INLINE void unpack_f32_scalar(float *panel, const uint8_t *w, size_t row_bytes, load16_scalar *load, const struct format *f,
                                    int rows, int col, int cols)
{
    for (int r = 0; r < PANEL_ROWS; r++, panel += cols) {
        for (int i = 0; i < cols; i += 16) {
            float v[16] = {0};
            if (r < rows)
                load_up_to_16_scalar(v, w + (size_t)r * row_bytes, col + i, col + cols, load, element_size(f));
            memcpy(panel + i, v, sizeof(float) * (size_t)(cols - i < 16 ? cols - i : 16));
        }
    }
}

/* Integers are summed over a group, then scaled by both scales and added in ascending order, its offset times sum(x) after it. */
FORCE_INLINE void matvec_q8_scalar(float *y, const uint8_t *w, load32_scalar *load, const struct format *f, const struct act *x,
                                   int rows)
{
    for (int r = 0; r < rows; r++) {
        float sum = 0;
        for (int g = 0; g < x->k / 32; g++) {
            const struct q32_scalar v = load(w + (size_t)r * row_size(f, x->k), g);
            for (int part = 0; part < 32 / f->group; part++) {
                int32_t dot = 0, total = 0;
                for (int i = part * f->group; i < (part + 1) * f->group; i++) {
                    dot += v.q[i] * x->q[32 * g + i];
                    total += x->q[32 * g + i];
                }
                sum += v.d[part] * x->d[g] * (float)dot;
                if (f->offset)
                    sum += v.m[part] * x->d[g] * (float)total;
            }
        }
        y[r] = sum;
    }
}

FORCE_INLINE void unpack_q8_scalar(const struct panel_q8 *panel, const uint8_t *w, size_t row_bytes, load32_scalar *load,
                                   const struct format *f, int rows, int col, int cols)
{
    for (int g = 0; g < cols / 32; g++) {
        uint8_t *out = panel->q + (size_t)g * 32 * PANEL_ROWS;
        for (int r = 0; r < PANEL_ROWS; r++) {
            struct q32_scalar v = {{0}, {0}, {0}};
            if (r < rows)
                v = load(w + (size_t)r * row_bytes, col / 32 + g);
            for (int part = 0; part < 32 / f->group; part++) {
                const size_t at = ((size_t)g * (size_t)(32 / f->group) + (size_t)part) * PANEL_ROWS + (size_t)r;
                panel->d[at] = v.d[part];
                if (f->offset)
                    panel->m[at] = v.m[part];
            }
            for (int i = 0; i < 32; i++)
                out[(i / 4 * PANEL_ROWS + r) * 4 + i % 4] = (uint8_t)(v.q[i] + 128);
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
