/* The history for people and for machines. */
/* SPDX-License-Identifier: MIT */
#include <jansson.h>
#include <math.h>
#include <string.h>

#include "bench/axes.h"
#include "bench/cmd/cmd.h"
#include "bench/cmd/history.h"
#include "bench/cmd/table.h"

static void percent(double log_ratio, char buf[24])
{
    if (isnan(log_ratio))
        snprintf(buf, 24, "-");
    else
        snprintf(buf, 24, "%+.1f%%", 100 * (exp(log_ratio) - 1));
}

static const char *metric_of(const struct histories *h, const struct history_series *s)
{
    return rows_get(&h->row, s->first, "metric");
}

static int standing(const struct history_series *s)
{
    int n = 0;
    for (int i = 0; i < s->found.n; i++)
        n += s->found.finding[i].stands;
    return n;
}

/* -- text ------------------------------------------------------------------------------------------------------------------ */

static void print_series(const struct histories *h, FILE *out)
{
    struct table t = {0};
    table_column(&t, "cell", TABLE_LEFT);
    table_column(&t, "metric", TABLE_LEFT);
    table_column(&t, "points", TABLE_RIGHT);
    table_column(&t, "noise", TABLE_RIGHT);
    table_column(&t, "now", TABLE_RIGHT);
    table_column(&t, "95%", TABLE_RIGHT);
    table_column(&t, "found", TABLE_LEFT);
    for (int i = 0; i < h->n; i++) {
        const struct history_series *s = &h->series[i];
        const struct history_point *now = &s->point[s->n - 1];
        char ratio[24], low[24], high[24];
        percent(now->ratio, ratio);
        percent(now->low, low);
        percent(now->high, high);
        table_add(&t, "%s", s->label.n ? s->label.p : "all");
        table_add(&t, "%s", metric_of(h, s));
        table_add(&t, "%d", s->n);
        if (isnan(s->found.noise))
            table_add(&t, "%s", s->exact ? "exact" : "-");
        else
            table_add(&t, "%.1f%%", 100 * s->found.noise);
        table_add(&t, "%s", ratio);
        if (s->exact)
            table_add(&t, "-");
        else
            table_add(&t, "[%s, %s]", low, high);
        if (standing(s))
            table_add(&t, "worse, %d standing", standing(s));
        else
            table_add(&t, "%s",
                      s->found.n                           ? "changes, none standing"
                      : isnan(s->found.noise) && !s->exact ? "too few points"
                                                           : "-");
    }
    table_print(&t, out);
    table_free(&t);
}

static void print_finding(const struct histories *h, const struct history_series *s, const struct history_finding *f, FILE *out)
{
    char before[24], after[24];
    percent(f->before, before);
    percent(f->after, after);
    fprintf(out, "  %s%s%s: %s", s->label.n ? s->label.p : "", s->label.n ? ", " : "", metric_of(h, s),
            f->worse ? "worse" : "better");
    if (f->kind == HISTORY_BUDGET)
        fprintf(out, " than the budget of 3%%, from %s on", history_commit(h, s, f->place));
    else if (f->kind == HISTORY_EXACT)
        fprintf(out, " at %s", history_commit(h, s, f->place));
    else if (isnan(f->p))
        fprintf(out, " since about %s, no single commit", history_commit(h, s, f->place));
    else
        fprintf(out, " at %s (p = %.3g)", history_commit(h, s, f->place), f->p);
    fprintf(out, ", %s to %s", before, after);
    if (f->kind == HISTORY_SHIFT)
        fprintf(out, ", known at %s", history_commit(h, s, f->at));
    fprintf(out, "%s\n", !f->worse ? "" : f->stands ? "; it stands" : "; mended since");
}

static void print_points(const struct histories *h, const struct history_series *s, FILE *out)
{
    struct table t = {0};
    table_column(&t, "commit", TABLE_LEFT);
    table_column(&t, "gate", TABLE_RIGHT);
    table_column(&t, "head / anchor", TABLE_RIGHT);
    table_column(&t, "95%", TABLE_RIGHT);
    table_column(&t, "units", TABLE_RIGHT);
    for (int i = 0; i < s->n; i++) {
        char ratio[24], low[24], high[24];
        percent(s->point[i].ratio, ratio);
        percent(s->point[i].low, low);
        percent(s->point[i].high, high);
        table_add(&t, "%s", history_commit(h, s, i));
        table_add(&t, "%s", rows_get(&h->row, s->row[i], "run"));
        table_add(&t, "%s", ratio);
        table_add(&t, s->exact ? "-" : "[%s, %s]", low, high);
        table_add(&t, "%s", rows_get(&h->row, s->row[i], "units"));
    }
    fputs("\n", out);
    table_print(&t, out);
    table_free(&t);
}

