/* The commands on a model that carries a chat template: what they name, what they ask, and what is stored of it. */
/* SPDX-License-Identifier: MIT */
#include "tests/test.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

#include "base/file.h"
#include "base/text.h"
#include "engine/gguf_write.h"
#include "results/store.h"

#define CHATML                                                                                                                   \
    "{% for message in messages %}{{'<|im_start|>' + message['role'] + '\\n' + message['content'] + '<|im_end|>' + '\\n'}}"      \
    "{% endfor %}{% if add_generation_prompt %}{{ '<|im_start|>assistant\\n' }}{% endif %}"

static int setup(void **state)
{
    if (!getenv("BENCH")) {
        print_message("[  NEEDS   ] $BENCH, the program to test (make test sets it)\n");
        return -1;
    }
    return test_dir_make(state);
}

/* A copy of the model with a chat template. */
static void give_template(const char *model, const char *to, const char *template)
{
    struct gguf g;
    struct gguf_writer *w;
    struct err e;
    if (gguf_open(&g, model, 0, &e) || gguf_write_open(&w, to, &e))
        fail_msg("%s", e.msg);
    for (uint64_t i = 0; i < g.n_kv; i++)
        gguf_write_copy(w, &g.kv[i]);
    gguf_write_string(w, "tokenizer.chat_template", template);
    for (uint64_t i = 0; i < g.n_tensor; i++)
        gguf_write_tensor(w, g.tensor[i].name, g.tensor[i].n_dim, g.tensor[i].dim, g.tensor[i].format);
    for (uint64_t i = 0; i < g.n_tensor; i++)
        assert_int_equal(gguf_write_data(w, g.tensor[i].data, g.tensor[i].bytes, &e), 0);
    assert_int_equal(gguf_write_finish(w, &e), 0);
    gguf_close(&g);
}

