/* bench_topology.c - which CPUs are picked: on this machine, on machines described in text, and on recorded ones. */
/* SPDX-License-Identifier: MIT */
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

#include "bench/topology.h"
#include "tests/tree.h"

static struct topology *open_topology(void)
{
    struct topology *t = NULL;
    struct err e = {0};
    if (topology_open(&t, &e))
        print_error("%s\n", e.msg);
    assert_non_null(t);
    return t;
}

static void this_machine(void **state)
{
    (void)state;
    cpu_set_t all;
    assert_int_equal(sched_getaffinity(0, sizeof all, &all), 0);
    struct topology *t = open_topology();
    int n = topology_cpus(t), cpus[TOPOLOGY_MAX_CPUS];
    struct err e;
    assert_int_equal(n, CPU_COUNT(&all)); /* what nproc says */
    assert_in_range(topology_cores(t), 1, n);
    assert_in_range(topology_kinds(t), 1, topology_cores(t));
    assert_int_equal(topology_pick(t, n, cpus, &e), 0);
    for (int i = 0; i < n; i++) {
        assert_true(CPU_ISSET(cpus[i], &all));
        CPU_CLR(cpus[i], &all); /* none twice */
    }
    topology_close(t);
}

static void affinity_mask(void **state)
{
    (void)state;
    cpu_set_t all, one;
    int last = -1, cpu;
    struct err e;
    assert_int_equal(sched_getaffinity(0, sizeof all, &all), 0);
    for (int i = 0; i < CPU_SETSIZE; i++)
        if (CPU_ISSET(i, &all))
            last = i;
    CPU_ZERO(&one);
    CPU_SET(last, &one);
    assert_int_equal(sched_setaffinity(0, sizeof one, &one), 0);
    struct topology *t = open_topology();
    assert_int_equal(sched_setaffinity(0, sizeof all, &all), 0);
    assert_int_equal(topology_cpus(t), 1);
    assert_int_equal(topology_cores(t), 1);
    assert_int_equal(topology_pick(t, 1, &cpu, &e), 0);
    assert_int_equal(cpu, last);
    int shared[4];
    assert_int_equal(topology_pick(t, 4, shared, &e), 0);
    for (int i = 0; i < 4; i++)
        assert_int_equal(shared[i], last);
    assert_int_equal(topology_distinct(shared, 4), 1);
    assert_int_equal(topology_pick(t, 5, shared, &e), -1);
    assert_string_equal(e.msg,
                        "5 threads: this process may use 1 CPU (1 core), which at most 4 threads may share; ask for fewer, "
                        "or widen its cpuset and affinity mask");
    topology_close(t);
}

/* More threads than CPUs share them in the same order, over and over. */
static void more_threads_than_cpus(void **state)
{
    (void)state;
    struct topology *t = open_topology();
    int n = topology_cpus(t), once[TOPOLOGY_MAX_CPUS], cpus[TOPOLOGY_MAX_CPUS];
    int most = n < 256 ? 4 * n : TOPOLOGY_MAX_CPUS;
    struct err e;
    assert_int_equal(topology_pick(t, n, once, &e), 0);
    assert_int_equal(topology_distinct(once, n), n);
    for (int threads = n + 1; threads <= most; threads += threads < 4 * n - 1 ? n : 1) {
        assert_int_equal(topology_pick(t, threads, cpus, &e), 0);
        for (int i = 0; i < threads; i++)
            assert_int_equal(cpus[i], once[i % n]);
        assert_int_equal(topology_distinct(cpus, threads), n);
    }
    topology_close(t);
}

static void too_many(void **state)
{
    (void)state;
    struct topology *t = open_topology();
    int cpus[TOPOLOGY_MAX_CPUS] = {-1}, n = topology_cpus(t), most = n < 256 ? 4 * n : TOPOLOGY_MAX_CPUS;
    struct err e;
    char there[96];
    assert_int_equal(topology_pick(t, most + 1, cpus, &e), -1);
    assert_int_equal(e.code, ERR_USAGE);
    snprintf(there, sizeof there, "%d threads: this process may use %d CPU", most + 1, n);
    assert_non_null(strstr(e.msg, there));
    snprintf(there, sizeof there, "at most %d threads may share; ask for fewer, or widen", most);
    assert_non_null(strstr(e.msg, there));
    assert_int_equal(topology_pick(t, 0, cpus, &e), -1);
    assert_int_equal(topology_pick(t, -3, cpus, &e), -1);
    assert_int_equal(topology_pick(t, 2000000000, cpus, &e), -1);
    assert_int_equal(cpus[0], -1);
    topology_close(t);
    topology_close(NULL);
}

