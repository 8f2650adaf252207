/* Kernels at the shapes of a model: which shapes there are, which kernel serves them, what they add up to, what is printed. */
/* SPDX-License-Identifier: MIT */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench/cmd/kernels.h"
#include "engine/synth.h"
#include "kernels/gemm.h"
#include "tests/capture.h"

static const struct synth_preset small = {.name = "small",
                                          .source = "this test",
                                          .arch = "llama",
                                          .n_layer = 3,
                                          .d = 128,
                                          .n_ff = 192,
                                          .n_head = 4,
                                          .n_kv = 2,
                                          .head_dim = 32,
                                          .n_vocab = 1500,
                                          .n_ctx = 128,
                                          .tied = 1,
                                          .rope_base = 10000};

/* -- shapes --------------------------------------------------------------------------------------------------------------- */

static struct kernel_shape *shapes_of(const struct synth_preset *p, int *n)
{
    struct kernel_shape *v = NULL;
    struct model *m = NULL;
    struct err e = {0};
    if (synth_write(test_file("m.gguf"), p, format_by_name("q8_0"), 1, &e) || model_open(&m, test_file("m.gguf"), 0, &e))
        fail_msg("%s", e.msg);
    *n = kernel_shapes(m, &v, &e);
    model_close(m);
    return v;
}

static void shapes_are_counted(void **state)
{
    (void)state;
    /* Q and O are both 128 x 128. */
    static const struct kernel_shape want[] = {{&format_q8_0, 128, 128, 6, 0},
                                               {&format_q8_0, 64, 128, 6, 0},
                                               {&format_q8_0, 192, 128, 6, 0},
                                               {&format_q8_0, 128, 192, 3, 0},
                                               {&format_q8_0, 1500, 128, 0, 1}};
    struct synth_preset p = small;
    for (p.tied = 0; p.tied < 2; p.tied++) { /* tied or not, the head is one matrix and the embedding none */
        int n;
        struct kernel_shape *v = shapes_of(&p, &n);
        assert_int_equal(n, 5);
        for (int i = 0; i < n; i++) {
            assert_ptr_equal(v[i].format, want[i].format);
            assert_int_equal(v[i].rows, want[i].rows);
            assert_int_equal(v[i].k, want[i].k);
            assert_int_equal(v[i].layers, want[i].layers);
            assert_int_equal(v[i].head, want[i].head);
        }
        free(v);
    }
}

static void a_head_may_have_the_shape_of_another(void **state)
{
    (void)state;
    struct synth_preset p = small;
    int n;
    p.n_ff = p.n_vocab = 1504;
    struct kernel_shape *v = shapes_of(&p, &n);
    assert_int_equal(n, 4);
    assert_int_equal(v[2].rows, 1504);
    assert_int_equal(v[2].layers, 6);
    assert_int_equal(v[2].head, 1);
    free(v);
}

/* -- the list ------------------------------------------------------------------------------------------------------------- */

