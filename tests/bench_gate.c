/* Gates as a user runs them, on programs that are shell scripts: they tell made-up times, and every way in which a program can fail.
 *
 * The gate under test is $BENCH (make test sets it).  No time of this machine is judged: the scripts' answers are constants, or
 * depend on the length of BENCH_PAD, which the seed decides. */
/* SPDX-License-Identifier: MIT */
#include "tests/test.h"

#include <jansson.h>
#include <sys/stat.h>

#include "tests/program.h"

/* What a script answers; texts are shell code. */
struct fake {
    const char *name;
    const char *version;   /* first line of --version; NULL: as bench does */
    const char *decode;    /* ns of each of two tokens: $((...)); NULL: 1000000 */
    const char *before;    /* run before it answers a measure */
    const char *facts;     /* readings of facts; NULL: arena and logits; empty: it knows no facts */
    const char *stretches; /* of a measure, instead of the usual ones */
    const char *readings;  /* of each stretch, more than the usual ones */
};

static const char *write_fake(const struct fake *f)
{
    const char *path = test_file(f->name);
    FILE *s = fopen(path, "w");
    assert_non_null(s);
    fprintf(s,
            "#!/bin/sh\n"
            "if [ \"$1\" = --version ]; then printf '%%s\\ncc 1\\nflags\\n' '%s'; exit 0; fi\n"
            "while read -r line; do case $line in\n"
            "*'\"do\":\"measure\"'*)\n%s\nt=%s\n",
            f->version ? f->version : "bench 0.1.0 (abc)", f->before ? f->before : ":", f->decode ? f->decode : "1000000");
    if (f->stretches)
        fprintf(s, "echo '{\"v\":1,\"ok\":true,\"stretches\":[%s]}' ;;\n", f->stretches);
    else
        fprintf(
            s,
            "c='[\"sched.utime\",\"ns\",\"ok\",'$t',\"\"],[\"sched.stime\",\"ns\",\"ok\",0,\"\"],[\"sched.run_delay\",\"ns\",\"ok\",0,\"\"]%s'\n"
            "echo '{\"v\":1,\"ok\":true,\"stretches\":["
            "{\"kind\":\"prefill\",\"real\":1,\"begin\":1,\"ns\":'$t',\"tokens\":1,\"readings\":['$c']},"
            "{\"kind\":\"decode\",\"real\":1,\"begin\":1,\"ns\":'$((2*t))',\"tokens\":2,\"token_ns\":['$t','$t'],\"readings\":['$c']}]}' ;;\n",
            f->readings ? f->readings : "");
    if (!f->facts || *f->facts)
        fprintf(
            s,
            "*'\"do\":\"facts\"'*) echo '{\"v\":1,\"ok\":true,\"stretches\":[{\"kind\":\"facts\",\"real\":0,\"begin\":0,\"ns\":0,"
            "\"tokens\":0,\"readings\":[%s]}]}' ;;\n",
            f->facts ? f->facts : "[\"arena\",\"B\",\"ok\",65536,\"\"],[\"logits\",\"\",\"ok\",77,\"\"]");
    else
        fprintf(
            s,
            "*'\"do\":\"facts\"'*) echo '{\"v\":1,\"ok\":false,\"code\":5,\"error\":\"trial: x is no request of protocol version 1\"}'; exit ;;\n");
    fprintf(
        s,
        "*'\"do\":\"exit\"'*) echo '{\"v\":1,\"ok\":true,\"stretches\":[{\"kind\":\"trial\",\"real\":1,\"begin\":1,\"ns\":5,\"tokens\":0,"
        "\"readings\":[[\"memory.peak\",\"B\",\"ok\",10485760,\"\"]]}]}'; exit 0 ;;\n"
        "*) echo '{\"v\":1,\"ok\":true,\"stretches\":[]}' ;;\nesac; done\n");
    assert_int_equal(fclose(s), 0);
    assert_int_equal(chmod(path, 0755), 0);
    return path;
}

static const struct fake plain = {.name = "base"};

/* Gates head against the plain base with 8 units of 2 rounds; more: further options. */
static int gate(const struct fake *base, const struct fake *head, const char *db, const char *more)
{
    char a[300], b[300];
    snprintf(a, sizeof a, "%s", write_fake(base));
    snprintf(b, sizeof b, "%s", write_fake(head));
    unlink(db);
    return finish(start("gate --base %s --head %s --runtime null --context 1 --looks 8 --rounds 2 --alpha 0.05 "
                        "--quiet --db %s %s",
                        a, b, db, more));
}

