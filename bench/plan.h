/* plan.h - a sweep before it runs: its cells, what each will occupy, how long it may take, and which cannot run and why.
 *
 * Models are hashed and described once, files are derived once per model and format, variants are what quality depends on.
 * A cell that cannot run has a reason and stays in the plan: it becomes a row of the result, not a crash. */
/* SPDX-License-Identifier: MIT */
#ifndef BENCH_PLAN_H
#define BENCH_PLAN_H

#include <stdint.h>

#include "base/err.h"
#include "bench/matrix.h"
#include "bench/runtime/runtime.h"
#include "bench/topology.h"
#include "eval/task_file.h"

/* What the user asked for; texts belong to the caller. */
struct sweep_config {
    const char *axis[AXES]; /* comma-separated lists; NULL: the axis' default */
    const char *exclude;    /* lines of "axis=value ...", or NULL */
    const char *text;       /* file that fills the context and is scored; NULL: made-up ids, no score */
    const char *reference;  /* one of the weight formats, which the others are held against; or NULL */
    const char *tasks;      /* list for eval/task_file.h, or NULL */
    const char *task_folder; /* where tasks.ini lies */
    const char *cache;      /* folder for derived files and remembered hashes */
    const char *program;    /* bench binary that runs the trials; NULL: this one */
    int decode, batch, trials, window;
    int chat;         /* tasks without a template of their own are asked by the model's chat template */
    int task_context; /* tokens that an item of a task and its answer may have */
    int watch_hz; /* sampling of a trial's memory from outside; 0: off */
    uint64_t seed;
    double timeout_s; /* of one answer of a trial */
    int resume;
};

struct plan_model {
    const char *path;
    struct model_facts facts;
    int64_t id; /* in the store */
};

struct plan_file { /* a model in one format, as one runtime needs it */
    int model;     /* index; -1 for a runtime without models */
    const struct runtime *runtime;
    const char *asked; /* the format as the cell spells it */
    struct prepared prepared;
    char why[400]; /* why it cannot be had; empty: it can */
};

struct plan_variant {
    int file;
    const char *kv, *policy, *compute;
    int64_t id;     /* in the store */
    int scored_by;  /* index of a cell that can run it; -1: none can */
};

struct plan_cell {
    const struct cell *cell;
    int variant;
    int on_cpus;    /* so many CPUs its threads share; 0: each has one, or it cannot run */
    struct expected expected;
    double seconds; /* of one trial, about; < 0: not known */
    char why[400];  /* why it cannot run; empty: it can */
    int64_t id;     /* in the store */
};

struct plan {
    struct cell_matrix matrix;
    struct topology *topology;
    char *text; /* contents of config.text, or NULL */
    size_t text_len;
    char text_sha256[65];
    struct task *tasks; /* of config.tasks */
    int n_tasks;
    struct plan_model *models;
    struct plan_file *files;
    struct plan_variant *variants;
    struct plan_cell *cells; /* [matrix.n] */
    int n_models, n_files, n_variants;
    int n_feasible;
    char key[65]; /* hash of everything that decides what is measured: --resume looks for it */
};

/* say: called before anything that takes a while ("deriving q4_0 of m.gguf"); may be NULL.
 * make: derive the files; without it they stay missing and the plan is only looked at.
 * bytes_per_s: read bandwidth for the expected times; 0: times are not known.
 * build: names this program's build, part of the key. */
int plan_open(struct plan *p, const struct sweep_config *c, int make, double bytes_per_s, const char *build,
              void (*say)(const char *what), struct err *e);
void plan_close(struct plan *p);

#endif
