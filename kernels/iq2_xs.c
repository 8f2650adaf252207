/* iq2_xs.c - eight magnitudes to an index of nine bits; groups of 16 with a scale of four bits.
 *
 *   | d: fp16 | words[0] .. words[31]: 16 bits each | scales[0] .. scales[7] |      74 bytes for 256 weights
 *
 * 2.3125 bits per weight.  Word 4 g + l has the index for weights 32 g + 8 l on in its low nine bits and their seven sign bits
 * (grids.h) above.  Scales and weight as in iq2_s. */
/* SPDX-License-Identifier: MIT */
#include "kernels/codes.h"
#include "kernels/grids.h"

#define BLOCK 256

struct block {
    uint16_t d;
    uint16_t words[BLOCK / 8];
    uint8_t scales[BLOCK / 32];
};
_Static_assert(sizeof(struct block) == 74, "iq2_xs is a file format");

static inline const struct block *block_at(const uint8_t *row, int b)
{
    return (const struct block *)row + b;
}

static inline struct q32_scalar iq2_xs_load32_scalar(const uint8_t *row, int group)
{
    const struct block *in = block_at(row, group / 8);
    const int g = group % 8;
    const float d = half_to_float(in->d) * 0.125f;
    struct q32_scalar w = {.d = {d * (float)(1 + 2 * (in->scales[g] & 15)), d * (float)(1 + 2 * (in->scales[g] >> 4))}};
    for (int l = 0; l < 4; l++) {
        const unsigned word = in->words[4 * g + l];
        grid8(w.q + 8 * l, iq2xs_grid[word & 511], iq2_values, signs_of_7(word >> 9));
    }
    return w;
}

FORMAT_SCALAR(iq2_xs)

const struct format format_iq2_xs = {
    .name = "iq2_xs",
    .gguf_type = 17,
    .block = BLOCK,
    .bytes = sizeof(struct block),
    .group = 16,
    .version = 1,
    .act = ACT_Q8,
    .dequantize = iq2_xs_dequantize,
    .isa = {SCALAR_KERNELS(iq2_xs)},
};
