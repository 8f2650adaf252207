/* The JSONL file of a task, line by line. */
/* SPDX-License-Identifier: MIT */
#include "eval/task_items.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/text.h"
#include "eval/constraints.h"

static char *copy(const char *s)
{
    char *out = strdup(s);
    if (!out)
        abort();
    return out;
}

static int bad(const struct task *t, int line, struct err *e, const char *what)
{
    return err_set(e, ERR_USAGE, "%s:%d: %s", t->path, line, what);
}

/* Strings of a list, or one string, as a NULL-ended array. */
static int take_texts(struct task_item *item, const json_t *j)
{
    size_t n = json_is_string(j) ? 1 : json_array_size(j);
    item->texts = calloc(n + 1, sizeof *item->texts);
    if (!item->texts)
        abort();
    for (size_t i = 0; i < n; i++) {
        const char *s = json_string_value(json_is_string(j) ? j : json_array_get(j, i));
        if (!s)
            return -1;
        item->texts[item->n_texts++] = copy(s);
    }
    return n ? 0 : -1;
}

/* A check is kept as the JSON text that the scorer reads. */
static int take_check(const struct task *t, struct task_item *item, const json_t *check, struct err *e)
{
    const char *wrong = json_is_object(check) && json_object_size(check) ? constraints_malformed(check) : "check";
    if (wrong)
        return err_set(e, ERR_USAGE,
                       "%s:%d: \"check\": \"%s\" is no check, or has a value of the wrong type; prompts/README.md lists them",
                       t->path, item->line, wrong);
    char *text = json_dumps(check, JSON_COMPACT);
    json_t *one = json_string(text);
    int rc = take_texts(item, one);
    json_decref(one);
    free(text);
    return rc;
}

static char *around(const char *pattern, const char *prompt)
{
    struct text t = {0};
    const char *at = pattern ? strstr(pattern, "{prompt}") : NULL;
    if (!at)
        return copy(prompt);
    text_add(&t, pattern, (size_t)(at - pattern));
    text_printf(&t, "%s%s", prompt, at + strlen("{prompt}"));
    return t.p;
}

static int take_item(struct task *t, struct task_item *item, const json_t *j, const char *pattern, struct err *e)
{
    const char *text = json_string_value(json_object_get(j, "text"));
    const char *prompt = json_string_value(json_object_get(j, "prompt"));
    const json_t *check = json_object_get(j, "check"), *answer = json_object_get(j, "answer"),
                 *choices = json_object_get(j, "choices");
    enum task_kind kind = text ? TASK_TEXT : choices ? TASK_CHOICE : TASK_ANSWER;
    if (!text && !prompt)
        return bad(t, item->line, e, "has neither a string \"prompt\" nor a string \"text\"");
    if (t->n_items && kind != t->kind)
        return bad(t, item->line, e, "is another kind of item than those before it (answer, choices or text)");
    t->kind = kind;
    item->prompt = text ? copy(text) : around(pattern, prompt);
    if (kind == TASK_TEXT)
        return 0;
    if (kind == TASK_ANSWER && check)
        return take_check(t, item, check, e);
    if (kind == TASK_ANSWER)
        return answer && !take_texts(item, answer) ? 0 : bad(t, item->line, e, "\"answer\" is not a string or a list of strings");
    if (take_texts(item, choices) || item->n_texts < 2)
        return bad(t, item->line, e, "\"choices\" is not a list of two or more strings");
    const json_t *gold = json_object_get(j, "gold");
    if (!json_is_integer(gold) || json_integer_value(gold) < 0 || json_integer_value(gold) >= item->n_texts)
        return bad(t, item->line, e, "\"gold\" is not the index of one of the choices, counted from 0");
    item->gold = (int)json_integer_value(gold);
    return 0;
}

static void free_item(struct task_item *item)
{
    for (int i = 0; i < item->n_texts; i++)
        free(item->texts[i]);
    free(item->texts);
    free(item->prompt);
}

static int take_line(struct task *t, const char *line, size_t n, int number, const char *pattern, struct err *e)
{
    json_error_t why;
    json_t *j = json_loadb(line, n, JSON_REJECT_DUPLICATES, &why);
    struct task_item item = {.line = number};
    if (!j)
        return err_set(e, ERR_USAGE, "%s:%d: not a JSON object: %s (column %d)", t->path, number, why.text, why.column);
    int rc = json_is_object(j) ? take_item(t, &item, j, pattern, e) : bad(t, number, e, "is not a JSON object");
    json_decref(j);
    if (rc) {
        free_item(&item);
        return -1;
    }
    if (!(t->n_items & (t->n_items - 1))) { /* full at every power of two */
        t->item = realloc(t->item, (size_t)(t->n_items ? 2 * t->n_items : 1) * sizeof *t->item);
        if (!t->item)
            abort();
    }
    t->item[t->n_items++] = item;
    return 0;
}

int task_items_read(struct task *t, const char *pattern, struct err *e)
{
    size_t n;
    char *text = file_read(t->path, &n, e);
    if (!text)
        return -1;
    struct text whole = {0};
    text_add(&whole, text, n);
    text_printf(&whole, "|%s|%s|%d", pattern ? pattern : "", t->stop ? t->stop : "", t->tokens);
    sha256_bytes(whole.p, whole.n, t->sha256);
    text_free(&whole);
    int number = 0, rc = 0;
    for (const char *line = text, *end = text + n; line < end && !rc;) {
        const char *newline = memchr(line, '\n', (size_t)(end - line));
        size_t length = (size_t)((newline ? newline : end) - line);
        number++;
        if (length && strspn(line, " \t\r") < length)
            rc = take_line(t, line, length, number, pattern, e);
        line += length + 1;
    }
    free(text);
    if (!rc && !t->n_items)
        rc = err_set(e, ERR_USAGE, "%s: has no item; one JSON object a line, such as {\"prompt\": \"2+2=\", \"answer\": \"4\"}",
                     t->path);
    return rc;
}

void task_items_free(struct task *t)
{
    for (int i = 0; i < t->n_items; i++)
        free_item(&t->item[i]);
    free(t->item);
    t->item = NULL;
    t->n_items = 0;
}
