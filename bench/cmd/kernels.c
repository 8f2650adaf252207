/* SPDX-License-Identifier: MIT */
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/clock.h"
#include "bench/cmd/cmd.h"
#include "bench/cmd/table.h"
#include "bench/kernel_time.h"
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

/* -- printing ------------------------------------------------------------------------------------------------------------- */

static void print_check(const struct kernel_job *j)
{
    int n[ISA_COUNT] = {0};
    for (const struct kernel_result *r = j->v; r < j->v + j->n; r++) {
        n[r->c.isa] += r->wanted;
        if (r->wanted && !r->passed)
            printf("FAILED %s: %s\n", r->c.name, r->why);
    }
    for (int i = 0; i < ISA_COUNT; i++)
        if (n[i])
            printf("%-12s %3d kernels checked\n", isa_name((enum isa)i), n[i]);
    printf("%d failed; seed %llu (--seed repeats exactly this check)\n", j->failed, (unsigned long long)j->seed);
}

static void print_peak(const struct peak *p)
{
    printf("\nRead bandwidth, GB/s, of %zu MiB", p->buffer_bytes >> 20);
    if (p->of_l3 > 0)
        printf(" (%.0f times the largest cache)", p->of_l3);
    putchar('\n');
    struct table t = {0};
    table_column(&t, "", TABLE_LEFT);
    table_column(&t, "4 KB pages", TABLE_RIGHT);
    table_column(&t, "huge pages", TABLE_RIGHT);
    for (int all = 0; all < (p->threads > 1 ? 2 : 1); all++) {
        const struct peak_read *r = all ? &p->all : &p->one;
        table_add(&t, all ? "%d threads" : "%d thread", all ? p->threads : 1);
        table_add(&t, "%.1f", r->small_pages / 1e9);
        table_add(&t, "%.1f", r->huge_pages / 1e9);
    }
    table_print(&t, stdout);
    table_free(&t);
    if (p->huge_share >= 0 && p->huge_share < 0.99)
        printf("Only %.0f%% of the buffer was given huge pages.\n", p->huge_share * 100);
    if (p->threads > 1)
        printf("Round trip between two threads: %.0f ns\n", p->round_trip_ns);

    puts("\nPeak arithmetic, Gop/s");
    t = (struct table){0};
    table_column(&t, "", TABLE_LEFT);
    table_column(&t, "1 thread", TABLE_RIGHT);
    table_column(&t, "all threads", TABLE_RIGHT);
    table_column(&t, "instruction", TABLE_LEFT);
    for (int u = 0; u < PEAK_UNITS; u++) {
        const struct peak_arithmetic *a = &p->unit[u];
        table_add(&t, "%s", a->name);
        table_add(&t, a->instruction ? "%.0f" : "-", a->one / 1e9);
        table_add(&t, a->instruction ? "%.0f" : "-", a->all / 1e9);
        table_add(&t, "%s", a->instruction ? a->instruction : "none at this level");
    }
    table_print(&t, stdout);
    table_free(&t);
    putchar('\n');
}

/* "-" for what says nothing. */
static void add_or_dash(struct table *t, const char *fmt, double v)
{
    if (v >= 0)
        table_add(t, fmt, v);
    else
        table_add(t, "-");
}

static void print_times(const struct kernel_job *j)
{
    struct table t = {0};
    static const char *const titles[] = {"us", "GB/s", "of read", "Gop/s", "of peak", "x scalar"};
    table_column(&t, "kernel", TABLE_LEFT);
    for (int i = 0; i < 6; i++)
        table_column(&t, titles[i], TABLE_RIGHT);
    for (const struct kernel_result *r = j->v; r < j->v + j->n; r++) {
        if (!r->timed)
            continue;
        table_add(&t, "%s", r->c.name);
        table_add(&t, "%.1f", r->ns / 1e3);
        add_or_dash(&t, "%.1f", r->bytes > 0 ? r->bytes / r->ns : -1);
        add_or_dash(&t, "%.0f%%", r->of_bandwidth < 0 ? -1 : r->of_bandwidth * 100);
        add_or_dash(&t, "%.1f", r->operations > 0 ? r->operations / r->ns : -1);
        add_or_dash(&t, "%.1f%%", r->of_peak < 0 ? -1 : r->of_peak * 100);
        add_or_dash(&t, "%.2f", kernel_speedup(j, r));
    }
    table_print(&t, stdout);
    table_free(&t);
}

