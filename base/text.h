/* text.h - a growing string, and the small readings of text that every command needs. */
/* SPDX-License-Identifier: MIT */
#ifndef BASE_TEXT_H
#define BASE_TEXT_H

#include <stddef.h>
#include <stdint.h>

/* A growing string; p is NULL until something is added, then always NUL-terminated.  Aborts when memory is out. */
struct text {
    char *p;
    size_t n, cap;
};

void text_add(struct text *t, const char *bytes, size_t n);
void text_printf(struct text *t, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void text_free(struct text *t);

/* Strings of a comma-separated list, spaces around each removed, empty ones dropped; v[n] is NULL.  One block: free(list.v). */
struct list {
    char **v;
    int n;
};
struct list list_split(const char *s);

/* The whole of s as an integer in lo .. hi; -1 when it is not one. */
int text_int(const char *s, int64_t lo, int64_t hi, int64_t *out);
int text_double(const char *s, double lo, double hi, double *out);

/* "512", "64k", "256M", "2G" (powers of 1024; an i, iB or B may follow) as bytes; -1 when it is not a size. */
int text_size(const char *s, int64_t *bytes);

/* The candidate nearest to word by edit distance, NULL when none is near enough to be meant. */
const char *text_nearest(const char *word, const char *const *candidates, int n);

#endif
