/* How often the gate was right: shares with exact intervals (base/beta.h), over runs, cells and verdicts. */
/* SPDX-License-Identifier: MIT */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/beta.h"
#include "base/stats.h"
#include "bench/cmd/audit.h"
#include "bench/cmd/table.h"
#include "bench/gate_metric.h"

void audit_share(char buf[48], long k, long n)
{
    if (n)
        snprintf(buf, 48, "%.1f%%", 100.0 * (double)k / (double)n);
    else
        snprintf(buf, 48, "-");
}

void audit_share_interval(char buf[48], long k, long n)
{
    struct proportion p = proportion_interval(k, n, AUDIT_LEVEL);
    if (n)
        snprintf(buf, 48, "%.1f%% [%.1f%%, %.1f%%]", 100.0 * (double)k / (double)n, 100 * p.low, 100 * p.high);
    else
        snprintf(buf, 48, "-");
}

static double percent(double log_ratio)
{
    return 100 * (exp(log_ratio) - 1);
}

/* Values that are collected for their median and other quantiles. */
struct values {
    double *v;
    int n;
};

static void add(struct values *x, double value)
{
    x->v = realloc(x->v, (size_t)(x->n + 1) * sizeof *x->v);
    if (!x->v)
        abort();
    x->v[x->n++] = value;
}

static void add_quantile(struct table *t, struct values *x, double p, const char *format)
{
    char buf[32];
    if (!x->n) {
        table_add(t, "-");
        return;
    }
    stats_sort(x->v, (size_t)x->n);
    snprintf(buf, sizeof buf, "%.*f%s", *format == '%' ? 1 : 0, stats_quantile(x->v, (size_t)x->n, p), format);
    table_add(t, "%s", buf);
}

static void columns(struct table *t, const char *const *left, const char *const *right)
{
    for (; *left; left++)
        table_column(t, *left, TABLE_LEFT);
    for (; *right; right++)
        table_column(t, *right, TABLE_RIGHT);
}

static int is(const struct audit_row *row, const char *outcome)
{
    return !strcmp(row->outcome, outcome);
}

/* -- runs -------------------------------------------------------------------------------------------------------------------- */

#define ANY "" /* condition, or cell */

static int fits(const char *text, const char *wanted)
{
    return !*wanted || !strcmp(text, wanted);
}

static int in_group(const struct audit_run *r, enum audit_kind kind, double effect, const char *condition)
{
    return r->kind == kind && fabs(r->effect - effect) < 1e-9 && fits(r->condition, condition);
}

static void runs_row(struct table *t, const struct audit *a, enum audit_kind kind, double effect, const char *condition)
{
    long runs = 0, regressed = 0, invalid = 0, cells = 0, found_cells = 0, open_cells = 0;
    struct values seconds = {0}, units = {0};
    char buf[48];
    for (int i = 0; i < a->n_runs; i++)
        if (in_group(&a->run[i], kind, effect, condition)) {
            runs++;
            regressed += !strcmp(a->run[i].outcome, "regressed");
            invalid += !strcmp(a->run[i].outcome, "invalid");
            add(&seconds, a->run[i].seconds);
        }
    for (int from = 0, to; from < a->n_rows; from = to) { /* the rows of a cell stand together */
        int open = 0, found = 0, most = 0;
        for (to = from; to < a->n_rows && a->row[to].run == a->row[from].run && !strcmp(a->row[to].label, a->row[from].label);
             to++) {
            open |= a->row[to].gates && is(&a->row[to], "inconclusive");
            found |= a->row[to].gates && is(&a->row[to], "regressed");
            if (a->row[to].gates && a->row[to].units > most)
                most = a->row[to].units;
        }
        if (!in_group(&a->run[a->row[from].run], kind, effect, condition))
            continue;
        cells++;
        found_cells += found;
        open_cells += open;
        add(&units, most);
    }
    if (runs) {
        table_add(t, "%s", kind == AUDIT_EQUAL ? "equal" : "slower");
        if (kind == AUDIT_EQUAL)
            table_add(t, "-");
        else
            table_add(t, "%g%%", effect);
        table_add(t, "%s", *condition ? condition : "all");
        table_add(t, "%ld", runs);
        table_add(t, "%ld", regressed);
        audit_share_interval(buf, regressed, runs);
        table_add(t, "%s", buf);
        table_add(t, "%ld", invalid);
        table_add(t, "%ld of %ld", found_cells, cells);
        audit_share_interval(buf, found_cells, cells);
        table_add(t, "%s", buf);
        table_add(t, "%ld", open_cells);
        audit_share_interval(buf, open_cells, cells);
        table_add(t, "%s", buf);
        add_quantile(t, &units, 0.5, "");
        add_quantile(t, &units, 0.95, "");
        add_quantile(t, &seconds, 0.5, " s");
        add_quantile(t, &seconds, 0.95, " s");
    }
    free(seconds.v);
    free(units.v);
}

