/* q8_0.c - int8 with one scale for 32 weights.
 *
 *   | d: fp16 | q[0] .. q[31] |      34 bytes, 8.5 bits per weight
 *
 * weight i = d * q[i], q signed.  A product of the 11 bits of d and the 8 of q is exact in float32. */
/* SPDX-License-Identifier: MIT */
#include <float.h>

#include "kernels/dot256_avx512.h"
#include "kernels/half.h"
#include "kernels/kv_rows.h"
#include "kernels/rows.h"

#define BLOCK 32

struct block {
    uint16_t d;
    int8_t q[BLOCK];
};
_Static_assert(sizeof(struct block) == 34, "q8_0 is a file format");

static inline const struct block *block_at(const uint8_t *row, int b)
{
    return (const struct block *)row + b;
}

/* The largest magnitude becomes 127.  A scale that fp16 cannot hold saturates; what is not a number becomes some code. */
static void q8_0_quantize(void *dst, const float *src, int k)
{
    struct block *out = dst;
    for (int b = 0; b < k / BLOCK; b++, out++, src += BLOCK) {
        float max = 0;
        for (int i = 0; i < BLOCK; i++)
            max = fabsf(src[i]) > max ? fabsf(src[i]) : max;
        float d = max / 127 < HALF_MAX ? max / 127 : HALF_MAX;
        float inverse = d >= FLT_MIN ? 1 / d : 0; /* below, it would overflow */
        out->d = float_to_half(d);
        for (int i = 0; i < BLOCK; i++) {
            float v = roundf(src[i] * inverse);
            out->q[i] = (int8_t)(v > -127 ? v < 127 ? v : 127 : -127);
        }
    }
}

static inline struct q32_scalar q8_0_load32_scalar(const uint8_t *row, int group)
{
    struct q32_scalar w = {.d = {half_to_float(block_at(row, group)->d)}};
    memcpy(w.q, block_at(row, group)->q, BLOCK);
    return w;
}

FORMAT_SCALAR(q8_0)

#ifdef TARGET_AVX2
TARGET_AVX2 static inline q32_avx2 q8_0_load32_avx2(const uint8_t *row, int group)
{
    const struct block *in = block_at(row, group);
    return (q32_avx2){.q = _mm256_loadu_si256((const __m256i *)in->q), .d = {half_avx2(&in->d)}};
}

TARGET_AVX512 static inline __m512 q8_0_load16_avx512(const uint8_t *row, int i)
{
    const struct block *in = block_at(row, i / BLOCK);
    __m512i q = _mm512_cvtepi8_epi32(_mm_loadu_si128((const __m128i *)(in->q + i % BLOCK)));
    return _mm512_mul_ps(_mm512_set1_ps(half_avx2(&in->d)), _mm512_cvtepi32_ps(q));
}

/* roundf, which takes halves away from zero: what truncation leaves is exact. */
TARGET_AVX2 FORCE_INLINE __m256 q8_0_round_avx2(__m256 v)
{
    const __m256 sign = _mm256_set1_ps(-0.0f);
    __m256 whole = _mm256_round_ps(v, _MM_FROUND_TO_ZERO | _MM_FROUND_NO_EXC);
    __m256 rest = _mm256_andnot_ps(sign, _mm256_sub_ps(v, whole));
    __m256 one = _mm256_or_ps(_mm256_and_ps(v, sign), _mm256_set1_ps(1));
    return _mm256_add_ps(whole, _mm256_and_ps(one, _mm256_cmp_ps(rest, _mm256_set1_ps(0.5f), _CMP_GE_OQ)));
}

