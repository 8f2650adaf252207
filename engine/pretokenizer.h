/* pretokenizer.h - how a text is cut into words before their bytes are merged.
 *
 * The name in a GGUF's tokenizer.ggml.pre stands for one or two published regular expressions, which PCRE2 runs.  Each cuts what the
 * one before it left: a match is a word, and so is what lies between two matches. */
/* SPDX-License-Identifier: MIT */
#ifndef ENGINE_PRETOKENIZER_H
#define ENGINE_PRETOKENIZER_H

#include <stddef.h>

#include "base/err.h"
#include "engine/gguf.h"

struct pretokenizer {
    int ignore_merges; /* a word that is a piece is not merged from bytes */
    int add_bos;       /* models of this kind want BOS where no key says otherwise */
    int n;
    void *code[2]; /* compiled patterns */
};

/* name: of the pre-tokenizer; an unknown one is refused with a list of those known. */
int pretokenizer_open(struct pretokenizer *s, struct gguf_str name, struct err *e);
void pretokenizer_close(struct pretokenizer *s);

/* Calls word for every word of the text, in order, and stops when it returns other than 0.  A byte that is not UTF-8 is a word. */
typedef int pretokenizer_word_fn(void *ctx, const char *p, size_t n, struct err *e);
int pretokenizer_cut(const struct pretokenizer *s, const char *p, size_t n, pretokenizer_word_fn *word, void *ctx, struct err *e);

size_t pretokenizer_bytes(const struct pretokenizer *s); /* memory of its own */

#endif
