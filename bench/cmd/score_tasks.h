/* score_tasks.h - the tasks of `bench score`: what each scorer says of them and, for a person to read, what the model said. */
/* SPDX-License-Identifier: MIT */
#ifndef BENCH_CMD_SCORE_TASKS_H
#define BENCH_CMD_SCORE_TASKS_H

#include <stdio.h>

#include "base/err.h"
#include "bench/task.h"

struct score_tasks {
    struct task *task;
    int n;
    int context; /* tokens that an item and its answer may have */
    FILE *items; /* where each item goes as one line of JSON; NULL: nowhere */
};

/* Puts every task to the loaded model, whose KV cache has room for `context` tokens.  list: a json_t array that gets an object per
 * task and scorer; NULL: a table is printed. */
struct json_t;
int score_tasks(const struct score_tasks *t, const struct runtime *rt, void *self, struct json_t *list, struct err *e);

#endif
