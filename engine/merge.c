/* SPDX-License-Identifier: MIT */
#include "engine/merge.h"

#include <stdlib.h>

struct merge_pair {
    double cost;
    int left, right, id;
    uint32_t n; /* bytes of both when the pair was seen: another sum now means that one has changed since */
};

void *merge_grow(void *array, size_t *cap, size_t n, size_t size, struct err *e)
{
    if (n <= *cap)
        return array;
    size_t more = *cap * 2 > n ? *cap * 2 : n + 64;
    void *p = realloc(array, more * size);
    if (p)
        *cap = more;
    else
        err_set(e, ERR_ENV, "tokenizer: out of memory (%zu bytes); give it the text in smaller parts", more * size);
    return p;
}

static int before(const struct merge_pair *a, const struct merge_pair *b)
{
    return a->cost < b->cost || (a->cost == b->cost && a->left < b->left);
}

static void swap(struct merge_pair *a, struct merge_pair *b)
{
    struct merge_pair c = *a;
    *a = *b;
    *b = c;
}

static int push(struct merger *m, struct merge_pair p, struct err *e)
{
    struct merge_pair *heap = merge_grow(m->heap, &m->heap_cap, m->n_heap + 1, sizeof p, e);
    if (!heap)
        return -1;
    m->heap = heap;
    size_t i = m->n_heap++;
    for (heap[i] = p; i && before(&heap[i], &heap[(i - 1) / 2]); i = (i - 1) / 2)
        swap(&heap[i], &heap[(i - 1) / 2]);
    return 0;
}

static struct merge_pair pop(struct merger *m)
{
    struct merge_pair top = m->heap[0];
    m->heap[0] = m->heap[--m->n_heap];
    for (size_t i = 0, child; (child = 2 * i + 1) < m->n_heap; i = child) {
        if (child + 1 < m->n_heap && before(&m->heap[child + 1], &m->heap[child]))
            child++;
        if (!before(&m->heap[child], &m->heap[i]))
            break;
        swap(&m->heap[child], &m->heap[i]);
    }
    return top;
}

/* Left and right become a candidate if together they are a piece. */
static int consider(struct merger *m, const char *word, int left, int right, struct err *e)
{
    if (left < 0 || right < 0)
        return 0;
    const struct merge_symbol *l = &m->symbol[left], *r = &m->symbol[right];
    struct merge_pair p = {.left = left, .right = right, .n = l->n + r->n};
    p.id = m->pair(m->ctx, word, l, r, &p.cost);
    return p.id < 0 ? 0 : push(m, p, e);
}

int merge_room(struct merger *m, size_t n, struct err *e)
{
    struct merge_symbol *symbol = merge_grow(m->symbol, &m->symbols_cap, n, sizeof *symbol, e);
    if (!symbol)
        return -1;
    m->symbol = symbol;
    return 0;
}

int merge_word(struct merger *m, const char *word, int n, struct err *e)
{
    m->n_heap = 0;
    for (int i = 0; i < n; i++) {
        m->symbol[i].prev = i - 1;
        m->symbol[i].next = i + 1 < n ? i + 1 : -1;
    }
    for (int i = 1; i < n; i++)
        if (consider(m, word, i - 1, i, e))
            return -1;
    while (m->n_heap) {
        struct merge_pair p = pop(m);
        struct merge_symbol *left = &m->symbol[p.left], *right = &m->symbol[p.right];
        if (!left->n || !right->n || left->n + right->n != p.n)
            continue;
        left->n = p.n;
        left->id = p.id;
        right->n = 0;
        left->next = right->next;
        if (right->next >= 0)
            m->symbol[right->next].prev = p.left;
        if (consider(m, word, left->prev, p.left, e) || consider(m, word, p.left, left->next, e))
            return -1;
    }
    return 0;
}

void merge_close(struct merger *m)
{
    free(m->symbol);
    free(m->heap);
}
