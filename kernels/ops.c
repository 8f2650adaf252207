/* ops.c - RMSNorm, RoPE, softmax, gates, soft caps and addition at each instruction set; what they do is in ops.inc. */
/* SPDX-License-Identifier: MIT */
#include "kernels/ops.h"

#include <math.h>
#include <stdint.h>
#include <string.h>

#include "kernels/target.h"

#define P(name) name##_scalar
#define OPS_TARGET
#define WIDTH 4
#include "kernels/ops.inc"

#ifdef TARGET_AVX2
#define P(name) name##_avx2
#define OPS_TARGET TARGET_AVX2
#define WIDTH 32
#include "kernels/ops.inc"

#define P(name) name##_avx512
#define OPS_TARGET TARGET_AVX512
#define WIDTH 64
#include "kernels/ops.inc"
#endif

#ifdef TARGET_NEON
#define P(name) name##_neon
#define OPS_TARGET TARGET_NEON
#define WIDTH 16
#include "kernels/ops.inc"
#endif

/* NULL where the level below serves. */
static const struct ops *const at[ISA_COUNT] = {
    [ISA_SCALAR] = &ops_scalar,
#ifdef TARGET_AVX2
    [ISA_AVX2] = &ops_avx2,
    [ISA_AVX512] = &ops_avx512,
#endif
#ifdef TARGET_NEON
    [ISA_NEON] = &ops_neon,
#endif
};

const struct ops *ops_at(enum isa isa)
{
    int level = (int)isa;
    while (!at[level])
        level--;
    return at[level];
}
