/* SPDX-License-Identifier: MIT */
#include "engine/quantize.h"

#include <jansson.h>
#include <stdio.h>

#include "bench/cmd/cmd.h"
#include "bench/cmd/target_format.h"

static const struct option_spec options[] = {
    {"format", 0, "NAME", "weight format of the new file, such as q8_0 (bench kernels lists all)"},
    {NULL, 0, NULL, NULL},
};

static void print_result(const char *in, const char *out, const struct format *f, const struct quantize_report *r)
{
    printf("%s: %.2f MiB in %s, %.2f MiB before\n", out, (double)r->bytes_out / 1048576, f->name, (double)r->bytes_in / 1048576);
    printf("%d matrices converted, %d other tensors copied from %s\n", r->converted, r->copied, in);
    if (r->kept_f16)
        printf("%d of the matrices became f16, because their rows do not divide into blocks of %d: %s\n", r->kept_f16, f->block,
               r->kept_names);
}

static void print_result_json(const char *in, const char *out, const struct format *f, const struct quantize_report *r)
{
    json_t *j = json_object();
    json_object_set_new(j, "in", json_string(in));
    json_object_set_new(j, "out", json_string(out));
    json_object_set_new(j, "format", json_string(f->name));
    json_object_set_new(j, "bytes_in", json_integer(r->bytes_in));
    json_object_set_new(j, "bytes_out", json_integer(r->bytes_out));
    json_object_set_new(j, "converted", json_integer(r->converted));
    json_object_set_new(j, "copied", json_integer(r->copied));
    json_object_set_new(j, "kept_f16", json_integer(r->kept_f16));
    json_object_set_new(j, "kept_f16_names", json_string(r->kept_names));
    print_json(j);
}

static int run(const struct args *a, struct err *e)
{
    struct quantize_report r;
    const char *in = a->positional[0], *out = a->positional[1];
    const struct format *f = target_format(a, e);
    if (!f || quantize_file(in, out, f, &r, e))
        return -1;
    if (args_has(a, "json"))
        print_result_json(in, out, f, &r);
    else
        print_result(in, out, f, &r);
    return 0;
}

const struct command command_quantize = {
    .name = "quantize",
    .summary = "write a model in another weight format",
    .positional = "IN.gguf OUT.gguf",
    .min_positional = 2,
    .max_positional = 2,
    .options = options,
    .json = 1,
    .about =
        "Every weight matrix of IN, which must be F32, F16 or BF16, is rounded to --format; norms and other vectors, the\n"
        "vocabulary and all keys stay as they are.  A matrix whose rows do not divide into the format's blocks becomes f16 and\n"
        "is named.  OUT appears whole or not at all.  A sweep does this by itself for the formats it is given.",
    .examples = "  bench quantize model-f16.gguf model-q4_0.gguf --format q4_0\n"
                "  bench quantize model-bf16.gguf model-f32.gguf --format f32 --json",
    .run = run,
};
