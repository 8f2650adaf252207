/* SPDX-License-Identifier: MIT */
#include "engine/profile.h"

#include <string.h>

#include "base/clock.h"
#include "engine/eval.h"

const char *const stage_names[STAGES] = {
    [STAGE_EMBED] = "embedding",     [STAGE_NORM] = "norm, rounding", [STAGE_QKV] = "q, k, v, rope",
    [STAGE_ATTENTION] = "attention", [STAGE_CONV] = "convolution",    [STAGE_OUTPUT] = "mixer's output",
    [STAGE_GATE_UP] = "gate, up",    [STAGE_DOWN] = "down",           [STAGE_HEAD] = "head",
    [STAGE_WAIT] = "waiting",
};

void session_profile_start(struct session *s)
{
    for (int t = 0; t < s->threads; t++)
        memset(s->scratch[t].clock, 0, sizeof *s->scratch[t].clock);
    s->profiling = 1;
    s->profiled = (struct profile){0};
}

void session_profile_stop(struct session *s, struct profile *p)
{
    *p = s->profiled;
    for (int t = 0; t < s->threads; t++)
        for (int i = 0; i < STAGES; i++) {
            p->ns[i] += s->scratch[t].clock->ns[i];
            p->bytes[i] += s->scratch[t].clock->bytes[i];
        }
    s->profiling = 0;
}

void profile_pass(struct session *s, pool_fn *fn)
{
    int64_t begin = 0;
    if (s->profiling) {
        begin = clock_ns();
        for (int t = 0; t < s->threads; t++)
            s->scratch[t].clock->last = begin;
    }
    pool_run(s->pool, fn, s);
    if (s->profiling) {
        for (int t = 0; t < s->threads; t++) /* of a thread that has ended the rest is waiting */
            s->scratch[t].clock->ns[STAGE_WAIT] += clock_ns() - s->scratch[t].clock->last;
        s->profiled.wall_ns += clock_ns() - begin;
        s->profiled.passes++;
    }
}

void profile_stage(struct session *s, int thread, enum stage stage)
{
    struct stage_clock *c = s->scratch[thread].clock;
    int64_t now = clock_ns();
    c->ns[stage] += now - c->last;
    c->last = now;
}
