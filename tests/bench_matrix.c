/* The matrix: its product, its exclusions, its order, and what it refuses. */
/* SPDX-License-Identifier: MIT */
#include "tests/test.h"

#include <string.h>

#include "bench/matrix.h"

static const char *lists[AXES];

static const char *const *with(const char *name, const char *value)
{
    lists[axis_by_name(name) - axes] = value;
    return lists;
}

static int reset(void **state)
{
    (void)state;
    memset(lists, 0, sizeof lists);
    return 0;
}

static void product_has_every_cell_once(void **state)
{
    (void)state;
    struct cell_matrix m;
    struct err e;
    with("model", "a.gguf,b.gguf");
    with("format", "f16,q8_0,q4_0");
    with("context", "64,256");
    with("threads", "1,2,1");
    assert_int_equal(matrix_open(&m, lists, NULL, &e), 0);
    assert_int_equal(m.n, 2 * 3 * 2 * 2); /* the 1 given twice counts once */
    for (int i = 0; i < m.n; i++)
        for (int j = 0; j < i; j++) {
            const struct cell *x = &m.cells[i], *y = &m.cells[j];
            assert_true(strcmp(x->model, y->model) != 0 || strcmp(x->format, y->format) != 0 || x->context != y->context ||
                        x->threads != y->threads);
        }
    assert_string_equal(m.cells[0].kv, "f16"); /* a default */
    assert_string_equal(m.cells[0].runtime, "reference");
    matrix_close(&m);
}

static void exclude_takes_cells_out(void **state)
{
    (void)state;
    struct cell_matrix m;
    struct err e;
    with("format", "f16,q8_0");
    with("context", "64,256");
    assert_int_equal(matrix_open(&m, lists, "format=f16 context=256", &e), 0);
    assert_int_equal(m.n, 3);
    assert_int_equal(m.excluded, 1);
    matrix_close(&m);
    assert_int_equal(matrix_open(&m, lists, "format=f16; context=64\n", &e), 0);
    assert_int_equal(m.n, 1);
    matrix_close(&m);
    assert_int_equal(matrix_open(&m, lists, "context=64\ncontext=256", &e), -1);
    assert_int_equal(e.code, ERR_USAGE);
    assert_int_equal(matrix_open(&m, lists, "color=red", &e), -1);
    assert_non_null(strstr(e.msg, "color"));
    assert_int_equal(matrix_open(&m, lists, "context", &e), -1);
    assert_non_null(strstr(e.msg, "axis=value"));
}

static void bad_values_are_named(void **state)
{
    (void)state;
    static const struct {
        const char *axis, *value, *says;
    } bad[] = {
        {"format", "q4_O", "q4_0"},
        {"kv", "f16:q9_0", "q9_0"},
        {"kv", "iq3_s", "iq3_s: unknown"},
        {"context", "0", "--context 0"},
        {"context", "64,many", "many"},
        {"threads", "-1", "--threads"},
        {"isa", "avx9000", "avx9000"},
        {"compute", "exakt", "exact"},
        {"compute", "int8,int8_tokens", "did you mean int8_token? (it can be packed, int8, int8_token, exact)"},
        {"runtime", "nul", "null"},
        {"policy", "window", "--policy window: it can be full, window:W"},
        {"policy", "window:0", "--policy window:0"},
        {"policy", "sinks:4", "--policy sinks:4"},
        {"policy", "sinks:4+", "--policy sinks:4+"},
        {"policy", "full,sinks:+9", "--policy sinks:+9"},
        {"policy", "window:12x", "--policy window:12x"},
    };
    struct cell_matrix m;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct err e = {0};
        reset(NULL);
        with(bad[i].axis, bad[i].value);
        assert_int_equal(matrix_open(&m, lists, NULL, &e), -1);
        assert_int_equal(e.code, ERR_USAGE);
        assert_non_null(strstr(e.msg, bad[i].says));
    }
}

static void an_absurd_product_is_refused(void **state)
{
    (void)state;
    struct text t = {0};
    struct cell_matrix m;
    struct err e;
    for (int i = 1; i <= 1024; i++)
        text_printf(&t, "%d,", i);
    with("threads", t.p);
    with("context", t.p);
    assert_int_equal(matrix_open(&m, lists, NULL, &e), -1);
    assert_non_null(strstr(e.msg, "more than"));
    text_free(&t);
}

static void orders_are_seeded_permutations(void **state)
{
    (void)state;
    int a[100], b[100], seen[100] = {0}, moved = 0;
    matrix_order(a, 100, 1, 0);
    for (int i = 0; i < 100; i++)
        seen[a[i]]++;
    for (int i = 0; i < 100; i++)
        assert_int_equal(seen[i], 1);
    matrix_order(b, 100, 1, 0);
    assert_memory_equal(a, b, sizeof a);
    matrix_order(b, 100, 1, 1);
    for (int i = 0; i < 100; i++)
        moved += a[i] != b[i];
    assert_true(moved > 80);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(product_has_every_cell_once, reset), cmocka_unit_test_setup(exclude_takes_cells_out, reset),
        cmocka_unit_test_setup(bad_values_are_named, reset),        cmocka_unit_test_setup(an_absurd_product_is_refused, reset),
        cmocka_unit_test(orders_are_seeded_permutations),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
