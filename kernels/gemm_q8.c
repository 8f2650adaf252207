/* gemm_q8.c - int8 panels times many columns.
 *
 * A panel holds four consecutive weights of PANEL_ROWS rows side by side, so one vector of it meets one broadcast word of x, and
 * lane r of the integer accumulator belongs to row r: nothing is added across lanes.  After the 4 or 8 steps of a group the
 * integers are scaled by both scales and added to a float accumulator, and m * sum(x) after them where there is an offset.
 * Columns side by side share the loads of the panel, and panels side by side those of the columns.  Group and offset are
 * constants: six kernels from each source, two of them for packed panels. */
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
    const int32_t *sum = x->sum + ((size_t)c * (size_t)x->k + (size_t)(g * group)) / SUM_GROUP;
    int32_t all = 0;
    UNROLL
    for (int i = 0; i < group / SUM_GROUP; i++)
        all += sum[i];
    return all;
}

FORCE_INLINE float group_scale(const struct act *x, int c, int g, int group)
{
    return x->d[(size_t)c * (size_t)(x->k / ACT_GROUP) + (size_t)(g * group / ACT_GROUP)];
}

FORCE_INLINE void columns_q8_scalar(float *y, size_t ldy, const struct panel_q8 *panels, const struct act *x, int rows, int group,
                                    int offset)
{
    for (int c = 0; c < x->n; c++) {
        const int8_t *q = x->q + (size_t)c * (size_t)x->k;
        for (int row = 0; row < rows; row++) {
            const struct panel_q8 *panel = panels + row / PANEL_ROWS;
            const int r = row % PANEL_ROWS;
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
            y[(size_t)c * ldy + (size_t)row] = sum;
        }
    }
}

/* Each tile function: n columns (a constant), from column c of x on; y is where its first row and column go. */
#ifdef TARGET_AVX2
#define COLS_AVX2 4
#define COLS_VNNI 6 /* registers hold the dot products and the sums of no more */

/* Eight rows of a panel, from row r on, of which `rows` are written: 16 registers hold no more. */
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
        _mm256_maskstore_ps(y + (size_t)j * ldy, _mm256_cmpgt_epi32(_mm256_set1_epi32(rows), lanes), acc[j]);
}

/* n columns times all rows: the columns stay in the L1 cache. */
TARGET_AVX2 FORCE_INLINE void rows_q8_avx2(float *y, size_t ldy, const struct panel_q8 *panels, const struct act *x, int c,
                                           int rows, int group, int offset, int n)
{
    for (int r = 0; r < rows; r += 8)
        tile_q8_avx2(y + r, ldy, panels + r / PANEL_ROWS, x, c, r % PANEL_ROWS, rows - r, group, offset, n);
}

TARGET_AVX2 FORCE_INLINE void columns_q8_avx2(float *y, size_t ldy, const struct panel_q8 *panels, const struct act *x, int rows,
                                              int group, int offset)
{
    int c = 0;
    for (; c + COLS_AVX2 <= x->n; c += COLS_AVX2)
        rows_q8_avx2(y + (size_t)c * ldy, ldy, panels, x, c, rows, group, offset, COLS_AVX2);
    for (; c < x->n; c++)
        rows_q8_avx2(y + (size_t)c * ldy, ldy, panels, x, c, rows, group, offset, 1);
}

#define PIECE 2048 /* elements of a column whose scales and sums are gathered at a time */

/* What a tile needs of its columns beside their bytes and scales, for the reads to be at constant distances. */
struct columns {
    int32_t start[COLS_VNNI][PIECE / SUM_GROUP]; /* of the dot products: -128 * sum(x), for the panel is unsigned, q + 128 */
    float sum[COLS_VNNI][PIECE / SUM_GROUP];     /* sum(x), of what shares an offset */
};

