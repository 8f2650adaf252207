/* The quality of a run's variants as one table in Markdown, for documents and job summaries: a row per variant, of every task its
 * first scorer, of a text all of them, and how each value compares with that of the first variant. */
/* SPDX-License-Identifier: MIT */
#include <stdio.h>
#include <string.h>

#include "bench/cmd/comparison.h"
#include "bench/cmd/rows.h"
#include "bench/cmd/show_parts.h"
#include "bench/cmd/stored_scores.h"

#define MARGIN 2 /* percent of the first variant's value */

static const char variants_sql[] =
    "SELECT p.variant, p.quality, max(p.weights_bytes) AS bytes, m.parameters FROM v_place p LEFT JOIN model m ON m.id = p.model_id "
    "WHERE p.run = CAST(?1 AS INTEGER) GROUP BY p.variant ORDER BY min(p.place)";

static int same(const struct rows *r, int i, int k, const char *column)
{
    return !strcmp(rows_get(r, i, column), rows_get(r, k, column));
}

static int same_task(const struct rows *r, int i, int k)
{
    return same(r, i, k, "task") && same(r, i, k, "task_sha256");
}

/* Does row i begin a column?  Scorers of one task follow each other; one whose items are windows of a text comes with the others. */
static int is_column(const struct rows *r, int i)
{
    const struct scorer *scorer = scorer_by_name(rows_get(r, i, "scorer"));
    if (!i || !same_task(r, i, i - 1))
        return 1;
    return !same(r, i, i - 1, "scorer") && scorer && scorer->input == SCORER_LIKELIHOOD;
}

/* Row with the score of a variant in the column that row i begins; -1: there is none. */
static int find_score(const struct rows *r, int i, const char *variant)
{
    for (int k = i; k < r->n && same_task(r, k, i) && same(r, k, i, "scorer"); k++)
        if (!strcmp(rows_get(r, k, "variant"), variant))
            return k;
    return -1;
}

static int print_score(struct store *s, const struct rows *r, int row, int first, struct err *e)
{
    struct text value = {0};
    struct stored_comparison c;
    double x;
    const char *mark = "";
    if (row < 0 || !rows_number(r, row, "value", &x)) {
        printf(" - |");
        return 0;
    }
    int known = scorer_by_name(rows_get(r, row, "scorer")) != NULL; /* else the run was made by a newer program */
    if (known && first >= 0 && first != row && !strcmp(rows_get(r, first, "state"), "ok")) {
        if (compare_scores(&c, s, rows_get(r, row, "scorer"), rows_get(r, first, "score"), rows_get(r, row, "score"), MARGIN, e))
            return -1;
        mark = c.decision.direction < 0 ? " ▼" : c.decision.direction > 0 ? " ▲" : c.decision.within ? " =" : " ?";
    }
    score_number(&value, x, x, 0);
    printf(" %s%s |", value.p, mark);
    text_free(&value);
    return 0;
}

static int print_variant(struct store *s, const struct rows *v, int i, const struct rows *r, struct err *e)
{
    double bytes, parameters;
    int has_bytes = rows_number(v, i, "bytes", &bytes);
    printf("| %s |", rows_get(v, i, "quality"));
    if (has_bytes)
        printf(" %.2f |", bytes / 1048576);
    else
        printf(" - |");
    if (has_bytes && rows_number(v, i, "parameters", &parameters) && parameters > 0)
        printf(" %.2f |", bytes * 8 / parameters);
    else
        printf(" - |");
    for (int k = 0; k < r->n; k++)
        if (is_column(r, k) &&
            print_score(s, r, find_score(r, k, rows_get(v, i, "variant")), find_score(r, k, rows_get(v, 0, "variant")), e))
            return -1;
    putchar('\n');
    return 0;
}

int show_markdown(struct store *s, const char *run, struct err *e)
{
    struct rows v = {0}, r = {0};
    int rc = rows_load(&v, s, variants_sql, (const char *const[]){run, NULL}, e) || stored_scores(&r, s, run, e) ? -1 : 0;
    if (!rc && !r.n)
        rc = err_set(e, ERR_INVALID, "show: run %s scored nothing; give bench sweep --text or --tasks", run);
    if (!rc) {
        printf("| variant | MiB | bits per weight |");
        for (int i = 0; i < r.n; i++)
            if (is_column(&r, i))
                printf(" %s %s |", rows_get(&r, i, "task"), rows_get(&r, i, "scorer"));
        printf("\n|---|---|---|");
        for (int i = 0; i < r.n; i++)
            if (is_column(&r, i))
                printf("---|");
        putchar('\n');
    }
    for (int i = 0; i < v.n && !rc; i++)
        rc = print_variant(s, &v, i, &r, e);
    if (!rc)
        printf(
            "\nBeside the first row, by paired comparison of the same items at 95%%: ▼ worse, ▲ better, = equivalent to within %d%% "
            "of its value, ? undecided.\n",
            MARGIN);
    rows_free(&v);
    rows_free(&r);
    return rc;
}
