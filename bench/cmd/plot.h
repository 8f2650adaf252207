/* plot.h - figures of one run: a data file and a picture each. */
/* SPDX-License-Identifier: MIT */
#ifndef BENCH_CMD_PLOT_H
#define BENCH_CMD_PLOT_H

#include <stdint.h>

#include "base/err.h"
#include "results/store.h"

struct plot_job {
    const char *dir;     /* where the files go; made when it is not there */
    const char *figure;  /* one name, or NULL for all there are */
    const char *formats; /* "png,svg" */
    const char *scripts; /* folder of the gnuplot scripts; NULL: $BENCH_PLOTS, ./plots or the installed one */
};

/* Draws the figures and prints what it made.  A figure that has nothing to show says why; an error when that is so for all. */
int plot_run(struct store *s, int64_t run, const struct plot_job *job, struct err *e);

#endif
