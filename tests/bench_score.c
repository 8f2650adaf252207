/* `bench score` as a user runs it, on a small random model: the values of a sweep, what the model said, how far it is from
 * another, and mistakes.
 *
 * The program under test is $BENCH (make test sets it). */
/* SPDX-License-Identifier: MIT */
#include "tests/program.h"

#include <jansson.h>

#include "tests/toy.h"

#define ITEMS 12

static const struct toy shape = {
    .n_layer = 2,
    .d = 64,
    .n_ff = 96,
    .n_head = 4,
    .n_kv = 2,
    .head_dim = 16,
    .n_rot = 16,
    .tied = 1,
    .rope_scale = 1,
    .rope_base = 10000,
    .format = "f32",
};

static void put(const char *name, const char *text)
{
    FILE *f = fopen(test_file(name), "w");
    assert_non_null(f);
    fputs(text, f);
    fclose(f);
}

/* A model, a text of its letters, and a folder of three tasks: one of each kind. */
static int set_up(void **state)
{
    struct toy_weights w;
    struct err e = {0};
    struct text answers = {0}, choices = {0}, texts = {0}, story = {0};
    if (program_setup(state))
        return -1;
    toy_weights(&w, &shape, 5);
    if (toy_write(test_file("toy.gguf"), &shape, &w, &e))
        fail_msg("%s", e.msg);
    toy_free(&w);
    for (int i = 0; i < ITEMS; i++) {
        char a = (char)('F' + i), b = (char)('Z' - i);
        text_printf(&answers, "%s{\"prompt\": \"%c%cQ\", \"answer\": [\"%c%c\", \"%cE\"]}\n", i ? "" : "\n", a, b, b, a, b);
        text_printf(&choices, "{\"prompt\": \"%cG\", \"choices\": [\"%c\", \"%cHI\", \"K\"], \"gold\": %d}\n", a, b, a, i % 3);
        text_printf(&texts, "{\"text\": \"%c%cMNO\"}\n", a, b);
        text_printf(&story, "EFGH%cIJKLMNOP%cQRSTUVWXYZ", a, b);
    }
    put("answers.jsonl", answers.p);
    put("choices.jsonl", choices.p);
    put("texts.jsonl", texts.p);
    put("story.txt", story.p);
    put("tasks.ini", "[said]\nfile = answers.jsonl\ntemplate = <{prompt}>\ntokens = 6\nscorers = cer,chrf\n"
                     "[chosen]\nfile = choices.jsonl\n[read]\nfile = texts.jsonl\n");
    text_free(&answers), text_free(&choices), text_free(&texts), text_free(&story);
    return 0;
}

/* What the program printed, as JSON. */
static json_t *object(void)
{
    json_error_t why;
    char *text = output();
    json_t *j = json_loads(text, 0, &why);
    if (!j)
        fail_msg("%s in: %s", why.text, text);
    free(text);
    return j;
}

static const json_t *find(const json_t *scores, const char *task, const char *scorer)
{
    size_t i;
    json_t *s;
    json_array_foreach(scores, i, s)
    {
        if (!strcmp(json_string_value(json_object_get(s, "task")), task) &&
            !strcmp(json_string_value(json_object_get(s, "scorer")), scorer))
            return s;
    }
    fail_msg("there is no %s on %s", scorer, task);
    return NULL;
}

static double real_of(const json_t *object, const char *name)
{
    const json_t *x = json_object_get(object, name);
    if (!json_is_number(x))
        fail_msg("%s is no number", name);
    return json_number_value(x);
}

/* One model, scored by the two commands: the same values and the same intervals, to the last printed digit. */
static void a_sweep_says_the_same(void **state)
{
    (void)state;
    static const char *const pairs[][2] = {
        {"said", "cer"}, {"said", "chrf"}, {"chosen", "choice_acc"}, {"chosen", "choice_acc_norm"}, {"read", "perplexity"}};
    static const char *const numbers[] = {"items", "value", "low", "high"};
    char model[300], text[300], db[300];
    snprintf(model, sizeof model, "%s", test_file("toy.gguf"));
    snprintf(text, sizeof text, "%s", test_file("story.txt"));
    snprintf(db, sizeof db, "%s", test_file("s.db"));
    assert_int_equal(finish(start("score --model %s --text %s --window 16 --tasks said,chosen,read --prompts %s --json", model,
                                  text, test_dir)),
                     0);
    json_t *alone = object(), *scores = json_object_get(alone, "scores");
    assert_int_equal(json_array_size(scores), 5);
    assert_int_equal(finish(start("sweep --model %s --text %s --window 16 --tasks said,chosen,read --prompts %s --context 8 "
                                  "--threads 1 --decode 2 --trials 1 --quiet --json --db %s",
                                  model, text, test_dir, db)),
                     0);
    json_t *swept = object();
    for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++) {
        const json_t *a = find(scores, pairs[i][0], pairs[i][1]);
        const json_t *b = find(json_object_get(swept, "scores"), pairs[i][0], pairs[i][1]);
        for (size_t k = 0; k < 4; k++)
            assert_true(real_of(a, numbers[k]) == real_of(b, numbers[k]));
        assert_true(real_of(a, "low") < real_of(a, "high"));
    }
    const json_t *of_text = find(json_object_get(swept, "scores"), "story.txt", "perplexity");
    assert_true(real_of(of_text, "value") == real_of(alone, "perplexity"));
    assert_true(real_of(of_text, "low") == real_of(alone, "perplexity_low"));
    json_decref(alone);
    json_decref(swept);
}

