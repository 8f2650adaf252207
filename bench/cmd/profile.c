/* Where the time of a model's prefill and decode goes: the stages of engine/profile.h, with the bytes that they read.
 *
 * Tokens are drawn at random with a seed: which they are changes no stage's work.  Prefill is one evaluation after another one
 * that is thrown away; decode is --decode tokens behind it, measured in turns of eight with the profile and eight without, whose
 * medians say what the profile costs. */
/* SPDX-License-Identifier: MIT */
#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/rng.h"
#include "base/stats.h"
#include "bench/cmd/engine_args.h"
#include "bench/cmd/table.h"
#include "bench/runtime/cell_session.h"
#include "engine/profile.h"

static const struct option_spec options[] = {
    {"model", 'm', "FILE", "the GGUF file to run"},
    {"context", 0, "N", "tokens of the prefill; decoding goes on behind them (512)"},
    {"decode", 0, "N", "tokens decoded with the profile, and as many without, in turns of eight (64)"},
    {"batch", 0, "N", "most tokens evaluated at once (512)"},
    {"seed", 0, "N", "of the tokens (1)"},
    ENGINE_OPTIONS,
    {NULL, 0, NULL, NULL},
};

enum { TURN = 8, MAX_TOKENS = 1 << 20 };

struct job {
    struct cell cell;
    struct model *model;
    struct session *session;
    int context, decode, cpus;
    int *ids;               /* [context] */
    double *with, *without; /* [decode], ns of a token */
    struct profile prefill, decoded;
    int64_t huge;    /* bytes of the model that are mapped in huge pages; -1: the kernel does not say */
    double overhead; /* of the profile: a share of a token's time */
};

static int open_all(const struct args *a, struct job *j, struct err *e)
{
    static int cpus[TOPOLOGY_MAX_CPUS];
    struct session_options o;
    int64_t context, decode, batch, seed;
    const char *path = args_need(a, "model", e);
    if (!path || args_int(a, "context", 1, MAX_TOKENS, 512, &context, e) ||
        args_int(a, "decode", TURN, MAX_TOKENS, 64, &decode, e) || args_int(a, "batch", 1, MAX_TOKENS, 512, &batch, e) ||
        args_int(a, "seed", 0, INT64_MAX, 1, &seed, e) || engine_args(a, &j->cell, cpus, e) || model_open(&j->model, path, 1, e))
        return -1;
    j->context = (int)context;
    j->cpus = topology_distinct(cpus, j->cell.threads);
    j->decode = (int)(decode / TURN * TURN);
    j->cell.batch = (int)batch;
    j->ids = calloc((size_t)j->context, sizeof *j->ids);
    j->with = calloc((size_t)j->decode, sizeof *j->with);
    j->without = calloc((size_t)j->decode, sizeof *j->without);
    if (!j->ids || !j->with || !j->without)
        return err_set(e, ERR_ENV, "profile: no memory for %d token ids", j->context);
    struct rng rng;
    rng_seed(&rng, (uint64_t)seed);
    for (int i = 0; i < j->context; i++)
        j->ids[i] = (int)rng_below(&rng, (uint64_t)j->model->n_vocab);
    cell_session(&j->cell, j->context + 2 * j->decode, cpus, &o);
    return session_open(&j->session, j->model, &o, e);
}

static int decode_turn(struct job *j, double *ns, struct err *e)
{
    for (int i = 0; i < TURN; i++) {
        int64_t begin = clock_ns();
        if (session_eval(j->session, &j->ids[i % j->context], 1, LOGITS_LAST, NULL, NULL, e))
            return -1;
        ns[i] = (double)(clock_ns() - begin);
    }
    return 0;
}

static void add(struct profile *sum, const struct profile *p)
{
    sum->passes += p->passes;
    sum->wall_ns += p->wall_ns;
    for (int i = 0; i < STAGES; i++) {
        sum->ns[i] += p->ns[i];
        sum->bytes[i] += p->bytes[i];
    }
}

static int measure(struct job *j, struct err *e)
{
    for (int warm = 1; warm >= 0; warm--) {
        session_rewind(j->session, 0, NULL);
        session_profile_start(j->session);
        if (session_eval(j->session, j->ids, j->context, LOGITS_LAST, NULL, NULL, e))
            return -1;
        session_profile_stop(j->session, &j->prefill);
    }
    for (int done = 0; done < j->decode; done += TURN) {
        struct profile p;
        if (decode_turn(j, j->without + done, e))
            return -1;
        session_profile_start(j->session);
        if (decode_turn(j, j->with + done, e))
            return -1;
        session_profile_stop(j->session, &p);
        add(&j->decoded, &p);
    }
    stats_sort(j->with, (size_t)j->decode);
    stats_sort(j->without, (size_t)j->decode);
    j->huge = file_field("/proc/self/smaps_rollup", "FilePmdMapped:");
    j->huge *= j->huge < 0 ? 1 : 1024;
    j->overhead = stats_quantile(j->with, (size_t)j->decode, 0.5) / stats_quantile(j->without, (size_t)j->decode, 0.5) - 1;
    return 0;
}

