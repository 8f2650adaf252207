/* quantize.h - a GGUF file into the same model in another weight format.
 *
 * Each matrix becomes what the recipe says (recipe.h), everything else is copied.  The source must be F32, F16 or BF16 throughout
 * its matrices. */
/* SPDX-License-Identifier: MIT */
#ifndef ENGINE_QUANTIZE_H
#define ENGINE_QUANTIZE_H

#include "base/err.h"
#include "engine/recipe.h"

struct quantize_report {
    int converted, copied; /* tensors */
    int stand_ins;         /* matrices whose rows do not divide into the blocks of their format */
    char stand_in_names[256]; /* the first of them, comma-separated */
    int64_t bytes_in, bytes_out;
};

/* Told now and then how many bytes of the source's matrices are done. */
typedef void quantize_progress(void *ctx, int64_t done, int64_t total);

/* report and progress may be NULL. */
int quantize_file(const char *in, const char *out, const struct recipe *r, quantize_progress *progress, void *ctx,
                  struct quantize_report *report, struct err *e);

/* Bytes that the file's tensors take once converted, less those they take now. */
int quantize_difference(const struct gguf *g, const struct recipe *r, int64_t *bytes, struct err *e);

/* The one format that all matrices of the file share ("q8_0"), NULL when they are mixed.  A matrix whose rows
 * do not divide into that format, and which has the stand-in instead, does not count as a mixture. */
const struct format *quantize_format_of(const struct gguf *g);

#endif
