/* counters.c - instructions, cycles, cache misses and reference cycles of the trial's process, from the CPU's counters by PAPI.
 *
 * Method.  One event set of PAPI's perf_event component, started when the probe opens and never stopped; a reading is the
 * difference between two looks at it.  User mode only, which is what an ordinary user may count.
 *   Threads  the set is inherited: a thread's work is counted when the thread was created after open.  So the set opens right
 *            after exec, and the thread pool is created by the load that follows.
 *   Proof    PAPI accepts events that then count nothing.  Each is run over a loop whose work is known: what counts less
 *            is broken.  Cache misses cannot be proved that way; a stretch with none at all is suspect.
 *   Sharing  nothing is multiplexed: an event that finds no free counter is missing with a reason, never scaled up.
 * The parent only tries whether it works, and stops: the child would inherit its counters, and they would take the machine's. */
/* SPDX-License-Identifier: MIT */
#include "bench/probe/probe.h"

#if HAVE_PAPI
#include <limits.h>
#include <papi.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "base/text.h"

enum { LOOP = 1000000 };

static const struct event {
    const char *name;
    int code;
    long long proof; /* counts that the loop makes at least; 0: the loop proves nothing */
} events[] = {
    {"counters.instructions", PAPI_TOT_INS, LOOP},
    {"counters.cycles", PAPI_TOT_CYC, LOOP / 8}, /* no core retires 8 dependent additions a cycle */
    {"counters.llc_misses", PAPI_L3_TCM, 0},
    {"counters.ref_cycles", PAPI_REF_CYC, LOOP / 64}, /* the reference clock may tick far slower than the core's */
};

enum { EVENTS = sizeof events / sizeof *events };

struct counters {
    int set;          /* PAPI's event set, PAPI_NULL when there is none */
    int running;      /* it was started */
    int n;            /* events in it */
    int slot[EVENTS]; /* position in the set's values, -1 when it is not in it */
    enum state state[EVENTS];
    char reason[EVENTS][128];
};

struct mark {
    int why; /* PAPI's error, PAPI_OK when value holds */
    long long value[EVENTS];
};

static const char *papi_error(int code)
{
    const char *text = PAPI_strerror(code); /* NULL for codes it does not know, and before PAPI_library_init */
    return text ? text : "unknown error";
}

static enum state papi_state(int code)
{
    switch (code) {
    case PAPI_ENOEVNT:
    case PAPI_ECMP_DISABLED:
    case PAPI_ENOCNTR:
    case PAPI_ENOCMP: return STATE_ABSENT;
    case PAPI_EPERM: return STATE_DENIED;
    default: return STATE_BROKEN;
    }
}

/* Whether the kernel lets this user count at all; PAPI says "disabled" or "system call failed" for it. */
static int forbidden(const char *sysroot, int64_t *level)
{
    char path[PATH_MAX], text[32];
    int n = snprintf(path, sizeof path, "%s/proc/sys/kernel/perf_event_paranoid", sysroot);
    return n > 0 && (size_t)n < sizeof path && file_read_line(path, text, sizeof text) > 0 && !text_int(text, -10, 100, level) &&
           *level > 2 && geteuid() != 0;
}

/* Dependent additions that no compiler may fold: at least one instruction and one cycle each. */
static void known_work(void)
{
    volatile int sum = 0;
    for (int i = 0; i < LOOP; i++)
        sum = sum + i % 3;
}

static void add_events(struct counters *c)
{
    for (int i = 0; i < EVENTS; i++) {
        int e = PAPI_add_event(c->set, events[i].code);
        c->slot[i] = -1;
        if (e == PAPI_OK) {
            c->slot[i] = c->n++;
            continue;
        }
        c->state[i] = papi_state(e);
        snprintf(c->reason[i], sizeof c->reason[i],
                 e == PAPI_ECNFLCT ? "no counter is free for it beside the others: %s" : "PAPI: %s", papi_error(e));
    }
}

static int prove_events(struct counters *c)
{
    long long a[EVENTS] = {0}, b[EVENTS] = {0};
    int e = PAPI_start(c->set);
    if (e != PAPI_OK)
        return e;
    c->running = 1;
    if ((e = PAPI_read(c->set, a)) != PAPI_OK)
        return e;
    known_work();
    if ((e = PAPI_read(c->set, b)) != PAPI_OK)
        return e;
    for (int i = 0; i < EVENTS; i++) {
        if (c->slot[i] < 0 || b[c->slot[i]] - a[c->slot[i]] >= events[i].proof)
            continue;
        c->state[i] = STATE_BROKEN;
        snprintf(c->reason[i], sizeof c->reason[i], "PAPI accepts it and counted %lld in a loop that makes at least %lld",
                 b[c->slot[i]] - a[c->slot[i]], events[i].proof);
    }
    return PAPI_OK;
}

static void counters_close(void *self)
{
    struct counters *c = self;
    long long last[EVENTS];
    if (c->running)
        PAPI_stop(c->set, last);
    c->running = 0;
    if (c->set != PAPI_NULL) {
        PAPI_cleanup_eventset(c->set);
        PAPI_destroy_eventset(&c->set); /* sets it to PAPI_NULL; PAPI itself stays initialised for the next set */
    }
}

