/* SPDX-License-Identifier: MIT */
#include "bench/cmd/stored_scores.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "bench/cmd/spread.h"
#include "eval/resample.h"

/* -- intervals ------------------------------------------------------------------------------------------------------------ */

static const char sql[] = /* %s: the quantiles over tokens */
    "WITH q AS (SELECT *, min(id) OVER (PARTITION BY task, task_sha256, scorer) AS first FROM v_score "
    "WHERE run = CAST(?1 AS INTEGER)), "
    "variants AS (SELECT run, variant, quality, format, kv, compute, min(place) AS place FROM v_place "
    "WHERE run = CAST(?1 AS INTEGER) GROUP BY variant) "
    "SELECT q.run, q.id AS score, q.variant, p.quality, p.format, p.kv, p.compute, q.task, q.task_sha256, q.scorer, q.state, "
    "q.reason, (SELECT count(*) FROM score_item WHERE score = q.id) AS items, q.value, NULL AS low, NULL AS high, q.nll, "
    "q.tokens, CASE WHEN q.state <> 'ok' THEN 'the score failed' END AS no_interval%s "
    "FROM q JOIN variants p ON p.variant = q.variant ORDER BY q.first, p.place";

static void set_number(struct rows *r, int row, const char *column, double x)
{
    char text[32];
    snprintf(text, sizeof text, "%.15g", x);
    rows_set(r, row, column, text);
}

/* What cannot have an interval keeps its value and says why: an old run stays readable by a newer program. */
static int add_interval(struct rows *r, int row, struct store *s, struct err *e)
{
    const struct scorer *scorer = scorer_by_name(rows_get(r, row, "scorer"));
    struct resampled v = {0};
    struct err why;
    double *sums = NULL;
    int n, rc = 0;
    if (rows_get(r, row, "no_interval"))
        return 0;
    if (!scorer) {
        rows_set(r, row, "no_interval", "this program has no such scorer; the run was made by a newer one");
    } else if (store_score_sums(s, atoll(rows_get(r, row, "score")), scorer->name, scorer->sums, &sums, &n, &why)) {
        rows_set(r, row, "no_interval", why.msg);
    } else if (!(rc = resample_value(scorer, sums, (size_t)n, RESAMPLES, RESAMPLE_SEED, &v, e)) && isnan(v.low)) {
        rows_set(r, row, "no_interval",
                 n < RESAMPLE_MIN_ITEMS ? "too few items, it takes 10" : "some resamples of the items have no value");
    } else if (!rc) {
        set_number(r, row, "low", v.low);
        set_number(r, row, "high", v.high);
    }
    free(sums);
    return rc;
}

int stored_scores(struct rows *r, struct store *s, const char *run, struct err *e)
{
    struct text quantiles = {0}, query = {0};
    spread_columns(&quantiles, "(SELECT token_values FROM score WHERE id = q.id)");
    text_printf(&query, sql, quantiles.p);
    int rc = rows_load(r, s, query.p, (const char *const[]){run, NULL}, e);
    text_free(&query);
    text_free(&quantiles);
    if (rc)
        return -1;
    rc = stored_intervals(r, s, e);
    if (rc)
        rows_free(r);
    return rc;
}

int stored_intervals(struct rows *r, struct store *s, struct err *e)
{
    for (int i = 0; i < r->n; i++)
        if (add_interval(r, i, s, e))
            return -1;
    return 0;
}

void score_number(struct text *t, double x, double like, int sign)
{
    double size = fabs(like);
    text_printf(t, "%s", sign && x > 0 ? "+" : "");
    if (x == 0)
        text_printf(t, "0");
    else if (size != 0 && size < 1e-4)
        text_printf(t, "%.3g", x);
    else
        text_printf(t, "%.*f", size < 1 ? 4 : size < 10 ? 3 : size < 100 ? 2 : 1, x);
}

void score_interval(struct text *t, double low, double high, double like, int sign)
{
    if (isnan(low)) {
        text_printf(t, "-");
        return;
    }
    text_printf(t, "[");
    score_number(t, low, like, sign);
    text_printf(t, ", ");
    score_number(t, high, like, sign);
    text_printf(t, "]");
}
