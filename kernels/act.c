/* act.c - rounds activations to what a kernel reads, with the same bits on every instruction set.
 *
 * bf16: to nearest even.  int8: d = max |x| / 127 over the run of elements that share a scale, q = x / d rounded to nearest even,
 * and the sums of q beside it, of 16 each.  Where the largest magnitude is 0 or so small that 127 / max overflows, it counts as
 * zero.  A NaN or an infinity gives d = NaN and q = 0 to all that share its scale, so the outputs that depend on it are NaN as
 * they are on the exact path, instead of plausible. */
/* SPDX-License-Identifier: MIT */
#include <math.h>

#include "kernels/format.h"
#include "kernels/half.h"
#include "kernels/target.h"

#define INF_BITS 0x7f800000u

typedef void act_bf16(uint16_t *out, const float *x, size_t n);
/* `groups` groups of 32, of which each `run` in a row have one scale; the last run may be shorter. */
typedef void act_q8(int8_t *q, float *d, int32_t *sum, const float *x, int groups, int run);

/* From the bits of the largest magnitude, which order as the floats do with infinities and NaNs above all: the scale, and what
 * the elements are multiplied by. */
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

static void act_q8_scalar(int8_t *q, float *d, int32_t *sum, const float *x, int groups, int run)
{
    const float round = 12582912; /* 1.5 * 2^23: adding it leaves no room for a fraction */
    for (int from = 0; from < groups; from += run) {
        const int end = groups - from < run ? groups : from + run;
        uint32_t max = 0;
        for (int i = from * ACT_GROUP; i < end * ACT_GROUP; i++) {
            uint32_t u = float_bits(x[i]) & 0x7fffffff;
            max = u > max ? u : max;
        }
        float inverse, scale = group_scale(max, &inverse);
        for (int g = from; g < end; g++) {
            d[g] = scale;
            sum[2 * g] = sum[2 * g + 1] = 0;
        }
        for (int i = from * ACT_GROUP; i < end * ACT_GROUP; i++) {
            q[i] = inverse > 0 ? (int8_t)(x[i] * inverse + round - round) : 0;
            sum[i / SUM_GROUP] += q[i];
        }
    }
}

static void act_bf16_scalar(uint16_t *out, const float *x, size_t n)
{
    for (size_t i = 0; i < n; i++)
        out[i] = float_to_bf16(x[i]);
}

#ifdef TARGET_AVX2
/* float_to_bf16 of 8 elements, each in the low half of 32 bits. */
TARGET_AVX2 static inline __m256i bf16_of(const float *x)
{
    const __m256i u = _mm256_loadu_si256((const __m256i *)x), high = _mm256_srli_epi32(u, 16);
    const __m256i nan = _mm256_cmpgt_epi32(_mm256_and_si256(u, _mm256_set1_epi32(0x7fffffff)), _mm256_set1_epi32((int)INF_BITS));
    const __m256i odd = _mm256_and_si256(high, _mm256_set1_epi32(1));
    const __m256i rounded = _mm256_srli_epi32(_mm256_add_epi32(u, _mm256_add_epi32(odd, _mm256_set1_epi32(0x7fff))), 16);
    return _mm256_blendv_epi8(rounded, _mm256_or_si256(high, _mm256_set1_epi32(0x40)), nan);
}

TARGET_AVX2 static void act_bf16_avx2(uint16_t *out, const float *x, size_t n)
{
    size_t i = 0;
    for (; i + 16 <= n; i += 16) {
        __m256i words = _mm256_packus_epi32(bf16_of(x + i), bf16_of(x + i + 8)); /* within halves of a register */
        _mm256_storeu_si256((__m256i *)(out + i), _mm256_permute4x64_epi64(words, 0xd8));
    }
    act_bf16_scalar(out + i, x + i, n - i);
}

