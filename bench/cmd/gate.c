/* SPDX-License-Identifier: MIT */
#include "bench/gate.h"

#include <errno.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "bench/cmd/cmd.h"
#include "bench/cmd/gate_report.h"
#include "bench/cmd/measuring.h"
#include "bench/cmd/show_plan.h"
#include "bench/cmd/task_args.h"
#include "eval/scorer.h"

static const struct option_spec options[] = {
    {"base", 0, "BENCH", "the program that head must not be worse than"},
    {"head", 0, "BENCH", "the program to judge"},
    {"base-model", 0, "FILE", "hold two models against each other: the one that the other must not be worse than"},
    {"head-model", 0, "FILE", "and the one to judge; without --base and --head this program runs both"},
    {"null", 0, "BENCH", "base linked again, for the null arm (a copy of base)"},
    {"base-commit", 0, "HASH", "commit that base must be built from (any)"},
    {"head-commit", 0, "HASH", "commit that head must be built from (any)"},
#define AXIS(name, arg, help, ...) {#name, 0, arg, help},
#include "bench/axes.def"
#undef AXIS
    {"text", 0, "FILE", "text whose first tokens fill the context, and on which quality is judged"},
    {"window", 0, "N", "tokens of a window when the text is scored (128)"},
    {"reference", 0, "FORMAT", "tell how far both are from base's model in this format: KL divergence, top-1 agreement"},
    TASK_OPTIONS,
    {"decode", 'n', "N", "tokens decoded in each round (64)"},
    {"batch", 0, "N", "most tokens evaluated at once in prefill (512)"},
    {"exclude", 0, "LINES", "leave out cells: \"format=f16 context=4096; threads=1\""},
    {"rounds", 0, "N", "measurements of each process, an even number (8)"},
    {"looks", 0, "LIST", "units after which it is decided (12,16,22,30,40)"},
    {"alpha", 0, "P", "error of calling a metric worse, over all looks (0.01)"},
    {"beta", 0, "P", "error of passing one that is worse by the tolerance, over all looks (0.05)"},
    {"budget", 0, "S", "seconds for the first measurement; what is open then is inconclusive (600)"},
    {"inconclusive", 0, "HOW", "fail: exit code 3; pass: exit code 0 (fail)"},
    {"seed", 0, "N", "of all orders and of made-up contexts (1)"},
    {"timeout", 0, "S", "seconds that a process may take for one answer (600)"},
    {"cache", 0, "DIR", "derived weight files ($BENCH_CACHE, else ~/.cache/bench)"},
    {"db", 0, "FILE", "database ($BENCH_DB, else results/bench.db)"},
    {"junit", 0, "FILE", "write the verdicts as JUnit XML"},
    {"markdown", 0, "FILE", "append them to FILE as Markdown, such as $GITHUB_STEP_SUMMARY"},
    {"codequality", 0, "FILE", "write what did not pass as GitLab's code-quality report"},
    {"annotations", 0, NULL, "print what did not pass as GitHub's annotations too"},
    {"quiet", 'q', NULL, "print no progress"},
    {NULL, 0, NULL, NULL},
};

/* -- settings -------------------------------------------------------------------------------------------------------------- */

#define MAX_METRICS 96 /* and scorers */

static void default_metrics(struct gate_config *g)
{
    for (int i = 0; i < gate_n_metrics; i++)
        g->metric[i] = (struct gate_setting){.on = 1, .gates = gate_metrics[i].gates, .tolerance = gate_metrics[i].tolerance};
    for (int i = 0; scorers[i]; i++)
        g->score[i] = gate_score_default(scorers[i]);
}

/* Of a metric or a scorer; NULL: there is none of this name. */
static struct gate_setting *find_setting(struct gate_config *g, const char *name)
{
    int metric = gate_metric_index(name);
    for (int i = 0; metric < 0 && scorers[i]; i++)
        if (!strcmp(scorers[i]->name, name))
            return &g->score[i];
    return metric < 0 ? NULL : &g->metric[metric];
}

static int unknown_metric(const char *name, struct err *e)
{
    const char *names[MAX_METRICS], *near;
    int n = 0;
    for (int i = 0; i < gate_n_metrics; i++)
        names[n++] = gate_metrics[i].name;
    for (int i = 0; scorers[i] && n < MAX_METRICS; i++)
        names[n++] = scorers[i]->name;
    near = text_nearest(name, names, n);
    return err_set(e, ERR_USAGE, "there is no metric \"%s\"%s%s%s; bench help gate lists them", name,
                   near ? "; did you mean \"" : "", near ? near : "", near ? "\"?" : "");
}

