/* gate_stored.h - a gate of two runs that a sweep stored: exact metrics and quality are judged, times and memory only told.
 *
 * Two runs were measured one after the other, and that costs six times the nominal false alarms however many trials there are: so
 * times are told where machine, compiler and flags are the same, and else not even that.  Cells pair up by their axes; the model and
 * the format need not be the same where each run has one.  A cell that is in one run only is invalid. */
/* SPDX-License-Identifier: MIT */
#ifndef BENCH_GATE_STORED_H
#define BENCH_GATE_STORED_H

#include "bench/gate.h"

/* record: what is stored of this machine, build and command. */
int gate_stored(struct store *s, int64_t base, int64_t head, const struct gate_config *c, struct store_run record,
                struct gate_report *out, struct err *e);

#endif
