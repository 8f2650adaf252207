/* `bench bisect`: which commit made a cell worse.  Candidates are compared by `bench gate`, run as a program of its own: its rule,
 * units and exit code are what decides, and its gates are in the database like any other. */
/* SPDX-License-Identifier: MIT */
#include "bench/bisect.h"

#include <jansson.h>
#include <math.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "bench/axes.h"
#include "bench/cmd/cmd.h"
#include "bench/cmd/table.h"
#include "bench/gate_metric.h"
#include "bench/gate_rule.h"
#include "bench/process.h"

static const struct option_spec options[] = {
    {"cell", 0, "CELL", "the cell to look at: format=q4_0,context=128,threads=1"},
    {"metric", 0, "NAME", "and its metric, with a tolerance where that of bench gate is not meant: prefill_ms=3% (ms_per_token)"},
    {"program", 0, "FILE", "what BUILD-COMMAND makes, relative to the commit's folder (build/bench)"},
    {"config", 0, "GATE.ini", "settings of bench gate that are not given here"},
    {"repo", 0, "DIR", "the git repository (.)"},
#define AXIS(name, arg, help, ...) {#name, 0, arg, help},
#include "bench/axes.def"
#undef AXIS
    /* What is handed on to bench gate, from here on and the axes; docs and ranges are there. */
    {"text", 0, "FILE", "text whose first tokens fill the context"},
    {"decode", 'n', "N", "tokens decoded in each round"},
    {"batch", 0, "N", "most tokens evaluated at once in prefill"},
    {"rounds", 0, "N", "measurements of each process"},
    {"looks", 0, "LIST", "units after which it is decided (12,16,22,30,40)"},
    {"alpha", 0, "P", "error of calling a commit bad"},
    {"beta", 0, "P", "error of calling one good"},
    {"seed", 0, "N", "of all orders (1)"},
    {"timeout", 0, "S", "seconds that a process may take for one answer (600)"},
    {"cache", 0, "DIR", "derived weight files ($BENCH_CACHE, else ~/.cache/bench)"},
    {"db", 0, "FILE", "database ($BENCH_DB, else results/bench.db)"},
    {"quiet", 'q', NULL, "print no progress"},
    {NULL, 0, NULL, NULL},
};

#define FIRST_HANDED_ON 5 /* options[] from "model" to "db" */

static volatile sig_atomic_t stop;

static void on_signal(int number)
{
    (void)number;
    stop = 1;
}

struct job {
    const struct args *args;
    struct list cell; /* "format=q4_0" */
    char metric[64], tolerance[32];
    char looks[200]; /* twice as many units, for what was undecided */
};

/* -- a comparison ---------------------------------------------------------------------------------------------------------- */

/* Command lines of bench gate: words, NULL-ended, and the texts that they are made of. */
struct line {
    const char *v[96];
    int n;
    struct text own[32];
    int n_own;
};

static void add(struct line *l, const char *word)
{
    if (l->n + 1 == (int)(sizeof l->v / sizeof *l->v))
        abort();
    l->v[l->n++] = word;
}

static void add_option(struct line *l, const char *name, const char *value)
{
    if (l->n_own == (int)(sizeof l->own / sizeof *l->own))
        abort();
    struct text *t = &l->own[l->n_own++];
    text_printf(t, "--%s=%s", name, value);
    add(l, t->p);
}

