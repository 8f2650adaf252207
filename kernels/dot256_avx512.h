/* dot256_avx512.h - the dot product of a row with int8 activations, 256 weights at a time, for any format that says how those
 * are read: decoding with VNNI.
 *
 * A format brings load256: four registers of 64 codes, unsigned as vpdpbusd wants them, and the scale and offset of each run of
 * 16 weights.  The four times the activations give 4 x 16 sums of four products.  Added up transposed they become one register
 * with the sum of each run in a lane of its own, so that the scales of the weights and the activations, the offsets and x->sum
 * come in with a few operations on single registers, whether the format's groups are of 16 or of 32.
 *
 * The order of the lanes, here "lane order", is that of a transposed 4 x 4 matrix: lane 4 j + i has run 4 i + j.
 * On Zen 5 what limits these is the two pipes for shuffles and shifts: that is what the choices here save. */
/* SPDX-License-Identifier: MIT */
#ifndef KERNELS_DOT256_AVX512_H
#define KERNELS_DOT256_AVX512_H

#include "kernels/rows.h"

#ifdef TARGET_AVX512VNNI

/* What is the same for all weights of a format; a constant.  weight = d * (u - bias) + m or, with integer scales,
 * d * scale * u - m * min. */
struct codes256 {
    int top; /* the largest u: up to 31, sums of eight products fit in 16 bits */
    int bias;
    int integer; /* scales and mins are small integers, with a d and an m for all 256 */
};

/* All in lane order. */
typedef struct {
    __m512i u[4];
    __m512 d, m;        /* m only where the format has an offset */
    __m512i scale, min; /* integer: the scale of a run in both 16-bit halves of its lane, the min in the lower one */
} w256_avx512vnni;

/* 256 weights of a row from group `group` of 32 on. */
typedef w256_avx512vnni load256_avx512vnni(const uint8_t *row, int group);

/* For each lane in lane order: its run, and its group of 32. */
TARGET_AVX512VNNI FORCE_INLINE __m512i lane_run_avx512vnni(void)
{
    return _mm512_setr_epi32(0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15);
}

TARGET_AVX512VNNI FORCE_INLINE __m512i lane_group_avx512vnni(void)
{
    return _mm512_setr_epi32(0, 2, 4, 6, 0, 2, 4, 6, 1, 3, 5, 7, 1, 3, 5, 7);
}

/* The sums of the quarters of four registers, in lane order. */
TARGET_AVX512VNNI FORCE_INLINE __m512i sum_runs_avx512vnni(__m512i a, __m512i b, __m512i c, __m512i d)
{
    __m512i ab = _mm512_add_epi32(_mm512_unpacklo_epi32(a, b), _mm512_unpackhi_epi32(a, b));
    __m512i cd = _mm512_add_epi32(_mm512_unpacklo_epi32(c, d), _mm512_unpackhi_epi32(c, d));
    return _mm512_add_epi32(_mm512_unpacklo_epi64(ab, cd), _mm512_unpackhi_epi64(ab, cd));
}

/* The same times `scale` (16-bit pairs), where sums of two lanes fit in 16 bits: half as many shuffles. */
TARGET_AVX512VNNI FORCE_INLINE __m512i scale_runs_avx512vnni(__m512i a, __m512i b, __m512i c, __m512i d, __m512i scale)
{
    const __m512i one = _mm512_set1_epi16(1);
    __m512i ab = _mm512_madd_epi16(_mm512_packs_epi32(a, b), one), cd = _mm512_madd_epi16(_mm512_packs_epi32(c, d), one);
    return _mm512_madd_epi16(_mm512_packs_epi32(ab, cd), scale);
}

/* What goes with 256 activations, in lane order: the sums of their runs, and their scales. */
struct x256 {
    __m512i sum;
    __m512 d;
};

/* From group g on; the scale is 0 but of the lanes in `use`. */
TARGET_AVX512VNNI FORCE_INLINE struct x256 x256_avx512vnni(const struct act *x, int g, __mmask16 use)
{
    const __m512 d8 = _mm512_castps256_ps512(_mm256_loadu_ps(x->d + g));
    return (struct x256){_mm512_permutexvar_epi32(lane_run_avx512vnni(), _mm512_loadu_si512(x->sum + 2 * g)),
                         _mm512_maskz_permutexvar_ps(use, lane_group_avx512vnni(), d8)};
}

