/* cell_session.h - a point of the matrix as the options of a session of this program's own engine. */
/* SPDX-License-Identifier: MIT */
#ifndef BENCH_RUNTIME_CELL_SESSION_H
#define BENCH_RUNTIME_CELL_SESSION_H

#include "bench/cell.h"
#include "engine/model.h"

/* The cell's texts were checked by their axes (bench/axes.h); a NULL isa is the best one.  cpus: [c->threads], or NULL. */
void cell_session(const struct cell *c, int n_ctx, const int *cpus, struct session_options *o);

#endif