/* Of a NaN both _mm256_max_ps take the second operand, as the comparisons of q8_0_quantize do. */
TARGET_AVX2 static void q8_0_store_avx2(void *dst, const float *src, int k)
{
    struct block *out = dst;
    for (int b = 0; b < k / BLOCK; b++, out++, src += BLOCK) {
        __m256 top = _mm256_setzero_ps();
        __m256i n[4];
        float lane[8], max = 0;
        UNROLL
        for (int i = 0; i < 4; i++)
            top = _mm256_max_ps(_mm256_andnot_ps(_mm256_set1_ps(-0.0f), _mm256_loadu_ps(src + 8 * i)), top);
        _mm256_storeu_ps(lane, top);
        for (int i = 0; i < 8; i++)
            max = lane[i] > max ? lane[i] : max;
        float d = max / 127 < HALF_MAX ? max / 127 : HALF_MAX;
        float inverse = d >= FLT_MIN ? 1 / d : 0;
        UNROLL
        for (int i = 0; i < 4; i++) {
            __m256 v = q8_0_round_avx2(_mm256_mul_ps(_mm256_loadu_ps(src + 8 * i), _mm256_set1_ps(inverse)));
            v = _mm256_min_ps(_mm256_max_ps(v, _mm256_set1_ps(-127)), _mm256_set1_ps(127));
            n[i] = _mm256_cvtps_epi32(v);
        }
        /* The packs work within halves of a register; the last permutation brings the words back into order. */
        __m256i bytes = _mm256_packs_epi16(_mm256_packs_epi32(n[0], n[1]), _mm256_packs_epi32(n[2], n[3]));
        bytes = _mm256_permutevar8x32_epi32(bytes, _mm256_setr_epi32(0, 4, 1, 5, 2, 6, 3, 7));
        out->d = float_to_half(d);
        _mm256_storeu_si256((__m256i *)out->q, bytes);
    }
}

FORMAT_AVX2(q8_0)
FORMAT_F32(q8_0, avx512, TARGET_AVX512)
FORMAT_KV(q8_0, avx2, TARGET_AVX2)
FORMAT_KV(q8_0, avx512, TARGET_AVX512)

TARGET_AVX512 FORCE_INLINE void q8_0_block16_avx512(const struct panel_q8 *out, const uint8_t *p, size_t row_bytes)
{
    __m512i v[4];
    words_avx512(v, p, row_bytes);
    _mm512_storeu_ps(out->d, halves_avx512(v[0]));
    UNROLL
    for (int half = 0; half < 2; half++) {
        words_avx512(v, p + 2 + 16 * half, row_bytes);
        UNROLL
        for (int i = 0; i < 4; i++)
            put_step_avx512(out->q, 4 * half + i, v[i], 128);
    }
}

FORMAT_BLOCK16(q8_0)

/* Block b and, when `two` (a constant), b + 1 of a row: one register of weights, eight lanes a block, as q + 128, unsigned as
 * vpdpbusd wants it. */
TARGET_AVX512VNNI FORCE_INLINE __m512i q8_0_codes(const uint8_t *row, int b, int two)
{
    const uint8_t *p = row + (size_t)b * sizeof(struct block);
    __m512i v = _mm512_zextsi256_si512(_mm256_loadu_si256((const __m256i *)(p + 2)));
    if (two)
        v = _mm512_inserti64x4(v, _mm256_loadu_si256((const __m256i *)(p + 36)), 1);
    return _mm512_xor_si512(v, _mm512_set1_epi8((char)0x80));
}

/* Their scales, from one load: that of block b + 1 is the 17th 16-bit word. */
TARGET_AVX512VNNI FORCE_INLINE __m512 q8_0_scales(const uint8_t *row, int b, int two)
{
    const __m512i pick = _mm512_maskz_set1_epi64(0x0c, 0x0011001100110011); /* 16-bit words 0 x 8, 17 x 8 */
    const uint8_t *p = row + (size_t)b * sizeof(struct block);
    const __m512i head = two ? _mm512_loadu_si512(p) : _mm512_zextsi256_si512(_mm256_loadu_si256((const __m256i *)p));
    return _mm512_cvtph_ps(_mm512_castsi512_si256(_mm512_permutexvar_epi16(pick, head)));
}

