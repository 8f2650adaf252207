/* The store's rows: what goes in comes out, what must not be there twice is not, and what is computed is right. */
/* SPDX-License-Identifier: MIT */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/stats.h"
#include "tests/store_fixture.h"

/* -- round trip ------------------------------------------------------------------------------------------------------------ */

static void everything_comes_back(void **state)
{
    struct fixture *f = *state;
    const struct store_probe probes[] = {{"memory", STATE_OK, ""}, {"energy", STATE_ABSENT, "no powercap"}};
    int64_t run = begin(f->s, probes, 2), cell = cell_of(f->s, run, 64);
    ok(put_trial(f->s, cell, 0, 10, &f->e), &f->e);
    const struct store_trial crashed = {.cell = cell, .round = 1, .state = "crashed", .reason = "signal 11"};
    ok(store_trial(f->s, &crashed, &f->e), &f->e);
    const double sums[] = {20.5, 10, 10.0, 5};
    const struct store_score score = {.run = run,
                                      .variant = 1,
                                      .task = "story.txt",
                                      .task_sha256 = sha_a,
                                      .scorer = "perplexity",
                                      .value = 7.5,
                                      .state = "ok",
                                      .reason = "",
                                      .sums = sums,
                                      .n_items = 2,
                                      .n_sums = 2};
    ok(store_score(f->s, &score, &f->e), &f->e);
    ok(store_run_end(f->s, run, "done", &f->e), &f->e);
    const struct store_kernel kernels[] = {{"read_bandwidth", 2, 0, 0, 0, 1000, 1e10, 0, -1, -1},
                                           {"q4_0_matvec_q8_avx2", 2, 4096, 4096, 1, 900, 9e9, 1e11, 0.9, 0.25}};
    ok(store_kernels(f->s, &a_run.machine, &a_run.build, kernels, 2, &f->e), &f->e);
    store_close(f->s); /* what follows is read from the file, by a reader */
    ok(store_open_existing(&f->s, f->path, &f->e), &f->e);

    expect(f->s,
           "SELECT id, cpu, arch, os, kernel, isa, virt, governor, topology, topology_source, cpus, cores, memory_bytes "
           "FROM machine",
           "1|A CPU|x86_64|An OS|6.1|avx2|NULL|NULL|<topology/>|hwloc 2.9.0|8|4|8589934592");
    expect(f->s, "SELECT version, git_commit, compiler, flags FROM build", "0.1.0|abc|cc 1|-O2");
    expect(f->s, "SELECT machine, build, command, plan_key, seed, trials, state, started_ns > 0, ended_ns >= started_ns FROM run",
           "1|1|bench sweep|plan|18446744073709551615|3|done|1|1");
    expect(f->s, "SELECT name, state, reason FROM probe ORDER BY name", "energy|absent|no powercap;memory|ok|");
    expect(f->s,
           "SELECT sha256, path, name, arch, file_bytes, parameters, json_extract(metadata, '$.\"general.name\"') FROM model",
           "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa|/models/m.gguf|m|llama|1000|500|m");
    expect(f->s, "SELECT model, format, kv, policy, compute, substr(file_sha256, 1, 2), file_bytes, note FROM variant",
           "1|q4_0|f16|full|int8|bb|700|one tensor stays f16");
    expect(f->s,
           "SELECT run, variant, runtime, isa, compute, context, threads, decode, batch, weights_bytes, kv_bytes, arena_bytes, "
           "tables_bytes, infeasible FROM cell",
           "1|1|reference|avx2|int8|64|2|4|512|1048576|2097152|3145728|1048576|NULL");
    expect(f->s, "SELECT cell, round, state, reason FROM trial", "1|0|ok|;1|1|crashed|signal 11");
    expect(f->s, "SELECT kind, begin_real_ns, begin_ns, ns, tokens, hex(token_ns) FROM stretch",
           "load|100|1|50000000|0|;prefill|200|2|100000000|64|;"
           "decode|300|3|40000000|4|4054890000000000809698000000000080969800000000009892980000000000;trial|90|0|300000000|0|");
    expect(f->s,
           "SELECT s.kind, r.name, r.unit, r.state, r.value, r.reason FROM reading r JOIN stretch s ON s.id = r.stretch "
           "ORDER BY s.id, r.name",
           "decode|counters.cycles||absent|NULL|no counters here;decode|sched.nivcsw||ok|3|;"
           "decode|sched.run_delay|ns|suspect|12345|schedstat is off;trial|memory.peak|B|ok|8388608|;"
           "trial|memory.peak_anon|B|ok|5242880|;trial|memory.peak_file|B|denied|NULL|no right to read smaps;"
           "trial|memory.start|B|ok|2097152|");
    expect(f->s,
           "SELECT s.run, s.variant, k.name, k.sha256, s.scorer, s.state, s.value, s.reason FROM score s JOIN task k "
           "ON k.id = s.task",
           "1|1|story.txt|aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa|perplexity|ok|7.5|");
    expect(f->s, "SELECT score, item, blob_real(sums, 0), blob_real(sums, 1), blob_real(sums, 2) FROM score_item",
           "1|0|20.5|10.0|NULL;1|1|10.0|5.0|NULL");
    expect(f->s,
           "SELECT machine, build, measured_ns > 0, name, threads, k, n_rows, n_columns, ns, bytes_per_s, ops_per_s, "
           "of_bandwidth, of_peak FROM kernel",
           "1|1|1|read_bandwidth|2|NULL|NULL|NULL|1000.0|10000000000.0|NULL|NULL|NULL;"
           "1|1|1|q4_0_matvec_q8_avx2|2|4096|4096|1|900.0|9000000000.0|100000000000.0|0.9|0.25");
    sound(f->s);
}

