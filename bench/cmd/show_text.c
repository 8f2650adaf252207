/* A run as text: what it is, what is the same in all its cells, a row per cell, then what could not be measured and why. */
/* SPDX-License-Identifier: MIT */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "bench/cmd/rows.h"
#include "bench/cmd/show_parts.h"
#include "bench/cmd/table.h"

/* Axes in the order of the columns, as v_cell and v_vary name them. */
static const struct {
    const char *name;
    enum table_align align;
} axes_shown[] = {
    {"model", TABLE_LEFT},    {"format", TABLE_LEFT},  {"kv", TABLE_LEFT},      {"policy", TABLE_LEFT},
    {"compute", TABLE_LEFT},  {"isa", TABLE_LEFT},     {"runtime", TABLE_LEFT}, {"context", TABLE_RIGHT},
    {"threads", TABLE_RIGHT}, {"decode", TABLE_RIGHT}, {"batch", TABLE_RIGHT},
};
#define N_AXES (sizeof axes_shown / sizeof *axes_shown)

/* What is measured, beside ms/token: column of v_cell, title, divisor of the unit, and the digits that mean something.  A column
 * without any value is not printed. */
static const struct {
    const char *name, *title;
    double unit;
    int digits;
} measures[] = {
    {"prefill_ms", "prefill ms", 1, 3},    {"prefill_tokens_per_s", "tok/s", 1, 3},    {"ttft_ms", "TTFT ms", 1, 3},
    {"peak_bytes", "peak MiB", 0x1p20, 3}, {"peak_anon_bytes", "anon MiB", 0x1p20, 3}, {"peak_file_bytes", "file MiB", 0x1p20, 3},
    {"start_bytes", "start MiB", 0x1p20, 3}, {"plan_bytes", "plan MiB", 0x1p20, 3}, {"perplexity", "perplexity", 1, 5},
};
#define N_MEASURES (sizeof measures / sizeof *measures)

/* Decimals for a column so that its smallest value has `digits` of them; -1: it has no value. */
static int decimals(const struct rows *r, const char *column, double unit, int digits)
{
    double x, least = INFINITY;
    int found = 0;
    for (int i = 0; i < r->n; i++)
        if (rows_number(r, i, column, &x)) {
            found = 1;
            if (x > 0 && x / unit < least)
                least = x / unit;
        }
    if (!found)
        return -1;
    if (!isfinite(least))
        return 0;
    int d = digits - 1 - (int)floor(log10(least));
    return d < 0 ? 0 : d > 5 ? 5 : d;
}

static void add_number(struct table *t, const struct rows *r, int row, const char *column, double unit, int digits)
{
    double x;
    if (rows_number(r, row, column, &x))
        table_add(t, "%.*f", digits, x / unit);
    else
        table_add(t, "-");
}

static int varies(const struct rows *vary, const char *axis)
{
    return vary->n && !strcmp(rows_get(vary, 0, axis), "1");
}

/* The format always has a column: something must name the row. */
static int has_column(const struct rows *vary, size_t axis)
{
    return varies(vary, axes_shown[axis].name) || !strcmp(axes_shown[axis].name, "format");
}

static void add_axis(struct table *t, const struct rows *c, int row, const char *axis)
{
    const char *value = rows_get(c, row, axis), *cpus = strcmp(axis, "threads") ? NULL : rows_get(c, row, "on_cpus");
    if (cpus)
        table_add(t, "%s on %s CPU%s", value, cpus, strcmp(cpus, "1") ? "s" : "");
    else
        table_add(t, "%s", value ? value : "-");
}

static void add_cell(struct table *t, const struct rows *c, int row, int digits)
{
    double low, high;
    add_number(t, c, row, "ms_per_token", 1, digits);
    if (rows_number(c, row, "ms_per_token_low", &low) && rows_number(c, row, "ms_per_token_high", &high))
        table_add(t, "[%.*f, %.*f]", digits, low, digits, high);
    else
        table_add(t, "-");
    const char *failed = rows_get(c, row, "trials_failed");
    if (rows_get(c, row, "infeasible"))
        table_add(t, "cannot run");
    else if (strcmp(failed, "0") != 0)
        table_add(t, "%s, %s failed", rows_get(c, row, "trials_ok"), failed);
    else
        table_add(t, "%s", rows_get(c, row, "trials_ok"));
}

