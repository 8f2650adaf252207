/* bench audit on gates that a seeded generator made up: replay, power, coverage and other rules against what was put in. */
/* SPDX-License-Identifier: MIT */
#include <math.h>

#include "base/rng.h"
#include "base/stats.h"
#include "bench/cmd/audit.h"
#include "bench/gate_past.h"
#include "bench/gate_rivals.h"
#include "results/store_audit.h"
#include "results/store_gate.h"
#include "tests/store_fixture.h"

#define UNITS 12 /* the only look, and as many to confirm */
#define ROUNDS 4
#define RULE "{\"alpha\":0.01,\"beta\":0.05,\"confirm\":0.05,\"q\":0.05,\"looks\":[12],\"rounds\":4}"

static const char *const metrics[] = {"ms_per_token", "cpu_per_token", "prefill_ms", "prefill_cpu"};
enum { N_METRICS = sizeof metrics / sizeof *metrics };

/* A gate that is made up. */
struct made {
    enum audit_kind kind;
    double percent; /* that the build was made for */
    double effect;  /* log ratio that it achieves */
    double sd;      /* of the log time of a process */
    double drift;   /* log, from the first unit to the last: of the machine, for all arms */
    const char *condition;
    int confirm; /* has a confirmation */
};

/* The sample of a round of an arm, with nothing that differs between rounds. */
static void put_unit(struct store *s, int64_t cell, const char *phase, int number, const double log_time[GATE_ARMS],
                     struct err *e)
{
    struct store_sample sample[GATE_ARMS][ROUNDS * GATE_PARTS];
    struct store_unit unit[GATE_ARMS];
    int64_t token_ns[GATE_ARMS][2];
    for (int arm = 0; arm < GATE_ARMS; arm++) {
        int64_t ns = llround(1e9 * exp(log_time[arm]));
        token_ns[arm][0] = token_ns[arm][1] = ns;
        for (int k = 0; k < ROUNDS * GATE_PARTS; k++)
            sample[arm][k] = (struct store_sample){.round = k / GATE_PARTS,
                                                   .kind = gate_part_names[k % GATE_PARTS],
                                                   .place = k / GATE_PARTS % 2 ? 2 - arm : arm,
                                                   .ns = k % GATE_PARTS == PART_DECODE ? 2 * ns : ns,
                                                   .tokens = 2,
                                                   .token_ns = k % GATE_PARTS == PART_DECODE ? token_ns[arm] : NULL,
                                                   .cpu_ns = k % GATE_PARTS == PART_DECODE ? 2 * ns : ns,
                                                   .run_delay_ns = 0,
                                                   .nivcsw = -1,
                                                   .instructions = -1,
                                                   .energy_uj = -1};
        unit[arm] = (struct store_unit){.cell = cell,
                                        .phase = phase,
                                        .number = number,
                                        .arm = gate_arm_names[arm],
                                        .place = arm,
                                        .state = "ok",
                                        .reason = "",
                                        .peak_bytes = -1,
                                        .samples = sample[arm],
                                        .n_samples = ROUNDS * GATE_PARTS};
    }
    ok(store_unit(s, unit, GATE_ARMS, e), e);
}

static void put_verdicts(struct store *s, int64_t cell, const char *const outcome[N_METRICS], double estimate, int confirm,
                         struct err *e)
{
    for (int k = 0; k < N_METRICS; k++) {
        struct store_verdict v = {.cell = cell,
                                  .metric = metrics[k],
                                  .outcome = outcome[k],
                                  .reason = "",
                                  .gates = 1,
                                  .units = UNITS,
                                  .tolerance = log(1.05),
                                  .estimate = estimate,
                                  .base = 1,
                                  .head = 1,
                                  .confirm_units = confirm ? UNITS : 0};
        ok(store_verdicts(s, &v, 1, e), e);
    }
}

