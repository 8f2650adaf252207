/* q1_0.c - signs with one scale for 128 weights.
 *
 *   | d: fp16 | q[0] .. q[15] |      18 bytes, 1.125 bits per weight
 *
 * Weight i is d where bit i % 8 of q[i / 8] is set, -d where it is not. */
/* SPDX-License-Identifier: MIT */
#include "kernels/codes.h"
#include "kernels/search.h"

#define BLOCK 128

struct block {
    uint16_t d;
    uint8_t q[BLOCK / 8];
};
_Static_assert(sizeof(struct block) == 18, "q1_0 is a file format");

static inline const struct block *block_at(const uint8_t *row, int b)
{
    return (const struct block *)row + b;
}

static void q1_0_quantize(void *dst, const float *src, int k)
{
    struct block *out = dst;
    for (int b = 0; b < k / BLOCK; b++, out++, src += BLOCK) {
        float x[BLOCK];
        search_clean(x, src, BLOCK);
        float sum = 0; /* the mean magnitude leaves the least squares */
        memset(out->q, 0, sizeof out->q);
        for (int i = 0; i < BLOCK; i++) {
            sum += fabsf(x[i]);
            out->q[i / 8] |= (uint8_t)((x[i] >= 0) << i % 8);
        }
        out->d = float_to_half(fminf(sum / BLOCK, HALF_MAX));
    }
}

static inline struct q32_scalar q1_0_load32_scalar(const uint8_t *row, int group)
{
    const struct block *in = block_at(row, group / 4);
    struct q32_scalar w = {.d = {half_to_float(in->d)}};
    for (int i = 0; i < 32; i++)
        w.q[i] = in->q[group % 4 * 4 + i / 8] >> i % 8 & 1 ? 1 : -1;
    return w;
}

FORMAT_SCALAR(q1_0)

const struct format format_q1_0 = {
    .name = "q1_0",
    .gguf_type = 41,
    .block = BLOCK,
    .bytes = sizeof(struct block),
    .group = 32,
    .version = 1,
    .act = ACT_Q8,
    .quantize = q1_0_quantize,
    .dequantize = q1_0_dequantize,
    .isa = {SCALAR_KERNELS(q1_0)},
};
