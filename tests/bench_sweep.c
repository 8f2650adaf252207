/* Sweeps as a user runs them, with the null runtime: nothing lost by SIGKILL, two at once, a full disk, bad input.
 *
 * The program under test is $BENCH (make test sets it). */
/* SPDX-License-Identifier: MIT */
#include "tests/test.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/rng.h"
#include "tests/program.h"

static const char all_trials[] =
    "SELECT c.context, c.threads, t.round, t.state, v.kv, v.format FROM trial t JOIN cell c ON c.id = t.cell "
    "JOIN variant v ON v.id = c.variant ORDER BY 1, 2, 3, 5, 6";

static void nothing_is_lost_when_killed(void **state)
{
    (void)state;
    char db[300], whole[300];
    static const char matrix[] =
        "--runtime null --format f16,q8_0 --kv f16,q8_0 --context 1,2,3,4,5,6,7,8,9,10 --decode 12 --trials 3 --quiet";
    struct rng rng;
    snprintf(db, sizeof db, "%s", test_file("killed.db"));
    snprintf(whole, sizeof whole, "%s", test_file("whole.db"));
    assert_int_equal(finish(start("sweep %s --db %s", matrix, whole)), 0);
    rng_seed(&rng, 1);
    long before = 0;
    int killed = 0, done = 0;
    for (int i = 0; i < 50 && !done; i++) { /* done: a busy machine gave it so much time that there is nothing left to kill */
        pid_t pid = start("sweep %s --db %s --resume", matrix, db);
        usleep((useconds_t)rng_below(&rng, 60000)); /* where it is hit does not matter, only that it is hit */
        kill(pid, SIGKILL);
        killed += finish(pid) == 128 + SIGKILL;
        if (!is_there(db)) /* killed before the schema was there */
            continue;
        char *check = query(db, "PRAGMA integrity_check");
        assert_string_equal(check, "ok\n");
        free(check);
        long now = number(db, "SELECT count(*) FROM trial");
        assert_true(now >= before);
        before = now;
        done = number(db, "SELECT count(*) FROM run WHERE state = 'done'") > 0;
    }
    assert_true(killed > 20); /* it was really killed, and not done before */
    if (!done)
        assert_int_equal(finish(start("sweep %s --db %s --resume", matrix, db)), 0);
    char *a = query(db, all_trials), *b = query(whole, all_trials);
    assert_string_equal(a, b);
    assert_int_equal(number(db, "SELECT count(*) FROM trial"), 2 * 2 * 10 * 3);
    assert_int_equal(number(db, "SELECT count(DISTINCT cell || '-' || round) FROM trial"), 2 * 2 * 10 * 3);
    assert_int_equal(number(db, "SELECT count(*) FROM stretch WHERE kind = 'decode'"), 2 * 2 * 10 * 3);
    free(a);
    free(b);
}

static void two_sweeps_share_a_database(void **state)
{
    (void)state;
    char db[300];
    snprintf(db, sizeof db, "%s", test_file("two.db"));
    pid_t a = start("sweep --runtime null --context 1,2,3,4,5 --decode 2 --trials 4 --quiet --db %s", db);
    pid_t b = start("sweep --runtime null --context 1,2,3,4,5 --decode 2 --trials 4 --quiet --seed 2 --db %s", db);
    assert_int_equal(finish(a), 0);
    assert_int_equal(finish(b), 0);
    assert_int_equal(number(db, "SELECT count(*) FROM run WHERE state = 'done'"), 2);
    assert_int_equal(number(db, "SELECT count(*) FROM trial WHERE state = 'ok'"), 40);
}

static void null_tokens_take_a_millisecond(void **state)
{
    (void)state;
    char db[300];
    snprintf(db, sizeof db, "%s", test_file("null.db"));
    assert_int_equal(finish(start("sweep --runtime null --decode 16 --trials 3 --quiet --db %s", db)), 0);
    /* The deadlines are absolute, so whole stretches cannot be shorter; how much longer depends on the machine. */
    assert_int_equal(number(db, "SELECT count(*) FROM stretch WHERE kind = 'decode' AND ns >= 16000000 AND tokens = 16"), 3);
}