/* [metric NAME]: tolerance = 5%, gate = yes | no | off. */
static int take_metric(void *ctx, const char *section, const char *key, const char *value, struct err *e)
{
    static const char *const words[] = {"off", "no", "yes"};
    if (strncmp(section, "metric ", 7) != 0)
        return err_set(e, ERR_USAGE, "section [%s]: there are [gate] and [metric NAME]", section);
    struct gate_setting *set = find_setting(ctx, section + 7);
    int metric = gate_metric_index(section + 7), word = 0;
    if (!set)
        return unknown_metric(section + 7, e);
    if (!strcmp(key, "tolerance")) {
        char number[32];
        snprintf(number, sizeof number, "%.*s", (int)strcspn(value, "%"), value);
        if (metric >= 0 && gate_metrics[metric].fact)
            return err_set(e, ERR_USAGE, "%s is exact and has no tolerance; gate = no tells it without deciding", section + 7);
        if (!strchr(value, '%') || text_double(number, 0.01, 1000, &set->tolerance))
            return err_set(e, ERR_USAGE, "tolerance = %s: must be a percentage from 0.01%% to 1000%%, such as 5%%", value);
        set->tolerance /= 100;
        return 0;
    }
    while (!strcmp(key, "gate") && word < 3 && strcmp(value, words[word]) != 0)
        word++;
    if (strcmp(key, "gate") != 0 || word == 3)
        return err_set(e, ERR_USAGE, "%s = %s: a metric has tolerance = 5%% and gate = yes, no (told only) or off", key, value);
    set->on = word > 0;
    set->gates = set->required = word == 2;
    return 0;
}

static int read_looks(const char *list, struct gate_rule *r, struct err *e)
{
    struct list l = list_split(list);
    int64_t before = 5, at = 0;
    int failed = l.n < 1 || l.n > GATE_MAX_LOOKS;
    for (int i = 0; i < l.n && !failed; i++) {
        failed = text_int(l.v[i], before + 1, 10000, &at);
        r->look[i] = (int)(before = at);
    }
    r->n_looks = l.n;
    free(l.v);
    return failed ? err_set(e, ERR_USAGE, "--looks %s: must be 1 to %d numbers of units, rising, the first 6 at least", list,
                            GATE_MAX_LOOKS)
                  : 0;
}

/* What is held against what: two programs, two models, or both. */
static int read_sides(const struct settings *s, struct sweep_config *c, struct gate_config *g, const char **head_model,
                      struct err *e)
{
    const char *base_model = setting(s, "base-model");
    *head_model = setting(s, "head-model");
    g->base = setting(s, "base"), g->head = setting(s, "head"), g->null = setting(s, "null");
    g->base_commit = setting(s, "base-commit"), g->head_commit = setting(s, "head-commit");
    if (!g->base != !g->head || !base_model != !*head_model || (!g->base && !base_model))
        return err_set(e, ERR_USAGE,
                       "gate: needs --base BENCH and --head BENCH, the programs of two builds, or --base-model FILE and "
                       "--head-model FILE, or all four");
    if (base_model && args_get(s->args, "model"))
        return err_set(e, ERR_USAGE,
                       "gate: --model names the model of both sides; with --base-model and --head-model leave it out");
    if (base_model) /* instead of the file's model, so that one gate.ini serves both */
        c->axis[AXIS_model] = base_model;
    return 0;
}

static int read_quality(const struct settings *s, struct sweep_config *c, struct err *e)
{
    int64_t window, task_context;
    if (setting_int(s, "window", 4, 1 << 20, 128, &window, e) ||
        setting_int(s, "task-context", 4, 1 << 20, 512, &task_context, e) || task_chat(setting(s, "chat"), &c->chat, e))
        return -1;
    c->reference = setting(s, "reference");
    c->tasks = setting(s, "tasks");
    c->task_folder = task_folder(setting(s, "prompts"));
    c->window = (int)window;
    c->task_context = (int)task_context;
    return 0;
}

