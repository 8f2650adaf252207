/* Pair i of n turns by base^(-i / n) radians per position (Su et al. 2021, eq. 15).  What scaling does to that:
 *   linear    every frequency divided by the factor (Chen et al. 2023)
 *   divisors  every frequency by one of its own: llama3's from rope_freqs.weight, longrope's from the set for the context length
 *             that the session has, not that of the text (Ding et al. 2024)
 *   yarn      frequencies that turn more than `fast` times within the original context stay, those that turn less than `slow`
 *             times are divided, a ramp between them; cosine and sine grow by 0.1 ln(factor) + 1 (Peng et al. 2023, section 3)
 * Layers with a window of a family that gives them a base of their own are not scaled. */
/* SPDX-License-Identifier: MIT */
#include "engine/rope.h"

#include <math.h>

/* The pair, as a real number, that turns `turns` times within the original context. */
static double pair_of(const struct model *m, double turns)
{
    const double two_pi = 6.283185307179586;
    return m->n_rot * log(m->n_ctx_before / (turns * two_pi)) / (2 * log((double)m->rope_base));
}

/* How much of pair i is divided: 0 below the ramp, 1 above it. */
static double ramp(const struct model *m, int i)
{
    double first = fmax(0, floor(pair_of(m, (double)m->yarn_fast)));
    double last = fmin(m->n_rot - 1, ceil(pair_of(m, (double)m->yarn_slow)));
    return fmin(1, fmax(0, (i - first) / fmax(0.001, last - first)));
}

double rope_frequencies(const struct model *m, enum rope_set set, int n_ctx, double *frequency)
{
    const float *sized = n_ctx > m->n_ctx_before ? m->rope_long : m->rope_short;
    const float *divisor = sized ? sized : m->rope_freqs;
    double factor = (double)m->rope_scale;
    int pairs = m->n_rot / 2;
    for (int i = 0; i < pairs; i++) {
        if (set == ROPE_LOCAL) {
            frequency[i] = pow((double)m->rope_local_base, -2.0 * i / m->n_rot);
            continue;
        }
        double divided = m->yarn ? 1 - (double)m->yarn_mix * (1 - ramp(m, i)) : 1;
        frequency[i] = pow((double)m->rope_base, -2.0 * i / m->n_rot) / (divisor ? (double)divisor[i] : 1);
        frequency[i] = frequency[i] / factor * divided + frequency[i] * (1 - divided);
    }
    int grows = m->yarn && set != ROPE_LOCAL && factor > 1;
    return (double)m->rope_magnitude * (grows ? 1 + 0.1 * log(factor) : 1);
}
