/* gguf_split.h - one file of a model, shared by gguf.c and gguf_split.c only. */
/* SPDX-License-Identifier: MIT */
#ifndef ENGINE_GGUF_SPLIT_H
#define ENGINE_GGUF_SPLIT_H

#include "engine/gguf.h"

/* gguf_open without the other parts. */
int gguf_open_part(struct gguf *g, const char *path, int populate, struct err *e);
/* Does a tensor name occur twice?  Then -1 with it. */
int gguf_check_names(const struct gguf *g, const char *path, struct err *e);

#endif
