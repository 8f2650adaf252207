/* iq3_s.c - four magnitudes to an index of nine bits, signs apart; groups of 32 with a scale of four bits.
 *
 *   | d: fp16 | index[0] .. index[63] | high[0] .. high[7] | signs[0] .. signs[31] | scales[0] .. scales[3] |
 *
 * 110 bytes for 256 weights, 3.4375 bits per weight.  Index 8 g + l serves weights 32 g + 4 l on; bit l of high[g] is its ninth.
 * Bit j of signs[4 g + l / 2] is set where weight 32 g + 8 (l / 2) + j is negative.  Scale g is nibble g % 2 of scales[g / 2];
 * weight = d (1 + 2 scale) magnitude. */
/* SPDX-License-Identifier: MIT */
#include "kernels/codes.h"
#include "kernels/grids.h"

#define BLOCK 256

struct block {
    uint16_t d;
    uint8_t index[BLOCK / 4];
    uint8_t high[BLOCK / 32];
    uint8_t signs[BLOCK / 8];
    uint8_t scales[BLOCK / 64];
};
_Static_assert(sizeof(struct block) == 110, "iq3_s is a file format");

static inline const struct block *block_at(const uint8_t *row, int b)
{
    return (const struct block *)row + b;
}

static inline struct q32_scalar iq3_s_load32_scalar(const uint8_t *row, int group)
{
    const struct block *in = block_at(row, group / 8);
    const int g = group % 8, scale = in->scales[g / 2] >> g % 2 * 4 & 15;
    struct q32_scalar w = {.d = {half_to_float(in->d) * (float)(1 + 2 * scale)}};
    for (int l = 0; l < 8; l++) {
        const int index = in->index[8 * g + l] | (in->high[g] >> l & 1) << 8;
        grid4(w.q + 4 * l, iq3s_grid[index], iq3s_values, in->signs[4 * g + l / 2] >> l % 2 * 4);
    }
    return w;
}

FORMAT_SCALAR(iq3_s)

const struct format format_iq3_s = {
    .name = "iq3_s",
    .gguf_type = 21,
    .block = BLOCK,
    .bytes = sizeof(struct block),
    .group = 32,
    .version = 1,
    .act = ACT_Q8,
    .dequantize = iq3_s_dequantize,
    .isa = {SCALAR_KERNELS(iq3_s)},
};
