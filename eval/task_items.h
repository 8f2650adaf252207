/* task_items.h - reading the items of a task, shared by task_items.c and task_file.c only. */
/* SPDX-License-Identifier: MIT */
#ifndef EVAL_TASK_ITEMS_H
#define EVAL_TASK_ITEMS_H

#include "eval/task_file.h"

/* Reads t->path; pattern is the template with {prompt} in it, or NULL for the prompt alone.  Fills kind, item and n_items. */
int task_items_read(struct task *t, const char *pattern, struct err *e);
void task_items_free(struct task *t);

#endif
