/* null.c - the probe that reads nothing.
 *
 * It tests the harness: null.reads is how often begin and end were called from this stretch's begin to its end, both included
 * (2 for a stretch without another inside), and null.ticks how often the parent watched.  What a set with this probe alone
 * costs is what the harness costs. */
/* SPDX-License-Identifier: MIT */
#include "bench/probe/probe.h"

struct null {
    int64_t calls, ticks;
};

static enum state null_open(void *self, const struct probe_env *env, char *reason, size_t n)
{
    (void)self, (void)env, (void)reason, (void)n;
    return STATE_OK;
}

static void null_begin(void *self, void *mark)
{
    struct null *s = self;
    *(int64_t *)mark = s->calls++;
}

static void null_end(void *self, const void *mark, struct readings *out)
{
    struct null *s = self;
    s->calls++;
    readings_add(out, "null.reads", "", s->calls - *(const int64_t *)mark);
}

static void null_watch(void *self)
{
    struct null *s = self;
    s->ticks++;
}

static void null_finish(void *self, struct readings *out)
{
    struct null *s = self;
    readings_add(out, "null.ticks", "", s->ticks);
}

const struct probe probe_null = {
    .name = "null",
    .about = "reads nothing: counts its own calls, to test the harness",
    .size = sizeof(struct null),
    .mark_size = sizeof(int64_t),
    .open = null_open,
    .begin = null_begin,
    .end = null_end,
    .watch = null_watch,
    .finish = null_finish,
};
