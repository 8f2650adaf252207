/* SPDX-License-Identifier: MIT */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "bench/cmd/inspect.h"
#include "bench/cmd/table.h"
#include "engine/chat.h"
#include "engine/quantize.h"

static void add_shape(struct text *t, const struct gguf_tensor *tensor)
{
    for (int i = 0; i < tensor->n_dim; i++)
        text_printf(t, "%s%" PRId64, i ? " x " : "", tensor->dim[i]);
}

static void print_metadata(const struct gguf *g)
{
    struct table t = {0};
    table_column(&t, "key", TABLE_LEFT);
    table_column(&t, "kind", TABLE_LEFT);
    table_column(&t, "value", TABLE_LEFT);
    for (uint64_t i = 0; i < g->n_kv; i++) {
        char key[100];
        struct text v = {0};
        inspection_add_value(&v, &g->kv[i]);
        table_add(&t, "%s", gguf_printable(g->kv[i].key, key, sizeof key));
        table_add(&t, "%s%s", gguf_kind_name(g->kv[i].element), g->kv[i].kind == GGUF_ARRAY ? " array" : "");
        table_add(&t, "%s", v.p ? v.p : "");
        text_free(&v);
    }
    table_print(&t, stdout);
    table_free(&t);
    putchar('\n');
}

static void print_tensors(const struct gguf *g)
{
    struct table t = {0};
    table_column(&t, "tensor", TABLE_LEFT);
    table_column(&t, "type", TABLE_LEFT);
    table_column(&t, "shape", TABLE_RIGHT);
    table_column(&t, "bytes", TABLE_RIGHT);
    for (uint64_t i = 0; i < g->n_tensor; i++) {
        char name[100];
        struct text shape = {0};
        add_shape(&shape, &g->tensor[i]);
        table_add(&t, "%s", gguf_printable(g->tensor[i].name, name, sizeof name));
        table_add(&t, "%s", g->tensor[i].format->name);
        table_add(&t, "%s", shape.p);
        table_add(&t, "%" PRIu64, g->tensor[i].bytes);
        text_free(&shape);
    }
    table_print(&t, stdout);
    table_free(&t);
    putchar('\n');
}

static void print_totals(const struct gguf *g)
{
    static const char *const titles[] = {"tensors", "weights", "bytes", "bits/weight"};
    struct table t = {0};
    table_column(&t, "type", TABLE_LEFT);
    for (size_t i = 0; i < sizeof titles / sizeof *titles; i++)
        table_column(&t, titles[i], TABLE_RIGHT);
    for (const struct format *const *f = formats; *f; f++) {
        struct inspection_total sum = inspection_total(g, *f);
        if (!sum.tensors)
            continue;
        table_add(&t, "%s", (*f)->name);
        table_add(&t, "%" PRId64, sum.tensors);
        table_add(&t, "%" PRId64, sum.weights);
        table_add(&t, "%" PRId64, sum.bytes);
        table_add(&t, "%.2f", 8.0 * (double)sum.bytes / (double)sum.weights);
    }
    table_print(&t, stdout);
    table_free(&t);
    putchar('\n');
}

static void print_special(const char *name, int id, int added, const char *where)
{
    if (id < 0)
        printf(", no %s", name);
    else
        printf(", %s %d (%s %s)", name, id, added ? "put" : "not put", where);
}

static void print_vocabulary(const struct inspection *in)
{
    const struct tokenizer *t = in->tokenizer;
    const char *chat = chat_name(&in->g);
    if (t) {
        printf("vocabulary: %d pieces", tokenizer_size(t));
        print_special("BOS", tokenizer_bos(t), tokenizer_add_bos(t), "in front of a text");
        print_special("EOS", tokenizer_eos(t), tokenizer_add_eos(t), "behind it");
        putchar('\n');
    } else {
        printf("no vocabulary: %s\n", in->no_vocabulary);
    }
    if (chat && !strcmp(chat, CHAT_UNKNOWN))
        printf("chat template: not one that is known, so tasks are asked without\n\n");
    else
        printf("chat template: %s\n\n", chat ? chat : "none");
}

static void print_footprint(const struct inspection *in)
{
    const struct footprint *f = &in->f;
    const struct {
        const char *part;
        int64_t bytes;
    } rows[] = {{"weights (the mapped file)", f->weights},
                {"KV cache", f->kv},
                {"activations and scratch", f->arena},
                {"vocabulary and index", f->tables},
                {"together", f->weights + f->kv + f->arena + f->tables}};
    printf("footprint at context %d, KV %s, policy %s, %d thread%s, batch %d, %s:\n", in->o.n_ctx, in->kv, in->policy,
           in->o.threads, in->o.threads == 1 ? "" : "s", in->o.batch, in->compute);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        printf("  %-26s %10.2f MiB\n", rows[i].part, (double)rows[i].bytes / 1048576);
}

void inspection_print_text(const struct inspection *in, int brief)
{
    const struct format *f = quantize_format_of(&in->g);
    printf("%s: GGUF version %" PRIu32 ", %.2f MiB, %" PRIu64 " keys, %" PRIu64 " tensors, alignment %" PRIu64 "\n\n", in->path,
           in->g.version, (double)in->g.bytes / 1048576, in->g.n_kv, in->g.n_tensor, in->g.alignment);
    print_metadata(&in->g);
    if (in->g.n_tensor && !brief)
        print_tensors(&in->g);
    if (in->g.n_tensor) {
        print_totals(&in->g);
        printf("parameters: %" PRId64 "; weight matrices: %s\n\n", in->parameters, f ? f->name : "of several formats");
    }
    print_vocabulary(in);
    if (in->model)
        print_footprint(in);
    else
        printf("no footprint: %s\n", in->reason);
}
