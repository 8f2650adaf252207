/* act.c - rounds activations to what a kernel reads, with the same bits on every instruction set.
 *
 * bf16: to nearest even. int8, per group of 32: d = max |x| / 127, q = x / d rounded to nearest even, and the sums of q beside
 * it, of 16 each.  A group whose largest magnitude is 0 or so small that 127 / max overflows counts as zero.  A group with a NaN
 * or an infinity gets d = NaN and q = 0, so the outputs that depend on it are NaN as they are on the exact path, instead of
 * plausible. */
/* SPDX-License-Identifier: MIT */
#include <math.h>

#include "kernels/format.h"
#include "kernels/half.h"
#include "kernels/target.h"

#define INF_BITS 0x7f800000u

typedef void act_q8(int8_t *q, float *d, int32_t *sum, const float *x, int groups);

/* From the bits of the largest magnitude, which order as the floats do with infinities and NaNs above all: the scale of a group,
 * and what its elements are multiplied by. */
static inline float group_scale(uint32_t max_bits, float *inverse)
{
    *inverse = 0;
    if (max_bits >= INF_BITS)
        return NAN;
    float max = bits_float(max_bits), inv = 127 / max;
    if (!(inv < INFINITY))
        return 0;
    *inverse = inv;
    return max / 127;
}

static void act_q8_scalar(int8_t *q, float *d, int32_t *sum, const float *x, int groups)
{
    const float round = 12582912; /* 1.5 * 2^23: adding it leaves no room for a fraction */
    for (int g = 0; g < groups; g++, x += ACT_GROUP, q += ACT_GROUP) {
        uint32_t max = 0;
        for (int i = 0; i < ACT_GROUP; i++) {
            uint32_t u = float_bits(x[i]) & 0x7fffffff;
            max = u > max ? u : max;
        }
        float inverse;
        d[g] = group_scale(max, &inverse);
        sum[2 * g] = sum[2 * g + 1] = 0;
        for (int i = 0; i < ACT_GROUP; i++) {
            q[i] = inverse > 0 ? (int8_t)(x[i] * inverse + round - round) : 0;
            sum[2 * g + i / SUM_GROUP] += q[i];
        }
    }
}

#ifdef TARGET_AVX2
TARGET_AVX2 static void act_q8_avx2(int8_t *q, float *d, int32_t *sum, const float *x, int groups)
{
    const __m256i magnitude = _mm256_set1_epi32(0x7fffffff);
    for (int g = 0; g < groups; g++, x += ACT_GROUP, q += ACT_GROUP) {
        __m256 v[4];
        __m256i max = _mm256_setzero_si256();
        UNROLL
        for (int i = 0; i < 4; i++) {
            v[i] = _mm256_loadu_ps(x + 8 * i);
            max = _mm256_max_epi32(max, _mm256_and_si256(_mm256_castps_si256(v[i]), magnitude));
        }
        __m128i m = _mm_max_epi32(_mm256_castsi256_si128(max), _mm256_extracti128_si256(max, 1));
        m = _mm_max_epi32(m, _mm_shuffle_epi32(m, 0x4e));
        m = _mm_max_epi32(m, _mm_shuffle_epi32(m, 0xb1));
        float inverse;
        d[g] = group_scale((uint32_t)_mm_cvtsi128_si32(m), &inverse);
        /* Without an inverse the elements may be NaN: they are not rounded but masked away. */
        __m256i use = _mm256_set1_epi32(inverse > 0 ? -1 : 0), n[4];
        UNROLL
        for (int i = 0; i < 4; i++)
            n[i] = _mm256_and_si256(use, _mm256_cvtps_epi32(_mm256_mul_ps(v[i], _mm256_set1_ps(inverse))));
        /* The packs work within halves of a register; the last permutation brings the words back into order. */
        __m256i bytes = _mm256_packs_epi16(_mm256_packs_epi32(n[0], n[1]), _mm256_packs_epi32(n[2], n[3]));
        bytes = _mm256_permutevar8x32_epi32(bytes, _mm256_setr_epi32(0, 4, 1, 5, 2, 6, 3, 7));
        _mm256_storeu_si256((__m256i *)q, bytes);
        __m256i pairs = _mm256_hadd_epi32(_mm256_add_epi32(n[0], n[1]), _mm256_add_epi32(n[2], n[3]));
        __m128i s = _mm_add_epi32(_mm256_castsi256_si128(pairs), _mm256_extracti128_si256(pairs, 1));
        _mm_storel_epi64((__m128i *)(sum + 2 * g), _mm_hadd_epi32(s, s));
    }
}
#endif

