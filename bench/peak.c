/* How the machine's ceilings are measured.
 *
 * Threads are pinned, one per CPU given, and work before anything is timed.  The work is done in passes (passes.h), everything in
 * turn and then all of it again, TURNS times, so that a disturbance of a second does not hit one number alone.  The best pass
 * counts: whatever disturbs a pass only makes it slower, and a ceiling is asked for.
 *
 * Read bandwidth: BUFFER_BYTES or 8 times the last-level cache, whichever is more (less where two of them would take more than
 * half of the memory that is free; of_l3 tells), split into one contiguous part per thread, written first by the thread that reads it.  A
 * pass reads everything once, with plain vector loads (peak_loops.c).  Once in pages of 4 KB and once with huge pages asked for:
 * the better one is the ceiling.  Bytes are those asked for by loads; what hardware fetches beyond is not counted.
 *
 * Arithmetic: one kind of instruction on registers alone (peak_loops.c).
 *
 * Round trip: two threads hand a number back and forth through one cache line each way: what a barrier costs at least.  The
 * median of batches, since here the typical cost is asked for. */
/* SPDX-License-Identifier: MIT */
#include "bench/peak.h"

#include <math.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/stats.h"
#include "base/text.h"
#include "bench/passes.h"

#define BUFFER_BYTES ((size_t)512 << 20)
#define ROUNDS 4096 /* of an arithmetic loop, in one call */
#define TRIPS 2000  /* of one batch */
#define BATCHES 25

#define TURNS 3

static const struct passes_plan read_plan = {.warm_ns = 50000000, .pass_ns = 5000000, .total_ns = 150000000, .least = 5};
static const struct passes_plan unit_plan = {.warm_ns = 50000000, .pass_ns = 5000000, .total_ns = 60000000, .least = 5};

double peak_bandwidth(const struct peak_read *r)
{
    return r->small_pages > r->huge_pages ? r->small_pages : r->huge_pages;
}

static void raise_read(struct peak_read *r, const struct peak_read *other)
{
    r->small_pages = fmax(r->small_pages, other->small_pages);
    r->huge_pages = fmax(r->huge_pages, other->huge_pages);
}

void peak_raise(struct peak *p, const struct peak *other)
{
    raise_read(&p->one, &other->one);
    raise_read(&p->all, &other->all);
    for (int u = 0; u < PEAK_UNITS; u++) {
        p->unit[u].one = fmax(p->unit[u].one, other->unit[u].one);
        p->unit[u].all = fmax(p->unit[u].all, other->unit[u].all);
    }
}

/* -- read bandwidth ------------------------------------------------------------------------------------------------------- */

/* The largest cache of CPU 0; 0 when the kernel does not tell. */
static int64_t last_level_cache(void)
{
    int64_t largest = 0;
    for (int i = 0; i < 8; i++) {
        char path[80], size[32];
        int64_t bytes;
        snprintf(path, sizeof path, "/sys/devices/system/cpu/cpu0/cache/index%d/size", i);
        if (file_read_line(path, size, sizeof size) > 0 && !text_size(size, &bytes) && bytes > largest)
            largest = bytes;
    }
    return largest;
}

static size_t buffer_size(int64_t cache, int threads)
{
    int64_t size = (int64_t)BUFFER_BYTES;
    if (size < 8 * cache)
        size = 8 * cache;
    int64_t available = file_field("/proc/meminfo", "MemAvailable:") * 1024;
    char limit[32];
    int64_t most;
    if (file_read_line("/sys/fs/cgroup/memory.max", limit, sizeof limit) > 0 && !text_int(limit, 0, INT64_MAX, &most) &&
        (available < 0 || available > most))
        available = most; /* a container with less memory than the machine */
    if (available > 0 && size > available / 4)
        size = available / 4;
    int64_t unit = (int64_t)PEAK_READ_UNIT * threads;
    return (size_t)(size < unit ? unit : size / unit * unit);
}

struct buffer {
    unsigned char *p;
    size_t size, part; /* bytes; of one thread */
    peak_read_fn *read;
};

static void touch(void *ctx, int thread)
{
    struct buffer *b = ctx;
    memset(b->p + b->part * (size_t)thread, 1, b->part); /* not zeros: a machine may keep those pages as one */
}

static void read_part(void *ctx, int thread)
{
    struct buffer *b = ctx;
    b->read(b->p + b->part * (size_t)thread, b->part);
}