/* Every item is a line, and the value is what its sums say. */
static void items_say_what_the_model_said(void **state)
{
    (void)state;
    char model[300], items[300], line[2000];
    int n[3] = {0};
    double edits = 0, length = 0, right = 0;
    snprintf(model, sizeof model, "%s", test_file("toy.gguf"));
    snprintf(items, sizeof items, "%s", test_file("items.jsonl"));
    assert_int_equal(
        finish(start("score --model %s --tasks said,chosen,read --prompts %s --items %s --json", model, test_dir, items)), 0);
    json_t *all = object(), *scores = json_object_get(all, "scores");
    assert_null(json_object_get(all, "perplexity")); /* there was no text */
    FILE *f = fopen(items, "r");
    assert_non_null(f);
    while (fgets(line, sizeof line, f)) {
        json_t *j = json_loads(line, 0, NULL), *sums = json_object_get(j, "sums");
        assert_non_null(j);
        const char *task = json_string_value(json_object_get(j, "task"));
        int line_of_file = (int)json_integer_value(json_object_get(j, "line"));
        if (!strcmp(task, "said")) {
            assert_int_equal(line_of_file, 2 + n[0]++); /* the file begins with an empty line */
            assert_int_equal(json_string_value(json_object_get(j, "prompt"))[0], '<');
            assert_true(json_is_string(json_object_get(j, "answer")));
            assert_int_equal(json_array_size(json_object_get(j, "expected")), 2);
            edits += json_number_value(json_array_get(json_object_get(sums, "cer"), 0));
            length += json_number_value(json_array_get(json_object_get(sums, "cer"), 1));
        } else if (!strcmp(task, "chosen")) {
            assert_int_equal(line_of_file, 1 + n[1]++);
            json_int_t choice = json_integer_value(json_object_get(j, "choice"));
            const json_t *logprob = json_object_get(j, "logprob");
            assert_int_equal(json_array_size(logprob), 3);
            for (size_t i = 0; i < 3; i++)
                assert_true(json_number_value(json_array_get(logprob, i)) <=
                            json_number_value(json_array_get(logprob, (size_t)choice)));
            double got = json_number_value(json_array_get(json_object_get(sums, "choice_acc"), 0));
            assert_true(got == (choice == json_integer_value(json_object_get(j, "gold"))));
            right += got;
        } else {
            assert_int_equal(line_of_file, 1 + n[2]++);
            assert_non_null(strstr(json_string_value(json_object_get(j, "text")), "MNO"));
            assert_true(json_number_value(json_array_get(json_object_get(sums, "perplexity"), 1)) > 0);
        }
        json_decref(j);
    }
    fclose(f);
    assert_true(n[0] == ITEMS && n[1] == ITEMS && n[2] == ITEMS);
    assert_true(fabs(real_of(find(scores, "said", "cer"), "value") - edits / length) < 1e-9);
    assert_true(fabs(real_of(find(scores, "chosen", "choice_acc"), "value") - right / ITEMS) < 1e-9);
    json_decref(all);
}

