/* f16.c - IEEE 754 half precision, two bytes a weight, rounded to nearest even; above 65504 becomes infinite. */
/* SPDX-License-Identifier: MIT */
#include "kernels/half.h"
#include "kernels/kv_rows.h"
#include "kernels/rows.h"

static void f16_quantize(void *dst, const float *src, int k)
{
    for (int i = 0; i < k; i++) {
        uint16_t h = float_to_half(src[i]);
        memcpy((uint8_t *)dst + 2 * (size_t)i, &h, sizeof h);
    }
}

static void f16_dequantize(float *dst, const void *src, int k)
{
    for (int i = 0; i < k; i++)
        dst[i] = half_to_float(read_u16((const uint8_t *)src + 2 * (size_t)i));
}

static inline void f16_load16_scalar(float out[16], const uint8_t *row, int i)
{
    f16_dequantize(out, row + 2 * (size_t)i, 16);
}

FORMAT_F32(f16, scalar, )

#ifdef TARGET_AVX2
TARGET_AVX2 static inline v16_avx2 f16_load16_avx2(const uint8_t *row, int i)
{
    const __m128i *p = (const __m128i *)(row + 2 * (size_t)i);
    return (v16_avx2){_mm256_cvtph_ps(_mm_loadu_si128(p)), _mm256_cvtph_ps(_mm_loadu_si128(p + 1))};
}

TARGET_AVX512 static inline __m512 f16_load16_avx512(const uint8_t *row, int i)
{
    return _mm512_cvtph_ps(_mm256_loadu_si256((const __m256i *)(row + 2 * (size_t)i)));
}

TARGET_AVX2 static void f16_store_avx2(void *dst, const float *src, int k)
{
    uint8_t *out = dst;
    int i = 0;
    for (; i + 8 <= k; i += 8)
        _mm_storeu_si128((__m128i *)(out + 2 * (size_t)i), _mm256_cvtps_ph(_mm256_loadu_ps(src + i), _MM_FROUND_TO_NEAREST_INT));
    f16_quantize(out + 2 * (size_t)i, src + i, k - i);
}

FORMAT_F32(f16, avx2, TARGET_AVX2)
FORMAT_F32(f16, avx512, TARGET_AVX512)
FORMAT_KV(f16, avx2, TARGET_AVX2)
FORMAT_KV(f16, avx512, TARGET_AVX512)
#endif

#ifdef TARGET_NEON
static inline v16_neon f16_load16_neon(const uint8_t *row, int i)
{
    float16x8_t a = vreinterpretq_f16_u8(vld1q_u8(row + 2 * (size_t)i)),
                b = vreinterpretq_f16_u8(vld1q_u8(row + 2 * (size_t)i + 16));
    return (v16_neon){{vcvt_f32_f16(vget_low_f16(a)), vcvt_f32_f16(vget_high_f16(a)), vcvt_f32_f16(vget_low_f16(b)),
                       vcvt_f32_f16(vget_high_f16(b))}};
}

FORMAT_F32(f16, neon, TARGET_NEON)
FORMAT_KV(f16, neon, TARGET_NEON)
#endif

const struct format format_f16 = {
    .name = "f16",
    .gguf_type = 1,
    .block = 1,
    .bytes = sizeof(uint16_t),
    .version = 1,
    .act = ACT_F32,
    .quantize = f16_quantize,
    .dequantize = f16_dequantize,
    .isa[ISA_SCALAR] = {F32_KERNELS(f16, scalar)},
#ifdef TARGET_AVX2
    .isa[ISA_AVX2] = {F32_KERNELS(f16, avx2), KV_KERNELS(f16, avx2), .store = f16_store_avx2},
    .isa[ISA_AVX512] = {F32_KERNELS(f16, avx512), KV_KERNELS(f16, avx512)},
#endif
#ifdef TARGET_NEON
    .isa[ISA_NEON] = {F32_KERNELS(f16, neon), KV_KERNELS(f16, neon)},
#endif
};
