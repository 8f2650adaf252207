/* SPDX-License-Identifier: MIT */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench/cmd/cmd.h"
#include "bench/cmd/measuring.h"
#include "bench/cmd/rows.h"
#include "bench/cmd/show.h"
#include "bench/cmd/show_plan.h"
#include "bench/cmd/task_args.h"
#include "bench/peak.h"
#include "bench/sweep.h"

static const struct option_spec options[] = {
#define AXIS(name, arg, help, ...) {#name, 0, arg, help},
#include "bench/axes.def"
#undef AXIS
    {"text", 0, "FILE", "text whose first tokens fill the context, and which is scored"},
    {"reference", 0, "FORMAT", "hold the others against this format: KL divergence and top-1 agreement on the text"},
    TASK_OPTIONS,
    {"decode", 'n', "N", "tokens decoded in each trial (64)"},
    {"batch", 0, "N", "most tokens evaluated at once in prefill (512)"},
    {"window", 0, "N", "tokens of a window when the text is scored (128)"},
    {"trials", 0, "N", "trials of each cell, each a fresh process (3)"},
    {"seed", 0, "N", "of the order of cells and of made-up contexts (1)"},
    {"timeout", 0, "S", "seconds that a trial may take for one answer (600)"},
    {"exclude", 0, "LINES", "leave out cells: \"format=f16 context=4096; threads=1\""},
    {"watch", 0, "HZ", "how often a trial's memory is sampled from outside; 0: never (20)"},
    {"cache", 0, "DIR", "derived weight files ($BENCH_CACHE, else ~/.cache/bench)"},
    {"db", 0, "FILE", "database ($BENCH_DB, else results/bench.db)"},
    {"dry-run", 0, NULL, "print the plan and measure nothing"},
    {"resume", 0, NULL, "go on with the interrupted run of the same matrix"},
    {"quiet", 'q', NULL, "print no progress"},
    {NULL, 0, NULL, NULL},
};

static int configure(const struct settings *s, struct sweep_config *c, struct text *cache, struct err *e)
{
    int64_t decode, batch, window, trials, seed, watch, task_context;
    if (setting_int(s, "decode", 1, 1 << 20, 64, &decode, e) || setting_int(s, "batch", 1, 1 << 20, 512, &batch, e) ||
        setting_int(s, "window", 4, 1 << 20, 128, &window, e) || setting_int(s, "trials", 1, 10000, 3, &trials, e) ||
        setting_int(s, "task-context", 4, 1 << 20, 512, &task_context, e) || setting_int(s, "seed", 0, INT64_MAX, 1, &seed, e) ||
        setting_int(s, "watch", 0, 1000, 20, &watch, e))
        return -1;
    int chat;
    if (task_chat(setting(s, "chat"), &chat, e))
        return -1;
    double timeout = 600;
    const char *limit = setting(s, "timeout");
    if (limit && text_double(limit, 0.001, 1e9, &timeout))
        return err_set(e, ERR_USAGE, "--timeout %s: must be seconds, above 0", limit);
    *c = (struct sweep_config){.exclude = setting(s, "exclude"),
                               .text = setting(s, "text"),
                               .reference = setting(s, "reference"),
                               .tasks = setting(s, "tasks"),
                               .task_folder = task_folder(setting(s, "prompts")),
                               .chat = chat,
                               .task_context = (int)task_context,
                               .decode = (int)decode,
                               .batch = (int)batch,
                               .trials = (int)trials,
                               .window = (int)window,
                               .watch_hz = (int)watch,
                               .seed = (uint64_t)seed,
                               .timeout_s = timeout,
                               .resume = setting(s, "resume") != NULL};
    for (int i = 0; i < AXES; i++)
        c->axis[i] = setting(s, axes[i].name);
    if (settings_cache(s, cache, e))
        return -1;
    c->cache = cache->p;
    return 0;
}

/* -- progress ------------------------------------------------------------------------------------------------------------ */

static void on_progress(void *ctx, const struct sweep_progress *p)
{
    struct measuring *m = ctx;
    int failed = strcmp(p->outcome.state, "ok") != 0;
    if (!measuring_due(m, failed || p->done == p->total))
        return;
    char cell[200], left[32], result[64] = "";
    describe_cell(p->cell, cell, sizeof cell);
    describe_seconds(p->seconds_left, left);
    if (p->ms_per_token >= 0)
        snprintf(result, sizeof result, "  %.3f ms/token", p->ms_per_token);
    if (m->terminal)
        fputs("\r\033[K", stderr);
    if (failed)
        fprintf(stderr, "%s: %s %s: %s\n", cell, p->what, p->outcome.state, p->outcome.reason);
    else
        fprintf(stderr, "%d/%d  %s left  %s %s%s%s", p->done, p->total, left, p->what, cell, result, m->terminal ? "" : "\n");
    fflush(stderr);
}

/* -- the command -------------------------------------------------------------------------------------------------------- */

static int dry_run(const struct sweep_config *c, const char *build, int json, struct err *e)
{
    struct plan p;
    struct topology *t;
    struct peak peak;
    int cpu;
    if (topology_open(&t, e))
        return -1;
    int failed = topology_pick(t, 1, &cpu, e) || peak_measure(&peak, 1, &cpu, isa_best(), e);
    topology_close(t);
    if (failed || plan_open(&p, c, 0, peak_bandwidth(&peak.one), build, NULL, e))
        return -1;
    (json ? plan_print_json : plan_print_text)(&p, c);
    plan_close(&p);
    return 0;
}

