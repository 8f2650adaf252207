/* Sessions on small random models: against a plain double-precision forward pass, and against themselves in other batch
 * sizes, thread counts, cache formats and orders. */
/* SPDX-License-Identifier: MIT */
#include "tests/test.h"

#include "engine/session.h"
#include "tests/toy.h"

#define TOKENS 100 /* beyond the 32 that the toys claim to be trained for, and enough at once for packed panels */

/* Nothing divides into 32 (or 16); tied head. */
static const struct toy odd = {
    .n_layer = 2,
    .d = 48,
    .n_ff = 80,
    .n_head = 6,
    .n_kv = 2,
    .head_dim = 8,
    .n_rot = 8,
    .tied = 1,
    .rope_scale = 1,
    .rope_base = 10000,
    .format = "f32",
};
/* Head length of its own, part of it turned by rope with divisors and a scale, one KV head, untied head. */
static const struct toy partial = {
    .n_layer = 3,
    .d = 40,
    .n_ff = 72,
    .n_head = 3,
    .n_kv = 1,
    .head_dim = 24,
    .n_rot = 16,
    .rope_freqs = 1,
    .rope_scale = 2.5f,
    .rope_base = 500,
    .format = "f16",
};
/* For what needs blocks of 32. */
static const struct toy blocks = {TOY_BLOCKS, .format = "q8_0"};

static char folder[256];
static int ids[TOKENS];

static int set_up(void **state)
{
    (void)state;
    struct rng r;
    rng_seed(&r, 11);
    for (int i = 0; i < TOKENS; i++)
        ids[i] = (int)rng_below(&r, TOY_VOCAB);
    return test_tmp(folder, sizeof folder);
}

static int tear_down(void **state)
{
    (void)state;
    test_rm(folder);
    return 0;
}

static struct model *open_toy(const struct toy *t, struct toy_weights *w)
{
    char path[300];
    struct err e = {0};
    struct model *m = NULL;
    snprintf(path, sizeof path, "%s/toy.gguf", folder);
    toy_weights(w, t, 5);
    if (toy_write(path, t, w, &e) || model_open(&m, path, 1, &e))
        fail_msg("%s", e.msg);
    return m;
}

static struct session_options options(enum compute compute)
{
    const struct format *f32 = format_by_name("f32");
    return (struct session_options){
        .n_ctx = TOKENS, .threads = 1, .kv_k = f32, .kv_v = f32, .compute = compute, .isa = isa_best()};
}

struct rows {
    float *v; /* [TOKENS][TOY_VOCAB] */
    int next;
};

static void keep(void *ctx, int i, const float *logits)
{
    struct rows *rows = ctx;
    assert_int_equal(i, rows->next++); /* once each, in order */
    memcpy(rows->v + (size_t)i * TOY_VOCAB, logits, TOY_VOCAB * sizeof *logits);
}

/* Logits of every position with the given options; freed by the caller. */
static float *run_all(const struct model *m, const struct session_options *o)
{
    struct session *s;
    struct err e = {0};
    struct rows rows = {.v = malloc(TOKENS * TOY_VOCAB * sizeof(float))};
    if (session_open(&s, m, o, &e) || session_eval(s, ids, TOKENS, LOGITS_ALL, keep, &rows, &e))
        fail_msg("%s", e.msg);
    assert_int_equal(rows.next, TOKENS);
    assert_int_equal(session_position(s), TOKENS);
    session_close(s);
    return rows.v;
}

static double largest_difference(const float *a, const double *b)
{
    double worst = 0;
    for (int i = 0; i < TOKENS * TOY_VOCAB; i++)
        worst = fmax(worst, fabs((double)a[i] - b[i]));
    return worst;
}

static double *as_double(const float *a)
{
    double *out = malloc(TOKENS * TOY_VOCAB * sizeof *out);
    for (int i = 0; i < TOKENS * TOY_VOCAB; i++)
        out[i] = (double)a[i];
    return out;
}

