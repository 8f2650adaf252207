/* codes.h - codes of a few bits out of the bytes that they are packed in, 32 at a time, for the load32 of formats.
 *
 *   nibbles   16 bytes: code i in the low half of byte i, code i + 16 in the high one
 *   bits      a 32-bit word: bit i belongs to code i
 *   field     32 bytes: code i is `mask` wide from bit `shift` of byte i on
 *   table     what the codes 0 .. 15 stand for */
/* SPDX-License-Identifier: MIT */
#ifndef KERNELS_CODES_H
#define KERNELS_CODES_H

#include "kernels/rows.h"

static inline uint32_t read_u32(const void *p)
{
    uint32_t u;
    memcpy(&u, p, sizeof u);
    return u;
}

static inline uint64_t read_u64(const void *p)
{
    uint64_t u;
    memcpy(&u, p, sizeof u);
    return u;
}

FORCE_INLINE void nibbles_scalar(int8_t out[32], const uint8_t *p)
{
    for (int i = 0; i < 16; i++) {
        out[i] = p[i] & 15;
        out[i + 16] = (int8_t)(p[i] >> 4);
    }
}

FORCE_INLINE void field_scalar(int8_t out[32], const uint8_t *p, int shift, int mask)
{
    for (int i = 0; i < 32; i++)
        out[i] = (int8_t)(p[i] >> shift & mask);
}

FORCE_INLINE void table_scalar(int8_t q[32], const int8_t value[16])
{
    for (int i = 0; i < 32; i++)
        q[i] = value[q[i]];
}

/* -- into the bytes, for encoders -- */

static inline void pack_nibbles(uint8_t out[16], const int8_t code[32])
{
    for (int i = 0; i < 16; i++)
        out[i] = (uint8_t)((code[i] & 15) | (code[i + 16] & 15) << 4);
}

/* Bit `bit` of each code. */
static inline void pack_bits(uint8_t out[4], const int8_t code[32], int bit)
{
    for (int i = 0; i < 4; i++) {
        out[i] = 0;
        for (int j = 0; j < 8; j++)
            out[i] = (uint8_t)(out[i] | (code[8 * i + j] >> bit & 1) << j);
    }
}

/* Codes of `mask` from bit `shift` on, beside what is there. */
static inline void pack_field(uint8_t out[32], const int8_t code[32], int shift, int mask)
{
    for (int i = 0; i < 32; i++)
        out[i] = (uint8_t)(out[i] | (code[i] & mask) << shift);
}

/* -- by instruction set -- */

#ifdef TARGET_AVX2
TARGET_AVX2 FORCE_INLINE __m256i nibbles_avx2(const uint8_t *p)
{
    __m128i v = _mm_loadu_si128((const __m128i *)p);
    return _mm256_and_si256(_mm256_set_m128i(_mm_srli_epi16(v, 4), v), _mm256_set1_epi8(15));
}

/* -1 where the bit is set. */
TARGET_AVX2 FORCE_INLINE __m256i bits_avx2(uint32_t bits)
{
    const __m256i own = _mm256_setr_epi64x(0, 0x0101010101010101, 0x0202020202020202, 0x0303030303030303);
    const __m256i one_each = _mm256_set1_epi64x((long long)0x8040201008040201);
    __m256i v = _mm256_and_si256(_mm256_shuffle_epi8(_mm256_set1_epi32((int)bits), own), one_each);
    return _mm256_cmpeq_epi8(v, one_each);
}

TARGET_AVX2 FORCE_INLINE __m256i field_avx2(const uint8_t *p, int shift, int mask)
{
    __m256i v = _mm256_srl_epi16(_mm256_loadu_si256((const __m256i *)p), _mm_cvtsi32_si128(shift));
    return _mm256_and_si256(v, _mm256_set1_epi8((char)mask));
}

TARGET_AVX2 FORCE_INLINE __m256i table_avx2(__m256i codes, const int8_t value[16])
{
    return _mm256_shuffle_epi8(_mm256_broadcastsi128_si256(_mm_loadu_si128((const __m128i *)value)), codes);
}
#endif

#ifdef TARGET_NEON
FORCE_INLINE q32_neon nibbles_neon(const uint8_t *p)
{
    uint8x16_t v = vld1q_u8(p);
    return (q32_neon){.lo = vreinterpretq_s8_u8(vandq_u8(v, vdupq_n_u8(15))), .hi = vreinterpretq_s8_u8(vshrq_n_u8(v, 4))};
}

/* -1 where the bit is set. */
FORCE_INLINE q32_neon bits_neon(uint32_t bits)
{
    const uint8x8_t each = vcreate_u8(0x8040201008040201), zero = vdup_n_u8(0), one = vdup_n_u8(1);
    const uint8x16_t one_each = vcombine_u8(each, each), own = vcombine_u8(zero, one);
    uint8x16_t v = vreinterpretq_u8_u32(vdupq_n_u32(bits));
    return (q32_neon){.lo = vreinterpretq_s8_u8(vtstq_u8(vqtbl1q_u8(v, own), one_each)),
                      .hi = vreinterpretq_s8_u8(vtstq_u8(vqtbl1q_u8(v, vaddq_u8(own, vdupq_n_u8(2))), one_each))};
}

FORCE_INLINE int8x16_t field16_neon(const uint8_t *p, int shift, int mask)
{
    uint8x16_t v = vshlq_u8(vld1q_u8(p), vdupq_n_s8((int8_t)-shift));
    return vreinterpretq_s8_u8(vandq_u8(v, vdupq_n_u8((uint8_t)mask)));
}

FORCE_INLINE q32_neon field_neon(const uint8_t *p, int shift, int mask)
{
    return (q32_neon){.lo = field16_neon(p, shift, mask), .hi = field16_neon(p + 16, shift, mask)};
}

FORCE_INLINE q32_neon table_neon(q32_neon codes, const int8_t value[16])
{
    int8x16_t v = vld1q_s8(value);
    codes.lo = vqtbl1q_s8(v, vreinterpretq_u8_s8(codes.lo));
    codes.hi = vqtbl1q_s8(v, vreinterpretq_u8_s8(codes.hi));
    return codes;
}

/* Every code plus v. */
FORCE_INLINE q32_neon plus_neon(q32_neon codes, int v)
{
    codes.lo = vaddq_s8(codes.lo, vdupq_n_s8((int8_t)v));
    codes.hi = vaddq_s8(codes.hi, vdupq_n_s8((int8_t)v));
    return codes;
}
#endif

#endif
