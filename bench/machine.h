/* machine.h - this machine and this build, described once for the store.
 *
 * What the machine does not tell is NULL (0 for a number), never a guess.  /proc, /sys and /etc files are read below
 * $BENCH_SYSROOT, so that a recorded tree is described as its own machine; the kernel, the architecture, the instruction set and
 * the topology are always those of the machine that runs. */
/* SPDX-License-Identifier: MIT */
#ifndef BENCH_MACHINE_H
#define BENCH_MACHINE_H

#include "base/err.h"
#include "bench/topology.h"
#include "results/store.h"

struct machine;

/* The topology is only looked at, and may be closed before the machine. */
int machine_open(struct machine **m, const struct topology *t, struct err *e);
void machine_close(struct machine *m);

const struct store_machine *machine_record(const struct machine *m); /* valid until machine_close */
const struct store_build *machine_build(void);

#endif
