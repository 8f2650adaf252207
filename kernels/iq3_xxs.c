/* iq3_xxs.c - four magnitudes to an index of eight bits; groups of 32 with a scale of four bits.
 *
 *   | d: fp16 | index[0] .. index[63] | words[0] .. words[7]: 32 bits each |      98 bytes for 256 weights
 *
 * 3.0625 bits per weight.  Index 8 g + l serves weights 32 g + 4 l on.  Word g has seven sign bits (grids.h) for each eight
 * weights of the group, from bit 0 on, and the scale in its top four.  weight = d (0.5 + scale) / 2 * magnitude, and exact in
 * float32. */
/* SPDX-License-Identifier: MIT */
#include "kernels/codes.h"
#include "kernels/grids.h"

#define BLOCK 256

struct block {
    uint16_t d;
    uint8_t index[BLOCK / 4];
    uint8_t words[BLOCK / 8];
};
_Static_assert(sizeof(struct block) == 98, "iq3_xxs is a file format");

static inline const struct block *block_at(const uint8_t *row, int b)
{
    return (const struct block *)row + b;
}

static inline struct q32_scalar iq3_xxs_load32_scalar(const uint8_t *row, int group)
{
    const struct block *in = block_at(row, group / 8);
    const int g = group % 8;
    const uint32_t word = read_u32(in->words + 4 * g);
    struct q32_scalar w = {.d = {half_to_float(in->d) * (float)(1 + 2 * (word >> 28)) * 0.25f}};
    for (int l = 0; l < 8; l++)
        grid4(w.q + 4 * l, iq3xxs_grid[in->index[8 * g + l]], iq3xxs_values, signs_of_7(word >> 7 * (l / 2)) >> l % 2 * 4);
    return w;
}

FORMAT_SCALAR(iq3_xxs)

const struct format format_iq3_xxs = {
    .name = "iq3_xxs",
    .gguf_type = 18,
    .block = BLOCK,
    .bytes = sizeof(struct block),
    .group = 32,
    .version = 1,
    .act = ACT_Q8,
    .dequantize = iq3_xxs_dequantize,
    .isa = {SCALAR_KERNELS(iq3_xxs)},
};
