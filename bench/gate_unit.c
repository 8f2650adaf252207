/* SPDX-License-Identifier: MIT */
#include "bench/gate_unit.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/rng.h"

#define PAD_MAX 4096 /* bytes: a page, so that the stack begins anywhere in one */

const char *const gate_arm_names[GATE_ARMS] = {"base", "head", "null"};
const char *const gate_part_names[GATE_PARTS] = {"prefill", "decode"};

static int failed(const struct gate_process *p)
{
    return strcmp(p->outcome.state, "ok") != 0;
}

static void fail(struct outcome *o, const char *state, const char *reason)
{
    o->state = state;
    snprintf(o->reason, sizeof o->reason, "%s", reason);
}

/* -- what a process answers ------------------------------------------------------------------------------------------------ */

/* -1: not measured. */
static int64_t value_of(const struct readings *r, const char *name)
{
    const struct reading *x = readings_find(r, name);
    return x && x->state == STATE_OK ? x->value : -1;
}

static int64_t cpu_of(const struct readings *r)
{
    int64_t user = value_of(r, "sched.utime"), system = value_of(r, "sched.stime");
    return user < 0 || system < 0 ? -1 : user + system;
}

/* Energy of all packages.  Their parts and the machine's own meter have names with another point, or another name, and overlap. */
static int64_t energy_of(const struct readings *r)
{
    static const char package[] = "energy.package-";
    int64_t sum = -1;
    for (int i = 0; i < r->n; i++) {
        const struct reading *x = &r->v[i];
        if (strncmp(x->name, package, sizeof package - 1) != 0 || strchr(x->name + sizeof package - 1, '.'))
            continue;
        if (x->state != STATE_OK)
            return -1;
        sum = (sum < 0 ? 0 : sum) + x->value;
    }
    return sum;
}

/* The stretch called `kind` of a reply; its memory is the caller's.  -1 with the outcome when there is none. */
static int stretch_of(const json_t *reply, const char *kind, struct stretch *s, struct outcome *o)
{
    struct err why = {0};
    char reason[64];
    for (int i = 0, got; (got = protocol_read_stretch(reply, i, s, &why)) != 0; i++) {
        if (got < 0) {
            fail(o, "protocol", why.msg);
            return -1;
        }
        if (!strcmp(s->kind, kind))
            return 0;
        stretch_free(s);
    }
    snprintf(reason, sizeof reason, "its answer has no stretch called %s", kind);
    fail(o, "protocol", reason);
    return -1;
}

static int take_sample(struct gate_sample *to, const json_t *reply, struct outcome *o)
{
    static struct stretch s; /* static: it is large */
    for (int k = 0; k < GATE_PARTS; k++) {
        if (stretch_of(reply, gate_part_names[k], &s, o))
            return -1;
        to->part[k].ns = s.ns;
        to->part[k].tokens = s.tokens;
        to->part[k].token_ns = s.token_ns;
        to->part[k].cpu_ns = cpu_of(&s.readings);
        to->part[k].run_delay_ns = value_of(&s.readings, "sched.run_delay");
        to->part[k].nivcsw = value_of(&s.readings, "sched.nivcsw");
        to->part[k].instructions = value_of(&s.readings, "counters.instructions");
        to->part[k].energy_uj = energy_of(&s.readings);
    }
    return 0;
}

static void take_peak(struct gate_process *p, const json_t *reply)
{
    static struct stretch s;
    if (stretch_of(reply, "trial", &s, &p->outcome))
        return;
    p->peak_bytes = value_of(&s.readings, "memory.peak");
    stretch_free(&s);
}

/* -- a unit ---------------------------------------------------------------------------------------------------------------- */

static void shuffle(struct rng *r, int order[GATE_ARMS])
{
    for (int i = 0; i < GATE_ARMS; i++)
        order[i] = i;
    for (int i = GATE_ARMS - 1; i > 0; i--) {
        int j = (int)rng_below(r, (uint64_t)i + 1), swap = order[i];
        order[i] = order[j];
        order[j] = swap;
    }
}

static int start(struct child **c, const struct gate_unit_plan *p, enum gate_arm arm, int pad, struct outcome *o, struct err *e)
{
    char env[PAD_MAX + 16];
    snprintf(env, sizeof env, "BENCH_PAD=%0*d", pad > 0 ? pad : 1, 0);
    *o = (struct outcome){.state = "ok"};
    if (child_open(c, &(struct child_options){p->program[arm], p->setup[arm]->cpus, p->setup[arm]->cell.threads, env}, e))
        return -1;
    json_decref(child_ask(*c, protocol_load(p->setup[arm]), p->timeout_s, NULL, o));
    return 0;
}

static int any_failed(const struct gate_unit *u)
{
    return failed(&u->arm[ARM_BASE]) || failed(&u->arm[ARM_HEAD]) || failed(&u->arm[ARM_NULL]);
}

