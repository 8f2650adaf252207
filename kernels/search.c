/* search.c - all that a scale is judged by are a few sums over a group: for codes q of the weights x,
 *
 *   squares left = sum (d q + m - x)^2 = d d QQ + n m m + XX + 2 d m Q - 2 d XQ - 2 m X
 *
 * so trying a scale makes the nearest codes and adds up Q, QQ and XQ, four at a time; codes are stored once, at the end. */
/* SPDX-License-Identifier: MIT */
#include "kernels/search.h"

#include <math.h>
#include <string.h>

#include "kernels/half.h"

#define LARGEST 1e15f  /* its square times 256 is a float */
#define TINY 0x1p-25f  /* half of the smallest fp16: rounds to zero */
#define NOISE 0x1p-22f /* of a sum of squares: what rounding the scale to fp16 may change, so no reason to prefer a step */
#define ROUND 12582912 /* 1.5 * 2^23: adding it leaves no room for a fraction */
#define STEPS 4        /* to either side of the first scale tried; of more than 16 codes each matters less */
#define STEPS_MANY 1
#define TURNS 2   /* codes for the scale, a scale for the codes */
#define GROUPS 16 /* at most, of a block with small scales */

typedef float float4 __attribute__((vector_size(16)));
typedef int32_t int4 __attribute__((vector_size(16)));

struct sums {
    float q, qq, xq;
};

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

static float total(float4 v)
{
    return v[0] + v[2] + (v[1] + v[3]);
}

/* yes where a > b, else no. */
static float4 choose(float4 a, float4 b, float4 yes, float4 no)
{
    const int4 mask = a > b;
    return (float4)((mask & (int4)yes) | (~mask & (int4)no));
}

/* The numbers nearest to (x - offset) * inverse, for four weights; out: the codes, where they are wanted. */
static float4 nearest4(const float *x, float inverse, float offset, const struct codes *c, int8_t *out)
{
    float4 v;
    memcpy(&v, x, sizeof v);
    v = (v - offset) * inverse;
    if (!c->value) {
        const float4 lo = {(float)c->lo, (float)c->lo, (float)c->lo, (float)c->lo};
        const float4 hi = {(float)c->hi, (float)c->hi, (float)c->hi, (float)c->hi};
        v = choose(v, lo, v, lo);
        v = choose(hi, v, v, hi) + ROUND - ROUND;
        for (int l = 0; l < 4 && out; l++)
            out[l] = (int8_t)v[l];
        return v;
    }
    int4 at = {0};
    for (int j = c->lo; j < c->hi; j++) { /* a step up for each middle between two numbers that v is above of */
        const int4 above = 2 * v > (float)(c->value[j] + c->value[j + 1]);
        at -= above;
    }
    for (int l = 0; l < 4; l++) {
        v[l] = c->value[at[l]];
        if (out)
            out[l] = (int8_t)at[l];
    }
    return v;
}

static void codes_for(int8_t *code, const float *x, int n, float inverse, float offset, const struct codes *c)
{
    for (int i = 0; i < n; i += 4)
        nearest4(x + i, inverse, offset, c, code + i);
}

static struct sums sums_for(const float *x, int n, float inverse, float offset, const struct codes *c)
{
    float4 q = {0}, qq = {0}, xq = {0};
    for (int i = 0; i < n; i += 4) {
        const float4 v = nearest4(x + i, inverse, offset, c, NULL);
        float4 w;
        memcpy(&w, x + i, sizeof w);
        q += v;
        qq += v * v;
        xq += w * v;
    }
    return (struct sums){total(q), total(qq), total(xq)};
}

/* -- one scale ------------------------------------------------------------------------------------------------------------ */

/* The element of the largest magnitude, with its sign. */
static float largest(const float *x, int n)
{
    float max = 0;
    for (int i = 0; i < n; i++)
        max = fabsf(x[i]) > fabsf(max) ? x[i] : max;
    return max;
}

