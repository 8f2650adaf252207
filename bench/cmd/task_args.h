/* task_args.h - the options of every command that puts tasks to a model. */
/* SPDX-License-Identifier: MIT */
#ifndef BENCH_CMD_TASK_ARGS_H
#define BENCH_CMD_TASK_ARGS_H

#include "base/err.h"

#define TASK_OPTIONS                                                                                                             \
    {"tasks", 0, "LIST", "tasks to score on: names in tasks.ini, or FILE.jsonl:scorer,scorer"},                                  \
        {"prompts", 0, "DIR", "where tasks.ini lies ($BENCH_PROMPTS, else ./prompts, else as installed)"},                       \
        {"task-context", 0, "N", "tokens that an item of a task and its answer may have (512)"},                                 \
    {                                                                                                                            \
        "chat", 0, "HOW", "auto: tasks without a template of their own are asked by the model's chat template; off (auto)"       \
    }

/* The folder of tasks.ini: `given` by --prompts, or where it is found when that is NULL. */
const char *task_folder(const char *given);

/* *on: whether --chat HOW (NULL: not given) lets a model's chat template be used. */
int task_chat(const char *how, int *on, struct err *e);

#endif
