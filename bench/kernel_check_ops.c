/* kernel_check_ops.c - the checks of the ops and of the rounding of activations: the same bits as scalar, and near float64. */
/* SPDX-License-Identifier: MIT */
#include <float.h>
#include <math.h>
#include <string.h>

#include "bench/kernel_cases.h"

int check_act(struct check *k)
{
    enum { N = 3 };
    const int q8 = k->c->act == ACT_Q8, cols = q8 ? ACT_RUN + 160 : 157, all = N * cols; /* bf16 has no groups to fill */
    const int run = !q8 ? 1 : k->c->kind == KERNEL_ACT_TOKEN ? cols : ACT_RUN;           /* elements that have one scale */
    static const float odd[] = {NAN, INFINITY, -INFINITY, FLT_TRUE_MIN, -0.0f, FLT_MAX, 1e-37f};
    for (int fill = 0; fill < FILLS + (int)(sizeof odd / sizeof *odd); fill++) {
        const size_t bytes = act_bytes(k->c->act, N, cols);
        float *x = check_take(k, (size_t)all * sizeof *x);
        void *room = check_take(k, bytes), *scalar = check_take(k, bytes);
        struct act a, b;
        fill_floats(k, x, all, fill < FILLS ? (enum fill)fill : ORDINARY, FLT_MAX, 1e-38f);
        if (fill >= FILLS)
            x[70] = odd[fill - FILLS];
        act_fill(&a, k->c->act, x, N, cols, run, room, k->c->isa);
        act_fill(&b, k->c->act, x, N, cols, run, scalar, ISA_SCALAR);
        for (size_t i = 0; i < bytes; i++) {
            if (((uint8_t *)room)[i] != ((uint8_t *)scalar)[i])
                return check_fail(k, "case %d: byte %zu of %zu is not that of scalar", fill, i, bytes);
        }
        for (int i = 0; i < all; i++) {
            const int first = i - i % cols % run, rest = cols - first % cols;
            int finite = 1;
            double largest = 0;
            int32_t total = 0;
            for (int j = first; j < first + (rest < run ? rest : run); j++) {
                finite &= isfinite(x[j]) != 0;
                largest = fabs((double)x[j]) > largest ? fabs((double)x[j]) : largest;
                total += q8 && j / SUM_GROUP == i / SUM_GROUP ? a.q[j] : 0;
            }
            double got = act_value(&a, i / cols, i % cols), off = fabs(got - (double)x[i]);
            /* half a step; what is too small for 127 / max is zero, and 2^-133 is half a step of the smallest bf16 */
            double allowed = q8 ? largest < 4e-37 ? largest : largest / 127 * 0.50001 : fabs((double)x[i]) / 256 + 0x1p-133;
            if (q8 && a.sum[i / SUM_GROUP] != total)
                return check_fail(k, "case %d: the sum of group %d is %d, not %d", fill, i / SUM_GROUP, a.sum[i / SUM_GROUP],
                                  total);
            if (q8 && !finite ? !isnan(got) : isfinite(x[i]) && isfinite(got) && !(off <= allowed))
                return check_fail(k, "case %d: element %d, %.9g, became %.9g", fill, i, (double)x[i], got);
        }
        if (!check_give_back(k))
            return check_fail(k, "case %d: wrote in front of a buffer", fill);
    }
    return 1;
}

/* An op on x (and w), scalar or under test, in place where the op is. */
#define CAP 30.0f

static void run_op(enum kernel_kind kind, const struct ops *ops, float *y, const float *x, const float *w, int n)
{
    switch (kind) {
    case KERNEL_RMSNORM: ops->rmsnorm(y, x, w, n, 1e-5f); return;
    case KERNEL_SILU_GATE: ops->silu_gate(y, x, w, n); return;
    case KERNEL_GELU_GATE: ops->gelu_gate(y, x, w, n); return;
    case KERNEL_SOFTMAX:
        memcpy(y, x, (size_t)n * sizeof *y);
        for (float sum = ops->softmax(y, n); n--; y++)
            *y /= sum;
        return;
    case KERNEL_ROPE:
        memcpy(y, x, (size_t)n * sizeof *y);
        ops->rope(y, w, n / 2);
        return;
    case KERNEL_ROPE_HALVES:
        memcpy(y, x, (size_t)n * sizeof *y);
        ops->rope_halves(y, w, n / 2);
        return;
    case KERNEL_SOFTCAP:
        memcpy(y, x, (size_t)n * sizeof *y);
        ops->softcap(y, n, CAP);
        return;
    default:
        memcpy(y, x, (size_t)n * sizeof *y);
        ops->add(y, w, n);
        return;
    }
}

