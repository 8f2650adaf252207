/* int8.c - plain int8, symmetric or with a zero point, one scale for 64 weights, for a row (an output channel) or for a matrix.
 *
 *   int8_group64_*   a run (ints.h) of 64 weights is a block: 66 or 68 bytes, 8.25 or 8.5 bits per weight
 *   int8_channel_*   a row is one run: its head is the row's header, and 32 codes behind it are a block
 *   int8_tensor_*    the same bytes, with the range of the whole matrix in the header of each row: a row alone cannot be written
 *
 * q8_0 is the symmetric one for 32 weights.  weight = d q + m with m = -d z: d has 11 bits and q - z has 9, so both products and
 * their sum are exact in float32. */
/* SPDX-License-Identifier: MIT */
#include "kernels/ints.h"

FORCE_INLINE struct q32_scalar int8_load32_scalar(const struct ints *t, const uint8_t *row, int group)
{
    const uint8_t *run = ints_run(t, row, group);
    const float d = half_to_float(read_u16(run));
    struct q32_scalar w = {.d = {d}, .m = {-d * (float)ints_zero(t, run)}};
    memcpy(w.q, ints_codes(t, row, group), sizeof w.q);
    return w;
}

#ifdef TARGET_AVX2
TARGET_AVX2 FORCE_INLINE q32_avx2 int8_load32_avx2(const struct ints *t, const uint8_t *row, int group)
{
    const uint8_t *run = ints_run(t, row, group);
    const float d = half_avx2(run);
    const __m256i q = _mm256_loadu_si256((const __m256i *)ints_codes(t, row, group));
    return (q32_avx2){.q = q, .d = {d}, .m = {-d * (float)ints_zero(t, run)}};
}
#endif

#ifdef TARGET_NEON
FORCE_INLINE q32_neon int8_load32_neon(const struct ints *t, const uint8_t *row, int group)
{
    const uint8_t *run = ints_run(t, row, group);
    const int8_t *q = (const int8_t *)ints_codes(t, row, group);
    const float d = half_neon(run);
    return (q32_neon){.lo = vld1q_s8(q), .hi = vld1q_s8(q + 16), .d = {d}, .m = {-d * (float)ints_zero(t, run)}};
}
#endif

INTS_KERNELS(int8_group64_sym, int8, .bits = 8, .symmetric = 1, .group = 64)
INTS_KERNELS(int8_group64_asym, int8, .bits = 8, .group = 64)
INTS_KERNELS(int8_channel_sym, int8, .bits = 8, .symmetric = 1)
INTS_KERNELS(int8_channel_asym, int8, .bits = 8)

static void int8_tensor_sym_quantize(void *dst, const float *src, int k, float min, float max)
{
    ints_put(&type_int8_channel_sym, dst, src, k, min, max);
}

static void int8_tensor_asym_quantize(void *dst, const float *src, int k, float min, float max)
{
    ints_put(&type_int8_channel_asym, dst, src, k, min, max);
}

const struct format format_int8_group64_sym = {
    .name = "int8_group64_sym",
    .gguf_type = TYPE_INT8_GROUP64_SYM,
    .block = 64,
    .bytes = 66,
    .quantize = int8_group64_sym_quantize,
    INTS_COMMON(int8_group64_sym),
};

const struct format format_int8_group64_asym = {
    .name = "int8_group64_asym",
    .gguf_type = TYPE_INT8_GROUP64_ASYM,
    .block = 64,
    .bytes = 68,
    .offset = 1,
    .quantize = int8_group64_asym_quantize,
    INTS_COMMON(int8_group64_asym),
};

const struct format format_int8_channel_sym = {
    .name = "int8_channel_sym",
    .gguf_type = TYPE_INT8_CHANNEL_SYM,
    .block = 32,
    .bytes = 32,
    .row_header = 2,
    .quantize = int8_channel_sym_quantize,
    INTS_COMMON(int8_channel_sym),
};

const struct format format_int8_channel_asym = {
    .name = "int8_channel_asym",
    .gguf_type = TYPE_INT8_CHANNEL_ASYM,
    .block = 32,
    .bytes = 32,
    .row_header = 4,
    .offset = 1,
    .quantize = int8_channel_asym_quantize,
    INTS_COMMON(int8_channel_asym),
};

const struct format format_int8_tensor_sym = {
    .name = "int8_tensor_sym",
    .gguf_type = TYPE_INT8_TENSOR_SYM,
    .block = 32,
    .bytes = 32,
    .row_header = 2,
    .quantize_within = int8_tensor_sym_quantize,
    INTS_COMMON(int8_channel_sym),
};

const struct format format_int8_tensor_asym = {
    .name = "int8_tensor_asym",
    .gguf_type = TYPE_INT8_TENSOR_ASYM,
    .block = 32,
    .bytes = 32,
    .row_header = 4,
    .offset = 1,
    .quantize_within = int8_tensor_asym_quantize,
    INTS_COMMON(int8_channel_asym),
};