static void views_compute_what_they_say(void **state)
{
    struct fixture *f = *state;
    int64_t run = begin(f->s, NULL, 0), cell = cell_of(f->s, run, 64), other = cell_of(f->s, run, 256);
    struct store_cell too_large = a_cell(1, 1024);
    too_large.infeasible = "needs 9 GiB";
    too_large.arena_bytes = -1;
    int64_t id;
    ok(store_cell(f->s, run, &too_large, &id, &f->e), &f->e);
    for (int round = 0; round < 3; round++)
        ok(put_trial(f->s, cell, round, 10 + round, &f->e), &f->e);
    ok(put_trial(f->s, other, 0, 20, &f->e), &f->e);
    const struct store_trial late = {.cell = other, .round = 1, .state = "timeout", .reason = "300 s"};
    ok(store_trial(f->s, &late, &f->e), &f->e);
    const double sums[] = {20.5, 10, 9.5, 5};
    const struct store_score score = {.run = run,
                                      .variant = 1,
                                      .task = "story.txt",
                                      .task_sha256 = sha_a,
                                      .scorer = "perplexity",
                                      .value = exp(2),
                                      .state = "ok",
                                      .reason = "",
                                      .sums = sums,
                                      .n_items = 2,
                                      .n_sums = 2};
    ok(store_score(f->s, &score, &f->e), &f->e);

    expect(f->s,
           "SELECT model, round, printf('%.4f', ms_per_token), load_ms, prefill_ms, ttft_ms, peak_bytes, peak_anon_bytes, "
           "peak_file_bytes FROM v_trial WHERE cell = 1",
           "m.gguf|0|9.9995|50.0|100.0|109.0|8388608|5242880|NULL;m.gguf|1|10.9995|50.0|100.0|109.0|8388608|5242880|NULL;"
           "m.gguf|2|11.9995|50.0|100.0|109.0|8388608|5242880|NULL");
    expect(f->s,
           "SELECT context, trials_ok, trials_failed, printf('%.4f', ms_per_token), printf('%.4f', ms_per_token_low), "
           "printf('%.4f', ms_per_token_high), ms_per_token_coverage, prefill_tokens_per_s, plan_bytes, nll, tokens, infeasible "
           "FROM v_cell ORDER BY context",
           "64|3|0|10.9995|9.9995|11.9995|0.75|640.0|7340032|2.0|15|NULL;"
           "256|1|1|19.9995|0.0000|0.0000|NULL|640.0|7340032|2.0|15|NULL;"
           "1024|0|0|0.0000|0.0000|0.0000|NULL|NULL|NULL|2.0|15|needs 9 GiB");
    expect(f->s, "SELECT ms_per_token_low IS NULL, ms_per_token_high IS NULL FROM v_cell WHERE context = 256", "1|1");
    expect(f->s, "SELECT ms_per_token IS NULL FROM v_cell WHERE context = 1024", "1");
    expect(f->s, "SELECT cell, stretch, name, unit, median, trials FROM v_reading WHERE stretch = 'decode'",
           "1|decode|sched.nivcsw||3.0|3;2|decode|sched.nivcsw||3.0|1");
    expect(f->s, "SELECT format, context, threads FROM v_vary", "0|1|0");
    expect(f->s, "SELECT label, context, trials, round(ms_per_token) FROM fig_latency", "q4_0|64|3|11.0;q4_0|256|1|20.0");
    expect(f->s, "SELECT row, label, column, context, state FROM fig_heatmap",
           "1|q4_0|1|64|ok;1|q4_0|2|256|ok;1|q4_0|3|1024|cannot run");
    expect(f->s, "SELECT label, context, round(ms_per_token), scorer, round(value, 3), front, task FROM fig_pareto",
           "q4_0|256|20.0|perplexity|7.389|1|story.txt");
    expect(f->s, "SELECT bar, label, weights_mib, kv_mib, arena_mib, tables_mib, program_mib, peak_mib, state FROM fig_memory",
           "1|q4_0, context 64|1.0|2.0|3.0|1.0|2.0|8.0|ok;2|q4_0, context 256|1.0|2.0|3.0|1.0|2.0|8.0|ok");
}

