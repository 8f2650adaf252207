/* What the gate would say of other items like those that it has scored: how often it finds what head is worse by, how often it takes
 * for worse what only differs, and how that depends on how many items there are. */
/* SPDX-License-Identifier: MIT */
#include <stdlib.h>
#include <string.h>

#include "base/rng.h"
#include "base/text.h"
#include "bench/cmd/audit.h"
#include "bench/cmd/rows.h"
#include "bench/cmd/table.h"
#include "bench/gate_quality.h"

struct scored { /* one score of base and head on the same items */
    const char *variant, *task;
    const struct scorer *scorer;
    double *a, *b; /* [n][scorer->sums] */
    int n;
};

/* Scores of the sides of the newest gate that scored them, of variants that are alike: in the format too, where a side has several. */
#define FORMATS(run) "(SELECT count(DISTINCT u.format) FROM score z JOIN variant u ON u.id = z.variant WHERE z.run = " run ")"
static const char both_sides[] =
    "SELECT v.format || CASE WHEN v.kv = 'f16' THEN '' ELSE ', kv ' || v.kv END AS variant, k.name AS task, x.scorer, "
    "x.id AS base, y.id AS head FROM gate g JOIN score x ON x.run = g.base_run JOIN score y ON y.run = g.head_run AND y.task = x.task "
    "AND y.scorer = x.scorer JOIN variant v ON v.id = x.variant JOIN variant w ON w.id = y.variant AND w.kv = v.kv AND "
    "w.policy = v.policy AND w.compute = v.compute AND (w.format = v.format OR " FORMATS("g.base_run") " * " FORMATS(
        "g.head_run") " = 1) JOIN task k ON k.id = x.task "
                      "WHERE g.run = (SELECT max(run) FROM gate WHERE base_run IS NOT NULL) AND x.state = 'ok' AND y.state = 'ok' ORDER BY x.id";

static double *doubles(size_t n)
{
    double *v = calloc(n + 1, sizeof *v);
    if (!v)
        abort();
    return v;
}

static int load(struct scored *p, struct store *s, const struct rows *r, int row, struct err *e)
{
    int n;
    *p = (struct scored){
        rows_get(r, row, "variant"), rows_get(r, row, "task"), scorer_by_name(rows_get(r, row, "scorer")), NULL, NULL, 0};
    if (!p->scorer)
        return err_set(e, ERR_ENV, "audit scores: this program has no scorer %s; the run was made by a newer one",
                       rows_get(r, row, "scorer"));
    if (store_score_sums(s, atoll(rows_get(r, row, "base")), p->scorer->name, p->scorer->sums, &p->a, &p->n, e) ||
        store_score_sums(s, atoll(rows_get(r, row, "head")), p->scorer->name, p->scorer->sums, &p->b, &n, e))
        return -1;
    return n == p->n ? 0
                     : err_set(e, ERR_INVALID, "audit scores: %s of %s has %d items on one side and %d on the other",
                               p->scorer->name, p->task, p->n, n);
}

/* The outcomes of `draws` gates with n items each, drawn with replacement; swap: which side an item's answer is of is drawn too, so
 * that head is neither better nor worse, and differs as much. */
static int redraw(const struct scored *p, int n, int draws, int swap, int outcomes[GATE_INVALID + 1], struct err *e)
{
    const struct gate_rule *rule = &gate_rule_default;
    size_t sums = (size_t)p->scorer->sums;
    double *a = doubles((size_t)n * sums), *b = doubles((size_t)n * sums);
    struct rng r;
    int failed = 0;
    rng_seed(&r, 1);
    memset(outcomes, 0, (GATE_INVALID + 1) * sizeof *outcomes);
    for (int t = 0; t < draws && !failed; t++) {
        struct gate_score j;
        for (int i = 0; i < n; i++) {
            size_t from = (size_t)rng_below(&r, (uint64_t)p->n) * sums, to = (size_t)i * sums;
            int other = swap && rng_below(&r, 2);
            memcpy(a + to, (other ? p->b : p->a) + from, sums * sizeof *a);
            memcpy(b + to, (other ? p->a : p->b) + from, sums * sizeof *b);
        }
        failed = gate_score_judge(&j, rule, p->scorer, gate_score_default(p->scorer).tolerance, a, b, n, e);
        if (!failed)
            outcomes[gate_score_outcome(&j, j.p <= rule->q)]++;
    }
    free(a);
    free(b);
    return failed;
}

