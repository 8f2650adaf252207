/* reading.h - one probe's value over one stretch of a trial.
 *
 * A value is an integer in a base unit: ns, B, uJ, or a count (""), so that nothing is lost on the way into the database.
 * What could not be measured has a state other than ok and a reason, and no value: never 0, never an estimate. */
/* SPDX-License-Identifier: MIT */
#ifndef BASE_READING_H
#define BASE_READING_H

#include <stdint.h>

enum state {
    STATE_OK,      /* measured */
    STATE_ABSENT,  /* this machine does not have it */
    STATE_DENIED,  /* this user may not read it */
    STATE_BROKEN,  /* it is there and does not work */
    STATE_SUSPECT, /* measured, but the reason says why it should not be trusted */
    STATE_OFF,     /* the user switched it off, or it was built without */
};

const char *state_name(enum state s);
int state_parse(const char *name, enum state *out); /* 0, or -1 when there is no such state */

struct reading {
    char name[48];    /* "energy.package-0", "memory.peak" */
    char unit[8];     /* "ns", "B", "uJ", "" for a count */
    enum state state; /* ok and suspect have a value, the others have none */
    int64_t value;
    char reason[200]; /* empty when ok */
};

#define READINGS_MAX 64 /* of one stretch; fixed, so that nothing is allocated beside a timed region */

struct readings {
    int n;
    struct reading v[READINGS_MAX];
};

void readings_add(struct readings *r, const char *name, const char *unit, int64_t value);
void readings_add_suspect(struct readings *r, const char *name, const char *unit, int64_t value, const char *reason);
void readings_add_missing(struct readings *r, const char *name, const char *unit, enum state s, const char *reason);
const struct reading *readings_find(const struct readings *r, const char *name); /* NULL when there is none */

#endif
