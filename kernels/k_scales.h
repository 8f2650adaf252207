/* k_scales.h - the eight scales and mins of six bits that a block of q4_k or q5_k packs into twelve bytes.
 *
 *   byte g, g < 4        scale g          | upper two bits of scale g + 4
 *   byte g + 4, g < 4    min g            | upper two bits of min g + 4
 *   byte g + 4, g >= 4   low four bits of scale g and, above them, of min g */
/* SPDX-License-Identifier: MIT */
#ifndef KERNELS_K_SCALES_H
#define KERNELS_K_SCALES_H

#include <stdint.h>

static inline int k_scale(const uint8_t *s, int g)
{
    return g < 4 ? s[g] & 63 : (s[g + 4] & 15) | s[g - 4] >> 6 << 4;
}

static inline int k_min(const uint8_t *s, int g)
{
    return g < 4 ? s[g + 4] & 63 : s[g + 4] >> 4 | s[g] >> 6 << 4;
}

static inline void k_scales_pack(uint8_t s[12], const int scale[8], const int min[8])
{
    for (int g = 0; g < 4; g++) {
        s[g] = (uint8_t)(scale[g] | scale[g + 4] >> 4 << 6);
        s[g + 4] = (uint8_t)(min[g] | min[g + 4] >> 4 << 6);
        s[g + 8] = (uint8_t)((scale[g + 4] & 15) | (min[g + 4] & 15) << 4);
    }
}

#endif
