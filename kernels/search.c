/* SPDX-License-Identifier: MIT */
#include "kernels/search.h"

#include <math.h>
#include <string.h>

#include "kernels/half.h"

#define LARGEST 1e15f  /* its square times 256 is a float */
#define TINY 0x1p-25f  /* half of the smallest fp16: rounds to zero */
#define NOISE 0x1p-22f /* of a sum of squares: what rounding the scale to fp16 may change, so no reason to prefer a step */
#define ROUND 12582912 /* 1.5 * 2^23: adding it leaves no room for a fraction */
#define STEPS 4        /* to either side of the first scale tried */
#define TURNS 2        /* codes for the scale, a scale for the codes */
#define MAX_GROUP SUPER

void search_clean(float *out, const float *src, int n)
{
    for (int i = 0; i < n; i++) {
        float v = isfinite(src[i]) ? src[i] : 0;
        out[i] = v > -LARGEST ? v < LARGEST ? v : LARGEST : -LARGEST;
    }
}

static float half_rounded(float f, uint16_t *half)
{
    *half = float_to_half(f > -HALF_MAX ? f < HALF_MAX ? f : HALF_MAX : -HALF_MAX);
    return half_to_float(*half);
}

/* The inverse of a rounded scale; zero for a scale of zero, so that all becomes zero. */
static float inverse_of(float d)
{
    return fabsf(d) >= 0x1p-60f ? 1 / d : 0;
}

static int code_value(const struct codes *c, int code)
{
    return c->value ? c->value[code] : code;
}

/* Numbers lo .. hi, rounded to nearest. */
static void linear_codes(int8_t *code, const float *x, int n, float inverse, float offset, int lo, int hi)
{
    for (int i = 0; i < n; i++) {
        float v = (x[i] - offset) * inverse;
        v = v > (float)lo ? v < (float)hi ? v : (float)hi : (float)lo;
        code[i] = (int8_t)(v + ROUND - ROUND);
    }
}

void search_codes(int8_t *code, const float *x, int n, float inverse, const struct codes *c)
{
    if (!c->value) {
        linear_codes(code, x, n, inverse, 0, c->lo, c->hi);
        return;
    }
    for (int i = 0; i < n; i++) {
        const float v = 2 * x[i] * inverse; /* against sums of neighbours, which are twice the middles */
        int at = 0;
        for (int half = 8; half; half /= 2)
            at += v > (float)(c->value[at + half - 1] + c->value[at + half]) ? half : 0;
        code[i] = (int8_t)at;
    }
}

/* The scale that is best for these codes, and what it takes off the sum of squares. */
static float scale_for(const int8_t *code, const float *x, int n, const struct codes *c, float *gain)
{
    float xq = 0, qq = 0;
    for (int i = 0; i < n; i++) {
        const float q = (float)code_value(c, code[i]);
        xq += x[i] * q;
        qq += q * q;
    }
    *gain = qq > 0 ? xq / qq * xq : 0;
    return qq > 0 ? xq / qq : 0;
}

/* The element of the largest magnitude, with its sign. */
static float largest(const float *x, int n)
{
    float max = 0;
    for (int i = 0; i < n; i++)
        max = fabsf(x[i]) > fabsf(max) ? x[i] : max;
    return max;
}

/* The best scale of a group before it is rounded. */
static float best_scale(const float *x, int n, const struct codes *c)
{
    const int end[2] = {code_value(c, c->lo), code_value(c, c->hi)}; /* the largest weight becomes one of them */
    const float max = largest(x, n), step = (c->value ? 0.3f : 0.25f) / (float)(c->hi - c->lo) * 2;
    int8_t code[MAX_GROUP];
    float best = 0, best_gain = 0, gain;
    if (fabsf(max) < TINY)
        return 0;
    for (int side = 0; side < (end[0] == -end[1] ? 1 : 2); side++) {
        for (int s = 0; s <= 2 * STEPS; s++) {
            const float reach = 1 + step * (float)(s % 2 ? (s + 1) / 2 : -s / 2);
            search_codes(code, x, n, (float)end[side] * reach / max, c);
            float d = scale_for(code, x, n, c, &gain);
            if (gain > best_gain * (1 + NOISE)) {
                best_gain = gain;
                best = d;
            }
        }
    }
    for (int turn = 0; turn < TURNS && fabsf(best) > TINY / 128; turn++) {
        search_codes(code, x, n, 1 / best, c);
        float d = scale_for(code, x, n, c, &gain);
        if (!(gain > best_gain))
            break;
        best_gain = gain;
        best = d;
    }
    return best;
}

