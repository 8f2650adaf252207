/* Attention over a cache in pieces, of several heads and of several tokens at once gives, on the exact path, the bits of one query
 * over a cache in one; and soft caps are what they are said to be. */
/* SPDX-License-Identifier: MIT */
#include "tests/test.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/rng.h"
#include "kernels/kv.h"

enum { DIM = 64, ROWS = 40, HEADS = 8, TOKENS = 20 };

struct head {
    struct kv_layout l;
    uint8_t *k, *v;
    float kf[ROWS][DIM], vf[ROWS][DIM]; /* as the cache holds them */
    float q[TOKENS][HEADS][DIM];
    void *scratch;
};

static void fill(struct head *h, const struct format *f)
{
    struct rng r;
    rng_seed(&r, 4);
    assert_int_equal(kv_layout(&h->l, f, f, 1, 1, DIM, ROWS), 0);
    h->k = malloc(h->l.k_bytes);
    h->v = malloc(h->l.v_bytes);
    h->scratch = aligned_alloc(64, (attention_scratch(&h->l, HEADS, TOKENS) + 63) / 64 * 64 * 2); /* of any number of heads */
    assert_true(h->k && h->v && h->scratch);
    for (int i = 0; i < ROWS; i++) {
        for (int j = 0; j < DIM; j++) {
            h->kf[i][j] = (float)rng_normal(&r);
            h->vf[i][j] = (float)rng_normal(&r);
        }
        f->quantize(kv_k(&h->l, h->k, 0, 0, i), h->kf[i], DIM);
        f->quantize(kv_v(&h->l, h->v, 0, 0, i), h->vf[i], DIM);
        f->dequantize(h->kf[i], kv_k(&h->l, h->k, 0, 0, i), DIM);
        f->dequantize(h->vf[i], kv_v(&h->l, h->v, 0, 0, i), DIM);
    }
    for (int t = 0; t < TOKENS; t++)
        for (int i = 0; i < HEADS; i++)
            for (int j = 0; j < DIM; j++)
                h->q[t][i][j] = (float)rng_normal(&r);
}

static struct attention over(const struct head *h, int heads, float scale, float cap, int exact, enum isa isa)
{
    return (struct attention){.layout = &h->l,
                              .k_rows = h->k,
                              .v_rows = h->v,
                              .heads = heads,
                              .stride = (size_t)HEADS * DIM,
                              .scale = scale,
                              .cap = cap,
                              .exact = exact,
                              .isa = isa};
}

static void release(struct head *h)
{
    free(h->k), free(h->v), free(h->scratch);
}

/* Rows a .. b of the cache, moved to where a ring that begins at `at` would have them. */
static void rotate(const struct head *h, struct head *ring, int at)
{
    for (int i = 0; i < ROWS; i++) {
        int to = (at + i) % ROWS;
        memcpy(kv_k(&ring->l, ring->k, 0, 0, to), kv_k(&h->l, h->k, 0, 0, i), h->l.k_row);
        memcpy(kv_v(&ring->l, ring->v, 0, 0, to), kv_v(&h->l, h->v, 0, 0, i), h->l.v_row);
    }
}

static void pieces_give_the_same_bits(void **state)
{
    (void)state;
    static struct head h, ring;
    for (int i = 0; formats[i]; i++) {
        const struct format *f = formats[i];
        if (!f->isa[ISA_SCALAR].vecmat || !f->quantize || !format_row_bytes(f, DIM))
            continue;
        fill(&h, f);
        fill(&ring, f);
        for (int exact = 0; exact < 2; exact++)
            for (int at = 0; at < ROWS; at += 13)
                for (int isa = 0; isa < ISA_COUNT; isa++) {
                    float want[DIM], got[DIM];
                    const struct kv_view one = {1, {{0, ROWS}}};
                    const struct kv_view parts = {3, {{at, 1}, {at + 1, ROWS - at - 1}, {0, at}}};
                    if (!isa_has((enum isa)isa))
                        continue;
                    rotate(&h, &ring, at);
                    const struct attention a = over(&h, 1, 0.125f, 5, exact, (enum isa)isa);
                    const struct attention b = over(&ring, 1, 0.125f, 5, exact, (enum isa)isa);
                    attention(want, h.q[0][0], &a, &one, 1, h.scratch);
                    attention(got, h.q[0][0], &b, &parts, 1, ring.scratch);
                    for (int j = 0; j < DIM; j++)
                        if (exact ? memcmp(got + j, want + j, sizeof *got) != 0 : !(fabsf(got[j] - want[j]) < 1e-5f))
                            fail_msg("%s, exact %d, ring at %d, %s, element %d: %.9g, not %.9g", f->name, exact, at,
                                     isa_name((enum isa)isa), j, (double)got[j], (double)want[j]);
                }
        release(&h);
        release(&ring);
    }
}

