/* Tables on the terminal, and one run as text, JSON and CSV. */
/* SPDX-License-Identifier: MIT */
#include "bench/cmd/show.h"

#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench/cmd/table.h"
#include "tests/capture.h"
#include "tests/store_fixture.h"

static void columns_line_up(void **state)
{
    (void)state;
    struct table t = {0};
    table_column(&t, "name", TABLE_LEFT);
    table_column(&t, "ms", TABLE_RIGHT);
    table_column(&t, "note", TABLE_LEFT);
    const char *const rows[][3] = {
        {"q4_0", "9.5", ""}, {"\xc3\xa9t\xc3\xa9", "120.25", "\xe6\xa8\xa1\xe5\x9e\x8b!"}, {"e\xcc\x81", "1", "x"}};
    for (int i = 0; i < 3; i++)
        for (int c = 0; c < 3; c++)
            table_add(&t, "%s", rows[i][c]);
    char *text = NULL;
    size_t n;
    FILE *out = open_memstream(&text, &n);
    table_print(&t, out);
    fclose(out);
    table_free(&t);
    assert_string_equal(text, "name      ms  note\n"
                              "q4_0     9.5\n"
                              "\xc3\xa9t\xc3\xa9   120.25  \xe6\xa8\xa1\xe5\x9e\x8b!\n"
                              "e\xcc\x81          1  x\n");
    free(text);
    assert_int_equal(text_columns("\xe6\xa8\xa1\xe5\x9e\x8b!"), 5);
}

/* One cell with two trials and a crash, one that cannot run. */
static void fill(struct fixture *f)
{
    const struct store_probe probes[] = {{"memory", STATE_OK, ""}, {"energy", STATE_ABSENT, "no powercap here"}};
    int64_t run = begin(f->s, probes, 2), cell = cell_of(f->s, run, 64), id;
    ok(put_trial(f->s, cell, 0, 10, &f->e), &f->e);
    ok(put_trial(f->s, cell, 1, 12, &f->e), &f->e);
    const struct store_trial crashed = {.cell = cell, .round = 2, .state = "crashed", .reason = "signal 11"};
    ok(store_trial(f->s, &crashed, &f->e), &f->e);
    struct store_cell large = a_cell(1, 4096);
    large.infeasible = "needs 9 GiB, 2 GiB are free";
    ok(store_cell(f->s, run, &large, &id, &f->e), &f->e);
    const double sums[] = {20.0, 10, 10.0, 5};
    const struct store_score score = {.run = run,
                                      .variant = 1,
                                      .task = "story.txt",
                                      .task_sha256 = sha_a,
                                      .scorer = "perplexity",
                                      .value = 7.389,
                                      .state = "ok",
                                      .reason = "",
                                      .sums = sums,
                                      .n_items = 2,
                                      .n_sums = 2};
    ok(store_score(f->s, &score, &f->e), &f->e);
    ok(store_run_end(f->s, run, "done", &f->e), &f->e);
}

static void show(struct fixture *f, enum show_format format, char *said, size_t size)
{
    struct capture c;
    capture_begin(&c);
    int rc = show_run(f->s, 1, format, &f->e);
    capture_end(&c, said, size);
    ok(rc, &f->e);
}

static void text_says_what_was_and_was_not_measured(void **state)
{
    struct fixture *f = *state;
    char said[8192];
    fill(f);
    show(f, SHOW_TEXT, said, sizeof said);
    static const char *const lines[] = {
        "run 1, done, started ",
        "all cells: model m.gguf, kv f16, policy full, compute int8, isa avx2, runtime reference, threads 2, decode 4, batch "
        "512\n",
        "\nformat  context  ms/token     [low, high]       trials  prefill ms  tok/s  TTFT ms  peak MiB  anon MiB  start MiB  "
        "plan MiB  "
        "perplexity\n",
        "\nq4_0         64     11.00  [10.00, 12.00]  2, 1 failed         100    640      109      8.00      5.00       2.00     "
        " 7.00      "
        "7.3890\n",
        "\nq4_0       4096         -               -   cannot run           -      -        -         -         -          -     "
        " 7.00      "
        "7.3890\n",
        "with 2 it holds the true median in 50% of runs",
        "\nCannot run:\n  q4_0, context 4096: needs 9 GiB, 2 GiB are free\n",
        "\nFailed trials:\n  q4_0, context 64, 1 x crashed: signal 11\n",
        "\nNotes:\n  q4_0: one tensor stays f16\n",
        "\nProbes:\n  memory: ok\n  energy: absent, no powercap here\n",
    };
    for (size_t i = 0; i < sizeof lines / sizeof *lines; i++)
        if (!strstr(said, lines[i]))
            fail_msg("no \"%s\" in:\n%s", lines[i], said);
}