/* The same blocks of the activations; start: what the 128 adds to their products, to be taken off in advance. */
TARGET_AVX512VNNI FORCE_INLINE void q8_0_pair_of_x(__m512i *q, __m512 *d, __m512i *start, const struct act *x, int b, int two)
{
    const __m512i zero = _mm512_setzero_si512();
    *q = _mm512_zextsi256_si512(_mm256_loadu_si256((const __m256i *)(x->q + b * BLOCK)));
    *d = _mm512_set1_ps(x->d[b]);
    if (two) {
        *q = _mm512_loadu_si512(x->q + b * BLOCK);
        *d = _mm512_mask_blend_ps(0xff00, *d, _mm512_set1_ps(x->d[b + 1]));
    }
    *start = _mm512_sub_epi32(zero, _mm512_dpbusd_epi32(zero, _mm512_set1_epi8((char)0x80), *q));
}

/* acc += blocks b and b + 1 of a row. */
TARGET_AVX512VNNI FORCE_INLINE __m512 q8_0_step(__m512 acc, const uint8_t *row, const struct act *x, int b, int two)
{
    __m512i v, start;
    __m512 dx;
    prefetch_ahead(row + (size_t)b * sizeof(struct block), 2 * sizeof(struct block));
    q8_0_pair_of_x(&v, &dx, &start, x, b, two);
    const __m512i dot = _mm512_dpbusd_epi32(start, q8_0_codes(row, b, two), v);
    return _mm512_fmadd_ps(_mm512_cvtepi32_ps(dot), _mm512_mul_ps(q8_0_scales(row, b, two), dx), acc);
}

TARGET_AVX512VNNI FORCE_INLINE __m512 q8_0_dot(const uint8_t *row, const struct act *x)
{
    const int blocks = x->k / BLOCK;
    __m512 acc = _mm512_setzero_ps();
    int b = 0;
    for (; b + 2 <= blocks; b += 2)
        acc = q8_0_step(acc, row, x, b, 1);
    return b < blocks ? q8_0_step(acc, row, x, b, 0) : acc;
}

MATVEC_ROW_BY_ROW(q8_0_matvec_q8_avx512vnni, TARGET_AVX512VNNI, q8_0_dot, format_q8_0)

/* -- attention: heads are short, so what is made of the queries is made once ------------------------------------------------ */

#define PAIRS 8   /* of blocks in a head: 512 elements */
#define QUERIES 4 /* side by side */

struct queries {
    __m512i q[QUERIES][PAIRS], start[QUERIES][PAIRS];
    __m512 d[QUERIES][PAIRS];
};

/* The scales of blocks b and b + 1 of four rows: in the first two quarters of a register those of block b, one lane a row, in the
 * others those of b + 1. */
TARGET_AVX512VNNI FORCE_INLINE __m512 q8_0_scales_of_four(const uint8_t *w, size_t row_bytes, int b, int two)
{
    const __m512i twice = _mm512_setr_epi32(0, 1, 2, 3, 0, 1, 2, 3, 4, 5, 6, 7, 4, 5, 6, 7);
    uint64_t first = 0, second = 0;
    UNROLL
    for (int j = 0; j < 4; j++) {
        const struct block *in = block_at(w + (size_t)j * row_bytes, b);
        first |= (uint64_t)in->d << 16 * j;
        second |= two ? (uint64_t)in[1].d << 16 * j : 0;
    }
    const __m128i d = _mm_set_epi64x((long long)second, (long long)first);
    return _mm512_permutexvar_ps(twice, _mm512_castps256_ps512(_mm256_cvtph_ps(d)));
}

/* acc[c] += blocks b and b + 1 of four rows for n queries (a constant): the sums of a row's quarters, each quarter with one lane
 * a row. */
