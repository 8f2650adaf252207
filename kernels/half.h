/* half.h - 16-bit floats to and from float32, in integer arithmetic and exact: rounding is to nearest, ties to even.
 *
 *   fp16  s eeeee mmmmmmmmmm    bias 15, denormals down to 2^-24, largest 65504
 *   bf16  s eeeeeeee mmmmmmm    the upper half of a float32
 *
 * A NaN stays a NaN, made quiet, with the upper bits of its payload: what F16C and Armv8 do. */
/* SPDX-License-Identifier: MIT */
#ifndef KERNELS_HALF_H
#define KERNELS_HALF_H

#include <stdint.h>
#include <string.h>

#define HALF_MAX 65504.0f

static inline uint32_t float_bits(float f)
{
    uint32_t u;
    memcpy(&u, &f, sizeof u);
    return u;
}

static inline float bits_float(uint32_t u)
{
    float f;
    memcpy(&f, &u, sizeof f);
    return f;
}

static inline float half_to_float(uint16_t h)
{
    uint32_t sign = (uint32_t)(h & 0x8000) << 16;
    uint32_t exponent = h >> 10 & 31;
    uint32_t mantissa = h & 0x3ff;
    if (exponent == 31)
        return bits_float(sign | 0x7f800000 | mantissa << 13 | (mantissa ? 0x400000 : 0));
    if (exponent)
        return bits_float(sign | (exponent + 112) << 23 | mantissa << 13);
    if (!mantissa)
        return bits_float(sign);
    int shift = __builtin_clz(mantissa) - 21; /* brings the leading one to bit 10, where a normal number hides it */
    return bits_float(sign | (uint32_t)(113 - shift) << 23 | (mantissa << shift & 0x3ff) << 13);
}

static inline uint16_t float_to_half(float f)
{
    uint32_t u = float_bits(f);
    uint32_t sign = u >> 16 & 0x8000;
    u &= 0x7fffffff;
    if (u > 0x7f800000)
        return (uint16_t)(sign | 0x7e00 | (u >> 13 & 0x3ff));
    if (u >= 0x477ff000) /* 65520 and more round to infinity */
        return (uint16_t)(sign | 0x7c00);
    if (u >= 0x38800000) /* 2^-14 and more: normal; a carry out of the mantissa goes into the exponent, as it should */
        return (uint16_t)(sign | (u - 0x38000000 + 0xfff + (u >> 13 & 1)) >> 13);
    if (u <= 0x33000000) /* half of the smallest denormal: the tie goes to the even zero */
        return (uint16_t)sign;
    uint32_t mantissa = (u & 0x7fffff) | 0x800000;
    uint32_t shift = 126 - (u >> 23); /* 14 .. 24: what is left counts in units of 2^-24 */
    uint32_t q = mantissa >> shift;
    uint32_t rest = mantissa & ((1u << shift) - 1);
    uint32_t tie = 1u << (shift - 1);
    return (uint16_t)(sign | (q + (rest > tie || (rest == tie && (q & 1)))));
}

static inline float bf16_to_float(uint16_t b)
{
    return bits_float((uint32_t)b << 16);
}

static inline uint16_t float_to_bf16(float f)
{
    uint32_t u = float_bits(f);
    if ((u & 0x7fffffff) > 0x7f800000)
        return (uint16_t)(u >> 16 | 0x40);
    return (uint16_t)((u + 0x7fff + (u >> 16 & 1)) >> 16);
}

static inline uint16_t read_u16(const void *p)
{
    uint16_t u;
    memcpy(&u, p, sizeof u);
    return u;
}

#endif