/* n columns from column c on, their elements from .. end. */
TARGET_AVX512VNNI FORCE_INLINE void gather_avx512vnni(struct columns *out, const struct act *x, int c, int from, int end,
                                                      int group, int offset, int n)
{
    const __m512i even = _mm512_set_epi32(30, 28, 26, 24, 22, 20, 18, 16, 14, 12, 10, 8, 6, 4, 2, 0);
    const __m512i odd = _mm512_or_si512(even, _mm512_set1_epi32(1)), zero = _mm512_setzero_si512();
    for (int i = 0; from < end; from += 16 * ACT_GROUP, i += 16) {
        const int rest = (end - from) / ACT_GROUP;
        const uint32_t in = rest < 16 ? (1u << (2 * rest)) - 1 : ~0u;
        UNROLL
        for (int j = 0; j < n; j++) {
            const int32_t *sum = x->sum + ((size_t)(c + j) * (size_t)x->k + (size_t)from) / SUM_GROUP;
            __m512i a = _mm512_maskz_loadu_epi32((__mmask16)in, sum);
            __m512i b = _mm512_maskz_loadu_epi32((__mmask16)(in >> 16), sum + 16);
            int32_t *start = out->start[j] + i * 32 / group;
            float *total = out->sum[j] + i * 32 / group;
            prefetch_from(sum + (size_t)n * (size_t)(x->k / SUM_GROUP), 128); /* of the tile that follows */
            if (group > 16) {
                a = _mm512_add_epi32(_mm512_permutex2var_epi32(a, even, b), _mm512_permutex2var_epi32(a, odd, b));
                UNROLL
                for (int wide = 64; wide <= group; wide *= 2) /* the upper half is of no use then */
                    a = _mm512_add_epi32(_mm512_permutexvar_epi32(even, a), _mm512_permutexvar_epi32(odd, a));
            } else {
                _mm512_storeu_si512(start + 16, _mm512_slli_epi32(_mm512_sub_epi32(zero, b), 7));
                if (offset)
                    _mm512_storeu_ps(total + 16, _mm512_cvtepi32_ps(b));
            }
            _mm512_storeu_si512(start, _mm512_slli_epi32(_mm512_sub_epi32(zero, a), 7));
            if (offset)
                _mm512_storeu_ps(total, _mm512_cvtepi32_ps(a));
        }
    }
}

/* acc[column][row] += the groups g .. g + count (a constant) of a piece, without the scale of x: n columns from q on.  Two groups at
 * once keep the unit busy where the columns are few: each dot product waits for the one before it. */
TARGET_AVX512VNNI FORCE_INLINE void groups_avx512vnni(__m512 acc[][2], const uint8_t *w, const int8_t *q, size_t k,
                                                      const struct columns *x, const float *d, const float *m, int g, int group,
                                                      int offset, int n, int count)
{
    __m512i dot[2][COLS_VNNI][2];
    UNROLL
    for (int i = 0; i < count; i++) {
        UNROLL
        for (int j = 0; j < n; j++)
            dot[i][j][0] = dot[i][j][1] = _mm512_set1_epi32(x->start[j][g + i]);
    }
    UNROLL
    for (int s = 0; s < group / 4; s++) {
        UNROLL
        for (int i = 0; i < count; i++) {
            const uint8_t *at = w + (s + i * group / 4) * PANEL_ROWS * 4;
            __m512i w0 = _mm512_loadu_si512(at), w1 = _mm512_loadu_si512(at + 64);
            UNROLL
            for (int j = 0; j < n; j++) {
                __m512i v = _mm512_set1_epi32(word(q + (size_t)j * k + i * group + 4 * s));
                KEEP(v);
                dot[i][j][0] = _mm512_dpbusd_epi32(dot[i][j][0], w0, v);
                dot[i][j][1] = _mm512_dpbusd_epi32(dot[i][j][1], w1, v);
            }
        }
    }
    UNROLL
    for (int i = 0; i < count; i++) {
        __m512 d0 = _mm512_loadu_ps(d + i * PANEL_ROWS), d1 = _mm512_loadu_ps(d + i * PANEL_ROWS + 16);
        UNROLL
        for (int j = 0; j < n; j++) {
            acc[j][0] = _mm512_fmadd_ps(_mm512_cvtepi32_ps(dot[i][j][0]), d0, acc[j][0]);
            acc[j][1] = _mm512_fmadd_ps(_mm512_cvtepi32_ps(dot[i][j][1]), d1, acc[j][1]);
        }
        if (offset) {
            __m512 m0 = _mm512_loadu_ps(m + i * PANEL_ROWS), m1 = _mm512_loadu_ps(m + i * PANEL_ROWS + 16);
            UNROLL
            for (int j = 0; j < n; j++) {
                __m512 total = _mm512_set1_ps(x->sum[j][g + i]);
                acc[j][0] = _mm512_fmadd_ps(m0, total, acc[j][0]);
                acc[j][1] = _mm512_fmadd_ps(m1, total, acc[j][1]);
            }
        }
    }
}