static void expect_text(const char *text, const char *part)
{
    if (!strstr(text, part))
        fail_msg("\"%s\" is not in:\n%s", part, text);
}

static void expect_rows(const char *db, const char *sql, const char *want)
{
    char *got = query(db, sql);
    assert_string_equal(got, want);
    free(got);
}

static const char *ini(const char *text)
{
    const char *path = test_file("gate.ini");
    FILE *f = fopen(path, "w");
    assert_non_null(f);
    fputs(text, f);
    fclose(f);
    return path;
}

/* -- verdicts -------------------------------------------------------------------------------------------------------------- */

static void equal_programs_pass(void **state)
{
    (void)state;
    char db[300];
    snprintf(db, sizeof db, "%s", test_file("equal.db"));
    assert_int_equal(gate(&plain, &(struct fake){.name = "head"}, db, ""), 0);
    char *text = output();
    expect_text(text, "gate 1: pass");
    expect_text(text, "exact and not worse: arena in 1, logits in 1 cells");
    expect_text(text, "6 verdicts that gate: 6 pass, 0 regressed, 0 inconclusive, 0 invalid");
    free(text);
    expect_rows(db, "SELECT outcome, reason FROM gate", "pass|\n");
    expect_rows(db, "SELECT arm, count(*), count(DISTINCT number) FROM unit WHERE state = 'ok' AND phase = 'first' GROUP BY arm",
                "base|8|8\nhead|8|8\nnull|8|8\n");
    expect_rows(db, "SELECT count(*), sum(kind = 'decode' AND length(token_ns) = 16 AND cpu_ns = 1000000) FROM sample",
                "96|48\n");
    expect_rows(db,
                "SELECT metric, outcome, units, base, estimate, tolerance > 0.048 FROM verdict WHERE metric IN "
                "('ms_per_token', 'arena', 'instructions') ORDER BY metric",
                "arena|pass|0|65536.0|0.0|NULL\ninstructions|absent|0|NULL|NULL|NULL\nms_per_token|pass|8|1000000.0|0.0|1\n");
    /* Each comes first equally often in every unit, and the order is not always the same. */
    expect_rows(
        db,
        "SELECT DISTINCT (SELECT sum(a.place < b.place) FROM sample a JOIN sample b ON b.unit = h.id AND b.round = a.round "
        "AND b.kind = a.kind WHERE a.unit = u.id AND a.kind = 'decode') FROM unit u JOIN unit h ON h.number = u.number "
        "AND h.arm = 'head' WHERE u.arm = 'base'",
        "1\n");
    assert_true(number(db, "SELECT count(DISTINCT s.place) FROM sample s JOIN unit u ON u.id = s.unit WHERE u.arm = 'base' AND "
                           "round = 0") > 1);
    assert_int_equal(finish(start("list --db %s", db)), 0);
    assert_int_equal(finish(start("show last --db %s", db)), 2); /* a gate is not what `last` means there */
}

static void a_slower_program_has_regressed_after_a_confirmation(void **state)
{
    (void)state;
    char db[300], more[1000], junit[300], markdown[300], quality[300];
    snprintf(db, sizeof db, "%s", test_file("slow.db"));
    snprintf(junit, sizeof junit, "%s", test_file("gate.xml"));
    snprintf(markdown, sizeof markdown, "%s", test_file("gate.md"));
    snprintf(quality, sizeof quality, "%s", test_file("gate.json"));
    snprintf(more, sizeof more, "--junit %s --markdown %s --codequality %s --annotations", junit, markdown, quality);
    assert_int_equal(gate(&plain, &(struct fake){.name = "head", .decode = "1200000"}, db, more), 1);
    char *text = output();
    expect_text(text, "+20.0%");
    expect_text(text, "bench: gate: regressed: 4 verdicts");
    expect_text(text, "\n::error title=bench gate::file, context 1: ms_per_token regressed, 1 ms to 1.2 ms, +20.0%25\n");
    free(text);
    expect_rows(
        db,
        "SELECT outcome, units, confirm_units, round(exp(0) * confirm_estimate, 4) FROM verdict WHERE metric = 'ms_per_token'",
        "regressed|8|8|0.1823\n");
    expect_rows(db, "SELECT phase, count(*) FROM unit GROUP BY phase", "confirm|24\nfirst|24\n");
    struct err e;
    text = file_read(junit, NULL, &e);
    assert_non_null(text);
    expect_text(text, "tests=\"14\" failures=\"4\" errors=\"0\" skipped=\"");
    expect_text(text, "name=\"ms_per_token\"><failure message=\"regressed: 1 ms to 1.2 ms, +20.0%");
    free(text);
    json_t *j = json_load_file(quality, 0, NULL);
    assert_int_equal(json_array_size(j), 4);
    assert_string_equal(json_string_value(json_object_get(json_array_get(j, 0), "severity")), "critical");
    json_decref(j);
    text = file_read(markdown, NULL, &e);
    assert_non_null(text);
    expect_text(text, "## bench gate: regressed");
    expect_text(text, "| ms_per_token | 1 ms | 1.2 ms | +20.0% |");
    free(text);
}

