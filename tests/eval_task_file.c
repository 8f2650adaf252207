/* Task files: what is read, and what a malformed one is told: file, line and field. */
/* SPDX-License-Identifier: MIT */
#include "tests/test.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "eval/task_file.h"

static void put(const char *name, const char *text)
{
    FILE *f = fopen(test_file(name), "w");
    assert_non_null(f);
    fputs(text, f);
    assert_int_equal(fclose(f), 0);
}

static const char ini[] = "[ask]\nfile = ask.jsonl\ntemplate = Q: {prompt}\\nA:\nstop = \\n\ntokens = 16\nscorers = choice_acc\n"
                          "[plain]\nfile = plain.jsonl\n"
                          "[nofile]\ntokens = 3\n"
                          "[typo]\nfile = ask.jsonl\ntemplat = x\n"
                          "[hole]\nfile = ask.jsonl\ntemplate = no place\n"
                          "[many]\nfile = ask.jsonl\ntokens = many\n"
                          "[both]\ntasks = plain,ask\n"
                          "[nested]\ntasks = plain,both\n"
                          "[mixed]\ntasks = plain\ntokens = 3\n"
                          "[dead]\ntasks = plain,gone\n";

static int open_one(struct task **t, int *n, const char *list, struct err *e)
{
    put("tasks.ini", ini);
    return task_list_open(t, n, list, test_dir, e);
}

static void sections_say_how_a_task_is_asked(void **state)
{
    (void)state;
    struct task *t;
    struct err e;
    int n;
    put("ask.jsonl", "{\"prompt\": \"2+2\", \"choices\": [\"3\", \"4\"], \"gold\": 1}\n\n"
                     "{\"prompt\": \"\\u00fc?\", \"choices\": [\"a\", \"b\", \"c\"], \"gold\": 0}");
    put("plain.jsonl", "{\"text\": \"one\"}\r\n{\"text\": \"two\"}\n");
    assert_int_equal(open_one(&t, &n, "ask, plain", &e), 0);
    assert_int_equal(n, 2);
    assert_string_equal(t[0].name, "ask");
    assert_int_equal(t[0].kind, TASK_CHOICE);
    assert_int_equal(t[0].n_items, 2);
    assert_string_equal(t[0].item[0].prompt, "Q: 2+2\nA:");
    assert_string_equal(t[0].item[1].prompt, "Q: \xc3\xbc?\nA:");
    assert_int_equal(t[0].item[1].line, 3);
    assert_int_equal(t[0].item[1].n_texts, 3);
    assert_int_equal(t[0].item[0].gold, 1);
    assert_string_equal(t[0].stop, "\n");
    assert_int_equal(t[0].tokens, 16);
    assert_string_equal(t[0].scorer[0]->name, "choice_acc");
    assert_int_equal(t[1].kind, TASK_TEXT);
    assert_string_equal(t[1].scorer[0]->name, "perplexity");
    assert_null(t[1].stop);
    assert_string_not_equal(t[0].sha256, t[1].sha256);
    task_list_close(t, n);
}

static void asked_by_a_chat_template_it_is_another_task(void **state)
{
    (void)state;
    struct task *t, *was;
    struct err e;
    int n;
    put("ask.jsonl", "{\"prompt\": \"2+2\", \"choices\": [\"3\", \"4\"], \"gold\": 1}\n");
    put("plain.jsonl", "{\"text\": \"one\"}\n");
    put("mine.jsonl", "{\"prompt\": \"2+2\", \"answer\": \"4\"}\n");
    char list[300];
    snprintf(list, sizeof list, "ask,plain,%s", test_file("mine.jsonl"));
    assert_int_equal(open_one(&t, &n, list, &e), 0);
    assert_int_equal(open_one(&was, &n, list, &e), 0);
    assert_int_equal(n, 3);
    task_list_chat(t, n);
    static const int chat[] = {0, 0, 1}; /* the first has a template of its own, the second is a text */
    for (int i = 0; i < n; i++) {
        assert_int_equal(t[i].chat, chat[i]);
        assert_int_equal(!strcmp(t[i].sha256, was[i].sha256), !chat[i]);
    }
    snprintf(list, sizeof list, "%s", t[2].sha256);
    task_list_chat(t, n); /* twice is once */
    assert_string_equal(t[2].sha256, list);
    task_list_close(t, n);
    task_list_close(was, n);
}

static void a_section_may_stand_for_several(void **state)
{
    (void)state;
    struct task *t;
    struct err e;
    int n;
    put("ask.jsonl", "{\"prompt\": \"2+2\", \"choices\": [\"3\", \"4\"], \"gold\": 1}\n");
    put("plain.jsonl", "{\"text\": \"one\"}\n");
    assert_int_equal(open_one(&t, &n, "both", &e), 0);
    assert_int_equal(n, 2);
    assert_string_equal(t[0].name, "plain");
    assert_string_equal(t[1].name, "ask");
    assert_int_equal(t[1].tokens, 16);
    task_list_close(t, n);
}

static void a_file_of_ones_own_needs_no_section(void **state)
{
    (void)state;
    struct task *t;
    struct err e;
    char list[600];
    int n;
    put("mine.jsonl", "{\"prompt\": \"a\", \"choices\": [\"x\", \"y\"], \"gold\": 0}\n");
    put("plain.jsonl", "{\"text\": \"one\"}\n");
    snprintf(list, sizeof list, "%s:choice_acc_norm,choice_acc,plain", test_file("mine.jsonl"));
    assert_int_equal(open_one(&t, &n, list, &e), 0);
    assert_int_equal(n, 2);
    assert_string_equal(t[0].name, "mine");
    assert_int_equal(t[0].n_scorers, 2);
    assert_string_equal(t[0].scorer[1]->name, "choice_acc");
    task_list_close(t, n);
}

