/* store.h - the database: one SQLite file that keeps every run.
 *
 * The only room that includes sqlite3.h.  WAL, synchronous=FULL, foreign keys; every store_* call that writes is one
 * transaction, so a killed program loses at most what was in flight.  Two programs on one file wait for each other (busy
 * time-out 60 s).  Tables: results/schema.sql, views: results/views.sql, both compiled in.  Never called inside a timed region.
 *
 * Ids are row ids.  Texts are UTF-8.  Every failure is ERR_ENV with the file's name: disk full, permission, not a database of
 * ours, a newer schema than this program knows. */
/* SPDX-License-Identifier: MIT */
#ifndef RESULTS_STORE_H
#define RESULTS_STORE_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/reading.h"

struct store;

/* Opens, creating and migrating as needed (a backup copy FILE.bak-vN is made before a migration). */
int store_open(struct store **s, const char *path, struct err *e);
/* For commands that only read: a missing file is an error that says how to make one. */
int store_open_existing(struct store **s, const char *path, struct err *e);
void store_close(struct store *s);
/* What the user should be told about this file, such as that it is on a network file system; empty when there is nothing. */
const char *store_note(const struct store *s);

/* -- what is recorded once per run ------------------------------------------------------------------------------------- */

struct store_machine {    /* NULL: unknown */
    const char *cpu;      /* model name */
    const char *arch;     /* uname -m */
    const char *os;       /* "Debian GNU/Linux 12 (bookworm)" */
    const char *kernel;   /* uname -r */
    const char *isa;      /* best instruction set, kernels/isa.h */
    const char *virt;     /* hypervisor, or NULL on bare metal */
    const char *governor; /* cpufreq governor of CPU 0, or NULL */
    const char *topology; /* hwloc XML, or NULL */
    const char *topology_source;
    int cpus, cores;
    int64_t memory_bytes;
};

struct store_build {
    const char *version, *commit, *compiler, *flags;
};

struct store_run {
    struct store_machine machine;
    struct store_build build;
    const char *command;  /* as typed */
    const char *plan_key; /* hash of the matrix and its parameters: what --resume looks for */
    uint64_t seed;
    int trials; /* rounds asked for */
};

struct store_probe { /* state of one probe in this run */
    const char *name;
    enum state state;
    const char *reason; /* empty when ok */
};

int store_run_begin(struct store *s, const struct store_run *r, const struct store_probe *probes, int n_probes, int64_t *run,
                    struct err *e);
/* state: "done", "interrupted" or "failed" (a run that is being measured, or whose program was killed, is "running");
 * "running" for a run that is taken up again. */
int store_run_end(struct store *s, int64_t run, const char *state, struct err *e);
/* The newest run with this plan_key that is not done; 0 when there is none. */
int store_run_find(struct store *s, const char *plan_key, int64_t *run, struct err *e);

struct store_model { /* without sha256: the runtime has no model file (null runtime), and its id is 0 */
    const char *path, *sha256, *name, *arch;
    int64_t file_bytes, parameters;
    const char *metadata; /* JSON of the scalar keys of the GGUF */
};

struct store_variant {
    const char *format, *kv, *policy; /* "q4_0", "f16", "full" */
    const char *compute;              /* quality depends on the compute path too */
    const char *file_sha256;          /* of the derived file, or NULL */
    int64_t file_bytes;
    const char *note; /* "blk.0.ffn_down stays f16: 172 is not a multiple of 32", or NULL */
};

/* The rows that describe a thing once; the same description gives the same id. */
int store_model(struct store *s, const struct store_model *m, int64_t *id, struct err *e);
int store_variant(struct store *s, int64_t model, const struct store_variant *v, int64_t *id, struct err *e);

struct store_cell {
    int64_t variant;
    const char *runtime, *isa, *compute;
    int context, threads, decode, batch;
    /* expected bytes; -1: not known */
    int64_t weights_bytes, kv_bytes, arena_bytes, tables_bytes;
    const char *infeasible; /* why it cannot run, or NULL */
};

