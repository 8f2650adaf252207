/* libFuzzer target: the input is a GGUF file that is opened as a model and, where it is one, run for a few tokens.
 *
 *   make fuzz-gguf                         a minute; FUZZ_SECONDS=3600 an hour
 *
 * Seeds are in tests/fuzz/gguf: models of one layer in four families, as `bench synth --shape` writes them. */
/* SPDX-License-Identifier: MIT */
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "engine/model.h"
#include "engine/quantize.h"
#include "engine/tokenizer.h"

enum { TOKENS = 5, MOST = 64 << 20 }; /* bytes of a session that are worth the time */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

/* A refusal has a code and a reason. */
static void look_at(const struct err *e)
{
    if (!e->code || !*e->msg)
        abort();
}

static void run(const struct model *m)
{
    struct session_options o = {
        .n_ctx = 16, .threads = 1, .kv_k = format_by_name("f16"), .kv_v = format_by_name("f16"), .isa = isa_best()};
    struct footprint f;
    struct session *s;
    struct err e = {0};
    int ids[TOKENS];
    for (int i = 0; i < TOKENS; i++)
        ids[i] = i * 7 % m->n_vocab;
    if (session_plan(m, &o, &f, &e)) {
        look_at(&e);
        return;
    }
    if (f.kv + f.arena > MOST)
        return;
    if (session_open(&s, m, &o, &e)) {
        look_at(&e);
        return;
    }
    if (session_eval(s, ids, TOKENS, LOGITS_LAST, NULL, NULL, &e) || session_eval(s, ids, 1, LOGITS_LAST, NULL, NULL, &e))
        look_at(&e);
    session_close(s);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    struct model *m;
    struct err e = {0};
    char path[64];
    int fd = memfd_create("fuzz", 0);
    if (fd < 0)
        abort();
    snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    if (write(fd, data, n) != (ssize_t)n)
        abort();
    if (model_open(&m, path, 0, &e)) {
        look_at(&e);
    } else {
        quantize_format_of(&m->gguf);
        recipe_of_file(&m->gguf);
        run(m);
        model_close(m);
    }
    close(fd);
    return 0;
}
