/* recipe.h - which weight format each matrix of a model gets.
 *
 * A recipe is a word, spelt the same in options, INI files, columns and legends:
 *   q4_0                                 a format: every matrix
 *   q4_k_m                               a mixture: by the rules of the file type that llama-quantize calls so
 *   mixed:q4_k_m+attn_v=q6_k+last=q8_0   either, with exceptions; of those that fit a matrix the last one counts
 * An exception names matrices by a glob over their name without ".weight", with or without "blk.N." in front ("blk.0.*", "attn_?",
 * "token_embd"); first and last are all matrices of that layer.
 *
 * A name that is both a file type and a format (q4_0, q2_k, iq4_xs) means the format; its mixture is called q4_0_mix.
 * A matrix whose rows do not divide into the blocks of its format gets the published stand-in (q4_k: q5_0), else F16.  What is no
 * matrix, norms above all, stays as it is. */
/* SPDX-License-Identifier: MIT */
#ifndef ENGINE_RECIPE_H
#define ENGINE_RECIPE_H

#include "base/err.h"
#include "base/text.h"
#include "engine/gguf.h"

#define RECIPE_MAX 200 /* bytes of a word */
#define RECIPE_EXCEPTIONS 16

struct mixture;

struct recipe {
    char word[RECIPE_MAX];
    const struct format *base;
    const struct mixture *mixture; /* NULL: a format */
    struct {
        char glob[64];
        const struct format *format;
    } exception[RECIPE_EXCEPTIONS];
    int n_exceptions;
};

int recipe_parse(struct recipe *r, const char *word, struct err *e);
/* More exceptions, "attn_v=q6_k,last=q8_0"; the word becomes mixed:... */
int recipe_add(struct recipe *r, const char *exceptions, struct err *e);

/* target[i]: what g->tensor[i] becomes ([g->n_tensor]).  Returns how many matrices get a stand-in, whose names are added to
 * *stand_ins (NULL: nowhere) with commas between; -1 when an exception fits no matrix. */
int recipe_apply(const struct recipe *r, const struct gguf *g, const struct format **target, struct text *stand_ins, struct err *e);

/* general.file_type of a file made by it, as llama.h numbers them (enum llama_ftype); -1 where there is no number. */
int recipe_file_type(const struct recipe *r);
/* Grows whenever what the recipe writes changes. */
int recipe_version(const struct recipe *r);

/* The i-th name that recipe_parse takes (formats that can be written, then mixtures); NULL behind the last. */
const char *recipe_name(int i);

/* The recipe that general.file_type says a file was made by ("q4_k_m"); NULL where it says none, or one that is no mixture here. */
const char *recipe_of_file(const struct gguf *g);

/* A weight matrix: two or more dimensions, the name ends in ".weight"; the taps of a short convolution are none. */
int recipe_is_matrix(const struct gguf_tensor *t);

/* What a matrix with rows of that length gets whose row f's blocks do not divide. */
const struct format *recipe_stand_in(const struct format *f, int64_t row);

#endif
