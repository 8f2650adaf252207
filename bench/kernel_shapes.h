/* kernel_shapes.h - which shapes the matrices of a model have: what kernels have to be fast at to run it. */
/* SPDX-License-Identifier: MIT */
#ifndef BENCH_KERNEL_SHAPES_H
#define BENCH_KERNEL_SHAPES_H

#include "base/err.h"
#include "engine/model.h"

struct kernel_shape {
    const struct format *format;
    int rows, k;
    int layers; /* matrices of this shape in all layers together, as the engine multiplies them: a fused tensor is several */
    int head;   /* 1 when the output matrix is one, tied or not */
};

/* Every distinct shape, in the order in which a token meets them; the embedding is looked up, not multiplied with, and is none.
 * Returns their number, with *out for the caller to free; -1: no memory. */
int kernel_shapes(const struct model *m, struct kernel_shape **out, struct err *e);

#endif
