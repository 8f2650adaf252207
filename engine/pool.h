/* pool.h - the threads of a session.
 *
 * The caller is thread 0.  pool_run lets every thread run fn(ctx, thread) once and returns when all are done; inside fn,
 * pool_barrier waits for the others.  A waiting thread spins, then yields, then sleeps; parked threads use no CPU.
 * The pool is handed the CPUs to pin to (bench/topology finds them); a CPU that cannot be had is an error, not a silent move. */
/* SPDX-License-Identifier: MIT */
#ifndef ENGINE_POOL_H
#define ENGINE_POOL_H

#include "base/err.h"

struct pool;
typedef void pool_fn(void *ctx, int thread);

int pool_open(struct pool **p, int threads, const int *cpus, struct err *e);
void pool_close(struct pool *p);
int pool_threads(const struct pool *p);
void pool_run(struct pool *p, pool_fn *fn, void *ctx);
void pool_barrier(struct pool *p, int thread);
void pool_park(struct pool *p);

/* The part of 0 .. n-1 that a thread works on, in multiples of `unit`: [*from, *to). */
void pool_part(int n, int unit, int thread, int threads, int *from, int *to);

#endif
