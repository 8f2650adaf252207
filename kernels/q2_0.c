/* q2_0.c - two bits with one scale for 64 weights.
 *
 *   | d: fp16 | q[0] .. q[15] |      18 bytes, 2.25 bits per weight
 *
 * Weight i is d * (code - 1), its code bit pair i % 4 of q[i / 4]. */
/* SPDX-License-Identifier: MIT */
#include "kernels/codes.h"
#include "kernels/search.h"

#define BLOCK 64

struct block {
    uint16_t d;
    uint8_t q[BLOCK / 4];
};
_Static_assert(sizeof(struct block) == 18, "q2_0 is a file format");

static inline const struct block *block_at(const uint8_t *row, int b)
{
    return (const struct block *)row + b;
}

static void q2_0_quantize(void *dst, const float *src, int k)
{
    static const struct codes codes = {.lo = -1, .hi = 2};
    struct block *out = dst;
    for (int b = 0; b < k / BLOCK; b++, out++, src += BLOCK) {
        float x[BLOCK];
        search_clean(x, src, BLOCK);
        int8_t code[BLOCK];
        search_scale(code, x, BLOCK, &codes, &out->d);
        memset(out->q, 0, sizeof out->q);
        for (int i = 0; i < BLOCK; i++)
            out->q[i / 4] |= (uint8_t)((code[i] + 1) << i % 4 * 2);
    }
}

static inline struct q32_scalar q2_0_load32_scalar(const uint8_t *row, int group)
{
    const struct block *in = block_at(row, group / 2);
    struct q32_scalar w = {.d = {half_to_float(in->d)}};
    for (int i = 0; i < 32; i++)
        w.q[i] = (int8_t)((in->q[group % 2 * 8 + i / 4] >> i % 4 * 2 & 3) - 1);
    return w;
}

FORMAT_SCALAR(q2_0)

const struct format format_q2_0 = {
    .name = "q2_0",
    .gguf_type = 42,
    .block = BLOCK,
    .bytes = sizeof(struct block),
    .group = 32,
    .version = 1,
    .act = ACT_Q8,
    .quantize = q2_0_quantize,
    .dequantize = q2_0_dequantize,
    .isa = {SCALAR_KERNELS(q2_0)},
};
