/* SPDX-License-Identifier: MIT */
#include "bench/cmd/compare_speed.h"

#include <jansson.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/signed_rank.h"
#include "base/stats.h"
#include "bench/cmd/cmd.h"
#include "bench/cmd/rows.h"
#include "bench/gate_metric.h"

/* What the trials of both say of one metric of one cell. */
struct paired_trials {
    const char *cell;
    const struct gate_metric *metric;
    int n;              /* rounds that both have */
    double *a, *b;      /* [n] base unit of the metric */
    double *ratio;      /* [n] logarithms of b / a */
    struct interval of; /* the ratio; no interval of one */
    double p;           /* two-sided */
};

static void begin(struct paired_trials *x, const struct rows *r, int row, const struct gate_metric *metric)
{
    size_t most = (size_t)r->n;
    *x = (struct paired_trials){.cell = rows_get(r, row, "cell"),
                                .metric = metric,
                                .a = calloc(most, sizeof *x->a),
                                .b = calloc(most, sizeof *x->b),
                                .ratio = calloc(most, sizeof *x->ratio)};
    if (!x->a || !x->b || !x->ratio)
        abort();
}

static void end(struct paired_trials *x)
{
    free(x->a);
    free(x->b);
    free(x->ratio);
}

static void judge(struct paired_trials *x)
{
    size_t n = (size_t)x->n;
    double up = signed_rank_p(x->ratio, n), down;
    for (size_t i = 0; i < n; i++)
        x->ratio[i] = -x->ratio[i];
    down = signed_rank_p(x->ratio, n);
    for (size_t i = 0; i < n; i++)
        x->ratio[i] = -x->ratio[i];
    x->p = fmin(1, 2 * fmin(up, down));
    stats_sort(x->a, n);
    stats_sort(x->b, n);
    stats_sort(x->ratio, n);
    x->of = stats_median_interval(x->ratio, n, 0.95);
    if (n < 2)
        x->of.low = x->of.high = x->of.coverage = NAN;
}

/* -- printing -------------------------------------------------------------------------------------------------------------- */

static void add_value(struct table *t, const struct paired_trials *x, const double *v)
{
    table_add(t, "%.4g%s%s", stats_quantile(v, (size_t)x->n, 0.5) * x->metric->scale, *x->metric->unit ? " " : "",
              x->metric->unit);
}

static double percent(double log_ratio)
{
    return 100 * (exp(log_ratio) - 1);
}

static void add_row(struct table *t, const struct paired_trials *x)
{
    table_add(t, "%s", x->cell);
    table_add(t, "%s", x->metric->name);
    add_value(t, x, x->a);
    add_value(t, x, x->b);
    table_add(t, "%+.1f%%", percent(x->of.median));
    if (x->n < 2) {
        table_add(t, "-");
        table_add(t, "-");
    } else {
        table_add(t, "[%+.1f%%, %+.1f%%]", percent(x->of.low), percent(x->of.high));
        table_add(t, "%.0f%%", 100 * x->of.coverage);
    }
    table_add(t, "%.4f", x->p);
    table_add(t, "%d", x->n);
}

static json_t *as_json(const struct paired_trials *x)
{
    return json_pack("{s:s, s:s, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:i}", "cell", x->cell, "metric", x->metric->name, "a",
                     json_real_or_null(stats_quantile(x->a, (size_t)x->n, 0.5)), "b",
                     json_real_or_null(stats_quantile(x->b, (size_t)x->n, 0.5)), "ratio", json_real_or_null(exp(x->of.median)),
                     "ratio_low", json_real_or_null(exp(x->of.low)), "ratio_high", json_real_or_null(exp(x->of.high)), "coverage",
                     json_real_or_null(x->of.coverage), "p", json_real_or_null(x->p), "trials", x->n);
}

/* -- all ------------------------------------------------------------------------------------------------------------------- */

/* Rounds that both have, cell by cell and metric by metric. */
static const char sql[] =
    "WITH v AS MATERIALIZED (SELECT * FROM v_value WHERE run = CAST(?1 AS INTEGER)) "
    "SELECT 'context ' || x.context || l.setting AS cell, v.metric, v.value AS a, w.value AS b FROM v_axes x "
    "JOIN v_axes y ON y.run = x.run AND y.variant = CAST(?3 AS INTEGER) AND y.isa = x.isa AND y.runtime = x.runtime AND "
    "y.context = x.context AND y.threads = x.threads AND y.decode = x.decode AND y.batch = x.batch "
    "JOIN v_label l ON l.cell = x.cell JOIN v ON v.cell = x.cell "
    "JOIN v AS w ON w.cell = y.cell AND w.metric = v.metric AND w.round = v.round "
    "WHERE x.run = CAST(?1 AS INTEGER) AND x.variant = CAST(?2 AS INTEGER) AND v.value > 0 AND w.value > 0 "
    "ORDER BY x.context, x.threads, x.cell";

static int same_cell(const struct rows *r, int i, int k)
{
    return !strcmp(rows_get(r, i, "cell"), rows_get(r, k, "cell"));
}

/* The rows of one metric among those of a cell, from .. to - 1. */
static void compare_metric(struct table *t, json_t *list, int *n, const struct rows *r, int from, int to,
                           const struct gate_metric *metric)
{
    struct paired_trials x;
    begin(&x, r, from, metric);
    for (int i = from; i < to; i++) {
        double a, b;
        if (strcmp(rows_get(r, i, "metric"), metric->name) != 0 || !rows_number(r, i, "a", &a) || !rows_number(r, i, "b", &b))
            continue;
        x.a[x.n] = a;
        x.b[x.n] = b;
        x.ratio[x.n++] = log(b / a);
    }
    if (x.n) {
        judge(&x);
        add_row(t, &x);
        json_array_append_new(list, as_json(&x));
        ++*n;
    }
    end(&x);
}

int compare_speed(struct table *t, struct json_t *list, int *n, struct store *s, const char *run, const char *a, const char *b,
                  struct err *e)
{
    static const char *const titles[] = {"cell", "metric", "A", "B", "B / A", "[low, high]", "covers", "p", "trials"};
    struct rows r = {0};
    *n = 0;
    for (size_t i = 0; i < sizeof titles / sizeof *titles; i++)
        table_column(t, titles[i], i > 1 ? TABLE_RIGHT : TABLE_LEFT);
    if (rows_load(&r, s, sql, (const char *const[]){run, a, b, NULL}, e))
        return -1;
    for (int from = 0, to; from < r.n; from = to) {
        for (to = from; to < r.n && same_cell(&r, from, to);)
            to++;
        for (int k = 0; k < gate_n_metrics; k++)
            compare_metric(t, list, n, &r, from, to, &gate_metrics[k]);
    }
    rows_free(&r);
    return 0;
}
