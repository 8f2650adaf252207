/* merge.h - greedy merging of neighbours, the cheapest pair first: what SentencePiece's and byte-level BPE have in common
 * (Sennrich 2016).
 *
 * A word begins as a list of symbols.  Again and again the two neighbours that together are a piece, and cost least, become one
 * symbol (the leftmost of equals), until no two neighbours are a piece.  A heap of candidates makes that n log n. */
/* SPDX-License-Identifier: MIT */
#ifndef ENGINE_MERGE_H
#define ENGINE_MERGE_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

struct merge_symbol {
    int prev, next; /* neighbours, -1 at the ends */
    uint32_t at, n; /* bytes of the word; n == 0: merged into another */
    int id;         /* of the piece, -1: none */
};

struct merge_pair;

/* The piece that two neighbours of the word are together, -1: none; *cost: smaller comes first. */
typedef int merge_fn(const void *ctx, const char *word, const struct merge_symbol *left, const struct merge_symbol *right,
                     double *cost);

struct merger {
    merge_fn *pair;
    const void *ctx;
    struct merge_symbol *symbol; /* of the last word, the first one at 0 */
    struct merge_pair *heap;
    size_t symbols_cap, n_heap, heap_cap;
};

/* Room for a word of n symbols; the caller fills at, n and id of each. */
int merge_room(struct merger *m, size_t n, struct err *e);
/* Links the n symbols and merges them: what is left is read along `next`. */
int merge_word(struct merger *m, const char *word, int n, struct err *e);
void merge_close(struct merger *m);

/* The array with room for n > 0 elements of `size` bytes; NULL when memory is out, then the old one is still there. */
void *merge_grow(void *array, size_t *cap, size_t n, size_t size, struct err *e);

#endif
