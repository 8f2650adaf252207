/* SPDX-License-Identifier: MIT */
#include "bench/cmd/gate_options.h"

#include <errno.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "bench/cmd/cmd.h"
#include "bench/cmd/gate_report.h"
#include "bench/cmd/measuring.h"
#include "bench/cmd/show.h"
#include "bench/cmd/show_plan.h"
#include "bench/cmd/task_args.h"
#include "bench/gate_stored.h"

static const struct option_spec options[] = {
    {"base", 0, "BENCH", "the program that head must not be worse than; FILE,FILE,...: one build linked in several orders"},
    {"head", 0, "BENCH", "the program to judge; likewise"},
    {"base-model", 0, "FILE", "hold two models against each other: the one that the other must not be worse than"},
    {"head-model", 0, "FILE", "and the one to judge; without --base and --head this program runs both"},
    {"base-run", 0, "RUN", "hold two stored runs against each other: exact metrics and quality; times are told"},
    {"head-run", 0, "RUN", "and the one to judge, as bench list numbers them"},
    {"null", 0, "BENCH", "base linked again, for the null arm (the next of base's files)"},
    {"base-commit", 0, "HASH", "commit that base must be built from (any)"},
    {"head-commit", 0, "HASH", "commit that head must be built from (any)"},
#define AXIS(name, arg, help, ...) {#name, 0, arg, help},
#include "bench/axes.def"
#undef AXIS
    {"text", 0, "FILE", "text whose first tokens fill the context, and on which quality is judged"},
    {"window", 0, "N", "tokens of a window when the text is scored (128)"},
    {"reference", 0, "FORMAT", "tell how far both are from base's model in this format: KL divergence, top-1 agreement"},
    TASK_OPTIONS,
    {"score", 0, "WHEN", "which variants: differ, those whose logits do; always, all (differ)"},
    {"decode", 'n', "N", "tokens decoded in each round (8)"},
    {"batch", 0, "N", "most tokens evaluated at once in prefill (512)"},
    {"exclude", 0, "LINES", "leave out cells: \"format=f16 context=4096; threads=1\""},
    {"metric", 0, "LIST", "judge these alone, with a tolerance where one is given: ms_per_token=3%,arena (all)"},
    {"rounds", 0, "N", "measurements of each process, an even number (16)"},
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

static int finish(struct store *store, const struct settings *s, const struct gate_report *out, int lenient, struct err *e)
{
    return (!out->interrupted && report(store, s, out->run, e)) || verdict(out, lenient, e) ? -1 : 0;
}

static int find_run(struct store *store, const char *name, int64_t *run, struct err *e)
{
    if (!show_find_run(store, name, run, e))
        return 0;
    e->code = ERR_INVALID; /* with a run that is not there nothing was compared */
    return -1;
}

static int judge_stored(const struct settings *s, const struct gate_options *o, struct err *e)
{
    const char *db = setting(s, "db");
    struct store *store = NULL;
    struct topology *topology = NULL;
    struct machine *machine = NULL;
    struct gate_report out = {0};
    struct text command = {0};
    int64_t base, head;
    measuring_command(&command, s->args);
    int failed = store_open_existing(&store, db ? db : args_db(s->args), e) || find_run(store, o->base_run, &base, e) ||
                 find_run(store, o->head_run, &head, e) || topology_open(&topology, e) || machine_open(&machine, topology, e);
    if (!failed && base == head)
        failed = err_set(e, ERR_USAGE, "--base-run, --head-run: both are run %lld; name two", (long long)base);
    if (!failed) {
        struct store_run record = {.build = *machine_build(), .machine = *machine_record(machine), .command = command.p};
        failed = gate_stored(store, base, head, &o->gate, record, &out, e) || finish(store, s, &out, o->lenient, e);
    }
    machine_close(machine);
    topology_close(topology);
    store_close(store);
    text_free(&command);
    return failed ? -1 : 0;
}

/* The same matrix on head's model. */
static int plan_head(struct plan *p, const struct gate_options *o, const struct plan *base, struct err *e)
{
    struct sweep_config of_head = o->sweep;
    of_head.axis[AXIS_model] = o->head_model;
    if (plan_open(p, &of_head, 1, 0, machine_build()->commit, NULL, e))
        return -1;
    if (base->n_models == 1 && p->n_models == 1)
        return 0;
    return err_set(e, ERR_USAGE, "--base-model, --head-model: name one GGUF file each, for a runtime that runs one");
}

static int measure(const struct settings *s, const struct gate_options *o, struct err *e)
{
    struct measuring m;
    struct plan head = {0};
    struct gate_report out = {0};
    int failed = measuring_open(&m, s, &o->sweep, e) || (o->head_model && plan_head(&head, o, &m.plan, e));
    if (!failed) {
        failed = gate_run(m.store, &m.plan, o->head_model ? &head : &m.plan, &o->sweep, &o->gate, m.record,
                          &(struct gate_hooks){on_progress, &m, &measuring_stop}, &out, e);
        measuring_end(&m);
    }
    if (!failed)
        failed = finish(m.store, s, &out, o->lenient, e);
    plan_close(&head);
    measuring_close(&m);
    return failed ? -1 : 0;
}

static int run(const struct args *a, struct err *e)
{
    static struct gate_options o; /* static: it is large */
    struct settings s = {.args = a, .options = options, .section = "gate", .other = gate_options_take, .ctx = &o};
    struct text cache = {0};
    gate_options_default(&o);
    int failed = (a->n_positional && settings_read(&s, a->positional[0], e)) || gate_options_read(&s, &o, e) ||
                 settings_cache(&s, &cache, e);
    o.sweep.cache = cache.p;
    if (!failed)
        failed = o.base_run ? judge_stored(&s, &o, e) : measure(&s, &o, e);
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
        "A unit is three fresh processes, of base, of head and of base again (the null arm), copied anew, that map the same\n"
        "model and are measured alternately in balanced random order.  At 12, 16, 22, 30 and 40 units the rule decides for\n"
        "each metric of each cell: pass, regressed, inconclusive or invalid.  What looks worse is measured once more before it\n"
        "is called so.  docs/gate.md has the rule and how to read the table.\n"
        "\n"
        "metrics: ms_per_token, cpu_per_token, prefill_ms, prefill_cpu (tolerance 5%), instructions (0.5%, where they can be\n"
        "  counted), peak_memory (2% or 4 MiB), arena, kv, weights, tables, file_size of two models (exact: not a byte more),\n"
        "  perplexity (0.1%), every other scorer of --tasks (0.5 percentage points), of two tasks or more whose answers are right\n"
        "  or wrong also all answers together (\"all answers\"); told, but not gating: ttft_ms (5%), p99_ms (10%),\n"
        "  joules_per_token (5%), logits (exact), kl_divergence (0.1%), top1_agreement and token_accuracy (0.5 points)\n"
        "Quality is judged per variant, on the same items, by bench compare's paired tests; where the logits are the same,\n"
        "only with --score always.\n"
        "With --base-run and --head-run nothing is measured: bytes and scores of two sweeps are judged, times are only told.\n"
        "A file has a section [gate] with option = value lines, and sections [metric NAME] with tolerance = 5% and gate = yes,\n"
        "no (told only) or off; options on the command line override it.\n"
        "\n"
        "exit code: 0 pass; 1 something regressed; 3 nothing regressed, something is inconclusive; 4 invalid: a process failed,\n"
        "a cell is missing, the null arm differs, a program is not the one asked for; 2 and 5 are no verdict: wrong usage, and\n"
        "the disk, a permission or a corrupt file.",
    .examples = "  bench gate --base old/bench --head build/bench --model m.gguf --text some.txt --context 64 --threads 1,2\n"
                "  bench gate ci/gate.ini --base old/bench --head build/bench --junit gate.xml --markdown summary.md\n"
                "  bench gate ci/gate.ini --base old/bench --head build/bench --budget 60 --inconclusive pass\n"
                "  bench gate ci/gate.ini --base old/bench --head build/bench --metric ms_per_token=3%,arena\n"
                "  bench gate ci/gate.ini --base old/bench,old/bench-relinked --head build/bench,build/bench-relinked\n"
                "  bench gate --base-model v1.gguf --head-model v2.gguf --text some.txt --tasks mine.jsonl:exact --context 64\n"
                "  bench gate --base-run 3 --head-run last",
    .run = run,
};