/* sums[column][row] += elements from .. end of the rows of a panel times n columns from column c on.  The scale of x is that of a
 * run, and multiplies what the run has summed. */
TARGET_AVX512VNNI FORCE_INLINE void tile_q8_avx512vnni(float (*sums)[PANEL_ROWS], const struct panel_q8 *panel,
                                                       const struct act *x, const struct columns *columns, int c, int from,
                                                       int end, int group, int offset, int n)
{
    const size_t k = (size_t)x->k;
    const int8_t *q = x->q + (size_t)c * k + from, *next = x->q + (size_t)(c + n) * k + from * n; /* the tile that follows */
    const float *dx = x->d + ((size_t)c * k + (size_t)from) / ACT_GROUP;
    const uint8_t *w = panel->q + (size_t)from * PANEL_ROWS;
    const float *d = panel->d + (size_t)(from / group) * PANEL_ROWS, *m = panel->m + (size_t)(from / group) * PANEL_ROWS;
    const int groups = (end - from) / group, run = ACT_RUN / group, most = n > 3 ? 1 : 2;

    for (int g = 0; g < groups; dx += ACT_RUN / ACT_GROUP) {
        __m512 acc[COLS_VNNI][2];
        UNROLL
        for (int j = 0; j < n; j++)
            acc[j][0] = acc[j][1] = _mm512_setzero_ps();
        const int stop = groups - g < run ? groups : g + run;
        for (int count; g < stop; g += count) {
            count = stop - g < most ? 1 : most;
            prefetch_from(next, (size_t)group * (size_t)n);
            next += count * group * n;
            if (count == 2)
                groups_avx512vnni(acc, w, q, k, columns, d, m, g, group, offset, n, 2);
            else
                groups_avx512vnni(acc, w, q, k, columns, d, m, g, group, offset, n, 1);
            w += count * group * PANEL_ROWS;
            q += count * group;
            d += count * PANEL_ROWS;
            m += count * PANEL_ROWS;
        }
        UNROLL
        for (int j = 0; j < n; j++) {
            __m512 scale = _mm512_set1_ps(dx[(size_t)j * (k / ACT_GROUP)]);
            _mm512_storeu_ps(sums[j], _mm512_fmadd_ps(acc[j][0], scale, _mm512_loadu_ps(sums[j])));
            _mm512_storeu_ps(sums[j] + 16, _mm512_fmadd_ps(acc[j][1], scale, _mm512_loadu_ps(sums[j] + 16)));
        }
    }
}

/* The same of packed panels: a group is a run, and long; the sums stay in registers.  In one function with the other the compiler
 * made both slower (q8_0 .74 to .68 of the peak). */
