/* rng.h - seeded random numbers, the same on every machine (xoshiro256**, Blackman and Vigna 2018; seeded by splitmix64). */
/* SPDX-License-Identifier: MIT */
#ifndef BASE_RNG_H
#define BASE_RNG_H

#include <stdint.h>

struct rng {
    uint64_t s[4];
};

void rng_seed(struct rng *r, uint64_t seed);
uint64_t rng_u64(struct rng *r);
uint64_t rng_below(struct rng *r, uint64_t n); /* uniform in 0 .. n-1, n > 0, without modulo bias */
double rng_unit(struct rng *r);                /* uniform in [0, 1), 53 bits */
double rng_normal(struct rng *r);              /* mean 0, standard deviation 1 (Box and Muller 1958) */

#endif
