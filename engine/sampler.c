/* Probabilities are exp((logit - max) / temperature); their sum is left as it is and every limit scaled by it.  The
 * candidates form a heap, so that only those that top-k and top-p keep are ever sorted. */
/* SPDX-License-Identifier: MIT */
#include "engine/sampler.h"

#include <math.h>

#include "engine/inject.h"

struct candidate {
    float p;
    int id;
};

static int argmax(const float *logits, int n)
{
    int best = 0;
    for (int i = 1; i < n; i++)
        if (logits[i] > logits[best] || isnan(logits[best]))
            best = isnan(logits[i]) ? best : i;
    return best;
}

/* Is a picked before b?  The more probable one, the lower id among equals. */
static int before(struct candidate a, struct candidate b)
{
    return a.p > b.p || (a.p == b.p && a.id < b.id);
}

static void sift(struct candidate *heap, int at, int n)
{
    struct candidate moved = heap[at];
    for (int child; (child = 2 * at + 1) < n; at = child) {
        if (child + 1 < n && before(heap[child + 1], heap[child]))
            child++;
        if (!before(heap[child], moved))
            break;
        heap[at] = heap[child];
    }
    heap[at] = moved;
}

/* Moves the first of a heap of *n to its end and shrinks it. */
static struct candidate pop(struct candidate *heap, int *n)
{
    struct candidate first = heap[0];
    heap[0] = heap[--*n];
    heap[*n] = first;
    sift(heap, 0, *n);
    return first;
}

/* Keeps what top-k and then top-p keep, in descending order at the end of c; returns how many and the sum of their p. */
static int keep(const struct sampler *s, struct candidate *c, int n, double *sum)
{
    int heap = n, kept = 0;
    int most = s->top_k > 0 && s->top_k < n ? s->top_k : n;
    for (int i = n / 2; i-- > 0;)
        sift(c, i, n);
    if (most < n) {
        *sum = 0;
        while (n - heap < most)
            *sum += pop(c, &heap).p;
    }
    double enough = s->top_p < 1 ? s->top_p * *sum : INFINITY, have = 0;
    while (kept < most && (kept == 0 || have < enough)) {
        if (n - heap == kept)
            pop(c, &heap);
        have += c[n - 1 - kept++].p;
    }
    *sum = have;
    return kept;
}

int sampler_pick(struct sampler *s, const float *logits, int n, void *room)
{
    int best = argmax(logits, n);
    if (INJECT_SAMPLE_PPM) {
        static _Thread_local int64_t left;
        volatile int again = argmax(logits, inject_again(n, INJECT_SAMPLE_PPM, 1, &left));
        (void)again;
    }
    if (!(s->temperature > 0) || !isfinite(logits[best]))
        return best;

    struct candidate *c = room;
    int found = 0;
    double sum = 0;
    for (int i = 0; i < n; i++) {
        float p = (float)exp(((double)logits[i] - logits[best]) / s->temperature);
        if (p > 0) { /* false for NaN as well */
            c[found++] = (struct candidate){p, i};
            sum += p;
        }
    }
    int kept = found;
    if ((s->top_k > 0 && s->top_k < found) || s->top_p < 1)
        kept = keep(s, c, found, &sum);

    double at = rng_unit(&s->rng) * sum;
    int i = found - 1; /* from the most probable on, where they are sorted */
    for (; i > found - kept; i--) {
        at -= c[i].p;
        if (at < 0)
            break;
    }
    return c[i].id;
}

unsigned long sampler_room(int n)
{
    return (unsigned long)n * sizeof(struct candidate);
}