/* Element i in float64, and how far from it the op may be: a few roundings of its own, and half of those of a lane's sum of n / 16
 * (a root or a quotient of sums follows).  Below FLT_MIN nothing is asked. */
static double op_reference(enum kernel_kind kind, const float *x, const float *w, int n, int i, double *bound)
{
    double sum = 0, max = -INFINITY, v = (double)x[i], u = (double)w[i];
    for (int j = 0; j < n; j++) {
        max = (double)x[j] > max ? (double)x[j] : max;
        sum += kind == KERNEL_RMSNORM ? (double)x[j] * (double)x[j] : 0;
    }
    for (int j = 0; kind == KERNEL_SOFTMAX && j < n; j++)
        sum += exp((double)x[j] - max);
    double result = v + u, scale = fabs(v) + fabs(u), floor = (double)FLT_MIN;
    if (kind == KERNEL_RMSNORM) {
        scale = fabs(result = u * v / sqrt(sum / n + 1e-5));
    } else if (kind == KERNEL_SOFTMAX) {
        scale = result = exp(v - max) / sum;
    } else if (kind == KERNEL_SILU_GATE) {
        scale = fabs(result = v / (1 + exp(-v)) * u);
        floor += fabs(u) * 89 / (double)FLT_MAX; /* e^-v overflows from v = -88.7 on, and the quotient is 0 */
    } else if (kind == KERNEL_GELU_GATE) {
        double z = 0.7978845608028654 * (v + 0.044715 * v * v * v);
        scale = fabs(result = v / (1 + exp(-2 * z)) * u) * (1 + fabs(z)); /* an error of z is one of the exponent */
        floor += fabs(u) * 89 / (double)FLT_MAX;
    } else if (kind == KERNEL_SOFTCAP) {
        result = (double)CAP * tanh(v / (double)CAP);
        scale = (double)CAP;
    } else if ((kind == KERNEL_ROPE || kind == KERNEL_ROPE_HALVES) && i >= n / 2 * 2) {
        result = v; /* an odd one out is no pair */
    } else if (kind == KERNEL_ROPE || kind == KERNEL_ROPE_HALVES) {
        int pair = kind == KERNEL_ROPE ? i / 2 : i % (n / 2), second = kind == KERNEL_ROPE ? i % 2 : i / (n / 2);
        int at = kind == KERNEL_ROPE ? 2 * pair : pair, step = kind == KERNEL_ROPE ? 1 : n / 2;
        double a = (double)x[at], b = (double)x[at + step], c = (double)w[2 * pair], s = (double)w[2 * pair + 1];
        result = second ? a * s + b * c : a * c - b * s;
        scale = (fabs(a) + fabs(b)) * (fabs(c) + fabs(s));
    }
    *bound = (8 + n / 32) * (double)FLT_EPSILON * scale + floor;
    return result;
}

int check_op(struct check *k)
{
    static const int length[] = {1, 2, 15, 16, 17, 64, 172, 1000};
    for (int i = 0; i < 8 * FILLS; i++) {
        const int n = length[i / FILLS];
        const size_t bytes = (size_t)n * sizeof(float);
        float *x = check_take(k, bytes), *w = check_take(k, bytes), *y = check_take(k, bytes), *expected = check_take(k, bytes),
              *in_place = check_take(k, bytes);
        fill_floats(k, x, n, (enum fill)(i % FILLS), 1e4f, 1e-38f);
        fill_floats(k, w, n, ORDINARY, 0, 0);
        run_op(k->c->kind, k->c->ops, y, x, w, n);
        run_op(k->c->kind, ops_at(ISA_SCALAR), expected, x, w, n);
        memcpy(in_place, x, bytes);
        run_op(k->c->kind, k->c->ops, in_place, in_place, w, n);
        int at = first_difference(y, expected, n), at_in_place = first_difference(in_place, expected, n);
        if (at >= 0)
            return check_fail(k, "%d elements (%s), element %d: %.9g, scalar %.9g", n, fill_names[i % FILLS], at, (double)y[at],
                              (double)expected[at]);
        if (at_in_place >= 0)
            return check_fail(k, "%d elements (%s), in place, element %d: %.9g, not %.9g", n, fill_names[i % FILLS], at_in_place,
                              (double)in_place[at_in_place], (double)expected[at_in_place]);
        for (int j = 0; j < n; j++) {
            double bound, reference = op_reference(k->c->kind, x, w, n, j, &bound);
            if (!(fabs((double)y[j] - reference) <= bound))
                return check_fail(k, "%d elements (%s), element %d: %.9g, not %.9g", n, fill_names[i % FILLS], j, (double)y[j],
                                  reference);
        }
        if (!check_give_back(k))
            return check_fail(k, "%d elements: wrote in front of a buffer", n);
    }
    return 1;
}
