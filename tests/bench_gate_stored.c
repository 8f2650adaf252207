/* Gates of stored runs, and bench compare on one: databases that are made up, so that every number is known.
 *
 * The program under test is $BENCH (make test sets it). */
/* SPDX-License-Identifier: MIT */
#include "tests/test.h"

#include "tests/program.h"

/* A run as a sweep leaves it: cells of context 4 and of `context`, three trials each, answers that are right or wrong. */
struct made {
    const char *cpu, *flags, *state; /* NULL: "A CPU", "-O2", "done" */
    int model;                       /* 0, 1: another file */
    int context;                     /* of the second cell; 0: 8 */
    int arena;                       /* bytes more than usual */
    int crashed;                     /* the second cell's trials */
    const char *infeasible;          /* why the second cell cannot run */
    int wrong;                       /* of 1,000 answers */
    int items;                       /* of a task; 0: 1,000; -1: it was not scored */
    int tasks;                       /* 0: 1 */
    double ms;                       /* of a token; 0: 1 */
    int64_t uj;                      /* of a decode; 0: not measured */
};

static void ok(int rc, const struct err *e)
{
    if (rc)
        fail_msg("%s", e->msg);
}

static int64_t describe(struct store *s, const struct made *m, const char *format)
{
    static const char *const sha[] = {"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
                                      "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"};
    const struct store_model model = {.path = m->model ? "v2.gguf" : "v1.gguf",
                                      .sha256 = sha[m->model],
                                      .name = "m",
                                      .arch = "llama",
                                      .file_bytes = m->model ? 2000 : 1000,
                                      .metadata = "{}"};
    int64_t model_id, id;
    struct err e;
    ok(store_model(s, &model, &model_id, &e), &e);
    ok(store_variant(s, model_id, &(struct store_variant){.format = format, .kv = "f16", .policy = "full", .compute = "int8"},
                     &id, &e),
       &e);
    return id;
}

static void put_trial(struct store *s, const struct made *m, int64_t cell, int round, int crashed, double times)
{
    int64_t ns = (int64_t)(1e6 * times * (m->ms > 0 ? m->ms : 1) * (1 + 0.01 * round)), token_ns[] = {2 * ns, ns, ns};
    struct readings whole = {0}, decode = {0};
    static const struct readings none;
    struct err e;
    readings_add(&whole, "memory.peak", "B", 10 << 20);
    readings_add(&decode, "sched.utime", "ns", 3 * ns);
    readings_add(&decode, "sched.stime", "ns", 0);
    if (m->uj) {
        readings_add(&decode, "energy.package-0", "uJ", m->uj / 2);
        readings_add(&decode, "energy.package-1", "uJ", m->uj / 2);
        readings_add(&decode, "energy.package-0.core", "uJ", 7777777); /* a part of the first */
        readings_add(&decode, "energy.psys", "uJ", 9999999);
    }
    const struct store_stretch stretches[] = {
        {.kind = "prefill", .begin_real_ns = 1, .begin_ns = 1, .ns = 10 * ns, .tokens = 4, .readings = &none},
        {.kind = "decode",
         .begin_real_ns = 2,
         .begin_ns = 2,
         .ns = 4 * ns,
         .tokens = 3,
         .token_ns = token_ns,
         .readings = &decode},
        {.kind = "trial", .begin_real_ns = 1, .begin_ns = 1, .ns = 20 * ns, .readings = &whole}};
    const struct store_trial t = {.cell = cell,
                                  .round = round,
                                  .state = crashed ? "crashed" : "ok",
                                  .reason = crashed ? "killed by signal 11" : "",
                                  .stretches = stretches,
                                  .n_stretches = crashed ? 0 : 3};
    ok(store_trial(s, &t, &e), &e);
}