/* Whatever the engine would run at the machine's best level, the kernel named runs the same. */
static void the_kernel_is_the_one_of_the_engine(void **state)
{
    (void)state;
    static const int columns[] = {1, 3, PACK_COLUMNS};
    for (int level = 0; level < ISA_COUNT; level++)
        for (int i = 0; formats[i] && isa_has((enum isa)level); i++) {
            const struct format *f = formats[i];
            const enum isa best = (enum isa)level;
            const struct kernel_shape shape = {.format = f, .rows = 64, .k = 256, .layers = 1};
            struct kernel_job j = {
                .isa = best, .threads = 1, .shapes = &shape, .n_shapes = 1, .columns = columns, .n_columns = 3};
            assert_int_equal(kernel_job_open(&j, NULL), 0);
            assert_int_equal(j.n, 3);
            assert_int_equal(j.n_wanted, 3);
            for (int c = 0; c < 3; c++) {
                const int packed = c == 2 && f->act == ACT_Q8, group = packed ? PACK_RUN : f->group;
                const struct kernel_case *k = &j.v[c].c;
                const struct format_kernels at = format_kernels(f, k->isa), engine = format_kernels(f, best);
                assert_ptr_equal(k->format, f);
                assert_int_equal(k->kind, packed ? KERNEL_MATMUL_PACKED : c ? KERNEL_MATMUL : KERNEL_MATVEC);
                assert_int_equal(k->act, f->act);
                assert_int_equal(j.v[c].columns, columns[c]);
                assert_true(at.matvec_f32 == engine.matvec_f32 || f->act != ACT_F32);
                assert_true(at.matvec_act == engine.matvec_act || packed);
                assert_true(!packed || pack_q8_best(k->isa) == pack_q8_best(best));
                if (!c)
                    continue;
                assert_true(at.unpack_f32 == engine.unpack_f32 || f->act == ACT_Q8);
                assert_true(at.unpack_q8 == engine.unpack_q8);
                assert_true(f->act == ACT_Q8 ? gemm_q8_best(k->isa, group, f->offset && !packed) ==
                                                   gemm_q8_best(best, group, f->offset && !packed)
                                             : gemm_f32_best(k->isa) == gemm_f32_best(best));
                assert_true(f->act != ACT_BF16 || gemm_bf16_best(k->isa) == gemm_bf16_best(best));
            }
            kernel_job_close(&j);
        }
}

static const struct kernel_shape two[] = {{&format_q8_0, 96, 64, 3, 0}, {&format_q8_0, 70, 64, 0, 1}};
static const int one_and_four[] = {1, 4};

static struct kernel_job job_of_two(void)
{
    struct kernel_job j = {.isa = ISA_SCALAR,
                           .seed = 1,
                           .threads = 1,
                           .shapes = two,
                           .n_shapes = 2,
                           .columns = one_and_four,
                           .n_columns = 2,
                           .peak = {.threads = 1, .buffer_bytes = 1 << 20}};
    assert_int_equal(kernel_job_open(&j, NULL), 0);
    assert_int_equal(j.n, 4);
    return j;
}

static void a_kernel_is_checked_once(void **state)
{
    (void)state;
    struct kernel_job j = job_of_two();
    kernel_job_check(&j);
    assert_int_equal(j.failed, 0);
    for (int i = 0; i < 4; i++) {
        assert_int_equal(j.v[i].first, i % 2);
        assert_true(j.v[i].passed);
    }
    kernel_job_close(&j);
}

/* Whole matrices, in one thread and in more than there are panels. */
static void every_shape_is_timed(void **state)
{
    (void)state;
    for (int threads = 1; threads <= 5; threads += 4) {
        struct kernel_job j = job_of_two();
        j.threads = threads;
        assert_int_equal(pool_open(&j.pool, threads, NULL, NULL), 0);
        kernel_job_check(&j);
        assert_int_equal(kernel_job_time(&j, NULL), 0);
        for (int i = 0; i < 4; i++) {
            const struct kernel_result *r = &j.v[i];
            assert_true(r->timed && r->ns > 0);
            assert_int_equal(r->rows, two[i / 2].rows);
            assert_int_equal(r->k, 64);
            assert_true(r->bytes == r->rows * 68.0); /* two blocks of 34 bytes */
            assert_true(r->operations == 2.0 * r->rows * 64 * r->columns);
            assert_true(kernel_speedup(&j, r) == 1); /* at this level it is the scalar one itself */
        }
        kernel_job_close(&j);
        pool_close(j.pool);
    }
}

/* -- against the ceilings, with made-up times ----------------------------------------------------------------------------- */