/* acc += w times the activations q. */
TARGET_AVX512VNNI FORCE_INLINE __m512 dot256_avx512vnni(__m512 acc, w256_avx512vnni w, const struct format *f,
                                                        const struct codes256 *codes, const int8_t *q, struct x256 x)
{
    const __m512i zero = _mm512_setzero_si512();
    __m512i four[4], dot;
    UNROLL
    for (int i = 0; i < 4; i++)
        four[i] = _mm512_dpbusd_epi32(zero, w.u[i], _mm512_loadu_si512(q + 64 * i));
    if (codes->top > 31)
        dot = sum_runs_avx512vnni(four[0], four[1], four[2], four[3]);
    else
        dot = scale_runs_avx512vnni(four[0], four[1], four[2], four[3], codes->integer ? w.scale : _mm512_set1_epi16(1));
    if (codes->bias) /* |sum| of a run is at most 16 * 127: the lower half of its lane */
        dot = _mm512_sub_epi32(dot, _mm512_madd_epi16(x.sum, _mm512_set1_epi32(codes->bias)));
    __m512 part = _mm512_mul_ps(_mm512_cvtepi32_ps(dot), w.d);
    if (codes->integer)
        part = _mm512_fnmadd_ps(_mm512_cvtepi32_ps(_mm512_madd_epi16(x.sum, w.min)), w.m, part);
    else if (f->offset)
        part = _mm512_fmadd_ps(_mm512_cvtepi32_ps(x.sum), w.m, part);
    return _mm512_fmadd_ps(part, x.d, acc);
}

#define FEW_STEPS 512 /* of 256 weights, in all columns together: what goes with them is made once for all rows */

/* n columns, up to FEW_COLUMNS, at once: what is read of a row serves all of them.  Row by row: the memory likes one ascending
 * stream (decoding takes 3 to 10% longer with four rows side by side).  Where 256 does not divide a row, the last step goes back
 * and leaves out what has been added. */
TARGET_AVX512VNNI FORCE_INLINE void few_dot256_avx512vnni(float *y, size_t ldy, const uint8_t *w, load256_avx512vnni *load,
                                                          const struct format *f, const struct codes256 *codes,
                                                          const struct act *x, int rows, int n)
{
    const size_t row_bytes = row_size(f, x->k);
    const int groups = x->k / 32, steps = (groups + 7) / 8, rest = f->block < 256 ? groups % 8 : 0;
    const __mmask16 use = _mm512_cmpge_epi32_mask(lane_group_avx512vnni(), _mm512_set1_epi32(8 - rest));
    struct x256 with[FEW_STEPS];
    for (int c = 0; c < n; c++) {
        const struct act one = act_columns(x, c, 1);
        for (int s = 0; s < steps; s++)
            with[s * n + c] = s == groups / 8 ? x256_avx512vnni(&one, groups - 8, use) : x256_avx512vnni(&one, 8 * s, 0xffff);
    }
    for (int r = 0; r < rows; r++, w += row_bytes) {
        __m512 acc[FEW_COLUMNS];
        for (int c = 0; c < n; c++)
            acc[c] = _mm512_setzero_ps();
        for (int s = 0; s < steps; s++) {
            const int g = s == groups / 8 ? groups - 8 : 8 * s;
            prefetch_ahead(w + part_size(f, 256) * (size_t)s, part_size(f, 256));
            const w256_avx512vnni v = load(w, g);
            const int8_t *q = x->q + 32 * g;
            for (int c = 0; c < n; c++, q += x->k)
                acc[c] = dot256_avx512vnni(acc[c], v, f, codes, q, with[s * n + c]);
        }
        for (int c = 0; c < n; c++)
            y[(size_t)c * ldy + (size_t)r] = v16_sum_avx512(acc[c]);
    }
}

/* Defines format_matvec_q8_avx512vnni and format_few_q8_avx512vnni from format_load256; what follows the name are the fields of its
 * struct codes256.  Rows that are shorter, or longer than FEW_STEPS, go to the kernel of any format, column by column. */