static void make_line(struct line *l, const struct job *j, const char *base, const char *head, const char *const commit[2],
                      double tolerance, int more)
{
    char metric[128];
    int known = gate_metric_index(j->metric);
    add(l, "/proc/self/exe");
    add(l, "gate");
    if (args_get(j->args, "config"))
        add(l, args_get(j->args, "config"));
    for (int i = FIRST_HANDED_ON; strcmp(options[i].name, "quiet") != 0; i++)
        if (args_get(j->args, options[i].name) && !(more > 1 && !strcmp(options[i].name, "looks")))
            add_option(l, options[i].name, args_get(j->args, options[i].name));
    for (int i = 0; i < j->cell.n; i++) {
        char name[32];
        snprintf(name, sizeof name, "%.*s", (int)strcspn(j->cell.v[i], "="), j->cell.v[i]);
        add_option(l, name, strchr(j->cell.v[i], '=') + 1);
    }
    if (more > 1)
        add_option(l, "looks", j->looks);
    if (tolerance > 0 && known >= 0 && !gate_metrics[known].fact) /* an exact one is bad as soon as it is more */
        snprintf(metric, sizeof metric, "%s=%.3f%%", j->metric, fmin(100 * tolerance, 1000));
    else
        snprintf(metric, sizeof metric, "%s%s", j->metric, j->tolerance);
    add_option(l, "metric", metric);
    add_option(l, "base", base);
    add_option(l, "head", head);
    for (int i = 0; i < 2; i++) {
        char short_name[13];
        snprintf(short_name, sizeof short_name, "%.12s", commit[i]);
        add_option(l, i ? "head-commit" : "base-commit", short_name);
    }
    add(l, "--inconclusive=fail");
    add(l, "--quiet");
    add(l, "--json");
    l->v[l->n] = NULL;
}

static double number_of(const json_t *v, const char *name)
{
    const json_t *x = json_object_get(v, name);
    return json_is_number(x) ? json_number_value(x) : NAN;
}

/* What the gate decided; said: its last line on stderr. */
static int take_verdict(const json_t *gate, int status, const char *said, struct bisect_verdict *v, struct err *e)
{
    const json_t *list = json_object_get(gate, "verdicts"), *one = json_array_get(list, 0);
    if (status == ERR_USAGE || status == ERR_ENV || status > ERR_ENV)
        return err_set(e, status > ERR_ENV ? ERR_ENV : (enum err_code)status, "bench gate ended with %d: %s", status, said);
    if (json_array_size(list) > 1)
        return err_set(e, ERR_USAGE, "bisect: these are %d cells, the first of them %s: choose one with --cell axis=value,...",
                       (int)json_array_size(list), json_string_value(json_object_get(one, "cell")));
    *v = (struct bisect_verdict){.is = status == ERR_NONE        ? BISECT_GOOD
                                       : status == ERR_ANSWER_NO ? BISECT_BAD
                                                                 : BISECT_SKIPPED,
                                 .undecided = status == ERR_INCONCLUSIVE,
                                 .ratio = number_of(one, "ratio"),
                                 .low = number_of(one, "ratio_low"),
                                 .high = number_of(one, "ratio_high"),
                                 .units = isnan(number_of(one, "units")) ? 0 : (int)number_of(one, "units")};
    const char *reason = json_string_value(json_object_get(one, "reason"));
    if (v->is == BISECT_SKIPPED)
        snprintf(v->why, sizeof v->why, "%.299s", reason && *reason ? reason : said);
    return 0;
}

static int compare(void *ctx, const char *base, const char *head, const char *const commit[2], double tolerance, int more,
                   struct bisect_verdict *v, struct err *e)
{
    struct line *l = calloc(1, sizeof *l);
    struct text out = {0}, said = {0};
    char last[300];
    int status;
    if (!l)
        abort();
    make_line(l, ctx, base, head, commit, tolerance, more);
    int rc = process_run(&(struct process){.argv = l->v, .stop = &stop}, &out, &said, &status, e);
    process_last_line(&said, last, sizeof last);
    json_t *gate = rc ? NULL : json_loads(out.p ? out.p : "", 0, NULL);
    if (!rc)
        rc = take_verdict(gate, status, strncmp(last, "bench: ", 7) ? last : last + 7, v, e);
    json_decref(gate);
    for (int i = 0; i < l->n_own; i++)
        text_free(&l->own[i]);
    free(l);
    text_free(&out);
    text_free(&said);
    return rc;
}

/* -- what is printed ------------------------------------------------------------------------------------------------------- */

static void percent(double ratio, char buf[24])
{
    if (isnan(ratio))
        snprintf(buf, 24, "-");
    else
        snprintf(buf, 24, "%+.1f%%", 100 * (ratio - 1));
}

static void on_step(void *ctx, const struct bisect_step *s)
{
    char ratio[24];
    const struct job *j = ctx;
    percent(s->verdict.ratio, ratio);
    if (!args_has(j->args, "quiet"))
        fprintf(stderr, "%.12s  %-7s  %6s  %s%s%s\n", s->commit, bisect_is_name(s->verdict.is), ratio, s->subject,
                *s->verdict.why ? ": " : "", s->verdict.why);
}

