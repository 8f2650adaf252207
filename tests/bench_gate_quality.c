/* What a gate says of quality: this program on the shipped model in three formats, and programs that are shell scripts, whose
 * scores are made up item by item.
 *
 * The gate under test is $BENCH (make test sets it).  No time is measured: the metrics of time are off. */
/* SPDX-License-Identifier: MIT */
#include "tests/test.h"

#include <math.h>
#include <sys/stat.h>

#include "base/rng.h"
#include "tests/program.h"

#define MODEL "models/tiny.gguf"

static const char *off_ini(const char *more)
{
    static const char *const off[] = {"ms_per_token", "cpu_per_token", "prefill_ms",   "prefill_cpu",
                                      "ttft_ms",      "p99_ms",        "instructions", "peak_memory"};
    const char *path = test_file("gate.ini");
    FILE *f = fopen(path, "w");
    assert_non_null(f);
    fputs("[gate]\ncontext = 4\ndecode = 1\nwindow = 32\ntext = prompts/story.txt\n", f);
    for (size_t i = 0; i < sizeof off / sizeof *off; i++)
        fprintf(f, "[metric %s]\ngate = off\n", off[i]);
    fputs(more, f);
    fclose(f);
    return path;
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

/* -- the shipped model ------------------------------------------------------------------------------------------------------ */

/* The first n lines of a file as a file of its own. */
static void write_head(const char *name, const char *from, int n)
{
    char line[8192];
    FILE *in = fopen(from, "r"), *out = fopen(test_file(name), "w");
    assert_true(in && out);
    while (n-- > 0 && fgets(line, sizeof line, in))
        fputs(line, out);
    fclose(in);
    fclose(out);
}

static int two_models(const char *db, const char *base, const char *head, const char *more)
{
    char task[300];
    snprintf(task, sizeof task, "%s", test_file("story.jsonl"));
    const char *path = off_ini("[gate]\ncompute = exact\n[metric arena]\ngate = no\n[metric tables]\ngate = no\n");
    return finish(start("gate %s --base-model %s --head-model %s --tasks %s:perplexity --quiet --db %s %s", path, base, head,
                        task, db, more));
}

static void a_coarser_model_has_regressed(void **state)
{
    (void)state;
    char db[300], q8_0[300], q4_0[300];
    snprintf(db, sizeof db, "%s", test_file("real.db"));
    snprintf(q8_0, sizeof q8_0, "%s", test_file("q8_0.gguf"));
    snprintf(q4_0, sizeof q4_0, "%s", test_file("q4_0.gguf"));
    assert_int_equal(finish(start("quantize " MODEL " %s --format q8_0", q8_0)), 0);
    assert_int_equal(finish(start("quantize " MODEL " %s --format q4_0", q4_0)), 0);
    write_head("story.jsonl", "prompts/home/story.jsonl", 150);

    assert_int_equal(two_models(db, MODEL, q4_0, ""), 1);
    expect_text("story:perplexity");
    expect_rows(db, "SELECT outcome, test, items, difference > 0.01 FROM quality WHERE task = 'story'",
                "regressed|bootstrap|150|1\n");
    expect_rows(db, "SELECT scorer, gates, outcome, base, head > 0.1 FROM quality WHERE scorer = 'kl_divergence'",
                "kl_divergence|0|regressed|0.0|1\n");
    expect_rows(db, "SELECT outcome, base > head FROM verdict WHERE metric = 'file_size'", "pass|1\n");
    /* Of so many stories like these it is found each time, and what differs as much and is no worse almost never. */
    assert_int_equal(finish(start("audit scores --items 30,150 --draws 40 --db %s", db)), 0);
    char *text = output(), *row = strstr(text, " story "), share[3][16];
    assert_true(row && (row = strstr(row + 1, " story ")));
    assert_int_equal(sscanf(row, " story perplexity 150 %*s %*s %*s 150 %15s %15s %15s", share[0], share[1], share[2]), 3);
    assert_string_equal(share[0], "100.0%");
    assert_string_equal(share[1], "0.0%");
    assert_true(atof(share[2]) <= 12.5);
    free(text);
    assert_int_equal(finish(start("audit scores --items 3 --db %s", db)), 2);
    /* Each side is a run of its own, which the other commands know. */
    assert_int_equal(finish(start("compare 2 3 --db %s", db)), 0);
    expect_text("worse");
    expect_rows(db,
                "SELECT r.id, m.path = '" MODEL "' FROM gate g JOIN run r ON r.id IN (g.base_run, g.head_run) JOIN cell c ON "
                "c.run = r.id JOIN variant v ON v.id = c.variant JOIN model m ON m.id = v.model ORDER BY r.id",
                "2|1\n3|0\n");

    unlink(db);
    assert_int_equal(two_models(db, MODEL, q8_0, "--inconclusive pass"), 0);
    expect_rows(db, "SELECT outcome, items FROM quality WHERE task = 'story'", "pass|150\n");
    unlink(db);
    assert_int_equal(two_models(db, q4_0, MODEL, ""), 1); /* better, but larger */
    expect_rows(db, "SELECT metric FROM verdict WHERE outcome = 'regressed' AND gates ORDER BY metric", "file_size\nweights\n");
    expect_rows(db, "SELECT outcome FROM quality WHERE task = 'story'", "pass\n");
}

static void equal_logits_are_not_scored(void **state)
{
    (void)state;
    char db[300];
    snprintf(db, sizeof db, "%s", test_file("same.db"));
    write_head("story.jsonl", "prompts/home/story.jsonl", 20);
    assert_int_equal(two_models(db, MODEL, MODEL, "--threads 1,2"), 0); /* exact in every thread count */
    expect_text("the same logits, so the same quality: f16\n");
    expect_rows(db, "SELECT task, scorer, outcome, test, items FROM quality ORDER BY task",
                "story|perplexity|pass|logits|0\nstory.txt|perplexity|pass|logits|0\n");
    expect_rows(db, "SELECT count(*) FROM run", "1\n");
    expect_rows(db, "SELECT DISTINCT reason FROM verdict WHERE metric = 'joules_per_token'", "not measured, for no time gates here\n");
    assert_int_equal(finish(start("audit scores --db %s", db)), 4);
    expect_text("no gate of this database has scored both of its sides");
    assert_int_equal(
        finish(start("gate %s --base %s --head %s --model " MODEL " --format file,q4_0 --compute exact --quiet --db %s",
                     off_ini(""), getenv("BENCH"), getenv("BENCH"), db)),
        0);
    expect_text("the same logits, so the same quality: f16, q4_0\n");
}

/* Two sweeps that differ in the threads: no cell is in both, and yet every answer is the same. */
static void threads_do_not_change_the_answers(void **state)
{
    (void)state;
    char db[300], task[300];
    snprintf(db, sizeof db, "%s", test_file("threads.db"));
    snprintf(task, sizeof task, "%s", test_file("story.jsonl"));
    write_head("story.jsonl", "prompts/home/story.jsonl", 20);
    for (int threads = 1; threads <= 2; threads++)
        assert_int_equal(
            finish(start("sweep --model " MODEL " --text prompts/story.txt --window 32 --tasks %s:perplexity --compute "
                         "exact --context 4 --decode 1 --trials 1 --threads %d --quiet --db %s",
                         task, threads, db)),
            0);
    assert_int_equal(finish(start("gate --base-run 1 --head-run 2 --db %s", db)), 4);
    expect_text("only run 1 has this cell");
    expect_rows(db, "SELECT task, outcome, test FROM quality ORDER BY task", "story|pass|items\nstory.txt|pass|items\n");
}

static void models_that_cannot_be_compared_are_invalid(void **state)
{
    (void)state;
    char db[300], other[300];
    snprintf(db, sizeof db, "%s", test_file("other.db"));
    snprintf(other, sizeof other, "%s", test_file("other.gguf"));
    write_head("story.jsonl", "prompts/home/story.jsonl", 20);
    assert_int_equal(finish(start("gate --base-model " MODEL " --head-model /nowhere.gguf --text prompts/story.txt --db %s", db)),
                     4);
    expect_text("/nowhere.gguf");
    /* Another vocabulary: the two have no distribution in common that could diverge. */
    assert_int_equal(finish(start("synth --shape layers=2,width=64,ff=128,heads=2,vocabulary=400 --format f16 -o %s", other)), 0);
    int code = two_models(db, MODEL, other, "");
    assert_int_equal(code, 4);
}

/* -- made-up scores --------------------------------------------------------------------------------------------------------- */

/* What a script answers when it is asked for scores: items of one sum each, or of two. */
struct fake {
    const char *name;
    int logits;
    int n; /* items of the task */
    double (*item)(int i, int side);
    double (*nats)(int i, int side); /* of 100 windows of 15 tokens; NULL: 10 in each */
    int tokens;                      /* of a window, 0: 15 */
    const char *instead;             /* shell code that runs instead of answering */
};

static double all_right(int i, int side)
{
    (void)i, (void)side;
    return 1;
}

static void write_scores(const char *name, int n, int width, const struct fake *f, int side)
{
    FILE *s = fopen(name, "w");
    assert_non_null(s);
    fputs("{\"v\":1,\"ok\":true,\"scores\":[[", s);
    for (int i = 0; i < n; i++)
        if (width == 1)
            fprintf(s, "%s[%.17g]", i ? "," : "", f->item(i, side));
        else
            fprintf(s, "%s[%.17g,%d]", i ? "," : "", f->nats ? f->nats(i, side) : 10, f->tokens ? f->tokens : 15);
    fputs("]]}\n", s);
    fclose(s);
}

static const char *write_fake(const struct fake *f, int side)
{
    char task[300], text[300];
    snprintf(task, sizeof task, "%s.task", test_file(f->name));
    snprintf(text, sizeof text, "%s.text", test_file(f->name));
    write_scores(task, f->n, 1, f, side);
    write_scores(text, 100, 2, f, side);
    const char *path = test_file(f->name);
    FILE *s = fopen(path, "w");
    assert_non_null(s);
    fprintf(s,
            "#!/bin/sh\n"
            "if [ \"$1\" = --version ]; then printf 'bench 0.1.0 (abc)\\ncc 1\\nflags\\n'; exit 0; fi\n"
            "while read -r line; do case $line in\n"
            "*'\"do\":\"facts\"'*) echo '{\"v\":1,\"ok\":true,\"stretches\":[{\"kind\":\"facts\",\"real\":0,\"begin\":0,\"ns\":0,"
            "\"tokens\":0,\"readings\":[[\"arena\",\"B\",\"ok\",65536,\"\"],[\"logits\",\"\",\"ok\",%d,\"\"]]}]}' ;;\n"
            "*'\"do\":\"score\"'*'\"tasks\"'*) %s\n cat %s ;;\n"
            "*'\"do\":\"score\"'*) cat %s ;;\n"
            "*) echo '{\"v\":1,\"ok\":true,\"stretches\":[]}' ;;\nesac; done\n",
            f->logits, f->instead ? f->instead : ":", task, text);
    assert_int_equal(fclose(s), 0);
    assert_int_equal(chmod(path, 0755), 0);
    return path;
}

/* Gates head against base on a task of right or wrong answers and on a text. */
static int gate(const struct fake *base, const struct fake *head, const char *db, const char *ini, const char *more)
{
    char a[300], b[300], task[300];
    snprintf(a, sizeof a, "%s", write_fake(base, 0));
    snprintf(b, sizeof b, "%s", write_fake(head, 1));
    snprintf(task, sizeof task, "%s", test_file("qa.jsonl"));
    FILE *f = fopen(task, "w");
    assert_non_null(f);
    fputs("{\"prompt\":\"a\",\"answer\":\"b\"}\n", f);
    fclose(f);
    unlink(db);
    return finish(start("gate %s --base %s --head %s --model " MODEL " --tasks %s:exact --quiet --db %s %s", off_ini(ini), a, b,
                        task, db, more));
}

static double one_in_100_lost(int i, int side)
{
    return !(side && i % 100 == 7);
}

static double as_many_won_as_lost(int i, int side)
{
    return i % 100 == (side ? 7 : 8);
}

/* Windows differ, and between the sides by a little noise that a real change of rounding would make. */
static double noise(int i, int side)
{
    struct rng r;
    rng_seed(&r, 2 * (uint64_t)i + (uint64_t)side);
    return 15 * (1 + 0.02 * (i % 10)) + 0.003 * rng_normal(&r);
}

static double per_mille_worse(int i, int side)
{
    return noise(i, side) + side * 15 * log(1.001);
}

static double better(int i, int side)
{
    return noise(i, side) - side * 15 * log(1.002);
}

static void made_up_differences_are_found(void **state)
{
    (void)state;
    static const struct {
        int n;
        double (*item)(int, int), (*nats)(int, int);
        int code;
        const char *rows; /* of exact, then perplexity */
    } cases[] = {
        {1000, all_right, NULL, 0, "exact|pass|items\nperplexity|pass|items\n"},
        {1000, one_in_100_lost, NULL, 1, "exact|regressed|McNemar\nperplexity|pass|items\n"},
        {200, one_in_100_lost, NULL, 3, "exact|inconclusive|McNemar\nperplexity|pass|items\n"},
        {1000, as_many_won_as_lost, NULL, 3, "exact|inconclusive|McNemar\nperplexity|pass|items\n"},
        {1000, all_right, noise, 0, "exact|pass|items\nperplexity|pass|bootstrap\n"},
        {1000, all_right, per_mille_worse, 1, "exact|pass|items\nperplexity|regressed|bootstrap\n"},
        {1000, all_right, better, 0, "exact|pass|items\nperplexity|pass|bootstrap\n"},
        {5, one_in_100_lost, NULL, 0, "exact|pass|items\nperplexity|pass|items\n"}, /* five that are equal are equal */
        {8, one_in_100_lost, NULL, 3, "exact|inconclusive|McNemar\nperplexity|pass|items\n"},
    };
    char db[300];
    snprintf(db, sizeof db, "%s", test_file("fake.db"));
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct fake base = {.name = "base", .logits = 1, .n = cases[i].n, .item = cases[i].item, .nats = cases[i].nats},
                    head = base;
        head.name = "head";
        head.logits = 2;
        int code = gate(&base, &head, db, "", "");
        char *rows = query(db, "SELECT scorer, outcome, test FROM quality ORDER BY scorer");
        if (code != cases[i].code || strcmp(rows, cases[i].rows) != 0) {
            char *text = output();
            fail_msg("case %zu: exit code %d, and\n%s\n%s", i, code, rows, text);
        }
        free(rows);
    }
    expect_text("8 items say nothing, it takes 10");
}