TARGET_AVX512VNNI FORCE_INLINE void tile_packed_avx512vnni(float (*sums)[PANEL_ROWS], const struct panel_q8 *panel,
                                                           const struct act *x, const struct columns *columns, int c, int from,
                                                           int end, int group, int n)
{
    const size_t k = (size_t)x->k;
    const int8_t *q = x->q + (size_t)c * k + from, *next = x->q + (size_t)(c + n) * k + from * n; /* the tile that follows */
    const float *dx = x->d + ((size_t)c * k + (size_t)from) / ACT_GROUP;
    const uint8_t *w = panel->q + (size_t)from * PANEL_ROWS;
    const float *d = panel->d + (size_t)(from / group) * PANEL_ROWS;
    __m512 acc[COLS_VNNI][2];
    UNROLL
    for (int j = 0; j < n; j++) {
        acc[j][0] = _mm512_loadu_ps(sums[j]);
        acc[j][1] = _mm512_loadu_ps(sums[j] + 16);
    }
    for (int g = 0; g < (end - from) / group; g++, dx += group / ACT_GROUP, d += PANEL_ROWS) {
        __m512i dot[COLS_VNNI][2];
        UNROLL
        for (int j = 0; j < n; j++)
            dot[j][0] = dot[j][1] = _mm512_set1_epi32(columns->start[j][g]);
        for (int part = 0; part < group; part += 32, w += 32 * PANEL_ROWS, q += 32, next += 32 * n) {
            prefetch_from(next, 32 * (size_t)n);
            UNROLL
            for (int s = 0; s < 8; s++) {
                const __m512i w0 = _mm512_loadu_si512(w + s * PANEL_ROWS * 4),
                              w1 = _mm512_loadu_si512(w + s * PANEL_ROWS * 4 + 64);
                UNROLL
                for (int j = 0; j < n; j++) {
                    __m512i v = _mm512_set1_epi32(word(q + (size_t)j * k + 4 * s));
                    KEEP(v);
                    dot[j][0] = _mm512_dpbusd_epi32(dot[j][0], w0, v);
                    dot[j][1] = _mm512_dpbusd_epi32(dot[j][1], w1, v);
                }
            }
        }
        const __m512 d0 = _mm512_loadu_ps(d), d1 = _mm512_loadu_ps(d + 16);
        UNROLL
        for (int j = 0; j < n; j++) {
            const __m512 scale = _mm512_set1_ps(dx[(size_t)j * (k / ACT_GROUP)]);
            acc[j][0] = _mm512_fmadd_ps(_mm512_cvtepi32_ps(dot[j][0]), _mm512_mul_ps(d0, scale), acc[j][0]);
            acc[j][1] = _mm512_fmadd_ps(_mm512_cvtepi32_ps(dot[j][1]), _mm512_mul_ps(d1, scale), acc[j][1]);
        }
    }
    UNROLL
    for (int j = 0; j < n; j++) {
        _mm512_storeu_ps(sums[j], acc[j][0]);
        _mm512_storeu_ps(sums[j] + 16, acc[j][1]);
    }
}

/* All rows times n columns from column c on; y is that of column c. */
TARGET_AVX512VNNI FORCE_INLINE void rows_q8_avx512vnni(float *y, size_t ldy, const struct panel_q8 *panels, const struct act *x,
                                                       int c, int rows, int group, int offset, int n)
{
    float sums[PANELS_Q8][COLS_VNNI][PANEL_ROWS] = {0};
    struct columns columns;
    for (int from = 0; from < x->k; from += PIECE) {
        const int end = x->k - from < PIECE ? x->k : from + PIECE;
        gather_avx512vnni(&columns, x, c, from, end, group, offset, n);
        for (int r = 0; r < rows; r += PANEL_ROWS) {
            UNROLL
            for (int j = 0; j < n; j++)
                prefetch_from(y + (size_t)j * ldy + r, PANEL_ROWS * sizeof *y);
            if (group > 32)
                tile_packed_avx512vnni(sums[r / PANEL_ROWS], panels + r / PANEL_ROWS, x, &columns, c, from, end, group, n);
            else
                tile_q8_avx512vnni(sums[r / PANEL_ROWS], panels + r / PANEL_ROWS, x, &columns, c, from, end, group, offset, n);
        }
    }
    for (int r = 0; r < rows; r += 16) {
        const __mmask16 in = rows - r < 16 ? (__mmask16)((1u << (rows - r)) - 1) : 0xffff;
        UNROLL
        for (int j = 0; j < n; j++)
            _mm512_mask_storeu_ps(y + (size_t)j * ldy + r, in, _mm512_loadu_ps(sums[r / PANEL_ROWS][j] + r % PANEL_ROWS));
    }
}

