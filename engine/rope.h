/* rope.h - how fast each pair of a head turns: rope's frequencies after scaling. */
/* SPDX-License-Identifier: MIT */
#ifndef ENGINE_ROPE_H
#define ENGINE_ROPE_H

#include "engine/model.h"

/* frequency[n_rot / 2], radians per position, for a context of n_ctx positions; returns the factor of cosine and sine. */
double rope_frequencies(const struct model *m, enum rope_set set, int n_ctx, double *frequency);

#endif
