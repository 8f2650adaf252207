/* inject.h - a build that is slower by a share of its own work, to see whether a gate finds it.
 *
 * INJECT_PREFILL_PPM, INJECT_DECODE_PPM: so many millionths of the rows of every weight matrix are multiplied once more, in passes
 * of many columns and of one; INJECT_SAMPLE_PPM: of the logits that greedy sampling looks through.  The same kernel does the same
 * work on the same bytes again, and the result stays the same; nothing sleeps.  What that slows down as a whole is less than the
 * share and has to be measured.  Off, which is 0, it compiles to nothing.
 *
 *     make INJECT='-DINJECT_DECODE_PPM=50000' O=build/slow */
/* SPDX-License-Identifier: MIT */
#ifndef ENGINE_INJECT_H
#define ENGINE_INJECT_H

#include <stdint.h>

#ifndef INJECT_PREFILL_PPM
#define INJECT_PREFILL_PPM 0
#endif
#ifndef INJECT_DECODE_PPM
#define INJECT_DECODE_PPM 0
#endif
#ifndef INJECT_SAMPLE_PPM
#define INJECT_SAMPLE_PPM 0
#endif

/* Of n pieces of work that were done, how many to do again: a multiple of `unit` and n at most.  What is left over stays in *carry
 * for the next call, so that the share holds over many. */
static inline int inject_again(int n, int ppm, int unit, int64_t *carry)
{
    *carry += (int64_t)n * ppm;
    int64_t again = *carry / 1000000 / unit * unit;
    if (again > n)
        again = n / unit * unit;
    *carry -= again * 1000000;
    return (int)again;
}

#endif