/* The n-th different condition, in the order of their first run; NULL behind the last. */
static const char *condition_at(const struct audit *a, int n)
{
    for (int i = 0; i < a->n_runs; i++) {
        int seen = 0;
        for (int k = 0; k < i && !seen; k++)
            seen = !strcmp(a->run[k].condition, a->run[i].condition);
        if (!seen && n-- == 0)
            return a->run[i].condition;
    }
    return NULL;
}

static void print_runs(const struct audit *a, FILE *out)
{
    struct table t = {0};
    double effect[AUDIT_MAX_EFFECTS];
    int n = audit_effects(a, effect);
    columns(&t, (const char *const[]){"head", NULL},
            (const char *const[]){"built for", "beside it", "runs", "regressed", "95%", "invalid", "cells regressed", "95%",
                                  "inconclusive", "95%", "units", "p95", "run", "p95", NULL});
    for (int k = -1; k < n; k++) {
        const char *condition;
        for (int i = 0; (condition = condition_at(a, i)) != NULL; i++)
            runs_row(&t, a, k < 0 ? AUDIT_EQUAL : AUDIT_EFFECT, k < 0 ? 0 : effect[k], condition);
        runs_row(&t, a, k < 0 ? AUDIT_EQUAL : AUDIT_EFFECT, k < 0 ? 0 : effect[k], ANY);
    }
    table_print(&t, out);
    table_free(&t);
    fputs("regressed: runs with any regression, which for equal builds is a false alarm; cells: with a metric that gates\n"
          "regressed, with one undecided; units: of a cell until all of it was decided, confirmation included, median and\n"
          "95% quantile; run: time\n\n",
          out);
}

/* -- power ------------------------------------------------------------------------------------------------------------------- */

struct group { /* what a row of the power table stands for; ANY, and a metric of -1: all */
    double effect;
    const char *label, *condition;
    int metric;
};

static int in(const struct audit *a, const struct audit_row *row, const struct group *g)
{
    return row->gates && row->timed && in_group(&a->run[row->run], AUDIT_EFFECT, g->effect, g->condition) &&
           (g->metric < 0 || row->metric == g->metric) && fits(row->label, g->label);
}

static void power_row(struct table *t, const struct audit *a, const struct group *g)
{
    long n = 0, found = 0, inconclusive = 0, invalid = 0;
    struct values achieved = {0};
    char buf[48];
    for (int i = 0; i < a->n_rows; i++)
        if (in(a, &a->row[i], g)) {
            n++;
            found += is(&a->row[i], "regressed");
            inconclusive += is(&a->row[i], "inconclusive");
            invalid += is(&a->row[i], "invalid");
            if (!isnan(a->row[i].achieved))
                add(&achieved, percent(a->row[i].achieved));
        }
    if (n) {
        table_add(t, "%s", g->metric < 0 ? "all" : gate_metrics[g->metric].name);
        table_add(t, "%s", *g->label ? g->label : "all");
        table_add(t, "%g%%", g->effect);
        table_add(t, "%s", *g->condition ? g->condition : "all");
        add_quantile(t, &achieved, 0.5, "%");
        add_quantile(t, &achieved, 0, "%");
        add_quantile(t, &achieved, 1, "%");
        table_add(t, "%ld", n);
        table_add(t, "%ld", found);
        audit_share_interval(buf, found, n);
        table_add(t, "%s", buf);
        table_add(t, "%ld", inconclusive);
        table_add(t, "%ld", invalid);
    }
    free(achieved.v);
}

/* Each cell and metric once: where it comes first. */
static void cell_rows(struct table *t, const struct audit *a, double effect)
{
    for (int i = 0; i < a->n_rows; i++) {
        const struct group g = {effect, a->row[i].label, ANY, a->row[i].metric};
        int first = in(a, &a->row[i], &g);
        for (int k = 0; k < i && first; k++)
            first = !in(a, &a->row[k], &g);
        if (first)
            power_row(t, a, &g);
    }
}

static void print_power(const struct audit *a, int cells, FILE *out)
{
    struct table t = {0};
    const char *condition;
    double effect[AUDIT_MAX_EFFECTS];
    int n = audit_effects(a, effect);
    if (!n)
        return;
    columns(&t, (const char *const[]){"metric", "cell", NULL},
            (const char *const[]){"built for", "beside it", "achieved", "from", "to", "verdicts", "found", "95%", "inconclusive",
                                  "invalid", NULL});
    for (int k = 0; k < n; k++) {
        for (int m = 0; m < gate_n_metrics; m++)
            power_row(&t, a, &(struct group){effect[k], ANY, ANY, m});
        for (int i = 0; (condition = condition_at(a, i)) != NULL; i++)
            power_row(&t, a, &(struct group){effect[k], ANY, condition, -1});
        power_row(&t, a, &(struct group){effect[k], ANY, ANY, -1});
        if (cells)
            cell_rows(&t, a, effect[k]);
    }
    table_print(&t, out);
    table_free(&t);
    fputs("achieved: the calibrated slowdown under the same condition, median and range over these verdicts\n\n", out);
}

