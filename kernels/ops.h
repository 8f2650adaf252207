/* ops.h - what a transformer does between two matrix products.  All in F32, on one token or one head.
 *
 * As in format.h the scalar function is the definition and `struct ops` holds one set per instruction set; here every variant
 * gives the same bits, because each sums in the same 16 lanes and shares one polynomial for exp. */
/* SPDX-License-Identifier: MIT */
#ifndef KERNELS_OPS_H
#define KERNELS_OPS_H

#include "kernels/isa.h"

struct ops {
    /* y[i] = w[i] * x[i] / sqrt(mean(x^2) + eps); y may be x.  RMSNorm: Zhang and Sennrich 2019, eq. 4. */
    void (*rmsnorm)(float *y, const float *x, const float *w, int n, float eps);

    /* Rotates the pairs (x[2i], x[2i+1]), i < pairs, by the angle whose cosine and sine are cs[2i], cs[2i+1].
     * Su et al. 2021, eq. 34, the order that GGUF files of the llama family use. */
    void (*rope)(float *x, const float *cs, int pairs);

    /* The same for the pairs (x[i], x[i + pairs]): the order of GPT-NeoX, which most other families use. */
    void (*rope_halves)(float *x, const float *cs, int pairs);

    /* x[i] = exp(x[i] - max x), n > 0.  Returns their sum, by which the caller divides where it costs least. */
    float (*softmax)(float *x, int n);

    /* The same of 16 columns side by side, x[row * pitch], rows a multiple of 4: their sums. */
    void (*softmax_lanes)(float *x, int rows, int pitch, float sum[16]);

    /* y[i] = gate[i] / (1 + exp(-gate[i])) * up[i]; y may be gate or up.  SwiGLU: Shazeer 2020. */
    void (*silu_gate)(float *y, const float *gate, const float *up, int n);

    /* y[i] = gelu(gate[i]) * up[i]; y may be gate or up.  gelu(g) = g / 2 * (1 + tanh(sqrt(2 / pi) * (g + 0.044715 g^3))):
     * Hendrycks and Gimpel 2016, the first of their approximations; the gate: Shazeer 2020. */
    void (*gelu_gate)(float *y, const float *gate, const float *up, int n);

    /* x[i] = cap * tanh(x[i] / cap), within a few eps of cap.  Gemma 2: Riviere et al. 2024, section 2. */
    void (*softcap)(float *x, int n, float cap);

    /* y[i] += x[i] */
    void (*add)(float *y, const float *x, int n);
};

/* The best set at or below isa. */
const struct ops *ops_at(enum isa isa);

#endif