static void an_interrupt_ends_in_order(void **state)
{
    (void)state;
    char db[300];
    snprintf(db, sizeof db, "%s", test_file("int.db"));
    pid_t pid = start("sweep --runtime null --decode 500 --trials 20 --db %s", db);
    for (int i = 0; i < 2000 && (!is_there(db) || !number(db, "SELECT count(*) FROM trial")); i++)
        usleep(10000);
    kill(pid, SIGINT);
    assert_int_equal(finish(pid), 3);
    char *text = output();
    assert_non_null(strstr(text, "--resume"));
    free(text);
    assert_int_equal(number(db, "SELECT count(*) FROM run WHERE state = 'interrupted'"), 1);
    assert_int_equal(number(db, "SELECT count(*) FROM trial WHERE state <> 'ok'"), 0);
}

static void a_full_disk_ends_with_5_and_a_good_database(void **state)
{
    (void)state;
    char small[300], db[320];
    snprintf(small, sizeof small, "%s", test_file("small"));
    snprintf(db, sizeof db, "%s/bench.db", small);
    assert_int_equal(mkdir(small, 0777), 0);
    if (mount("tmpfs", small, "tmpfs", 0, "size=1m")) {
        print_message("[  NEEDS   ] the right to mount a small tmpfs (root)\n");
        skip();
    }
    int code = finish(start(
        "sweep --runtime null --decode 1 --context 1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16 --trials 200 --quiet --db %s", db));
    char *text = output();
    char *check = query(db, "PRAGMA integrity_check");
    long trials = number(db, "SELECT count(*) FROM trial");
    umount2(small, MNT_DETACH);
    assert_int_equal(code, 5);
    assert_non_null(strstr(text, "full"));
    assert_non_null(strstr(text, db));
    assert_string_equal(check, "ok\n");
    assert_true(trials > 0);
    free(check);
    free(text);
}

/* The model of the tests below: 77 MB of random weights in a real shape. */
static const char *synthetic(void)
{
    const char *path = test_file("smollm2.gguf");
    if (access(path, F_OK))
        assert_int_equal(finish(start("synth --preset smollm2-135m --format q4_0 -o %s", path)), 0);
    return path;
}

static void skip_under_sanitizers(void)
{
    if (!TEST_SANITIZED)
        return;
    print_message("[  NEEDS   ] a build without sanitizers: they have memory of their own\n");
    skip();
}

/* Measured peak less what was there at the start = plan, within 5% or 2 MiB. */
static void memory_is_what_the_plan_says(void **state)
{
    (void)state;
    skip_under_sanitizers();
    char db[300];
    snprintf(db, sizeof db, "%s", test_file("memory.db"));
    assert_int_equal(
        finish(start(
            "sweep --model %s --context 16,700 --kv f16,q8_0 --policy full,window:64 --compute packed,int8,int8_token,exact --decode 2 "
            "--trials 1 --quiet --db %s",
            synthetic(), db)),
        0);
    char *rows = query(
        db, "SELECT context || ' ' || kv || ' ' || policy || ' ' || compute, plan_bytes, peak_bytes - start_bytes FROM v_cell");
    int n = 0;
    for (char *save, *line = strtok_r(rows, "\n", &save); line; line = strtok_r(NULL, "\n", &save), n++) {
        const char *bar = strchr(line, '|');
        assert_non_null(bar);
        double plan = strtod(bar + 1, NULL), measured = strtod(strchr(bar + 1, '|') + 1, NULL);
        double slack = plan * 0.05 > 2 << 20 ? plan * 0.05 : 2 << 20;
        if (measured > plan + slack || measured < plan - slack)
            fail_msg("%s: planned %.1f MiB, measured %.1f", line, plan / 1048576, measured / 1048576);
    }
    assert_int_equal(n, 2 * 2 * 2 * 4);
    free(rows);
}

static void out_of_memory_is_a_row_with_a_reason(void **state)
{
    (void)state;
    skip_under_sanitizers();
    char db[300];
    snprintf(db, sizeof db, "%s", test_file("oom.db"));
    const char *model = synthetic();
    data_limit = 64 << 20;
    int code = finish(start("sweep --model %s --context 16,8000 --decode 1 --trials 1 --quiet --db %s", model, db));
    data_limit = 0;
    assert_int_equal(code, 4);
    assert_int_equal(number(db, "SELECT count(*) FROM trial WHERE state = 'ok'"), 1);
    assert_int_equal(
        number(db, "SELECT count(*) FROM trial WHERE state = 'failed' AND reason LIKE 'arena: cannot map%--context%'"), 1);
}

