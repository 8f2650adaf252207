/* kernels.h - what `bench kernels` measured, shared by its text (kernels_text.c) and its JSON (kernels_json.c) only. */
/* SPDX-License-Identifier: MIT */
#ifndef BENCH_CMD_KERNELS_H
#define BENCH_CMD_KERNELS_H

#include "bench/kernel_time.h"

#define KERNELS_COLUMNS 32         /* numbers of columns that --columns takes */
#define KERNELS_MOST_COLUMNS 16384 /* and the largest */

struct kernels {
    struct kernel_job job;      /* its peak is the better of both measurements */
    struct peak before, after;  /* right before the kernels and right after */
    struct kernel_shape *shape; /* [job.n_shapes], of the model; NULL without one */
    int columns[KERNELS_COLUMNS];
};

void kernels_print_check(const struct kernel_job *j);
void kernels_print_peak(const struct peak *p);
void kernels_print_times(const struct kernels *k);
/* timed: not with --check. */
void kernels_print_json(const struct kernels *k, int timed);

#endif