/* Against softmax(cap * tanh(scale * K q / cap)) V in double precision, over rows 3 .. 12 and 20 .. 39. */
static void caps_and_views_are_the_definition(void **state)
{
    (void)state;
    static struct head h;
    static const double caps[] = {0, 1.5, 50};
    const struct kv_view view = {2, {{3, 10}, {20, 20}}};
    fill(&h, format_by_name("f32"));
    for (size_t i = 0; i < 3; i++) {
        double p[ROWS] = {0}, sum = 0;
        float got[DIM];
        const struct attention a = over(&h, 1, 0.5f, (float)caps[i], 1, isa_best());
        attention(got, h.q[0][0], &a, &view, 1, h.scratch);
        for (int r = 3; r < ROWS; r += r == 12 ? 8 : 1) {
            for (int j = 0; j < DIM; j++)
                p[r] += 0.5 * (double)h.q[0][0][j] * (double)h.kf[r][j];
            if (caps[i] > 0)
                p[r] = caps[i] * tanh(p[r] / caps[i]);
            sum += p[r] = exp(p[r]);
        }
        for (int j = 0; j < DIM; j++) {
            double want = 0;
            for (int r = 3; r < ROWS; r += r == 12 ? 8 : 1)
                want += p[r] / sum * (double)h.vf[r][j];
            assert_true(fabs((double)got[j] - want) < 2e-5);
        }
    }
    release(&h);
}

/* What token t of a batch sees in a ring of ROWS rows whose first `sinks` stay: a window that slides by one each token. */
static struct kv_view slid(int sinks, int window, int t)
{
    const int ring = ROWS - sinks, first = (t + 3) % ring, to_end = ring - first < window ? ring - first : window;
    struct kv_view v = {0};
    if (sinks)
        v.span[v.n++] = (struct kv_span){0, sinks};
    v.span[v.n++] = (struct kv_span){sinks + first, to_end};
    if (to_end < window)
        v.span[v.n++] = (struct kv_span){sinks, window - to_end};
    return v;
}

static struct kv_view causal(int t)
{
    return (struct kv_view){1, {{0, ROWS - TOKENS + t + 1}}};
}

static void groups_give_the_bits_of_one(void **state)
{
    (void)state;
    static struct head h;
    static const char *const names[] = {"f32", "f16", "bf16", "q8_0", "q4_0"};
    static float got[TOKENS][HEADS][DIM];
    for (size_t f = 0; f < sizeof names / sizeof *names; f++) {
        fill(&h, format_by_name(names[f]));
        for (int isa = 0; isa < ISA_COUNT; isa++)
            for (int heads = 1; isa_has((enum isa)isa) && heads <= HEADS; heads++)
                for (int kind = 0; kind < 3; kind++) {
                    const struct attention all = over(&h, heads, 0.125f, 0, 1, (enum isa)isa);
                    const struct attention one = over(&h, 1, 0.125f, 0, 1, ISA_SCALAR);
                    struct kv_view view[TOKENS];
                    for (int t = 0; t < TOKENS; t++)
                        view[t] = kind == 0 ? causal(t) : slid(kind == 1 ? 0 : 4, 17, t);
                    memset(got, 0, sizeof got);
                    attention(got[0][0], h.q[0][0], &all, view, TOKENS, h.scratch);
                    for (int t = 0; t < TOKENS; t++)
                        for (int i = 0; i < heads; i++) {
                            float want[DIM];
                            attention(want, h.q[t][i], &one, &view[t], 1, h.scratch);
                            if (memcmp(got[t][i], want, sizeof want) != 0)
                                fail_msg("%s, %s, %d heads, views of kind %d: token %d, head %d differs", names[f],
                                         isa_name((enum isa)isa), heads, kind, t, i);
                        }
                }
        release(&h);
    }
}

static struct kv_view window(int t)
{
    const int end = ROWS - TOKENS + t + 1;
    return (struct kv_view){1, {{end - 17, 17}}};
}

/* Many queries, one to a lane: near the exact path, and the same bits on every instruction set and in whatever company, so that
 * they depend neither on the machine nor on how threads share the heads. */
