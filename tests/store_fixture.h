/* store_fixture.h - a database in a folder of its own, something to put into it, and a way to say what must come out.
 *
 * Shared by the tests of results/. */
/* SPDX-License-Identifier: MIT */
#ifndef TESTS_STORE_FIXTURE_H
#define TESTS_STORE_FIXTURE_H

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "results/store.h"
#include "tests/test.h"

static const char sha_a[] = "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";
static const char sha_b[] = "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb";

static const struct store_run a_run = {
    .machine = {.cpu = "A CPU",
                .arch = "x86_64",
                .os = "An OS",
                .kernel = "6.1",
                .isa = "avx2",
                .topology = "<topology/>",
                .topology_source = "hwloc 2.9.0",
                .cpus = 8,
                .cores = 4,
                .memory_bytes = 8LL << 30},
    .build = {.version = "0.1.0", .commit = "abc", .compiler = "cc 1", .flags = "-O2"},
    .command = "bench sweep",
    .plan_key = "plan",
    .seed = UINT64_MAX,
    .trials = 3,
};
static const struct store_model a_model = {.path = "/models/m.gguf",
                                           .sha256 = sha_a,
                                           .name = "m",
                                           .arch = "llama",
                                           .file_bytes = 1000,
                                           .parameters = 500,
                                           .metadata = "{\"general.name\":\"m\"}"};
static const struct store_variant a_variant = {.format = "q4_0",
                                               .kv = "f16",
                                               .policy = "full",
                                               .compute = "int8",
                                               .file_sha256 = sha_b,
                                               .file_bytes = 700,
                                               .note = "one tensor stays f16"};

struct fixture {
    char dir[PATH_MAX], path[PATH_MAX + 16];
    struct store *s;
    struct err e;
};

static inline int setup(void **state)
{
    struct fixture *f = calloc(1, sizeof *f);
    *state = f;
    if (!f || test_tmp(f->dir, sizeof f->dir))
        return -1;
    snprintf(f->path, sizeof f->path, "%s/t.db", f->dir);
    return store_open(&f->s, f->path, &f->e);
}

static inline int teardown(void **state)
{
    struct fixture *f = *state;
    store_close(f->s);
    test_rm(f->dir);
    free(f);
    return 0;
}

static inline void ok(int rc, const struct err *e)
{
    if (rc)
        fail_msg("%s", e->msg);
}

/* All rows as "a|b|NULL;c|d|e", the way that the tests below write what they expect. */
struct answer {
    char text[4096];
    size_t n;
};

static inline int add_row(void *ctx, int n, const char *const *column, const char *const *value)
{
    struct answer *a = ctx;
    (void)column;
    for (int i = 0; i < n; i++) {
        size_t room = sizeof a->text - a->n;
        int got = snprintf(a->text + a->n, room, "%s%s", i ? "|" : a->n ? ";" : "", value[i] ? value[i] : "NULL");
        assert_true(got >= 0 && (size_t)got < room);
        a->n += (size_t)got;
    }
    return 0;
}

static inline void expect(struct store *s, const char *sql, const char *want)
{
    struct answer a = {0};
    struct err e = {0};
    ok(store_query(s, sql, NULL, add_row, &a, &e), &e);
    assert_string_equal(a.text, want);
}

static inline int64_t number(struct store *s, const char *sql)
{
    struct answer a = {0};
    struct err e = {0};
    ok(store_query(s, sql, NULL, add_row, &a, &e), &e);
    return strtoll(a.text, NULL, 10);
}

static inline void sound(struct store *s)
{
    expect(s, "PRAGMA integrity_check", "ok");
    expect(s, "SELECT count(*) FROM pragma_foreign_key_check", "0");
}

static inline int64_t begin(struct store *s, const struct store_probe *p, int n)
{
    int64_t run;
    struct err e = {0};
    ok(store_run_begin(s, &a_run, p, n, &run, &e), &e);
    return run;
}

static inline struct store_cell a_cell(int64_t variant, int context)
{
    return (struct store_cell){.variant = variant,
                               .runtime = "reference",
                               .isa = "avx2",
                               .compute = "int8",
                               .context = context,
                               .threads = 2,
                               .decode = 4,
                               .batch = 512,
                               .weights_bytes = 1 << 20,
                               .kv_bytes = 2 << 20,
                               .arena_bytes = 3 << 20,
                               .tables_bytes = 1 << 20};
}

static inline int64_t cell_of(struct store *s, int64_t run, int context)
{
    int64_t model, variant, cell;
    struct err e = {0};
    ok(store_model(s, &a_model, &model, &e), &e);
    ok(store_variant(s, model, &a_variant, &variant, &e), &e);
    struct store_cell c = a_cell(variant, context);
    ok(store_cell(s, run, &c, &cell, &e), &e);
    return cell;
}

/* A trial with four stretches; its ms/token is `ms`. */
static inline int put_trial(struct store *s, int64_t cell, int round, int64_t ms, struct err *e)
{
    int64_t token_ns[] = {9000000, ms * 1000000, ms * 1000000, ms * 1000000 - 1000};
    static const struct readings none;
    struct readings whole = {0}, decode = {0};
    readings_add(&whole, "memory.start", "B", 2 << 20);
    readings_add(&whole, "memory.peak", "B", 8 << 20);
    readings_add(&whole, "memory.peak_anon", "B", 5 << 20);
    readings_add_missing(&whole, "memory.peak_file", "B", STATE_DENIED, "no right to read smaps");
    readings_add(&decode, "sched.nivcsw", "", 3);
    readings_add_missing(&decode, "counters.cycles", "", STATE_ABSENT, "no counters here");
    readings_add(&decode, "sched.run_delay", "ns", 12345);
    decode.v[decode.n - 1].state = STATE_SUSPECT;
    snprintf(decode.v[decode.n - 1].reason, sizeof decode.v[0].reason, "schedstat is off");
    const struct store_stretch stretches[] = {
        {.kind = "load", .begin_real_ns = 100, .begin_ns = 1, .ns = 50000000, .readings = &none},
        {.kind = "prefill", .begin_real_ns = 200, .begin_ns = 2, .ns = 100000000, .tokens = 64, .readings = &none},
        {.kind = "decode",
         .begin_real_ns = 300,
         .begin_ns = 3,
         .ns = 40000000,
         .tokens = 4,
         .token_ns = token_ns,
         .readings = &decode},
        {.kind = "trial", .begin_real_ns = 90, .begin_ns = 0, .ns = 300000000, .readings = &whole},
    };
    const struct store_trial t = {
        .cell = cell, .round = round, .state = "ok", .reason = "", .stretches = stretches, .n_stretches = 4};
    return store_trial(s, &t, e);
}

#define WITH_STORE(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

#endif