static void metrics_can_be_chosen(void **state)
{
    (void)state;
    char db[300];
    const struct fake slow = {.name = "head", .decode = "1040000"};
    snprintf(db, sizeof db, "%s", test_file("metric.db"));
    assert_int_equal(gate(&plain, &slow, db, "--metric arena"), 0);
    expect_rows(db, "SELECT metric, outcome, gates FROM verdict", "arena|pass|1\n");
    expect_rows(db, "SELECT count(*) FROM unit", "0\n"); /* nothing that needs statistics */
    assert_int_equal(gate(&plain, &slow, db, "--metric p99_ms=20%"), 0);
    expect_rows(db, "SELECT metric, outcome, gates FROM verdict", "p99_ms|pass|1\n");
    assert_int_equal(gate(&plain, &slow, db, "--metric p99_ms=4%,arena"), 1);
    expect_rows(db, "SELECT metric, outcome FROM verdict ORDER BY metric", "arena|pass\np99_ms|regressed\n");
    assert_int_equal(gate(&plain, &slow, db, "--metric ms_per_tokn"), 2);
    assert_int_equal(gate(&plain, &slow, db, "--metric ms_per_token=5"), 2);
    assert_int_equal(gate(&plain, &slow, db, "--metric ,"), 2);
}

static void json_says_the_same(void **state)
{
    (void)state;
    char db[300];
    snprintf(db, sizeof db, "%s", test_file("json.db"));
    assert_int_equal(gate(&plain, &(struct fake){.name = "head", .decode = "900000"}, db, "--json"), 0);
    char *text = output();
    json_t *j = json_loads(text, 0, NULL);
    assert_non_null(j);
    assert_string_equal(json_string_value(json_object_get(j, "outcome")), "pass");
    assert_string_equal(json_string_value(json_object_get(j, "head_commit")), "abc");
    json_t *first = json_array_get(json_object_get(j, "verdicts"), 0);
    assert_string_equal(json_string_value(json_object_get(first, "metric")), "ms_per_token");
    assert_true(json_number_value(json_object_get(first, "ratio")) - 0.9 < 1e-9);
    assert_true(json_is_null(json_object_get(first, "confirm_ratio")));
    json_decref(j);
    free(text);
}

static void exact_metrics_fail_without_statistics(void **state)
{
    (void)state;
    static const struct fake page = {.name = "head",
                                     .facts = "[\"arena\",\"B\",\"ok\",69632,\"\"],[\"logits\",\"\",\"ok\",77,\"\"]"};
    static const struct fake bits = {.name = "head",
                                     .facts = "[\"arena\",\"B\",\"ok\",65536,\"\"],[\"logits\",\"\",\"ok\",78,\"\"]"};
    char db[300];
    snprintf(db, sizeof db, "%s", test_file("exact.db"));
    assert_int_equal(gate(&plain, &page, db, ""), 1);
    expect_rows(db, "SELECT metric, base, head FROM verdict WHERE outcome = 'regressed'", "arena|65536.0|69632.0\n");
    assert_int_equal(gate(&plain, &bits, db, ""), 0); /* other logits are told */
    char *text = output();
    expect_text(text, "(regressed)");
    free(text);
    assert_int_equal(gate(&plain, &bits, db, ini("[metric logits]\ngate = yes\n")), 1);
    static const struct fake changing = {.name = "base", .facts = "[\"arena\",\"B\",\"ok\",'$$',\"\"]"};
    assert_int_equal(gate(&changing, &(struct fake){.name = "head"}, db, ""), 4);
    text = output();
    expect_text(text, "not the same each time");
    free(text);
}

