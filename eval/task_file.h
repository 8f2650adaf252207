/* task_file.h - a task: items to be answered, and how they are asked and judged.
 *
 * A task is a JSONL file, one item a line, of one kind throughout:
 *   {"prompt": "...", "answer": "..."}            answered by generation; "answer" may be a list of accepted answers
 *   {"prompt": "...", "check": {"words_max": 8}}   answered by generation; constraints.h says what an answer must look like
 *   {"prompt": "...", "choices": [...], "gold": 0} answered by the most probable continuation; gold counts from 0
 *   {"text": "..."}                                scored by the log-probability of its tokens
 * How it is asked stands in tasks.ini beside it, a section per task:
 *   [intent]
 *   file     = intent.jsonl
 *   template = {prompt}\n         put around the prompt; \n is a line end
 *   stop     = \n                 ends an answer
 *   tokens   = 64                 an answer has at most so many
 *   scorers  = intent_exact,intent_f1
 * or a section is a name for several others:
 *   [home]
 *   tasks    = intent,answer
 *
 * Everything that is read is checked; an error names the file, the line and the field. */
/* SPDX-License-Identifier: MIT */
#ifndef EVAL_TASK_FILE_H
#define EVAL_TASK_FILE_H

#include "base/err.h"
#include "eval/scorer.h"

#define TASK_MAX_SCORERS 8

enum task_kind { TASK_ANSWER, TASK_CHOICE, TASK_TEXT };

struct task_item {
    int line;     /* in the file, from 1 */
    char *prompt; /* with the template around it; of TASK_TEXT the text */
    char **texts; /* accepted answers, or choices; NULL-ended; NULL for TASK_TEXT */
    int n_texts;
    int gold;     /* index of the right choice */
};

struct task {
    char *name, *path;
    char sha256[65]; /* of the file and of how it is asked: another template is another task */
    enum task_kind kind;
    char *stop; /* NULL: an answer ends with the model's end of text, or when it is long enough */
    int tokens;
    const struct scorer *scorer[TASK_MAX_SCORERS];
    int n_scorers;
    int templated; /* has a template of its own: that is how it is asked */
    int chat;      /* to be asked by the model's chat template */
    struct task_item *item;
    int n_items;
};

/* The tasks of a comma-separated list.  Each is a section of FOLDER/tasks.ini, or a file of one's own with its scorers:
 * "intent,answer" or "mine.jsonl:exact,rouge_l" (a name behind a file that is a scorer belongs to that file). */
int task_list_open(struct task **tasks, int *n, const char *list, const char *folder, struct err *e);
void task_list_close(struct task *tasks, int n);

/* From here on the tasks that are answered, and have no template of their own, are asked by the model's chat template.  They are
 * other tasks then: their sha256 changes. */
void task_list_chat(struct task *tasks, int n);

#endif