static void description(void **state)
{
    (void)state;
    struct topology *t = open_topology();
    char *xml = topology_xml(t);
#if HAVE_HWLOC
    assert_int_equal(strncmp(topology_source(t), "hwloc ", 6), 0);
    assert_non_null(strstr(xml, "<topology"));
    const char *memory = strstr(xml, " local_memory=\""); /* it comes and goes, and the machine stays the same */
    assert_true(!memory || !strncmp(memory, " local_memory=\"0\"", 17));
#else
    assert_null(xml);
    assert_non_null(strstr(topology_source(t), "built without hwloc"));
#endif
    free(xml);
    topology_close(t);
}

#if HAVE_HWLOC

/* Picks n CPUs, and then them again, expects them in this order, and closes. */
static void expect_picks(struct topology *t, const int *want, int n)
{
    int got[TOPOLOGY_MAX_CPUS];
    struct err e;
    assert_int_equal(topology_cpus(t), n);
    for (int some = 1; some <= 2 * n; some++) {
        assert_int_equal(topology_pick(t, some, got, &e), 0);
        for (int i = 0; i < some; i++)
            assert_int_equal(got[i], want[i % n]);
        assert_int_equal(topology_distinct(got, some), some < n ? some : n);
    }
    topology_close(t);
}

static int forget_replay(void **state)
{
    static const char *const variables[] = {"HWLOC_SYNTHETIC", "HWLOC_XMLFILE", "HWLOC_FSROOT", "HWLOC_COMPONENTS",
                                            "HWLOC_THISSYSTEM"};
    (void)state;
    for (size_t i = 0; i < sizeof variables / sizeof *variables; i++)
        unsetenv(variables[i]);
    return 0;
}

static void replay(const char *variable, const char *value)
{
    setenv(variable, value, 1);
    setenv("HWLOC_THISSYSTEM", "0", 1);
}

static void cores_before_siblings(void **state)
{
    (void)state;
    static const int want[] = {0, 2, 4, 6, 1, 3, 5, 7};
    replay("HWLOC_SYNTHETIC", "pack:2 core:2 pu:2");
    struct topology *t = open_topology();
    assert_int_equal(topology_cores(t), 4);
    assert_int_equal(topology_kinds(t), 1);
    assert_non_null(strstr(topology_source(t), "not of this machine"));
    expect_picks(t, want, 8);
}

static void more_than_there_is_room_for(void **state)
{
    (void)state;
    replay("HWLOC_SYNTHETIC", "pack:40 core:40 pu:1");
    struct topology *t = open_topology();
    assert_int_equal(topology_cpus(t), TOPOLOGY_MAX_CPUS);
    assert_non_null(strstr(topology_source(t), "the first 1024 of 1600 CPUs"));
    topology_close(t);
}