static void measure(struct gate_unit *u, const struct gate_unit_plan *p, struct child *const *c, struct rng *r)
{
    int order[GATE_ARMS];
    for (int round = 0; round < u->rounds; round++) {
        if (round % 2 == 0)
            shuffle(r, order);
        for (int k = 0; k < GATE_ARMS && !any_failed(u); k++) {
            int i = order[round % 2 ? GATE_ARMS - 1 - k : k];
            struct gate_process *a = &u->arm[i];
            json_t *reply = child_ask(c[i], protocol_request("measure"), p->timeout_s, NULL, &a->outcome);
            struct gate_sample *s = &a->sample[a->n];
            s->place = k;
            if (reply && !take_sample(s, reply, &a->outcome))
                a->n++;
            json_decref(reply);
        }
    }
}

int gate_unit_run(struct gate_unit *u, const struct gate_unit_plan *p, uint64_t seed, struct err *e)
{
    struct child *c[GATE_ARMS] = {0};
    struct rng r;
    int order[GATE_ARMS], rc = 0;
    rng_seed(&r, seed);
    *u = (struct gate_unit){.rounds = p->rounds, .threads = p->setup[ARM_BASE]->cell.threads};
    for (int i = 0; i < GATE_ARMS; i++) {
        u->arm[i] = (struct gate_process){.outcome.state = "ok", .peak_bytes = -1};
        u->arm[i].sample = calloc((size_t)p->rounds, sizeof *u->arm[i].sample);
        if (!u->arm[i].sample)
            abort();
    }
    shuffle(&r, order);
    for (int k = 0; k < GATE_ARMS && !rc && !any_failed(u); k++) {
        struct gate_process *a = &u->arm[order[k]];
        a->place = k;
        a->pad = (int)rng_below(&r, PAD_MAX);
        rc = start(&c[order[k]], p, (enum gate_arm)order[k], a->pad, &a->outcome, e);
    }
    if (!rc)
        measure(u, p, c, &r);
    for (int i = 0; i < GATE_ARMS; i++) {
        if (!rc && !any_failed(u)) {
            json_t *reply = child_ask(c[i], protocol_request("exit"), p->timeout_s, NULL, &u->arm[i].outcome);
            if (reply)
                take_peak(&u->arm[i], reply);
            json_decref(reply);
        }
        child_close(c[i]);
    }
    return rc;
}

void gate_unit_free(struct gate_unit *u)
{
    for (int i = 0; i < GATE_ARMS; i++) {
        for (int k = 0; u->arm[i].sample && k < u->rounds; k++)
            for (int part = 0; part < GATE_PARTS; part++)
                free(u->arm[i].sample[k].part[part].token_ns);
        free(u->arm[i].sample);
        u->arm[i].sample = NULL;
        u->arm[i].n = 0;
    }
}

/* -- is it what it must be ------------------------------------------------------------------------------------------------- */

static int check_times(const struct gate_process *p, const char *arm, struct err *e)
{
    for (int k = 0; k < p->n; k++)
        for (int part = 0; part < GATE_PARTS; part++)
            if (p->sample[k].part[part].ns <= 0 || p->sample[k].part[part].tokens <= 0 ||
                (part == PART_DECODE && !p->sample[k].part[part].token_ns))
                return err_set(e, ERR_INVALID, "%s: its %s of round %d took no time, or no tokens: nothing was measured", arm,
                               gate_part_names[part], k);
    return 0;
}

int gate_unit_check(const struct gate_unit *u, struct err *e)
{
    for (int i = 0; i < GATE_ARMS; i++) {
        if (failed(&u->arm[i]))
            return err_set(e, ERR_INVALID, "%s: %s: %.500s", gate_arm_names[i], u->arm[i].outcome.state,
                           u->arm[i].outcome.reason);
        if (check_times(&u->arm[i], gate_arm_names[i], e))
            return -1;
    }
    for (int i = 0; i < GATE_ARMS; i++)
        if (u->arm[i].n != u->rounds || u->rounds < 2)
            return err_set(e, ERR_INVALID, "%s has %d of %d rounds: nothing can be said of a unit that is not whole",
                           gate_arm_names[i], u->arm[i].n, u->rounds);
    for (int i = 0; i < GATE_ARMS; i++)
        for (int j = 0; j < i; j++) {
            int first = 0;
            for (int k = 0; k < u->rounds; k++)
                first += u->arm[i].sample[k].place < u->arm[j].sample[k].place;
            if (2 * first != u->rounds)
                return err_set(e, ERR_INVALID,
                               "biased order: %s was measured before %s in %d of %d rounds, and whoever comes first has another "
                               "machine; this is an error of the gate",
                               gate_arm_names[i], gate_arm_names[j], first, u->rounds);
        }
    return 0;
}

/* -- facts ----------------------------------------------------------------------------------------------------------------- */

int gate_facts(struct readings *facts, const struct gate_unit_plan *p, enum gate_arm arm, struct outcome *o, struct err *e)
{
    static struct stretch s;
    struct child *c;
    json_t *reply = NULL;
    facts->n = 0;
    if (start(&c, p, arm, 0, o, e))
        return -1;
    if (!strcmp(o->state, "ok"))
        reply = child_ask(c, protocol_request("facts"), p->timeout_s, NULL, o);
    if (reply && !stretch_of(reply, "facts", &s, o)) {
        *facts = s.readings;
        stretch_free(&s);
    }
    if (!reply && strstr(o->reason, "is no request of protocol version"))
        *o = (struct outcome){.state = "ok"};
    json_decref(reply);
    child_close(c);
    return 0;
}
