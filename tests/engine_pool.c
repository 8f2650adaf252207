/* The thread pool: every part is worked on once, a barrier is one, and a CPU that cannot be had is an error. */
/* SPDX-License-Identifier: MIT */
#include "tests/test.h"

#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "engine/pool.h"

#define THREADS 7 /* more than the CPUs of a small machine */
#define ROUNDS 200

static void parts_cover_once(void **state)
{
    (void)state;
    for (int n = 0; n < 70; n++)
        for (int unit = 1; unit < 20; unit += 5)
            for (int threads = 1; threads < 9; threads++) {
                int at = 0, from, to;
                for (int t = 0; t < threads; t++) {
                    pool_part(n, unit, t, threads, &from, &to);
                    assert_int_equal(from, at);
                    assert_true(to >= from);
                    assert_true(to % unit == 0 || to == n);
                    at = to;
                }
                assert_int_equal(at, n);
            }
    int from, to;
    pool_part(2147483647, 16, 1023, 1024, &from, &to); /* products past 32 bits */
    assert_int_equal(to, 2147483647);
}

struct shared {
    struct pool *pool;
    int threads;
    int ran[THREADS];
    int left[THREADS], right[THREADS]; /* plain memory: only the barriers order it */
    int wrong;
};

/* Each thread writes its cell, and after the barrier reads what all others wrote; twice, with both arrays. */
static void step(void *ctx, int t)
{
    struct shared *s = ctx;
    s->ran[t]++;
    s->left[t]++;
    pool_barrier(s->pool, t);
    int sum = 0;
    for (int i = 0; i < s->threads; i++)
        sum += s->left[i];
    s->right[t] = sum;
    pool_barrier(s->pool, t);
    for (int i = 0; i < s->threads; i++)
        if (s->right[i] != s->left[t] * s->threads)
            s->wrong = 1; /* a plain int: a second writer would write the same */
    pool_barrier(s->pool, t);
}

static void expect_order(int threads, const int *cpus, int rounds)
{
    struct shared s = {.threads = threads};
    struct err e;
    assert_int_equal(pool_open(&s.pool, threads, cpus, &e), 0);
    assert_int_equal(pool_threads(s.pool), threads);
    for (int i = 0; i < rounds; i++) {
        pool_run(s.pool, step, &s);
        if (i % 50 == 0)
            pool_park(s.pool);
        if (i == rounds / 2)
            usleep(20000); /* long enough for the others to fall asleep by themselves */
    }
    for (int t = 0; t < threads; t++)
        assert_int_equal(s.ran[t], rounds);
    assert_false(s.wrong);
    pool_close(s.pool);
}

static void barriers_order_memory(void **state)
{
    (void)state;
    for (int threads = 1; threads <= THREADS; threads++)
        expect_order(threads, NULL, ROUNDS);
    pool_close(NULL);
}

/* Fills cpus[THREADS] with the first `most` CPUs that this process may use, over and over. */
static void share_cpus(int *cpus, int most)
{
    cpu_set_t set;
    assert_int_equal(sched_getaffinity(0, sizeof set, &set), 0);
    int n = 0;
    for (int c = 0; c < CPU_SETSIZE && n < most; c++)
        if (CPU_ISSET(c, &set))
            cpus[n++] = c;
    for (int i = n; i < THREADS; i++)
        cpus[i] = cpus[i - n];
}

static void threads_share_cpus(void **state)
{
    (void)state;
    int cpus[THREADS] = {0};
    for (int most = 1; most <= 2; most++) {
        share_cpus(cpus, most);
        for (int threads = 2; threads <= THREADS; threads++)
            expect_order(threads, cpus, ROUNDS);
    }
}

