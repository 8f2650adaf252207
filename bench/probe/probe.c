/* probe.c - the list of probes, and the set that opens them together.
 *
 * The set allocates everything at open, so that begin and end allocate nothing. */
/* SPDX-License-Identifier: MIT */
#include "bench/probe/probe.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"

#define PROBE(name) extern const struct probe probe_##name;
#include "bench/probe/probes.def"
#undef PROBE

const struct probe *const probes[] = {
#define PROBE(name) &probe_##name,
#include "bench/probe/probes.def"
#undef PROBE
    NULL,
};

enum { PROBES = (int)(sizeof probes / sizeof *probes) - 1, LEVELS = 2 /* the trial, and a stretch inside it */ };

struct opened {
    const struct probe *probe;
    int opened; /* its open was called, so its close is due */
    enum state state;
    char reason[200]; /* as long as a reading's */
    void *self;
    void *mark[LEVELS];
};

struct probe_set {
    int level; /* stretches that have begun and not ended */
    struct opened v[PROBES];
};

static void *zeroed(size_t n)
{
    void *p = calloc(1, n ? n : 1);
    if (!p)
        abort();
    return p;
}

static void open_one(struct opened *o, const struct probe_env *env, const struct list *skip)
{
    o->self = zeroed(o->probe->size);
    for (int i = 0; i < LEVELS; i++)
        o->mark[i] = zeroed(o->probe->mark_size);
    for (int i = 0; i < skip->n; i++)
        if (!strcmp(skip->v[i], o->probe->name)) {
            o->state = STATE_OFF;
            snprintf(o->reason, sizeof o->reason, "on the list of probes to skip: switched off, or found unusable before");
            return;
        }
    o->opened = 1;
    o->state = o->probe->open(o->self, env, o->reason, sizeof o->reason);
}

struct probe_set *probe_set_open(const struct probe_env *env, const char *skip)
{
    struct list names = list_split(skip ? skip : "");
    struct probe_set *s = zeroed(sizeof *s);
    for (int i = 0; i < PROBES; i++) {
        s->v[i].probe = probes[i];
        open_one(&s->v[i], env, &names);
    }
    free(names.v);
    return s;
}

void probe_set_close(struct probe_set *s)
{
    if (!s)
        return;
    for (int i = PROBES; i-- > 0;) {
        struct opened *o = &s->v[i];
        if (o->opened && o->probe->close)
            o->probe->close(o->self);
        for (int l = 0; l < LEVELS; l++)
            free(o->mark[l]);
        free(o->self);
    }
    free(s);
}

void probe_set_begin(struct probe_set *s)
{
    if (s->level == LEVELS)
        abort(); /* a third level is a bug of the caller, and has no marks */
    for (int i = 0; i < PROBES; i++)
        if (s->v[i].state == STATE_OK && s->v[i].probe->begin)
            s->v[i].probe->begin(s->v[i].self, s->v[i].mark[s->level]);
    s->level++;
}

void probe_set_end(struct probe_set *s, struct readings *out)
{
    if (s->level == 0)
        abort();
    s->level--;
    for (int i = PROBES; i-- > 0;)
        if (s->v[i].state == STATE_OK && s->v[i].probe->end)
            s->v[i].probe->end(s->v[i].self, s->v[i].mark[s->level], out);
}

void probe_set_watch(struct probe_set *s)
{
    for (int i = 0; i < PROBES; i++)
        if (s->v[i].state == STATE_OK && s->v[i].probe->watch)
            s->v[i].probe->watch(s->v[i].self);
}

void probe_set_finish(struct probe_set *s, struct readings *out)
{
    for (int i = 0; i < PROBES; i++)
        if (s->v[i].state == STATE_OK && s->v[i].probe->finish)
            s->v[i].probe->finish(s->v[i].self, out);
}

int probe_set_count(const struct probe_set *s)
{
    (void)s;
    return PROBES;
}

enum state probe_set_state(const struct probe_set *s, int i, const char **name, const char **reason)
{
    *name = s->v[i].probe->name;
    *reason = s->v[i].reason;
    return s->v[i].state;
}
