/* The scores of a run: a row per task and scorer, for each variant the value and its interval; then how the divergence is spread
 * over tokens, a row per variant.  A run with nothing but the
 * perplexity of its text has it in the table of cells and no table here. */
/* SPDX-License-Identifier: MIT */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "bench/cmd/show_parts.h"
#include "bench/cmd/spread.h"
#include "bench/cmd/stored_scores.h"
#include "bench/cmd/table.h"

#define ABREAST 3 /* variants in one table: more do not fit a screen, so they have tables of their own below it */

static int same(const struct rows *r, int i, int k, const char *column)
{
    return !strcmp(rows_get(r, i, column), rows_get(r, k, column));
}

/* Row behind the last one of the task and scorer that row `first` has. */
static int line_end(const struct rows *r, int first)
{
    int i = first;
    while (i < r->n && same(r, i, first, "task") && same(r, i, first, "task_sha256") && same(r, i, first, "scorer"))
        i++;
    return i;
}

static void add_score(struct table *t, const struct rows *r, int row)
{
    double value = 0, low = NAN, high = NAN;
    struct text score = {0}, interval = {0};
    if (row < 0)
        text_printf(&score, "-");
    else if (rows_number(r, row, "value", &value))
        score_number(&score, value, value, 0);
    else
        text_printf(&score, "%s", rows_get(r, row, "state"));
    if (row >= 0 && rows_number(r, row, "low", &low))
        rows_number(r, row, "high", &high);
    score_interval(&interval, low, high, value, 0);
    table_add(t, "%s", score.p);
    table_add(t, "%s", interval.p);
    text_free(&score);
    text_free(&interval);
}

/* variant: for each of n columns a row that has it. */
static void print_table(const struct rows *r, const int *variant, int n)
{
    struct table t = {0};
    table_column(&t, "task", TABLE_LEFT);
    table_column(&t, "scorer", TABLE_LEFT);
    table_column(&t, "items", TABLE_RIGHT);
    for (int v = 0; v < n; v++) {
        table_column(&t, rows_get(r, variant[v], "quality"), TABLE_RIGHT);
        table_column(&t, "[low, high]", TABLE_RIGHT);
    }
    for (int first = 0, end; first < r->n; first = end) {
        double items = 0, x;
        end = line_end(r, first);
        for (int i = first; i < end; i++) /* one that failed has none */
            items = rows_number(r, i, "items", &x) && x > items ? x : items;
        table_add(&t, "%s", rows_get(r, first, "task"));
        table_add(&t, "%s", rows_get(r, first, "scorer"));
        table_add(&t, "%.0f", items);
        for (int v = 0; v < n; v++) {
            int i = first;
            while (i < end && !same(r, i, variant[v], "variant"))
                i++;
            add_score(&t, r, i < end ? i : -1);
        }
    }
    putchar('\n');
    table_print(&t, stdout);
    table_free(&t);
}

static void print_tables(const struct rows *r)
{
    int abreast[ABREAST], n = 0;
    for (int i = 0; i < r->n; i++) {
        int seen = 0;
        for (int k = 0; k < i && !seen; k++)
            seen = same(r, i, k, "variant");
        if (!seen)
            abreast[n++] = i;
        if (n == ABREAST || (n && i == r->n - 1)) {
            print_table(r, abreast, n);
            n = 0;
        }
    }
}

/* What the interval is, and why some scores have none: each reason once. */
static void print_notes(const struct rows *r)
{
    printf("[low, high]: bootstrap interval over items, level 95%%\n");
    for (int i = 0; i < r->n; i++) {
        const char *why = rows_get(r, i, "no_interval");
        int said = !why || strcmp(rows_get(r, i, "state"), "ok") != 0; /* a failed score has its reason among the remarks */
        for (int k = 0; k < i && !said; k++)
            said = rows_get(r, k, "no_interval") && same(r, i, k, "no_interval");
        if (!said)
            printf("%s on %s has none: %s\n", rows_get(r, i, "scorer"), rows_get(r, i, "task"), why);
    }
}

static void add_number(struct table *t, double x)
{
    struct text number = {0};
    score_number(&number, x, x, 0);
    table_add(t, "%s", number.p);
    text_free(&number);
}

/* A row per score that keeps a value of each token. */
static void print_spreads(const struct rows *r)
{
    struct table t = {0};
    int n = 0;
    table_column(&t, "over tokens", TABLE_LEFT);
    table_column(&t, "scorer", TABLE_LEFT);
    table_column(&t, "variant", TABLE_LEFT);
    table_column(&t, "tokens", TABLE_RIGHT);
    table_column(&t, "mean", TABLE_RIGHT);
    for (const struct spread *q = spreads; q->name; q++)
        table_column(&t, q->name, TABLE_RIGHT);
    for (int i = 0; i < r->n; i++) {
        double x;
        if (!rows_number(r, i, spreads->name, &x))
            continue;
        n++;
        table_add(&t, "%s", rows_get(r, i, "task"));
        table_add(&t, "%s", rows_get(r, i, "scorer"));
        table_add(&t, "%s", rows_get(r, i, "quality"));
        table_add(&t, "%s", rows_get(r, i, "tokens"));
        rows_number(r, i, "value", &x);
        add_number(&t, x);
        for (const struct spread *q = spreads; q->name; q++) {
            rows_number(r, i, q->name, &x);
            add_number(&t, x);
        }
    }
    if (n) {
        putchar('\n');
        table_print(&t, stdout);
    }
    table_free(&t);
}

int show_scores(struct store *s, const char *run, struct err *e)
{
    struct rows r;
    if (stored_scores(&r, s, run, e))
        return -1;
    if (r.n && (line_end(&r, 0) < r.n || strcmp(rows_get(&r, 0, "scorer"), "perplexity") != 0)) {
        print_tables(&r);
        print_notes(&r);
        print_spreads(&r);
    }
    rows_free(&r);
    return 0;
}