static void malformed_ones_are_told_where(void **state)
{
    (void)state;
    static const struct {
        const char *text, *says;
    } bad[] = {
        {"{\"prompt\": \"x\", \"answer\": \"y\"}\n{\"prompt\": \"x\"", ":2: not a JSON object"},
        {"[1]\n", ":1: is not a JSON object"},
        {"{\"answer\": \"y\"}\n", ":1: has neither a string \"prompt\""},
        {"{\"prompt\": 3, \"answer\": \"y\"}\n", "\"prompt\""},
        {"\n\n{\"prompt\": \"x\"}\n", ":3: \"answer\" is not"},
        {"{\"prompt\": \"x\", \"answer\": []}\n", "\"answer\" is not"},
        {"{\"prompt\": \"x\", \"answer\": [\"a\", 1]}\n", "\"answer\" is not"},
        {"{\"prompt\": \"x\", \"choices\": [\"a\"], \"gold\": 0}\n", "\"choices\" is not"},
        {"{\"prompt\": \"x\", \"choices\": [\"a\", \"b\"]}\n", "\"gold\" is not"},
        {"{\"prompt\": \"x\", \"choices\": [\"a\", \"b\"], \"gold\": 2}\n", "\"gold\" is not"},
        {"{\"prompt\": \"x\", \"choices\": [\"a\", \"b\"], \"gold\": 0}\n{\"text\": \"x\"}\n", ":2: is another kind of item"},
        {"{\"prompt\": \"x\", \"prompt\": \"y\", \"answer\": \"z\"}\n", ":1: not a JSON object: duplicate"},
        {"{\"text\": \"\xff\xfe\"}\n", ":1: not a JSON object"},
        {"{\"prompt\": \"x\", \"check\": {\"words_maks\": 3}}\n", "\"words_maks\" is no check"},
        {"{\"prompt\": \"x\", \"check\": {\"lines\": \"3\"}}\n", "\"lines\" is no check"},
        {"{\"prompt\": \"x\", \"check\": {}}\n", ":1: \"check\""},
        {"", "has no item"},
        {" \n\n", "has no item"},
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct task *t;
        struct err e = {0};
        int n;
        put("bad.jsonl", bad[i].text);
        assert_int_equal(open_one(&t, &n, test_file("bad.jsonl"), &e), -1);
        assert_null(t);
        assert_int_equal(e.code, ERR_USAGE);
        if (!strstr(e.msg, bad[i].says) || !strstr(e.msg, "bad.jsonl"))
            fail_msg("%s: \"%s\" does not say \"%s\"", bad[i].text, e.msg, bad[i].says);
    }
}

static void wrong_lists_and_sections_are_explained(void **state)
{
    (void)state;
    static const struct {
        const char *list, *says;
    } bad[] = {
        {"", "the list is empty"},
        {"aks", "it has ask, plain, nofile, typo, hole, many, both"},
        {"nofile", "section [nofile] has no file"},
        {"typo", "unknown key \"templat\""},
        {"hole", "no {prompt}"},
        {"many", "tokens = many"},
        {"nested", "[nested] lists [both], which is a list itself"},
        {"mixed", "[mixed] has tasks, so"},
        {"dead", "task gone"},
        {"both,ask", "ask is given twice"},
        {"/nowhere/x.jsonl", "/nowhere/x.jsonl"},
        {"ask.jsonl:choise_acc", "did you mean choice_acc?"},
        {"ask.jsonl:perplexity", "does not judge items of this kind"},
    };
    put("ask.jsonl", "{\"prompt\": \"2+2\", \"choices\": [\"3\", \"4\"], \"gold\": 1}\n");
    put("plain.jsonl", "{\"text\": \"one\"}\n");
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct task *t;
        struct err e = {0};
        char list[600];
        int n, own = !strncmp(bad[i].list, "ask.jsonl", 9);
        snprintf(list, sizeof list, "%s%s%s", own ? test_dir : "", own ? "/" : "", bad[i].list);
        assert_int_equal(open_one(&t, &n, list, &e), -1);
        if (!strstr(e.msg, bad[i].says))
            fail_msg("%s: \"%s\" does not say \"%s\"", bad[i].list, e.msg, bad[i].says);
    }
}

static void choices_are_judged_whole_and_per_byte(void **state)
{
    (void)state;
    const struct scorer *acc = scorer_by_name("choice_acc"), *norm = scorer_by_name("choice_acc_norm");
    const double logprob[] = {-6, -4, NAN};
    const size_t bytes[] = {30, 2, 1}; /* -0.2 and -2 a byte */
    double sums[1];
    acc->choice(sums, logprob, bytes, 3, 1);
    assert_true(sums[0] == 1);
    norm->choice(sums, logprob, bytes, 3, 1);
    assert_true(sums[0] == 0);
    norm->choice(sums, logprob, bytes, 3, 0);
    assert_true(sums[0] == 1);
    const double nothing[] = {NAN, NAN};
    acc->choice(sums, nothing, bytes, 2, 0);
    assert_true(sums[0] == 0);
    const double three[] = {1, 0, 1};
    assert_true(fabs(scorer_value(acc, three, 3) - 2.0 / 3) < 1e-12);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sections_say_how_a_task_is_asked),      cmocka_unit_test(a_file_of_ones_own_needs_no_section),
        cmocka_unit_test(malformed_ones_are_told_where),         cmocka_unit_test(wrong_lists_and_sections_are_explained),
        cmocka_unit_test(choices_are_judged_whole_and_per_byte), cmocka_unit_test(asked_by_a_chat_template_it_is_another_task),
        cmocka_unit_test(a_section_may_stand_for_several),
    };
    return cmocka_run_group_tests(tests, test_dir_make, test_dir_remove);
}
