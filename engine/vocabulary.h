/* vocabulary.h - the inside of a tokenizer, shared by the files that make one up (tokenizer*.c, vocabulary.c) and by nobody else.
 *
 * A piece is kept as the bytes that it stands for: SentencePiece's U+2581 is a space, the letters of byte-level BPE are bytes.
 * So a text is looked up and decoded in the same form.  A control token is kept as its name; it stands for nothing. */
/* SPDX-License-Identifier: MIT */
#ifndef ENGINE_VOCABULARY_H
#define ENGINE_VOCABULARY_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "engine/gguf.h"

#define SPACE_SYMBOL "\xe2\x96\x81" /* U+2581 */

#define KEY_TOKENS "tokenizer.ggml.tokens"
#define KEY_SCORES "tokenizer.ggml.scores"
#define KEY_TYPES "tokenizer.ggml.token_type"

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

struct tokenizer;

/* A growing list of ids. */
struct ids {
    int *v;
    size_t n, cap;
};
int ids_add(struct ids *l, int id, struct err *e);

/* One kind of vocabulary: a file that ends with its one struct, listed once in tokenizer.c. */
struct tokenizer_kind {
    const char *name;   /* value of tokenizer.ggml.model */
    const char *about;
    size_t size;        /* bytes of private state, zeroed by the caller: t->own */
    int bos, eos, unk;  /* ids where no key says otherwise; -1: none */
    int add_bos, add_eos;

    /* Writes what a piece that is text stands for; at most n bytes.  Returns their number. */
    size_t (*write_piece)(char *to, const char *p, size_t n, enum token_type type);
    /* Reads what else the kind needs, once the pieces are indexed. */
    int (*open)(struct tokenizer *t, const struct gguf *g, struct err *e);
    /* Appends the ids of a stretch of text between special tokens.  text[-1] is writable; the text may be overwritten. */
    int (*encode)(const struct tokenizer *t, char *text, size_t n, struct ids *out, struct err *e);
    void (*close)(struct tokenizer *t);            /* of what own points to; NULL: nothing */
    size_t (*bytes)(const struct tokenizer *t);    /* of what own points to; NULL: nothing */
};

extern const struct tokenizer_kind tokenizer_spm, tokenizer_bpe, tokenizer_wordpiece;

/* An open-addressed hash over the text of some of the pieces. */
struct piece_index {
    int32_t *slots; /* [mask + 1] ids; -1: free, and there is always a free one */
    uint32_t mask;
    uint32_t longest; /* bytes */
    int n;
};

struct tokenizer {
    const struct tokenizer_kind *kind;
    void *own;                  /* of the kind */
    int n;                      /* pieces */
    const uint8_t *types;       /* [n] u32, unaligned, in the map; NULL: all normal */
    char *text;                 /* the pieces, one after the other */
    uint32_t *at;               /* [n + 1] where each begins in text */
    struct piece_index plain;   /* what a text can become */
    struct piece_index special; /* what is cut out of a text before: user-defined pieces and control tokens */
    uint8_t special_first[256]; /* does a special piece begin with this byte? */
    int byte[256];              /* id of the token of a byte, -1 */
    int bos, eos, unk;          /* -1: none */
    int add_bos, add_eos;
};

#define HASH_START 0x811c9dc5u /* FNV-1a (Fowler, Noll, Vo), 32 bits; can go on byte by byte */

static inline uint32_t hash_byte(uint32_t h, char c)
{
    return (h ^ (uint8_t)c) * 0x01000193u;
}

/* Reads tokens and types, writes the pieces and indexes them.  t->kind is set. */
int vocabulary_open(struct tokenizer *t, const struct gguf *g, struct err *e);
void vocabulary_close(struct tokenizer *t);

/* The id of the plain piece p[0..n); -1 when there is none. */
int vocabulary_find(const struct tokenizer *t, const char *p, size_t n);
/* The longest special piece that the `left` bytes at p begin with, -1 when there is none; *n: its bytes.  Control tokens count
 * up to `control` bytes. */
int vocabulary_special(const struct tokenizer *t, const char *p, size_t left, size_t control, size_t *n);
enum token_type vocabulary_type(const struct tokenizer *t, int id);

/* Checks of arrays.  A missing array is NULL; another kind, another number of elements (count > 0) is an error. */
int vocabulary_array(const struct gguf *g, const char *key, uint64_t count, const struct gguf_kv **out, struct err *e);
int vocabulary_elements(const char *key, const char *wanted, struct err *e); /* -1: they are not what is wanted */
/* The id that a key names; `otherwise` without the key, if there are so many pieces. */
int vocabulary_id(const struct tokenizer *t, const struct gguf *g, const char *key, int otherwise, int *id, struct err *e);

/* Ids of bytes without a piece: their byte tokens, or the unknown token for each. */
int vocabulary_add_bytes(const struct tokenizer *t, const char *p, size_t n, struct ids *out, struct err *e);

#endif