static void statistics_are_those_of_base(void **state)
{
    struct fixture *f = *state;
    expect(f->s,
           "WITH t(b) AS (VALUES (x'0300000000000000' || x'0100000000000000' || x'0200000000000000' || x'feffffffffffffff')) "
           "SELECT blob_median_ns(CAST(b AS BLOB)), blob_mean_ns(CAST(b AS BLOB)), blob_quantile_ns(CAST(b AS BLOB), 0), "
           "blob_quantile_ns(CAST(b AS BLOB), 1), blob_at_ns(CAST(b AS BLOB), 3), blob_at_ns(CAST(b AS BLOB), 4) FROM t",
           "1.5|1.0|-2.0|3.0|-2.0|NULL");
    expect(f->s, /* 1.0, 0.5, 2.0 as float64 */
           "WITH t(b) AS (VALUES (x'000000000000f03f' || x'000000000000e03f' || x'0000000000000040')) "
           "SELECT blob_quantile_real(CAST(b AS BLOB), 0), blob_quantile_real(CAST(b AS BLOB), 0.5), "
           "blob_quantile_real(CAST(b AS BLOB), 0.75), blob_quantile_real(CAST(b AS BLOB), 1), blob_real(CAST(b AS BLOB), 2), "
           "blob_quantile_real(NULL, 0.5) FROM t",
           "0.5|1.0|1.5|2.0|2.0|NULL");
    expect(f->s, "SELECT blob_median_ns(NULL), blob_mean_ns(x''), blob_at_ns(x'', 0)", "NULL|NULL|NULL");
    expect(f->s, "SELECT median(x), median_low(x), median_high(x), median_coverage(x) FROM (SELECT NULL AS x)",
           "NULL|NULL|NULL|NULL");
    expect(f->s, "SELECT median(x), median_low(x), median_high(x), median_coverage(x) FROM (SELECT 5 AS x UNION ALL SELECT NULL)",
           "5.0|NULL|NULL|NULL");
    struct answer a = {0};
    assert_int_equal(store_query(f->s, "SELECT blob_median_ns(x'00')", NULL, add_row, &a, &f->e), -1);
    assert_non_null(strstr(f->e.msg, "not a whole number"));
    assert_int_equal(store_query(f->s, "SELECT blob_quantile_ns(x'0000000000000000', 2)", NULL, add_row, &a, &f->e), -1);

    double v[40];
    for (int i = 0; i < 40; i++)
        v[i] = (i * 17) % 40 + 1;
    struct answer got = {0};
    ok(store_query(f->s,
                   "WITH RECURSIVE t(i) AS (VALUES (0) UNION ALL SELECT i + 1 FROM t WHERE i < 39) "
                   "SELECT median(i * 17 % 40 + 1), median_low(i * 17 % 40 + 1), median_high(i * 17 % 40 + 1) FROM t",
                   NULL, add_row, &got, &f->e),
       &f->e);
    stats_sort(v, 40);
    struct interval i = stats_median_interval(v, 40, 0.95);
    char want[64];
    snprintf(want, sizeof want, "%.1f|%.1f|%.1f", i.median, i.low, i.high);
    assert_string_equal(got.text, want);
}