static void the_forward_pass_is_the_definition(void **state)
{
    (void)state;
    const struct toy *toys[] = {&odd, &partial, &blocks};
    for (size_t i = 0; i < 3; i++) {
        struct toy_weights w;
        struct model *m = open_toy(toys[i], &w);
        assert_int_equal(m->tied, toys[i]->tied);
        double *want = malloc(TOKENS * TOY_VOCAB * sizeof *want);
        toy_forward(want, toys[i], &w, ids, TOKENS);
        double off[COMPUTES];
        for (int c = 0; c < COMPUTES; c++) {
            struct session_options o = options((enum compute)c);
            float *got = run_all(m, &o);
            off[c] = largest_difference(got, want);
            print_message("toy %zu: %s differs by %.2g\n", i, compute_names[c], off[c]);
            free(got);
        }
        assert_true(off[COMPUTE_EXACT] < 1e-4);
        assert_true(off[COMPUTE_INT8] < (toys[i] == &blocks ? 0.2 : 1e-4)); /* f32 and f16 weights take F32 activations */
        assert_true(off[COMPUTE_INT8_TOKEN] < (toys[i] == &blocks ? 0.2 : 1e-4));
        assert_true((off[COMPUTE_INT8_TOKEN] != off[COMPUTE_INT8]) == (toys[i] == &blocks));
        free(want);
        toy_free(&w);
        model_close(m);
    }
}

/* Windows, sinks, and what is longer than the text. */
static const struct {
    int window, sinks;
} policies[] = {{1, 0}, {7, 0}, {20, 0}, {7, 3}, {1, 1}, {30, 14}, {30, 15}, {1000, 0}, {5, 1000}};
enum { POLICIES = sizeof policies / sizeof *policies };

static void a_policy_is_the_definition(void **state)
{
    (void)state;
    double *want = malloc(TOKENS * TOY_VOCAB * sizeof *want);
    for (int i = 0; i < POLICIES; i++) {
        struct toy t = partial;
        struct toy_weights w;
        struct model *m = open_toy(&t, &w);
        struct session_options o = options(COMPUTE_EXACT);
        t.window = o.window = policies[i].window;
        t.sinks = o.sinks = policies[i].sinks;
        o.batch = 4;
        toy_forward(want, &t, &w, ids, TOKENS);
        float *got = run_all(m, &o);
        double d = largest_difference(got, want);
        if (!(d < 1e-4))
            fail_msg("window %d, sinks %d: differs by %g", o.window, o.sinks, d);
        free(got);
        toy_free(&w), model_close(m);
    }
    free(want);
}

/* The ring holds what a batch can see: with a batch as long as the text it is the whole text. */
static void a_ring_gives_the_bits_of_a_whole_cache(void **state)
{
    (void)state;
    static const char *const kv[] = {"f32", "f16", "q8_0"};
    struct toy_weights w;
    struct model *m = open_toy(&blocks, &w);
    for (int i = 0; i < POLICIES; i++)
        for (int k = 0; k < 3; k++) {
            struct session_options o = options(COMPUTE_EXACT);
            o.window = policies[i].window;
            o.sinks = policies[i].sinks;
            o.kv_k = o.kv_v = format_by_name(kv[k]);
            o.batch = TOKENS;
            float *want = run_all(m, &o);
            for (o.batch = 1; o.batch < TOKENS; o.batch = o.batch * 3 + 1) {
                struct footprint f;
                struct err e = {0};
                int rows = o.sinks + o.window + o.batch - 1;
                o.threads = 1 + o.batch % 3;
                assert_int_equal(session_plan(m, &o, &f, &e), 0);
                rows = o.sinks + o.window >= TOKENS || rows > TOKENS ? TOKENS : rows;
                assert_int_equal(f.kv, 2 * 2 * 2 * rows * (int64_t)format_row_bytes(o.kv_k, 32)); /* layers, KV heads, K and V */
                float *got = run_all(m, &o);
                assert_memory_equal(got, want, TOKENS * TOY_VOCAB * sizeof *got);
                free(got);
            }
            free(want);
        }
    toy_free(&w), model_close(m);
}

/* Of one layer it does; of two the keys of a visible token have been made of older ones. */
static void a_slid_window_is_a_fresh_cache_in_one_layer(void **state)
{
    (void)state;
    enum { W = 9 };
    for (int layers = 1; layers <= 2; layers++) {
        struct toy t = blocks;
        struct toy_weights w;
        t.n_layer = layers;
        t.format = "f32";
        struct model *m = open_toy(&t, &w);
        struct session_options o = options(COMPUTE_EXACT);
        struct session *s;
        struct err e = {0};
        o.window = W;
        float *slid = run_all(m, &o);
        double worst = 0;
        o.window = 0;
        assert_int_equal(session_open(&s, m, &o, &e), 0);
        for (int p = W - 1; p < TOKENS; p++) {
            assert_int_equal(session_rewind(s, 0, &e), 0);
            assert_int_equal(session_eval(s, ids + p - W + 1, W, LOGITS_LAST, NULL, NULL, &e), 0);
            for (int i = 0; i < TOY_VOCAB; i++)
                worst = fmax(worst, fabs((double)(session_logits(s)[i] - slid[p * TOY_VOCAB + i])));
        }
        print_message("%d layers: a slid window and a fresh cache differ by %.2g\n", layers, worst);
        assert_true(layers == 1 ? worst < 1e-4 : worst > 1e-2);
        session_close(s);
        free(slid);
        toy_free(&w), model_close(m);
    }
}

