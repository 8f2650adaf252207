/* A profile changes no result, its stages add up to the time of the passes, and its bytes are those of the matrices and the cache. */
/* SPDX-License-Identifier: MIT */
#include "tests/test.h"

#include "engine/model.h"
#include "engine/profile.h"
#include "tests/toy.h"

static const struct toy toy = {TOY_BLOCKS, .format = "q8_0"};

/* Six tokens, of which the last ones make the profile that is returned: `last` of them, in one pass. */
static struct profile last_pass(const struct model *m, int threads, int last, int profiled, float logits[TOY_VOCAB])
{
    const struct format *f16 = format_by_name("f16");
    struct session_options o = {.n_ctx = 16, .batch = 16, .threads = threads, .kv_k = f16, .kv_v = f16, .isa = isa_best()};
    const int ids[] = {1, 5, 7, 2, 9, 3};
    struct profile p = {0};
    struct session *s;
    struct err e = {0};
    assert_int_equal(session_open(&s, m, &o, &e), 0);
    assert_int_equal(session_eval(s, ids, 6 - last, LOGITS_LAST, NULL, NULL, &e), 0);
    if (profiled)
        session_profile_start(s);
    assert_int_equal(session_eval(s, ids + 6 - last, last, LOGITS_LAST, NULL, NULL, &e), 0);
    if (profiled)
        session_profile_stop(s, &p);
    memcpy(logits, session_logits(s), TOY_VOCAB * sizeof *logits);
    session_close(s);
    return p;
}

static void check(const struct model *m, int threads, int last)
{
    const int64_t row = 64 / 32 * 34; /* bytes of 64 weights as q8_0 */
    const int64_t want[STAGES] =
        {
            [STAGE_QKV] = 2 * (4 + 2 + 2) * 32 * row,
            [STAGE_ATTENTION] = 2 * 6 * 2 * (32 + 32) * 2, /* layers, positions, heads, K and V, bytes of f16 */
            [STAGE_OUTPUT] = 2 * 64 * 2 * row,             /* from n_head * head_dim = 128 */
            [STAGE_GATE_UP] = 2 * 2 * 96 * row,
            [STAGE_DOWN] = 2 * 64 * (96 / 32 * 34),
            [STAGE_HEAD] = TOY_VOCAB * row,
        };
    float with[TOY_VOCAB], without[TOY_VOCAB];
    int64_t sum = 0;
    struct profile p = last_pass(m, threads, last, 1, with);
    assert_int_equal(p.passes, 1);
    for (int i = 0; i < STAGES; i++) {
        assert_int_equal(p.bytes[i], want[i]);
        assert_true(p.ns[i] >= 0);
        assert_non_null(stage_names[i]);
        sum += p.ns[i];
    }
    for (int i = STAGE_EMBED; i <= STAGE_HEAD; i++)
        assert_int_equal(p.ns[i] > 0, i != STAGE_CONV);
    assert_true(sum <= threads * p.wall_ns); /* the last threads are read before the pass is */
    last_pass(m, threads, last, 0, without);
    assert_memory_equal(with, without, sizeof with);
}

static void stages_and_bytes_add_up(void **state)
{
    (void)state;
    char folder[256], path[300];
    struct toy_weights w;
    struct model *m = NULL;
    struct err e = {0};
    assert_int_equal(test_tmp(folder, sizeof folder), 0);
    snprintf(path, sizeof path, "%s/toy.gguf", folder);
    toy_weights(&w, &toy, 5);
    if (toy_write(path, &toy, &w, &e) || model_open(&m, path, 1, &e))
        fail_msg("%s", e.msg);
    for (int threads = 1; threads <= 3; threads++) {
        check(m, threads, 1);
        check(m, threads, 5);
    }
    model_close(m);
    toy_free(&w);
    test_rm(folder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(stages_and_bytes_add_up)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
