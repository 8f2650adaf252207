/* inspect.h - what `bench inspect` found out, shared by its text (inspect_text.c) and its JSON (inspect_json.c) only. */
/* SPDX-License-Identifier: MIT */
#ifndef BENCH_CMD_INSPECT_H
#define BENCH_CMD_INSPECT_H

#include <stdint.h>

#include "base/text.h"
#include "engine/model.h"

struct inspection {
    const char *path;
    struct gguf g;
    struct model *model; /* NULL: the reason says why there is no footprint */
    char reason[sizeof((struct err *)0)->msg];
    struct tokenizer *tokenizer; /* NULL: no_vocabulary says why */
    char no_vocabulary[sizeof((struct err *)0)->msg];
    int64_t parameters;
    struct session_options o;
    struct footprint f;
    const char *kv, *policy, *compute;
};

struct inspection_total {
    int64_t tensors, weights, bytes;
};

/* Of the tensors in that format. */
struct inspection_total inspection_total(const struct gguf *g, const struct format *f);

/* A number as text, and a value: of an array the first few elements. */
void inspection_add_number(struct text *t, enum gguf_kind kind, const uint8_t *p);
void inspection_add_value(struct text *t, const struct gguf_kv *kv);

void inspection_print_text(const struct inspection *in, int brief);
void inspection_print_json(const struct inspection *in);

#endif