static int configure(const struct settings *s, struct sweep_config *c, struct gate_config *g, const char **head_model,
                     int *lenient, struct err *e)
{
    int64_t decode, batch, seed, rounds;
    const char *looks = setting(s, "looks"), *how = setting(s, "inconclusive");
    g->rule = gate_rule_default;
    if (setting_int(s, "decode", 1, 1 << 20, 64, &decode, e) || setting_int(s, "batch", 1, 1 << 20, 512, &batch, e) ||
        setting_int(s, "rounds", 2, 1000, 8, &rounds, e) || setting_int(s, "seed", 0, INT64_MAX, 1, &seed, e) ||
        setting_double(s, "alpha", 1e-9, 0.5, g->rule.alpha, &g->rule.alpha, e) ||
        setting_double(s, "beta", 1e-9, 0.5, g->rule.beta, &g->rule.beta, e) ||
        setting_double(s, "budget", 0, 1e9, 600, &g->budget_s, e) ||
        setting_double(s, "timeout", 0.001, 1e9, 600, &c->timeout_s, e) || (looks && read_looks(looks, &g->rule, e)))
        return -1;
    if (args_has(s->args, "json") && setting(s, "annotations"))
        return err_set(e, ERR_USAGE, "gate: --json and --annotations both print to stdout: choose one");
    if (rounds % 2)
        return err_set(e, ERR_USAGE, "--rounds %d: must be even, so that each program comes first equally often", (int)rounds);
    if (how && strcmp(how, "fail") != 0 && strcmp(how, "pass") != 0)
        return err_set(e, ERR_USAGE, "--inconclusive %s: must be fail or pass", how);
    *lenient = how && !strcmp(how, "pass");
    g->rounds = (int)rounds;
    c->exclude = setting(s, "exclude");
    c->text = setting(s, "text");
    c->decode = (int)decode;
    c->batch = (int)batch;
    c->seed = (uint64_t)seed;
    for (int i = 0; i < AXES; i++)
        c->axis[i] = setting(s, axes[i].name);
    return read_sides(s, c, g, head_model, e) || read_quality(s, c, e) ? -1 : 0;
}

/* -- progress, reports ----------------------------------------------------------------------------------------------------- */

static void on_progress(void *ctx, const struct gate_progress *p)
{
    struct measuring *m = ctx;
    char time[32];
    if (!measuring_due(m, 0))
        return;
    describe_seconds(p->seconds, time);
    fprintf(stderr, "%s%s, %s %d, %d of %d %s open%s", m->terminal ? "\r\033[K" : "", time, p->phase, p->unit + 1, p->open,
            p->all, p->of, m->terminal ? "" : "\n");
    fflush(stderr);
}

static int write_report(const char *path, const char *mode, void (*print)(const struct gate_report_rows *, FILE *),
                        const struct gate_report_rows *r, struct err *e)
{
    FILE *f = path ? fopen(path, mode) : NULL;
    if (!path)
        return 0;
    if (f)
        print(r, f);
    int failed = !f || ferror(f);
    if (f)
        failed |= fclose(f) != 0;
    return failed ? err_set(e, ERR_ENV, "%s: cannot write the report: %s", path, strerror(errno)) : 0;
}

static int report(struct store *store, const struct settings *s, int64_t run, struct err *e)
{
    struct gate_report_rows r;
    if (gate_report_load(&r, store, run, e))
        return -1;
    if (args_has(s->args, "json"))
        print_json(gate_json(&r));
    else
        gate_print_text(&r, stdout);
    if (setting(s, "annotations"))
        gate_print_annotations(&r, stdout);
    int failed = write_report(setting(s, "junit"), "w", gate_print_junit, &r, e) ||
                 write_report(setting(s, "codequality"), "w", gate_print_codequality, &r, e) ||
                 write_report(setting(s, "markdown"), "a", gate_print_markdown, &r, e);
    gate_report_free(&r);
    return failed ? -1 : 0;
}

/* The exit code, and in words what decides it. */
static int verdict(const struct gate_report *r, int lenient, struct err *e)
{
    const int *n = r->count;
    if (r->interrupted)
        return err_set(e, ERR_INCONCLUSIVE, "gate: interrupted; what was measured is stored, but says nothing alone");
    if (*r->reason)
        return err_set(e, ERR_INVALID, "gate: invalid: %s", r->reason);
    if (r->outcome == GATE_REGRESSED)
        return err_set(e, ERR_ANSWER_NO, "gate: regressed: %d verdicts; the table above says which and by how much",
                       n[GATE_REGRESSED]);
    if (r->outcome == GATE_INVALID)
        return err_set(e, ERR_INVALID, "gate: invalid: %d verdicts could not be had; the reasons stand above", n[GATE_INVALID]);
    if (r->outcome == GATE_INCONCLUSIVE && !lenient)
        return err_set(e, ERR_INCONCLUSIVE,
                       "gate: inconclusive: %d verdicts; the reasons stand above (--inconclusive pass lets them)",
                       n[GATE_INCONCLUSIVE]);
    return 0;
}

/* -- the command ----------------------------------------------------------------------------------------------------------- */

