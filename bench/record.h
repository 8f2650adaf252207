/* record.h - a plan's rows in the store: the run with its probes, its models, variants and cells.
 *
 * What a sweep and a gate have in common before they measure. */
/* SPDX-License-Identifier: MIT */
#ifndef BENCH_RECORD_H
#define BENCH_RECORD_H

#include <stdint.h>

#include "base/err.h"
#include "bench/plan.h"
#include "bench/probe/probe.h"
#include "results/store.h"

#define RECORD_SKIP 256 /* bytes for the names of all probes */

/* Opens every probe once.  The run begins with their states, unless *run is one that is taken up again.  skip: those that this
 * machine does not have, comma-separated, for the trials. */
int record_run(struct store *s, const struct store_run *r, const struct probe_env *env, int64_t *run, char skip[RECORD_SKIP],
               struct err *e);

/* Models and variants of the plan; sets their ids. */
int record_variants(struct store *s, struct plan *p, struct err *e);

/* One cell of the plan; sets its id. */
int record_cell(struct store *s, int64_t run, const struct plan *p, struct plan_cell *pc, struct err *e);

#endif
