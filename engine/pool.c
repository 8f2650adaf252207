/* Threads that meet at barriers.
 *
 * Everything is one barrier: pool_run is a barrier (here is work), the function, and a barrier (all are done); between runs
 * the workers already wait at the first of the two.  The barrier counts arrivals; the last one opens the next round.
 *
 * A thread that waits spins first, because the stages of a token are tens of microseconds long; then yields; then sleeps on
 * the round number as a futex.  With more threads than CPUs spinning only takes time from the thread that is waited for, so
 * then it does not spin at all: it yields, which hands the CPU to that thread in a fraction of what sleeping and waking cost.
 *
 * Where another program computes on the CPU, a yield hands it a whole slice, milliseconds for a stage of microseconds.  A thread
 * whose yield took that long sleeps in its next waits without trying: in twice as many each time that it finds the same again. */
/* SPDX-License-Identifier: MIT */
#include "engine/pool.h"

#include <errno.h>
#include <limits.h>
#include <linux/futex.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/clock.h"

#define CACHE_LINE 64
#define SPINS 2000 /* pauses: 20 to 100 us, depending on the CPU */
#define YIELDS 200
#define SLICE_NS 500000  /* a yield that takes as long went to somebody who computes: slices are 0.7 ms and more */
#define FEWEST_SLEEPS 16 /* a long stage of this pool looks the same, and must not cost much */
#define MOST_SLEEPS 8192 /* some 50 tokens: a slice lost among them is nothing */
#define MAX_THREADS 1024

struct worker {
    _Alignas(CACHE_LINE) pthread_t id;
    struct pool *pool;
    int thread;
    int sleeps;  /* waits in which it does not yield, from now on */
    int penalty; /* what sleeps was set to by the last yield that took long, less the waits since in which none did */
};

struct pool {
    /* Every arrival writes the first line and every waiter reads the second. */
    _Alignas(CACHE_LINE) atomic_int arrived;
    _Alignas(CACHE_LINE) atomic_uint round; /* the futex */
    _Alignas(CACHE_LINE) atomic_int asleep; /* threads in, or on their way into, the futex */
    atomic_int parked;                      /* waiters go to sleep at once */

    int threads, spins;
    pool_fn *fn; /* of the run; written before the barrier that starts it.  NULL: the workers end */
    void *ctx;
    int pinned; /* thread 0 is pinned, and was allowed on: */
    cpu_set_t before;
    struct worker *worker; /* [threads]; the first is the caller, and has no thread of its own */
};

static void relax(void)
{
#if defined(__x86_64__) || defined(__i386__)
    __builtin_ia32_pause();
#elif defined(__aarch64__) || defined(__arm__)
    __asm__ volatile("yield");
#endif
}

static int over(const struct pool *p, unsigned round)
{
    return atomic_load_explicit(&p->round, memory_order_acquire) != round;
}

static int parked(const struct pool *p)
{
    return atomic_load_explicit(&p->parked, memory_order_relaxed);
}

static void spin(const struct pool *p, unsigned round)
{
    for (int i = 0; i < p->spins && !over(p, round) && !parked(p); i++)
        relax();
}

static void yield(struct worker *w, unsigned round)
{
    if (over(w->pool, round))
        return;
    if (w->sleeps) {
        w->sleeps--;
        return;
    }
    for (int i = 0; i < YIELDS && !over(w->pool, round) && !parked(w->pool); i++) {
        int64_t begin = clock_ns();
        sched_yield();
        if (clock_ns() - begin > SLICE_NS) {
            w->penalty = 2 * w->penalty + FEWEST_SLEEPS;
            w->sleeps = w->penalty = w->penalty < MOST_SLEEPS ? w->penalty : MOST_SLEEPS;
            return;
        }
    }
    w->penalty -= w->penalty > 0;
}

static void wait_for_round_after(struct worker *w, unsigned round)
{
    struct pool *p = w->pool;
    spin(p, round);
    yield(w, round);
    if (over(p, round))
        return;
    /* Either the opener sees this thread in `asleep` after it changed the round, or the kernel sees the changed round: both
     * sides write, then read, in sequential consistency. */
    atomic_fetch_add(&p->asleep, 1);
    while (atomic_load(&p->round) == round)
        syscall(SYS_futex, &p->round, FUTEX_WAIT_PRIVATE, round, NULL, NULL, 0);
    atomic_fetch_sub(&p->asleep, 1);
}

/* `threads` arrivals at once: one thread's own, and in pool_open those of threads that could not be created. */
static void arrive(struct worker *w, int threads)
{
    struct pool *p = w->pool;
    unsigned round = atomic_load_explicit(&p->round, memory_order_relaxed); /* cannot change before this thread arrived */
    if (atomic_fetch_add_explicit(&p->arrived, threads, memory_order_acq_rel) + threads < p->threads) {
        wait_for_round_after(w, round);
        return;
    }
    atomic_store_explicit(&p->arrived, 0, memory_order_relaxed);
    atomic_store(&p->round, round + 1);
    if (atomic_load(&p->asleep))
        syscall(SYS_futex, &p->round, FUTEX_WAKE_PRIVATE, INT_MAX, NULL, NULL, 0);
}

void pool_barrier(struct pool *p, int thread)
{
    if (p->threads > 1)
        arrive(&p->worker[thread], 1);
}