static void many_are_near_and_each_for_itself(void **state)
{
    (void)state;
    static struct head h;
    static const char *const names[] = {"f32", "f16", "bf16", "q8_0", "q4_0", "iq4_nl"};
    static float got[TOKENS][HEADS][DIM];
    for (size_t f = 0; f < sizeof names / sizeof *names; f++) {
        fill(&h, format_by_name(names[f]));
        for (int isa = 0; isa < ISA_COUNT; isa++)
            for (int heads = 1; isa_has((enum isa)isa) && heads <= HEADS; heads++)
                for (int kind = 0; kind < 3; kind++) {
                    struct attention all = over(&h, heads, 0.125f, kind == 1 ? 5 : 0, 0, (enum isa)isa);
                    struct attention one = over(&h, 1, 0.125f, all.cap, 0, ISA_SCALAR), exact = one;
                    struct kv_view view[TOKENS];
                    all.many = one.many = exact.exact = 1;
                    for (int t = 0; t < TOKENS; t++)
                        view[t] = kind == 0   ? causal(t)
                                  : kind == 1 ? window(t)
                                              : slid(4, 17, t); /* the last is not in one piece */
                    memset(got, 0, sizeof got);
                    attention(got[0][0], h.q[0][0], &all, view, TOKENS, h.scratch);
                    for (int t = 0; t < TOKENS; t++)
                        for (int i = 0; i < heads; i++) {
                            float want[DIM], near[DIM];
                            const char *isa_text = isa_name((enum isa)isa);
                            attention(want, h.q[t][i], &one, &view[t], 1, h.scratch);
                            attention(near, h.q[t][i], &exact, &view[t], 1, h.scratch);
                            for (int j = 0; kind < 2 && j < DIM; j++)
                                if (!(fabsf(got[t][i][j] - near[j]) < 1e-5f))
                                    fail_msg(
                                        "%s, %s, %d heads, views of kind %d: token %d, head %d, element %d: %.9g, exact %.9g",
                                        names[f], isa_text, heads, kind, t, i, j, (double)got[t][i][j], (double)near[j]);
                            if (kind < 2 && memcmp(got[t][i], want, sizeof want) != 0)
                                fail_msg("%s, %s, %d heads, views of kind %d: token %d, head %d is not what it is alone",
                                         names[f], isa_text, heads, kind, t, i);
                            if (kind == 2 && !isfinite(got[t][i][0]))
                                fail_msg("%s, %s: views in pieces give %.9g", names[f], isa_text, (double)got[t][i][0]);
                        }
                }
        release(&h);
    }
}

/* What is not a number, in K and in V, reaches those that see its row and nobody else. */
static void a_nan_stays_with_those_that_see_it(void **state)
{
    (void)state;
    static struct head h;
    static float got[TOKENS][HEADS][DIM];
    fill(&h, format_by_name("f32"));
    for (int kind = 0; kind < 2; kind++)
        for (int row = ROWS - TOKENS - 3; row < ROWS; row += 4)
            for (int in_v = 0; in_v < 2; in_v++) {
                struct attention a = over(&h, 3, 0.125f, 0, 0, isa_best());
                struct kv_view view[TOKENS];
                float *bad = (float *)(void *)(in_v ? kv_v(&h.l, h.v, 0, 0, row) : kv_k(&h.l, h.k, 0, 0, row)), was = bad[5];
                a.many = 1;
                for (int t = 0; t < TOKENS; t++)
                    view[t] = kind ? window(t) : causal(t);
                bad[5] = NAN;
                attention(got[0][0], h.q[0][0], &a, view, TOKENS, h.scratch);
                bad[5] = was;
                for (int t = 0; t < TOKENS; t++) {
                    const struct kv_span *seen = &view[t].span[0];
                    const int sees = row >= seen->row && row < seen->row + seen->n;
                    for (int i = 0; i < 3; i++)
                        if (!isnan(got[t][i][5]) != !sees)
                            fail_msg("%s, row %d, views of kind %d: token %d, which %s it, has %g", in_v ? "V" : "K", row, kind,
                                     t, sees ? "sees" : "does not see", (double)got[t][i][5]);
                }
            }
    release(&h);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pieces_give_the_same_bits),         cmocka_unit_test(groups_give_the_bits_of_one),
        cmocka_unit_test(many_are_near_and_each_for_itself), cmocka_unit_test(a_nan_stays_with_those_that_see_it),
        cmocka_unit_test(caps_and_views_are_the_definition),
    };
    return cmocka_run_group_tests_name("kernels_kv", tests, NULL, NULL);
}
