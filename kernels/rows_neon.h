/* rows_neon.h - 16 lanes in four NEON registers, and int8 dot products with and without the dot product instruction; the loops
 * over rows are in rows.inc. */
/* SPDX-License-Identifier: MIT */
#ifndef KERNELS_ROWS_NEON_H
#define KERNELS_ROWS_NEON_H

#include "kernels/rows_scalar.h"

#ifdef TARGET_NEON

typedef float32x4x4_t v16_neon; /* lanes 0..3, 4..7, 8..11, 12..15 */

FORCE_INLINE v16_neon v16_set1_neon(float f)
{
    float32x4_t v = vdupq_n_f32(f);
    return (v16_neon){{v, v, v, v}};
}

FORCE_INLINE v16_neon v16_zero_neon(void)
{
    return v16_set1_neon(0);
}

FORCE_INLINE v16_neon v16_load_neon(const float *p)
{
    return (v16_neon){{vld1q_f32(p), vld1q_f32(p + 4), vld1q_f32(p + 8), vld1q_f32(p + 12)}};
}

FORCE_INLINE void v16_store_neon(float *p, v16_neon v)
{
    vst1q_f32(p, v.val[0]);
    vst1q_f32(p + 4, v.val[1]);
    vst1q_f32(p + 8, v.val[2]);
    vst1q_f32(p + 12, v.val[3]);
}

FORCE_INLINE v16_neon v16_fma_neon(v16_neon a, v16_neon b, v16_neon c)
{
    return (v16_neon){{vfmaq_f32(c.val[0], a.val[0], b.val[0]), vfmaq_f32(c.val[1], a.val[1], b.val[1]),
                       vfmaq_f32(c.val[2], a.val[2], b.val[2]), vfmaq_f32(c.val[3], a.val[3], b.val[3])}};
}

FORCE_INLINE float v16_sum_neon(v16_neon v)
{
    float32x4_t four = vaddq_f32(vaddq_f32(v.val[0], v.val[2]), vaddq_f32(v.val[1], v.val[3]));
    float32x2_t two = vadd_f32(vget_low_f32(four), vget_high_f32(four));
    return vget_lane_f32(two, 0) + vget_lane_f32(two, 1);
}

static inline v16_neon load16_f32_neon(const uint8_t *row, int i)
{
    return v16_load_neon((const float *)(row + (size_t)i * sizeof(float)));
}

static inline v16_neon load16_bf16_neon(const uint8_t *row, int i)
{
    uint16x8_t a = vreinterpretq_u16_u8(vld1q_u8(row + (size_t)i * 2)),
               b = vreinterpretq_u16_u8(vld1q_u8(row + (size_t)i * 2 + 16));
    return (v16_neon){
        {vreinterpretq_f32_u32(vshll_n_u16(vget_low_u16(a), 16)), vreinterpretq_f32_u32(vshll_n_u16(vget_high_u16(a), 16)),
         vreinterpretq_f32_u32(vshll_n_u16(vget_low_u16(b), 16)), vreinterpretq_f32_u32(vshll_n_u16(vget_high_u16(b), 16))}};
}

#define L(name) name##_neon
#define LANES_TARGET
#include "kernels/rows.inc"
#undef L
#undef LANES_TARGET

/* A group of 32 weights, as struct q32_scalar: the integers 0..15 and 16..31. */
typedef struct {
    int8x16_t lo, hi;
    float d[2], m[2];
} q32_neon;

typedef q32_neon load32_neon(const uint8_t *row, int group);

FORCE_INLINE float half_neon(const void *p)
{
    float16x4_t h = vreinterpret_f16_u16(vdup_n_u16(read_u16(p)));
    return vgetq_lane_f32(vcvt_f32_f16(h), 0);
}

/* d * q + m for 4 of the numbers; the product is exact, so this rounds as often as the scalar one: once. */
FORCE_INLINE float32x4_t weights4_neon(int16x4_t q, float d, float m, const struct format *f)
{
    float32x4_t v = vcvtq_f32_s32(vmovl_s16(q));
    return f->offset ? vfmaq_n_f32(vdupq_n_f32(m), v, d) : vmulq_n_f32(v, d);
}

/* 16 floats of a group, its half `half`. */
FORCE_INLINE v16_neon v16_of_q32_neon(q32_neon w, int half, const struct format *f)
{
    int8x16_t q = half ? w.hi : w.lo;
    int16x8_t a = vmovl_s8(vget_low_s8(q)), b = vmovl_s8(vget_high_s8(q));
    const int part = f->group == 16 && half;
    const float d = part ? w.d[1] : w.d[0], m = part ? w.m[1] : w.m[0];
    return (v16_neon){{weights4_neon(vget_low_s16(a), d, m, f), weights4_neon(vget_high_s16(a), d, m, f),
                       weights4_neon(vget_low_s16(b), d, m, f), weights4_neon(vget_high_s16(b), d, m, f)}};
}

/* acc[l] += the dot product of bytes 4l .. 4l+3. */
typedef int32x4_t dot4(int32x4_t acc, int8x16_t w, int8x16_t x);

/* |w| <= 128 and |x| <= 127, so a sum of two products fits in 16 bits. */
static inline int32x4_t dot4_neon(int32x4_t acc, int8x16_t w, int8x16_t x)
{
    return vpadalq_s16(acc, vpaddq_s16(vmull_s8(vget_low_s8(w), vget_low_s8(x)), vmull_s8(vget_high_s8(w), vget_high_s8(x))));
}

TARGET_DOTPROD static inline int32x4_t dot4_dotprod(int32x4_t acc, int8x16_t w, int8x16_t x)
{
    return vdotq_s32(acc, w, x);
}

