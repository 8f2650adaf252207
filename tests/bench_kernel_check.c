/* The check of kernels has to be able to fail: kernels with one fault each, of the kinds that are really made. */
/* SPDX-License-Identifier: MIT */
#include "tests/test.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "bench/kernel_check.h"
#include "kernels/matmul.h"

#define SEED 11
#define MAX_CASES 512

static const struct format *real(void)
{
    return format_by_name("q4_0");
}

static size_t row_bytes(int k)
{
    return format_row_bytes(real(), k);
}

/* -- faults --------------------------------------------------------------------------------------------------------------- */

static void matvec_one_bit_off(float *y, const void *w, const struct act *x, int rows)
{
    real()->isa[ISA_SCALAR].matvec_f32(y, w, x, rows);
    y[rows - 1] = nextafterf(y[rows - 1], INFINITY);
}

/* The offset of q4_0 is 8; taking off 7 adds sum(x) * d to every row. */
static void matvec_wrong_offset(float *y, const void *w, const struct act *x, int rows)
{
    for (int r = 0; r < rows; r++) {
        real()->isa[ISA_SCALAR].matvec_act(y + r, (const uint8_t *)w + (size_t)r * row_bytes(x->k), x, 1);
        float wf[1024];
        real()->dequantize(wf, (const uint8_t *)w + (size_t)r * row_bytes(x->k), x->k);
        y[r] += x->d[0] * (float)(x->sum[0] + x->sum[1]) * (wf[0] != 0 ? fabsf(wf[0]) / 8 : 0);
    }
}

static void matvec_forgets_the_last_row(float *y, const void *w, const struct act *x, int rows)
{
    real()->isa[ISA_SCALAR].matvec_act(y, w, x, rows - 1);
}

static void matvec_reads_on(float *y, const void *w, const struct act *x, int rows)
{
    real()->isa[ISA_SCALAR].matvec_act(y, w, x, rows);
    y[0] += 0 * (float)((const volatile uint8_t *)w)[(size_t)rows * row_bytes(x->k)];
}

static void matvec_writes_on(float *y, const void *w, const struct act *x, int rows)
{
    real()->isa[ISA_SCALAR].matvec_act(y, w, x, rows);
    y[rows] = 0;
}

static void matvec_writes_before(float *y, const void *w, const struct act *x, int rows)
{
    real()->isa[ISA_SCALAR].matvec_act(y, w, x, rows);
    y[-1] = 0;
}

static void vecmat_plain(float *y, const void *w, const float *a, int k, int rows) /* rounds the product before the sum */
{
    float wf[1024];
    for (int r = 0; r < rows; r++) {
        real()->dequantize(wf, (const uint8_t *)w + (size_t)r * row_bytes(k), k);
        for (int i = 0; i < k; i++) {
            volatile float product = a[r] * wf[i];
            y[i] += product;
        }
    }
}

static void scores_all_of_the_first(float *const y[], const void *w, const struct act *x, float scale, int rows)
{
    for (int c = 0; c < x->n; c++) {
        const struct act first = act_columns(x, 0, 1);
        real()->isa[ISA_SCALAR].matvec_f32(y[c], w, &first, rows);
        for (int r = 0; r < rows; r++)
            y[c][r] *= scale;
    }
}

static void mix_all_alike(float *const y[], const void *w, const float *const a[], int n, int k, int rows)
{
    for (int c = 0; c < n; c++)
        real()->isa[ISA_SCALAR].vecmat(y[c], w, a[0], k, rows);
}

static void unpack_f32_leaves_missing_rows(float *panel, const void *w, size_t bytes, int rows, int col, int cols)
{
    float full[PANEL_ROWS * 1024];
    real()->isa[ISA_SCALAR].unpack_f32(full, w, bytes, rows, col, cols);
    memcpy(panel, full, (size_t)rows * (size_t)cols * sizeof *panel);
}

static void unpack_f32_repeats_the_first(float *panel, const void *w, size_t bytes, int rows, int col, int cols)
{
    real()->isa[ISA_SCALAR].unpack_f32(panel, w, bytes, rows, col, cols);
    for (int r = 1; r < rows; r++)
        memcpy(panel + r * cols, panel, (size_t)cols * sizeof *panel);
}

