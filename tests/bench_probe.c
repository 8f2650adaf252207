/* bench_probe.c - the set of probes, and the probes that every machine has: memory, sched, null. */
/* SPDX-License-Identifier: MIT */
#include <pthread.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>

#include "bench/probe/probe.h"
#include "tests/tree.h"

enum { MiB = 1 << 20, SLACK = MiB /* the kernel's counters are batched per CPU */ };

static struct readings out;

static struct probe_set *open_set(pid_t child, const char *sysroot, const char *skip)
{
    struct probe_env env = {.sysroot = sysroot, .child = child};
    out.n = 0;
    return probe_set_open(&env, skip);
}

static enum state state_of(const struct probe_set *s, const char *name, const char **reason)
{
    const char *n;
    for (int i = 0; i < probe_set_count(s); i++) {
        enum state state = probe_set_state(s, i, &n, reason);
        if (!strcmp(n, name))
            return state;
    }
    fail_msg("no probe is called %s", name);
    return STATE_OFF;
}

static const struct reading *reading(const char *name)
{
    const struct reading *r = readings_find(&out, name);
    if (!r)
        fail_msg("no reading is called %s", name);
    return r;
}

static int64_t value(const char *name)
{
    const struct reading *r = reading(name);
    if (r->state != STATE_OK)
        fail_msg("%s is %s: %s", name, state_name(r->state), r->reason);
    return r->value;
}