/* Tiles that are as wide as each other: a narrow one costs nearly as much. */
TARGET_AVX512VNNI FORCE_INLINE void columns_q8_avx512vnni(float *y, size_t ldy, const struct panel_q8 *panels,
                                                          const struct act *x, int rows, int group, int offset)
{
    int c = 0;
    for (int tiles = (x->n + COLS_VNNI - 1) / COLS_VNNI, n; tiles; tiles--, c += n) {
        float *to = y + (size_t)c * ldy;
        n = (x->n - c + tiles - 1) / tiles;
        switch (n) {
        case 6: rows_q8_avx512vnni(to, ldy, panels, x, c, rows, group, offset, 6); break;
        case 5: rows_q8_avx512vnni(to, ldy, panels, x, c, rows, group, offset, 5); break;
        case 4: rows_q8_avx512vnni(to, ldy, panels, x, c, rows, group, offset, 4); break;
        default: rows_q8_avx512vnni(to, ldy, panels, x, c, rows, group, offset, 3); break; /* more than FEW_Q8, evenly */
        }
    }
}
#endif

#ifdef TARGET_NEON
#define COLS_NEON 4

/* Eight rows of a panel, from row r on, of which `rows` are written; the dot product of either level. */
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
        memcpy(y + (size_t)j * ldy, out, sizeof(float) * (size_t)(rows < 8 ? rows : 8));
    }
}

/* n columns times all rows: the columns stay in the L1 cache. */
FORCE_INLINE void rows_q8_neon(float *y, size_t ldy, const struct panel_q8 *panels, const struct act *x, int c, int rows,
                               int group, int offset, int n, dot4 *dot)
{
    for (int r = 0; r < rows; r += 8)
        tile_q8_neon(y + r, ldy, panels + r / PANEL_ROWS, x, c, r % PANEL_ROWS, rows - r, group, offset, n, dot);
}

