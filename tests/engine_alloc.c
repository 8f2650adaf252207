/* Evaluation allocates nothing: the allocator of this program counts.
 *
 * The functions below take the place of the C library's for the whole program, its threads and the libraries included.  A
 * sanitizer brings an allocator of its own, so there the test is skipped. */
/* SPDX-License-Identifier: MIT */
#include "tests/test.h"

#include <stdatomic.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "engine/model.h"
#include "engine/sampler.h"
#include "tests/toy.h"

static atomic_int allocations;

#if !TEST_SANITIZED && defined(__GLIBC__)
#define COUNTS 1
void *__libc_malloc(size_t n);
void *__libc_calloc(size_t n, size_t size);
void *__libc_realloc(void *p, size_t n);
void *__libc_memalign(size_t align, size_t n);

void *malloc(size_t n)
{
    allocations++;
    return __libc_malloc(n);
}

void *calloc(size_t n, size_t size)
{
    allocations++;
    return __libc_calloc(n, size);
}

void *realloc(void *p, size_t n)
{
    allocations++;
    return __libc_realloc(p, n);
}

void *aligned_alloc(size_t align, size_t n)
{
    allocations++;
    return __libc_memalign(align, n);
}

void *mmap(void *at, size_t n, int prot, int flags, int fd, off_t offset)
{
    allocations++;
    return (void *)syscall(SYS_mmap, at, n, prot, flags, fd, offset);
}
#else
#define COUNTS 0
#endif

static void look(void *ctx, int i, const float *logits)
{
    *(float *)ctx += logits[i % TOY_VOCAB];
}

/* Prefill, decoding, parking and sampling in every cache format and on every path. */
static void check(const struct model *m, const char *const *kv, int n_kv)
{
    for (int compute = 0; compute < COMPUTES; compute++)
        for (int threads = 1; threads <= 3; threads++)
            for (int i = 0; i < n_kv; i++) {
                const struct format *f = format_by_name(kv[i]);
                struct session_options o = {.n_ctx = 100,
                                            .batch = 16,
                                            .threads = threads,
                                            .kv_k = f,
                                            .kv_v = f,
                                            .compute = (enum compute)compute,
                                            .isa = isa_best()};
                struct session *s;
                struct sampler sampler = {.temperature = 1, .top_k = 10, .top_p = 0.9f};
                struct err e = {0};
                float sum = 0;
                int ids[50] = {1};
                void *room = malloc(sampler_room(m->n_vocab));
                rng_seed(&sampler.rng, 1);
                int before = allocations;
                assert_int_equal(session_open(&s, m, &o, &e), 0);
                assert_true(allocations > before); /* the counter counts */

                before = allocations;
                int rc = session_eval(s, ids, 50, LOGITS_ALL, look, &sum, &e);
                for (int t = 50; t < 99; t++) {
                    rc |= session_eval(s, ids, 1, LOGITS_LAST, NULL, NULL, &e);
                    ids[0] = sampler_pick(&sampler, session_logits(s), m->n_vocab, room);
                    if (t == 70)
                        session_park(s);
                }
                int after = allocations;
                assert_int_equal(rc, 0);
                assert_int_equal(after, before);
                session_close(s);
                free(room);
            }
}

static void evaluation_allocates_nothing(void **state)
{
    (void)state;
    if (!COUNTS) {
        print_message("[  NEEDS   ] the C library's own allocator (glibc, no sanitizer)\n");
        skip();
    }
    const struct toy toy = {TOY_BLOCKS, .format = "q8_0"};
    static const char *const kv[] = {"f32", "f16", "q8_0"};
    char folder[256], path[300];
    struct toy_weights w;
    struct model *m = NULL;
    struct err e = {0};
    assert_int_equal(test_tmp(folder, sizeof folder), 0);
    snprintf(path, sizeof path, "%s/toy.gguf", folder);
    toy_weights(&w, &toy, 5);
    if (toy_write(path, &toy, &w, &e) || model_open(&m, path, 1, &e))
        fail_msg("%s", e.msg);
    check(m, kv, 3);
    model_close(m);
    toy_free(&w);
    test_rm(folder);
}

/* Windows that slide, norms of whole rows, short convolutions. */
static void nor_does_that_of_other_families(void **state)
{
    (void)state;
    static const char *const names[] = {"families/gemma2-softcap-window.gguf", "families/olmo2-postnorm.gguf",
                                        "families/lfm2-conv-attn.gguf"};
    static const char *const kv[] = {"f32", "f16"};
    if (!COUNTS)
        skip();
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        const char *path = testdata(names[i]);
        struct model *m;
        struct err e = {0};
        TEST_SKIP_WITHOUT(path, names[i]);
        assert_int_equal(model_open(&m, path, 1, &e), 0);
        check(m, kv, 2);
        model_close(m);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(evaluation_allocates_nothing),
        cmocka_unit_test(nor_does_that_of_other_families),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
