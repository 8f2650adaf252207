/* runtime.h - what can run a model: our own engine, another one, or nothing at all (null).
 *
 * A runtime is one file in this folder that ends with its one struct runtime, listed once in runtimes.def.  prepare and plan are
 * called in the parent, before any trial; the others in the trial's own process, in the order load, then prefill and decode,
 * or nll.  No function prints.  What is timed is timed by bench/trial.c, which calls these. */
/* SPDX-License-Identifier: MIT */
#ifndef BENCH_RUNTIME_RUNTIME_H
#define BENCH_RUNTIME_RUNTIME_H

#include <limits.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/reading.h"
#include "bench/cell.h"

/* What a cell's weights are, once prepared: the row that the store keeps of a variant. */
struct prepared {
    char path[PATH_MAX]; /* file to load; empty when the runtime has none */
    char format[200];    /* its weight format or recipe, spelt out ("f16" where the cell said "file") */
    int missing;         /* the file is still to be made (prepare was called without `make`) */
    char note[400];      /* what differs from the request: tensors that could not take the format; empty: nothing */
    void *open;          /* what plan keeps of the file for the next cell, until planned closes it; the runtime's own */
};

/* Expected bytes of a trial's process above an empty one; -1: not known. */
struct expected {
    int64_t weights, kv, arena, tables;
};

struct model_facts {
    char name[128], arch[32];
    char sha256[65]; /* of the model's contents, all parts of it */
    int64_t file_bytes, parameters;
    char *metadata; /* JSON object of the file's scalar keys, malloc'ed */
    int text_tokens;
    char chat[32]; /* its chat template: a name, "unknown", or empty where it carries none */
};

/* i counts the ids given; logits are valid during the call. */
typedef void runtime_row_fn(void *ctx, int i, const float *logits);

struct runtime {
    const char *name;
    const char *about;
    size_t size;   /* bytes of private state, zeroed by the caller, handed in as self */
    int has_model; /* needs a model file */

    /* Finds the file that the cell needs, or, with `make`, quantizes the source into the folder `cache`; source_sha256 is the
     * model's.  Only model and format of the cell matter.  -1: it cannot be had, and why. */
    int (*prepare)(const struct cell *c, const char *source_sha256, const char *cache, int make, struct prepared *p,
                   struct err *e);
    /* What the store keeps of a model file; NULL without one.  text: the tokens that it makes of the text, INT_MAX where any
     * number can be made up.  cache: the folder that remembers hashes (bench/hash_cache.h); NULL: nobody asks for the hash, which
     * stays empty. */
    int (*describe)(const char *path, const char *text, size_t text_len, const char *cache, struct model_facts *m, struct err *e);
    /* What the cell will occupy, also when the file is still missing; -1: it cannot run, and why. */
    int (*plan)(const struct cell *c, struct prepared *p, struct expected *x, struct err *e);
    void (*planned)(struct prepared *p); /* Closes what plan kept open, if it did.  NULL: it keeps nothing. */

    /* cpus: the [c->threads] CPUs to run on. */
    int (*load)(void *self, const struct cell *c, const char *path, const int *cpus, struct err *e);
    /* Ids of a text, BOS in front where the model wants it; *ids is malloc'ed. */
    int (*encode)(void *self, const char *text, size_t len, int **ids, int *n, struct err *e);
    /* Ids of a prompt as an instruct model is asked, by the chat template of its file, with the beginning of an answer behind it
     * (may be empty); *end: the id that ends an answer beside eos, or -1.  Prompt and answer as one text where the file carries no
     * template that is known.  NULL: knows no chat templates. */
    int (*ask)(void *self, const char *prompt, const char *answer, int **ids, int *n, int *end, struct err *e);
    /* n ids for a model without a vocabulary of its own (synthetic): seeded.  NULL: every model has one. */
    int (*made_up)(void *self, int *ids, int n, unsigned long seed);
    int (*prefill)(void *self, const int *ids, int n, struct err *e); /* into an empty KV cache */
    /* One greedy token: picks it from the last logits and evaluates it; the end of a text does not stop it. */
    int (*decode)(void *self, int *id, struct err *e);
    /* Into an empty KV cache: nll[i] = -log p(ids[from + i] | ids before it) in nats, for from + i < n; from >= 1. */
    int (*nll)(void *self, const int *ids, int n, int from, double *nll, struct err *e);
    /* Appends ids to the KV cache (to an empty one when fresh) and hands on the logits of each position, in order; fn NULL: of none. */
    int (*rows)(void *self, const int *ids, int n, int fresh, runtime_row_fn *fn, void *ctx, struct err *e);
    int (*vocabulary)(void *self);                    /* ids there are: the length of a row */
    int (*bos)(void *self);                           /* id of BOS, or -1 */
    int (*eos)(void *self);                           /* id that ends a text, or -1 */
    const char *(*piece)(void *self, int id, int *n); /* the bytes of a token as it continues a text, and their number */
    /* After load: what must be the same whenever this cell is loaded, such as the arena's bytes.  NULL: it has nothing to say. */
    void (*facts)(void *self, struct readings *out);
    void (*close)(void *self);
};

extern const struct runtime *const runtimes[]; /* NULL ends the list */
const struct runtime *runtime_by_name(const char *name);

#endif
