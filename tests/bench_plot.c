/* Figures: exactly the right data, a picture of each kind, and a word about what cannot be drawn. */
/* SPDX-License-Identifier: MIT */
#include "bench/cmd/plot.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/text.h"
#include "bench/cmd/gnuplot.h"
#include "eval/resample.h"
#include "results/store_gate.h"
#include "tests/capture.h"
#include "tests/store_fixture.h"

static int64_t put_variant(struct fixture *f, const char *format, const char *kv)
{
    int64_t model, id;
    struct store_variant variant = a_variant;
    variant.format = format;
    variant.kv = kv;
    variant.file_sha256 = NULL;
    ok(store_model(f->s, &a_model, &model, &f->e), &f->e);
    ok(store_variant(f->s, model, &variant, &id, &f->e), &f->e);
    return id;
}

/* A cell with two trials of so many ms/token; 0: it cannot run. */
static void put_cell(struct fixture *f, int64_t run, int64_t variant, int context, int64_t weights, int ms)
{
    int64_t cell;
    struct store_cell x = a_cell(variant, context);
    x.weights_bytes = weights;
    x.infeasible = ms ? NULL : "needs more memory";
    ok(store_cell(f->s, run, &x, &cell, &f->e), &f->e);
    for (int round = 0; ms && round < 2; round++)
        ok(put_trial(f->s, cell, round, ms, &f->e), &f->e);
}

static void put_score(struct fixture *f, int64_t run, int64_t variant, const char *scorer, double value, const double *sums,
                      int n)
{
    const struct store_score score = {.run = run,
                                      .variant = variant,
                                      .task = "story.txt",
                                      .task_sha256 = sha_a,
                                      .scorer = scorer,
                                      .value = value,
                                      .state = "ok",
                                      .reason = "",
                                      .sums = sums,
                                      .n_items = n,
                                      .n_sums = 2};
    ok(store_score(f->s, &score, &f->e), &f->e);
}

/* Two formats, two contexts: f16 at 8 and 12 ms, q4_0 at 3 ms and not possible at 256. */
static void fill(struct fixture *f, int with_scores)
{
    static const struct {
        const char *format;
        int64_t weights;
        int ms[2];
        double perplexity;
    } variants[] = {{"q4_0", 1 << 20, {3, 0}, 9.5}, {"f16", 4 << 20, {8, 12}, 9.0}};
    static const double sums[] = {2.0, 1};
    int64_t run = begin(f->s, NULL, 0);
    for (int v = 0; v < 2; v++) {
        int64_t id = put_variant(f, variants[v].format, "f16");
        put_cell(f, run, id, 64, variants[v].weights, variants[v].ms[0]);
        put_cell(f, run, id, 256, variants[v].weights, variants[v].ms[1]);
        if (with_scores)
            put_score(f, run, id, "perplexity", variants[v].perplexity, sums, 1);
    }
}

/* Measurements of the machine of the run: one that is older, one of kernels without weights out of memory, and between them the
 * one to be drawn. */
static void put_kernels(struct fixture *f)
{
    static const struct store_kernel older[] = {{"f16_matvec_f32_avx2", 2, 64, 96, 1, 100, 5e10, 5e10, 0.9, 0.1}};
    static const struct store_kernel newer[] = {{"rmsnorm_avx2", 2, 64, 96, 1, 100, 5e10, 0, -1, -1}};
    static const struct store_kernel drawn[] = {
        {"read_bandwidth", 1, 0, 0, 0, 1e7, 3e10, 0, -1, -1},
        {"peak_int8", 1, 0, 0, 0, 1, 0, 1e12, -1, -1},
        {"read_bandwidth", 2, 0, 0, 0, 1e7, 5e10, 0, -1, -1},
        {"peak_int8", 2, 0, 0, 0, 1, 0, 2e12, -1, -1},
        {"peak_f32", 2, 0, 0, 0, 1, 0, 5e11, -1, -1},
        {"round_trip", 2, 0, 0, 0, 100, 0, 0, -1, -1},
        {"q4_0_matvec_q8_avx2", 2, 64, 96, 1, 100, 4e10, 1.28e11, 0.8, 0.064},
        {"q4_0_matvec_f32_avx2", 2, 64, 96, 1, 150, 3e10, 9.6e10, 0.6, 0.192}, /* slower: the exact path */
        {"q4_0_matmul_q8_avx2", 2, 64, 96, 512, 900, 8e8, 1.31072e12, 0.016, 0.65536},
        {"f16_matvec_f32_avx2", 2, 64, 96, 1, 200, 4.5e10, 4.5e10, 0.9, -1},
        {"f16_unpack_f32_avx2", 2, 64, 96, 1, 200, 4.5e10, 0, -1, -1},
    };
    ok(store_kernels(f->s, &a_run.machine, &a_run.build, older, 1, &f->e), &f->e);
    ok(store_kernels(f->s, &a_run.machine, &a_run.build, drawn, sizeof drawn / sizeof *drawn, &f->e), &f->e);
    ok(store_kernels(f->s, &a_run.machine, &a_run.build, newer, 1, &f->e), &f->e);
}