/* Another program computes on the CPU of all threads: their yields go to it for a slice, and they sleep instead. */
static void a_hog_beside_them(void **state)
{
    (void)state;
    int cpus[THREADS] = {0};
    share_cpus(cpus, 1);
    pid_t hog = fork();
    assert_true(hog >= 0);
    if (hog == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        cpu_set_t one;
        CPU_ZERO(&one);
        CPU_SET(cpus[0], &one);
        sched_setaffinity(0, sizeof one, &one);
        for (volatile unsigned n = 0;; n++)
            ;
    }
    for (int threads = 2; threads <= 4; threads += 2)
        expect_order(threads, cpus, ROUNDS / 4);
    kill(hog, SIGKILL);
    waitpid(hog, NULL, 0);
}

static void note_thread(void *ctx, int t)
{
    pthread_t *who = ctx;
    who[t] = pthread_self();
}

static void the_caller_is_thread_0(void **state)
{
    (void)state;
    struct pool *p;
    struct err e;
    pthread_t who[2];
    assert_int_equal(pool_open(&p, 2, NULL, &e), 0);
    pool_run(p, note_thread, who);
    assert_true(pthread_equal(who[0], pthread_self()));
    assert_false(pthread_equal(who[0], who[1]));
    pool_close(p);
}

static void note_cpus(void *ctx, int t)
{
    cpu_set_t *set = ctx;
    pthread_getaffinity_np(pthread_self(), sizeof *set, &set[t]);
}

static void threads_are_pinned_and_the_caller_let_go(void **state)
{
    (void)state;
    cpu_set_t before, after, seen[2];
    assert_int_equal(pthread_getaffinity_np(pthread_self(), sizeof before, &before), 0);
    int cpus[2] = {-1, -1};
    for (int c = 0, n = 0; c < CPU_SETSIZE && n < 2; c++)
        if (CPU_ISSET(c, &before))
            cpus[n++] = c;
    if (cpus[1] < 0)
        cpus[1] = cpus[0]; /* one CPU: both threads share it */
    struct pool *p;
    struct err e;
    assert_int_equal(pool_open(&p, 2, cpus, &e), 0);
    pool_run(p, note_cpus, seen);
    for (int t = 0; t < 2; t++) {
        assert_int_equal(CPU_COUNT(&seen[t]), 1);
        assert_true(CPU_ISSET(cpus[t], &seen[t]));
    }
    pool_close(p);
    assert_int_equal(pthread_getaffinity_np(pthread_self(), sizeof after, &after), 0);
    assert_true(CPU_EQUAL(&before, &after));
}

static void a_cpu_that_is_not_there_is_an_error(void **state)
{
    (void)state;
    cpu_set_t before, after;
    assert_int_equal(pthread_getaffinity_np(pthread_self(), sizeof before, &before), 0);
    int good = 0;
    while (!CPU_ISSET(good, &before))
        good++;
    long configured = sysconf(_SC_NPROCESSORS_CONF);
    if (configured >= CPU_SETSIZE)
        skip();
    int absent = CPU_SETSIZE - 1;
    const int lists[][3] = {
        {absent, good, good}, {good, absent, good}, {good, good, absent}, {good, -1, good}, {good, 1 << 20, good}};
    for (size_t i = 0; i < sizeof lists / sizeof *lists; i++) {
        struct pool *p;
        struct err e = {0};
        assert_int_equal(pool_open(&p, 3, lists[i], &e), -1);
        assert_null(p);
        assert_int_equal(e.code, ERR_ENV);
        assert_non_null(strstr(e.msg, "cannot run on CPU "));
        assert_int_equal(pthread_getaffinity_np(pthread_self(), sizeof after, &after), 0);
        assert_true(CPU_EQUAL(&before, &after));
    }
    struct pool *p;
    struct err e = {0};
    assert_int_equal(pool_open(&p, 0, NULL, &e), -1);
    assert_int_equal(e.code, ERR_USAGE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(parts_cover_once),
        cmocka_unit_test(barriers_order_memory),
        cmocka_unit_test(threads_share_cpus),
        cmocka_unit_test(a_hog_beside_them),
        cmocka_unit_test(the_caller_is_thread_0),
        cmocka_unit_test(threads_are_pinned_and_the_caller_let_go),
        cmocka_unit_test(a_cpu_that_is_not_there_is_an_error),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
