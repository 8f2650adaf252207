/* show_plan.h - a sweep's plan for a person or a program, and the words for a cell and for a time that go with it. */
/* SPDX-License-Identifier: MIT */
#ifndef BENCH_CMD_SHOW_PLAN_H
#define BENCH_CMD_SHOW_PLAN_H

#include <stddef.h>

#include "bench/plan.h"

/* What `bench sweep --dry-run` prints to stdout. */
void plan_print_text(const struct plan *p, const struct sweep_config *c);
void plan_print_json(const struct plan *p, const struct sweep_config *c);

/* "m.gguf q4_0 kv f16 context 64 threads 2"; axes at their usual value are left out. */
void describe_cell(const struct cell *c, char *buf, size_t size);
/* "12 s", "3 min", "1.5 h"; s < 0 is not known. */
void describe_seconds(double s, char buf[32]);

#endif