/* plot_run with what it printed. */
static int plot(struct fixture *f, const struct plot_job *job, char *said, size_t size)
{
    struct capture c;
    capture_begin(&c);
    int rc = plot_run(f->s, 1, job, &f->e);
    capture_end(&c, said, size);
    return rc;
}

static int has_gnuplot(void)
{
    struct err e = {0};
    const struct gnuplot_variable none = {0};
    return gnuplot_run("/dev/null", &none, &e) == 0;
}

static void need_gnuplot(void)
{
    if (!has_gnuplot()) {
        print_message("[  NEEDS   ] gnuplot (ci/setup installs it)\n");
        skip();
    }
}

static void expect_file(const struct fixture *f, const char *name, const char *want)
{
    char path[PATH_MAX + 32];
    struct err e = {0};
    snprintf(path, sizeof path, "%s/out/%s", f->dir, name);
    char *text = file_read(path, NULL, &e);
    ok(text ? 0 : -1, &e);
    assert_string_equal(text, want);
    free(text);
}

#define PARETO_COLUMNS "run\tlabel\tcolour\tcontext\tms_per_token\tscorer\ttask\tvalue\tlow\thigh\tno_interval\tfront\tscore\n"

static void figures_have_the_right_data(void **state)
{
    struct fixture *f = *state;
    char dir[PATH_MAX + 16], said[4096];
    need_gnuplot();
    fill(f, 1);
    snprintf(dir, sizeof dir, "%s/out", f->dir);
    ok(plot(f, &(struct plot_job){.dir = dir, .formats = "svg"}, said, sizeof said), &f->e);
    expect_file(f, "latency.tsv",
                "run\tseries\tlabel\tcolour\tdash\tcontext\tms_per_token\tlow\thigh\ttrials\n"
                "1\t1\tf16\t1\t1\t64\t8.0\t8.0\t8.0\t2\n"
                "1\t1\tf16\t1\t1\t256\t11.9995\t11.9995\t11.9995\t2\n"
                "1\t2\tq4_0\t2\t1\t64\t3.0\t3.0\t3.0\t2\n");
    expect_file(f, "heatmap.tsv",
                "run\trow\tlabel\tcolumn\tcontext\tms_per_token\tstate\n"
                "1\t1\tf16\t1\t64\t8.0\tok\n"
                "1\t1\tf16\t2\t256\t11.9995\tok\n"
                "1\t2\tq4_0\t1\t64\t3.0\tok\n"
                "1\t2\tq4_0\t2\t256\tNaN\tcannot run\n");
    /* At context 256, the longest one measured, q4_0 has no time and so no point. */
    expect_file(f, "pareto.tsv",
                PARETO_COLUMNS
                "1\tf16\t1\t256\t11.9995\tperplexity\tstory.txt\t9.0\tNaN\tNaN\ttoo few items, it takes 10\t1\t2\n");
    expect_file(f, "memory.tsv",
                "run\tbar\tlabel\tweights_mib\tkv_mib\tarena_mib\ttables_mib\tprogram_mib\tpeak_mib\tstate\n"
                "1\t1\tf16, context 64\t4.0\t2.0\t3.0\t1.0\t2.0\t8.0\tok\n"
                "1\t2\tf16, context 256\t4.0\t2.0\t3.0\t1.0\t2.0\t8.0\tok\n"
                "1\t3\tq4_0, context 64\t1.0\t2.0\t3.0\t1.0\t2.0\t8.0\tok\n"
                "1\t4\tq4_0, context 256\t1.0\t2.0\t3.0\t1.0\tNaN\tNaN\tcannot run\n");
}

