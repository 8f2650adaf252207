/* bench_counters.c - the counters probe on machines that are not here: PAPI's functions are wrapped by the linker, and a script
 * says what each answers.
 *
 * Link flags: -Wl,--wrap=NAME for every function of papi_functions below (LDFLAGS_bench_counters in the Makefile). */
/* SPDX-License-Identifier: MIT */
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "bench/probe/probe.h"
#include "tests/tree.h"

extern const struct probe probe_counters;

#if HAVE_PAPI
#include <papi.h>

enum { EVENTS = 4 }; /* instructions, cycles, LLC misses, reference cycles: the order of the probe */

/* What PAPI answers; all zero is a machine where everything works. */
static struct script {
    int version;               /* PAPI_library_init; 0: the right one */
    int component;             /* PAPI_get_component_index */
    const char *disabled;      /* disabled_reason */
    int inherit, start;        /* PAPI_set_opt, PAPI_start */
    int add[EVENTS];           /* PAPI_add_event of each */
    int read_fails_at;         /* the read, counted from 1, that answers PAPI_ESYS; 0 none */
    long long step[8][EVENTS]; /* what each event counts between two reads; [0]: before the first */
} script;

static struct {
    int events, code[EVENTS], reads, running, sets, inherited;
    long long value[EVENTS];
} fake;

#define WRAP(type, name, ...)                                                                                                    \
    type __wrap_##name(__VA_ARGS__);                                                                                             \
    type __wrap_##name(__VA_ARGS__)

/* papi_functions */
WRAP(int, PAPI_library_init, int version)
{
    return script.version ? script.version : version;
}

WRAP(char *, PAPI_strerror, int code)
{
    static char text[32];
    snprintf(text, sizeof text, "error %d", code);
    return script.version < 0 ? NULL : text; /* as PAPI does when it did not start */
}

WRAP(int, PAPI_get_component_index, const char *name)
{
    assert_string_equal(name, "perf_event");
    return script.component;
}

WRAP(const PAPI_component_info_t *, PAPI_get_component_info, int component)
{
    static PAPI_component_info_t info;
    assert_int_equal(component, 0);
    memset(&info, 0, sizeof info);
    if (script.disabled) {
        info.disabled = PAPI_ECMP;
        snprintf(info.disabled_reason, sizeof info.disabled_reason, "%s", script.disabled);
    }
    return &info;
}

WRAP(int, PAPI_create_eventset, int *set)
{
    assert_int_equal(*set, PAPI_NULL);
    *set = 7;
    fake.sets++;
    return PAPI_OK;
}

WRAP(int, PAPI_assign_eventset_component, int set, int component)
{
    assert_int_equal(set, 7);
    return component == 0 ? PAPI_OK : PAPI_ENOCMP;
}

WRAP(int, PAPI_set_opt, int option, PAPI_option_t *value)
{
    assert_int_equal(option, PAPI_INHERIT);
    assert_int_equal(value->inherit.eventset, 7);
    assert_int_equal(fake.events, 0); /* too late once there are events */
    fake.inherited = value->inherit.inherit == PAPI_INHERIT_ALL;
    return script.inherit;
}

WRAP(int, PAPI_add_event, int set, int code)
{
    static const int order[EVENTS] = {PAPI_TOT_INS, PAPI_TOT_CYC, PAPI_L3_TCM, PAPI_REF_CYC};
    assert_int_equal(set, 7);
    for (int i = 0; i < EVENTS; i++)
        if (order[i] == code && script.add[i] == PAPI_OK)
            fake.code[fake.events++] = i;
        else if (order[i] == code)
            return script.add[i];
    return PAPI_OK;
}

WRAP(int, PAPI_start, int set)
{
    assert_int_equal(set, 7);
    if (script.start != PAPI_OK)
        return script.start;
    fake.running = 1;
    return PAPI_OK;
}

WRAP(int, PAPI_read, int set, long long *values)
{
    assert_int_equal(set, 7);
    assert_true(fake.running);
    int now = fake.reads++;
    if (script.read_fails_at == fake.reads)
        return PAPI_ESYS;
    for (int i = 0; i < EVENTS; i++)
        fake.value[i] += script.step[now][i];
    for (int i = 0; i < fake.events; i++)
        values[i] = fake.value[fake.code[i]];
    return PAPI_OK;
}

WRAP(int, PAPI_stop, int set, long long *values)
{
    assert_int_equal(set, 7);
    assert_true(fake.running);
    memset(values, 0, (size_t)fake.events * sizeof *values);
    fake.running = 0;
    return PAPI_OK;
}