TARGET_AVX512VNNI FORCE_INLINE void q8_0_score_pair(__m512 acc[QUERIES], const uint8_t *w, size_t row_bytes,
                                                    const struct queries *x, int b, int n, int two)
{
    const __m512 d = q8_0_scales_of_four(w, row_bytes, b, two);
    __m512i q[4];
    prefetch_ahead(w + (size_t)b * sizeof(struct block) * 4, 2 * sizeof(struct block) * 4);
    UNROLL
    for (int j = 0; j < 4; j++)
        q[j] = q8_0_codes(w + (size_t)j * row_bytes, b, two);
    UNROLL
    for (int c = 0; c < n; c++) {
        __m512i dot[4];
        UNROLL
        for (int j = 0; j < 4; j++)
            dot[j] = _mm512_dpbusd_epi32(x->start[c][b / 2], q[j], x->q[c][b / 2]);
        __m512 sums = _mm512_cvtepi32_ps(sum_runs_avx512vnni(dot[0], dot[1], dot[2], dot[3]));
        acc[c] = _mm512_fmadd_ps(sums, _mm512_mul_ps(d, x->d[c][b / 2]), acc[c]);
    }
}

/* The whole fours of rows, for n queries (a constant). */
TARGET_AVX512VNNI FORCE_INLINE void q8_0_scores_n(float *const y[], const uint8_t *w, const struct act *x, float scale, int rows,
                                                  int n)
{
    const size_t row_bytes = row_size(&format_q8_0, x->k);
    const int blocks = x->k / BLOCK;
    struct queries own;
    for (int c = 0; c < n; c++) {
        const struct act one = act_columns(x, c, 1);
        int b = 0;
        for (; b + 2 <= blocks; b += 2)
            q8_0_pair_of_x(&own.q[c][b / 2], &own.d[c][b / 2], &own.start[c][b / 2], &one, b, 1);
        if (b < blocks)
            q8_0_pair_of_x(&own.q[c][b / 2], &own.d[c][b / 2], &own.start[c][b / 2], &one, b, 0);
    }
    for (int r = 0; r + 4 <= rows; r += 4, w += 4 * row_bytes) {
        __m512 acc[QUERIES];
        UNROLL
        for (int c = 0; c < QUERIES; c++)
            acc[c] = _mm512_setzero_ps();
        int b = 0;
        for (; b + 2 <= blocks; b += 2)
            q8_0_score_pair(acc, w, row_bytes, &own, b, n, 1);
        if (b < blocks)
            q8_0_score_pair(acc, w, row_bytes, &own, b, n, 0);
        UNROLL
        for (int c = 0; c < n; c++) {
            __m256 half = _mm256_add_ps(_mm512_castps512_ps256(acc[c]), _mm512_extractf32x8_ps(acc[c], 1));
            __m128 sums = _mm_add_ps(_mm256_castps256_ps128(half), _mm256_extractf128_ps(half, 1));
            _mm_storeu_ps(y[c] + r, _mm_mul_ps(_mm_set1_ps(scale), sums));
        }
    }
}

TARGET_AVX512VNNI static void q8_0_scores_q8_avx512vnni(float *const y[], const void *w, const struct act *x, float scale,
                                                        int rows)
{
    const int fours = x->k <= 2 * BLOCK * PAIRS ? rows / 4 * 4 : 0;
    for (int c = 0; c < x->n && fours; c += QUERIES) {
        const int n = x->n - c < QUERIES ? x->n - c : QUERIES;
        const struct act part = act_columns(x, c, n);
        switch (n) {
        case 4: q8_0_scores_n(y + c, w, &part, scale, fours, 4); break;
        case 3: q8_0_scores_n(y + c, w, &part, scale, fours, 3); break;
        case 2: q8_0_scores_n(y + c, w, &part, scale, fours, 2); break;
        default: q8_0_scores_n(y + c, w, &part, scale, fours, 1); break;
        }
    }
    for (int c = 0; c < x->n && fours < rows; c++) {
        const struct act one = act_columns(x, c, 1);
        q8_0_matvec_q8_avx512vnni(y[c] + fours, (const uint8_t *)w + (size_t)fours * row_size(&format_q8_0, x->k), &one,
                                  rows - fours);
        for (int r = fours; r < rows; r++)
            y[c][r] *= scale;
    }
}