void pool_run(struct pool *p, pool_fn *fn, void *ctx)
{
    if (p->threads == 1) {
        fn(ctx, 0);
        return;
    }
    p->fn = fn;
    p->ctx = ctx;
    atomic_store_explicit(&p->parked, 0, memory_order_relaxed);
    arrive(&p->worker[0], 1);
    fn(ctx, 0);
    arrive(&p->worker[0], 1);
}

static void *work(void *arg)
{
    struct worker *w = arg;
    struct pool *p = w->pool;
    for (;;) {
        arrive(w, 1);
        if (!p->fn)
            return NULL;
        p->fn(p->ctx, w->thread);
        arrive(w, 1);
    }
}

void pool_park(struct pool *p)
{
    atomic_store_explicit(&p->parked, 1, memory_order_relaxed);
}

/* How many CPUs the threads have between them. */
static int cpus_of(const int *cpus, int threads)
{
    cpu_set_t set;
    CPU_ZERO(&set);
    if (cpus)
        for (int i = 0; i < threads; i++)
            CPU_SET(cpus[i], &set);
    else if (sched_getaffinity(0, sizeof set, &set))
        return 1; /* unknown: then spin on nobody's CPU */
    return CPU_COUNT(&set);
}

static int pin_failed(int cpu, int why, struct err *e)
{
    return err_set(e, ERR_ENV,
                   "threads: cannot run on CPU %d: %s; it is offline or outside this process's cpuset: "
                   "choose fewer --threads, or allow it (taskset, cgroup cpuset.cpus)",
                   cpu, strerror(why));
}

static int pin_caller(struct pool *p, int cpu, struct err *e)
{
    cpu_set_t one;
    CPU_ZERO(&one);
    CPU_SET(cpu, &one);
    int why = pthread_getaffinity_np(pthread_self(), sizeof p->before, &p->before);
    if (!why)
        why = pthread_setaffinity_np(pthread_self(), sizeof one, &one);
    if (why)
        return pin_failed(cpu, why, e);
    p->pinned = 1;
    return 0;
}

static int start(struct worker *w, const int *cpu, struct err *e)
{
    pthread_attr_t attr;
    int why = pthread_attr_init(&attr);
    if (why)
        return err_set(e, ERR_ENV, "threads: cannot start thread %d: %s", w->thread, strerror(why));
    if (cpu) {
        cpu_set_t one;
        CPU_ZERO(&one);
        CPU_SET(*cpu, &one);
        why = pthread_attr_setaffinity_np(&attr, sizeof one, &one);
    }
    if (!why)
        why = pthread_create(&w->id, &attr, work, w);
    pthread_attr_destroy(&attr);
    if (why && cpu && why != EAGAIN)
        return pin_failed(*cpu, why, e);
    if (why)
        return err_set(e, ERR_ENV, "threads: cannot start thread %d: %s; use fewer --threads", w->thread, strerror(why));
    return 0;
}

/* Ends the first n workers (thread 0 included in the count) and frees everything. */
static void end(struct pool *p, int n)
{
    if (p->threads > 1) {
        p->fn = NULL;
        arrive(&p->worker[0], 1 + p->threads - n);
    }
    for (int i = 1; i < n; i++)
        pthread_join(p->worker[i].id, NULL);
    if (p->pinned)
        pthread_setaffinity_np(pthread_self(), sizeof p->before, &p->before);
    free(p->worker);
    free(p);
}

int pool_open(struct pool **out, int threads, const int *cpus, struct err *e)
{
    *out = NULL;
    if (threads < 1 || threads > MAX_THREADS)
        return err_set(e, ERR_USAGE, "threads: %d is not a number of threads from 1 to %d", threads, MAX_THREADS);
    for (int i = 0; cpus && i < threads; i++)
        if (cpus[i] < 0 || cpus[i] >= CPU_SETSIZE)
            return pin_failed(cpus[i], EINVAL, e);

    struct pool *p = aligned_alloc(CACHE_LINE, sizeof *p);
    struct worker *worker = aligned_alloc(CACHE_LINE, (size_t)threads * sizeof *worker);
    if (!p || !worker) {
        free(p);
        free(worker);
        return err_set(e, ERR_ENV, "threads: no memory for %d of them", threads);
    }
    memset(p, 0, sizeof *p);
    p->threads = threads;
    p->worker = worker;
    p->spins = threads > cpus_of(cpus, threads) ? 0 : SPINS;
    worker[0] = (struct worker){.pool = p};

    int started = 1;
    int failed = cpus && pin_caller(p, cpus[0], e);
    while (!failed && started < threads) {
        worker[started] = (struct worker){.pool = p, .thread = started};
        failed = start(&worker[started], cpus ? &cpus[started] : NULL, e);
        started += !failed;
    }
    if (failed) {
        end(p, started);
        return -1;
    }
    *out = p;
    return 0;
}

void pool_close(struct pool *p)
{
    if (p)
        end(p, p->threads);
}

int pool_threads(const struct pool *p)
{
    return p->threads;
}

void pool_part(int n, int unit, int thread, int threads, int *from, int *to)
{
    int64_t units = ((int64_t)n + unit - 1) / unit;
    int64_t a = units * thread / threads * unit, b = units * (thread + 1) / threads * unit;
    *from = (int)(a < n ? a : n);
    *to = (int)(b < n ? b : n);
}
