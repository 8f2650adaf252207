/* axes.h - the axes of the matrix: what a sweep varies.
 *
 * An axis is a line of axes.def: its name (option, INI key, column, legend), the field of struct cell that it sets, its default
 * and a check of one value.  The product of their lists is arithmetic on an index (matrix.h). */
/* SPDX-License-Identifier: MIT */
#ifndef BENCH_AXES_H
#define BENCH_AXES_H

#include <stddef.h>

#include "base/err.h"
#include "bench/cell.h"

struct axis {
    const char *name;
    const char *arg;       /* of the option: "LIST" */
    const char *help;
    const char *otherwise; /* value when the user gave none */
    size_t field;          /* offset in struct cell */
    int is_number;         /* the field is an int, else a const char * */
    int lo, hi;            /* of a number */
    int (*check)(const char *value, struct err *e); /* of a text; NULL: anything */
};

enum {
#define AXIS(field_name, ...) AXIS_##field_name,
#include "bench/axes.def"
#undef AXIS
    AXES
};

extern const struct axis axes[AXES];

const struct axis *axis_by_name(const char *name); /* NULL when there is none */
/* Checks the value and puts it into the cell (text is pointed at, not copied). */
int axis_set(const struct axis *a, struct cell *c, const char *value, struct err *e);
/* The cell's value as text, in buf when it is a number. */
const char *axis_get(const struct axis *a, const struct cell *c, char buf[16]);

#endif
