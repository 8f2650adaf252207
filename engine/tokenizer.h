/* tokenizer.h - text to token ids and back, by the vocabulary that the GGUF carries.
 *
 * One tokenizer per model.  Scores and types stay in the mapped file, which must outlive it; the pieces' text and the indexes over
 * it are its own (tokenizer_bytes).  Errors name the key; the caller puts the name of the file in front.  A vocabulary of an
 * unknown kind is refused by name; each kind is one file, tokenizer_*.c.
 *
 * User-defined pieces are cut out of every text first, the longest at the leftmost place.  Control tokens (<|im_end|>) are not
 * text: who types their name gets letters.  Only a part that is marked special, such as a chat template's, can name them. */
/* SPDX-License-Identifier: MIT */
#ifndef ENGINE_TOKENIZER_H
#define ENGINE_TOKENIZER_H

#include <stddef.h>

#include "base/err.h"
#include "engine/gguf.h"

struct tokenizer;

int tokenizer_open(struct tokenizer **t, const struct gguf *g, struct err *e);
void tokenizer_close(struct tokenizer *t);

/* Ids of the text, BOS in front when bos is set and the vocabulary has one (tokenizer_bos >= 0).  *ids is malloc'ed, *n its
 * length.  Input that is not UTF-8 is taken byte by byte.  Never aborts on any input. */
int tokenizer_encode(const struct tokenizer *t, const char *text, size_t len, int bos, int **ids, int *n, struct err *e);

/* The same for a text in parts: they are one text, merged across the seams, but a control token is recognised only where its
 * whole name lies in a special part.  A swallowing part is special, and its tokens swallow the white space behind them. */
enum tokenizer_part_kind { PART_TEXT, PART_SPECIAL, PART_SWALLOWING };

struct tokenizer_part {
    const char *p;
    size_t n;
    enum tokenizer_part_kind kind;
};
int tokenizer_encode_parts(const struct tokenizer *t, const struct tokenizer_part *parts, int n_parts, int bos, int **ids, int *n,
                           struct err *e);

/* The bytes of one token as it continues a text ("▁" is a space, a byte token is that byte, a control token is nothing, an
 * unknown one is U+FFFD, an id outside the vocabulary is nothing); *n is their number.  Points into the tokenizer. */
const char *tokenizer_piece(const struct tokenizer *t, int id, int *n);

/* The bytes of a token as they stand in the vocabulary: the name of a control token too. */
const char *tokenizer_name(const struct tokenizer *t, int id, int *n);

/* The id of the control token or user-defined piece of that name, -1 when there is none. */
int tokenizer_special(const struct tokenizer *t, const char *name);

int tokenizer_size(const struct tokenizer *t);
int tokenizer_bos(const struct tokenizer *t); /* -1 when there is none */
int tokenizer_eos(const struct tokenizer *t);
int tokenizer_add_bos(const struct tokenizer *t); /* does the model want BOS in front of a text? */
int tokenizer_add_eos(const struct tokenizer *t); /* ... and EOS behind one that is complete? */
size_t tokenizer_bytes(const struct tokenizer *t); /* memory of its own */

#endif