/* Maps the buffer in pages of one kind and has each thread write its part. */
static int map_buffer(struct buffer *b, struct peak *p, struct pool *all, int huge, enum isa isa, struct err *e)
{
    *b = (struct buffer){.size = p->buffer_bytes, .part = p->buffer_bytes / (size_t)p->threads, .read = peak_read_loop(isa)};
    void *at = mmap(NULL, b->size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (at == MAP_FAILED)
        return err_set(e, ERR_ENV, "read bandwidth: cannot map %zu MiB; free some memory", b->size >> 20);
    b->p = at;
    madvise(at, b->size, huge ? MADV_HUGEPAGE : MADV_NOHUGEPAGE); /* refused where the kernel has none: huge_share tells */

    int64_t before = file_field("/proc/self/smaps_rollup", "AnonHugePages:");
    pool_run(all, touch, b);
    int64_t after = file_field("/proc/self/smaps_rollup", "AnonHugePages:");
    if (huge)
        p->huge_share = before < 0 || after < 0 ? -1 : (double)(after - before) * 1024 / (double)b->size;
    return 0;
}

/* Raises *rate, bytes per second, when a pass was faster. */
static int measure_read(double *rate, struct pool *pool, struct buffer b, struct err *e)
{
    struct passes t;
    b.part = b.size / (size_t)pool_threads(pool);
    if (passes_measure(&t, pool, read_part, &b, &read_plan, e))
        return -1;
    *rate = fmax(*rate, (double)b.size / t.best * 1e9);
    pool_park(pool);
    return 0;
}

/* -- arithmetic ----------------------------------------------------------------------------------------------------------- */

static void run_loop(void *ctx, int thread)
{
    (void)thread;
    ((const struct peak_loop *)ctx)->run(ROUNDS);
}

/* Raises *rate, operations per second, when a pass was faster. */
static int measure_unit(double *rate, struct pool *pool, enum peak_unit unit, enum isa isa, struct err *e)
{
    struct passes t;
    const struct peak_loop *found = peak_unit_loop(unit, isa);
    if (!found)
        return 0;
    struct peak_loop loop = *found;
    if (passes_measure(&t, pool, run_loop, &loop, &unit_plan, e))
        return -1;
    *rate = fmax(*rate, loop.operations * ROUNDS * pool_threads(pool) / t.best * 1e9);
    pool_park(pool);
    return 0;
}

/* -- round trip ----------------------------------------------------------------------------------------------------------- */

struct trip {
    _Alignas(128) atomic_int ping;
    _Alignas(128) atomic_int pong;
    _Alignas(128) int partner;
    double ns;
};

static void trips(void *ctx, int thread)
{
    struct trip *t = ctx;
    double v[BATCHES];
    if (thread == t->partner)
        for (int i = 1; i <= BATCHES * TRIPS; i++) {
            while (atomic_load_explicit(&t->ping, memory_order_acquire) != i)
                ;
            atomic_store_explicit(&t->pong, i, memory_order_release);
        }
    if (thread)
        return;
    for (int b = 0; b < BATCHES; b++) {
        int64_t from = clock_ns();
        for (int i = b * TRIPS + 1; i <= (b + 1) * TRIPS; i++) {
            atomic_store_explicit(&t->ping, i, memory_order_release);
            while (atomic_load_explicit(&t->pong, memory_order_acquire) != i)
                ;
        }
        v[b] = (double)(clock_ns() - from) / TRIPS;
    }
    stats_sort(v, BATCHES);
    t->ns = stats_quantile(v, BATCHES, 0.5);
}

static double slowest_round_trip(struct pool *pool)
{
    double slowest = 0;
    for (int partner = 1; partner < pool_threads(pool); partner++) {
        struct trip t = {.partner = partner};
        pool_run(pool, trips, &t);
        slowest = t.ns > slowest ? t.ns : slowest;
    }
    return slowest;
}

/* ------------------------------------------------------------------------------------------------------------------------- */

static int measure_all(struct peak *p, struct pool *one, struct pool *all, struct buffer *small, struct buffer *huge,
                       enum isa isa, struct err *e)
{
    int rc = measure_read(&p->all.small_pages, all, *small, e) || measure_read(&p->all.huge_pages, all, *huge, e) ||
             measure_read(&p->one.small_pages, one, *small, e) || measure_read(&p->one.huge_pages, one, *huge, e);
    for (int u = 0; u < PEAK_UNITS && !rc; u++)
        rc = measure_unit(&p->unit[u].all, all, (enum peak_unit)u, isa, e) ||
             measure_unit(&p->unit[u].one, one, (enum peak_unit)u, isa, e);
    return rc ? -1 : 0;
}

int peak_measure(struct peak *p, int threads, const int *cpus, enum isa isa, struct err *e)
{
    static const char *const names[] = {[PEAK_INT8] = "int8", [PEAK_F32] = "f32", [PEAK_BF16] = "bf16"};
    int64_t cache = last_level_cache();
    *p = (struct peak){.threads = threads, .buffer_bytes = buffer_size(cache, threads)};
    p->of_l3 = cache ? (double)p->buffer_bytes / (double)cache : 0;
    for (int u = 0; u < PEAK_UNITS; u++) {
        const struct peak_loop *loop = peak_unit_loop((enum peak_unit)u, isa);
        p->unit[u].name = names[u];
        p->unit[u].instruction = loop ? loop->instruction : NULL;
    }

    struct pool *one = NULL, *all = NULL;
    struct buffer small = {0}, huge = {0};
    int rc = -1;
    if (pool_open(&all, threads, cpus, e) || pool_open(&one, 1, cpus, e) || map_buffer(&small, p, all, 0, isa, e) ||
        map_buffer(&huge, p, all, 1, isa, e))
        goto out;
    rc = 0;
    for (int turn = 0; turn < TURNS && !rc; turn++)
        rc = measure_all(p, one, all, &small, &huge, isa, e);
    p->round_trip_ns = rc ? 0 : slowest_round_trip(all);
out:
    if (small.p)
        munmap(small.p, small.size);
    if (huge.p)
        munmap(huge.p, huge.size);
    pool_close(one);
    pool_close(all);
    return rc;
}