static void next_commands(const struct sweep_report *r, const char *db)
{
    int other = strcmp(db, "results/bench.db") != 0;
    printf("\nnext: bench plot %lld -o plots/out%s%s\n", (long long)r->run, other ? " --db " : "", other ? db : "");
}

/* Nothing when every cell has a valid trial and every score a value; else what is missing, and what to do. */
static int check_complete(struct store *s, const struct sweep_report *report, int cells, struct err *e)
{
    static const char sql[] = "SELECT q.task, q.scorer, p.quality, q.reason FROM v_score q JOIN v_place p ON p.run = q.run AND "
                              "p.variant = q.variant WHERE q.run = CAST(?1 AS INTEGER) AND q.state <> 'ok' GROUP BY q.id "
                              "ORDER BY q.id";
    char run[24];
    struct rows failed;
    int lost = report->cells_failed + report->cells_infeasible, rc = 0;
    snprintf(run, sizeof run, "%lld", (long long)report->run);
    if (rows_load(&failed, s, sql, (const char *const[]){run, NULL}, e))
        return -1;
    if (lost && failed.n)
        rc = err_set(e, ERR_INVALID, "sweep: %d of %d cells have no valid trial and %d scores failed; the reasons stand above",
                     lost, cells, failed.n);
    else if (lost)
        rc = err_set(e, ERR_INVALID, "sweep: %d of %d cells have no valid trial; the reasons stand above", lost, cells);
    else if (failed.n)
        rc = err_set(e, ERR_INVALID,
                     "sweep: %d of the scores failed, first %s on %s of %s: %.300s.  The rest is stored; put that right and "
                     "sweep again, or do without that text or task",
                     failed.n, rows_get(&failed, 0, "scorer"), rows_get(&failed, 0, "task"), rows_get(&failed, 0, "quality"),
                     rows_get(&failed, 0, "reason"));
    rows_free(&failed);
    return rc;
}

static int measure(const struct settings *s, const struct sweep_config *c, struct err *e)
{
    int json = args_has(s->args, "json");
    struct measuring m;
    struct sweep_report report;
    int failed = measuring_open(&m, s, c, e);
    if (!failed) {
        failed = sweep_run(m.store, &m.plan, c, m.record, &(struct sweep_hooks){on_progress, &m, &measuring_stop}, &report, e);
        measuring_end(&m);
    }
    if (!failed && c->resume && !m.quiet)
        fprintf(stderr,
                report.resumed ? "resumed run %lld: %d trials were there\n"
                               : "run %lld: nothing to resume of this matrix, so it began anew (%d trials were there)\n",
                (long long)report.run, report.resumed);
    if (!failed)
        failed = show_run(m.store, report.run, json ? SHOW_JSON : SHOW_TEXT, e);
    if (!failed && !json)
        next_commands(&report, m.db);
    if (!failed && report.interrupted)
        failed = err_set(e, ERR_INCONCLUSIVE, "sweep: interrupted; the same command with --resume goes on");
    else if (!failed)
        failed = check_complete(m.store, &report, m.plan.matrix.n, e);
    measuring_close(&m);
    return failed;
}

static int run(const struct args *a, struct err *e)
{
    struct settings s = {.args = a, .options = options, .section = "sweep"};
    struct sweep_config c;
    struct text cache = {0};
    int failed = (a->n_positional && settings_read(&s, a->positional[0], e)) || configure(&s, &c, &cache, e);
    if (!failed && setting(&s, "dry-run"))
        failed = dry_run(&c, machine_build()->commit, args_has(a, "json"), e);
    else if (!failed)
        failed = measure(&s, &c, e);
    settings_free(&s);
    text_free(&cache);
    return failed;
}

const struct command command_sweep = {
    .name = "sweep",
    .summary = "measure every cell of a matrix on this machine and store everything",
    .positional = "[SWEEP.ini]",
    .max_positional = 1,
    .options = options,
    .json = 1,
    .about =
        "The matrix is the product of the lists.  Every trial is a fresh process that has one cell loaded: it loads the model,\n"
        "prefills `context` tokens of the text, then decodes `decode` tokens.  Cells are measured in shuffled rounds, so that a\n"
        "drift of the machine does not become a difference between cells.  ms/token is the median time of a decoded token, the\n"
        "interval beside it is over trials.  docs/method.md says what each number means.\n"
        "\n"
        "Quality is scored once per variant: perplexity with --text, divergence from one of the formats with --reference (its KV\n"
        "format, policy and compute path are the variant's), and each of --tasks: a JSONL file of {\"prompt\", \"answer\"},\n"
        "{\"prompt\", \"choices\", \"gold\"} or {\"text\"}, one a line.  An instruct model is asked by the chat template that\n"
        "its file carries (bench inspect names it), but for tasks with a template of their own and with --chat off.\n"
        "\n"
        "A file says the same: a section [sweep] with option = value lines; options on the command line override it.\n"
        "exit code: 0 every cell has a valid trial and every score a value, 4 some have none (the others are stored),\n"
        "5 the disk, a permission or a corrupt file.",
    .examples = "  bench sweep --model m.gguf --format f16,q8_0,q4_0 --context 64,256 --threads 1,2 --text some.txt\n"
                "  bench sweep sweep.ini --threads 4\n"
                "  bench sweep --model m.gguf --format f16,q4_0 --text some.txt --dry-run\n"
                "  bench sweep --model m.gguf --format f16,q4_0 --text some.txt --tasks mine.jsonl:exact,rouge_l\n"
                "  bench sweep --runtime null --context 1,2,3 --decode 16      # measures the harness itself",
    .run = run,
};
