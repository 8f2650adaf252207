/* SPDX-License-Identifier: MIT */
#include <stdatomic.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "bench/cmd/cmd.h"
#include "bench/kernel_time.h"
#include "bench/passes.h"
#include "bench/peak.h"
#include "tests/test.h"

extern const struct command command_kernels;

/* -- passes --------------------------------------------------------------------------------------------------------------- */

struct count {
    atomic_int calls[2];
};

static void count_call(void *ctx, int thread)
{
    struct count *c = ctx;
    atomic_fetch_add(&c->calls[thread], 1);
}

static void every_thread_does_the_same_number_of_calls(void **state)
{
    (void)state;
    static const struct passes_plan plan = {.warm_ns = 0, .pass_ns = 20000, .total_ns = 0, .least = 7};
    struct count c = {0};
    struct passes t;
    struct pool *pool;
    assert_int_equal(pool_open(&pool, 2, NULL, NULL), 0);
    assert_int_equal(passes_measure(&t, pool, count_call, &c, &plan, NULL), 0);
    pool_close(pool);
    assert_int_equal(c.calls[0], c.calls[1]);
    assert_int_equal(t.n, 7); /* no time to spend: as many as have to be */
    assert_true(c.calls[0] > t.n);
    assert_true(t.best > 0 && t.best <= t.median);
}

/* Passes of which half are as good as equal; without the word they go on to the limit. */
static void passes_end_when_they_are_steady(void **state)
{
    (void)state;
    static const struct passes_plan plan = {.total_ns = INT64_MAX, .least = 9, .steady = 1e9};
    struct count c = {0};
    struct passes t;
    struct pool *pool;
    assert_int_equal(pool_open(&pool, 1, NULL, NULL), 0);
    assert_int_equal(passes_measure(&t, pool, count_call, &c, &plan, NULL), 0);
    pool_close(pool);
    assert_int_equal(t.n, 9);
}

static void passes_end_at_their_limit(void **state)
{
    (void)state;
    static const struct passes_plan plan = {.warm_ns = 0, .pass_ns = 0, .total_ns = INT64_MAX, .least = 1};
    struct count c = {0};
    struct passes t;
    struct pool *pool;
    assert_int_equal(pool_open(&pool, 1, NULL, NULL), 0);
    assert_int_equal(passes_measure(&t, pool, count_call, &c, &plan, NULL), 0);
    pool_close(pool);
    assert_int_equal(t.n, PASSES_MAX);
}

/* -- the machine's ceilings ----------------------------------------------------------------------------------------------- */