static void margins_can_be_set(void **state)
{
    (void)state;
    struct fake base = {.name = "base", .logits = 1, .n = 1000, .item = one_in_100_lost}, head = base;
    char db[300];
    head.name = "head";
    head.logits = 2;
    snprintf(db, sizeof db, "%s", test_file("margin.db"));
    assert_int_equal(gate(&base, &head, db, "[metric exact]\ntolerance = 3%\n", ""), 0);
    expect_rows(db, "SELECT outcome, margin, difference FROM quality WHERE scorer = 'exact'", "pass|0.03|-0.01\n");
    assert_int_equal(gate(&base, &head, db, "[metric exact]\ngate = no\n", ""), 0);
    expect_text("(regressed)");
    assert_int_equal(gate(&base, &head, db, "[metric exact]\ngate = off\n", ""), 0);
    expect_rows(db, "SELECT count(*) FROM quality WHERE scorer = 'exact'", "0\n");
    assert_int_equal(gate(&base, &head, db, "[metric bleu]\ngate = yes\n", ""), 4);
    expect_text("[metric bleu] asks for a score that nothing gives here");
    assert_int_equal(gate(&base, &head, db, "[metric qa:exact]\ntolerance = 3%\n[metric exact]\ntolerance = 0.1%\n", ""), 0);
    expect_rows(db, "SELECT outcome, margin FROM quality WHERE scorer = 'exact'", "pass|0.03\n");
    assert_int_equal(gate(&base, &head, db, "[metric other:exact]\ngate = yes\n", ""), 4);
    expect_text("[metric other:exact] asks for a score that nothing gives here");
    assert_int_equal(gate(&base, &head, db, "[metric qa:exakt]\ngate = yes\n", ""), 2);
    assert_int_equal(gate(&base, &head, db, "[metric exakt]\ngate = yes\n", ""), 2);
    expect_text("did you mean \"exact\"?");
    assert_int_equal(gate(&base, &head, db, "", "--json"), 1);
    expect_text("\"difference\":-0.01");
    head.logits = 1; /* answers that the first tokens say nothing of are compared on demand */
    assert_int_equal(gate(&base, &head, db, "", ""), 0);
    expect_rows(db, "SELECT outcome, test FROM quality WHERE scorer = 'exact'", "pass|logits\n");
    assert_int_equal(gate(&base, &head, db, "", "--score always"), 1);
    expect_rows(db, "SELECT outcome, test FROM quality WHERE scorer = 'exact'", "regressed|McNemar\n");
}

