/* topology.h - the machine: which CPUs there are, of which kind, and which of them a cell with N threads runs on.
 *
 * The only file that includes hwloc.  Built with HWLOC=0, or where hwloc cannot read the machine, it falls back to the CPUs that
 * the scheduler allows, and topology_source says so. */
/* SPDX-License-Identifier: MIT */
#ifndef BENCH_TOPOLOGY_H
#define BENCH_TOPOLOGY_H

#include "base/err.h"

#define TOPOLOGY_MAX_CPUS 1024
#define TOPOLOGY_THREADS_PER_CPU 4 /* at most: enough to see what sharing costs */

struct topology;

int topology_open(struct topology **t, struct err *e);
void topology_close(struct topology *t);

const char *topology_source(const struct topology *t); /* "hwloc 2.9.0", or why there is none */
int topology_cores(const struct topology *t);          /* physical cores this process may use */
int topology_cpus(const struct topology *t);           /* logical CPUs this process may use (cgroup and affinity mask honoured) */
int topology_kinds(const struct topology *t);          /* kinds of core (big and little); 1 when they are all alike or unknown */

/* The CPUs for n threads: the fastest kind first, one per core before any second hardware thread.  More threads than
 * topology_cpus share them: the list begins again, so that no CPU has two threads more than another.  Error past
 * TOPOLOGY_THREADS_PER_CPU of them to a CPU, with the numbers. */
int topology_pick(const struct topology *t, int n, int *cpus, struct err *e);

/* How many CPUs n threads that were picked for have between them: fewer than n where they share. */
int topology_distinct(const int *cpus, int n);

/* Description for the store: XML of hwloc, malloc'ed; NULL without hwloc. */
char *topology_xml(const struct topology *t);

#endif
