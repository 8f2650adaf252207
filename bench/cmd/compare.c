/* Two variants held against each other: the paired difference of every score that both have, with its interval and its p-value, and,
 * where one run measured both, speed, memory and energy (compare_speed.h).
 *
 * eval/compare.h says how scores are compared; the interval of the difference decides whether B is worse, better or equivalent to a
 * margin.  Items pair up by their number within the same task, that is the same file asked in the same way; a score that only one
 * side has is not compared. */
/* SPDX-License-Identifier: MIT */
#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "bench/cmd/cmd.h"
#include "bench/cmd/compare_speed.h"
#include "bench/cmd/comparison.h"
#include "bench/cmd/rows.h"
#include "bench/cmd/show.h"
#include "bench/cmd/stored_scores.h"
#include "bench/cmd/table.h"
#include "eval/resample.h"

/* One side: a run and a variant of it. */
struct side {
    char run[24], variant[24];
    char label[160];
};

static const char variants_sql[] =
    "SELECT DISTINCT variant, quality, format, kv, policy, compute FROM v_place WHERE run = CAST(?1 AS INTEGER) ORDER BY place";

/* "RUN", "RUN:FORMAT", "RUN:FORMAT:KV" or "RUN:FORMAT:KV:POLICY"; a part that is left out must not matter. */
static int find_side(struct store *s, const char *word, struct side *side, struct err *e)
{
    char run[64];
    const char *colon = strchr(word, ':'), *kv = colon ? strchr(colon + 1, ':') : NULL;
    struct rows r = {0};
    struct text all = {0};
    int64_t id;
    int found = 0, rc = -1;
    snprintf(run, sizeof run, "%.*s", (int)(colon ? colon - word : (long)strlen(word)), word);
    if (show_find_run(s, run, &id, e))
        return -1;
    snprintf(side->run, sizeof side->run, "%lld", (long long)id);
    if (rows_load(&r, s, variants_sql, (const char *const[]){side->run, NULL}, e))
        goto out;
    for (int i = 0; i < r.n; i++) {
        const char *format = rows_get(&r, i, "format"), *of_kv = rows_get(&r, i, "kv"), *policy = rows_get(&r, i, "policy");
        char full[96];
        snprintf(full, sizeof full, "%s:%s", of_kv, policy);
        size_t n = colon ? kv ? (size_t)(kv - colon - 1) : strlen(colon + 1) : 0;
        text_printf(&all, "%s%s:%s:%s", i ? ", " : "", run, format, strcmp(policy, "full") ? full : of_kv);
        if ((colon && (strlen(format) != n || memcmp(format, colon + 1, n) != 0)) ||
            (kv && strcmp(kv + 1, of_kv) != 0 && strcmp(kv + 1, full) != 0))
            continue;
        snprintf(side->variant, sizeof side->variant, "%s", rows_get(&r, i, "variant"));
        snprintf(side->label, sizeof side->label, "run %s %s", side->run, rows_get(&r, i, "quality"));
        found++;
    }
    if (found == 1)
        rc = 0;
    else
        err_set(e, ERR_USAGE, "compare: %s names %d variants and must name one of: %s", word, found, all.p ? all.p : "none");
out:
    rows_free(&r);
    text_free(&all);
    return rc;
}

/* -- printing ------------------------------------------------------------------------------------------------------------- */

static json_t *as_json(const char *task, const char *scorer, const struct stored_comparison *c)
{
    return json_pack("{s:s, s:s, s:i, s:s, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:s, s:b}", "task", task, "scorer", scorer, "items",
                     c->c.n, "test", c->c.test, "a", json_real_or_null(c->c.p.a), "b", json_real_or_null(c->c.p.b), "difference",
                     json_real_or_null(c->c.p.difference), "difference_low", json_real_or_null(c->c.p.low), "difference_high",
                     json_real_or_null(c->c.p.high), "p", json_real_or_null(c->c.p.p), "margin", json_real_or_null(c->margin),
                     "verdict", comparison_verdict(c), "within_margin", c->decision.within);
}

static void add_number(struct table *t, double x, double like, int sign)
{
    struct text number = {0};
    score_number(&number, x, like, sign);
    table_add(t, "%s", number.p);
    text_free(&number);
}

