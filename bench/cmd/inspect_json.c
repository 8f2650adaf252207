/* SPDX-License-Identifier: MIT */
#include <jansson.h>

#include "bench/cmd/cmd.h"
#include "bench/cmd/inspect.h"
#include "engine/chat.h"
#include "engine/quantize.h"

/* A string that is not UTF-8 is escaped: JSON has no other way. */
static json_t *json_text(struct gguf_str s)
{
    json_t *j = json_stringn(s.p, s.n);
    if (j)
        return j;
    char plain[512];
    return json_string(gguf_printable(s, plain, sizeof plain));
}

static json_t *json_value(const struct gguf_kv *kv)
{
    if (kv->kind == GGUF_ARRAY) {
        struct text t = {0};
        inspection_add_value(&t, kv);
        json_t *j = json_pack("{s:s, s:I, s:s}", "array", gguf_kind_name(kv->element), "count", (json_int_t)kv->count, "begins",
                              t.p ? t.p : "");
        text_free(&t);
        return j;
    }
    if (kv->kind == GGUF_STRING) {
        const uint8_t *at = kv->data;
        return json_text(gguf_next_string(&at));
    }
    if (kv->kind == GGUF_BOOL)
        return json_boolean(kv->data[0]);
    struct text t = {0};
    inspection_add_number(&t, kv->kind, kv->data);
    json_t *j = json_loads(t.p, JSON_DECODE_ANY, NULL); /* infinities and u64 beyond JSON's integers stay texts */
    if (!j)
        j = json_string(t.p);
    text_free(&t);
    return j;
}

static json_t *json_tensors(const struct gguf *g)
{
    json_t *list = json_array();
    for (uint64_t i = 0; i < g->n_tensor; i++) {
        const struct gguf_tensor *t = &g->tensor[i];
        json_t *shape = json_array();
        for (int k = 0; k < t->n_dim; k++)
            json_array_append_new(shape, json_integer(t->dim[k]));
        json_array_append_new(list, json_pack("{s:o, s:s, s:o, s:I, s:I}", "name", json_text(t->name), "type", t->format->name,
                                              "shape", shape, "offset", (json_int_t)t->offset, "bytes", (json_int_t)t->bytes));
    }
    return list;
}

static json_t *json_totals(const struct gguf *g)
{
    json_t *totals = json_object();
    for (const struct format *const *f = formats; *f; f++) {
        struct inspection_total sum = inspection_total(g, *f);
        if (sum.tensors)
            json_object_set_new(totals, (*f)->name,
                                json_pack("{s:I, s:I, s:I}", "tensors", (json_int_t)sum.tensors, "weights",
                                          (json_int_t)sum.weights, "bytes", (json_int_t)sum.bytes));
    }
    return totals;
}

static json_t *json_footprint(const struct inspection *in)
{
    const struct footprint *f = &in->f;
    if (!in->model)
        return json_null();
    int64_t all = f->weights + f->kv + f->arena + f->tables;
    return json_pack("{s:i, s:s, s:s, s:i, s:i, s:s, s:I, s:I, s:I, s:I, s:I}", "context", in->o.n_ctx, "kv", in->kv, "policy",
                     in->policy, "threads", in->o.threads, "batch", in->o.batch, "compute", in->compute, "weights_bytes",
                     (json_int_t)f->weights, "kv_bytes", (json_int_t)f->kv, "arena_bytes", (json_int_t)f->arena, "tables_bytes",
                     (json_int_t)f->tables, "bytes", (json_int_t)all);
}

static json_t *json_vocabulary(const struct inspection *in)
{
    const struct tokenizer *t = in->tokenizer;
    if (!t)
        return json_null();
    return json_pack("{s:i, s:i, s:i, s:b, s:b}", "pieces", tokenizer_size(t), "bos", tokenizer_bos(t), "eos", tokenizer_eos(t),
                     "add_bos", tokenizer_add_bos(t), "add_eos", tokenizer_add_eos(t));
}

void inspection_print_json(const struct inspection *in)
{
    const struct format *f = quantize_format_of(&in->g);
    json_t *metadata = json_object(), *j = json_object();
    for (uint64_t i = 0; i < in->g.n_kv; i++) {
        char key[256];
        json_object_set_new(metadata, gguf_printable(in->g.kv[i].key, key, sizeof key), json_value(&in->g.kv[i]));
    }
    json_object_set_new(j, "file", json_string(in->path));
    json_object_set_new(j, "bytes", json_integer((json_int_t)in->g.bytes));
    json_object_set_new(j, "version", json_integer(in->g.version));
    json_object_set_new(j, "alignment", json_integer((json_int_t)in->g.alignment));
    json_object_set_new(j, "metadata", metadata);
    json_object_set_new(j, "tensors", json_tensors(&in->g));
    json_object_set_new(j, "types", json_totals(&in->g));
    json_object_set_new(j, "format", f ? json_string(f->name) : json_null());
    json_object_set_new(j, "parameters", in->g.n_tensor ? json_integer(in->parameters) : json_null());
    json_object_set_new(j, "footprint", json_footprint(in));
    json_object_set_new(j, "no_footprint_because", in->model ? json_null() : json_string(in->reason));
    json_object_set_new(j, "vocabulary", json_vocabulary(in));
    json_object_set_new(j, "no_vocabulary_because", in->tokenizer ? json_null() : json_string(in->no_vocabulary));
    json_object_set_new(j, "chat_template", chat_name(&in->g) ? json_string(chat_name(&in->g)) : json_null());
    print_json(j);
}
