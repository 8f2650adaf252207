/* Tasks put to a runtime made of paper: what is asked, where an answer ends, what a choice costs, and what does not fit. */
/* SPDX-License-Identifier: MIT */
#include "tests/test.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench/task.h"

/* Its tokens are bytes, BOS is 1 and EOS 2.  It answers what `says` holds, and a byte costs a hundredth of its code in nats. */
struct paper {
    const char *says;
    size_t at;
    char asked[256];
    int prefills;
};

static int encode(void *self, const char *text, size_t len, int **ids, int *n, struct err *e)
{
    (void)self, (void)e;
    *ids = calloc(len + 1, sizeof **ids);
    assert_non_null(*ids);
    (*ids)[0] = 1;
    for (size_t i = 0; i < len; i++)
        (*ids)[i + 1] = (unsigned char)text[i];
    *n = (int)len + 1;
    return 0;
}

/* Its chat template: "<" prompt ">" and then the answer, whose turn ends with "|". */
static int ask(void *self, const char *prompt, const char *answer, int **ids, int *n, int *end, struct err *e)
{
    char text[256];
    snprintf(text, sizeof text, "<%s>%s", prompt, answer);
    *end = '|';
    return encode(self, text, strlen(text), ids, n, e);
}

static int prefill(void *self, const int *ids, int n, struct err *e)
{
    struct paper *p = self;
    (void)e;
    assert_int_equal(ids[0], 1);
    for (int i = 1; i < n && i < 256; i++)
        p->asked[i - 1] = (char)ids[i];
    p->asked[n - 1] = '\0';
    p->at = 0;
    p->prefills++;
    return 0;
}

static int decode(void *self, int *id, struct err *e)
{
    struct paper *p = self;
    (void)e;
    *id = p->says[p->at] ? (unsigned char)p->says[p->at++] : 2;
    return 0;
}

static int nll(void *self, const int *ids, int n, int from, double *out, struct err *e)
{
    (void)self, (void)e;
    for (int i = from; i < n; i++)
        out[i - from] = ids[i] / 100.0;
    return 0;
}

static int eos(void *self)
{
    (void)self;
    return 2;
}

static const char *piece(void *self, int id, int *n)
{
    static char byte;
    (void)self;
    byte = (char)id;
    *n = id != 2;
    return &byte;
}

static const struct runtime paper_runtime = {
    .name = "paper", .encode = encode, .ask = ask, .prefill = prefill, .decode = decode, .nll = nll, .eos = eos, .piece = piece};

static struct task *open_task(const char *text, const char *section)
{
    struct task *t;
    struct err e;
    int n;
    FILE *f = fopen(test_file("t.jsonl"), "w");
    assert_non_null(f);
    fputs(text, f);
    fclose(f);
    f = fopen(test_file("tasks.ini"), "w");
    assert_non_null(f);
    fprintf(f, "[t]\nfile = t.jsonl\n%s", section);
    fclose(f);
    if (task_list_open(&t, &n, "t", test_dir, &e))
        fail_msg("%s", e.msg);
    return t;
}

/* What a listener heard: answers one after the other, and the log-probabilities of the last choice. */
struct heard {
    char answers[100];
    double logprob[2], *sums;
    int items;
};

static void hear(void *ctx, const struct task_said *said)
{
    struct heard *h = ctx;
    assert_int_equal(said->item, h->items++);
    assert_true(h->sums[said->item] >= 0); /* they are there already */
    if (said->answer)
        strcat(strcat(h->answers, said->answer), "|");
    if (said->logprob)
        memcpy(h->logprob, said->logprob, sizeof h->logprob);
}

