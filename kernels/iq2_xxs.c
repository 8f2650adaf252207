/* iq2_xxs.c - eight magnitudes to an index of eight bits; groups of 32 with a scale of four bits.
 *
 *   | d: fp16 | groups[0] .. groups[7]: eight bytes each |      66 bytes for 256 weights, 2.0625 bits per weight
 *
 * A group is four indices, of eight weights each, and a 32-bit word with seven sign bits (grids.h) for each of them, from bit 0
 * on, and the scale in its top four.  weight = d (0.5 + scale) / 4 * magnitude, and exact in float32. */
/* SPDX-License-Identifier: MIT */
#include "kernels/codes.h"
#include "kernels/grids.h"

#define BLOCK 256

struct block {
    uint16_t d;
    uint8_t groups[BLOCK / 32][8];
};
_Static_assert(sizeof(struct block) == 66, "iq2_xxs is a file format");

static inline const struct block *block_at(const uint8_t *row, int b)
{
    return (const struct block *)row + b;
}

static inline struct q32_scalar iq2_xxs_load32_scalar(const uint8_t *row, int group)
{
    const struct block *in = block_at(row, group / 8);
    const uint8_t *index = in->groups[group % 8];
    const uint32_t word = read_u32(index + 4);
    struct q32_scalar w = {.d = {half_to_float(in->d) * (float)(1 + 2 * (word >> 28)) * 0.125f}};
    for (int l = 0; l < 4; l++)
        grid8(w.q + 8 * l, iq2xxs_grid[index[l]], iq2_values, signs_of_7(word >> 7 * l));
    return w;
}

FORMAT_SCALAR(iq2_xxs)

const struct format format_iq2_xxs = {
    .name = "iq2_xxs",
    .gguf_type = 16,
    .block = BLOCK,
    .bytes = sizeof(struct block),
    .group = 32,
    .version = 1,
    .act = ACT_Q8,
    .dequantize = iq2_xxs_dequantize,
    .isa = {SCALAR_KERNELS(iq2_xxs)},
};
