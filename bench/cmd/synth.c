/* SPDX-License-Identifier: MIT */
#include "engine/synth.h"

#include <jansson.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/text.h"
#include "bench/axes.h"
#include "bench/cmd/cmd.h"
#include "bench/cmd/table.h"

static const struct option_spec options[] = {
    {"preset", 0, "NAME", "the model whose shape it gets (--list-presets)"},
    {"shape", 0, "LIST", "a shape of one's own, or what differs from the preset: layers=12,width=768,... (see above)"},
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
    table_column(&t, "parameters", TABLE_RIGHT);
    table_column(&t, "family", TABLE_LEFT);
    table_column(&t, "shape from", TABLE_LEFT);
    for (const struct synth_preset *p = synth_presets; p->name; p++) {
        const int v[] = {p->n_layer, p->d, p->n_ff, p->n_head, p->n_kv, p->head_dim, p->n_vocab, p->n_ctx};
        table_add(&t, "%s", p->name);
        for (size_t i = 0; i < sizeof v / sizeof *v; i++)
            table_add(&t, "%d", v[i]);
        table_add(&t, "%s", p->tied ? "tied" : "own");
        table_add(&t, "%.1f M", (double)synth_parameters(p) / 1e6);
        table_add(&t, "%s", p->arch);
        table_add(&t, "%s", p->source);
    }
    table_print(&t, stdout);
    table_free(&t);
}

static void list_presets_json(void)
{
    json_t *list = json_array(), *j = json_object();
    for (const struct synth_preset *p = synth_presets; p->name; p++)
        json_array_append_new(list, json_pack("{s:s, s:s, s:s, s:I, s:i, s:i, s:i, s:i, s:i, s:i, s:i, s:i, s:b}", "name",
                                              p->name, "source", p->source, "family", p->arch, "parameters",
                                              (json_int_t)synth_parameters(p), "layers", p->n_layer, "width", p->d, "ff", p->n_ff,
                                              "heads", p->n_head, "kv_heads", p->n_kv, "head_dim", p->head_dim, "vocabulary",
                                              p->n_vocab, "context", p->n_ctx, "tied", p->tied));
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

/* What --shape can set; the others of a preset follow from these or change no time. */
static const struct {
    const char *name;
    size_t at; /* offset of an int */
} fields[] = {
    {"layers", offsetof(struct synth_preset, n_layer)},
    {"width", offsetof(struct synth_preset, d)},
    {"ff", offsetof(struct synth_preset, n_ff)},
    {"heads", offsetof(struct synth_preset, n_head)},
    {"kv_heads", offsetof(struct synth_preset, n_kv)},
    {"head_dim", offsetof(struct synth_preset, head_dim)},
    {"vocabulary", offsetof(struct synth_preset, n_vocab)},
    {"context", offsetof(struct synth_preset, n_ctx)},
    {"tied", offsetof(struct synth_preset, tied)},
    {"window", offsetof(struct synth_preset, window)},
    {"attention_layers", offsetof(struct synth_preset, n_attention)},
    {"taps", offsetof(struct synth_preset, n_taps)},
};
enum { FIELDS = sizeof fields / sizeof *fields };

/* One "name=value" of --shape; arch has room for 32. */
static int set_field(struct synth_preset *p, char *arch, const char *word, size_t n, struct err *e)
{
    const char *names[FIELDS + 1] = {"family"};
    char name[32], value[32];
    const char *equals = memchr(word, '=', n);
    size_t n_name = equals ? (size_t)(equals - word) : n;
    int64_t v;
    if (!equals || n_name >= sizeof name || n - n_name > sizeof value)
        return err_set(e, ERR_USAGE, "--shape %.*s: each part must be name=value, such as layers=12", (int)n, word);
    snprintf(name, sizeof name, "%.*s", (int)n_name, word);
    snprintf(value, sizeof value, "%.*s", (int)(n - n_name - 1), equals + 1);
    if (!strcmp(name, "family")) {
        snprintf(arch, sizeof value, "%s", value);
        p->arch = arch;
        return 0;
    }
    for (int i = 0; i < FIELDS; i++) {
        names[i + 1] = fields[i].name;
        if (strcmp(fields[i].name, name) != 0)
            continue;
        if (text_int(value, 0, INT32_MAX, &v))
            return err_set(e, ERR_USAGE, "--shape %s=%s: it must be a whole number from 0 up", name, value);
        *(int *)(void *)((char *)p + fields[i].at) = (int)v;
        return 0;
    }
    const char *near = text_nearest(name, names, FIELDS + 1);
    return err_set(e, ERR_USAGE, "--shape %s: there is no such part%s%s%s; bench help synth lists them", name,
                   near ? "; did you mean " : "", near ? near : "", near ? "?" : "");
}

static int read_shape(const struct args *a, struct synth_preset *p, char *arch, struct err *e)
{
    const char *preset = args_get(a, "preset"), *shape = args_get(a, "shape");
    if (!shape && !args_need(a, "preset", e))
        return -1;
    const struct synth_preset *from = preset ? find_preset(preset, e) : NULL;
    if (preset && !from)
        return -1;
    *p = from ? *from : (struct synth_preset){.name = "own", .arch = "llama", .n_ctx = 4096, .tied = 1, .rope_base = 10000};
    if (!shape)
        return 0;
    p->source = shape;
    if (from)
        p->head_dim = p->head_dim == p->d / p->n_head ? 0 : p->head_dim; /* then it follows the width */
    for (const char *word = shape; *word; word += *word == ',') {
        size_t n = strcspn(word, ",");
        if (set_field(p, arch, word, n, e))
            return -1;
        word += n;
    }
    if (!p->n_kv)
        p->n_kv = p->n_head;
    if (!p->head_dim && p->n_head)
        p->head_dim = p->d / p->n_head;
    if (p->n_rot > p->head_dim)
        p->n_rot = 0;
    return synth_check(p, e);
}

/* The format that --format names; NULL, with e set, when it is missing or names none that can be written. */
static const struct format *target_format(const struct args *a, struct err *e)
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
    struct synth_preset p;
    char arch[32];
    const struct format *f = read_shape(a, &p, arch, e) ? NULL : target_format(a, e);
    const char *out = f ? args_need(a, "out", e) : NULL;
    struct stat st;
    if (!out || args_int(a, "seed", 0, INT64_MAX, 1, &seed, e) || synth_write(out, &p, f, (uint64_t)seed, e))
        return -1;
    if (stat(out, &st))
        return err_set(e, ERR_ENV, "%s: it was written, but is not there any more", out);
    if (json)
        print_json(json_pack("{s:s, s:s, s:s, s:I, s:I}", "out", out, "preset", p.name, "format", f->name, "seed",
                             (json_int_t)seed, "bytes", (json_int_t)st.st_size));
    else
        printf("%s: %s, %.1f M parameters in %s, seed %lld, %.1f MiB\n", out, p.name, (double)synth_parameters(&p) / 1e6, f->name,
               (long long)seed, (double)st.st_size / 1048576);
    return 0;
}