void search_scale(int8_t *code, const float *x, int n, const struct codes *c, uint16_t *d)
{
    search_codes(code, x, n, inverse_of(half_rounded(best_scale(x, n, c), d)), c);
}

/* -- with an offset ------------------------------------------------------------------------------------------------------- */

static float squares(const int8_t *code, const float *x, int n, float d, float m)
{
    float sum = 0;
    for (int i = 0; i < n; i++) {
        float off = d * (float)code[i] + m - x[i];
        sum += off * off;
    }
    return sum;
}

/* The scale and offset that are best for these codes; an offset above zero is only for whom may have one. */
static void offset_for(const int8_t *code, const float *x, int n, int any_sign, float *d, float *m)
{
    float sum_q = 0, sum_qq = 0, sum_x = 0, sum_xq = 0;
    for (int i = 0; i < n; i++) {
        const float q = (float)code[i];
        sum_q += q;
        sum_qq += q * q;
        sum_x += x[i];
        sum_xq += x[i] * q;
    }
    const float determinant = (float)n * sum_qq - sum_q * sum_q;
    *d = determinant > 0 ? ((float)n * sum_xq - sum_x * sum_q) / determinant : 0;
    *m = (sum_x - *d * sum_q) / (float)n;
    if (*m > 0 && !any_sign) {
        *m = 0;
        *d = sum_qq > 0 ? sum_xq / sum_qq : 0;
    }
}

static void best_offset(const float *x, int n, int hi, int any_sign, float *best_d, float *best_m)
{
    int8_t code[MAX_GROUP];
    float min = x[0], max = x[0], d, m;
    for (int i = 1; i < n; i++) {
        min = x[i] < min ? x[i] : min;
        max = x[i] > max ? x[i] : max;
    }
    if (min > 0 && !any_sign)
        min = 0;
    *best_d = 0;
    *best_m = min;
    if (max - min < TINY)
        return;
    float best = INFINITY, noise = 0;
    for (int i = 0; i < n; i++)
        noise += NOISE * x[i] * x[i];
    for (int s = 0; s <= 2 * STEPS; s++) {
        const float reach = (float)hi + 0.25f * (float)(s % 2 ? (s + 1) / 2 : -s / 2);
        linear_codes(code, x, n, reach / (max - min), min, 0, hi);
        offset_for(code, x, n, any_sign, &d, &m);
        float error = squares(code, x, n, d, m);
        if (error < best - noise) {
            best = error;
            *best_d = d;
            *best_m = m;
        }
    }
    for (int turn = 0; turn<TURNS && * best_d> TINY / 128; turn++) {
        linear_codes(code, x, n, 1 / *best_d, *best_m, 0, hi);
        offset_for(code, x, n, any_sign, &d, &m);
        float error = squares(code, x, n, d, m);
        if (!(error < best))
            break;
        best = error;
        *best_d = d;
        *best_m = m;
    }
}

void search_offset(int8_t *code, const float *x, int n, int hi, uint16_t *d, uint16_t *m)
{
    float scale, offset;
    best_offset(x, n, hi, 1, &scale, &offset);
    const float inverse = inverse_of(half_rounded(scale, d));
    linear_codes(code, x, n, inverse, half_rounded(offset, m), 0, hi);
}

/* -- groups whose scales are small numbers ------------------------------------------------------------------------------- */

