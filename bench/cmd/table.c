/* SPDX-License-Identifier: MIT */
#include "bench/cmd/table.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"

static void keep(struct table *t, char *cell)
{
    if (t->n == t->cap) {
        t->cap = t->cap ? t->cap * 2 : 64;
        t->cell = realloc(t->cell, t->cap * sizeof *t->cell);
        if (!t->cell)
            abort();
    }
    t->cell[t->n++] = cell;
}

void table_column(struct table *t, const char *title, enum table_align align)
{
    if (t->columns == TABLE_MAX_COLUMNS || t->n != (size_t)t->columns)
        abort(); /* a bug of the caller: too many columns, or a column after the first cell */
    t->align[t->columns++] = align;
    table_add(t, "%s", title);
}

void table_add(struct table *t, const char *fmt, ...)
{
    va_list ap;
    char *cell;
    va_start(ap, fmt);
    if (vasprintf(&cell, fmt, ap) < 0)
        abort();
    va_end(ap);
    keep(t, cell);
}

/* Code points by the columns they take; the ranges are the bulk of Unicode's combining marks and of East Asian Width W and F. */
static int columns_of(uint32_t c)
{
    if ((c >= 0x300 && c <= 0x36f) || (c >= 0x200b && c <= 0x200f) || (c >= 0xfe00 && c <= 0xfe0f))
        return 0;
    if ((c >= 0x1100 && c <= 0x115f) || (c >= 0x2e80 && c <= 0xa4cf) || (c >= 0xac00 && c <= 0xd7a3) ||
        (c >= 0xf900 && c <= 0xfaff) || (c >= 0xfe30 && c <= 0xfe6f) || (c >= 0xff00 && c <= 0xff60) ||
        (c >= 0x1f300 && c <= 0x1faff) || (c >= 0x20000 && c <= 0x3fffd))
        return 2;
    return 1;
}

int text_columns(const char *s)
{
    int columns = 0;
    while (*s) {
        unsigned char lead = (unsigned char)*s++;
        uint32_t c = lead < 0xc0 ? lead : lead < 0xe0 ? lead & 0x1f : lead < 0xf0 ? lead & 0x0f : lead & 0x07;
        while (((unsigned char)*s & 0xc0) == 0x80)
            c = c << 6 | ((unsigned char)*s++ & 0x3f);
        columns += columns_of(c);
    }
    return columns;
}

void table_print(const struct table *t, FILE *out)
{
    int width[TABLE_MAX_COLUMNS] = {0};
    for (size_t i = 0; i < t->n; i++) {
        int w = text_columns(t->cell[i]);
        int *widest = &width[i % (size_t)t->columns];
        if (w > *widest)
            *widest = w;
    }
    struct text line = {0};
    for (size_t i = 0; i < t->n; i++) {
        int column = (int)(i % (size_t)t->columns);
        int pad = width[column] - text_columns(t->cell[i]);
        text_printf(&line, "%s%*s%s%*s", column ? "  " : "", t->align[column] == TABLE_RIGHT ? pad : 0, "", t->cell[i],
                    t->align[column] == TABLE_LEFT ? pad : 0, "");
        if (column == t->columns - 1 || i == t->n - 1) {
            while (line.n && line.p[line.n - 1] == ' ')
                line.n--;
            fprintf(out, "%.*s\n", (int)line.n, line.n ? line.p : "");
            line.n = 0;
        }
    }
    text_free(&line);
}

void table_free(struct table *t)
{
    for (size_t i = 0; i < t->n; i++)
        free(t->cell[i]);
    free(t->cell);
    *t = (struct table){0};
}