/* Every format that can hold a cache, for K and V apart: near the float one, and the same bits in every batch. */
static void every_cache_format_is_near_and_does_not_depend_on_batches(void **state)
{
    (void)state;
    struct toy_weights w;
    struct model *m = open_toy(&blocks, &w);
    struct session_options o = options(COMPUTE_EXACT);
    float *f32 = run_all(m, &o);
    double *want = as_double(f32);
    for (int i = 1; formats[i]; i++) {
        const struct format *f = formats[i];
        if (!f->isa[ISA_SCALAR].vecmat || !f->quantize || !format_row_bytes(f, 32))
            continue;
        for (int part = 0; part < 3; part++) { /* K, V, both */
            o.kv_k = part != 1 ? f : formats[0];
            o.kv_v = part != 0 ? f : formats[0];
            o.batch = 0;
            float *whole = run_all(m, &o);
            double d = largest_difference(whole, want);
            if (!(d > 0 && d < 1.5))
                fail_msg("kv %s:%s differs by %g", o.kv_k->name, o.kv_v->name, d);
            if (part == 2)
                print_message("kv %s differs by %.2g\n", f->name, d);
            o.batch = 7;
            float *got = run_all(m, &o);
            assert_memory_equal(got, whole, TOKENS * TOY_VOCAB * sizeof *got);
            free(got), free(whole);
        }
    }
    free(f32), free(want);
    toy_free(&w), model_close(m);
}

static void parameters_are_counted_once(void **state)
{
    (void)state;
    struct toy_weights w;
    struct model *m = open_toy(&odd, &w);
    int64_t layer = 2 * 48 + 2 * 48 * 48 + 2 * 16 * 48 + 3 * 80 * 48;
    assert_int_equal(model_parameters(m), TOY_VOCAB * 48 + 48 + 2 * layer); /* tied: one matrix */
    toy_free(&w), model_close(m);
    m = open_toy(&partial, &w);
    layer = 2 * 40 + 2 * 72 * 40 + 2 * 24 * 40 + 3 * 72 * 40;
    assert_int_equal(model_parameters(m), 2 * TOY_VOCAB * 40 + 40 + 3 * layer); /* rope's divisors are not among them */
    toy_free(&w), model_close(m);
}

static void exact_does_not_depend_on_batch_or_threads(void **state)
{
    (void)state;
    const struct toy *toys[] = {&odd, &partial, &blocks};
    const char *const kv[] = {"f32", "f16", "q8_0"};
    for (size_t i = 0; i < 3; i++) {
        struct toy_weights w;
        struct model *m = open_toy(toys[i], &w);
        for (size_t j = 0; j < (toys[i] == &blocks ? 3 : 2); j++) {
            struct session_options o = options(COMPUTE_EXACT);
            o.kv_k = o.kv_v = format_by_name(kv[j]);
            float *want = run_all(m, &o);
            for (int batch = 1; batch <= 64; batch = batch * 2 + 1)
                for (int threads = 1; threads <= 5; threads += 2)
                    for (int isa = 0; isa < ISA_COUNT; isa++) {
                        if (!isa_has((enum isa)isa))
                            continue;
                        o.batch = batch;
                        o.threads = threads;
                        o.isa = (enum isa)isa;
                        float *got = run_all(m, &o);
                        assert_memory_equal(got, want, TOKENS * TOY_VOCAB * sizeof *got);
                        free(got);
                    }
            free(want);
        }
        toy_free(&w), model_close(m);
    }
}