/* Whether the weights are in huge pages depends on how the file came into the page cache: see file_map. */
static void print_pages(const struct job *j, const char *path)
{
    const double bytes = (double)j->model->gguf.bytes;
    if (j->huge < 0)
        return;
    printf("\nWeights: %.0f MiB mapped, %.0f%% in huge pages.\n", bytes / 1048576, 100 * fmin((double)j->huge / bytes, 1));
    if (bytes >= 64 << 20 && (double)j->huge < bytes / 2)
        printf(
            "The page cache holds the file in small pages, which makes decoding up to 9%% slower.  Where the file system has large\n"
            "ones, they come with the next load after: dd if=%s iflag=nocache count=0\n",
            path);
}

/* -- printing: `tokens` is what the figures are divided by ---------------------------------------------------------------- */

static double share(const struct job *j, const struct profile *p, int stage)
{
    return (double)p->ns[stage] / (double)p->wall_ns / j->cell.threads;
}

static void print_part(const struct job *j, const char *title, const struct profile *p, int tokens)
{
    struct table t = {0};
    int64_t bytes = 0;
    printf("\n%s: %.3f ms a token\n", title, (double)p->wall_ns / 1e6 / tokens);
    table_column(&t, "stage", TABLE_LEFT);
    table_column(&t, "share", TABLE_RIGHT);
    table_column(&t, "ms/token", TABLE_RIGHT);
    table_column(&t, "MB read", TABLE_RIGHT);
    table_column(&t, "GB/s", TABLE_RIGHT);
    for (int i = 0; i < STAGES; i++) {
        double ms = share(j, p, i) * (double)p->wall_ns / 1e6;
        bytes += p->bytes[i];
        if (!p->ns[i])
            continue;
        table_add(&t, "%s", stage_names[i]);
        table_add(&t, "%.1f%%", 100 * share(j, p, i));
        table_add(&t, "%.4f", ms / tokens);
        table_add(&t, p->bytes[i] ? "%.2f" : "-", (double)p->bytes[i] / 1e6 / (double)p->passes);
        table_add(&t, p->bytes[i] ? "%.1f" : "-", (double)p->bytes[i] / 1e6 / ms);
    }
    table_add(&t, "all");
    table_add(&t, "100.0%%");
    table_add(&t, "%.4f", (double)p->wall_ns / 1e6 / tokens);
    table_add(&t, "%.2f", (double)bytes / 1e6 / (double)p->passes);
    table_add(&t, "%.1f", (double)bytes / (double)p->wall_ns);
    table_print(&t, stdout);
    table_free(&t);
}

static json_t *part_json(const struct job *j, const struct profile *p, int tokens)
{
    json_t *stages = json_array();
    for (int i = 0; i < STAGES; i++)
        json_array_append_new(stages, json_pack("{s:s, s:f, s:I}", "stage", stage_names[i], "share", share(j, p, i), "bytes",
                                                (json_int_t)p->bytes[i]));
    return json_pack("{s:i, s:I, s:I, s:o}", "tokens", tokens, "passes", (json_int_t)p->passes, "wall_ns", (json_int_t)p->wall_ns,
                     "stages", stages);
}

static int run(const struct args *a, struct err *e)
{
    struct job j = {0};
    int rc = open_all(a, &j, e) || measure(&j, e) ? -1 : 0;
    if (!rc && args_has(a, "json")) {
        print_json(json_pack("{s:s, s:i, s:i, s:f, s:I, s:o, s:o, s:o}", "model", args_get(a, "model"), "threads", j.cell.threads,
                             "cpus", j.cpus, "overhead", j.overhead, "mapped_bytes", (json_int_t)j.model->gguf.bytes,
                             "mapped_huge_bytes", j.huge < 0 ? json_null() : json_integer(j.huge), "prefill",
                             part_json(&j, &j.prefill, j.context), "decode", part_json(&j, &j.decoded, j.decode)));
    } else if (!rc) {
        printf("%s, %d thread%s", args_get(a, "model"), j.cell.threads, j.cell.threads > 1 ? "s" : "");
        if (j.cpus < j.cell.threads)
            printf(" on %d CPU%s", j.cpus, j.cpus > 1 ? "s" : "");
        putchar('\n');
        print_part(&j, "Prefill", &j.prefill, j.context);
        print_part(&j, "Decode", &j.decoded, j.decode);
        print_pages(&j, args_get(a, "model"));
        printf("\nMB read: what a pass cannot but read; GB/s over the time of that stage on all threads.\n"
               "Token times with the profile are %+.2f%% of those without.\n",
               100 * j.overhead);
    }
    session_close(j.session);
    model_close(j.model);
    free(j.ids);
    free(j.with);
    free(j.without);
    return rc;
}

const struct command command_profile = {
    .name = "profile",
    .summary = "where the time of prefill and decode goes, stage by stage",
    .options = options,
    .json = 1,
    .about =
        "Evaluates --context random tokens (the second time counts), decodes behind them, and prints for each stage its share of\n"
        "the time of all threads, the bytes of weights and KV cache that it cannot but read, and how fast it read them.  The\n"
        "row `waiting` is the time at barriers: what synchronisation and an uneven split cost.",
    .examples = "  bench profile --model m.gguf\n"
                "  bench profile --model m.gguf --context 4096 --kv q8_0 --threads 2 --json",
    .run = run,
};
