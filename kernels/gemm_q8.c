/* gemm_q8.c - int8 panels times many columns.
 *
 * A panel holds four consecutive weights of PANEL_ROWS rows side by side, so one vector of it meets one broadcast word of x, and
 * lane r of the integer accumulator belongs to row r: nothing is added across lanes.  After the 4 or 8 steps of a group the
 * integers are scaled by both scales and added to a float accumulator, and m * sum(x) after them where there is an offset.
 * Columns side by side share the loads of the panel.  Group and offset are constants: four kernels from each source. */
/* SPDX-License-Identifier: MIT */
#include <string.h>

#include "kernels/gemm.h"
#include "kernels/rows.h"

/* Four int8 as one word, to be broadcast. */
static inline int32_t word(const int8_t *q)
{
    int32_t v;
    memcpy(&v, q, sizeof v);
    return v;
}

/* The sum of x over group g of column c, in units of its scale. */
FORCE_INLINE int32_t group_sum(const struct act *x, int c, int g, int group)
{
    const int32_t *sum = x->sum + (size_t)c * (size_t)(x->k / SUM_GROUP);
    return group == 16 ? sum[g] : sum[2 * g] + sum[2 * g + 1];
}

FORCE_INLINE float group_scale(const struct act *x, int c, int g, int group)
{
    return x->d[(size_t)c * (size_t)(x->k / ACT_GROUP) + (size_t)(g * group / ACT_GROUP)];
}

FORCE_INLINE void columns_q8_scalar(float *y, size_t ldy, const struct panel_q8 *panel, const struct act *x, int rows, int group,
                                    int offset)
{
    for (int c = 0; c < x->n; c++) {
        const int8_t *q = x->q + (size_t)c * (size_t)x->k;
        for (int r = 0; r < rows; r++) {
            float sum = 0;
            for (int g = 0; g < x->k / group; g++) {
                const float dx = group_scale(x, c, g, group);
                int32_t dot = 0;
                for (int i = group * g; i < group * (g + 1); i++)
                    dot += (panel->q[(i / 4 * PANEL_ROWS + r) * 4 + i % 4] - 128) * q[i];
                sum += panel->d[g * PANEL_ROWS + r] * dx * (float)dot;
                if (offset)
                    sum += panel->m[g * PANEL_ROWS + r] * dx * (float)group_sum(x, c, g, group);
            }
            y[(size_t)c * ldy + (size_t)r] = sum;
        }
    }
}

/* Each tile function: n columns (a constant), from column c of x on. */
#ifdef TARGET_AVX2
#define COLS_AVX2 4
#define COLS_VNNI 8

/* Eight of the rows, from row r on, at a time: 16 registers hold no more. */
TARGET_AVX2 FORCE_INLINE void tile_q8_avx2(float *y, size_t ldy, const struct panel_q8 *panel, const struct act *x, int c, int r,
                                           int rows, int group, int offset, int n)
{
    const int groups = x->k / group, steps = group / 4;
    const int8_t *q = x->q + (size_t)c * (size_t)x->k;
    __m256 acc[COLS_AVX2];
    UNROLL
    for (int j = 0; j < n; j++)
        acc[j] = _mm256_setzero_ps();
    for (int g = 0; g < groups; g++) {
        __m256i dot[COLS_AVX2];
        UNROLL
        for (int j = 0; j < n; j++)
            dot[j] = _mm256_setzero_si256();
        for (int s = steps * g; s < steps * (g + 1); s++) {
            __m256i w = _mm256_loadu_si256((const __m256i *)(panel->q + (s * PANEL_ROWS + r) * 4));
            w = _mm256_xor_si256(w, _mm256_set1_epi8((char)0x80)); /* signed */
            UNROLL
            for (int j = 0; j < n; j++)
                dot[j] = dot4_avx2(dot[j], w, _mm256_set1_epi32(word(q + (size_t)j * (size_t)x->k + 4 * s)));
        }
        __m256 dw = _mm256_loadu_ps(panel->d + g * PANEL_ROWS + r), mw = dw;
        if (offset)
            mw = _mm256_loadu_ps(panel->m + g * PANEL_ROWS + r);
        UNROLL
        for (int j = 0; j < n; j++) {
            const float dx = group_scale(x, c + j, g, group);
            acc[j] = _mm256_fmadd_ps(_mm256_cvtepi32_ps(dot[j]), _mm256_mul_ps(dw, _mm256_set1_ps(dx)), acc[j]);
            if (offset)
                acc[j] = _mm256_fmadd_ps(mw, _mm256_set1_ps(dx * (float)group_sum(x, c + j, g, group)), acc[j]);
        }
    }
    const __m256i lanes = _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7);
    UNROLL
    for (int j = 0; j < n; j++)
        _mm256_maskstore_ps(y + (size_t)(c + j) * ldy + r, _mm256_cmpgt_epi32(_mm256_set1_epi32(rows - r), lanes), acc[j]);
}

