/* trial.h - the child's side of a trial: one process that has one cell loaded and measures it.
 *
 * It reads requests from `in` and answers on `out` (protocol.h) until it is told to exit or `in` ends.  Inside a timed stretch
 * nothing is allocated, parsed or printed.
 *   load     the runtime's load: mapping and prefaulting the weights, building the session
 *   prefill  the context's tokens into an empty KV cache
 *   decode   cell.decode greedy tokens, each stamped; the end of a text does not stop it
 *   facts    no time: bytes and a hash of the logits of the context's first tokens, which are the same in every process
 *   trial    the whole process, from its start to its last answer */
/* SPDX-License-Identifier: MIT */
#ifndef BENCH_TRIAL_H
#define BENCH_TRIAL_H

#include "base/err.h"

int trial_serve(int in, int out, struct err *e);

#endif