/* The same by what was achieved, whatever the build was made for. */
static void print_achieved(const struct audit *a, FILE *out)
{
    static const double edge[] = {0.5, 2, 4, 7.5, 15, 30};
    struct table t = {0};
    double effect[AUDIT_MAX_EFFECTS];
    if (!audit_effects(a, effect))
        return;
    columns(&t, (const char *const[]){"achieved", NULL}, (const char *const[]){"median", "verdicts", "found", "95%", NULL});
    for (size_t b = 0; b + 1 < sizeof edge / sizeof *edge; b++) {
        struct values x = {0};
        long found = 0;
        char buf[48];
        for (int i = 0; i < a->n_rows; i++) {
            const struct audit_row *row = &a->row[i];
            double achieved = percent(row->achieved);
            if (row->gates && row->timed && a->run[row->run].kind == AUDIT_EFFECT && achieved >= edge[b] &&
                achieved < edge[b + 1]) {
                add(&x, achieved);
                found += is(row, "regressed");
            }
        }
        if (x.n) {
            table_add(&t, "%g%% to %g%%", edge[b], edge[b + 1]);
            add_quantile(&t, &x, 0.5, "%");
            table_add(&t, "%d", x.n);
            table_add(&t, "%ld", found);
            audit_share_interval(buf, found, x.n);
            table_add(&t, "%s", buf);
        }
        free(x.v);
    }
    table_print(&t, out);
    table_free(&t);
    fputc('\n', out);
}

/* -- coverage ---------------------------------------------------------------------------------------------------------------- */

static void coverage_row(struct table *t, const struct audit *a, enum audit_kind kind, int metric)
{
    long n = 0, covered = 0;
    double says = 0;
    char buf[48];
    for (int i = 0; i < a->n_rows; i++) {
        const struct audit_row *row = &a->row[i];
        if (a->run[row->run].kind != kind || !row->timed || isnan(row->low) || isnan(row->achieved) ||
            (metric >= 0 && row->metric != metric))
            continue;
        n++;
        covered += row->low <= row->achieved && row->achieved <= row->high;
        says += row->coverage;
    }
    if (!n)
        return;
    table_add(t, "%s", kind == AUDIT_EQUAL ? "equal: 0" : "slower: the calibrated effect");
    table_add(t, "%s", metric < 0 ? "all" : gate_metrics[metric].name);
    table_add(t, "%ld", n);
    table_add(t, "%.1f%%", 100 * says / (double)n);
    audit_share_interval(buf, covered, n);
    table_add(t, "%s", buf);
}

static void print_coverage(const struct audit *a, FILE *out)
{
    struct table t = {0};
    int fewest = 0;
    columns(&t, (const char *const[]){"truth", "metric", NULL}, (const char *const[]){"intervals", "says", "covers", NULL});
    for (int kind = AUDIT_EQUAL; kind <= AUDIT_EFFECT; kind++)
        for (int k = -1; k < gate_n_metrics; k++)
            coverage_row(&t, a, (enum audit_kind)kind, k);
    int any = t.n > (size_t)t.columns; /* more than the titles */
    if (any)
        table_print(&t, out);
    table_free(&t);
    if (!any)
        return;
    for (int i = 0; i < a->n_effects; i++)
        fewest = !fewest || a->effect[i].n < fewest ? a->effect[i].n : fewest;
    fputs("intervals of the first look's units, a number that no data chose", out);
    if (fewest)
        fprintf(out, "; calibrated with %d units or more, whose own error counts as the interval's", fewest);
    fputs("\n\n", out);
}

/* Runs in which other programs stood for the same effect than in the first of them. */
static int other_programs(const struct audit *a)
{
    int n = 0;
    for (int i = 0; i < a->n_runs; i++) {
        int first = 0;
        while (first < i && (a->run[first].kind == AUDIT_TUNE || fabs(a->run[first].effect - a->run[i].effect) > 1e-9))
            first++;
        n += a->run[i].kind != AUDIT_TUNE && strcmp(a->run[i].programs, a->run[first].programs) != 0;
    }
    return n;
}

int audit_report(const struct audit *a, int cells, FILE *out)
{
    int differ = 0, replayed = 0;
    print_runs(a, out);
    print_power(a, cells, out);
    print_achieved(a, out);
    print_coverage(a, out);
    for (int i = 0; i < a->n_rows; i++) {
        replayed += a->row[i].replayed != NULL;
        differ += !a->row[i].same;
    }
    fprintf(out, "replayed: %d verdicts, %d of them not what is stored", replayed, differ);
    if (a->other_rule)
        fprintf(out, "; %d runs are of another version of the rule and may differ", a->other_rule);
    fputc('\n', out);
    if (other_programs(a))
        fprintf(out,
                "%d runs are of other programs than the first run of their effect: what was calibrated is not what was judged\n",
                other_programs(a));
    return differ;
}