WRAP(int, PAPI_cleanup_eventset, int set)
{
    assert_int_equal(set, 7);
    assert_false(fake.running);
    fake.events = 0;
    return PAPI_OK;
}

WRAP(int, PAPI_destroy_eventset, int *set)
{
    assert_int_equal(*set, 7);
    *set = PAPI_NULL;
    fake.sets--;
    return PAPI_OK;
}

/* A machine where everything works: the reads are two of the proof, then begin, then end. */
static const struct script good = {
    .step = {{11, 22, 33, 44},
             {6000000, 5000000, 3, 4000000},
             {100, 200, 300, 400},
             {123456789012, 98765432101, 555, 77777777777}},
};

#define NOWHERE "/a/folder/that/is/not/there" /* the switch of the machine that runs this test has no say */

static char reason[200];
static struct readings out;

static enum state open_probe(void **self, pid_t child, const char *sysroot)
{
    struct probe_env env = {.sysroot = sysroot, .child = child};
    memset(&fake, 0, sizeof fake);
    memset(reason, 0, sizeof reason);
    out.n = 0;
    *self = calloc(1, probe_counters.size);
    return probe_counters.open(*self, &env, reason, sizeof reason);
}

static void close_probe(void *self)
{
    probe_counters.close(self);
    free(self);
    assert_int_equal(fake.sets, 0);
    assert_false(fake.running);
}

/* Opens, and reads one stretch. */
static void measure(void)
{
    void *self, *mark = calloc(1, probe_counters.mark_size);
    assert_string_equal(state_name(open_probe(&self, 0, NOWHERE)), "ok");
    assert_true(fake.inherited);
    probe_counters.begin(self, mark);
    probe_counters.end(self, mark, &out);
    free(mark);
    close_probe(self);
}

static void expect(const char *name, enum state state, long long value, const char *why)
{
    const struct reading *r = readings_find(&out, name);
    assert_non_null(r);
    assert_string_equal(r->unit, "");
    assert_string_equal(state_name(r->state), state_name(state));
    assert_int_equal(r->value, value);
    if (why && !strstr(r->reason, why))
        print_error("%s: \"%s\" does not say \"%s\"\n", name, r->reason, why);
    assert_true(why ? strstr(r->reason, why) != NULL : r->reason[0] == '\0');
}

static void refused(enum state state, const char *why)
{
    void *self;
    assert_string_equal(state_name(open_probe(&self, 0, NOWHERE)), state_name(state));
    if (!strstr(reason, why))
        print_error("\"%s\" does not say \"%s\"\n", reason, why);
    assert_non_null(strstr(reason, why));
    close_probe(self);
}

static void right_numbers(void **state)
{
    (void)state;
    script = good;
    measure();
    assert_int_equal(out.n, EVENTS);
    expect("counters.instructions", STATE_OK, 123456789012, NULL);
    expect("counters.cycles", STATE_OK, 98765432101, NULL);
    expect("counters.llc_misses", STATE_OK, 555, NULL);
    expect("counters.ref_cycles", STATE_OK, 77777777777, NULL);
}

static void parent_leaves_nothing_running(void **state)
{
    (void)state;
    void *self;
    script = good;
    assert_string_equal(state_name(open_probe(&self, 1234, NOWHERE)), "ok");
    assert_int_equal(fake.sets, 0);
    assert_false(fake.running);
    close_probe(self);
}

static void no_pmu(void **state)
{
    (void)state;
    script = (struct script){.disabled = "Error libpfm4 no default PMU found"};
    refused(STATE_ABSENT, "Error libpfm4 no default PMU found");
    script = (struct script){.component = PAPI_ENOCMP};
    refused(STATE_ABSENT, "without its perf_event component");
    script = (struct script){.add = {PAPI_ENOEVNT, PAPI_ENOEVNT, PAPI_ENOEVNT, PAPI_ENOEVNT}};
    refused(STATE_ABSENT, "counters.instructions: PAPI: error -7");
}

static void denied(void **state)
{
    (void)state;
    script = (struct script){.add = {PAPI_EPERM, PAPI_EPERM, PAPI_EPERM, PAPI_EPERM}};
    refused(STATE_DENIED, "error -15");
    script = good;
    script.inherit = PAPI_EPERM;
    refused(STATE_DENIED, "error -15");
}

