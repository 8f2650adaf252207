/* SPDX-License-Identifier: MIT */
#include "bench/cmd/gate_report.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "bench/cmd/table.h"
#include "bench/gate_metric.h"

int gate_report_load(struct gate_report_rows *r, struct store *s, int64_t run, struct err *e)
{
    char number[24];
    snprintf(number, sizeof number, "%lld", (long long)run);
    const char *const params[] = {number, NULL};
    *r = (struct gate_report_rows){0};
    if (rows_load(&r->gate, s, "SELECT * FROM v_gate WHERE run = CAST(?1 AS INTEGER)", params, e) ||
        rows_load(&r->verdict, s, "SELECT * FROM v_verdict WHERE run = CAST(?1 AS INTEGER)", params, e)) {
        gate_report_free(r);
        return -1;
    }
    r->order = calloc((size_t)r->verdict.n + 1, sizeof *r->order);
    if (!r->order)
        abort();
    int n = 0, from = 0, to;
    for (; from < r->verdict.n && !gate_row_scorer(r, from); from = to) {
        for (to = from; to < r->verdict.n && !gate_row_scorer(r, to) &&
                        !strcmp(rows_get(&r->verdict, to, "cell"), rows_get(&r->verdict, from, "cell"));)
            to++;
        for (int k = 0; k < gate_n_metrics; k++)
            for (int i = from; i < to; i++)
                if (!strcmp(rows_get(&r->verdict, i, "metric"), gate_metrics[k].name))
                    r->order[n++] = i;
    }
    for (; from < r->verdict.n; from++)
        r->order[n++] = from;
    return 0;
}

void gate_report_free(struct gate_report_rows *r)
{
    rows_free(&r->gate);
    rows_free(&r->verdict);
    free(r->order);
    r->order = NULL;
}

/* -- one row --------------------------------------------------------------------------------------------------------------- */

const char *gate_row_scorer(const struct gate_report_rows *r, int row)
{
    return rows_get(&r->verdict, row, "scorer");
}

/* NULL: of a score. */
static const struct gate_metric *metric_of(const struct gate_report_rows *r, int row)
{
    return gate_row_scorer(r, row) ? NULL : &gate_metrics[gate_metric_index(rows_get(&r->verdict, row, "metric"))];
}

int gate_row_gates(const struct gate_report_rows *r, int row)
{
    return !strcmp(rows_get(&r->verdict, row, "gates"), "1");
}

const char *gate_row_outcome(const struct gate_report_rows *r, int row)
{
    static const char *const told[][2] = {
        {"regressed", "(regressed)"}, {"inconclusive", "(inconclusive)"}, {"invalid", "(invalid)"}};
    const char *outcome = rows_get(&r->verdict, row, "outcome");
    for (size_t i = 0; !gate_row_gates(r, row) && i < sizeof told / sizeof *told; i++)
        if (!strcmp(outcome, told[i][0]))
            return told[i][1];
    return outcome;
}

void gate_row_value(const struct gate_report_rows *r, int row, const char *which, char buf[48])
{
    const struct gate_metric *m = metric_of(r, row);
    double x;
    if (!rows_number(&r->verdict, row, which, &x))
        snprintf(buf, 48, "-");
    else if (!m)
        snprintf(buf, 48, "%.5g", x);
    else if (m->must_equal)
        snprintf(buf, 48, "%08x", (unsigned)((uint64_t)x >> 32)); /* of a hash; a double keeps its upper bits */
    else
        snprintf(buf, 48, "%.4g%s%s", x * m->scale, *m->unit ? " " : "", m->unit);
}

void gate_row_change(const struct gate_report_rows *r, int row, const char *column, int sign, char buf[24])
{
    double x;
    if (!rows_number(&r->verdict, row, column, &x))
        snprintf(buf, 24, "-");
    else if (gate_row_scorer(r, row))
        snprintf(buf, 24, sign ? "%+.3g" : "%.3g", x);
    else
        snprintf(buf, 24, sign ? "%+.1f%%" : "%.1f%%", 100 * (exp(x) - 1));
}

int gate_count(const struct gate_report_rows *r, const char *outcome)
{
    int n = 0;
    for (int i = 0; i < r->verdict.n; i++)
        n += gate_row_gates(r, i) && (!outcome || !strcmp(rows_get(&r->verdict, i, "outcome"), outcome));
    return n;
}

/* -- text ------------------------------------------------------------------------------------------------------------------ */

static void add_row(struct table *t, const struct gate_report_rows *r, int row)
{
    char a[48], b[48], low[24], high[24], p[24], interval[64] = "-";
    table_add(t, "%s", rows_get(&r->verdict, row, "label"));
    table_add(t, "%s", rows_get(&r->verdict, row, "metric"));
    gate_row_value(r, row, "base", a);
    gate_row_value(r, row, "head", b);
    table_add(t, "%s", a);
    table_add(t, "%s", b);
    gate_row_change(r, row, "estimate", 1, p);
    table_add(t, "%s", p);
    gate_row_change(r, row, "low", 1, low);
    gate_row_change(r, row, "high", 1, high);
    if (strcmp(low, "-") != 0)
        snprintf(interval, sizeof interval, "[%s, %s]", low, high);
    table_add(t, "%s", interval);
    gate_row_change(r, row, "null_estimate", 1, p);
    table_add(t, "%s", p);
    gate_row_change(r, row, "mde", 0, p);
    table_add(t, "%s", p);
    table_add(t, "%s", strcmp(rows_get(&r->verdict, row, "units"), "0") ? rows_get(&r->verdict, row, "units") : "-");
    table_add(t, "%s", gate_row_outcome(r, row));
}