/* n rows (a constant), with the dot product of either level. */
FORCE_INLINE void matvec_q8_n_neon(float *y, const uint8_t *w, load32_neon *load, dot4 *dot, const struct format *f,
                                   const struct act *x, int n)
{
    const size_t row_bytes = row_size(f, x->k);
    float32x4_t acc[4];
    float offset[4] = {0};
    UNROLL
    for (int j = 0; j < n; j++)
        acc[j] = vdupq_n_f32(0);
    const int groups = x->k / 32;
    for (int g = 0; g < groups; g++) {
        int8x16_t lo = vld1q_s8(x->q + 32 * g), hi = vld1q_s8(x->q + 32 * g + 16);
        const float dx = x->d[g];
        prefetch_ahead(w + part_size(f, 32 * g) * (size_t)n, part_size(f, 32) * (size_t)n);
        UNROLL
        for (int j = 0; j < n; j++) {
            q32_neon q = load(w + (size_t)j * row_bytes, g);
            int32x4_t sum = dot(vdupq_n_s32(0), q.lo, lo);
            if (f->group == 16) {
                acc[j] = vfmaq_n_f32(acc[j], vcvtq_f32_s32(sum), q.d[0] * dx);
                acc[j] = vfmaq_n_f32(acc[j], vcvtq_f32_s32(dot(vdupq_n_s32(0), q.hi, hi)), q.d[1] * dx);
            } else {
                acc[j] = vfmaq_n_f32(acc[j], vcvtq_f32_s32(dot(sum, q.hi, hi)), q.d[0] * dx);
            }
            if (f->offset && f->group == 16)
                offset[j] += dx * (q.m[0] * (float)x->sum[2 * g] + q.m[1] * (float)x->sum[2 * g + 1]);
            else if (f->offset)
                offset[j] += dx * q.m[0] * (float)(x->sum[2 * g] + x->sum[2 * g + 1]);
        }
    }
    UNROLL
    for (int j = 0; j < n; j++)
        y[j] = f->offset ? vaddvq_f32(acc[j]) + offset[j] : vaddvq_f32(acc[j]);
}

FORCE_INLINE void matvec_q8_rows_neon(float *y, const uint8_t *w, load32_neon *load, dot4 *dot, const struct format *f,
                                      const struct act *x, int rows)
{
    const size_t row_bytes = row_size(f, x->k);
    int r = 0;
    for (; r + 4 <= rows; r += 4)
        matvec_q8_n_neon(y + r, w + (size_t)r * row_bytes, load, dot, f, x, 4);
    for (; r < rows; r++)
        matvec_q8_n_neon(y + r, w + (size_t)r * row_bytes, load, dot, f, x, 1);
}

/* Four rows of four 32-bit words become four columns, stored PANEL_ROWS words apart. */
FORCE_INLINE void transpose4_neon(uint8_t *panel, const int8x16_t m[4])
{
    int32x4_t a = vreinterpretq_s32_s8(m[0]), b = vreinterpretq_s32_s8(m[1]), c = vreinterpretq_s32_s8(m[2]),
              d = vreinterpretq_s32_s8(m[3]);
    int64x2_t ab0 = vreinterpretq_s64_s32(vtrn1q_s32(a, b)), ab1 = vreinterpretq_s64_s32(vtrn2q_s32(a, b));
    int64x2_t cd0 = vreinterpretq_s64_s32(vtrn1q_s32(c, d)), cd1 = vreinterpretq_s64_s32(vtrn2q_s32(c, d));
    const uint8x16_t offset = vdupq_n_u8(0x80);
    vst1q_u8(panel, veorq_u8(vreinterpretq_u8_s64(vtrn1q_s64(ab0, cd0)), offset));
    vst1q_u8(panel + 4 * PANEL_ROWS, veorq_u8(vreinterpretq_u8_s64(vtrn1q_s64(ab1, cd1)), offset));
    vst1q_u8(panel + 8 * PANEL_ROWS, veorq_u8(vreinterpretq_u8_s64(vtrn2q_s64(ab0, cd0)), offset));
    vst1q_u8(panel + 12 * PANEL_ROWS, veorq_u8(vreinterpretq_u8_s64(vtrn2q_s64(ab1, cd1)), offset));
}

FORCE_INLINE void unpack_q8_neon(const struct panel_q8 *panel, const uint8_t *w, size_t row_bytes, load32_neon *load,
                                 const struct format *f, int rows, int col, int cols)
{
    const int parts = 32 / f->group;
    const uint8_t *next = w + PANEL_ROWS * row_bytes + part_size(f, PANEL_ROWS * col);
    for (int g = 0; g < cols / 32; g++) {
        for (int r = 0; r < PANEL_ROWS; r += 4) {
            uint8_t *out = panel->q + ((size_t)g * 32 * PANEL_ROWS + (size_t)r * 4);
            const size_t at = (size_t)(g * parts * PANEL_ROWS + r);
            int8x16_t lo[4], hi[4];
            prefetch_from(next, 4 * part_size(f, 32)); /* the panel after this one */
            next += 4 * part_size(f, 32);
            UNROLL
            for (int j = 0; j < 4; j++) {
                q32_neon q = {vdupq_n_s8(0), vdupq_n_s8(0), {0}, {0}};
                if (r + j < rows)
                    q = load(w + (size_t)(r + j) * row_bytes, col / 32 + g);
                for (int part = 0; part < parts; part++) {
                    panel->d[at + (size_t)(part * PANEL_ROWS + j)] = q.d[part];
                    if (f->offset)
                        panel->m[at + (size_t)(part * PANEL_ROWS + j)] = q.m[part];
                }
                lo[j] = q.lo;
                hi[j] = q.hi;
            }
            transpose4_neon(out, lo);
            transpose4_neon(out + 16 * PANEL_ROWS, hi);
        }
    }
}

#endif
#endif