/* Which kernels for an instruction set do not earn their place. */
static void print_slow(const struct kernel_job *j)
{
    int compared = 0, slow = 0;
    for (const struct kernel_result *r = j->v; r < j->v + j->n; r++) {
        compared += r->timed && r->c.isa != ISA_SCALAR && kernel_speedup(j, r) >= 0;
        slow += kernel_is_slow(j, r);
    }
    printf("%d of %d SIMD kernels are less than %g times as fast as scalar%s", slow, compared, KERNEL_WORTH, slow ? ":" : "");
    for (const struct kernel_result *r = j->v; r < j->v + j->n; r++)
        if (kernel_is_slow(j, r))
            printf(" %s (%.2f)", r->c.name, kernel_speedup(j, r));
    putchar('\n');
}

/* NULL for what says nothing. */
static json_t *number(double v)
{
    return v >= 0 ? json_real(v) : json_null();
}

static json_t *json_of_peak(const struct peak *p)
{
    json_t *units = json_object();
    for (int u = 0; u < PEAK_UNITS; u++) {
        const struct peak_arithmetic *a = &p->unit[u];
        if (a->instruction)
            json_object_set_new(
                units, a->name,
                json_pack("{s:s, s:f, s:f}", "instruction", a->instruction, "ops_per_s_one", a->one, "ops_per_s_all", a->all));
    }
    return json_pack("{s:i, s:I, s:f, s:f, s:f, s:f, s:o, s:o, s:o}", "threads", p->threads, "buffer_bytes",
                     (json_int_t)p->buffer_bytes, "one_small_pages", p->one.small_pages, "one_huge_pages", p->one.huge_pages,
                     "all_small_pages", p->all.small_pages, "all_huge_pages", p->all.huge_pages, "huge_share",
                     number(p->huge_share), "round_trip_ns", number(p->threads > 1 ? p->round_trip_ns : -1), "units", units);
}

static json_t *json_of_kernels(const struct kernel_job *j)
{
    json_t *list = json_array();
    for (const struct kernel_result *r = j->v; r < j->v + j->n; r++) {
        if (!r->wanted)
            continue;
        json_t *o =
            json_pack("{s:s, s:s, s:b, s:s}", "name", r->c.name, "isa", isa_name(r->c.isa), "passed", r->passed, "why", r->why);
        if (r->timed)
            json_object_update_new(
                o, json_pack("{s:i, s:i, s:i, s:f, s:o, s:o, s:o, s:o, s:o}", "rows", r->rows, "k", r->k, "columns", r->columns,
                             "ns", r->ns, "bytes_per_s", number(r->bytes > 0 ? r->bytes / r->ns * 1e9 : -1), "of_bandwidth",
                             number(r->of_bandwidth), "ops_per_s", number(r->operations > 0 ? r->operations / r->ns * 1e9 : -1),
                             "of_peak", number(r->of_peak), "speedup", number(kernel_speedup(j, r))));
        json_array_append_new(list, o);
    }
    return list;
}

static void print_json_of(const struct kernel_job *j, int timed)
{
    json_t *o = json_pack("{s:I, s:s, s:i, s:o}", "seed", (json_int_t)j->seed, "isa", isa_name(j->isa), "failed", j->failed,
                          "kernels", json_of_kernels(j));
    if (timed) {
        json_t *slow = json_array();
        for (const struct kernel_result *r = j->v; r < j->v + j->n; r++)
            if (kernel_is_slow(j, r))
                json_array_append_new(slow, json_string(r->c.name));
        json_object_set_new(o, "machine", json_of_peak(&j->peak));
        json_object_set_new(o, "speedup_wanted", json_real(KERNEL_WORTH));
        json_object_set_new(o, "slow", slow);
    }
    print_json(o);
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
                                           r->of_bandwidth,
                                           r->of_peak};
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

