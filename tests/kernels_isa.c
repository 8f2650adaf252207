/* Instruction sets, the ladder of kernels, and the conversions that every kernel rests on. */
/* SPDX-License-Identifier: MIT */
#include "tests/test.h"

#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/rng.h"
#include "kernels/format.h"
#include "kernels/half.h"
#include "kernels/matmul.h"
#include "kernels/ops.h"

static void names(void **state)
{
    (void)state;
    for (int i = 0; i < ISA_COUNT; i++) {
        enum isa isa = ISA_COUNT;
        assert_int_equal(isa_parse(isa_name((enum isa)i), &isa), 0);
        assert_int_equal(isa, i);
    }
    enum isa isa = ISA_NEON;
    assert_int_equal(isa_parse("sse9", &isa), -1);
    assert_int_equal(isa_parse("", &isa), -1);
    assert_int_equal(isa, ISA_NEON);
}

static void what_there_is(void **state)
{
    (void)state;
    assert_true(isa_has(ISA_SCALAR));
    assert_true(isa_has(isa_best()));
    for (int i = (int)isa_best() + 1; i < ISA_COUNT; i++)
        assert_false(isa_has((enum isa)i));
    assert_false(isa_has(ISA_AVX2) && isa_has(ISA_NEON));
    assert_true(!isa_has(ISA_AVX512) || isa_has(ISA_AVX2)); /* a ladder has no missing rung */
    assert_true(!isa_has(ISA_AVX512VNNI) || isa_has(ISA_AVX512));
    assert_true(!isa_has(ISA_DOTPROD) || isa_has(ISA_NEON));
    assert_true(!isa_has(ISA_I8MM) || isa_has(ISA_DOTPROD));
}

/* At every level each kernel is the one of the nearest level at or below that has it. */
static void ladder(void **state)
{
    (void)state;
    for (int i = 0; formats[i]; i++) {
        const struct format *f = formats[i];
        struct format_kernels expected = f->isa[ISA_SCALAR];
        assert_non_null(expected.matvec_f32);
        assert_non_null(expected.vecmat);
        assert_non_null(expected.unpack_f32);
        assert_true((f->act == ACT_F32) == (expected.matvec_act == NULL));
        assert_true((f->act == ACT_Q8) == (expected.unpack_q8 != NULL));
        for (int isa = ISA_SCALAR; isa < ISA_COUNT; isa++) {
            struct format_kernels got = format_kernels(f, (enum isa)isa);
            if (f->isa[isa].matvec_f32)
                expected.matvec_f32 = f->isa[isa].matvec_f32;
            if (f->isa[isa].matvec_act)
                expected.matvec_act = f->isa[isa].matvec_act;
            assert_true(f->isa[isa].few <= FEW_COLUMNS && (f->isa[isa].few > 1) == (f->isa[isa].few_act != NULL));
            if (f->isa[isa].few_act) {
                expected.few_act = f->isa[isa].few_act;
                expected.few = f->isa[isa].few;
            }
            if (f->isa[isa].vecmat)
                expected.vecmat = f->isa[isa].vecmat;
            if (f->isa[isa].scores_f32)
                expected.scores_f32 = f->isa[isa].scores_f32;
            if (f->isa[isa].scores_act)
                expected.scores_act = f->isa[isa].scores_act;
            if (f->isa[isa].mix)
                expected.mix = f->isa[isa].mix;
            if (f->isa[isa].mix_act)
                expected.mix_act = f->isa[isa].mix_act;
            if (f->isa[isa].store)
                expected.store = f->isa[isa].store;
            if (f->isa[isa].unpack_f32)
                expected.unpack_f32 = f->isa[isa].unpack_f32;
            if (f->isa[isa].unpack_q8)
                expected.unpack_q8 = f->isa[isa].unpack_q8;
            assert_memory_equal(&got, &expected, sizeof got);
            assert_non_null(ops_at((enum isa)isa));
        }
    }
}

/* The value of fp16 bits by its definition, in float64. */
static double half_value(unsigned h)
{
    int exponent = h >> 10 & 31, mantissa = h & 1023;
    double v = exponent == 31 ? mantissa ? NAN : INFINITY
               : exponent     ? ldexp(1024 + mantissa, exponent - 25)
                              : ldexp(mantissa, -24);
    return h & 0x8000 ? -v : v;
}