static int add(struct table *t, const struct scored *p, int n, int draws, struct err *e)
{
    int worse[GATE_INVALID + 1], equal[GATE_INVALID + 1];
    struct gate_score whole;
    char share[48];
    if (gate_score_judge(&whole, &gate_rule_default, p->scorer, gate_score_default(p->scorer).tolerance, p->a, p->b, p->n, e) ||
        redraw(p, n, draws, 0, worse, e) || redraw(p, n, draws, 1, equal, e))
        return -1;
    table_add(t, "%s", p->variant);
    table_add(t, "%s", p->task);
    table_add(t, "%s", p->scorer->name);
    table_add(t, "%d", p->n);
    table_add(t, "%.5g", whole.c.p.a);
    table_add(t, "%+.2g", whole.worse);
    table_add(t, "%.2g", whole.margin);
    table_add(t, "%d", n);
    for (int i = 0; i < 2; i++) {
        const int *of = i ? equal : worse;
        audit_share(share, of[GATE_REGRESSED], draws);
        table_add(t, "%s", share);
        audit_share(share, of[GATE_PASS], draws);
        table_add(t, "%s", share);
    }
    return 0;
}

static void columns(struct table *t)
{
    static const char *const name[] = {
        "variant", "task", "scorer", "items", "base", "worse by", "margin", "drawn", "regressed", "pass", "as good: regressed",
        "pass"};
    for (size_t i = 0; i < sizeof name / sizeof *name; i++)
        table_column(t, name[i], i < 3 ? TABLE_LEFT : TABLE_RIGHT);
}

/* Answers that are right or wrong, of all tasks of a variant: what the gate calls "all answers". */
static void pool(struct scored *all, const struct scored *p)
{
    size_t n = (size_t)all->n + (size_t)p->n;
    all->a = realloc(all->a, (n + 1) * sizeof *all->a);
    all->b = realloc(all->b, (n + 1) * sizeof *all->b);
    if (!all->a || !all->b)
        abort();
    memcpy(all->a + all->n, p->a, (size_t)p->n * sizeof *p->a);
    memcpy(all->b + all->n, p->b, (size_t)p->n * sizeof *p->b);
    all->n = (int)n;
}

int audit_scores(struct store *s, const int *items, int n_items, int draws, FILE *out, struct err *e)
{
    struct rows r;
    struct table t = {0};
    if (rows_load(&r, s, both_sides, NULL, e))
        return -1;
    struct scored all = {.scorer = scorer_by_name("exact"), .task = "all answers"};
    const char *pooled = "";
    int failed = r.n ? 0
                     : err_set(e, ERR_INVALID,
                               "audit scores: no gate of this database has scored both of its sides: bench gate "
                               "with --tasks or --text does, where the logits differ");
    columns(&t);
    for (int i = 0; i < r.n && !failed; i++) {
        struct scored p;
        int last = i + 1 == r.n || strcmp(rows_get(&r, i, "variant"), rows_get(&r, i + 1, "variant")) != 0;
        failed = load(&p, s, &r, i, e);
        for (int k = 0; k < (n_items ? n_items : 1) && !failed; k++)
            failed = add(&t, &p, n_items ? items[k] : p.n, draws, e);
        if (!failed && p.scorer->right_or_wrong && strcmp(pooled, p.task) != 0) {
            pool(&all, &p);
            all.variant = p.variant;
            pooled = p.task;
        }
        for (int k = 0; k < (n_items ? n_items : 1) && last && all.n && !failed; k++)
            failed = add(&t, &all, n_items ? items[k] : all.n, draws, e);
        if (last)
            all.n = 0, pooled = "";
        free(p.a);
        free(p.b);
    }
    if (!failed) {
        table_print(&t, out);
        fprintf(out,
                "%d gates of so many items, drawn from those of the newest gate that scored both sides; what is neither is\n"
                "inconclusive by the default margins, each score alone; as good: each item's two answers change sides by\n"
                "chance, so that head differs as much and is no worse\n",
                draws);
    }
    table_free(&t);
    free(all.a);
    free(all.b);
    rows_free(&r);
    return failed;
}
