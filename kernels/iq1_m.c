/* iq1_m.c - the numbers of iq1_s; groups of 16 with a scale of three bits, and an eighth for every eight weights.
 *
 *   | index[0] .. index[31] | high[0] .. high[15] | words[0] .. words[3]: 16 bits each |      56 bytes for 256 weights
 *
 * 1.75 bits per weight.  Nibble l % 2 of high[l / 2] has the upper three bits of index l, which serves weights 8 l on, and above
 * them the sign of the eighth.  The top nibbles of the words, first word lowest, are d: fp16; their other bits are four scales
 * each. weight = d (2 scale + 1) (number +- 1/8). */
/* SPDX-License-Identifier: MIT */
#include "kernels/codes.h"
#include "kernels/grids.h"

#define BLOCK 256

struct block {
    uint8_t index[BLOCK / 8];
    uint8_t high[BLOCK / 16];
    uint16_t words[4];
};
_Static_assert(sizeof(struct block) == 56, "iq1_m is a file format");

static inline const struct block *block_at(const uint8_t *row, int b)
{
    return (const struct block *)row + b;
}

static inline struct q32_scalar iq1_m_load32_scalar(const uint8_t *row, int group)
{
    const struct block *in = block_at(row, group / 8);
    const int g = group % 8;
    uint16_t half = 0;
    for (int i = 0; i < 4; i++)
        half |= (uint16_t)(in->words[i] >> 12 << 4 * i);
    const float d = half_to_float(half) * 0.125f;
    const int scales = in->words[g / 2] >> g % 2 * 6;
    struct q32_scalar w = {.d = {d * (float)(1 + 2 * (scales & 7)), d * (float)(1 + 2 * (scales >> 3 & 7))}};
    for (int l = 0; l < 4; l++) {
        const int high = in->high[2 * g + l / 2] >> l % 2 * 4 & 15;
        grid8(w.q + 8 * l, iq1s_grid[in->index[4 * g + l] | (high & 7) << 8], high >> 3 ? iq1_less : iq1_more, 0);
    }
    return w;
}

FORMAT_SCALAR(iq1_m)

const struct format format_iq1_m = {
    .name = "iq1_m",
    .gguf_type = 29,
    .block = BLOCK,
    .bytes = sizeof(struct block),
    .group = 16,
    .version = 1,
    .act = ACT_Q8,
    .dequantize = iq1_m_dequantize,
    .isa = {SCALAR_KERNELS(iq1_m)},
};
