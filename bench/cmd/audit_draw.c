/* What ci/gate_trial runs next.  Everything that is still to be run lies in an urn, and one is drawn; so a trial that is interrupted,
 * or asked for more, goes on from what is stored, and nobody knows before which run is which. */
/* SPDX-License-Identifier: MIT */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/rng.h"
#include "base/stats.h"
#include "base/text.h"
#include "bench/cmd/audit.h"
#include "bench/cmd/rows.h"
#include "results/store_audit.h"

struct urn {
    const struct rows *done; /* kind, effect, condition, n */
    struct rng rng;
    int64_t left; /* of the stage that is drawn from */
    enum audit_kind kind;
    double effect;
    const char *condition;
};

static int64_t runs_done(const struct rows *done, enum audit_kind kind, double effect, const char *condition)
{
    for (int i = 0; i < done->n; i++) {
        double x, n;
        rows_number(done, i, "effect", &x);
        rows_number(done, i, "n", &n);
        if (!strcmp(rows_get(done, i, "kind"), audit_kind_names[kind]) && fabs(x - effect) < 1e-9 &&
            !strcmp(rows_get(done, i, "condition"), condition))
            return (int64_t)n;
    }
    return 0;
}

/* Puts `wanted` runs of it in and takes out those that are done; each that is in is drawn with the same probability in the end. */
static void put(struct urn *u, enum audit_kind kind, double effect, const char *condition, int64_t wanted)
{
    int64_t n = wanted - runs_done(u->done, kind, effect, condition);
    if (n <= 0)
        return;
    u->left += n;
    if (rng_below(&u->rng, (uint64_t)u->left) < (uint64_t)n)
        u->kind = kind, u->effect = effect, u->condition = condition;
}

/* Of n runs over `parts` conditions those of the i-th: as even as it gets. */
static int64_t part(int64_t n, int parts, int i)
{
    return n / parts + (i < n % parts);
}

static int parse_effects(const struct list *l, double *effect, struct err *e)
{
    for (int i = 0; i < l->n; i++)
        if (text_double(l->v[i], 0.1, 100, &effect[i]))
            return err_set(e, ERR_USAGE, "--effects: %s: must be percentages from 0.1 to 100, such as 3,5,10", l->v[i]);
    return 0;
}

static void fill(struct urn *u, const struct audit_wish *w, const struct list *conditions, const double *effect, int n)
{
    for (int c = 0; c < conditions->n; c++)
        for (int i = 0; i < n; i++)
            put(u, AUDIT_CALIBRATE, effect[i], conditions->v[c], w->calibrate);
    for (int c = 0; c < conditions->n && !(u->left && u->kind == AUDIT_CALIBRATE); c++) {
        put(u, AUDIT_EQUAL, 0, conditions->v[c], part(w->equal, conditions->n, c));
        for (int i = 0; i < n; i++)
            put(u, AUDIT_EFFECT, effect[i], conditions->v[c], part(w->effect, conditions->n, c));
    }
}

/* The runs there are, by what was drawn; *r is empty where the file has none. */
static int load_done(struct rows *r, struct store *s, struct err *e)
{
    int there;
    *r = (struct rows){0};
    if (store_audit_there(s, &there, e))
        return -1;
    return there ? rows_load(r, s, "SELECT kind, effect, condition, count(*) AS n FROM audit GROUP BY kind, effect, condition",
                             NULL, e)
                 : 0;
}

int audit_draw(struct store *s, const struct audit_wish *w, FILE *out, struct err *e)
{
    struct rows done = {0};
    struct list conditions = list_split(w->conditions), effects = list_split(w->effects);
    double *effect = calloc((size_t)effects.n + 1, sizeof *effect);
    int failed = -1;
    if (!effect)
        abort();
    if (!conditions.n || !effects.n) {
        err_set(e, ERR_USAGE, "audit draw: --effects and --conditions need one each at least, such as 3,5,10 and idle,make,hog");
        goto out;
    }
    if (parse_effects(&effects, effect, e) || load_done(&done, s, e))
        goto out;
    double sum = 0, n;
    for (int i = 0; i < done.n; i++)
        sum += rows_number(&done, i, "n", &n) ? n : 0;
    struct urn u = {.done = &done};
    rng_seed(&u.rng, w->seed + 1000003u * (uint64_t)sum);
    fill(&u, w, &conditions, effect, effects.n);
    if (u.left)
        fprintf(out, "%s %g %s %llu %lld\n", audit_kind_names[u.kind], u.effect, u.condition,
                (unsigned long long)(rng_u64(&u.rng) >> 2), (long long)u.left);
    else
        fputs("done\n", out);
    failed = 0;
out:
    rows_free(&done);
    free(effect);
    free(effects.v);
    free(conditions.v);
    return failed;
}

/* -- how much to repeat ------------------------------------------------------------------------------------------------------ */

/* Millionths of the rows for `percent`, from the median over the cells' medians of CPU time: what is repeated adds to the time in
 * proportion. */
static int ppm_of(struct store *s, const char *metric, double percent, long *ppm, struct err *e)
{
    struct rows r;
    double per_repeated;
    if (rows_load(&r, s,
                  "SELECT median((exp(v.estimate) - 1) * 100 / a.effect) AS x FROM audit a JOIN cell c ON c.run = a.run "
                  "JOIN verdict v ON v.cell = c.id WHERE a.kind = 'tune' AND v.metric = ?1 AND v.estimate IS NOT NULL",
                  (const char *const[]){metric, NULL}, e))
        return -1;
    int there = r.n && rows_number(&r, 0, "x", &per_repeated);
    rows_free(&r);
    if (!there)
        return err_set(e, ERR_INVALID, "audit inject: no run of the kind tune has measured %s: ci/gate_trial makes one first",
                       metric);
    *ppm = lround(percent / per_repeated * 10000);
    if (!(per_repeated > 0.01) || *ppm > 1000000)
        return err_set(
            e, ERR_INVALID,
            "audit inject: repeating 100%% of the work made %s %.1f%% slower, which cannot give %g%%: was the machine idle?",
            metric, 100 * per_repeated, percent);
    return 0;
}

int audit_inject(struct store *s, double percent, FILE *out, struct err *e)
{
    long decode, prefill;
    int there;
    if (store_audit_there(s, &there, e))
        return -1;
    if (!there)
        return err_set(e, ERR_INVALID, "audit inject: nothing was recorded in this database yet: ci/gate_trial tunes first");
    if (ppm_of(s, "cpu_per_token", percent, &decode, e) || ppm_of(s, "prefill_cpu", percent, &prefill, e))
        return -1;
    fprintf(out, "-DINJECT_DECODE_PPM=%ld -DINJECT_PREFILL_PPM=%ld\n", decode, prefill);
    return 0;
}