/* Takes the best scale for these codes when it leaves fewer squares: d XQ is what it takes off. */
static int better_scale(struct sums s, float *best, float *best_gain)
{
    const float d = s.qq > 0 ? s.xq / s.qq : 0;
    if (!(d * s.xq > *best_gain * (1 + NOISE)))
        return 0;
    *best_gain = d * s.xq;
    *best = d;
    return 1;
}

/* Step s of 0, 1, -1, 2, -2 ... */
static float step(int s)
{
    return (float)(s % 2 ? (s + 1) / 2 : -s / 2);
}

/* The best scale of a group before it is rounded. */
static float best_scale(const float *x, int n, const struct codes *c)
{
    const float end[2] = {(float)(c->value ? c->value[c->lo] : c->lo), (float)(c->value ? c->value[c->hi] : c->hi)};
    const float max = largest(x, n), width = 0.5f / (float)(c->hi - c->lo); /* about a quarter of the last code */
    const int steps = c->hi - c->lo > 16 ? STEPS_MANY : STEPS;
    float best = 0, gain = 0;
    if (fabsf(max) < TINY)
        return 0;
    for (int side = 0; side < (end[0] == -end[1] ? 1 : 2); side++) { /* the largest weight becomes either end */
        for (int s = 0; s <= 2 * steps; s++)
            better_scale(sums_for(x, n, end[side] * (1 + width * step(s)) / max, 0, c), &best, &gain);
    }
    for (int turn = 0; turn < TURNS && better_scale(sums_for(x, n, 1 / best, 0, c), &best, &gain);)
        turn++;
    return best;
}

void search_scale(int8_t *code, const float *x, int n, const struct codes *c, uint16_t *d)
{
    codes_for(code, x, n, inverse_of(half_rounded(best_scale(x, n, c), d)), 0, c);
}

/* -- a scale and an offset ------------------------------------------------------------------------------------------------ */

struct group {
    int n;
    float x, xx;      /* sums */
    float d, m, gain; /* the best so far, and the squares that they take off */
};

/* Takes the best scale and offset for these codes when they leave fewer squares; above zero only for whom may be. */
static int better_offset(struct sums s, int any_sign, struct group *g)
{
    const float n = (float)g->n, determinant = n * s.qq - s.q * s.q;
    float d = determinant > 0 ? (n * s.xq - g->x * s.q) / determinant : 0, m = (g->x - d * s.q) / n;
    if (m > 0 && !any_sign) {
        m = 0;
        d = s.qq > 0 ? s.xq / s.qq : 0;
    }
    if (!(d * s.xq + m * g->x > g->gain + NOISE * g->xx))
        return 0;
    g->gain = d * s.xq + m * g->x;
    g->d = d;
    g->m = m;
    return 1;
}

static struct group best_offset(const float *x, int n, const struct codes *c, int any_sign)
{
    struct group g = {.n = n, .gain = -INFINITY};
    float min = x[0], max = x[0];
    for (int i = 0; i < n; i++) {
        min = x[i] < min ? x[i] : min;
        max = x[i] > max ? x[i] : max;
        g.x += x[i];
        g.xx += x[i] * x[i];
    }
    if (min > 0 && !any_sign)
        min = 0;
    g.m = min;
    if (max - min < TINY)
        return g;
    for (int s = 0; s <= 2 * STEPS; s++)
        better_offset(sums_for(x, n, ((float)c->hi + 0.25f * step(s)) / (max - min), min, c), any_sign, &g);
    for (int turn = 0; turn < TURNS && g.d > 0 && better_offset(sums_for(x, n, 1 / g.d, g.m, c), any_sign, &g);)
        turn++;
    return g;
}

void search_offset(int8_t *code, const float *x, int n, int hi, uint16_t *d, uint16_t *m)
{
    const struct codes c = {.hi = hi};
    const struct group g = best_offset(x, n, &c, 1);
    const float inverse = inverse_of(half_rounded(g.d, d));
    codes_for(code, x, n, inverse, half_rounded(g.m, m), &c);
}

/* -- groups whose scales are small numbers -------------------------------------------------------------------------------- */

