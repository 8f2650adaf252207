/* gnuplot.h - running one gnuplot script; the only place that starts gnuplot. */
/* SPDX-License-Identifier: MIT */
#ifndef BENCH_CMD_GNUPLOT_H
#define BENCH_CMD_GNUPLOT_H

#include "base/err.h"

struct gnuplot_variable {
    const char *name, *value; /* a text, handed over as it is; a NULL name ends the list */
};

/* Without a shell.  When gnuplot is missing, or ends with anything but 0, the error holds what it said. */
int gnuplot_run(const char *script, const struct gnuplot_variable *variables, struct err *e);

#endif
