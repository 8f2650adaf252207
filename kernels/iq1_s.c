/* iq1_s.c - eight ternary numbers to an index of eleven bits, all moved by an eighth; groups of 32 with a scale of three bits.
 *
 *   | d: fp16 | index[0] .. index[31] | words[0] .. words[7]: 16 bits each |      50 bytes for 256 weights
 *
 * 1.5625 bits per weight.  Index 4 g + l serves weights 32 g + 8 l on; bits 3 l .. 3 l + 2 of word g are its upper three.  Bits
 * 12 .. 14 of the word are the scale, and with bit 15 the eighth is taken off instead of added.  weight = d (2 scale + 1)
 * (number +- 1/8); in eighths the numbers are integers, and the product exact in float32. */
/* SPDX-License-Identifier: MIT */
#include "kernels/codes.h"
#include "kernels/grids.h"

#define BLOCK 256

struct block {
    uint16_t d;
    uint8_t index[BLOCK / 8];
    uint16_t words[BLOCK / 32];
};
_Static_assert(sizeof(struct block) == 50, "iq1_s is a file format");

static inline const struct block *block_at(const uint8_t *row, int b)
{
    return (const struct block *)row + b;
}

static inline struct q32_scalar iq1_s_load32_scalar(const uint8_t *row, int group)
{
    const struct block *in = block_at(row, group / 8);
    const int g = group % 8;
    const unsigned word = in->words[g];
    struct q32_scalar w = {.d = {half_to_float(in->d) * (float)(1 + 2 * (word >> 12 & 7)) * 0.125f}};
    for (int l = 0; l < 4; l++)
        grid8(w.q + 8 * l, iq1s_grid[in->index[4 * g + l] | (word >> 3 * l & 7) << 8], word >> 15 ? iq1_less : iq1_more, 0);
    return w;
}

FORMAT_SCALAR(iq1_s)

const struct format format_iq1_s = {
    .name = "iq1_s",
    .gguf_type = 19,
    .block = BLOCK,
    .bytes = sizeof(struct block),
    .group = 32,
    .version = 1,
    .act = ACT_Q8,
    .dequantize = iq1_s_dequantize,
    .isa = {SCALAR_KERNELS(iq1_s)},
};