/* v / unit rounded to lo .. hi. */
static int rounded(float v, float unit, int lo, int hi)
{
    const float r = v * inverse_of(unit);
    return (int)lrintf(r > (float)lo ? r < (float)hi ? r : (float)hi : (float)lo);
}

/* What a block is, and what has been found for its groups apart. */
struct block {
    const float *x;
    int n, groups; /* weights of a group, and their number */
    const struct codes *c;
    int lo, hi; /* of scales and mins */
    struct group g[GROUPS];
};

/* Sums over a block that the best units for its codes, scales and mins follow from: x ~ d u + m v. */
struct units {
    float uu, uv, vv, xu, xv;
    float error; /* squares left */
};

/* Scales and mins of every group for the units, which are rounded. */
static struct units with_units(struct super *s, const struct block *b, float unit, float unit_m)
{
    const float d = half_rounded(unit, &s->d), m = half_rounded(unit_m, &s->m);
    struct units all = {0};
    for (int i = 0; i < b->groups; i++) {
        const struct group *g = &b->g[i];
        s->scale[i] = rounded(g->d, d, b->lo, b->hi);
        s->min[i] = rounded(-g->m, m, 0, b->hi);
        const float scale = (float)s->scale[i], min = (float)-s->min[i], dg = d * scale, mg = m * min;
        const struct sums v = sums_for(b->x + i * b->n, b->n, inverse_of(dg), mg, b->c);
        all.uu += scale * scale * v.qq;
        all.uv += scale * min * v.q;
        all.vv += min * min * (float)b->n;
        all.xu += scale * v.xq;
        all.xv += min * g->x;
        all.error += dg * dg * v.qq + (float)b->n * mg * mg + g->xx + 2 * (dg * mg * v.q - dg * v.xq - mg * g->x);
    }
    return all;
}

/* Turns: the best units for the codes, and scales and codes for those units. */
static void search_units(struct super *s, const struct block *b, float unit, float unit_m)
{
    struct units best = with_units(s, b, unit, unit_m);
    for (int turn = 0; turn < TURNS; turn++) {
        const float determinant = best.uu * best.vv - best.uv * best.uv;
        struct super next;
        if (determinant > 0) {
            unit = (best.xu * best.vv - best.xv * best.uv) / determinant;
            unit_m = (best.xv * best.uu - best.xu * best.uv) / determinant;
        } else {
            unit = best.uu > 0 ? best.xu / best.uu : 0;
        }
        const struct units now = with_units(&next, b, unit, unit_m);
        if (!(now.error < best.error))
            break;
        best = now;
        *s = next;
    }
    const float d = half_to_float(s->d), m = half_to_float(s->m);
    for (int i = 0; i < b->groups; i++)
        codes_for(s->code + i * b->n, b->x + i * b->n, b->n, inverse_of(d * (float)s->scale[i]), -m * (float)s->min[i], b->c);
}

void search_super_scale(struct super *s, const float x[SUPER], int group, const struct codes *c, int scale_lo, int scale_hi)
{
    struct block b = {.x = x, .n = group, .groups = SUPER / group, .c = c, .lo = scale_lo, .hi = scale_hi};
    float max = 0;
    for (int i = 0; i < b.groups; i++) {
        const float *v = x + i * group;
        for (int j = 0; j < group; j++)
            b.g[i].xx += v[j] * v[j];
        b.g[i].d = best_scale(v, group, c);
        max = fabsf(b.g[i].d) > fabsf(max) ? b.g[i].d : max;
    }
    search_units(s, &b, max / (float)scale_lo, 0);
}

void search_super_offset(struct super *s, const float x[SUPER], int group, int hi, int scale_hi)
{
    const struct codes c = {.hi = hi};
    struct block b = {.x = x, .n = group, .groups = SUPER / group, .c = &c, .hi = scale_hi};
    float max = 0, min = 0;
    for (int i = 0; i < b.groups; i++) {
        b.g[i] = best_offset(x + i * group, group, &c, 0);
        max = b.g[i].d > max ? b.g[i].d : max;
        min = b.g[i].m < min ? b.g[i].m : min;
    }
    search_units(s, &b, max / (float)scale_hi, -min / (float)scale_hi);
}