/* The gate in the file, its verdicts as the rule gives them; ratio: [UNITS] log ratios of the first measurement as they were drawn. */
static int64_t put_gate(struct fixture *f, struct rng *r, const struct made *m, double *ratio)
{
    struct store_gate g = {.base = a_run.build,
                           .head = a_run.build,
                           .base_path = "arm-a",
                           .head_path = "arm-b",
                           .base_sha256 = sha_a,
                           .head_sha256 = sha_b,
                           .rule_version = GATE_RULE_VERSION,
                           .rule = RULE};
    int64_t run = begin(f->s, NULL, 0), cell = cell_of(f->s, run, 64);
    ok(store_gate_begin(f->s, run, &g, &f->e), &f->e);
    for (int i = 0; i < UNITS * (1 + m->confirm); i++) {
        double t[GATE_ARMS], drift = m->drift * (i % UNITS) / (UNITS - 1);
        for (int arm = 0; arm < GATE_ARMS; arm++)
            t[arm] = rng_normal(r) * m->sd + drift + (arm == ARM_HEAD ? m->effect : 0);
        if (i < UNITS)
            ratio[i] = t[ARM_HEAD] - t[ARM_BASE];
        put_unit(f->s, cell, i < UNITS ? "first" : "confirm", i % UNITS, t, &f->e);
    }
    static const char *const blank[N_METRICS] = {"pass", "pass", "pass", "pass"};
    double sorted[UNITS];
    memcpy(sorted, ratio, sizeof sorted);
    stats_sort(sorted, UNITS);
    double estimate = stats_quantile(sorted, UNITS, 0.5);
    put_verdicts(f->s, cell, blank, estimate, m->confirm, &f->e);
    ok(store_gate_end(f->s, run, "pass", "", &f->e), &f->e);
    ok(store_run_end(f->s, run, "done", &f->e), &f->e);

    struct gate_past p;
    struct gate_replayed *again = calloc((size_t)gate_n_metrics, sizeof *again);
    assert_non_null(again);
    ok(gate_past_load(&p, f->s, run, &f->e), &f->e);
    gate_past_replay(&p, again);
    const char *outcome[N_METRICS];
    int regressed = 0;
    for (int k = 0; k < N_METRICS; k++) {
        const struct gate_replayed *a = &again[gate_metric_index(metrics[k])];
        assert_true(a->units == UNITS && fabs(a->estimate - estimate) < 1e-8);
        outcome[k] = a->outcome;
        regressed |= !strcmp(a->outcome, "regressed");
    }
    assert_null(again[gate_metric_index("peak_memory")].outcome); /* was not on */
    assert_int_equal(p.cell[0].n, UNITS * (1 + m->confirm));
    put_verdicts(f->s, cell, outcome, again[gate_metric_index(metrics[0])].estimate, m->confirm, &f->e);
    ok(store_gate_end(f->s, run, regressed ? "regressed" : "pass", "", &f->e), &f->e);
    free(again);
    gate_past_free(&p);
    const struct store_audit a = {audit_kind_names[m->kind], m->percent, m->condition};
    ok(store_audit(f->s, run, &a, &f->e), &f->e);
    return run;
}

static void loaded(struct fixture *f, struct audit *a, int rivals)
{
    ok(audit_load(a, f->s, rivals, &f->e), &f->e);
}

/* What a function prints into a file. */
static char *printed;
static size_t printed_n;
static FILE *printer(void)
{
    free(printed);
    FILE *out = open_memstream(&printed, &printed_n);
    assert_non_null(out);
    return out;
}

static void says(FILE *out, const char *part)
{
    if (out)
        fclose(out);
    if (!strstr(printed, part))
        fail_msg("\"%s\" is not in:\n%s", part, printed);
}

/* -- replay ------------------------------------------------------------------------------------------------------------------ */

static void what_was_drawn_is_what_is_judged(void **state)
{
    struct fixture *f = *state;
    struct rng r;
    struct audit a;
    double ratio[UNITS];
    rng_seed(&r, 1);
    put_gate(f, &r, &(struct made){AUDIT_EQUAL, 0, 0, 0.003, 0, "idle", 0}, ratio);
    put_gate(f, &r, &(struct made){AUDIT_EFFECT, 5, 0.05, 0.003, 0, "idle", 1}, ratio);
    put_gate(f, &r, &(struct made){AUDIT_EFFECT, 5, 0.05, 0.003, 0, "idle", 0}, ratio); /* was never confirmed */
    loaded(f, &a, 0);
    assert_int_equal(a.n_rows, 3 * N_METRICS);
    for (int i = 0; i < a.n_rows; i++) {
        static const char *const want[] = {"pass", "regressed", "inconclusive"};
        assert_string_equal(a.row[i].replayed, want[i / N_METRICS]);
        assert_true(a.row[i].same && a.row[i].gates && a.row[i].timed);
        assert_int_equal(a.row[i].units, i / N_METRICS == 1 ? 2 * UNITS : UNITS);
    }
    FILE *out = printer();
    assert_int_equal(audit_report(&a, 0, out), 0);
    says(out, "replayed: 12 verdicts, 0 of them not what is stored\n");
    says(NULL, "50.0% [1.3%, 98.7%]"); /* 1 of 2 runs */
    audit_free(&a);
}