/* The kernel's switch is looked at before PAPI, which calls the same thing "disabled". */
static void paranoid(void **state)
{
    (void)state;
    char root[64];
    void *self;
    script = good;
    assert_int_equal(test_tmp(root, sizeof root), 0);
    tree_write(root, "proc/sys/kernel/perf_event_paranoid", "4\n");
    uid_t me = geteuid();
    if (chmod(root, 0755) || (me == 0 && (seteuid(65534) || access(root, X_OK)))) {
        assert_int_equal(seteuid(me), 0);
        test_rm(root);
        skip(); /* root may count whatever the switch says */
    }
    enum state got = open_probe(&self, 0, root);
    assert_int_equal(seteuid(me), 0);
    test_rm(root);
    assert_string_equal(state_name(got), "denied");
    assert_non_null(strstr(reason, "perf_event_paranoid is 4"));
    assert_non_null(strstr(reason, "sysctl kernel.perf_event_paranoid=2"));
    close_probe(self);
}

static void lying_counter(void **state)
{
    (void)state;
    script = good;
    script.step[1][0] = script.step[3][0] = 0; /* added, started, counts nothing */
    script.step[1][3] = 10;                    /* counts something that cannot be */
    measure();
    expect("counters.instructions", STATE_BROKEN, 0, "counted 0 in a loop");
    expect("counters.cycles", STATE_OK, 98765432101, NULL);
    expect("counters.ref_cycles", STATE_BROKEN, 0, "counted 10 in a loop");

    script = good;
    memset(script.step[1], 0, sizeof script.step[1]);
    script.add[2] = PAPI_ENOEVNT; /* the one that no loop proves */
    refused(STATE_BROKEN, "counted 0 in a loop");
}

static void stops_counting_later(void **state)
{
    (void)state;
    script = good;
    script.step[3][1] = 0;
    script.step[3][2] = 0;
    script.step[3][3] = -5;
    measure();
    expect("counters.instructions", STATE_OK, 123456789012, NULL);
    expect("counters.cycles", STATE_BROKEN, 0, "changed by 0");
    expect("counters.llc_misses", STATE_SUSPECT, 0, "not one");
    expect("counters.ref_cycles", STATE_BROKEN, 0, "changed by -5");
}

static void some_events(void **state)
{
    (void)state;
    script = good;
    script.add[1] = PAPI_ECNFLCT;
    script.add[3] = PAPI_ENOEVNT;
    measure();
    expect("counters.instructions", STATE_OK, 123456789012, NULL);
    expect("counters.cycles", STATE_BROKEN, 0, "no counter is free");
    expect("counters.llc_misses", STATE_OK, 555, NULL);
    expect("counters.ref_cycles", STATE_ABSENT, 0, "error -7");
}

static void failing_calls(void **state)
{
    (void)state;
    script = good;
    script.start = PAPI_ESYS;
    refused(STATE_BROKEN, "error -3");
    for (int i = 1; i <= 2; i++) {
        script = good;
        script.read_fails_at = i;
        refused(STATE_BROKEN, "error -3");
    }
    for (int i = 3; i <= 4; i++) {
        script = good;
        script.read_fails_at = i;
        measure();
        for (int k = 0; k < EVENTS; k++)
            expect(out.v[k].name, STATE_BROKEN, 0, "PAPI_read: error -3");
    }
}

static void other_library(void **state)
{
    (void)state;
    script = (struct script){.version = PAPI_VERSION_NUMBER(5, 7, 0, 0) & 0x7fff0000};
    refused(STATE_BROKEN, "this PAPI is 5.7");
    script = (struct script){.version = PAPI_ENOMEM};
    refused(STATE_BROKEN, "unknown error (-2)");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(right_numbers),
        cmocka_unit_test(parent_leaves_nothing_running),
        cmocka_unit_test(no_pmu),
        cmocka_unit_test(denied),
        cmocka_unit_test(paranoid),
        cmocka_unit_test(lying_counter),
        cmocka_unit_test(stops_counting_later),
        cmocka_unit_test(some_events),
        cmocka_unit_test(failing_calls),
        cmocka_unit_test(other_library),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

#else

static void built_without(void **state)
{
    (void)state;
    char reason[200] = "";
    struct probe_env env = {.sysroot = ""};
    assert_string_equal(state_name(probe_counters.open(NULL, &env, reason, sizeof reason)), "off");
    assert_non_null(strstr(reason, "built without PAPI"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(built_without)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}

#endif