/* n bytes of fresh anonymous memory in small pages, every one touched. */
static void *touch(size_t n)
{
    char *p = mmap(NULL, n, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    assert_ptr_not_equal(p, MAP_FAILED);
    madvise(p, n, MADV_NOHUGEPAGE);
    for (size_t i = 0; i < n; i += 4096)
        p[i] = 1;
    return p;
}

/* -- the list and the set ----------------------------------------------------------------------------------------------- */

static void list(void **state)
{
    (void)state;
    for (int i = 0; probes[i]; i++) {
        assert_non_null(probes[i]->open);
        assert_true(strlen(probes[i]->about) > 10);
        assert_int_equal(!probes[i]->begin, !probes[i]->end);
        assert_int_equal(!probes[i]->watch, !probes[i]->finish);
        for (int k = 0; k < i; k++)
            assert_string_not_equal(probes[i]->name, probes[k]->name);
    }
}

/* Whatever this machine has: what is not ok says why. */
static void states_have_reasons(void **state)
{
    (void)state;
    struct probe_set *s = open_set(0, "", NULL);
    const char *name, *reason;
    for (int i = 0; i < probe_set_count(s); i++) {
        enum state st = probe_set_state(s, i, &name, &reason);
        print_message("%s: %s%s%s\n", name, state_name(st), *reason ? ": " : "", reason);
        assert_int_equal(st == STATE_OK, *reason == '\0');
    }
    probe_set_begin(s);
    probe_set_end(s, &out);
    for (int i = 0; i < out.n; i++) {
        assert_int_equal(out.v[i].state == STATE_OK, out.v[i].reason[0] == '\0');
        for (int k = 0; k < i; k++)
            assert_string_not_equal(out.v[i].name, out.v[k].name);
    }
    probe_set_close(s);
}

static void skipped(void **state)
{
    (void)state;
    const char *reason;
    struct probe_set *s = open_set(0, "", "counters, energy,sched,memory");
    assert_int_equal(state_of(s, "memory", &reason), STATE_OFF);
    assert_non_null(strstr(reason, "skip"));
    assert_int_equal(state_of(s, "null", &reason), STATE_OK);
    probe_set_begin(s);
    probe_set_end(s, &out);
    assert_int_equal(out.n, 1);
    assert_int_equal(value("null.reads"), 2);
    probe_set_close(s);
    probe_set_close(NULL);
}

static void stretches_nest(void **state)
{
    (void)state;
    struct probe_set *s = open_set(0, "", "counters,energy,sched,memory");
    probe_set_begin(s);
    for (int i = 0; i < 3; i++) {
        out.n = 0;
        probe_set_begin(s);
        probe_set_end(s, &out);
        assert_int_equal(value("null.reads"), 2);
    }
    out.n = 0;
    probe_set_end(s, &out);
    assert_int_equal(value("null.reads"), 8);
    probe_set_close(s);
}

static void parent_side(void **state)
{
    (void)state;
    struct probe_set *s = open_set(getpid(), "", "counters,energy,sched,memory");
    for (int i = 0; i < 5; i++)
        probe_set_watch(s);
    probe_set_finish(s, &out);
    assert_int_equal(value("null.ticks"), 5);
    probe_set_close(s);
}

/* -- memory -------------------------------------------------------------------------------------------------------------- */

static void memory_of_a_stretch(void **state)
{
    (void)state;
    const size_t n = 64 * MiB;
    struct probe_set *s = open_set(0, "", "counters,energy,sched,null");
    probe_set_begin(s);
    probe_set_begin(s);
    probe_set_end(s, &out);
    int64_t anon = value("memory.rss_anon"), high = value("memory.hwm");
    assert_true(anon > 0);

    out.n = 0;
    probe_set_begin(s);
    void *p = touch(n);
    probe_set_end(s, &out);
    assert_in_range(value("memory.rss_anon") - anon, n - SLACK, n + SLACK);
    assert_in_range(value("memory.hwm") - high, n - 4 * SLACK, n + 4 * SLACK);
    int64_t peak = value("memory.hwm");

    out.n = 0;
    probe_set_begin(s);
    munmap(p, n);
    probe_set_end(s, &out);
    assert_in_range(value("memory.rss_anon"), 1, anon + SLACK); /* given back, and the high-water mark stays */
    assert_true(value("memory.hwm") >= peak);

    out.n = 0;
    probe_set_end(s, &out);
    assert_true(value("memory.peak") >= peak);
    assert_in_range(peak - value("memory.start"), n - 4 * SLACK, n + 4 * SLACK); /* what the trial added */
    assert_null(readings_find(&out, "memory.hwm"));
    assert_true(reading("memory.file_huge")->state != STATE_OK || value("memory.file_huge") <= value("memory.rss_file") + SLACK);
    assert_true(reading("memory.anon_huge")->state != STATE_OK || value("memory.anon_huge") <= value("memory.rss_anon") + SLACK);
    probe_set_close(s);
}

static void file_pages_apart(void **state)
{
    (void)state;
    char root[64], path[128];
    const size_t n = 16 * MiB;
    assert_int_equal(test_tmp(root, sizeof root), 0);
    snprintf(path, sizeof path, "%s/weights", root);
    int fd = open(path, O_RDWR | O_CREAT, 0600);
    assert_int_equal(ftruncate(fd, (off_t)n), 0);
    struct probe_set *s = open_set(0, "", "counters,energy,sched,null");
    probe_set_begin(s);
    probe_set_begin(s);
    probe_set_end(s, &out);
    int64_t file = value("memory.rss_file") + value("memory.rss_shmem"), anon = value("memory.rss_anon");
    out.n = 0;
    probe_set_begin(s);
    void *p = mmap(NULL, n, PROT_READ, MAP_PRIVATE | MAP_POPULATE, fd, 0);
    assert_ptr_not_equal(p, MAP_FAILED);
    probe_set_end(s, &out);
    /* a temporary folder in memory counts as shmem */
    assert_in_range(value("memory.rss_file") + value("memory.rss_shmem") - file, n - SLACK, n + SLACK);
    assert_true(llabs(value("memory.rss_anon") - anon) <= SLACK);
    munmap(p, n);
    close(fd);
    probe_set_close(s);
    test_rm(root);
}

/* What this process held before the probe opened is not the trial's peak; ru_maxrss would say that it is. */
static void peak_starts_at_open(void **state)
{
    (void)state;
    const size_t n = 128 * MiB;
    struct rusage usage;
    munmap(touch(n), n);
    getrusage(RUSAGE_SELF, &usage);
    assert_true(usage.ru_maxrss * 1024L > (long)n);
    struct probe_set *s = open_set(0, "", "counters,energy,sched,null");
    probe_set_begin(s);
    probe_set_end(s, &out);
    const struct reading *peak = reading("memory.peak");
    if (peak->state == STATE_SUSPECT) { /* clear_refs is denied: then it must say so */
        assert_non_null(strstr(peak->reason, "clear_refs"));
    } else {
        assert_int_equal(peak->state, STATE_OK);
        assert_in_range(peak->value, 1, n);
    }
    probe_set_close(s);
}

/* A child that holds n bytes until it is told to end. */
static pid_t holder(size_t n, int *told)
{
    int ready[2], end[2];
    char c;
    assert_int_equal(pipe(ready), 0);
    assert_int_equal(pipe(end), 0);
    pid_t pid = fork();
    if (pid == 0) {
        close(ready[0]);
        close(end[1]);
        touch(n);
        _exit(write(ready[1], "", 1) == 1 && read(end[0], &c, 1) == 0 ? 0 : 1);
    }
    close(ready[1]);
    close(end[0]);
    assert_int_equal(read(ready[0], &c, 1), 1);
    close(ready[0]);
    *told = end[1];
    return pid;
}

static void watched_from_outside(void **state)
{
    (void)state;
    const size_t n = 32 * MiB;
    int told;
    siginfo_t info;
    pid_t pid = holder(n, &told);
    struct probe_set *s = open_set(pid, "", "counters,energy,sched,null");
    probe_set_watch(s);
    probe_set_watch(s);
    close(told);
    assert_int_equal(waitid(P_PID, (id_t)pid, &info, WEXITED | WNOWAIT), 0);
    probe_set_watch(s); /* a zombie has no memory: no sample */
    assert_int_equal(waitpid(pid, NULL, 0), pid);
    probe_set_watch(s); /* nor has one that is gone */
    probe_set_finish(s, &out);
    assert_int_equal(value("memory.samples"), 2);
    assert_true(value("memory.peak_anon") >= (int64_t)n - SLACK);
    assert_true(value("memory.peak_file") >= 0);
    assert_int_equal(value("memory.peak_shmem"), 0);
    probe_set_close(s);
}

static void never_watched(void **state)
{
    (void)state;
    int told;
    const char *reason;
    pid_t pid = holder(4096, &told);
    struct probe_set *s = open_set(pid, "", "counters,energy,sched,null");
    close(told);
    assert_int_equal(waitpid(pid, NULL, 0), pid);
    probe_set_finish(s, &out);
    assert_int_equal(value("memory.samples"), 0);
    assert_string_equal(state_name(reading("memory.peak_anon")->state), "absent");
    assert_non_null(strstr(reading("memory.peak_anon")->reason, "before the first sampling tick"));
    probe_set_close(s);

    s = open_set(pid, "", "counters,energy,sched,null"); /* gone before the probe opened */
    assert_string_equal(state_name(state_of(s, "memory", &reason)), "absent");
    assert_non_null(strstr(reason, "/status"));
    probe_set_close(s);
}

/* -- sched --------------------------------------------------------------------------------------------------------------- */

static void faults_and_switches(void **state)
{
    (void)state;
    const size_t n = 4 * MiB;
    struct probe_set *s = open_set(0, "", "counters,energy,memory,null");
    probe_set_begin(s);
    void *p = touch(n);
    for (int i = 0; i < 20; i++)
        nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
    probe_set_end(s, &out);
    munmap(p, n);
    assert_true(value("sched.minflt") >= (int64_t)(n / 4096));
    assert_true(value("sched.nvcsw") >= 10); /* a sleep gives the CPU away, unless it is over before it began */
    assert_true(value("sched.nivcsw") >= 0);
    assert_true(value("sched.majflt") >= 0);
    assert_true(value("sched.inblock") >= 0);
    assert_true(value("sched.utime") >= 0 && value("sched.stime") >= 0);
    const struct reading *delay = reading("sched.run_delay");
    assert_true(delay->state == STATE_ABSENT || (delay->state == STATE_OK && delay->value >= 0));
    probe_set_close(s);
}

static void *wait_for_end(void *fd)
{
    char c;
    ssize_t got = read(*(int *)fd, &c, 1);
    return (void *)(intptr_t)got;
}

/* A thread's delay is lost when it ends; one that is created, or stays, is no reason to doubt. */
static void threads_that_end(void **state)
{
    (void)state;
    int end[2];
    pthread_t thread;
    assert_int_equal(pipe(end), 0);
    struct probe_set *s = open_set(0, "", "counters,energy,memory,null");
    probe_set_begin(s);
    assert_int_equal(pthread_create(&thread, NULL, wait_for_end, &end[0]), 0);
    probe_set_begin(s);
    probe_set_end(s, &out);
    if (reading("sched.run_delay")->state == STATE_ABSENT) {
        close(end[1]);
        pthread_join(thread, NULL);
        probe_set_close(s);
        skip(); /* a kernel without schedstat */
    }
    assert_true(value("sched.run_delay") >= 0);

    out.n = 0;
    probe_set_begin(s);
    close(end[1]);
    pthread_join(thread, NULL);
    char path[64];
    snprintf(path, sizeof path, "/proc/self/task"); /* joined a little before it leaves /proc */
    struct stat st;
    while (stat(path, &st) == 0 && st.st_nlink > 3)
        sched_yield();
    probe_set_end(s, &out);
    assert_string_equal(state_name(reading("sched.run_delay")->state), "suspect");
    assert_non_null(strstr(reading("sched.run_delay")->reason, "1 of 2 threads ended"));
    out.n = 0;
    probe_set_end(s, &out); /* began and ended inside: not seen, as the file says */
    assert_true(value("sched.run_delay") >= 0);
    close(end[0]);
    probe_set_close(s);
}

static void steal(void **state)
{
    (void)state;
    char root[64];
    const int64_t tick = 1000000000 / sysconf(_SC_CLK_TCK);
    assert_int_equal(test_tmp(root, sizeof root), 0);
    struct probe_set *s = open_set(0, root, "counters,energy,memory,null");

    probe_set_begin(s); /* no /proc/stat at all */
    probe_set_end(s, &out);
    assert_string_equal(state_name(reading("sched.steal")->state), "absent");

    static const char *const from_to[][2] = {
        {"cpu  1 2 3 4 5 6 7 100 9 10\ncpu0 1 2\n", "cpu  2 3 4 5 6 7 8 107 9 10\ncpu0 1 2\n"},
        {"cpu  1 2 3 4 5 6 7 100 9 10\n", "cpu  2 3 4 5 6 7 8 99 9 10\n"},
        {"cpu  1 2 3 4 5 6 7\n", "cpu  1 2 3 4 5 6 7\n"}, /* Linux before 2.6.11 */
        {"intr 5\n", "cpu  1 2 3 4 5 6 7 8\n"},
    };
    static const char *const want[] = {"ok", "broken", "absent", "absent"};
    for (int i = 0; i < 4; i++) {
        out.n = 0;
        tree_write(root, "proc/stat", from_to[i][0]);
        probe_set_begin(s);
        tree_write(root, "proc/stat", from_to[i][1]);
        probe_set_end(s, &out);
        assert_string_equal(state_name(reading("sched.steal")->state), want[i]);
        assert_int_equal(reading("sched.steal")->value, i == 0 ? 7 * tick : 0);
    }
    probe_set_close(s);
    test_rm(root);
}

static void sysroot_too_long(void **state)
{
    (void)state;
    const char *reason;
    char *root = malloc(2 * PATH_MAX);
    memset(root, 'x', 2 * PATH_MAX - 1);
    root[2 * PATH_MAX - 1] = '\0';
    struct probe_set *s = open_set(0, root, "counters,memory,null");
    assert_string_equal(state_name(state_of(s, "sched", &reason)), "broken");
    assert_non_null(strstr(reason, "BENCH_SYSROOT"));
    assert_string_equal(state_name(state_of(s, "energy", &reason)), "absent");
    probe_set_close(s);
    free(root);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(list),
        cmocka_unit_test(states_have_reasons),
        cmocka_unit_test(skipped),
        cmocka_unit_test(stretches_nest),
        cmocka_unit_test(parent_side),
        cmocka_unit_test(memory_of_a_stretch),
        cmocka_unit_test(file_pages_apart),
        cmocka_unit_test(peak_starts_at_open),
        cmocka_unit_test(watched_from_outside),
        cmocka_unit_test(never_watched),
        cmocka_unit_test(faults_and_switches),
        cmocka_unit_test(threads_that_end),
        cmocka_unit_test(steal),
        cmocka_unit_test(sysroot_too_long),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