/* times: how much slower than m says, for a second variant of the same run. */
static void put_variant(struct store *s, const struct made *m, int64_t run, const char *format, double times)
{
    int64_t variant = describe(s, m, format);
    struct err e;
    for (int k = 0; k < 2; k++) {
        struct store_cell c = {.variant = variant,
                               .runtime = "reference",
                               .isa = "auto",
                               .compute = "int8",
                               .context = k ? m->context ? m->context : 8 : 4,
                               .threads = 1,
                               .decode = 3,
                               .batch = 512,
                               .weights_bytes = 1000,
                               .kv_bytes = 200,
                               .arena_bytes = 4096 + m->arena,
                               .tables_bytes = 50,
                               .infeasible = k ? m->infeasible : NULL};
        int64_t cell;
        ok(store_cell(s, run, &c, &cell, &e), &e);
        for (int round = 0; round < 3 && !c.infeasible; round++)
            put_trial(s, m, cell, round, k && m->crashed, times);
    }
    int n = m->items ? m->items : 1000;
    double sums[1000];
    for (int i = 0; i < n; i++)
        sums[i] = i >= m->wrong;
    static const struct {
        const char *task, *scorer;
        int number;
    } scores[] = {{"qa", "exact", 1}, {"qb", "exact", 2}, {"qb", "squad_exact", 2}, {"qc", "choice_acc", 3}};
    for (int i = 0; i < 4; i++) {
        const struct store_score score = {.run = run,
                                          .variant = variant,
                                          .task = scores[i].task,
                                          .task_sha256 = "cccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccc",
                                          .scorer = scores[i].scorer,
                                          .value = 0.5,
                                          .state = "ok",
                                          .reason = "",
                                          .sums = sums,
                                          .n_items = n,
                                          .n_sums = 1};
        if (n > 0 && (scores[i].number == 1 || scores[i].number <= m->tasks))
            ok(store_score(s, &score, &e), &e);
    }
}

static int64_t put_run(struct store *s, const struct made *m, const char *format)
{
    struct store_run r = {.machine = {.cpu = m->cpu ? m->cpu : "A CPU", .cpus = 2, .cores = 2, .memory_bytes = 1 << 30},
                          .build = {"0.1.0", m->model ? "def" : "abc", "cc 1", m->flags ? m->flags : "-O2"},
                          .command = "bench sweep",
                          .plan_key = "plan",
                          .trials = 3};
    int64_t run;
    struct err e;
    ok(store_run_begin(s, &r, NULL, 0, &run, &e), &e);
    put_variant(s, m, run, format, 1);
    ok(store_run_end(s, run, m->state ? m->state : "done", &e), &e);
    return run;
}

static void expect_text(const char *part)
{
    char *text = output();
    if (!strstr(text, part))
        fail_msg("\"%s\" is not in:\n%s", part, text);
    free(text);
}

static void expect_rows(const char *db, const char *sql, const char *want)
{
    char *got = query(db, sql);
    assert_string_equal(got, want);
    free(got);
}

/* Runs 1 and 2 of a new database; then the exit code of the gate of them. */
static int gate(const char *db, const struct made *base, const struct made *head, const char *format, const char *more)
{
    struct store *s;
    struct err e;
    unlink(db);
    ok(store_open(&s, db, &e), &e);
    put_run(s, base, "f16");
    put_run(s, head, format);
    store_close(s);
    return finish(start("gate --base-run 1 --head-run 2 --db %s %s", db, more));
}

static const struct made usual = {.ms = 1};

static void equal_runs_pass(void **state)
{
    (void)state;
    char db[300];
    snprintf(db, sizeof db, "%s", test_file("equal.db"));
    assert_int_equal(gate(db, &usual, &usual, "f16", ""), 0);
    expect_text("base:      bench 0.1.0 (abc), scores in run 1\n");
    expect_text("exact and not worse: arena in 2, kv in 2, weights in 2, tables in 2 cells");
    expect_rows(db, "SELECT metric, outcome, gates, units, estimate FROM verdict WHERE metric = 'ms_per_token'",
                "ms_per_token|inconclusive|0|3|0.0\nms_per_token|inconclusive|0|3|0.0\n");
    expect_rows(db, "SELECT scorer, outcome, test, items FROM quality", "exact|pass|items|1000\n");
    expect_rows(db, "SELECT count(*) FROM verdict WHERE metric = 'file_size'", "0\n");
    expect_rows(db, "SELECT base_path, base_run, head_run, outcome FROM gate", "NULL|1|2|pass\n");
    assert_int_equal(finish(start("gate --base-run 1 --head-run 2 --db %s", db)), 0); /* once more: a gate of its own */
    expect_rows(db, "SELECT count(*) FROM gate", "2\n");
    assert_int_equal(finish(start("show last --db %s", db)), 0);
    expect_text("run 2");
}

