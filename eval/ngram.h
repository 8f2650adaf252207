/* ngram.h - how many n-grams of one text occur in others.
 *
 * A caller lists the words of all its texts (or their characters, as words) and ends every text; the words are then numbered and
 * each text's n-grams sorted, so that counting is a merge.  Exact, because nothing is hashed, for any number of references and
 * orders up to NGRAM_MAX.  Words point into the caller's text, which must stay until ngrams_make returns.  Aborts when memory is
 * out. */
/* SPDX-License-Identifier: MIT */
#ifndef EVAL_NGRAM_H
#define EVAL_NGRAM_H

#include <stddef.h>
#include <stdint.h>

#define NGRAM_MAX 6 /* the longest n-gram */

struct wordlist_word {
    const char *p;
    size_t n; /* bytes; 0: the end of a text */
};

struct wordlist {
    struct wordlist_word *v;
    size_t n, cap;
};

void wordlist_add(struct wordlist *w, const char *p, size_t n);
void wordlist_end(struct wordlist *w);
void wordlist_free(struct wordlist *w);

struct ngrams {
    const uint32_t **at; /* [n]: the places of a text in the order of the n-grams that begin there */
    size_t n;            /* words of the text */
    size_t cursor;       /* of ngrams_matches */
    uint32_t *symbols;   /* the first text's holds those of all */
};

/* One struct ngrams for each ended text of w, in their order; NULL when none is. */
struct ngrams *ngrams_make(const struct wordlist *w);
void ngrams_free(struct ngrams *texts);

/* N-grams of a text, order in 1 .. NGRAM_MAX. */
size_t ngrams_count(const struct ngrams *text, int order);

/* Those of `answer` that a reference has too, none counted more often than the reference that has it most often has it. */
size_t ngrams_matches(const struct ngrams *answer, struct ngrams *references, size_t n_references, int order);

#endif
