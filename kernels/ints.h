/* ints.h - plain integers with a scale: INT8 and INT4 as articles define them, for formats of ours that GGUF has no type for.
 *
 *   symmetric     weight = d q         d = largest magnitude / hi, codes -hi .. hi, of 8 bits -127 .. 127
 *   asymmetric    weight = d (q - z)   d = (max - min) / (hi - lo), codes lo .. hi, of 8 bits -128 .. 127; min and max include 0,
 *                                      so the zero point z = lo - min / d, rounded, is a code, and zero stays exactly zero
 *
 * (Jacob et al. 2018, section 2.1; Krishnamoorthi 2018, section 2.)  d is rounded to fp16 first, then every weight to the nearest
 * code of that d, halves away from zero.  There is no search: these formats say what rounding to nearest costs.
 *
 * Weights that share d and z, a run, follow their head: those of a group, or of a whole row.
 *
 *   | d: fp16 | codes |                      symmetric
 *   | d: fp16 | z: int8 | 0 | codes |        asymmetric */
/* SPDX-License-Identifier: MIT */
#ifndef KERNELS_INTS_H
#define KERNELS_INTS_H

#include "kernels/codes.h"

/* Type ids of ours in a GGUF file; format.h says how a file tells that it has them. */
enum {
    TYPE_INT8_TENSOR_SYM = FORMAT_OWN,
    TYPE_INT8_TENSOR_ASYM,
    TYPE_INT8_CHANNEL_SYM,
    TYPE_INT8_CHANNEL_ASYM,
    TYPE_INT8_GROUP64_SYM,
    TYPE_INT8_GROUP64_ASYM,
    TYPE_INT4_CHANNEL_SYM = FORMAT_OWN + 16,
    TYPE_INT4_CHANNEL_ASYM,
    TYPE_INT4_GROUP32_SYM,
    TYPE_INT4_GROUP64_SYM,
    TYPE_INT4_GROUP128_SYM,
    TYPE_INT4_GROUP128_ASYM,
};

/* What a run looks like; a constant of each format. */
struct ints {
    int bits, symmetric;
    int group; /* weights of a run; 0: all of a row */
};

FORCE_INLINE int ints_head(const struct ints *t)
{
    return t->symmetric ? 2 : 4;
}

/* -- reading -------------------------------------------------------------------------------------------------------------- */

FORCE_INLINE const uint8_t *ints_run(const struct ints *t, const uint8_t *row, int group)
{
    return t->group ? row + (size_t)(group / (t->group / 32)) * (size_t)(ints_head(t) + t->group * t->bits / 8) : row;
}

FORCE_INLINE const uint8_t *ints_codes(const struct ints *t, const uint8_t *row, int group)
{
    const int at = t->group ? group % (t->group / 32) : group;
    return ints_run(t, row, group) + ints_head(t) + (size_t)at * (size_t)(4 * t->bits);
}

FORCE_INLINE int ints_zero(const struct ints *t, const uint8_t *run)
{
    return t->symmetric ? 0 : (int8_t)run[2];
}

/* -- writing -------------------------------------------------------------------------------------------------------------- */

/* What is no number counts as zero. */
static inline void ints_range(float *min, float *max, const float *x, int n)
{
    *min = *max = 0;
    for (int i = 0; i < n; i++) {
        *min = x[i] < *min ? x[i] : *min;
        *max = x[i] > *max ? x[i] : *max;
    }
}

FORCE_INLINE float between(float v, float lo, float hi)
{
    return v > lo ? v < hi ? v : hi : lo;
}

/* A run of n weights, and what is behind it.  A d that fp16 cannot hold saturates, one that it cannot tell from 0 is 0. */
FORCE_INLINE uint8_t *ints_put(const struct ints *t, uint8_t *out, const float *x, int n, float min, float max)
{
    const float hi = (float)((1 << (t->bits - 1)) - 1), lo = t->symmetric ? -hi : -hi - 1;
    /* Not fmaxf: of 0 and -0 it may give either. */
    const float wanted = t->symmetric ? (-min > max ? -min : max) / hi : (max - min) / (hi - lo);
    const uint16_t half = float_to_half(wanted < HALF_MAX ? wanted : HALF_MAX);
    const float d = half_to_float(half), z = t->symmetric || d == 0 ? 0 : between(roundf(lo - min / d), lo, hi);

    memcpy(out, &half, sizeof half);
    if (!t->symmetric) {
        out[2] = (uint8_t)(int8_t)z;
        out[3] = 0;
    }
    out += ints_head(t);
    for (int i = 0; i < n; i += 32, out += 4 * t->bits) {
        int8_t code[32];
        for (int j = 0; j < 32; j++)
            code[j] = (int8_t)between(d > 0 ? roundf(x[i + j] / d) + z : z, lo, hi);
        if (t->bits == 8) {
            memcpy(out, code, sizeof code);
        } else { /* as 0 .. 15 */
            for (int j = 0; j < 32; j++)
                code[j] = (int8_t)(code[j] + 8);
            pack_nibbles(out, code);
        }
    }
    return out;
}

/* A row, with the ranges of its own runs. */
FORCE_INLINE void ints_quantize(const struct ints *t, uint8_t *out, const float *src, int k)
{
    const int n = t->group ? t->group : k;
    for (int i = 0; i < k; i += n) {
        float min, max;
        ints_range(&min, &max, src + i, n);
        out = ints_put(t, out, src + i, n, min, max);
    }
}

/* -- what the formats of a family share ----------------------------------------------------------------------------------- */

/* The kernels of a format from the reads of its family, FAMILY_load32_ISA, under the constant type_NAME. */
#define INTS_LOAD32(format, family, isa, target, result)                                                                         \
    target static inline result format##_load32_##isa(const uint8_t *row, int group)                                             \
    {                                                                                                                            \
        return family##_load32_##isa(&type_##format, row, group);                                                                \
    }

#if defined TARGET_AVX2
#define INTS_SIMD(format, family) INTS_LOAD32(format, family, avx2, TARGET_AVX2, q32_avx2) FORMAT_SIMD(format)
#elif defined TARGET_NEON
#define INTS_SIMD(format, family) INTS_LOAD32(format, family, neon, TARGET_NEON, q32_neon) FORMAT_SIMD(format)
#else
#define INTS_SIMD(format, family)
#endif

#define INTS_KERNELS(format, family, ...)                                                                                        \
    static const struct ints type_##format = {__VA_ARGS__};                                                                      \
    static void format##_quantize(void *dst, const float *src, int k)                                                            \
    {                                                                                                                            \
        ints_quantize(&type_##format, dst, src, k);                                                                              \
    }                                                                                                                            \
    INTS_LOAD32(format, family, scalar, , struct q32_scalar)                                                                     \
    FORMAT_SCALAR(format)                                                                                                        \
    INTS_SIMD(format, family)

#define INTS_COMMON(shape)                                                                                                       \
    .group = 32, .version = 1, .act = ACT_Q8, .dequantize = shape##_dequantize,                                                  \
    .isa = {SCALAR_KERNELS(shape), SIMD_KERNELS(shape)}

#endif
