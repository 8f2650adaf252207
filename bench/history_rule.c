/* SPDX-License-Identifier: MIT */
#include "bench/history_rule.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/changes.h"
#include "base/stats.h"

#define LEAST_PART 2 /* points of either side of a place */
#define OVER 3       /* points on end that exceed the budget: one alone, or two, are noise too often */

/* k, h and limit: tests/bench_history_rule.c says what they are worth. */
const struct history_rule history_rule_default = {.k = 0.75,
                                                  .h = 4.4,
                                                  .limit = 2.75,
                                                  .noise = 0.01,
                                                  .believed = 20,
                                                  .budget = 0.0295588022415444, /* log 1.03 */
                                                  .least = 8,
                                                  .reference = 20,
                                                  .settle = 10,
                                                  .level = 0.02,
                                                  .permutations = 499,
                                                  .seed = 1};

const char *history_kind_name(enum history_kind k)
{
    static const char *const names[] = {[HISTORY_SHIFT] = "shift", [HISTORY_BUDGET] = "budget", [HISTORY_EXACT] = "exact"};
    return names[k];
}

static void *room(int n, size_t size)
{
    void *p = calloc((size_t)n + 1, size);
    if (!p)
        abort();
    return p;
}

static int smaller(int a, int b)
{
    return a < b ? a : b;
}

static double median(const double *v, int n)
{
    double *sorted = room(n, sizeof *sorted);
    memcpy(sorted, v, (size_t)n * sizeof *sorted);
    stats_sort(sorted, (size_t)n);
    double x = stats_quantile(sorted, (size_t)n, 0.5);
    free(sorted);
    return x;
}

static struct history_finding *add(struct history *h, const struct history_finding *f)
{
    h->finding = realloc(h->finding, (size_t)(h->n + 1) * sizeof *h->finding);
    if (!h->finding)
        abort();
    h->finding[h->n] = *f;
    return &h->finding[h->n++];
}

/* -- shifts ---------------------------------------------------------------------------------------------------------------- */

static double noise_of(const struct history_rule *r, const struct history_point *point, const double *x, int n)
{
    double seen = changes_noise(x, (size_t)n), *own = room(n, sizeof *own);
    for (int i = 0; i < n; i++) /* half a 95% interval is 1.96 standard errors, were it normal */
        own[i] = (point[i].high - point[i].low) / 2 / 1.96;
    double both = sqrt((r->believed * r->noise * r->noise + n * seen * seen) / (r->believed + n));
    double sd = fmax(both, median(own, n));
    free(own);
    return sd;
}

/* Where in x[from .. end) the change is of which point f->at is the alarm. */
static void place(struct history_finding *f, const struct history_rule *r, const double *x, int from, int end)
{
    struct change c = changes_e_divisive(x + from, (size_t)(end - from), LEAST_PART, r->permutations, r->seed);
    if (c.at && c.p <= r->level && from + (int)c.at <= f->at) {
        f->place = from + (int)c.at;
        f->p = c.p;
    }
    f->after = median(x + f->place, end - f->place);
}

static void find_shifts(struct history *h, const struct history_rule *r, const double *x, int n)
{
    const struct cusum none = {.k = r->k, .h = r->h, .limit = r->limit};
    struct cusum c = none;
    int from = 0, moved = 0; /* first point of the level that holds; whether it is another than the anchor's */
    for (int i = 0; i < n; i++) {
        double level = moved ? median(x + from, smaller(r->reference, i - from)) : 0;
        int way = cusum_add(&c, (x[i] - level) / h->noise);
        if (!way)
            continue;
        int risen = i + 1 - (int)(way > 0 ? c.up_from : c.down_from);
        const struct history_finding *last = h->n ? &h->finding[h->n - 1] : NULL;
        if (last && isnan(last->p) && last->worse == (way > 0)) { /* found before, and still without a place */
            risen = last->place;
            h->n--;
        }
        struct history_finding *f =
            add(h, &(struct history_finding){
                       .kind = HISTORY_SHIFT, .worse = way > 0, .place = risen, .p = NAN, .at = i, .before = level});
        place(f, r, x, from, smaller(n, i + 1 + r->settle));
        if (!isnan(f->p)) {
            from = f->place;
            moved = 1;
        }
        c = none;
    }
}

/* -- the others ------------------------------------------------------------------------------------------------------------ */

static void find_budget(struct history *h, const struct history_rule *r, const struct history_point *point, const double *x,
                        int n)
{
    for (int i = 0, over = 0; i < n; i++) {
        over = point[i].low > r->budget ? over + 1 : 0;
        if (over == OVER)
            add(h, &(struct history_finding){HISTORY_BUDGET, 1, 1, i + 1 - OVER, NAN, i, 0, median(x + i + 1 - OVER, OVER)});
        for (int k = 0; !over && k < h->n; k++)
            h->finding[k].stands &= h->finding[k].kind != HISTORY_BUDGET;
    }
}

static void find_exact(struct history *h, const double *x, int n)
{
    for (int i = 0; i < n; i++) {
        double before = i ? x[i - 1] : 0;
        if (x[i] != before)
            add(h, &(struct history_finding){HISTORY_EXACT, x[i] > before, 0, i, NAN, i, before, x[i]});
    }
}

static int by_point(const void *a, const void *b)
{
    const struct history_finding *x = a, *y = b;
    return x->at != y->at ? (x->at > y->at) - (x->at < y->at) : (int)x->kind - (int)y->kind;
}

void history_judge(struct history *h, const struct history_rule *r, const struct history_point *point, int n, int exact)
{
    double *x = room(n, sizeof *x);
    *h = (struct history){.noise = NAN};
    for (int i = 0; i < n; i++)
        x[i] = point[i].ratio;
    if (exact) {
        find_exact(h, x, n);
    } else if (n >= r->least) {
        h->noise = noise_of(r, point, x, n);
        find_shifts(h, r, x, n);
    }
    double same = exact ? 0 : h->noise / 2; /* two levels that near are one */
    int levels = h->n;
    for (int i = 0; i < levels; i++) {
        h->finding[i].stands = h->finding[i].worse;
        for (int k = i; k < levels; k++)
            h->finding[i].stands &= h->finding[k].after > h->finding[i].before + same;
    }
    find_budget(h, r, point, x, n);
    if (h->n)
        qsort(h->finding, (size_t)h->n, sizeof *h->finding, by_point);
    free(x);
}

void history_free(struct history *h)
{
    free(h->finding);
    *h = (struct history){.noise = NAN};
}