static void a_verdict_that_does_not_come_out_again_is_seen(void **state)
{
    struct fixture *f = *state;
    struct rng r;
    struct audit a;
    double ratio[UNITS];
    rng_seed(&r, 2);
    put_gate(f, &r, &(struct made){AUDIT_EQUAL, 0, 0, 0.003, 0, "idle", 0}, ratio);
    static const char *const forged[N_METRICS] = {"pass", "regressed", "pass", "pass"};
    int64_t cell = number(f->s, "SELECT max(id) FROM cell");
    double sorted[UNITS];
    memcpy(sorted, ratio, sizeof sorted);
    stats_sort(sorted, UNITS);
    put_verdicts(f->s, cell, forged, stats_quantile(sorted, UNITS, 0.5) + 1e-4, 0, &f->e);
    loaded(f, &a, 0);
    FILE *out = printer();
    assert_int_equal(audit_report(&a, 0, out), 4); /* one outcome, and all estimates */
    says(out, "replayed: 4 verdicts, 4 of them not what is stored\n");
    audit_free(&a);
}

static void a_unit_that_is_not_whole_makes_its_cell_invalid(void **state)
{
    struct fixture *f = *state;
    struct rng r;
    struct audit a;
    double ratio[UNITS];
    rng_seed(&r, 3);
    put_gate(f, &r, &(struct made){AUDIT_EQUAL, 0, 0, 0.003, 0, "idle", 0}, ratio);
    int64_t cell = number(f->s, "SELECT max(id) FROM cell");
    const struct store_unit crashed = {.cell = cell,
                                       .phase = "first",
                                       .number = UNITS,
                                       .arm = "base",
                                       .state = "crashed",
                                       .reason = "signal 11",
                                       .peak_bytes = -1};
    ok(store_unit(f->s, &crashed, 1, &f->e), &f->e);
    loaded(f, &a, 1);
    for (int i = 0; i < a.n_rows; i++) {
        assert_string_equal(a.row[i].replayed, "invalid");
        assert_true(!a.row[i].same && !a.row[i].judged);
    }
    audit_free(&a);
}

/* -- truth ------------------------------------------------------------------------------------------------------------------- */

static void the_achieved_effect_is_the_median_of_the_calibration(void **state)
{
    struct fixture *f = *state;
    struct rng r;
    struct audit a;
    double ratio[3 * UNITS], one[UNITS];
    rng_seed(&r, 4);
    for (int k = 0; k < 3; k++)
        put_gate(f, &r, &(struct made){AUDIT_CALIBRATE, 5, 0.041, 0.01, 0, k < 2 ? "idle" : "hog", 0}, ratio + k * UNITS);
    put_gate(f, &r, &(struct made){AUDIT_EFFECT, 5, 0.041, 0.01, 0, "idle", 1}, one);
    put_gate(f, &r, &(struct made){AUDIT_EFFECT, 5, 0.041, 0.01, 0, "make", 1}, one);
    put_gate(f, &r, &(struct made){AUDIT_EFFECT, 10, 0.041, 0.01, 0, "idle", 1}, one);
    stats_sort(ratio, 2 * UNITS);
    loaded(f, &a, 0);
    assert_int_equal(a.n_rows, 3 * N_METRICS); /* those that calibrate are not scored */
    assert_true(fabs(a.row[0].achieved - stats_quantile(ratio, 2 * UNITS, 0.5)) < 1e-8);
    assert_true(a.row[0].from < a.row[0].achieved && a.row[0].achieved < a.row[0].to);
    assert_true(isnan(a.row[N_METRICS].achieved));     /* another condition */
    assert_true(isnan(a.row[2 * N_METRICS].achieved)); /* another build */
    audit_free(&a);
}