/* -- once, and never half -------------------------------------------------------------------------------------------------- */

static void the_same_thing_has_one_row(void **state)
{
    struct fixture *f = *state;
    int64_t run = begin(f->s, NULL, 0), again = begin(f->s, NULL, 0);
    assert_int_not_equal(run, again);
    expect(f->s, "SELECT (SELECT count(*) FROM machine), (SELECT count(*) FROM build)", "1|1");
    struct store_run moved = a_run;
    moved.machine.governor = "powersave";
    ok(store_run_begin(f->s, &moved, NULL, 0, &again, &f->e), &f->e);
    moved.machine.cpu = NULL; /* unknown is not an empty name */
    ok(store_run_begin(f->s, &moved, NULL, 0, &again, &f->e), &f->e);
    moved.machine.cpu = "";
    ok(store_run_begin(f->s, &moved, NULL, 0, &again, &f->e), &f->e);
    expect(f->s, "SELECT (SELECT count(*) FROM machine), (SELECT count(*) FROM build)", "4|1");

    int64_t model, same, variant, other;
    ok(store_model(f->s, &a_model, &model, &f->e), &f->e);
    struct store_model elsewhere = a_model;
    elsewhere.path = "/elsewhere/m.gguf";
    ok(store_model(f->s, &elsewhere, &same, &f->e), &f->e);
    assert_int_equal(model, same);
    expect(f->s, "SELECT path FROM model", "/elsewhere/m.gguf");
    ok(store_model(f->s, &(struct store_model){0}, &same, &f->e), &f->e);
    assert_int_equal(same, 0);

    ok(store_variant(f->s, model, &a_variant, &variant, &f->e), &f->e);
    ok(store_variant(f->s, model, &a_variant, &same, &f->e), &f->e);
    assert_int_equal(variant, same);
    ok(store_variant(f->s, 0, &a_variant, &other, &f->e), &f->e);
    ok(store_variant(f->s, 0, &a_variant, &same, &f->e), &f->e);
    assert_int_not_equal(variant, other);
    assert_int_equal(other, same);
    struct store_variant plain = a_variant;
    plain.file_sha256 = NULL;
    ok(store_variant(f->s, model, &plain, &same, &f->e), &f->e);
    assert_int_not_equal(variant, same);
    expect(f->s, "SELECT count(*), sum(model IS NULL), sum(file_bytes IS NULL) FROM variant", "3|1|1");

    struct store_cell c = a_cell(variant, 64);
    int64_t cell, found;
    ok(store_cell(f->s, run, &c, &cell, &f->e), &f->e);
    c.infeasible = "other programs took the memory";
    ok(store_cell(f->s, run, &c, &found, &f->e), &f->e);
    assert_int_equal(cell, found);
    expect(f->s, "SELECT infeasible FROM cell", "other programs took the memory");
}

static void duplicates_are_refused(void **state)
{
    struct fixture *f = *state;
    int64_t run = begin(f->s, NULL, 0), cell = cell_of(f->s, run, 64);
    ok(put_trial(f->s, cell, 0, 10, &f->e), &f->e);
    assert_int_equal(put_trial(f->s, cell, 0, 11, &f->e), -1);
    assert_int_equal(f->e.code, ERR_ENV);
    assert_non_null(strstr(f->e.msg, "t.db"));
    assert_non_null(strstr(f->e.msg, "trial.cell, trial.round"));
    const struct store_score score = {.run = run,
                                      .variant = 1,
                                      .task = "t",
                                      .task_sha256 = sha_a,
                                      .scorer = "perplexity",
                                      .state = "failed",
                                      .reason = "no text"};
    ok(store_score(f->s, &score, &f->e), &f->e);
    assert_int_equal(store_score(f->s, &score, &f->e), -1);
    expect(f->s, "SELECT (SELECT count(*) FROM trial), (SELECT count(*) FROM stretch), (SELECT count(*) FROM score)", "1|4|1");
    ok(put_trial(f->s, cell, 1, 10, &f->e), &f->e); /* the connection is as good as before */
}

