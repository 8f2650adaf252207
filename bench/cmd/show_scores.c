/* The scores of a run: a row per task and scorer, a column per variant.  A run with nothing but the perplexity of its text has it
 * in the table of cells and no table here. */
/* SPDX-License-Identifier: MIT */
#include <stdio.h>
#include <string.h>

#include "bench/cmd/rows.h"
#include "bench/cmd/show_parts.h"
#include "bench/cmd/table.h"

static const char sql[] =
    "SELECT q.task, q.scorer, p.quality, min(p.place) AS place, q.value, max(q.state) AS state, "
    "dense_rank() OVER (ORDER BY q.nth_score) AS line "
    "FROM (SELECT v.*, min(v.id) OVER (PARTITION BY v.task, v.scorer) AS nth_score FROM v_score v WHERE v.run = CAST(?1 AS "
    "INTEGER)) q "
    "JOIN v_place p ON p.run = q.run AND p.variant = q.variant GROUP BY q.task, q.scorer, q.variant ORDER BY line, place";

/* Index of the variant that row i belongs to, in the order of the first line; -1: that line has it not. */
static int column_of(const struct rows *r, int variants, const char *quality)
{
    for (int v = 0; v < variants; v++)
        if (!strcmp(rows_get(r, v, "quality"), quality))
            return v;
    return -1;
}

int show_scores(struct store *s, const char *run, struct err *e)
{
    struct rows r = {0};
    if (rows_load(&r, s, sql, (const char *const[]){run, NULL}, e))
        return -1;
    int variants = 0, lines = 0;
    for (int i = 0; i < r.n; i++) {
        lines += i == 0 || strcmp(rows_get(&r, i, "line"), rows_get(&r, i - 1, "line")) != 0;
        variants += lines == 1;
    }
    if (variants > TABLE_MAX_COLUMNS - 2)
        variants = TABLE_MAX_COLUMNS - 2;
    if (lines > 1) {
        struct table t = {0};
        table_column(&t, "task", TABLE_LEFT);
        table_column(&t, "scorer", TABLE_LEFT);
        for (int v = 0; v < variants; v++)
            table_column(&t, rows_get(&r, v, "quality"), TABLE_RIGHT);
        for (int i = 0; i < r.n;) {
            const char *line = rows_get(&r, i, "line");
            int at = 0;
            table_add(&t, "%s", rows_get(&r, i, "task"));
            table_add(&t, "%s", rows_get(&r, i, "scorer"));
            for (; i < r.n && !strcmp(rows_get(&r, i, "line"), line); i++) {
                double x;
                int column = column_of(&r, variants, rows_get(&r, i, "quality"));
                for (; at < column; at++)
                    table_add(&t, "-");
                if (column != at)
                    continue;
                if (rows_number(&r, i, "value", &x))
                    table_add(&t, "%.4f", x);
                else
                    table_add(&t, "%s", rows_get(&r, i, "state"));
                at++;
            }
            for (; at < variants; at++)
                table_add(&t, "-");
        }
        putchar('\n');
        table_print(&t, stdout);
        table_free(&t);
    }
    rows_free(&r);
    return 0;
}
