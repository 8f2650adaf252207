/* bf16.c - the upper half of a float32, two bytes a weight, rounded to nearest even: the range of float32, 8 bits of precision.
 *
 * The default path rounds the activations to bf16 as well.  A product of two bf16 numbers is exact in float32, so without the
 * instruction for it the kernel is that of the exact path over other activations. */
/* SPDX-License-Identifier: MIT */
#include "kernels/half.h"
#include "kernels/kv_rows.h"
#include "kernels/rows.h"

static void bf16_quantize(void *dst, const float *src, int k)
{
    for (int i = 0; i < k; i++) {
        uint16_t b = float_to_bf16(src[i]);
        memcpy((uint8_t *)dst + 2 * (size_t)i, &b, sizeof b);
    }
}

static void bf16_dequantize(float *dst, const void *src, int k)
{
    for (int i = 0; i < k; i++)
        dst[i] = bf16_to_float(read_u16((const uint8_t *)src + 2 * (size_t)i));
}

#define BF16_MATVEC(isa, target)                                                                                                 \
    target static void bf16_matvec_bf16_##isa(float *y, const void *w, const struct act *x, int rows)                            \
    {                                                                                                                            \
        matvec_##isa(y, w, load16_bf16_##isa, &format_bf16, x->bf16, load16_bf16_##isa, sizeof(uint16_t), x->k, rows);           \
    }

#define bf16_load16_scalar load16_bf16_scalar
FORMAT_F32(bf16, scalar, )
BF16_MATVEC(scalar, )

#ifdef TARGET_AVX2
#define bf16_load16_avx2 load16_bf16_avx2
#define bf16_load16_avx512 load16_bf16_avx512
FORMAT_F32(bf16, avx2, TARGET_AVX2)
FORMAT_F32(bf16, avx512, TARGET_AVX512)
FORMAT_KV(bf16, avx2, TARGET_AVX2)
FORMAT_KV(bf16, avx512, TARGET_AVX512)
BF16_MATVEC(avx2, TARGET_AVX2)
BF16_MATVEC(avx512, TARGET_AVX512)

/* vdpbf16ps adds two products to each of 16 lanes, and treats denormals as zero. */
TARGET_AVX512BF16 FORCE_INLINE __m512 bf16_dot(const uint8_t *row, const struct act *x)
{
    __m512 acc = _mm512_setzero_ps();
    for (int i = 0; i < x->k; i += 32) {
        __mmask32 in = x->k - i < 32 ? (1u << (x->k - i)) - 1 : ~0u;
        prefetch_ahead(row + 2 * (size_t)i, 64);
        acc = _mm512_dpbf16_ps(acc, (__m512bh)_mm512_maskz_loadu_epi16(in, row + 2 * (size_t)i),
                               (__m512bh)_mm512_maskz_loadu_epi16(in, x->bf16 + i));
    }
    return acc;
}

MATVEC_ROW_BY_ROW(bf16_matvec_bf16_avx512bf16, TARGET_AVX512BF16, bf16_dot, format_bf16)
#endif

#ifdef TARGET_NEON
#define bf16_load16_neon load16_bf16_neon
FORMAT_F32(bf16, neon, TARGET_NEON)
FORMAT_KV(bf16, neon, TARGET_NEON)
BF16_MATVEC(neon, TARGET_NEON)
#endif

const struct format format_bf16 = {
    .name = "bf16",
    .gguf_type = 30,
    .block = 1,
    .bytes = sizeof(uint16_t),
    .version = 1,
    .act = ACT_BF16,
    .quantize = bf16_quantize,
    .dequantize = bf16_dequantize,
    .isa[ISA_SCALAR] = {F32_KERNELS(bf16, scalar), .matvec_act = bf16_matvec_bf16_scalar},
#ifdef TARGET_AVX2
    .isa[ISA_AVX2] = {F32_KERNELS(bf16, avx2), KV_KERNELS(bf16, avx2), .matvec_act = bf16_matvec_bf16_avx2},
    .isa[ISA_AVX512] = {F32_KERNELS(bf16, avx512), KV_KERNELS(bf16, avx512), .matvec_act = bf16_matvec_bf16_avx512},
    .isa[ISA_AVX512BF16] = {.matvec_act = bf16_matvec_bf16_avx512bf16},
#endif
#ifdef TARGET_NEON
    .isa[ISA_NEON] = {F32_KERNELS(bf16, neon), KV_KERNELS(bf16, neon), .matvec_act = bf16_matvec_bf16_neon},
#endif
};