static double real_of(json_t *object, const char *name)
{
    json_t *x = json_object_get(object, name);
    assert_true(json_is_number(x));
    return json_number_value(x);
}

static void json_has_stable_names(void **state)
{
    struct fixture *f = *state;
    char said[16384];
    json_error_t why;
    fill(f);
    show(f, SHOW_JSON, said, sizeof said);
    json_t *run = json_loads(said, 0, &why);
    assert_non_null(run);
    assert_int_equal(json_integer_value(json_object_get(run, "run")), 1);
    assert_string_equal(json_string_value(json_object_get(run, "seed")), "18446744073709551615");
    assert_string_equal(json_string_value(json_object_get(json_object_get(run, "machine"), "cpu")), "A CPU");
    assert_int_equal(json_array_size(json_object_get(run, "probes")), 2);
    json_t *cells = json_object_get(run, "cells");
    assert_int_equal(json_array_size(cells), 2);
    json_t *cell = json_array_get(cells, 0);
    assert_true(real_of(cell, "ms_per_token") == 10.9995);
    assert_true(real_of(cell, "ms_per_token_low") == 9.9995);
    assert_true(real_of(cell, "ms_per_token_high") == 11.9995);
    assert_true(real_of(cell, "prefill_ms") == 100);
    assert_true(real_of(cell, "ttft_ms") == 109);
    assert_true(real_of(cell, "peak_bytes") == 8 << 20);
    assert_true(json_is_null(json_object_get(cell, "peak_file_bytes")));
    assert_true(real_of(cell, "perplexity") == 7.389);
    assert_true(real_of(cell, "nll") == 2);
    assert_true(real_of(cell, "tokens") == 15);
    assert_int_equal(json_array_size(json_object_get(cell, "failures")), 1);
    assert_int_equal(json_array_size(json_object_get(cell, "readings")), 4);
    cell = json_array_get(cells, 1);
    assert_true(json_is_null(json_object_get(cell, "ms_per_token")));
    assert_string_equal(json_string_value(json_object_get(cell, "infeasible")), "needs 9 GiB, 2 GiB are free");
    json_decref(run);
}

static void csv_is_a_line_per_cell(void **state)
{
    struct fixture *f = *state;
    char said[8192];
    fill(f);
    show(f, SHOW_CSV, said, sizeof said);
    assert_non_null(strstr(said, "run,cell,variant,"));
    assert_non_null(strstr(said, ",\"needs 9 GiB, 2 GiB are free\","));
    int lines = 0;
    for (const char *c = said; *c; c++)
        lines += *c == '\n';
    assert_int_equal(lines, 3);
}

/* A score of a variant on a task; its items are n right-or-wrong answers of which the first `right` are right. */
static void put_score(struct fixture *f, int64_t run, int64_t variant, const char *task, const char *scorer, int right, int n)
{
    double sums[64] = {0};
    for (int i = 0; i < right; i++)
        sums[i] = 1;
    const struct store_score score = {.run = run,
                                      .variant = variant,
                                      .task = task,
                                      .task_sha256 = sha_a,
                                      .scorer = scorer,
                                      .value = n ? (double)right / n : 0,
                                      .state = n ? "ok" : "failed",
                                      .reason = n ? "" : "too long",
                                      .sums = sums,
                                      .n_items = n,
                                      .n_sums = 1};
    ok(store_score(f->s, &score, &f->e), &f->e);
}