static void print_cells(const struct rows *c, const struct rows *vary)
{
    struct table t = {0};
    int digits[N_MEASURES], ms = decimals(c, "ms_per_token", 1, 4);
    for (size_t a = 0; a < N_AXES; a++)
        if (has_column(vary, a))
            table_column(&t, axes_shown[a].name, axes_shown[a].align);
    table_column(&t, "ms/token", TABLE_RIGHT);
    table_column(&t, "[low, high]", TABLE_RIGHT);
    table_column(&t, "trials", TABLE_RIGHT);
    for (size_t m = 0; m < N_MEASURES; m++)
        if ((digits[m] = decimals(c, measures[m].name, measures[m].unit, measures[m].digits)) >= 0)
            table_column(&t, measures[m].title, TABLE_RIGHT);
    for (int i = 0; i < c->n; i++) {
        for (size_t a = 0; a < N_AXES; a++) {
            if (has_column(vary, a))
                add_axis(&t, c, i, axes_shown[a].name);
        }
        add_cell(&t, c, i, ms);
        for (size_t m = 0; m < N_MEASURES; m++)
            if (digits[m] >= 0)
                add_number(&t, c, i, measures[m].name, measures[m].unit, digits[m]);
    }
    table_print(&t, stdout);
    table_free(&t);
}

/* What the interval is worth: with few trials it is their whole range and covers less than it should. */
static void print_coverage(const struct rows *c)
{
    double coverage, least = 1, n, fewest = 0;
    for (int i = 0; i < c->n; i++)
        if (rows_number(c, i, "ms_per_token_coverage", &coverage) && coverage < least) {
            least = coverage;
            rows_number(c, i, "trials_ok", &n);
            fewest = n;
        }
    if (fewest > 0 && least < 0.95)
        printf("[low, high]: the range of the trials; with %.0f it holds the true median in %.0f%% of runs (6 trials: 97%%)\n",
               fewest, least * 100);
    else if (fewest > 0)
        printf("[low, high]: interval of the median over trials, level 95%%\n");
}

static void print_heading(const struct rows *r)
{
    int one = !strcmp(rows_get(r, 0, "trials"), "1");
    printf("run %s, %s, started %s, %s cells, %s trial%s each\n", rows_get(r, 0, "run"), rows_get(r, 0, "state"),
           rows_get(r, 0, "started"), rows_get(r, 0, "cells"), rows_get(r, 0, "trials"), one ? "" : "s");
    printf("command:   %s\n", rows_get(r, 0, "command"));
    printf("machine:   %s\n", rows_get(r, 0, "machine"));
    printf("build:     %s\n", rows_get(r, 0, "build"));
    if (rows_get(r, 0, "shared"))
        printf("all cells: %s\n", rows_get(r, 0, "shared"));
}

static void print_remarks(const struct rows *r)
{
    for (int i = 0; i < r->n; i++) {
        const char *title = rows_get(r, i, "title");
        if (i == 0 || strcmp(title, rows_get(r, i - 1, "title")) != 0)
            printf("\n%s\n", title);
        printf("  %s: %s\n", rows_get(r, i, "what"), rows_get(r, i, "why"));
    }
}

int show_text(struct store *s, const char *run, struct err *e)
{
    struct rows heading = {0}, cells = {0}, vary = {0}, remarks = {0};
    const char *const params[] = {run, NULL};
    int rc = -1;
    if (rows_load(&heading, s, "SELECT * FROM v_run WHERE run = CAST(?1 AS INTEGER)", params, e) ||
        rows_load(&cells, s, SHOW_CELLS, params, e) ||
        rows_load(&vary, s, "SELECT * FROM v_vary WHERE run = CAST(?1 AS INTEGER)", params, e) ||
        rows_load(&remarks, s, "SELECT title, what, why FROM v_remark WHERE run = CAST(?1 AS INTEGER)", params, e))
        goto out;
    print_heading(&heading);
    if (cells.n) {
        putchar('\n');
        print_cells(&cells, &vary);
        print_coverage(&cells);
    }
    if (show_scores(s, run, e))
        goto out;
    print_remarks(&remarks);
    rc = 0;
out:
    rows_free(&heading);
    rows_free(&cells);
    rows_free(&vary);
    rows_free(&remarks);
    return rc;
}