#ifdef TARGET_NEON
static void act_q8_neon(int8_t *q, float *d, int32_t *sum, const float *x, int groups)
{
    for (int g = 0; g < groups; g++, x += ACT_GROUP, q += ACT_GROUP) {
        uint32x4_t max = vdupq_n_u32(0);
        for (int i = 0; i < ACT_GROUP; i += 4)
            max = vmaxq_u32(max, vandq_u32(vreinterpretq_u32_f32(vld1q_f32(x + i)), vdupq_n_u32(0x7fffffff)));
        float inverse;
        d[g] = group_scale(vmaxvq_u32(max), &inverse);
        int32x4_t use = vdupq_n_s32(inverse > 0 ? -1 : 0), total[2] = {vdupq_n_s32(0), vdupq_n_s32(0)};
        for (int i = 0; i < ACT_GROUP; i += 8) {
            int32x4_t a = vandq_s32(use, vcvtnq_s32_f32(vmulq_n_f32(vld1q_f32(x + i), inverse)));
            int32x4_t b = vandq_s32(use, vcvtnq_s32_f32(vmulq_n_f32(vld1q_f32(x + i + 4), inverse)));
            total[i / SUM_GROUP] = vaddq_s32(total[i / SUM_GROUP], vaddq_s32(a, b));
            vst1_s8(q + i, vmovn_s16(vcombine_s16(vmovn_s32(a), vmovn_s32(b))));
        }
        sum[2 * g] = vaddvq_s32(total[0]);
        sum[2 * g + 1] = vaddvq_s32(total[1]);
    }
}
#endif

/* NULL where the level below serves. */
static act_q8 *const q8_at[ISA_COUNT] = {
    [ISA_SCALAR] = act_q8_scalar,
#ifdef TARGET_AVX2
    [ISA_AVX2] = act_q8_avx2,
#endif
#ifdef TARGET_NEON
    [ISA_NEON] = act_q8_neon,
#endif
};

size_t act_bytes(enum act_kind kind, int n, int k)
{
    size_t elements = (size_t)n * (size_t)k;
    switch (kind) {
    case ACT_BF16: return elements * sizeof(uint16_t);
    case ACT_Q8: return elements / ACT_GROUP * sizeof(float) + elements / SUM_GROUP * sizeof(int32_t) + elements;
    default: return 0;
    }
}

void act_fill(struct act *a, enum act_kind kind, const float *x, int n, int k, void *room, enum isa isa)
{
    const size_t elements = (size_t)n * (size_t)k, groups = elements / ACT_GROUP;
    *a = (struct act){.kind = kind, .n = n, .k = k};
    if (kind == ACT_F32) {
        a->f32 = x;
    } else if (kind == ACT_BF16) {
        uint16_t *out = room;
        for (size_t i = 0; i < elements; i++)
            out[i] = float_to_bf16(x[i]);
        a->bf16 = out;
    } else {
        float *d = room;
        int32_t *sum = (int32_t *)(d + groups);
        int8_t *q = (int8_t *)(sum + elements / SUM_GROUP);
        int level = (int)isa;
        while (!q8_at[level])
            level--;
        q8_at[level](q, d, sum, x, (int)groups);
        a->d = d;
        a->sum = sum;
        a->q = q;
    }
}