/* Exact metrics that are as they should be need no row each, and what is absent stands among the reasons. */
static int is_plain(const struct gate_report_rows *r, int row)
{
    const char *outcome = rows_get(&r->verdict, row, "outcome");
    int exact = gate_row_scorer(r, row) ? !strcmp(rows_get(&r->verdict, row, "test"), "logits") : metric_of(r, row)->fact != NULL;
    return (exact && !strcmp(outcome, "pass")) || !strcmp(outcome, "absent");
}

static void print_exact(const struct gate_report_rows *r, FILE *out)
{
    int listed = 0;
    for (int k = 0; k < gate_n_metrics; k++) {
        int n = 0;
        for (int i = 0; gate_metrics[k].fact && i < r->verdict.n; i++)
            n += !strcmp(rows_get(&r->verdict, i, "metric"), gate_metrics[k].name) &&
                 !strcmp(rows_get(&r->verdict, i, "outcome"), "pass");
        if (n)
            fprintf(out, "%s%s in %d", listed++ ? ", " : "exact and not worse: ", gate_metrics[k].name, n);
    }
    fputs(listed ? " cells\n" : "", out);
}

/* Variants that did not have to be scored. */
static void print_same(const struct gate_report_rows *r, FILE *out)
{
    const char *last = NULL;
    int n = 0;
    for (int i = 0; i < r->verdict.n; i++) {
        const char *label = rows_get(&r->verdict, r->order[i], "label");
        if (!gate_row_scorer(r, r->order[i]) || !is_plain(r, r->order[i]) || (last && !strcmp(last, label)))
            continue;
        fprintf(out, "%s%s", n++ ? ", " : "the same logits, so the same quality: ", last = label);
    }
    fputs(n ? "\n" : "", out);
}

/* Reasons once each, with the first of the rows that have it and how many more. */
static void print_reasons(const struct gate_report_rows *r, FILE *out)
{
    int titled = 0;
    for (int i = 0; i < r->verdict.n; i++) {
        const char *why = rows_get(&r->verdict, r->order[i], "reason");
        int more = 0, seen = !*why;
        for (int k = 0; k < r->verdict.n; k++) {
            int same = !strcmp(rows_get(&r->verdict, r->order[k], "reason"), why);
            seen |= same && k < i;
            more += same && k > i;
        }
        if (seen)
            continue;
        fprintf(out, "%s  %s, %s", titled++ ? "" : "\n", rows_get(&r->verdict, r->order[i], "label"),
                rows_get(&r->verdict, r->order[i], "metric"));
        if (more)
            fprintf(out, " and %d more", more);
        fprintf(out, ", %s: %s\n", gate_row_outcome(r, r->order[i]), why);
    }
}

/* "base:      bench 0.1.0 (abc), old/bench, model v1.gguf, scores in run 7" */
static void print_side(const struct gate_report_rows *r, const char *arm, FILE *out)
{
    static const char *const parts[][2] = {{"path", ", "}, {"model", ", model "}, {"run", ", scores in run "}};
    char column[24];
    snprintf(column, sizeof column, "%s_build", arm);
    fprintf(out, "%s:      %s", arm, rows_get(&r->gate, 0, column));
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
        snprintf(column, sizeof column, "%s_%s", arm, parts[i][0]);
        if (rows_get(&r->gate, 0, column))
            fprintf(out, "%s%s", parts[i][1], rows_get(&r->gate, 0, column));
    }
    putc('\n', out);
}

void gate_print_text(const struct gate_report_rows *r, FILE *out)
{
    static const struct {
        const char *title;
        enum table_align align;
    } columns[] = {{"cell", TABLE_LEFT},    {"metric", TABLE_LEFT}, {"base", TABLE_RIGHT}, {"head", TABLE_RIGHT},
                   {"change", TABLE_RIGHT}, {"95%", TABLE_RIGHT},   {"null", TABLE_RIGHT}, {"MDE", TABLE_RIGHT},
                   {"units", TABLE_RIGHT},  {"outcome", TABLE_LEFT}};
    const struct rows *g = &r->gate;
    const char *outcome = rows_get(g, 0, "outcome");
    struct table t = {0};
    fprintf(out, "gate %s: %s%s%s\n", rows_get(g, 0, "run"), outcome ? outcome : "not ended",
            *rows_get(g, 0, "reason") ? ": " : "", rows_get(g, 0, "reason"));
    print_side(r, "base", out);
    print_side(r, "head", out);
    fprintf(out, "machine:   %s\nall cells: %s\nrule %s:    %s, seed %s\n\n", rows_get(g, 0, "machine"), rows_get(g, 0, "shared"),
            rows_get(g, 0, "rule_version"), rows_get(g, 0, "rule"), rows_get(g, 0, "seed"));
    for (size_t i = 0; i < sizeof columns / sizeof *columns; i++)
        table_column(&t, columns[i].title, columns[i].align);
    for (int i = 0; i < r->verdict.n; i++)
        if (!is_plain(r, r->order[i]))
            add_row(&t, r, r->order[i]);
    table_print(&t, out);
    table_free(&t);
    fputs(
        "change: median of the units' ratios, of a score the difference; 95%: its interval; null: base against itself; MDE: the\n"
        "change found in 8 of 10 cases; units: of a score its items; (outcome): told, does not gate\n",
        out);
    print_exact(r, out);
    print_same(r, out);
    print_reasons(r, out);
    fprintf(out, "\n%d verdicts that gate: %d pass, %d regressed, %d inconclusive, %d invalid\n",
            gate_count(r, NULL) - gate_count(r, "absent"), gate_count(r, "pass"), gate_count(r, "regressed"),
            gate_count(r, "inconclusive"), gate_count(r, "invalid"));
}
