/* quantize.h - a GGUF file into the same model in another weight format.
 *
 * Matrices (two or more dimensions, name ending in ".weight") are converted, everything else is copied.  A matrix whose rows do
 * not divide into the format's blocks becomes F16 and is reported.  The source must be F32, F16 or BF16 throughout its matrices. */
/* SPDX-License-Identifier: MIT */
#ifndef ENGINE_QUANTIZE_H
#define ENGINE_QUANTIZE_H

#include "base/err.h"
#include "engine/gguf.h"

struct quantize_report {
    int converted, copied; /* tensors */
    int kept_f16;          /* matrices whose rows do not divide */
    char kept_names[256];  /* the first of them, comma-separated */
    int64_t bytes_in, bytes_out;
};

int quantize_file(const char *in, const char *out, const struct format *f, struct quantize_report *report, struct err *e);

/* What a tensor becomes when its file becomes f: f, F16 where its rows do not divide, its own format when it is no matrix. */
const struct format *quantize_target(const struct gguf_tensor *t, const struct format *f);

/* The one format that all matrices of the file share ("q8_0"), NULL when they are mixed.  A matrix that is F32, F16 or BF16
 * because its rows do not divide into that format does not count as a mixture. */
const struct format *quantize_format_of(const struct gguf *g);

#endif