/* f16, q8_0 and q4_0 held against f16 over 20 windows: quality is the divergence, with the interval of bench score.  With another
 * KV format in the run its reference is another one, and quality is perplexity. */
static void divergence_is_quality_where_there_is_one_reference(void **state)
{
    enum { WINDOWS = 20 };
    static const struct {
        const char *format;
        int ms;
        double kl; /* nats per token */
    } variants[] = {{"f16", 40, 0}, {"q8_0", 20, 0.001}, {"q4_0", 12, 0.5}};
    struct fixture *f = *state;
    char dir[PATH_MAX + 16], path[PATH_MAX + 32], said[4096];
    struct text want = {0};
    struct resampled v;
    need_gnuplot();
    int64_t run = begin(f->s, NULL, 0);
    text_printf(&want, PARETO_COLUMNS);
    for (int i = 2; i >= 0; i--) { /* the fastest is the first row */
        double sums[WINDOWS][2];
        for (int w = 0; w < WINDOWS; w++) {
            sums[w][0] = variants[i].kl * (90 + w);
            sums[w][1] = 100;
        }
        int64_t id = put_variant(f, variants[i].format, "f16");
        put_cell(f, run, id, 64, (3 - i) << 20, variants[i].ms);
        const struct scorer *kl = scorer_by_name("kl_divergence");
        ok(resample_value(kl, sums[0], WINDOWS, RESAMPLES, RESAMPLE_SEED, &v, &f->e), &f->e);
        put_score(f, run, id, "perplexity", 9 + i, sums[0], WINDOWS);
        put_score(f, run, id, "kl_divergence", v.value, sums[0], WINDOWS);
        text_printf(&want, "1\t%s\t%d\t64\t%.15g\tkl_divergence\tstory.txt\t%.15g%s\t%.15g\t%.15g\tNaN\t1\t%d\n",
                    variants[i].format, i + 1, variants[i].ms - 0.0005, v.value, v.value == 0 ? ".0" : "", v.low, v.high,
                    2 * (3 - i));
        assert_true(v.value == 0 ? v.low == 0 && v.high == 0 : v.low < v.value && v.value < v.high);
    }
    snprintf(dir, sizeof dir, "%s/out", f->dir);
    const struct plot_job job = {.dir = dir, .formats = "svg", .figure = "pareto"};
    ok(plot(f, &job, said, sizeof said), &f->e);
    expect_file(f, "pareto.tsv", want.p);
    text_free(&want);
    snprintf(path, sizeof path, "%s/pareto.svg", dir);
    char *svg = file_read(path, NULL, &f->e);
    ok(svg ? 0 : -1, &f->e);
    assert_non_null(strstr(svg, "KL divergence from the reference (nats), story.txt"));
    free(svg);

    put_cell(f, run, put_variant(f, "f16", "q8_0"), 64, 3 << 20, 11);
    ok(plot(f, &job, said, sizeof said), &f->e);
    expect(f->s, "SELECT label, scorer, value, front FROM fig_pareto",
           "q4_0 kv f16|perplexity|11.0|1;q8_0 kv f16|perplexity|10.0|1;f16 kv f16|perplexity|9.0|1");
    svg = file_read(path, NULL, &f->e);
    ok(svg ? 0 : -1, &f->e);
    assert_non_null(strstr(svg, "perplexity of story.txt"));
    free(svg);
}