/* The scales of `blocks` blocks of as many rows as make 16; of `rows` of them, the others as the first. */
TARGET_AVX512 FORCE_INLINE __m512 q8_0_scales_of_rows(const uint8_t *w, size_t row_bytes, int rows, int blocks)
{
    uint64_t d[4] = {0};
    UNROLL
    for (int i = 0; i < 16; i++) {
        const int r = i / blocks < rows ? i / blocks : 0;
        d[i / 4] |= (uint64_t)block_at(w + (size_t)r * row_bytes, i % blocks)->d << 16 * (i % 4);
    }
    return _mm512_cvtph_ps(_mm256_set_epi64x((long long)d[3], (long long)d[2], (long long)d[1], (long long)d[0]));
}

/* acc[2 * (blocks * c + b) ..] += block b of `rows` rows (up to 16 / blocks) times a[c] for n queries (a constant).  The scale of a
 * block goes into what its row is weighed by, which is one more rounding than on the exact path. */
TARGET_AVX512 FORCE_INLINE void q8_0_mix_rows(__m512 acc[16], const uint8_t *w, size_t row_bytes, const float *const a[],
                                              int first, int rows, int n, int blocks)
{
    const __m512i row_of_lane = _mm512_srlv_epi32(_mm512_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15),
                                                  _mm512_set1_epi32(blocks / 2)); /* lane / blocks, of 2 or 4 */
    const __m512 d = q8_0_scales_of_rows(w, row_bytes, rows, blocks);
    float scale[QUERIES][16]; /* [row][block] */
    UNROLL
    for (int c = 0; c < n; c++) {
        const __m512 weight = _mm512_maskz_loadu_ps((__mmask16)((1u << rows) - 1), a[c] + first);
        _mm512_storeu_ps(scale[c], _mm512_mul_ps(d, _mm512_permutexvar_ps(row_of_lane, weight)));
    }
    for (int r = 0; r < rows; r++, w += row_bytes) {
        prefetch_ahead(w, (size_t)blocks * sizeof(struct block));
        UNROLL
        for (int b = 0; b < blocks; b++) {
            const __m128i *q = (const __m128i *)block_at(w, b)->q;
            const __m512 lo = _mm512_cvtepi32_ps(_mm512_cvtepi8_epi32(_mm_loadu_si128(q)));
            const __m512 hi = _mm512_cvtepi32_ps(_mm512_cvtepi8_epi32(_mm_loadu_si128(q + 1)));
            UNROLL
            for (int c = 0; c < n; c++) {
                const __m512 s = _mm512_set1_ps(scale[c][r * blocks + b]);
                const int at = 2 * (blocks * c + b);
                acc[at] = _mm512_fmadd_ps(s, lo, acc[at]);
                acc[at + 1] = _mm512_fmadd_ps(s, hi, acc[at + 1]);
            }
        }
    }
}

/* y += `blocks` blocks from `block` on for n queries (constants; n * blocks is up to 8). */
TARGET_AVX512 FORCE_INLINE void q8_0_mix_n(float *const y[], const uint8_t *w, size_t row_bytes, const float *const a[],
                                           int block, int rows, int n, int blocks)
{
    const int step = 16 / blocks;
    __m512 acc[16];
    int r = 0;
    w += (size_t)block * sizeof(struct block);
    UNROLL
    for (int c = 0; c < n; c++) {
        UNROLL
        for (int j = 0; j < 2 * blocks; j++)
            acc[2 * blocks * c + j] = _mm512_loadu_ps(y[c] + block * BLOCK + 16 * j);
    }
    for (; r + step <= rows; r += step, w += (size_t)step * row_bytes)
        q8_0_mix_rows(acc, w, row_bytes, a, r, step, n, blocks);
    if (r < rows)
        q8_0_mix_rows(acc, w, row_bytes, a, r, rows - r, n, blocks);
    UNROLL
    for (int c = 0; c < n; c++) {
        UNROLL
        for (int j = 0; j < 2 * blocks; j++)
            _mm512_storeu_ps(y[c] + block * BLOCK + 16 * j, acc[2 * blocks * c + j]);
    }
}

