/* gguf_write.h - writing a GGUF v3 file.
 *
 * Keys and tensors are announced first, the data follow in the order of announcement, one call per tensor.  The file is written
 * beside its place and renamed into it by gguf_write_finish, so nobody ever opens half a model; gguf_write_abort removes it.
 * A file with formats of ours (format.h) gets the key that names them by itself.
 * Everything returns 0 or -1 with a message that names the file (disk full, permission). */
/* SPDX-License-Identifier: MIT */
#ifndef ENGINE_GGUF_WRITE_H
#define ENGINE_GGUF_WRITE_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "engine/gguf.h"

struct gguf_writer;

int gguf_write_open(struct gguf_writer **w, const char *path, struct err *e);

void gguf_write_u32(struct gguf_writer *w, const char *key, uint32_t v);
void gguf_write_f32(struct gguf_writer *w, const char *key, float v);
void gguf_write_bool(struct gguf_writer *w, const char *key, int v);
void gguf_write_string(struct gguf_writer *w, const char *key, const char *v);
/* An array of n elements of a fixed-size kind. */
void gguf_write_array(struct gguf_writer *w, const char *key, enum gguf_kind element, const void *v, uint64_t n);
void gguf_write_strings(struct gguf_writer *w, const char *key, const struct gguf_str *v, uint64_t n);
/* A key exactly as another file has it; those that say how a file is laid out are left out, for this one has its own. */
void gguf_write_copy(struct gguf_writer *w, const struct gguf_kv *kv);

void gguf_write_tensor(struct gguf_writer *w, struct gguf_str name, int n_dim, const int64_t *dim, const struct format *f);
/* The bytes of the next announced tensor; may come in pieces. */
int gguf_write_data(struct gguf_writer *w, const void *p, size_t n, struct err *e);

int gguf_write_finish(struct gguf_writer *w, struct err *e); /* frees w, also when it fails */
void gguf_write_abort(struct gguf_writer *w);                /* accepts NULL */

#endif