/* Two slow cores, then two fast ones with two threads each; the kinds are listed in the wrong order on purpose. */
static void big_and_little(void **state)
{
    (void)state;
    static const char sets[] =
        "os_index=\"%d\" cpuset=\"0x%x\" complete_cpuset=\"0x%x\" nodeset=\"0x1\" complete_nodeset=\"0x1\"";
    static const int core_of[] = {0, 1, 2, 2, 3, 3};
    static const int want[] = {2, 4, 0, 1, 3, 5};
    char xml[8192], root[64], path[PATH_MAX];
    int n =
        snprintf(xml, sizeof xml,
                 "<?xml version=\"1.0\"?>\n<!DOCTYPE topology SYSTEM \"hwloc2.dtd\">\n<topology version=\"2.0\">\n"
                 "<object type=\"Machine\" os_index=\"0\" cpuset=\"0x3f\" complete_cpuset=\"0x3f\" allowed_cpuset=\"0x3f\" "
                 "nodeset=\"0x1\" complete_nodeset=\"0x1\" allowed_nodeset=\"0x1\" gp_index=\"1\">\n<object type=\"NUMANode\" ");
    n += snprintf(xml + n, sizeof xml - (size_t)n, sets, 0, 0x3f, 0x3f);
    n += snprintf(xml + n, sizeof xml - (size_t)n, " gp_index=\"2\"/>\n");
    for (int core = 0, gp = 3; core < 4; core++) {
        unsigned mask = 0;
        for (int pu = 0; pu < 6; pu++)
            mask |= (unsigned)(core_of[pu] == core) << pu;
        n += snprintf(xml + n, sizeof xml - (size_t)n, "<object type=\"Core\" ");
        n += snprintf(xml + n, sizeof xml - (size_t)n, sets, core, mask, mask);
        n += snprintf(xml + n, sizeof xml - (size_t)n, " gp_index=\"%d\">", gp++);
        for (int pu = 0; pu < 6; pu++)
            if (core_of[pu] == core) {
                n += snprintf(xml + n, sizeof xml - (size_t)n, "<object type=\"PU\" ");
                n += snprintf(xml + n, sizeof xml - (size_t)n, sets, pu, 1 << pu, 1 << pu);
                n += snprintf(xml + n, sizeof xml - (size_t)n, " gp_index=\"%d\"/>", gp++);
            }
        n += snprintf(xml + n, sizeof xml - (size_t)n, "</object>\n");
    }
    snprintf(xml + n, sizeof xml - (size_t)n,
             "</object>\n<cpukind cpuset=\"0x3c\" forced_efficiency=\"9\"/>\n"
             "<cpukind cpuset=\"0x03\" forced_efficiency=\"4\"/>\n</topology>\n");
    assert_int_equal(test_tmp(root, sizeof root), 0);
    tree_write(root, "machine.xml", xml);
    snprintf(path, sizeof path, "%s/machine.xml", root);
    replay("HWLOC_XMLFILE", path);
    struct topology *t = open_topology();
    test_rm(root);
    assert_int_equal(topology_cores(t), 4);
    assert_int_equal(topology_kinds(t), 2);
    expect_picks(t, want, 6);
}

static void unreadable_description(void **state)
{
    (void)state;
    cpu_set_t all;
    char root[64], path[PATH_MAX];
    assert_int_equal(test_tmp(root, sizeof root), 0);
    tree_write(root, "machine.xml", "<?xml version=\"1.0\"?>\n<topology version=\"99.0\">\n</topology>\n");
    snprintf(path, sizeof path, "%s/machine.xml", root);
    replay("HWLOC_XMLFILE", path);
    struct topology *t = open_topology();
    test_rm(root);
    assert_int_equal(sched_getaffinity(0, sizeof all, &all), 0);
    assert_non_null(strstr(topology_source(t), "none (hwloc cannot read"));
    assert_int_equal(topology_cpus(t), CPU_COUNT(&all));
    assert_null(topology_xml(t));
    topology_close(t);
}

/* Opens a recorded XML file.  hwloc 2 refuses the version 3 that these have been written by, and reads everything of it that
 * matters here; so it gets a copy with the version changed. */
static struct topology *open_xml(const char *from)
{
    char root[64], path[PATH_MAX];
    struct err e;
    replay("HWLOC_XMLFILE", from);
    struct topology *t = open_topology();
    if (!strncmp(topology_source(t), "hwloc", 5))
        return t;
    topology_close(t);
    char *xml = file_read(from, NULL, &e), *version = strstr(xml, "version=\"3.0\"");
    assert_non_null(version);
    memcpy(version, "version=\"2.0\"", strlen("version=\"2.0\""));
    assert_int_equal(test_tmp(root, sizeof root), 0);
    tree_write(root, "machine.xml", xml);
    free(xml);
    snprintf(path, sizeof path, "%s/machine.xml", root);
    replay("HWLOC_XMLFILE", path);
    t = open_topology();
    test_rm(root);
    return t;
}

/* Ten Cortex-X925 and ten Cortex-A725 in two clusters of five and five. */
static void gb10(void **state)
{
    (void)state;
    static const int want[] = {5, 6, 7, 8, 9, 15, 16, 17, 18, 19, 0, 1, 2, 3, 4, 10, 11, 12, 13, 14};
    const char *xml = testdata("topology/nvidia-dgx-gb10.xml");
    TEST_SKIP_WITHOUT(xml, "topology/nvidia-dgx-gb10.xml");
    struct topology *t = open_xml(xml);
    assert_int_equal(topology_cores(t), 20);
    assert_int_equal(topology_kinds(t), 2);
    expect_picks(t, want, 20);
}