/* The step of a commit; bad may be the first one itself. */
static const struct bisect_step *step_of(const struct bisect_result *r, const char *commit)
{
    for (int i = 0; i < r->n; i++)
        if (!strcmp(r->step[i].commit, commit))
            return &r->step[i];
    return &r->bad;
}

static void add_row(struct table *t, const struct bisect_step *s, const char *is)
{
    char ratio[24], low[24], high[24];
    percent(s->verdict.ratio, ratio);
    percent(s->verdict.low, low);
    percent(s->verdict.high, high);
    table_add(t, "%.12s", s->commit);
    table_add(t, "%s", is);
    table_add(t, "%s", ratio);
    if (isnan(s->verdict.low))
        table_add(t, "-");
    else
        table_add(t, "[%s, %s]", low, high);
    table_add(t, "%d", s->verdict.units);
    table_add(t, "%s", s->subject);
}

static void print_text(const struct job *j, const struct bisect_result *r)
{
    struct table t = {0};
    table_column(&t, "commit", TABLE_LEFT);
    table_column(&t, "is", TABLE_LEFT);
    table_column(&t, "change", TABLE_RIGHT);
    table_column(&t, "95%", TABLE_RIGHT);
    table_column(&t, "units", TABLE_RIGHT);
    table_column(&t, "subject", TABLE_LEFT);
    add_row(&t, &r->good, "GOOD");
    add_row(&t, &r->bad, "BAD");
    for (int i = 0; i < r->n; i++)
        add_row(&t, &r->step[i], bisect_is_name(r->step[i].verdict.is));
    table_print(&t, stdout);
    table_free(&t);
    for (int i = 0; i < r->n; i++)
        if (r->step[i].verdict.is == BISECT_SKIPPED)
            printf("  %.12s skipped: %s\n", r->step[i].commit, r->step[i].verdict.why);
    if (*r->first) {
        const struct bisect_step *s = step_of(r, r->first);
        char ratio[24], low[24], high[24];
        percent(s->verdict.ratio, ratio);
        percent(s->verdict.low, low);
        percent(s->verdict.high, high);
        printf("\nthe first bad commit is %.12s, %s\n%s %s [%s, %s] against %.12s\n", s->commit, s->subject, j->metric, ratio,
               low, high, r->good.commit);
    }
}

static json_t *step_json(const struct bisect_step *s, const char *is)
{
    return json_pack("{s:s, s:o, s:s, s:o, s:o, s:o, s:i, s:s}", "commit", s->commit, "subject",
                     json_any_text(s->subject, strlen(s->subject)), "is", is, "ratio", json_real_or_null(s->verdict.ratio),
                     "ratio_low", json_real_or_null(s->verdict.low), "ratio_high", json_real_or_null(s->verdict.high), "units",
                     s->verdict.units, "reason", s->verdict.why);
}

static json_t *result_json(const struct job *j, const struct bisect_result *r)
{
    json_t *steps = json_array(), *possible = json_array();
    for (int i = 0; i < r->n; i++)
        json_array_append_new(steps, step_json(&r->step[i], bisect_is_name(r->step[i].verdict.is)));
    for (char *save, *line = strtok_r(r->possible.p ? r->possible.p : (char[]){""}, "\n", &save); line;
         line = strtok_r(NULL, "\n", &save))
        json_array_append_new(possible, json_string(line));
    return json_pack("{s:s, s:o, s:o, s:o, s:o, s:o}", "metric", j->metric, "good", step_json(&r->good, "good"), "bad",
                     step_json(&r->bad, "bad"), "first_bad", *r->first ? step_json(step_of(r, r->first), "bad") : json_null(),
                     "possible", possible, "tested", steps);
}

/* -- the command ----------------------------------------------------------------------------------------------------------- */