static void faults_are_invalid(void **state)
{
    (void)state;
    static const struct {
        struct fake head;
        const char *says;
    } cases[] = {
        {{.instead = "exit 0;"}, "head: ended before it answered"},
        {{.instead = "kill -SEGV $$;"}, "killed by signal 11"},
        {{.instead = "echo '{\"v\":1,\"ok\":false,\"code\":5,\"error\":\"no such thing\"}'; continue;"}, "head: no such thing"},
        {{.instead = "echo '{\"v\":1,\"ok\":true,\"scores\":[]}'; continue;"}, "head: the scorer has no value"},
        {{.n = 9}, "10 items on one side and 9 on the other"},
        {{.tokens = 16}, "has 15 tokens on one side and 16 on the other"},
    };
    char db[300];
    snprintf(db, sizeof db, "%s", test_file("fault.db"));
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct fake base = {.name = "base", .logits = 1, .n = 10, .item = all_right}, head = cases[i].head;
        head.name = "head";
        head.logits = 2;
        head.item = all_right;
        head.n = head.n ? head.n : 10;
        int code = gate(&base, &head, db, "", "");
        char *text = output();
        if (code != 4 || !strstr(text, cases[i].says))
            fail_msg("case %zu: exit code %d, and this does not say \"%s\":\n%s", i, code, cases[i].says, text);
        free(text);
    }
}

static void sides_must_be_whole(void **state)
{
    (void)state;
    static const char *const bad[] = {"gate --base a", "gate --base-model a", "gate --base a --head b --base-model c",
                                      "gate --base-model a --head-model b --model c", "gate"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        assert_int_equal(finish(start("%s", bad[i])), 2);
        expect_text("gate: ");
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_coarser_model_has_regressed),
        cmocka_unit_test(equal_logits_are_not_scored),
        cmocka_unit_test(threads_do_not_change_the_answers),
        cmocka_unit_test(models_that_cannot_be_compared_are_invalid),
        cmocka_unit_test(made_up_differences_are_found),
        cmocka_unit_test(margins_can_be_set),
        cmocka_unit_test(faults_are_invalid),
        cmocka_unit_test(sides_must_be_whole),
    };
    return cmocka_run_group_tests(tests, program_setup, test_dir_remove);
}
