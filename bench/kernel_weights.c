/* kernel_weights.c - a matrix of random weights in any format, made once for all the kernels of that format. */
/* SPDX-License-Identifier: MIT */
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "base/rng.h"
#include "bench/kernel_check.h"

#define HUGE_PAGE ((size_t)2 << 20)
#define LARGEST_BLOCK 256
#define SAMPLE 64 /* different rows; they repeat, because quantizing hundreds of MiB would take longer than the timing */

void kernel_any_bytes(const struct format *f, uint8_t *row, size_t row_bytes, struct rng *rng)
{
    const size_t piece = f->row_header ? row_bytes : (size_t)f->bytes; /* behind a header, one block is as good as another */
    for (size_t b = 0; b < row_bytes; b += piece) {
        float v[LARGEST_BLOCK];
        int good;
        do {
            for (size_t i = 0; i < piece; i++)
                row[b + i] = (uint8_t)rng_u64(rng);
            f->dequantize(v, row + b, f->block);
            good = 1;
            for (int i = 0; i < f->block; i++)
                good &= fabsf(v[i]) < 1e6f; /* no to NaN */
        } while (!good);
    }
}

static int reserve(struct kernel_weights *w, size_t bytes)
{
    if (bytes <= w->room)
        return 0;
    free(w->data);
    w->room = (bytes + bytes / 8 + HUGE_PAGE) / HUGE_PAGE * HUGE_PAGE; /* more, for a format that does not divide as well */
    w->data = aligned_alloc(HUGE_PAGE, w->room);
    if (!w->data) {
        *w = (struct kernel_weights){0};
        return -1;
    }
    madvise(w->data, w->room, MADV_HUGEPAGE); /* a wish */
    return 0;
}

int kernel_weights_make(struct kernel_weights *w, const struct format *f, int k, long rows, uint64_t seed)
{
    const size_t row_bytes = format_row_bytes(f, k);
    if (w->format == f && w->k == k && w->rows >= rows)
        return 0;
    float *room = malloc((size_t)k * sizeof *room);
    if (!room || reserve(w, (size_t)rows * row_bytes)) {
        free(room);
        return -1;
    }
    struct rng rng;
    rng_seed(&rng, seed);
    for (long r = 0; r < rows && r < SAMPLE; r++) {
        uint8_t *row = w->data + (size_t)r * row_bytes;
        for (int i = 0; i < k && f->quantize; i++)
            room[i] = (float)rng_normal(&rng) * 0.05f;
        if (f->quantize)
            f->quantize(row, room, k);
        else
            kernel_any_bytes(f, row, row_bytes, &rng);
    }
    for (long r = SAMPLE, n; r < rows; r += n) { /* twice as many each time */
        n = r < rows - r ? r : rows - r;
        memcpy(w->data + (size_t)r * row_bytes, w->data, (size_t)n * row_bytes);
    }
    free(room);
    w->format = f;
    w->k = k;
    w->rows = rows;
    return 0;
}

void kernel_weights_close(struct kernel_weights *w)
{
    free(w->data);
    *w = (struct kernel_weights){0};
}
