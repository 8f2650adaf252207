/* inject.h - a build that is worse by a known amount, to see whether a gate finds it.  Off, which is 0, it compiles to nothing.
 *
 * Slower: INJECT_PREFILL_PPM, INJECT_DECODE_PPM: so many millionths of the rows of every weight matrix are multiplied once more, in
 * passes of many columns and of one; INJECT_SAMPLE_PPM: of the logits that greedy sampling looks through.  The same kernel does the
 * same work on the same bytes again, and the result stays the same; nothing sleeps.  What that slows down as a whole is less than
 * the share and has to be measured.
 *
 * Dumber: INJECT_NOISE_PPM: each logit is moved by up to so many millionths, drawn evenly; of perplexity that is a sixth of its
 * square or less.  INJECT_WRONG_PPM: of the prompts, chosen by their tokens, so many millionths get negated logits.
 *
 *     make INJECT='-DINJECT_DECODE_PPM=50000' O=build/slow */
/* SPDX-License-Identifier: MIT */
#ifndef ENGINE_INJECT_H
#define ENGINE_INJECT_H

#include <stdint.h>
#include <string.h>

#ifndef INJECT_PREFILL_PPM
#define INJECT_PREFILL_PPM 0
#endif
#ifndef INJECT_DECODE_PPM
#define INJECT_DECODE_PPM 0
#endif
#ifndef INJECT_SAMPLE_PPM
#define INJECT_SAMPLE_PPM 0
#endif
#ifndef INJECT_NOISE_PPM
#define INJECT_NOISE_PPM 0
#endif
#ifndef INJECT_WRONG_PPM
#define INJECT_WRONG_PPM 0
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

/* Is what follows these tokens to be wrong?  Decided at position 0, and it stays so until the next prompt. */
static inline int inject_wrong(const int *ids, int n, int pos)
{
    static int wrong;
    uint64_t h = 0;
    for (int i = 0; !pos && i < n; i++) {
        h = (h + (uint64_t)ids[i] + 1) * 0x9e3779b97f4a7c15u;
        h ^= h >> 29;
    }
    if (!pos)
        wrong = (int)(h % 1000000) < INJECT_WRONG_PPM;
    return wrong;
}

/* The same logits get the same noise. */
static inline void inject_logits(float *logits, int n, int wrong)
{
    uint32_t first;
    memcpy(&first, logits, sizeof first);
    uint64_t h = first;
    for (int i = 0; INJECT_NOISE_PPM && i < n; i++) {
        h = h * 6364136223846793005u + 1442695040888963407u;
        logits[i] += INJECT_NOISE_PPM * 1e-6f * ((float)(h >> 40) * 0x1p-23f - 1);
    }
    for (int i = 0; wrong && i < n; i++)
        logits[i] = -logits[i];
}

#endif
