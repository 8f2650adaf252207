/* tokenizer_fixture.h - a GGUF file with its tokenizer, and texts held against the ids that they must have. */
/* SPDX-License-Identifier: MIT */
#ifndef TESTS_TOKENIZER_FIXTURE_H
#define TESTS_TOKENIZER_FIXTURE_H

#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "engine/tokenizer.h"
#include "tests/test.h"

struct loaded {
    struct gguf g;
    struct tokenizer *t;
};

static inline void load(struct loaded *l, const char *path)
{
    struct err e;
    if (gguf_open(&l->g, path, 0, &e) || tokenizer_open(&l->t, &l->g, &e))
        fail_msg("%s", e.msg);
}

static inline void unload(struct loaded *l)
{
    tokenizer_close(l->t);
    gguf_close(&l->g);
}

/* The ids as text, "1 403 407"; to be freed by the caller. */
static inline struct text encode(const struct tokenizer *t, const char *p, size_t len, int bos)
{
    struct err e;
    struct text out = {0};
    int *ids, n;
    if (tokenizer_encode(t, p, len, bos, &ids, &n, &e))
        fail_msg("%s", e.msg);
    text_add(&out, "", 0);
    for (int i = 0; i < n; i++)
        text_printf(&out, "%s%d", i ? " " : "", ids[i]);
    free(ids);
    return out;
}

static inline void expect(const struct tokenizer *t, const char *p, size_t len, int bos, const char *wanted)
{
    struct text got = encode(t, p, len, bos);
    if (strcmp(got.p, wanted))
        fail_msg("\"%.*s\": ids are [%s], should be [%s]", (int)len, p, got.p, wanted);
    text_free(&got);
}

#endif
