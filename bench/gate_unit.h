/* gate_unit.h - one unit of a gate: a fresh process of each arm, measured alternately on the same CPUs.
 *
 * All arms map the same model file, but for a gate of two models.  Processes are started in a random order, each with an environment of a random length, which
 * moves its stack (Mytkowicz et al. 2009).  Rounds come in twos: a random order of the arms, then the same backwards, so that of any
 * two arms each comes first in half of the rounds and what drifts during a unit meets both alike. */
/* SPDX-License-Identifier: MIT */
#ifndef BENCH_GATE_UNIT_H
#define BENCH_GATE_UNIT_H

#include <stdint.h>

#include "base/err.h"
#include "base/reading.h"
#include "bench/child.h"
#include "bench/protocol.h"

enum gate_arm { ARM_BASE, ARM_HEAD, ARM_NULL, GATE_ARMS };
extern const char *const gate_arm_names[GATE_ARMS];

enum gate_part { PART_PREFILL, PART_DECODE, GATE_PARTS };
extern const char *const gate_part_names[GATE_PARTS]; /* the kinds of their stretches */

struct gate_sample { /* one prefill and one decode */
    int place;       /* in which order the arms were measured in this round */
    struct {
        int64_t ns;
        int tokens;
        int64_t *token_ns;                                  /* [tokens] of the decode; NULL of the prefill */
        int64_t cpu_ns, run_delay_ns, nivcsw, instructions; /* -1: not measured */
        int64_t energy_uj;                                  /* likewise; of all packages */
    } part[GATE_PARTS];
};

struct gate_process {
    struct outcome outcome;
    int place, pad;
    int64_t peak_bytes; /* -1: not measured */
    struct gate_sample *sample;
    int n; /* samples there are: the unit's rounds, fewer when it failed */
};

struct gate_unit {
    int rounds, threads;
    struct gate_process arm[GATE_ARMS];
};

struct gate_unit_plan {
    const char *program[GATE_ARMS];
    const struct trial_setup *setup[GATE_ARMS];
    int rounds; /* even */
    double timeout_s;
};

/* Fills *u.  A process that fails is an outcome, and the others are not measured any further; -1: this process could not go on. */
int gate_unit_run(struct gate_unit *u, const struct gate_unit_plan *p, uint64_t seed, struct err *e);
void gate_unit_free(struct gate_unit *u);

/* Is the unit what it must be: no process failed, every arm has all rounds with times above 0, and of any two arms each came first
 * equally often?  0, or -1 with why. */
int gate_unit_check(const struct gate_unit *u, struct err *e);

/* One process of an arm that loads the cell and tells its facts (bench/trial.h).  An older program that knows no such request has
 * none. */
int gate_facts(struct readings *facts, const struct gate_unit_plan *p, enum gate_arm arm, struct outcome *o,
               struct err *e);

#endif
