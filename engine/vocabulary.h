/* vocabulary.h - the inside of a tokenizer, shared by its algorithms (tokenizer.c, tokenizer_spm.c) and by nobody else.
 *
 * SentencePiece writes a space as U+2581 in its pieces.  Here a space is a space: the pieces are kept with it written out, a
 * U+2581 of the input means a space too, and so a piece is looked up and decoded in the same form. */
/* SPDX-License-Identifier: MIT */
#ifndef ENGINE_VOCABULARY_H
#define ENGINE_VOCABULARY_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

#define SPACE_SYMBOL "\xe2\x96\x81" /* U+2581 */

enum token_type { /* numbered as in the file */
                  TOKEN_UNDEFINED,
                  TOKEN_NORMAL,
                  TOKEN_UNKNOWN,
                  TOKEN_CONTROL,
                  TOKEN_USER_DEFINED,
                  TOKEN_UNUSED,
                  TOKEN_BYTE,
                  TOKEN_TYPES
};

struct tokenizer {
    int n;                 /* pieces */
    const uint8_t *scores; /* [n] f32, unaligned, in the map */
    const uint8_t *types;  /* [n] u32, unaligned, in the map; NULL: all normal */
    char *text;            /* what each piece stands for, one after the other */
    uint32_t *at;          /* [n + 1] where each begins in text */
    int32_t *slots;        /* [mask + 1] open-addressed hash of the ids that text can become; -1: free */
    uint32_t mask;
    uint32_t longest, longest_user; /* bytes of the longest such piece, and of the longest user-defined one */
    uint8_t user_first[256];        /* does a user-defined piece begin with this byte? */
    int by_word;                    /* no piece has a space behind another character: words can be merged one by one */
    int byte[256];                  /* id of the token of a byte, -1 */
    int bos, eos, unk;              /* -1: none */
    int add_bos, space_prefix;
};

#define HASH_START 0x811c9dc5u /* FNV-1a (Fowler, Noll, Vo), 32 bits; can go on byte by byte */

static inline uint32_t hash_byte(uint32_t h, char c)
{
    return (h ^ (uint8_t)c) * 0x01000193u;
}

/* The id of the piece p[0..n), h its hash; -1 when there is none. */
int vocabulary_find_hashed(const struct tokenizer *t, const char *p, size_t n, uint32_t h);
int vocabulary_find(const struct tokenizer *t, const char *p, size_t n);
enum token_type vocabulary_type(const struct tokenizer *t, int id);
float vocabulary_score(const struct tokenizer *t, int id);

/* A growing list of ids. */
struct ids {
    int *v;
    size_t n, cap;
};
int ids_add(struct ids *l, int id, struct err *e);

/* Ids of a text without BOS, appended to out.  text[-1] must be writable; the text is overwritten. */
int spm_encode(const struct tokenizer *t, char *text, size_t n, struct ids *out, struct err *e);

#endif