/* Quality is scored once per variant, not once per cell; a task that cannot be asked is a score with a reason. */
static void a_variant_is_scored_once(void **state)
{
    (void)state;
    const char *model = testdata("models/stories260K.gguf");
    TEST_SKIP_WITHOUT(model, "models/stories260K.gguf");
    char db[300], tasks[300], cache[300];
    snprintf(db, sizeof db, "%s", test_file("tasks.db"));
    snprintf(tasks, sizeof tasks, "%s", test_file("mine.jsonl"));
    snprintf(cache, sizeof cache, "%s", test_file("cache"));
    FILE *f = fopen(tasks, "w");
    assert_non_null(f);
    fputs("{\"prompt\": \"Once upon a\", \"choices\": [\" time\", \" xqz\"], \"gold\": 0}\n", f);
    fclose(f);
    assert_int_equal(
        finish(start("sweep --model %s --format f32,q8_0,q4_0 --context 8,16,24,32 --threads 1,2 --decode 2 --trials 1 --quiet "
                     "--text prompts/story.txt --reference f32 --tasks %s --task-context 64 --cache %s --db %s",
                     model, tasks, cache, db)),
        0);
    assert_int_equal(number(db, "SELECT count(*) FROM trial"), 3 * 4 * 2);
    assert_int_equal(number(db, "SELECT count(*) FROM score WHERE scorer = 'perplexity' AND state = 'ok'"), 3);
    assert_int_equal(number(db, "SELECT count(*) FROM score WHERE scorer = 'choice_acc' AND value = 1"), 3);
    assert_int_equal(number(db, "SELECT count(*) FROM score"), 3 * 6); /* choice_acc_norm and what needs the reference, too */
    assert_int_equal(number(db, "SELECT count(*) FROM score WHERE scorer = 'kl_divergence' AND value = 0"),
                     1); /* itself: exactly */
    assert_int_equal(number(db, "SELECT count(*) FROM score WHERE scorer = 'kl_divergence' AND value > 0"), 2);
    assert_int_equal(number(db, "SELECT count(*) FROM score WHERE scorer = 'top1_agreement' AND value = 1"), 1);
    char *text = output();
    assert_non_null(strstr(text, "choice_acc"));
    free(text);
    assert_int_equal(finish(start("compare 1:f32 1:q4_0 --db %s", db)), 0);
    text = output();
    assert_non_null(strstr(text, "McNemar"));
    assert_non_null(strstr(text, "bootstrap"));
    assert_non_null(strstr(text, " worse\n")); /* perplexity, divergence and agreement of q4_0 */
    assert_non_null(strstr(text, "\nB to within 2% of A: 0 equivalent, 3 worse, 0 better, 3 undecided\n"));
    free(text);
    assert_int_equal(finish(start("compare 1:f32 1:q4_0 --margin 900 --db %s", db)), 0);
    text = output();
    assert_non_null(strstr(text, " worse, within 900%\n"));
    free(text);
    assert_int_equal(finish(start("compare 1:f32 1:q4_0 --margin -1 --db %s", db)), 2);
    assert_int_equal(finish(start("compare 1:f32 1:f32 --json --db %s", db)), 0); /* against itself: exactly nothing */
    text = output();
    assert_non_null(strstr(text, "\"difference\":0.0,\"difference_low\":0.0,\"difference_high\":0.0,\"p\":1.0"));
    assert_null(strstr(text, "\"difference\":-"));
    assert_non_null(strstr(text, "\"verdict\":\"equivalent\",\"within_margin\":true"));
    free(text);
    assert_int_equal(finish(start("sweep --model %s --format q8_0 --reference f32 --text prompts/story.txt --db %s", model, db)),
                     2);
    assert_int_equal(finish(start("compare 1 1:q4_0 --db %s", db)), 2);
    text = output();
    assert_non_null(strstr(text, "1:f32:f16, 1:q8_0:f16, 1:q4_0:f16"));
    free(text);

    assert_int_equal(
        finish(start("sweep --model %s --context 8 --decode 2 --trials 1 --quiet --text prompts/story.txt --tasks %s "
                     "--task-context 4 --db %s",
                     model, tasks, db)),
        4);
    text = output();
    assert_non_null(strstr(text, "bench: sweep: 2 of the scores failed, first choice_acc on mine of f32: "));
    assert_non_null(strstr(text, "mine.jsonl:1: the item has"));
    free(text);
    assert_int_equal(
        number(db, "SELECT count(*) FROM score WHERE state = 'failed' AND reason LIKE '%mine.jsonl:1: the item has%'"), 2);
    f = fopen(tasks, "w");
    assert_non_null(f);
    fputs("{\"prompt\": \"x\", \"answer\": \"no JSON\"}\n", f); /* a reference that intent_exact cannot read */
    fclose(f);
    assert_int_equal(
        finish(
            start("sweep --model %s --context 8 --decode 2 --trials 1 --quiet --text prompts/story.txt --tasks %s:intent_exact "
                  "--task-context 200 --db %s",
                  model, tasks, db)),
        4);
    assert_int_equal(
        number(db, "SELECT count(*) FROM score WHERE scorer = 'intent_exact' AND state = 'failed' AND value IS NULL"), 1);
    assert_int_equal(finish(start("sweep --model %s --text prompts/story.txt --tasks %s:choise_acc --db %s", model, tasks, db)),
                     2);
}

