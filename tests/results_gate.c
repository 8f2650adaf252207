/* The rows of a gate: processes, samples, facts and verdicts come back as they went in, and what was not measured is NULL. */
/* SPDX-License-Identifier: MIT */
#include <math.h>

#include "results/db.h"
#include "results/store_gate.h"
#include "tests/store_fixture.h"

static int64_t begin_gate(struct fixture *f)
{
    int64_t run = begin(f->s, NULL, 0);
    const struct store_gate g = {.base = {"0.1.0", "aaa", "cc 1", "-O2"},
                                 .head = a_run.build,
                                 .base_path = "old/bench",
                                 .head_path = "build/bench",
                                 .base_sha256 = sha_a,
                                 .head_sha256 = sha_b,
                                 .rule_version = 1,
                                 .rule = "{\"alpha\":0.01}"};
    ok(store_gate_begin(f->s, run, &g, &f->e), &f->e);
    return run;
}

static void a_gate_comes_back(void **state)
{
    struct fixture *f = *state;
    int64_t run = begin_gate(f), cell = cell_of(f->s, run, 64), token_ns[] = {1, 256};
    const struct store_sample samples[] = {{.round = 0,
                                            .kind = "prefill",
                                            .place = 1,
                                            .ns = 500,
                                            .tokens = 64,
                                            .cpu_ns = 490,
                                            .run_delay_ns = 0,
                                            .nivcsw = 2,
                                            .instructions = -1},
                                           {.round = 0,
                                            .kind = "decode",
                                            .place = 1,
                                            .ns = 257,
                                            .tokens = 2,
                                            .token_ns = token_ns,
                                            .cpu_ns = -1,
                                            .run_delay_ns = -1,
                                            .nivcsw = -1,
                                            .instructions = 7}};
    const struct store_unit units[] = {{.cell = cell,
                                        .phase = "first",
                                        .number = 3,
                                        .arm = "base",
                                        .place = 1,
                                        .pad = 99,
                                        .state = "ok",
                                        .reason = "",
                                        .peak_bytes = 4096,
                                        .samples = samples,
                                        .n_samples = 2},
                                       {.cell = cell,
                                        .phase = "first",
                                        .number = 3,
                                        .arm = "head",
                                        .place = 0,
                                        .state = "crashed",
                                        .reason = "signal 11",
                                        .peak_bytes = -1}};
    ok(store_unit(f->s, units, 2, &f->e), &f->e);
    ok(store_fact(f->s, cell, "head", "arena", "B", 12345, &f->e), &f->e);
    struct store_verdict v = {.cell = cell,
                              .metric = "ms_per_token",
                              .outcome = "pass",
                              .reason = "",
                              .gates = 1,
                              .units = 12,
                              .tolerance = 0.0488,
                              .base = 1e6,
                              .head = 1.01e6,
                              .estimate = 0.01,
                              .low = -0.01,
                              .high = 0.02,
                              .coverage = 0.961,
                              .lower = -INFINITY,
                              .upper = 0.03,
                              .p = 0.2,
                              .p_looks = 1,
                              .mde = 0.02,
                              .null_estimate = 0.001,
                              .null_p = 0.5,
                              .disturbed = NAN,
                              .confirm_estimate = NAN,
                              .confirm_lower = NAN};
    ok(store_verdicts(f->s, &v, 1, &f->e), &f->e);
    v.outcome = "inconclusive"; /* the same samples under another rule */
    v.reason = "because";
    ok(store_verdicts(f->s, &v, 1, &f->e), &f->e);
    ok(store_gate_end(f->s, run, "inconclusive", "", &f->e), &f->e);
    store_close(f->s);
    ok(store_open_existing(&f->s, f->path, &f->e), &f->e);

    expect(f->s,
           "SELECT g.run, b.git_commit, h.git_commit, base_path, head_path, substr(base_sha256, 1, 2), "
           "substr(head_sha256, 1, 2), rule_version, json_extract(rule, '$.alpha'), outcome, reason FROM gate g "
           "JOIN build b ON b.id = g.base_build JOIN build h ON h.id = g.head_build",
           "1|aaa|abc|old/bench|build/bench|aa|bb|1|0.01|inconclusive|");
    expect(f->s, "SELECT count(*) FROM build", "2"); /* the head's is the run's */
    expect(f->s, "SELECT phase, number, arm, place, pad, state, reason, peak_bytes FROM unit ORDER BY id",
           "first|3|base|1|99|ok||4096;first|3|head|0|0|crashed|signal 11|NULL");
    expect(f->s,
           "SELECT round, kind, place, ns, tokens, hex(token_ns), cpu_ns, run_delay_ns, nivcsw, instructions FROM sample "
           "ORDER BY ns",
           "0|decode|1|257|2|01000000000000000001000000000000|NULL|NULL|NULL|7;0|prefill|1|500|64||490|0|2|NULL");
    expect(f->s, "SELECT arm, name, unit, value FROM fact", "head|arena|B|12345");
    expect(
        f->s,
        "SELECT metric, gates, outcome, reason, units, base, lower, upper, disturbed, confirm_units, confirm_lower FROM verdict",
        "ms_per_token|1|inconclusive|because|12|1000000.0|NULL|0.03|NULL|NULL|NULL");
    sound(f->s);
}