/* Another order of the sums moves a float by its last bits, and now and then an activation to the next integer, but no more. */
static void rounded_paths_do_not_depend_on_threads_and_hardly_on_batch(void **state)
{
    (void)state;
    struct toy_weights w;
    struct model *m = open_toy(&blocks, &w);
    struct session_options o = options(COMPUTE_EXACT);
    float *exact = run_all(m, &o);
    double *all_exact = as_double(exact);
    for (int c = COMPUTE_PACKED; c <= COMPUTE_INT8_TOKEN; c++) {
        o = options((enum compute)c);
        float *want = run_all(m, &o);
        double *prefill = as_double(want), rounding = largest_difference(want, all_exact);
        for (o.threads = 2; o.threads <= 4; o.threads++) {
            float *got = run_all(m, &o);
            assert_memory_equal(got, want, TOKENS * TOY_VOCAB * sizeof *got);
            free(got);
        }
        o.threads = 1;
        for (o.batch = 1; o.batch <= 7; o.batch += 3) {
            float *got = run_all(m, &o);
            double off = largest_difference(got, prefill);
            print_message("%s, batch %d: differs by %.2g; from exact by %.2g\n", compute_names[c], o.batch, off, rounding);
            /* Few tokens are not packed: they have other weights, as far from exact as those. */
            assert_true(c == COMPUTE_PACKED ? off > 0 && off < 2 * rounding : off < rounding / 2);
            free(got);
        }
        free(want), free(prefill);
    }
    free(exact), free(all_exact);
    toy_free(&w), model_close(m);
}

static void the_last_logits_are_the_last_of_all(void **state)
{
    (void)state;
    struct toy_weights w;
    struct model *m = open_toy(&odd, &w);
    struct session_options o = options(COMPUTE_EXACT);
    o.batch = 16;
    float *all = run_all(m, &o);
    struct session *s;
    struct err e;
    assert_int_equal(session_open(&s, m, &o, &e), 0);
    assert_int_equal(session_eval(s, ids, 20, LOGITS_NONE, NULL, NULL, &e), 0);
    assert_int_equal(session_eval(s, ids + 20, TOKENS - 20, LOGITS_LAST, NULL, NULL, &e), 0);
    assert_memory_equal(session_logits(s), all + (TOKENS - 1) * TOY_VOCAB, TOY_VOCAB * sizeof *all);

    /* What follows a rewind is as if the forgotten had never been. */
    int other = (ids[30] + 1) % TOY_VOCAB;
    assert_int_equal(session_rewind(s, 30, &e), 0);
    assert_int_equal(session_rewind(s, 44, &e), 0); /* there is nothing from 44 on */
    assert_int_equal(session_position(s), 30);
    assert_int_equal(session_eval(s, &other, 1, LOGITS_LAST, NULL, NULL, &e), 0);
    assert_memory_not_equal(session_logits(s), all + 30 * TOY_VOCAB, TOY_VOCAB * sizeof *all);
    assert_int_equal(session_rewind(s, 30, &e), 0);
    session_park(s);
    struct rows one = {.v = malloc(15 * TOY_VOCAB * sizeof *all)};
    assert_int_equal(session_eval(s, ids + 30, 15, LOGITS_ALL, keep, &one, &e), 0);
    assert_memory_equal(one.v, all + 30 * TOY_VOCAB, 15 * TOY_VOCAB * sizeof *all);
    session_close(s);
    free(all), free(one.v);
    toy_free(&w), model_close(m);
}