static void mistakes_cost_nothing_and_are_explained(void **state)
{
    (void)state;
    static const struct {
        const char *args;
        int code;
        const char *says;
    } bad[] = {
        {"sweep", 2, "--model"},
        {"sweep --model /nowhere.gguf", 5, "/nowhere.gguf"},
        {"sweep --runtime null --threads 0", 2, "--threads"},
        {"sweep --runtime null --trials x", 2, "--trials"},
        {"sweep --runtime null --contxt 5", 2, "did you mean --context?"},
        {"sweep --runtime nul", 2, "did you mean null?"},
        {"sweep /nowhere.ini", 5, "/nowhere.ini"},
        {"sweep --runtime null --exclude context=64", 2, "exclude leaves no cell"},
        {"sweep --runtime null --db /proc/x/y.db", 5, "/proc/x"},
        {"swep", 2, "did you mean \"bench sweep\"?"},
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        int code = finish(start("%s", bad[i].args));
        char *text = output();
        if (code != bad[i].code || !strstr(text, bad[i].says))
            fail_msg("bench %s: exit %d, \"%s\"; expected %d and \"%s\"", bad[i].args, code, text, bad[i].code, bad[i].says);
        free(text);
    }
}

static void threads_beyond_the_machine_are_a_reason(void **state)
{
    (void)state;
    char db[300];
    snprintf(db, sizeof db, "%s", test_file("threads.db"));
    one_cpu = 1;
    assert_int_equal(finish(start("sweep --runtime null --decode 1 --trials 1 --threads 1,5 --quiet --db %s", db)), 4);
    one_cpu = 0;
    assert_int_equal(number(db, "SELECT count(*) FROM cell WHERE infeasible LIKE '5 threads%at most 4 threads may share%'"), 1);
    assert_int_equal(number(db, "SELECT count(*) FROM trial WHERE state = 'ok'"), 1);
}

/* The last program printed these; NULL: nothing to look for. */
static void expect_said(const char *a, const char *b, const char *c)
{
    const char *const want[] = {a, b, c};
    char *text = output();
    for (int i = 0; i < 3; i++)
        if (want[i] && !strstr(text, want[i]))
            fail_msg("no \"%s\" in:\n%s", want[i], text);
    free(text);
}