TARGET_AVX2 FORCE_INLINE void columns_q8_avx2(float *y, size_t ldy, const struct panel_q8 *panel, const struct act *x, int rows,
                                              int group, int offset)
{
    for (int r = 0; r < rows; r += 8) {
        int c = 0;
        for (; c + COLS_AVX2 <= x->n; c += COLS_AVX2)
            tile_q8_avx2(y, ldy, panel, x, c, r, rows, group, offset, COLS_AVX2);
        for (; c < x->n; c++)
            tile_q8_avx2(y, ldy, panel, x, c, r, rows, group, offset, 1);
    }
}

/* The panel is the unsigned operand as it lies there; 128 * sum(x) is taken off before the group begins. */
TARGET_AVX512VNNI FORCE_INLINE void tile_q8_avx512vnni(float *y, size_t ldy, const struct panel_q8 *panel, const struct act *x,
                                                       int c, int rows, int group, int offset, int n)
{
    const int groups = x->k / group, steps = group / 4;
    const int8_t *q = x->q + (size_t)c * (size_t)x->k;
    __m512 acc[COLS_VNNI];
    UNROLL
    for (int j = 0; j < n; j++)
        acc[j] = _mm512_setzero_ps();
    for (int g = 0; g < groups; g++) {
        __m512i dot[COLS_VNNI];
        UNROLL
        for (int j = 0; j < n; j++)
            dot[j] = _mm512_set1_epi32(-128 * group_sum(x, c + j, g, group));
        UNROLL
        for (int s = 0; s < steps; s++) {
            __m512i w = _mm512_loadu_si512(panel->q + (steps * g + s) * PANEL_ROWS * 4);
            UNROLL
            for (int j = 0; j < n; j++)
                dot[j] =
                    _mm512_dpbusd_epi32(dot[j], w, _mm512_set1_epi32(word(q + (size_t)j * (size_t)x->k + group * g + 4 * s)));
        }
        __m512 dw = _mm512_loadu_ps(panel->d + g * PANEL_ROWS), mw = dw;
        if (offset)
            mw = _mm512_loadu_ps(panel->m + g * PANEL_ROWS);
        UNROLL
        for (int j = 0; j < n; j++) {
            const float dx = group_scale(x, c + j, g, group);
            acc[j] = _mm512_fmadd_ps(_mm512_cvtepi32_ps(dot[j]), _mm512_mul_ps(dw, _mm512_set1_ps(dx)), acc[j]);
            if (offset)
                acc[j] = _mm512_fmadd_ps(mw, _mm512_set1_ps(dx * (float)group_sum(x, c + j, g, group)), acc[j]);
        }
    }
    UNROLL
    for (int j = 0; j < n; j++)
        _mm512_mask_storeu_ps(y + (size_t)(c + j) * ldy, (__mmask16)((1u << rows) - 1), acc[j]);
}

TARGET_AVX512VNNI FORCE_INLINE void columns_q8_avx512vnni(float *y, size_t ldy, const struct panel_q8 *panel, const struct act *x,
                                                          int rows, int group, int offset)
{
    int c = 0;
    for (; c + COLS_VNNI <= x->n; c += COLS_VNNI)
        tile_q8_avx512vnni(y, ldy, panel, x, c, rows, group, offset, COLS_VNNI);
    for (; c + 2 <= x->n; c += 2)
        tile_q8_avx512vnni(y, ldy, panel, x, c, rows, group, offset, 2);
    if (c < x->n)
        tile_q8_avx512vnni(y, ldy, panel, x, c, rows, group, offset, 1);
}
#endif

#ifdef TARGET_NEON
#define COLS_NEON 4