static void shares_are_those_that_were_put_in(void **state)
{
    struct fixture *f = *state;
    struct rng r;
    struct audit a;
    double ratio[UNITS], calibration[4 * UNITS];
    int covered = 0, found = 0, runs = 30;
    char part[200], share[48];
    rng_seed(&r, 5);
    for (int k = 0; k < 4; k++)
        put_gate(f, &r, &(struct made){AUDIT_CALIBRATE, 3, 0.03, 0.012, 0, "idle", 0}, calibration + k * UNITS);
    for (int k = 0; k < runs; k++) {
        int64_t run = put_gate(f, &r, &(struct made){AUDIT_EQUAL, 0, 0, 0.012, 0, "idle", 0}, ratio);
        stats_sort(ratio, UNITS);
        struct interval x = stats_median_interval(ratio, UNITS, 0.95);
        covered += x.low <= 0 && 0 <= x.high;
        (void)run;
        run = put_gate(f, &r, &(struct made){AUDIT_EFFECT, 3, 0.03, 0.012, 0, "idle", 1}, ratio);
        snprintf(part, sizeof part, "SELECT outcome = 'regressed' FROM gate WHERE run = %lld", (long long)run);
        found += (int)number(f->s, part);
    }
    assert_true(covered >= 24 && found > 0 && found < runs); /* else the shares below say nothing */
    loaded(f, &a, 0);
    FILE *out = printer();
    assert_int_equal(audit_report(&a, 1, out), 0);
    audit_share_interval(share, found * N_METRICS, runs * (long)N_METRICS);
    snprintf(part, sizeof part, "%d  %s", found * N_METRICS, share);
    says(out, part);
    audit_share_interval(share, covered * N_METRICS, runs * (long)N_METRICS);
    snprintf(part, sizeof part, "96.1%%  %s", share); /* what 12 units cover */
    says(NULL, part);
    audit_share_interval(share, 0, runs);
    says(NULL, share);
    audit_free(&a);
}

/* -- other rules ------------------------------------------------------------------------------------------------------------- */

static int rival(const char *name)
{
    for (int i = 0; i < gate_n_rivals; i++)
        if (!strcmp(gate_rivals[i].name, name))
            return i;
    fail_msg("no rule %s", name);
    return -1;
}

/* Equal programs on a machine that gets slower: who measures base first and head then finds it, who measures in turns does not. */
static void what_drifts_fools_those_that_measure_in_sequence(void **state)
{
    struct fixture *f = *state;
    struct rng r;
    struct audit a;
    double ratio[UNITS];
    rng_seed(&r, 6);
    put_gate(f, &r, &(struct made){AUDIT_EQUAL, 0, 0, 0.002, 0.3, "idle", 0}, ratio);
    put_gate(f, &r, &(struct made){AUDIT_EFFECT, 5, 0.06, 0.002, 0, "idle", 1}, ratio);
    loaded(f, &a, 1);
    unsigned all = (1u << gate_n_rivals) - 1, beyond_10 = 1u << rival("10%") | 1u << rival("asv");
    for (int i = 0; i < N_METRICS; i++) {
        assert_true(a.row[i].judged);
        assert_int_equal(a.row[i].slower[IN_SEQUENCE], all);
        assert_int_equal(a.row[i].slower[IN_TURNS], 0);
        assert_int_equal(a.row[N_METRICS + i].slower[IN_TURNS], all & ~beyond_10); /* 6% is less than 10% */
        assert_int_equal(a.row[N_METRICS + i].slower[IN_SEQUENCE], all & ~beyond_10);
    }
    FILE *out = printer();
    audit_rules(&a, out);
    says(out, "| the gate | pairs | 0 of 1, 0.0% [0.0%, 97.5%] | 0.0% | 100.0% |\n");
    says(NULL, "| asv | in sequence | 1 of 1, 100.0% [2.5%, 100.0%] | 100.0% | 0.0% |\n");
    says(NULL, "| Welch | in turns | 0 of 1, 0.0% [0.0%, 97.5%] | 0.0% | 100.0% |\n");
    says(NULL, "Verdicts on times: 4 of equal builds, 4 of builds for 5%.\n");
    audit_free(&a);
}

