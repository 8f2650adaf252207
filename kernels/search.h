/* search.h - finds the numbers of a block: the codes and scales whose weights are nearest to the given ones.
 *
 * Nearest by the sum of squared differences.  A group's scale is tried at a few steps around the one that just reaches its
 * largest weight; for each the codes are the nearest ones, and for those codes least squares gives the best scale (and offset).
 * The best step is improved by turns, codes for the scale and a scale for the codes, and what a file holds is rounded before the
 * last codes.
 *
 * What is found is always finite: 16-bit scales saturate, and a group of weights that no fp16 scale can tell from zero is zero. */
/* SPDX-License-Identifier: MIT */
#ifndef KERNELS_SEARCH_H
#define KERNELS_SEARCH_H

#include <stdint.h>

#define SUPER 256 /* weights of a block whose groups have small scales of their own, in units of a 16-bit one */

/* What a code may be: a number lo .. hi itself or, with a table, an index lo .. hi into numbers in ascending order. */
struct codes {
    int lo, hi;
    const int8_t *value; /* NULL: the numbers themselves */
};

/* src with zero for what is no number, and bounded such that squares can be added: larger ones no block can hold. */
void search_clean(float *out, const float *src, int n);

/* x ~ d q: the codes, and d as fp16. */
void search_scale(int8_t *code, const float *x, int n, const struct codes *c, uint16_t *d);

/* x ~ d q + m, with codes 0 .. hi. */
void search_offset(int8_t *code, const float *x, int n, int hi, uint16_t *d, uint16_t *m);

struct super {
    int8_t code[SUPER];
    int scale[16], min[16]; /* of groups of 16 or 32 weights */
    uint16_t d, m;          /* fp16 */
};

/* x ~ d scale q, in groups of `group`, with scales scale_lo .. scale_hi, -scale_lo > scale_hi. */
void search_super_scale(struct super *s, const float x[SUPER], int group, const struct codes *c, int scale_lo, int scale_hi);

/* x ~ d scale q - m min, with codes 0 .. hi, scales and mins 0 .. scale_hi. */
void search_super_offset(struct super *s, const float x[SUPER], int group, int hi, int scale_hi);

#endif