TARGET_AVX2 static void act_q8_avx2(int8_t *q, float *d, int32_t *sum, const float *x, int groups, int run)
{
    const __m256i magnitude = _mm256_set1_epi32(0x7fffffff);
    for (int from = 0; from < groups; from += run) {
        const int end = groups - from < run ? groups : from + run;
        __m256i max = _mm256_setzero_si256();
        for (int i = from * ACT_GROUP; i < end * ACT_GROUP; i += 8)
            max = _mm256_max_epi32(max, _mm256_and_si256(_mm256_loadu_si256((const __m256i *)(x + i)), magnitude));
        __m128i m = _mm_max_epi32(_mm256_castsi256_si128(max), _mm256_extracti128_si256(max, 1));
        m = _mm_max_epi32(m, _mm_shuffle_epi32(m, 0x4e));
        m = _mm_max_epi32(m, _mm_shuffle_epi32(m, 0xb1));
        float inverse, scale = group_scale((uint32_t)_mm_cvtsi128_si32(m), &inverse);
        /* Without an inverse the elements may be NaN: they are not rounded but masked away. */
        const __m256i use = _mm256_set1_epi32(inverse > 0 ? -1 : 0);
        for (int g = from; g < end; g++) {
            __m256i n[4];
            UNROLL
            for (int i = 0; i < 4; i++) {
                __m256 v = _mm256_mul_ps(_mm256_loadu_ps(x + g * ACT_GROUP + 8 * i), _mm256_set1_ps(inverse));
                n[i] = _mm256_and_si256(use, _mm256_cvtps_epi32(v));
            }
            /* The packs work within halves of a register; the last permutation brings the words back into order. */
            __m256i bytes = _mm256_packs_epi16(_mm256_packs_epi32(n[0], n[1]), _mm256_packs_epi32(n[2], n[3]));
            bytes = _mm256_permutevar8x32_epi32(bytes, _mm256_setr_epi32(0, 4, 1, 5, 2, 6, 3, 7));
            _mm256_storeu_si256((__m256i *)(q + g * ACT_GROUP), bytes);
            __m256i pairs = _mm256_hadd_epi32(_mm256_add_epi32(n[0], n[1]), _mm256_add_epi32(n[2], n[3]));
            __m128i s = _mm_add_epi32(_mm256_castsi256_si128(pairs), _mm256_extracti128_si256(pairs, 1));
            _mm_storel_epi64((__m128i *)(sum + 2 * g), _mm_hadd_epi32(s, s));
            d[g] = scale;
        }
    }
}
#endif

#ifdef TARGET_AVX512
/* 64 elements at a time; a run with an odd number of groups is left to the level below. */
TARGET_AVX512 static void act_q8_avx512(int8_t *q, float *d, int32_t *sum, const float *x, int groups, int run)
{
    const __m512i magnitude = _mm512_set1_epi32(0x7fffffff), sign = _mm512_set1_epi8((char)0x80);
    const __m512i in_order = _mm512_setr_epi32(0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15);
    for (int from = 0; from < groups; from += run) {
        const int end = groups - from < run ? groups : from + run;
        if ((end - from) % 2) {
            act_q8_avx2(q + from * ACT_GROUP, d + from, sum + 2 * from, x + from * ACT_GROUP, end - from, end - from);
            continue;
        }
        __m512i max = _mm512_setzero_si512();
        for (int i = from * ACT_GROUP; i < end * ACT_GROUP; i += 16)
            max = _mm512_max_epi32(max, _mm512_and_si512(_mm512_loadu_si512(x + i), magnitude));
        float inverse, scale = group_scale((uint32_t)_mm512_reduce_max_epi32(max), &inverse);
        const __mmask16 use = inverse > 0 ? 0xffff : 0; /* without an inverse the elements may be NaN */
        for (int g = from; g < end; g += 2) {
            __m512i n[4];
            UNROLL
            for (int i = 0; i < 4; i++) {
                __m512 v = _mm512_mul_ps(_mm512_loadu_ps(x + g * ACT_GROUP + 16 * i), _mm512_set1_ps(inverse));
                n[i] = _mm512_maskz_cvtps_epi32(use, v);
            }
            __m512i bytes = _mm512_packs_epi16(_mm512_packs_epi32(n[0], n[1]), _mm512_packs_epi32(n[2], n[3]));
            bytes = _mm512_permutexvar_epi32(in_order, bytes); /* the packs work within quarters of a register */
            _mm512_storeu_si512(q + g * ACT_GROUP, bytes);
            /* Sums of 8 unsigned bytes, q + 128, then of 16, in the first word of each quarter. */
            __m512i s = _mm512_sad_epu8(_mm512_xor_si512(bytes, sign), _mm512_setzero_si512());
            s = _mm512_add_epi32(s, _mm512_shuffle_epi32(s, 0x4e));
            s = _mm512_sub_epi32(_mm512_permutexvar_epi32(in_order, s), _mm512_set1_epi32(128 * SUM_GROUP));
            _mm_storeu_si128((__m128i *)(sum + 2 * g), _mm512_castsi512_si128(s));
            d[g] = d[g + 1] = scale;
        }
    }
}
#endif

#ifdef TARGET_NEON
static void act_bf16_neon(uint16_t *out, const float *x, size_t n)
{
    size_t i = 0;
    for (; i + 4 <= n; i += 4) {
        const uint32x4_t u = vreinterpretq_u32_f32(vld1q_f32(x + i)), high = vshrq_n_u32(u, 16);
        const uint32x4_t nan = vcgtq_u32(vandq_u32(u, vdupq_n_u32(0x7fffffff)), vdupq_n_u32(INF_BITS));
        const uint32x4_t odd = vandq_u32(high, vdupq_n_u32(1));
        const uint32x4_t rounded = vshrq_n_u32(vaddq_u32(u, vaddq_u32(odd, vdupq_n_u32(0x7fff))), 16);
        vst1_u16(out + i, vmovn_u32(vbslq_u32(nan, vorrq_u32(high, vdupq_n_u32(0x40)), rounded)));
    }
    act_bf16_scalar(out + i, x + i, n - i);
}