static void a_roofline_is_of_the_newest_measurement_of_the_machine(void **state)
{
    struct fixture *f = *state;
    char dir[PATH_MAX + 16], said[4096];
    struct store_machine other = a_run.machine;
    const struct store_kernel k = {"q8_0_matvec_q8_avx2", 2, 64, 96, 1, 100, 4e10, 4e10, 0.8, 0.1};
    need_gnuplot();
    fill(f, 0);
    snprintf(dir, sizeof dir, "%s/out", f->dir);
    const struct plot_job job = {.dir = dir, .formats = "svg", .figure = "roofline"};
    other.cpu = "another CPU";
    ok(store_kernels(f->s, &other, &a_run.build, &k, 1, &f->e), &f->e);
    assert_int_equal(plot(f, &job, said, sizeof said), -1);
    assert_non_null(strstr(said, "roofline: not drawn: bench kernels was not stored for this machine"));

    put_kernels(f);
    ok(store_kernels(f->s, &other, &a_run.build, &k, 1, &f->e), &f->e);
    ok(plot(f, &job, said, sizeof said), &f->e);
    expect(f->s,
           "SELECT run, kind, label, colour, kernel, n_rows, k, columns, ops_per_byte, gops, gb_per_s, of_roof, threads, "
           "length(measured), cpu FROM fig_roofline",
           "1|read|read|NULL|NULL|NULL|NULL|NULL|NULL|NULL|50.0|NULL|2|10|A CPU;"
           "1|peak|f32|NULL|NULL|NULL|NULL|NULL|NULL|500.0|NULL|NULL|2|10|A CPU;"
           "1|peak|int8|NULL|NULL|NULL|NULL|NULL|NULL|2000.0|NULL|NULL|2|10|A CPU;"
           "1|decode|f16|1|f16_matvec_f32_avx2|96|64|1|1.0|45.0|45.0|NULL|2|10|A CPU;"
           "1|decode|q4_0|2|q4_0_matvec_q8_avx2|96|64|1|3.2|128.0|40.0|0.8|2|10|A CPU;"
           "1|batch|q4_0|2|q4_0_matmul_q8_avx2|96|64|512|1638.4|1310.72|0.8|0.65536|2|10|A CPU");
}

/* One kernel, and a machine of which no peak is known: there is still a slope. */
static void a_roofline_needs_no_peak(void **state)
{
    struct fixture *f = *state;
    char dir[PATH_MAX + 16], said[4096];
    static const struct store_kernel k[] = {{"read_bandwidth", 2, 0, 0, 0, 1e7, 5e10, 0, -1, -1},
                                            {"q8_0_matvec_q8_scalar", 2, 64, 96, 1, 100, 4e10, 7e10, 0.8, -1}};
    need_gnuplot();
    fill(f, 0);
    snprintf(dir, sizeof dir, "%s/out", f->dir);
    ok(store_kernels(f->s, &a_run.machine, &a_run.build, k, 2, &f->e), &f->e);
    ok(plot(f, &(struct plot_job){.dir = dir, .formats = "png,svg", .figure = "roofline"}, said, sizeof said), &f->e);
    assert_non_null(strstr(said, "roofline.png"));
}

static void pictures_are_made_and_keep_the_names(void **state)
{
    struct fixture *f = *state;
    static const char *const names[] = {"latency", "heatmap", "pareto", "memory", "roofline"};
    char dir[PATH_MAX + 16], path[PATH_MAX + 64], said[4096];
    need_gnuplot();
    fill(f, 1);
    put_kernels(f);
    snprintf(dir, sizeof dir, "%s/out/deeper", f->dir);
    ok(plot(f, &(struct plot_job){.dir = dir, .formats = "png, svg"}, said, sizeof said), &f->e);
    for (int i = 0; i < 5; i++) {
        struct map png;
        snprintf(path, sizeof path, "%s/%s.png", dir, names[i]);
        assert_non_null(strstr(said, path));
        ok(file_map(&png, path, 0, &f->e), &f->e);
        assert_true(png.n > 2000);
        assert_memory_equal(png.p, "\x89PNG\r\n\x1a\n", 8);
        assert_memory_equal(png.p + 16, "\x00\x00\x03\x84", 4); /* IHDR begins with the width: 900 */
        file_unmap(&png);
        snprintf(path, sizeof path, "%s/%s.svg", dir, names[i]);
        assert_non_null(strstr(said, path));
        char *svg = file_read(path, NULL, &f->e);
        ok(svg ? 0 : -1, &f->e);
        assert_non_null(strstr(svg, strcmp(names[i], "roofline") ? "m.gguf" : "bench kernels on A CPU, "));
        assert_non_null(strstr(svg, strcmp(names[i], "pareto") ? ">q4_0" : ">f16")); /* whole, not q4 with a subscript */
        free(svg);
    }
}

