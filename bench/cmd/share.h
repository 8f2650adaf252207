/* share.h - where the files lie that come with bench: the figures' scripts, the task sets. */
/* SPDX-License-Identifier: MIT */
#ifndef BENCH_CMD_SHARE_H
#define BENCH_CMD_SHARE_H

#ifndef SHAREDIR
#define SHAREDIR "/usr/local/share/bench" /* `make install` puts them here; the Makefile says where that is */
#endif

/* What the environment variable names, else ./NAME, else SHAREDIR/NAME: of the last two the first that has a file `mark`, and
 * ./NAME when neither has.  A literal, or the environment's own text. */
const char *share_folder(const char *name, const char *variable, const char *mark);

#endif