#define FORMAT_DOT256(format, ...)                                                                                               \
    static const struct codes256 format##_codes = {__VA_ARGS__};                                                                 \
    TARGET_AVX512VNNI static void format##_matvec_q8_avx512vnni(float *y, const void *w, const struct act *x, int rows)          \
    {                                                                                                                            \
        if (x->k < 256 || x->k > 256 * FEW_STEPS)                                                                                \
            matvec_q8_rows_avx2(y, w, format##_load32_avx2, dot4_avx512vnni, &format_##format, x, rows);                         \
        else                                                                                                                     \
            few_dot256_avx512vnni(y, 0, w, format##_load256, &format_##format, &format##_codes, x, rows, 1);                     \
    }                                                                                                                            \
    TARGET_AVX512VNNI static void format##_few_q8_avx512vnni(float *y, size_t ldy, const void *w, const struct act *x, int rows) \
    {                                                                                                                            \
        if (x->k >= 256 && x->n * ((x->k + 255) / 256) <= FEW_STEPS)                                                             \
            few_dot256_avx512vnni(y, ldy, w, format##_load256, &format_##format, &format##_codes, x, rows, x->n);                \
        else                                                                                                                     \
            for (int c = 0; c < x->n; c++) {                                                                                     \
                const struct act one = act_columns(x, c, 1);                                                                     \
                format##_matvec_q8_avx512vnni(y + (size_t)c * ldy, w, &one, rows);                                               \
            }                                                                                                                    \
    }

/* -- what formats have in common -- */

/* The 16 bytes of nibbles of two blocks as 64 codes, low halves first. */
TARGET_AVX512VNNI FORCE_INLINE __m512i nibbles_avx512vnni(const uint8_t *a, const uint8_t *b)
{
    const __m512i shift = _mm512_setr_epi64(0, 0, 4, 4, 0, 0, 4, 4);
    __m512i v = _mm512_broadcast_i32x4(_mm_loadu_si128((const __m128i *)a));
    v = _mm512_mask_broadcast_i32x4(v, 0xff00, _mm_loadu_si128((const __m128i *)b));
    return _mm512_and_si512(_mm512_srlv_epi64(v, shift), _mm512_set1_epi8(15));
}

/* The fp16 numbers at the start of eight blocks of `bytes` (even, 18 .. 24), in lane order: below the first of each block, above
 * the second.  p: the first block */
TARGET_AVX512VNNI FORCE_INLINE __m512i block_heads_avx512vnni(const uint8_t *p, int bytes)
{
    const int last = 8 * bytes - 64 < 128 ? 8 * bytes - 64 : 128; /* where the last of three loads begins */
    const __m512i group =
        _mm512_set_epi16(7, 5, 3, 1, 7, 5, 3, 1, 6, 4, 2, 0, 6, 4, 2, 0, 7, 5, 3, 1, 7, 5, 3, 1, 6, 4, 2, 0, 6, 4, 2, 0);
    const __m512i second = _mm512_inserti64x4(_mm512_setzero_si512(), _mm256_set1_epi16(1), 1);
    __m512i word = _mm512_add_epi16(_mm512_mullo_epi16(group, _mm512_set1_epi16((short)(bytes / 2))), second);
    __m512i head = _mm512_permutex2var_epi16(_mm512_loadu_si512(p), word, _mm512_loadu_si512(p + 64));
    if (7 * bytes / 2 + 1 < 64)
        return head;
    __mmask32 behind = _mm512_cmpge_epi16_mask(word, _mm512_set1_epi16(64));
    word = _mm512_sub_epi16(word, _mm512_set1_epi16((short)(last / 2)));
    return _mm512_mask_permutexvar_epi16(head, behind, word, _mm512_loadu_si512(p + last));
}

TARGET_AVX512VNNI FORCE_INLINE __m512 heads_d_avx512vnni(__m512i heads)
{
    return _mm512_cvtph_ps(_mm512_castsi512_si256(heads));
}

TARGET_AVX512VNNI FORCE_INLINE __m512 heads_m_avx512vnni(__m512i heads)
{
    return _mm512_cvtph_ps(_mm512_extracti64x4_epi64(heads, 1));
}

/* 32 weights of one bit each in two blocks: v + `value` where it is set. */
TARGET_AVX512VNNI FORCE_INLINE __m512i add_bits_avx512vnni(__m512i v, uint32_t a, uint32_t b, int value)
{
    const __mmask64 set = a | (__mmask64)b << 32;
    return _mm512_mask_add_epi8(v, set, v, _mm512_set1_epi8((char)value));
}

/* What the codes 0 .. 15 stand for, plus 128. */
TARGET_AVX512VNNI FORCE_INLINE __m512i table_avx512vnni(__m512i codes, const int8_t value[16])
{
    __m128i v = _mm_xor_si128(_mm_loadu_si128((const __m128i *)value), _mm_set1_epi8((char)0x80));
    return _mm512_shuffle_epi8(_mm512_broadcast_i32x4(v), codes);
}

TARGET_AVX512VNNI FORCE_INLINE __m512 half_avx512vnni(uint16_t h)
{
    return _mm512_cvtph_ps(_mm256_set1_epi16((short)h));
}

/* Two that lie side by side: one load and one conversion for both. */
TARGET_AVX512VNNI FORCE_INLINE void two_halves_avx512vnni(__m512 *first, __m512 *second, uint32_t halves)
{
    const __m512 both = _mm512_cvtph_ps(_mm256_set1_epi32((int)halves));
    *first = _mm512_moveldup_ps(both);
    *second = _mm512_movehdup_ps(both);
}

/* 32 bytes, twice; the upper half will hold other fields of the same bytes. */
TARGET_AVX512VNNI FORCE_INLINE __m512i twice_avx512vnni(const uint8_t *p)
{
    return _mm512_broadcast_i64x4(_mm256_loadu_si256((const __m256i *)p));
}

/* Bits of each byte of v moved right (left where negative) by `lo` in the lower half and `hi` in the upper one, and masked. */
TARGET_AVX512VNNI FORCE_INLINE __m512i fields_avx512vnni(__m512i v, int lo, int hi, int mask)
{
    const __m512i by =
        _mm512_inserti64x4(_mm512_set1_epi16((short)(lo < 0 ? -lo : lo)), _mm256_set1_epi16((short)(hi < 0 ? -hi : hi)), 1);
    __m512i moved = lo < 0 || hi < 0 ? _mm512_sllv_epi16(v, by) : _mm512_srlv_epi16(v, by);
    return _mm512_and_si512(moved, _mm512_set1_epi8((char)mask));
}

/* Bytes in lane order out of 16 at v: those of the runs. */
TARGET_AVX512VNNI FORCE_INLINE __m128i run_bytes_avx512vnni(__m128i v)
{
    return _mm_shuffle_epi8(v, _mm_setr_epi8(0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15));
}

/* The same of groups, 8 bytes at v. */
TARGET_AVX512VNNI FORCE_INLINE __m128i group_bytes_avx512vnni(__m128i v)
{
    return _mm_shuffle_epi8(v, _mm_setr_epi8(0, 2, 4, 6, 0, 2, 4, 6, 1, 3, 5, 7, 1, 3, 5, 7));
}

TARGET_AVX512VNNI FORCE_INLINE __m512 floats_of_i8_avx512vnni(__m128i v)
{
    return _mm512_cvtepi32_ps(_mm512_cvtepi8_epi32(v));
}

/* Byte at[l] of 16, into lane l: in its lower half, or in both. */
TARGET_AVX512VNNI FORCE_INLINE __m512i pick_once_avx512vnni(__m128i bytes, __m512i at)
{
    return _mm512_shuffle_epi8(_mm512_broadcast_i32x4(bytes), _mm512_or_si512(at, _mm512_set1_epi32((int)0x80808000)));
}

TARGET_AVX512VNNI FORCE_INLINE __m512i pick_twice_avx512vnni(__m128i bytes, __m512i at)
{
    const __m512i both = _mm512_or_si512(at, _mm512_slli_epi32(at, 16));
    return _mm512_shuffle_epi8(_mm512_broadcast_i32x4(bytes), _mm512_or_si512(both, _mm512_set1_epi32((int)0x80008000)));
}

#endif
#endif