/* v / unit rounded to lo .. hi. */
static int rounded(float v, float unit, int lo, int hi)
{
    const float r = v * inverse_of(unit);
    return (int)lrintf(r > (float)lo ? r < (float)hi ? r : (float)hi : (float)lo);
}

/* Scales and codes of every group for the unit d, and what is left of the squares. */
static float scales_for(struct super *s, const float *x, int group, const struct codes *c, const float *scale, int lo, int hi,
                        float unit)
{
    const float d = half_rounded(unit, &s->d);
    float error = 0;
    for (int g = 0; g < SUPER / group; g++, x += group) {
        int8_t *code = s->code + g * group;
        s->scale[g] = rounded(scale[g], d, lo, hi);
        search_codes(code, x, group, inverse_of(d * (float)s->scale[g]), c);
        for (int i = 0; i < group; i++) {
            const float off = d * (float)(s->scale[g] * code_value(c, code[i])) - x[i];
            error += off * off;
        }
    }
    return error;
}

void search_super_scale(struct super *s, const float x[SUPER], int group, const struct codes *c, int scale_lo, int scale_hi)
{
    float scale[16];
    for (int g = 0; g < SUPER / group; g++)
        scale[g] = best_scale(x + g * group, group, c);
    float unit = largest(scale, SUPER / group) / (float)scale_lo;
    float best = scales_for(s, x, group, c, scale, scale_lo, scale_hi, unit);
    for (int turn = 0; turn < TURNS; turn++) {
        float xu = 0, uu = 0;
        for (int i = 0; i < SUPER; i++) {
            const float u = (float)(s->scale[i / group] * code_value(c, s->code[i]));
            xu += x[i] * u;
            uu += u * u;
        }
        struct super next;
        float error = uu > 0 ? scales_for(&next, x, group, c, scale, scale_lo, scale_hi, xu / uu) : INFINITY;
        if (!(error < best))
            break;
        best = error;
        *s = next;
    }
}

/* As scales_for, with mins. */
static float offsets_for(struct super *s, const float *x, int group, int code_hi, const float *scale, const float *offset, int hi,
                         float unit, float unit_m)
{
    const float d = half_rounded(unit, &s->d), m = half_rounded(unit_m, &s->m);
    float error = 0;
    for (int g = 0; g < SUPER / group; g++, x += group) {
        s->scale[g] = rounded(scale[g], d, 0, hi);
        s->min[g] = rounded(-offset[g], m, 0, hi);
        const float dg = d * (float)s->scale[g], mg = -m * (float)s->min[g];
        linear_codes(s->code + g * group, x, group, inverse_of(dg), mg, 0, code_hi);
        error += squares(s->code + g * group, x, group, dg, mg);
    }
    return error;
}

void search_super_offset(struct super *s, const float x[SUPER], int group, int hi, int scale_hi)
{
    float scale[16], offset[16], max = 0, min = 0;
    for (int g = 0; g < SUPER / group; g++) {
        best_offset(x + g * group, group, hi, 0, &scale[g], &offset[g]);
        max = scale[g] > max ? scale[g] : max;
        min = offset[g] < min ? offset[g] : min;
    }
    float best = offsets_for(s, x, group, hi, scale, offset, scale_hi, max / (float)scale_hi, -min / (float)scale_hi);
    for (int turn = 0; turn < TURNS; turn++) {
        float uu = 0, uv = 0, vv = 0, xu = 0, xv = 0; /* x ~ d u + m v */
        for (int i = 0; i < SUPER; i++) {
            const float u = (float)(s->scale[i / group] * s->code[i]), v = (float)-s->min[i / group];
            uu += u * u;
            uv += u * v;
            vv += v * v;
            xu += x[i] * u;
            xv += x[i] * v;
        }
        const float determinant = uu * vv - uv * uv;
        struct super next;
        float error = INFINITY;
        if (determinant > 0)
            error = offsets_for(&next, x, group, hi, scale, offset, scale_hi, (xu * vv - xv * uv) / determinant,
                                (xv * uu - xu * uv) / determinant);
        if (!(error < best))
            break;
        best = error;
        *s = next;
    }
}