/* 1 byte and 10 operations a ns.  The layers: 100 ns bound by bytes, 400 by operations; the head: 50 and 200. */
static void make_up(struct kernel_job *j)
{
    static const double ns[] = {100, 400, 50, 200}, bytes[] = {80, 80, 20, 20}, operations[] = {160, 2000, 40, 1600};
    j->peak.all.huge_pages = 1e9;
    j->peak.unit[PEAK_INT8] = (struct peak_arithmetic){"int8", "made-up", 1e10, 1e10};
    for (int i = 0; i < 4; i++) {
        j->v[i].timed = j->v[i].passed = 1;
        j->v[i].ns = ns[i];
        j->v[i].bytes = bytes[i];
        j->v[i].operations = operations[i];
    }
}

static void whichever_binds_is_the_roof(void **state)
{
    (void)state;
    static const double want[] = {0.8, 0.5, 0.4, 0.8};
    struct kernel_job j = job_of_two();
    assert_true(kernel_of_roof(&j, &j.v[0]) == -1);
    make_up(&j);
    for (int i = 0; i < 4; i++) {
        assert_float_equal(kernel_of_roof(&j, &j.v[i]), want[i], 1e-12);
        assert_string_equal(kernel_bound(&j, &j.v[i]), i % 2 ? "operations" : "bytes");
    }
    j.peak.unit[PEAK_INT8].instruction = NULL; /* without a peak there is no roof */
    assert_true(kernel_of_roof(&j, &j.v[0]) == -1);
    assert_null(kernel_bound(&j, &j.v[0]));
    kernel_job_close(&j);
}

static void bf16_without_a_unit_is_held_against_f32(void **state)
{
    (void)state;
    struct kernel_result r = {.c = {.kind = KERNEL_MATMUL, .act = ACT_BF16}, .timed = 1, .ns = 2, .operations = 10};
    struct kernel_job j = {.peak = {.unit[PEAK_F32] = {"f32", "made-up", 1e10, 1e10}}};
    assert_float_equal(kernel_of_peak(&j, &r), 0.5, 1e-12);
    j.peak.unit[PEAK_BF16] = (struct peak_arithmetic){"bf16", "made-up", 2e10, 2e10};
    assert_float_equal(kernel_of_peak(&j, &r), 0.25, 1e-12);
}

/* Three matrices in the layers; the head is for one column in every batch. */
static void totals_add_up(void **state)
{
    (void)state;
    struct kernel_job j = job_of_two();
    struct kernel_total t;
    assert_int_equal(kernel_total(&j, 1, &t), -1); /* nothing is timed yet */
    make_up(&j);
    assert_int_equal(kernel_total(&j, 1, &t), 0);
    assert_true(t.ns == 350 && t.bytes == 260 && t.operations == 520);
    assert_float_equal(t.of_roof, (3 * 80 + 20) / 350.0, 1e-12);
    assert_int_equal(kernel_total(&j, 4, &t), 0);
    assert_true(t.ns == 1250 && t.bytes == 260 && t.operations == 6040);
    assert_float_equal(t.of_roof, (3 * 200 + 20) / 1250.0, 1e-12);
    assert_int_equal(kernel_total(&j, 2, &t), -1);
    j.v[3].timed = 0; /* the head for four columns is in no total */
    assert_int_equal(kernel_total(&j, 4, &t), 0);
    j.v[1].timed = 0;
    assert_int_equal(kernel_total(&j, 4, &t), -1);
    assert_int_equal(kernel_total(&j, 1, &t), 0);
    kernel_job_close(&j);
}

static void the_higher_measurement_counts(void **state)
{
    (void)state;
    struct peak a = {.one = {1, 2}, .all = {5, 6}, .unit[PEAK_F32] = {"f32", "i", 7, 9}};
    const struct peak b = {.one = {3, 1}, .all = {4, 8}, .unit[PEAK_F32] = {"f32", "i", 8, 6}};
    peak_raise(&a, &b);
    assert_true(a.one.small_pages == 3 && a.one.huge_pages == 2 && a.all.small_pages == 5 && a.all.huge_pages == 8);
    assert_true(a.unit[PEAK_F32].one == 8 && a.unit[PEAK_F32].all == 9);
}

