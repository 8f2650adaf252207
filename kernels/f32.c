/* f32.c - weights as they are trained: float32, four bytes each, exact. */
/* SPDX-License-Identifier: MIT */
#include "kernels/kv_rows.h"
#include "kernels/rows.h"

static void f32_quantize(void *dst, const float *src, int k)
{
    memcpy(dst, src, (size_t)k * sizeof(float));
}

static void f32_dequantize(float *dst, const void *src, int k)
{
    memcpy(dst, src, (size_t)k * sizeof(float));
}

#define f32_load16_scalar load16_f32_scalar
FORMAT_F32(f32, scalar, )

#ifdef TARGET_AVX2
#define f32_load16_avx2 load16_f32_avx2
#define f32_load16_avx512 load16_f32_avx512
FORMAT_F32(f32, avx2, TARGET_AVX2)
FORMAT_F32(f32, avx512, TARGET_AVX512)
FORMAT_KV(f32, avx2, TARGET_AVX2)
FORMAT_KV(f32, avx512, TARGET_AVX512)
#endif

#ifdef TARGET_NEON
#define f32_load16_neon load16_f32_neon
FORMAT_F32(f32, neon, TARGET_NEON)
FORMAT_KV(f32, neon, TARGET_NEON)
#endif

const struct format format_f32 = {
    .name = "f32",
    .gguf_type = 0,
    .block = 1,
    .bytes = sizeof(float),
    .version = 1,
    .act = ACT_F32,
    .quantize = f32_quantize,
    .dequantize = f32_dequantize,
    .isa[ISA_SCALAR] = {F32_KERNELS(f32, scalar)},
#ifdef TARGET_AVX2
    .isa[ISA_AVX2] = {F32_KERNELS(f32, avx2), KV_KERNELS(f32, avx2)},
    .isa[ISA_AVX512] = {F32_KERNELS(f32, avx512), KV_KERNELS(f32, avx512)},
#endif
#ifdef TARGET_NEON
    .isa[ISA_NEON] = {F32_KERNELS(f32, neon), KV_KERNELS(f32, neon)},
#endif
};
