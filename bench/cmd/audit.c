/* `bench audit`: is the gate right?  Runs of it with a known truth, which ci/gate_trial collects. */
/* SPDX-License-Identifier: MIT */
#include "bench/cmd/audit.h"

#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "bench/cmd/cmd.h"
#include "bench/cmd/rows.h"
#include "eval/resample.h"
#include "results/store_audit.h"

static const struct option_spec options[] = {
    {"db", 0, "FILE", "the database ($BENCH_DB, else results/bench.db)"},
    {"cells", 0, NULL, "report: a row for each cell and metric too"},
    {"items", 0, "LIST", "scores: items of a gate (as many as there are)"},
    {"draws", 0, "N", "scores: gates (500)"},
    {"equal", 0, "N", "draw: runs of equal builds that there shall be (100)"},
    {"effect", 0, "N", "draw: runs of each effect (25); record, inject: percent that the build is made for"},
    {"calibrate", 0, "N", "draw: calibrating runs of each effect and condition (4)"},
    {"effects", 0, "LIST", "draw: percentages (3,5,10)"},
    {"conditions", 0, "LIST", "draw: what else the machine does (idle,make,hog)"},
    {"seed", 0, "N", "draw: of what comes next (1)"},
    {"kind", 0, "KIND", "record: tune, calibrate, equal or effect"},
    {"condition", 0, "WORD", "record: what else the machine did"},
    {0},
};

static int load(struct audit *a, struct store *s, int rivals, struct err *e)
{
    int failed = audit_load(a, s, rivals, e);
    if (failed)
        audit_free(a);
    return failed;
}

static int report(const struct args *args, struct store *s, struct err *e)
{
    struct audit a;
    if (load(&a, s, 0, e))
        return -1;
    int differ = audit_report(&a, args_has(args, "cells"), stdout);
    audit_free(&a);
    return differ ? err_set(e, ERR_ANSWER_NO, "audit: %d verdicts are not what the same rule makes of the same samples", differ)
                  : 0;
}

static int rules(const struct args *args, struct store *s, struct err *e)
{
    struct audit a;
    (void)args;
    if (load(&a, s, 1, e))
        return -1;
    audit_rules(&a, stdout);
    audit_free(&a);
    return 0;
}

static int scores(const struct args *args, struct store *s, struct err *e)
{
    const char *given = args_get(args, "items");
    struct list l = list_split(given ? given : "");
    int items[AUDIT_MAX_ITEMS], failed = 0;
    int64_t draws, n;
    if (l.n > AUDIT_MAX_ITEMS)
        failed = err_set(e, ERR_USAGE, "audit scores: --items: at most %d numbers", AUDIT_MAX_ITEMS);
    for (int i = 0; i < l.n && !failed; i++) {
        if (text_int(l.v[i], RESAMPLE_MIN_ITEMS, 1000000, &n))
            failed =
                err_set(e, ERR_USAGE, "audit scores: --items: %s: must be whole numbers from %d to 1000000, such as 300,1300",
                        l.v[i], RESAMPLE_MIN_ITEMS);
        else
            items[i] = (int)n;
    }
    failed = failed || args_int(args, "draws", 1, 100000, 500, &draws, e) || audit_scores(s, items, l.n, (int)draws, stdout, e);
    free(l.v);
    return failed ? -1 : 0;
}

static int draw(const struct args *args, struct store *s, struct err *e)
{
    const char *effects = args_get(args, "effects"), *conditions = args_get(args, "conditions");
    struct audit_wish w = {.effects = effects ? effects : "3,5,10", .conditions = conditions ? conditions : "idle,make,hog"};
    int64_t seed;
    if (args_int(args, "equal", 0, 1000000, 100, &w.equal, e) || args_int(args, "effect", 0, 1000000, 25, &w.effect, e) ||
        args_int(args, "calibrate", 0, 1000000, 4, &w.calibrate, e) || args_int(args, "seed", 0, INT64_MAX, 1, &seed, e))
        return -1;
    w.seed = (uint64_t)seed;
    return audit_draw(s, &w, stdout, e);
}