const struct command command_synth = {
    .name = "synth",
    .summary = "write a model with random weights in a real model's shape",
    .options = options,
    .json = 1,
    .about =
        "To time a model without having it: the layers, widths, heads and vocabulary size are the real model's, the weights are\n"
        "seeded random numbers and the pieces of the vocabulary are made up.  The file is of the model's family, as other "
        "engines\n"
        "load it; the key bench.synthetic marks it.  Speed and memory of it mean something, its text and perplexity nothing.\n"
        "\n"
        "--shape takes layers, width, ff, heads, vocabulary and, where they are not the usual, kv_heads (heads), head_dim (width "
        "/\n"
        "heads), context (4096), tied (1), family (llama), window for a family that has windows, and for lfm2 attention_layers\n"
        "and taps: so many layers attend, the others are convolutions of that length.  With --preset it changes what it names.\n"
        "Families: llama, qwen2, qwen3, gemma2, gemma3, phi3, smollm3, granite, olmo2, minicpm, lfm2.",
    .examples =
        "  bench synth --list-presets\n"
        "  bench synth --preset smollm2-135m --format q8_0 -o smollm2-135m-q8_0.gguf\n"
        "  bench synth --shape layers=12,width=768,ff=2048,heads=12,kv_heads=4,vocabulary=32000 --format f16 -o own.gguf\n"
        "  bench synth --preset qwen3-0.6b --shape layers=14 --format q8_0 -o half.gguf",
    .run = run,
};