/* All blocks of n queries, `blocks` at a time (constants); what is left as on the exact path. */
TARGET_AVX512 FORCE_INLINE void q8_0_mix_blocks(float *const y[], const uint8_t *w, const float *const a[], int k, int rows,
                                                int n, int blocks)
{
    const size_t row_bytes = row_size(&format_q8_0, k);
    int b = 0;
    for (; b + blocks <= k / BLOCK; b += blocks)
        q8_0_mix_n(y, w, row_bytes, a, b, rows, n, blocks);
    for (int col = b * BLOCK; col < k; col += 16)
        mix_n_avx512(y, w, row_bytes, q8_0_load16_avx512, &format_q8_0, a, col, rows, n, 1);
}

TARGET_AVX512 static void q8_0_mix_act_avx512(float *const y[], const void *w, const float *const a[], int n, int k, int rows)
{
    for (int c = 0; c < n; c += QUERIES)
        switch (n - c) {
        case 1: q8_0_mix_blocks(y + c, w, a + c, k, rows, 1, 2); break;
        case 2:
            if (k % (4 * BLOCK))
                q8_0_mix_blocks(y + c, w, a + c, k, rows, 2, 2);
            else
                q8_0_mix_blocks(y + c, w, a + c, k, rows, 2, 4);
            break;
        case 3: q8_0_mix_blocks(y + c, w, a + c, k, rows, 3, 2); break;
        default: q8_0_mix_blocks(y + c, w, a + c, k, rows, 4, 2); break;
        }
}
#endif

#ifdef TARGET_NEON
static inline q32_neon q8_0_load32_neon(const uint8_t *row, int group)
{
    const struct block *in = block_at(row, group);
    return (q32_neon){.lo = vld1q_s8(in->q), .hi = vld1q_s8(in->q + 16), .d = {half_neon(&in->d)}};
}

FORMAT_SIMD(q8_0)
FORMAT_KV(q8_0, neon, TARGET_NEON)
#endif

const struct format format_q8_0 = {
    .name = "q8_0",
    .gguf_type = 8,
    .block = BLOCK,
    .bytes = sizeof(struct block),
    .group = 32,
    .version = 1,
    .act = ACT_Q8,
    .quantize = q8_0_quantize,
    .dequantize = q8_0_dequantize,
    .isa =
        {
            SCALAR_KERNELS(q8_0),
#ifdef TARGET_AVX2
            [ISA_AVX2] = ALL_KERNELS(q8_0, avx2),
            [ISA_AVX2].store = q8_0_store_avx2,
            [ISA_AVX2].scores_f32 = q8_0_scores_f32_avx2,
            [ISA_AVX2].mix = q8_0_mix_avx2,
            [ISA_AVX512] = {F32_KERNELS(q8_0, avx512), KV_KERNELS(q8_0, avx512), .unpack_q8 = q8_0_unpack_q8_avx512,
                            .mix_act = q8_0_mix_act_avx512},
            [ISA_AVX512VNNI] = {.matvec_act = q8_0_matvec_q8_avx512vnni, .scores_act = q8_0_scores_q8_avx512vnni},
#else
            SIMD_KERNELS(q8_0),
#endif
#ifdef TARGET_NEON
            [ISA_NEON].scores_f32 = q8_0_scores_f32_neon,
            [ISA_NEON].mix = q8_0_mix_neon,
#endif
        },
};
