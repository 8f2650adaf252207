/* SPDX-License-Identifier: MIT */
#include "engine/quantize.h"

#include <jansson.h>
#include <stdio.h>
#include <unistd.h>

#include "base/clock.h"
#include "bench/cmd/cmd.h"

static const struct option_spec options[] = {
    {"format", 0, "NAME", "a weight format (q8_0), a mixture (q4_k_m) or mixed:..., see below"},
    {"keep", 0, "LIST", "exceptions, NAMES=FORMAT,...: attn_v=q6_k,last=q8_0"},
    {"quiet", 'q', NULL, "print no progress"},
    {NULL, 0, NULL, NULL},
};

static void print_result(const char *in, const char *out, const struct recipe *recipe, const struct quantize_report *r)
{
    printf("%s: %.2f MiB in %s, %.2f MiB before\n", out, (double)r->bytes_out / 1048576, recipe->word,
           (double)r->bytes_in / 1048576);
    printf("%d matrices converted, %d other tensors copied from %s\n", r->converted, r->copied, in);
    if (r->stand_ins)
        printf("%d of the matrices got another format, because their rows do not divide into its blocks: %s\n", r->stand_ins,
               r->stand_in_names);
}

static void print_result_json(const char *in, const char *out, const struct recipe *recipe, const struct quantize_report *r)
{
    json_t *j = json_object();
    json_object_set_new(j, "in", json_string(in));
    json_object_set_new(j, "out", json_string(out));
    json_object_set_new(j, "format", json_string(recipe->word));
    json_object_set_new(j, "bytes_in", json_integer(r->bytes_in));
    json_object_set_new(j, "bytes_out", json_integer(r->bytes_out));
    json_object_set_new(j, "converted", json_integer(r->converted));
    json_object_set_new(j, "copied", json_integer(r->copied));
    json_object_set_new(j, "stand_ins", json_integer(r->stand_ins));
    json_object_set_new(j, "stand_in_names", json_string(r->stand_in_names));
    print_json(j);
}

/* A bar on a terminal. */
static void show_progress(void *ctx, int64_t done, int64_t total)
{
    static const char bar[] = "########################################";
    const int width = (int)sizeof bar - 1, full = (int)(done * width / total);
    const int64_t *begin = ctx;
    double seconds = (double)(clock_ns() - *begin) / 1e9;
    fprintf(stderr, "\r[%.*s%*s] %3d%%  %.0f MB/s%s", full, bar, width - full, "", (int)(100 * done / total),
            seconds > 0 ? (double)done / 1e6 / seconds : 0, done == total ? "\n" : "");
}

static int run(const struct args *a, struct err *e)
{
    struct quantize_report r;
    struct recipe recipe;
    const char *in = a->positional[0], *out = a->positional[1], *keep = args_get(a, "keep"), *name = args_need(a, "format", e);
    if (!name || recipe_parse(&recipe, name, e) || (keep && recipe_add(&recipe, keep, e)))
        return -1;
    int64_t begin = clock_ns();
    int bar = isatty(STDERR_FILENO) && !args_has(a, "quiet");
    if (quantize_file(in, out, &recipe, bar ? show_progress : NULL, &begin, &r, e))
        return -1;
    if (args_has(a, "json"))
        print_result_json(in, out, &recipe, &r);
    else
        print_result(in, out, &recipe, &r);
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
        "vocabulary and all keys stay as they are.  OUT appears whole or not at all.  A sweep does this by itself for the\n"
        "formats it is given, by the same names:\n"
        "  q4_0, q6_k ...       a format: every matrix has it\n"
        "  int8_channel_sym ... a format of ours, plain integers as articles define them: another program refuses the file\n"
        "  q4_k_m, q3_k_l ...   a mixture: what llama-quantize calls so, more bits for the head and where errors hurt most\n"
        "  q4_0_mix ...         the mixture of a file type whose name is a format's, too\n"
        "  mixed:q4_k_m+attn_v=q6_k+last=q8_0\n"
        "                       either, with exceptions; --keep attn_v=q6_k,last=q8_0 is the same.  Names are globs over a\n"
        "                       matrix's name without .weight, with or without blk.N.; first and last are whole layers; of\n"
        "                       several that fit the last one counts\n"
        "A matrix whose rows do not divide into the blocks of its format gets the published stand-in (q4_k: q5_0), else f16, and\n"
        "is named.",
    .examples = "  bench quantize model-f16.gguf model-q4_0.gguf --format q4_0\n"
                "  bench quantize model-f16.gguf model.gguf --format q4_k_m --keep 'token_embd=q8_0,blk.0.*=q6_k'\n"
                "  bench quantize model-bf16.gguf model-f32.gguf --format f32 --json",
    .run = run,
};
