/* protocol.h - what a sweep and the process of a trial say to each other: one JSON object a line, version 1.
 *
 *   parent                                            child
 *   {"v":1,"do":"load","cell":{...},"path":...}       {"v":1,"ok":true,"stretches":[{"kind":"load",...}]}
 *   {"v":1,"do":"measure"}                            {"v":1,"ok":true,"stretches":[prefill, decode]}
 *   {"v":1,"do":"facts"}                              {"v":1,"ok":true,"stretches":[facts]}: readings, no time
 *   {"v":1,"do":"score","window":128}                 {"v":1,"ok":true,"scores":[[[nats, tokens],...]]}
 *   {"v":1,"do":"score","window":128,"reference":PATH}      the same, three scorers of bench/task.h, and
 *                                                     "token_values":[kl,...]: the first one's quantity of each scored token
 *   {"v":1,"do":"score","tasks":..,"folder":..,"index":0,"chat":true}   ... a list of items per scorer of the task
 *   {"v":1,"do":"exit"}                               {"v":1,"ok":true,"stretches":[trial]}, then it ends
 *   anything that failed                              {"v":1,"ok":false,"code":5,"error":"what, where, why"}
 *
 * measure, facts and score may be repeated; between two messages the child's threads are parked.  A version that differs is an error
 * on both sides.  This file turns messages into structs and back, and nothing else. */
/* SPDX-License-Identifier: MIT */
#ifndef BENCH_PROTOCOL_H
#define BENCH_PROTOCOL_H

#include <stdint.h>

#include "base/err.h"
#include "base/reading.h"
#include "bench/cell.h"
#include "bench/topology.h"

#define PROTOCOL_VERSION 1

struct json_t;

/* Everything a child needs to know. */
struct trial_setup {
    struct cell cell;
    const char *path; /* model file, "" when the runtime has none */
    const char *text; /* file whose tokens fill the context; NULL: made-up ids */
    const char *skip; /* probes not to open, comma-separated */
    uint64_t seed;
    int cpus[TOPOLOGY_MAX_CPUS]; /* [cell.threads] */
};

/* A timed piece of a trial, with its own memory. */
struct stretch {
    char kind[16];
    int64_t begin_real_ns, begin_ns, ns;
    int tokens;
    int64_t *token_ns; /* [tokens] of a decode, else NULL; free by stretch_free */
    struct readings readings;
};

void stretch_free(struct stretch *s);

struct json_t *protocol_request(const char *what); /* {"v":1,"do":what} */
struct json_t *protocol_load(const struct trial_setup *s);
/* The texts in *s point into j. */
int protocol_read_load(const struct json_t *j, struct trial_setup *s, struct err *e);

struct json_t *protocol_ok(void);
struct json_t *protocol_error(const struct err *e);
void protocol_add_stretch(struct json_t *reply, const struct stretch *s);

/* Version and "ok" of a reply; its error becomes *e. */
int protocol_check(const struct json_t *j, struct err *e);
/* The i-th stretch of a reply: 1, 0 when there are no more, -1 when it is malformed. */
int protocol_read_stretch(const struct json_t *j, int i, struct stretch *s, struct err *e);

#endif
