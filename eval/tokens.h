/* tokens.h - the words of a text, for the scorers that normalise before they compare: trimmed, in lower case, cut, numbered.
 *
 * Characters and white space are unicode.h's, whatever the locale.  A struct tokens owns its memory until tokens_free.  Aborts
 * when memory is out. */
/* SPDX-License-Identifier: MIT */
#ifndef EVAL_TOKENS_H
#define EVAL_TOKENS_H

#include <stddef.h>
#include <stdint.h>

#include "base/text.h"

/* s without the white space around it: where that begins and, in *n, its bytes. */
const char *tokens_trim(const char *s, size_t *n);

/* Appends s in lower case: Unicode's mapping of letters for Latin, Greek and Cyrillic.  Other scripts, and bytes that are
 * no UTF-8, stay as they are. */
void tokens_lower(struct text *t, const char *s);

struct token {
    const char *p; /* NUL-terminated */
    uint32_t id;   /* see tokens_number */
    uint32_t line; /* of the text, from 0 */
};

struct tokens {
    char *text; /* what the words point into */
    struct token *v;
    size_t n;
};

/* The words of t, which are what stands between white space; takes over the memory of t. */
struct tokens tokens_cut(struct text *t);
void tokens_free(struct tokens *w);

/* Gives equal words of both texts the same id, different ones different ids below a->n + b->n. */
void tokens_number(struct tokens *a, struct tokens *b);

/* How many n-grams (n is 1 or 2) of numbered a and b pair up, each used once: the size of the intersection of the multisets. */
size_t tokens_common(const struct tokens *a, const struct tokens *b, int n);

#endif