static void add_row(struct table *t, const char *task, const char *scorer, const struct stored_comparison *c, double percent)
{
    struct text interval = {0};
    table_add(t, "%s", task);
    table_add(t, "%s", scorer);
    table_add(t, "%d", c->c.n);
    add_number(t, c->c.p.a, c->c.p.a, 0);
    add_number(t, c->c.p.b, c->c.p.b, 0);
    add_number(t, c->c.p.difference, c->c.p.difference, 1);
    score_interval(&interval, c->c.p.low, c->c.p.high, c->c.p.difference, 1);
    table_add(t, "%s", interval.p);
    text_free(&interval);
    if (isnan(c->c.p.p))
        table_add(t, "-");
    else
        table_add(t, "%.4f", c->c.p.p);
    table_add(t, "%s", c->c.test);
    if (c->decision.direction && c->decision.within)
        table_add(t, "%s, within %g%%", comparison_verdict(c), percent);
    else
        table_add(t, "%s", comparison_verdict(c));
}

/* How many scores got which verdict. */
struct tally {
    int equivalent, worse, better, undecided;
    int small; /* of worse and better: within the margin */
};

static void count(struct tally *t, const struct decision *d)
{
    t->worse += d->direction < 0;
    t->better += d->direction > 0;
    t->small += d->direction && d->within;
    t->equivalent += !d->direction && d->within;
    t->undecided += !d->direction && !d->within;
}

static void print_scores(const struct table *t, const struct tally *n, double percent)
{
    int all = n->equivalent + n->worse + n->better + n->undecided;
    table_print(t, stdout);
    printf("\nB to within %g%% of A: %d equivalent, %d worse, %d better, %d undecided", percent, n->equivalent, n->worse,
           n->better, n->undecided);
    if (n->small)
        printf("; %d of the worse and better differ by less than that", n->small);
    printf("\np: how often a difference so large comes from items alone; over %d scores expect %.1f below 0.05 by chance\n", all,
           0.05 * all);
}

static void print_speed(const struct table *t, int n)
{
    printf("\n");
    table_print(t, stdout);
    printf("\nB / A: median of the rounds' ratios, and its interval; covers: how often such an interval holds it.  These are no "
           "verdicts:\nbench gate --base-model A --head-model B decides; of %d p-values expect %.1f below 0.05 by chance\n",
           n, 0.05 * n);
}

static void print_object(const struct side *a, const struct side *b, json_t *scores, json_t *cells, const struct tally *n,
                         double percent)
{
    print_json(json_pack("{s:s, s:s, s:f, s:i, s:i, s:i, s:i, s:O, s:O}", "a", a->label, "b", b->label, "margin_percent", percent,
                         "equivalent", n->equivalent, "worse", n->worse, "better", n->better, "undecided", n->undecided, "scores",
                         scores, "cells", cells));
}

static int compare_quality(struct table *t, json_t *list, struct tally *n, int *n_scores, struct store *s, const struct side *a,
                           const struct side *b, double percent, struct err *e)
{
    static const char sql[] =
        "SELECT k.name AS task, x.scorer, x.id AS a, y.id AS b FROM score x JOIN score y ON y.task = x.task AND y.scorer = "
        "x.scorer JOIN task k ON k.id = x.task WHERE x.run = CAST(?1 AS INTEGER) AND x.variant = CAST(?2 AS INTEGER) "
        "AND y.run = CAST(?3 AS INTEGER) AND y.variant = CAST(?4 AS INTEGER) AND x.state = 'ok' AND y.state = 'ok' ORDER BY x.id";
    static const char *const titles[] = {"task", "scorer", "items", "A", "B", "B - A", "[low, high]", "p", "test", "verdict"};
    const char *const params[] = {a->run, a->variant, b->run, b->variant, NULL};
    struct rows r = {0};
    int rc = rows_load(&r, s, sql, params, e);
    for (int i = 0; i < 10; i++)
        table_column(t, titles[i], i > 1 && i < 8 ? TABLE_RIGHT : TABLE_LEFT);
    for (int i = 0; i < r.n && !rc; i++) {
        struct stored_comparison c;
        const char *task = rows_get(&r, i, "task"), *scorer = rows_get(&r, i, "scorer");
        rc = compare_scores(&c, s, scorer, rows_get(&r, i, "a"), rows_get(&r, i, "b"), percent, e);
        if (rc)
            break;
        json_array_append_new(list, as_json(task, scorer, &c));
        add_row(t, task, scorer, &c, percent);
        count(n, &c.decision);
    }
    *n_scores = r.n;
    rows_free(&r);
    return rc;
}