/* The page behind the buffer cannot be read, nor the one in front of it. */
static void read_loops_stay_in_the_buffer(void **state)
{
    (void)state;
    size_t page = (size_t)sysconf(_SC_PAGESIZE), size = 4 * PEAK_READ_UNIT;
    if (size % page)
        size = page;
    unsigned char *p = mmap(NULL, size + 2 * page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    assert_ptr_not_equal(p, MAP_FAILED);
    assert_int_equal(mprotect(p, page, PROT_NONE) | mprotect(p + page + size, page, PROT_NONE), 0);
    for (int i = 0; i < ISA_COUNT; i++)
        peak_read_loop((enum isa)i)(p + page, size);
    munmap(p, size + 2 * page);
}

static void units_are_those_of_the_machine(void **state)
{
    (void)state;
    for (int i = 0; i < ISA_COUNT; i++)
        for (int u = 0; u < PEAK_UNITS; u++) {
            const struct peak_loop *l = peak_unit_loop((enum peak_unit)u, (enum isa)i);
            if (!l)
                continue;
            assert_int_equal(l->unit, u);
            assert_true((int)l->isa <= i && isa_has(l->isa));
            assert_true(l->operations > 0);
            l->run(3);
        }
    assert_null(peak_unit_loop(PEAK_INT8, ISA_SCALAR));
}

/* -- kernels -------------------------------------------------------------------------------------------------------------- */

static void families_start_at_scalar(void **state)
{
    (void)state;
    struct kernel_job j = {.isa = isa_best(), .threads = 1};
    assert_int_equal(kernel_job_open(&j, NULL), 0);
    assert_true(j.n > 0);
    assert_int_equal(j.n_wanted, j.n);
    for (int i = 0; i < j.n; i++) {
        const struct kernel_result *r = &j.v[i], *before = r - 1;
        int first = i == 0 || before->family != r->family;
        assert_int_equal(r->c.isa == ISA_SCALAR, first);
        if (first)
            continue;
        assert_true(before->c.isa < r->c.isa);
        size_t n = strlen(r->c.name) - strlen(isa_name(r->c.isa));
        assert_int_equal(strlen(before->c.name) - strlen(isa_name(before->c.isa)), n);
        assert_memory_equal(r->c.name, before->c.name, n);
    }
    kernel_job_close(&j);
}

static void a_filter_brings_the_scalar_kernel_along(void **state)
{
    (void)state;
    struct kernel_job all = {.isa = isa_best(), .threads = 1};
    struct kernel_job j = {.isa = isa_best(), .threads = 1, .filter = "q8_0_matvec_f32_s"};
    assert_int_equal(kernel_job_open(&j, NULL), 0);
    assert_int_equal(j.n_wanted, 1);
    kernel_job_close(&j);

    /* The highest level that this kernel has. */
    assert_int_equal(kernel_job_open(&all, NULL), 0);
    const char *name = NULL;
    for (int i = 0; i < all.n; i++)
        if (!strncmp(all.v[i].c.name, "q8_0_matvec_f32_", 16))
            name = all.v[i].c.name;
    assert_non_null(name);
    j = (struct kernel_job){.isa = isa_best(), .threads = 1, .filter = name};
    assert_int_equal(kernel_job_open(&j, NULL), 0);
    assert_int_equal(j.n_wanted, strcmp(name, "q8_0_matvec_f32_scalar") ? 2 : 1);
    kernel_job_close(&j);
    kernel_job_close(&all);
}

static void what_failed_is_not_timed(void **state)
{
    (void)state;
    struct kernel_job j = {.isa = ISA_SCALAR, .threads = 1, .seed = 1, .peak = {.threads = 1, .buffer_bytes = 1 << 20}};
    j.peak.all.small_pages = 1e9;
    assert_int_equal(pool_open(&j.pool, 1, NULL, NULL), 0);
    assert_int_equal(kernel_job_open(&j, NULL), 0);
    struct kernel_result *good = NULL, *bad = NULL;
    for (struct kernel_result *r = j.v; r < j.v + j.n; r++) {
        if (!strcmp(r->c.name, "q8_0_matvec_q8_scalar"))
            good = r;
        if (!strcmp(r->c.name, "q4_0_matvec_q8_scalar"))
            bad = r;
    }
    assert_non_null(good);
    assert_non_null(bad);
    good->passed = 1;
    assert_int_equal(kernel_job_time(&j, NULL), 0);
    for (const struct kernel_result *r = j.v; r < j.v + j.n; r++)
        assert_int_equal(r->timed, r == good);
    assert_int_equal(good->k % 32, 0);
    assert_true(good->bytes == good->rows * (good->k / 32.0) * 34); /* a block of q8_0 is 34 bytes of 32 weights */
    assert_true(good->operations == 2.0 * good->rows * good->k);
    assert_true(kernel_speedup(&j, good) == 1);
    assert_true(kernel_speedup(&j, bad) == -1);
    assert_false(kernel_is_slow(&j, good));      /* it is what the others are held against */
    assert_true(kernel_of_peak(&j, good) == -1); /* there is no unit at the scalar level */
    assert_true(kernel_of_bandwidth(&j, good) > 0);
    assert_true(kernel_of_bandwidth(&j, bad) == -1);
    kernel_job_close(&j);
    pool_close(j.pool);
}

/* Made-up times: only what was timed, is SIMD and gains less than half is named. */
static void slow_kernels_are_named(void **state)
{
    (void)state;
    struct kernel_result v[] = {
        {.c = {.isa = ISA_SCALAR}, .timed = 1, .ns = 90},
        {.c = {.isa = ISA_AVX2}, .timed = 1, .ns = 61},   /* 1.48 */
        {.c = {.isa = ISA_AVX512}, .timed = 1, .ns = 60}, /* 1.5 */
        {.c = {.isa = ISA_AVX512VNNI}, .ns = 100},        /* not timed */
        {.c = {.isa = ISA_SCALAR}, .family = 1, .ns = 50},
        {.c = {.isa = ISA_AVX2}, .family = 1, .timed = 1, .ns = 70}, /* nothing to be held against */
    };
    struct kernel_job j = {.v = v, .n = 6};
    for (int i = 0; i < 6; i++)
        assert_int_equal(kernel_is_slow(&j, &v[i]), i == 1);
}

/* Rows of the length of a head are shorter than a block of 256. */
static void rows_are_whole_blocks(void **state)
{
    (void)state;
    struct kernel_job j = {.isa = ISA_SCALAR, .threads = 1, .seed = 1, .peak = {.threads = 1, .buffer_bytes = 1 << 20}};
    struct err e = {0};
    j.peak.all.small_pages = 1e9;
    assert_int_equal(pool_open(&j.pool, 1, NULL, &e), 0);
    assert_int_equal(kernel_job_open(&j, NULL), 0);
    struct kernel_result *r = j.v;
    while (r < j.v + j.n && strcmp(r->c.name, "q6_k_vecmat_scalar") != 0)
        r++;
    assert_true(r < j.v + j.n);
    r->passed = 1;
    if (kernel_job_time(&j, &e))
        fail_msg("%s", e.msg);
    assert_true(r->timed && r->k == 256);
    kernel_job_close(&j);
    pool_close(j.pool);
}

/* -- the command ---------------------------------------------------------------------------------------------------------- */

static enum err_code run_model(const char *model, const char *option, const char *value, struct err *e)
{
    struct args a = {0};
    *e = (struct err){0};
    for (const struct option_spec *o = command_kernels.options; o->name; o++) {
        a.spec[a.n] = o;
        a.value[a.n++] = !strcmp(o->name, option)    ? value
                         : !strcmp(o->name, "model") ? model
                         : !strcmp(o->name, "check") ? ""
                                                     : NULL;
    }
    return command_kernels.run(&a, e) ? e->code : ERR_NONE;
}

static enum err_code run_with(const char *option, const char *value, struct err *e)
{
    return run_model(NULL, option, value, e);
}

static void mistakes_are_explained(void **state)
{
    (void)state;
    struct err e;
    assert_int_equal(run_with("isa", "sse9", &e), ERR_USAGE);
    assert_non_null(strstr(e.msg, "sse9"));
    assert_non_null(strstr(e.msg, isa_name(isa_best())));
    assert_int_equal(run_with("filter", "no_such_kernel", &e), ERR_USAGE);
    assert_non_null(strstr(e.msg, "no_such_kernel"));
    assert_int_equal(run_with("threads", "0", &e), ERR_USAGE);
    assert_int_equal(run_with("threads", "1024", &e), ERR_USAGE);
    assert_int_equal(run_with("seed", "-1", &e), ERR_USAGE);
    assert_int_equal(run_with("columns", "512", &e), ERR_USAGE);
    assert_non_null(strstr(e.msg, "--model"));
    assert_int_equal(run_with("model", "models/none.gguf", &e), ERR_ENV);
    assert_non_null(strstr(e.msg, "models/none.gguf"));
    static const char *const columns[] = {"0", "-1", "two", "1,512x", "16385"};
    for (size_t i = 0; i < sizeof columns / sizeof *columns; i++) {
        assert_int_equal(run_model("models/tiny.gguf", "columns", columns[i], &e), ERR_USAGE);
        assert_non_null(strstr(e.msg, columns[i]));
    }
    assert_int_equal(run_model("models/tiny.gguf", "columns",
                               "2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21,22,23,24,25,26,27,28,29,30,31,32,33", &e),
                     ERR_USAGE);
    assert_non_null(strstr(e.msg, "more than 32"));
    assert_int_equal(run_model("models/tiny.gguf", "filter", "no_such_kernel", &e), ERR_USAGE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_thread_does_the_same_number_of_calls),
        cmocka_unit_test(passes_end_when_they_are_steady),
        cmocka_unit_test(passes_end_at_their_limit),
        cmocka_unit_test(read_loops_stay_in_the_buffer),
        cmocka_unit_test(units_are_those_of_the_machine),
        cmocka_unit_test(families_start_at_scalar),
        cmocka_unit_test(a_filter_brings_the_scalar_kernel_along),
        cmocka_unit_test(what_failed_is_not_timed),
        cmocka_unit_test(slow_kernels_are_named),
        cmocka_unit_test(rows_are_whole_blocks),
        cmocka_unit_test(mistakes_are_explained),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
