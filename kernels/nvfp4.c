/* nvfp4.c - four-bit floats (E2M1) with an eight-bit float for 16 weights.
 *
 *   | scales[0] .. scales[3] | q[0] .. q[31] |      36 bytes for 64 weights, 4.5 bits per weight
 *
 * Group g has bytes q[8 g] .. q[8 g + 7]: weights 0 .. 7 of it in the low nibbles, 8 .. 15 in the high ones.  A scale is an E4M3
 * float without sign, halved, for the values are doubled to be integers; its byte 127 counts as zero.
 * weight = scale * fp4_values[nibble]. */
/* SPDX-License-Identifier: MIT */
#include "kernels/codes.h"
#include "kernels/search.h"
#include "kernels/tables.h"

#define BLOCK 64

struct block {
    uint8_t scales[4];
    uint8_t q[BLOCK / 2];
};
_Static_assert(sizeof(struct block) == 36, "nvfp4 is a file format");

static inline const struct block *block_at(const uint8_t *row, int b)
{
    return (const struct block *)row + b;
}

/* 4 bits of exponent (bias 7), 3 of mantissa, halved; the top bit is not looked at. */
static inline float scale_of(int byte)
{
    const int exponent = byte >> 3 & 15, mantissa = byte & 7;
    if (byte == 127)
        return 0;
    return exponent ? bits_float((uint32_t)(exponent + 119) << 23 | (uint32_t)mantissa << 20) : (float)mantissa * 0x1p-10f;
}

/* The codes of 16 weights for the best of a few scales, the largest of which just reaches their largest; returns its byte. */
static int best_group(uint8_t q[8], const float x[16])
{
    float largest = 0, best = INFINITY;
    int top = 0, byte = 0;
    for (int i = 0; i < 16; i++)
        largest = fmaxf(largest, fabsf(x[i]));
    while (top < 126 && scale_of(top) * 12 < largest)
        top++;
    for (int e = top; e >= 0 && e > top - 8; e--) {
        const float scale = scale_of(e);
        uint8_t code[16];
        float error = 0;
        for (int i = 0; i < 16; i++) {
            code[i] = (uint8_t)(scale > 0 ? fp4_nearest(x[i] / scale) : 0);
            const float off = x[i] - scale * (float)fp4_values[code[i]];
            error += off * off;
        }
        if (error < best) {
            best = error;
            byte = e;
            for (int i = 0; i < 8; i++)
                q[i] = (uint8_t)(code[i] | code[i + 8] << 4);
        }
    }
    return byte;
}

static void nvfp4_quantize(void *dst, const float *src, int k)
{
    struct block *out = dst;
    for (int b = 0; b < k / BLOCK; b++, out++, src += BLOCK) {
        float x[BLOCK];
        search_clean(x, src, BLOCK);
        for (int g = 0; g < BLOCK / 16; g++)
            out->scales[g] = (uint8_t)best_group(out->q + 8 * g, x + 16 * g);
    }
}

static inline struct q32_scalar nvfp4_load32_scalar(const uint8_t *row, int group)
{
    const struct block *in = block_at(row, group / 2);
    const int g = group % 2 * 2;
    struct q32_scalar w = {.d = {scale_of(in->scales[g]), scale_of(in->scales[g + 1])}};
    for (int i = 0; i < 32; i++)
        w.q[i] = fp4_values[in->q[8 * g + i / 16 * 8 + i % 8] >> i % 16 / 8 * 4 & 15];
    return w;
}

FORMAT_SCALAR(nvfp4)

const struct format format_nvfp4 = {
    .name = "nvfp4",
    .gguf_type = 40,
    .block = BLOCK,
    .bytes = sizeof(struct block),
    .group = 16,
    .version = 1,
    .act = ACT_Q8,
    .quantize = nvfp4_quantize,
    .dequantize = nvfp4_dequantize,
    .isa = {SCALAR_KERNELS(nvfp4)},
};