static void exact_metrics_and_quality_decide(void **state)
{
    (void)state;
    static const struct made page = {.arena = 4096}, wrong = {.wrong = 20}, few = {.wrong = 3}, other = {.model = 1};
    char db[300];
    snprintf(db, sizeof db, "%s", test_file("worse.db"));
    assert_int_equal(gate(db, &usual, &page, "f16", ""), 1);
    expect_rows(db, "SELECT DISTINCT metric, base, head FROM verdict WHERE outcome = 'regressed'", "arena|4096.0|8192.0\n");
    assert_int_equal(gate(db, &page, &usual, "f16", ""), 0);
    assert_int_equal(gate(db, &usual, &wrong, "f16", ""), 1);
    expect_rows(db, "SELECT scorer, outcome, test, difference FROM quality", "exact|regressed|McNemar|-0.02\n");
    assert_int_equal(gate(db, &wrong, &usual, "f16", ""), 0);
    assert_int_equal(gate(db, &usual, &few, "f16", ""), 3);
    /* One model and one format in each run: these are the two. */
    assert_int_equal(gate(db, &usual, &other, "q4_0", ""), 1);
    expect_rows(db, "SELECT DISTINCT metric FROM verdict WHERE outcome = 'regressed'", "file_size\n");
    assert_int_equal(finish(start("gate --base-run 1 --head-run 2 --db %s --json", db)), 1);
    expect_text("\"base_path\":null");
}

/* One answer in a hundred, of three tasks with 400 items: no task shows it. */
static void answers_of_all_tasks_are_counted_together(void **state)
{
    (void)state;
    static const struct made right = {.items = 400, .tasks = 3}, wrong = {.items = 400, .tasks = 3, .wrong = 4};
    char db[300], more[300];
    snprintf(db, sizeof db, "%s", test_file("pool.db"));
    assert_int_equal(gate(db, &right, &wrong, "f16", ""), 1);
    expect_rows(db, "SELECT task, scorer, outcome, items FROM quality ORDER BY task, scorer",
                "all answers|exact|regressed|1200\nqa|exact|inconclusive|400\nqb|exact|inconclusive|400\n"
                "qb|squad_exact|inconclusive|400\nqc|choice_acc|inconclusive|400\n");
    assert_int_equal(gate(db, &wrong, &right, "f16", ""), 0);
    FILE *f = fopen(test_file("told.ini"), "w");
    assert_non_null(f);
    fputs("[metric all answers:exact]\ngate = no\n", f);
    fclose(f);
    snprintf(more, sizeof more, "%s", test_file("told.ini"));
    assert_int_equal(gate(db, &right, &wrong, "f16", more), 3);
    assert_int_equal(gate(db, &right, &right, "f16", ""), 0);
}

static void times_are_told_where_they_may(void **state)
{
    (void)state;
    static const struct made slow = {.ms = 3}, elsewhere = {.cpu = "Another"}, built = {.flags = "-O0"};
    char db[300];
    snprintf(db, sizeof db, "%s", test_file("slow.db"));
    assert_int_equal(gate(db, &usual, &slow, "f16", ""), 0);
    expect_text("+200.0%");
    expect_text("measured one after the other, in two runs: told, never a verdict");
    assert_int_equal(gate(db, &usual, &elsewhere, "f16", ""), 0);
    expect_text("not compared: run 1 is of A CPU, 2 cores, 2 CPUs, 1.0 GiB, run 2 of Another");
    expect_rows(db, "SELECT DISTINCT outcome, base FROM verdict WHERE metric = 'ms_per_token'", "absent|NULL\n");
    assert_int_equal(gate(db, &usual, &built, "f16", ""), 0);
    expect_text("another compiler or other flags");
    FILE *f = fopen(test_file("gate.ini"), "w");
    assert_non_null(f);
    fputs("[metric ms_per_token]\ngate = yes\n", f);
    fclose(f);
    char more[300];
    snprintf(more, sizeof more, "%s", test_file("gate.ini"));
    assert_int_equal(gate(db, &usual, &usual, "f16", more), 4);
    expect_text("stored runs say nothing sure of it");
}

