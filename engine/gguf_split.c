/* gguf_split.c - a model in several files, NAME-00001-of-00003.gguf and so on, opened as one.
 *
 * The first part has all the keys; each has its number, the number of parts and that of all tensors (split.no, counted from 0,
 * split.count, split.tensors.count), and its share of the tensors.  All of that is checked in every part, and a part that is
 * missing is named.  Written by llama.cpp's gguf-split and its Python converter. */
/* SPDX-License-Identifier: MIT */
#include "engine/gguf_split.h"

#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define END_BYTES 20 /* of "-00001-of-00003.gguf" */

static int begins(struct gguf_str s, const char *with)
{
    size_t n = strlen(with);
    return s.n >= n && !memcmp(s.p, with, n);
}

/* The end of the name of part `no`, counted from 0. */
static void end_of(char end[32], int no, int count)
{
    snprintf(end, 32, "-%05d-of-%05d.gguf", no + 1, count);
}

/* The three numbers of one part; tensors -1 where there is none. */
static int numbers(const struct gguf *g, int64_t *no, int64_t *count, int64_t *tensors, struct err *e)
{
    return gguf_int(g, "split.no", 0, UINT16_MAX, 0, no, e) || gguf_int(g, "split.count", 0, UINT16_MAX, 0, count, e) ||
                   gguf_int(g, "split.tensors.count", 0, INT32_MAX, -1, tensors, e)
               ? -1
               : 0;
}

/* A part behind the first has tensors and no keys of the model, else they would be ignored. */
static int check_part(const struct gguf *part, int want, int64_t of, int64_t of_tensors, struct err *e)
{
    int64_t no, count, tensors;
    char name[96];
    if (numbers(part, &no, &count, &tensors, e))
        return -1;
    if (no != want || count != of || tensors != of_tensors)
        return err_set(e, ERR_ENV,
                       "it says that it is part %" PRId64 " of %" PRId64 " with %" PRId64
                       " tensors together, the first part says "
                       "%d of %" PRId64 " with %" PRId64 "; the parts are of different models, fetch them again",
                       no + 1, count, tensors, want + 1, of, of_tensors);
    for (uint64_t i = 0; i < part->n_kv; i++)
        if (!begins(part->kv[i].key, "split.") && !begins(part->kv[i].key, "general."))
            return err_set(e, ERR_ENV,
                           "key \"%s\" stands in a part behind the first, where none is expected; split the model again",
                           gguf_printable(part->kv[i].key, name, sizeof name));
    return 0;
}

/* Takes over the map and the tensors of a part. */
static int add_part(struct gguf *g, struct gguf *part, struct err *e)
{
    struct gguf_tensor *all = realloc(g->tensor, (g->n_tensor + part->n_tensor + 1) * sizeof *all);
    if (all)
        g->tensor = all;
    struct map *more = realloc(g->more, (size_t)(g->n_more + 1) * sizeof *more);
    if (more)
        g->more = more;
    if (!all || !more)
        return err_set(e, ERR_ENV, "out of memory for an index of %" PRIu64 " tensors", g->n_tensor + part->n_tensor);
    memcpy(all + g->n_tensor, part->tensor, part->n_tensor * sizeof *all);
    g->n_tensor += part->n_tensor;
    g->more[g->n_more++] = part->map;
    g->bytes += part->map.n;
    part->map = (struct map){0};
    return 0;
}

static int join(struct gguf *g, const char *path, int64_t count, int64_t tensors, int populate, struct err *e)
{
    char end[32], name[PATH_MAX];
    size_t n = strlen(path);
    end_of(end, 0, (int)count);
    if (n < END_BYTES || n >= sizeof name || strcmp(path + n - END_BYTES, end) != 0)
        return err_set(e, ERR_ENV,
                       "%s: it is the first of %" PRId64 " parts, but its name does not end in \"%s\", so the others "
                       "cannot be found; give all parts the names that they were published with",
                       path, count, end);
    for (int i = 1; i < count; i++) {
        struct gguf part;
        end_of(end, i, (int)count);
        snprintf(name, sizeof name, "%.*s%s", (int)(n - END_BYTES), path, end);
        if (gguf_open_part(&part, name, populate, e))
            return err_where(e, "%s: part %d of %" PRId64 " is needed", path, i + 1, count);
        int failed = check_part(&part, i, count, tensors, e) || add_part(g, &part, e);
        gguf_close(&part);
        if (failed)
            return err_where(e, "%s", name);
    }
    if (gguf_check_names(g, path, e))
        return -1;
    if (tensors != (int64_t)g->n_tensor)
        return err_set(e, ERR_ENV,
                       "%s: its %" PRId64 " parts have %" PRIu64 " tensors together, but key \"split.tensors.count\" is "
                       "%" PRId64 "; a part is damaged, fetch them again",
                       path, count, g->n_tensor, tensors);
    return 0;
}

int gguf_open(struct gguf *g, const char *path, int populate, struct err *e)
{
    int64_t no, count, tensors;
    if (gguf_open_part(g, path, populate, e))
        return -1;
    int failed = numbers(g, &no, &count, &tensors, e) ? err_where(e, "%s", path) : 0;
    if (!failed && count > 1 && no > 0)
        failed = err_set(e, ERR_ENV, "%s: it is part %" PRId64 " of %" PRId64 "; name the first part, the others are found by it",
                         path, no + 1, count);
    if (!failed && count > 1)
        failed = join(g, path, count, tensors, populate, e);
    if (failed)
        gguf_close(g);
    return failed ? -1 : 0;
}

void gguf_sha256(const struct gguf *g, char hex[65])
{
    sha256_bytes(g->map.p, g->map.n, hex);
    if (!g->n_more)
        return;
    char *all = malloc((size_t)(g->n_more + 1) * 65);
    if (!all)
        abort();
    memcpy(all, hex, 64);
    for (int i = 0; i < g->n_more; i++)
        sha256_bytes(g->more[i].p, g->more[i].n, all + (size_t)(i + 1) * 64);
    sha256_bytes(all, (size_t)(g->n_more + 1) * 64, hex);
    free(all);
}
