/* SPDX-License-Identifier: MIT */
#include "bench/cmd/score_tasks.h"

#include <jansson.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "bench/cmd/cmd.h"
#include "bench/cmd/stored_scores.h"
#include "bench/cmd/table.h"
#include "eval/resample.h"

/* -- what the model said -------------------------------------------------------------------------------------------------- */

struct items {
    FILE *out;
    const struct task *task;
    double *sums[TASK_MAX_SCORERS]; /* [n_items][scorer->sums] */
};

static json_t *text_list(char *const *texts, int n)
{
    json_t *list = json_array();
    for (int i = 0; i < n; i++)
        json_array_append_new(list, json_any_text(texts[i], strlen(texts[i])));
    return list;
}

static json_t *number_list(const double *x, int n)
{
    json_t *list = json_array();
    for (int i = 0; i < n; i++)
        json_array_append_new(list, json_real_or_null(x[i]));
    return list;
}

static int most_probable(const double *logprob, int n)
{
    int best = 0;
    for (int i = 1; i < n; i++)
        best = logprob[i] > logprob[best] ? i : best;
    return best;
}

static void write_item(void *ctx, const struct task_said *said)
{
    const struct items *w = ctx;
    const struct task *t = w->task;
    const struct task_item *item = &t->item[said->item];
    json_t *j = json_pack("{s:s, s:i}", "task", t->name, "line", item->line), *scores = json_object();
    json_object_set_new(j, t->kind == TASK_TEXT ? "text" : "prompt", json_any_text(item->prompt, strlen(item->prompt)));
    if (said->answer) {
        json_object_set_new(j, "answer", json_any_text(said->answer, strlen(said->answer)));
        json_object_set_new(j, "expected", text_list(item->texts, item->n_texts));
    }
    if (said->logprob) {
        json_object_set_new(j, "choice", json_integer(most_probable(said->logprob, item->n_texts)));
        json_object_set_new(j, "gold", json_integer(item->gold));
        json_object_set_new(j, "choices", text_list(item->texts, item->n_texts));
        json_object_set_new(j, "logprob", number_list(said->logprob, item->n_texts));
    }
    for (int k = 0; k < t->n_scorers; k++) {
        const struct scorer *s = t->scorer[k];
        json_object_set_new(scores, s->name, number_list(w->sums[k] + (size_t)said->item * (size_t)s->sums, s->sums));
    }
    json_object_set_new(j, "sums", scores);
    json_dumpf(j, w->out, JSON_COMPACT | JSON_REAL_PRECISION(12));
    putc('\n', w->out);
    json_decref(j);
}

/* -- what the scorers say ------------------------------------------------------------------------------------------------- */

static void add_row(struct table *t, const struct task *task, const char *scorer, const struct resampled *v)
{
    struct text value = {0}, interval = {0};
    score_number(&value, v->value, v->value, 0);
    score_interval(&interval, v->low, v->high, v->value, 0);
    table_add(t, "%s", task->name);
    table_add(t, "%s", scorer);
    table_add(t, "%d", task->n_items);
    table_add(t, "%s", value.p);
    table_add(t, "%s", interval.p);
    text_free(&value);
    text_free(&interval);
}

static int say_task(const struct items *w, struct table *table, json_t *list, struct err *e)
{
    const struct task *t = w->task;
    for (int k = 0; k < t->n_scorers; k++) {
        const struct scorer *s = t->scorer[k];
        struct resampled v;
        if (resample_value(s, w->sums[k], (size_t)t->n_items, RESAMPLES, RESAMPLE_SEED, &v, e))
            return -1;
        if (isnan(v.value))
            return err_set(e, ERR_INVALID, "%s: %s has no value: nothing to score, or a reference that it cannot read", t->path,
                           s->name);
        add_row(table, t, s->name, &v);
        if (list)
            json_array_append_new(list, json_pack("{s:s, s:s, s:i, s:o, s:o, s:o}", "task", t->name, "scorer", s->name, "items",
                                                  t->n_items, "value", json_real_or_null(v.value), "low",
                                                  json_real_or_null(v.low), "high", json_real_or_null(v.high)));
    }
    return 0;
}

static int score_task(const struct score_tasks *all, const struct task *t, const struct runtime *rt, void *self,
                      struct table *table, json_t *list, struct err *e)
{
    struct items w = {.out = all->items, .task = t};
    for (int k = 0; k < t->n_scorers; k++) {
        w.sums[k] = calloc((size_t)t->n_items * (size_t)t->scorer[k]->sums, sizeof *w.sums[k]);
        if (!w.sums[k])
            abort();
    }
    int rc = task_run(rt, self, all->context, t, w.sums, all->items ? write_item : NULL, &w, e);
    if (!rc)
        rc = say_task(&w, table, list, e);
    for (int k = 0; k < t->n_scorers; k++)
        free(w.sums[k]);
    return rc;
}

int score_tasks(const struct score_tasks *t, const struct runtime *rt, void *self, json_t *list, struct err *e)
{
    struct table table = {0};
    int rc = 0;
    table_column(&table, "task", TABLE_LEFT);
    table_column(&table, "scorer", TABLE_LEFT);
    table_column(&table, "items", TABLE_RIGHT);
    table_column(&table, "value", TABLE_RIGHT);
    table_column(&table, "[low, high]", TABLE_RIGHT);
    for (int i = 0; i < t->n && !rc; i++)
        rc = score_task(t, &t->task[i], rt, self, &table, list, e);
    if (!rc && !list)
        table_print(&table, stdout);
    table_free(&table);
    return rc;
}