void history_print_text(const struct histories *h, FILE *out)
{
    int findings = 0;
    for (int i = 0; i < h->anchor.n; i++)
        fprintf(out, "%s %s, since %.10s: %s\n", i ? "before:" : "anchor:", rows_get(&h->anchor, i, "words"),
                rows_get(&h->anchor, i, "set_at"), rows_get(&h->anchor, i, "reason"));
    fprintf(out, "order:  %s\n",
            h->ordered ? "of the commits that HEAD comes from" : "of time: git knows none of these commits here");
    if (h->no_commit)
        fprintf(out, "left out: %d gates of a tree that was not clean, or of no known commit\n", h->no_commit);
    if (h->elsewhere)
        fprintf(out, "left out: %d gates of commits that HEAD does not come from\n", h->elsewhere);
    fputs("\n", out);
    print_series(h, out);
    for (int i = 0; i < h->n; i++)
        for (int k = 0; k < h->series[i].found.n; k++) {
            fputs(findings++ ? "" : "\n", out);
            print_finding(h, &h->series[i], &h->series[i].found.finding[k], out);
        }
    if (h->n == 1)
        print_points(h, &h->series[0], out);
}

/* -- JSON ------------------------------------------------------------------------------------------------------------------ */

static json_t *text_or_null(const char *s)
{
    return s ? json_string(s) : json_null();
}

static json_t *cell_json(const struct histories *h, const struct history_series *s)
{
    json_t *j = json_object();
    for (int i = 0; i < AXES; i++)
        json_object_set_new(j, axes[i].name, text_or_null(rows_get(&h->row, s->first, axes[i].name)));
    json_object_set_new(j, "decode", text_or_null(rows_get(&h->row, s->first, "decode")));
    json_object_set_new(j, "batch", text_or_null(rows_get(&h->row, s->first, "batch")));
    return j;
}

static json_t *series_json(const struct histories *h, const struct history_series *s)
{
    json_t *points = json_array(), *findings = json_array();
    for (int i = 0; i < s->n; i++)
        json_array_append_new(points, json_pack("{s:s, s:I, s:o, s:o, s:o}", "commit", history_commit(h, s, i), "gate",
                                                (json_int_t)atoll(rows_get(&h->row, s->row[i], "run")), "ratio",
                                                json_real_or_null(exp(s->point[i].ratio)), "ratio_low",
                                                json_real_or_null(exp(s->point[i].low)), "ratio_high",
                                                json_real_or_null(exp(s->point[i].high))));
    for (int i = 0; i < s->found.n; i++) {
        const struct history_finding *f = &s->found.finding[i];
        json_array_append_new(findings,
                              json_pack("{s:s, s:b, s:b, s:s, s:o, s:s, s:o, s:o}", "kind", history_kind_name(f->kind), "worse",
                                        f->worse, "stands", f->stands, "commit", history_commit(h, s, f->place), "p",
                                        json_real_or_null(f->p), "known_at", history_commit(h, s, f->at), "ratio_before",
                                        json_real_or_null(exp(f->before)), "ratio_after", json_real_or_null(exp(f->after))));
    }
    return json_pack("{s:o, s:s, s:s, s:o, s:o, s:o}", "cell", cell_json(h, s), "metric", metric_of(h, s), "machine",
                     rows_get(&h->row, s->first, "machine"), "noise", json_real_or_null(s->found.noise), "points", points,
                     "findings", findings);
}

struct json_t *history_json(const struct histories *h)
{
    json_t *series = json_array(), *anchors = json_array();
    for (int i = 0; i < h->anchor.n; i++)
        json_array_append_new(anchors, json_pack("{s:s, s:o, s:s, s:s}", "build", rows_get(&h->anchor, i, "words"), "commit",
                                                 text_or_null(rows_get(&h->anchor, i, "git_commit")), "set",
                                                 rows_get(&h->anchor, i, "set_at"), "reason", rows_get(&h->anchor, i, "reason")));
    for (int i = 0; i < h->n; i++)
        json_array_append_new(series, series_json(h, &h->series[i]));
    return json_pack("{s:o, s:s, s:i, s:i, s:i, s:o}", "anchors", anchors, "order", h->ordered ? "git" : "time", "standing",
                     h->stands, "left_out_no_commit", h->no_commit, "left_out_elsewhere", h->elsewhere, "series", series);
}