#define COLUMNS_Q8_NEON(isa, target)                                                                                             \
    target FORCE_INLINE void columns_q8_##isa(float *y, size_t ldy, const struct panel_q8 *panels, const struct act *x,          \
                                              int rows, int group, int offset)                                                   \
    {                                                                                                                            \
        int c = 0;                                                                                                               \
        for (; c + COLS_NEON <= x->n; c += COLS_NEON)                                                                            \
            rows_q8_neon(y + (size_t)c * ldy, ldy, panels, x, c, rows, group, offset, COLS_NEON, dot4_##isa);                    \
        for (; c < x->n; c++)                                                                                                    \
            rows_q8_neon(y + (size_t)c * ldy, ldy, panels, x, c, rows, group, offset, 1, dot4_##isa);                            \
    }

COLUMNS_Q8_NEON(neon, TARGET_NEON)
COLUMNS_Q8_NEON(dotprod, TARGET_DOTPROD)

/* Eight rows of a panel times n columns, an even number: smmla multiplies 2 rows by 2 columns, 8 weights deep.  Two steps of the
 * panel, 4 weights of 4 rows each, zip into 8 weights of 2 rows, twice.  Lanes of a tile: row 0 column 0, row 0 column 1, row 1
 * column 0, row 1 column 1. */
TARGET_I8MM FORCE_INLINE void tile_q8_i8mm(float *y, size_t ldy, const struct panel_q8 *panel, const struct act *x, int c, int r,
                                           int rows, int group, int offset, int n)
{
    const int groups = x->k / group, steps = group / 4, pairs = n / 2;
    const int8_t *q = x->q + (size_t)c * (size_t)x->k;
    float32x4_t acc[2 * COLS_NEON]; /* [pair of rows][pair of columns] */
    UNROLL
    for (int j = 0; j < 4 * pairs; j++)
        acc[j] = vdupq_n_f32(0);
    for (int g = 0; g < groups; g++) {
        int32x4_t sum[2 * COLS_NEON];
        UNROLL
        for (int j = 0; j < 4 * pairs; j++)
            sum[j] = vdupq_n_s32(0);
        for (int s = steps * g; s < steps * (g + 1); s += 2) {
            const uint8_t *p = panel->q + (s * PANEL_ROWS + r) * 4;
            int8x16_t w[4];
            UNROLL
            for (int i = 0; i < 2; i++) {
                int32x4_t a = vreinterpretq_s32_u8(veorq_u8(vld1q_u8(p + 16 * i), vdupq_n_u8(0x80))); /* signed */
                int32x4_t b = vreinterpretq_s32_u8(veorq_u8(vld1q_u8(p + PANEL_ROWS * 4 + 16 * i), vdupq_n_u8(0x80)));
                w[2 * i] = vreinterpretq_s8_s32(vzip1q_s32(a, b));
                w[2 * i + 1] = vreinterpretq_s8_s32(vzip2q_s32(a, b));
            }
            UNROLL
            for (int j = 0; j < pairs; j++) {
                const int8_t *column = q + (size_t)(2 * j) * (size_t)x->k + 4 * s;
                int8x16_t v = vcombine_s8(vld1_s8(column), vld1_s8(column + x->k));
                UNROLL
                for (int i = 0; i < 4; i++)
                    sum[i * pairs + j] = vmmlaq_s32(sum[i * pairs + j], w[i], v);
            }
        }
        const float *d = panel->d + g * PANEL_ROWS + r, *m = panel->m + g * PANEL_ROWS + r;
        UNROLL
        for (int j = 0; j < pairs; j++) {
            const float d0 = group_scale(x, c + 2 * j, g, group), d1 = group_scale(x, c + 2 * j + 1, g, group);
            const float32x2_t dx = vset_lane_f32(d1, vdup_n_f32(d0), 1);
            float32x2_t mx = dx;
            if (offset)
                mx = vmul_f32(dx, vset_lane_f32((float)group_sum(x, c + 2 * j + 1, g, group),
                                                vdup_n_f32((float)group_sum(x, c + 2 * j, g, group)), 1));
            UNROLL
            for (int i = 0; i < 4; i++) {
                float32x4_t *to = &acc[i * pairs + j];
                const float32x4_t dw = vcombine_f32(vdup_n_f32(d[2 * i]), vdup_n_f32(d[2 * i + 1]));
                *to = vfmaq_f32(*to, vcvtq_f32_s32(sum[i * pairs + j]), vmulq_f32(dw, vcombine_f32(dx, dx)));
                if (offset)
                    *to = vfmaq_f32(*to, vcombine_f32(vdup_n_f32(m[2 * i]), vdup_n_f32(m[2 * i + 1])), vcombine_f32(mx, mx));
            }
        }
    }
    for (int j = 0; j < pairs; j++) {
        float out[2][8];
        for (int i = 0; i < 4; i++) {
            float four[4];
            vst1q_f32(four, acc[i * pairs + j]);
            for (int k = 0; k < 4; k++)
                out[k % 2][2 * i + k / 2] = four[k];
        }
        for (int k = 0; k < 2; k++)
            memcpy(y + (size_t)(2 * j + k) * ldy, out[k], sizeof(float) * (size_t)(rows < 8 ? rows : 8));
    }
}

TARGET_I8MM FORCE_INLINE void rows_q8_i8mm(float *y, size_t ldy, const struct panel_q8 *panels, const struct act *x, int c,
                                           int rows, int group, int offset, int n)
{
    for (int r = 0; r < rows; r += 8)
        tile_q8_i8mm(y + r, ldy, panels + r / PANEL_ROWS, x, c, r % PANEL_ROWS, rows - r, group, offset, n);
}

TARGET_I8MM FORCE_INLINE void columns_q8_i8mm(float *y, size_t ldy, const struct panel_q8 *panels, const struct act *x, int rows,
                                              int group, int offset)
{
    int c = 0;
    for (; c + COLS_NEON <= x->n; c += COLS_NEON)
        rows_q8_i8mm(y + (size_t)c * ldy, ldy, panels, x, c, rows, group, offset, COLS_NEON);
    for (; c + 2 <= x->n; c += 2)
        rows_q8_i8mm(y + (size_t)c * ldy, ldy, panels, x, c, rows, group, offset, 2);
    if (c < x->n)
        rows_q8_neon(y + (size_t)c * ldy, ldy, panels, x, c, rows, group, offset, 1, dot4_dotprod);
}
#endif

/* The shapes that there are: group, offset. */
#define GEMM_Q8_SHAPE(isa, target, group, offset)                                                                                \
    target static void gemm_q8_##group##_##offset##_##isa(float *y, size_t ldy, const struct panel_q8 *panels,                   \
                                                          const struct act *x, int rows)                                         \
    {                                                                                                                            \
        columns_q8_##isa(y, ldy, panels, x, rows, group, offset);                                                                \
    }
#define GEMM_Q8(isa, target)                                                                                                     \
    GEMM_Q8_SHAPE(isa, target, 16, 0)                                                                                            \
    GEMM_Q8_SHAPE(isa, target, 16, 1)                                                                                            \
    GEMM_Q8_SHAPE(isa, target, 32, 0)                                                                                            \
    GEMM_Q8_SHAPE(isa, target, 32, 1)                                                                                            \
    GEMM_Q8_SHAPE(isa, target, 64, 0)                                                                                            \
    GEMM_Q8_SHAPE(isa, target, 128, 0)
#define SHAPES(isa)                                                                                                              \
    {                                                                                                                            \
        {gemm_q8_16_0_##isa, gemm_q8_16_1_##isa}, {gemm_q8_32_0_##isa, gemm_q8_32_1_##isa}, {gemm_q8_64_0_##isa, NULL},          \
            {gemm_q8_128_0_##isa, NULL},                                                                                         \
    }

GEMM_Q8(scalar, )
#ifdef TARGET_AVX2
GEMM_Q8(avx2, TARGET_AVX2)
GEMM_Q8(avx512vnni, TARGET_AVX512VNNI)
#endif
#ifdef TARGET_NEON
GEMM_Q8(neon, TARGET_NEON)
GEMM_Q8(dotprod, TARGET_DOTPROD)
GEMM_Q8(i8mm, TARGET_I8MM)
#endif

/* [group: 16, 32, 64, 128][offset]; NULL where the level below serves. */
static gemm_q8 *const q8_at[ISA_COUNT][4][2] = {
    [ISA_SCALAR] = SHAPES(scalar),
#ifdef TARGET_AVX2
    [ISA_AVX2] = SHAPES(avx2),     [ISA_AVX512VNNI] = SHAPES(avx512vnni),
#endif
#ifdef TARGET_NEON
    [ISA_NEON] = SHAPES(neon),     [ISA_DOTPROD] = SHAPES(dotprod),       [ISA_I8MM] = SHAPES(i8mm),
#endif
};

gemm_q8 *gemm_q8_best(enum isa isa, int group, int offset)
{
    int level = (int)isa, shape = 0;
    while (!q8_at[level][0][0])
        level--;
    while (16 << shape < group)
        shape++;
    return q8_at[level][shape][offset];
}
