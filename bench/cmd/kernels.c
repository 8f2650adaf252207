/* SPDX-License-Identifier: MIT */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/text.h"
#include "bench/cmd/cmd.h"
#include "bench/cmd/kernels.h"
#include "bench/machine.h"
#include "bench/topology.h"
#include "engine/pool.h"
#include "results/store.h"

static void progress(const char *doing, const char *kernel, int i, int n)
{
    fprintf(stderr, "\r\033[K%s %s (%d of %d)", doing, kernel, i + 1, n);
}

static void progress_end(void)
{
    if (isatty(STDERR_FILENO))
        fputs("\r\033[K", stderr);
}

/* -- storing -------------------------------------------------------------------------------------------------------------- */

static int keep(const struct kernel_job *j, const struct topology *topology, const char *db, struct err *e)
{
    static const char *const peak_names[] = {[PEAK_INT8] = "peak_int8", [PEAK_F32] = "peak_f32", [PEAK_BF16] = "peak_bf16"};
    const struct peak *p = &j->peak;
    struct store *store = NULL;
    struct machine *machine = NULL;
    int n = 0, rc = -1;
    struct store_kernel *v = calloc((size_t)j->n + 3 + 2 * PEAK_UNITS, sizeof *v);
    if (!v)
        return err_set(e, ERR_ENV, "kernels: no memory for the rows to store");
    for (int all = 0; all < (p->threads > 1 ? 2 : 1); all++) {
        int threads = all ? p->threads : 1;
        double rate = peak_bandwidth(all ? &p->all : &p->one);
        v[n++] = (struct store_kernel){"read_bandwidth",    .threads = threads, .ns = (double)p->buffer_bytes / rate * 1e9,
                                       .bytes_per_s = rate, .of_bandwidth = -1, .of_peak = -1};
        for (int u = 0; u < PEAK_UNITS; u++) {
            rate = all ? p->unit[u].all : p->unit[u].one;
            if (p->unit[u].instruction) /* a call is one operation here */
                v[n++] = (struct store_kernel){peak_names[u],     .threads = threads, .ns = 1e9 / rate,
                                               .ops_per_s = rate, .of_bandwidth = -1, .of_peak = -1};
        }
    }
    if (p->threads > 1)
        v[n++] = (struct store_kernel){"round_trip", .threads = 2, .ns = p->round_trip_ns, .of_bandwidth = -1, .of_peak = -1};
    for (const struct kernel_result *r = j->v; r < j->v + j->n; r++)
        if (r->timed)
            v[n++] = (struct store_kernel){r->c.name,
                                           p->threads,
                                           r->k,
                                           r->rows,
                                           r->columns,
                                           r->ns,
                                           r->bytes / r->ns * 1e9,
                                           r->operations / r->ns * 1e9,
                                           kernel_of_bandwidth(j, r),
                                           kernel_of_peak(j, r)};
    if (machine_open(&machine, topology, e) || store_open(&store, db, e))
        goto out;
    rc = store_kernels(store, machine_record(machine), machine_build(), v, n, e);
out:
    store_close(store);
    machine_close(machine);
    free(v);
    return rc ? err_where(e, "the results above are not stored") : 0;
}

/* ------------------------------------------------------------------------------------------------------------------------- */

/* One column is always among them: what decodes, and what the head does in every batch. */
static int read_columns(struct kernels *k, const char *text, struct err *e)
{
    struct list list = list_split(text ? text : "512");
    int rc = 0, n = 0;
    k->columns[n++] = 1;
    for (int i = 0; i < list.n && !rc; i++) {
        int64_t columns;
        int known = 0;
        if (text_int(list.v[i], 1, KERNELS_MOST_COLUMNS, &columns))
            rc = err_set(e, ERR_USAGE, "kernels: --columns %s: \"%s\" is not a number of columns; give 1 to %d, comma-separated",
                         text, list.v[i], KERNELS_MOST_COLUMNS);
        for (int c = 0; !rc && c < n; c++)
            known |= k->columns[c] == columns;
        if (!rc && !known && n == KERNELS_COLUMNS)
            rc = err_set(e, ERR_USAGE, "kernels: --columns %s: more than %d numbers; measure the others in another call", text,
                         KERNELS_COLUMNS);
        if (!rc && !known)
            k->columns[n++] = (int)columns;
    }
    k->job.columns = k->columns;
    k->job.n_columns = n;
    free(list.v);
    return rc;
}

/* The shapes outlive the model: random weights are timed, not its own. */
static int read_model(struct kernels *k, const char *path, struct err *e)
{
    struct model *m;
    if (model_open(&m, path, 0, e))
        return -1;
    k->job.n_shapes = kernel_shapes(m, &k->shape, e);
    k->job.shapes = k->shape;
    model_close(m);
    return k->job.n_shapes < 0 ? -1 : 0;
}

static int read_options(struct kernels *k, int *cpus, const struct args *a, const struct topology *t, struct err *e)
{
    const char *level = args_get(a, "isa"), *model = args_get(a, "model"), *columns = args_get(a, "columns");
    struct kernel_job *j = &k->job;
    int64_t seed, threads;
    j->isa = isa_best();
    if (level && (isa_parse(level, &j->isa) || !isa_has(j->isa)))
        return err_set(e, ERR_USAGE, "--isa %s: not an instruction set of this machine; its best is %s, scalar is always there",
                       level, isa_name(isa_best()));
    if (columns && !model)
        return err_set(e, ERR_USAGE,
                       "kernels: --columns says how a model's matrices are timed; name the model with --model FILE");
    if (args_int(a, "seed", 0, INT64_MAX, clock_real_ns() % 1000000, &seed, e) ||
        args_int(a, "threads", 1, TOPOLOGY_MAX_CPUS, topology_cores(t), &threads, e) || read_columns(k, columns, e) ||
        (model && read_model(k, model, e)))
        return -1;
    if (threads > topology_cpus(t)) /* threads that take turns measure no ceiling, and a round trip between them would not end */
        return err_set(e, ERR_USAGE,
                       "kernels: --threads %d: this process may use %d CPU%s, and a ceiling is that of threads with a CPU each; "
                       "ask for at most that many, or widen its cpuset and affinity mask",
                       (int)threads, topology_cpus(t), topology_cpus(t) == 1 ? "" : "s");
    j->seed = (uint64_t)seed;
    j->threads = (int)threads;
    j->filter = args_get(a, "filter");
    j->progress = isatty(STDERR_FILENO) ? progress : NULL;
    return topology_pick(t, j->threads, cpus, e);
}