/* Each process runs a file that the one before of its arm did not: which pages of memory hold it is noise, not a difference. */
static void every_unit_runs_new_copies(void **state)
{
    (void)state;
    char db[300], check[600];
    snprintf(db, sizeof db, "%s", test_file("copies.db"));
    assert_int_equal(setenv("FAKE_LOG", test_file("copies.log"), 1), 0);
    const struct fake base = {.name = "base", .before = "echo ${0##*/} $(stat -c %i $0) $$ >>$FAKE_LOG"};
    struct fake head = base;
    head.name = "head";
    assert_int_equal(gate(&base, &head, db, ""), 0);
    snprintf(check, sizeof check,
             "sort -u -k3,3 %s | sort -n -k3,3 | awk '{ n[$1]++; if (file[$1] == $2) same++; file[$1] = $2 } "
             "END { exit n[\"base\"] != 8 || n[\"head\"] != 8 || n[\"null\"] != 8 || same }'",
             test_file("copies.log"));
    assert_int_equal(system(check), 0);
}

static void noise_is_inconclusive(void **state)
{
    (void)state;
    static const struct fake noisy = {.name = "base", .decode = "$((1000000 + 1000 * ${#BENCH_PAD}))"};
    struct fake head = noisy;
    char db[300];
    head.name = "head";
    snprintf(db, sizeof db, "%s", test_file("noise.db"));
    assert_int_equal(gate(&noisy, &head, db, ""), 3);
    char *text = output();
    expect_text(text, "undecided after 8 units, which would find");
    free(text);
    assert_int_equal(gate(&noisy, &head, db, "--inconclusive pass"), 0);
    assert_int_equal(gate(&plain, &(struct fake){.name = "head"}, db, "--budget 0"), 3);
    text = output();
    expect_text(text, "raise --budget");
    free(text);
}

/* Two files a side, one of which lies badly in memory: each unit takes the next, and the null arm is base's other file. */
static void files_of_a_side_take_turns(void **state)
{
    (void)state;
    static const struct fake second = {.name = "second", .decode = "1040000"},
                             other = {.name = "other", .version = "bench 0.1.0 (b)"};
    char a[300], b[300], db[300];
    snprintf(a, sizeof a, "%s", write_fake(&plain));
    snprintf(b, sizeof b, "%s", write_fake(&second));
    snprintf(db, sizeof db, "%s", test_file("turns.db"));
    int code =
        finish(start("gate --base %s,%s --head %s,%s --runtime null --context 1 --looks 8 --rounds 2 --metric ms_per_token "
                     "--quiet --db %s",
                     a, b, a, b, db));
    assert_in_range(code, 0, 3);
    expect_rows(
        db,
        "SELECT b.ns, h.ns, n.ns, count(*) FROM unit ub JOIN sample b ON b.unit = ub.id JOIN unit uh ON uh.number = ub.number "
        "AND uh.arm = 'head' JOIN sample h ON h.unit = uh.id JOIN unit un ON un.number = ub.number AND un.arm = 'null' "
        "JOIN sample n ON n.unit = un.id WHERE ub.arm = 'base' AND b.round = 0 AND h.round = 0 AND n.round = 0 AND "
        "b.kind = 'decode' AND h.kind = 'decode' AND n.kind = 'decode' GROUP BY 1, 2, 3",
        "2000000|2000000|2080000|2\n2000000|2080000|2080000|2\n2080000|2000000|2000000|2\n2080000|2080000|2000000|2\n");
    expect_rows(db, "SELECT base_sha256 = head_sha256, length(base_sha256), instr(base_path, ',') > 0 FROM gate", "1|64|1\n");
    snprintf(b, sizeof b, "%s", write_fake(&other));
    assert_int_equal(finish(start("gate --base %s --head %s,%s --runtime null --context 1 --db %s", a, a, b, db)), 4);
    char *text = output();
    expect_text(text, "another build than");
    free(text);
    assert_int_equal(finish(start("gate --base , --head %s --runtime null --context 1 --db %s", a, db)), 2);
}