/* -- what is printed ------------------------------------------------------------------------------------------------------ */

static void a_model_is_printed(void **state)
{
    (void)state;
    struct capture c;
    char said[4096];
    struct kernels k = {.job = job_of_two()};
    make_up(&k.job);
    k.before = k.after = k.job.peak;
    k.after.all.huge_pages = 0.9e9;
    k.after.unit[PEAK_INT8].all = 1.01e10;
    capture_begin(&c);
    kernels_print_times(&k);
    capture_end(&c, said, sizeof said);
    assert_string_equal(
        said, "rows   k  matrices  columns   us  GB/s  Gop/s  of roof  binds       kernel\n"
              "  96  64         3        1  0.1   0.8    1.6      80%  bytes       q8_0_matvec_q8_scalar\n"
              "  96  64         3        4  0.4   0.2    5.0      50%  operations  q8_0_matmul_q8_scalar\n"
              "  70  64      head        1  0.1   0.4    0.8      40%  bytes       q8_0_matvec_q8_scalar\n"
              "  70  64      head        4  0.2   0.1    8.0      80%  operations  q8_0_matmul_q8_scalar\n"
              "Measured again behind them: read 0.9 GB/s (-10.0%), int8 10 Gop/s (+1.0%); fractions are of the better of "
              "both\n"
              "\nAll matrices once, those of the layers for every column, the head for the last:\n"
              "columns     ms  ms/token  x 1 column  GB/s  Gop/s  of roof\n"
              "      1  0.000     0.000        1.00   0.7    1.5    74.3%\n"
              "      4  0.001     0.000        3.57   0.2    4.8    49.6%\n");
    kernel_job_close(&k.job);
}

static void a_model_as_json(void **state)
{
    (void)state;
    struct capture c;
    char said[8192];
    struct kernels k = {.job = job_of_two()};
    make_up(&k.job);
    k.before = k.after = k.job.peak;
    k.after.all.huge_pages = 0.9e9;
    capture_begin(&c);
    kernels_print_json(&k, 1);
    capture_end(&c, said, sizeof said);
    static const char *const parts[] = {
        ("\"name\":\"q8_0_matmul_q8_scalar\",\"isa\":\"scalar\",\"passed\":true,\"why\":\"\",\"layers\":3,\"head\":false,"
         "\"rows\":96,\"k\":64,\"columns\":4,\"ns\":400.0,\"bytes_per_s\":200000000.0,\"of_bandwidth\":0.2"),
        "\"of_roof\":0.5,\"bound\":\"operations\"",
        "\"all_huge_pages\":1000000000.0",
        "\"all_huge_pages\":900000000.0",
        "\"totals\":[{\"columns\":1,\"ns\":350.0,",
        "{\"columns\":4,\"ns\":1250.0,",
    };
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++)
        if (!strstr(said, parts[i]))
            fail_msg("no %s in %s", parts[i], said);
    assert_null(strstr(said, "\"slow\""));
    kernel_job_close(&k.job);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(shapes_are_counted),
        cmocka_unit_test(a_head_may_have_the_shape_of_another),
        cmocka_unit_test(the_kernel_is_the_one_of_the_engine),
        cmocka_unit_test(a_kernel_is_checked_once),
        cmocka_unit_test(every_shape_is_timed),
        cmocka_unit_test(whichever_binds_is_the_roof),
        cmocka_unit_test(bf16_without_a_unit_is_held_against_f32),
        cmocka_unit_test(totals_add_up),
        cmocka_unit_test(the_higher_measurement_counts),
        cmocka_unit_test(a_model_is_printed),
        cmocka_unit_test(a_model_as_json),
    };
    return cmocka_run_group_tests(tests, test_dir_make, test_dir_remove);
}
