/* engine_args.h - the options of the commands that run one model with this program's own engine.
 *
 * They are those of the matrix (bench/axes.def), checked as there, but with one value each and all cores by default. */
/* SPDX-License-Identifier: MIT */
#ifndef BENCH_CMD_ENGINE_ARGS_H
#define BENCH_CMD_ENGINE_ARGS_H

#include "base/err.h"
#include "bench/cell.h"
#include "bench/cmd/cmd.h"
#include "bench/topology.h"

#define ENGINE_OPTIONS                                                                                                           \
    {"kv", 0, "K[:V]", "KV cache format; K:V sets the two apart (f16)"},                                                         \
        {"policy", 0, "NAME", "what a token sees: full, window:W, sinks:S+W tokens (full)"},                                     \
        {"compute", 0, "PATH", "packed, int8, int8_token, exact: how activations and weights are rounded (packed)"},             \
        {"isa", 0, "NAME", "highest instruction set to use (auto)"},                                                             \
    {                                                                                                                            \
        "threads", 't', "N", "threads, each pinned to a CPU; they share when there are more than CPUs (all cores)"               \
    }

/* Fills these fields of c, and cpus with the c->threads CPUs to run on; says so on stderr when they have to share them. */
int engine_args(const struct args *a, struct cell *c, int cpus[TOPOLOGY_MAX_CPUS], struct err *e);

#endif