static void energy_is_told_where_it_is_measured(void **state)
{
    (void)state;
    struct fake base = {.name = "base",
                        .readings =
                            ",[\"energy.package-0\",\"uJ\",\"ok\",600,\"\"],[\"energy.package-0.core\",\"uJ\",\"ok\",99,\"\"]"};
    struct fake head = {.name = "head", .readings = ",[\"energy.package-0\",\"uJ\",\"ok\",900,\"\"]"};
    char db[300];
    snprintf(db, sizeof db, "%s", test_file("energy.db"));
    assert_int_equal(gate(&base, &head, db, ""), 0);
    expect_rows(db, "SELECT outcome, gates, base, head FROM verdict WHERE metric = 'joules_per_token'",
                "inconclusive|0|300.0|450.0\n");
    expect_rows(db, "SELECT DISTINCT energy_uj FROM sample ORDER BY 1", "600\n900\n");
    assert_int_equal(gate(&base, &head, db, ini("[metric joules_per_token]\ngate = yes\n")), 1);
    head.readings = NULL; /* what is only told makes nothing invalid */
    assert_int_equal(gate(&base, &head, db, ""), 0);
    char *text = output();
    expect_text(text, "joules_per_token, absent: not every process measured it");
    free(text);
    assert_int_equal(gate(&base, &head, db, ini("[metric joules_per_token]\ngate = yes\n")), 4);
}

/* This program against itself on the shipped model: what its times say depends on the machine, what it stores does not. */
static void a_real_program_tells_its_facts(void **state)
{
    (void)state;
    char db[300];
    snprintf(db, sizeof db, "%s", test_file("real.db"));
    int code =
        finish(start("gate --base %s --head %s --model models/home.gguf --text prompts/home/stories.txt --context 4 --decode 2 "
                     "--looks 6 --rounds 2 --compute exact --quiet --db %s",
                     getenv("BENCH"), getenv("BENCH"), db));
    assert_in_range(code, 0, 4);
    assert_int_not_equal(code, 2);
    expect_rows(db, "SELECT name, unit, count(*), count(DISTINCT value), min(value) > 0 FROM fact GROUP BY name",
                "arena|B|3|1|1\nkv|B|3|1|1\nlogits||3|1|1\ntables|B|3|1|1\nweights|B|3|1|1\n");
    expect_rows(db, "SELECT outcome FROM verdict WHERE metric IN ('arena', 'logits')", "pass\npass\n");
    assert_true(number(db, "SELECT count(*) FROM unit WHERE state = 'ok' AND peak_bytes > 0") >= 18);
    assert_int_equal(
        number(db, "SELECT count(*) FROM sample WHERE ns <= 0 OR tokens <> CASE kind WHEN 'decode' THEN 2 ELSE 4 END"), 0);
}

/* -- faults: each ends with 4, and says why -------------------------------------------------------------------------------- */

static void faults_are_invalid(void **state)
{
    (void)state;
    static const struct {
        struct fake base, head;
        const char *more, *says;
    } cases[] = {
        {{.name = "base"}, {.name = "head", .before = "kill -SEGV $$"}, "", "head: crashed: killed by signal 11"},
        {{.name = "base"}, {.name = "head", .before = "kill -KILL $$"}, "", "killed by signal 9"},
        {{.name = "base"}, {.name = "head", .before = "exit 0"}, "", "ended before it answered"},
        {{.name = "base"}, {.name = "head", .before = "echo oops; exit 3"}, "", "something that is not JSON"},
        {{.name = "base"}, {.name = "head", .before = "exec sleep 100"}, "--timeout 1", "gave no answer within 1 s"},
        {{.name = "base"}, {.name = "head", .stretches = ""}, "", "no stretch called prefill"},
        {{.name = "base"}, {.name = "head", .decode = "0"}, "", "nothing was measured"},
        {{.name = "base"},
         {.name = "head",
          .stretches = "{\"kind\":\"prefill\",\"real\":1,\"begin\":1,\"ns\":9,\"tokens\":1,\"readings\":[]},"
                       "{\"kind\":\"decode\",\"real\":1,\"begin\":1,\"ns\":9,\"tokens\":1,\"token_ns\":[9],\"readings\":[]}"},
         "",
         "cpu_per_token was not measured in 1 of 3 processes"},
        {{.name = "base"}, {.name = "head", .facts = "[\"logits\",\"\",\"ok\",77,\"\"]"}, "", "but base does"},
        {{.name = "base"}, {.name = "head", .version = "hello"}, "", "does not answer --version as bench does"},
        {{.name = "base"}, {.name = "head", .version = "bench 0.1.0 (def)"}, "--head-commit abc", "built from commit def"},
        {{.name = "base"}, {.name = "head", .before = "echo '#' >>$FAKE_HEAD"}, "", "the file changed while it was measured"},
        {{.name = "base"}, {.name = "head", .before = "rm -f $FAKE_HEAD"}, "", "cannot be read any more"},
        {{.name = "base"}, {.name = "head"}, "--threads 1,1000", "1000"},
        {{.name = "base", .decode = "$(case $0 in */null) echo 1100000;; *) echo 1000000;; esac)"},
         {.name = "head"},
         "",
         "the null arm, base against itself, differs by +10.0%"},
    };
    char db[300];
    snprintf(db, sizeof db, "%s", test_file("fault.db"));
    assert_int_equal(setenv("FAKE_HEAD", test_file("head"), 1), 0);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        one_cpu = strstr(cases[i].more, "--threads") != NULL;
        int code = gate(&cases[i].base, &cases[i].head, db, cases[i].more);
        one_cpu = 0;
        char *text = output();
        if (code != 4 || !strstr(text, cases[i].says))
            fail_msg("case %zu: exit code %d, and this does not say \"%s\":\n%s", i, code, cases[i].says, text);
        free(text);
        if (is_there(db)) {
            long passed = number(db, "SELECT count(*) FROM gate WHERE outcome IN ('pass', 'regressed', 'inconclusive')");
            assert_int_equal(passed, 0);
        }
    }
    assert_int_equal(gate(&plain, &(struct fake){.name = "head"}, db, ini("[metric instructions]\ngate = yes\n")), 4);
    assert_int_equal(finish(start("gate --base %s --head /nowhere/bench --runtime null --db %s", test_file("base"), db)), 4);
}