/* PAPI with its perf_event component ready to count, or the state and reason that it is not. */
static enum state find_component(const char *sysroot, int *component, char *reason, size_t n)
{
    const PAPI_component_info_t *info = NULL;
    int64_t level = 0;
    int version = PAPI_library_init(PAPI_VER_CURRENT);
    if (version > 0 && version != PAPI_VER_CURRENT) {
        snprintf(reason, n, "this PAPI is %d.%d and the program was built for %d.%d: build it again", PAPI_VERSION_MAJOR(version),
                 PAPI_VERSION_MINOR(version), PAPI_VERSION_MAJOR(PAPI_VERSION), PAPI_VERSION_MINOR(PAPI_VERSION));
        return STATE_BROKEN;
    }
    if (version != PAPI_VER_CURRENT) {
        snprintf(reason, n, "PAPI_library_init: %s (%d); papi_component_avail says more", papi_error(version), version);
        return papi_state(version);
    }
    if (forbidden(sysroot, &level)) {
        snprintf(reason, n,
                 "kernel.perf_event_paranoid is %d, so users may count nothing: sudo sysctl kernel.perf_event_paranoid=2",
                 (int)level);
        return STATE_DENIED;
    }
    *component = PAPI_get_component_index("perf_event");
    if (*component >= 0)
        info = PAPI_get_component_info(*component);
    if (!info) {
        snprintf(reason, n, "this PAPI was built without its perf_event component");
        return STATE_ABSENT;
    }
    if (info->disabled) {
        snprintf(reason, n,
                 "no hardware counters (PAPI: %.90s): a virtual machine needs a PMU from its host, a new CPU a newer PAPI",
                 info->disabled_reason[0] ? info->disabled_reason : papi_error(info->disabled));
        return info->disabled == PAPI_EPERM ? STATE_DENIED : STATE_ABSENT;
    }
    return STATE_OK;
}

static enum state counters_open(void *self, const struct probe_env *env, char *reason, size_t n)
{
    struct counters *c = self;
    PAPI_option_t option = {0};
    int component = -1, e;

    c->set = PAPI_NULL;
    enum state state = find_component(env->sysroot, &component, reason, n);
    if (state != STATE_OK)
        return state;
    if ((e = PAPI_create_eventset(&c->set)) != PAPI_OK || (e = PAPI_assign_eventset_component(c->set, component)) != PAPI_OK)
        goto fail;
    option.inherit.eventset = c->set;
    option.inherit.inherit = PAPI_INHERIT_ALL;
    if ((e = PAPI_set_opt(PAPI_INHERIT, &option)) != PAPI_OK)
        goto fail;
    add_events(c);
    if (c->n && (e = prove_events(c)) != PAPI_OK)
        goto fail;
    if (env->child)
        counters_close(c);
    for (int i = 0; i < EVENTS; i++)
        if (c->state[i] == STATE_OK)
            return STATE_OK;
    snprintf(reason, n, "no event works; %s: %s", events[0].name, c->reason[0]);
    return c->state[0];
fail:
    snprintf(reason, n, "PAPI cannot count here: %s", papi_error(e));
    return papi_state(e);
}

static void counters_begin(void *self, void *mark)
{
    struct counters *c = self;
    struct mark *m = mark;
    m->why = PAPI_read(c->set, m->value);
}

static void counters_end(void *self, const void *mark, struct readings *out)
{
    struct counters *c = self;
    const struct mark *a = mark;
    struct mark b;
    b.why = PAPI_read(c->set, b.value);
    int e = a->why != PAPI_OK ? a->why : b.why;
    for (int i = 0; i < EVENTS; i++) {
        char why[128];
        if (c->state[i] != STATE_OK) {
            readings_add_missing(out, events[i].name, "", c->state[i], c->reason[i]);
            continue;
        }
        if (e != PAPI_OK) {
            snprintf(why, sizeof why, "PAPI_read: %s", papi_error(e));
            readings_add_missing(out, events[i].name, "", STATE_BROKEN, why);
            continue;
        }
        long long v = b.value[c->slot[i]] - a->value[c->slot[i]];
        if (v < 0 || (v == 0 && events[i].proof)) {
            snprintf(why, sizeof why, "the counter changed by %lld during the stretch, which cannot be", v);
            readings_add_missing(out, events[i].name, "", STATE_BROKEN, why);
        } else if (v == 0) {
            readings_add_suspect(out, events[i].name, "", 0, "not one in the whole stretch: this machine may not count it");
        } else {
            readings_add(out, events[i].name, "", v);
        }
    }
}

const struct probe probe_counters = {
    .name = "counters",
    .about = "instructions, cycles, cache misses, reference cycles (PAPI)",
    .size = sizeof(struct counters),
    .mark_size = sizeof(struct mark),
    .open = counters_open,
    .begin = counters_begin,
    .end = counters_end,
    .close = counters_close,
};

#else

#include <stdio.h>

static enum state counters_open(void *self, const struct probe_env *env, char *reason, size_t n)
{
    (void)self, (void)env;
    snprintf(reason, n, "built without PAPI: install libpapi-dev and build with PAPI=1");
    return STATE_OFF;
}

const struct probe probe_counters = {
    .name = "counters",
    .about = "instructions, cycles, cache misses, reference cycles (PAPI; not in this build)",
    .open = counters_open,
};

#endif