static void faults_are_invalid(void **state)
{
    (void)state;
    static const struct {
        struct made head;
        const char *says;
    } cases[] = {
        {{.context = 16}, "only run 1 has this cell, run 2 does not"},
        {{.context = 16}, "only run 2 has this cell, run 1 does not"},
        {{.crashed = 1}, "head, run 2: it has no valid trial"},
        {{.infeasible = "needs 9 GiB"}, "head, run 2: it cannot run: needs 9 GiB"},
        {{.items = -1}, "only base was scored on it"},
        {{.items = 900}, "1000 items on one side and 900 on the other"},
        {{.state = "interrupted"}, "run 2 is interrupted, not done"},
    };
    char db[300];
    snprintf(db, sizeof db, "%s", test_file("fault.db"));
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        int code = gate(db, &usual, &cases[i].head, "f16", "");
        char *text = output();
        if (code != 4 || !strstr(text, cases[i].says))
            fail_msg("case %zu: exit code %d, and this does not say \"%s\":\n%s", i, code, cases[i].says, text);
        free(text);
    }
    assert_int_equal(finish(start("gate --base-run 1 --head-run 77 --db %s", db)), 4);
    expect_text("there is no run 77");
    assert_int_equal(finish(start("gate --base-run 1 --head-run 1 --db %s", db)), 2);
    assert_int_equal(finish(start("gate --base-run 1 --db %s", db)), 2);
    assert_int_equal(finish(start("gate --base-run 1 --head-run 2 --base-model m.gguf --head-model n.gguf --db %s", db)), 2);
}

static void compare_tells_speed_of_one_run(void **state)
{
    (void)state;
    static const struct made m = {.ms = 1, .uj = 6000000};
    char db[300];
    struct store *s;
    struct err e;
    snprintf(db, sizeof db, "%s", test_file("compare.db"));
    ok(store_open(&s, db, &e), &e);
    int64_t run = put_run(s, &m, "f16");
    put_variant(s, &m, run, "q8_0", 1.5);
    put_run(s, &m, "q8_0");
    store_close(s);
    assert_int_equal(finish(start("compare 1:f16 1:q8_0 --db %s", db)), 0);
    expect_text("context 4  ms_per_token       1.01 ms  1.515 ms  +50.0%  [+50.0%, +50.0%]     75%  0.2500       3");
    expect_text("context 8  joules_per_token       2 J");
    assert_int_equal(finish(start("compare 1:f16 1:q8_0 --json --db %s", db)), 0);
    expect_text("\"cell\":\"context 4\",\"metric\":\"ms_per_token\",\"a\":1010000.0,\"b\":1515000.0,\"ratio\":1.5,");
    expect_text("\"metric\":\"joules_per_token\",\"a\":2000000.0,\"b\":2000000.0,\"ratio\":1.0,");
    assert_int_equal(finish(start("compare 1:f16 2 --db %s", db)), 0);
    expect_text("these are two runs");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(equal_runs_pass),
        cmocka_unit_test(exact_metrics_and_quality_decide),
        cmocka_unit_test(answers_of_all_tasks_are_counted_together),
        cmocka_unit_test(times_are_told_where_they_may),
        cmocka_unit_test(faults_are_invalid),
        cmocka_unit_test(compare_tells_speed_of_one_run),
    };
    return cmocka_run_group_tests(tests, program_setup, test_dir_remove);
}
