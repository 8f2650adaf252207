/* SPDX-License-Identifier: MIT */
#include "bench/cmd/rows.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

static void keep(struct rows *r, int n, const char *const *texts)
{
    int used = (r->n + 1) * r->columns;
    if (r->columns == 0 || used + n > r->cap) {
        r->cap = r->cap ? r->cap * 2 : n * 16;
        r->cell = realloc(r->cell, (size_t)r->cap * sizeof *r->cell);
        if (!r->cell)
            abort();
    }
    for (int i = 0; i < n; i++) {
        char *copy = texts[i] ? strdup(texts[i]) : NULL;
        if (texts[i] && !copy)
            abort();
        r->cell[used + i] = copy;
    }
}

static int add_row(void *ctx, int n, const char *const *column, const char *const *value)
{
    struct rows *r = ctx;
    if (!r->columns) {
        keep(r, n, column);
        r->columns = n;
    }
    keep(r, n, value);
    r->n++;
    return 0;
}

int rows_load(struct rows *r, struct store *s, const char *sql, const char *const *params, struct err *e)
{
    *r = (struct rows){0};
    if (!store_query(s, sql, params, add_row, r, e))
        return 0;
    rows_free(r);
    return -1;
}

void rows_free(struct rows *r)
{
    for (int i = 0; r->columns && i < (r->n + 1) * r->columns; i++)
        free(r->cell[i]);
    free(r->cell);
    *r = (struct rows){0};
}

static int find(const struct rows *r, const char *name)
{
    int i = 0;
    while (i < r->columns && strcmp(r->cell[i], name) != 0)
        i++;
    return i;
}

int rows_has(const struct rows *r, const char *name)
{
    return find(r, name) < r->columns;
}

int rows_column(const struct rows *r, const char *name)
{
    int i = find(r, name);
    if (i == r->columns)
        abort();
    return i;
}

const char *rows_get(const struct rows *r, int row, const char *column)
{
    return r->cell[(row + 1) * r->columns + rows_column(r, column)];
}

int rows_number(const struct rows *r, int row, const char *column, double *x)
{
    const char *text = rows_get(r, row, column);
    if (!text)
        return 0;
    *x = strtod(text, NULL);
    return 1;
}

void rows_set(struct rows *r, int row, const char *column, const char *text)
{
    char **cell = &r->cell[(row + 1) * r->columns + rows_column(r, column)], *copy = strdup(text);
    if (!copy)
        abort();
    free(*cell);
    *cell = copy;
}

static void csv_field(const char *s, FILE *out)
{
    if (!strpbrk(s, ",\"\r\n")) {
        fputs(s, out);
        return;
    }
    putc('"', out);
    for (; *s; s++) {
        if (*s == '"')
            putc('"', out);
        putc(*s, out);
    }
    putc('"', out);
}

void rows_csv(const struct rows *r, FILE *out)
{
    for (int i = 0; r->columns && i < (r->n + 1) * r->columns; i++) {
        csv_field(r->cell[i] ? r->cell[i] : "", out);
        putc((i + 1) % r->columns ? ',' : '\n', out);
    }
}

int rows_object(json_t **object, struct store *s, const char *sql, const char *const *params, struct err *e)
{
    struct rows r;
    json_error_t why;
    *object = NULL;
    if (rows_load(&r, s, sql, params, e))
        return -1;
    int rows = r.n;
    if (rows)
        *object = json_loads(r.cell[r.columns], 0, &why);
    rows_free(&r);
    if (rows && !*object)
        return err_set(e, ERR_ENV, "a text in the database cannot be written as JSON: %s", why.text);
    return 0;
}
