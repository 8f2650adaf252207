/* Attention over a cache in pieces gives, on the exact path, the bits of a cache in one; and soft caps are what they are said to be. */
/* SPDX-License-Identifier: MIT */
#include "tests/test.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/rng.h"
#include "kernels/kv.h"

enum { DIM = 64, ROWS = 40 };

struct head {
    struct kv_layout l;
    uint8_t *k, *v;
    float kf[ROWS][DIM], vf[ROWS][DIM], q[DIM]; /* as the cache holds them */
    void *scratch;
};

static void fill(struct head *h, const struct format *f)
{
    struct rng r;
    rng_seed(&r, 4);
    assert_int_equal(kv_layout(&h->l, f, f, 1, 1, DIM, ROWS), 0);
    h->k = malloc(h->l.k_bytes);
    h->v = malloc(h->l.v_bytes);
    h->scratch = aligned_alloc(64, (attention_scratch(&h->l) + 63) / 64 * 64);
    assert_true(h->k && h->v && h->scratch);
    for (int i = 0; i < ROWS; i++) {
        for (int j = 0; j < DIM; j++) {
            h->kf[i][j] = (float)rng_normal(&r);
            h->vf[i][j] = (float)rng_normal(&r);
            h->q[j] = (float)rng_normal(&r);
        }
        f->quantize(kv_k(&h->l, h->k, 0, 0, i), h->kf[i], DIM);
        f->quantize(kv_v(&h->l, h->v, 0, 0, i), h->vf[i], DIM);
        f->dequantize(h->kf[i], kv_k(&h->l, h->k, 0, 0, i), DIM);
        f->dequantize(h->vf[i], kv_v(&h->l, h->v, 0, 0, i), DIM);
    }
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
                    attention(want, h.q, &h.l, h.k, h.v, &one, 0.125f, 5, exact, (enum isa)isa, h.scratch);
                    attention(got, h.q, &ring.l, ring.k, ring.v, &parts, 0.125f, 5, exact, (enum isa)isa, ring.scratch);
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
        attention(got, h.q, &h.l, h.k, h.v, &view, 0.5f, (float)caps[i], 1, isa_best(), h.scratch);
        for (int r = 3; r < ROWS; r += r == 12 ? 8 : 1) {
            for (int j = 0; j < DIM; j++)
                p[r] += 0.5 * (double)h.q[j] * (double)h.kf[r][j];
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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pieces_give_the_same_bits),
        cmocka_unit_test(caps_and_views_are_the_definition),
    };
    return cmocka_run_group_tests_name("kernels_kv", tests, NULL, NULL);
}