static void a_unit_is_there_as_a_whole_or_not_at_all(void **state)
{
    struct fixture *f = *state;
    int64_t cell = cell_of(f->s, begin_gate(f), 64);
    const struct store_unit twice[] = {
        {.cell = cell, .phase = "first", .arm = "base", .state = "ok", .reason = "", .peak_bytes = -1},
        {.cell = cell, .phase = "first", .arm = "base", .state = "ok", .reason = "", .peak_bytes = -1}};
    assert_int_equal(store_unit(f->s, twice, 2, &f->e), -1);
    assert_non_null(strstr(f->e.msg, "cannot store a unit"));
    expect(f->s, "SELECT count(*) FROM unit", "0");
    ok(store_unit(f->s, twice, 1, &f->e), &f->e);
    assert_int_equal(store_fact(f->s, 77, "base", "arena", "B", 1, &f->e), -1); /* of no cell */
    sound(f->s);
}

static void the_newest_anchor_counts(void **state)
{
    struct fixture *f = *state;
    begin_gate(f);
    struct store_anchor a = {
        .build = {"0.1.0", "aaa", "cc 1", "-O2"}, .path = "old/bench", .sha256 = sha_a, .reason = "release 1"};
    ok(store_anchor(f->s, &a, &f->e), &f->e);
    expect(f->s, "SELECT a.build = g.base_build, a.reason, set_ns > 0 FROM anchor a, gate g", "1|release 1|1");
    a.build.commit = "bbb";
    a.reason = "release 2";
    ok(store_anchor(f->s, &a, &f->e), &f->e);
    expect(f->s, "SELECT anchor, git_commit, reason, newest FROM v_anchor ORDER BY anchor",
           "1|aaa|release 1|0;2|bbb|release 2|1");
    a.reason = "";
    assert_int_equal(store_anchor(f->s, &a, &f->e), -1);
    expect(f->s, "SELECT count(*) FROM anchor", "2");
    sound(f->s);
}

static void a_verdict_on_quality_comes_back(void **state)
{
    struct fixture *f = *state;
    int64_t run = begin_gate(f), cell = cell_of(f->s, run, 64), base = begin(f->s, NULL, 0), head = begin(f->s, NULL, 0);
    struct store_quality q = {.cell = cell,
                              .task = "story",
                              .scorer = "perplexity",
                              .outcome = "inconclusive",
                              .reason = "too few",
                              .test = "bootstrap",
                              .gates = 1,
                              .items = 5,
                              .margin = 0.003,
                              .base = 3,
                              .head = 3.01,
                              .difference = 0.01,
                              .low = NAN,
                              .high = NAN,
                              .lower = NAN,
                              .upper = NAN,
                              .p = NAN,
                              .mde = NAN};
    ok(store_gate_runs(f->s, run, base, head, &f->e), &f->e);
    ok(store_qualities(f->s, &q, 1, &f->e), &f->e);
    q.outcome = "pass";
    q.reason = "";
    ok(store_qualities(f->s, &q, 1, &f->e), &f->e);
    expect(f->s, "SELECT base_run - run, head_run - run, base_model FROM gate", "1|2|NULL");
    expect(f->s, "SELECT metric, scorer, test, outcome, units, estimate, low, tolerance, label FROM v_verdict",
           "story:perplexity|perplexity|bootstrap|pass|5|0.01|NULL|0.003|q4_0");
    q.cell = 77;
    assert_int_equal(store_qualities(f->s, &q, 1, &f->e), -1);
    sound(f->s);
}

/* The statements that make quality's table make the gate's anew: what it held stays. */
static void a_gate_of_version_3_is_kept(void **state)
{
    struct fixture *f = *state;
    begin_gate(f);
    ok(sqlite3_exec(f->s->db, "ALTER TABLE sample DROP COLUMN energy_uj; DROP TABLE quality; DROP TABLE anchor; PRAGMA user_version = 3", NULL, NULL,
                    NULL),
       &f->e);
    store_close(f->s);
    ok(store_open(&f->s, f->path, &f->e), &f->e);
    expect(f->s,
           "SELECT run, base_path, head_path, substr(base_sha256, 1, 2), base_run, rule_version, user_version FROM gate, "
           "pragma_user_version",
           "1|old/bench|build/bench|aa|NULL|1|5");
    expect(f->s, "SELECT count(*) FROM quality", "0");
    sound(f->s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_STORE(a_gate_comes_back),
        WITH_STORE(a_unit_is_there_as_a_whole_or_not_at_all),
        WITH_STORE(the_newest_anchor_counts),
        WITH_STORE(a_verdict_on_quality_comes_back),
        WITH_STORE(a_gate_of_version_3_is_kept),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
