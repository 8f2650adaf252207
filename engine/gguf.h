/* gguf.h - reading a GGUF file (versions 2 and 3, little-endian), which is hostile until proven otherwise.
 *
 * The file is mapped read-only and never copied.  gguf_open checks every length, offset, count, type and dimension against the
 * file before a pointer is formed; after it succeeded, every key, string, array and tensor that this header hands out lies
 * inside the map.  Only the index (two arrays) is allocated; gguf_close frees it and unmaps.
 * A model in several files (NAME-00001-of-00003.gguf) is opened by its first one and is one model from then on.
 * Format: https://github.com/ggml-org/ggml/blob/master/docs/gguf.md */
/* SPDX-License-Identifier: MIT */
#ifndef ENGINE_GGUF_H
#define ENGINE_GGUF_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/file.h"
#include "kernels/format.h"

enum gguf_kind { /* value types, numbered as in the file */
    GGUF_U8, GGUF_I8, GGUF_U16, GGUF_I16, GGUF_U32, GGUF_I32, GGUF_F32, GGUF_BOOL, GGUF_STRING, GGUF_ARRAY, GGUF_U64, GGUF_I64,
    GGUF_F64, GGUF_KINDS
};

struct gguf_str { /* not NUL-terminated */
    const char *p;
    uint64_t n;
};

struct gguf_kv {
    struct gguf_str key;
    enum gguf_kind kind;
    enum gguf_kind element; /* of an array */
    uint64_t count;         /* of an array; 1 otherwise */
    const uint8_t *data;    /* unaligned; the value, or the first element */
    uint64_t bytes;         /* of the value or of all elements as they lie in the file */
};

struct gguf_tensor {
    struct gguf_str name;
    int n_dim;             /* 1 .. 4 */
    int64_t dim[4];        /* dim[0] is the row length; unused ones are 1 */
    const struct format *format; /* never NULL: an unknown type id is refused by gguf_open */
    uint64_t offset;       /* from the start of the data part */
    uint64_t bytes;
    const void *data;
};

struct gguf {
    struct map map;   /* of the file, or of the first of several */
    struct map *more; /* [n_more], the others */
    int n_more;
    uint64_t bytes;   /* of all files */
    uint32_t version;
    uint64_t alignment;
    uint64_t data_offset; /* of the data part in the file */
    uint64_t n_kv, n_tensor;
    struct gguf_kv *kv;
    struct gguf_tensor *tensor;
};

/* populate: fault all pages in, so that none is faulted in while something is timed. */
int gguf_open(struct gguf *g, const char *path, int populate, struct err *e);
void gguf_close(struct gguf *g);
/* Lower-case hex SHA-256 of the contents; of several files: of their hashes in that spelling, one after the other. */
void gguf_sha256(const struct gguf *g, char hex[65]);

const struct gguf_kv *gguf_find(const struct gguf *g, const char *key); /* NULL when there is none */
const struct gguf_tensor *gguf_find_tensor(const struct gguf *g, const char *name);

/* Value of a key as the type asked for.  A missing key gives `otherwise` and 0; a key of another kind, or out of range, is an
 * error that names the key.  Only gguf_open knows the name of the file: the caller puts it in front (err_where). */
int gguf_int(const struct gguf *g, const char *key, int64_t lo, int64_t hi, int64_t otherwise, int64_t *out, struct err *e);
int gguf_float(const struct gguf *g, const char *key, float otherwise, float *out, struct err *e);
int gguf_bool(const struct gguf *g, const char *key, int otherwise, int *out, struct err *e);
/* A missing string gives p == NULL and 0. */
int gguf_string(const struct gguf *g, const char *key, struct gguf_str *out, struct err *e);

/* Walks an array of strings: set at = kv->data, then one call per element (kv->count of them). */
struct gguf_str gguf_next_string(const uint8_t **at);

const char *gguf_kind_name(enum gguf_kind k);
uint64_t gguf_kind_bytes(enum gguf_kind k); /* of a value; 0 for strings and arrays, whose length is their own */

/* s as plain text of at most size - 1 bytes (size: 4 or more): valid UTF-8 stays, other bytes and control characters become
 * \xNN, what does not fit becomes "...".  Returns buf. */
const char *gguf_printable(struct gguf_str s, char *buf, size_t size);

#endif