/* Two cores of two threads, and three kinds that cut through them: the fastest thread of a core stands for it. */
static void kinds_within_a_core(void **state)
{
    (void)state;
    static const int want[] = {3, 2, 0, 1};
    const char *xml = testdata("topology/fakecpukinds.xml");
    TEST_SKIP_WITHOUT(xml, "topology/fakecpukinds.xml");
    struct topology *t = open_xml(xml);
    assert_int_equal(topology_cores(t), 2);
    assert_int_equal(topology_kinds(t), 3);
    expect_picks(t, want, 4);
}

/* Unpacks a dump into root and replays it; NULL when there is no tar or no bzip2. */
static struct topology *open_dump(const char *archive, const char *name)
{
    char root[64], path[PATH_MAX];
    assert_int_equal(test_tmp(root, sizeof root), 0);
    pid_t pid = fork();
    if (pid == 0) {
        execlp("tar", "tar", "xf", archive, "-C", root, (char *)NULL);
        _exit(127);
    }
    int status = -1;
    waitpid(pid, &status, 0);
    if (status != 0) {
        test_rm(root);
        return NULL;
    }
    snprintf(path, sizeof path, "%s/%s", root, name);
    replay("HWLOC_FSROOT", path);
    setenv("HWLOC_COMPONENTS", "linux,stop", 1);
    struct topology *t = open_topology();
    test_rm(root);
    return t;
}

/* The number before "WHAT (type" in what lstopo printed of the same dump. */
static int console_count(const char *console, const char *what)
{
    char key[32];
    struct err e;
    char *text = file_read(console, NULL, &e);
    assert_non_null(text);
    snprintf(key, sizeof key, " %s (type", what);
    char *at = strstr(text, key);
    assert_non_null(at);
    while (at > text && at[-1] != ' ')
        at--;
    int n = atoi(at);
    free(text);
    return n;
}

/* Six performance cores of two threads, then eight efficient cores of one. */
static void hybrid_laptop(void **state)
{
    (void)state;
    static const int want[] = {0, 2, 4, 6, 8, 10, 12, 13, 14, 15, 16, 17, 18, 19, 1, 3, 5, 7, 9, 11};
    static const char name[] = "20em64t-hybrid-1p6c2t+2ca4co1t";
    const char *archive = testdata("topology/20em64t-hybrid-1p6c2t+2ca4co1t.tar.bz2");
    TEST_SKIP_WITHOUT(archive, "topology/20em64t-hybrid-1p6c2t+2ca4co1t.tar.bz2");
    struct topology *t = open_dump(archive, name);
    TEST_SKIP_WITHOUT(t, "tar and bzip2");
    const char *console = testdata("topology/20em64t-hybrid-1p6c2t+2ca4co1t.console");
    assert_int_equal(topology_cores(t), console_count(console, "Core"));
    assert_int_equal(topology_cpus(t), console_count(console, "PU"));
    assert_int_equal(topology_kinds(t), 2);
    expect_picks(t, want, 20);
}

/* The kernel knows the frequency of one of its two cores only: that makes no second kind. */
static void two_arm_cores(void **state)
{
    (void)state;
    static const int want[] = {0, 1};
    const char *archive = testdata("topology/2arm-2c.tar.bz2");
    TEST_SKIP_WITHOUT(archive, "topology/2arm-2c.tar.bz2");
    struct topology *t = open_dump(archive, "2arm-2c");
    TEST_SKIP_WITHOUT(t, "tar and bzip2");
    const char *console = testdata("topology/2arm-2c.console");
    assert_int_equal(topology_cores(t), console_count(console, "Core"));
    assert_int_equal(topology_cpus(t), console_count(console, "PU"));
    assert_int_equal(topology_kinds(t), 1);
    expect_picks(t, want, 2);
}

#endif

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(this_machine),
        cmocka_unit_test(affinity_mask),
        cmocka_unit_test(more_threads_than_cpus),
        cmocka_unit_test(too_many),
        cmocka_unit_test(description),
#if HAVE_HWLOC
        cmocka_unit_test_teardown(cores_before_siblings, forget_replay),
        cmocka_unit_test_teardown(more_than_there_is_room_for, forget_replay),
        cmocka_unit_test_teardown(big_and_little, forget_replay),
        cmocka_unit_test_teardown(unreadable_description, forget_replay),
        cmocka_unit_test_teardown(gb10, forget_replay),
        cmocka_unit_test_teardown(kinds_within_a_core, forget_replay),
        cmocka_unit_test_teardown(hybrid_laptop, forget_replay),
        cmocka_unit_test_teardown(two_arm_cores, forget_replay),
#endif
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
