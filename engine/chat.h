/* chat.h - how an instruct model is asked: the chat template that its GGUF carries, if it is one we know.
 *
 * The key tokenizer.chat_template holds a program in Jinja.  It is not run: a table (chat.c) recognises the published ones by what
 * stands in them, and says what a prompt of one user message becomes.  A template that is not in the table is not guessed at. */
/* SPDX-License-Identifier: MIT */
#ifndef ENGINE_CHAT_H
#define ENGINE_CHAT_H

#include <stddef.h>

#include "base/err.h"
#include "engine/gguf.h"
#include "engine/tokenizer.h"

#define CHAT_UNKNOWN "unknown"

struct chat;

/* The name of the template ("chatml"), CHAT_UNKNOWN for one that is not in the table, NULL where the file carries none. */
const char *chat_name(const struct gguf *g);

/* *c is NULL and 0 is returned where chat_name has none that is known.  A key of the wrong kind is an error that names it. */
int chat_open(struct chat **c, const struct gguf *g, const struct tokenizer *t, struct err *e);
void chat_close(struct chat *c);

/* The prompt as it is put to the model, up to where its answer begins, without BOS: what the template stands for around the user's
 * text.  A control token can only come of the first and the last part.  The user's part points into `user`. */
#define CHAT_PARTS 3
void chat_parts(const struct chat *c, const char *user, size_t len, struct tokenizer_part parts[CHAT_PARTS]);

/* Ids of the prompt with the beginning of an answer behind it (answer_len may be 0), BOS in front where template or vocabulary
 * want it.  *ids is malloc'ed. */
int chat_encode(const struct chat *c, const char *user, size_t len, const char *answer, size_t answer_len, int **ids, int *n,
                struct err *e);

/* The token that ends an answer, beside EOS; EOS itself where the template has no other. */
int chat_end(const struct chat *c);

#endif
