/* The gate's rule and those of other tools on the same samples, as a table in Markdown. */
/* SPDX-License-Identifier: MIT */
#include <math.h>
#include <string.h>

#include "bench/cmd/audit.h"
#include "bench/gate_rivals.h"

#define OURS (-1)

static int slower(const struct audit_row *row, int rule, int order)
{
    if (rule == OURS)
        return row->replayed && !strcmp(row->replayed, "regressed");
    return row->slower[order] >> rule & 1;
}

/* Verdicts of a kind and effect: how many this rule finds slower, and in how many runs any. */
struct tally {
    long rows, found, runs, runs_found;
};

static struct tally count(const struct audit *a, enum audit_kind kind, double effect, int rule, int order)
{
    struct tally t = {0};
    for (int from = 0, to; from < a->n_rows; from = to) { /* the rows of a run stand together */
        const struct audit_run *r = &a->run[a->row[from].run];
        long rows = 0, found = 0;
        for (to = from; to < a->n_rows && a->row[to].run == a->row[from].run; to++)
            if (a->row[to].judged) {
                rows++;
                found += slower(&a->row[to], rule, order);
            }
        if (r->kind != kind || fabs(r->effect - effect) > 1e-9)
            continue;
        t.rows += rows, t.found += found;
        t.runs += rows > 0, t.runs_found += found > 0;
    }
    return t;
}

static void print_rule(const struct audit *a, int rule, int order, const double *effect, int n, FILE *out)
{
    static const char *const orders[AUDIT_ORDERS] = {"in sequence", "in turns"};
    struct tally t = count(a, AUDIT_EQUAL, 0, rule, order);
    char runs[48], rows[48];
    audit_share_interval(runs, t.runs_found, t.runs);
    audit_share(rows, t.found, t.rows);
    fprintf(out, "| %s | %s | %ld of %ld, %s | %s |", rule == OURS ? "the gate" : gate_rivals[rule].name,
            rule == OURS ? "pairs" : orders[order], t.runs_found, t.runs, runs, rows);
    for (int i = 0; i < n; i++) {
        t = count(a, AUDIT_EFFECT, effect[i], rule, order);
        audit_share(rows, t.found, t.rows);
        fprintf(out, " %s |", rows);
    }
    fputc('\n', out);
}

void audit_rules(const struct audit *a, FILE *out)
{
    double effect[AUDIT_MAX_EFFECTS];
    int n = audit_effects(a, effect);
    struct tally t = count(a, AUDIT_EQUAL, 0, OURS, IN_TURNS);
    fputs("| rule | order | equal: runs with an alarm, 95% | equal: alarms |", out);
    for (int i = 0; i < n; i++)
        fprintf(out, " built for %g%%: found |", effect[i]);
    fputs("\n|---|---|--:|--:|", out);
    for (int i = 0; i < n; i++)
        fputs("--:|", out);
    fputc('\n', out);
    print_rule(a, OURS, IN_TURNS, effect, n, out);
    for (int i = 0; i < gate_n_rivals; i++)
        for (int order = 0; order < AUDIT_ORDERS; order++)
            print_rule(a, i, order, effect, n, out);
    fprintf(out, "\nVerdicts on times: %ld of equal builds", t.rows);
    for (int i = 0; i < n; i++)
        fprintf(out, ", %ld of builds for %g%%", count(a, AUDIT_EFFECT, effect[i], OURS, IN_TURNS).rows, effect[i]);
    fputs(".\n\n", out);
    for (int i = 0; i < gate_n_rivals; i++)
        fprintf(out, "* %s: %s\n", gate_rivals[i].name, gate_rivals[i].about);
}
