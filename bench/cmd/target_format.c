/* SPDX-License-Identifier: MIT */
#include "bench/cmd/target_format.h"

#include "bench/axes.h"

const struct format *target_format(const struct args *a, struct err *e)
{
    struct cell c;
    const char *name = args_need(a, "format", e);
    if (!name || axis_set(axis_by_name("format"), &c, name, e))
        return NULL;
    const struct format *f = format_by_name(name);
    if (!f) /* "file" is a value of the axis: leave the weights as they are */
        err_set(e, ERR_USAGE, "--format %s: names no format to write; bench kernels lists those there are", name);
    if (f && !f->quantize) {
        err_set(e, ERR_USAGE, "--format %s: %s; take another format", name,
                f->quantize_within ? "it has one scale for a matrix, and here rows are written one by one"
                                   : "this program reads it and has no encoder for it");
        return NULL;
    }
    return f;
}
