/* families.h - what a family of models is: one row of flags and numbers.
 *
 * A family is data.  Its flags say which keys its files may have, which tensors, and which of the few stages of engine/eval*.c
 * do something in it.  All families share one table of keys and one of tensors: a row of those names the flags that it needs.
 * A key under the family's name that no row admits may change the maths, so the loader refuses it, and one that is admitted but
 * not implemented is there with the one value that leaves the maths alone. */
/* SPDX-License-Identifier: MIT */
#ifndef ENGINE_FAMILIES_H
#define ENGINE_FAMILIES_H

#include <stddef.h>

enum family_flag {
    PRE_NORM = 1 << 0,  /* RMSNorm of what goes into a sublayer */
    POST_NORM = 1 << 1, /* RMSNorm of what comes out of it, before it is added */
    HEAD_NORM = 1 << 2, /* RMSNorm of every head of Q and K, before rope */
    ROW_NORM = 1 << 3,  /* the same over all heads at once */
    QKV_BIAS = 1 << 4,
    FUSED = 1 << 5,           /* Q, K, V in one tensor, gate and up in another */
    ROPE_HALVES = 1 << 6,     /* rope turns (i, i + n/2), not (2i, 2i + 1) */
    ROPE_FREQS = 1 << 7,      /* may have divisors of rope's frequencies (the "llama3" scaling, computed when it was converted) */
    ROPE_FACTORS = 1 << 8,    /* may have two sets of them, for long and short contexts (longrope) */
    LOCAL_ROPE = 1 << 9,      /* window layers have a rope base of their own, and no scaling */
    FINETUNED_ROPE = 1 << 10, /* a false rope.scaling.finetuned means that there is no rope at all */
    WINDOWS = 1 << 11,        /* a sliding window on all layers, or by the pattern */
    GELU = 1 << 12,           /* in the gate of the feed-forward part, in place of SiLU */
    SQRT_EMBEDDING = 1 << 13, /* embeddings times sqrt(width) */
    SCALES = 1 << 14,         /* factors of embeddings, branches and scores, a divisor of logits */
    NEEDS_SCALES = 1 << 15,   /* ... whose values engines do not agree on when the file does not give them */
    CAPS = 1 << 16,           /* soft caps on scores and logits */
    LOGIT_CAP = 1 << 17,      /* on logits alone, where the file gives one */
    SHORT_CONV = 1 << 18,     /* layers without KV heads mix by a short convolution; of a layer: it is one of them */
};

struct family {
    const char *arch; /* general.architecture, and the prefix of its keys */
    unsigned flags;
    int window_period; /* every n-th layer sees everything, the others the window; 0: all have the window */
    int nope_period;   /* every n-th layer has no rope; 0: all have it */
    float local_base;  /* LOCAL_ROPE, where the file does not say */
    int width_scaled;  /* a model of this many layers scales scores by 1 / sqrt(width / heads), not by the head's length */
};

enum dim { DIM_ONE, DIM_MODEL, DIM_Q, DIM_KV, DIM_HEAD, DIM_FF, DIM_VOCAB, DIM_ROPE_PAIRS, DIM_TAPS, DIM_COUNT };

struct family_tensor {
    const char *name; /* "token_embd.weight"; of a layer: what follows "blk.N."; rows with one name share the tensor */
    size_t at;        /* offset in struct model, or in struct layer: a struct matrix or, when floats is set, a const float * */
    enum dim rows, cols;
    unsigned when, unless; /* flags of which there must be one (0: always); of which there must be none */
    int floats;            /* F32 as it lies in the file */
    int optional;          /* what it points to stays zero when the file has none */
    int parameters;        /* counts as weights that were trained */
};

enum key_rule {
    KEY_READ,      /* engine/model_keys.c reads it */
    KEY_NUMBER,    /* a float of struct model: above 0, or exactly `value`, which is what it is when the file has none */
    KEY_NO_MATTER, /* does not change what is computed */
    KEY_NEUTRAL,   /* not implemented: only `value` is accepted */
};

struct family_key {
    const char *name; /* what follows "llama."; the first row that fits the name and the flags counts */
    unsigned when;
    enum key_rule rule;
    double value; /* NAN: it must be in the file */
    size_t at;
};

extern const struct family families[];             /* arch == NULL ends each table */
extern const struct family_key family_keys[];      /* name == NULL ends the others */
extern const struct family_tensor model_tensors[]; /* of the model */
extern const struct family_tensor layer_tensors[]; /* of every layer */

const struct family *family_by_arch(const char *arch, size_t n);
/* The first row from `row` on that the flags admit, NULL at the end of the table; *parts: how many rows share its tensor. */
const struct family_tensor *family_tensor_next(const struct family_tensor *row, unsigned flags, int *parts);
/* The row that counts for this key; NULL: it is not understood. */
const struct family_key *family_key_by_name(const struct family *f, const char *name, size_t n);

#endif