static void a_listener_is_told_of_every_item(void **state)
{
    (void)state;
    double sums[4] = {-1, -1, -1, -1};
    struct err e;
    struct heard h = {.sums = sums};
    struct paper p = {.says = "four#"};
    struct task *t =
        open_task("{\"prompt\": \"a\", \"answer\": \"x\"}\n{\"prompt\": \"b\", \"answer\": \"four\"}\n", "stop = #\n");
    assert_int_equal(task_run(&paper_runtime, &p, 200, t, (double *const[]){sums}, hear, &h, &e), 0);
    assert_string_equal(h.answers, "four|four|");
    assert_int_equal(h.items, 2);
    task_list_close(t, 1);
    h = (struct heard){.sums = sums};
    t = open_task("{\"prompt\": \"q\", \"choices\": [\"d\", \"dd\"], \"gold\": 0}\n", "scorers = choice_acc\n");
    assert_int_equal(task_run(&paper_runtime, &p, 200, t, (double *const[]){sums}, hear, &h, &e), 0);
    assert_true(h.items == 1 && h.logprob[0] == -1 && h.logprob[1] == -2); /* d is 100: one nat */
    task_list_close(t, 1);
    h = (struct heard){.sums = sums};
    t = open_task("{\"text\": \"d\"}\n", "");
    assert_int_equal(task_run(&paper_runtime, &p, 200, t, (double *const[]){sums}, hear, &h, &e), 0);
    assert_int_equal(h.items, 1);
    task_list_close(t, 1);
}

/* Does the answer that the paper gives come out as `want`? */
static void expect_answer(const char *says, const char *section, const char *want)
{
    char line[300];
    double right;
    struct err e;
    struct paper p = {.says = says};
    snprintf(line, sizeof line, "{\"prompt\": \"q\", \"answer\": \"%s\"}\n", want);
    struct task *t = open_task(line, section);
    assert_int_equal(task_run(&paper_runtime, &p, 200, t, (double *const[]){&right}, NULL, NULL, &e), 0);
    if (right != 1)
        fail_msg("\"%s\" did not become \"%s\"", says, want);
    task_list_close(t, 1);
}

static void an_answer_ends_at_its_stop(void **state)
{
    (void)state;
    expect_answer("four\nand more", "stop = \\n\n", "four");
    expect_answer("four", "stop = \\n\n", "four");     /* end of the text */
    expect_answer("fourteen", "tokens = 4\n", "four"); /* budget */
    expect_answer("ab##c", "stop = ##\n", "ab");       /* a stop of two tokens */
    expect_answer("", "", "");
}

static void the_template_is_what_is_asked(void **state)
{
    (void)state;
    double sums[2];
    struct err e;
    struct paper p = {.says = "x"};
    struct task *t = open_task("{\"prompt\": \"2+2\", \"answer\": \"4\"}\n{\"prompt\": \"3\", \"answer\": [\"y\", \"x\"]}\n",
                               "template = Q:{prompt}\\nA:\n");
    assert_int_equal(task_run(&paper_runtime, &p, 200, t, (double *const[]){sums}, NULL, NULL, &e), 0);
    assert_string_equal(p.asked, "Q:3\nA:");
    assert_int_equal(p.prefills, 2);
    assert_true(sums[0] == 0 && sums[1] == 1); /* any of the accepted answers */
    task_list_close(t, 1);
}

static void a_chat_template_is_what_is_asked(void **state)
{
    (void)state;
    static const struct {
        const char *item, *section, *asked;
        int chat;
        double right; /* is "four" the answer? */
    } cases[] = {
        {"{\"prompt\": \"2+2\", \"answer\": \"four\"}\n", "", "<2+2>", 1, 1},
        {"{\"prompt\": \"2+2\", \"answer\": \"four\"}\n", "", "2+2", 0, 0},
        {"{\"prompt\": \"2+2\", \"answer\": \"four\"}\n", "template = Q:{prompt}\n", "Q:2+2", 1, 0}, /* that is the format */
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        double right;
        struct err e;
        struct paper p = {.says = "four|five"};
        struct task *t = open_task(cases[i].item, cases[i].section);
        if (cases[i].chat)
            task_list_chat(t, 1);
        assert_int_equal(task_run(&paper_runtime, &p, 200, t, (double *const[]){&right}, NULL, NULL, &e), 0);
        assert_string_equal(p.asked, cases[i].asked);
        assert_true(right == cases[i].right);
        task_list_close(t, 1);
    }
}

