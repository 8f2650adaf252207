/* table.h - a table of text for the terminal: every column as wide as its widest cell, numbers to the right.
 *
 *     struct table t = {0};
 *     table_column(&t, "format", TABLE_LEFT);
 *     table_column(&t, "ms/token", TABLE_RIGHT);
 *     table_add(&t, "%s", "q4_0");
 *     table_add(&t, "%.2f", 12.5);
 *     table_print(&t, stdout);
 *     table_free(&t);
 *
 * All columns first, then the cells row by row.  Widths count characters, not bytes of UTF-8.  Aborts when memory is out. */
/* SPDX-License-Identifier: MIT */
#ifndef BENCH_CMD_TABLE_H
#define BENCH_CMD_TABLE_H

#include <stddef.h>
#include <stdio.h>

enum table_align { TABLE_LEFT, TABLE_RIGHT };

#define TABLE_MAX_COLUMNS 32

struct table {
    int columns;
    enum table_align align[TABLE_MAX_COLUMNS];
    char **cell; /* titles, then row after row */
    size_t n, cap;
};

void table_column(struct table *t, const char *title, enum table_align align);
/* The next cell.  An empty text stays empty: say "-" for what was not measured. */
void table_add(struct table *t, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* Columns two spaces apart, no spaces at the end of a line; a started row is filled up with empty cells. */
void table_print(const struct table *t, FILE *out);
void table_free(struct table *t);

/* Columns that a text takes on a terminal: combining marks none, East Asian wide characters and emoji two. */
int text_columns(const char *s);

#endif