static void what_does_not_fit_is_refused_and_changes_nothing(void **state)
{
    (void)state;
    struct toy_weights w;
    struct model *m = open_toy(&odd, &w);
    struct session_options o = options(COMPUTE_EXACT);
    o.n_ctx = 10;
    struct session *s;
    struct err e = {0};
    assert_int_equal(session_open(&s, m, &o, &e), 0);
    assert_int_equal(session_eval(s, ids, 8, LOGITS_NONE, NULL, NULL, &e), 0);
    assert_int_equal(session_eval(s, ids, 3, LOGITS_NONE, NULL, NULL, &e), -1);
    assert_non_null(strstr(e.msg, "3 tokens do not fit: 8 of the context's 10"));
    assert_int_equal(session_eval(s, (int[]){3, TOY_VOCAB}, 2, LOGITS_NONE, NULL, NULL, &e), -1);
    assert_non_null(strstr(e.msg, "token 2 of 2 has the id 37"));
    assert_int_equal(session_eval(s, (int[]){-1}, 1, LOGITS_NONE, NULL, NULL, &e), -1);
    assert_int_equal(session_eval(s, ids, 0, LOGITS_LAST, NULL, NULL, &e), -1);
    assert_int_equal(session_position(s), 8);
    assert_int_equal(session_eval(s, ids, 2, LOGITS_LAST, NULL, NULL, &e), 0);
    session_close(s);
    session_close(NULL);

    struct footprint f;
    static const struct {
        const char *k, *v;
        int n_ctx, batch, threads;
        const char *why;
    } bad[] = {
        {"q8_0", "f32", 8, 0, 1, "KV cache in q8_0: blocks of 32 do not divide this model's head length of 8"},
        {"f32", "q8_0", 8, 0, 1, "KV cache in q8_0"},
        {"f32", "iq3_s", 8, 0, 1, "KV cache in iq3_s: every token writes to it"},
        {"int8_tensor_sym", "f32", 8, 0, 1, "every token writes to it, and that format has one scale for a whole matrix"},
        {"f32", "f32", 0, 0, 1, "context of 0"},
        {"f32", "f32", 1 << 30, 0, 1, "context of 1073741824"},
        {"f32", "f32", 8, -1, 1, "batch of -1"},
        {"f32", "f32", 8, 0, 0, "0 threads"},
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        o = (struct session_options){.n_ctx = bad[i].n_ctx,
                                     .batch = bad[i].batch,
                                     .threads = bad[i].threads,
                                     .isa = ISA_SCALAR,
                                     .kv_k = format_by_name(bad[i].k),
                                     .kv_v = format_by_name(bad[i].v)};
        assert_int_equal(session_plan(m, &o, &f, &e), -1);
        assert_int_equal(e.code, ERR_USAGE);
        assert_non_null(strstr(e.msg, bad[i].why));
        assert_int_equal(session_open(&s, m, &o, &e), -1);
        assert_null(s);
    }
    o = options(COMPUTE_EXACT);
    o.sinks = 4; /* of no window */
    assert_int_equal(session_plan(m, &o, &f, &e), -1);
    assert_non_null(strstr(e.msg, "a window of 0 tokens after 4 sinks"));
    for (int isa = 0; isa < ISA_COUNT; isa++)
        if (!isa_has((enum isa)isa)) {
            o = options(COMPUTE_EXACT);
            o.isa = (enum isa)isa;
            assert_int_equal(session_plan(m, &o, &f, &e), -1);
            assert_non_null(strstr(e.msg, isa_name((enum isa)isa)));
        }
    toy_free(&w), model_close(m);
}

static void the_plan_is_what_is_mapped(void **state)
{
    (void)state;
    struct toy_weights w;
    struct model *m = open_toy(&blocks, &w);
    for (int c = 0; c < COMPUTES; c++)
        for (int batch = 1; batch < 2000; batch *= 7)
            for (int threads = 1; threads < 4; threads++) {
                struct session_options o = options((enum compute)c);
                o.n_ctx = 1000;
                o.batch = batch;
                o.threads = threads;
                o.kv_k = format_by_name("q8_0");
                struct footprint f;
                struct session *s;
                struct err e;
                assert_int_equal(session_plan(m, &o, &f, &e), 0);
                assert_int_equal(session_open(&s, m, &o, &e), 0);
                assert_int_equal(f.kv + f.arena, s->arena.size);
                assert_int_equal(s->arena.used, s->arena.size);
                assert_int_equal(f.kv, 2 * 2 * 1000 * (34 + 128)); /* layers, KV heads, positions, bytes of a K and a V row */
                assert_int_equal(f.weights, m->gguf.map.n);
                assert_true(f.tables > 0);
                session_close(s);
            }

    /* A batch that is longer than the context costs no more than the context. */
    struct footprint long_batch, fitting;
    struct session_options o = options(COMPUTE_INT8);
    struct err e;
    assert_int_equal(session_plan(m, &o, &long_batch, &e), 0); /* 512 */
    o.batch = TOKENS;
    assert_int_equal(session_plan(m, &o, &fitting, &e), 0);
    assert_int_equal(long_batch.arena, fitting.arena);
    toy_free(&w), model_close(m);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_forward_pass_is_the_definition),
        cmocka_unit_test(parameters_are_counted_once),
        cmocka_unit_test(exact_does_not_depend_on_batch_or_threads),
        cmocka_unit_test(rounded_paths_do_not_depend_on_threads_and_hardly_on_batch),
        cmocka_unit_test(every_cache_format_is_near_and_does_not_depend_on_batches),
        cmocka_unit_test(a_policy_is_the_definition),
        cmocka_unit_test(a_ring_gives_the_bits_of_a_whole_cache),
        cmocka_unit_test(a_slid_window_is_a_fresh_cache_in_one_layer),
        cmocka_unit_test(the_last_logits_are_the_last_of_all),
        cmocka_unit_test(what_does_not_fit_is_refused_and_changes_nothing),
        cmocka_unit_test(the_plan_is_what_is_mapped),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