static void an_empty_figure_says_why(void **state)
{
    struct fixture *f = *state;
    char dir[PATH_MAX + 16], path[PATH_MAX + 64], said[4096];
    need_gnuplot();
    fill(f, 0);
    snprintf(dir, sizeof dir, "%s/out", f->dir);
    ok(plot(f, &(struct plot_job){.dir = dir, .formats = "svg"}, said, sizeof said), &f->e);
    assert_non_null(strstr(said, "pareto: not drawn: no variant has both a perplexity and a decode time"));
    snprintf(path, sizeof path, "%s/pareto.svg", dir);
    assert_int_equal(access(path, F_OK), -1);
    snprintf(path, sizeof path, "%s/latency.svg", dir);
    assert_int_equal(access(path, F_OK), 0);

    assert_int_equal(plot(f, &(struct plot_job){.dir = dir, .formats = "svg", .figure = "pareto"}, said, sizeof said), -1);
    assert_int_equal(f->e.code, ERR_INVALID);
}

/* The cells of a metric stand together, what gates first; a told p99 that lies far outside does not make the picture wider. */
static void a_gate_is_drawn_metric_by_metric(void **state)
{
    struct fixture *f = *state;
    static const struct {
        const char *metric, *outcome;
        int gates;
        double estimate[2];
    } metrics[] = {{"p99_ms", "pass", 0, {-2.0, 1.0}},
                   {"prefill_ms", "pass", 1, {0.0, 0.01}},
                   {"ms_per_token", "regressed", 1, {0.06, 0.07}}};
    int64_t run = begin(f->s, NULL, 0), cells[2] = {cell_of(f->s, run, 64), cell_of(f->s, run, 256)};
    char dir[PATH_MAX + 16], path[PATH_MAX + 64], said[4096];
    need_gnuplot();
    for (int i = 0; i < 6; i++) {
        struct store_verdict v = {.cell = cells[i % 2],
                                  .metric = metrics[i / 2].metric,
                                  .outcome = metrics[i / 2].outcome,
                                  .reason = "",
                                  .gates = metrics[i / 2].gates,
                                  .units = 12,
                                  .tolerance = 0.05,
                                  .estimate = metrics[i / 2].estimate[i % 2]};
        v.low = v.estimate - 0.01;
        v.high = v.estimate + 0.01;
        ok(store_verdicts(f->s, &v, 1, &f->e), &f->e);
    }
    snprintf(dir, sizeof dir, "%s/out", f->dir);
    ok(plot(f, &(struct plot_job){.dir = dir, .formats = "svg", .figure = "gate"}, said, sizeof said), &f->e);
    expect(f->s, "SELECT row, metric, gates, label, estimate, outcome FROM fig_gate",
           "2|ms_per_token|1|q4_0, context 64|0.06|regressed;3|ms_per_token|1|q4_0, context 256|0.07|regressed;"
           "5|prefill_ms|1|q4_0, context 64|0.0|pass;6|prefill_ms|1|q4_0, context 256|0.01|pass;"
           "8|p99_ms|0|q4_0, context 64|-2.0|pass;9|p99_ms|0|q4_0, context 256|1.0|pass");
    snprintf(path, sizeof path, "%s/gate.svg", dir);
    char *svg = file_read(path, NULL, &f->e);
    ok(svg ? 0 : -1, &f->e);
    static const char *const there[] = {">ms_per_token<", ">p99_ms (told)<", ">+6.2%<", ">+0.0%<", ">+171.8%<"};
    for (size_t i = 0; i < sizeof there / sizeof *there; i++)
        if (!strstr(svg, there[i]))
            fail_msg("no %s in the figure", there[i]);
    assert_non_null(strstr(svg, "> 2<")); /* on the axis, whose numbers begin with a blank */
    assert_null(strstr(svg, "> 100<"));
    free(svg);
}

/* The null runtime plans no byte, and a gate of it measures no peak: bars without a length, which are drawn all the same. */
static void bars_without_a_byte_are_drawn(void **state)
{
    struct fixture *f = *state;
    char dir[PATH_MAX + 16], said[4096];
    int64_t cell;
    need_gnuplot();
    struct store_cell x = a_cell(put_variant(f, "file", "f16"), 64);
    x.weights_bytes = x.kv_bytes = x.arena_bytes = x.tables_bytes = 0;
    ok(store_cell(f->s, begin(f->s, NULL, 0), &x, &cell, &f->e), &f->e);
    snprintf(dir, sizeof dir, "%s/out", f->dir);
    ok(plot(f, &(struct plot_job){.dir = dir, .formats = "svg", .figure = "memory"}, said, sizeof said), &f->e);
    assert_non_null(strstr(said, "memory.svg"));
}