/* Four variants, two tasks, three scorers: one with all there is, one with too few items, one that failed or is not known. */
static void scores_have_intervals(void **state)
{
    static const char *const formats[] = {"f16", "q8_0", "q4_0", "q2_k"};
    struct fixture *f = *state;
    char said[16384];
    json_error_t why;
    int64_t run = begin(f->s, NULL, 0), model, variant, id;
    ok(store_model(f->s, &a_model, &model, &f->e), &f->e);
    for (int i = 0; i < 4; i++) {
        struct store_variant v = a_variant;
        v.format = formats[i];
        v.note = NULL;
        ok(store_variant(f->s, model, &v, &variant, &f->e), &f->e);
        struct store_cell c = a_cell(variant, 64);
        c.weights_bytes = (4 - i) << 20;
        ok(store_cell(f->s, run, &c, &id, &f->e), &f->e);
        put_score(f, run, variant, "intent", "exact", 40 - 10 * i, 40);
        put_score(f, run, variant, "intent", "squad_exact", 4, 5);
        if (i < 3) /* the fourth was not scored */
            put_score(f, run, variant, "answer", i == 2 ? "exact" : "of_the_future", 1, i == 2 ? 0 : 20);
    }
    show(f, SHOW_TEXT, said, sizeof said);
    static const char *const lines[] = {
        "\ntask    scorer         items     f16     [low, high]    q8_0       [low, high]    q4_0       [low, high]\n",
        "\nintent  exact             40   1.000  [1.000, 1.000]  0.7500  [0.6250, 0.8750]  0.5000  [0.3500, 0.6500]\n",
        "\nintent  squad_exact        5  0.8000               -  0.8000                 -  0.8000                 -\n",
        "\nanswer  of_the_future     20  0.0500               -  0.0500                 -       -                 -\n",
        "\nanswer  exact              0       -               -       -                 -  failed                 -\n",
        "\n\ntask    scorer         items    q2_k       [low, high]\n",
        "\nsquad_exact on intent has none: too few items, it takes 10\n",
        "\nof_the_future on answer has none: this program has no such scorer",
        "\nFailed scores:\n  q4_0 on answer, failed: too long\n",
    };
    for (size_t i = 0; i < sizeof lines / sizeof *lines; i++)
        if (!strstr(said, lines[i]))
            fail_msg("no \"%s\" in:\n%s", lines[i], said);

    show(f, SHOW_JSON, said, sizeof said);
    json_t *object = json_loads(said, 0, &why), *scores = json_object_get(object, "scores"), *score = json_array_get(scores, 1);
    assert_int_equal(json_array_size(scores), 4 + 4 + 3);
    assert_string_equal(json_string_value(json_object_get(score, "quality")), "q8_0");
    assert_true(real_of(score, "items") == 40 && real_of(score, "value") == 0.75);
    /* That of the binomial distribution: 0.75 -+ 1.96 sqrt(0.75 * 0.25 / 40). */
    assert_true(fabs(real_of(score, "low") - 0.616) < 0.03 && fabs(real_of(score, "high") - 0.884) < 0.03);
    assert_true(json_is_null(json_object_get(score, "no_interval")));
    assert_true(json_is_null(json_object_get(json_array_get(scores, 4), "low")));
    assert_true(json_is_string(json_object_get(json_array_get(scores, 4), "no_interval")));
    json_decref(object);

    show(f, SHOW_SCORES_CSV, said, sizeof said);
    assert_non_null(strstr(said, ",q4_0,f16,int8,answer,"));
    assert_non_null(strstr(said, ",exact,failed,too long,0,,,,,,the score failed,,,,,,\n"));
    int n = 0;
    for (const char *c = said; *c; c++)
        n += *c == '\n';
    assert_int_equal(n, 1 + 4 + 4 + 3);
}

/* Values of tokens become quantiles, exactly; the mean comes from the items. */
static void values_of_tokens_are_spread(void **state)
{
    struct fixture *f = *state;
    static const double sums[] = {5050, 101};
    double each[101];
    char said[16384];
    int64_t run = begin(f->s, NULL, 0);
    cell_of(f->s, run, 64);
    for (int i = 0; i <= 100; i++)
        each[i] = (i * 37) % 101; /* 0 .. 100 in some order */
    const struct store_score score = {.run = run,
                                      .variant = 1,
                                      .task = "story.txt",
                                      .task_sha256 = sha_a,
                                      .scorer = "kl_divergence",
                                      .value = 50,
                                      .state = "ok",
                                      .reason = "",
                                      .sums = sums,
                                      .n_items = 1,
                                      .n_sums = 2,
                                      .token_values = each,
                                      .n_tokens = 101};
    ok(store_score(f->s, &score, &f->e), &f->e);
    show(f, SHOW_TEXT, said, sizeof said);
    if (!strstr(said, "\nover tokens  scorer         variant  tokens   mean  median    p90    p95    p99   p999    max\n"
                      "story.txt    kl_divergence  q4_0        101  50.00   50.00  90.00  95.00  99.00  99.90  100.0\n"))
        fail_msg("%s", said);
    show(f, SHOW_JSON, said, sizeof said);
    json_t *object = json_loads(said, 0, NULL), *first = json_array_get(json_object_get(object, "scores"), 0);
    assert_true(real_of(first, "p90") == 90 && real_of(first, "p999") == 99.9 && real_of(first, "max") == 100);
    json_decref(object);
    show(f, SHOW_SCORES_CSV, said, sizeof said);
    assert_non_null(strstr(said, ",no_interval,median,p90,p95,p99,p999,max\n"));
    assert_non_null(strstr(said, ",50.0,90.0,95.0,99.0,99.9,100.0\n"));
}