static void every_half(void **state)
{
    (void)state;
    for (unsigned h = 0; h < 65536; h++) {
        float f = half_to_float((uint16_t)h);
        double v = half_value(h);
        if (isnan(v)) {
            assert_true(isnan(f));
            assert_int_equal(float_to_half(f), h | 0x200); /* a NaN comes back quiet, payload and sign kept */
            continue;
        }
        assert_true((double)f == v && !signbit(f) == !(h & 0x8000));
        assert_int_equal(float_to_half(f), h);
    }
}

/* Between two neighbours: just below the middle, the middle (to the even one), just above. */
static void every_half_rounds(void **state)
{
    (void)state;
    for (unsigned h = 0; h < 0x7c00; h++) {
        double next = h == 0x7bff ? 65536 : half_value(h + 1);
        float middle = (float)((half_value(h) + next) / 2);
        unsigned even = h & 1 ? h + 1 : h;
        assert_int_equal(float_to_half(nextafterf(middle, 0)), h);
        assert_int_equal(float_to_half(middle), even);
        assert_int_equal(float_to_half(nextafterf(middle, INFINITY)), h + 1);
        assert_int_equal(float_to_half(-middle), even | 0x8000);
    }
    assert_int_equal(float_to_half(FLT_MAX), 0x7c00);
    assert_int_equal(float_to_half(-INFINITY), 0xfc00);
    assert_int_equal(float_to_half(FLT_TRUE_MIN), 0);
}

static void every_bf16(void **state)
{
    (void)state;
    for (unsigned b = 0; b < 65536; b++) {
        float f = bf16_to_float((uint16_t)b);
        if (isnan(f)) {
            assert_int_equal(float_to_bf16(f), b | 0x40);
            continue;
        }
        assert_int_equal(float_to_bf16(f), b);
        if ((b & 0x7fff) >= 0x7f7f)
            continue;
        float middle = bits_float((uint32_t)b << 16 | 0x8000);
        assert_int_equal(float_to_bf16(bits_float(float_bits(middle) - 1)), b);
        assert_int_equal(float_to_bf16(middle), b & 1 ? b + 1 : b);
        assert_int_equal(float_to_bf16(bits_float(float_bits(middle) + 1)), b + 1);
    }
}

/* Every instruction set rounds activations to the same bits, and odd groups as act.c says. */
static void activations(void **state)
{
    (void)state;
    enum { GROUPS = 6, K = GROUPS * ACT_GROUP };
    float x[K] = {0};
    struct rng rng;
    rng_seed(&rng, 7);
    for (int i = 0; i < ACT_GROUP; i++) {
        x[i] = i ? (float)i - 15.5f : -127;             /* group 0: all ties; 1: zero */
        x[2 * ACT_GROUP + i] = (float)rng_normal(&rng); /* 2: an infinity; 3: a NaN; 4: too small; 5: ordinary */
        x[3 * ACT_GROUP + i] = (float)rng_normal(&rng);
        x[4 * ACT_GROUP + i] = i % 2 ? 1e-40f : -3e-41f;
        x[5 * ACT_GROUP + i] = (float)rng_normal(&rng);
    }
    x[2 * ACT_GROUP + 9] = -INFINITY;
    x[3 * ACT_GROUP + 31] = NAN;
    for (int isa = 0; isa < ISA_COUNT; isa++) {
        if (!isa_has((enum isa)isa))
            continue;
        _Alignas(64) uint8_t room[K * 2];
        struct act a;
        assert_true(act_bytes(ACT_Q8, 1, K) <= sizeof room);
        act_fill(&a, ACT_Q8, x, 1, K, ACT_GROUP, room, (enum isa)isa);
        assert_int_equal(a.kind, ACT_Q8);
        assert_true(a.d[0] == 1);
        assert_int_equal(a.q[0], -127);
        for (int i = 1; i < ACT_GROUP; i++)
            assert_int_equal(a.q[i], (int)nearbyint((double)i - 15.5)); /* ties to even */
        assert_true(a.d[1] == 0 && a.sum[2] == 0 && a.sum[3] == 0 && a.q[ACT_GROUP] == 0);
        assert_true(isnan(a.d[2]) && a.sum[4] == 0 && a.sum[5] == 0 && a.q[2 * ACT_GROUP] == 0);
        assert_true(isnan(a.d[3]) && a.sum[6] == 0 && a.sum[7] == 0 && a.q[3 * ACT_GROUP + 31] == 0);
        assert_true(a.d[4] == 0 && a.sum[8] == 0 && a.sum[9] == 0);
        float max = 0;
        int sum[2] = {0};
        for (int i = 5 * ACT_GROUP; i < K; i++) {
            max = fabsf(x[i]) > max ? fabsf(x[i]) : max;
            sum[i / SUM_GROUP % 2] += a.q[i];
            assert_true(fabsf(x[i] - a.d[5] * a.q[i]) <= a.d[5] * 0.50001f);
        }
        assert_true(a.d[5] == max / 127);
        assert_int_equal(a.sum[10], sum[0]);
        assert_int_equal(a.sum[11], sum[1]);
        act_fill(&a, ACT_F32, x, 1, K, ACT_RUN, NULL, (enum isa)isa);
        assert_ptr_equal(a.f32, x);
        assert_int_equal(act_bytes(ACT_F32, 1, K), 0);
    }
}

