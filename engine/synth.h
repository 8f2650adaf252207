/* synth.h - random weights in a real model's exact shape, to time a model without having it.
 *
 * The file is a GGUF of the model's own family, with every key and tensor that its row in families.c asks for: made-up
 * SentencePiece pieces, weights normal with the scale of a fresh initialisation, seeded; the key "bench.synthetic" marks it, and
 * its context text is seeded random ids. */
/* SPDX-License-Identifier: MIT */
#ifndef ENGINE_SYNTH_H
#define ENGINE_SYNTH_H

#include <stdint.h>

#include "base/err.h"
#include "kernels/format.h"

struct synth_preset {
    const char *name;   /* "smollm2-135m" */
    const char *source; /* where the shape was read */
    const char *arch;   /* the family */
    int n_layer, d, n_ff, n_head, n_kv, head_dim, n_vocab, n_ctx, tied;
    float rope_base;
    int n_rot;        /* 0: head_dim */
    int window;       /* of a family with windows */
    int n_ctx_before; /* of a family with rope factors: the context that they begin at; 0: it has none */
    int n_attention;  /* of a family with short convolutions: layers that attend, evenly spread */
    int n_taps;       /* ... and the length of the others' convolution */
};

extern const struct synth_preset synth_presets[]; /* ends with name == NULL */

/* -1 when no model can have that shape, with the reason. */
int synth_check(const struct synth_preset *p, struct err *e);
int64_t synth_parameters(const struct synth_preset *p);
int synth_write(const char *path, const struct synth_preset *p, const struct format *f, uint64_t seed, struct err *e);

#endif
