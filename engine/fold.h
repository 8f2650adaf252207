/* fold.h - a character as an uncased vocabulary has it: small, and without accents. */
/* SPDX-License-Identifier: MIT */
#ifndef ENGINE_FOLD_H
#define ENGINE_FOLD_H

#include <stddef.h>

/* Writes p[0..n), which is UTF-8, folded; returns the bytes written, at most 3 n.  Each character by itself: its canonical
 * decomposition (NFD, Hangul's letters too) without accents, in lower case.  An accent that is a character of its own stays. */
size_t fold_text(char *to, const char *p, size_t n);

#endif
