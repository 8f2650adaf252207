/* grids.h - the codebooks of the IQ formats: an index stands for four or eight numbers.
 *
 * The entries were read out of ggml by decoding blocks made for the purpose, one index at a time.  Number j of an entry is the two
 * bits from 2 j on (of eight), or the three bits from 3 j on (of four): an index into the few values that there are. */
/* SPDX-License-Identifier: MIT */
#ifndef KERNELS_GRIDS_H
#define KERNELS_GRIDS_H

#include <stdint.h>

extern const uint16_t iq3s_grid[512], iq3xxs_grid[256];                   /* of four */
extern const uint16_t iq2s_grid[1024], iq2xs_grid[512], iq2xxs_grid[256]; /* of eight */
extern const uint16_t iq1s_grid[2048];

static const int8_t iq3s_values[8] = {1, 3, 5, 7, 9, 11, 13, 15};
static const int8_t iq3xxs_values[8] = {4, 12, 20, 28, 36, 44, 52, 62};
static const int8_t iq2_values[4] = {8, 25, 43};
static const int8_t iq1_more[4] = {-7, 1, 9}, iq1_less[4] = {-9, -1, 7}; /* -1, 0, 1 and an eighth more or less, in eighths */

/* Bit j of signs is set where number j is negative. */
static inline void grid4(int8_t out[4], uint16_t entry, const int8_t value[8], unsigned signs)
{
    for (int j = 0; j < 4; j++) {
        const int v = value[entry >> 3 * j & 7];
        out[j] = (int8_t)(signs >> j & 1 ? -v : v);
    }
}

static inline void grid8(int8_t out[8], uint16_t entry, const int8_t value[4], unsigned signs)
{
    for (int j = 0; j < 8; j++) {
        const int v = value[entry >> 2 * j & 3];
        out[j] = (int8_t)(signs >> j & 1 ? -v : v);
    }
}

/* Seven signs stand for eight: the eighth makes the number of negative ones even. */
static inline unsigned signs_of_7(unsigned bits)
{
    bits &= 127;
    return bits | (unsigned)__builtin_parity(bits) << 7;
}

#endif