static int compare_all(struct store *s, const struct side *a, const struct side *b, double percent, int json, struct err *e)
{
    struct table scores = {0}, cells = {0};
    struct tally n = {0};
    json_t *score_list = json_array(), *cell_list = json_array();
    int one_run = !strcmp(a->run, b->run), n_scores = 0, n_cells = 0;
    int rc = compare_quality(&scores, score_list, &n, &n_scores, s, a, b, percent, e);
    if (!rc && one_run)
        rc = compare_speed(&cells, cell_list, &n_cells, s, a->run, a->variant, b->variant, e);
    if (!rc && !n_scores && !n_cells)
        rc = err_set(e, ERR_INVALID,
                     "compare: %s and %s share no score, and no run measured both; sweep both in one run, or give bench sweep "
                     "--text or --tasks",
                     a->label, b->label);
    if (!rc && json) {
        print_object(a, b, score_list, cell_list, &n, percent);
    } else if (!rc) {
        printf("A: %s\nB: %s\n", a->label, b->label);
        if (n_scores) {
            printf("\n");
            print_scores(&scores, &n, percent);
        }
        if (n_cells)
            print_speed(&cells, n_cells);
        else if (!one_run)
            printf("speed, memory and energy are not compared: these are two runs, and a machine changes from one to the next\n");
    }
    json_decref(score_list);
    json_decref(cell_list);
    table_free(&scores);
    table_free(&cells);
    return rc;
}

/* -- the command ---------------------------------------------------------------------------------------------------------- */

static const struct option_spec options[] = {
    {"margin", 0, "PERCENT", "difference that does not matter, in percent of A's value (2)"},
    {"db", 0, "FILE", "the database ($BENCH_DB, else results/bench.db)"},
    {0},
};

static int run(const struct args *a, struct err *e)
{
    struct store *s;
    struct side one, two;
    double percent;
    if (args_double(a, "margin", 0, 1000, 2, &percent, e))
        return -1;
    if (store_open_existing(&s, args_db(a), e))
        return -1;
    int rc = find_side(s, a->positional[0], &one, e) || find_side(s, a->positional[1], &two, e)
                 ? -1
                 : compare_all(s, &one, &two, percent, args_has(a, "json"), e);
    store_close(s);
    return rc;
}

const struct command command_compare = {
    .name = "compare",
    .summary = "two variants: what the second one costs in quality, item by item, and in speed and memory",
    .positional = "A B",
    .min_positional = 2,
    .max_positional = 2,
    .options = options,
    .json = 1,
    .about =
        "A and B are RUN:FORMAT:KV:POLICY, each part behind the run only as far as it is needed: last:f16, 3:q4_0:q8_0, or a\n"
        "run with one variant.  Every score that both have is compared on identical items: right-or-wrong scores by the exact\n"
        "McNemar test with the 95% interval of Agresti and Min, the others by the paired bootstrap (1,000 resamples, seeded)\n"
        "and its interval.\n"
        "Of two variants of one run it tells speed, memory and energy too, cell by cell: the median ratio of the rounds, its\n"
        "distribution-free interval and the signed-rank p-value, without a verdict; that is for bench gate.\n"
        "\n"
        "The verdict on a score is read from that interval, knowing whether high or low values are good:\n"
        "  equivalent  the whole interval lies within --margin percent of A's value: B is as good as A to that margin\n"
        "  worse       the interval excludes 0; \"worse, within 2%\" when it lies within the margin too: sure, and small\n"
        "  better      likewise\n"
        "  undecided   none of these: more items would tell, or there are fewer than 10",
    .examples = "  bench compare last:f16 last:q4_0\n"
                "  bench compare last:f16 last:q8_0 --margin 1\n"
                "  bench compare 3:q8_0 7:q8_0 --json",
    .run = run,
};