/* A base from before there were facts is compared in what it tells. */
static void an_older_base_is_compared_in_what_it_has(void **state)
{
    (void)state;
    char db[300];
    snprintf(db, sizeof db, "%s", test_file("older.db"));
    assert_int_equal(gate(&(struct fake){.name = "base", .facts = ""}, &(struct fake){.name = "head"}, db, ""), 0);
    expect_rows(db, "SELECT outcome, count(*) FROM verdict GROUP BY outcome ORDER BY outcome", "absent|7\npass|7\n");
    char *text = output();
    expect_text(text, "base does not tell it: an older build");
    free(text);
}

static void bad_configurations_are_usage_errors(void **state)
{
    (void)state;
    static const struct {
        const char *ini, *says;
    } bad[] = {
        {"[metric ms_per_tokn]\ngate = no\n", "did you mean \"ms_per_token\"?"},
        {"[metric ms_per_token]\ntolerance = 5\n", "line 2: tolerance = 5: must be a percentage"},
        {"[metric ms_per_token]\ntolerance = -5%\n", "must be a percentage"},
        {"[metric arena]\ntolerance = 5%\n", "arena is exact"},
        {"[metric arena]\ngate = maybe\n", "gate = yes, no (told only) or off"},
        {"[metrics]\nx = 1\n", "there are [gate] and [metric NAME]"},
        {"[gate]\nlooks = 12,11\n", "--looks 12,11: must be"},
        {"[gate]\nlooks = 3\n", "the first 6 at least"},
        {"[gate]\nrounds = 3\n", "must be even"},
        {"[gate]\nalpha = 2\n", "--alpha 2: must be a number"},
        {"[gate]\ninconclusive = maybe\n", "must be fail or pass"},
        {"[gate]\nscore = never\n", "must be differ or always"},
        {"[gate]\nbudgt = 3\n", "did you mean \"budget\"?"},
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        const char *path = ini(bad[i].ini);
        assert_int_equal(finish(start("gate %s --base a --head b", path)), 2);
        char *text = output();
        expect_text(text, bad[i].says);
        free(text);
    }
    assert_int_equal(finish(start("gate --head b")), 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(equal_programs_pass),
        cmocka_unit_test(a_slower_program_has_regressed_after_a_confirmation),
        cmocka_unit_test(metrics_can_be_chosen),
        cmocka_unit_test(json_says_the_same),
        cmocka_unit_test(exact_metrics_fail_without_statistics),
        cmocka_unit_test(every_unit_runs_new_copies),
        cmocka_unit_test(noise_is_inconclusive),
        cmocka_unit_test(files_of_a_side_take_turns),
        cmocka_unit_test(energy_is_told_where_it_is_measured),
        cmocka_unit_test(a_real_program_tells_its_facts),
        cmocka_unit_test(faults_are_invalid),
        cmocka_unit_test(an_older_base_is_compared_in_what_it_has),
        cmocka_unit_test(bad_configurations_are_usage_errors),
    };
    return cmocka_run_group_tests(tests, program_setup, test_dir_remove);
}