/* Int8 with a scale for a column: the largest magnitude of the whole column counts, whatever its groups hold. */
static void activations_of_a_token(void **state)
{
    (void)state;
    enum { N = 4, GROUPS = 5, K = GROUPS * ACT_GROUP };
    static const float factor[N] = {0.01f, 3000, 1e-41f, 1};
    float x[N * K];
    struct rng rng;
    rng_seed(&rng, 11);
    for (int i = 0; i < N * K; i++)
        x[i] = (float)rng_normal(&rng) * factor[i / K] * (float)(1 + i / ACT_GROUP % GROUPS);
    x[3 * K + 70] = NAN; /* spoils all groups of its column, and no other column */
    for (int isa = 0; isa < ISA_COUNT; isa++) {
        _Alignas(64) uint8_t room[N * K * 2], alone[K * 2];
        struct act a, one;
        if (!isa_has((enum isa)isa))
            continue;
        assert_true(act_bytes(ACT_Q8, N, K) <= sizeof room);
        act_fill(&a, ACT_Q8, x, N, K, K, room, (enum isa)isa);
        assert_int_equal(a.kind, ACT_Q8);
        assert_int_equal(a.n, N);
        assert_int_equal(a.k, K);
        for (int c = 0; c < N; c++) {
            float max = 0;
            for (int i = c * K; i < (c + 1) * K; i++)
                max = fmaxf(max, fabsf(x[i]));
            const float inverse = c < 2 ? 127 / max : 0;
            int most = 0;
            for (int i = c * K; i < (c + 1) * K; i++) {
                assert_int_equal(a.q[i], (int)nearbyintf(isnan(x[i]) ? 0 : x[i] * inverse));
                most = abs(a.q[i]) > most ? abs(a.q[i]) : most;
            }
            assert_int_equal(most, c < 2 ? 127 : 0);
            for (int g = c * GROUPS; g < (c + 1) * GROUPS; g++) {
                assert_true(c == 3 ? isnan(a.d[g]) : a.d[g] == (c < 2 ? max / 127 : 0));
                for (int half = 0; half < 2; half++) {
                    int sum = 0;
                    for (int i = 0; i < SUM_GROUP; i++)
                        sum += a.q[g * ACT_GROUP + half * SUM_GROUP + i];
                    assert_int_equal(a.sum[2 * g + half], sum);
                }
            }
            act_fill(&one, ACT_Q8, x + c * K, 1, K, K, alone, (enum isa)isa);
            assert_memory_equal(one.q, a.q + c * K, K);
            assert_memory_equal(one.d, a.d + c * GROUPS, GROUPS * sizeof *a.d);
            assert_memory_equal(one.sum, a.sum + 2 * c * GROUPS, 2 * GROUPS * sizeof *a.sum);
        }
        /* A run that is longer than the column is the column; one that does not divide it leaves a shorter one. */
        act_fill(&one, ACT_Q8, x, 1, K, 2 * K, alone, (enum isa)isa);
        act_fill(&a, ACT_Q8, x, 1, K, K, room, (enum isa)isa);
        assert_memory_equal(room, alone, act_bytes(ACT_Q8, 1, K));
        act_fill(&a, ACT_Q8, x, 2, K, 3 * ACT_GROUP, room, (enum isa)isa);
        for (int c = 0; c < 2; c++) {
            const float *d = a.d + c * GROUPS;
            assert_true(d[0] == d[1] && d[1] == d[2] && d[2] != d[3] && d[3] == d[4]);
        }
    }
}

