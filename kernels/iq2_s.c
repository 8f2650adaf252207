/* iq2_s.c - eight magnitudes to an index of ten bits, signs apart; groups of 16 with a scale of four bits.
 *
 *   | d: fp16 | index[0] .. index[31] | signs[0] .. signs[31] | high[0] .. high[7] | scales[0] .. scales[7] |
 *
 * 82 bytes for 256 weights, 2.5625 bits per weight.  Index 4 g + l serves weights 32 g + 8 l on; bit pair l of high[g] is its
 * upper two; bit j of signs[4 g + l] is set where weight j of them is negative.  scales[g] has the scale of weights 32 g .. 32 g
 * + 15 in its low half and that of the next 16 in its high one.  weight = d (0.5 + scale) / 4 * magnitude, and exact in float32.
 * */
/* SPDX-License-Identifier: MIT */
#include "kernels/codes.h"
#include "kernels/grids.h"

#define BLOCK 256

struct block {
    uint16_t d;
    uint8_t index[BLOCK / 8];
    uint8_t signs[BLOCK / 8];
    uint8_t high[BLOCK / 32];
    uint8_t scales[BLOCK / 32];
};
_Static_assert(sizeof(struct block) == 82, "iq2_s is a file format");

static inline const struct block *block_at(const uint8_t *row, int b)
{
    return (const struct block *)row + b;
}

static inline struct q32_scalar iq2_s_load32_scalar(const uint8_t *row, int group)
{
    const struct block *in = block_at(row, group / 8);
    const int g = group % 8;
    const float d = half_to_float(in->d) * 0.125f;
    struct q32_scalar w = {.d = {d * (float)(1 + 2 * (in->scales[g] & 15)), d * (float)(1 + 2 * (in->scales[g] >> 4))}};
    for (int l = 0; l < 4; l++) {
        const int index = in->index[4 * g + l] | (in->high[g] >> 2 * l & 3) << 8;
        grid8(w.q + 8 * l, iq2s_grid[index], iq2_values, in->signs[4 * g + l]);
    }
    return w;
}

FORMAT_SCALAR(iq2_s)

const struct format format_iq2_s = {
    .name = "iq2_s",
    .gguf_type = 22,
    .block = BLOCK,
    .bytes = sizeof(struct block),
    .group = 16,
    .version = 1,
    .act = ACT_Q8,
    .dequantize = iq2_s_dequantize,
    .isa = {SCALAR_KERNELS(iq2_s)},
};
