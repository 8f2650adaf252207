/* SPDX-License-Identifier: MIT */
#include "engine/synth.h"

#include <jansson.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/text.h"
#include "bench/cmd/cmd.h"
#include "bench/cmd/table.h"
#include "bench/cmd/target_format.h"

static const struct option_spec options[] = {
    {"preset", 0, "NAME", "the model whose shape it gets (--list-presets)"},
    {"format", 0, "NAME", "weight format, such as q8_0 (bench kernels lists all)"},
    {"out", 'o', "FILE", "the GGUF file to write"},
    {"seed", 0, "N", "of the random weights (1)"},
    {"list-presets", 0, NULL, "print the presets and their shapes"},
    {NULL, 0, NULL, NULL},
};

static void list_presets(void)
{
    static const char *const titles[] = {"layers", "width",      "ff",      "heads",      "kv heads",
                                         "head",   "vocabulary", "context", "head matrix"};
    struct table t = {0};
    table_column(&t, "preset", TABLE_LEFT);
    for (size_t i = 0; i < sizeof titles / sizeof *titles; i++)
        table_column(&t, titles[i], TABLE_RIGHT);
    table_column(&t, "shape from", TABLE_LEFT);
    for (const struct synth_preset *p = synth_presets; p->name; p++) {
        const int v[] = {p->n_layer, p->d, p->n_ff, p->n_head, p->n_kv, p->head_dim, p->n_vocab, p->n_ctx};
        table_add(&t, "%s", p->name);
        for (size_t i = 0; i < sizeof v / sizeof *v; i++)
            table_add(&t, "%d", v[i]);
        table_add(&t, "%s", p->tied ? "tied" : "own");
        table_add(&t, "%s", p->source);
    }
    table_print(&t, stdout);
    table_free(&t);
}

static void list_presets_json(void)
{
    json_t *list = json_array(), *j = json_object();
    for (const struct synth_preset *p = synth_presets; p->name; p++)
        json_array_append_new(list, json_pack("{s:s, s:s, s:i, s:i, s:i, s:i, s:i, s:i, s:i, s:i, s:b}", "name", p->name,
                                              "source", p->source, "layers", p->n_layer, "width", p->d, "ff", p->n_ff, "heads",
                                              p->n_head, "kv_heads", p->n_kv, "head_dim", p->head_dim, "vocabulary", p->n_vocab,
                                              "context", p->n_ctx, "tied", p->tied));
    json_object_set_new(j, "presets", list);
    print_json(j);
}

static const struct synth_preset *find_preset(const char *name, struct err *e)
{
    const char *names[32];
    struct text known = {0};
    int n = 0;
    for (const struct synth_preset *p = synth_presets; p->name; p++) {
        if (!strcmp(p->name, name)) {
            text_free(&known);
            return p;
        }
        text_printf(&known, "%s%s", n ? ", " : "", p->name);
        if (n < (int)(sizeof names / sizeof *names))
            names[n++] = p->name;
    }
    const char *near = text_nearest(name, names, n);
    err_set(e, ERR_USAGE, "--preset %s: unknown%s%s%s (it can be %s)", name, near ? "; did you mean " : "", near ? near : "",
            near ? "?" : "", known.p);
    text_free(&known);
    return NULL;
}

static int run(const struct args *a, struct err *e)
{
    int64_t seed;
    int json = args_has(a, "json");
    if (args_has(a, "list-presets")) {
        if (json)
            list_presets_json();
        else
            list_presets();
        return 0;
    }
    const char *name = args_need(a, "preset", e);
    const struct synth_preset *p = name ? find_preset(name, e) : NULL;
    const struct format *f = p ? target_format(a, e) : NULL;
    const char *out = f ? args_need(a, "out", e) : NULL;
    struct stat st;
    if (!out || args_int(a, "seed", 0, INT64_MAX, 1, &seed, e) || synth_write(out, p, f, (uint64_t)seed, e))
        return -1;
    if (stat(out, &st))
        return err_set(e, ERR_ENV, "%s: it was written, but is not there any more", out);
    if (json)
        print_json(json_pack("{s:s, s:s, s:s, s:I, s:I}", "out", out, "preset", p->name, "format", f->name, "seed",
                             (json_int_t)seed, "bytes", (json_int_t)st.st_size));
    else
        printf("%s: %s in %s, seed %lld, %.1f MiB\n", out, p->name, f->name, (long long)seed, (double)st.st_size / 1048576);
    return 0;
}

const struct command command_synth = {
    .name = "synth",
    .summary = "write a model with random weights in a real model's shape",
    .options = options,
    .json = 1,
    .about =
        "To time a model without having it: the layers, widths, heads and vocabulary size are the real model's, the weights are\n"
        "seeded random numbers and the pieces of the vocabulary are made up.  The file is a llama that other engines load; the\n"
        "key bench.synthetic marks it.  Speed and memory of it mean something, its text and perplexity mean nothing.",
    .examples = "  bench synth --list-presets\n"
                "  bench synth --preset smollm2-135m --format q8_0 -o smollm2-135m-q8_0.gguf",
    .run = run,
};
