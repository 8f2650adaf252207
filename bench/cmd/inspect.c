/* What a GGUF file holds, and what running it would occupy.
 *
 * Parameters are counted by the engine where it knows the family, otherwise they are all elements of all tensors.  The
 * footprint is session_plan's: what is printed here is what is mapped and allocated when the model runs. */
/* SPDX-License-Identifier: MIT */
#include "bench/cmd/inspect.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench/axes.h"
#include "bench/cmd/cmd.h"
#include "bench/runtime/cell_session.h"

static const struct option_spec options[] = {
    {"context", 0, "N", "positions in the KV cache for the footprint (the model's own, at most 4096)"},
    {"kv", 0, "K[:V]", "KV cache format for the footprint (f16)"},
    {"policy", 0, "NAME", "context policy for the footprint: full, window:W, sinks:S+W (full)"},
    {"threads", 't', "N", "threads for the footprint (1)"},
    {"batch", 0, "N", "most tokens evaluated at once, for the footprint (512)"},
    {"compute", 0, "PATH", "packed, int8, int8_token or exact, for the footprint (packed)"},
    {"brief", 0, NULL, "leave out the list of tensors"},
    {NULL, 0, NULL, NULL},
};

enum { SHOWN = 8 }; /* elements of an array */

static int64_t elements(const struct gguf_tensor *t)
{
    return t->dim[0] * t->dim[1] * t->dim[2] * t->dim[3];
}

static int read_options(const struct args *a, struct inspection *in, struct err *e)
{
    struct cell c = {0};
    int64_t context, threads, batch, own = in->model ? in->model->n_ctx_train : 4096;
    const char *kv = args_get(a, "kv"), *compute = args_get(a, "compute"), *policy = args_get(a, "policy");
    if (args_int(a, "context", 1, 1 << 24, own < 4096 ? own : 4096, &context, e) ||
        args_int(a, "threads", 1, 1024, 1, &threads, e) || args_int(a, "batch", 1, 1 << 20, 512, &batch, e) ||
        axis_set(axis_by_name("kv"), &c, kv ? kv : "f16", e) ||
        axis_set(axis_by_name("policy"), &c, policy ? policy : "full", e) ||
        axis_set(axis_by_name("compute"), &c, compute ? compute : "packed", e))
        return -1;
    in->kv = c.kv;
    in->policy = c.policy;
    in->compute = c.compute;
    c.threads = (int)threads;
    c.batch = (int)batch;
    cell_session(&c, (int)context, NULL, &in->o);
    return 0;
}

static int examine(const struct args *a, struct inspection *in, struct err *e)
{
    struct err why = {0};
    if (gguf_open(&in->g, in->path, 0, e))
        return -1;
    for (uint64_t i = 0; i < in->g.n_tensor; i++)
        in->parameters += elements(&in->g.tensor[i]);
    if (tokenizer_open(&in->tokenizer, &in->g, &why))
        snprintf(in->no_vocabulary, sizeof in->no_vocabulary, "%s", why.msg);
    if (in->g.n_tensor == 0)
        err_set(&why, ERR_ENV, "the file has a vocabulary only, no tensors");
    else if (model_open(&in->model, in->path, 0, &why) == 0)
        in->parameters = model_parameters(in->model);
    if (read_options(a, in, e))
        return -1;
    if (in->model && session_plan(in->model, &in->o, &in->f, &why)) {
        model_close(in->model);
        in->model = NULL;
    }
    if (!in->model)
        snprintf(in->reason, sizeof in->reason, "%s", why.msg);
    return 0;
}

struct inspection_total inspection_total(const struct gguf *g, const struct format *f)
{
    struct inspection_total sum = {0};
    for (uint64_t i = 0; i < g->n_tensor; i++)
        if (g->tensor[i].format == f) {
            sum.tensors++;
            sum.weights += elements(&g->tensor[i]);
            sum.bytes += (int64_t)g->tensor[i].bytes;
        }
    return sum;
}

void inspection_add_number(struct text *t, enum gguf_kind kind, const uint8_t *p)
{
    float f;
    double d;
    uint64_t u = 0;
    char plain[32];
    memcpy(&u, p, gguf_kind_bytes(kind));
    switch (kind) {
    case GGUF_F32:
        memcpy(&f, p, sizeof f);
        for (int digits = 6; digits <= 9; digits++) { /* as few as give the same number back */
            snprintf(plain, sizeof plain, "%.*g", digits, (double)f);
            if (strtof(plain, NULL) == f)
                break;
        }
        text_printf(t, "%s", plain);
        break;
    case GGUF_F64:
        memcpy(&d, p, sizeof d);
        text_printf(t, "%.17g", d);
        break;
    case GGUF_BOOL: text_printf(t, u ? "true" : "false"); break;
    case GGUF_I8: text_printf(t, "%d", (int8_t)u); break;
    case GGUF_I16: text_printf(t, "%d", (int16_t)u); break;
    case GGUF_I32: text_printf(t, "%d", (int32_t)u); break;
    case GGUF_I64: text_printf(t, "%" PRId64, (int64_t)u); break;
    default: text_printf(t, "%" PRIu64, u);
    }
}

void inspection_add_value(struct text *t, const struct gguf_kv *kv)
{
    const uint8_t *at = kv->data;
    uint64_t shown = kv->count < SHOWN ? kv->count : SHOWN;
    for (uint64_t i = 0; i < shown; i++) {
        char plain[64];
        text_printf(t, "%s", i ? ", " : "");
        if (kv->element == GGUF_STRING) {
            text_printf(t, "%s", gguf_printable(gguf_next_string(&at), plain, sizeof plain));
        } else {
            inspection_add_number(t, kv->element, at);
            at += gguf_kind_bytes(kv->element);
        }
    }
    if (kv->count > shown)
        text_printf(t, ", ... (%" PRIu64 ")", kv->count);
}

static int run(const struct args *a, struct err *e)
{
    struct inspection in = {.path = a->positional[0]};
    int rc = examine(a, &in, e);
    if (!rc && args_has(a, "json"))
        inspection_print_json(&in);
    else if (!rc)
        inspection_print_text(&in, args_has(a, "brief"));
    tokenizer_close(in.tokenizer);
    model_close(in.model);
    gguf_close(&in.g);
    return rc;
}

const struct command command_inspect = {
    .name = "inspect",
    .summary = "show a model file: metadata, tensors, types, and its footprint",
    .positional = "FILE.gguf",
    .min_positional = 1,
    .max_positional = 1,
    .options = options,
    .json = 1,
    .about =
        "The footprint is what running the model at that context length occupies: the mapped file, the KV cache, activations\n"
        "and scratch, the vocabulary's index.  A sweep prints the same numbers in its plan and beside the measured peak.\n"
        "The file is not trusted: what contradicts itself is refused with the name of the field.",
    .examples = "  bench inspect model.gguf\n"
                "  bench inspect model.gguf --brief --context 2048 --kv q8_0 --threads 4\n"
                "  bench inspect model.gguf --json",
    .run = run,
};
