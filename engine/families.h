/* families.h - what a family of models is: rows that say which tensors and keys its files have.
 *
 * A family is data.  Its tensors are a table (name in the file, where it goes, its shape in terms of the model's dimensions),
 * its keys another: a key under the family's name that is not in the table may change the maths, so the loader refuses it, and
 * a key that this engine does not implement is there with the one value that leaves the maths alone.  What makes two families
 * compute differently becomes a column here when the second of them arrives, never a file of code. */
/* SPDX-License-Identifier: MIT */
#ifndef ENGINE_FAMILIES_H
#define ENGINE_FAMILIES_H

#include <stddef.h>

enum dim { DIM_NONE, DIM_MODEL, DIM_Q, DIM_KV, DIM_FF, DIM_VOCAB, DIM_ROPE_PAIRS, DIM_COUNT };

struct family_tensor {
    const char *name;    /* "token_embd.weight"; of a layer: what follows "blk.N." */
    size_t at;           /* offset in struct model, or in struct layer: a struct matrix, or a const float * */
    enum dim rows, cols; /* rows DIM_NONE: a vector of F32 */
    int optional;        /* what it points to stays zero when the file has none */
    int parameters;      /* counts as weights that were trained */
};

enum key_rule {
    KEY_READ,      /* the loader reads it */
    KEY_NO_MATTER, /* does not change what is computed */
    KEY_NEUTRAL,   /* not implemented: only `neutral` is accepted */
};

struct family_key {
    const char *name; /* what follows "llama." */
    enum key_rule rule;
    double neutral;
};

struct family {
    const char *arch;                    /* general.architecture, and the prefix of its keys */
    const struct family_key *keys;       /* name == NULL ends each table */
    const struct family_tensor *tensors; /* of the model */
    const struct family_tensor *layer;   /* of every layer */
};

extern const struct family families[]; /* arch == NULL ends the list */
const struct family *family_by_arch(const char *arch, size_t n);

#endif