static int read_options(struct kernel_job *j, int *cpus, const struct args *a, const struct topology *t, struct err *e)
{
    const char *level = args_get(a, "isa");
    int64_t seed, threads;
    j->isa = isa_best();
    if (level && (isa_parse(level, &j->isa) || !isa_has(j->isa)))
        return err_set(e, ERR_USAGE, "--isa %s: not an instruction set of this machine; its best is %s, scalar is always there",
                       level, isa_name(isa_best()));
    if (args_int(a, "seed", 0, INT64_MAX, clock_real_ns() % 1000000, &seed, e) ||
        args_int(a, "threads", 1, TOPOLOGY_MAX_CPUS, topology_cores(t), &threads, e))
        return -1;
    j->seed = (uint64_t)seed;
    j->threads = (int)threads;
    j->filter = args_get(a, "filter");
    j->progress = isatty(STDERR_FILENO) ? progress : NULL;
    return topology_pick(t, j->threads, cpus, e);
}

static int measure(struct kernel_job *j, const int *cpus, int json, struct err *e)
{
    if (peak_measure(&j->peak, j->threads, cpus, j->isa, e))
        return -1;
    if (!json)
        print_peak(&j->peak);
    if (pool_open(&j->pool, j->threads, cpus, e))
        return -1;
    int rc = kernel_job_time(j, e);
    pool_close(j->pool);
    progress_end();
    if (!rc && !json)
        print_times(j);
    if (!rc && !json)
        print_slow(j);
    return rc;
}

static int run(const struct args *a, struct err *e)
{
    struct kernel_job j = {0};
    struct topology *t = NULL;
    int cpus[TOPOLOGY_MAX_CPUS];
    int time_too = !args_has(a, "check"), json = args_has(a, "json"), rc = -1;
    if (topology_open(&t, e) || read_options(&j, cpus, a, t, e) || kernel_job_open(&j, e))
        goto out;
    if (!j.n_wanted) {
        err_set(e, ERR_USAGE, "--filter %s: no kernel's name contains that; bench kernels --check --json lists them", j.filter);
        goto out;
    }
    kernel_job_check(&j);
    progress_end();
    if (!json)
        print_check(&j);
    if (time_too && measure(&j, cpus, json, e))
        goto out;
    if (json)
        print_json_of(&j, time_too);
    rc = time_too && !args_has(a, "no-store") ? keep(&j, t, args_db(a), e) : 0;
    if (!rc && j.failed)
        rc = err_set(e, ERR_ANSWER_NO, "%d kernels failed their check (see above)", j.failed);
out:
    kernel_job_close(&j);
    topology_close(t);
    return rc;
}

static const struct option_spec options[] = {
    {"check", 0, NULL, "check only, time nothing"},
    {"isa", 0, "LEVEL", "highest instruction set (the machine's best)"},
    {"filter", 0, "TEXT", "only kernels whose name contains TEXT, and the scalar ones that they are compared with"},
    {"seed", 0, "N", "of the blocks that are checked (another one each time; it is printed)"},
    {"threads", 0, "N", "threads that work together (one per core)"},
    {"db", 0, "FILE", "database ($BENCH_DB, else results/bench.db)"},
    {"no-store", 0, NULL, "do not store the results"},
    {NULL, 0, NULL, NULL},
};

const struct command command_kernels = {
    .name = "kernels",
    .summary = "measure this machine's ceilings, check every kernel and time it against them",
    .options = options,
    .json = 1,
    .about = "First every kernel is checked against the scalar one, which is the definition; what fails is not timed.  Then the "
             "machine's\n"
             "read bandwidth and peak arithmetic are measured, and each kernel is timed with all threads and held against them:\n"
             "  GB/s      bytes of weights (or of input) read;  of read: as a fraction of the read bandwidth, for matvec, which "
             "decodes\n"
             "  Gop/s     multiplications and additions;        of peak: as a fraction of the fastest unit for such operands\n"
             "  x scalar  how many times as fast as the scalar kernel\n"
             "The last line counts and names the kernels for an instruction set that are less than 1.5 times as fast as scalar\n"
             "(--json: \"speedup\" of each kernel, \"slow\").  Exit code 1 when a kernel failed its check.\n",
    .examples = "bench kernels\n"
                "bench kernels --check --isa avx2\n"
                "bench kernels --filter q4_0_matvec --threads 1 --no-store\n",
    .run = run,
};