/* Eight of the rows, from row r on, at a time; the dot product of either level. */
FORCE_INLINE void tile_q8_neon(float *y, size_t ldy, const struct panel_q8 *panel, const struct act *x, int c, int r, int rows,
                               int group, int offset, int n, dot4 *dot)
{
    const int groups = x->k / group, steps = group / 4;
    const int8_t *q = x->q + (size_t)c * (size_t)x->k;
    float32x4_t acc[2 * COLS_NEON];
    UNROLL
    for (int j = 0; j < 2 * n; j++)
        acc[j] = vdupq_n_f32(0);
    for (int g = 0; g < groups; g++) {
        int32x4_t sum[2 * COLS_NEON];
        UNROLL
        for (int j = 0; j < 2 * n; j++)
            sum[j] = vdupq_n_s32(0);
        for (int s = steps * g; s < steps * (g + 1); s++) {
            const uint8_t *p = panel->q + (s * PANEL_ROWS + r) * 4;
            int8x16_t w0 = vreinterpretq_s8_u8(veorq_u8(vld1q_u8(p), vdupq_n_u8(0x80))); /* signed */
            int8x16_t w1 = vreinterpretq_s8_u8(veorq_u8(vld1q_u8(p + 16), vdupq_n_u8(0x80)));
            UNROLL
            for (int j = 0; j < n; j++) {
                int8x16_t v = vreinterpretq_s8_s32(vdupq_n_s32(word(q + (size_t)j * (size_t)x->k + 4 * s)));
                sum[2 * j] = dot(sum[2 * j], w0, v);
                sum[2 * j + 1] = dot(sum[2 * j + 1], w1, v);
            }
        }
        const float *d = panel->d + g * PANEL_ROWS + r, *m = panel->m + g * PANEL_ROWS + r;
        float32x4_t d0 = vld1q_f32(d), d1 = vld1q_f32(d + 4), m0 = d0, m1 = d1;
        if (offset) {
            m0 = vld1q_f32(m);
            m1 = vld1q_f32(m + 4);
        }
        UNROLL
        for (int j = 0; j < n; j++) {
            const float dx = group_scale(x, c + j, g, group);
            acc[2 * j] = vfmaq_f32(acc[2 * j], vcvtq_f32_s32(sum[2 * j]), vmulq_n_f32(d0, dx));
            acc[2 * j + 1] = vfmaq_f32(acc[2 * j + 1], vcvtq_f32_s32(sum[2 * j + 1]), vmulq_n_f32(d1, dx));
            if (offset) {
                const float total = dx * (float)group_sum(x, c + j, g, group);
                acc[2 * j] = vfmaq_n_f32(acc[2 * j], m0, total);
                acc[2 * j + 1] = vfmaq_n_f32(acc[2 * j + 1], m1, total);
            }
        }
    }
    for (int j = 0; j < n; j++) {
        float out[8];
        vst1q_f32(out, acc[2 * j]);
        vst1q_f32(out + 4, acc[2 * j + 1]);
        memcpy(y + (size_t)(c + j) * ldy + r, out, sizeof(float) * (size_t)(rows - r < 8 ? rows - r : 8));
    }
}

#define COLUMNS_Q8_NEON(isa, target)                                                                                             \
    target FORCE_INLINE void columns_q8_##isa(float *y, size_t ldy, const struct panel_q8 *panel, const struct act *x, int rows, \
                                              int group, int offset)                                                             \
    {                                                                                                                            \
        for (int r = 0; r < rows; r += 8) {                                                                                      \
            int c = 0;                                                                                                           \
            for (; c + COLS_NEON <= x->n; c += COLS_NEON)                                                                        \
                tile_q8_neon(y, ldy, panel, x, c, r, rows, group, offset, COLS_NEON, dot4_##isa);                                \
            for (; c < x->n; c++)                                                                                                \
                tile_q8_neon(y, ldy, panel, x, c, r, rows, group, offset, 1, dot4_##isa);                                        \
        }                                                                                                                        \
    }

COLUMNS_Q8_NEON(neon, TARGET_NEON)
COLUMNS_Q8_NEON(dotprod, TARGET_DOTPROD)
#endif

/* The shapes that formats have: group, offset. */
#define GEMM_Q8_SHAPE(isa, target, group, offset)                                                                                \
    target static void gemm_q8_##group##_##offset##_##isa(float *y, size_t ldy, const struct panel_q8 *panel,                    \
                                                          const struct act *x, int rows)                                         \
    {                                                                                                                            \
        columns_q8_##isa(y, ldy, panel, x, rows, group, offset);                                                                 \
    }
#define GEMM_Q8(isa, target)                                                                                                     \
    GEMM_Q8_SHAPE(isa, target, 32, 0)                                                                                            \
    GEMM_Q8_SHAPE(isa, target, 32, 1)                                                                                            \
    GEMM_Q8_SHAPE(isa, target, 16, 0)                                                                                            \
    GEMM_Q8_SHAPE(isa, target, 16, 1)
#define SHAPES(isa)                                                                                                              \
    {                                                                                                                            \
        {gemm_q8_32_0_##isa, gemm_q8_32_1_##isa}, {gemm_q8_16_0_##isa, gemm_q8_16_1_##isa},                                      \
    }

GEMM_Q8(scalar, )
#ifdef TARGET_AVX2
GEMM_Q8(avx2, TARGET_AVX2)
GEMM_Q8(avx512vnni, TARGET_AVX512VNNI)
#endif
#ifdef TARGET_NEON
GEMM_Q8(neon, TARGET_NEON)
GEMM_Q8(dotprod, TARGET_DOTPROD)
#endif

/* [group is 16][offset]; NULL where the level below serves. */
static gemm_q8 *const q8_at[ISA_COUNT][2][2] = {
    [ISA_SCALAR] = SHAPES(scalar),
#ifdef TARGET_AVX2
    [ISA_AVX2] = SHAPES(avx2),     [ISA_AVX512VNNI] = SHAPES(avx512vnni),
#endif
#ifdef TARGET_NEON
    [ISA_NEON] = SHAPES(neon),     [ISA_DOTPROD] = SHAPES(dotprod),
#endif
};

gemm_q8 *gemm_q8_best(enum isa isa, const struct format *f)
{
    int level = (int)isa;
    while (!q8_at[level][0][0])
        level--;
    return q8_at[level][f->group == 16][f->offset];
}