static void rules_are_those_of_their_tools(void **state)
{
    (void)state;
    double low[24], high[24], little[24], mixed[24];
    for (int i = 0; i < 24; i++) {
        low[i] = 100 + 0.1 * i;
        little[i] = 100.05 + 0.1 * i; /* 0.05% more, and in between */
        high[i] = 112 + 0.1 * i;
        mixed[i] = i < 20 ? 100 + 0.1 * i : 200; /* a few far off: medians and ranks hardly move, the mean does */
    }
    static const struct {
        const char *name;
        int high, little, mixed;
    } want[] = {{"asv", 1, 0, 0},   {"benchstat", 1, 0, 0}, {"Pinpoint", 1, 0, 0},
                {"Welch", 1, 0, 1}, {"5%", 1, 0, 1},        {"10%", 1, 0, 1}};
    assert_int_equal(sizeof want / sizeof *want, gate_n_rivals);
    for (int i = 0; i < gate_n_rivals; i++) {
        const struct gate_rival *x = &gate_rivals[rival(want[i].name)];
        const struct gate_side base = {low, low, 24, low, 24};
        assert_int_equal(x->slower(&base, &(const struct gate_side){high, high, 24, high, 24}), want[i].high);
        assert_int_equal(x->slower(&base, &(const struct gate_side){little, little, 24, little, 24}), want[i].little);
        assert_int_equal(x->slower(&base, &(const struct gate_side){mixed, mixed, 24, mixed, 24}), want[i].mixed);
        assert_int_equal(x->slower(&(const struct gate_side){high, high, 24, high, 24}, &base), 0); /* faster is no finding */
    }
}

/* -- the urn ----------------------------------------------------------------------------------------------------------------- */

/* A gate that says nothing, for what was drawn. */
static void put_drawn(struct fixture *f, const char *kind, double effect, const char *condition)
{
    const struct store_gate g = {.base = a_run.build,
                                 .head = a_run.build,
                                 .base_path = "arm-a",
                                 .head_path = "arm-b",
                                 .base_sha256 = sha_a,
                                 .head_sha256 = sha_b,
                                 .rule_version = 1,
                                 .rule = RULE};
    int64_t run = begin(f->s, NULL, 0);
    ok(store_gate_begin(f->s, run, &g, &f->e), &f->e);
    ok(store_gate_end(f->s, run, "pass", "", &f->e), &f->e);
    ok(store_audit(f->s, run, &(struct store_audit){kind, effect, condition}, &f->e), &f->e);
}

/* Draws until nothing is left; the number of runs. */
static int draw_all(struct fixture *f, const struct audit_wish *w)
{
    for (int n = 0;; n++) {
        char kind[16], condition[16];
        double effect;
        FILE *out = printer();
        ok(audit_draw(f->s, w, out, &f->e), &f->e);
        fclose(out);
        if (!strcmp(printed, "done\n"))
            return n;
        assert_true(n < 200);
        assert_int_equal(sscanf(printed, "%15s %lf %15s", kind, &effect, condition), 3);
        put_drawn(f, kind, effect, condition);
    }
}

static void what_is_drawn_is_what_was_asked_for(void **state)
{
    struct fixture *f = *state;
    struct audit_wish w = {.equal = 10, .effect = 4, .calibrate = 1, .effects = "3,10", .conditions = "idle,hog,make", .seed = 7};
    assert_int_equal(draw_all(f, &w), 6 + 10 + 8);
    expect(f->s, "SELECT kind, effect, condition, count(*) FROM audit GROUP BY kind, effect, condition",
           "calibrate|3.0|hog|1;calibrate|3.0|idle|1;calibrate|3.0|make|1;calibrate|10.0|hog|1;calibrate|10.0|idle|1;"
           "calibrate|10.0|make|1;effect|3.0|hog|1;effect|3.0|idle|2;effect|3.0|make|1;effect|10.0|hog|1;effect|10.0|idle|2;"
           "effect|10.0|make|1;equal|0.0|hog|3;equal|0.0|idle|4;equal|0.0|make|3");
    /* Calibrated first; then nothing tells from the order what a run is. */
    expect(f->s, "SELECT max(run) FROM audit WHERE kind = 'calibrate'", "6");
    assert_true(number(f->s, "SELECT count(*) FROM audit a JOIN audit b ON b.run = a.run + 1 WHERE a.kind <> b.kind") > 5);
    w.equal = 13; /* more was asked for */
    assert_int_equal(draw_all(f, &w), 3);
    expect(f->s, "SELECT condition, count(*) FROM audit WHERE kind = 'equal' GROUP BY condition", "hog|4;idle|5;make|4");
    w.effects = "3,x";
    assert_int_equal(audit_draw(f->s, &w, stdout, &f->e), -1);
    assert_int_equal(f->e.code, ERR_USAGE);
    w.effects = "3", w.conditions = "";
    assert_int_equal(audit_draw(f->s, &w, stdout, &f->e), -1);
    assert_int_equal(f->e.code, ERR_USAGE);
}

