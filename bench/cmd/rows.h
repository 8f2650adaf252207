/* rows.h - the answer to a query, held whole: what the text tables and the figures' data files are made of. */
/* SPDX-License-Identifier: MIT */
#ifndef BENCH_CMD_ROWS_H
#define BENCH_CMD_ROWS_H

#include <stdio.h>

#include "base/err.h"
#include "results/store.h"

struct rows {
    int columns, n;
    char **cell; /* names of the columns, then [n][columns] values; NULL is SQL's NULL */
    int cap;
};

int rows_load(struct rows *r, struct store *s, const char *sql, const char *const *params, struct err *e);
void rows_free(struct rows *r);

/* Number of a column; asking for one that the query does not have is a bug and aborts. */
int rows_column(const struct rows *r, const char *name);
int rows_has(const struct rows *r, const char *name);
const char *rows_get(const struct rows *r, int row, const char *column);
/* 1 with *x set; 0 where it is NULL. */
int rows_number(const struct rows *r, int row, const char *column, double *x);

/* Puts another value there (a copy). */
void rows_set(struct rows *r, int row, const char *column, const char *text);

/* Names and rows as comma-separated values (RFC 4180), NULL as an empty field. */
void rows_csv(const struct rows *r, FILE *out);

/* The one JSON object that the query makes (a json_t *, for the caller to release); NULL where the query has no row. */
struct json_t;
int rows_object(struct json_t **object, struct store *s, const char *sql, const char *const *params, struct err *e);

#endif
