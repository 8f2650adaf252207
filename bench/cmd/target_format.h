/* target_format.h - the weight format that a command writes a file in. */
/* SPDX-License-Identifier: MIT */
#ifndef BENCH_CMD_TARGET_FORMAT_H
#define BENCH_CMD_TARGET_FORMAT_H

#include "bench/cmd/cmd.h"
#include "kernels/format.h"

/* The format that --format names; NULL, with e set, when it is missing or names none that can be written. */
const struct format *target_format(const struct args *a, struct err *e);

#endif
