/* sampler.h - picking the next token.  Seeded; temperature 0 is greedy (the lowest id wins a tie).
 *
 * Defined for any input: NaN counts as less than every number, and a largest logit that is not finite is picked at once (id 0
 * when all are NaN).  A temperature that is negative or NaN is greedy too. */
/* SPDX-License-Identifier: MIT */
#ifndef ENGINE_SAMPLER_H
#define ENGINE_SAMPLER_H

#include "base/rng.h"

struct sampler {
    float temperature; /* 0: greedy */
    int top_k;         /* keep the k most probable; 0: all */
    float top_p;       /* then keep the fewest that reach this probability together; 1: all (Holtzman et al. 2020) */
    struct rng rng;
};

/* room: [n] pairs of scratch, see sampler_room; not needed (NULL) when greedy. */
int sampler_pick(struct sampler *s, const float *logits, int n, void *room);
unsigned long sampler_room(int n); /* bytes */

#endif