/* Runs bench with the words of fmt; its exit code.  *out, to be freed, is what it printed, stderr too. */
static int bench(char **out, const char *fmt, ...)
{
    char words[1500], line[2500];
    struct err e;
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(words, sizeof words, fmt, ap);
    va_end(ap);
    snprintf(line, sizeof line, "'%s' %s >'%s' 2>&1", getenv("BENCH"), words, test_file("out"));
    int status = system(line);
    *out = file_read(test_file("out"), NULL, &e);
    assert_non_null(*out);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static void expect(int code, const char *part, const char *fmt, ...)
{
    char words[1400], *out;
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(words, sizeof words, fmt, ap);
    va_end(ap);
    int got = bench(&out, "%s", words);
    if (got != code || !strstr(out, part))
        fail_msg("bench %s: exit code %d, and \"%s\" was expected in:\n%s", words, got, part, out);
    free(out);
}

static int take_text(void *ctx, int n, const char *const *column, const char *const *value)
{
    (void)column;
    for (int i = 0; i < n; i++)
        text_printf(ctx, "%s%s", i ? "|" : "", value[i] ? value[i] : "NULL");
    text_printf(ctx, "\n");
    return 0;
}

static void expect_rows(const char *db, const char *sql, const char *wanted)
{
    struct store *s;
    struct err e;
    struct text t = {0};
    if (store_open_existing(&s, db, &e) || store_query(s, sql, NULL, take_text, &t, &e))
        fail_msg("%s: %s", db, e.msg);
    if (!t.p || strcmp(t.p, wanted))
        fail_msg("%s gives\n%sand should give\n%s", sql, t.p ? t.p : "nothing\n", wanted);
    store_close(s);
    text_free(&t);
}

static void it_is_named(void **state)
{
    (void)state;
    const char *model = testdata("models/stories260K.gguf");
    TEST_SKIP_WITHOUT(model, "models/stories260K.gguf");
    give_template(model, test_file("chatml.gguf"), CHATML);
    give_template(model, test_file("other.gguf"), "{{ messages }}");
    expect(0, "\nchat template: chatml\n", "inspect %s", test_file("chatml.gguf"));
    expect(0, "\nchat template: not one that is known", "inspect %s", test_file("other.gguf"));
    expect(0, "\nchat template: none\n", "inspect %s", model);
    expect(0, "\"chat_template\":\"chatml\"", "inspect %s --json", test_file("chatml.gguf"));
    expect(0, "\"chat_template\":null", "inspect %s --json", model);
}

static void a_prompt_is_what_a_user_says(void **state)
{
    (void)state;
    const char *model = testdata("models/stories260K.gguf");
    TEST_SKIP_WITHOUT(model, "models/stories260K.gguf");
    char *ids, *out;
    give_template(model, test_file("chatml.gguf"), CHATML);
    give_template(model, test_file("other.gguf"), "{{ messages }}");
    /* The vocabulary has no control tokens of chatml, so the prompt is its letters. */
    assert_int_equal(bench(&out,
                           "tokenize --model %s --bos --text \"$(printf '<|im_start|>user\\nHi<|im_end|>\\n<|im_start|>assistant"
                           "\\n.')\"",
                           model),
                     0);
    ids = strrchr(out, ' '); /* $() would drop a line end, so the text ends with a full stop, which is cut off here */
    assert_non_null(ids);
    *ids = '\0';
    for (char *p = out; *p; p++)
        *p = *p == ' ' ? ',' : *p;
    ids = out;
    char wanted[2000];
    snprintf(wanted, sizeof wanted, "\"prompt_ids\":[%s]", ids);
    expect(0, wanted, "generate --model %s --chat -p Hi -n 1 --json --threads 1", test_file("chatml.gguf"));
    expect(0, "\"chat_template\":\"chatml\"", "generate --model %s --chat -p Hi -n 1 --json --threads 1",
           test_file("chatml.gguf"));
    expect(0, "\"chat_template\":null", "generate --model %s -p Hi -n 1 --json --threads 1", test_file("chatml.gguf"));
    expect(0, "not one that is known; the prompt is put as it is", "generate --model %s --chat -p Hi -n 1 --threads 1",
           test_file("other.gguf"));
    expect(0, "carries no chat template; the prompt", "generate --model %s --chat -p Hi -n 1 --threads 1", model);
    free(out);
}

/* Asked by a chat template, a task is another task; what was applied stands beside the variant. */
static void a_task_asked_by_a_template_is_another_task(void **state)
{
    (void)state;
    const char *model = testdata("models/stories260K.gguf");
    TEST_SKIP_WITHOUT(model, "models/stories260K.gguf");
    FILE *f = fopen(test_file("ask.jsonl"), "w");
    assert_non_null(f);
    fputs("{\"prompt\": \"Hi\", \"answer\": \"Hi\"}\n", f);
    fclose(f);
    f = fopen(test_file("tasks.ini"), "w");
    assert_non_null(f);
    fputs("[free]\nfile = ask.jsonl\ntokens = 4\n[own]\nfile = ask.jsonl\ntokens = 4\ntemplate = {prompt}:\n", f);
    fclose(f);
    static const char sweep[] = "sweep --model %s --context 8 --decode 2 --trials 1 --threads 1 --quiet --text prompts/story.txt "
                                "--prompts %s --tasks free,own --task-context 200 --db %s %s";
    static const char tasks[] =
        "SELECT name, count(*), count(DISTINCT sha256) FROM task WHERE name IN ('free', 'own') GROUP BY 1";
    give_template(model, test_file("chatml.gguf"), CHATML);
    give_template(model, test_file("other.gguf"), "{{ messages }}");
    char db[300];
    snprintf(db, sizeof db, "%s", test_file("chat.db"));
    expect(0, "chat template: chatml", sweep, test_file("chatml.gguf"), test_dir, db, "");
    expect_rows(db, tasks, "free|1|1\nown|1|1\n");
    expect_rows(db, "SELECT note FROM variant", "chat template: chatml\n");
    expect(0, "", sweep, test_file("chatml.gguf"), test_dir, db, "--chat off");
    expect_rows(db, tasks, "free|2|2\nown|1|1\n");
    expect(0, "chat template: not one that is known, tasks are asked without", sweep, test_file("other.gguf"), test_dir, db, "");
    expect_rows(db, tasks, "free|2|2\nown|1|1\n");
    expect_rows(db, "SELECT count(*) FROM score WHERE state = 'ok'", "9\n"); /* 3 runs of 2 tasks and a perplexity */
    expect(2, "--chat yes: must be auto or off", sweep, test_file("chatml.gguf"), test_dir, db, "--chat yes");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(it_is_named),
        cmocka_unit_test(a_prompt_is_what_a_user_says),
        cmocka_unit_test(a_task_asked_by_a_template_is_another_task),
    };
    return cmocka_run_group_tests(tests, setup, test_dir_remove);
}
