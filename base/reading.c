/* SPDX-License-Identifier: MIT */
#include "base/reading.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *const state_names[] = {
    [STATE_OK] = "ok",         [STATE_ABSENT] = "absent",   [STATE_DENIED] = "denied",
    [STATE_BROKEN] = "broken", [STATE_SUSPECT] = "suspect", [STATE_OFF] = "off",
};

const char *state_name(enum state s)
{
    return state_names[s];
}

int state_parse(const char *name, enum state *out)
{
    for (int i = 0; i < (int)(sizeof state_names / sizeof *state_names); i++)
        if (!strcmp(name, state_names[i])) {
            *out = (enum state)i;
            return 0;
        }
    return -1;
}

static struct reading *next(struct readings *r, const char *name, const char *unit)
{
    if (r->n == READINGS_MAX)
        abort(); /* a probe with that many values needs a larger READINGS_MAX, not a dropped value */
    struct reading *v = &r->v[r->n++];
    memset(v, 0, sizeof *v);
    snprintf(v->name, sizeof v->name, "%s", name);
    snprintf(v->unit, sizeof v->unit, "%s", unit);
    return v;
}

void readings_add(struct readings *r, const char *name, const char *unit, int64_t value)
{
    next(r, name, unit)->value = value;
}

void readings_add_suspect(struct readings *r, const char *name, const char *unit, int64_t value, const char *reason)
{
    readings_add_missing(r, name, unit, STATE_SUSPECT, reason);
    r->v[r->n - 1].value = value;
}

void readings_add_missing(struct readings *r, const char *name, const char *unit, enum state s, const char *reason)
{
    struct reading *v = next(r, name, unit);
    v->state = s;
    snprintf(v->reason, sizeof v->reason, "%s", reason);
}

const struct reading *readings_find(const struct readings *r, const char *name)
{
    for (int i = 0; i < r->n; i++)
        if (!strcmp(r->v[i].name, name))
            return &r->v[i];
    return NULL;
}