/* Cells with more threads than CPUs run, compute the same, and are nowhere taken for ordinary ones. */
static void threads_share_a_cpu_and_it_is_said(void **state)
{
    (void)state;
    char db[300];
    static const char cells[] = "sweep --model %s --context 8 --decode 4 --trials 1 --threads %s --text %s --window 16 --db %s%s";
    const char *model = "models/tiny.gguf", *story = "prompts/story.txt";
    snprintf(db, sizeof db, "%s", test_file("shared.db"));
    one_cpu = 1;
    assert_int_equal(finish(start(cells, model, "1,2,4", story, db, " --dry-run")), 0);
    expect_said("  1  ", "  2 on 1 CPU  ", "  4 on 1 CPU  ");
    assert_int_equal(finish(start(cells, model, "1,2,4", story, db, " --quiet")), 0);
    expect_said("  2 on 1 CPU  ", "  4 on 1 CPU  ", NULL);
    assert_int_equal(finish(start("show 1 --json --db %s", db)), 0);
    expect_said("\"threads\":1,\"on_cpus\":null", "\"threads\":4,\"on_cpus\":1", NULL);
    assert_int_equal(finish(start(cells, model, "4", story, db, " --quiet")), 0);
    expect_said(", threads 4 on 1 CPU, ", NULL, NULL);
    assert_int_equal(finish(start("generate --model %s -p Once -n 2 --threads 3", model)), 0);
    expect_said("note: 3 threads on 1 CPU take turns", NULL, NULL);
    assert_int_equal(finish(start("profile --model %s --context 8 --decode 8 --threads 3", model)), 0);
    expect_said("tiny.gguf, 3 threads on 1 CPU\n", NULL, NULL);
    assert_int_equal(finish(start("kernels --threads 2 --filter f32 --no-store")), 2);
    expect_said("kernels: --threads 2: this process may use 1 CPU,", NULL, NULL);
    one_cpu = 0;
    char *rows = query(db, "SELECT threads, on_cpus, trials_ok FROM v_cell ORDER BY run, threads");
    assert_string_equal(rows, "1|NULL|1\n2|1|1\n4|1|1\n4|1|1\n");
    free(rows);
    rows = query(db, "SELECT label FROM v_place WHERE run = 1 ORDER BY place");
    assert_string_equal(rows,
                        "f16, context 8, 1 thread\nf16, context 8, 2 threads on 1 CPU\nf16, context 8, 4 threads on 1 CPU\n");
    free(rows);
    /* Scored by one thread in run 1 and by four in run 2: the same to the last bit. */
    assert_int_equal(number(db, "SELECT count(*) FROM score"), 2);
    assert_int_equal(number(db, "SELECT count(DISTINCT value) FROM score"), 1);
}

/* Before anything is measured: no machine could make it. */
static void formats_that_are_only_read_are_refused(void **state)
{
    (void)state;
    const char *model = synthetic();
    assert_int_equal(finish(start("sweep --model %s --format file,iq2_s --context 16 --decode 1 --trials 1 --quiet --db %s",
                                  model, test_file("encoder.db"))),
                     2);
    assert_int_equal(access(test_file("encoder.db"), F_OK), -1);
}

static void an_ini_file_says_the_same_and_flags_override_it(void **state)
{
    (void)state;
    char ini[300], db[300];
    snprintf(ini, sizeof ini, "%s", test_file("s.ini"));
    snprintf(db, sizeof db, "%s", test_file("ini.db"));
    FILE *f = fopen(ini, "w");
    assert_non_null(f);
    fprintf(f, "[sweep]\nruntime = null\ncontext = 1,2,3\nkv = f16,q8_0\ndecode = 1\ntrials = 2\nexclude = context=1\n"
               "exclude = context=2 kv=f16\n");
    fclose(f);
    assert_int_equal(finish(start("sweep %s --trials 1 --quiet --db %s", ini, db)), 0);
    assert_int_equal(number(db, "SELECT count(*) FROM cell"), 3);
    assert_int_equal(number(db, "SELECT count(*) FROM trial"), 3);
    f = fopen(ini, "w");
    fprintf(f, "[sweep]\nruntime = null\nthread = 2\n");
    fclose(f);
    assert_int_equal(finish(start("sweep %s", ini)), 2);
    char *text = output();
    assert_non_null(strstr(text, "line 3"));
    assert_non_null(strstr(text, "did you mean \"threads\"?"));
    free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_is_lost_when_killed),
        cmocka_unit_test(two_sweeps_share_a_database),
        cmocka_unit_test(null_tokens_take_a_millisecond),
        cmocka_unit_test(an_interrupt_ends_in_order),
        cmocka_unit_test(a_full_disk_ends_with_5_and_a_good_database),
        cmocka_unit_test(memory_is_what_the_plan_says),
        cmocka_unit_test(out_of_memory_is_a_row_with_a_reason),
        cmocka_unit_test(a_variant_is_scored_once),
        cmocka_unit_test(mistakes_cost_nothing_and_are_explained),
        cmocka_unit_test(threads_beyond_the_machine_are_a_reason),
        cmocka_unit_test(threads_share_a_cpu_and_it_is_said),
        cmocka_unit_test(formats_that_are_only_read_are_refused),
        cmocka_unit_test(an_ini_file_says_the_same_and_flags_override_it),
    };
    return cmocka_run_group_tests(tests, program_setup, test_dir_remove);
}