static void a_bad_part_leaves_nothing(void **state)
{
    struct fixture *f = *state;
    int64_t run = begin(f->s, NULL, 0), cell = cell_of(f->s, run, 64);
    const struct store_stretch twice[] = {{.kind = "decode", .ns = 1}, {.kind = "decode", .ns = 1}};
    const struct store_stretch unknown[] = {{.kind = "decode", .ns = 1}, {.kind = "lunch", .ns = 1}};
    const struct store_trial bad[] = {
        {.cell = cell, .state = "ok", .reason = "", .stretches = twice, .n_stretches = 2},
        {.cell = cell, .state = "ok", .reason = "", .stretches = unknown, .n_stretches = 2},
        {.cell = cell, .state = "ok", .reason = "a reason without need"},
        {.cell = cell, .state = "crashed", .reason = ""},
        {.cell = cell, .state = "tired", .reason = "late"},
        {.cell = 999, .state = "ok", .reason = ""},
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        assert_int_equal(store_trial(f->s, &bad[i], &f->e), -1);
    const struct store_score not_a_number = {.run = run,
                                             .variant = 1,
                                             .task = "t",
                                             .task_sha256 = sha_a,
                                             .scorer = "perplexity",
                                             .state = "ok",
                                             .reason = "",
                                             .value = NAN};
    assert_int_equal(store_score(f->s, &not_a_number, &f->e), -1);
    expect(f->s, "SELECT (SELECT count(*) FROM trial), (SELECT count(*) FROM stretch), (SELECT count(*) FROM task)", "0|0|0");
    assert_int_equal(store_run_end(f->s, 999, "done", &f->e), -1);
    assert_int_equal(store_run_end(f->s, run, "finished", &f->e), -1);
    expect(f->s, "SELECT state, ended_ns FROM run", "running|NULL");
}

static void missing_is_null_with_a_reason(void **state)
{
    struct fixture *f = *state;
    int64_t run = begin(f->s, NULL, 0), cell = cell_of(f->s, run, 64);
    for (int s = STATE_OK; s <= STATE_OFF; s++) {
        struct readings r = {.n = 1, .v = {{.name = "x", .unit = "B", .state = (enum state)s, .value = 77}}};
        const struct store_stretch x = {.kind = "decode", .ns = 1, .readings = &r};
        const struct store_trial t = {.cell = cell, .round = s, .state = "ok", .reason = "", .stretches = &x, .n_stretches = 1};
        assert_int_equal(store_trial(f->s, &t, &f->e), s == STATE_OK ? 0 : -1); /* no state but ok goes without a reason */
        snprintf(r.v[0].reason, sizeof r.v[0].reason, "why");
        assert_int_equal(store_trial(f->s, &t, &f->e), s == STATE_OK ? -1 : 0);
    }
    expect(f->s, "SELECT r.state, r.value, r.reason FROM reading r JOIN stretch s ON s.id = r.stretch ORDER BY s.id",
           "ok|77|;absent|NULL|why;denied|NULL|why;broken|NULL|why;suspect|77|why;off|NULL|why");
    const struct store_probe bad[] = {{"energy", STATE_ABSENT, ""}};
    assert_int_equal(store_run_begin(f->s, &a_run, bad, 1, &run, &f->e), -1);
    const struct store_probe fine[] = {{"energy", STATE_OK, NULL}};
    ok(store_run_begin(f->s, &a_run, fine, 1, &run, &f->e), &f->e);
}

static void resume_finds_what_is_done(void **state)
{
    struct fixture *f = *state;
    int64_t run, found;
    ok(store_run_find(f->s, "plan", &found, &f->e), &f->e);
    assert_int_equal(found, 0);
    begin(f->s, NULL, 0);
    run = begin(f->s, NULL, 0);
    ok(store_run_find(f->s, "plan", &found, &f->e), &f->e);
    assert_int_equal(found, run);
    ok(store_run_find(f->s, "another plan", &found, &f->e), &f->e);
    assert_int_equal(found, 0);
    ok(store_run_end(f->s, run, "interrupted", &f->e), &f->e);
    ok(store_run_find(f->s, "plan", &found, &f->e), &f->e);
    assert_int_equal(found, run);
    ok(store_run_end(f->s, run, "running", &f->e), &f->e);
    expect(f->s, "SELECT state, ended_ns FROM run WHERE id = 2", "running|NULL");

    int64_t cell = cell_of(f->s, run, 64);
    unsigned char done[4] = {9, 9, 9, 9};
    ok(store_trials_done(f->s, cell, 4, done, &f->e), &f->e);
    assert_memory_equal(done, "\0\0\0\0", 4);
    ok(put_trial(f->s, cell, 2, 10, &f->e), &f->e);
    const struct store_trial failed = {.cell = cell, .round = 0, .state = "memory", .reason = "killed"};
    ok(store_trial(f->s, &failed, &f->e), &f->e);
    ok(put_trial(f->s, cell, 7, 10, &f->e), &f->e); /* beyond the rounds asked for */
    ok(store_trials_done(f->s, cell, 4, done, &f->e), &f->e);
    assert_memory_equal(done, "\1\0\2\0", 4);

    int is;
    const struct store_score score = {.run = run,
                                      .variant = 1,
                                      .task = "t",
                                      .task_sha256 = sha_a,
                                      .scorer = "perplexity",
                                      .state = "failed",
                                      .reason = "no text"};
    ok(store_score_done(f->s, run, 1, "t", "perplexity", &is, &f->e), &f->e);
    assert_int_equal(is, 0);
    ok(store_score(f->s, &score, &f->e), &f->e);
    ok(store_score_done(f->s, run, 1, "t", "perplexity", &is, &f->e), &f->e);
    assert_int_equal(is, 1);

    ok(store_run_end(f->s, run, "done", &f->e), &f->e);
    ok(store_run_find(f->s, "plan", &found, &f->e), &f->e);
    assert_int_equal(found, 1);
}

static int stop_at_second(void *ctx, int n, const char *const *column, const char *const *value)
{
    (void)n, (void)column, (void)value;
    return ++*(int *)ctx == 2;
}

static void queries_only_read(void **state)
{
    struct fixture *f = *state;
    struct answer a = {0};
    for (int i = 0; i < 3; i++)
        begin(f->s, NULL, 0);
    int rows = 0;
    ok(store_query(f->s, "SELECT id FROM run", NULL, stop_at_second, &rows, &f->e), &f->e);
    assert_int_equal(rows, 2);
    const char *params[] = {"2", "plan", NULL};
    ok(store_query(f->s, "SELECT id FROM run WHERE id = ?1 AND plan_key = ?2", params, add_row, &a, &f->e), &f->e);
    assert_string_equal(a.text, "2");
    assert_int_equal(store_query(f->s, "DELETE FROM run", NULL, add_row, &a, &f->e), -1);
    assert_int_equal(store_query(f->s, "", NULL, add_row, &a, &f->e), -1);
    assert_int_equal(store_query(f->s, "SELECT nonsense FROM run", NULL, add_row, &a, &f->e), -1);
    assert_int_equal(f->e.code, ERR_ENV);
    expect(f->s, "SELECT count(*) FROM run", "3");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_STORE(everything_comes_back),
        WITH_STORE(views_compute_what_they_say),
        WITH_STORE(statistics_are_those_of_base),
        WITH_STORE(the_same_thing_has_one_row),
        WITH_STORE(duplicates_are_refused),
        WITH_STORE(a_bad_part_leaves_nothing),
        WITH_STORE(missing_is_null_with_a_reason),
        WITH_STORE(resume_finds_what_is_done),
        WITH_STORE(queries_only_read),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
