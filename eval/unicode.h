/* unicode.h - the characters and words of a UTF-8 text, for scorers.
 *
 * A byte that begins no valid sequence (RFC 3629) is a character of its own, equal to no other: an answer that was cut inside a
 * character, or that is noise, is scored like any other.  White space is what Unicode calls so, the no-break spaces and the four
 * ASCII separators 1C to 1F included: the published scorers are written in Python, and this is how its split() cuts. */
/* SPDX-License-Identifier: MIT */
#ifndef EVAL_UNICODE_H
#define EVAL_UNICODE_H

#include <stddef.h>
#include <stdint.h>

/* The character at p, which is not the end of the text; returns its bytes, 1 to 4.  A stray byte b is 0xDC00 + b. */
int unicode_next(const char *p, uint32_t *c);
int unicode_is_space(uint32_t c);

/* The first word at or behind p and its bytes; NULL when there is none. */
const char *unicode_word(const char *p, size_t *bytes);

#endif
