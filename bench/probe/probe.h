/* probe.h - what a probe is.
 *
 * A probe is one file in this folder that ends with its one struct probe, listed once in probes.def.  It never ends a run,
 * never estimates and never writes 0 for what it could not read: its state is ok, or it has a reason.
 *
 * The same probe has two sides.  Inside the trial's process begin and end stand around each stretch; they add readings to it.
 * In the parent, watch is called at every sampling tick with the child's pid and finish once after it ended; their readings
 * belong to the whole trial.  Any of the four may be NULL.  All files that describe the machine are read below env->sysroot
 * ("" is the real machine); those of a process are always the real ones.
 *
 * Stretches nest, two deep: the outer one is the trial, the inner ones load, prefill and decode.  So one set serves a process:
 *
 *     parent, once a sweep   open (child = 0), store the states, put what is not ok into the skip list, close
 *     child, right after exec   open (child = 0, skip)  begin  { begin load end }  { begin decode end } ...  end  close
 *     parent, each trial     open (child = pid, skip)  watch ... watch  finish  close
 *
 * Clocks are read inside begin and end: begin, clock, work, clock, end.  What the probes cost is in no time that is reported. */
/* SPDX-License-Identifier: MIT */
#ifndef BENCH_PROBE_PROBE_H
#define BENCH_PROBE_PROBE_H

#include <stddef.h>
#include <sys/types.h>

#include "base/reading.h"

struct probe_env {
    const char *sysroot; /* prefix of /sys and /proc files that describe the machine: $BENCH_SYSROOT or "" */
    pid_t child;         /* the process watched; 0 in the child itself */
};

struct probe {
    const char *name;
    const char *about; /* one line for --help and bench doctor */
    size_t size;       /* bytes of private state, zeroed by the caller, handed in as self */
    size_t mark_size;  /* bytes that begin notes for its end; every level of nesting has its own */

    /* Whether this machine has it.  Any state but ok writes a reason (what, why, what to do) of at most n bytes; then none of
     * the others but close is called. */
    enum state (*open)(void *self, const struct probe_env *env, char *reason, size_t n);
    void (*begin)(void *self, void *mark);                           /* right before a stretch */
    void (*end)(void *self, const void *mark, struct readings *out); /* right after it: adds this stretch's readings */
    void (*watch)(void *self);                                       /* parent, at each tick */
    void (*finish)(void *self, struct readings *out);
    void (*close)(void *self); /* also after open failed; may be NULL */
};

extern const struct probe *const probes[]; /* in the order of probes.def; NULL ends the list */

/* All probes of one process, opened together. */
struct probe_set;

/* skip: names not to open (a comma-separated list, or NULL); they are in state off.  The child skips what the parent found
 * unusable, so that no trial pays for it twice. */
struct probe_set *probe_set_open(const struct probe_env *env, const char *skip);
void probe_set_close(struct probe_set *s);
void probe_set_begin(struct probe_set *s);
void probe_set_end(struct probe_set *s, struct readings *out); /* of the innermost stretch, in the reverse order of begin */
void probe_set_watch(struct probe_set *s);
void probe_set_finish(struct probe_set *s, struct readings *out);
int probe_set_count(const struct probe_set *s);
/* State of the i-th probe; *reason is empty when ok. */
enum state probe_set_state(const struct probe_set *s, int i, const char **name, const char **reason);

#endif