/* Every kind comes equally often first: 1 of 4 draws is the one run of equal builds that is wanted beside three effects. */
static void draws_are_fair(void **state)
{
    struct fixture *f = *state;
    int first = 0, draws = 400;
    put_drawn(f, "tune", 10, "idle");
    for (int k = 0; k < draws; k++) {
        const struct audit_wish w = {
            .equal = 1, .effect = 1, .calibrate = 0, .effects = "3,5,10", .conditions = "idle", .seed = (uint64_t)k};
        FILE *out = printer();
        ok(audit_draw(f->s, &w, out, &f->e), &f->e);
        fclose(out);
        first += !strncmp(printed, "equal 0 idle ", 13);
    }
    assert_true(abs(first - draws / 4) < 35); /* 4 standard errors */
}

/* -- how much to repeat -------------------------------------------------------------------------------------------------------- */

static void builds_are_made_in_proportion(void **state)
{
    struct fixture *f = *state;
    struct rng r;
    double ratio[UNITS];
    FILE *out = printer();
    assert_int_equal(audit_inject(f->s, 5, out, &f->e), -1); /* nothing was tuned */
    assert_int_equal(f->e.code, ERR_INVALID);
    rng_seed(&r, 9);
    put_gate(f, &r, &(struct made){AUDIT_TUNE, 10, log(1.08), 0, 0, "idle", 0}, ratio);
    ok(audit_inject(f->s, 4, out, &f->e), &f->e); /* 10% more work is 8% more time */
    fclose(out);
    assert_string_equal(printed, "-DINJECT_DECODE_PPM=50000 -DINJECT_PREFILL_PPM=50000\n");
    assert_int_equal(audit_inject(f->s, 90, stdout, &f->e), -1); /* more than all of it twice */
    assert_non_null(strstr(f->e.msg, "cannot give 90%"));
}

static void without_an_audit_there_is_nothing_to_say(void **state)
{
    struct fixture *f = *state;
    struct audit a;
    int there;
    ok(store_audit_there(f->s, &there, &f->e), &f->e);
    assert_false(there);
    assert_int_equal(audit_load(&a, f->s, 0, &f->e), -1);
    assert_int_equal(f->e.code, ERR_INVALID);
    audit_free(&a);
    put_drawn(f, "equal", 0, "idle");
    assert_int_equal(store_audit(f->s, 1, &(struct store_audit){"equal", 0, "idle"}, &f->e), -1);  /* twice */
    assert_int_equal(store_audit(f->s, 77, &(struct store_audit){"equal", 0, "idle"}, &f->e), -1); /* of no gate */
    sound(f->s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_STORE(what_was_drawn_is_what_is_judged),
        WITH_STORE(a_verdict_that_does_not_come_out_again_is_seen),
        WITH_STORE(a_unit_that_is_not_whole_makes_its_cell_invalid),
        WITH_STORE(the_achieved_effect_is_the_median_of_the_calibration),
        WITH_STORE(shares_are_those_that_were_put_in),
        WITH_STORE(what_drifts_fools_those_that_measure_in_sequence),
        cmocka_unit_test(rules_are_those_of_their_tools),
        WITH_STORE(what_is_drawn_is_what_was_asked_for),
        WITH_STORE(draws_are_fair),
        WITH_STORE(builds_are_made_in_proportion),
        WITH_STORE(without_an_audit_there_is_nothing_to_say),
    };
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    free(printed);
    return failed;
}
