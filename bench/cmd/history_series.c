/* Gates as series: the rows of v_history that are asked for, in the order of the commits, a series per machine, cell and metric. */
/* SPDX-License-Identifier: MIT */
#include <stdlib.h>
#include <string.h>

#include "bench/axes.h"
#include "bench/cmd/history.h"
#include "bench/gate_metric.h"
#include "bench/process.h"

/* Columns that tell series apart, the axes as axes.def has them; a label is made of those that vary. */
static const char *const keys[] = {"machine",
#define AXIS(name, ...) #name,
#include "bench/axes.def"
#undef AXIS
                                   "decode", "batch", "metric"};
#define N_KEYS ((int)(sizeof keys / sizeof *keys))
#define N_LABEL (N_KEYS - 1) /* without the metric */

const char *history_commit(const struct histories *h, const struct history_series *s, int point)
{
    return rows_get(&h->row, s->row[point], "git_commit");
}

static int same(const struct rows *r, int a, int b, const char *column)
{
    const char *x = rows_get(r, a, column), *y = rows_get(r, b, column);
    return x && y ? !strcmp(x, y) : x == y;
}

/* -- what is asked for ----------------------------------------------------------------------------------------------------- */

static int check_request(const struct history_request *q, struct err *e)
{
    const char *names[64];
    for (int i = 0; i < gate_n_metrics; i++)
        names[i] = gate_metrics[i].name;
    for (int i = 0; i < q->metric.n; i++)
        if (gate_metric_index(q->metric.v[i]) < 0) {
            const char *near = text_nearest(q->metric.v[i], names, gate_n_metrics);
            return err_set(e, ERR_USAGE, "--metric %s: there is none of this name%s%s%s; bench help gate lists them",
                           q->metric.v[i], near ? "; did you mean " : "", near ? near : "", near ? "?" : "");
        }
    for (int i = 0; i < q->cell.n; i++) {
        size_t n = strcspn(q->cell.v[i], "=");
        int known = 0;
        for (int k = 1; k < N_LABEL; k++)
            known |= q->cell.v[i][n] == '=' && strlen(keys[k]) == n && !memcmp(keys[k], q->cell.v[i], n);
        if (!known)
            return err_set(e, ERR_USAGE,
                           "--cell %s: must be axis=value, the axes being those of bench help gate, decode and batch",
                           q->cell.v[i]);
    }
    return 0;
}

static int wanted(const struct rows *r, int row, const struct history_request *q)
{
    int metric = !q->metric.n;
    for (int i = 0; i < q->metric.n; i++)
        metric |= !strcmp(rows_get(r, row, "metric"), q->metric.v[i]);
    for (int i = 0; i < q->cell.n && metric; i++) {
        char axis[32];
        size_t n = strcspn(q->cell.v[i], "=");
        snprintf(axis, sizeof axis, "%.*s", (int)n, q->cell.v[i]);
        const char *value = rows_get(r, row, axis);
        metric = value && !strcmp(value, q->cell.v[i] + n + 1);
    }
    return metric;
}

/* -- the order of the commits ---------------------------------------------------------------------------------------------- */

struct order {
    struct text text;
    char **commit; /* in the order of history, the oldest first */
    int n;
};

/* All commits that HEAD comes from.  None outside a repository: then time is the order, which the report says. */
static void read_order(struct order *o, const char *repo)
{
    static const char *const words[] = {"rev-list", "--topo-order", "--reverse", "HEAD", NULL};
    struct err none;
    if (git_run(repo, words, &o->text, &none))
        return;
    for (char *save, *line = strtok_r(o->text.p ? o->text.p : (char[]){""}, "\n", &save); line;
         line = strtok_r(NULL, "\n", &save)) {
        if (o->n % 1024 == 0 && !(o->commit = realloc(o->commit, ((size_t)o->n + 1024) * sizeof *o->commit)))
            abort();
        o->commit[o->n++] = line;
    }
}

/* Place of an abbreviated commit, -1: HEAD does not come from it. */
static int place_of(const struct order *o, const char *commit)
{
    for (int i = o->n - 1; i >= 0; i--)
        if (!strncmp(o->commit[i], commit, strlen(commit)))
            return i;
    return -1;
}

struct placed {
    int row, place;
};

static int by_place(const void *a, const void *b)
{
    const struct placed *x = a, *y = b;
    return x->place != y->place ? (x->place > y->place) - (x->place < y->place) : (x->row > y->row) - (x->row < y->row);
}