/* A model beside itself and beside the one that it was made of, by the two commands. */
static void a_divergence_is_spread_over_tokens(void **state)
{
    (void)state;
    static const char *const names[] = {"median", "p90", "p95", "p99", "p999", "max"};
    char model[300], other[300], text[300], db[300], name[40];
    snprintf(model, sizeof model, "%s", test_file("toy.gguf"));
    snprintf(other, sizeof other, "%s", test_file("q4_0.gguf"));
    snprintf(text, sizeof text, "%s", test_file("story.txt"));
    snprintf(db, sizeof db, "%s", test_file("kl.db"));
    assert_int_equal(finish(start("quantize %s %s --format q4_0", model, other)), 0);
    assert_int_equal(finish(start("score --model %s --reference %s --text %s --window 16 --json", model, model, text)), 0);
    json_t *same = object();
    assert_int_equal(finish(start("score --model %s --reference %s --text %s --window 16 --json", other, model, text)), 0);
    json_t *far = object();
    assert_int_equal(
        finish(start("sweep --model %s --format f32,q4_0 --reference f32 --text %s --window 16 --context 8 --threads 1 "
                     "--decode 2 --trials 1 --quiet --json --cache %s --db %s",
                     model, text, test_dir, db)),
        0);
    json_t *swept = object(), *scores = json_object_get(swept, "scores");
    const json_t *of_same = NULL, *of_far = NULL, *s;
    size_t i;
    json_array_foreach(scores, i, s)
    {
        int is_kl = !strcmp(json_string_value(json_object_get(s, "scorer")), "kl_divergence");
        if (is_kl && !strcmp(json_string_value(json_object_get(s, "quality")), "f32"))
            of_same = s;
        else if (is_kl)
            of_far = s;
        else
            assert_true(json_is_null(json_object_get(s, "median")));
    }
    assert_non_null(of_same);
    assert_non_null(of_far);
    double last = 0;
    for (i = 0; i < sizeof names / sizeof *names; i++) {
        snprintf(name, sizeof name, "kl_divergence_%s", names[i]);
        assert_true(real_of(same, name) == 0 && real_of(of_same, names[i]) == 0); /* exactly */
        assert_true(real_of(far, name) == real_of(of_far, names[i]));
        assert_true(real_of(far, name) > last);
        last = real_of(far, name);
    }
    assert_true(real_of(far, "kl_divergence") > real_of(far, "kl_divergence_median") / 10 &&
                real_of(far, "kl_divergence") < last);
    assert_true(real_of(of_far, "tokens") == real_of(far, "tokens"));
    json_decref(same);
    json_decref(far);
    json_decref(swept);

    assert_int_equal(finish(start("score --model %s --reference %s --text %s --window 16", model, model, text)), 0);
    char *said = output();
    assert_non_null(strstr(said, "kl_divergence 0 [0, 0]\nkl_divergence_median 0\nkl_divergence_p90 0\n"));
    assert_non_null(strstr(said, "kl_divergence_p999 0\nkl_divergence_max 0\ntop1_agreement 1 [1, 1]\n"));
    free(said);
    assert_int_equal(finish(start("show last --db %s", db)), 0);
    said = output();
    assert_non_null(strstr(said, "\nover tokens  scorer         variant  tokens  "));
    assert_non_null(strstr(said, "\nstory.txt    kl_divergence  f32 "));
    assert_non_null(strstr(said, "\nstory.txt    kl_divergence  q4_0 "));
    free(said);
}

static void text_is_a_table(void **state)
{
    (void)state;
    char model[300];
    snprintf(model, sizeof model, "%s", test_file("toy.gguf"));
    assert_int_equal(finish(start("score --model %s --tasks said,read --prompts %s --compute exact", model, test_dir)), 0);
    char *text = output();
    assert_int_equal(strncmp(text, "task  scorer      items  ", 25), 0);
    assert_non_null(strstr(text, "\nsaid  chrf           12  "));
    assert_non_null(strstr(text, "\nread  perplexity     12  "));
    assert_non_null(strstr(text, "(KV f16, policy full, exact)\n"));
    free(text);
}

static void mistakes_are_explained(void **state)
{
    (void)state;
    static const struct {
        const char *args;
        int code;
        const char *says;
    } bad[] = {
        {"", 2, "give --text FILE, --tasks LIST or both"},
        {"--tasks said --reference x.gguf", 2, "--reference needs --text"},
        {"--text x.txt --items i.jsonl", 2, "--items needs --tasks"},
        {"--tasks sayd", 2, "no such section"},
        {"--tasks said --task-context 3", 2, "--task-context"},
        {"--tasks said --task-context 8", 2, "answers.jsonl:2: the item has"},
        {"--tasks /nowhere.jsonl:exact", 5, "/nowhere.jsonl"},
        {"--tasks said --items /none/i.jsonl", 5, "/none/i.jsonl: cannot create it"},
    };
    char model[300];
    snprintf(model, sizeof model, "%s", test_file("toy.gguf"));
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        int code = finish(start("score --model %s --prompts %s %s", model, test_dir, bad[i].args));
        char *text = output();
        if (code != bad[i].code || !strstr(text, bad[i].says))
            fail_msg("score %s: %d, %s", bad[i].args, code, text);
        free(text);
    }
    assert_int_equal(
        finish(start("score --model %s --prompts %s --tasks %s:intent_exact", model, test_dir, test_file("answers.jsonl"))),
        4); /* its references are no JSON */
    char *text = output();
    assert_non_null(strstr(text, "intent_exact has no value"));
    free(text);
    if (!access("/dev/full", W_OK)) {
        assert_int_equal(finish(start("score --model %s --prompts %s --tasks said --items /dev/full", model, test_dir)), 5);
        text = output();
        assert_non_null(strstr(text, "/dev/full: cannot write all of it"));
        free(text);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_sweep_says_the_same),
        cmocka_unit_test(items_say_what_the_model_said),
        cmocka_unit_test(a_divergence_is_spread_over_tokens),
        cmocka_unit_test(text_is_a_table),
        cmocka_unit_test(mistakes_are_explained),
    };
    return cmocka_run_group_tests(tests, set_up, test_dir_remove);
}