static void unpack_q8_swaps_halves(const struct panel_q8 *panel, const void *w, size_t bytes, int rows, int col, int cols)
{
    real()->isa[ISA_SCALAR].unpack_q8(panel, w, bytes, rows, col, cols);
    for (int i = 0; i < 16 * PANEL_ROWS; i++) {
        uint8_t t = panel->q[i];
        panel->q[i] = panel->q[i + 16 * PANEL_ROWS];
        panel->q[i + 16 * PANEL_ROWS] = t;
    }
}

static float softmax_without_max(float *x, int n)
{
    float sum = 0;
    for (int i = 0; i < n; i++)
        sum += x[i] = expf(x[i]);
    return sum;
}

static void rope_other_way(float *x, const float *cs, int pairs)
{
    for (int i = 0; i < pairs; i++) {
        float a = x[2 * i], b = x[2 * i + 1];
        x[2 * i] = a * cs[2 * i] + b * cs[2 * i + 1];
        x[2 * i + 1] = b * cs[2 * i] - a * cs[2 * i + 1];
    }
}

/* -- tests ---------------------------------------------------------------------------------------------------------------- */

/* The kernel of that kind with q4_0's table, or with `bad` in it, at the best level of this machine. */
static int passes(enum kernel_kind kind, enum act_kind act, const struct format_kernels *bad, const struct ops *ops,
                  char why[256])
{
    struct format mutant = *real();
    struct kernel_case c = {
        .name = "mutant", .kind = kind, .act = act, .isa = isa_best(), .format = ops ? NULL : &mutant, .ops = ops};
    if (bad) {
        struct format_kernels *at = &mutant.isa[c.isa];
        at->matvec_f32 = bad->matvec_f32 ? bad->matvec_f32 : at->matvec_f32;
        at->matvec_act = bad->matvec_act ? bad->matvec_act : at->matvec_act;
        at->vecmat = bad->vecmat ? bad->vecmat : at->vecmat;
        at->scores_f32 = bad->scores_f32 ? bad->scores_f32 : at->scores_f32;
        at->mix = bad->mix ? bad->mix : at->mix;
        at->unpack_f32 = bad->unpack_f32 ? bad->unpack_f32 : at->unpack_f32;
        at->unpack_q8 = bad->unpack_q8 ? bad->unpack_q8 : at->unpack_q8;
    }
    return kernel_check_case(&c, SEED, why, 256);
}

static void faults_are_found(void **state)
{
    (void)state;
    static const struct {
        enum kernel_kind kind;
        enum act_kind act;
        struct format_kernels bad;
        const char *says;
    } faults[] = {
        {KERNEL_MATVEC, ACT_F32, {.matvec_f32 = matvec_one_bit_off}, "allowed 0"},
        {KERNEL_MATVEC, ACT_Q8, {.matvec_act = matvec_wrong_offset}, "off by"},
        {KERNEL_MATVEC, ACT_Q8, {.matvec_act = matvec_forgets_the_last_row}, "row"},
        {KERNEL_MATVEC, ACT_Q8, {.matvec_act = matvec_reads_on}, "crashed"},
        {KERNEL_MATVEC, ACT_Q8, {.matvec_act = matvec_writes_on}, "crashed"},
        {KERNEL_MATVEC, ACT_Q8, {.matvec_act = matvec_writes_before}, "in front"},
        {KERNEL_VECMAT, ACT_F32, {.vecmat = vecmat_plain}, "element"},
        {KERNEL_UNPACK_F32, ACT_F32, {.unpack_f32 = unpack_f32_leaves_missing_rows}, "row"},
        {KERNEL_UNPACK_Q8, ACT_F32, {.unpack_q8 = unpack_q8_swaps_halves}, "column"},
        {KERNEL_MATMUL, ACT_Q8, {.unpack_q8 = unpack_q8_swaps_halves}, "off by"},
        {KERNEL_MATMUL, ACT_F32, {.matvec_f32 = matvec_one_bit_off}, "allowed 0"},
        {KERNEL_ATTENTION, ACT_F32, {.vecmat = vecmat_plain}, "scalar"},
        {KERNEL_ATTENTION, ACT_F32, {.scores_f32 = scores_all_of_the_first}, "not"},
        {KERNEL_ATTENTION, ACT_F32, {.mix = mix_all_alike}, "not"},
        {KERNEL_ATTENTION, ACT_Q8, {.matvec_act = matvec_wrong_offset}, "allowed"},
        {KERNEL_ATTENTION_MANY, ACT_F32, {.unpack_f32 = unpack_f32_repeats_the_first}, "not"},
    };
    char why[256];
    for (size_t i = 0; i < sizeof faults / sizeof *faults; i++) {
        if (!passes(faults[i].kind, faults[i].act, NULL, NULL, why))
            fail_msg("fault %zu: the kernel without it failed: %s", i, why);
        assert_string_equal(why, "");
        if (passes(faults[i].kind, faults[i].act, &faults[i].bad, NULL, why))
            fail_msg("fault %zu was not found", i);
        if (!strstr(why, faults[i].says))
            fail_msg("fault %zu: '%s' does not say '%s'", i, why, faults[i].says);
    }
}

