/* tables.h - what the codes of four bits stand for in the formats that have a table. */
/* SPDX-License-Identifier: MIT */
#ifndef KERNELS_TABLES_H
#define KERNELS_TABLES_H

#include <stdint.h>

/* iq4_nl and iq4_xs, as llama.cpp publishes it. */
static const int8_t iq4_values[16] = {-127, -104, -83, -65, -49, -35, -22, -10, 1, 13, 25, 38, 53, 69, 89, 113};

/* mxfp4 and nvfp4: E2M1, doubled (OCP Microscaling Formats 1.0, table 5). */
static const int8_t fp4_values[16] = {0, 1, 2, 3, 4, 6, 8, 12, 0, -1, -2, -3, -4, -6, -8, -12};

/* The code of the number nearest to v. */
static inline int8_t fp4_nearest(float v)
{
    const float twice = v < 0 ? -2 * v : 2 * v; /* against sums of neighbours, which are twice the middles */
    int at = 0;
    for (int i = 0; i < 7; i++)
        at += twice > (float)(fp4_values[i] + fp4_values[i + 1]);
    return (int8_t)(at | (v < 0 ? 8 : 0));
}

#endif
