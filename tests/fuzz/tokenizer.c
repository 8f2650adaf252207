/* libFuzzer target: the input is a GGUF file, whose vocabulary and chat template are opened, and also the text that they encode.
 *
 *   make fuzz-tokenizer                    a minute; FUZZ_SECONDS=3600 an hour
 *
 * Seeds are in tests/fuzz/tokenizer: one small vocabulary of each kind, with a chat template. */
/* SPDX-License-Identifier: MIT */
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "engine/chat.h"
#include "engine/tokenizer.h"

enum { TEXT_MOST = 4096 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

/* What a caller may count on: ids of the vocabulary, and pieces that can be read. */
static void look_at(const struct tokenizer *t, int failed, int *ids, int n, const struct err *e)
{
    if (failed && (!e->code || !*e->msg || ids))
        abort();
    for (int i = 0; i < n; i++) {
        int bytes;
        const char *p = tokenizer_piece(t, ids[i], &bytes);
        volatile char sum = 0;
        if (ids[i] < 0 || ids[i] >= tokenizer_size(t) || bytes < 0)
            abort();
        for (int k = 0; k < bytes; k++)
            sum = (char)(sum ^ p[k]);
    }
    free(ids);
}

static void encode(const struct gguf *g, const char *text, size_t len)
{
    struct tokenizer *t;
    struct chat *c = NULL;
    struct err e = {0};
    int *ids = NULL, n = 0;
    if (tokenizer_open(&t, g, &e)) {
        look_at(NULL, 1, NULL, 0, &e);
        return;
    }
    int failed = tokenizer_encode(t, text, len, 1, &ids, &n, &e);
    look_at(t, failed, ids, n, &e);
    struct tokenizer_part parts[] = {
        {text, len / 3, PART_SPECIAL}, {text + len / 3, len / 3, PART_TEXT}, {text + len / 3 * 2, len / 3, PART_SWALLOWING}};
    failed = tokenizer_encode_parts(t, parts, 3, 0, &ids, &n, &e);
    look_at(t, failed, ids, n, &e);
    if (!chat_open(&c, g, t, &e) && c) {
        failed = chat_encode(c, text, len / 2, text + len / 2, len / 2, &ids, &n, &e);
        look_at(t, failed, ids, n, &e);
        chat_end(c);
    }
    chat_close(c);
    tokenizer_close(t);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    struct gguf g;
    struct err e;
    char path[64];
    int fd = memfd_create("fuzz", 0);
    if (fd < 0)
        abort();
    snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    if (write(fd, data, n) == (ssize_t)n && !gguf_open(&g, path, 0, &e)) {
        encode(&g, (const char *)data, n < TEXT_MOST ? n : TEXT_MOST);
        gguf_close(&g);
    }
    close(fd);
    return 0;
}