static void faults_of_ops_are_found(void **state)
{
    (void)state;
    char why[256];
    struct ops ops = *ops_at(isa_best());
    assert_true(passes(KERNEL_SOFTMAX, ACT_F32, NULL, &ops, why));
    assert_true(passes(KERNEL_ROPE, ACT_F32, NULL, &ops, why));
    ops.softmax = softmax_without_max;
    ops.rope = rope_other_way;
    assert_false(passes(KERNEL_SOFTMAX, ACT_F32, NULL, &ops, why));
    assert_false(passes(KERNEL_ROPE, ACT_F32, NULL, &ops, why));
    assert_non_null(strstr(why, "element"));
}

static void count(void *ctx, const char *kernel, int passed, const char *why)
{
    assert_non_null(strstr(kernel, "q4_0_matvec"));
    assert_int_equal(passed, why[0] == '\0');
    ++*(int *)ctx;
}

/* One list: names are different, every filter works, and what is listed runs. */
static void the_list(void **state)
{
    (void)state;
    struct kernel_case cases[MAX_CASES];
    int n = kernel_list(ISA_SCALAR, cases, MAX_CASES), seen = 0;
    assert_in_range(n, 40, MAX_CASES);
    assert_int_equal(kernel_list(ISA_SCALAR, NULL, 0), n);
    for (int i = 0; i < n; i++) {
        assert_int_equal(cases[i].isa, ISA_SCALAR);
        for (int j = 0; j < i; j++)
            assert_string_not_equal(cases[i].name, cases[j].name);
    }
    assert_int_equal(kernel_check(SEED, ISA_SCALAR, "q4_0_matvec", count, &seen), 0);
    assert_int_equal(seen, 2);

    struct kernel_weights weights = {0};
    for (int isa = 0; isa < ISA_COUNT; isa++) {
        n = isa_has((enum isa)isa) ? kernel_list((enum isa)isa, cases, MAX_CASES) : 0;
        for (int i = 0; i < n; i++) {
            struct kernel_work w;
            struct err e;
            assert_int_equal(kernel_work_open(&w, &cases[i], 37, 256, 3, 2, 2, &weights, SEED, &e), 0);
            assert_true(w.bytes > 0);
            for (int thread = 0; thread < 2; thread++)
                for (int run = 0; run < 3; run++)
                    kernel_work_run(&w, thread);
            kernel_work_close(&w);
        }
    }
    kernel_weights_close(&weights);
}

static void shapes_are_refused(void **state)
{
    (void)state;
    struct kernel_case cases[MAX_CASES];
    struct kernel_work w;
    struct kernel_weights weights = {0};
    struct err e;
    int n = kernel_list(ISA_SCALAR, cases, MAX_CASES), refused = 0;
    for (int i = 0; i < n; i++) {
        const struct kernel_case *c = &cases[i];
        const int block = c->format ? c->format->block : 1, multiple = c->act == ACT_Q8 && block < ACT_GROUP ? ACT_GROUP : block;
        char says[32];
        snprintf(says, sizeof says, "multiple of %d", multiple);
        assert_int_equal(kernel_work_open(&w, c, 4, 48, 1, 1, 1, &weights, SEED, &e), multiple > 1 ? -1 : 0);
        if (multiple > 1)
            assert_non_null(strstr(e.msg, says));
        refused += multiple > 1;
        kernel_work_close(&w);
        assert_int_equal(kernel_work_open(&w, c, 0, 256, 1, 1, 1, &weights, SEED, &e), -1);
        kernel_work_close(&w);
    }
    kernel_weights_close(&weights);
    assert_in_range(refused, 2 * 9 + 1, n - 1); /* at least q8_0 and q4_0, and the rounding to int8 */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(faults_are_found),
        cmocka_unit_test(faults_of_ops_are_found),
        cmocka_unit_test(the_list),
        cmocka_unit_test(shapes_are_refused),
    };
    return cmocka_run_group_tests_name("bench_kernel_check", tests, NULL, NULL);
}