/* Of the newest gate, which must have come to its end. */
static int record(const struct args *args, struct store *s, struct err *e)
{
    const char *kind = args_get(args, "kind"), *condition = args_get(args, "condition");
    struct store_audit row = {.kind = kind, .condition = condition};
    struct rows r;
    double run;
    if (!kind || audit_kind_of(kind) == AUDIT_KINDS || !condition || !*condition || strlen(condition) >= AUDIT_CONDITION)
        return err_set(e, ERR_USAGE,
                       "audit record: --kind tune, calibrate, equal or effect and --condition WORD, which is short, are needed");
    int equal = audit_kind_of(kind) == AUDIT_EQUAL;
    if (args_double(args, "effect", equal ? 0 : 0.1, equal ? 0 : 100, 0, &row.effect, e))
        return -1;
    if (!equal && !args_has(args, "effect"))
        return err_set(e, ERR_USAGE, "audit record: --effect PERCENT is needed for runs of the kind %s", kind);
    if (rows_load(&r, s, "SELECT run FROM gate WHERE run = (SELECT max(run) FROM gate) AND outcome IS NOT NULL", NULL, e))
        return -1;
    int there = r.n && rows_number(&r, 0, "run", &run);
    rows_free(&r);
    if (!there)
        return err_set(e, ERR_INVALID,
                       "audit record: the newest gate of this database has not come to its end, or there is none");
    return store_audit(s, (int64_t)run, &row, e);
}

static int inject(const struct args *args, struct store *s, struct err *e)
{
    double percent;
    if (args_double(args, "effect", 0.1, 100, 5, &percent, e))
        return -1;
    return audit_inject(s, percent, stdout, e);
}

static const struct {
    const char *name;
    int (*run)(const struct args *a, struct store *s, struct err *e);
    int creates; /* the database may not be there yet */
} verbs[] = {{"report", report, 0}, {"rules", rules, 0},   {"scores", scores, 0},
             {"draw", draw, 1},     {"record", record, 0}, {"inject", inject, 0}};
enum { N_VERBS = sizeof verbs / sizeof *verbs };

static int run(const struct args *a, struct err *e)
{
    const char *word = a->n_positional ? a->positional[0] : verbs[0].name;
    struct store *s;
    int v = 0;
    while (v < N_VERBS && strcmp(word, verbs[v].name) != 0)
        v++;
    if (v == N_VERBS)
        return err_set(e, ERR_USAGE, "audit: there is no \"%s\"; it can be report, rules, scores, draw, record, inject", word);
    if (verbs[v].creates ? store_open(&s, args_db(a), e) : store_open_existing(&s, args_db(a), e))
        return -1;
    int failed = verbs[v].run(a, s, e);
    store_close(s);
    return failed;
}

const struct command command_audit = {
    .name = "audit",
    .summary = "is the gate right? its false alarms, power and coverage where the truth is known",
    .positional = "[report|rules|scores|draw|record|inject]",
    .max_positional = 1,
    .options = options,
    .about =
        "ci/gate_trial runs the gate on builds of which it knows what they are slower by, and records that beside the verdicts.\n"
        "  report   false alarms, cells undecided, units and time; what was found of each effect; coverage of the intervals.\n"
        "           Shares have exact 95% intervals (Clopper and Pearson).  Every verdict is made again from the stored\n"
        "           samples, and the exit code is 1 when one is not what is stored.\n"
        "  rules    the same samples judged by the rules of other tools, as a table in Markdown.  \"in sequence\" gives them base\n"
        "           from the first half of a cell's units and head from the second, \"in turns\" both from all.\n"
        "  scores   of the newest gate that scored both sides: how often gates with so many items like those would find head\n"
        "           worse, and how often if it differed as much and were as good.\n"
        "  draw     for ci/gate_trial: what to run next, as KIND EFFECT CONDITION SEED LEFT, or done\n"
        "  record   for ci/gate_trial: what was drawn for the newest gate of the database\n"
        "  inject   for ci/gate_trial: compiler options for a build that is slower by --effect percent\n"
        "docs/gate.md says how to read it.",
    .examples = "  bench audit --db trial.db\n"
                "  bench audit report --cells --db trial.db\n"
                "  bench audit rules --db trial.db\n"
                "  bench audit scores --items 300,1300 --db gate.db",
    .run = run,
};