/* The choice is the assistant's answer: it stands behind the template. */
static void a_choice_is_an_answer(void **state)
{
    (void)state;
    double acc, norm;
    struct err e;
    struct paper p = {0};
    struct task *t = open_task("{\"prompt\": \"z\", \"choices\": [\"b\", \"a\"], \"gold\": 1}\n", "");
    task_list_chat(t, 1);
    assert_int_equal(task_run(&paper_runtime, &p, 64, t, (double *const[]){&acc, &norm}, NULL, NULL, &e), 0);
    assert_true(acc == 1 && norm == 1);
    assert_int_equal(task_run(&paper_runtime, &p, 4, t, (double *const[]){&acc, &norm}, NULL, NULL, &e), -1); /* BOS < z > b are 5 */
    assert_non_null(strstr(e.msg, "the item has 5 tokens"));
    task_list_close(t, 1);
}

static void a_choice_costs_its_own_tokens_only(void **state)
{
    (void)state;
    double acc, norm;
    struct err e;
    struct paper p = {0};
    /* a = 0.97, b = 0.98 a byte: "a" costs least whole, and the long one of a's is the cheapest per byte only if b's are dearer. */
    struct task *t = open_task("{\"prompt\": \"zzzz\", \"choices\": [\"b\", \"aaaa\"], \"gold\": 0}\n", "");
    assert_int_equal(task_run(&paper_runtime, &p, 64, t, (double *const[]){&acc, &norm}, NULL, NULL, &e), 0);
    assert_true(acc == 1 && norm == 0);
    task_list_close(t, 1);
}

static void a_text_costs_every_token(void **state)
{
    (void)state;
    double sums[4];
    struct err e;
    struct paper p = {0};
    struct task *t = open_task("{\"text\": \"ab\"}\n{\"text\": \"\"}\n", "");
    assert_int_equal(task_run(&paper_runtime, &p, 64, t, (double *const[]){sums}, NULL, NULL, &e), 0);
    assert_true(fabs(sums[0] - (0.97 + 0.98)) < 1e-12 && sums[1] == 2 && sums[2] == 0 && sums[3] == 0);
    assert_true(fabs(scorer_value(scorer_by_name("perplexity"), sums, 2) - exp(1.95 / 2)) < 1e-9);
    task_list_close(t, 1);
}

static void what_does_not_fit_is_named(void **state)
{
    (void)state;
    /* Parentheses: clang takes two literals side by side in a list for a forgotten comma. */
    static const char *const texts[] = {
        ("{\"prompt\": \"q\", \"answer\": \"a\"}\n\n"
         "{\"prompt\": \"qqqqqqqqqq\", \"answer\": \"a\"}\n"),
        ("{\"prompt\": \"q\", \"choices\": [\"a\", \"b\"], \"gold\": 0}\n\n"
         "{\"prompt\": \"q\", \"choices\": [\"a\", \"bbbbbbbbbbbb\"], \"gold\": 0}\n"),
        ("{\"text\": \"a\"}\n\n"
         "{\"text\": \"aaaaaaaaaaaaaaaa\"}\n"),
    };
    for (int i = 0; i < 3; i++) {
        double a[8], b[8];
        struct err e;
        struct paper p = {.says = "x"};
        struct task *t = open_task(texts[i], "tokens = 5\n");
        assert_int_equal(task_run(&paper_runtime, &p, 12, t, (double *const[]){a, b}, NULL, NULL, &e), -1);
        assert_int_equal(e.code, ERR_USAGE);
        if (!strstr(e.msg, "t.jsonl:3: the item has") || !strstr(e.msg, "room for 12") || !strstr(e.msg, "--task-context"))
            fail_msg("%s", e.msg);
        task_list_close(t, 1);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_answer_ends_at_its_stop),         cmocka_unit_test(the_template_is_what_is_asked),
        cmocka_unit_test(a_choice_costs_its_own_tokens_only), cmocka_unit_test(a_text_costs_every_token),
        cmocka_unit_test(what_does_not_fit_is_named),         cmocka_unit_test(a_listener_is_told_of_every_item),
        cmocka_unit_test(a_chat_template_is_what_is_asked),   cmocka_unit_test(a_choice_is_an_answer),
    };
    return cmocka_run_group_tests(tests, test_dir_make, test_dir_remove);
}