/* The same matrix on head's model. */
static int plan_head(struct plan *p, const struct sweep_config *c, const char *model, const struct plan *base, struct err *e)
{
    struct sweep_config of_head = *c;
    of_head.axis[AXIS_model] = model;
    if (plan_open(p, &of_head, 1, 0, machine_build()->commit, NULL, e))
        return -1;
    if (base->n_models == 1 && p->n_models == 1)
        return 0;
    return err_set(e, ERR_USAGE, "--base-model, --head-model: name one GGUF file each, for a runtime that runs one");
}

static int measure(const struct settings *s, const struct sweep_config *c, const struct gate_config *g, const char *head_model,
                   int lenient, struct err *e)
{
    struct measuring m;
    struct plan head = {0};
    struct gate_report out = {0};
    int failed = measuring_open(&m, s, c, e) || (head_model && plan_head(&head, c, head_model, &m.plan, e));
    if (!failed) {
        failed = gate_run(m.store, &m.plan, head_model ? &head : &m.plan, c, g, m.record,
                          &(struct gate_hooks){on_progress, &m, &measuring_stop}, &out, e);
        measuring_end(&m);
    }
    if (!failed && !out.interrupted)
        failed = report(m.store, s, out.run, e);
    if (!failed)
        failed = verdict(&out, lenient, e);
    plan_close(&head);
    measuring_close(&m);
    return failed ? -1 : 0;
}

static int run(const struct args *a, struct err *e)
{
    struct gate_setting metric[MAX_METRICS], score[MAX_METRICS];
    struct gate_config g = {.metric = metric, .score = score};
    struct settings s = {.args = a, .options = options, .section = "gate", .other = take_metric, .ctx = &g};
    struct sweep_config c = {0};
    struct text cache = {0};
    const char *head_model = NULL;
    int lenient = 0;
    default_metrics(&g);
    int failed = (a->n_positional && settings_read(&s, a->positional[0], e)) || configure(&s, &c, &g, &head_model, &lenient, e) ||
                 settings_cache(&s, &cache, e);
    c.cache = cache.p;
    if (!failed)
        failed = measure(&s, &c, &g, head_model, lenient, e);
    settings_free(&s);
    text_free(&cache);
    return failed ? -1 : 0;
}

const struct command command_gate = {
    .name = "gate",
    .summary = "is one build, or one model, worse than another? interleaved on this machine, three outcomes",
    .positional = "[GATE.ini]",
    .max_positional = 1,
    .options = options,
    .json = 1,
    .about =
        "A unit is three fresh processes, of base, of head and of base again under another path (the null arm), that map the\n"
        "same model and are measured alternately in balanced random order.  At 12, 16, 22, 30 and 40 units the rule decides for\n"
        "each metric of each cell: pass, regressed, inconclusive or invalid.  What looks worse is measured once more before it\n"
        "is called so.  docs/gate.md has the rule and how to read the table.\n"
        "\n"
        "metrics: ms_per_token, cpu_per_token, prefill_ms, prefill_cpu (tolerance 5%), instructions (0.5%, where they can be\n"
        "  counted), peak_memory (2% or 4 MiB), arena, kv, weights, tables, file_size of two models (exact: not a byte more),\n"
        "  perplexity (0.1%), every other scorer of --tasks (0.5 percentage points); told, but not gating: ttft_ms (5%), p99_ms\n"
        "  (10%), logits (exact), kl_divergence (0.1%), top1_agreement and token_accuracy (0.5 points)\n"
        "Quality is judged per variant, on the same items, by bench compare's paired tests; not where the logits are the same.\n"
        "A file has a section [gate] with option = value lines, and sections [metric NAME] with tolerance = 5% and gate = yes,\n"
        "no (told only) or off; options on the command line override it.\n"
        "\n"
        "exit code: 0 pass; 1 something regressed; 3 nothing regressed, something is inconclusive; 4 invalid: a process failed,\n"
        "a cell is missing, the null arm differs, a program is not the one asked for; 2 and 5 are no verdict: wrong usage, and\n"
        "the disk, a permission or a corrupt file.",
    .examples = "  bench gate --base old/bench --head build/bench --model m.gguf --text some.txt --context 64 --threads 1,2\n"
                "  bench gate ci/gate.ini --base old/bench --head build/bench --junit gate.xml --markdown summary.md\n"
                "  bench gate ci/gate.ini --base old/bench --head build/bench --budget 60 --inconclusive pass\n"
                "  bench gate --base-model v1.gguf --head-model v2.gguf --text some.txt --tasks mine.jsonl:exact --context 64",
    .run = run,
};