/* Adds the cell to the run, or finds it there (resume). */
int store_cell(struct store *s, int64_t run, const struct store_cell *c, int64_t *id, struct err *e);

/* -- what is measured -------------------------------------------------------------------------------------------------- */

struct store_stretch {
    const char *kind;        /* "load", "prefill", "decode", "trial" (the whole process) */
    int64_t begin_real_ns;   /* CLOCK_REALTIME */
    int64_t begin_ns, ns;    /* CLOCK_MONOTONIC_RAW, and the length */
    int tokens;              /* done in it; 0 for load */
    const int64_t *token_ns; /* decode: [tokens] time of each token; else NULL */
    const struct readings *readings;
};

struct store_trial {
    int64_t cell;
    int round;          /* 0 .. */
    const char *state;  /* "ok", "crashed", "timeout", "memory", "failed", "protocol" */
    const char *reason; /* empty when ok */
    const struct store_stretch *stretches;
    int n_stretches;
};

/* The trial with its stretches and readings, in one transaction.  A trial that is there already (cell, round) is an error. */
int store_trial(struct store *s, const struct store_trial *t, struct err *e);
/* done[round], rounds 0 .. n-1 of the cell: 0 not stored, 1 stored and not ok, 2 stored and ok. */
int store_trials_done(struct store *s, int64_t cell, int n, unsigned char *done, struct err *e);

struct store_score {
    int64_t run, variant;
    const char *task, *task_sha256; /* a task is its name and the hash of its content */
    const char *scorer;             /* "perplexity" */
    double value;                   /* used when state is "ok" */
    const char *state, *reason;     /* as a trial's */
    const double *sums;             /* [n_items][n_sums]: eval/scorer.h */
    int n_items, n_sums;
    const double *token_values; /* [n_tokens] the scorer's quantity of each scored token; NULL: it keeps none */
    int n_tokens;
};

/* A score that is there already (run, variant, task, scorer) is an error. */
int store_score(struct store *s, const struct store_score *sc, struct err *e);
/* The sums of all items of a score, as they were given: *sums is malloc'ed ([*n][n_sums]).  scorer: its name, for the message when
 * they are of another size. */
int store_score_sums(struct store *s, int64_t score, const char *scorer, int n_sums, double **sums, int *n, struct err *e);
/* *done: it is stored, in whatever state. */
int store_score_done(struct store *s, int64_t run, int64_t variant, const char *task, const char *scorer, int *done,
                     struct err *e);

/* -- what `bench kernels` measures ---------------------------------------------------------------------------------------- */

struct store_kernel {
    const char *name; /* "q4_0_matvec_q8_avx512vnni", or "read_bandwidth", "peak_int8", "peak_f32" for the machine itself */
    int threads, k, rows, columns; /* shape; 0 where it has none */
    double ns;                     /* median of one call */
    double bytes_per_s, ops_per_s; /* what it reads and computes; 0 where it has none */
    double of_bandwidth, of_peak;  /* fractions of the machine's, measured in the same run; < 0: not applicable */
};

/* One measurement of this machine by this build, all kernels in one transaction. */
int store_kernels(struct store *s, const struct store_machine *m, const struct store_build *b, const struct store_kernel *k,
                  int n, struct err *e);

/* -- reading ----------------------------------------------------------------------------------------------------------- */

/* One row of a query: n texts by column; NULL is SQL's NULL. */
typedef int store_row_fn(void *ctx, int n, const char *const *column, const char *const *value);

/* Runs one SELECT, with up to 8 parameters ?1 .. ?8 taken from a NULL-ended array (may be NULL).  fn returning non-0 stops.
 * SQL of this program's own figures may call median(x), median_low(x), median_high(x): base/stats.h, level 0.95. */
int store_query(struct store *s, const char *sql, const char *const *params, store_row_fn *fn, void *ctx, struct err *e);

#endif