/* Both drift on a machine that is shared, so the ceilings are measured on both sides of the kernels. */
static int measure(struct kernels *k, const int *cpus, int json, struct err *e)
{
    struct kernel_job *j = &k->job;
    if (peak_measure(&k->before, j->threads, cpus, j->isa, e))
        return -1;
    if (!json)
        kernels_print_peak(&k->before);
    j->peak = k->before;
    if (pool_open(&j->pool, j->threads, cpus, e))
        return -1;
    int rc = kernel_job_time(j, e);
    pool_close(j->pool);
    progress_end();
    if (rc || peak_measure(&k->after, j->threads, cpus, j->isa, e))
        return -1;
    peak_raise(&j->peak, &k->after);
    if (!json)
        kernels_print_times(k);
    return 0;
}

static int run(const struct args *a, struct err *e)
{
    struct kernels k = {0};
    struct kernel_job *j = &k.job;
    struct topology *t = NULL;
    int cpus[TOPOLOGY_MAX_CPUS];
    int time_too = !args_has(a, "check"), json = args_has(a, "json"), rc = -1;
    if (topology_open(&t, e) || read_options(&k, cpus, a, t, e) || kernel_job_open(j, e))
        goto out;
    if (!j->n_wanted) {
        err_set(e, ERR_USAGE, "--filter %s: no kernel's name contains that; bench kernels --check --json lists them", j->filter);
        goto out;
    }
    kernel_job_check(j);
    progress_end();
    if (!json)
        kernels_print_check(j);
    if (time_too && measure(&k, cpus, json, e))
        goto out;
    if (json)
        kernels_print_json(&k, time_too);
    rc = time_too && !args_has(a, "no-store") ? keep(j, t, args_db(a), e) : 0;
    if (!rc && j->failed)
        rc = err_set(e, ERR_ANSWER_NO, "%d kernels failed their check (see above)", j->failed);
out:
    kernel_job_close(j);
    free(k.shape);
    topology_close(t);
    return rc;
}

static const struct option_spec options[] = {
    {"check", 0, NULL, "check only, time nothing"},
    {"model", 'm', "FILE", "only what the engine runs for the matrices of this GGUF file, at their shapes"},
    {"columns", 0, "LIST", "with --model: columns (tokens at once) that each matrix meets, beside 1 (512)"},
    {"isa", 0, "LEVEL", "highest instruction set (the machine's best)"},
    {"filter", 0, "TEXT", "only kernels whose name contains TEXT, and the scalar ones that they are compared with"},
    {"seed", 0, "N", "of the blocks that are checked (another one each time; it is printed)"},
    {"threads", 0, "N", "threads that work together, no more than CPUs (one per core)"},
    {"db", 0, "FILE", "database ($BENCH_DB, else results/bench.db)"},
    {"no-store", 0, NULL, "do not store the results"},
    {NULL, 0, NULL, NULL},
};

const struct command command_kernels = {
    .name = "kernels",
    .summary = "measure this machine's ceilings, check every kernel and time it against them",
    .options = options,
    .json = 1,
    .about =
        "First every kernel is checked against the scalar one, which is the definition; what fails is not timed.  Then the "
        "machine's\n"
        "read bandwidth and peak arithmetic are measured, and each kernel is timed with all threads and held against them:\n"
        "  GB/s      bytes of weights (or of input) read;  of read: as a fraction of the read bandwidth, for matvec, which "
        "decodes\n"
        "  Gop/s     multiplications and additions;        of peak: as a fraction of the fastest unit for such operands\n"
        "  x scalar  how many times as fast as the scalar kernel\n"
        "The last line counts and names the kernels for an instruction set that are less than 1.5 times as fast as scalar\n"
        "(--json: \"speedup\" of each kernel, \"slow\").  The ceilings are measured again behind the kernels, for they drift; "
        "fractions\n"
        "are of the better of both measurements (--json: \"machine\", \"machine_after\").  Exit code 1 when a kernel failed its "
        "check.\n"
        "\n"
        "With --model every distinct matrix of the model is timed whole, with random weights that come out of memory, in the\n"
        "kernel that the engine runs by default: matvec for one column (decode), matmul for more, matmul_packed from 96 on (a\n"
        "batch of a prefill):\n"
        "  matrices  how many matrices of all layers have that shape, and whether the head is one\n"
        "  of roof   the time that its bytes take at the read bandwidth or its operations at the peak, whichever is longer, as "
        "a\n"
        "            fraction of the time measured;  binds: which of the two\n"
        "The last table adds them up, each as often as the model has it: the matrices of one decoded token, and of a batch, "
        "whose head\n"
        "is for the last token only (--json: \"totals\").  bench plot --figure roofline draws what was stored.\n",
    .examples = "bench kernels\n"
                "bench kernels --check --isa avx2\n"
                "bench kernels --filter q4_0_matvec --threads 1 --no-store\n"
                "bench kernels --model m.gguf --columns 1,2,4,8,16,32,512\n",
    .run = run,
};