/* A NaN among the activations reaches the result on every path, however it is computed. */
static void nan_is_seen(void **state)
{
    (void)state;
    enum { ROWS = 3, K = 256, N = 5 };
    for (int i = 0; formats[i]; i++) {
        const struct format *f = formats[i];
        float w[K], x[N * K], y[ROWS * N];
        _Alignas(64) uint8_t bytes[ROWS * K * 4], room[N * K * 4], scratch[8 * PANEL_ROWS * K];
        for (int j = 0; j < K; j++)
            w[j] = (float)(j % 5) - 2;
        memset(bytes, 0x11, sizeof bytes); /* of a format without encoder: any weights */
        for (int r = 0; r < ROWS && f->quantize; r++)
            f->quantize(bytes + (size_t)r * format_row_bytes(f, K), w, K);
        for (int j = 0; j < N * K; j++)
            x[j] = 1;
        x[2 * K + 17] = NAN;
        assert_true(matmul_scratch(f, K) <= sizeof scratch);
        for (int isa = 0; isa < ISA_COUNT; isa++) {
            for (int exact = 0; isa_has((enum isa)isa) && exact < 2; exact++) {
                struct act a;
                act_fill(&a, exact ? ACT_F32 : f->act, x, N, K, ACT_RUN, room, (enum isa)isa);
                matmul(y, ROWS, &(struct matrix){f, bytes, ROWS, K}, &a, 0, ROWS, (enum isa)isa, scratch);
                for (int j = 0; j < ROWS * N; j++)
                    assert_int_equal(isnan(y[j]), j / ROWS == 2);
            }
        }
    }
}

/* exp, which softmax and the gate share, against float64 over its whole range: within 2 units in the last place, plus one
 * rounding each for the addition and the division that stand between it and what can be seen. */
static void exponential(void **state)
{
    (void)state;
    for (int isa = 0; isa < ISA_COUNT; isa++) {
        if (!isa_has((enum isa)isa))
            continue;
        const struct ops *ops = ops_at((enum isa)isa);
        for (int i = 0; i <= 20000; i++) {
            float x[2] = {0, -(float)i * 87 / 20000};
            double e = exp((double)x[1]), expected = e / (1 + e);
            const float sum = ops->softmax(x, 2);
            assert_true(fabs((double)(x[1] / sum) - expected) <= 3.5 * (double)FLT_EPSILON * expected);
        }
        float gate[4] = {-200, 200, NAN, 0}, up[4] = {1, 1, 1, 1};
        ops->silu_gate(gate, gate, up, 4);
        assert_true(gate[0] == 0 && gate[1] == 200 && isnan(gate[2]) && gate[3] == 0);
        float x[3] = {-INFINITY, 1000, 1000};
        assert_true(ops->softmax(x, 3) == 2);
        assert_true(x[0] == 0 && x[1] == 1 && x[2] == 1);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names),       cmocka_unit_test(what_there_is),          cmocka_unit_test(ladder),
        cmocka_unit_test(every_half),  cmocka_unit_test(every_half_rounds),      cmocka_unit_test(every_bf16),
        cmocka_unit_test(activations), cmocka_unit_test(activations_of_a_token), cmocka_unit_test(nan_is_seen),
        cmocka_unit_test(exponential),
    };
    return cmocka_run_group_tests_name("kernels_isa", tests, NULL, NULL);
}