static int read_job(struct job *j, struct err *e)
{
    const char *cell = args_get(j->args, "cell"), *metric = args_get(j->args, "metric"), *looks = args_get(j->args, "looks");
    struct text twice = {0};
    j->cell = list_split(cell ? cell : "");
    for (int i = 0; i < j->cell.n; i++) {
        char name[32];
        snprintf(name, sizeof name, "%.*s", (int)strcspn(j->cell.v[i], "="), j->cell.v[i]);
        if (!strchr(j->cell.v[i], '=') || (!axis_by_name(name) && strcmp(name, "decode") != 0 && strcmp(name, "batch") != 0))
            return err_set(e, ERR_USAGE, "--cell %s: must be axis=value, the axes being options of bench help bisect",
                           j->cell.v[i]);
    }
    metric = metric ? metric : "ms_per_token";
    if (strchr(metric, ','))
        return err_set(e, ERR_USAGE, "--metric %s: a bisection follows one metric", metric);
    snprintf(j->metric, sizeof j->metric, "%.*s", (int)strcspn(metric, "="), metric);
    snprintf(j->tolerance, sizeof j->tolerance, "%s", metric + strcspn(metric, "="));
    struct list l = list_split(looks ? looks : "");
    for (int i = 0; i < (l.n ? l.n : gate_rule_default.n_looks); i++)
        text_printf(&twice, "%s%d", i ? "," : "", 2 * (l.n ? atoi(l.v[i]) : gate_rule_default.look[i]));
    snprintf(j->looks, sizeof j->looks, "%s", twice.p);
    text_free(&twice);
    free(l.v);
    return 0;
}

static int run(const struct args *a, struct err *e)
{
    struct job j = {.args = a};
    struct bisect_result r = {0};
    const char *repo = args_get(a, "repo"), *program = args_get(a, "program");
    struct bisect_config c = {.repo = repo ? repo : ".",
                              .good = a->positional[0],
                              .bad = a->positional[1],
                              .build = (const char *const *)a->positional + 2,
                              .program = program ? program : "build/bench",
                              .compare = compare,
                              .step = on_step,
                              .ctx = &j,
                              .stop = &stop};
    struct sigaction act = {.sa_handler = on_signal}, was_int, was_term;
    sigaction(SIGINT, &act, &was_int);
    sigaction(SIGTERM, &act, &was_term);
    int rc = read_job(&j, e) || bisect_run(&c, &r, e) ? -1 : 0;
    sigaction(SIGINT, &was_int, NULL);
    sigaction(SIGTERM, &was_term, NULL);
    if (!rc && args_has(a, "json"))
        print_json(result_json(&j, &r));
    else if (!rc)
        print_text(&j, &r);
    if (!rc && !*r.first)
        rc = err_set(e, ERR_INCONCLUSIVE, "bisect: only skipped commits are left; the first bad one is one of\n%s",
                     r.possible.p ? r.possible.p : "");
    bisect_free(&r);
    free(j.cell.v);
    return rc;
}

const struct command command_bisect = {
    .name = "bisect",
    .summary = "which commit made a cell worse: git bisect with the gate's rule",
    .positional = "GOOD BAD -- BUILD-COMMAND",
    .min_positional = 3,
    .max_positional = 40,
    .options = options,
    .json = 1,
    .about =
        "Works in a git worktree of its own below $TMPDIR, which is removed at the end, after Ctrl-C too: your tree, index and\n"
        "branch stay as they are.  BUILD-COMMAND is run in it for each commit and makes --program; options stand in front\n"
        "of the --, and a shell line is -- sh -c 'make -j2 && strip build/bench'.\n"
        "\n"
        "First BAD is held against GOOD by bench gate.  Where it is worse, every commit that git bisect asks for is built and held\n"
        "against GOOD too, interleaved: bad is what has half of that loss or more.  What stays undecided is measured again with\n"
        "twice the units; what then is undecided, cannot be built or fails is skipped, and said at the end.\n"
        "\n"
        "exit code: 0 found; 1 BAD is not worse than GOOD; 3 it cannot be told, or only skipped commits are left, or interrupted;\n"
        "4 GOOD or BAD cannot be built or measured; 2 no such commits, or GOOD is not an ancestor of BAD.",
    .examples = "  bench bisect v1.2 HEAD --config ci/gate.ini --cell format=q4_0,context=128,threads=1 -- make -j2\n"
                "  bench bisect HEAD~40 HEAD --model m.gguf --text some.txt --cell context=64 --metric prefill_ms=3% -- make\n"
                "  bench bisect v1.2 HEAD --model m.gguf --metric arena -- make",
    .run = run,
};