static void act_q8_neon(int8_t *q, float *d, int32_t *sum, const float *x, int groups, int run)
{
    for (int from = 0; from < groups; from += run) {
        const int end = groups - from < run ? groups : from + run;
        uint32x4_t max = vdupq_n_u32(0);
        for (int i = from * ACT_GROUP; i < end * ACT_GROUP; i += 4)
            max = vmaxq_u32(max, vandq_u32(vreinterpretq_u32_f32(vld1q_f32(x + i)), vdupq_n_u32(0x7fffffff)));
        float inverse, scale = group_scale(vmaxvq_u32(max), &inverse);
        const int32x4_t use = vdupq_n_s32(inverse > 0 ? -1 : 0);
        for (int g = from; g < end; g++) {
            int32x4_t total[2] = {vdupq_n_s32(0), vdupq_n_s32(0)};
            for (int i = 0; i < ACT_GROUP; i += 8) {
                const float *v = x + g * ACT_GROUP + i;
                int32x4_t a = vandq_s32(use, vcvtnq_s32_f32(vmulq_n_f32(vld1q_f32(v), inverse)));
                int32x4_t b = vandq_s32(use, vcvtnq_s32_f32(vmulq_n_f32(vld1q_f32(v + 4), inverse)));
                total[i / SUM_GROUP] = vaddq_s32(total[i / SUM_GROUP], vaddq_s32(a, b));
                vst1_s8(q + g * ACT_GROUP + i, vmovn_s16(vcombine_s16(vmovn_s32(a), vmovn_s32(b))));
            }
            sum[2 * g] = vaddvq_s32(total[0]);
            sum[2 * g + 1] = vaddvq_s32(total[1]);
            d[g] = scale;
        }
    }
}
#endif

/* Both NULL where the level below serves. */
struct rounding {
    act_q8 *q8;
    act_bf16 *bf16;
};

static const struct rounding roundings[ISA_COUNT] = {
    [ISA_SCALAR] = {act_q8_scalar, act_bf16_scalar},
#ifdef TARGET_AVX2
    [ISA_AVX2] = {act_q8_avx2, act_bf16_avx2},
    [ISA_AVX512] = {act_q8_avx512, act_bf16_avx2},
#endif
#ifdef TARGET_NEON
    [ISA_NEON] = {act_q8_neon, act_bf16_neon},
#endif
};

static const struct rounding *rounding_at(enum isa isa)
{
    int level = (int)isa;
    while (!roundings[level].q8)
        level--;
    return &roundings[level];
}

size_t act_bytes(enum act_kind kind, int n, int k)
{
    size_t elements = (size_t)n * (size_t)k;
    switch (kind) {
    case ACT_BF16: return elements * sizeof(uint16_t);
    case ACT_Q8: return elements / ACT_GROUP * sizeof(float) + elements / SUM_GROUP * sizeof(int32_t) + elements;
    default: return 0;
    }
}

void act_fill_column(struct act *a, int c, const float *x, int run, enum isa isa)
{
    const size_t at = (size_t)c * (size_t)a->k;
    if (a->kind == ACT_BF16)
        rounding_at(isa)->bf16((uint16_t *)a->bf16 + at, x, (size_t)a->k);
    else
        rounding_at(isa)->q8((int8_t *)a->q + at, (float *)a->d + at / ACT_GROUP, (int32_t *)a->sum + at / SUM_GROUP, x,
                             a->k / ACT_GROUP, run / ACT_GROUP);
}

void act_fill(struct act *a, enum act_kind kind, const float *x, int n, int k, int run, void *room, enum isa isa)
{
    const size_t elements = (size_t)n * (size_t)k;
    float *d = room;
    int32_t *sum = (int32_t *)(d + elements / ACT_GROUP);
    *a = (struct act){.kind = kind, .n = n, .k = k};
    switch (kind) {
    case ACT_BF16: a->bf16 = room; break;
    case ACT_Q8:
        a->d = d;
        a->sum = sum;
        a->q = (int8_t *)(sum + elements / SUM_GROUP);
        break;
    default: a->f32 = x; return;
    }
    for (int c = 0; c < n; c++)
        act_fill_column(a, c, x + (size_t)c * (size_t)k, run, isa);
}

struct act act_columns(const struct act *a, int from, int n)
{
    const size_t at = (size_t)from * (size_t)a->k;
    struct act part = {.kind = a->kind, .n = n, .k = a->k, .pack = a->pack};
    if (a->kind == ACT_F32) {
        part.f32 = a->f32 + at;
    } else if (a->kind == ACT_BF16) {
        part.bf16 = a->bf16 + at;
    } else {
        part.q = a->q + at;
        part.d = a->d + at / ACT_GROUP;
        part.sum = a->sum + at / SUM_GROUP;
    }
    return part;
}
