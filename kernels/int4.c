/* int4.c - plain int4, symmetric or with a zero point, one scale for 32, 64 or 128 weights or for a row (an output channel).
 *
 *   int4_group128_*   a run (ints.h) is a block: 66 or 68 bytes for 128 weights, 4.125 or 4.25 bits per weight
 *   int4_channel_*    a row is one run: its head is the row's header, and the 16 bytes of 32 codes behind it are a block
 *
 * Codes are -8 .. 7, stored as 0 .. 15, 32 of them in 16 bytes as in q4_0.  What differs from q4_0 in int4_group32_sym, of the
 * same size: q4_0 uses the code -8 too, for the weight of the largest magnitude, so its scale has that weight's sign, and one end
 * of its range is a step shorter.
 *
 * weight = d (q - z), and q - z fits into int8. */
/* SPDX-License-Identifier: MIT */
#include "kernels/ints.h"

/* What is taken off a stored code; of any byte, something that an int8 holds. */
FORCE_INLINE int shift_of(const struct ints *t, const uint8_t *run)
{
    return (ints_zero(t, run) + 8) & 15;
}

FORCE_INLINE struct q32_scalar int4_load32_scalar(const struct ints *t, const uint8_t *row, int group)
{
    const uint8_t *run = ints_run(t, row, group);
    struct q32_scalar w = {.d = {half_to_float(read_u16(run))}};
    nibbles_scalar(w.q, ints_codes(t, row, group));
    for (int i = 0; i < 32; i++)
        w.q[i] = (int8_t)(w.q[i] - shift_of(t, run));
    return w;
}

#ifdef TARGET_AVX2
TARGET_AVX2 FORCE_INLINE q32_avx2 int4_load32_avx2(const struct ints *t, const uint8_t *row, int group)
{
    const uint8_t *run = ints_run(t, row, group);
    const __m256i q = nibbles_avx2(ints_codes(t, row, group));
    return (q32_avx2){.q = _mm256_sub_epi8(q, _mm256_set1_epi8((char)shift_of(t, run))), .d = {half_avx2(run)}};
}
#endif

#ifdef TARGET_NEON
FORCE_INLINE q32_neon int4_load32_neon(const struct ints *t, const uint8_t *row, int group)
{
    const uint8_t *run = ints_run(t, row, group);
    q32_neon w = plus_neon(nibbles_neon(ints_codes(t, row, group)), -shift_of(t, run));
    w.d[0] = half_neon(run);
    return w;
}
#endif

INTS_KERNELS(int4_group32_sym, int4, .bits = 4, .symmetric = 1, .group = 32)
INTS_KERNELS(int4_group64_sym, int4, .bits = 4, .symmetric = 1, .group = 64)
INTS_KERNELS(int4_group128_sym, int4, .bits = 4, .symmetric = 1, .group = 128)
INTS_KERNELS(int4_group128_asym, int4, .bits = 4, .group = 128)
INTS_KERNELS(int4_channel_sym, int4, .bits = 4, .symmetric = 1)
INTS_KERNELS(int4_channel_asym, int4, .bits = 4)

const struct format format_int4_group32_sym = {
    .name = "int4_group32_sym",
    .gguf_type = TYPE_INT4_GROUP32_SYM,
    .block = 32,
    .bytes = 18,
    .quantize = int4_group32_sym_quantize,
    INTS_COMMON(int4_group32_sym),
};

const struct format format_int4_group64_sym = {
    .name = "int4_group64_sym",
    .gguf_type = TYPE_INT4_GROUP64_SYM,
    .block = 64,
    .bytes = 34,
    .quantize = int4_group64_sym_quantize,
    INTS_COMMON(int4_group64_sym),
};

const struct format format_int4_group128_sym = {
    .name = "int4_group128_sym",
    .gguf_type = TYPE_INT4_GROUP128_SYM,
    .block = 128,
    .bytes = 66,
    .quantize = int4_group128_sym_quantize,
    INTS_COMMON(int4_group128_sym),
};

const struct format format_int4_group128_asym = {
    .name = "int4_group128_asym",
    .gguf_type = TYPE_INT4_GROUP128_ASYM,
    .block = 128,
    .bytes = 68,
    .quantize = int4_group128_asym_quantize,
    INTS_COMMON(int4_group128_asym),
};

const struct format format_int4_channel_sym = {
    .name = "int4_channel_sym",
    .gguf_type = TYPE_INT4_CHANNEL_SYM,
    .block = 32,
    .bytes = 16,
    .row_header = 2,
    .quantize = int4_channel_sym_quantize,
    INTS_COMMON(int4_channel_sym),
};

const struct format format_int4_channel_asym = {
    .name = "int4_channel_asym",
    .gguf_type = TYPE_INT4_CHANNEL_ASYM,
    .block = 32,
    .bytes = 16,
    .row_header = 4,
    .quantize = int4_channel_asym_quantize,
    INTS_COMMON(int4_channel_asym),
};