static void wrong_names_are_refused(void **state)
{
    struct fixture *f = *state;
    char dir[PATH_MAX + 16], said[4096];
    fill(f, 1);
    snprintf(dir, sizeof dir, "%s/out", f->dir);
    assert_int_equal(plot(f, &(struct plot_job){.dir = dir, .formats = "svg", .figure = "latncy"}, said, sizeof said), -1);
    assert_int_equal(f->e.code, ERR_USAGE);
    assert_non_null(strstr(f->e.msg, "there are: latency, heatmap, pareto, memory, gate, roofline"));
    assert_int_equal(plot(f, &(struct plot_job){.dir = dir, .formats = "gif"}, said, sizeof said), -1);
    assert_int_equal(f->e.code, ERR_USAGE);
    assert_int_equal(plot(f, &(struct plot_job){.dir = dir, .formats = ","}, said, sizeof said), -1);
    assert_int_equal(f->e.code, ERR_USAGE);
    assert_int_equal(plot(f, &(struct plot_job){.dir = dir, .formats = "svg", .scripts = f->dir}, said, sizeof said), -1);
    assert_int_equal(f->e.code, ERR_ENV);
    assert_non_null(strstr(f->e.msg, "BENCH_PLOTS"));
    snprintf(dir, sizeof dir, "%s/t.db/out", f->dir);
    assert_int_equal(plot(f, &(struct plot_job){.dir = dir, .formats = "svg"}, said, sizeof said), -1);
    assert_int_equal(f->e.code, ERR_ENV);
}

static void a_missing_gnuplot_is_named(void **state)
{
    struct fixture *f = *state;
    char dir[PATH_MAX + 16], said[4096], path[4096];
    fill(f, 1);
    snprintf(dir, sizeof dir, "%s/out", f->dir);
    snprintf(path, sizeof path, "%s", getenv("PATH"));
    setenv("PATH", f->dir, 1);
    int rc = plot(f, &(struct plot_job){.dir = dir, .formats = "svg"}, said, sizeof said);
    setenv("PATH", path, 1);
    assert_int_equal(rc, -1);
    assert_int_equal(f->e.code, ERR_ENV);
    assert_non_null(strstr(f->e.msg, "gnuplot is not installed"));
}

static void a_failing_script_is_quoted(void **state)
{
    struct fixture *f = *state;
    char path[PATH_MAX + 16];
    struct err e = {0};
    need_gnuplot();
    snprintf(path, sizeof path, "%s/bad.gp", f->dir);
    FILE *script = fopen(path, "w");
    assert_non_null(script);
    fputs("if (word ne \"it's\\tso\") { exit status 7 }\nplot nonsense\n", script);
    fclose(script);
    const struct gnuplot_variable raw[] = {{"word", "it's\\tso"}, {0}}; /* single quotes: no escapes but '' */
    assert_int_equal(gnuplot_run(path, raw, &e), -1);
    assert_non_null(strstr(e.msg, "exit code 7"));
    const struct gnuplot_variable tab[] = {{"word", "it's\tso"}, {0}};
    assert_int_equal(gnuplot_run(path, tab, &e), -1);
    assert_int_equal(e.code, ERR_ENV);
    assert_non_null(strstr(e.msg, "line 2: undefined variable: nonsense"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_STORE(figures_have_the_right_data),
        WITH_STORE(pictures_are_made_and_keep_the_names),
        WITH_STORE(a_roofline_is_of_the_newest_measurement_of_the_machine),
        WITH_STORE(a_roofline_needs_no_peak),
        WITH_STORE(divergence_is_quality_where_there_is_one_reference),
        WITH_STORE(an_empty_figure_says_why),
        WITH_STORE(a_gate_is_drawn_metric_by_metric),
        WITH_STORE(bars_without_a_byte_are_drawn),
        WITH_STORE(wrong_names_are_refused),
        WITH_STORE(a_missing_gnuplot_is_named),
        WITH_STORE(a_failing_script_is_quoted),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
