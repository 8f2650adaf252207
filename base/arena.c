/* SPDX-License-Identifier: MIT */
#include "base/arena.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#define PAGE 4096 /* the smallest that there is */

void *arena_take(struct arena *a, size_t bytes)
{
    size_t at = a->used;
    size_t padded = (bytes + ARENA_ALIGN - 1) / ARENA_ALIGN * ARENA_ALIGN;
    a->used += padded;
    if (!a->base)
        return NULL;
    if (a->used > a->size)
        abort(); /* the counting pass and the real pass took different paths */
    return a->base + at;
}

int arena_map(struct arena *a, size_t bytes, struct err *e)
{
    size_t size = bytes ? bytes : ARENA_ALIGN;
    void *p = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (p == MAP_FAILED)
        return err_set(e, ERR_ENV, "arena: cannot map %.1f MiB: %s; use a shorter --context or a smaller --batch",
                       (double)size / 1048576.0, strerror(errno));
    /* A wish: prefill walks through megabytes in long steps.  Only whole huge pages inside become some: no byte more. */
    madvise(p, size, MADV_HUGEPAGE);
    /* The pages exist before the first token, so no page fault is timed and the peak is honest. */
    for (size_t at = 0; at < size; at += PAGE)
        ((volatile char *)p)[at] = 0;
    *a = (struct arena){.base = p, .size = size};
    return 0;
}

void arena_unmap(struct arena *a)
{
    if (a && a->base)
        munmap(a->base, a->size);
    if (a)
        *a = (struct arena){0};
}