/* Git's order where it knows a commit of ours, else that of time: rows come in the order of their runs. */
static int place_rows(struct histories *h, const struct history_request *q, struct placed *p)
{
    struct order o = {0};
    int n = 0, left_out = 0, counted = -1; /* row of the last gate that was left out */
    read_order(&o, q->repo);
    for (int i = 0; i < h->row.n; i++) {
        const char *commit = rows_get(&h->row, i, "git_commit");
        if (!wanted(&h->row, i, q))
            continue;
        if (!commit || strstr(commit, "-dirty") || !strcmp(commit, "unknown")) {
            h->no_commit += counted < 0 || !same(&h->row, i, counted, "run");
            counted = i;
            continue;
        }
        int again = n && same(&h->row, i, p[n - 1].row, "git_commit");
        p[n] = (struct placed){i, again ? p[n - 1].place : place_of(&o, commit)};
        n++;
    }
    for (int i = 0; i < n; i++)
        h->ordered |= p[i].place >= 0;
    for (int i = 0; i < n && h->ordered; i++) {
        if (p[i].place >= 0)
            p[left_out++] = p[i];
        else
            h->elsewhere += !i || !same(&h->row, p[i].row, p[i - 1].row, "run");
    }
    n = h->ordered ? left_out : n;
    qsort(p, (size_t)n, sizeof *p, by_place);
    free(o.commit);
    text_free(&o.text);
    return n;
}

/* -- series ---------------------------------------------------------------------------------------------------------------- */

static struct history_series *series_of(struct histories *h, int row)
{
    for (int i = 0; i < h->n; i++) {
        int k = 0;
        while (k < N_KEYS && same(&h->row, row, h->series[i].first, keys[k]))
            k++;
        if (k == N_KEYS)
            return &h->series[i];
    }
    h->series = realloc(h->series, (size_t)(h->n + 1) * sizeof *h->series);
    if (!h->series)
        abort();
    h->series[h->n] = (struct history_series){.first = row};
    return &h->series[h->n++];
}

static void add_point(struct histories *h, struct history_series *s, int row)
{
    double ratio = 0;
    rows_number(&h->row, row, "estimate", &ratio);
    struct history_point p = {ratio, ratio, ratio}; /* an exact one has no interval */
    rows_number(&h->row, row, "low", &p.low);
    rows_number(&h->row, row, "high", &p.high);
    s->row = realloc(s->row, (size_t)(s->n + 1) * sizeof *s->row);
    s->point = realloc(s->point, (size_t)(s->n + 1) * sizeof *s->point);
    if (!s->row || !s->point)
        abort();
    s->row[s->n] = row;
    s->point[s->n++] = p;
    s->exact = !strcmp(rows_get(&h->row, row, "exact"), "1");
}

/* "f16, context 64, threads 2": what the series differ in. */
static void name_series(struct histories *h)
{
    for (int k = 0; k < N_LABEL; k++) {
        const struct axis *a = axis_by_name(keys[k]);
        int varies = 0, is_number = a ? a->is_number : k > 0; /* the machine is none, decode and batch are */
        for (int i = 1; i < h->n; i++)
            varies |= !same(&h->row, h->series[i].first, h->series[0].first, keys[k]);
        for (int i = 0; varies && i < h->n; i++) {
            const char *value = rows_get(&h->row, h->series[i].first, keys[k]);
            struct text *t = &h->series[i].label;
            text_printf(t, "%s%s%s%s", t->n ? ", " : "", is_number ? keys[k] : "", is_number ? " " : "",
                        value ? value : "(no model)");
        }
    }
}

static int by_name(const void *a, const void *b)
{
    const struct history_series *x = a, *y = b;
    return (x->first > y->first) - (x->first < y->first);
}

int histories_load(struct histories *h, struct store *s, const struct history_request *q, struct err *e)
{
    *h = (struct histories){0};
    struct placed *p = NULL;
    int rc = -1;
    if (check_request(q, e) || rows_load(&h->anchor, s, "SELECT * FROM v_anchor ORDER BY anchor DESC", NULL, e))
        goto out;
    if (!h->anchor.n) {
        err_set(e, ERR_INVALID,
                "history: there is no anchor yet: bench history --anchor BENCH --reason WHY makes one of a build");
        goto out;
    }
    if (rows_load(&h->row, s, "SELECT * FROM v_history ORDER BY run, model, format, context, threads, metric", NULL, e))
        goto out;
    p = calloc((size_t)h->row.n + 1, sizeof *p);
    if (!p)
        abort();
    int n = place_rows(h, q, p);
    if (!n) {
        err_set(
            e, ERR_INVALID,
            "history: no gate with %s as its base %s: run bench gate --base with the anchor's program, whose gates give the points",
            rows_get(&h->anchor, 0, "words"), h->row.n ? "has what is asked for" : "is in the database");
        goto out;
    }
    for (int i = 0; i < n; i++)
        add_point(h, series_of(h, p[i].row), p[i].row);
    qsort(h->series, (size_t)h->n, sizeof *h->series, by_name);
    name_series(h);
    for (int i = 0; i < h->n; i++) {
        struct history_series *one = &h->series[i];
        history_judge(&one->found, &history_rule_default, one->point, one->n, one->exact);
        for (int k = 0; k < one->found.n; k++)
            h->stands += one->found.finding[k].stands;
    }
    rc = 0;
out:
    free(p);
    if (rc)
        histories_free(h);
    return rc;
}

void histories_free(struct histories *h)
{
    for (int i = 0; i < h->n; i++) {
        history_free(&h->series[i].found);
        text_free(&h->series[i].label);
        free(h->series[i].row);
        free(h->series[i].point);
    }
    free(h->series);
    rows_free(&h->row);
    rows_free(&h->anchor);
    h->series = NULL;
    h->n = 0;
}
