/* profile.h - where the time of evaluations goes: the stages of a pass, and the waiting between them.
 *
 * A stage is what a thread does from one reading of the clock to the next, so the stages and the waiting add up to the time of the
 * passes on every thread.  While it is on it costs two readings per stage and thread; while it is off, a test of a flag. */
/* SPDX-License-Identifier: MIT */
#ifndef ENGINE_PROFILE_H
#define ENGINE_PROFILE_H

#include <stdint.h>

enum stage {
    STAGE_EMBED,     /* rows of the embedding; angles of rope */
    STAGE_NORM,      /* addition to the residual stream, norm, rounding to int8 or bf16 */
    STAGE_QKV,       /* the three matrices, rope, writing K and V into the cache */
    STAGE_ATTENTION, /* scores, softmax, values */
    STAGE_CONV,      /* the other mixer: its matrices and the convolution */
    STAGE_OUTPUT,    /* the mixer's output matrix */
    STAGE_GATE_UP,   /* both matrices and the gate */
    STAGE_DOWN,
    STAGE_HEAD, /* the matrix that gives the logits */
    STAGE_WAIT, /* for other threads: between stages, and at the end of a pass */
    STAGES
};

extern const char *const stage_names[STAGES];

struct profile {
    int64_t passes, wall_ns; /* of them together */
    int64_t ns[STAGES];      /* of all threads together: the sum is threads * wall_ns */
    int64_t bytes[STAGES];   /* that a stage cannot but read: a matrix once a pass, of the cache what the last token sees */
};

struct session;

/* From now on evaluations are added up, from zero. */
void session_profile_start(struct session *s);
/* No more; *p is what they took. */
void session_profile_stop(struct session *s, struct profile *p);

#endif