/* 40 items: all right, 30, 20, 10 of them; the difference of 0 to the first variant is not printed for itself. */
static void markdown_holds_variants_against_the_first(void **state)
{
    struct fixture *f = *state;
    static const char *const formats[] = {"f16", "q8_0", "q4_0", "q2_k"};
    int64_t run = begin(f->s, NULL, 0), model, variant, id;
    char said[8192];
    ok(store_model(f->s, &a_model, &model, &f->e), &f->e);
    for (int i = 0; i < 4; i++) {
        struct store_variant v = a_variant;
        v.format = formats[i];
        ok(store_variant(f->s, model, &v, &variant, &f->e), &f->e);
        struct store_cell c = a_cell(variant, 64);
        c.weights_bytes = (4 - i) << 20;
        ok(store_cell(f->s, run, &c, &id, &f->e), &f->e);
        put_score(f, run, variant, "intent", "exact", i == 1 ? 39 : 40 - 10 * i, 40);
        put_score(f, run, variant, "intent", "squad_exact", 4, 5);
        put_score(f, run, variant, "answer", "of_the_future", 1, 20);
    }
    show(f, SHOW_MARKDOWN, said, sizeof said);
    static const char *const lines[] = {
        "| variant | MiB | bits per weight | intent exact | answer of_the_future |\n|---|---|---|---|---|\n",
        "| 1.000 | 0.0500 |\n",
        "| 0.9750 ? | 0.0500 |\n",
        "| 0.5000 ▼ | 0.0500 |\n",
        "| 0.2500 ▼ | 0.0500 |\n",
        "| q2_k | 1.00 |",
    };
    for (size_t i = 0; i < sizeof lines / sizeof *lines; i++)
        if (!strstr(said, lines[i]))
            fail_msg("no \"%s\" in:\n%s", lines[i], said);
    begin(f->s, NULL, 0);
    assert_int_equal(show_run(f->s, 2, SHOW_MARKDOWN, &f->e), -1); /* no score, no table */
    assert_non_null(strstr(f->e.msg, "run 2 scored nothing"));
}

static void a_run_is_found_by_its_name(void **state)
{
    struct fixture *f = *state;
    int64_t run;
    assert_int_equal(show_find_run(f->s, "last", &run, &f->e), -1);
    assert_non_null(strstr(f->e.msg, "no run of bench sweep"));
    begin(f->s, NULL, 0);
    begin(f->s, NULL, 0);
    ok(show_find_run(f->s, "last", &run, &f->e), &f->e);
    assert_int_equal(run, 2);
    ok(show_find_run(f->s, "1", &run, &f->e), &f->e);
    assert_int_equal(run, 1);
    static const char *const wrong[] = {"3", "0", "-1", "first", "1x", "", "99999999999999999999"};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        assert_int_equal(show_find_run(f->s, wrong[i], &run, &f->e), -1);
        assert_int_equal(f->e.code, ERR_USAGE);
    }
    char said[4096];
    show(f, SHOW_TEXT, said, sizeof said); /* a run without cells is a run too */
    assert_non_null(strstr(said, "run 1, running"));
    assert_non_null(strstr(said, ", 0 cells, "));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(columns_line_up),      WITH_STORE(text_says_what_was_and_was_not_measured),
        WITH_STORE(json_has_stable_names),      WITH_STORE(csv_is_a_line_per_cell),
        WITH_STORE(scores_have_intervals),      WITH_STORE(values_of_tokens_are_spread),
        WITH_STORE(a_run_is_found_by_its_name), WITH_STORE(markdown_holds_variants_against_the_first),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
